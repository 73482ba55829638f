package local

import (
	"archive/zip"
	"debug/elf"
	"debug/macho"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
)

// Bootstraps is for Options.Processes: the executable of each function is <folder>/<Handler>/bootstrap, where
// command build-functions writes them: dist/<HostBuild()> with its flag -host. A function that has none is an error.
func Bootstraps(folder string) func(FunctionInfo) (*Process, error) {
	return func(f FunctionInfo) (*Process, error) {
		return &Process{Bootstrap: filepath.Join(folder, f.Handler, "bootstrap")}, nil
	}
}

// HostBuild is the folder within that of build-functions that has executables for this machine: arm64 or x86_64
// on Linux, which is what Lambda runs too, and elsewhere with the system before it, such as darwin-arm64.
func HostBuild() string {
	arch := runtime.GOARCH
	if arch == "amd64" {
		arch = "x86_64"
	}
	if runtime.GOOS != "linux" {
		return runtime.GOOS + "-" + arch
	}
	return arch
}

// AssemblyBootstraps is for Options.Processes: the executables are the assets of a stack in a cloud assembly, the
// folder that cdk synth writes (cdk.out), which are what is deployed. Assets that are zip files are unpacked in the
// user's cache folder.
func AssemblyBootstraps(assembly, stack string) (func(FunctionInfo) (*Process, error), error) {
	template, err := ReadTemplate(assembly, stack)
	if err != nil {
		return nil, err
	}
	keys, err := codeKeys(template)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", stack, err)
	}
	file := filepath.Join(assembly, stack+".assets.json")
	b, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var assets struct {
		Files map[string]struct {
			Source       struct{ Path string }
			Destinations map[string]struct{ ObjectKey string }
		}
	}
	if err := json.Unmarshal(b, &assets); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	sources := map[string]string{}
	for _, f := range assets.Files {
		for _, d := range f.Destinations {
			sources[d.ObjectKey] = f.Source.Path
		}
	}
	return func(f FunctionInfo) (*Process, error) {
		key := keys[f.LogicalID]
		source := sources[key]
		if source == "" {
			return nil, fmt.Errorf("its code (S3Key %q) is no asset of %s", key, file)
		}
		root, err := unpacked(filepath.Join(assembly, source))
		if err != nil {
			return nil, err
		}
		return &Process{Bootstrap: filepath.Join(root, "bootstrap"), TaskRoot: root}, nil
	}, nil
}

// codeKeys are the keys in S3 of the functions' code, by logical id. Only functions are looked at: a Code of others, such
// as AppSync's resolvers, is a text.
func codeKeys(template []byte) (map[string]string, error) {
	var t struct {
		Resources map[string]struct {
			Type       string
			Properties json.RawMessage
		}
	}
	if err := json.Unmarshal(template, &t); err != nil {
		return nil, err
	}
	keys := map[string]string{}
	for id, r := range t.Resources {
		if r.Type != "AWS::Lambda::Function" {
			continue
		}
		var p struct{ Code struct{ S3Key any } }
		if err := json.Unmarshal(r.Properties, &p); err != nil {
			return nil, fmt.Errorf("%s: %w", id, err)
		}
		if key, ok := p.Code.S3Key.(string); ok {
			keys[id] = key
		}
	}
	return keys, nil
}

// unpacked is the folder of an asset.
func unpacked(asset string) (string, error) {
	info, err := os.Stat(asset)
	if err != nil || info.IsDir() {
		return asset, err
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	// An asset's file name has the hash of what is in it.
	folder := filepath.Join(cache, "orderflow", "assets", strings.TrimSuffix(filepath.Base(asset), ".zip"))
	if _, err := os.Stat(folder); err == nil {
		return folder, nil
	}
	if err := os.MkdirAll(filepath.Dir(folder), 0o755); err != nil {
		return "", err
	}
	work, err := os.MkdirTemp(filepath.Dir(folder), ".unpack-")
	if err != nil {
		return "", err
	}
	defer func() { _ = os.RemoveAll(work) }()
	if err := unzip(asset, work); err != nil {
		return "", fmt.Errorf("%s: %w", asset, err)
	}
	if err := os.Rename(work, folder); err != nil && !errors.Is(err, fs.ErrExist) {
		return "", err
	}
	return folder, nil
}

func unzip(file, folder string) error {
	z, err := zip.OpenReader(file)
	if err != nil {
		return err
	}
	defer func() { _ = z.Close() }()
	for _, f := range z.File {
		if !filepath.IsLocal(f.Name) {
			return fmt.Errorf("%s leads out of the archive", f.Name)
		}
		if f.FileInfo().IsDir() {
			continue
		}
		if err := unzipFile(f, filepath.Join(folder, f.Name)); err != nil {
			return err
		}
	}
	return nil
}

func unzipFile(f *zip.File, to string) error {
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return err
	}
	in, err := f.Open()
	if err != nil {
		return err
	}
	defer func() { _ = in.Close() }()
	out, err := os.OpenFile(to, os.O_CREATE|os.O_WRONLY|os.O_EXCL, f.Mode().Perm())
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	return errors.Join(err, out.Close())
}

// check makes sure that the executable can be run here, and fills in the defaults.
func (p Process) check(f FunctionInfo) (*Process, error) {
	path, err := filepath.Abs(p.Bootstrap)
	if err != nil {
		return nil, err
	}
	p.Bootstrap = path
	if p.TaskRoot == "" {
		p.TaskRoot = filepath.Dir(path)
	}
	build := fmt.Sprintf("go run github.com/orderflow-cdk/orderflow/cmd/build-functions -host writes one for this machine to dist/%s/%s", HostBuild(), f.Handler)
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("there is no executable %s: %s", path, build)
	case err != nil:
		return nil, err
	case info.IsDir():
		return nil, fmt.Errorf("%s is a folder, not an executable", path)
	case info.Mode().Perm()&0o111 == 0:
		return nil, fmt.Errorf("%s may not be executed: chmod +x", path)
	}
	if target := p.Foreign(); target != "" {
		return nil, fmt.Errorf("%s is for %s, and this machine is %s/%s: %s", path, target, runtime.GOOS, runtime.GOARCH, build)
	}
	return &p, nil
}

// Foreign is the other system and architecture that the executable is for, as Go names them, such as linux/arm64. It is
// "" if it is for this machine, a script, or cannot be read.
func (p Process) Foreign() string {
	if target := targetOf(p.Bootstrap); target != runtime.GOOS+"/"+runtime.GOARCH {
		return target
	}
	return ""
}

// targetOf is what an executable is for, as Go names it; "" for a script and what is not known.
func targetOf(path string) string {
	if f, err := elf.Open(path); err == nil {
		defer func() { _ = f.Close() }()
		switch f.Machine {
		case elf.EM_X86_64:
			return "linux/amd64"
		case elf.EM_AARCH64:
			return "linux/arm64"
		}
		return "linux/" + strings.ToLower(strings.TrimPrefix(f.Machine.String(), "EM_"))
	}
	if f, err := macho.Open(path); err == nil {
		defer func() { _ = f.Close() }()
		switch f.Cpu {
		case macho.CpuAmd64:
			return "darwin/amd64"
		case macho.CpuArm64:
			return "darwin/arm64"
		}
		return "darwin/" + f.Cpu.String()
	}
	return ""
}
