// Package functions holds what is true of all functions.
package functions_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/orderflow-cdk/orderflow/internal/handler"
)

// There is a main for every handler and a handler for every main, by the same name.
func TestFoldersAreTheRegistry(t *testing.T) {
	var want, got []string
	for _, f := range handler.Functions() {
		want = append(want, f.Name)
	}
	mains, err := filepath.Glob("*/main.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range mains {
		name := filepath.Dir(m)
		got = append(got, name)
		b, err := os.ReadFile(m)
		if err != nil {
			t.Fatal(err)
		}
		if call := "handler.new" + name + ")"; !strings.Contains(strings.ToLower(string(b)), call) {
			t.Errorf("%s lacks %s, in whatever case", m, call)
		}
		if n := strings.Count(string(b), "\n"); n > 25 {
			t.Errorf("%s has %d lines, at most 25 are meant", m, n)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-registry +folders)\n%s", diff)
	}
}

// A handler that imports the CDK, for a constant even, is twice as large and
// starts more slowly.
func TestFunctionsDoNotImportTheCDK(t *testing.T) {
	cmd := exec.Command("go", "list", "-deps", "-tags=lambda.norpc", "./...")
	cmd.Env = append(os.Environ(), "GOFLAGS=", "GOOS=linux", "GOARCH=arm64", "CGO_ENABLED=0")
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	packages := strings.Fields(string(out))
	if len(packages) < 100 {
		t.Fatalf("only %d packages: is this the list?", len(packages))
	}
	for _, p := range packages {
		for _, bad := range []string{"awscdk", "jsii", "constructs-go", "net/rpc", "orderflow/local", "orderflow/infra"} {
			if strings.Contains(p, bad) {
				t.Errorf("a function depends on %s", p)
			}
		}
	}
}
