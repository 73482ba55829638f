package test

import (
	"os/exec"
	"strings"
	"testing"
)

// TestFunctionsAndTheCommandLineDoNotImportTheCDK: one constant taken from
// a construct's package would double a function's size.
func TestFunctionsAndTheCommandLineDoNotImportTheCDK(t *testing.T) {
	for _, pattern := range []string{"./functions/...", "./cmd/...", "./local/...", "./constructs/orderworkflow/asl", "./constructs/record", "./internal/...", "./client/...", "./webhook", "./event"} {
		var packages []string
		for _, p := range goList(t, pattern) {
			if !strings.HasSuffix(p, "/local/localcdk") { // which is there to import it
				packages = append(packages, p)
			}
		}
		deps := goList(t, append([]string{"-deps"}, packages...)...)
		if len(deps) == 0 {
			t.Errorf("%s names no packages", pattern)
		}
		for _, dep := range deps {
			for _, forbidden := range []string{"github.com/aws/jsii-runtime-go", "github.com/aws/aws-cdk-go", "github.com/aws/constructs-go"} {
				if strings.HasPrefix(dep, forbidden) {
					t.Errorf("%s imports %s", pattern, dep)
				}
			}
		}
	}
}

// goList is what go list prints.
func goList(t *testing.T, arguments ...string) []string {
	t.Helper()
	cmd := exec.Command("go", append([]string{"list"}, arguments...)...)
	cmd.Dir = ".."
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list %v: %v", arguments, err)
	}
	return strings.Fields(string(out))
}
