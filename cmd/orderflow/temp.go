package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// tempFolder makes a temporary folder of this process, and removes those of processes that were killed: what is built
// for a run is some 90 MB.
func tempFolder(kind string) (string, error) {
	prefix := "orderflow-" + kind + "-"
	left, _ := filepath.Glob(filepath.Join(os.TempDir(), prefix+"*-*")) // the pattern is well-formed
	for _, folder := range left {
		pid, _, _ := strings.Cut(strings.TrimPrefix(filepath.Base(folder), prefix), "-")
		if n, err := strconv.Atoi(pid); err == nil && n > 0 && gone(n) {
			_ = os.RemoveAll(folder) // somebody else's cannot be removed
		}
	}
	return os.MkdirTemp("", fmt.Sprintf("%s%d-", prefix, os.Getpid()))
}
