package states_test

import (
	"bytes"
	"testing"
	"time"

	"github.com/orderflow-cdk/orderflow/local/internal/api"
	"github.com/orderflow-cdk/orderflow/local/internal/states"
)

// everyPath is a machine in which what a state does at its end depends on its input, its result and variables.
const everyPath = `{"StartAt":"A","States":{
"A":{"Type":"Wait","SecondsPath":"$.n","Assign":{"v.$":"$.l"},"Next":"B"},
"B":{"Type":"Map","InputPath":"$.n","ItemsPath":"$v","ItemSelector":{"of.$":"$","item.$":"$$.Map.Item.Value","i.$":"$$.Map.Item.Index"},"MaxConcurrency":2,
  "ItemProcessor":{"StartAt":"T","States":{
   "T":{"Type":"Task","Resource":"arn:aws:states:::lambda:invoke","InputPath":"$.item","Parameters":{"FunctionName":"f","Payload":{"item.$":"$","all.$":"$v"}},
    "ResultSelector":{"got.$":"$.Payload"},"ResultPath":"$.r","Assign":{"last.$":"$.Payload"},
    "Retry":[{"ErrorEquals":["Busy"],"IntervalSeconds":1}],"Catch":[{"ErrorEquals":["Broken"],"ResultPath":"$.e","Assign":{"last.$":"$.Error"},"Next":"W"}],"Next":"W"},
   "W":{"Type":"Wait","Seconds":1,"OutputPath":"$last","End":true}}},
  "ResultSelector":{"all.$":"$","n.$":"States.ArrayLength($)"},"ResultPath":"$.out","Next":"C"},
"C":{"Type":"Parallel","Parameters":{"x.$":"$.out.n","at.$":"$$.State.Name"},"ResultPath":"$.two","OutputPath":"$['out','two']","End":true,"Branches":[
  {"StartAt":"D","States":{"D":{"Type":"Wait","Seconds":2,"OutputPath":"$.x","End":true}}},
  {"StartAt":"E","States":{"E":{"Type":"Choice","Choices":[{"Variable":"$.x","NumericEquals":3,"Assign":{"w.$":"$.at"},"Next":"F"}],"Default":"F"},"F":{"Type":"Pass","Parameters":{"w.$":"$w"},"End":true}}}]}}}`

// TestPathsRestoredAnywhere ends the process after each of the events of an execution.
func TestPathsRestoredAnywhere(t *testing.T) {
	answer := func(st *stack) {
		st.delay = 300 * time.Millisecond
		busy := 1
		st.answer["lambda:Invoke"] = func(c api.Call) (any, error) {
			switch {
			case bytes.Contains(c.Input, []byte(`"item":"b"`)) && busy > 0:
				busy--
				return lambdaError("Busy", "later"), nil
			case bytes.Contains(c.Input, []byte(`"item":"c"`)):
				return lambdaError("Broken", "no"), nil
			}
			return lambda(map[string]any{"echo": string(c.Input)}), nil
		}
	}
	const input = `{"n":3,"l":["a","b","c"]}`
	finish := func(st *stack, ex *states.Execution) string {
		for ex.Status == states.Running && st.k.Step() {
		}
		if ex.Status != states.Succeeded {
			t.Fatalf("%s %s %s", ex.Status, ex.Error, ex.Cause)
		}
		return ex.Output
	}
	st := newStack(t)
	answer(st)
	st.define(everyPath)
	want := finish(st, st.begin(input))
	sameJSON(t, want, `{"out":{"all":[{"echo":"{\"FunctionName\":\"f\",\"Payload\":{\"all\":[\"a\",\"b\",\"c\"],\"item\":\"a\"}}"},
		{"echo":"{\"FunctionName\":\"f\",\"Payload\":{\"all\":[\"a\",\"b\",\"c\"],\"item\":\"b\"}}"},"Broken"],"n":3},"two":[3,{"w":"C"}]}`)
	for n := 0; ; n++ {
		st := newStack(t)
		answer(st)
		st.define(everyPath)
		ex := st.begin(input)
		for i := 0; i < n && st.k.Step(); i++ {
		}
		if ex.Status != states.Running {
			if n < 20 {
				t.Errorf("it ended after %d events", n)
			}
			return
		}
		to, dropped := restored(t, st, everyPath)
		if len(dropped) > 0 {
			t.Fatal(dropped)
		}
		answer(to)
		if got := finish(to, to.s.Execution(ex.ARN)); got != want {
			t.Fatalf("after %d events:\n got %s\nwant %s", n, got, want)
		}
	}
}
