package handler_test

import (
	"bytes"
	"context"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"github.com/orderflow-cdk/orderflow/internal/awstest"
	"github.com/orderflow-cdk/orderflow/internal/egress"
	"github.com/orderflow-cdk/orderflow/internal/handler"
)

func atOnce(ctx context.Context, n int, f func(context.Context, int)) {
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() { f(ctx, i) })
	}
	all.Wait()
}

// overTheWire makes the function talk to real listeners, in real time, with attempts that take
// at most timeout.
func overTheWire(t testing.TB, timeout time.Duration, o egress.Options) *outpost {
	t.Helper()
	out := &outpost{Server: awstest.New(), t: t}
	out.Now = time.Now
	out.clock = time.Now()
	var err error
	out.handler, err = handler.NewDeliverWebhook(handler.Env{
		Getenv: func(name string) string { return deliverEnvironment[name] },
		AWS:    out.Locked(), Now: time.Now, Log: &out.log, Parallel: atOnce, Public: egress.NewClient(o),
		WithTimeout: func(ctx context.Context, d time.Duration) (context.Context, context.CancelFunc) {
			if d != 15*time.Second {
				t.Errorf("an attempt may take %v", d)
			}
			return context.WithTimeout(ctx, timeout)
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// invoke hands the function all that is in the queue and returns the failed messages.
func (o *outpost) invoke() []events.SQSBatchItemFailure {
	o.t.Helper()
	in, err := json.Marshal(o.Receive(deliveries, 10, 3*time.Minute))
	if err != nil {
		o.t.Fatal(err)
	}
	out, err := o.handler.Invoke(o.t.Context(), in)
	if err != nil {
		o.t.Fatal(err)
	}
	var r events.SQSEventResponse
	if err := json.Unmarshal(out, &r); err != nil {
		o.t.Fatal(err)
	}
	return r.BatchItemFailures
}

func lastError(it awstest.Item) string {
	m, _ := it["lastFailure"].(map[string]any)
	f, _ := m["M"].(awstest.Item)
	return awstest.Text(f, "error")
}

// The hostile list of a tenant, in one batch with somebody whose endpoint is healthy.
func TestDeliverToHostileEndpoints(t *testing.T) {
	var written, served, reached atomic.Int64
	silence := make(chan struct{})
	var healthyAt time.Time
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/healthy":
			healthyAt = time.Now()
			served.Add(1)
		case "/redirect":
			http.Redirect(w, r, "https://169.254.169.254/latest/meta-data/", http.StatusFound)
		case "/redirect-here":
			http.Redirect(w, r, "/reached", http.StatusTemporaryRedirect)
		case "/reached":
			reached.Add(1)
		case "/silence":
			<-silence
		case "/endless":
			chunk := bytes.Repeat([]byte("x"), 64<<10)
			for range 5 << 30 / len(chunk) {
				n, err := w.Write(chunk)
				if written.Add(int64(n)); err != nil {
					return
				}
			}
		case "/gone":
			w.WriteHeader(http.StatusGone)
		case "/broken":
			w.WriteHeader(http.StatusInternalServerError)
			_, _ = io.WriteString(w, "a secret of theirs")
		}
	}))
	defer server.Close()
	defer close(silence)
	roots := x509.NewCertPool()
	roots.AddCert(server.Certificate())
	const timeout = 2 * time.Second
	o := overTheWire(t, timeout, egress.Options{RootCAs: roots, Allow: func(a netip.Addr) bool { return a.IsLoopback() }})
	paths := []string{"redirect", "redirect-here", "silence", "endless", "gone", "broken", "healthy"}
	for _, path := range paths {
		o.endpoint("we_"+path, "url", awstest.S(server.URL+"/"+path))
		o.enqueue("we_"+path, paidEvent(eventID))
	}
	o.endpoint("we_metadata", "url", awstest.S("https://169.254.169.254/latest/meta-data/"))
	o.enqueue("we_metadata", paidEvent(eventID))
	began := time.Now()
	waiting := o.invoke()
	if took := time.Since(began); took > timeout+2*time.Second {
		t.Errorf("the batch took %v", took)
	}
	if served.Load() != 1 || healthyAt.Sub(began) > time.Second {
		t.Errorf("the healthy endpoint was served %d times, after %v", served.Load(), healthyAt.Sub(began))
	}
	if reached.Load() != 0 {
		t.Error("a redirect was followed")
	}
	// What the sockets hold in between was written as well.
	if n := written.Load(); n == 0 || n > 32<<20 {
		t.Errorf("%d bytes of the endless answer were taken", n)
	}
	if len(waiting) != 5 { // both redirects, silence, 500, the metadata service
		t.Errorf("waiting: %v", waiting)
	}
	for id, want := range map[string]string{
		"redirect": "HTTP 302: redirects are not followed", "redirect-here": "HTTP 307: redirects are not followed", "silence": "no answer within 15 seconds",
		"gone": "HTTP 410", "broken": "HTTP 500", "healthy": "", "endless": "",
		"metadata": "the URL or the address of its host is not one of the public internet",
	} {
		if got := lastError(o.state("we_" + id)); got != want {
			t.Errorf("%s: %q, want %q", id, got, want)
		}
	}
	if awstest.Text(o.state("we_gone"), "disabledReason") != "Gone" || len(o.Queues[deadLetters]) != 1 {
		t.Error("410 does not disable")
	}
	for _, secret := range []string{"a secret of theirs", server.URL, "meta-data", oldSecret} {
		if strings.Contains(o.log.String(), secret) {
			t.Errorf("the log has %q", secret)
		}
	}
}

// Without Allow: the same listeners, by every form of their address.
func TestDeliverToThisMachine(t *testing.T) {
	var reached atomic.Int64
	server := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached.Add(1) }))
	defer server.Close()
	roots := x509.NewCertPool()
	roots.AddCert(server.Certificate())
	o := overTheWire(t, 5*time.Second, egress.Options{RootCAs: roots})
	port := server.URL[strings.LastIndexByte(server.URL, ':'):]
	for i, host := range []string{"127.0.0.1", "localhost", "[::1]", "[::ffff:127.0.0.1]", "[64:ff9b::127.0.0.1]", "0.0.0.0", "[::]"} {
		id := fmt.Sprintf("we_%d", i)
		o.endpoint(id, "url", awstest.S("https://"+host+port))
		o.enqueue(id, paidEvent(eventID))
	}
	if waiting := o.invoke(); len(waiting) != 7 || reached.Load() != 0 {
		t.Errorf("%d wait, %d requests came through", len(waiting), reached.Load())
	}
	for i := range 7 {
		if got := lastError(o.state(fmt.Sprintf("we_%d", i))); !strings.Contains(got, "public internet") {
			t.Errorf("%d: %s", i, got)
		}
	}
}

// A short body that never comes is no answer; one of unknown length is not waited for.
func TestDeliverDoesNotWaitForBodies(t *testing.T) {
	stop := make(chan struct{})
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/announced" {
			w.Header().Set("Content-Length", "10")
		}
		w.WriteHeader(http.StatusOK)
		_ = http.NewResponseController(w).Flush() // the client may be gone
		<-stop
	}))
	defer server.Close()
	defer close(stop)
	roots := x509.NewCertPool()
	roots.AddCert(server.Certificate())
	o := overTheWire(t, time.Second, egress.Options{RootCAs: roots, Allow: func(netip.Addr) bool { return true }})
	for _, path := range []string{"announced", "open"} {
		o.endpoint("we_"+path, "url", awstest.S(server.URL+"/"+path))
		o.enqueue("we_"+path, paidEvent(eventID))
	}
	if waiting := o.invoke(); len(waiting) != 1 || lastError(o.state("we_open")) != "" || lastError(o.state("we_announced")) != "no answer within 15 seconds" {
		t.Errorf("waiting %v, announced: %q, open: %q", waiting, lastError(o.state("we_announced")), lastError(o.state("we_open")))
	}
}

// When it is the invocation that ends, nobody is blamed.
func TestDeliverEndsWithItsInvocation(t *testing.T) {
	o := newOutpost(t)
	o.endpoint("we_a")
	o.enqueue("we_a", paidEvent(eventID))
	ctx, cancel := context.WithCancel(t.Context())
	o.answer = func(post) (*http.Response, error) { cancel(); return nil, errors.New("canceled") }
	in, err := json.Marshal(o.Receive(deliveries, 10, time.Minute))
	if err != nil {
		t.Fatal(err)
	}
	if out, err := o.handler.Invoke(ctx, in); err != nil || !strings.Contains(string(out), "m-0000") {
		t.Errorf("%s, %v", out, err)
	}
	if _, blamed := o.state("we_a")["failures"]; blamed {
		t.Error("the endpoint is blamed")
	}
}
