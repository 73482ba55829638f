package sns_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/orderflow-cdk/orderflow/local/internal/api"
	"github.com/orderflow-cdk/orderflow/local/internal/cfn"
	"github.com/orderflow-cdk/orderflow/local/internal/sim"
	"github.com/orderflow-cdk/orderflow/local/internal/sns"
)

func benchmarkPublish(b *testing.B, raw bool, protocol string) {
	k := sim.New(start, 1)
	arrived := 0
	bus := api.Func(func(api.Call) ([]byte, error) { arrived++; return []byte("{}"), nil })
	s := sns.NewService(k, bus, region, account, nil)
	topic, err := s.CreateTopic("orders", sns.TopicProperties{SignatureVersion: "2"})
	if err != nil {
		b.Fatal(err)
	}
	for _, p := range []sns.SubscriptionProperties{
		{Endpoint: "arn:aws:" + protocol + ":eu-central-1:111122223333:function:a"},
		{Endpoint: "arn:aws:" + protocol + ":eu-central-1:111122223333:function:b", FilterPolicy: json.RawMessage(`{"status":["COMPLETED","FAILED"]}`)},
	} {
		p.TopicArn, p.Protocol = topic.ARN, protocol
		p.RawMessageDelivery = cfn.Bool(raw)
		if _, err := s.CreateSubscription(p); err != nil {
			b.Fatal(err)
		}
	}
	input, err := json.Marshal(m{"TopicArn": topic.ARN, "Message": `{"id":"` + strings.Repeat("x", 500) + `"}`, "MessageAttributes": m{
		"tenant": m{"DataType": "String", "StringValue": "acme"}, "status": m{"DataType": "String", "StringValue": "COMPLETED"}, "type": m{"DataType": "String", "StringValue": "order.status"}}})
	if err != nil {
		b.Fatal(err)
	}
	publish := func() {
		s.Do(api.Call{Action: "Publish", Input: input}, func(_ []byte, err error) {
			if err != nil {
				b.Fatal(err)
			}
		})
		k.Advance(time.Millisecond)
	}
	publish() // makes the signing key, if it is needed
	b.ReportAllocs()
	for b.Loop() {
		publish()
	}
	if arrived != 2*(b.N+1) {
		b.Errorf("%d deliveries of %d messages", arrived, b.N)
	}
}

// BenchmarkPublishRaw is one message of 500 bytes to two queues by raw delivery,
// without the queues' own work.
func BenchmarkPublishRaw(b *testing.B) { benchmarkPublish(b, true, "sqs") }

// BenchmarkPublishSigned is the same in envelopes: it has the price of a signature.
func BenchmarkPublishSigned(b *testing.B) { benchmarkPublish(b, false, "sqs") }

// BenchmarkPublishToFunctions is the same to two functions.
func BenchmarkPublishToFunctions(b *testing.B) { benchmarkPublish(b, false, "lambda") }
