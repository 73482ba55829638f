package vtl_test

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/orderflow-cdk/orderflow/local/internal/vtl"
)

// testdata/cases.txt holds templates, their variables and what Apache Velocity
// 1.7 makes of them. Every want in it was written by the referee (see
// referee_test.go, -update), never by hand and never by this package.
const casesFile = "testdata/cases.txt"

var update = flag.Bool("update", false, "rewrite the expected outputs in "+casesFile+" with what the referee says")

type testCase struct {
	name, vars, template string
	want                 string
	fails                bool // Velocity refuses it, or its execution ends in an exception
}

// A case is
//
//	=== name
//	--- vars        (JSON; may be missing)
//	--- template    (up to the next marker, without its last newline)
//	--- want        (likewise), or --- fails
func readCases(t testing.TB) []testCase {
	t.Helper()
	b, err := os.ReadFile(casesFile)
	if err != nil {
		t.Fatal(err)
	}
	var cases []testCase
	seen := map[string]bool{}
	for _, part := range strings.Split("\n"+string(b), "\n=== ")[1:] {
		name, rest, _ := strings.Cut(part, "\n")
		c := testCase{name: name, vars: "{}"}
		if seen[name] {
			t.Fatalf("%s: two cases named %q", casesFile, name)
		}
		seen[name] = true
		for _, section := range strings.Split("\n"+rest, "\n--- ")[1:] {
			kind, text, _ := strings.Cut(section, "\n")
			switch kind {
			case "vars":
				c.vars = text
			case "template":
				c.template = text
			case "want":
				c.want = text
			case "fails":
				c.fails = true
			default:
				t.Fatalf("%s: %s: unknown section %q", casesFile, name, kind)
			}
		}
		cases = append(cases, c)
	}
	return cases
}

func writeCases(t *testing.T, cases []testCase) {
	t.Helper()
	var b strings.Builder
	for _, c := range cases {
		fmt.Fprintf(&b, "=== %s\n", c.name)
		if c.vars != "{}" {
			fmt.Fprintf(&b, "--- vars\n%s\n", c.vars)
		}
		fmt.Fprintf(&b, "--- template\n%s\n", c.template)
		if c.fails {
			b.WriteString("--- fails\n")
		} else {
			fmt.Fprintf(&b, "--- want\n%s\n", c.want)
		}
	}
	if err := os.WriteFile(casesFile, []byte(strings.TrimSuffix(b.String(), "\n")), 0o644); err != nil {
		t.Fatal(err)
	}
}

func (c *testCase) run(t testing.TB) (string, error) {
	t.Helper()
	v, err := vtl.FromJSON([]byte(c.vars))
	if err != nil {
		t.Fatalf("vars: %v", err)
	}
	vars := map[string]any{}
	for _, e := range v.(*vtl.Map).Entries() {
		vars[e.Key.(string)] = e.Value
	}
	tpl, err := vtl.Parse("case", c.template)
	if err != nil {
		return "", err
	}
	return tpl.Execute(vars)
}

func (c *testCase) check(t testing.TB) {
	t.Helper()
	got, err := c.run(t)
	switch {
	case c.fails && err == nil:
		t.Errorf("Velocity fails here, but we got %q\ntemplate: %q", got, c.template)
	case !c.fails && err != nil:
		t.Errorf("%v\ntemplate: %q\nwant %q", err, c.template, c.want)
	case !c.fails:
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("Velocity's output (-) and ours (+) differ:\n%s\ntemplate: %q", diff, c.template)
		}
	}
}

func TestCases(t *testing.T) {
	cases := readCases(t)
	if len(cases) < 150 {
		t.Fatalf("only %d cases in %s", len(cases), casesFile)
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) { c.check(t) })
	}
}
