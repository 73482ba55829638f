package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// startUp runs orderflow up as another process until the test ends, and returns where it is.
func startUp(t *testing.T, args ...string) string {
	t.Helper()
	folder := t.TempDir()
	out, err := os.Create(filepath.Join(folder, "out"))
	if err != nil {
		t.Fatal(err)
	}
	var errors bytes.Buffer
	cmd := command(t, append([]string{"up", "--addr", "127.0.0.1:0", "--no-reload", "--logs", filepath.Join(folder, "logs")}, args...)...)
	cmd.Stdout, cmd.Stderr = out, &errors
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	t.Cleanup(func() {
		_ = cmd.Process.Signal(os.Interrupt) // it may have ended
		<-ended
		_ = out.Close() // it is temporary
	})
	where := regexp.MustCompile(`ORDERFLOW_URL=(\S+)`)
	for deadline := time.Now().Add(scriptPatience); ; time.Sleep(20 * time.Millisecond) {
		text, err := os.ReadFile(out.Name())
		if err != nil {
			t.Fatal(err)
		}
		if m := where.FindSubmatch(text); m != nil {
			return string(m[1])
		}
		if time.Now().After(deadline) {
			t.Fatalf("orderflow up is not up; it printed %q", text)
		}
	}
}

// contract runs the walk through the HTTP contract.
func contract(t *testing.T, base string) (string, error) {
	t.Helper()
	for _, program := range []string{"bash", "curl"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skipf("skipped: %v", err)
		}
	}
	out, err := exec.Command("bash", filepath.Join("..", "..", "test", "contract.sh"), base).CombinedOutput()
	return string(out), err
}

// TestContract walks the whole HTTP contract with nothing but curl.
func TestContract(t *testing.T) {
	t.Parallel()
	out, err := contract(t, startUp(t))
	if err != nil || strings.Contains(out, "MISS") || strings.Count(out, "\nok ") < 25 {
		t.Errorf("%v\n%s", err, out)
	}
	t.Logf("%s", out)
}

// TestContractMissed walks it where statuses are not what they should be: the walk must tell.
func TestContractMissed(t *testing.T) {
	t.Parallel()
	template, err := (&source{Env: "dev"}).template()
	if err != nil {
		t.Fatal(err)
	}
	// An order that the table does not know yet is told as one that was never given.
	broken := bytes.ReplaceAll(template, []byte(`\"QUEUED\"`), []byte(`\"LOST\"`))
	if bytes.Equal(broken, template) {
		t.Fatal("the template has no QUEUED")
	}
	app := t.TempDir()
	if err := os.WriteFile(filepath.Join(app, "orderflow-dev.template.json"), broken, 0o644); err != nil {
		t.Fatal(err)
	}
	out, err := contract(t, startUp(t, "--app", app))
	if err == nil || !strings.Contains(out, "MISS  POST /orders: 202") || !strings.Contains(out, "rows of the contract are missed") {
		t.Errorf("%v\n%s", err, out)
	}
}

func TestContractOfNothing(t *testing.T) {
	t.Parallel()
	out, err := contract(t, "http://127.0.0.1:1")
	if err == nil || !strings.Contains(out, "nothing answers at http://127.0.0.1:1 as orderflow up does") {
		t.Errorf("%v\n%s", err, out)
	}
}
