package main

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestCheckNode(t *testing.T) {
	for _, tt := range []struct{ name, script, want string }{
		{"recent", "echo v24.1.0", ""},
		{"oldest", "echo v20.0.0", ""},
		{"old", "echo v12.22.9", "is v12.22.9"},
		{"broken", "exit 3", "--version fails: exit status 3"},
		{"something else", "echo hello", "is hello"},
		{"missing", "", "there is no "},
	} {
		t.Run(tt.name, func(t *testing.T) {
			node := filepath.Join(t.TempDir(), "node")
			if tt.script != "" {
				if err := os.WriteFile(node, []byte("#!/bin/sh\n"+tt.script+"\n"), 0o755); err != nil {
					t.Fatal(err)
				}
			}
			t.Setenv("JSII_NODE", node)
			err := checkNode(context.Background())
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
