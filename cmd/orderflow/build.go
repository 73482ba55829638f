package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/orderflow-cdk/orderflow/local"
)

// modulePath is that of the module whose functions orderflow can build.
const modulePath = "github.com/orderflow-cdk/orderflow"

// errNoSource says that there is nothing to build functions from.
var errNoSource = errors.New("this is no checkout of orderflow: run it there, or take the functions of a synthesized app, --app cdk.out")

// moduleRoot is the folder of orderflow's source that a folder is in.
func moduleRoot(ctx context.Context, folder string) (string, error) {
	cmd := exec.CommandContext(ctx, "go", "list", "-m", "-f", "{{.Path}}\t{{.Dir}}")
	cmd.Dir = folder
	out, err := cmd.Output()
	if err != nil {
		return "", errNoSource
	}
	path, dir, _ := strings.Cut(strings.TrimSpace(string(out)), "\t")
	if path != modulePath {
		return "", errNoSource
	}
	return dir, nil
}

// build builds the app's functions for this machine, to a folder of this run.
func (s *source) build() error {
	root, err := moduleRoot(s.ctx, ".")
	if err != nil {
		return fmt.Errorf("--functions process: %w", err)
	}
	folder, err := tempFolder("functions")
	if err != nil {
		return err
	}
	fmt.Fprintln(os.Stderr, "building the functions for this machine …")
	s.built = folder
	s.bootstraps, err = buildFunctions(s.ctx, root, folder)
	return err
}

// buildFunctions builds the app's functions for this machine and returns their folder, below
// out.
func buildFunctions(ctx context.Context, root, out string) (string, error) {
	cmd := exec.CommandContext(ctx, "go", "run", "./cmd/build-functions", "-host", "-out", out)
	cmd.Dir = root
	asGroup(cmd)
	var messages bytes.Buffer
	cmd.Stdout, cmd.Stderr = &messages, &messages
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("building the functions: %s", strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(messages.String()), "exit status 1"))) // which is go run's
	}
	return filepath.Join(out, local.HostBuild()), nil
}
