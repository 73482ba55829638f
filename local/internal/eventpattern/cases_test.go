package eventpattern

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "rewrite testdata/cases.jsonl with new random cases and the referee's verdicts")

const casesFile = "testdata/cases.jsonl"

// testCase is a pattern, an event, and what Event Ruler says: "yes", "no", or
// "error: " with its message; without the message if the pattern has an $or or a
// list of prefixes, because then it is that of an older compiler, which the engine
// tries last and which does not know them.
type testCase struct {
	Pattern string `json:"pattern"`
	Event   string `json:"event"`
	Verdict string `json:"verdict"`
}

// TestCases holds the engine against the stored verdicts of the referee, for
// the operators that both dialects share and for cidr.
func TestCases(t *testing.T) {
	cases := readCases(t)
	seen := map[string]int{}
	for _, c := range cases {
		if got := verdict(c); got != c.Verdict {
			t.Errorf("%s on %s:\n got %s\nwant %s", c.Pattern, c.Event, got, c.Verdict)
		}
		kind, _, _ := strings.Cut(c.Verdict, ":")
		seen[kind]++
	}
	if seen["yes"] < 100 || seen["no"] < 100 || seen["error"] < 50 {
		t.Errorf("the cases do not say much: %v", seen)
	}
}

func verdict(c testCase) string {
	return withoutMessage(c.Pattern, ourVerdict(c))
}

func withoutMessage(pattern, verdict string) string {
	unknown := strings.Contains(pattern, "$or") || strings.Contains(pattern, `fix":["`)
	if unknown && strings.HasPrefix(verdict, "error") && !strings.HasSuffix(verdict, "not simulated") {
		return "error"
	}
	return verdict
}

func ourVerdict(c testCase) string {
	rules, err := compile([]byte(c.Pattern), dialect{cidr: true, notSuffix: true})
	var refused *SyntaxError
	switch {
	case errors.As(err, &refused):
		return "error: " + refused.Message
	case err != nil:
		return "error: " + err.Error()
	case newMatcher(rules).match([]byte(c.Event)):
		return "yes"
	}
	return "no"
}

func readCases(t *testing.T) (cases []testCase) {
	t.Helper()
	b, err := os.ReadFile(casesFile)
	if err != nil {
		t.Fatal(err)
	}
	for line := range bytes.Lines(b) {
		var c testCase
		if err := json.Unmarshal(line, &c); err != nil {
			t.Fatal(err)
		}
		cases = append(cases, c)
	}
	return cases
}

// generator makes patterns and events of few names and values, so that they
// often meet.
type generator struct {
	*rand.Rand
	bad bool // the pattern may have mistakes
}

func newGenerator(seed uint64) *generator { return &generator{Rand: rand.New(rand.NewPCG(seed, 1))} }

func (g *generator) cases(n int) []testCase {
	out := make([]testCase, n)
	for i := range out {
		out[i].Event = g.object(0)
		matching := g.IntN(2) == 0
		for out[i].Pattern == "" || strings.HasSuffix(verdict(out[i]), "not simulated") {
			g.bad = g.IntN(4) == 0
			out[i].Pattern = g.pattern(0)
		}
		for try := 0; try < 100 && matching && verdict(out[i]) == "no"; try++ {
			out[i].Event = g.object(0)
		}
	}
	return out
}

func (g *generator) pick(s ...string) string { return s[g.IntN(len(s))] }

// some joins up to n members that make gives for distinct names.
func (g *generator) some(n int, make func(name string) string) string {
	var members []string
	for _, i := range g.Perm(5)[:1+g.IntN(n)] {
		name := []string{"a", "b", "$or", "c", "a.b"}[i]
		members = append(members, fmt.Sprintf("%q:%s", name, make(name)))
	}
	return "{" + strings.Join(members, ",") + "}"
}

func (g *generator) pattern(depth int) string {
	return g.some(2, func(name string) string {
		switch {
		case name == "$or" && depth < 2:
			return "[" + g.pattern(depth+1) + "," + g.pattern(depth+1) + "]"
		case depth < 2 && g.IntN(3) == 0:
			return g.pattern(depth + 1)
		case g.bad && g.IntN(20) == 0:
			return g.pick(`"x"`, "5", "{}", "[]", `[[1]]`, `[{}]`)
		}
		list := make([]string, 1+g.IntN(2))
		for i := range list {
			list[i] = g.operator()
		}
		return "[" + strings.Join(list, ",") + "]"
	})
}

var goodOperators = []string{
	`"x"`, `"xy"`, `"yx"`, `""`, `"X"`, `5`, `5.0`, `-1`, `1e1`, `true`, `false`, `null`, `"10.0.0.1"`,
	`{"prefix":"x"}`, `{"prefix":""}`, `{"prefix":"xyz"}`, `{"suffix":"x"}`, `{"suffix":"yx"}`, `{"equals-ignore-case":"XY"}`, `{"equals-ignore-case":""}`,
	`{"anything-but":"x"}`, `{"anything-but":5}`, `{"anything-but":["x","xy"]}`, `{"anything-but":[5,-1]}`,
	`{"anything-but":{"prefix":"x"}}`, `{"anything-but":{"suffix":"x"}}`, `{"anything-but":{"prefix":["x","y"]}}`, `{"anything-but":{"suffix":["x","y"]}}`,
	`{"exists":true}`, `{"exists":false}`, `{"exists":false}`,
	`{"numeric":["=",5]}`, `{"numeric":["<",5]}`, `{"numeric":["<=",5]}`, `{"numeric":[">",-1]}`, `{"numeric":[">=",5]}`,
	`{"numeric":[">",-1,"<",5]}`, `{"numeric":[">=",-1,"<=",5]}`, `{"numeric":[">",5,"<=",10]}`,
	`{"cidr":"10.0.0.0/24"}`, `{"cidr":"10.0.0.77/31"}`, `{"cidr":"2001:db8::/32"}`,
}

var badOperators = []string{
	`{"prefix":5}`, `{"suffix":null}`, `{"equals-ignore-case":["x"]}`, `{"anything-but":null}`, `{"anything-but":true}`, `{"anything-but":[null]}`,
	`{"anything-but":["x",5]}`, `{"anything-but":[]}`, `{"anything-but":{}}`, `{"anything-but":{"exists":true}}`, `{"anything-but":{"prefix":5}}`, `{"anything-but":{"prefix":""}}`,
	`{"anything-but":{"suffix":["x",5]}}`, `{"anything-but":{"suffix":["x",""]}}`, `{"anything-but":{"prefix":"x","suffix":"y"}}`,
	`{"anything-but":"x","prefix":"y"}`, `{"anything-but":["x"],"prefix":"y"}`, `{"anything-but":{"prefix":"x"},"prefix":"y"}`,
	`{"exists":5}`, `{"exists":"true"}`, `{"exists":true,"prefix":"x"}`, `{"prefix":"x","suffix":"y"}`, `{"nonsense":5}`,
	`{"numeric":5}`, `{"numeric":[]}`, `{"numeric":[5]}`, `{"numeric":["!=",5]}`, `{"numeric":["="]}`, `{"numeric":["=","5"]}`, `{"numeric":["=",5,"<",6]}`, `{"numeric":["<",5,">",1]}`,
	`{"numeric":[">",5,6]}`, `{"numeric":[">",5,"x"]}`, `{"numeric":[">",5,"<"]}`, `{"numeric":[">",5,"<",5]}`, `{"numeric":[">",5,"<",6,7]}`, `{"numeric":["=",5],"exists":true}`,
	`{"cidr":5}`, `{"cidr":"10.0.0.0"}`, `{"cidr":"10.0.0.0/x"}`, `{"cidr":"10.0.0/24"}`, `{"cidr":"10.0.0.0/32"}`, `{"cidr":"10.0.0.0/-1"}`, `{"cidr":"::/128"}`,
	`[]`, `["x"]`, `{}`,
}

func (g *generator) operator() string {
	if g.bad && g.IntN(2) == 0 {
		return g.pick(badOperators...)
	}
	return g.pick(goodOperators...)
}

func (g *generator) object(depth int) string {
	return g.some(4, func(string) string { return g.value(depth) })
}

func (g *generator) value(depth int) string {
	if depth < 3 {
		switch g.IntN(6) {
		case 0, 1:
			return g.object(depth + 1)
		case 2:
			list := make([]string, g.IntN(4))
			for i := range list {
				list[i] = g.value(depth + 1)
			}
			return "[" + strings.Join(list, ",") + "]"
		}
	}
	return g.pick(`"x"`, `"xy"`, `"yx"`, `"Xy"`, `""`, `5`, `5.00`, `-1`, `10`, `4`, `true`, `false`, `null`, `"5"`, `"10.0.0.1"`, `"10.0.0.76"`, `"2001:db8::1"`, `"x"`)
}
