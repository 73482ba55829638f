// Package snapshot holds the CloudFormation templates of the reference app as
// they were last synthesized, so that they can be read and run without Node
// and without compiling the CDK. Hashes of assets read "ASSET" in them.
//
// The tests in test/ hold them equal to a fresh synthesis; to rewrite them:
//
//	go test ./test -update
package snapshot

import (
	"embed"
	"fmt"
	"slices"
	"strings"
)

//go:embed *.template.json
var files embed.FS

const (
	prefix = "orderflow-"
	suffix = ".template.json"
)

// Environments returns the names of the environments, sorted.
func Environments() []string {
	entries, err := files.ReadDir(".")
	if err != nil {
		panic(fmt.Sprintf("snapshot: %v", err)) // The folder is part of the program.
	}
	var names []string
	for _, e := range entries {
		names = append(names, strings.TrimSuffix(strings.TrimPrefix(e.Name(), prefix), suffix))
	}
	slices.Sort(names)
	return names
}

// Template returns the template of an environment's stack.
func Template(environment string) ([]byte, error) {
	b, err := files.ReadFile(prefix + environment + suffix)
	if err != nil {
		return nil, fmt.Errorf("there is no environment %q: it must be one of %s", environment, strings.Join(Environments(), ", "))
	}
	return b, nil
}
