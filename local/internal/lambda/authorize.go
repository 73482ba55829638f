package lambda

import (
	"encoding/json"
	"net/http"

	"github.com/orderflow-cdk/orderflow/local/internal/api"
)

const principal = "lambda.amazonaws.com"

// permission is a call that Lambda makes in a function's role by itself.
func (f *Function) permission(service, action, member, arn string) api.Call {
	c := api.Call{Service: service, Action: action, Caller: f.Properties.Role, Via: principal}
	if member != "" {
		input, err := json.Marshal(map[string]string{member: arn})
		if err != nil {
			panic(err) // two texts
		}
		c.Input = input
	}
	return c
}

// may asks for permissions. All of them are asked for, so that who denies them learns of each.
func (s *Service) may(calls ...api.Call) bool {
	ok := true
	for _, c := range calls {
		ok = (s.Authorize == nil || s.Authorize(c) == nil) && ok
	}
	return ok
}

// assumed says whether Lambda may assume the function's role.
//
// Source: Lambda Developer Guide, "Troubleshoot invocation issues", for the message.
func (f *Function) assumed() *api.Error {
	if f.s.may(f.permission("sts", "AssumeRole", "", "")) {
		return nil
	}
	return &api.Error{Code: "AccessDeniedException", Status: http.StatusForbidden, Message: "The role defined for the function cannot be assumed by Lambda."}
}

// trace asks for what sending traces takes. Without it there are none; nobody is told.
//
// Source: Lambda Developer Guide, "Visualize Lambda function invocations using AWS X-Ray".
func (f *Function) trace() {
	if f.Traced() {
		f.s.may(f.permission("xray", "PutTraceSegments", "", ""), f.permission("xray", "PutTelemetryRecords", "", ""))
	}
}

// permissionsOfQueue are those that a mapping needs to read a queue.
//
// Source: Lambda Developer Guide, "Using Lambda with Amazon SQS", execution role permissions.
func (f *Function) permissionsOfQueue(arn string) []api.Call {
	var all []api.Call
	for _, action := range []string{"ReceiveMessage", "DeleteMessage", "GetQueueAttributes"} {
		all = append(all, f.permission("sqs", action, "SourceArn", arn))
	}
	return all
}

// permissionsOfStream are those that a mapping needs to read a stream.
//
// Source: Lambda Developer Guide, "Using AWS Lambda with Amazon DynamoDB", execution role permissions.
func (f *Function) permissionsOfStream(arn string) []api.Call {
	all := []api.Call{f.permission("dynamodb", "ListStreams", "", "")}
	for _, action := range []string{"DescribeStream", "GetShardIterator", "GetRecords"} {
		all = append(all, f.permission("dynamodb", action, "StreamArn", arn))
	}
	return all
}

// maySend says whether the function's role may send to a destination.
func (f *Function) maySend(arn string) bool {
	return f.s.may(f.permission("sqs", "SendMessage", "SourceArn", arn))
}
