package states_test

import (
	"bytes"
	"encoding/json"
	"os/exec"
	"strings"
	"testing"

	"github.com/orderflow-cdk/orderflow/internal/referee"
)

// The referee is moto (PyPI, 5.2.5), whose Step Functions are LocalStack's interpreter:
//
//	pip install 'moto[stepfunctions]==5.2.5'
//
// It is looked for in $ORDERFLOW_PYTHON, by default python3. It runs the machines of testdata/machines.txt. Cases that
// it does otherwise say why ("moto:"); a case that says so although moto agrees on all of its inputs is an error, too.
// Causes are compared where both have one of the service's own sentences.
func TestMachinesAgreeWithMoto(t *testing.T) {
	t.Parallel()
	python := referee.Python(t)
	if err := exec.Command(python, "-c", "import boto3, moto, moto.stepfunctions.parser.asl.parse.asl_parser, sys; sys.exit(moto.__version__ != '5.2.5')").Run(); err != nil {
		t.Skipf("no referee: %s has no moto 5.2.5 with Step Functions (see referee_moto_test.go): %v", python, err)
	}
	_, cases := machineCases(t)
	var in bytes.Buffer
	for _, c := range cases {
		for _, r := range c.runs {
			if err := json.NewEncoder(&in).Encode(map[string]string{"definition": c.definition, "input": r.input}); err != nil {
				t.Fatal(err)
			}
		}
	}
	cmd := exec.Command(python, "testdata/interpreter.py")
	cmd.Stdin = &in
	lines := strings.Split(strings.TrimSpace(string(referee.Run(t, cmd))), "\n")
	n, agreed := 0, 0
	for _, c := range cases {
		var differs []string
		for _, r := range c.runs {
			if n >= len(lines) {
				t.Fatalf("moto answered %d runs only", len(lines))
			}
			var v struct{ Status, Output, Error, Cause string }
			if err := json.Unmarshal([]byte(lines[n]), &v); err != nil {
				t.Fatalf("%s: %v", lines[n], err)
			}
			n++
			got := "< " + quoted(v.Output)
			if v.Status != "SUCCEEDED" {
				got = "! " + v.Error + " " + v.Cause
			}
			if agree(r.outcome, got) {
				agreed++
			} else {
				differs = append(differs, r.input+"\n here "+r.outcome+"\n moto "+got)
			}
		}
		switch {
		case c.fault == "" && len(differs) > 0:
			t.Errorf("%s: %s", c.name, strings.Join(differs, "\n"))
		case c.fault != "" && len(differs) == 0:
			t.Errorf("%s: moto agrees although %q is noted", c.name, c.fault)
		case c.fault != "" && testing.Verbose():
			t.Logf("%s: %s: %s", c.name, c.fault, strings.Join(differs, "\n"))
		}
	}
	t.Logf("moto agrees on %d of %d runs; the others are marked", agreed, n)
}

// quoted makes JSON of an output that is a string, whose quotes moto drops.
func quoted(output string) string {
	if json.Valid([]byte(output)) {
		return output
	}
	return string(mustJSON(output))
}

// agree compares outcomes: outputs as values, errors by name, and causes by what follows the sentence with
// the state and the event, up to a path's Java message or a printed input.
func agree(ours, moto string) bool {
	if ours[0] == '<' || moto[0] == '<' {
		return sameOutcome(ours, moto)
	}
	return clean(ours) == clean(moto)
}

func clean(s string) string {
	name, cause, _ := strings.Cut(s[2:], " ")
	if _, rest, ok := strings.Cut(cause, "). "); ok {
		cause = rest
	}
	for _, end := range []string{" : ", " could not be found in the input"} {
		cause, _, _ = strings.Cut(cause, end)
	}
	return name + " " + cause
}
