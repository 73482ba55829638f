package lambda_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	golambda "github.com/aws/aws-lambda-go/lambda"
	"github.com/google/go-cmp/cmp"

	"github.com/orderflow-cdk/orderflow/local/internal/cfn"
	"github.com/orderflow-cdk/orderflow/local/internal/lambda"
	"github.com/orderflow-cdk/orderflow/local/internal/sim"
	"github.com/orderflow-cdk/orderflow/local/internal/sqs"
)

var start = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func num(n int64) *cfn.Int { i := cfn.Int(n); return &i }

// stack is a queue with a dead-letter queue and a function that reads it.
type stack struct {
	t      testing.TB
	k      *sim.Kernel
	sqs    *sqs.Service
	lambda *lambda.Service
	q, dlq *sqs.Queue
	f      *lambda.Function
	m      *lambda.Mapping
	// batches are the bodies that each invocation got, and when.
	batches [][]string
	times   []time.Duration
}

type options struct {
	fifo    bool
	queue   sqs.QueueProperties
	fn      lambda.FunctionProperties
	mapping lambda.EventSourceMappingProperties
	handle  func(context.Context, events.SQSEvent) (any, error)
}

func newStack(t testing.TB, o options) *stack {
	t.Helper()
	s := &stack{t: t, k: sim.New(start, 1)}
	t.Cleanup(s.k.Close)
	s.sqs = sqs.NewService(s.k, "eu-central-1", "111122223333")
	s.lambda = lambda.NewService(s.k, "eu-central-1", "111122223333")
	suffix := ""
	if o.fifo {
		suffix, o.queue.FifoQueue, o.queue.ContentBasedDeduplication = ".fifo", true, true
	}
	if o.queue.VisibilityTimeout == nil {
		o.queue.VisibilityTimeout = num(60)
	}
	o.queue.RedrivePolicy = &sqs.RedrivePolicy{
		DeadLetterTargetArn: "arn:aws:sqs:eu-central-1:111122223333:dlq" + suffix, MaxReceiveCount: 3,
	}
	var err error
	must := func() {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	s.q, err = s.sqs.CreateQueue("q"+suffix, o.queue)
	must()
	s.dlq, err = s.sqs.CreateQueue("dlq"+suffix, sqs.QueueProperties{FifoQueue: cfn.Bool(o.fifo)})
	must()
	if o.fn.Timeout == nil {
		o.fn.Timeout = num(10)
	}
	s.f, err = s.lambda.CreateFunction("intake", o.fn, lambda.InProcess(func(lambda.Init) (lambda.Handler, error) {
		return golambda.NewHandler(func(ctx context.Context, e events.SQSEvent) (any, error) {
			var bodies []string
			for _, r := range e.Records {
				bodies = append(bodies, r.Body)
			}
			s.batches = append(s.batches, bodies)
			s.times = append(s.times, s.k.Now().Sub(start))
			if o.handle == nil {
				return nil, nil
			}
			return o.handle(ctx, e)
		}), nil
	}))
	must()
	o.mapping.FunctionName = s.f.ARN
	s.m, err = s.lambda.CreateEventSourceMapping("esm", o.mapping, s.q)
	must()
	return s
}

func (s *stack) send(body string, group string) {
	s.t.Helper()
	in := map[string]any{"QueueUrl": s.q.URL, "MessageBody": body}
	if group != "" {
		in["MessageGroupId"] = group
	}
	call(s.t, s.sqs, "SendMessage", in)
}

func failAll(context.Context, events.SQSEvent) (any, error) { return nil, errors.New("no") }

func report(ids ...string) any {
	var f []map[string]string
	for _, id := range ids {
		f = append(f, map[string]string{"itemIdentifier": id})
	}
	return map[string]any{"batchItemFailures": f}
}

func TestMappingTakesWhatIsThereUpToBatchSize(t *testing.T) {
	s := newStack(t, options{mapping: lambda.EventSourceMappingProperties{BatchSize: num(3)}})
	for i := range 7 {
		s.send(fmt.Sprint(i), "")
	}
	s.k.Advance(0)
	want := [][]string{{"0", "1", "2"}, {"3", "4", "5"}, {"6"}}
	if diff := cmp.Diff(want, s.batches); diff != "" {
		t.Error(diff)
	}
	if _, ok := s.k.Next(); ok {
		t.Error("an idle queue has an event")
	}
	if ready, delayed, flight := s.q.Len(); ready+delayed+flight != 0 {
		t.Errorf("%d ready, %d delayed, %d in flight", ready, delayed, flight)
	}
}

func TestFailedBatchComesAgainAndIsDeadLettered(t *testing.T) {
	s := newStack(t, options{handle: failAll})
	s.send("a", "")
	s.k.Advance(10 * time.Minute)
	if diff := cmp.Diff([]time.Duration{0, time.Minute, 2 * time.Minute}, s.times); diff != "" {
		t.Error(diff)
	}
	if n, _, _ := s.dlq.Len(); n != 1 {
		t.Errorf("%d in the dead-letter queue", n)
	}
	if _, ok := s.k.Next(); ok {
		t.Error("an idle queue has an event")
	}
}

func TestPartialFailure(t *testing.T) {
	tests := []struct {
		name    string
		types   []string
		report  func(id string) any
		deleted int
	}{
		{"one of two", []string{"ReportBatchItemFailures"}, func(id string) any { return report(id) }, 1},
		{"none", []string{"ReportBatchItemFailures"}, func(string) any { return report() }, 2},
		{"null", []string{"ReportBatchItemFailures"}, func(string) any { return nil }, 2},
		{"null list", []string{"ReportBatchItemFailures"}, func(string) any { return json.RawMessage(`{"batchItemFailures":null}`) }, 2},
		{"empty id", []string{"ReportBatchItemFailures"}, func(string) any { return report("") }, 0},
		{"unknown id", []string{"ReportBatchItemFailures"}, func(string) any { return report("x") }, 0},
		{"null id", []string{"ReportBatchItemFailures"}, func(string) any { return json.RawMessage(`{"batchItemFailures":[{"itemIdentifier":null}]}`) }, 0},
		{"bad key", []string{"ReportBatchItemFailures"}, func(id string) any { return json.RawMessage(`{"batchItemFailures":[{"id":"` + id + `"}]}`) }, 0},
		{"not a report", []string{"ReportBatchItemFailures"}, func(string) any { return "oops" }, 0},
		{"not asked for", nil, func(id string) any { return report(id) }, 2},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := newStack(t, options{
				mapping: lambda.EventSourceMappingProperties{FunctionResponseTypes: tt.types},
				handle: func(_ context.Context, e events.SQSEvent) (any, error) {
					return tt.report(e.Records[1].MessageId), nil
				},
			})
			s.send("a", "")
			s.send("b", "")
			s.k.Advance(time.Second)
			if got := s.q.Stats().Deleted; got != tt.deleted {
				t.Errorf("%d deleted, want %d", got, tt.deleted)
			}
			if _, _, flight := s.q.Len(); flight != 2-tt.deleted {
				t.Errorf("%d in flight, want %d", flight, 2-tt.deleted)
			}
		})
	}
}

func call(t testing.TB, s *sqs.Service, action string, in any) map[string]any {
	t.Helper()
	out, err := try(s, action, in)
	if err != nil {
		t.Fatalf("%s: %v", action, err)
	}
	return out
}

func TestBatchingWindow(t *testing.T) {
	s := newStack(t, options{mapping: lambda.EventSourceMappingProperties{BatchSize: num(20), MaximumBatchingWindowInSeconds: num(5)}})
	s.send("a", "")
	s.k.Advance(3 * time.Second)
	s.send("b", "")
	s.k.Advance(2 * time.Second) // the window is over
	for i := range 25 {
		s.send(fmt.Sprint(i), "") // one full batch, and the start of another
	}
	s.k.Advance(0)
	if diff := cmp.Diff([]time.Duration{5 * time.Second, 5 * time.Second}, s.times); diff != "" {
		t.Error(diff)
	}
	s.k.Advance(time.Minute)
	if diff := cmp.Diff([]time.Duration{5 * time.Second, 5 * time.Second, 10 * time.Second}, s.times); diff != "" {
		t.Error(diff)
	}
	var sizes []int
	for _, b := range s.batches {
		sizes = append(sizes, len(b))
	}
	if diff := cmp.Diff([]int{2, 20, 5}, sizes); diff != "" {
		t.Error(diff)
	}
	if _, left := s.k.Next(); left {
		t.Error("an idle queue has an event")
	}
}

func TestEventIsAtMostSixMegabytes(t *testing.T) {
	for _, window := range []int64{0, 5} {
		t.Run(fmt.Sprint("window ", window), func(t *testing.T) {
			s := newStack(t, options{mapping: lambda.EventSourceMappingProperties{MaximumBatchingWindowInSeconds: num(window)}})
			for range 10 {
				s.send(fmt.Sprintf("%0999999d", 0), "")
			}
			s.k.Advance(time.Minute)
			var sizes []int
			for _, b := range s.batches {
				sizes = append(sizes, len(b))
			}
			if diff := cmp.Diff([]int{6, 4}, sizes); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestDisabledMapping(t *testing.T) {
	off := cfn.Bool(false)
	s := newStack(t, options{mapping: lambda.EventSourceMappingProperties{Enabled: &off}})
	s.send("a", "")
	s.k.Advance(time.Minute)
	if s.batches != nil {
		t.Error("a disabled mapping reads")
	}
	if err := s.m.SetEnabled(true); err != nil {
		t.Fatal(err)
	}
	s.k.Advance(0)
	if err := s.m.SetEnabled(false); err != nil {
		t.Fatal(err)
	}
	s.send("b", "")
	s.k.Advance(time.Minute)
	if diff := cmp.Diff([][]string{{"a"}}, s.batches); diff != "" {
		t.Error(diff)
	}
}

func TestMappingProperties(t *testing.T) {
	tests := []struct {
		name string
		o    options
		want string
	}{
		{"batch without window", options{mapping: lambda.EventSourceMappingProperties{BatchSize: num(11)}}, "Maximum batch window in seconds must be greater than 0 if maximum batch size is greater than 10"},
		{"batch", options{mapping: lambda.EventSourceMappingProperties{BatchSize: num(10001), MaximumBatchingWindowInSeconds: num(1)}}, "BatchSize must be 1 to 10000, got 10001"},
		{"window", options{mapping: lambda.EventSourceMappingProperties{MaximumBatchingWindowInSeconds: num(301)}}, "MaximumBatchingWindowInSeconds must be 0 to 300"},
		{"FIFO with window", options{fifo: true, mapping: lambda.EventSourceMappingProperties{MaximumBatchingWindowInSeconds: num(1)}}, "not supported for FIFO"},
		{"FIFO batch", options{fifo: true, mapping: lambda.EventSourceMappingProperties{BatchSize: num(11)}}, "BatchSize of a FIFO queue must be 1 to 10"},
		{"concurrency", options{mapping: lambda.EventSourceMappingProperties{ScalingConfig: &lambda.ScalingConfig{MaximumConcurrency: num(1)}}}, "MaximumConcurrency must be 2 to 1000, got 1"},
		{"filter", options{mapping: lambda.EventSourceMappingProperties{FilterCriteria: &lambda.FilterCriteria{Filters: []lambda.Filter{{Pattern: `{"eventSource":["aws:sqs"]}`}}}}}, "only the body of a message can be filtered"},
		{"filters", options{mapping: lambda.EventSourceMappingProperties{FilterCriteria: &lambda.FilterCriteria{Filters: make([]lambda.Filter, 6)}}}, "6 filters, at most 5"},
		{"streams only", options{mapping: lambda.EventSourceMappingProperties{MaximumRetryAttempts: num(1)}}, "MaximumRetryAttempts is only for streams"},
		{"response type", options{mapping: lambda.EventSourceMappingProperties{FunctionResponseTypes: []string{"X"}}}, `"X" is not known`},
		{"visibility", options{queue: sqs.QueueProperties{VisibilityTimeout: num(9)}}, "Queue visibility timeout: 9 seconds is less than Function timeout: 10 seconds"},
		{"another queue", options{mapping: lambda.EventSourceMappingProperties{EventSourceArn: "arn:x"}}, "EventSourceArn is arn:x"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			k := sim.New(start, 1)
			queues, functions := sqs.NewService(k, "r", "1"), lambda.NewService(k, "r", "1")
			name := "q"
			if tt.o.fifo {
				name, tt.o.queue.FifoQueue = "q.fifo", true
			}
			q, err := queues.CreateQueue(name, tt.o.queue)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := functions.CreateFunction("f", lambda.FunctionProperties{Timeout: num(10)}, lambda.InProcess(nil)); err != nil {
				t.Fatal(err)
			}
			tt.o.mapping.FunctionName = "f"
			if _, err := functions.CreateEventSourceMapping("m", tt.o.mapping, q); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
}

func TestMappingNeedsTheDeadLetterQueue(t *testing.T) {
	k := sim.New(start, 1)
	queues, functions := sqs.NewService(k, "r", "1"), lambda.NewService(k, "r", "1")
	q, err := queues.CreateQueue("q", sqs.QueueProperties{RedrivePolicy: &sqs.RedrivePolicy{DeadLetterTargetArn: "arn:aws:sqs:r:1:dlq", MaxReceiveCount: 1}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := functions.CreateFunction("f", lambda.FunctionProperties{}, lambda.InProcess(nil)); err != nil {
		t.Fatal(err)
	}
	if _, err := functions.CreateEventSourceMapping("m", lambda.EventSourceMappingProperties{FunctionName: "f"}, q); err == nil || !strings.Contains(err.Error(), "which does not exist") {
		t.Errorf("got %v", err)
	}
}
