package deploy

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/orderflow-cdk/orderflow/internal/node"
)

// project is a folder to call the CDK's command line in: this repository's cdk.json, with the app next door in place of
// infra, and without the build of the functions, which were built for this machine before.
type project struct {
	root   string // the repository
	folder string
	cdk    string // executable
	app    string // executable
	dist   string // functions
}

// architecture is what Lambda calls this machine's processor.
func architecture() string {
	if runtime.GOARCH == "arm64" {
		return "arm64"
	}
	return "x86_64"
}

// newProject builds app and functions.
func newProject(t *testing.T, folder string) *project {
	t.Helper()
	root, err := filepath.Abs(filepath.Join("..", ".."))
	if err != nil {
		t.Fatal(err)
	}
	if err := node.Check(t.Context()); err != nil {
		t.Skip("nothing can be deployed: ", err)
	}
	p := &project{
		root:   root,
		folder: folder,
		cdk:    filepath.Join(root, "node_modules", ".bin", "cdk"),
		app:    filepath.Join(folder, "app"),
		dist:   filepath.Join(folder, "dist"),
	}
	if _, err := os.Stat(p.cdk); err != nil {
		t.Skip("nothing can be deployed: the CDK's command line is not installed (npm ci)")
	}
	lookAt(t, root)
	var settings map[string]any
	b, err := os.ReadFile(filepath.Join(root, "cdk.json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, &settings); err != nil {
		t.Fatalf("cdk.json: %v", err)
	}
	delete(settings, "build")
	delete(settings, "app")
	if b, err = json.Marshal(settings); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(folder, "cdk.json"), b, 0o644); err != nil {
		t.Fatal(err)
	}
	return p
}

// lookAt looks at all that is built and deployed. go test remembers which files a test looked at, and repeats its result
// until one of them changes; what other programs read it does not know of.
func lookAt(t *testing.T, root string) {
	t.Helper()
	for _, folder := range []string{"cmd/build-functions", "constructs", "event", "functions", "infra", "internal", "webhook", "test/deploy", "go.mod", "package.json"} {
		err := filepath.WalkDir(filepath.Join(root, folder), func(path string, d fs.DirEntry, err error) error {
			if err == nil && d.Name() == ".python" {
				return filepath.SkipDir
			}
			if err == nil {
				_, err = os.Stat(path)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

// build compiles the app and the functions.
func (p *project) build(l *log) {
	l.t.Helper()
	for _, args := range [][]string{
		{"build", "-o", p.app, "./test/deploy/app"},
		{"run", "./cmd/build-functions", "-arch", architecture(), "-out", p.dist},
	} {
		started := time.Now()
		cmd := exec.CommandContext(l.t.Context(), "go", args...)
		cmd.Dir = p.root
		if out, err := cmd.CombinedOutput(); err != nil {
			l.t.Fatalf("go %s: %v\n%s", strings.Join(args, " "), err, out)
		}
		l.printf("$ go %s  (%s)", strings.ReplaceAll(strings.Join(args, " "), p.folder, "."), since(started))
	}
}

// run calls the CDK's command line against the emulator and returns what it printed. The flags are the app's; "" for a
// command without an app.
func (p *project) run(l *log, e *emulator, flags string, args ...string) (string, error) {
	l.t.Helper()
	started := time.Now()
	shown := "cdk " + strings.Join(args, " ")
	if flags != "" {
		args = append(args, "--app", fmt.Sprintf("%s -assets %s %s", p.app, p.dist, flags))
		shown += fmt.Sprintf(" --app './app %s'", flags)
	}
	args = append(args, "--no-notices", "--no-color", "--ci", "--progress", "events")
	cmd := exec.CommandContext(l.t.Context(), p.cdk, args...)
	cmd.Dir = p.folder
	cmd.Env = append(e.environ, "CI=true", "CDK_HOME="+filepath.Join(p.folder, "home"), "CDK_DISABLE_CLI_TELEMETRY=true",
		"CDK_VALIDATION=false", "JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION=20")
	out, err := cmd.CombinedOutput()
	l.printf("$ %s  (%s)", strings.ReplaceAll(shown, p.folder+"/", ""), since(started))
	return string(out), err
}

// must is run of what has to succeed.
func (p *project) must(l *log, e *emulator, flags string, args ...string) string {
	l.t.Helper()
	out, err := p.run(l, e, flags, args...)
	if err != nil {
		l.t.Fatalf("cdk %s: %v\n%s\n--- the emulator's last lines\n%s", args[0], err, out, e.lastLines(20))
	}
	return out
}

// log is the account of the deployment that the test prints.
type log struct {
	t       *testing.T
	started time.Time
	steps   int
}

func (l *log) step(title string) {
	l.steps++
	fmt.Fprintf(l.t.Output(), "\n== %d. %s (at %s)\n", l.steps, title, since(l.started))
}

func (l *log) printf(format string, args ...any) {
	fmt.Fprintf(l.t.Output(), "   "+format+"\n", args...)
}

// each prints the lines of an output that have all the words.
func (l *log) each(output string, words ...string) {
	for line := range strings.Lines(output) {
		if !slices.ContainsFunc(words, func(w string) bool { return !strings.Contains(line, w) }) {
			l.printf("%s", strings.TrimSpace(line))
		}
	}
}

func since(t time.Time) time.Duration { return time.Since(t).Round(100 * time.Millisecond) }
