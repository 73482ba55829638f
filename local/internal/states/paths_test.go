package states_test

import (
	"encoding/json"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/orderflow-cdk/orderflow/local/internal/api"
	"github.com/orderflow-cdk/orderflow/local/internal/states"
)

// paths creates the state machine of the test from states in JSONPath; it starts at A.
func (st *stack) paths(statesJSON string) *states.StateMachine {
	st.t.Helper()
	return st.define(`{"StartAt":"A","States":` + statesJSON + `}`)
}

func TestPathTaskOptimized(t *testing.T) {
	st := newStack(t)
	st.paths(`{"A":{"Type":"Task","Resource":"arn:aws:states:::lambda:invoke",
		"InputPath":"$.in","Parameters":{"FunctionName":"f","Payload":{"id.$":"$.id","state.$":"$$.State.Name","retry.$":"$$.State.RetryCount","n":1}},
		"ResultSelector":{"got.$":"$.Payload.v","status.$":"$.StatusCode"},"ResultPath":"$.out","Assign":{"raw.$":"$.Payload"},"Next":"B"},
		"B":{"Type":"Pass","Parameters":{"all.$":"$","raw.$":"$raw"},"End":true}}`)
	st.answer["lambda:Invoke"] = func(c api.Call) (any, error) {
		sameJSON(t, string(c.Input), `{"FunctionName":"f","Payload":{"id":7,"state":"A","retry":0,"n":1}}`)
		if c.Caller != role {
			t.Errorf("called as %s", c.Caller)
		}
		return lambda(map[string]any{"v": []int{1, 2}}), nil
	}
	ex := st.run(`{"in":{"id":7},"other":true}`)
	st.succeeds(ex, `{"all":{"in":{"id":7},"other":true,"out":{"got":[1,2],"status":200}},"raw":{"v":[1,2]}}`)
	want := []string{"1<0 ExecutionStarted", "2<0 TaskStateEntered", "3<2 TaskScheduled", "4<3 TaskStarted", "5<4 TaskSucceeded", "6<5 TaskStateExited",
		"7<6 PassStateEntered", "8<7 PassStateExited", "9<8 ExecutionSucceeded"}
	if diff := cmp.Diff(want, types(t, ex)); diff != "" {
		t.Error(diff)
	}
}

func TestPathTaskFunctionARN(t *testing.T) {
	st := newStack(t)
	st.paths(`{"A":{"Type":"Task","Resource":"arn:aws:lambda:eu-west-1:123456789012:function:f","OutputPath":"$.v","End":true}}`)
	st.answer["lambda:Invoke"] = func(c api.Call) (any, error) {
		sameJSON(t, string(c.Input), `{"FunctionName":"arn:aws:lambda:eu-west-1:123456789012:function:f","Payload":{"a":1},"InvocationType":"RequestResponse"}`)
		return lambda(map[string]any{"v": "x"}), nil
	}
	st.succeeds(st.run(`{"a":1}`), `"x"`)
}

func TestPathTaskServices(t *testing.T) {
	for _, c := range []struct{ resource, parameters, call, want string }{
		{"arn:aws:states:::dynamodb:putItem", `{"TableName":"t","Item":{"id":{"S.$":"$.id"},"n":{"N.$":"States.Format('{}', $.n)"}}}`,
			"dynamodb:PutItem", `{"TableName":"t","Item":{"id":{"S":"o"},"n":{"N":"5"}}}`},
		{"arn:aws:states:::sqs:sendMessage", `{"QueueUrl":"q","MessageBody":{"id.$":"$.id"}}`, "sqs:SendMessage", `{"QueueUrl":"q","MessageBody":"{\"id\":\"o\"}"}`},
		{"arn:aws:states:::sns:publish", `{"TopicArn":"t","Message.$":"$"}`, "sns:Publish", `{"TopicArn":"t","Message":"{\"id\":\"o\",\"n\":5}"}`},
		{"arn:aws:states:::aws-sdk:dynamodb:query", `{"TableName":"t","ExpressionAttributeValues":{":p":{"S.$":"$.id"}}}`,
			"dynamodb:Query", `{"TableName":"t","ExpressionAttributeValues":{":p":{"S":"o"}}}`},
	} {
		t.Run(c.resource, func(t *testing.T) {
			st := newStack(t)
			st.paths(`{"A":{"Type":"Task","Resource":"` + c.resource + `","Parameters":` + c.parameters + `,"ResultPath":null,"End":true}}`)
			st.answer[c.call] = func(call api.Call) (any, error) {
				sameJSON(t, string(call.Input), c.want)
				return map[string]any{"MessageId": "m"}, nil
			}
			st.succeeds(st.run(`{"id":"o","n":5}`), `{"id":"o","n":5}`)
			if len(st.calls) != 1 {
				t.Errorf("%d calls", len(st.calls))
			}
		})
	}
}

func TestPathTaskToken(t *testing.T) {
	st := newStack(t)
	st.paths(`{"A":{"Type":"Task","Resource":"arn:aws:states:::sqs:sendMessage.waitForTaskToken","HeartbeatSecondsPath":"$.beat","TimeoutSecondsPath":"$.limit",
		"Parameters":{"QueueUrl":"q","MessageBody":{"token.$":"$$.Task.Token"}},"ResultPath":"$.r",
		"Catch":[{"ErrorEquals":["States.HeartbeatTimeout"],"ResultPath":"$.e","Next":"B"}],"End":true},"B":{"Type":"Pass","OutputPath":"$.e.Error","End":true}}`)
	var token string
	st.answer["sqs:SendMessage"] = func(c api.Call) (any, error) {
		var in struct{ MessageBody string }
		var body struct{ Token string }
		if err := json.Unmarshal(c.Input, &in); err != nil {
			return nil, err
		}
		if err := json.Unmarshal([]byte(in.MessageBody), &body); err != nil {
			return nil, err
		}
		token = body.Token
		return map[string]any{"MessageId": "m"}, nil
	}
	ex := st.begin(`{"beat":20,"limit":60}`)
	st.k.Advance(10 * time.Second)
	if _, err := st.do("SendTaskSuccess", map[string]any{"taskToken": token, "output": `{"ok":1}`}); err != nil {
		t.Fatal(err)
	}
	for ex.Status == states.Running && st.k.Step() {
	}
	st.succeeds(ex, `{"beat":20,"limit":60,"r":{"ok":1}}`)

	ex = st.run(`{"beat":2,"limit":60}`)
	st.succeeds(ex, `"States.Timeout"`)
	st.fails(st.run(`{"beat":"soon","limit":60}`), "States.Runtime")
	ex = st.run(`{"beat":1}`)
	st.fails(ex, "States.Runtime")
	if !strings.Contains(ex.Cause, "Invalid path '$.limit' : No results for path: $['limit']") {
		t.Error(ex.Cause)
	}
}

func TestPathNestedExecution(t *testing.T) {
	st := newStack(t)
	inner := st.paths(`{"A":{"Type":"Choice","Choices":[{"Variable":"$.n","NumericGreaterThan":5,"Next":"F"}],"Default":"P"},"F":{"Type":"Fail","Error":"Big"},
		"P":{"Type":"Pass","Parameters":{"m.$":"States.MathAdd($.n, 1)"},"End":true}}`)
	for pattern, want := range map[string]string{".sync": `"{\"m\":3}"`, ".sync:2": `{"m":3}`} {
		st.paths(`{"A":{"Type":"Task","Resource":"arn:aws:states:::states:startExecution` + pattern + `","Parameters":{"StateMachineArn":"` + inner.ARN + `","Input":{"n.$":"$.n"}},
			"OutputPath":"$.Output","Catch":[{"ErrorEquals":["States.TaskFailed"],"ResultPath":"$.e","Next":"B"}],"End":true},
			"B":{"Type":"Pass","Parameters":{"cause.$":"States.StringToJson($.e.Cause)"},"OutputPath":"$.cause.Error","End":true}}`)
		st.succeeds(st.run(`{"n":2}`), want)
		st.succeeds(st.run(`{"n":9}`), `"Big"`)
	}
}

func TestPathRetryAndCatch(t *testing.T) {
	st := newStack(t)
	st.paths(`{"A":{"Type":"Task","Resource":"arn:aws:states:::lambda:invoke","Parameters":{"FunctionName":"f","Payload":{"retry.$":"$$.State.RetryCount"}},
		"Retry":[{"ErrorEquals":["Busy"],"IntervalSeconds":2,"MaxAttempts":2,"BackoffRate":3}],
		"Catch":[{"ErrorEquals":["Broken"],"ResultPath":"$.error.info","Assign":{"cause.$":"States.StringToJson($.Cause)"},"Next":"B"}],"ResultPath":"$.r","End":true},
		"B":{"Type":"Pass","Parameters":{"in.$":"$","message.$":"$cause.errorMessage"},"End":true}}`)
	names := []string{"Busy", "Busy", "Broken"}
	st.answer["lambda:Invoke"] = func(api.Call) (any, error) {
		name := names[0]
		names = names[1:]
		return lambdaError(name, "no"), nil
	}
	ex := st.run(`{"a":1}`)
	st.succeeds(ex, `{"in":{"a":1,"error":{"info":{"Error":"Broken","Cause":"{\"errorMessage\":\"no\",\"errorType\":\"Broken\"}"}}},"message":"no"}`)
	if took := ex.Stop.Sub(ex.Start); took != 8*time.Second {
		t.Errorf("it took %s", took)
	}
}

// TestPathRandom is about what is random: with the kernel's numbers, and with a seed.
func TestPathRandom(t *testing.T) {
	run := func() string {
		st := newStack(t)
		st.paths(`{"A":{"Type":"Pass","Parameters":{"r.$":"States.MathRandom(1, 1000000)","s.$":"States.MathRandom(1, 1000000, 7)","id.$":"States.UUID()","one.$":"States.MathRandom(4, 5)"},"End":true}}`)
		return st.run(`{}`).Output
	}
	var out struct {
		R, S, One float64
		ID        string
	}
	if err := json.Unmarshal([]byte(run()), &out); err != nil {
		t.Fatal(err)
	}
	if out.R < 1 || out.R >= 1e6 || out.S < 1 || out.S >= 1e6 || out.One != 4 || len(out.ID) != 36 {
		t.Errorf("%+v", out)
	}
	if a, b := run(), run(); a != b {
		t.Errorf("the same seed makes %s and %s", a, b)
	}
}

// TestPathEvents is about failures of a state's own fields, as recordings of the service show them.
func TestPathEvents(t *testing.T) {
	for name, c := range map[string]struct {
		states, input string
		want          []string
	}{
		"InputPath": {`{"A":{"Type":"Pass","InputPath":"$.x","End":true}}`, `{}`,
			[]string{"1<0 ExecutionStarted", "2<0 PassStateEntered", "3<2 ExecutionFailed"}},
		"Map that does not begin": {`{"A":{"Type":"Map","MaxConcurrencyPath":"$.c","ItemsPath":"$.l","ItemProcessor":{"StartAt":"M","States":{"M":{"Type":"Succeed"}}},"End":true}}`, `{"c":"x","l":[1]}`,
			[]string{"1<0 ExecutionStarted", "2<0 MapStateEntered", "3<2 ExecutionFailed"}},
		"iteration": {`{"A":{"Type":"Map","ItemProcessor":{"StartAt":"M","States":{"M":{"Type":"Pass","OutputPath":"$.x","End":true}}},"End":true}}`, `[{}]`,
			[]string{"1<0 ExecutionStarted", "2<0 MapStateEntered", "3<2 MapStateStarted", "4<3 MapIterationStarted", "5<4 PassStateEntered", "6<5 MapIterationFailed", "7<5 MapStateFailed", "8<7 ExecutionFailed"}},
		"caught": {`{"A":{"Type":"Parallel","Branches":[{"StartAt":"L","States":{"L":{"Type":"Pass","Parameters":{"x.$":"States.StringToJson('x')"},"End":true}}}],"Catch":[{"ErrorEquals":["States.ALL"],"Next":"B"}],"End":true},"B":{"Type":"Succeed"}}`, `{}`,
			[]string{"1<0 ExecutionStarted", "2<0 ParallelStateEntered", "3<2 ParallelStateStarted", "4<3 PassStateEntered", "5<4 ParallelStateFailed", "6<5 ParallelStateExited",
				"7<6 SucceedStateEntered", "8<7 SucceedStateExited", "9<8 ExecutionSucceeded"}},
	} {
		t.Run(name, func(t *testing.T) {
			st := newStack(t)
			st.paths(c.states)
			if diff := cmp.Diff(c.want, types(t, st.run(c.input))); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestCDK runs what the CDK's own constructs make (testdata/cdk).
func TestCDK(t *testing.T) {
	b, err := os.ReadFile("testdata/cdk.json")
	if err != nil {
		t.Fatal(err)
	}
	st := newStack(t)
	st.define(string(b))
	busy := 1
	st.answer["lambda:Invoke"] = func(c api.Call) (any, error) {
		var in struct {
			FunctionName string
			Payload      struct {
				Total float64
				Item  string
				N     int
			}
		}
		if err := json.Unmarshal(c.Input, &in); err != nil {
			return nil, err
		}
		if strings.Contains(in.FunctionName, "Validate") {
			return lambda(map[string]any{"total": in.Payload.Total}), nil
		}
		if in.Payload.Item == "b" && busy > 0 {
			busy--
			return lambdaError("Busy", "later"), nil
		}
		return lambda(map[string]any{"price": len(in.Payload.Item)*10 + in.Payload.N}), nil
	}
	st.answer["dynamodb:PutItem"] = func(c api.Call) (any, error) {
		sameJSON(t, string(c.Input), `{"TableName":"TableCD117FA1","Item":{"id":{"S":"o-1"},"total":{"N":"150"}}}`)
		return map[string]any{}, nil
	}
	st.answer["sns:Publish"] = func(api.Call) (any, error) { return map[string]any{"MessageId": "m-1"}, nil }
	refuse := false
	st.answer["sqs:SendMessage"] = func(c api.Call) (any, error) {
		var in struct{ MessageBody string }
		var body struct{ Token, ID string }
		if err := json.Unmarshal(c.Input, &in); err != nil {
			return nil, err
		}
		if err := json.Unmarshal([]byte(in.MessageBody), &body); err != nil {
			return nil, err
		}
		st.k.After(time.Minute, func() {
			action, in := "SendTaskSuccess", map[string]any{"taskToken": body.Token, "output": `{"by":"ann"}`}
			if refuse {
				action, in = "SendTaskFailure", map[string]any{"taskToken": body.Token, "error": "Refused", "cause": "no money"}
			}
			if _, err := st.do(action, in); err != nil {
				t.Error(err)
			}
		})
		return map[string]any{"MessageId": "m"}, nil
	}
	ex := st.run(`{"id":"o-1","total":150,"items":["a","b"],"pause":30}`)
	st.succeeds(ex, `{"approved":"ann","message":"m-1"}`)
	if took := ex.Stop.Sub(ex.Start); took != 93*time.Second { // a retry of 3 s, a pause of 30 s, an approval of 60 s
		t.Errorf("it took %s", took)
	}
	var each string
	events, _ := ex.History()
	for _, e := range events {
		if e.Type == "MapStateExited" {
			each = string(mustJSON(e.Details))
		}
	}
	for _, want := range []string{`\"half\":50`, `{\"price\":10}`, `{\"price\":11}`} {
		if !strings.Contains(each, want) {
			t.Errorf("%s lacks %s", each, want)
		}
	}
	refuse = true
	ex = st.run(`{"id":"o-1","total":150,"items":[],"pause":0}`)
	st.fails(ex, "Refused")
	if ex.Cause != "no money of order o-1" {
		t.Error(ex.Cause)
	}
	st.fails(st.run(`{"id":"x","total":1,"items":[],"pause":0}`), "States.Runtime") // Failed has nothing to say
}
