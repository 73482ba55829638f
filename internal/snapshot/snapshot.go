// Package snapshot holds the CloudFormation templates of the reference app as
// they were last synthesized, so that they can be read and run without Node
// and without compiling the CDK. Hashes of code read "ASSET" and "VERSION" in them: see Normalize.
//
// The tests in test/ hold them equal to a fresh synthesis; to rewrite them:
//
//	go test ./test -update
package snapshot

import (
	"embed"
	"fmt"
	"regexp"
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

var (
	assetHash = regexp.MustCompile(`\b[0-9a-f]{64}\.zip\b`)
	// The CDK ends the logical id of a function's version, which is 8 digits of the construct's path, with a hash of
	// what is published: of the code's asset and of the function's settings. So a version is made for each change.
	versionHash = regexp.MustCompile(`(CurrentVersion[0-9A-F]{8})[0-9a-f]{32}\b`)
)

// Normalize takes out of a template what changes with the functions' code alone: the hashes of assets, and those
// of the versions that are published of them.
func Normalize(template []byte) []byte {
	return versionHash.ReplaceAll(assetHash.ReplaceAll(template, []byte("ASSET.zip")), []byte("${1}VERSION"))
}
