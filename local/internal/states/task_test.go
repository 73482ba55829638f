package states_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/orderflow-cdk/orderflow/local/internal/api"
	"github.com/orderflow-cdk/orderflow/local/internal/states"
)

// task defines a machine of one Task state T (further fields as JSON) with
// a state Caught that shows what a catcher handed on.
func (st *stack) task(resource, fields string) {
	st.t.Helper()
	if !strings.Contains(fields, `"Next"`) || strings.Contains(fields, `"Catch"`) {
		fields += `,"End":true`
	}
	caught := ""
	if strings.Contains(fields, "Caught") {
		caught = `,"Caught":{"Type":"Pass","End":true}`
	}
	st.machine("T", `{"T":{"Type":"Task","Resource":"`+resource+`",`+fields+`}`+caught+`}`)
}

func TestTaskCalls(t *testing.T) {
	for name, tc := range map[string]struct {
		resource, fields, in  string
		service, action, call string
		answer                any
		want                  string
	}{
		"lambda:invoke": {"arn:aws:states:::lambda:invoke", `"Arguments":{"FunctionName":"f","Payload":"{% $states.input %}","Qualifier":"live"}`, `{"x":[1]}`,
			"lambda", "Invoke", `{"FunctionName":"f","Payload":{"x":[1]},"Qualifier":"live"}`, lambda(map[string]any{"y": nil}),
			`{"StatusCode":200,"ExecutedVersion":"$LATEST","Payload":{"y":null}}`},
		"a function's ARN": {"arn:aws:lambda:eu-west-1:123456789012:function:f", `"Arguments":"{% $states.input.x %}"`, `{"x":[1]}`,
			"lambda", "Invoke", `{"FunctionName":"arn:aws:lambda:eu-west-1:123456789012:function:f","Payload":[1],"InvocationType":"RequestResponse"}`, lambda("done"), `"done"`},
		"a function's ARN without Arguments": {"arn:aws:lambda:eu-west-1:123456789012:function:f", `"Output":{"r":"{% $states.result %}"}`, `{"x":[1]}`,
			"lambda", "Invoke", `{"FunctionName":"arn:aws:lambda:eu-west-1:123456789012:function:f","Payload":{"x":[1]},"InvocationType":"RequestResponse"}`, lambda(7), `{"r":7}`},
		"updateItem": {"arn:aws:states:::dynamodb:updateItem", `"Arguments":{"TableName":"t","Key":{"pk":{"S":"{% $states.input.k %}"}}},"Output":"{% $states.result.Attributes.n.N %}"`, `{"k":"a\"b"}`,
			"dynamodb", "UpdateItem", `{"TableName":"t","Key":{"pk":{"S":"a\"b"}}}`, map[string]any{"Attributes": map[string]any{"n": map[string]any{"N": "1"}}}, `"1"`},
		"aws-sdk": {"arn:aws:states:::aws-sdk:dynamodb:query", `"Arguments":{"TableName":"t"},"Assign":{"n":"{% $states.result.Count %}"}`, `{}`,
			"dynamodb", "Query", `{"TableName":"t"}`, map[string]any{"Count": 0}, `{"Count":0}`},
		"sendMessage makes text of an object": {"arn:aws:states:::sqs:sendMessage", `"Arguments":{"QueueUrl":"q","MessageBody":{"b":"{% $states.input.x %}","a":1}}`, `{"x":2}`,
			"sqs", "SendMessage", `{"QueueUrl":"q","MessageBody":"{\"a\":1,\"b\":2}"}`, map[string]any{"MessageId": "m"}, `{"MessageId":"m"}`},
		"publish": {"arn:aws:states:::sns:publish", `"Arguments":{"TopicArn":"t","Message":"{% $states.input %}"}`, `{"x":2}`,
			"sns", "Publish", `{"TopicArn":"t","Message":"{\"x\":2}"}`, map[string]any{"MessageId": "m"}, `{"MessageId":"m"}`},
	} {
		t.Run(name, func(t *testing.T) {
			st := newStack(t)
			st.answer[tc.service+":"+tc.action] = func(api.Call) (any, error) { return tc.answer, nil }
			st.task(tc.resource, tc.fields)
			ex := st.run(tc.in)
			st.succeeds(ex, tc.want)
			c := st.calls[0]
			if c.Service != tc.service || c.Action != tc.action || c.Caller != role {
				t.Errorf("called %s:%s as %s", c.Service, c.Action, c.Caller)
			}
			sameJSON(t, string(c.Input), tc.call)
		})
	}
}

func TestServiceErrorNames(t *testing.T) {
	for _, tc := range []struct {
		resource, arguments string
		err                 error
		want                string
	}{
		{"arn:aws:states:::dynamodb:updateItem", `{}`, api.Errorf("ConditionalCheckFailedException", "no"), "DynamoDB.ConditionalCheckFailedException"},
		{"arn:aws:states:::dynamodb:updateItem", `{}`, api.Errorf("ValidationException", "no"), "DynamoDB.AmazonDynamoDBException"},
		{"arn:aws:states:::dynamodb:updateItem", `{}`, api.Errorf("AccessDeniedException", "no"), "DynamoDB.AmazonDynamoDBException"},
		{"arn:aws:states:::dynamodb:updateItem", `{}`, &api.Error{Code: "InternalServerError", Status: 500}, "DynamoDB.InternalServerErrorException"},
		{"arn:aws:states:::aws-sdk:dynamodb:updateItem", `{}`, api.Errorf("ConditionalCheckFailedException", "no"), "DynamoDb.ConditionalCheckFailedException"},
		{"arn:aws:states:::aws-sdk:dynamodb:updateItem", `{}`, api.Errorf("ValidationException", "no"), "DynamoDb.DynamoDbException"},
		{"arn:aws:states:::sqs:sendMessage", `{}`, api.Errorf("MissingRequiredParameterException", "no"), "SQS.AmazonSQSException"},
		{"arn:aws:states:::sqs:sendMessage", `{}`, api.Errorf("QueueDoesNotExist", "no"), "SQS.QueueDoesNotExistException"},
		{"arn:aws:states:::lambda:invoke", `{"FunctionName":"f"}`, api.Errorf("TooManyRequestsException", "no"), "Lambda.TooManyRequestsException"},
		{"arn:aws:states:::lambda:invoke", `{"FunctionName":"f"}`, &api.Error{Code: "ServiceException", Status: 500}, "Lambda.ServiceException"},
		{"arn:aws:states:::lambda:invoke", `{"FunctionName":"f"}`, api.Errorf("SdkClientException", "no"), "Lambda.SdkClientException"},
		{"arn:aws:states:::lambda:invoke", `{"FunctionName":"f"}`, &api.Error{Code: "ResourceNotFoundException", Status: 404}, "Lambda.ResourceNotFoundException"},
		{"arn:aws:states:::lambda:invoke", `{"FunctionName":"f"}`, &api.Error{Code: "AccessDeniedException", Status: 403}, "Lambda.AWSLambdaException"},
		{"arn:aws:lambda:eu-west-1:123456789012:function:f", `{}`, &api.Error{Code: "AccessDeniedException", Status: 403}, "States.Permissions"},
		{"arn:aws:states:::aws-sdk:secretsmanager:getSecretValue", `{}`, api.Errorf("ResourceNotFoundException", "no"), "SecretsManager.ResourceNotFoundException"},
		{"arn:aws:states:::lambda:invoke", `{"FunctionName":"f","LogType":"Tail"}`, nil, "States.Runtime"},
		{"arn:aws:states:::lambda:invoke", `{}`, nil, "States.Runtime"},
		{"arn:aws:states:::dynamodb:getItem", `[]`, nil, "States.Runtime"},
		{"arn:aws:states:::dynamodb:getItem", `{}`, &api.Error{Code: "X", Status: 501}, "States.Runtime"},
	} {
		st := newStack(t)
		fail := func(api.Call) (any, error) { return nil, tc.err }
		for _, a := range []string{"dynamodb:UpdateItem", "dynamodb:GetItem", "sqs:SendMessage", "lambda:Invoke", "secretsmanager:GetSecretValue"} {
			st.answer[a] = fail
		}
		st.task(tc.resource, `"Arguments":`+tc.arguments)
		ex := st.run(`{}`)
		if ex.Status != states.Failed || ex.Error != tc.want {
			t.Errorf("%s, %v: %s %s", tc.resource, tc.err, ex.Error, ex.Cause)
		}
	}
}

func TestServiceErrorCauses(t *testing.T) {
	st := newStack(t)
	st.answer["dynamodb:PutItem"] = func(api.Call) (any, error) {
		return nil, api.Errorf("ResourceNotFoundException", "Requested resource not found")
	}
	st.task("arn:aws:states:::dynamodb:putItem", `"Arguments":{}`)
	if ex := st.run(`{}`); !strings.HasPrefix(ex.Cause, "Requested resource not found (Service: AmazonDynamoDBv2; Status Code: 400; Error Code: ResourceNotFoundException; Request ID: ") || !strings.HasSuffix(ex.Cause, "; Proxy: null)") {
		t.Error(ex.Cause)
	}
	st.task("arn:aws:states:::aws-sdk:dynamodb:putItem", `"Arguments":{}`)
	if ex := st.run(`{}`); !strings.HasPrefix(ex.Cause, "Requested resource not found (Service: DynamoDb, Status Code: 400, Request ID: ") {
		t.Error(ex.Cause)
	}
}

func TestFunctionErrorsAreNamedByTheirType(t *testing.T) {
	for _, tc := range []struct {
		payload     any
		name, cause string
	}{
		{map[string]any{"errorType": "OutOfStock", "errorMessage": "none \"left\""}, "OutOfStock", `{"errorMessage":"none \"left\"","errorType":"OutOfStock"}`},
		{map[string]any{"errorMessage": "Task timed out"}, "Lambda.Unknown", `{"errorMessage":"Task timed out"}`},
	} {
		st := newStack(t)
		st.answer["lambda:Invoke"] = func(api.Call) (any, error) {
			return map[string]any{"StatusCode": 200, "FunctionError": "Unhandled", "ExecutedVersion": "$LATEST", "Payload": tc.payload}, nil
		}
		for _, resource := range []string{"arn:aws:states:::lambda:invoke", "arn:aws:lambda:eu-west-1:123456789012:function:f"} {
			st.task(resource, `"Arguments":{"FunctionName":"f"}`)
			ex := st.run(`{}`)
			if ex.Error != tc.name || ex.Cause != tc.cause {
				t.Errorf("%s: %s: %s", resource, ex.Error, ex.Cause)
			}
		}
	}
}

func TestTimeouts(t *testing.T) {
	for name, tc := range map[string]struct {
		fields string
		after  time.Duration
	}{
		"literal":    {`"TimeoutSeconds":7`, 7 * time.Second},
		"expression": {`"TimeoutSeconds":"{% $states.input.n %}"`, 3 * time.Second},
		"heartbeat":  {`"TimeoutSeconds":60,"HeartbeatSeconds":"{% 2 + 2 %}"`, 4 * time.Second},
	} {
		st := newStack(t)
		st.answer["lambda:Invoke"] = func(api.Call) (any, error) { return nil, errNever }
		st.task("arn:aws:states:::lambda:invoke", `"Arguments":{"FunctionName":"f"},`+tc.fields)
		ex := st.run(`{"n":3}`)
		if ex.Error != "States.Timeout" || ex.Stop.Sub(ex.Start) != tc.after {
			t.Errorf("%s: %s %s after %s", name, ex.Error, ex.Cause, ex.Stop.Sub(ex.Start))
		}
	}
}

func TestALateAnswerIsIgnored(t *testing.T) {
	st := newStack(t)
	st.delay = 10 * time.Second
	n := 0
	st.answer["lambda:Invoke"] = func(api.Call) (any, error) { n++; return lambda(n), nil }
	st.task("arn:aws:states:::lambda:invoke", `"Arguments":{"FunctionName":"f"},"TimeoutSeconds":4,"Retry":[{"ErrorEquals":["States.Timeout"],"MaxAttempts":1,"IntervalSeconds":3}],
		"Catch":[{"ErrorEquals":["States.ALL"],"Next":"Caught"}]`)
	st.succeeds(st.run(`{}`), `{"Error":"States.Timeout","Cause":""}`)
	for st.k.Step() {
	}
	if n != 2 {
		t.Errorf("%d invocations, want 2", n)
	}
}

func TestTaskHistory(t *testing.T) {
	st := newStack(t)
	st.answer["lambda:Invoke"] = func(api.Call) (any, error) { return lambda(map[string]any{"ok": true}), nil }
	st.task("arn:aws:states:::lambda:invoke", `"Arguments":{"FunctionName":"f","Payload":{"b":1,"a":2}},"TimeoutSeconds":5,"Assign":{"v":"{% $states.result.Payload %}"},"Output":"x"`)
	ex := st.run(`{"in":1}`)
	want := []string{"1<0 ExecutionStarted", "2<0 TaskStateEntered", "3<2 TaskScheduled", "4<3 TaskStarted", "5<4 TaskSucceeded", "6<5 TaskStateExited", "7<6 ExecutionSucceeded"}
	if diff := cmp.Diff(want, types(t, ex)); diff != "" {
		t.Fatal(diff)
	}
	events, _ := ex.History()
	for i, want := range []string{
		`{"input":"{\"in\":1}","inputDetails":{"truncated":false},"roleArn":"arn:aws:iam::123456789012:role/machine"}`,
		`{"input":"{\"in\":1}","inputDetails":{"truncated":false},"name":"T"}`,
		`{"parameters":"{\"FunctionName\":\"f\",\"Payload\":{\"a\":2,\"b\":1}}","region":"eu-west-1","resource":"invoke","resourceType":"lambda","timeoutInSeconds":5}`,
		`{"resource":"invoke","resourceType":"lambda"}`,
		`{"output":"{\"ExecutedVersion\":\"$LATEST\",\"Payload\":{\"ok\":true},\"StatusCode\":200}","outputDetails":{"truncated":false},"resource":"invoke","resourceType":"lambda"}`,
		`{"assignedVariables":{"v":"{\"ok\":true}"},"assignedVariablesDetails":{"truncated":false},"name":"T","output":"\"x\"","outputDetails":{"truncated":false}}`,
		`{"output":"\"x\"","outputDetails":{"truncated":false}}`,
	} {
		sameJSON(t, string(events[i].Details), want)
	}

	st.task("arn:aws:lambda:eu-west-1:123456789012:function:f", `"Arguments":{"a":1}`)
	want = []string{"1<0 ExecutionStarted", "2<0 TaskStateEntered", "3<2 LambdaFunctionScheduled", "4<3 LambdaFunctionStarted", "5<4 LambdaFunctionSucceeded", "6<5 TaskStateExited", "7<6 ExecutionSucceeded"}
	if diff := cmp.Diff(want, types(t, st.run(`{}`))); diff != "" {
		t.Error(diff)
	}
}

func TestOversizedResultOfATask(t *testing.T) {
	st := newStack(t)
	st.answer["lambda:Invoke"] = func(api.Call) (any, error) { return lambda(strings.Repeat("x", 256<<10)), nil }
	st.task("arn:aws:states:::lambda:invoke", `"Arguments":{"FunctionName":"f"},"Catch":[{"ErrorEquals":["States.DataLimitExceeded"],"Next":"Caught"}]`)
	st.succeeds(st.run(`{}`), `{"Error":"States.DataLimitExceeded","Cause":"The state/task 'lambda' returned a result with a size exceeding the maximum number of bytes service limit."}`)
}
