package jsonpath

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "have Jayway judge the stored cases anew")

const casesFile = "testdata/cases.jsonl"

// testCase is a path, a document and what Jayway makes of them: "one" or "all" and a JSON
// value, "missing" and its message, "failed" or "syntax".
type testCase struct {
	Path     string          `json:"path"`
	Document json.RawMessage `json:"document"`
	Verdict  string          `json:"verdict,omitempty"`
}

func readCases(t testing.TB) []testCase {
	t.Helper()
	b, err := os.ReadFile(casesFile)
	if err != nil {
		t.Fatal(err)
	}
	var out []testCase
	for _, line := range bytes.Split(bytes.TrimSpace(b), []byte("\n")) {
		var c testCase
		if err := json.Unmarshal(line, &c); err != nil {
			t.Fatal(err)
		}
		out = append(out, c)
	}
	return out
}

func verdict(c testCase) string {
	p, err := Compile(c.Path)
	if err != nil {
		return "syntax"
	}
	var doc any
	if err := json.Unmarshal(c.Document, &doc); err != nil {
		return err.Error()
	}
	v, err := p.Get(doc)
	var missing *NotFoundError
	switch {
	case errors.As(err, &missing):
		return "missing " + missing.Reason
	case err != nil:
		return "failed"
	}
	b, err := json.Marshal(v)
	if err != nil {
		return err.Error()
	}
	if p.Definite() {
		return "one " + string(b)
	}
	return "all " + string(b)
}

// differ compares a verdict of ours with Jayway's: values as values. Only messages that
// do not show a Java object are compared.
func differ(ours, theirs string) string {
	kind, value, _ := strings.Cut(theirs, " ")
	ourKind, ourValue, _ := strings.Cut(ours, " ")
	if kind != ourKind {
		return ours + " instead of " + theirs
	}
	switch kind {
	case "one", "all":
		var a, b any
		if json.Unmarshal([]byte(value), &a) != nil || json.Unmarshal([]byte(ourValue), &b) != nil {
			return ours + " instead of " + theirs
		}
		return cmp.Diff(a, b)
	case "missing":
		if !strings.HasPrefix(value, "Filter: ") && !strings.Contains(value, "null") && value != ourValue {
			return ours + " instead of " + theirs
		}
	}
	return ""
}

// strict is where this package refuses what Jayway takes by mistake, or takes and fails on later.
var strict = map[string]string{
	"$.items[1]]":   "Jayway ignores a last character after a bracket",
	"$.*a":          "Jayway ignores a last character after *",
	"$.nums.nope()": "Jayway finds out only when it gets there",
	"$.length().x":  "Jayway takes the bracket for a name",
}

// TestCases holds the package against the stored verdicts of Jayway.
func TestCases(t *testing.T) {
	cases := readCases(t)
	kinds := map[string]int{}
	for _, c := range cases {
		kind, _, _ := strings.Cut(c.Verdict, " ")
		kinds[kind]++
		if reason := strict[c.Path]; reason != "" {
			if got := verdict(c); got != "syntax" {
				t.Errorf("%s: %s although %s", c.Path, got, reason)
			}
			continue
		}
		if diff := differ(verdict(c), c.Verdict); diff != "" {
			t.Errorf("%s on %s: %s", c.Path, c.Document, diff)
		}
	}
	for _, kind := range []string{"one", "all", "missing", "syntax", "failed"} {
		if kinds[kind] == 0 {
			t.Errorf("no case with the verdict %q", kind)
		}
	}
}
