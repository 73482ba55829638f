package handler_test

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"slices"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/orderflow-cdk/orderflow/internal/awstest"
	"github.com/orderflow-cdk/orderflow/internal/handler"
)

// willing answers every call at once with success.
type willing struct{ header http.Header }

var _ aws.HTTPClient = willing{}

func (w willing) Do(r *http.Request) (*http.Response, error) {
	if _, err := io.Copy(io.Discard, r.Body); err != nil {
		return nil, err
	}
	return &http.Response{StatusCode: http.StatusOK, Header: w.header, Body: io.NopCloser(bytes.NewReader([]byte(`{"startDate":1}`)))}, nil
}

func quick(b *testing.B) handler.Env {
	cfg := awstest.New().Config()
	cfg.HTTPClient = willing{http.Header{"Content-Type": {"application/x-amz-json-1.0"}}}
	b.ReportAllocs()
	return handler.Env{
		Getenv: func(name string) string { return environment[name] }, AWS: cfg, Now: now, Log: io.Discard,
		Parallel: oneAfterTheOther, WithTimeout: context.WithTimeout,
	}
}

// A full batch of 10 new orders: 30 calls of AWS, whose answers cost nothing.
func BenchmarkIntakeBatchOf10(b *testing.B) {
	h, err := handler.NewIntake(quick(b))
	if err != nil {
		b.Fatal(err)
	}
	payload := event(b, "sqs-batch-of-10.json")
	for b.Loop() {
		if _, err := h.Invoke(b.Context(), payload); err != nil {
			b.Fatal(err)
		}
	}
	messages := float64(10 * b.N)
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/messages, "ns/message")
}

func BenchmarkSteps(b *testing.B) {
	for _, f := range handler.Functions() {
		if !slices.Contains([]string{handler.Reserve, handler.Charge, handler.Ship}, f.Name) {
			continue
		}
		b.Run(f.Name, func(b *testing.B) {
			h, err := f.New(quick(b))
			if err != nil {
				b.Fatal(err)
			}
			in := document(f.Name, "tok_visa", `{"Reserve":{"skus":2,"units":3}}`)
			for b.Loop() {
				if _, err := h.Invoke(b.Context(), in); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
