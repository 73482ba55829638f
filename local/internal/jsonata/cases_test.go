package jsonata_test

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/orderflow-cdk/orderflow/local/internal/jsonata"
)

var update = flag.Bool("update", false, "write the referee's outcomes into testdata/cases.txt")

// testCase is an expression of testdata/cases.txt and the referee's outcome:
//
//	# what follows is about this
//	$sum([1, 2])
//	= 3
type testCase struct {
	group, expr, want string
}

func casesPath() string { return filepath.Join("testdata", "cases.txt") }

func readCases(t testing.TB) []testCase {
	t.Helper()
	b, err := os.ReadFile(casesPath())
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
		default:
			cases = append(cases, testCase{group: group, expr: line})
		}
	}
	return cases
}

func writeCases(t *testing.T, cases []testCase) {
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
	}
	if err := os.WriteFile(casesPath(), []byte(b.String()), 0o644); err != nil {
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
	b, err := json.Marshal(v)
	if err != nil {
		return outcome{Error: err.Error()}, false
	}
	var plain any
	if err := json.Unmarshal(b, &plain); err != nil {
		t.Fatal(err)
	}
	return outcome{Value: plain}, false
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
	for _, c := range readCases(t) {
		t.Run(c.group, func(t *testing.T) {
			if got, _ := ours(t, c.expr, vars); !agrees(c.want, got) {
				t.Errorf("%s\nreferee: %s\n   ours: %s", c.expr, c.want, got)
			}
		})
	}
}

// TestReferee asks the referee again whether the stored outcomes are its own.
func TestReferee(t *testing.T) {
	cases := readCases(t)
	vars := variables(t)
	questions := make([]question, len(cases))
	for i, c := range cases {
		questions[i] = question{c.expr, vars}
	}
	for i, o := range referee(t, questions) {
		if *update {
			cases[i].want = o.String()
		} else if cases[i].want != o.String() {
			t.Errorf("%s\nreferee: %s\n stored: %s", cases[i].expr, o, cases[i].want)
		}
	}
	if *update {
		writeCases(t, cases)
	}
}
