package states

import (
	"strings"
	"testing"
)

// FuzzReference looks for fields that end in a panic when they are compiled.
func FuzzReference(f *testing.F) {
	for _, s := range []string{"$", "$$.Map.Item.Value", "$v.a[0]", "States.Format('{} \\'', $.a['b)'], States.Array(1, null))", "States.UUID()", "$.a[?(@.b == ')')]", "States.MathAdd(-1.5e3,$x)"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		r, err := compileValue(s)
		if err != nil {
			return
		}
		if r.source != s {
			t.Errorf("%q became %q", s, r.source)
		}
		if r.root == rootCall && !strings.HasPrefix(s, "States.") {
			t.Errorf("%q is a call", s)
		}
	})
}

func TestWildcard(t *testing.T) {
	for _, c := range []struct {
		pattern, text string
		want          bool
	}{
		{"", "", true}, {"", "a", false}, {"*", "", true}, {"*", "abc", true}, {"a*c", "ac", true}, {"a*c", "abcbc", true}, {"a*c", "ab", false},
		{`a\*`, "a*", true}, {`a\*`, "ab", false}, {`\\*`, `\x`, true}, {`\\*`, `x`, false}, {`a\`, `a\`, true}, {"**b", "aab", true}, {"é*", "éa", true},
	} {
		if got := compileWildcard(c.pattern).match(c.text); got != c.want {
			t.Errorf("%q on %q: %v", c.pattern, c.text, got)
		}
	}
}

// TestLiteralQuotes is about a recording of the service, the first one.
func TestLiteralQuotes(t *testing.T) {
	for _, c := range []struct{ path, name string }{
		{`$['Test\""Name"']`, `Test\""Name"`},
		{`$["Test\"Name"]`, `Test"Name`},
		{`$['it\'s "so"']`, `it's "so"`},
		{`$['a\\"b']`, `a\"b`},
	} {
		r, err := compileReference(c.path)
		if err != nil {
			t.Fatal(err)
		}
		if v, err := r.path.Get(map[string]any{c.name: 1.0}); err != nil || v != 1.0 {
			t.Errorf("%s does not find %s: %v", c.path, c.name, err)
		}
	}
}
