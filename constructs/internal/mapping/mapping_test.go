package mapping_test

import (
	"strings"
	"testing"

	"github.com/orderflow-cdk/orderflow/constructs/internal/mapping"
)

func TestCompact(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"indentation and blank lines go", "  a\n\n\tb  \n", "ab"},
		{"comments go", "## what it does\na\n  ## and why\nb\n", "ab"},
		{"a text behind #end is no part of the directive", "#if($x)\n  a\n#end\nb\n", "#if($x)a#end\nb"},
		{"nor one behind #else", "#if($x)\na\n#else\nb\n#end\n", "#if($x)a#else\nb#end"},
		{"what stands within a line stays", "#set($x = \"a  b\")\n", "#set($x = \"a  b\")"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := mapping.Compact(c.text); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

func TestJoin(t *testing.T) {
	if got, want := mapping.Join("#if($x)a#end", "b", "c"), "#if($x)a#end\nbc"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestFill(t *testing.T) {
	if got, want := mapping.Fill("t", "{{a}}-{{b}}-{{a}}", "a", "1", "b", "2"), "1-2-1"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	defer func() {
		if got, want := recover(), "mapping: t: nothing given for {{b}}"; got != want {
			t.Errorf("got panic %v, want %q", got, want)
		}
	}()
	mapping.Fill("t", "{{a}}{{b}}", "a", "1")
}

// The shared fragments open as many blocks as they close, whatever they are
// joined with.
func TestSharedFragmentsAreBalanced(t *testing.T) {
	for name, values := range map[string][]string{
		mapping.Caller:     {"tenant", "$t", "longestTag", "1"},
		mapping.Header:     {"variable", "key", "header", "h"},
		mapping.Submission: nil,
		mapping.Reference:  {"acceptanceMillis", "1", "skewMillis", "1"},
		mapping.Problem:    nil,
	} {
		text := mapping.Shared(name, values...)
		opened := strings.Count(text, "#if(") + strings.Count(text, "#foreach(")
		if closed := strings.Count(text, "#end"); opened != closed {
			t.Errorf("%s: %d blocks opened, %d closed", name, opened, closed)
		}
	}
}
