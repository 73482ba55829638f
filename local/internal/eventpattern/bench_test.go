package eventpattern_test

import (
	"testing"

	"github.com/orderflow-cdk/orderflow/local/internal/eventpattern"
)

// BenchmarkMatch is the filter of the notifier on a record of the orders table.
func BenchmarkMatch(b *testing.B) {
	p, err := eventpattern.CompileLambda([]byte(`{"eventName":["INSERT","MODIFY"],"dynamodb":{"Keys":{"sk":{"S":["STATUS"]}},"NewImage":{"status":{"S":[{"exists":true}]}}}}`))
	if err != nil {
		b.Fatal(err)
	}
	image := `{"createdAt":{"N":"1772366400000"},"history":{"L":[{"M":{"at":{"N":"1772366400000"},"status":{"S":"ACCEPTED"}}},{"M":{"at":{"N":"1772366401000"},"status":{"S":"RESERVED"}}}]},"orderId":{"S":"1772366400000-abcdefghijklmnop-YWNtZQ"},"pk":{"S":"YWNtZQ#1772366400000-abcdefghijklmnop-YWNtZQ"},"sequence":{"N":"2"},"sk":{"S":"STATUS"},"status":{"S":"RESERVED"},"tenant":{"S":"acme"},"updatedAt":{"N":"1772366401000"}}`
	record := []byte(`{"eventID":"0123456789abcdef0123456789abcdef","eventName":"MODIFY","eventVersion":"1.1","eventSource":"aws:dynamodb","awsRegion":"eu-west-1","dynamodb":{"ApproximateCreationDateTime":1772366400,"Keys":{"pk":{"S":"YWNtZQ#1772366400000-abcdefghijklmnop-YWNtZQ"},"sk":{"S":"STATUS"}},"NewImage":` + image + `,"OldImage":` + image + `,"SequenceNumber":"100000000000000000100000","SizeBytes":700,"StreamViewType":"NEW_AND_OLD_IMAGES"},"eventSourceARN":"arn:aws:dynamodb:eu-west-1:123456789012:table/orders/stream/2026-03-01T12:00:00.000"}`)
	b.SetBytes(int64(len(record)))
	b.ReportAllocs()
	for b.Loop() {
		if !p.Match(record) {
			b.Fatal("no match")
		}
	}
}
