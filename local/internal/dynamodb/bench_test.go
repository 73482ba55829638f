package dynamodb_test

import (
	"fmt"
	"runtime"
	"testing"

	"github.com/orderflow-cdk/orderflow/local/internal/api"
)

// An item of about 500 bytes, as STATUS is.
const statusItem = `{"pk":{"S":"%s"},"sk":{"S":"STATUS"},"status":{"S":"RESERVED"},"sequence":{"N":"2"},"updatedAt":{"S":"2026-03-01T12:00:00.000Z"},"tenant":{"S":"acme-industries"},"orderId":{"S":"1772366400000-JKJaXmPLvHcESHA-YWNtZQ"},"createdAt":{"S":"2026-03-01T12:00:00.000Z"},"expires":{"N":"1780142400"},"history":{"L":[{"M":{"status":{"S":"ACCEPTED"},"at":{"S":"2026-03-01T12:00:00.000Z"},"sequence":{"N":"1"}}},{"M":{"status":{"S":"RESERVED"},"at":{"S":"2026-03-01T12:00:00.100Z"},"sequence":{"N":"2"}}}]}}`

func key(i int) string { return fmt.Sprintf("YWNtZQ#1772366400000-%07d-YWNtZQ", i) }

// bench runs b.N calls over the inputs in turn.
func bench(b *testing.B, w *world, action string, inputs []string) {
	b.Helper()
	raw := make([][]byte, len(inputs))
	for i, s := range inputs {
		raw[i] = []byte(s)
	}
	fail := func(_ []byte, err error) {
		if err != nil {
			b.Fatal(err)
		}
	}
	b.ReportAllocs()
	b.SetBytes(int64(len(raw[0])))
	for i := 0; b.Loop(); i++ {
		w.s.Do(api.Call{Service: "dynamodb", Action: action, Input: raw[i%len(raw)]}, fail)
	}
}

func each(n int, f func(i int) string) []string {
	out := make([]string, n)
	for i := range out {
		out[i] = f(i)
	}
	return out
}

const stored = 10_000

func filled(b *testing.B) *world {
	w := newWorld(b)
	for i := range stored {
		w.ok("PutItem", `{"TableName":"orders","Item":`+fmt.Sprintf(statusItem, key(i))+`}`)
	}
	return w
}

func BenchmarkGetItem(b *testing.B) {
	bench(b, filled(b), "GetItem", each(stored, func(i int) string {
		return `{"TableName":"orders","Key":{"pk":{"S":"` + key(i*7919%stored) + `"},"sk":{"S":"STATUS"}}}`
	}))
}

func BenchmarkPutItem(b *testing.B) {
	bench(b, newWorld(b), "PutItem", each(stored, func(i int) string {
		return `{"TableName":"orders","Item":` + fmt.Sprintf(statusItem, key(i*7919%stored)) + `}`
	}))
}

func BenchmarkUpdateItem(b *testing.B) {
	bench(b, filled(b), "UpdateItem", each(stored, func(i int) string {
		return `{"TableName":"orders","Key":{"pk":{"S":"` + key(i*7919%stored) + `"},"sk":{"S":"STATUS"}},` +
			`"UpdateExpression":"SET #s = :to, updatedAt = :at, history = list_append(:none, :entry) ADD #q :one",` +
			`"ConditionExpression":"#s IN (:from1, :from2) AND attribute_not_exists(cancelRequested)",` +
			`"ExpressionAttributeNames":{"#s":"status","#q":"sequence"},` +
			`"ExpressionAttributeValues":{":to":{"S":"RESERVED"},":at":{"S":"2026-03-01T12:00:01.000Z"},":none":{"L":[]},` +
			`":entry":{"L":[{"M":{"status":{"S":"PAID"},"at":{"S":"2026-03-01T12:00:01.000Z"},"sequence":{"N":"3"}}}]},` +
			`":one":{"N":"1"},":from1":{"S":"ACCEPTED"},":from2":{"S":"RESERVED"}}}`
	}))
}

func BenchmarkQuery(b *testing.B) {
	bench(b, filled(b), "Query", each(stored, func(i int) string {
		return `{"TableName":"orders","KeyConditionExpression":"pk = :pk","ExpressionAttributeValues":{":pk":{"S":"` + key(i*7919%stored) + `"}}}`
	}))
}

func BenchmarkTransactWriteItems(b *testing.B) {
	bench(b, filled(b), "TransactWriteItems", each(stored, func(i int) string {
		return `{"TransactItems":[{"Put":{"TableName":"plain","Item":{"id":{"S":"r` + key(i) + `"},"quantity":{"N":"2"}}}},` +
			`{"Update":{"TableName":"plain","Key":{"id":{"S":"sku-` + fmt.Sprint(i%100) + `"}},"UpdateExpression":"ADD reserved :n","ConditionExpression":"attribute_not_exists(gone)","ExpressionAttributeValues":{":n":{"N":"2"}}}}]}`
	}))
}

// BenchmarkStoredItem stores an item of about 500 bytes in each iteration and
// reports the memory that an item takes.
func BenchmarkStoredItem(b *testing.B) {
	var before, after runtime.MemStats
	w := newWorld(b)
	runtime.GC()
	runtime.ReadMemStats(&before)
	n := 0
	for ; b.Loop(); n++ {
		w.ok("PutItem", `{"TableName":"orders","Item":`+fmt.Sprintf(statusItem, key(n))+`}`)
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/float64(n), "B/item")
	runtime.KeepAlive(w)
}

// BenchmarkRecords makes the records of 10,000 items that were written since the last commit, and of
// the stream's records of them: how long a commit of a store takes before it writes.
func BenchmarkRecords(b *testing.B) {
	w := newWorld(b)
	changed := map[string]struct{}{}
	w.s.Watch(func(key string) { changed[key] = struct{}{} })
	for i := range stored {
		w.ok("PutItem", `{"TableName":"orders","Item":`+fmt.Sprintf(statusItem, key(i))+`}`)
	}
	b.ReportAllocs()
	for b.Loop() {
		bytes := 0
		for key := range changed {
			r, ok := w.s.Record(key)
			if !ok {
				b.Fatal(key)
			}
			bytes += len(r)
		}
		b.SetBytes(int64(bytes))
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*stored), "ns/item")
}

// BenchmarkWatchedPutItem is BenchmarkPutItem with somebody who watches.
func BenchmarkWatchedPutItem(b *testing.B) {
	w := newWorld(b)
	changed := map[string]struct{}{}
	w.s.Watch(func(key string) {
		if len(changed) > 1000 {
			clear(changed)
		}
		changed[key] = struct{}{}
	})
	bench(b, w, "PutItem", each(stored, func(i int) string {
		return `{"TableName":"orders","Item":` + fmt.Sprintf(statusItem, key(i*7919%stored)) + `}`
	}))
}

// BenchmarkRestore goes on from the records of 10,000 items and of the stream.
func BenchmarkRestore(b *testing.B) {
	w := filled(b)
	records := map[string][]byte{}
	for _, key := range w.s.Keys() {
		records[key], _ = w.s.Record(key)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := newWorld(b).s.Restore(records); err != nil {
			b.Fatal(err)
		}
	}
}
