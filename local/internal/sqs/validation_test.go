package sqs_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/orderflow-cdk/orderflow/local/internal/api"
	"github.com/orderflow-cdk/orderflow/local/internal/cfn"
	"github.com/orderflow-cdk/orderflow/local/internal/sqs"
)

const (
	invalid = "InvalidParameterValueException"
	missing = "MissingRequiredParameterException"
)

func TestRefusals(t *testing.T) {
	long := strings.Repeat("x", 129)
	str := func(v string) m { return m{"DataType": "String", "StringValue": v} }
	attr := func(name string, v m) m { return m{"MessageBody": "b", "MessageAttributes": m{name: v}} }
	tests := []struct {
		name, queue, action string
		in                  m
		code, message       string
	}{
		{"no body", "q", "SendMessage", m{}, missing, "The request must contain the parameter MessageBody."},
		{"empty body", "q", "SendMessage", m{"MessageBody": ""}, missing, "The request must contain the parameter MessageBody."},
		{"control character", "q", "SendMessage", m{"MessageBody": "a\x07b"}, "InvalidMessageContents", "Invalid binary character '#x7' was found in the message body, the set of allowed characters is #x9 | #xA | #xD | [#x20-#xD7FF] | [#xE000-#xFFFD] | [#x10000-#x10FFFF]."},
		{"non-character", "q", "SendMessage", m{"MessageBody": "\uffff"}, "InvalidMessageContents", "Invalid binary character '#xFFFF' was found in the message body, the set of allowed characters is #x9 | #xA | #xD | [#x20-#xD7FF] | [#xE000-#xFFFD] | [#x10000-#x10FFFF]."},
		{"too long", "q", "SendMessage", m{"MessageBody": strings.Repeat("x", 1<<20+1)}, invalid, "One or more parameters are invalid. Reason: Message must be shorter than 1048576 bytes."},
		{"too long for the queue, with its attribute", "small", "SendMessage", m{"MessageBody": strings.Repeat("x", 1024-11), "MessageAttributes": m{"name": str("vv")}}, invalid, "One or more parameters are invalid. Reason: Message must be shorter than 1024 bytes."},
		{"delay", "q", "SendMessage", m{"MessageBody": "b", "DelaySeconds": 901}, invalid, "Value 901 for parameter DelaySeconds is invalid. Reason: DelaySeconds must be >= 0 and <= 900."},
		{"delay in a FIFO queue", "q.fifo", "SendMessage", m{"MessageBody": "b", "DelaySeconds": 2, "MessageGroupId": "g"}, invalid, "Value 2 for parameter DelaySeconds is invalid. Reason: The request include parameter that is not valid for this queue type."},
		{"no group in a FIFO queue", "q.fifo", "SendMessage", m{"MessageBody": "b", "MessageDeduplicationId": "d"}, missing, "The request must contain the parameter MessageGroupId."},
		{"no deduplication id", "q.fifo", "SendMessage", m{"MessageBody": "b", "MessageGroupId": "g"}, invalid, "The queue should either have ContentBasedDeduplication enabled or MessageDeduplicationId provided explicitly"},
		{"deduplication id in a standard queue", "q", "SendMessage", m{"MessageBody": "b", "MessageDeduplicationId": "d"}, invalid, "Value d for parameter MessageDeduplicationId is invalid. Reason: The request includes a parameter that is not valid for this queue type."},
		{"empty group", "q", "SendMessage", m{"MessageBody": "b", "MessageGroupId": ""}, invalid, "Value  for parameter MessageGroupId is invalid. Reason: MessageGroupId can only include alphanumeric and punctuation characters. 1 to 128 in length."},
		{"long group", "q", "SendMessage", m{"MessageBody": "b", "MessageGroupId": long}, invalid, "Value " + long + " for parameter MessageGroupId is invalid. Reason: MessageGroupId can only include alphanumeric and punctuation characters. 1 to 128 in length."},
		{"space in a group", "q", "SendMessage", m{"MessageBody": "b", "MessageGroupId": "a b"}, invalid, "Value a b for parameter MessageGroupId is invalid. Reason: MessageGroupId can only include alphanumeric and punctuation characters. 1 to 128 in length."},
		{"umlaut in a deduplication id", "q.fifo", "SendMessage", m{"MessageBody": "b", "MessageGroupId": "g", "MessageDeduplicationId": "ä"}, invalid, "Value ä for parameter MessageDeduplicationId is invalid. Reason: MessageDeduplicationId can only include alphanumeric and punctuation characters. 1 to 128 in length."},
		{"empty attribute", "q", "SendMessage", attr("A", str("")), invalid, "Message (user) attribute 'A' must contain a non-empty value of type 'String'."},
		{"attribute without type", "q", "SendMessage", attr("A", m{"StringValue": "x"}), invalid, "The message attribute 'A' must contain non-empty message attribute type."},
		{"attribute of another type", "q", "SendMessage", attr("A", m{"DataType": "Float", "StringValue": "1"}), invalid, "The message attribute 'A' has an invalid message attribute type, the set of supported type prefixes is Binary, Number, and String."},
		{"number that is none", "q", "SendMessage", attr("A", m{"DataType": "Number", "StringValue": "1x"}), invalid, "Can't cast the value of message (user) attribute 'A' to a number."},
		{"reserved attribute", "q", "SendMessage", attr("aws.x", str("1")), invalid, "You can't use message attribute names beginning with 'AWS.' or 'Amazon.'. These strings are reserved for internal use. Additionally, they cannot start or end with '.'."},
		{"attribute list", "q", "SendMessage", attr("A", m{"DataType": "String", "StringListValues": []string{"x"}}), "UnsupportedOperation", "Message attribute list values in SendMessage operation are not supported."},
		{"no such queue", "q", "SendMessage", m{"QueueUrl": "https://sqs.eu-central-1.amazonaws.com/111122223333/none", "MessageBody": "b"}, "QueueDoesNotExist", "The specified queue does not exist."},
		{"other account", "q", "SendMessage", m{"QueueUrl": "https://sqs.eu-central-1.amazonaws.com/999999999999/q", "MessageBody": "b"}, "QueueDoesNotExist", "The specified queue does not exist."},
		{"too many to receive", "q", "ReceiveMessage", m{"MaxNumberOfMessages": 11}, invalid, "Value 11 for parameter MaxNumberOfMessages is invalid. Reason: Must be between 1 and 10, if provided."},
		{"long wait", "q", "ReceiveMessage", m{"WaitTimeSeconds": 21}, invalid, "Value 21 for parameter WaitTimeSeconds is invalid. Reason: Must be >= 0 and <= 20, if provided."},
		{"unknown attribute", "q", "ReceiveMessage", m{"AttributeNames": []string{"X"}}, "InvalidAttributeName", "Unknown Attribute X."},
		{"garbage handle", "q", "DeleteMessage", m{"ReceiptHandle": "garbage"}, "ReceiptHandleIsInvalid", `The input receipt handle "garbage" is not a valid receipt handle.`},
		{"no handle", "q", "DeleteMessage", m{}, missing, "The request must contain the parameter ReceiptHandle."},
		{"unknown queue attribute", "q", "GetQueueAttributes", m{"AttributeNames": []string{"X"}}, "InvalidAttributeName", "Unknown Attribute X."},
		{"FifoQueue of a standard queue", "q", "SetQueueAttributes", m{"Attributes": m{"FifoQueue": "true"}}, "InvalidAttributeName", "Unknown Attribute FifoQueue."},
		{"FifoQueue turned off", "q.fifo", "SetQueueAttributes", m{"Attributes": m{"FifoQueue": "false"}}, "InvalidAttributeValue", "Invalid value for the parameter FifoQueue. Reason: Modifying queue type is not supported."},
		{"empty batch", "q", "SendMessageBatch", m{"Entries": []m{}}, "EmptyBatchRequest", "There should be at least one SendMessageBatchRequestEntry in the request."},
		{"batch id", "q", "DeleteMessageBatch", m{"Entries": []m{{"Id": "a:b"}}}, "InvalidBatchEntryId", "A batch entry id can only contain alphanumeric characters, hyphens and underscores. It can be at most 80 letters long."},
		{"batch id twice", "q", "SendMessageBatch", m{"Entries": []m{{"Id": "a", "MessageBody": "b"}, {"Id": "a", "MessageBody": "b"}}}, "BatchEntryIdsNotDistinct", "Id a repeated."},
		{"FIFO batch without group", "q.fifo", "SendMessageBatch", m{"Entries": []m{{"Id": "a", "MessageBody": "b", "MessageDeduplicationId": "d"}}}, invalid, "The request must contain the parameter MessageGroupId."},
		{"batch too long", "q", "SendMessageBatch", m{"Entries": []m{{"Id": "a", "MessageBody": strings.Repeat("x", 1<<19)}, {"Id": "b", "MessageBody": strings.Repeat("x", 1<<19+1)}}}, "BatchRequestTooLong", "Batch requests cannot be longer than 1048576 bytes. You have sent 1048577 bytes."},
		{"move from a queue that is no dead-letter queue", "q", "StartMessageMoveTask", m{"SourceArn": "arn:aws:sqs:eu-central-1:111122223333:q"}, invalid, "Source queue must be configured as a Dead Letter Queue."},
		{"move from nowhere", "q", "StartMessageMoveTask", m{"SourceArn": "arn:aws:sqs:eu-central-1:111122223333:none"}, "ResourceNotFoundException", "The resource that you specified for the SourceArn parameter doesn't exist."},
		{"task handle", "q", "CancelMessageMoveTask", m{"TaskHandle": "x"}, invalid, "Value for parameter TaskHandle is invalid."},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p := sqs.QueueProperties{}
			if tt.queue == "small" {
				p.MaximumMessageSize = num(1024)
			}
			f := newFixture(t, tt.queue, p)
			_, err := f.try(tt.action, tt.in)
			wantError(t, err, tt.code, tt.message)
			f.wantCounts(0, 0, 0)
		})
	}
}

func TestUnknownActionIsNotAnAWSError(t *testing.T) {
	f := newFixture(t, "q", sqs.QueueProperties{})
	_, err := f.try("TagQueue", m{})
	var e *api.Error
	if err == nil || errors.As(err, &e) || !strings.Contains(err.Error(), "TagQueue is not simulated") {
		t.Errorf("got %v", err)
	}
}

func TestAccepted(t *testing.T) {
	tests := map[string]m{
		"every allowed control character": {"MessageBody": "\t\n\r"},
		"astral characters":               {"MessageBody": "\U0001F980 \U0010FFFF \uFFFD \uD7FF \uE000"},
		"1 MiB":                           {"MessageBody": strings.Repeat("x", 1<<20)},
		"punctuation in the group":        {"MessageBody": "b", "MessageGroupId": "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"},
		"numbers": {"MessageBody": "b", "MessageAttributes": m{
			"a": m{"DataType": "Number", "StringValue": "-1.5e-10"}, "b": m{"DataType": "Number.int", "StringValue": "12345678901234567890123456789012345678"},
		}},
	}
	for name, in := range tests {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t, "q", sqs.QueueProperties{})
			f.call("SendMessage", in)
			f.wantBodies(m{}, in["MessageBody"].(string))
		})
	}
}

// The digests are those that the real service computes for the same attributes,
// as recorded in a public suite of tests.
func TestMD5OfAttributes(t *testing.T) {
	f := newFixture(t, "q", sqs.QueueProperties{})
	str := func(v string) m { return m{"DataType": "String", "StringValue": v} }
	out := f.call("SendMessage", m{"MessageBody": "msg", "MessageAttributes": m{
		"Help.Me": str("Me"), "Hello": str("There"), "General": str("Kenobi"),
	}})
	if got := out["MD5OfMessageAttributes"]; got != "4c360f3fdafd970e05fae2f149d997f5" {
		t.Errorf("MD5 is %v", got)
	}
	for _, tt := range []struct {
		names []string
		md5   any
		n     int
	}{
		{nil, nil, 0},
		{[]string{"All"}, "4c360f3fdafd970e05fae2f149d997f5", 3},
		{[]string{".*"}, "4c360f3fdafd970e05fae2f149d997f5", 3},
		{[]string{"Hello", "General"}, "fca026605781cb4126a1e9044df24232", 2},
		{[]string{"Hello", "None"}, "a311262e065454b75da111d535b8dacd", 1},
		{[]string{"None"}, nil, 0},
		{[]string{"Help.*"}, nil, 1},
	} {
		got := f.receive(m{"VisibilityTimeout": 0, "MessageAttributeNames": tt.names})[0]
		attrs, _ := got["MessageAttributes"].(m)
		if len(attrs) != tt.n || tt.md5 != nil && got["MD5OfMessageAttributes"] != tt.md5 {
			t.Errorf("%v: got %v, %v", tt.names, attrs, got["MD5OfMessageAttributes"])
		}
	}

	binary := newFixture(t, "q", sqs.QueueProperties{})
	out = binary.call("SendMessage", m{"MessageBody": "test", "MessageAttributes": m{"attr1": m{
		"DataType": "Binary", "BinaryValue": []byte("traceparent\x1e00-774062d6c37081a5a0b9b5b88e30627c-2d2482211f6489da-01"),
	}}})
	if got := out["MD5OfMessageAttributes"]; got != "8cbe4db156db8a94db8b801b7addb984" {
		t.Errorf("MD5 of a binary attribute is %v", got)
	}
}

func TestBatches(t *testing.T) {
	f := newFixture(t, "q", sqs.QueueProperties{MaximumMessageSize: num(1024)})
	out := f.call("SendMessageBatch", m{"Entries": []m{
		{"Id": "good", "MessageBody": "0"},
		{"Id": "bad", "MessageBody": "\x01"},
		{"Id": "long", "MessageBody": strings.Repeat("x", 1025)},
	}})
	if n := len(out["Successful"].([]any)); n != 1 {
		t.Errorf("%d sent", n)
	}
	var codes []string
	for _, e := range out["Failed"].([]any) {
		codes = append(codes, fmt.Sprint(e.(m)["Id"], " ", e.(m)["Code"], " ", e.(m)["SenderFault"]))
	}
	if diff := cmp.Diff([]string{"bad InvalidMessageContents true", "long InvalidParameterValue true"}, codes); diff != "" {
		t.Error(diff)
	}
	handle := f.receive(m{})[0]["ReceiptHandle"]
	out = f.call("ChangeMessageVisibilityBatch", m{"Entries": []m{
		{"Id": "a", "ReceiptHandle": handle, "VisibilityTimeout": 100}, {"Id": "b", "ReceiptHandle": "x", "VisibilityTimeout": 1},
	}})
	if len(out["Successful"].([]any)) != 1 || out["Failed"].([]any)[0].(m)["Code"] != "ReceiptHandleIsInvalid" {
		t.Error(out)
	}
	out = f.call("DeleteMessageBatch", m{"Entries": []m{{"Id": "a", "ReceiptHandle": handle}}})
	if diff := cmp.Diff(m{"Successful": []any{m{"Id": "a"}}}, out); diff != "" {
		t.Error(diff)
	}
	f.wantCounts(0, 0, 0)
}

func TestProperties(t *testing.T) {
	tests := []struct {
		name, queue string
		p           sqs.QueueProperties
		want        string // in the error; empty for none
	}{
		{"defaults", "q", sqs.QueueProperties{}, ""},
		{"name", "a b", sqs.QueueProperties{}, "Can only include alphanumeric"},
		{"dot in a standard queue's name", "q.fifo", sqs.QueueProperties{}, "Can only include alphanumeric"},
		{"FIFO without suffix", "q", sqs.QueueProperties{FifoQueue: true}, "must end with .fifo"},
		{"80 with suffix", strings.Repeat("x", 75) + ".fifo", sqs.QueueProperties{FifoQueue: true}, ""},
		{"81 with suffix", strings.Repeat("x", 76) + ".fifo", sqs.QueueProperties{FifoQueue: true}, "1 to 80"},
		{"visibility", "q", sqs.QueueProperties{VisibilityTimeout: num(43201)}, "VisibilityTimeout"},
		{"retention", "q", sqs.QueueProperties{MessageRetentionPeriod: num(59)}, "MessageRetentionPeriod"},
		{"size", "q", sqs.QueueProperties{MaximumMessageSize: num(1<<20 + 1)}, "MaximumMessageSize"},
		{"delay", "q", sqs.QueueProperties{DelaySeconds: num(901)}, "DelaySeconds"},
		{"wait", "q", sqs.QueueProperties{ReceiveMessageWaitTimeSeconds: num(21)}, "ReceiveMessageWaitTimeSeconds"},
		{"content based, standard", "q", sqs.QueueProperties{ContentBasedDeduplication: true}, "Unknown Attribute ContentBasedDeduplication."},
		{"scope, standard", "q", sqs.QueueProperties{DeduplicationScope: "queue"}, "You can specify the DeduplicationScope only when FifoQueue is set to true."},
		{"throughput without scope", "q.fifo", sqs.QueueProperties{FifoQueue: true, FifoThroughputLimit: "perMessageGroupId"}, "needs DeduplicationScope"},
		{"receive count", "q", sqs.QueueProperties{RedrivePolicy: &sqs.RedrivePolicy{DeadLetterTargetArn: "x", MaxReceiveCount: 1001}}, "valid values are from 1 to 1000"},
		{"no target", "q", sqs.QueueProperties{RedrivePolicy: &sqs.RedrivePolicy{MaxReceiveCount: 1}}, "deadLetterTargetArn"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := newFixture(t, "other", sqs.QueueProperties{}).s.CreateQueue(tt.queue, tt.p)
			if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
}

func TestPropertiesFromATemplate(t *testing.T) {
	r := &cfn.Resource{LogicalID: "Q", Type: "AWS::SQS::Queue", Properties: []byte(`{
		"VisibilityTimeout": "90", "SqsManagedSseEnabled": true, "MessageRetentionPeriod": 1209600,
		"RedrivePolicy": {"deadLetterTargetArn": "arn:aws:sqs:eu-central-1:111122223333:dlq", "maxReceiveCount": 3},
		"Tags": [{"Key": "a", "Value": "b"}]}`)}
	var p sqs.QueueProperties
	declared, err := cfn.Decode(r, &p)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"SqsManagedSseEnabled", "Tags"}, declared); diff != "" {
		t.Error(diff)
	}
	f := newFixture(t, "q", p)
	got := f.call("GetQueueAttributes", m{"AttributeNames": []string{"All"}})["Attributes"]
	want := m{
		"QueueArn": "arn:aws:sqs:eu-central-1:111122223333:q", "VisibilityTimeout": "90", "MessageRetentionPeriod": "1209600",
		"MaximumMessageSize": "1048576", "DelaySeconds": "0", "ReceiveMessageWaitTimeSeconds": "0", "SqsManagedSseEnabled": "true",
		"CreatedTimestamp": "1772366400", "LastModifiedTimestamp": "1772366400",
		"ApproximateNumberOfMessages": "0", "ApproximateNumberOfMessagesDelayed": "0", "ApproximateNumberOfMessagesNotVisible": "0",
		"RedrivePolicy": `{"deadLetterTargetArn":"arn:aws:sqs:eu-central-1:111122223333:dlq","maxReceiveCount":3}`,
	}
	if diff := cmp.Diff(any(want), got); diff != "" {
		t.Error(diff)
	}
}
