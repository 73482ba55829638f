package jsonpath

import (
	"strings"
	"testing"
)

func TestExtras(t *testing.T) {
	for path, want := range map[string]string{
		"$.a[?(@.b > 1 && !(@.c == 'x'))]..d[0:2]": "",
		"$.a.length()":                     "the function length()",
		"$..a.max()":                       "the function max()",
		"$.a[?(@.b in [1] || @.c =~ /x/)]": "the operator IN, regular expressions",
		"$.a[?(@.b == $.c)]":               "comparisons with another value of the document",
		"$.a[?(@.b == @.c)]":               "comparisons with another value of the document",
		"$.a[?(@ > 1)]":                    "@ for elements that are no objects",
		"$.a[?(@.b.size() == 1)]":          "the function size()",
		"$.a[?(@.b[?(@.c empty true)])]":   "the operator EMPTY",
	} {
		p, err := Compile(path)
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(p.Extras(), ", "); got != want {
			t.Errorf("%s has %q, want %q", path, got, want)
		}
	}
}
