package handler_test

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"testing"

	"github.com/orderflow-cdk/orderflow/internal/handler"
)

// A recorded batch of 12 events, read and encoded for both channels, without the calls.
func BenchmarkNotifyEvents(b *testing.B) {
	in := event(b, stream)
	b.SetBytes(int64(len(in)))
	b.ReportAllocs()
	n := 0
	for b.Loop() {
		var err error
		if n, err = handler.ReadAndEncode(in); err != nil || n != 12 {
			b.Fatal(n, err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(n*b.N), "ns/event")
}

// hearing answers AppSync with an event, and SNS with success of every message of a batch.
type hearing struct{}

func (hearing) Do(r *http.Request) (*http.Response, error) {
	if _, err := io.Copy(io.Discard, r.Body); err != nil {
		return nil, err
	}
	body, kind := `{"data":{"publishOrderStatus":{"id":"x"}}}`, "application/json"
	if r.URL.Path != "/graphql" {
		kind, body = "text/xml", "<PublishBatchResponse><PublishBatchResult><Successful>"
		for _, id := range "0123456789" {
			body += "<member><Id>" + string(id) + "</Id></member>"
		}
		body += "</Successful></PublishBatchResult></PublishBatchResponse>"
	}
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{"Content-Type": {kind}}, Body: io.NopCloser(bytes.NewReader([]byte(body)))}, nil
}

// The same batch with the SDK's part of the calls, signatures included.
func BenchmarkNotify(b *testing.B) {
	env := quick(b)
	env.AWS.HTTPClient = hearing{}
	h, err := handler.NewNotify(env)
	if err != nil {
		b.Fatal(err)
	}
	in := event(b, stream)
	for b.Loop() {
		out, err := h.Invoke(context.Background(), in)
		if err != nil || string(out) != `{"batchItemFailures":[]}` {
			b.Fatal(string(out), err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(12*b.N), "ns/event")
}
