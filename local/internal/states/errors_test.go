package states_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/orderflow-cdk/orderflow/local/internal/api"
	"github.com/orderflow-cdk/orderflow/local/internal/states"
)

// failing makes the function fail with these errors, one an attempt, and then
// succeed; at notes when each attempt was.
func (st *stack) failing(at *[]time.Duration, errs ...string) {
	n := 0
	st.answer["lambda:Invoke"] = func(api.Call) (any, error) {
		if at != nil {
			*at = append(*at, st.k.Now().Sub(start))
		}
		n++
		if n <= len(errs) {
			return lambdaError(errs[n-1], "attempt"), nil
		}
		return lambda("ok"), nil
	}
}

func TestRetry(t *testing.T) {
	sec := func(s ...int) (out []time.Duration) {
		for _, n := range s {
			out = append(out, time.Duration(n)*time.Second)
		}
		return out
	}
	for name, tc := range map[string]struct {
		retry  string
		errors []string
		at     []time.Duration
		status states.Status
	}{
		"none":           {`[]`, []string{"A"}, sec(0), states.Failed},
		"the defaults":   {`[{"ErrorEquals":["A"]}]`, []string{"A", "A", "A", "A"}, sec(0, 1, 3, 7), states.Failed},
		"until it works": {`[{"ErrorEquals":["A"],"IntervalSeconds":5,"BackoffRate":1}]`, []string{"A", "A"}, sec(0, 5, 10), states.Succeeded},
		"MaxAttempts 0":  {`[{"ErrorEquals":["A"],"MaxAttempts":0},{"ErrorEquals":["States.ALL"]}]`, []string{"A"}, sec(0), states.Failed},
		"MaxDelaySeconds": {`[{"ErrorEquals":["A"],"IntervalSeconds":2,"BackoffRate":3,"MaxDelaySeconds":10,"MaxAttempts":4}]`,
			[]string{"A", "A", "A", "A"}, sec(0, 2, 8, 18, 28), states.Succeeded},
		"each retrier counts for itself": {`[{"ErrorEquals":["A","B"],"IntervalSeconds":1,"BackoffRate":2,"MaxAttempts":2},{"ErrorEquals":["C"],"IntervalSeconds":5}]`,
			[]string{"A", "B", "C", "B"}, sec(0, 1, 3, 8), states.Failed},
		"the first match decides":   {`[{"ErrorEquals":["A"],"MaxAttempts":1},{"ErrorEquals":["States.ALL"],"MaxAttempts":9}]`, []string{"A", "A"}, sec(0, 1), states.Failed},
		"another error":             {`[{"ErrorEquals":["B"]}]`, []string{"A"}, sec(0), states.Failed},
		"States.TaskFailed matches": {`[{"ErrorEquals":["States.TaskFailed"]}]`, []string{"A"}, sec(0, 1), states.Succeeded},
	} {
		t.Run(name, func(t *testing.T) {
			st := newStack(t)
			var at []time.Duration
			st.failing(&at, tc.errors...)
			st.task("arn:aws:states:::lambda:invoke", `"Arguments":{"FunctionName":"f"},"Retry":`+tc.retry)
			ex := st.run(`{}`)
			if diff := cmp.Diff(tc.at, at); diff != "" || ex.Status != tc.status {
				t.Errorf("%s; attempts (-want +got)\n%s", ex.Status, diff)
			}
		})
	}
}

func TestJitterSpreadsTheRetries(t *testing.T) {
	seen := map[time.Duration]bool{}
	st := newStack(t)
	for range 20 {
		begin := st.k.Now()
		st.failing(nil, "A")
		st.task("arn:aws:states:::lambda:invoke", `"Arguments":{"FunctionName":"f"},"Retry":[{"ErrorEquals":["A"],"IntervalSeconds":10,"JitterStrategy":"FULL"}]`)
		st.run(`{}`)
		d := st.k.Now().Sub(begin)
		if d < 0 || d > 10*time.Second {
			t.Errorf("a delay of %s with full jitter on 10s", d)
		}
		seen[d] = true
	}
	if len(seen) < 15 {
		t.Errorf("only %d different delays of 20", len(seen))
	}
}

func TestEachAttemptEvaluatesAnew(t *testing.T) {
	st := newStack(t)
	st.failing(nil, "A", "A")
	st.task("arn:aws:states:::lambda:invoke", `"Arguments":{"FunctionName":"f","Payload":"{% $states.context.State.RetryCount %}"},
		"Retry":[{"ErrorEquals":["A"]}],"Output":"{% $states.context.State.RetryCount %}"`)
	st.succeeds(st.run(`{}`), `2`)
	for i, c := range st.calls {
		sameJSON(t, string(c.Input), fmt.Sprintf(`{"FunctionName":"f","Payload":%d}`, i))
	}
	want := []string{
		"1<0 ExecutionStarted", "2<0 TaskStateEntered", "3<2 TaskScheduled", "4<3 TaskStarted", "5<4 TaskFailed",
		"6<5 TaskScheduled", "7<6 TaskStarted", "8<7 TaskFailed", "9<8 TaskScheduled", "10<9 TaskStarted", "11<10 TaskSucceeded",
		"12<11 TaskStateExited", "13<12 ExecutionSucceeded",
	}
	if diff := cmp.Diff(want, types(t, st.sm.Executions()[0])); diff != "" {
		t.Error(diff)
	}
}

func TestRetryCountersStartAnewWhenTheStateIsEnteredAgain(t *testing.T) {
	st := newStack(t)
	var at []time.Duration
	st.failing(&at, "A", "A", "A", "A")
	st.machine("T", `{"T":{"Type":"Task","Resource":"arn:aws:states:::lambda:invoke","Arguments":{"FunctionName":"f"},
		"Retry":[{"ErrorEquals":["A"],"MaxAttempts":1}],"Catch":[{"ErrorEquals":["A"],"Next":"T"}],"End":true}}`)
	if ex := st.run(`{}`); ex.Status != states.Succeeded || len(at) != 5 {
		t.Errorf("%s after %d attempts", ex.Status, len(at))
	}
}

func TestCatch(t *testing.T) {
	for name, tc := range map[string]struct{ catch, want string }{
		"by default the error is the output": {`[{"ErrorEquals":["A"],"Next":"Caught"}]`, `{"Error":"A","Cause":"{\"errorMessage\":\"attempt\",\"errorType\":\"A\"}"}`},
		"Output":                             {`[{"ErrorEquals":["A"],"Next":"Caught","Output":{"in":"{% $states.input %}","e":"{% $states.errorOutput.Error %}"}}]`, `{"in":{"x":1},"e":"A"}`},
		"the first match":                    {`[{"ErrorEquals":["B"],"Next":"Caught","Output":1},{"ErrorEquals":["C","A"],"Next":"Caught","Output":2},{"ErrorEquals":["States.ALL"],"Next":"Caught","Output":3}]`, `2`},
		"States.ALL":                         {`[{"ErrorEquals":["B"],"Next":"Caught","Output":1},{"ErrorEquals":["States.ALL"],"Next":"Caught","Output":3}]`, `3`},
		"States.TaskFailed":                  {`[{"ErrorEquals":["States.Timeout"],"Next":"Caught","Output":1},{"ErrorEquals":["States.TaskFailed"],"Next":"Caught","Output":2}]`, `2`},
	} {
		t.Run(name, func(t *testing.T) {
			st := newStack(t)
			st.failing(nil, "A")
			st.task("arn:aws:states:::lambda:invoke", `"Arguments":{"FunctionName":"f"},"Output":"not used","Catch":`+tc.catch)
			st.succeeds(st.run(`{"x":1}`), tc.want)
		})
	}
}

func TestCatchAssigns(t *testing.T) {
	st := newStack(t)
	st.failing(nil, "A")
	st.machine("T", `{"T":{"Type":"Task","Resource":"arn:aws:states:::lambda:invoke","Arguments":{"FunctionName":"f"},"Assign":{"state":"used"},
		"Catch":[{"ErrorEquals":["A"],"Assign":{"e":"{% $states.errorOutput.Error %}","i":"{% $states.input.x %}"},"Next":"P"}],"End":true},
		"P":{"Type":"Pass","Output":"{% [$e, $i, $exists($state)] %}","End":true}}`)
	st.succeeds(st.run(`{"x":1}`), `["A",1,false]`)
}

// TestCatchability is the table of which names match which errors.
func TestCatchability(t *testing.T) {
	heartbeat := `"Resource":"arn:aws:states:::lambda:invoke","Arguments":{"FunctionName":"never"},"HeartbeatSeconds":1`
	timeout := `"Resource":"arn:aws:states:::lambda:invoke","Arguments":{"FunctionName":"never"},"TimeoutSeconds":1`
	query := `"Resource":"arn:aws:states:::lambda:invoke","Arguments":{"FunctionName":"{% $x %}"}`
	output := `"Resource":"arn:aws:states:::lambda:invoke","Arguments":{"FunctionName":"f"},"Output":"{% $x %}"`
	large := `"Resource":"arn:aws:states:::lambda:invoke","Arguments":{"FunctionName":"large"}`
	fatal := `"Resource":"arn:aws:states:::lambda:invoke","Arguments":{"FunctionName":"f","Foo":1}`
	denied := `"Resource":"arn:aws:lambda:eu-west-1:123456789012:function:denied"`
	for _, tc := range []struct {
		what, state, name string
		caught            bool
	}{
		{"timeout", timeout, "States.Timeout", true},
		{"timeout", timeout, "States.ALL", true},
		{"timeout", timeout, "States.TaskFailed", false},
		{"timeout", timeout, "States.HeartbeatTimeout", false},
		{"heartbeat", heartbeat, "States.HeartbeatTimeout", true},
		{"heartbeat", heartbeat, "States.Timeout", true},
		{"heartbeat", heartbeat, "States.ALL", true},
		{"heartbeat", heartbeat, "States.TaskFailed", false},
		{"arguments", query, "States.QueryEvaluationError", true},
		{"arguments", query, "States.ALL", true},
		{"arguments", query, "States.TaskFailed", true},
		{"output", output, "States.QueryEvaluationError", true},
		{"large", large, "States.ALL", false},
		{"large", large, "States.TaskFailed", false},
		{"large", large, "States.DataLimitExceeded", true},
		{"runtime", fatal, "States.ALL", false},
		{"runtime", fatal, "States.TaskFailed", false},
		{"runtime", fatal, "States.Runtime", false},
		{"denied", denied, "States.Permissions", true},
		{"denied", denied, "States.ALL", true},
	} {
		st := newStack(t)
		st.answer["lambda:Invoke"] = func(c api.Call) (any, error) {
			switch in := string(c.Input); {
			case strings.Contains(in, "never"):
				return nil, errNever
			case strings.Contains(in, "large"):
				return lambda(strings.Repeat("x", 300<<10)), nil
			case strings.Contains(in, "denied"):
				return nil, &api.Error{Code: "AccessDeniedException", Status: 403}
			}
			return lambda(1), nil
		}
		for _, how := range []string{`"Catch":[{"ErrorEquals":["%s"],"Next":"Caught"}]`, `"Retry":[{"ErrorEquals":["%s"],"MaxAttempts":1,"IntervalSeconds":1000}],"Catch":[{"ErrorEquals":["Never"],"Next":"Caught"}]`} {
			st.machine("T", `{"T":{"Type":"Task",`+tc.state+`,`+fmt.Sprintf(how, tc.name)+`,"End":true},"Caught":{"Type":"Pass","End":true}}`)
			ex := st.run(`{}`)
			matched := ex.Status == states.Succeeded || ex.Stop.Sub(ex.Start) > 900*time.Second
			if matched != tc.caught {
				t.Errorf("%s and %s (%s): matched %v, want %v (%s %s)", tc.what, tc.name, how[:8], matched, tc.caught, ex.Error, ex.Cause)
			}
		}
	}
}

func TestAFailureInsideACatcherIsFinal(t *testing.T) {
	st := newStack(t)
	st.failing(nil, "A")
	st.task("arn:aws:states:::lambda:invoke", `"Arguments":{"FunctionName":"f"},"Catch":[{"ErrorEquals":["A"],"Output":"{% $x %}","Next":"Caught"},{"ErrorEquals":["States.ALL"],"Next":"Caught"}]`)
	st.fails(st.run(`{}`), "States.QueryEvaluationError")
}
