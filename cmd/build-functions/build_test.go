package main

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// tree is the part of the module that one function is made from.
func tree(t *testing.T, function string) string {
	t.Helper()
	root, err := moduleRoot(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	to := filepath.Join(t.TempDir(), "orderflow")
	for _, file := range []string{"go.mod", "go.sum"} {
		b, err := os.ReadFile(filepath.Join(root, file))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.MkdirAll(to, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(to, file), b, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.Command("go", "list", "-deps", "-f", `{{if and (not .Standard) .Module.Main}}{{.Dir}}{{end}}`, "./functions/"+function)
	cmd.Dir = root
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	for _, dir := range strings.Fields(string(out)) {
		rel, err := filepath.Rel(root, dir)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.CopyFS(filepath.Join(to, rel), os.DirFS(dir)); err != nil {
			t.Fatal(err)
		}
	}
	return to
}

func quiet(int, int) {}

// The same source in two folders, built under two different environments,
// gives the same bytes.
func TestBuildIsReproducible(t *testing.T) {
	if testing.Short() {
		t.Skip("links a function twice, about 3 s with a warm cache")
	}
	var hashes [][32]byte
	for i, flags := range []string{"", "-race=false -ldflags=-X=main.version=1"} {
		t.Setenv("GOFLAGS", flags)
		t.Setenv("GOARM64", []string{"v8.0", "v9.0"}[i])
		root := tree(t, "ship")
		var steps []int
		built, err := build(t.Context(), root, filepath.Join(root, "dist"), "arm64", nil, func(done, all int) {
			if all != 1 {
				t.Errorf("progress speaks of %d functions", all)
			}
			steps = append(steps, done)
		})
		if err != nil {
			t.Fatal(err)
		}
		if len(built) != 1 || built[0].Name != "ship" {
			t.Fatalf("built %+v", built)
		}
		if steps[0] != 0 || steps[len(steps)-1] != 1 || !slices.IsSorted(steps) {
			t.Errorf("progress went %v", steps)
		}
		info, err := os.Stat(filepath.Join(root, "dist", "arm64", "ship", "bootstrap"))
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm()&0o111 == 0 || info.Size() != built[0].Size {
			t.Errorf("bootstrap has mode %v and %d bytes; %d were reported", info.Mode(), info.Size(), built[0].Size)
		}
		t.Logf("ship: %d bytes, zipped %d", built[0].Size, built[0].Zipped)
		if built[0].Zipped > 3_500_000 {
			t.Errorf("zipped it has %d bytes, at most 3.5 MB are meant", built[0].Zipped)
		}
		left, err := os.ReadDir(filepath.Join(root, "dist", "arm64"))
		if err != nil || len(left) != 1 {
			t.Errorf("beside the function there is more: %v, %v", left, err)
		}
		hashes = append(hashes, built[0].SHA256)
	}
	if hashes[0] != hashes[1] {
		t.Errorf("hashes differ: %x and %x", hashes[0], hashes[1])
	}
}

func TestBuildFailsWithOneLine(t *testing.T) {
	root := t.TempDir()
	write := func(path, text string) {
		t.Helper()
		path = filepath.Join(root, path)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write("go.mod", "module example.test/m\n\ngo 1.26.0\n")
	expect := func(arch, want string) {
		t.Helper()
		_, err := build(t.Context(), root, filepath.Join(root, "dist"), arch, nil, quiet)
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("error is %v, want one line with %q", err, want)
		}
	}
	expect("arm", `-arch must be arm64 or x86_64, got "arm"`)
	expect("arm64", "functions: no such file")
	if err := os.Mkdir(filepath.Join(root, "functions"), 0o755); err != nil {
		t.Fatal(err)
	}
	expect("arm64", "no functions in")
	write("functions/bad/main.go", "package main\n\nfunc main() { undefined(); more() }\n")
	if testing.Short() {
		t.Skip("the rest calls the compiler")
	}
	expect("x86_64", "functions/bad/main.go:3:15: undefined: undefined (and 1 more lines")
	write("functions/bad/main.go", "package main\n\nfunc main() {}\n")
	write("functions/shared/shared.go", "package shared\n")
	expect("x86_64", "shared is no command")
	if left, err := filepath.Glob(filepath.Join(root, "dist", "*", ".build-*")); err != nil || left != nil {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

// A stack elsewhere builds this module's functions beside its own.
func TestFunctionsOfOtherModules(t *testing.T) {
	const notify = "example.test/other/functions/notify"
	tests := []struct {
		name            string
		own             []string // nil: there is no folder functions
		others          []string
		names, packages []string
		err             string
	}{
		{"own", []string{"b", "a"}, nil, []string{"a", "b"}, []string{"./functions/..."}, ""},
		{"both", []string{"z", "a"}, []string{notify}, []string{"a", "notify", "z"}, []string{"./functions/...", notify}, ""},
		{"others", nil, []string{notify}, []string{"notify"}, []string{notify}, ""},
		{"others, empty folder", []string{}, []string{notify}, []string{"notify"}, []string{notify}, ""},
		{"the same name", []string{"notify"}, []string{notify}, nil, nil, "two functions are called notify"},
		{"none", nil, nil, nil, nil, "functions: no such file"},
		{"none in the folder", []string{}, nil, nil, nil, "no functions in"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			root := t.TempDir()
			if test.own != nil {
				if err := os.Mkdir(filepath.Join(root, "functions"), 0o755); err != nil {
					t.Fatal(err)
				}
			}
			for _, name := range test.own {
				if err := os.Mkdir(filepath.Join(root, "functions", name), 0o755); err != nil {
					t.Fatal(err)
				}
			}
			names, packages, err := functionsOf(root, test.others)
			if (err == nil) != (test.err == "") || err != nil && !strings.Contains(err.Error(), test.err) {
				t.Errorf("error is %v, want %q", err, test.err)
			}
			if diff := cmp.Diff(test.names, names); diff != "" {
				t.Errorf("names (-want +got)\n%s", diff)
			}
			if diff := cmp.Diff(test.packages, packages); diff != "" {
				t.Errorf("packages (-want +got)\n%s", diff)
			}
		})
	}
}

func TestEnvironmentIsPinned(t *testing.T) {
	variables, err := target("arm64")
	if err != nil {
		t.Fatal(err)
	}
	got := environment(
		[]string{"HOME=/h", "GOFLAGS=-race", "CGO_ENABLED=1", "GOARCH=mips", "GOOS=plan9", "GOTOOLCHAIN=local"},
		variables, "go1.26.8")
	want := []string{
		"HOME=/h", "CGO_ENABLED=0", "GOFLAGS=", "GOWORK=off", "GOEXPERIMENT=", "GOFIPS140=off", "GODEBUG=",
		"GOTOOLCHAIN=go1.26.8", "GOOS=linux", "GOARCH=arm64", "GOARM64=v8.0",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestHost(t *testing.T) {
	variables, err := target(host())
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"GOOS=" + runtime.GOOS, "GOARCH=" + runtime.GOARCH} {
		if !slices.Contains(variables, want) {
			t.Errorf("%s is built with %v, want %s", host(), variables, want)
		}
	}
}

func TestFailure(t *testing.T) {
	exit := errors.New("exit status 1")
	tests := []struct{ messages, want string }{
		{"", "go build: exit status 1"},
		{"# example\na.go:1:1: x\n", "a.go:1:1: x"},
		{"go: downloading m v1\n# a\na.go:1:1: x\na.go:2:1: y\n", "a.go:1:1: x (and 1 more lines; see go build ./functions/...)"},
	}
	for _, test := range tests {
		if got := failure(exit, test.messages).Error(); got != test.want {
			t.Errorf("%q: %q, want %q", test.messages, got, test.want)
		}
	}
}
