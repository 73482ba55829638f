package runtimeapi_test

import (
	"os"
	"testing"
	"time"

	"github.com/orderflow-cdk/orderflow/local/internal/runtimeapi"
)

// BenchmarkWarm is an invocation of a function that does nothing, by aws-lambda-go.
func BenchmarkWarm(b *testing.B) {
	e := benchEnvironment()
	defer func() { _ = e.Close() }()
	benchInvoke(b, e)
	b.ResetTimer()
	for b.Loop() {
		benchInvoke(b, e)
	}
}

// BenchmarkCold is the first invocation of a function that does nothing, with the start of its process: that of this test binary.
func BenchmarkCold(b *testing.B) {
	for b.Loop() {
		e := benchEnvironment()
		benchInvoke(b, e)
		_ = e.Close()
	}
}

func benchEnvironment() *runtimeapi.Environment {
	return runtimeapi.New(runtimeapi.Config{Bootstrap: os.Args[0], TaskRoot: ".", Environ: []string{behaviour + "="}})
}

func benchInvoke(b *testing.B, e *runtimeapi.Environment) {
	b.Helper()
	done := make(chan runtimeapi.Result, 1)
	e.Invoke(runtimeapi.Invocation{RequestID: "1", Payload: []byte(`{}`), Timeout: time.Minute, Done: func(r runtimeapi.Result) { done <- r }})
	if r := <-done; r.Err != nil {
		b.Fatal(r.Err)
	}
}
