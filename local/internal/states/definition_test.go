package states_test

import (
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/orderflow-cdk/orderflow/local/internal/states"
)

// definitionCase is one of testdata/definitions.txt.
type definitionCase struct {
	name       string
	good       bool
	messages   []string // parts of those that are due
	referee    string   // the referee's fault, if it judges otherwise
	definition string
}

func definitionCases(t *testing.T) []definitionCase {
	t.Helper()
	b, err := os.ReadFile("testdata/definitions.txt")
	if err != nil {
		t.Fatal(err)
	}
	var out []definitionCase
	for _, block := range strings.Split(string(b), "\n=== ")[1:] {
		lines := strings.Split(strings.TrimSpace(block), "\n")
		c := definitionCase{name: lines[0], good: lines[1] == "good"}
		if !c.good && lines[1] != "bad" {
			t.Fatalf("%s: neither good nor bad", c.name)
		}
		for i := 2; i < len(lines); i++ {
			line := lines[i]
			if fault, ok := strings.CutPrefix(line, "referee: "); ok {
				c.referee = fault
				continue
			}
			rest := strings.Join(lines[i:], "\n")
			if s, ok := strings.CutPrefix(rest, "states: "); ok {
				c.definition = `{"QueryLanguage":"JSONata","StartAt":"A","States":` + s + `}`
				break
			}
			if s, ok := strings.CutPrefix(rest, "paths: "); ok {
				c.definition = `{"StartAt":"A","States":` + s + `}`
				break
			}
			if line[0] == '{' || line[0] == '[' {
				c.definition = rest
				break
			}
			c.messages = append(c.messages, line)
		}
		out = append(out, c)
	}
	return out
}

func TestDefinitions(t *testing.T) {
	cases := definitionCases(t)
	if len(cases) < 50 {
		t.Fatalf("only %d cases were read", len(cases))
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			_, err := states.Parse([]byte(c.definition))
			if c.good {
				if err != nil {
					t.Error(err)
				}
				return
			}
			if err == nil {
				t.Fatal("it was accepted")
			}
			if len(c.messages) == 0 {
				t.Fatal("the case expects no message")
			}
			for _, m := range c.messages {
				if !strings.Contains(err.Error(), m) {
					t.Errorf("%v\nlacks %q", err, m)
				}
			}
		})
	}
}

func TestMachineListsItsStates(t *testing.T) {
	m, err := states.Parse([]byte(`{"QueryLanguage":"JSONata","Comment":"c","TimeoutSeconds":9,"StartAt":"Z","States":{
		"Z":{"Type":"Parallel","Branches":[{"StartAt":"B","States":{"B":{"Type":"Succeed"}}}],"Next":"A"},"A":{"Type":"Succeed"}}}`))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"A", "Z", "B"}, m.States()); diff != "" || m.Comment != "c" || m.TimeoutSeconds != 9 {
		t.Error(diff, m.Comment, m.TimeoutSeconds)
	}
}
