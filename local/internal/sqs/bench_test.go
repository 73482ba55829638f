package sqs_test

import (
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/orderflow-cdk/orderflow/local/internal/api"
	"github.com/orderflow-cdk/orderflow/local/internal/sqs"
)

// order is about the size of an order with the attributes that the gateway sets.
var order = `{"currency":"EUR","items":[` + strings.Repeat(`{"sku":"KB-1001","quantity":2,"unitPrice":4990},`, 10) +
	`{"sku":"KB-1002","quantity":1,"unitPrice":10}],"payment":{"method":"card","token":"tok_visa"},"notes":"Grüße 🦀"}`

func orderForm(q *sqs.Queue, tenant int) url.Values {
	form := url.Values{"Action": {"SendMessage"}, "QueueUrl": {q.URL}, "MessageBody": {order}, "MessageGroupId": {fmt.Sprint("tenant", tenant)}}
	for i, name := range []string{"orderId", "tenant", "pk", "acceptedAt"} {
		at := fmt.Sprintf("MessageAttribute.%d.", i+1)
		form.Set(at+"Name", name)
		form.Set(at+"Value.DataType", "String")
		form.Set(at+"Value.StringValue", "1772366400000-abcdefghijklmnop-"+name)
	}
	return form
}

func BenchmarkFromQuery(b *testing.B) {
	form := orderForm(newFixture(b, "q", sqs.QueueProperties{}).q, 1)
	b.ReportAllocs()
	for b.Loop() {
		if _, _, err := sqs.FromQuery(form); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkSendPollDelete(b *testing.B) {
	f := newFixture(b, "q", sqs.QueueProperties{})
	_, in, err := sqs.FromQuery(orderForm(f.q, 1))
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		f.s.Do(api.Call{Action: "SendMessage", Input: in}, func(_ []byte, err error) {
			if err != nil {
				b.Fatal(err)
			}
		})
		if _, err := f.q.Poll(sqs.Request{Max: 10, VisibilityTimeout: time.Minute}, func(got []sqs.Delivery) {
			for i := range got {
				if err := f.q.Delete(got[i].ReceiptHandle); err != nil {
					b.Fatal(err)
				}
			}
		}); err != nil {
			b.Fatal(err)
		}
		f.k.Step()
	}
}

// BenchmarkBacklog receives and deletes from queues of different lengths: the
// time per message should hardly grow with the length.
func BenchmarkBacklog(b *testing.B) {
	for _, name := range []string{"q", "q.fifo"} {
		for _, n := range []int{100, 10_000, 100_000} {
			b.Run(fmt.Sprintf("%s/%d", name, n), func(b *testing.B) {
				f := newFixture(b, name, sqs.QueueProperties{})
				send := func(i int) {
					in := m{"QueueUrl": f.q.URL, "MessageBody": "a", "MessageGroupId": fmt.Sprint(i % 50)}
					if f.q.FIFO {
						in["MessageGroupId"], in["MessageDeduplicationId"] = fmt.Sprint(i), fmt.Sprint(i)
					}
					raw, err := json.Marshal(in)
					if err != nil {
						b.Fatal(err)
					}
					f.s.Do(api.Call{Action: "SendMessage", Input: raw}, func(_ []byte, err error) {
						if err != nil {
							b.Fatal(err)
						}
					})
				}
				for i := range n {
					send(i)
				}
				i := n
				b.ReportAllocs()
				for b.Loop() {
					got, err := f.q.Receive(sqs.Request{Max: 10, VisibilityTimeout: time.Minute})
					if err != nil {
						b.Fatal(err)
					}
					for j := range got {
						if err := f.q.Delete(got[j].ReceiptHandle); err != nil {
							b.Fatal(err)
						}
						send(i)
						i++
					}
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*10), "ns/message")
			})
		}
	}
}

// BenchmarkRecords makes the records of 10,000 messages that were sent since the last commit, with
// what goes with them: how long a commit of a store takes before it writes.
func BenchmarkRecords(b *testing.B) {
	f := newFixture(b, "q", sqs.QueueProperties{})
	changed := map[string]struct{}{}
	f.s.Watch(func(key string) { changed[key] = struct{}{} })
	const messages = 10_000
	for i := range messages {
		_, in, err := sqs.FromQuery(orderForm(f.q, i%50))
		if err != nil {
			b.Fatal(err)
		}
		f.s.Do(api.Call{Action: "SendMessage", Input: in}, func(_ []byte, err error) {
			if err != nil {
				b.Fatal(err)
			}
		})
	}
	b.ReportAllocs()
	for b.Loop() {
		bytes := 0
		for key := range changed {
			r, ok := f.s.Record(key)
			if !ok {
				b.Fatal(key)
			}
			bytes += len(r)
		}
		b.SetBytes(int64(bytes))
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*messages), "ns/message")
}

// BenchmarkSend sends with and without somebody who watches.
func BenchmarkSend(b *testing.B) {
	for _, watched := range []bool{false, true} {
		b.Run(fmt.Sprintf("watched=%v", watched), func(b *testing.B) {
			f := newFixture(b, "q", sqs.QueueProperties{})
			changed := map[string]struct{}{}
			if watched {
				f.s.Watch(func(key string) { changed[key] = struct{}{} })
			}
			_, in, err := sqs.FromQuery(orderForm(f.q, 1))
			if err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			for b.Loop() {
				f.s.Do(api.Call{Action: "SendMessage", Input: in}, func(_ []byte, err error) {
					if err != nil {
						b.Fatal(err)
					}
				})
				if len(changed) > 1000 {
					clear(changed)
				}
			}
		})
	}
}
