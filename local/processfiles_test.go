package local_test

import (
	"archive/zip"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/orderflow-cdk/orderflow/local"
)

// assembly writes a cloud assembly whose functions have their code in a folder, in a zip file, and nowhere.
func assembly(t *testing.T) string {
	t.Helper()
	folder := t.TempDir()
	write := func(path, text string, mode fs.FileMode) {
		t.Helper()
		path = filepath.Join(folder, path)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), mode); err != nil {
			t.Fatal(err)
		}
	}
	function := func(key string) string {
		return fmt.Sprintf(`{"Type":"AWS::Lambda::Function","Properties":{"Code":{"S3Bucket":{"Fn::Sub":"assets-${AWS::Region}"},"S3Key":%q}}}`, key)
	}
	write("app.template.json", fmt.Sprintf(`{"Resources":{"Folder":%s,"Zip":%s,"None":%s,"Inline":{"Type":"AWS::Lambda::Function","Properties":{"Code":{"ZipFile":"x"}}},
		"Resolver":{"Type":"AWS::AppSync::Resolver","Properties":{"Code":"export function request() {}"}},"Bare":{"Type":"AWS::SQS::Queue"}}}`,
		function("aaa.zip"), function(t.Name()+".zip"), function("ccc.zip")), 0o644)
	write("app.assets.json", fmt.Sprintf(`{"files":{
		"aaa":{"source":{"path":"asset.aaa","packaging":"zip"},"destinations":{"current":{"objectKey":"aaa.zip"}}},
		"bbb":{"source":{"path":"asset.%[1]s.zip","packaging":"file"},"destinations":{"current":{"objectKey":"%[1]s.zip"}}}}}`, t.Name()), 0o644)
	write("asset.aaa/bootstrap", "#!/bin/sh\n", 0o755)
	z, err := os.Create(filepath.Join(folder, "asset."+t.Name()+".zip"))
	if err != nil {
		t.Fatal(err)
	}
	w := zip.NewWriter(z)
	for name, mode := range map[string]fs.FileMode{"bootstrap": 0o755, "data/stock.json": 0o644} {
		h := &zip.FileHeader{Name: name}
		h.SetMode(mode)
		f, err := w.CreateHeader(h)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.Write([]byte(name)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return folder
}

func TestAssemblyBootstraps(t *testing.T) {
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	t.Setenv("HOME", t.TempDir())
	folder := assembly(t)
	of, err := local.AssemblyBootstraps(folder, "app")
	if err != nil {
		t.Fatal(err)
	}
	p, err := of(local.FunctionInfo{LogicalID: "Folder"})
	if err != nil || p.Bootstrap != filepath.Join(folder, "asset.aaa", "bootstrap") || p.TaskRoot != filepath.Join(folder, "asset.aaa") {
		t.Errorf("%+v, %v", p, err)
	}
	for range 2 { // the second time it is there
		p, err = of(local.FunctionInfo{LogicalID: "Zip"})
		if err != nil {
			t.Fatal(err)
		}
		info, err := os.Stat(p.Bootstrap)
		if err != nil || info.Mode().Perm()&0o111 == 0 {
			t.Errorf("%v, %v", info, err)
		}
		if b, err := os.ReadFile(filepath.Join(p.TaskRoot, "data", "stock.json")); err != nil || string(b) != "data/stock.json" {
			t.Errorf("%s, %v", b, err)
		}
	}
	for _, id := range []string{"None", "Inline", "Unknown"} {
		if _, err := of(local.FunctionInfo{LogicalID: id}); err == nil || !strings.Contains(err.Error(), "is no asset of "+filepath.Join(folder, "app.assets.json")) {
			t.Errorf("%s: %v", id, err)
		}
	}
	if _, err := local.AssemblyBootstraps(folder, "other"); err == nil {
		t.Error("a stack that is not there")
	}
}

// An archive cannot write beside its folder.
func TestAssetThatLeadsOut(t *testing.T) {
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	t.Setenv("HOME", t.TempDir())
	folder := assembly(t)
	z, err := os.Create(filepath.Join(folder, "asset."+t.Name()+".zip"))
	if err != nil {
		t.Fatal(err)
	}
	w := zip.NewWriter(z)
	if _, err := w.Create("../bootstrap"); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	of, err := local.AssemblyBootstraps(folder, "app")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := of(local.FunctionInfo{LogicalID: "Zip"}); err == nil {
		t.Error("it is unpacked")
	}
}

func TestProcessesThatCannotBe(t *testing.T) {
	foreign := filepath.Join(t.TempDir(), "bootstrap")
	header := append([]byte("\x7fELF\x02\x01\x01"), make([]byte, 57)...)
	header[16], header[18], header[20], header[52] = 2, 0xf3, 1, 64 // an executable for RISC-V
	if err := os.WriteFile(foreign, header, 0o755); err != nil {
		t.Fatal(err)
	}
	plain := filepath.Join(t.TempDir(), "bootstrap")
	if err := os.WriteFile(plain, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	served := local.Options{RealTime: true, Endpoint: "http://127.0.0.1:1"}
	for _, c := range []struct {
		name     string
		o        local.Options
		path     string
		template string
		want     string
	}{
		{"virtual time", local.Options{Endpoint: "http://127.0.0.1:1"}, os.Args[0], processTemplate, "Options.RealTime"},
		{"not served", local.Options{RealTime: true}, os.Args[0], processTemplate, "Options.Endpoint"},
		{"no file", served, "/nowhere/bootstrap", processTemplate, "there is no executable /nowhere/bootstrap: go run github.com/orderflow-cdk/orderflow/cmd/build-functions -host writes one for this machine to dist/" + local.HostBuild() + "/f"},
		{"a folder", served, "/", processTemplate, "/ is a folder"},
		{"not executable", served, plain, processTemplate, "chmod +x"},
		{"foreign", served, foreign, processTemplate, "is for linux/riscv, and this machine is " + runtime.GOOS + "/" + runtime.GOARCH + ": go run "},
		{"another runtime", served, os.Args[0], strings.ReplaceAll(processTemplate, "provided.al2023", "nodejs22.x"), `the runtime "nodejs22.x" is not run as a process`},
	} {
		c.o.Processes = func(local.FunctionInfo) (*local.Process, error) { return &local.Process{Bootstrap: c.path}, nil }
		s, err := local.New([]byte(c.template), c.o)
		if err == nil {
			s.Close()
		}
		if err == nil || !strings.Contains(err.Error(), "F (AWS::Lambda::Function): ") || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %s", c.name, err, c.want)
		}
	}
}
