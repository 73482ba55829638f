package appsyncjs_test

import (
	"encoding/json"
	"errors"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"
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

// FuzzContext: what a handler gets and returns as it is, is the JSON that went in; encoding/json says what is JSON.
func FuzzContext(f *testing.F) {
	for _, text := range []string{`{"a":[1,-0,1.5e3,"\u00fc\n"],"b":{"":null}}`, `[[],{}]`, ` true `, `{"a":1,}`, `01`, `"\ud83d\ude00"`, `1e400`, `{"1":1,"0":2}`} {
		f.Add(text)
	}
	p, err := appsyncjs.Compile("code.js", "export function request(ctx) { return ctx.result; }")
	if err != nil {
		f.Fatal(err)
	}
	rt := newRuntime(nil)
	f.Fuzz(func(t *testing.T, text string) {
		if text == "" {
			t.Skip("an empty message is null")
		}
		r, err := rt.Call(p, "request", &appsyncjs.Context{Result: json.RawMessage(text)})
		if (err == nil) != json.Valid([]byte(text)) {
			t.Fatalf("%q: %v", text, err)
		}
		if err != nil {
			return
		}
		var want, got any
		if json.Unmarshal([]byte(text), &want) == nil && (json.Unmarshal(r.Value, &got) != nil || !cmp.Equal(want, got)) {
			t.Errorf("%q became %s", text, r.Value)
		}
	})
}
