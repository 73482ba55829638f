package asl_test

import (
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/recolabs/gnata"

	"github.com/orderflow-cdk/orderflow/internal/referee"
)

// The referees are npm's asl-validator 4.0.0 and jsonata 2.0.6, the release that
// AWS names. They are looked for in $ORDERFLOW_REFEREES/node_modules, by default
// test/referees of this repository:
//
//	cd test/referees && npm ci
//
// asl-validator knows the shape of the language and whether states are reached, but
// not what functions and variables an expression may use.

// packageOf returns the folder of an npm package, or skips.
func packageOf(t *testing.T, name string) string {
	t.Helper()
	return filepath.Join(referee.Node(t, name), "node_modules", name)
}

// judge is a program for node that prints what is wrong with each definition.
const judge = `
const validator = require(process.argv[2]);
const validate = validator.default ?? validator;
const definitions = JSON.parse(require("fs").readFileSync(0, "utf8"));
console.log(JSON.stringify(definitions.map(d => validate(d).errors.map(e => JSON.stringify(e)).join("; "))));`

func TestRefereeFindsWhatIsWrongWithDefinitionsAndNothingElse(t *testing.T) {
	dir := packageOf(t, "asl-validator")
	var names, definitions []string
	for name, shape := range shapes {
		names = append(names, name)
		definitions = append(definitions, string(definition(t, shape())))
	}
	// The referee must be awake.
	names = append(names, "broken")
	definitions = append(definitions, strings.Replace(string(definition(t, orders())), `"Next":"Mark PAID"`, `"Next":"Mark NOTHING"`, 1))

	cmd := exec.Command("node", "-e", judge, "-", dir)
	cmd.Stdin = strings.NewReader("[" + strings.Join(definitions, ",") + "]")
	out := referee.Run(t, cmd)
	var verdicts []string
	if err := json.Unmarshal(out, &verdicts); err != nil {
		t.Fatal(err)
	}
	if len(verdicts) != len(names) {
		t.Fatalf("%d verdicts on %d definitions", len(verdicts), len(names))
	}
	for i, name := range names {
		switch broken := name == "broken"; {
		case broken && !strings.Contains(verdicts[i], "Mark NOTHING"):
			t.Errorf("a state that does not exist passed: %q", verdicts[i])
		case !broken && verdicts[i] != "":
			t.Errorf("%s: %s", name, verdicts[i])
		}
	}
}

var delimited = regexp.MustCompile(`"\{% (.*?) %\}"`)

// expressions returns every JSONata expression of all shapes, without delimiters.
func expressions(t *testing.T) []string {
	t.Helper()
	var out []string
	for _, shape := range shapes {
		for _, m := range delimited.FindAllSubmatch(definition(t, shape()), -1) {
			var e string
			if err := json.Unmarshal([]byte(`"`+string(m[1])+`"`), &e); err != nil {
				t.Fatal(err)
			}
			out = append(out, e)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// situations are the variables that expressions are evaluated with.
var situations = []string{
	`{"results":{},"sequence":1,"outcome":"REJECTED","reason":"OutOfStock","detail":"none left","states":{
		"input":{"status":"RESERVED","cancelRequested":true},
		"result":{"Payload":{"id":"r-1","lines":[1]},"Attributes":{"sequence":{"N":"7"}},"MessageId":"m"},
		"errorOutput":{"Error":"OutOfStock","Cause":"{\"errorMessage\":\"only 2 left of ‘KB’ \\u2603 😀\",\"errorType\":\"OutOfStock\"}"},
		"context":{"Execution":{"Input":{"pk":"t#o","tenant":"t","orderId":"o","order":{"items":[{"sku":"a"}],"n":1.50}}},
			"State":{"EnteredTime":"2026-01-01T00:00:00.000Z"},"Task":{"Token":"tok"}}}}`,
	`{"results":{"Reserve":{"a":[]},"Charge":null},"sequence":2,"outcome":"FAILED","reason":"States.Timeout","detail":"","states":{
		"input":{"status":"","cancelRequested":false},
		"result":{"Item":{"sequence":{"N":"3"},"status":{"S":"PAID"},"cancelRequested":{"BOOL":true}},"Payload":[1],"MessageId":1},
		"errorOutput":{"Error":"States.Timeout"},
		"context":{"Execution":{"Input":{"pk":"t#o","order":[]}},"State":{"EnteredTime":"x"},"Task":{"Token":""}}}}`,
	`{"results":{"Reserve":{"text":"quote \" and \\ and é"}},"sequence":3,"outcome":"CANCELLED","reason":"r","detail":"d","states":{
		"input":{"status":"COMPLETED","cancelRequested":false},
		"result":{"Item":{"sequence":{"N":"3"}},"Payload":"text"},
		"errorOutput":{"Error":"DynamoDB.InternalServerError","Cause":"plain text, not {JSON}"},
		"context":{"Execution":{"Input":{"pk":"p","order":{"a":null}}},"State":{"EnteredTime":"x"},"Task":{"Token":""}}}}`,
	`{"results":{},"sequence":0,"outcome":"","reason":"","detail":"","states":{
		"input":{},"result":{},
		"errorOutput":{"Error":"E","Cause":"{\"noMessage\":1}"},
		"context":{"Execution":{"Input":{"pk":"p"}},"State":{"EnteredTime":"x"},"Task":{"Token":""}}}}`,
	cause(`{"errorType":"Sandbox.Timedout","errorMessage":"a \"quoted\" \\ \/ \n \u0041 \ud83d\ude00 text","stackTrace":["{","}"]}`),
	cause(`{"errorMessage": "spaced", "errorType": "X"}`),
	cause(`{"errorMessage":""}`),
	cause(`{"errorMessage":null}`),
	cause(`{"errorMessage":"cut o`),
	cause(`{"errorMessage":"bad escape \x"}`),
	cause("{\"errorMessage\":\"raw\nnewline\"}"),
	cause("{\"errorMessage\":\"then\",\"x\":\n1}"),
	cause(`{not JSON}`),
	cause(`{"errorMessage":"` + strings.Repeat("long ☃ ", 400) + `"}`),
	cause("$1 $c {% % }"),
}

// cause is a situation in which an error had this cause.
func cause(text string) string {
	b, err := json.Marshal(text)
	if err != nil {
		panic(err)
	}
	return `{"results":{},"sequence":1,"outcome":"","reason":"r","detail":"d","states":{"input":{},"result":{},
		"errorOutput":{"Error":"E","Cause":` + string(b) + `},"context":{"Execution":{"Input":{"pk":"p"}},"State":{"EnteredTime":"x"},"Task":{"Token":""}}}}`
}

// evaluate is a program for node that prints what each expression gives in each
// situation, with a marker for no value and for an error.
const evaluate = `
const jsonata = require(process.argv[2]);
const {expressions, situations} = JSON.parse(require("fs").readFileSync(0, "utf8"));
(async () => {
  const out = [];
  for (const e of expressions) for (const s of situations) {
    const x = jsonata(e);
    x.registerFunction("parse", t => JSON.parse(t), "<s:x>");
    let v;
    try { v = await x.evaluate(undefined, s); v = v === undefined ? "<nothing>" : JSON.parse(JSON.stringify(v)); }
    catch (err) { v = "<error>"; }
    out.push(v);
  }
  console.log(JSON.stringify(out));
})();`

// TestRefereeAgreesWithTheLocalEngineOnEveryExpression: JSONata's own
// implementation and the one that the local runner builds on.
func TestRefereeAgreesWithTheLocalEngineOnEveryExpression(t *testing.T) {
	dir := packageOf(t, "jsonata")
	if b, err := os.ReadFile(filepath.Join(dir, "package.json")); err != nil || !strings.Contains(string(b), `"version": "2.0.6"`) {
		t.Fatalf("the referee must be jsonata 2.0.6 (%v)", err)
	}
	all := expressions(t)
	var decoded []any
	for _, s := range situations {
		var v any
		if err := json.Unmarshal([]byte(s), &v); err != nil {
			t.Fatal(err)
		}
		decoded = append(decoded, v)
	}
	in, err := json.Marshal(map[string]any{"expressions": all, "situations": decoded})
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("node", "-e", evaluate, "-", dir)
	cmd.Stdin = strings.NewReader(string(in))
	out := referee.Run(t, cmd)
	var want []any
	if err := json.Unmarshal(out, &want); err != nil {
		t.Fatal(err)
	}
	if len(want) != len(all)*len(situations) || len(all) < 20 {
		t.Fatalf("%d results for %d expressions", len(want), len(all))
	}
	for i, e := range all {
		for j := range situations {
			if diff := cmp.Diff(want[i*len(situations)+j], evaluated(t, e, situations[j])); diff != "" {
				t.Errorf("%s\nin situation %d: the referee (-) and the local engine (+) differ:\n%s", e, j+1, diff)
			}
		}
	}
}

// evaluated is what the library of the local engine makes of an expression.
func evaluated(t *testing.T, expression, situation string) any {
	t.Helper()
	x, err := gnata.Compile(expression)
	if err != nil {
		t.Fatalf("%s: %v", expression, err)
	}
	var vars map[string]any
	if err := json.Unmarshal([]byte(situation), &vars); err != nil {
		t.Fatal(err)
	}
	env := gnata.NewCustomEnv(map[string]gnata.CustomFunc{
		"parse": func(args []any, _ any) (any, error) {
			var v any
			err := json.Unmarshal([]byte(args[0].(string)), &v)
			return v, err
		},
	})
	for name, v := range vars {
		env.Bind(name, v)
	}
	v, err := x.EvalWithCustomFuncs(context.Background(), nil, env)
	switch {
	case err != nil:
		return "<error>"
	case v == nil:
		return "<nothing>"
	}
	b, err := json.Marshal(gnata.NormalizeValue(v))
	if err != nil {
		t.Fatal(err)
	}
	var out any
	if err := json.Unmarshal(b, &out); err != nil {
		t.Fatal(err)
	}
	return out
}
