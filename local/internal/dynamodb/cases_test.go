package dynamodb_test

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write what the package answers into testdata/cases.txt")

// testdata/cases.txt is one long conversation with four tables: name, request,
// expected answer, and "~ key" where a referee is known to be wrong (the keys
// are explained in referee_test.go). «x*9» stands for nine x.
const casesFile = "testdata/cases.txt"

type testCase struct {
	name, action, input string
	want                string // the response, or "400 Code: message"
	fault               string
}

var repeated = regexp.MustCompile(`«(.)\*(\d+)»`)

func expand(s string) string {
	return repeated.ReplaceAllStringFunc(s, func(m string) string {
		g := repeated.FindStringSubmatch(m)
		n, _ := strconv.Atoi(g[2])
		return strings.Repeat(g[1], n)
	})
}

// shorten is the reverse of expand.
func shorten(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); {
		j := i
		for j < len(s) && s[j] == s[i] {
			j++
		}
		if j-i >= 100 {
			fmt.Fprintf(&b, "«%c*%d»", s[i], j-i)
		} else {
			b.WriteString(s[i:j])
		}
		i = j
	}
	return b.String()
}

func readCases(t testing.TB) []testCase {
	t.Helper()
	raw, err := os.ReadFile(casesFile)
	if err != nil {
		t.Fatal(err)
	}
	var cases []testCase
	names := map[string]bool{}
	for _, block := range strings.Split(strings.TrimSpace(string(raw)), "\n\n") {
		var c testCase
		for line := range strings.SplitSeq(block, "\n") {
			switch line[:1] {
			case "#":
				c.name = line[2:]
			case "=":
				c.want = expand(strings.TrimSpace(line[1:]))
			case "~":
				c.fault = line[2:]
			default:
				c.action, c.input, _ = strings.Cut(line, " ")
				c.input = expand(c.input)
			}
		}
		if names[c.name] {
			t.Fatalf("%s: two cases are named %q", casesFile, c.name)
		}
		names[c.name] = true
		cases = append(cases, c)
	}
	return cases
}

var caseTables = []struct{ name, props string }{
	{"orders", tableProps},
	{"plain", plainProps},
	{"numbers", `{"AttributeDefinitions": [{"AttributeName": "h", "AttributeType": "N"}, {"AttributeName": "r", "AttributeType": "N"}],
		"KeySchema": [{"AttributeName": "h", "KeyType": "HASH"}, {"AttributeName": "r", "KeyType": "RANGE"}]}`},
	{"scans", plainProps},
}

// normal makes answers comparable: sets have no order.
func normal(t testing.TB, answer string) any {
	if strings.HasPrefix(answer, "400 ") {
		return answer
	}
	var v any
	if err := json.Unmarshal([]byte(answer), &v); err != nil {
		t.Fatalf("%s: %v", answer, err)
	}
	sortSets(v)
	return v
}

func sortSets(v any) {
	switch v := v.(type) {
	case map[string]any:
		for k, e := range v {
			if list, ok := e.([]any); ok && (k == "SS" || k == "NS" || k == "BS" || k == "TableNames") {
				slices.SortFunc(list, func(a, b any) int { return strings.Compare(fmt.Sprint(a), fmt.Sprint(b)) })
			}
			sortSets(e)
		}
	case []any:
		for _, e := range v {
			sortSets(e)
		}
	}
}

func TestCases(t *testing.T) {
	w := newWorld(t)
	for _, c := range caseTables[2:] {
		w.table(c.name, c.props)
	}
	cases := readCases(t)
	for i, c := range cases {
		out, err := w.call(c.action, c.input)
		got := string(out)
		if err != nil {
			got = "400 " + err.Error()
		}
		if *update {
			cases[i].want = got
			continue
		}
		if d := cmp.Diff(normal(t, c.want), normal(t, got)); d != "" {
			t.Errorf("%s\n%s %s\n%s", c.name, c.action, shorten(c.input), d)
		}
	}
	if *update {
		writeCases(t, cases)
	}
}

func writeCases(t *testing.T, cases []testCase) {
	var b strings.Builder
	for _, c := range cases {
		fmt.Fprintf(&b, "# %s\n%s %s\n= %s\n", c.name, c.action, shorten(c.input), shorten(c.want))
		if c.fault != "" {
			fmt.Fprintf(&b, "~ %s\n", c.fault)
		}
		b.WriteByte('\n')
	}
	if err := os.WriteFile(casesFile, []byte(b.String()), 0o644); err != nil {
		t.Fatal(err)
	}
}
