package states_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/orderflow-cdk/orderflow/local/internal/api"
	"github.com/orderflow-cdk/orderflow/local/internal/sim"
	"github.com/orderflow-cdk/orderflow/local/internal/states"
)

var start = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

const role = "arn:aws:iam::123456789012:role/machine"

// stack is a service with a bus that answers as the test says.
type stack struct {
	t     testing.TB
	k     *sim.Kernel
	s     *states.Service
	calls []api.Call
	// answer answers "service:Action". A delay lets simulated time pass first.
	answer map[string]func(api.Call) (any, error)
	delay  time.Duration
	sm     *states.StateMachine
	runs   int
}

func newStack(t testing.TB) *stack {
	st := &stack{t: t, k: sim.New(start, 1), answer: map[string]func(api.Call) (any, error){}}
	st.s = states.NewService(st.k, st, "eu-west-1", "123456789012")
	st.s.Transition = 0
	return st
}

func (st *stack) Do(c api.Call, done func([]byte, error)) {
	st.calls = append(st.calls, c)
	if c.Service == "states" {
		st.s.Do(c, done)
		return
	}
	f := st.answer[c.Service+":"+c.Action]
	if f == nil {
		done(nil, fmt.Errorf("no answer for %s:%s", c.Service, c.Action))
		return
	}
	st.k.After(st.delay, func() {
		v, err := f(c)
		if errors.Is(err, errNever) {
			return
		}
		if err != nil {
			done(nil, err)
			return
		}
		done(mustJSON(v), nil)
	})
}

// errNever makes the bus never answer.
var errNever = errors.New("never")

func mustJSON(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return b
}

// machine creates the state machine of the test from states (JSON) and a start.
func (st *stack) machine(startAt, statesJSON string) *states.StateMachine {
	st.t.Helper()
	return st.define(`{"QueryLanguage":"JSONata","StartAt":"` + startAt + `","States":` + statesJSON + `}`)
}

func (st *stack) define(definition string) *states.StateMachine {
	st.t.Helper()
	st.runs++
	sm, err := st.s.CreateStateMachine(fmt.Sprintf("m%d", st.runs), states.StateMachineProperties{DefinitionString: definition, RoleArn: role})
	if err != nil {
		st.t.Fatal(err)
	}
	st.sm = sm
	return sm
}

// run starts an execution and lets time pass until nothing happens any more.
func (st *stack) run(input string) *states.Execution {
	st.t.Helper()
	ex := st.begin(input)
	for ex.Status == states.Running && st.k.Step() {
	}
	return ex
}

func (st *stack) begin(input string) *states.Execution {
	st.t.Helper()
	out, err := st.do("StartExecution", map[string]any{"stateMachineArn": st.sm.ARN, "input": input})
	if err != nil {
		st.t.Fatal(err)
	}
	return st.s.Execution(out["executionArn"].(string))
}

func (st *stack) do(action string, in any) (map[string]any, error) {
	var out map[string]any
	var failed error
	st.s.Do(api.Call{Service: "states", Action: action, Input: mustJSON(in)}, func(b []byte, err error) {
		failed = err
		if err == nil {
			if err := json.Unmarshal(b, &out); err != nil {
				st.t.Fatal(err)
			}
		}
	})
	return out, failed
}

func (st *stack) succeeds(ex *states.Execution, want string) {
	st.t.Helper()
	if ex.Status != states.Succeeded {
		st.t.Fatalf("%s: %s: %s", ex.Status, ex.Error, ex.Cause)
	}
	sameJSON(st.t, ex.Output, want)
}

func (st *stack) fails(ex *states.Execution, name string) {
	st.t.Helper()
	if ex.Status != states.Failed || ex.Error != name {
		st.t.Fatalf("%s %q (%s) %s, want FAILED %q", ex.Status, ex.Error, ex.Cause, ex.Output, name)
	}
}

func sameJSON(t testing.TB, got, want string) {
	t.Helper()
	var g, w any
	if err := json.Unmarshal([]byte(got), &g); err != nil {
		t.Fatalf("%s: %v", got, err)
	}
	if err := json.Unmarshal([]byte(want), &w); err != nil {
		t.Fatalf("%s: %v", want, err)
	}
	if diff := cmp.Diff(w, g); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// types lists an execution's events as "id<previous Type".
func types(t testing.TB, ex *states.Execution) []string {
	t.Helper()
	events, ok := ex.History()
	if !ok {
		t.Fatal("no history was kept")
	}
	var out []string
	for _, e := range events {
		out = append(out, fmt.Sprintf("%d<%d %s", e.ID, e.PreviousEventID, e.Type))
	}
	return out
}

func lambda(payload any) any {
	return map[string]any{"StatusCode": 200, "ExecutedVersion": "$LATEST", "Payload": payload}
}

func lambdaError(typ, message string) any {
	return map[string]any{
		"StatusCode": 200, "ExecutedVersion": "$LATEST", "FunctionError": "Unhandled",
		"Payload": map[string]any{"errorType": typ, "errorMessage": message},
	}
}
