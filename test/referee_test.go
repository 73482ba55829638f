package test

import (
	"os/exec"
	"path/filepath"
	"testing"
)

// TestTemplatesWithCfnLint holds every committed template against cfn-lint (a
// Python package), which knows the schemas of all resource types.
func TestTemplatesWithCfnLint(t *testing.T) {
	lint, err := exec.LookPath("cfn-lint")
	if err != nil {
		t.Skip("cfn-lint is not installed; pip install cfn-lint")
	}
	templates, err := filepath.Glob("../internal/snapshot/*.template.json")
	if err != nil || len(templates) != 3 {
		t.Fatalf("%d templates, %v", len(templates), err)
	}
	if out, err := exec.Command(lint, templates...).CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}
