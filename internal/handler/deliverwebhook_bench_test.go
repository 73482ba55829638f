package handler_test

import (
	"fmt"
	"testing"
)

// A full batch of 10 deliveries to healthy endpoints, whose answers cost nothing.
func BenchmarkDeliverBatchOf10(b *testing.B) {
	o := newOutpost(b)
	for i := range 10 {
		o.endpoint(fmt.Sprintf("we_%d", i))
	}
	b.ReportAllocs()
	for b.Loop() {
		for i := range 10 {
			o.enqueue(fmt.Sprintf("we_%d", i), paidEvent(eventID))
		}
		if o.receive() != 0 {
			b.Fatal(o.log.String())
		}
		o.posts, o.Calls = o.posts[:0], o.Calls[:0]
		o.log.Reset()
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(10*b.N), "ns/delivery")
}
