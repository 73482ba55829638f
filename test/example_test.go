package test

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"
)

var requirement = regexp.MustCompile(`(?m)^\s*(?:require )?(\S+\.\S+/\S+) (v\S+)`)

// TestExamplesRequireTheSameVersions: an example is built with this module where it lies, and with
// another version of what both require it would be an example of something else. What go finds to be
// out of date it refuses, so that go mod tidy in the example's folder mends it.
func TestExamplesRequireTheSameVersions(t *testing.T) {
	ours := versions(t, filepath.Join("..", "go.mod"))
	examples, err := filepath.Glob("../examples/*/go.mod")
	if err != nil || len(examples) == 0 {
		t.Fatalf("no examples: %v", err)
	}
	for _, file := range examples {
		for module, version := range versions(t, file) {
			if want, both := ours[module]; both && version != want {
				t.Errorf("%s requires %s %s, this module %s", file, module, version, want)
			}
		}
	}
}

func versions(t *testing.T, file string) map[string]string {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]string{}
	for _, m := range requirement.FindAllStringSubmatch(string(b), -1) {
		all[m[1]] = m[2]
	}
	if len(all) < 10 {
		t.Fatalf("%s requires only %v", file, all)
	}
	return all
}
