package node_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/orderflow-cdk/orderflow/internal/node"
)

func TestCheck(t *testing.T) {
	for _, tt := range []struct{ name, script, want string }{
		{"recent", "echo v24.1.0", ""},
		{"oldest", "echo v20.0.0", ""},
		{"old", "echo v12.22.9", `says "v12.22.9"`},
		{"broken", "exit 3", "--version fails: exit status 3"},
		{"something else", "echo hello", `says "hello"`},
		{"silent", "exit 0", `says ""`},
		{"missing", "", "there is no "},
	} {
		t.Run(tt.name, func(t *testing.T) {
			program := filepath.Join(t.TempDir(), "node")
			if tt.script != "" {
				if err := os.WriteFile(program, []byte("#!/bin/sh\n"+tt.script+"\n"), 0o755); err != nil {
					t.Fatal(err)
				}
			}
			t.Setenv("JSII_NODE", program)
			err := node.Check(t.Context())
			switch {
			case tt.want == "" && err != nil:
				t.Error(err)
			case tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)):
				t.Errorf("error %v, want it to contain %q", err, tt.want)
			case err != nil && strings.Contains(err.Error(), "\n"):
				t.Errorf("more than one line: %v", err)
			}
		})
	}
}

func TestCheckDoesNotWaitForEver(t *testing.T) {
	if testing.Short() {
		t.Skip("waits for five seconds")
	}
	program := filepath.Join(t.TempDir(), "node")
	if err := os.WriteFile(program, []byte("#!/bin/sh\nexec sleep 60\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("JSII_NODE", program)
	start := time.Now()
	err := node.Check(t.Context())
	if err == nil || !strings.Contains(err.Error(), "does not answer") || time.Since(start) > 20*time.Second {
		t.Errorf("after %s: %v", time.Since(start), err)
	}
}
