package dynamodb_test

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/orderflow-cdk/orderflow/local/internal/api"
)

var update = flag.Bool("update", false, "write what the package answers into testdata/cases.txt")

// The files are conversations with the tables below: name, request, expected
// answer, and "~ key" where the file's referee is known to be wrong (the keys
// are explained in referee_test.go). «x*9» stands for nine x.
const (
	casesFile        = "testdata/cases.txt"        // referee: dynalite
	transactionsFile = "testdata/transactions.txt" // referee: moto
)

type testCase struct {
	name, action, input string
	// want is the response, or "400 Code: message", then what else the error says.
	want  string
	fault string
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

func readCases(t testing.TB, file string) []testCase {
	t.Helper()
	raw, err := os.ReadFile(file)
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
			t.Fatalf("%s: two cases are named %q", file, c.name)
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

func TestCases(t *testing.T) { runCases(t, casesFile) }

func TestTransactionCases(t *testing.T) { runCases(t, transactionsFile) }

func runCases(t *testing.T, file string) {
	w := newWorld(t)
	for _, c := range caseTables[2:] {
		w.table(c.name, c.props)
	}
	cases := readCases(t, file)
	for i, c := range cases {
		got := w.answer(c.action, c.input)
		if *update {
			cases[i].want = got
			continue
		}
		if d := cmp.Diff(normal(t, c.want), normal(t, got)); d != "" {
			t.Errorf("%s\n%s %s\n%s", c.name, c.action, shorten(c.input), d)
		}
	}
	if *update {
		writeCases(t, file, cases)
	}
}

// answer makes a call and writes its outcome as the files do.
func (w *world) answer(action, input string) string {
	out, err := w.call(action, input)
	if err == nil {
		return string(out)
	}
	var e *api.Error
	if !errors.As(err, &e) {
		w.t.Fatalf("%s: %T: %v", action, err, err)
	}
	return refusal(w.t, e.Body(""))
}

// refusal writes an error's body as the files do.
func refusal(t testing.TB, body []byte) string {
	t.Helper()
	var e struct {
		Type    string          `json:"__type"`
		Lower   string          `json:"message"`
		Capital string          `json:"Message"`
		Item    json.RawMessage `json:",omitempty"`
		Reasons json.RawMessage `json:"CancellationReasons,omitempty"`
	}
	if err := json.Unmarshal(body, &e); err != nil {
		t.Fatalf("%s: %v", body, err)
	}
	message := e.Lower
	if message == "" {
		message = e.Capital
	}
	out := "400 " + e.Type[strings.Index(e.Type, "#")+1:] + ": " + message
	for _, more := range []json.RawMessage{e.Item, e.Reasons} {
		if len(more) > 0 && string(more) != "null" {
			var v any
			if err := json.Unmarshal(more, &v); err != nil {
				t.Fatal(err)
			}
			sorted, _ := json.Marshal(v)
			out += " " + string(sorted)
		}
	}
	return out
}

func writeCases(t *testing.T, file string, cases []testCase) {
	var b strings.Builder
	for i, c := range cases {
		if i > 0 {
			b.WriteByte('\n')
		}
		fmt.Fprintf(&b, "# %s\n%s %s\n= %s\n", c.name, c.action, shorten(c.input), shorten(c.want))
		if c.fault != "" {
			fmt.Fprintf(&b, "~ %s\n", c.fault)
		}
	}
	if err := os.WriteFile(file, []byte(b.String()), 0o644); err != nil {
		t.Fatal(err)
	}
}
