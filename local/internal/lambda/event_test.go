package lambda_test

import (
	"context"
	"encoding/json"
	"regexp"
	"testing"

	"github.com/aws/aws-lambda-go/events"

	"github.com/orderflow-cdk/orderflow/local/internal/api"
	"github.com/orderflow-cdk/orderflow/local/internal/lambda"
)

// raw is a handler that keeps the event as it came.
type raw struct{ event *string }

func (r raw) Invoke(_ context.Context, payload []byte) ([]byte, error) {
	*r.event = string(payload)
	return nil, nil
}

var variable = regexp.MustCompile(`("(?:messageId|receiptHandle|SenderId)":)"[^"]+"`)

func TestEvent(t *testing.T) {
	tests := []struct {
		name, message string
		fifo          bool
		want          string
	}{
		{"bare", `"MessageBody":"hello"`, false,
			`{"Records":[{"messageId":"*","receiptHandle":"*","body":"hello","attributes":{"ApproximateReceiveCount":"1","SentTimestamp":"1772366400000","SenderId":"*","ApproximateFirstReceiveTimestamp":"1772366400000"},` +
				`"messageAttributes":{},"md5OfMessageAttributes":null,"md5OfBody":"5d41402abc4b2a76b9719d911017c592","eventSource":"aws:sqs","eventSourceARN":"arn:aws:sqs:eu-central-1:111122223333:q","awsRegion":"eu-central-1"}]}`},
		{"everything", `"MessageBody":"\"<\u2028\\\n🦀\"","MessageGroupId":"t","MessageSystemAttributes":{"AWSTraceHeader":{"DataType":"String","StringValue":"Root=1-5759e988-bd862e3fe1be46a994272793"}},` +
			`"MessageAttributes":{"s":{"DataType":"String","StringValue":"x"},"n":{"DataType":"Number.int","StringValue":"7"},"b":{"DataType":"Binary","BinaryValue":"AQI="}}`, false,
			`{"Records":[{"messageId":"*","receiptHandle":"*","body":"\"<` + "\u2028" + `\\\n🦀\"","attributes":{"ApproximateReceiveCount":"1","AWSTraceHeader":"Root=1-5759e988-bd862e3fe1be46a994272793","SentTimestamp":"1772366400000","MessageGroupId":"t","SenderId":"*","ApproximateFirstReceiveTimestamp":"1772366400000"},` +
				`"messageAttributes":{"b":{"binaryValue":"AQI=","stringListValues":[],"binaryListValues":[],"dataType":"Binary"},"n":{"stringValue":"7","stringListValues":[],"binaryListValues":[],"dataType":"Number.int"},"s":{"stringValue":"x","stringListValues":[],"binaryListValues":[],"dataType":"String"}},` +
				`"md5OfMessageAttributes":"MD5","md5OfBody":"BODY","eventSource":"aws:sqs","eventSourceARN":"arn:aws:sqs:eu-central-1:111122223333:q","awsRegion":"eu-central-1"}]}`},
		{"FIFO", `"MessageBody":"hello","MessageGroupId":"g","MessageDeduplicationId":"d"`, true,
			`{"Records":[{"messageId":"*","receiptHandle":"*","body":"hello","attributes":{"ApproximateReceiveCount":"1","SentTimestamp":"1772366400000","SequenceNumber":"10000000000000000256","MessageGroupId":"g","SenderId":"*","MessageDeduplicationId":"d","ApproximateFirstReceiveTimestamp":"1772366400000"},` +
				`"messageAttributes":{},"md5OfMessageAttributes":null,"md5OfBody":"5d41402abc4b2a76b9719d911017c592","eventSource":"aws:sqs","eventSourceARN":"arn:aws:sqs:eu-central-1:111122223333:q.fifo","awsRegion":"eu-central-1"}]}`},
	}
	digests := regexp.MustCompile(`"md5OfMessageAttributes":"[0-9a-f]{32}","md5OfBody":"[0-9a-f]{32}"`)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			off := options{fifo: tt.fifo}
			s := newStack(t, off)
			if err := s.m.SetEnabled(false); err != nil {
				t.Fatal(err)
			}
			var event string
			if _, err := s.lambda.CreateFunction("raw", lambda.FunctionProperties{}, lambda.InProcess(func(lambda.Init) (lambda.Handler, error) {
				return raw{&event}, nil
			})); err != nil {
				t.Fatal(err)
			}
			if _, err := s.lambda.CreateEventSourceMapping("raw", lambda.EventSourceMappingProperties{FunctionName: "raw"}, s.q); err != nil {
				t.Fatal(err)
			}
			s.sqs.Do(api.Call{Action: "SendMessage", Input: []byte(`{"QueueUrl":"` + s.q.URL + `",` + tt.message + `}`)}, func(_ []byte, err error) {
				if err != nil {
					t.Fatal(err)
				}
			})
			s.k.Advance(0)
			got := variable.ReplaceAllString(event, `$1"*"`)
			got = digests.ReplaceAllString(got, `"md5OfMessageAttributes":"MD5","md5OfBody":"BODY"`)
			if got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
			var parsed events.SQSEvent
			if err := json.Unmarshal([]byte(event), &parsed); err != nil || len(parsed.Records) != 1 {
				t.Errorf("%v", err)
			}
		})
	}
}
