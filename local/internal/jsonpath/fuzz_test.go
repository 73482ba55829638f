package jsonpath

import (
	"encoding/json"
	"testing"
)

// FuzzCompile looks for paths that end in a panic, and for those that do not yield the same twice.
func FuzzCompile(f *testing.F) {
	for i, p := range curious {
		f.Add(p, documents[i%len(documents)])
	}
	f.Fuzz(func(t *testing.T, path, document string) {
		p, err := Compile(path)
		if err != nil {
			return
		}
		var doc any
		if json.Unmarshal([]byte(document), &doc) != nil {
			return
		}
		a, err1 := p.Get(doc)
		b, err2 := p.Get(doc)
		if (err1 == nil) != (err2 == nil) {
			t.Fatalf("%v and %v", err1, err2)
		}
		x, err1 := json.Marshal(a)
		y, err2 := json.Marshal(b)
		if err1 == nil && err2 == nil && string(x) != string(y) {
			t.Fatalf("%s and %s", x, y)
		}
		if steps, ok := p.Reference(); ok && len(steps) > 0 && !p.Definite() {
			t.Fatal("a reference path that is not definite")
		}
	})
}
