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
		cmd := exec.Command("go", "list", "-deps", pattern)
		cmd.Dir = ".."
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("go list %s: %v", pattern, err)
		}
		deps := strings.Fields(string(out))
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
