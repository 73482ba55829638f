package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

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
	out, err := contract(t, startUp(t, "--no-reload").url)
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
	out, err := contract(t, startUp(t, "--no-reload", "--app", app).url)
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
