package lambda_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	golambda "github.com/aws/aws-lambda-go/lambda"
	"github.com/google/go-cmp/cmp"

	"github.com/orderflow-cdk/orderflow/local/internal/api"
	"github.com/orderflow-cdk/orderflow/local/internal/cfn"
	"github.com/orderflow-cdk/orderflow/local/internal/durable"
	"github.com/orderflow-cdk/orderflow/local/internal/durable/durabletest"
	"github.com/orderflow-cdk/orderflow/local/internal/lambda"
	"github.com/orderflow-cdk/orderflow/local/internal/sim"
	"github.com/orderflow-cdk/orderflow/local/internal/sqs"
)

// sameRecords holds a restored service to the records that it was restored from.
func sameRecords(t testing.TB, before map[string][]byte, e durable.Engine) {
	t.Helper()
	after, was := durabletest.Records(t, e), maps.Clone(before)
	delete(after, "meta")
	delete(was, "meta")
	if diff := durabletest.Diff(was, after); diff != "" {
		t.Fatalf("a restored service has other records (-before +after):\n%s", diff)
	}
}

// next is the same stream with another service that goes on from the records of this one's.
func (s *streamStack) next(o streamOptions) *streamStack {
	s.t.Helper()
	n := newStreamStackOn(s.t, o, sim.New(s.k.Now(), 1), s.table)
	n.batches = s.batches
	records := durabletest.Records(s.t, s.lambda)
	s.k.Close()
	if dropped, err := n.lambda.Restore(records); err != nil || len(dropped) > 0 {
		s.t.Fatal(err, dropped)
	}
	return n
}

// TestRestoredStreamModel is TestStreamModel with processes that end at random moments.
func TestRestoredStreamModel(t *testing.T) {
	restarts := 0
	for seed := range uint64(60) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			restarts += restoredStreamModel(t, rand.New(rand.NewPCG(seed, 17)), seed%2 == 0)
		})
	}
	if restarts < 300 {
		t.Errorf("only %d restarts", restarts)
	}
}

// With once a process does not end between what a function answers and the mapping's learning of it: then
// nothing that was done comes again.
func restoredStreamModel(t *testing.T, r *rand.Rand, once bool) (restarts int) {
	flag := func() *cfn.Bool { b := cfn.Bool(r.IntN(2) == 0); return &b }
	p := lambda.EventSourceMappingProperties{
		BatchSize: num(1 + r.Int64N(12)), ParallelizationFactor: num(1 + r.Int64N(10)), BisectBatchOnFunctionError: flag(),
		MaximumBatchingWindowInSeconds: num(r.Int64N(3)),
		FilterCriteria:                 &lambda.FilterCriteria{Filters: []lambda.Filter{{Pattern: `{"dynamodb":{"NewImage":{"v":{"S":[{"anything-but":{"prefix":"unseen"}}]}}}}`}}},
	}
	if r.IntN(2) == 0 {
		p.FunctionResponseTypes = partial
	}
	const items, changes = 9, 200
	var done, made [items]int
	quiet, answers := false, 0
	handle := func(ctx context.Context, e events.DynamoDBEvent) (any, error) {
		var item, n int
		next := done
		for _, rec := range e.Records {
			if _, err := fmt.Sscanf(rec.Change.NewImage["v"].String(), "%d.%d", &item, &n); err != nil {
				t.Errorf("%v: %s", err, rec.Change.NewImage["v"].String())
			}
			if n > next[item]+1 || once && n <= next[item] {
				t.Errorf("item %d: change %d after %d", item, n, next[item])
			}
			next[item] = n
		}
		if err := lambda.Sleep(ctx, time.Duration(r.IntN(300))*time.Millisecond); err != nil {
			return nil, err
		}
		upTo := len(e.Records)
		var answer any
		if !quiet {
			switch r.IntN(8) {
			case 0, 1:
				return nil, errors.New("no")
			case 2:
				lambda.ProcFrom(ctx).Sleep(time.Hour) // times out
			case 3, 4:
				if p.FunctionResponseTypes != nil {
					upTo = r.IntN(len(e.Records))
					answer = report(e.Records[upTo].Change.SequenceNumber)
				}
			}
		}
		for _, rec := range e.Records[:upTo] {
			if _, err := fmt.Sscanf(rec.Change.NewImage["v"].String(), "%d.%d", &item, &n); err != nil {
				t.Error(err)
			}
			done[item] = max(done[item], n)
		}
		return answer, nil
	}
	counted := func(ctx context.Context, e events.DynamoDBEvent) (any, error) {
		answer, err := handle(ctx, e)
		answers++
		return answer, err
	}
	o := streamOptions{fn: lambda.FunctionProperties{Timeout: num(2), ReservedConcurrentExecutions: num(1 + r.Int64N(4))}, mapping: p, handle: counted}
	s := newStreamStack(t, o)
	kept := durabletest.Keep(t, s.lambda)
	restart := func() {
		if st := s.lambda.Function("notify").Stats(); once && answers != st.Invocations-st.Timeouts {
			return
		}
		answers = 0
		restarts++
		kept.Verify()
		records := kept.Records()
		more := r.IntN(10) == 0
		if more {
			o.mapping.ParallelizationFactor = num(1 + r.Int64N(10))
		}
		pending := s.m.Pending()
		s = s.next(o)
		if !more { // else there are other lanes
			sameRecords(t, records, s.lambda)
		}
		if s.m.Pending() != pending {
			t.Errorf("%d records wait, there were %d", s.m.Pending(), pending)
		}
		kept = durabletest.Keep(t, s.lambda)
	}
	for range changes {
		i := r.IntN(items)
		if r.IntN(5) == 0 {
			s.table.change(fmt.Sprint("item ", i), "unseen")
		} else {
			made[i]++
			s.table.change(fmt.Sprint("item ", i), fmt.Sprintf("%d.%d", i, made[i]))
		}
		for until := s.k.Now().Add(time.Duration(r.IntN(500)) * time.Millisecond); r.IntN(3) > 0; {
			at, ok := s.k.Next()
			if !ok || at.After(until) {
				s.k.RunUntil(until)
				break
			}
			s.k.Step()
			if r.IntN(2) == 0 {
				kept.Commit()
			}
			if r.IntN(30) == 0 {
				restart()
			}
		}
	}
	s.k.Advance(time.Minute)
	quiet = true
	restart()
	s.run()
	if done != made || s.m.Pending() != 0 {
		t.Errorf("done %v of %v, %d pending", done, made, s.m.Pending())
	}
	return restarts
}

func TestRestoredBatchGoesOnWithItsAttempts(t *testing.T) {
	yes := cfn.Bool(true)
	for _, test := range []struct {
		name string
		p    lambda.EventSourceMappingProperties
	}{
		{"whole", lambda.EventSourceMappingProperties{MaximumRetryAttempts: num(3), DestinationConfig: onFailure}},
		{"bisected", lambda.EventSourceMappingProperties{MaximumRetryAttempts: num(2), DestinationConfig: onFailure, BisectBatchOnFunctionError: &yes}},
		{"windows", lambda.EventSourceMappingProperties{MaximumRetryAttempts: num(1), DestinationConfig: onFailure, MaximumBatchingWindowInSeconds: num(5), BatchSize: num(3)}},
		{"old", lambda.EventSourceMappingProperties{MaximumRecordAgeInSeconds: num(60), DestinationConfig: onFailure, BatchSize: num(2)}},
	} {
		t.Run(test.name, func(t *testing.T) {
			o := streamOptions{mapping: test.p, handle: failOn("c")}
			run := func(restarting bool) (batches, failures []string) {
				s := newStreamStack(t, o)
				s.changes("a b c d e f g")
				for steps := 0; ; steps++ {
					if restarting && steps%2 == 1 {
						s.failures()
						failed := s.failed
						s = s.next(o)
						s.failed = failed
						s.lambda.AddTarget(failed.ARN, failed)
					}
					if !s.k.Step() {
						break
					}
					failures = append(failures, s.failures()...)
				}
				return s.batches, failures
			}
			want, failures := run(false)
			got, again := run(true)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("batches (-undisturbed +restored)\n%s", diff)
			}
			if len(failures) == 0 || len(failures) != len(again) {
				t.Fatalf("failures %v, restored %v", failures, again)
			}
			for i := range failures {
				if a, b := withoutID(failures[i]), withoutID(again[i]); a != b {
					t.Errorf("the destination was told\n%s\nrestored\n%s", a, b)
				}
			}
		})
	}
}

// withoutID takes the random id of the request out of a document.
func withoutID(document string) string {
	before, rest, _ := strings.Cut(document, `"requestId":"`)
	_, after, _ := strings.Cut(rest, `"`)
	return before + after
}

func TestNewMappingBeginsAtItsStartingPosition(t *testing.T) {
	for position, want := range map[string]string{"TRIM_HORIZON": "a b c", "LATEST": "c"} {
		o := streamOptions{mapping: lambda.EventSourceMappingProperties{StartingPosition: position}}
		s := newStreamStack(t, o)
		s.table.change("k", "a")
		s.table.change("k", "b")
		n := newStreamStackOn(t, o, sim.New(s.k.Now(), 1), s.table)
		records := durabletest.Records(t, s.lambda)
		delete(records, "stream/esm")
		if _, err := n.lambda.Restore(records); err != nil {
			t.Fatal(err)
		}
		n = n.next(o) // it stays where it began
		n.table.change("k", "c")
		n.run()
		var got []string
		for _, b := range n.batches {
			_, values, _ := strings.Cut(b, " ")
			got = append(got, values)
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%s: %v, want %s", position, got, want)
		}
	}
}

// asyncLife is a function that is invoked asynchronously.
type asyncLife struct {
	k   *sim.Kernel
	s   *lambda.Service
	dlq *sqs.Queue
}

func newAsyncLife(t *testing.T, now time.Time, handle func(ctx context.Context, in string) (string, error)) *asyncLife {
	t.Helper()
	l := &asyncLife{k: sim.New(now, 1)}
	t.Cleanup(l.k.Close)
	l.s = lambda.NewService(l.k, "eu-central-1", "111122223333")
	var err error
	if l.dlq, err = sqs.NewService(l.k, "eu-central-1", "111122223333").CreateQueue("dlq", sqs.QueueProperties{}); err != nil {
		t.Fatal(err)
	}
	l.s.AddTarget(l.dlq.ARN, l.dlq)
	_, err = l.s.CreateFunction("f", lambda.FunctionProperties{
		Timeout: num(30), ReservedConcurrentExecutions: num(3), DeadLetterConfig: &lambda.DeadLetterConfig{TargetArn: l.dlq.ARN},
	}, lambda.InProcess(func(lambda.Init) (lambda.Handler, error) { return golambda.NewHandler(handle), nil }))
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// TestRestoredAsynchronousInvocations ends processes at random moments: each event is handled or
// dead-lettered in the end, a failed one again exactly a minute and then two minutes later.
func TestRestoredAsynchronousInvocations(t *testing.T) {
	const n = 40
	restarts := 0
	for seed := range uint64(20) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			r := rand.New(rand.NewPCG(seed, 3))
			var l *asyncLife
			failed := map[string][]time.Time{}
			ended := map[string]int{}
			handle := func(ctx context.Context, in string) (string, error) {
				id := 0
				if _, err := fmt.Sscanf(in, "event %d", &id); err != nil {
					t.Error(err)
				}
				if f := failed[in]; len(f) > 0 {
					want := time.Duration(len(f)) * time.Minute
					// It may wait for concurrency, and it is made again if its process ends.
					if got := l.k.Now().Sub(f[len(f)-1]); got < want || got > want+time.Minute {
						t.Errorf("%s: attempt after %s, want %s", in, got, want)
					}
				}
				if err := lambda.Sleep(ctx, time.Duration(r.IntN(2000))*time.Millisecond); err != nil {
					return "", err
				}
				if len(failed[in]) < id%4 {
					failed[in] = append(failed[in], l.k.Now())
					return "", errors.New("no")
				}
				ended[in]++
				return "done", nil
			}
			answers := 0
			counted := func(ctx context.Context, in string) (string, error) {
				out, err := handle(ctx, in)
				answers++
				return out, err
			}
			l = newAsyncLife(t, start, counted)
			kept := durabletest.Keep(t, l.s)
			for i := range n {
				in := fmt.Sprintf(`{"FunctionName":"f","InvocationType":"Event","Payload":"event %d"}`, i)
				l.s.Do(api.Call{Service: "lambda", Action: "Invoke", Input: []byte(in)}, func(_ []byte, err error) {
					if err != nil {
						t.Fatal(err)
					}
				})
			}
			for l.k.Step() {
				if r.IntN(2) == 0 {
					kept.Commit()
				}
				if r.IntN(25) > 0 || answers != l.s.Function("f").Stats().Invocations {
					continue // or an answer is on its way, and the invocation would be made again
				}
				answers = 0
				restarts++
				kept.Verify()
				records := kept.Records()
				old := l
				l = newAsyncLife(t, old.k.Now(), counted)
				old.k.Close()
				for _, m := range receiveAll(t, old.dlq) {
					ended["dead "+m]++
				}
				if dropped, err := l.s.Restore(records); err != nil || len(dropped) > 0 {
					t.Fatal(err, dropped)
				}
				sameRecords(t, records, l.s)
				kept = durabletest.Keep(t, l.s)
			}
			for _, m := range receiveAll(t, l.dlq) {
				ended["dead "+m]++
			}
			want := map[string]int{}
			for i := range n {
				if key := fmt.Sprint("event ", i); i%4 == 3 {
					want[fmt.Sprintf("dead %q", key)] = 1
				} else {
					want[key] = 1
				}
			}
			if diff := cmp.Diff(want, ended); diff != "" {
				t.Error(diff)
			}
			if keys := l.s.Keys(); len(keys) != 1 {
				t.Errorf("left behind: %v", keys)
			}
			kept.Verify()
		})
	}
	if restarts < 100 {
		t.Errorf("only %d restarts", restarts)
	}
}

func receiveAll(t *testing.T, q *sqs.Queue) (bodies []string) {
	t.Helper()
	got, err := q.Receive(sqs.Request{Max: 1000, VisibilityTimeout: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range got {
		bodies = append(bodies, d.Body)
	}
	return bodies
}

func TestCorruptRecordIsNamed(t *testing.T) {
	yes := cfn.Bool(true)
	o := streamOptions{mapping: lambda.EventSourceMappingProperties{BisectBatchOnFunctionError: &yes}, handle: failOn("b")}
	s := newStreamStack(t, o)
	s.changes("a b c")
	s.lambda.Do(api.Call{Service: "lambda", Action: "Invoke", Input: []byte(`{"FunctionName":"notify","InvocationType":"Event","Payload":{"Records":[]}}`)}, func([]byte, error) {})
	records := durabletest.Records(t, s.lambda)
	if len(records) != 3 {
		t.Fatalf("records %s", records)
	}
	restore := func(records map[string][]byte) ([]string, error) {
		return newStreamStackOn(t, o, sim.New(start, 1), s.table).lambda.Restore(records)
	}
	for _, key := range slices.Sorted(maps.Keys(records)) {
		for what, value := range map[string][]byte{"cut off": records[key][:len(records[key])/2], "no JSON": []byte("\x00"), "of another type": []byte(`"text"`), "empty": []byte("{}")} {
			bad := maps.Clone(records)
			bad[key] = value
			if _, err := restore(bad); err == nil || !strings.HasPrefix(err.Error(), "record "+key+": ") {
				t.Errorf("%s %s: %v", key, what, err)
			}
		}
	}
	for key, want := range map[string]string{
		"meta":    "record meta: written by a newer orderflow (version 2, this one reads 1)",
		"event/x": "record event/x: x is no number",
		"letter":  "record letter: there are no records of this kind",
	} {
		bad := maps.Clone(records)
		bad[key] = []byte(`{"version":2,"more":true}`)
		if _, err := restore(bad); err == nil || err.Error() != want {
			t.Errorf("%s: %v", key, err)
		}
	}
}

func TestWhatIsGoneIsTold(t *testing.T) {
	s := newStreamStack(t, streamOptions{})
	s.changes("a")
	for range 2 {
		s.lambda.Do(api.Call{Service: "lambda", Action: "Invoke", Input: []byte(`{"FunctionName":"notify","InvocationType":"Event"}`)}, func([]byte, error) {})
	}
	dropped, err := lambda.NewService(s.k, "eu-central-1", "111122223333").Restore(durabletest.Records(t, s.lambda))
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"event source mapping esm: where it was in the stream", "function notify: 2 asynchronous invocations"}
	if diff := cmp.Diff(want, dropped); diff != "" {
		t.Error(diff)
	}
}
