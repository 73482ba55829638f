package states_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/orderflow-cdk/orderflow/local/internal/api"
	"github.com/orderflow-cdk/orderflow/local/internal/states"
)

// waiting runs a callback task and returns its token.
func (st *stack) waiting(fields string) (*states.Execution, string) {
	st.t.Helper()
	st.answer["sqs:SendMessage"] = func(api.Call) (any, error) { return map[string]any{"MessageId": "m"}, nil }
	st.task("arn:aws:states:::sqs:sendMessage.waitForTaskToken",
		`"Arguments":{"QueueUrl":"q","MessageBody":"{% $states.context.Task.Token %}"}`+fields)
	ex := st.begin(`{}`)
	st.k.Advance(0)
	return ex, st.token()
}

func (st *stack) token() string {
	st.t.Helper()
	var in struct{ MessageBody string }
	if err := json.Unmarshal(st.calls[len(st.calls)-1].Input, &in); err != nil || in.MessageBody == "" {
		st.t.Fatalf("no token in %s", st.calls[len(st.calls)-1].Input)
	}
	return in.MessageBody
}

func code(err error) string {
	var e *api.Error
	if errors.As(err, &e) {
		return e.Code
	}
	return ""
}

func TestCallback(t *testing.T) {
	st := newStack(t)
	ex, token := st.waiting(`,"Output":"{% $states.result.x %}"`)
	st.k.Advance(24 * time.Hour)
	if ex.Status != states.Running {
		t.Fatalf("%s %s before the callback", ex.Status, ex.Error)
	}
	for _, in := range []map[string]any{{"taskToken": token}, {"taskToken": token, "output": "no JSON"}, {"taskToken": "x", "output": "1"}} {
		if _, err := st.do("SendTaskSuccess", in); err == nil {
			t.Errorf("SendTaskSuccess %v was accepted", in)
		}
	}
	if _, err := st.do("SendTaskSuccess", map[string]any{"taskToken": token, "output": `{"x":[1]}`}); err != nil {
		t.Fatal(err)
	}
	st.succeeds(ex, `[1]`)
	if _, err := st.do("SendTaskSuccess", map[string]any{"taskToken": token, "output": `1`}); code(err) != "TaskTimedOut" {
		t.Errorf("a second callback: %v", err)
	}
	want := "1<0 ExecutionStarted 2<0 TaskStateEntered 3<2 TaskScheduled 4<3 TaskStarted 5<4 TaskSubmitted 6<5 TaskSucceeded 7<6 TaskStateExited 8<7 ExecutionSucceeded"
	if got := strings.Join(types(t, ex), " "); got != want {
		t.Error(got)
	}
}

func TestCallbackFails(t *testing.T) {
	st := newStack(t)
	ex, token := st.waiting(`,"Catch":[{"ErrorEquals":["Declined"],"Next":"Caught"}]`)
	if _, err := st.do("SendTaskFailure", map[string]any{"taskToken": token, "error": "Declined", "cause": "no money"}); err != nil {
		t.Fatal(err)
	}
	st.k.Advance(0)
	st.succeeds(ex, `{"Error":"Declined","Cause":"no money"}`)
}

func TestHeartbeats(t *testing.T) {
	st := newStack(t)
	ex, token := st.waiting(`,"HeartbeatSeconds":10,"TimeoutSeconds":100`)
	for range 5 {
		st.k.Advance(9 * time.Second)
		if _, err := st.do("SendTaskHeartbeat", map[string]any{"taskToken": token}); err != nil {
			t.Fatal(err)
		}
	}
	st.k.Advance(9 * time.Second)
	if ex.Status != states.Running {
		t.Fatalf("%s although its heart beats", ex.Status)
	}
	st.k.Advance(time.Second)
	st.fails(ex, "States.Timeout")
	if _, err := st.do("SendTaskHeartbeat", map[string]any{"taskToken": token}); code(err) != "TaskTimedOut" {
		t.Errorf("a heartbeat after the end: %v", err)
	}
}

func TestEachAttemptHasATokenOfItsOwn(t *testing.T) {
	st := newStack(t)
	ex, first := st.waiting(`,"TimeoutSeconds":10,"Retry":[{"ErrorEquals":["States.Timeout"],"IntervalSeconds":1}]`)
	st.k.Advance(11 * time.Second)
	second := st.token()
	if first == second {
		t.Fatal("both attempts have the same token")
	}
	if _, err := st.do("SendTaskSuccess", map[string]any{"taskToken": first, "output": "1"}); code(err) != "TaskTimedOut" {
		t.Errorf("the first attempt's token: %v", err)
	}
	if _, err := st.do("SendTaskSuccess", map[string]any{"taskToken": second, "output": "2"}); err != nil {
		t.Fatal(err)
	}
	st.succeeds(ex, `2`)
}

func TestACallbackMayComeBeforeTheAnswer(t *testing.T) {
	st := newStack(t)
	st.delay = time.Minute
	ex, token := st.waiting("")
	if _, err := st.do("SendTaskSuccess", map[string]any{"taskToken": token, "output": "7"}); err != nil {
		t.Fatal(err)
	}
	st.succeeds(ex, `7`)
	for st.k.Step() {
	}
	st.succeeds(ex, `7`)
}

func TestNestedExecutions(t *testing.T) {
	for name, tc := range map[string]struct {
		suffix, child string
		after         time.Duration
		want          string // part of the output or of the cause
		fails         string
	}{
		"request response": {"", `{"W":{"Type":"Wait","Seconds":5,"End":true}}`, 0, `"StartDate":1767225600000`, ""},
		"sync":             {".sync", `{"W":{"Type":"Wait","Seconds":5,"Output":{"o":1},"End":true}}`, 5 * time.Second, `"Output":"{\"o\":1}"`, ""},
		"sync:2":           {".sync:2", `{"W":{"Type":"Wait","Seconds":5,"Output":{"o":1},"End":true}}`, 5 * time.Second, `"Output":{"o":1}`, ""},
		"sync, failing":    {".sync:2", `{"W":{"Type":"Fail","Error":"Bad","Cause":"c"}}`, 0, `"Error":"Bad"`, "States.TaskFailed"},
	} {
		t.Run(name, func(t *testing.T) {
			st := newStack(t)
			child := st.machine("W", tc.child)
			st.machine("T", `{"T":{"Type":"Task","Resource":"arn:aws:states:::states:startExecution`+tc.suffix+`",
				"Arguments":{"StateMachineArn":"`+child.ARN+`","Name":"child","Input":{"x":"{% $states.input.x %}"}},"End":true}}`)
			ex := st.run(`{"x":3}`)
			text := ex.Output
			if tc.fails != "" {
				st.fails(ex, tc.fails)
				text = ex.Cause
			} else if ex.Status != states.Succeeded {
				t.Fatalf("%s %s %s", ex.Status, ex.Error, ex.Cause)
			}
			if !strings.Contains(text, tc.want) || ex.Stop.Sub(ex.Start) != tc.after {
				t.Errorf("%s after %s, want %s", text, ex.Stop.Sub(ex.Start), tc.want)
			}
			if in := child.Executions()[0].Input; in != `{"x":3}` {
				t.Errorf("the child's input is %s", in)
			}
		})
	}
}

func TestNestedExecutionOfAnUnknownMachine(t *testing.T) {
	st := newStack(t)
	st.task("arn:aws:states:::states:startExecution.sync", `"Arguments":{"StateMachineArn":"arn:aws:states:eu-west-1:123456789012:stateMachine:none"}`)
	st.fails(st.run(`{}`), "StepFunctions.StateMachineDoesNotExistException")
}
