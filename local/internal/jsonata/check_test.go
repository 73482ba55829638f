package jsonata_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/orderflow-cdk/orderflow/local/internal/jsonata"
)

// TestPieces compiles what is left of every case when something is cut off: it
// may be refused, but nothing may break.
func TestPieces(t *testing.T) {
	for _, file := range []string{agreeing, differing} {
		for _, c := range readCases(t, file) {
			for i := range c.expr {
				for _, src := range []string{c.expr[:i], c.expr[i:], "]" + c.expr[i:], c.expr[:i] + "["} {
					_, _ = jsonata.Compile(src)
				}
			}
		}
	}
}

func TestRefusedNamesItsConstruct(t *testing.T) {
	for src, construct := range map[string]string{
		`$a ?? 1`: "??", `$a ?: 1`: "?:", `$a.*`: "*", `$a.**`: "**", `$a.b.%.c`: "%", `$a@$x`: "@", `$a#$i`: "#",
		`$a^(b)`: "^", `$a.$`: ".$", `$a.null`: ".null", `1..2`: "..", `$f()[]`: ")[]", `$a[[0,1]]`: "[[…]]",
		`$match($a, /(?=b)/)`: "/(?=b)/", `$a{b: c}.d`: "{…}.", `[1].b`: "[…].", `$a[-1.5]`: "[-1.5]", `$a = $b ~> $sum`: "~>",
	} {
		_, err := jsonata.Compile(src)
		var r *jsonata.RefusedError
		if !errors.As(err, &r) {
			t.Errorf("%s: %v, want it refused", src, err)
			continue
		}
		if r.Construct != construct || r.Why == "" || !strings.Contains(err.Error(), construct) {
			t.Errorf("%s: refused %q (%s), want %q named", src, r.Construct, r.Why, construct)
		}
	}
	// The same characters where they are something else.
	for _, src := range []string{
		`"a ?? b ?: c"`, "/* ?? */ 1", `2 * 3`, `7 % 2`, "`a ?? b`", `$f(?, 1)`, `[1..3]`, `$a ? "b" : "c"`, `$a^(b).c`, `$a."null"`,
		`$a[-1]`, `$a[]`, `($a = $b) ~> $not()`, `{"a": /* .* */ 1}`, `$split($a, /[?][?]/)`, `"$eval"`, `{"k": [1, [2]]}`,
	} {
		if _, err := jsonata.Compile(src); err != nil {
			t.Errorf("%s: %v", src, err)
		}
	}
}

func TestEvalIsRefused(t *testing.T) {
	for _, src := range []string{`$eval("1")`, `($f := $eval; 1)`, `$map(["1"], $eval)`, `"1" ~> $eval()`, "$eval /* x */ ('1')"} {
		if _, err := jsonata.Compile(src); !errors.Is(err, jsonata.ErrEval) {
			t.Errorf("%s: %v, want ErrEval", src, err)
		}
	}
	for _, src := range []string{`"$eval"`, `$evaluate`, "`$eval`"} {
		if _, err := jsonata.Compile(src); err != nil {
			t.Errorf("%s: %v", src, err)
		}
	}
}
