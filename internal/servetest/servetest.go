// Package servetest runs stacks in real time for tests, where clients and processes reach them.
package servetest

import (
	"bytes"
	"cmp"
	"context"
	"net"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/orderflow-cdk/orderflow/local"
)

// Start opens a stack, which is given the URL where it will be served as Options.Endpoint, and runs and serves it until the test
// ends. The address is the one to listen at; "" is a free port of this machine.
func Start(t testing.TB, address string, open func(url string) (*local.Stack, error)) (s *local.Stack, url string) {
	t.Helper()
	l, err := net.Listen("tcp", cmp.Or(address, "127.0.0.1:0"))
	if err != nil {
		t.Fatal(err)
	}
	url = "http://" + l.Addr().String()
	if s, err = open(url); err != nil {
		_ = l.Close()
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	server := &http.Server{Handler: s, ReadHeaderTimeout: time.Minute}
	var running sync.WaitGroup
	running.Go(func() { _ = s.Run(ctx) })      // until cancel
	running.Go(func() { _ = server.Serve(l) }) // until Close
	t.Cleanup(func() {
		cancel()
		s.Close()
		_ = server.Close()
		running.Wait()
	})
	return s, url
}

// Output is what others write, readable meanwhile.
type Output struct {
	mu sync.Mutex
	b  bytes.Buffer
}

// Write implements io.Writer.
func (o *Output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.Write(p)
}

// String returns all of it so far.
func (o *Output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.String()
}
