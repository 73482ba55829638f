package lambda_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"github.com/orderflow-cdk/orderflow/local/internal/cfn"
	"github.com/orderflow-cdk/orderflow/local/internal/lambda"
)

// TestStreamModel lets mappings with random properties read random changes
// through a function that fails, reports failures, times out and is throttled at
// random. It checks that no record is lost or invented, that the records of an item
// are handed over in order, with none in two batches at once, and that what is
// repeated is what had not been done.
func TestStreamModel(t *testing.T) {
	for seed := range uint64(150) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) { streamModel(t, rand.New(rand.NewPCG(seed, 7))) })
	}
}

func streamModel(t *testing.T, r *rand.Rand) {
	flag := func() *cfn.Bool { b := cfn.Bool(r.IntN(2) == 0); return &b }
	p := lambda.EventSourceMappingProperties{
		BatchSize:                  num(1 + r.Int64N(12)),
		ParallelizationFactor:      num(1 + r.Int64N(10)),
		BisectBatchOnFunctionError: flag(),
	}
	if r.IntN(2) == 0 {
		p.FunctionResponseTypes = partial
	}
	if r.IntN(2) == 0 {
		p.MaximumBatchingWindowInSeconds = num(r.Int64N(3))
	}
	limited := r.IntN(3) == 0
	if limited {
		p.MaximumRetryAttempts, p.DestinationConfig = num(r.Int64N(4)), onFailure
	}
	fn := lambda.FunctionProperties{Timeout: num(2), ReservedConcurrentExecutions: num(1 + r.Int64N(4))}
	const items, changes = 9, 300
	var (
		done    [items]int          // of each item: changes that were done
		running = map[string]bool{} // items in a batch
		quiet   bool                // nothing fails any more
		s       *streamStack
	)
	handle := func(ctx context.Context, e events.DynamoDBEvent) (any, error) {
		next := done
		var item, n int
		mine := map[string]bool{}
		for _, rec := range e.Records {
			key := rec.Change.Keys["pk"].String()
			if running[key] {
				t.Errorf("item %s is in two batches at once", key)
			}
			mine[key] = true
			if _, err := fmt.Sscanf(rec.Change.NewImage["v"].String(), "%d.%d", &item, &n); err != nil {
				t.Error(err)
			}
			// With a limit, records that were given up are passed over.
			if n != next[item]+1 && !(limited && n > next[item]) {
				t.Errorf("item %d: change %d after %d", item, n, next[item])
			}
			next[item] = n
		}
		for key := range mine {
			running[key] = true
		}
		ended := func() {
			for key := range mine {
				delete(running, key)
			}
		}
		defer ended()
		if err := lambda.Sleep(ctx, time.Duration(r.IntN(300))*time.Millisecond); err != nil {
			return nil, err
		}
		upTo := len(e.Records)
		var answer any
		if !quiet {
			switch r.IntN(8) {
			case 0:
				return nil, errors.New("no")
			case 1:
				lambda.ProcFrom(ctx).Sleep(time.Hour) // times out
			case 2:
				panic("no")
			case 3:
				if p.FunctionResponseTypes != nil {
					return report("of no record"), nil
				}
			case 4, 5:
				if p.FunctionResponseTypes != nil {
					upTo = r.IntN(len(e.Records))
					ids := []string{e.Records[upTo].Change.SequenceNumber}
					for _, rec := range e.Records[upTo:] {
						if r.IntN(2) == 0 {
							ids = append(ids, rec.Change.SequenceNumber)
						}
					}
					r.Shuffle(len(ids), func(i, j int) { ids[i], ids[j] = ids[j], ids[i] })
					answer = report(ids...)
				}
			}
		}
		for _, rec := range e.Records[:upTo] {
			if _, err := fmt.Sscanf(rec.Change.NewImage["v"].String(), "%d.%d", &item, &n); err != nil {
				t.Error(err)
			}
			done[item] = n
		}
		return answer, nil
	}
	s = newStreamStack(t, streamOptions{fn: fn, mapping: p, handle: handle})
	var made [items]int
	for range changes {
		i := r.IntN(items)
		made[i]++
		s.table.change(fmt.Sprint("item ", i), fmt.Sprintf("%d.%d", i, made[i]))
		if r.IntN(3) == 0 {
			s.k.Advance(time.Duration(r.IntN(500)) * time.Millisecond)
		}
		if r.IntN(100) == 0 {
			s.m.SetEnabled(false)
			s.k.Advance(time.Second)
			s.m.SetEnabled(true)
		}
	}
	s.k.Advance(time.Minute)
	quiet = true
	s.run()
	st := s.m.Stats()
	if !limited && done != made {
		t.Errorf("done %v of %v", done, made)
	}
	if st.Records != changes || st.Succeeded+st.Failed != changes || st.Trimmed != 0 || s.m.Pending() != 0 || !limited && st.Failed > 0 {
		t.Errorf("%+v, %d pending", st, s.m.Pending())
	}
	told := 0
	for _, body := range s.failures() {
		var n int
		if _, err := fmt.Sscanf(body[strings.Index(body, `"batchSize":`):], `"batchSize":%d`, &n); err != nil {
			t.Error(err)
		}
		told += n
	}
	if told != st.Failed {
		t.Errorf("the destination was told of %d failed records, the mapping counts %d", told, st.Failed)
	}
}
