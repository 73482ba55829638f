package lambda_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/google/go-cmp/cmp"

	"github.com/orderflow-cdk/orderflow/local/internal/lambda"
	"github.com/orderflow-cdk/orderflow/local/internal/sqs"
)

func sleep(d time.Duration) func(context.Context, events.SQSEvent) (any, error) {
	return func(ctx context.Context, _ events.SQSEvent) (any, error) {
		lambda.ProcFrom(ctx).Sleep(d)
		return nil, nil
	}
}

func TestMaximumConcurrency(t *testing.T) {
	s := newStack(t, options{
		mapping: lambda.EventSourceMappingProperties{BatchSize: num(1), ScalingConfig: &lambda.ScalingConfig{MaximumConcurrency: num(3)}},
		handle:  sleep(time.Second),
	})
	for i := range 10 {
		s.send(fmt.Sprint(i), "")
	}
	s.k.Advance(time.Minute)
	at := map[time.Duration]int{}
	for _, d := range s.times {
		at[d]++
	}
	if diff := cmp.Diff(map[time.Duration]int{0: 3, time.Second: 3, 2 * time.Second: 3, 3 * time.Second: 1}, at); diff != "" {
		t.Error(diff)
	}
	if st := s.m.Stats(); st.MaxConcurrent != 3 || st.Deleted != 10 {
		t.Errorf("%+v", st)
	}
}

func TestConcurrencyGrowsByItself(t *testing.T) {
	s := newStack(t, options{
		queue:   sqs.QueueProperties{VisibilityTimeout: num(3600)},
		fn:      lambda.FunctionProperties{Timeout: num(900)},
		mapping: lambda.EventSourceMappingProperties{BatchSize: num(1)}, handle: sleep(40 * time.Second),
	})
	for i := range 500 {
		s.send(fmt.Sprint(i), "")
	}
	s.k.Advance(time.Hour)
	at := map[time.Duration]int{}
	for _, d := range s.times {
		at[d]++
	}
	// Five at first; after the first minute up to 305.
	if at[0] != 5 || at[40*time.Second] != 5 || at[80*time.Second] != 305 {
		t.Errorf("%v", at)
	}
}

func TestFifoRunsOneBatchOfAGroupAtATime(t *testing.T) {
	running := map[string]int{}
	s := newStack(t, options{fifo: true, mapping: lambda.EventSourceMappingProperties{BatchSize: num(2)},
		handle: func(ctx context.Context, e events.SQSEvent) (any, error) {
			groups := map[string]bool{}
			for _, r := range e.Records {
				groups[r.Attributes["MessageGroupId"]] = true
			}
			for g := range groups {
				if running[g]++; running[g] > 1 {
					t.Errorf("two batches of %s", g)
				}
			}
			lambda.ProcFrom(ctx).Sleep(time.Second)
			for g := range groups {
				running[g]--
			}
			return nil, nil
		}})
	for i := range 4 {
		for _, g := range []string{"a", "b"} {
			s.send(fmt.Sprint(g, i), g)
		}
	}
	s.k.Advance(time.Minute)
	want := [][]string{{"a0", "a1"}, {"b0", "b1"}, {"a2", "a3"}, {"b2", "b3"}}
	if diff := cmp.Diff(want, s.batches); diff != "" {
		t.Error(diff)
	}
	if s.times[1] != 0 || s.times[2] != time.Second {
		t.Errorf("groups did not run side by side: %v", s.times)
	}
}

func TestFifoPartialFailureKeepsTheOrder(t *testing.T) {
	tries := 0
	s := newStack(t, options{fifo: true, mapping: lambda.EventSourceMappingProperties{FunctionResponseTypes: []string{"ReportBatchItemFailures"}},
		handle: func(_ context.Context, e events.SQSEvent) (any, error) {
			if tries++; tries > 1 {
				return nil, nil
			}
			return report(e.Records[1].MessageId, e.Records[2].MessageId), nil
		}})
	for i := range 3 {
		s.send(fmt.Sprint(i), "g")
	}
	s.k.Advance(time.Second)
	s.send("3", "g")
	s.k.Advance(time.Hour)
	if diff := cmp.Diff([][]string{{"0", "1", "2"}, {"1", "2", "3"}}, s.batches); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]time.Duration{0, time.Minute}, s.times); diff != "" {
		t.Error(diff)
	}
}

func TestThrottledBatchIsTriedUntilItsMessagesAreVisible(t *testing.T) {
	s := newStack(t, options{fn: lambda.FunctionProperties{ReservedConcurrentExecutions: num(1)}, handle: sleep(5 * time.Second)})
	s.send("a", "")
	s.k.Advance(0)
	s.send("b", "")
	s.k.Advance(time.Minute)
	// b is tried after 0, 1, 3 and 7 seconds.
	if diff := cmp.Diff([]time.Duration{0, 7 * time.Second}, s.times); diff != "" {
		t.Error(diff)
	}
	never := newStack(t, options{fn: lambda.FunctionProperties{ReservedConcurrentExecutions: num(0)}})
	never.send("a", "")
	never.k.Advance(time.Hour)
	if n, _, _ := never.dlq.Len(); n != 1 || never.batches != nil {
		t.Errorf("%d dead letters, %d batches", n, len(never.batches))
	}
}
