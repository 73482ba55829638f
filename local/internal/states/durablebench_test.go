package states_test

import (
	"testing"

	"github.com/orderflow-cdk/orderflow/local/internal/api"
)

// BenchmarkSagaKept is BenchmarkSaga with a store that takes the changed records after each event of the
// kernel, which is more often than a stack commits.
func BenchmarkSagaKept(b *testing.B) {
	k, s, sm := sagaService(b)
	dirty := map[string]bool{}
	s.Watch(func(key string) { dirty[key] = true })
	in := mustJSON(map[string]any{"stateMachineArn": sm.ARN, "input": order})
	commits, records, bytes := 0, 0, 0
	b.ReportAllocs()
	for b.Loop() {
		s.Do(api.Call{Action: "StartExecution", Input: in}, func(_ []byte, err error) {
			if err != nil {
				b.Fatal(err)
			}
		})
		for k.Step() {
			commits++
			for key := range dirty {
				r, _ := s.Record(key)
				records++
				bytes += len(r)
			}
			clear(dirty)
		}
	}
	b.ReportMetric(float64(commits)/float64(b.N), "commits/op")
	b.ReportMetric(float64(records)/float64(b.N), "records/op")
	b.ReportMetric(float64(bytes)/1024/float64(b.N), "KiB/op")
}
