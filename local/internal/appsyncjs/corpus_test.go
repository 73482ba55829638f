package appsyncjs_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/orderflow-cdk/orderflow/local/internal/appsyncjs"
)

func corpus(t *testing.T) []txtar.File {
	t.Helper()
	a, err := txtar.ParseFile("testdata/code.txtar")
	if err != nil {
		t.Fatal(err)
	}
	return a.Files
}

func TestCompileJudges(t *testing.T) {
	for _, f := range corpus(t) {
		t.Run(f.Name, func(t *testing.T) {
			got := "ok"
			_, err := appsyncjs.Compile("code.js", string(f.Data))
			var fault *appsyncjs.CompileError
			if errors.As(err, &fault) {
				got = fmt.Sprintf("%d:%d %s", fault.Line, fault.Column, fault.Message)
			} else if err != nil {
				t.Fatalf("not a CompileError: %v", err)
			}
			want := "ok"
			if strings.HasPrefix(f.Name, "refused/") {
				first, _, _ := strings.Cut(string(f.Data), "\n")
				want = strings.TrimPrefix(first, "// ")
			}
			if got != want {
				t.Errorf("\n got %s\nwant %s", got, want)
			}
		})
	}
}

func TestCompileLimitsLength(t *testing.T) {
	code := "export function request(ctx) { return {}; }\n//"
	if _, err := appsyncjs.Compile("code.js", code+strings.Repeat("ä", 32_000-len(code))); err != nil {
		t.Errorf("32,000 characters: %v", err)
	}
	if _, err := appsyncjs.Compile("code.js", code+strings.Repeat("ä", 32_001-len(code))); err == nil || !strings.Contains(err.Error(), "32001 characters") {
		t.Errorf("32,001 characters: %v", err)
	}
}
