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

// moduleRoot is the folder of orderflow's source that the working directory is in.
func moduleRoot(ctx context.Context) (string, error) {
	out, err := exec.CommandContext(ctx, "go", "list", "-m", "-f", "{{.Path}}\t{{.Dir}}").Output()
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
	root, err := moduleRoot(context.Background())
	if err != nil {
		return fmt.Errorf("--functions process: %w", err)
	}
	folder, err := os.MkdirTemp("", "orderflow-functions-")
	if err != nil {
		return err
	}
	fmt.Fprintln(os.Stderr, "building the functions for this machine …")
	s.built = folder
	s.bootstraps, err = buildFunctions(context.Background(), root, folder)
	return err
}

// buildFunctions builds the app's functions for this machine and returns their folder, below
// out.
func buildFunctions(ctx context.Context, root, out string) (string, error) {
	cmd := exec.CommandContext(ctx, "go", "run", "./cmd/build-functions", "-host", "-out", out)
	cmd.Dir = root
	var messages bytes.Buffer
	cmd.Stdout, cmd.Stderr = &messages, &messages
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("building the functions: %s", strings.TrimSpace(messages.String()))
	}
	return filepath.Join(out, local.HostBuild()), nil
}
