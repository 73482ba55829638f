package lambda_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/orderflow-cdk/orderflow/local/internal/api"
	"github.com/orderflow-cdk/orderflow/local/internal/lambda"
	"github.com/orderflow-cdk/orderflow/local/internal/sim"
	"github.com/orderflow-cdk/orderflow/local/internal/sqs"
)

type nop struct{}

func (nop) Invoke(context.Context, []byte) ([]byte, error) { return nil, nil }

// BenchmarkMapping is the way of a message from the queue through a function
// that does nothing, including its sending; the time is per message.
func BenchmarkMapping(b *testing.B) {
	k := sim.New(start, 1)
	queues, functions := sqs.NewService(k, "eu-central-1", "111122223333"), lambda.NewService(k, "eu-central-1", "111122223333")
	q, err := queues.CreateQueue("q", sqs.QueueProperties{})
	if err != nil {
		b.Fatal(err)
	}
	if _, err := functions.CreateFunction("f", lambda.FunctionProperties{}, lambda.InProcess(func(lambda.Init) (lambda.Handler, error) { return nop{}, nil })); err != nil {
		b.Fatal(err)
	}
	m, err := functions.CreateEventSourceMapping("m", lambda.EventSourceMappingProperties{FunctionName: "f"}, q)
	if err != nil {
		b.Fatal(err)
	}
	in := []byte(fmt.Sprintf(`{"QueueUrl":%q,"MessageBody":%q,"MessageGroupId":"t","MessageAttributes":{"tenant":{"DataType":"String","StringValue":"t"}}}`, q.URL, strings.Repeat("x", 600)))
	b.ReportAllocs()
	n := 0
	for b.Loop() {
		queues.Do(api.Call{Action: "SendMessage", Input: in}, func(_ []byte, err error) {
			if err != nil {
				b.Fatal(err)
			}
		})
		if n++; n%10 == 0 {
			k.Advance(0)
		}
	}
	k.Advance(0)
	if d := m.Stats().Deleted; d != n {
		b.Fatalf("%d of %d deleted", d, n)
	}
}

// BenchmarkStreamMapping is the way of a record from the table through a filter
// and a function that does nothing; the time is per record. One in five matches.
func BenchmarkStreamMapping(b *testing.B) {
	k := sim.New(start, 1)
	table, functions := &source{k: k}, lambda.NewService(k, "eu-central-1", "111122223333")
	if _, err := functions.CreateFunction("f", lambda.FunctionProperties{}, lambda.InProcess(func(lambda.Init) (lambda.Handler, error) { return nop{}, nil })); err != nil {
		b.Fatal(err)
	}
	m, err := functions.CreateStreamMapping("m", lambda.EventSourceMappingProperties{
		FunctionName: "f", StartingPosition: "LATEST", ParallelizationFactor: num(10),
		FilterCriteria: &lambda.FilterCriteria{Filters: []lambda.Filter{{Pattern: `{"dynamodb":{"NewImage":{"v":{"S":[{"prefix":"0"},{"prefix":"5"}]}}}}`}}},
	}, table)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	value := strings.Repeat("x", 600)
	n := 0
	for b.Loop() {
		table.change(fmt.Sprint("order ", n%1000), fmt.Sprint(n%10, value))
		if n++; n%10 == 0 {
			k.Advance(time.Millisecond)
		}
	}
	k.Advance(time.Second)
	if st := m.Stats(); st.Succeeded+st.Filtered != n || st.Filtered < n/2 {
		b.Fatalf("%+v of %d", st, n)
	}
}

func BenchmarkInvoke(b *testing.B) {
	f := newFixtureWith(b, lambda.FunctionProperties{}, func(lambda.Init) (lambda.Handler, error) { return nop{}, nil })
	in := []byte(`{"FunctionName":"f","Payload":{"pk":"T#1","step":"Charge","order":{"currency":"EUR"}}}`)
	b.ReportAllocs()
	for b.Loop() {
		f.s.Do(api.Call{Action: "Invoke", Input: in}, func(_ []byte, err error) {
			if err != nil {
				b.Fatal(err)
			}
		})
	}
}
