package main

import (
	"archive/zip"
	"bytes"
	"cmp"
	"compress/flate"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"
)

// function is a function that was built.
type function struct {
	Name   string
	Size   int64 // of the executable, in bytes
	Zipped int64 // of a zip file of it, in bytes: what is uploaded
	SHA256 [32]byte
}

// targets are Lambda's architectures and what Go calls them, with the
// instruction set pinned to what every Lambda host has.
var targets = map[string][]string{
	"arm64":  {"GOARCH=arm64", "GOARM64=v8.0"},
	"x86_64": {"GOARCH=amd64", "GOAMD64=v1"},
}

// host is the name of what runs on this machine: one of Lambda's architectures on Linux, and elsewhere with the
// system before it, such as darwin-arm64.
func host() string {
	for name, variables := range targets {
		if variables[0] == "GOARCH="+runtime.GOARCH {
			if runtime.GOOS == "linux" {
				return name
			}
			return runtime.GOOS + "-" + name
		}
	}
	return runtime.GOOS + "-" + runtime.GOARCH
}

// target is what Go needs to know for an architecture of Lambda, or for this machine.
func target(arch string) ([]string, error) {
	if variables, ok := targets[arch]; ok {
		return append([]string{"GOOS=linux"}, variables...), nil
	}
	if arch == host() {
		return []string{"GOOS=" + runtime.GOOS, "GOARCH=" + runtime.GOARCH}, nil
	}
	return nil, fmt.Errorf("-arch must be arm64 or x86_64, got %q", arch)
}

// environment is the caller's environment, without what could change the
// executables, and with what determines them.
func environment(caller, target []string, toolchain string) []string {
	pinned := append([]string{
		"CGO_ENABLED=0", "GOFLAGS=", "GOWORK=off", "GOEXPERIMENT=", "GOFIPS140=off", "GODEBUG=",
		"GOTOOLCHAIN=" + toolchain,
	}, target...)
	env := slices.DeleteFunc(slices.Clone(caller), func(kv string) bool {
		name, _, _ := strings.Cut(kv, "=")
		return slices.ContainsFunc(pinned, func(p string) bool { return strings.HasPrefix(p, name+"=") })
	})
	return append(env, pinned...)
}

// build compiles all functions of the module at root, and the given packages of other modules.
// One go build for all of them loads the packages once and links in parallel.
func build(ctx context.Context, root, out, arch string, others []string, report progress) ([]function, error) {
	variables, err := target(arch)
	if err != nil {
		return nil, err
	}
	names, packages, err := functionsOf(root, others)
	if err != nil {
		return nil, err
	}
	version, err := toolchain(ctx, root)
	if err != nil {
		return nil, err
	}
	folder := filepath.Join(out, arch)
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return nil, err
	}
	// In the same file system as the results, which appear by renaming: whole or not at all.
	work, err := os.MkdirTemp(folder, ".build-")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(work) }()
	work, err = filepath.Abs(work)
	if err != nil {
		return nil, err
	}

	cmd := exec.CommandContext(ctx, "go", append([]string{"build",
		"-trimpath", "-buildvcs=false", "-mod=readonly", "-tags=lambda.norpc", "-ldflags=-s -w -buildid=",
		"-o", work + string(filepath.Separator)}, packages...)...)
	cmd.Dir = root
	cmd.Env = environment(os.Environ(), variables, version)
	var messages bytes.Buffer
	cmd.Stdout, cmd.Stderr = &messages, &messages
	if err := watch(ctx, cmd, work, len(names), report); err != nil {
		return nil, failure(err, messages.String())
	}

	built := make([]function, 0, len(names))
	for _, name := range names {
		file := filepath.Join(folder, name, "bootstrap")
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			return nil, err
		}
		err := os.Rename(filepath.Join(work, name), file)
		if errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("%s is no command: packages that are not called main belong elsewhere", name)
		}
		if err != nil {
			return nil, err
		}
		f, err := measure(name, file)
		if err != nil {
			return nil, err
		}
		built = append(built, f)
	}
	return built, nil
}

// watch runs cmd, which writes one file after the other into folder.
func watch(ctx context.Context, cmd *exec.Cmd, folder string, all int, report progress) error {
	if err := cmd.Start(); err != nil {
		return err
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	report(0, all)
	for {
		select {
		case err := <-ended:
			if ctx.Err() != nil {
				return errors.New("interrupted")
			}
			if err == nil {
				report(all, all)
			}
			return err
		case <-tick.C:
			if entries, err := os.ReadDir(folder); err == nil {
				report(min(len(entries), all), all)
			}
		}
	}
}

// failure reduces what the compiler said to one line: its first complaint.
func failure(err error, messages string) error {
	var lines []string
	for line := range strings.Lines(messages) {
		line = strings.TrimSpace(line)
		if line != "" && !strings.HasPrefix(line, "#") && !strings.HasPrefix(line, "go: downloading") {
			lines = append(lines, line)
		}
	}
	switch len(lines) {
	case 0:
		return fmt.Errorf("go build: %w", err)
	case 1:
		return errors.New(lines[0])
	}
	return fmt.Errorf("%s (and %d more lines; see go build ./functions/...)", lines[0], len(lines)-1)
}

// functionsOf lists what is built, sorted, and the packages of that: the folders of
// root/functions, which there need not be if there are others.
func functionsOf(root string, others []string) (names, packages []string, err error) {
	entries, err := os.ReadDir(filepath.Join(root, "functions"))
	if err != nil && (len(others) == 0 || !errors.Is(err, fs.ErrNotExist)) {
		return nil, nil, err
	}
	for _, e := range entries {
		if e.IsDir() {
			names = append(names, e.Name())
		}
	}
	if len(names) > 0 {
		packages = append(packages, "./functions/...")
	}
	for _, p := range others {
		name := path.Base(p)
		if slices.Contains(names, name) {
			return nil, nil, fmt.Errorf("two functions are called %s", name)
		}
		names, packages = append(names, name), append(packages, p)
	}
	if len(names) == 0 {
		return nil, nil, fmt.Errorf("no functions in %s", filepath.Join(root, "functions"))
	}
	slices.Sort(names)
	return names, packages, nil
}

func moduleRoot(ctx context.Context) (string, error) {
	cmd := exec.CommandContext(ctx, "go", "list", "-m", "-f", "{{.Dir}}")
	cmd.Env = append(os.Environ(), "GOFLAGS=", "GOWORK=off")
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("this folder is in no Go module: %w", err)
	}
	return strings.TrimSpace(string(out)), nil
}

// toolchain is the version of Go that go.mod names. Another version, even a
// newer one, would make other executables.
func toolchain(ctx context.Context, root string) (string, error) {
	cmd := exec.CommandContext(ctx, "go", "mod", "edit", "-json")
	cmd.Dir = root
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("go.mod: %w", err)
	}
	var mod struct{ Go, Toolchain string }
	if err := json.Unmarshal(out, &mod); err != nil {
		return "", fmt.Errorf("go.mod: %w", err)
	}
	return cmp.Or(mod.Toolchain, "go"+mod.Go), nil
}

func measure(name, file string) (function, error) {
	b, err := os.ReadFile(file)
	if err != nil {
		return function{}, err
	}
	var zipped counter
	z := zip.NewWriter(&zipped)
	z.RegisterCompressor(zip.Deflate, func(w io.Writer) (io.WriteCloser, error) {
		return flate.NewWriter(w, flate.BestCompression) // as the CDK does
	})
	w, err := z.Create("bootstrap")
	if err != nil {
		return function{}, err
	}
	if _, err := w.Write(b); err != nil {
		return function{}, err
	}
	if err := z.Close(); err != nil {
		return function{}, err
	}
	return function{Name: name, Size: int64(len(b)), Zipped: int64(zipped), SHA256: sha256.Sum256(b)}, nil
}

type counter int64

func (c *counter) Write(b []byte) (int, error) {
	*c += counter(len(b))
	return len(b), nil
}

var _ io.Writer = (*counter)(nil)
