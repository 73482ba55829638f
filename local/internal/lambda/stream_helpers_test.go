package lambda_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	golambda "github.com/aws/aws-lambda-go/lambda"

	"github.com/orderflow-cdk/orderflow/local/internal/dynamodb"
	"github.com/orderflow-cdk/orderflow/local/internal/lambda"
	"github.com/orderflow-cdk/orderflow/local/internal/sim"
	"github.com/orderflow-cdk/orderflow/local/internal/sqs"
)

var _ lambda.StreamSource = (*dynamodb.Table)(nil)

const streamARN = "arn:aws:dynamodb:eu-central-1:111122223333:table/orders/stream/2026-03-01T12:00:00.000"

// source is a table that has nothing but a stream.
type source struct {
	k    *sim.Kernel
	f    func(dynamodb.StreamRecord)
	n    int
	held []dynamodb.StreamRecord
}

func (s *source) StreamARN() string                              { return streamARN }
func (s *source) OnStreamRecord(f func(r dynamodb.StreamRecord)) { s.f = f }

func (s *source) NewStreamReader() *dynamodb.StreamReader { return &dynamodb.StreamReader{} }

func (s *source) StreamRecords(after string, limit int) (out []dynamodb.StreamRecord) {
	for _, r := range s.held {
		if r.SequenceNumber > after {
			out = append(out, r)
		}
	}
	return out
}

// change makes a record of an item; its sequence number is the n-th, from 1.
func (s *source) change(key, value string) {
	s.n++
	r := dynamodb.StreamRecord{
		EventID: fmt.Sprintf("%032d", s.n), EventName: "MODIFY", Created: s.k.Now(), Region: "eu-central-1", SourceARN: streamARN,
		Keys:           dynamodb.Item{{Name: "pk", Value: dynamodb.String(key)}},
		NewImage:       dynamodb.Item{{Name: "pk", Value: dynamodb.String(key)}, {Name: "v", Value: dynamodb.String(value)}},
		SequenceNumber: seq(s.n), SizeBytes: 20 + len(value), ViewType: "NEW_IMAGE",
	}
	s.held = append(s.held, r)
	s.f(r)
}

func seq(n int) string { return fmt.Sprintf("%024d", n) }

// streamStack is a stream, a function that reads it, and a queue for what fails.
type streamStack struct {
	t      testing.TB
	k      *sim.Kernel
	table  *source
	lambda *lambda.Service
	failed *sqs.Queue
	m      *lambda.StreamMapping
	// batches are the values that each invocation got, joined by spaces, and when.
	batches []string
}

type streamOptions struct {
	fn      lambda.FunctionProperties
	mapping lambda.EventSourceMappingProperties
	handle  func(context.Context, events.DynamoDBEvent) (any, error)
}

func newStreamStack(t testing.TB, o streamOptions) *streamStack {
	t.Helper()
	return newStreamStackOn(t, o, sim.New(start, 1), &source{})
}

// newStreamStackOn is another reader of a stream that may be there already.
func newStreamStackOn(t testing.TB, o streamOptions, k *sim.Kernel, table *source) *streamStack {
	t.Helper()
	s := &streamStack{t: t, k: k, table: table}
	t.Cleanup(s.k.Close)
	table.k = k
	s.lambda = lambda.NewService(s.k, "eu-central-1", "111122223333")
	if o.fn.Timeout == nil {
		o.fn.Timeout = num(10)
	}
	f, err := s.lambda.CreateFunction("notify", o.fn, lambda.InProcess(func(lambda.Init) (lambda.Handler, error) {
		return golambda.NewHandler(func(ctx context.Context, e events.DynamoDBEvent) (any, error) {
			s.batches = append(s.batches, fmt.Sprintf("%s %s", s.k.Now().Sub(start), strings.Join(values(e), " ")))
			if o.handle == nil {
				return nil, nil
			}
			return o.handle(ctx, e)
		}), nil
	}))
	if err != nil {
		t.Fatal(err)
	}
	if s.failed, err = sqs.NewService(s.k, "eu-central-1", "111122223333").CreateQueue("failed", sqs.QueueProperties{}); err != nil {
		t.Fatal(err)
	}
	s.lambda.AddTarget(s.failed.ARN, s.failed)
	o.mapping.FunctionName = f.ARN
	if o.mapping.StartingPosition == "" {
		o.mapping.StartingPosition = "TRIM_HORIZON"
	}
	if s.m, err = s.lambda.CreateStreamMapping("esm", o.mapping, s.table); err != nil {
		t.Fatal(err)
	}
	return s
}

// onFailure is a destination for what fails: the queue of every streamStack.
var onFailure = &lambda.DestinationConfig{OnFailure: &lambda.Destination{Destination: "arn:aws:sqs:eu-central-1:111122223333:failed"}}

func values(e events.DynamoDBEvent) (out []string) {
	for _, r := range e.Records {
		out = append(out, r.Change.NewImage["v"].String())
	}
	return out
}

// changes makes one record for each of the values, of different items.
func (s *streamStack) changes(values string) {
	for _, v := range strings.Fields(values) {
		s.table.change("key of "+v, v)
	}
}

// run runs until nothing is left to happen.
func (s *streamStack) run() {
	for s.k.Step() {
	}
}

// failures takes the documents out of the queue for what failed.
func (s *streamStack) failures() (bodies []string) {
	s.t.Helper()
	got, err := s.failed.Receive(sqs.Request{Max: 1000, VisibilityTimeout: time.Hour})
	if err != nil {
		s.t.Fatal(err)
	}
	for _, d := range got {
		bodies = append(bodies, d.Body)
	}
	return bodies
}

// failOn fails every batch in which one of the values is.
func failOn(bad ...string) func(context.Context, events.DynamoDBEvent) (any, error) {
	return func(_ context.Context, e events.DynamoDBEvent) (any, error) {
		for _, v := range values(e) {
			for _, b := range bad {
				if v == b {
					return nil, errors.New("bad record")
				}
			}
		}
		return nil, nil
	}
}

// reportOn reports the values as failed, in the order given.
func reportOn(bad ...string) func(context.Context, events.DynamoDBEvent) (any, error) {
	return func(_ context.Context, e events.DynamoDBEvent) (any, error) {
		var ids []string
		for _, b := range bad {
			for _, r := range e.Records {
				if r.Change.NewImage["v"].String() == b {
					ids = append(ids, r.Change.SequenceNumber)
				}
			}
		}
		return report(ids...), nil
	}
}
