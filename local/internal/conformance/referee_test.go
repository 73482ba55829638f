package conformance_test

import (
	"fmt"
	"net/http"
	"os/exec"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"github.com/orderflow-cdk/orderflow/internal/referee"
	"github.com/orderflow-cdk/orderflow/local/internal/conformance"
)

// TestMoto runs the suites against moto, which somebody else made of AWS's documentation and behaviour. Where it
// fails a check, that is said here with the reason. See referee.Moto for how it is installed; Secrets Manager
// needs no more, state machines need
//
//	pip install 'moto[stepfunctions]==5.2.5'
func TestMoto(t *testing.T) {
	if err := exec.Command(referee.Python(t), "-c", "import moto.stepfunctions.parser.asl.parse.asl_parser").Run(); err != nil {
		moto["Machine"] = conformance.Features{Without: "moto's extra stepfunctions is not installed"}
	}
	var worlds atomic.Int64
	for name, suite := range suites {
		if moto[name].Without == noDocker {
			continue
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel() // moto waits as AWS does
			// Each has a moto of its own: one that is asked by several at the same time fails now and then.
			url := referee.Moto(t)
			execute(t, url)
			suite(t, moto[name], func(t testing.TB) conformance.World {
				cfg := aws.Config{
					Region: "eu-central-1", BaseEndpoint: &url, RetryMaxAttempts: 1, HTTPClient: referee.Client(),
					Credentials: credentials.NewStaticCredentialsProvider("AKIALOCAL", "secret", ""),
				}
				return conformance.World{Config: cfg, Names: provision(t, cfg, fmt.Sprint("-", worlds.Add(1))), Sleep: time.Sleep}
			})
		})
	}
}

// noDocker is why moto has no functions.
const noDocker = "moto runs functions in Docker only"

// execute has moto run state machines, which it only pretends to do otherwise.
func execute(t *testing.T, url string) {
	res, err := referee.Client().Post(url+"/moto-api/config", "application/json", strings.NewReader(`{"stepfunctions":{"execute_state_machine":true}}`))
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
	if res.StatusCode >= http.StatusBadRequest {
		t.Fatalf("moto cannot be told to execute state machines: %s", res.Status)
	}
}

// moto is how moto differs from AWS, as AWS documents itself.
var moto = map[string]conformance.Features{
	"Queue": {Deviations: map[string]string{
		"where dead letters come from": "it has no DeadLetterQueueSourceArn (ReceiveMessage, MessageSystemAttributeNames)",
		"redrive":                      "StartMessageMoveTask is an internal error of it",
		"empty messages refused":       "it takes them; the minimum size is one character (SendMessage, MessageBody)",
		"characters refused":           "it takes all of Unicode (SendMessage: only #x9, #xA, #xD, #x20 to #xD7FF, … are allowed)",
		"attributes refused":           "it takes a number that is none, and an empty value (SQS developer guide, message attributes)",
	}},
	"FIFOQueue": {Deviations: map[string]string{
		"sequence numbers":                          "its numbers are random (SendMessage: the length is 128 bits, it increases)",
		"what a duplicate is answered":              "it answers with an id that no message has",
		"deduplication after the first was deleted": "it forgets what was deleted (FIFO delivery logic: \"even after the message is received and deleted\")",
		"group ids refused":                         "it takes spaces (SendMessage, MessageGroupId: alphanumeric characters and punctuation)",
	}},
	"Topic": {Deviations: map[string]string{
		"signature version":     "it says 2 (SetTopicAttributes, SignatureVersion: by default 1)",
		"raw delivery of bytes": "it fails when they are received",
		"empty batches refused": "it takes them (PublishBatch, EmptyBatchRequest)",
		"subscriptions counted": "it counts none (GetTopicAttributes, SubscriptionsConfirmed)",
		"messages refused":      "it takes an empty message (Publish: messages must have at least one character)",
	}},
	"Table": {Deviations: map[string]string{
		"paths":                         "it takes a name before an index for one that is not used",
		"numbers are normalized":        "it keeps numbers as they were written (developer guide, Number: leading and trailing zeroes are trimmed)",
		"numbers refused":               "it takes more than 38 digits and more than 9.99E+125",
		"conditions on different types": "comparing a number with a text is an internal error of it",
		"keys of indexes refused":       "it takes any type for an index's key",
		"batches refused":               "it takes the same key twice (BatchWriteItem: the entire operation is rejected)",
		"projections refused":           "a projection with a syntax error is an internal error of it",
	}},
	"Stream": {Deviations: map[string]string{
		"what changes nothing": "it records a put that changes nothing (developer guide, DynamoDB Streams: no stream record is written then)",
		"requests refused":     "it describes a stream that is not there, and an iterator that is none is an internal error of it",
	}},
	"Machine": {Deviations: map[string]string{
		"JSONata":                  "it has no JSONata in choices",
		"why it was stopped":       "it forgets error and cause (DescribeExecution)",
		"history backwards":        "it pays no heed to ReverseOrder",
		"inputs and names refused": "it has another error for an input that is no JSON, and takes names with spaces (StartExecution, name)",
		"task token: success":      noTokens, "task token: failure": noTokens, "task token: twice": noTokens,
		"task token: of an execution that was stopped": noTokens,
	}},
	"Function": {Without: noDocker},
}

const noTokens = "its sqs:sendMessage.waitForTaskToken reaches no queue"
