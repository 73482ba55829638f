package jsonata_test

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/orderflow-cdk/orderflow/local/internal/jsonata"
)

var update = flag.Bool("update", false, "write the outcomes into testdata/cases.txt and differs.txt")

// testCase is an expression with the referee's outcome. In differs.txt are
// those of which something else becomes here, with what that is: refused
// by Compile, failed by Eval, or another value for a reason that the group gives.
//
//	# what follows is about this
//	$missing ?? 1
//	= error (S0211)
//	! refused: an operator of later versions
type testCase struct {
	group, expr, want, ours string
}

const agreeing, differing = "cases.txt", "differs.txt"

func readCases(t testing.TB, file string) []testCase {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", file))
	if err != nil {
		t.Fatal(err)
	}
	var cases []testCase
	group := ""
	for _, line := range strings.Split(strings.TrimRight(string(b), "\n"), "\n") {
		switch {
		case line == "":
		case strings.HasPrefix(line, "# "):
			group = line[2:]
		case strings.HasPrefix(line, "= "):
			cases[len(cases)-1].want = line[2:]
		case strings.HasPrefix(line, "! "):
			cases[len(cases)-1].ours = line[2:]
		default:
			cases = append(cases, testCase{group: group, expr: line})
		}
	}
	return cases
}

func writeCases(t *testing.T, file string, cases []testCase) {
	t.Helper()
	var b strings.Builder
	group := ""
	for _, c := range cases {
		if c.group != group {
			if group != "" {
				b.WriteString("\n")
			}
			group = c.group
			fmt.Fprintf(&b, "# %s\n", group)
		}
		fmt.Fprintf(&b, "%s\n= %s\n", c.expr, c.want)
		if file == differing {
			fmt.Fprintf(&b, "! %s\n", c.ours)
		}
	}
	if err := os.WriteFile(filepath.Join("testdata", file), []byte(b.String()), 0o644); err != nil {
		t.Fatal(err)
	}
}

// variables are those that all cases see.
func variables(t testing.TB) map[string]any {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", "vars.json"))
	if err != nil {
		t.Fatal(err)
	}
	var vars map[string]any
	if err := json.Unmarshal(b, &vars); err != nil {
		t.Fatal(err)
	}
	return vars
}

// ours is what this package makes of an expression; refused tells that Compile
// would not have it.
func ours(t testing.TB, src string, vars map[string]any) (o outcome, refused bool) {
	t.Helper()
	e, err := jsonata.Compile(src)
	if err != nil {
		return outcome{Error: err.Error()}, true
	}
	v, err := env().Eval(e, nil, vars)
	switch {
	case err != nil:
		return outcome{Error: err.Error()}, false
	case jsonata.IsUndefined(v):
		return outcome{Undefined: true}, false
	}
	if o := (outcome{Value: v}); json.Valid([]byte(o.String())) {
		return o, false
	}
	t.Errorf("%s: the result is not JSON: %v", src, v)
	return outcome{Error: "not JSON"}, false
}

// want is an outcome as the cases write it: for an error the referee's code is
// a remark, ours may be worded in another way.
func agrees(want string, got outcome) bool {
	if got.Error != "" {
		return strings.HasPrefix(want, "error")
	}
	return cmp.Equal(want, got.String())
}

// TestCases checks the stored outcomes, so that the referee's opinion counts
// where there is no node.
func TestCases(t *testing.T) {
	vars := variables(t)
	for _, c := range readCases(t, agreeing) {
		t.Run(c.group, func(t *testing.T) {
			if got, _ := ours(t, c.expr, vars); !agrees(c.want, got) {
				t.Errorf("%s\nreferee: %s\n   ours: %s", c.expr, c.want, got)
			}
		})
	}
}

// verdict is what differs.txt says of our outcome.
func verdict(o outcome, refused bool) string {
	switch {
	case refused:
		return "refused: " + o.Error
	case o.Error != "":
		return "fails: " + o.Error
	}
	return o.String()
}

// TestDiffers checks that every difference known is one still, and that it is
// an error unless its group says otherwise.
func TestDiffers(t *testing.T) {
	vars := variables(t)
	cases := readCases(t, differing)
	for i, c := range cases {
		t.Run(c.group, func(t *testing.T) {
			o, refused := ours(t, c.expr, vars)
			got := verdict(o, refused)
			if *update {
				cases[i].ours = got
			} else if got != c.ours {
				t.Errorf("%s\n got: %s\nwant: %s", c.expr, got, c.ours)
			}
			if silent := strings.HasPrefix(c.group, "another value:"); silent != (o.Error == "") {
				t.Errorf("%s (%s): %s", c.expr, c.group, got)
			}
			if o.Error == "" && agrees(c.want, o) {
				t.Errorf("%s: no difference any more, the case belongs into %s", c.expr, agreeing)
			}
			var r *jsonata.RefusedError
			if _, err := jsonata.Compile(c.expr); refused && !errors.As(err, &r) && !errors.Is(err, jsonata.ErrEval) {
				t.Errorf("%s: the refusal is no RefusedError: %v", c.expr, err)
			}
			if r != nil && (r.Construct == "" || r.Why == "") {
				t.Errorf("%s: the refusal does not say what and why: %v", c.expr, r)
			}
		})
	}
	if *update {
		writeCases(t, differing, cases)
	}
}

// TestReferee asks the referee again whether the stored outcomes are its own.
func TestReferee(t *testing.T) {
	vars := variables(t)
	for _, file := range []string{agreeing, differing} {
		cases := readCases(t, file)
		questions := make([]question, len(cases))
		for i, c := range cases {
			questions[i] = question{c.expr, vars}
		}
		for i, o := range asked(t, questions) {
			if *update {
				cases[i].want = o.String()
			} else if cases[i].want != o.String() {
				t.Errorf("%s\nreferee: %s\n stored: %s", cases[i].expr, o, cases[i].want)
			}
		}
		if *update {
			writeCases(t, file, cases)
		}
	}
}
