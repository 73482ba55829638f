package states_test

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/orderflow-cdk/orderflow/local/internal/states"
)

var update = flag.Bool("update", false, "write what becomes of the machines of testdata/machines.txt anew")

const machinesFile = "testdata/machines.txt"

// machineCase is one of testdata/machines.txt: a definition, its inputs and outcomes.
type machineCase struct {
	name, definition string
	fault            string // why moto does something else
	runs             []machineRun
}

// machineRun is an input and what becomes of it: "<" and JSON, or "!", an error and part of its cause.
type machineRun struct{ input, outcome string }

func machineCases(t testing.TB) (head string, cases []machineCase) {
	t.Helper()
	b, err := os.ReadFile(machinesFile)
	if err != nil {
		t.Fatal(err)
	}
	blocks := strings.Split(string(b), "\n=== ")
	for _, block := range blocks[1:] {
		lines := strings.Split(strings.TrimSpace(block), "\n")
		c := machineCase{name: lines[0]}
		for _, line := range lines[1:] {
			switch {
			case strings.HasPrefix(line, "moto: "):
				c.fault = line[6:]
			case strings.HasPrefix(line, "states: "):
				c.definition = `{"StartAt":"A","States":` + line[8:] + `}`
			case strings.HasPrefix(line, "> "):
				c.runs = append(c.runs, machineRun{input: line[2:]})
			case line != "":
				c.runs[len(c.runs)-1].outcome = line
			}
		}
		cases = append(cases, c)
	}
	return blocks[0], cases
}

func TestMachines(t *testing.T) {
	head, cases := machineCases(t)
	for i := range cases {
		c := &cases[i]
		t.Run(c.name, func(t *testing.T) {
			st := newStack(t)
			st.define(c.definition)
			for j := range c.runs {
				run := &c.runs[j]
				ex := st.run(run.input)
				got := "< " + ex.Output
				if ex.Status != states.Succeeded {
					got = "! " + ex.Error + " " + ex.Cause
				}
				if *update {
					run.outcome = got
					continue
				}
				if !sameOutcome(run.outcome, got) {
					t.Errorf("%s:\n got %s\nwant %s", run.input, got, run.outcome)
				}
			}
		})
	}
	if *update {
		var b strings.Builder
		b.WriteString(head)
		for _, c := range cases {
			fmt.Fprintf(&b, "\n=== %s\n", c.name)
			if c.fault != "" {
				fmt.Fprintf(&b, "moto: %s\n", c.fault)
			}
			fmt.Fprintf(&b, "states: %s\n", strings.TrimSuffix(strings.TrimPrefix(c.definition, `{"StartAt":"A","States":`), "}"))
			for _, r := range c.runs {
				fmt.Fprintf(&b, "> %s\n%s\n", r.input, r.outcome)
			}
		}
		if err := os.WriteFile(machinesFile, []byte(b.String()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func sameOutcome(want, got string) bool {
	var w, g any
	if strings.HasPrefix(want, "< ") && strings.HasPrefix(got, "< ") && json.Unmarshal([]byte(want[2:]), &w) == nil && json.Unmarshal([]byte(got[2:]), &g) == nil {
		a, err1 := json.Marshal(w)
		b, err2 := json.Marshal(g)
		return err1 == nil && err2 == nil && string(a) == string(b)
	}
	return want == got
}
