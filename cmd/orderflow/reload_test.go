package main

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

// TestSourceTimes: what functions are made of is seen to change, and nothing else.
func TestSourceTimes(t *testing.T) {
	root := t.TempDir()
	at := time.Now().Add(-time.Hour)
	write := func(name string) {
		t.Helper()
		file := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte("package p\n"), 0o644); err != nil {
			t.Fatal(err)
		}
		at = at.Add(time.Second) // file systems need not tell milliseconds apart
		if err := os.Chtimes(file, at, at); err != nil {
			t.Fatal(err)
		}
	}
	write("internal/handler/charge.go")
	write("cmd/tool/main.go")
	s := sourceTimes{root: root}
	s.changed()
	for _, c := range []struct {
		file string
		want bool
	}{
		{"internal/handler/charge.go", true}, {"functions/new/main.go", true}, {"go.mod", true}, {"internal/cmd/x.go", true},
		{"internal/handler/charge_test.go", false}, {"internal/handler/README.md", false}, {"internal/handler/testdata/x.go", false},
		{"cmd/tool/main.go", false}, {"cdk.out/asset.1/x.go", false}, {"local/stack.go", false}, {".git/x.go", false},
	} {
		write(c.file)
		if got := s.changed(); got != c.want {
			t.Errorf("%s was written: %v", c.file, got)
		}
		if s.changed() {
			t.Errorf("%s: it is told twice", c.file)
		}
	}
	if err := os.Remove(filepath.Join(root, "functions/new/main.go")); err != nil {
		t.Fatal(err)
	}
	if !s.changed() {
		t.Error("a file that was deleted is not told")
	}
}

// TestHostCommand: whoever has to build functions is told the command of the project.
func TestHostCommand(t *testing.T) {
	for cdk, want := range map[string]string{
		`{"build":"go tool build-functions example.com/notify"}`: "go tool build-functions -host example.com/notify",
		`{"build":"make"}`: "go run github.com/orderflow-cdk/orderflow/cmd/build-functions -host",
		`{`:                "go run github.com/orderflow-cdk/orderflow/cmd/build-functions -host",
	} {
		folder := t.TempDir()
		if err := os.WriteFile(filepath.Join(folder, "cdk.json"), []byte(cdk), 0o644); err != nil {
			t.Fatal(err)
		}
		if got := hostCommand(folder); got != want {
			t.Errorf("%s: %s, want %s", cdk, got, want)
		}
	}
}
