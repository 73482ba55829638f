package states_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/orderflow-cdk/orderflow/local/internal/api"
	"github.com/orderflow-cdk/orderflow/local/internal/durable/durabletest"
	"github.com/orderflow-cdk/orderflow/local/internal/states"
)

// redriven is a stack whose functions fail as long as they are broken, and which notes who was called with what.
type redriven struct {
	*stack
	broken map[string]bool // "name" or "name input"
	called []string
}

func newRedriven(t testing.TB, broken ...string) *redriven {
	r := &redriven{stack: newStack(t), broken: map[string]bool{}}
	for _, b := range broken {
		r.broken[b] = true
	}
	r.delay = time.Second
	r.answer["lambda:Invoke"] = func(c api.Call) (any, error) {
		var in struct {
			FunctionName string
			Payload      json.RawMessage
		}
		if err := json.Unmarshal(c.Input, &in); err != nil {
			return nil, err
		}
		name := in.FunctionName[strings.LastIndexByte(in.FunctionName, ':')+1:]
		r.called = append(r.called, name+" "+string(in.Payload))
		if r.broken["never "+name] {
			return nil, errNever
		}
		if r.broken[name] || r.broken[name+" "+string(in.Payload)] {
			return lambdaError("Broken", name), nil
		}
		return lambda(map[string]any{name: in.Payload}), nil
	}
	return r
}

// mend has everything work, and forgets what was called.
func (r *redriven) mend() { clear(r.broken); r.called = nil }

func (r *redriven) redrive(ex *states.Execution) {
	r.t.Helper()
	if _, err := r.do("RedriveExecution", map[string]any{"executionArn": ex.ARN}); err != nil {
		r.t.Fatal(err)
	}
	for ex.Status == states.Running && r.k.Step() {
	}
}

// task is a Task state that calls a function with its input.
func task(name, more string) string {
	return fmt.Sprintf(`%q:{"Type":"Task","Resource":"arn:aws:lambda:eu-west-1:123456789012:function:%s",%s}`, name, name, more)
}

func TestRedriveGoesOnWhereItFailed(t *testing.T) {
	const end = `"End":true`
	for _, tc := range []struct {
		name, startAt, states string
		input                 string
		broken                []string
		failed                states.Status
		again                 []string // who is called by the redrive
		output                string
		events                []string // after the failure
	}{
		{"a task, with variables", "A", `{` + task("A", `"Assign":{"x":"{% $states.input.n %}"},"Next":"B"`) + `,` + task("B", `"Output":{"b":"{% $states.input.A %}","x":"{% $x %}","redrives":"{% $states.context.Execution.RedriveCount %}"},`+end) + `}`,
			`{"n":1}`, []string{"B"}, states.Failed, []string{`B {"A":{"n":1}}`}, `{"b":{"n":1},"x":1,"redrives":1}`,
			[]string{"12<11 ExecutionRedriven", "13<12 LambdaFunctionScheduled", "14<13 LambdaFunctionStarted", "15<14 LambdaFunctionSucceeded", "16<15 TaskStateExited", "17<16 ExecutionSucceeded"}},
		{"a task with retriers, which count anew", "A", `{` + task("A", `"Retry":[{"ErrorEquals":["States.ALL"],"MaxAttempts":1}],`+end) + `}`,
			`1`, []string{"A"}, states.Failed, []string{`A 1`}, `{"A":1}`, nil},
		{"a caught error before", "A", `{` + task("A", `"Catch":[{"ErrorEquals":["States.ALL"],"Output":2,"Next":"B"}],`+end) + `,` + task("B", end) + `}`,
			`1`, []string{"A", "B"}, states.Failed, []string{`B 2`}, `{"B":2}`, nil},
		{"the branches that failed or were aborted", "Both", `{"Both":{"Type":"Parallel","Branches":[
			{"StartAt":"A","States":{` + task("A", end) + `}},
			{"StartAt":"B","States":{` + task("B", `"Next":"C"`) + `,` + task("C", end) + `}},
			{"StartAt":"D","States":{"D":{"Type":"Wait","Seconds":100,"Next":"E"},` + task("E", end) + `}}],"Next":"F"},` + task("F", end) + `}`,
			`1`, []string{"C"}, states.Failed, []string{`C {"B":1}`, `E 1`, `F [{"A":1},{"C":{"B":1}},{"E":1}]`}, `{"F":[{"A":1},{"C":{"B":1}},{"E":1}]}`, nil},
		{"iterations that failed, were tolerated or had not begun, one after the other", "Each", `{"Each":{"Type":"Map","MaxConcurrency":1,"ToleratedFailureCount":1,"ItemProcessor":{"StartAt":"A","States":{` +
			task("A", `"Next":"B"`) + `,` + task("B", end) + `}},` + end + `}}`,
			`[1,2,3,4]`, []string{`B {"A":2}`, `A 3`}, states.Failed, []string{`B {"A":2}`, `A 3`, `B {"A":3}`, `A 4`, `B {"A":4}`},
			`[{"B":{"A":1}},{"B":{"A":2}},{"B":{"A":3}},{"B":{"A":4}}]`, nil},
		{"nested", "Each", `{"Each":{"Type":"Map","ItemProcessor":{"StartAt":"Both","States":{"Both":{"Type":"Parallel","Branches":[
			{"StartAt":"A","States":{` + task("A", end) + `}},{"StartAt":"B","States":{"W":{"Type":"Wait","Seconds":3,"Next":"C"},` + task("B", `"Next":"W"`) + `,` + task("C", end) + `}}],` + end + `}}},` + end + `}}`,
			`[1,2]`, []string{`C {"B":2}`}, states.Failed, []string{`C {"B":2}`}, `[[{"A":1},{"C":{"B":1}}],[{"A":2},{"C":{"B":2}}]]`, nil},
		{"an output that cannot be made: the whole state", "Both", `{"Both":{"Type":"Parallel","Branches":[{"StartAt":"A","States":{` + task("A", end) + `}}],
			"Output":"{% $states.context.Execution.RedriveCount = 1 ? 7 : $error('no') %}",` + end + `}}`,
			`1`, nil, states.Failed, []string{`A 1`}, `7`, nil},
		{"after a timeout, which begins anew", "A", `{` + task("A", end) + `}`, `1`, []string{"never A"}, states.TimedOut, []string{`A 1`}, `{"A":1}`, nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := newRedriven(t, tc.broken...)
			r.define(`{"QueryLanguage":"JSONata","TimeoutSeconds":1000,"StartAt":"` + tc.startAt + `","States":` + tc.states + `}`)
			ex := r.run(tc.input)
			if ex.Status != tc.failed {
				t.Fatalf("the execution is %s: %s %s (called %q)", ex.Status, ex.Error, ex.Cause, r.called)
			}
			before := len(types(t, ex))
			r.mend()
			r.redrive(ex)
			if diff := cmp.Diff(tc.again, r.called); diff != "" {
				t.Errorf("called (-want +got)\n%s", diff)
			}
			r.succeeds(ex, tc.output)
			if tc.events != nil {
				if diff := cmp.Diff(tc.events, types(t, ex)[before:]); diff != "" {
					t.Errorf("events (-want +got)\n%s", diff)
				}
			}
		})
	}
}

// What waited for a retry was to be done again as a whole, and is.
func TestRedriveOfARetry(t *testing.T) {
	r := newRedriven(t, "B")
	r.define(`{"QueryLanguage":"JSONata","StartAt":"Both","States":{"Both":{"Type":"Parallel","Retry":[{"ErrorEquals":["States.ALL"],"IntervalSeconds":60}],"Branches":[
		{"StartAt":"A","States":{` + task("A", `"End":true`) + `}},{"StartAt":"W","States":{"W":{"Type":"Wait","Seconds":2,"Next":"B"},` + task("B", `"End":true`) + `}}],"End":true}}}`)
	ex := r.begin(`1`)
	r.k.RunUntil(start.Add(30 * time.Second))
	if _, err := r.do("StopExecution", map[string]any{"executionArn": ex.ARN}); err != nil || ex.Status != states.Aborted {
		t.Fatal(ex.Status, err)
	}
	r.mend()
	r.redrive(ex)
	r.succeeds(ex, `[{"A":1},{"B":1}]`)
	if diff := cmp.Diff([]string{"A 1", "B 1"}, r.called); diff != "" {
		t.Errorf("called (-want +got)\n%s", diff)
	}
}

func TestRedriveIsDescribed(t *testing.T) {
	r := newRedriven(t, "A")
	r.define(`{"QueryLanguage":"JSONata","StartAt":"A","States":{` + task("A", `"End":true`) + `}}`)
	ex := r.run(`1`)
	describe := func() map[string]any {
		t.Helper()
		out, err := r.do("DescribeExecution", map[string]any{"executionArn": ex.ARN})
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	if d := describe(); d["redriveStatus"] != "REDRIVABLE" || d["redriveCount"] != 0.0 || d["redriveDate"] != nil || d["redriveStatusReason"] != nil {
		t.Errorf("before: %v", d)
	}
	r.k.RunUntil(start.Add(time.Hour))
	token := map[string]any{"executionArn": ex.ARN, "clientToken": "once"}
	first, err := r.do("RedriveExecution", token)
	if err != nil || first["redriveDate"] != float64(start.Add(time.Hour).Unix()) {
		t.Fatalf("redriven: %v (%v)", first, err)
	}
	if d := describe(); d["status"] != "RUNNING" || d["stopDate"] != nil || d["error"] != nil || d["redriveCount"] != 1.0 || d["redriveStatusReason"] != "Execution is RUNNING and cannot be redriven" {
		t.Errorf("under way: %v", d)
	}
	r.k.RunUntil(start.Add(time.Hour + time.Minute))
	r.fails(ex, "Broken")
	if again, err := r.do("RedriveExecution", token); err != nil || again["redriveDate"] != first["redriveDate"] || ex.Status != states.Failed {
		t.Errorf("the same token: %v (%v), %s", again, err, ex.Status)
	}
	r.k.RunUntil(start.Add(time.Hour + 16*time.Minute))
	if again, err := r.do("RedriveExecution", token); err != nil || again["redriveDate"] == first["redriveDate"] {
		t.Errorf("the token after a quarter of an hour: %v (%v)", again, err)
	}
	r.mend()
	for ex.Status == states.Running && r.k.Step() {
	}
	if d := describe(); d["status"] != "SUCCEEDED" || d["redriveCount"] != 2.0 || d["redriveStatus"] != "NOT_REDRIVABLE" || d["redriveDate"] == nil {
		t.Errorf("after: %v", d)
	}
	list, err := r.do("ListExecutions", map[string]any{"stateMachineArn": r.sm.ARN})
	if err != nil {
		t.Fatal(err)
	}
	if e := list["executions"].([]any)[0].(map[string]any); e["redriveCount"] != 2.0 || e["redriveDate"] == nil {
		t.Errorf("listed as %v", e)
	}
	history, err := r.do("GetExecutionHistory", map[string]any{"executionArn": ex.ARN})
	if err != nil || !strings.Contains(string(mustJSON(history)), `"executionRedrivenEventDetails":{"redriveCount":2},"id":12`) {
		t.Errorf("the history: %s (%v)", mustJSON(history), err)
	}
}

func TestWhatCannotBeRedriven(t *testing.T) {
	closed := func(r *redriven) *states.Execution {
		r.define(`{"QueryLanguage":"JSONata","StartAt":"A","States":{` + task("A", `"End":true`) + `}}`)
		return r.run(`1`)
	}
	for _, tc := range []struct {
		name string
		make func(r *redriven) *states.Execution
		want string
	}{
		{"one that runs", func(r *redriven) *states.Execution {
			r.define(`{"StartAt":"W","States":{"W":{"Type":"Wait","Seconds":5,"End":true}}}`)
			return r.begin(`1`)
		}, "ExecutionNotRedrivable: Execution is RUNNING and cannot be redriven"},
		{"one that succeeded", func(r *redriven) *states.Execution { r.mend(); return closed(r) }, "ExecutionNotRedrivable: Execution is SUCCEEDED and cannot be redriven"},
		{"after 14 days", func(r *redriven) *states.Execution {
			ex := closed(r)
			r.k.RunUntil(ex.Stop.AddDate(0, 0, 14))
			return ex
		}, "ExecutionNotRedrivable: Execution redrivable period exceeded"},
		{"on the 14th day", func(r *redriven) *states.Execution {
			ex := closed(r)
			r.k.RunUntil(ex.Stop.AddDate(0, 0, 14).Add(-time.Second))
			return ex
		}, ""},
		{"after a year", func(r *redriven) *states.Execution {
			r.define(`{"StartAt":"W","States":{"W":{"Type":"Wait","Seconds":31536000,"End":true}}}`)
			return r.run(`1`)
		}, "ExecutionNotRedrivable: Execution has exceeded the max execution time"},
		{"as many events as there may be", func(r *redriven) *states.Execution {
			r.define(`{"StartAt":"P","States":{"P":{"Type":"Pass","Next":"P"}}}`)
			r.s.Transition = time.Millisecond
			return r.run(`1`)
		}, "ExecutionNotRedrivable: Execution history event limit exceeded"},
		{"one that was not kept", func(r *redriven) *states.Execution {
			r.s.KeepHistories = 0
			return closed(r)
		}, "InternalFailure: not simulated: where"},
	} {
		r := newRedriven(t, "A")
		ex := tc.make(r)
		_, err := r.do("RedriveExecution", map[string]any{"executionArn": ex.ARN})
		d, failed := r.do("DescribeExecution", map[string]any{"executionArn": ex.ARN})
		if failed != nil {
			t.Fatal(failed)
		}
		got := ""
		if e := new(api.Error); errors.As(err, &e) {
			got = e.Code + ": " + e.Message
			if reason, _ := d["redriveStatusReason"].(string); reason == "" || !strings.Contains(e.Message, reason) {
				t.Errorf("%s: described as %v", tc.name, d)
			}
		}
		if (got == "") != (tc.want == "") || !strings.HasPrefix(got, tc.want) {
			t.Errorf("%s: got %q, want %q", tc.name, got, tc.want)
		}
	}
	r := newRedriven(t)
	for in, want := range map[string]string{
		`{"executionArn":"x"}`: "InvalidArn", `{"executionArn":"arn:aws:states:eu-west-1:123456789012:express:m:n:id"}`: "InvalidArn",
		`{"executionArn":"arn:aws:states:eu-west-1:123456789012:execution:m:n"}`: "ExecutionDoesNotExist",
	} {
		if _, err := r.do("RedriveExecution", json.RawMessage(in)); code(err) != want {
			t.Errorf("%s: %v", in, err)
		}
	}
}

// What failed outlives the process, and so does what a redrive has under way.
func TestRedriveSurvivesRestarts(t *testing.T) {
	const end = `"End":true`
	definition := `{"QueryLanguage":"JSONata","StartAt":"Both","TimeoutSeconds":600,"States":{"Both":{"Type":"Parallel","Next":"F","Branches":[
		{"StartAt":"A","States":{` + task("A", `"Assign":{"x":"{% $states.input %}"},"Next":"B"`) + `,` + task("B", `"Output":"{% $x %}",`+end) + `}},
		{"StartAt":"Each","States":{"Each":{"Type":"Map","MaxConcurrency":2,"ToleratedFailureCount":2,"ItemProcessor":{"StartAt":"C","States":{` + task("C", `"Next":"D"`) + `,` +
		`"D":{"Type":"Parallel","Branches":[{"StartAt":"E","States":{` + task("E", end) + `}},{"StartAt":"G","States":{"G":{"Type":"Wait","Seconds":1,"Next":"H"},` + task("H", end) + `}}],` + end + `}}},` + end + `}}}]},` + task("F", end) + `}}`
	broken := []string{"B", "E {\"C\":2}", "C 3", "H {\"C\":4}"}
	run := func(t *testing.T, at int) (outcome string, called []string, events int) {
		r := newRedriven(t, broken...)
		r.define(definition)
		kept := durabletest.Keep(t, r.s)
		arn := r.begin(`[1,2,3,4,5,6]`).ARN
		redriven := false
		for i := 1; ; i++ {
			ex := r.s.Execution(arn)
			if ex.Status == states.Failed && !redriven {
				redriven = true
				r.mend()
				if _, err := r.do("RedriveExecution", map[string]any{"executionArn": arn, "clientToken": "t"}); err != nil {
					t.Fatal(err)
				}
			} else if ex.Status != states.Running || !r.k.Step() {
				if !redriven {
					t.Fatalf("the execution is %s %s: %s", ex.Status, ex.Error, ex.Cause)
				}
				return string(ex.Status) + " " + ex.Output, r.called, i
			}
			kept.Verify()
			if i != at && i != at+7 {
				continue
			}
			next := newRedriven(t)
			next.broken = r.broken
			next.called = r.called
			next.k.RunUntil(r.k.Now())
			next.define(definition)
			records := kept.Records()
			if dropped, err := next.s.Restore(records); err != nil || len(dropped) > 0 {
				t.Fatal(err, dropped)
			}
			after := durabletest.Records(t, next.s)
			delete(records, "meta")
			delete(after, "meta")
			if diff := durabletest.Diff(records, after); diff != "" {
				t.Fatalf("a restored service has other records (-before +after):\n%s", diff)
			}
			kept, r = durabletest.Keep(t, next.s), next
		}
	}
	want, called, events := run(t, -10)
	if !strings.HasPrefix(want, "SUCCEEDED") || len(called) == 0 {
		t.Fatalf("undisturbed it is %s after %q", want, called)
	}
	for at := 1; at < events; at++ {
		if got, _, _ := run(t, at); got != want {
			t.Errorf("restarted after event %d: %s\nwant %s", at, got, want)
		}
	}
}
