package gofunction_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/orderflow-cdk/orderflow/constructs/gofunction"
)

// Everything that is wrong comes back at once, and needs no Node.
func ExampleProps_Validate() {
	err := gofunction.Props{
		Name:     "reserve",
		AssetDir: "elsewhere/arm64/reserve",
		Memory:   64,
		Timeout:  time.Hour,
	}.Validate()
	fmt.Println(err)
	// Output:
	// there is no elsewhere/arm64/reserve/bootstrap; run: go run github.com/orderflow-cdk/orderflow/cmd/build-functions
	// the memory must be 128–10,240 MB, got 64
	// the timeout must be whole seconds, 1s–15m, got 1h0m0s
}

func TestValidate(t *testing.T) {
	dir := t.TempDir()
	write := func(folder string, mode os.FileMode) string {
		t.Helper()
		path := filepath.Join(dir, folder)
		if err := os.MkdirAll(path, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(path, "bootstrap"), []byte("x"), mode); err != nil {
			t.Fatal(err)
		}
		return path
	}
	good, plain := write("good", 0o755), write("plain", 0o644)
	for _, tt := range []struct {
		name   string
		change func(*gofunction.Props)
		want   string
	}{
		{"nothing is wrong", func(*gofunction.Props) {}, ""},
		{"no name", func(p *gofunction.Props) { p.Name = "" }, "1–128 characters"},
		{"no folder", func(p *gofunction.Props) { p.AssetDir = "" }, "AssetDir"},
		{"not executable", func(p *gofunction.Props) { p.AssetDir = plain }, "is not executable"},
		{"architecture", func(p *gofunction.Props) { p.Architecture = "mips" }, `got "mips"`},
		{"part of a second", func(p *gofunction.Props) { p.Timeout = 1500 * time.Millisecond }, "got 1.5s"},
		{"log level", func(p *gofunction.Props) { p.LogLevel = "LOUD" }, `got "LOUD"`},
		{"concurrency", func(p *gofunction.Props) { p.ReservedConcurrency = -1 }, "got -1"},
		{"rollout", func(p *gofunction.Props) { p.Rollout = gofunction.Canary(0, time.Minute) }, "the rollout must shift 1–99 percent at a time, got 0"},
		{"errors without a rollout", func(p *gofunction.Props) { p.ErrorPercent = 10 }, "must be 0 without a rollout, got 10"},
		{"errors", func(p *gofunction.Props) { p.Rollout, p.ErrorPercent = gofunction.AllAtOnce(), 100 }, "must be 1–99, got 100"},
		{"a rollout", func(p *gofunction.Props) { p.Rollout = gofunction.Linear(10, time.Minute) }, ""},
		{"variable", func(p *gofunction.Props) { p.Environment = map[string]string{"a-b": ""} }, `"a-b" is not the name`},
		{"Lambda's variable", func(p *gofunction.Props) { p.Environment = map[string]string{"AWS_REGION": "eu-west-1"} }, "AWS_REGION is Lambda's own"},
	} {
		p := gofunction.Props{Name: "f", AssetDir: good}
		tt.change(&p)
		err := p.Validate()
		switch {
		case tt.want == "" && err != nil:
			t.Errorf("%s: %v", tt.name, err)
		case tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)):
			t.Errorf("%s: error %v, want it to contain %q", tt.name, err, tt.want)
		}
	}
}
