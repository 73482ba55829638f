package states_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/orderflow-cdk/orderflow/local/internal/api"
	"github.com/orderflow-cdk/orderflow/local/internal/states"
)

const wait = `{"W":{"Type":"Wait","Seconds":60,"End":true}}`

func TestStartExecutionIsIdempotentWhileItRuns(t *testing.T) {
	st := newStack(t)
	st.machine("W", wait)
	in := map[string]any{"stateMachineArn": st.sm.ARN, "name": "order-1", "input": `{"a":1}`}
	first, err := st.do("StartExecution", in)
	if err != nil {
		t.Fatal(err)
	}
	st.k.Advance(10 * time.Second)
	again, err := st.do("StartExecution", in)
	if err != nil || again["executionArn"] != first["executionArn"] || again["startDate"] != first["startDate"] {
		t.Errorf("the same again: %v, %v, want %v", again, err, first)
	}
	if st.sm.Started != 1 {
		t.Errorf("%d executions", st.sm.Started)
	}
	other := map[string]any{"stateMachineArn": st.sm.ARN, "name": "order-1", "input": `{"a": 1}`}
	if _, err := st.do("StartExecution", other); code(err) != "ExecutionAlreadyExists" {
		t.Errorf("another input: %v", err)
	}
	st.k.Advance(time.Minute)
	if _, err := st.do("StartExecution", in); code(err) != "ExecutionAlreadyExists" {
		t.Errorf("after it closed: %v", err)
	}
	st.k.Advance(90*24*time.Hour - 20*time.Second)
	if _, err := st.do("StartExecution", in); code(err) != "ExecutionAlreadyExists" {
		t.Errorf("almost 90 days later: %v", err)
	}
	st.k.Advance(20 * time.Second)
	if _, err := st.do("StartExecution", in); err != nil || st.sm.Started != 2 {
		t.Errorf("90 days later: %v", err)
	}
}

func TestStartExecutionRefuses(t *testing.T) {
	st := newStack(t)
	st.machine("W", wait)
	arn := st.sm.ARN
	for _, tc := range []struct {
		in   map[string]any
		code string
	}{
		{map[string]any{"stateMachineArn": arn + "x"}, "StateMachineDoesNotExist"},
		{map[string]any{"stateMachineArn": "arn"}, "InvalidArn"},
		{map[string]any{"stateMachineArn": arn, "input": "not JSON"}, "InvalidExecutionInput"},
		{map[string]any{"stateMachineArn": arn, "input": ""}, "InvalidExecutionInput"},
		{map[string]any{"stateMachineArn": arn, "input": `"` + strings.Repeat("x", 256<<10) + `"`}, "ValidationException"},
		{map[string]any{"stateMachineArn": arn, "name": strings.Repeat("x", 81)}, "InvalidName"},
	} {
		if _, err := st.do("StartExecution", tc.in); code(err) != tc.code {
			t.Errorf("%.80v: %v, want %s", tc.in, err, tc.code)
		}
	}
	for _, c := range " \t<>{}[]?*\"#%\\^|~`$&,;:/\x00\u0085" {
		if _, err := st.do("StartExecution", map[string]any{"stateMachineArn": arn, "name": "a" + string(c)}); code(err) != "InvalidName" {
			t.Errorf("a name with %q: %v", c, err)
		}
	}
	for _, name := range []string{"k-YWJj-_.=@!'()+", strings.Repeat("x", 80), "ä"} {
		if _, err := st.do("StartExecution", map[string]any{"stateMachineArn": arn, "name": name}); err != nil {
			t.Errorf("the name %q: %v", name, err)
		}
	}
	for _, in := range []string{"1", `"x"`, "null", "[]", " {} "} {
		if _, err := st.do("StartExecution", map[string]any{"stateMachineArn": arn, "input": in}); err != nil {
			t.Errorf("the input %s: %v", in, err)
		}
	}
}

func TestDescribeListAndStop(t *testing.T) {
	st := newStack(t)
	st.machine("W", wait)
	for i := range 5 {
		if _, err := st.do("StartExecution", map[string]any{"stateMachineArn": st.sm.ARN, "name": fmt.Sprint("e", i), "input": `{"n":1}`}); err != nil {
			t.Fatal(err)
		}
		st.k.Advance(time.Second)
	}
	arn := st.sm.Executions()[1].ARN
	if _, err := st.do("StopExecution", map[string]any{"executionArn": arn, "error": "E", "cause": "C"}); err != nil {
		t.Fatal(err)
	}
	got, err := st.do("DescribeExecution", map[string]any{"executionArn": arn})
	if err != nil {
		t.Fatal(err)
	}
	sameJSON(t, string(mustJSON(got)), `{"executionArn":"`+arn+`","stateMachineArn":"`+st.sm.ARN+`","name":"e1","status":"ABORTED","error":"E","cause":"C",
		"input":"{\"n\":1}","inputDetails":{"included":true},"startDate":1767225601,"stopDate":1767225605,"redriveCount":0,"redriveStatus":"REDRIVABLE"}`)

	names := func(in map[string]any) (string, string) {
		in["stateMachineArn"] = st.sm.ARN
		out, err := st.do("ListExecutions", in)
		if err != nil {
			t.Fatal(err)
		}
		var list []string
		for _, e := range out["executions"].([]any) {
			list = append(list, e.(map[string]any)["name"].(string))
		}
		next, _ := out["nextToken"].(string)
		return strings.Join(list, " "), next
	}
	if got, _ := names(map[string]any{}); got != "e4 e3 e2 e1 e0" {
		t.Error(got)
	}
	if got, _ := names(map[string]any{"statusFilter": "ABORTED"}); got != "e1" {
		t.Error(got)
	}
	page, next := names(map[string]any{"maxResults": 3})
	rest, end := names(map[string]any{"maxResults": 3, "nextToken": next})
	if page != "e4 e3 e2" || rest != "e1 e0" || end != "" {
		t.Errorf("pages %q, %q, then %q", page, rest, end)
	}
	for st.k.Step() {
	}
	if got, _ := names(map[string]any{"statusFilter": "SUCCEEDED"}); got != "e4 e3 e2 e0" {
		t.Error(got)
	}
}

func TestGetExecutionHistory(t *testing.T) {
	st := newStack(t)
	st.machine("W", wait)
	ex := st.run(`{}`)
	out, err := st.do("GetExecutionHistory", map[string]any{"executionArn": ex.ARN, "maxResults": 2, "reverseOrder": true})
	if err != nil {
		t.Fatal(err)
	}
	sameJSON(t, string(mustJSON(out)), `{"nextToken":"2","events":[
		{"id":4,"previousEventId":3,"type":"ExecutionSucceeded","timestamp":1767225660,"executionSucceededEventDetails":{"output":"{}","outputDetails":{"truncated":false}}},
		{"id":3,"previousEventId":2,"type":"WaitStateExited","timestamp":1767225660,"stateExitedEventDetails":{"name":"W","output":"{}","outputDetails":{"truncated":false}}}]}`)
}

func TestHistoriesAreKeptForTheExecutionsThatClosedLast(t *testing.T) {
	st := newStack(t)
	st.s.KeepHistories = 2
	st.machine("W", wait)
	a, b, c := st.run(`{}`), st.run(`{}`), st.run(`{}`)
	if _, ok := a.History(); ok {
		t.Error("the first history was kept")
	}
	for _, ex := range []*states.Execution{b, c} {
		if _, ok := ex.History(); !ok {
			t.Error("a late history was not kept")
		}
	}
	_, err := st.do("GetExecutionHistory", map[string]any{"executionArn": a.ARN})
	if err == nil || !strings.Contains(err.Error(), "was not kept") {
		t.Errorf("the lost history: %v", err)
	}
}

func (st *stack) express(definition string) *states.StateMachine {
	st.t.Helper()
	sm, err := st.s.CreateStateMachine("fast", states.StateMachineProperties{DefinitionString: definition, RoleArn: role, StateMachineType: "EXPRESS"})
	if err != nil {
		st.t.Fatal(err)
	}
	return sm
}

func TestExpress(t *testing.T) {
	st := newStack(t)
	sm := st.express(`{"QueryLanguage":"JSONata","StartAt":"W","States":{"W":{"Type":"Wait","Seconds":"{% $states.input %}","End":true}}}`)
	in := map[string]any{"stateMachineArn": sm.ARN, "name": "same", "input": "1"}
	a, err := st.do("StartExecution", in)
	if err != nil {
		t.Fatal(err)
	}
	b, err := st.do("StartExecution", in)
	if err != nil || a["executionArn"] == b["executionArn"] || !strings.HasPrefix(a["executionArn"].(string), "arn:aws:states:eu-west-1:123456789012:express:fast:same:") {
		t.Errorf("%v, %v, %v", a, b, err)
	}
	for _, action := range []string{"DescribeExecution", "GetExecutionHistory", "StopExecution"} {
		if _, err := st.do(action, map[string]any{"executionArn": a["executionArn"]}); code(err) != "InvalidArn" {
			t.Errorf("%s: %v", action, err)
		}
	}

	var got []string
	sync := func(input string) {
		st.s.Do(api.Call{Action: "StartSyncExecution", Input: mustJSON(map[string]any{"stateMachineArn": sm.ARN, "name": "n", "input": input})}, func(b []byte, err error) {
			got = append(got, fmt.Sprintf("%s %v after %s", b, err, st.k.Now().Sub(start)))
		})
	}
	sync("2")
	sync("301")
	for st.k.Step() {
	}
	if len(got) != 2 || !strings.Contains(got[0], `"status":"SUCCEEDED"`) || !strings.Contains(got[0], `"output":"2"`) || !strings.HasSuffix(got[0], "<nil> after 2s") {
		t.Errorf("%q", got)
	}
	if len(got) == 2 && (!strings.Contains(got[1], `"status":"TIMED_OUT"`) || !strings.HasSuffix(got[1], "after 5m0s")) {
		t.Errorf("an Express execution beyond 5 minutes: %s", got[1])
	}
	for _, pattern := range []string{"arn:aws:states:::sqs:sendMessage.waitForTaskToken", "arn:aws:states:::states:startExecution.sync:2"} {
		_, err := st.s.CreateStateMachine("x", states.StateMachineProperties{RoleArn: role, StateMachineType: "EXPRESS",
			DefinitionString: `{"QueryLanguage":"JSONata","StartAt":"Call","States":{"Call":{"Type":"Task","Resource":"` + pattern + `","End":true}}}`})
		if err == nil || !strings.Contains(err.Error(), `state "Call": Express state machines do not support`) {
			t.Errorf("%s: %v", pattern, err)
		}
	}
	st.machine("W", wait)
	if _, err := st.do("StartSyncExecution", map[string]any{"stateMachineArn": st.sm.ARN}); code(err) != "StateMachineTypeNotSupported" {
		t.Errorf("StartSyncExecution of a Standard machine: %v", err)
	}
}

func TestUnknownActionsAreLoud(t *testing.T) {
	st := newStack(t)
	if _, err := st.do("TestState", map[string]any{}); err == nil || !strings.Contains(err.Error(), "TestState is not simulated") {
		t.Error(err)
	}
}

func TestCreateStateMachine(t *testing.T) {
	st := newStack(t)
	ok := states.StateMachineProperties{RoleArn: role, DefinitionString: `{"QueryLanguage":"JSONata","StartAt":"P","States":{"P":{"Type":"Pass","Output":{"t":"${Table}","n":"${N}"},"End":true}}}`}
	for name, change := range map[string]func(*states.StateMachineProperties){
		"RoleArn is required":         func(p *states.StateMachineProperties) { p.RoleArn = "" },
		"exactly one of Definition":   func(p *states.StateMachineProperties) { p.DefinitionString = "" },
		"neither STANDARD nor":        func(p *states.StateMachineProperties) { p.StateMachineType = "FAST" },
		"Invalid Name":                func(p *states.StateMachineProperties) { p.StateMachineName = "a b" },
		`DefinitionSubstitutions has`: func(p *states.StateMachineProperties) { p.DefinitionSubstitutions = map[string]any{"X": 1} },
		"not simulated":               func(p *states.StateMachineProperties) { p.DefinitionS3Location = map[string]any{} },
	} {
		p := ok
		change(&p)
		if _, err := st.s.CreateStateMachine("m", p); err == nil || !strings.Contains(err.Error(), name) || !strings.Contains(err.Error(), "state machine") {
			t.Errorf("%s: %v", name, err)
		}
	}
	p := ok
	p.DefinitionSubstitutions = map[string]any{"Table": "orders", "N": 5.0}
	sm, err := st.s.CreateStateMachine("m", p)
	if err != nil {
		t.Fatal(err)
	}
	st.sm = sm
	st.succeeds(st.run(`{}`), `{"t":"orders","n":"5"}`)
	if _, err := st.s.CreateStateMachine("m", p); err == nil {
		t.Error("the same name twice")
	}
	out, err := st.do("DescribeStateMachine", map[string]any{"stateMachineArn": sm.ARN})
	if err != nil || out["type"] != "STANDARD" || out["roleArn"] != role || !strings.Contains(out["definition"].(string), `"orders"`) {
		t.Errorf("%v %v", out, err)
	}
}

func TestTheSameSeedMakesTheSameRun(t *testing.T) {
	run := func() string {
		st := newStack(t)
		st.failing(nil, "A", "A")
		st.task("arn:aws:states:::lambda:invoke", `"Arguments":{"FunctionName":"f","Payload":"{% $uuid() & $random() %}"},
			"Retry":[{"ErrorEquals":["A"],"JitterStrategy":"FULL","IntervalSeconds":30}]`)
		ex := st.run(`{}`)
		var b strings.Builder
		events, _ := ex.History()
		for _, e := range events {
			fmt.Fprintln(&b, e.ID, e.At, e.Type, string(e.Details))
		}
		return ex.ARN + b.String()
	}
	if a, b := run(), run(); a != b {
		t.Errorf("two runs differ:\n%s\n%s", a, b)
	}
}
