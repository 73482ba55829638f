package states_test

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"testing"

	"github.com/orderflow-cdk/orderflow/internal/referee"
)

// The referee is asl-validator (npm, 4.0.0). It is looked for in the
// node_modules of $ORDERFLOW_REFEREES, by default test/referees of this repository:
//
//	cd test/referees && npm ci
//
// It checks a definition against a JSON schema, whether states are reachable,
// and whether expressions parse. Where it judges a case of
// testdata/definitions.txt otherwise than this package, the case names why:
var validatorFaults = map[string]string{
	"output-string":     "it allows only objects and expressions as Output; the service takes any JSON value (recorded)",
	"condition-boolean": "it allows only strings as Condition; the service takes a boolean (recorded)",
	"downgrade":         "it lets a state go back to JSONPath; the service does not (recorded)",
	"jitter":            "it accepts any JitterStrategy",
	"version":           "it does not look at Version",
	"eval":              "it does not know which functions Step Functions lacks",
	"states-members":    "it does not look at what $states holds where",
	"variable-names":    "it does not look at the names of variables",
	"resources":         "it checks that a resource is an ARN and not that it exists",
	"heartbeat":         "it does not compare HeartbeatSeconds with TimeoutSeconds",
	"states-all":        "it accepts States.ALL beside and before other errors",
	"reserved-errors":   "it does not know the errors of the States Language",
	"empty-branches":    "it accepts a Parallel state without branches",
	"templates":         "it accepts a payload template that is no object",
	// Not faults of the referee:
	"not-simulated": "it is right in general: this package does not simulate it",
	"not-asked":     "it takes a decoded object, so that it cannot be asked",
}

const validatorScript = `
const validate = require('asl-validator');
const definitions = JSON.parse(require('fs').readFileSync(0, 'utf8'));
console.log(JSON.stringify(definitions.map(d => {
  try {
    const r = validate(d);
    return r.isValid ? '' : JSON.stringify(r.errors.map(e => e.Message));
  } catch (e) {
    return 'threw ' + e.message;
  }
})));
`

func TestDefinitionsAgreeWithTheReferee(t *testing.T) {
	t.Parallel()
	dir := referee.Node(t, "asl-validator")
	var cases []definitionCase
	var definitions []json.RawMessage
	for _, c := range definitionCases(t) {
		if _, ok := validatorFaults[c.referee]; c.referee != "" && !ok {
			t.Errorf("%s: the fault %q is not listed", c.name, c.referee)
		}
		if c.referee == "not-asked" {
			continue
		}
		cases = append(cases, c)
		definitions = append(definitions, json.RawMessage(c.definition))
	}
	_, machines := machineCases(t)
	for _, m := range machines { // those that run, too
		cases = append(cases, definitionCase{name: m.name, good: true})
		definitions = append(definitions, json.RawMessage(m.definition))
	}
	cdk, err := os.ReadFile("testdata/cdk.json")
	if err != nil {
		t.Fatal(err)
	}
	cases = append(cases, definitionCase{name: "cdk.json", good: true})
	definitions = append(definitions, cdk)
	in, err := json.Marshal(definitions)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("node", "-e", validatorScript)
	cmd.Dir, cmd.Stdin = dir, bytes.NewReader(in)
	out := referee.Run(t, cmd)
	var verdicts []string
	if err := json.Unmarshal(out, &verdicts); err != nil || len(verdicts) != len(cases) {
		t.Fatalf("%d verdicts on %d definitions: %v", len(verdicts), len(cases), err)
	}
	agreed := 0
	for i, c := range cases {
		switch agree := c.good == (verdicts[i] == ""); {
		case !agree && c.referee == "":
			t.Errorf("%s: good %v; the referee says %q", c.name, c.good, verdicts[i])
		case agree && c.referee != "":
			t.Errorf("%s: the referee agrees although its fault %q is noted", c.name, c.referee)
		case agree:
			agreed++
		}
	}
	t.Logf("asl-validator agrees on %d of %d definitions; the others are marked", agreed, len(cases))
}
