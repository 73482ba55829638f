package main

import (
	"debug/elf"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// scriptCommands are what scripts can do besides testscript's own commands.
var scriptCommands = map[string]func(*testscript.TestScript, bool, []string){
	"exports": scriptExports,
	"capture": scriptCapture,
	"foreign": scriptForeign,
	"console": scriptConsole,
	"token":   scriptToken,
}

// printed is a variable as orderflow up prints it for a shell.
var printed = regexp.MustCompile(`((?:ORDERFLOW|AWS)_[A-Z_]+)=(\S+)`)

// scriptPatience is how long a script waits for what happens in the background.
const scriptPatience = 60 * time.Second

// scriptExports is "exports FILE": it waits until orderflow up, whose output goes to
// the file, is up, and sets the variables that it prints.
func scriptExports(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: exports file")
	}
	for deadline := time.Now().Add(scriptPatience); ; time.Sleep(20 * time.Millisecond) {
		text := ts.ReadFile(args[0])
		if strings.Contains(text, "ORDERFLOW_TOKEN=") && strings.HasSuffix(text, "\n\n") {
			for _, m := range printed.FindAllStringSubmatch(text, -1) {
				ts.Setenv(m[1], m[2])
			}
			return
		}
		if time.Now().After(deadline) {
			ts.Fatalf("orderflow up is not up; it printed %q", text)
		}
	}
}

// scriptCapture is "capture VARIABLE FILE REGEXP": it waits until the file, or stdout,
// matches, and sets the variable to the first group.
func scriptCapture(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: capture variable file regexp")
	}
	re, err := regexp.Compile("(?m)" + args[2])
	ts.Check(err)
	for deadline := time.Now().Add(scriptPatience); ; time.Sleep(20 * time.Millisecond) {
		text := ts.ReadFile(args[1])
		if m := re.FindStringSubmatch(text); m != nil {
			ts.Setenv(args[0], m[1])
			return
		}
		if args[1] == "stdout" || args[1] == "stderr" || time.Now().After(deadline) {
			ts.Fatalf("%s has no %s: %q", args[1], args[2], text)
		}
	}
}

// scriptForeign is "foreign FILE": it writes what looks like an executable for a machine that nobody tests on.
func scriptForeign(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: foreign file")
	}
	header := make([]byte, 64)
	copy(header, "\x7fELF\x02\x01\x01")                                          // 64 bits, little-endian
	header[16], header[18], header[20], header[52] = 2, byte(elf.EM_MIPS), 1, 64 // an executable; header's version and size
	file := ts.MkAbs(args[0])
	ts.Check(os.MkdirAll(filepath.Dir(file), 0o755))
	ts.Check(os.WriteFile(file, header, 0o755))
}

// scriptConsole is "console PATH JSON": it asks the console of the orderflow up whose variables are set for something.
func scriptConsole(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: console path json")
	}
	req, err := http.NewRequest(http.MethodPost, ts.Getenv("ORDERFLOW_URL")+"/console/api/"+args[0], strings.NewReader(args[1]))
	ts.Check(err)
	req.Header.Set("X-Console", "script")
	ts.Logf("%s", answerTo(ts, req))
}

// scriptToken is "token TENANT": it signs a user of the tenant in anew, whose token the commands take from then on.
func scriptToken(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: token tenant")
	}
	req, err := http.NewRequest(http.MethodPost, ts.Getenv("ORDERFLOW_URL")+"/-/token?tenant="+args[0], http.NoBody)
	ts.Check(err)
	ts.Setenv("ORDERFLOW_TOKEN", strings.TrimSpace(answerTo(ts, req)))
}

func answerTo(ts *testscript.TestScript, req *http.Request) string {
	resp, err := http.DefaultClient.Do(req)
	ts.Check(err)
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	ts.Check(err)
	if resp.StatusCode != http.StatusOK {
		ts.Fatalf("%s %s: %s: %s", req.Method, req.URL.Path, resp.Status, text)
	}
	return string(text)
}
