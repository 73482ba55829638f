package states_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/orderflow-cdk/orderflow/local/internal/states"
)

func TestSagaOfTheBenchmarkSucceeds(t *testing.T) {
	k, s, sm := sagaService(t)
	st := &stack{t: t, k: k, s: s, sm: sm}
	st.succeeds(st.run(order), `{}`)
}

// TestOutputs covers what a state without side effects makes of its input.
func TestOutputs(t *testing.T) {
	const in = `{"a":1,"s":"x","list":[1,2,3],"nil":null,"o":{"k":"v"}}`
	for name, tc := range map[string]struct{ start, states, want string }{
		"Pass hands its input on": {"P", `{"P":{"Type":"Pass","End":true}}`, in},
		"Output replaces it":      {"P", `{"P":{"Type":"Pass","Output":{"b":"{% $states.input.a + 1 %}","lit":" {% x %} ","n":null},"End":true}}`, `{"b":2,"lit":" {% x %} ","n":null}`},
		"Output may be anything":  {"P", `{"P":{"Type":"Pass","Output":["{% $states.input.s %}",{"x":"{% $count($states.input.list) %}"},1.5,true,[]],"End":true}}`, `["x",{"x":3},1.5,true,[]]`},
		"Output may be null":      {"P", `{"P":{"Type":"Pass","Output":"{% $states.input.nil %}","End":true}}`, `null`},
		"Succeed":                 {"S", `{"S":{"Type":"Succeed","Output":"{% $states.input.o.k %}"}}`, `"v"`},
		"Succeed without Output":  {"S", `{"S":{"Type":"Succeed"}}`, in},
		"Assign is seen by the next state": {"A", `{"A":{"Type":"Pass","Assign":{"x":"{% $states.input.a %}","y":{"z":["{% $states.input.s %}"]}},"Next":"B"},
			"B":{"Type":"Pass","Output":"{% {'x':$x,'y':$y} %}","End":true}}`, `{"x":1,"y":{"z":["x"]}}`},
		"Assign and Output see the variables as they were": {"A", `{"A":{"Type":"Pass","Assign":{"x":1,"y":2},"Next":"B"},
			"B":{"Type":"Pass","Assign":{"x":"{% $y %}","y":"{% $x %}"},"Output":"{% [$x,$y] %}","Next":"C"},
			"C":{"Type":"Pass","Output":{"before":"{% $states.input %}","after":"{% [$x,$y] %}"},"End":true}}`, `{"before":[1,2],"after":[2,1]}`},
		"Choice takes the first rule that holds": {"C", `{"C":{"Type":"Choice","Choices":[
			{"Condition":"{% $states.input.a = 2 %}","Next":"N"},
			{"Condition":"{% $states.input.a = 1 %}","Output":"{% $states.input.s & '!' %}","Assign":{"rule":2},"Next":"Y"},
			{"Condition":true,"Next":"N"}],"Default":"N"},
			"Y":{"Type":"Pass","Output":["{% $states.input %}","{% $rule %}"],"End":true},"N":{"Type":"Fail"}}`, `["x!",2]`},
		"Choice's Default has the state's Output and Assign": {"C", `{"C":{"Type":"Choice","Choices":[{"Condition":false,"Next":"N"}],
			"Default":"D","Output":{"d":1},"Assign":{"v":"{% $states.input.a %}"}},
			"D":{"Type":"Pass","Output":["{% $states.input %}","{% $v %}"],"End":true},"N":{"Type":"Fail"}}`, `[{"d":1},1]`},
		"a rule without Output hands the input on": {"C", `{"C":{"Type":"Choice","Choices":[{"Condition":true,"Next":"Y"}],"Output":{"not":"used"}},
			"Y":{"Type":"Pass","End":true}}`, in},
		"Wait hands its input on": {"W", `{"W":{"Type":"Wait","Seconds":3,"Next":"P"},"P":{"Type":"Pass","End":true}}`, in},
		"the functions of Step Functions": {"P", `{"P":{"Type":"Pass","Output":{"p":"{% $partition($states.input.list, 2) %}","r":"{% $range(1,3,1) %}","h":"{% $hash('a','MD5') %}","j":"{% $parse('{\"q\":1}').q %}"},"End":true}}`,
			`{"p":[[1,2],[3]],"r":[1,2,3],"h":"0cc175b9c0f1b6a831c399e269772661","j":1}`},
	} {
		t.Run(name, func(t *testing.T) {
			st := newStack(t)
			st.machine(tc.start, tc.states)
			st.succeeds(st.run(in), tc.want)
		})
	}
}

// TestEvaluationErrors holds the texts against those that Step Functions gives.
func TestEvaluationErrors(t *testing.T) {
	for name, tc := range map[string]struct{ start, states, in, errName, cause string }{
		"undefined output": {"S", `{"S":{"Type":"Pass","Output":"{% $doesNotExist %}","End":true}}`, `{}`, "States.QueryEvaluationError",
			"An error occurred while executing the state 'S' (entered at the event id #2). The JSONata expression '$doesNotExist' specified for the field 'Output' returned nothing (undefined)."},
		"undefined field":    {"S", `{"S":{"Type":"Pass","Output":{"result":"{% $states.input.x %}"},"End":true}}`, `{}`, "States.QueryEvaluationError", "specified for the field 'Output/result' returned nothing (undefined)."},
		"undefined variable": {"S", `{"S":{"Type":"Pass","Assign":{"result":"{% $x %}"},"End":true}}`, `{}`, "States.QueryEvaluationError", "specified for the field 'Assign/result' returned nothing (undefined)."},
		"type error":         {"S", `{"S":{"Type":"Pass","Output":"{% 1 + 'a' %}","End":true}}`, `{}`, "States.QueryEvaluationError", "specified for the field 'Output' threw an error during evaluation."},
		"a function":         {"S", `{"S":{"Type":"Pass","Output":"{% function($x){$x} %}","End":true}}`, `{}`, "States.QueryEvaluationError", "Output"},
		"condition":          {"C", `{"C":{"Type":"Choice","Choices":[{"Condition":"{% $states.input.x %}","Next":"P"}]},"P":{"Type":"Pass","End":true}}`, `{"x":"true"}`, "States.QueryEvaluationError", "returned an unexpected result type. Expected 'boolean', but was 'string' for value: \"true\""},
		"no rule":            {"C", `{"C":{"Type":"Choice","Choices":[{"Condition":false,"Next":"P"}]},"P":{"Type":"Pass","End":true}}`, `{}`, "States.NoChoiceMatched", "'C'"},
		"seconds":            {"W", `{"W":{"Type":"Wait","Seconds":"{% $states.input.s %}","End":true}}`, `{"s":"3"}`, "States.QueryEvaluationError", "Expected 'number', but was 'string'"},
		"fractional seconds": {"W", `{"W":{"Type":"Wait","Seconds":"{% 1.5 %}","End":true}}`, `{}`, "States.QueryEvaluationError", "'Seconds' must be a whole number"},
		"timestamp":          {"W", `{"W":{"Type":"Wait","Timestamp":"{% $states.input.t %}","End":true}}`, `{"t":"2016-12-05T21:29:29"}`, "States.QueryEvaluationError", "The Timestamp field cannot be parsed as an ISO-8601 extended offset date-time format string: 2016-12-05T21:29:29"},
		"items":              {"M", `{"M":{"Type":"Map","Items":"{% $states.input %}","ItemProcessor":{"StartAt":"P","States":{"P":{"Type":"Pass","End":true}}},"End":true}}`, `{"foo":"bar"}`, "States.QueryEvaluationError", "Expected 'array', but was 'object' for value: {\"foo\":\"bar\"}"},
		"items by default":   {"M", `{"M":{"Type":"Map","ItemProcessor":{"StartAt":"P","States":{"P":{"Type":"Pass","End":true}}},"End":true}}`, `1`, "States.QueryEvaluationError", "Map state input must be an array but was: 1"},
		"fail":               {"F", `{"F":{"Type":"Fail","Error":"{% $states.input.e %}","Cause":"{% 'because ' & $states.input.e %}"}}`, `{"e":"Oops"}`, "Oops", "because Oops"},
		"fail with nothing":  {"F", `{"F":{"Type":"Fail"}}`, `{}`, "", ""},
		"fail with a number": {"F", `{"F":{"Type":"Fail","Error":"{% 1 %}"}}`, `{}`, "States.QueryEvaluationError", "Expected 'string', but was 'number'"},
	} {
		t.Run(name, func(t *testing.T) {
			st := newStack(t)
			st.machine(tc.start, tc.states)
			ex := st.run(tc.in)
			st.fails(ex, tc.errName)
			if !strings.Contains(ex.Cause, tc.cause) {
				t.Errorf("cause %q\nlacks %q", ex.Cause, tc.cause)
			}
		})
	}
}

func TestWaitTakesItsTime(t *testing.T) {
	for name, tc := range map[string]struct {
		state string
		want  time.Duration
	}{
		"seconds":              {`"Seconds":90`, 90 * time.Second},
		"an expression":        {`"Seconds":"{% $states.input.n * 2 %}"`, 20 * time.Second},
		"none":                 {`"Seconds":0`, 0},
		"timestamp":            {`"Timestamp":"2026-01-01T01:00:00Z"`, time.Hour},
		"timestamp, offset":    {`"Timestamp":"2026-01-01T03:00:00+02:00"`, time.Hour},
		"timestamp, expr":      {`"Timestamp":"{% $fromMillis($toMillis('2026-01-01T00:00:00Z') + 1500) %}"`, 1500 * time.Millisecond},
		"timestamp, long past": {`"Timestamp":"2020-01-01T00:00:00Z"`, 0},
	} {
		st := newStack(t)
		st.machine("W", `{"W":{"Type":"Wait",`+tc.state+`,"End":true}}`)
		ex := st.run(`{"n":10}`)
		if got := ex.Stop.Sub(ex.Start); ex.Status != states.Succeeded || got != tc.want {
			t.Errorf("%s: %s after %s, want %s (%s)", name, ex.Status, got, tc.want, ex.Cause)
		}
	}
}

func TestTransitionsTakeTime(t *testing.T) {
	st := newStack(t)
	st.s.Transition = 10 * time.Millisecond
	st.machine("A", `{"A":{"Type":"Pass","Next":"B"},"B":{"Type":"Pass","End":true}}`)
	if ex := st.run(`{}`); ex.Stop.Sub(ex.Start) != 20*time.Millisecond {
		t.Errorf("two states took %s", ex.Stop.Sub(ex.Start))
	}
}

func TestContextObject(t *testing.T) {
	st := newStack(t)
	st.k.Advance(1234 * time.Millisecond)
	st.machine("A", `{"A":{"Type":"Wait","Seconds":1,"Next":"B"},"B":{"Type":"Pass","Output":"{% $states.context %}","End":true}}`)
	out, err := st.do("StartExecution", map[string]any{"stateMachineArn": st.sm.ARN, "name": "one", "input": `{"x":1}`})
	if err != nil {
		t.Fatal(err)
	}
	for st.k.Step() {
	}
	st.succeeds(st.s.Execution(out["executionArn"].(string)), `{
		"Execution":{"Id":"arn:aws:states:eu-west-1:123456789012:execution:m1:one","Input":{"x":1},"Name":"one",
			"RoleArn":"arn:aws:iam::123456789012:role/machine","StartTime":"2026-01-01T00:00:01.234Z","RedriveCount":0},
		"StateMachine":{"Id":"arn:aws:states:eu-west-1:123456789012:stateMachine:m1","Name":"m1"},
		"State":{"Name":"B","EnteredTime":"2026-01-01T00:00:02.234Z","RetryCount":0}}`)
}

func TestTheWholeOfStatesCanBeSeen(t *testing.T) {
	st := newStack(t)
	st.machine("A", `{"A":{"Type":"Pass","Output":"{% $keys($states) %}","End":true}}`)
	st.succeeds(st.run(`{}`), `["context","input"]`)
}

func TestMachineTimeout(t *testing.T) {
	st := newStack(t)
	st.define(`{"QueryLanguage":"JSONata","TimeoutSeconds":5,"StartAt":"W","States":{"W":{"Type":"Wait","Seconds":10,"End":true}}}`)
	ex := st.run(`{}`)
	if ex.Status != states.TimedOut || ex.Error != "States.Timeout" || ex.Stop.Sub(ex.Start) != 5*time.Second {
		t.Errorf("%s %s after %s", ex.Status, ex.Error, ex.Stop.Sub(ex.Start))
	}
	if st.k.Step() {
		t.Error("something is left of the execution in the queue")
	}
}

func TestPayloadLimit(t *testing.T) {
	const limit = 256 << 10
	half := strings.Repeat("ä", limit/4) // 2 bytes each
	st := newStack(t)
	st.machine("P", `{"P":{"Type":"Pass","Output":"{% $states.input.s & $substring($states.input.s, 0, $states.input.n) %}","End":true}}`)
	if ex := st.run(fmt.Sprintf(`{"s":%q,"n":%d}`, half, limit/4-1)); ex.Status != states.Succeeded || len(ex.Output) != limit {
		t.Errorf("at the limit: %s %s, %d bytes", ex.Status, ex.Cause, len(ex.Output))
	}
	ex := st.run(fmt.Sprintf(`{"s":%q,"n":%d}`, half, limit/4))
	st.fails(ex, "States.DataLimitExceeded")
	if want := "The state/task 'P' returned a result with a size exceeding the maximum number of bytes service limit."; ex.Cause != want {
		t.Errorf("cause %q", ex.Cause)
	}
	if _, err := st.do("StartExecution", map[string]any{"stateMachineArn": st.sm.ARN, "input": `"` + half + half + `"`}); err == nil {
		t.Error("an input above the limit was accepted")
	}
}

func TestVariablesLimit(t *testing.T) {
	st := newStack(t)
	var b strings.Builder
	for i := range 50 {
		next := `"End":true`
		if i < 49 {
			next = fmt.Sprintf(`"Next":"S%02d"`, i+1)
		}
		fmt.Fprintf(&b, `,"S%02d":{"Type":"Pass","Assign":{"v%d":"{%% $states.input %%}"},%s}`, i, i, next)
	}
	st.machine("S00", "{"+b.String()[1:]+"}")
	ex := st.run(`"` + strings.Repeat("x", 250<<10) + `"`)
	st.fails(ex, "States.DataLimitExceeded")
	if !strings.Contains(ex.Cause, "'S41'") && !strings.Contains(ex.Cause, "'S40'") {
		t.Errorf("10 MiB are some 40 variables of 250 KiB; failed with %s", ex.Cause)
	}

	st = newStack(t)
	st.machine("A", `{"A":{"Type":"Pass","Assign":{"v":"{% $states.input %}","n":0},"Next":"B"},
		"B":{"Type":"Pass","Assign":{"v":"{% $states.input %}","n":"{% $n + 1 %}"},"Next":"C"},
		"C":{"Type":"Choice","Choices":[{"Condition":"{% $n < 100 %}","Next":"B"}],"Default":"D"},"D":{"Type":"Succeed","Output":{}}}`)
	if ex := st.run(`"` + strings.Repeat("x", 200<<10) + `"`); ex.Status != states.Succeeded {
		t.Errorf("assigning the same variable again adds nothing: %s %s", ex.Error, ex.Cause)
	}
}

func TestHistoryOfEventsIsLimited(t *testing.T) {
	st := newStack(t)
	st.machine("A", `{"A":{"Type":"Pass","Next":"B"},"B":{"Type":"Choice","Choices":[{"Condition":false,"Next":"C"}],"Default":"A"},"C":{"Type":"Succeed"}}`)
	ex := st.run(`{}`)
	st.fails(ex, "States.Runtime")
	events, _ := ex.History()
	if len(events) != 25000 || events[len(events)-1].Type != "ExecutionFailed" {
		t.Errorf("%d events, the last %s", len(events), events[len(events)-1].Type)
	}
}

// TestHistory holds ids, predecessors and types against recordings of the service.
func TestHistory(t *testing.T) {
	st := newStack(t)
	st.machine("S0", `{"S0":{"Type":"Pass","Output":{},"Next":"S1"},"S1":{"Type":"Pass","Output":{"r":"{% $x %}"},"End":true}}`)
	want := []string{"1<0 ExecutionStarted", "2<0 PassStateEntered", "3<2 PassStateExited", "4<3 PassStateEntered", "5<3 EvaluationFailed", "6<5 ExecutionFailed"}
	if diff := cmp.Diff(want, types(t, st.run(`{}`))); diff != "" {
		t.Error(diff)
	}

	st.machine("C", `{"C":{"Type":"Choice","Choices":[{"Condition":true,"Next":"F"}]},"F":{"Type":"Fail","Cause":"x"}}`)
	want = []string{"1<0 ExecutionStarted", "2<0 ChoiceStateEntered", "3<2 ChoiceStateExited", "4<3 FailStateEntered", "5<4 ExecutionFailed"}
	if diff := cmp.Diff(want, types(t, st.run(`{}`))); diff != "" {
		t.Error(diff)
	}

	st.machine("W", `{"W":{"Type":"Wait","Timestamp":"{% 'x' %}","End":true}}`)
	want = []string{"1<0 ExecutionStarted", "2<0 WaitStateEntered", "3<2 EvaluationFailed", "4<3 ExecutionFailed"}
	if diff := cmp.Diff(want, types(t, st.run(`{}`))); diff != "" {
		t.Error(diff)
	}
}
