package appsyncjs_test

import (
	"errors"
	"os"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/orderflow-cdk/orderflow/local/internal/appsyncjs"
)

// FuzzCompile: whatever the code, Compile ends, and its error has a place in the code.
func FuzzCompile(f *testing.F) {
	text, err := os.ReadFile("testdata/code.txtar")
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range txtar.Parse(text).Files {
		f.Add(string(file.Data))
	}
	for _, code := range []string{"import from from 'x'", "import a, * as b from '@aws-appsync/utils'", "export", "export {", "import {", "import", "await", "\u2028export let a", "export {\\u0061 as b}; let a"} {
		f.Add(code)
	}
	f.Fuzz(func(t *testing.T, code string) {
		_, err := appsyncjs.Compile("code.js", code)
		var fault *appsyncjs.CompileError
		if err != nil && (!errors.As(err, &fault) || fault.Line < 1 || fault.Column < 1) {
			t.Errorf("%q: %v", code, err)
		}
	})
}
