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
	"github.com/google/go-cmp/cmp"

	"github.com/orderflow-cdk/orderflow/local/internal/cfn"
	"github.com/orderflow-cdk/orderflow/local/internal/lambda"
	"github.com/orderflow-cdk/orderflow/local/internal/sim"
	"github.com/orderflow-cdk/orderflow/local/internal/sqs"
)

func yes() *cfn.Bool { b := cfn.Bool(true); return &b }

var partial = []string{"ReportBatchItemFailures"}

// TestStreamMappings runs a mapping until nothing is left to happen. The times
// of the batches are those of the poll, of the window and of the backoff.
func TestStreamMappings(t *testing.T) {
	type props = lambda.EventSourceMappingProperties
	for _, tt := range []struct {
		name    string
		o       streamOptions
		changes string
		want    []string
		// succeeded, failed and splits of the statistics
		succeeded, failed, splits int
	}{
		{"batch size", streamOptions{mapping: props{BatchSize: num(2)}}, "a b c d e",
			[]string{"10ms a b", "10ms c d", "10ms e"}, 5, 0, 0},
		{"default batch size", streamOptions{}, strings.Repeat("a ", 101),
			[]string{"10ms " + strings.TrimSpace(strings.Repeat("a ", 100)), "10ms a"}, 101, 0, 0},
		{"window", streamOptions{mapping: props{BatchSize: num(3), MaximumBatchingWindowInSeconds: num(5)}}, "a b c d",
			[]string{"10ms a b c", "5.01s d"}, 4, 0, 0},
		{"bisect", streamOptions{mapping: props{BisectBatchOnFunctionError: yes(), MaximumRetryAttempts: num(1)}, handle: failOn("c")}, "a b c d e",
			[]string{"10ms a b c d e", "10ms a b", "10ms c d e", "10ms c", "1.01s c", "1.01s d e"}, 4, 1, 2},
		{"retries", streamOptions{mapping: props{MaximumRetryAttempts: num(3)}, handle: failOn("a")}, "a b",
			[]string{"10ms a b", "1.01s a b", "3.01s a b", "7.01s a b"}, 0, 2, 0},
		{"no retries", streamOptions{mapping: props{MaximumRetryAttempts: num(0), BatchSize: num(1)}, handle: failOn("a")}, "a b",
			[]string{"10ms a", "10ms b"}, 1, 1, 0},
		{"report, lowest is the checkpoint", streamOptions{mapping: props{FunctionResponseTypes: partial, MaximumRetryAttempts: num(1)}, handle: reportOn("d", "b", "c")}, "a b c d",
			[]string{"10ms a b c d", "1.01s b c d"}, 1, 3, 0},
		{"report with bisect: split at the checkpoint", streamOptions{mapping: props{FunctionResponseTypes: partial, BisectBatchOnFunctionError: yes(), MaximumRetryAttempts: num(1)}, handle: reportOn("d", "c")}, "a b c d",
			[]string{"10ms a b c d", "10ms c d", "1.01s c d"}, 2, 2, 1},
		{"report of the first with bisect is an attempt", streamOptions{mapping: props{FunctionResponseTypes: partial, BisectBatchOnFunctionError: yes(), MaximumRetryAttempts: num(0)}, handle: reportOn("a")}, "a b",
			[]string{"10ms a b"}, 0, 2, 0},
		{"error with report and bisect: halves", streamOptions{mapping: props{FunctionResponseTypes: partial, BisectBatchOnFunctionError: yes(), MaximumRetryAttempts: num(0)}, handle: failOn("b")}, "a b",
			[]string{"10ms a b", "10ms a", "10ms b"}, 1, 1, 1},
		{"report that nobody asked for", streamOptions{handle: reportOn("a")}, "a b", []string{"10ms a b"}, 2, 0, 0},
		{"timeout", streamOptions{mapping: props{MaximumRetryAttempts: num(1)}, handle: func(ctx context.Context, _ events.DynamoDBEvent) (any, error) {
			return nil, lambda.Sleep(ctx, time.Hour)
		}}, "a", []string{"10ms a", "11.01s a"}, 0, 1, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newStreamStack(t, tt.o)
			s.changes(tt.changes)
			s.run()
			if diff := cmp.Diff(tt.want, s.batches); diff != "" {
				if len(diff) > 1000 {
					diff = diff[:1000]
				}
				t.Error(diff)
			}
			st := s.m.Stats()
			if st.Succeeded != tt.succeeded || st.Failed != tt.failed || st.Splits != tt.splits || s.m.Pending() != 0 {
				t.Errorf("%+v, %d pending", st, s.m.Pending())
			}
		})
	}
}

// TestHalvesKeepTheAttempts: a split is no attempt, and no new start either.
func TestHalvesKeepTheAttempts(t *testing.T) {
	calls := 0
	s := newStreamStack(t, streamOptions{
		mapping: lambda.EventSourceMappingProperties{FunctionResponseTypes: partial, BisectBatchOnFunctionError: yes(), MaximumRetryAttempts: num(1)},
		handle: func(ctx context.Context, e events.DynamoDBEvent) (any, error) {
			if calls++; calls == 1 {
				return report(e.Records[0].Change.SequenceNumber), nil // an attempt
			}
			return nil, errors.New("no") // a split at first, then the second attempt of each half
		},
	})
	s.changes("a b")
	s.run()
	if diff := cmp.Diff([]string{"10ms a b", "1.01s a b", "1.01s a", "1.01s b"}, s.batches); diff != "" {
		t.Error(diff)
	}
}

func TestStreamEventIsAtMostSixMegabytes(t *testing.T) {
	var sizes []int
	s := newStreamStack(t, streamOptions{handle: func(_ context.Context, e events.DynamoDBEvent) (any, error) {
		sizes = append(sizes, len(e.Records))
		return nil, nil
	}})
	for range 20 {
		s.table.change("k", strings.Repeat("x", 400_000))
	}
	s.run()
	if diff := cmp.Diff([]int{15, 5}, sizes); diff != "" {
		t.Error(diff)
	}
}

// TestStreamReports has every success and failure condition of the documentation.
func TestStreamReports(t *testing.T) {
	for name, tt := range map[string]struct {
		answer any
		ok     bool
	}{
		"empty list":    {report(), true},
		"null list":     {json.RawMessage(`{"batchItemFailures":null}`), true},
		"empty object":  {json.RawMessage(`{}`), true},
		"null":          {nil, true},
		"empty id":      {report(""), false},
		"null id":       {json.RawMessage(`{"batchItemFailures":[{"itemIdentifier":null}]}`), false},
		"bad key":       {json.RawMessage(`{"batchItemFailures":[{"id":"1"}]}`), false},
		"unknown id":    {report(seq(7)), false},
		"one known":     {report(seq(2), seq(7)), false},
		"not an object": {"no", false},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStreamStack(t, streamOptions{
				mapping: lambda.EventSourceMappingProperties{FunctionResponseTypes: partial, MaximumRetryAttempts: num(0)},
				handle:  func(context.Context, events.DynamoDBEvent) (any, error) { return tt.answer, nil },
			})
			s.changes("a b")
			s.run()
			want := lambda.StreamMappingStats{Succeeded: 2}
			if !tt.ok {
				want = lambda.StreamMappingStats{Failed: 2}
			}
			if st := s.m.Stats(); st.Succeeded != want.Succeeded || st.Failed != want.Failed {
				t.Errorf("%+v", st)
			}
		})
	}
}

func TestStreamFailureRecord(t *testing.T) {
	s := newStreamStack(t, streamOptions{
		mapping: lambda.EventSourceMappingProperties{MaximumRetryAttempts: num(1), DestinationConfig: onFailure},
		handle:  failOn("b"),
	})
	if err := s.lambda.Check(); err != nil {
		t.Fatal(err)
	}
	s.changes("a")
	s.k.Advance(5 * time.Millisecond)
	s.changes("b c")
	s.run()
	var got map[string]any
	bodies := s.failures()
	if len(bodies) != 1 || json.Unmarshal([]byte(bodies[0]), &got) != nil {
		t.Fatalf("got %q", bodies)
	}
	request := got["requestContext"].(map[string]any)
	if id, _ := request["requestId"].(string); len(id) != 36 {
		t.Errorf("request id %q", id)
	}
	delete(request, "requestId")
	batch := got["DDBStreamBatchInfo"].(map[string]any)
	if shard, _ := batch["shardId"].(string); !strings.HasPrefix(shard, "shardId-00000001772366400000-") {
		t.Errorf("shard %q", shard)
	}
	delete(batch, "shardId")
	want := map[string]any{
		"requestContext":  map[string]any{"functionArn": "arn:aws:lambda:eu-central-1:111122223333:function:notify", "condition": "RetryAttemptsExhausted", "approximateInvokeCount": 2.0},
		"responseContext": map[string]any{"statusCode": 200.0, "executedVersion": "$LATEST", "functionError": "Unhandled"},
		"version":         "1.0",
		"timestamp":       "2026-03-01T12:00:01.010Z",
		"DDBStreamBatchInfo": map[string]any{
			"startSequenceNumber": seq(1), "endSequenceNumber": seq(3), "batchSize": 3.0, "streamArn": streamARN,
			"approximateArrivalOfFirstRecord": "2026-03-01T12:00:00Z", "approximateArrivalOfLastRecord": "2026-03-01T12:00:00Z",
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestStreamRecordAge(t *testing.T) {
	s := newStreamStack(t, streamOptions{
		mapping: lambda.EventSourceMappingProperties{MaximumRecordAgeInSeconds: num(60), DestinationConfig: onFailure},
		handle:  failOn("a"),
	})
	s.changes("a")
	s.k.Advance(40 * time.Second) // attempts at 0, 1, 3, 7, 15 and 31 s; the next one is at 63 s
	s.changes("b")
	s.run()
	st := s.m.Stats()
	if st.Failed != 1 || st.Succeeded != 1 || st.Batches != 7 {
		t.Errorf("%+v", st)
	}
	if last := s.batches[len(s.batches)-1]; last != "1m3.01s b" {
		t.Errorf("last batch %s", last)
	}
	bodies := s.failures()
	if len(bodies) != 1 || !strings.Contains(bodies[0], `"condition":"RecordAgeExceeded","approximateInvokeCount":6`) || !strings.Contains(bodies[0], `"batchSize":1`) {
		t.Errorf("got %q", bodies)
	}
}

// TestStreamRetention: without a limit a batch is repeated until the stream has
// lost its records.
func TestStreamRetention(t *testing.T) {
	s := newStreamStack(t, streamOptions{mapping: lambda.EventSourceMappingProperties{DestinationConfig: onFailure}, handle: failOn("a")})
	s.changes("a")
	s.k.Advance(23 * time.Hour)
	s.changes("b")
	s.run()
	if st := s.m.Stats(); st.Trimmed != 1 || st.Succeeded != 1 || st.Failed != 0 {
		t.Errorf("%+v", st)
	}
	if now := s.k.Now().Sub(start); now < 24*time.Hour || now > 24*time.Hour+2*time.Minute {
		t.Errorf("over after %s", now)
	}
	if bodies := s.failures(); bodies != nil {
		t.Errorf("got %q", bodies)
	}
}

// TestRetentionOfADisabledMapping: what nobody reads does not pile up beyond what the stream keeps.
func TestRetentionOfADisabledMapping(t *testing.T) {
	s := newStreamStack(t, streamOptions{})
	s.m.SetEnabled(false)
	for range 72 {
		s.changes("a")
		s.k.Advance(time.Hour)
	}
	if st := s.m.Stats(); st.Trimmed != 47 || s.m.Pending() != 25 {
		t.Errorf("%d pending, want those of a day; %+v", s.m.Pending(), st)
	}
	if !s.k.Idle() {
		t.Error("a disabled mapping keeps the simulation busy")
	}
	s.m.SetEnabled(true)
	s.run()
	if st := s.m.Stats(); st.Trimmed != 48 || st.Succeeded != 24 {
		t.Errorf("%+v", st)
	}
}

func TestStreamFilters(t *testing.T) {
	s := newStreamStack(t, streamOptions{mapping: lambda.EventSourceMappingProperties{
		BatchSize: num(2),
		FilterCriteria: &lambda.FilterCriteria{Filters: []lambda.Filter{
			{Pattern: `{"dynamodb":{"NewImage":{"v":{"S":[{"prefix":"a"}]}}}}`},
			{Pattern: `{"eventName":["REMOVE"]}`},
		}},
	}})
	s.changes("a1 b1 a2 b2 a3")
	s.run()
	if diff := cmp.Diff([]string{"10ms a1 a2", "10ms a3"}, s.batches); diff != "" {
		t.Error(diff)
	}
	if st := s.m.Stats(); st.Records != 5 || st.Filtered != 2 || st.Succeeded != 3 {
		t.Errorf("%+v", st)
	}
}

func TestQueueFilters(t *testing.T) {
	for _, window := range []int64{0, 5} {
		s := newStack(t, options{mapping: lambda.EventSourceMappingProperties{
			MaximumBatchingWindowInSeconds: num(window),
			FilterCriteria:                 &lambda.FilterCriteria{Filters: []lambda.Filter{{Pattern: `{"body":{"n":[{"numeric":[">",1]}]}}`}}},
		}})
		for _, body := range []string{`{"n":1}`, `{"n":2}`, `text`, `{"n":3}`} {
			s.send(body, "")
		}
		s.k.Advance(time.Minute)
		if diff := cmp.Diff([][]string{{`{"n":2}`, `{"n":3}`}}, s.batches); diff != "" {
			t.Error(diff)
		}
		if st := s.m.Stats(); st.Filtered != 2 || st.Deleted != 2 || s.q.Stats().Deleted != 4 {
			t.Errorf("%+v, %d deleted from the queue", st, s.q.Stats().Deleted)
		}
		if _, left := s.k.Next(); left {
			t.Error("an idle queue has an event")
		}
	}
}

func TestStreamThrottles(t *testing.T) {
	s := newStreamStack(t, streamOptions{fn: lambda.FunctionProperties{ReservedConcurrentExecutions: num(0)},
		mapping: lambda.EventSourceMappingProperties{MaximumRetryAttempts: num(0), MaximumRecordAgeInSeconds: num(60), DestinationConfig: onFailure}})
	s.changes("a")
	s.run()
	if st := s.m.Stats(); st.Throttled != 6 || st.Batches != 0 || st.Failed != 1 {
		t.Errorf("%+v", st)
	}
	if bodies := s.failures(); len(bodies) != 1 || strings.Contains(bodies[0], "responseContext") || !strings.Contains(bodies[0], `"approximateInvokeCount":0`) {
		t.Errorf("got %q", bodies)
	}
}

func TestDisabledStreamMapping(t *testing.T) {
	off := cfn.Bool(false)
	s := newStreamStack(t, streamOptions{mapping: lambda.EventSourceMappingProperties{Enabled: &off}, handle: failOn("bad")})
	s.changes("a")
	s.k.Advance(time.Minute)
	s.m.SetEnabled(true)
	s.k.Advance(0)
	s.changes("bad")
	s.k.Advance(2 * time.Second)
	s.m.SetEnabled(false)
	s.k.Advance(time.Hour)
	if diff := cmp.Diff([]string{"1m0s a", "1m0.01s bad", "1m1.01s bad"}, s.batches); diff != "" {
		t.Error(diff)
	}
	if s.m.Pending() != 1 {
		t.Errorf("%d pending", s.m.Pending())
	}
	if _, left := s.k.Next(); left {
		t.Error("a disabled mapping has an event")
	}
}

func TestParallelization(t *testing.T) {
	s := newStreamStack(t, streamOptions{
		mapping: lambda.EventSourceMappingProperties{ParallelizationFactor: num(10)},
		handle: func(ctx context.Context, _ events.DynamoDBEvent) (any, error) {
			return nil, lambda.Sleep(ctx, time.Second)
		},
	})
	for i := range 100 {
		s.changes(fmt.Sprint(i))
	}
	s.run()
	if st := s.m.Stats(); st.MaxConcurrent != 10 || st.Batches != 10 || st.MaxIteratorAge != 10*time.Millisecond {
		t.Errorf("%+v", st)
	}
	for range 3 {
		s.table.change("one item", "x")
		s.k.Advance(20 * time.Millisecond)
	}
	s.run()
	if st := s.m.Stats(); st.MaxIteratorAge != 1010*time.Millisecond-40*time.Millisecond || st.Batches != 12 {
		t.Errorf("one item is in two batches at once: %+v", st)
	}
}

func TestStreamMappingProperties(t *testing.T) {
	type props = lambda.EventSourceMappingProperties
	for want, p := range map[string]props{
		"BatchSize must be 1 to 10000, got 0":                    {BatchSize: num(0)},
		"MaximumBatchingWindowInSeconds must be 0 to 300":        {MaximumBatchingWindowInSeconds: num(301)},
		"ParallelizationFactor must be 1 to 10, got 11":          {ParallelizationFactor: num(11)},
		"MaximumRetryAttempts must be -1 to 10000":               {MaximumRetryAttempts: num(10_001)},
		"MaximumRecordAgeInSeconds must be -1 or 60 to 604800":   {MaximumRecordAgeInSeconds: num(59)},
		"MaximumRecordAgeInSeconds must be -1 to 604800":         {MaximumRecordAgeInSeconds: num(604_801)},
		`FunctionResponseTypes: "X" is not known`:                {FunctionResponseTypes: []string{"X"}},
		"filter 1: InvalidParameterValueException":               {FilterCriteria: &lambda.FilterCriteria{Filters: []lambda.Filter{{Pattern: `{"a":"b"}`}}}},
		"must be TRIM_HORIZON or LATEST, got AT_TIMESTAMP":       {StartingPosition: "AT_TIMESTAMP"},
		"ScalingConfig is only for queues":                       {ScalingConfig: &lambda.ScalingConfig{MaximumConcurrency: num(2)}},
		"TumblingWindowInSeconds is not simulated":               {TumblingWindowInSeconds: num(60)},
		"an event source mapping has no destination OnSuccess":   {DestinationConfig: &lambda.DestinationConfig{OnSuccess: &lambda.Destination{Destination: "x"}}},
		"EventSourceArn is arn:x but the stream is " + streamARN: {EventSourceArn: "arn:x"},
		"Function not found":                                     {FunctionName: "g"},
		"'startingPosition' failed to satisfy constraint":        {StartingPosition: "none"},
	} {
		k := sim.New(start, 1)
		s := lambda.NewService(k, "eu-central-1", "111122223333")
		if _, err := s.CreateFunction("f", lambda.FunctionProperties{}, lambda.InProcess(nil)); err != nil {
			t.Fatal(err)
		}
		if p.FunctionName == "" {
			p.FunctionName = "f"
		}
		switch p.StartingPosition {
		case "":
			p.StartingPosition = "LATEST"
		case "none":
			p.StartingPosition = ""
		}
		if _, err := s.CreateStreamMapping("m", p, &source{k: k}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}

func TestStreamMappingNeedsItsDestination(t *testing.T) {
	s := newStreamStack(t, streamOptions{mapping: lambda.EventSourceMappingProperties{
		DestinationConfig: &lambda.DestinationConfig{OnFailure: &lambda.Destination{Destination: "arn:aws:s3:::bucket"}},
	}})
	if err := s.lambda.Check(); err == nil || !strings.Contains(err.Error(), "event source mapping esm: target arn:aws:s3:::bucket does not exist or is not simulated") {
		t.Errorf("got %v", err)
	}
}

// full is a destination that takes nothing.
type full struct{}

func (full) Put(string, []sqs.Attribute, string) (string, error) { return "", errors.New("full") }

func TestStreamGoesOnWithoutItsDestination(t *testing.T) {
	s := newStreamStack(t, streamOptions{
		mapping: lambda.EventSourceMappingProperties{MaximumRetryAttempts: num(0), BatchSize: num(1), DestinationConfig: onFailure}, handle: failOn("a"),
	})
	var log strings.Builder
	s.lambda.Log = &log
	s.lambda.AddTarget(onFailure.OnFailure.Destination, full{})
	s.changes("a b")
	s.run()
	if st := s.m.Stats(); st.Failed != 1 || st.Succeeded != 1 || !strings.Contains(log.String(), "cannot send the record of a failed batch") {
		t.Errorf("%+v, log %s", st, log.String())
	}
}
