package local_test

import (
	"encoding/json"
	"math/rand/v2"
	"runtime/debug"
	"testing"
	"time"

	"github.com/orderflow-cdk/orderflow/internal/localapp"
	"github.com/orderflow-cdk/orderflow/local"
	"github.com/orderflow-cdk/orderflow/local/internal/awsapi"
)

// members are those of the inputs of all actions that are served.
var members = []string{
	"QueueUrl", "QueueName", "QueueNamePrefix", "MessageBody", "DelaySeconds", "MessageAttributes", "MessageGroupId", "MessageDeduplicationId", "Entries", "ReceiptHandle",
	"MaxNumberOfMessages", "VisibilityTimeout", "WaitTimeSeconds", "AttributeNames", "MessageAttributeNames", "MessageSystemAttributeNames", "ReceiveRequestAttemptId", "Attributes", "SourceArn",
	"DestinationArn", "MaxNumberOfMessagesPerSecond", "TaskHandle", "MaxResults", "NextToken",
	"TableName", "Key", "Item", "IndexName", "Select", "Limit", "ScanIndexForward", "ConsistentRead", "ReturnValues", "ReturnConsumedCapacity", "ReturnItemCollectionMetrics",
	"UpdateExpression", "ConditionExpression", "FilterExpression", "KeyConditionExpression", "ProjectionExpression", "ExpressionAttributeNames", "ExpressionAttributeValues",
	"ExclusiveStartKey", "RequestItems", "TransactItems", "Segment", "TotalSegments", "ClientRequestToken", "ExclusiveStartTableName", "Expected", "KeyConditions",
	"StreamArn", "ShardId", "ShardIteratorType", "SequenceNumber", "ShardIterator", "ExclusiveStartShardId",
	"stateMachineArn", "executionArn", "input", "name", "traceHeader", "taskToken", "output", "error", "cause", "maxResults", "nextToken", "statusFilter", "reverseOrder",
	"includeExecutionData", "redriveFilter", "mapRunArn", "definition", "roleArn",
	"TopicArn", "TargetArn", "Message", "MessageStructure", "Subject", "Protocol", "Endpoint", "ReturnSubscriptionArn", "SubscriptionArn", "Token", "AttributeName", "AttributeValue",
	"PublishBatchRequestEntries", "FunctionName", "Qualifier", "InvocationType", "LogType", "Payload", "ClientContext", "EventSourceArn", "Marker", "MaxItems", "UUID",
	"logGroupName", "logGroupIdentifier", "logStreamName", "logStreamNames", "logStreamNamePrefix", "logGroupNamePrefix", "logGroupNamePattern", "filterPattern", "startTime", "endTime", "limit",
	"startFromHead", "orderBy", "descending", "interleaved", "SecretId", "VersionId", "VersionStage", "SecretString", "RoleArn", "RoleSessionName", "DurationSeconds",
}

// hostile makes inputs.
type hostile struct {
	*rand.Rand
	known []string // names, URLs and ARNs of the stack
}

var texts = []string{
	"", "x", "-1", "0", "1e400", "NaN", "#", "a = b", "SET #a = :v", "SET a.b[0] = if_not_exists(a, :v) + :v REMOVE c ADD d :v DELETE e :v", "attribute_exists(pk) AND (pk = :v OR NOT size(a) > :v)",
	"pk = :v", "pk = :v AND begins_with(sk, :v)", "a[", "((((", "BETWEEN", "pk IN (:v, :v)", "{}", "{", "[]", "null", `{"a":1}`, "ALL", "COUNT", "ALL_NEW", "ALL_OLD", "TRIM_HORIZON", "LATEST",
	"AT_SEQUENCE_NUMBER", "Event", "RequestResponse", "DryRun", "Tail", "https", "sqs", "RUNNING", "FAILED", "\x00", "\u2028", "日本", "a:b:c", "arn:aws:", "arn:aws:sqs:::", "{ $.level = \"ERROR\" }",
	"{ $.a[ }", "{ ($.a = 1) && ", "[w1, w2=5*, ...]", "?a ?b -c", "\"", "%[a-z", "%a%", "{ $.a IS NULL } }", "[", "[,", "[...", "[a=", "-", "?", "{ $.x = %(% }",
}

func (h hostile) text() string {
	if h.IntN(2) == 0 {
		return h.known[h.IntN(len(h.known))]
	}
	return texts[h.IntN(len(texts))]
}

func (h hostile) value(depth int) any {
	switch n := h.IntN(12); {
	case n < 5:
		return h.text()
	case n == 5:
		return []int64{-1, 0, 1, 2, 10, 11, 1000, 1 << 40, -1 << 62}[h.IntN(9)]
	case n == 6:
		return []any{true, nil, 0.5, 1e300, []any{}, map[string]any{}}[h.IntN(6)]
	case depth == 0:
		return "deep"
	case n == 7:
		return map[string]any{[]string{"S", "N", "B", "M", "L", "SS", "NS", "BOOL", "NULL"}[h.IntN(9)]: h.value(depth - 1)}
	case n == 8:
		return map[string]any{[]string{":v", "#a", "pk", "sk", "Put", "Update", "Id", "DataType", "StringValue"}[h.IntN(9)]: h.value(depth - 1)}
	case n == 9:
		return []any{h.value(depth - 1), h.value(depth - 1)}
	}
	return h.object(depth-1, 3)
}

func (h hostile) object(depth, size int) map[string]any {
	o := map[string]any{}
	for range h.IntN(size + 1) {
		o[members[h.IntN(len(members))]] = h.value(depth)
	}
	return o
}

// TestHostileInputs: whatever a client sends to a service, it is answered. In real time a panic would be the end of the stack.
func TestHostileInputs(t *testing.T) {
	rounds, fine := 60, map[string]int{}
	if testing.Short() {
		rounds = 6
	}
	seed := stressSeed(t)
	h := hostile{Rand: rand.New(rand.NewPCG(seed, 5)), known: []string{"pk", "sk"}}
	s, err := localapp.New("dev", local.Options{Seed: seed})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for _, r := range s.Resources() {
		for _, name := range []string{r.Name, r.ARN, r.URL} {
			if name != "" {
				h.known = append(h.known, name)
			}
		}
	}
	// What each action needs at least, so that inputs come further.
	needed := map[string][]string{"sqs": {"QueueUrl"}, "dynamodb": {"TableName", "Key", "Item"}, "states": {"stateMachineArn", "executionArn"}, "sns": {"TopicArn"}, "lambda": {"FunctionName"}, "logs": {"logGroupName"}}
	byType := map[string]func(local.Resource) string{
		"QueueUrl": func(r local.Resource) string { return r.URL }, "TableName": named("AWS::DynamoDB::Table", false), "stateMachineArn": named("AWS::StepFunctions::StateMachine", true),
		"TopicArn": named("AWS::SNS::Topic", true), "FunctionName": named("AWS::Lambda::Function", false), "logGroupName": named("AWS::Logs::LogGroup", false),
	}
	real := map[string][]string{}
	for _, r := range s.Resources() {
		for member, of := range byType {
			if v := of(r); v != "" {
				real[member] = append(real[member], v)
			}
		}
	}
	for round := range rounds {
		for _, service := range awsapi.Services {
			for _, action := range service.Actions {
				in := h.object(3, 8)
				for _, member := range needed[service.Name] {
					switch values := real[member]; {
					case len(values) > 0 && h.IntN(4) > 0:
						in[member] = values[h.IntN(len(values))]
					case member == "Key" || member == "Item":
						in[member] = map[string]any{"pk": map[string]any{"S": "a"}, "sk": map[string]any{"S": "b"}}
					}
				}
				b, err := json.Marshal(in)
				if err != nil {
					t.Fatal(err)
				}
				func() {
					defer func() {
						if v := recover(); v != nil {
							t.Errorf("round %d, seed %d: %s:%s %s: %v\n%s", round, seed, service.Name, action, b, v, debug.Stack())
						}
					}()
					if _, err := s.Call(service.Name, action, b); err == nil {
						fine[service.Name+":"+action]++
					}
					_, _ = s.Inspect(service.Name, action, b)
				}()
				if t.Failed() {
					return
				}
			}
		}
		s.Advance(time.Second)
	}
	t.Logf("of %d calls each succeeded: %v", rounds, fine)
}

// named is the name or the ARN of resources of a type.
func named(typ string, arn bool) func(local.Resource) string {
	return func(r local.Resource) string {
		switch {
		case r.Type != typ:
			return ""
		case arn:
			return r.ARN
		}
		return r.Name
	}
}
