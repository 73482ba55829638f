package lambda_test

import (
	"context"
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/google/go-cmp/cmp"

	"github.com/orderflow-cdk/orderflow/local/internal/lambda"
)

// TestSameSeedSameRun compares two runs down to ids and receipt handles.
func TestSameSeedSameRun(t *testing.T) {
	run := func() (lines []string) {
		var s *stack
		s = newStack(t, options{
			mapping: lambda.EventSourceMappingProperties{BatchSize: num(3), FunctionResponseTypes: []string{"ReportBatchItemFailures"},
				ScalingConfig: &lambda.ScalingConfig{MaximumConcurrency: num(2)}},
			handle: func(ctx context.Context, e events.SQSEvent) (any, error) {
				raw, err := json.Marshal(e)
				lines = append(lines, fmt.Sprint(s.k.Now(), string(raw), ctx.Value("x-amzn-trace-id")))
				lambda.ProcFrom(ctx).Sleep(time.Duration(len(e.Records)) * time.Second)
				return report(e.Records[0].MessageId), err
			}})
		for i := range 40 {
			s.send(fmt.Sprint(i), fmt.Sprint("tenant", i%3))
			s.k.Advance(300 * time.Millisecond)
		}
		s.k.Advance(time.Hour)
		if _, left := s.k.Next(); left {
			t.Error("an event is left")
		}
		return lines
	}
	first := run()
	if len(first) < 20 {
		t.Errorf("%d invocations", len(first))
	}
	if diff := cmp.Diff(first, run()); diff != "" {
		t.Error(diff)
	}
}
