package local

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/orderflow-cdk/orderflow/local/internal/lambda"
	"github.com/orderflow-cdk/orderflow/local/internal/sim"
)

// Hosts answers requests in process, by the host of their URL: the endpoints
// of customers, a payment provider. It is made for Options.Egress. A handler lets
// the stack's time pass with Sleep. In virtual time it must not call the stack
// otherwise, which stands still until it has answered: with the request's context
// Stack.Transport fails then. A receiver of a topic's HTTPS messages does call it, to confirm
// and for certificates, so that it needs Options.RealTime.
type Hosts map[string]http.Handler

// maxAnswer is how much of an answer a host can write, in bytes. Who asks reads less.
const maxAnswer = 1 << 20

// RoundTrip implements http.RoundTripper. A host that is not there fails as one
// that has no address.
func (h Hosts) RoundTrip(req *http.Request) (*http.Response, error) {
	host := strings.ToLower(req.URL.Hostname())
	handler, ok := h[host]
	if !ok {
		return nil, fmt.Errorf("lookup %s: no such host", host)
	}
	in := received(req)
	w := newRecorder()
	w.limit = maxAnswer
	handler.ServeHTTP(w, in)
	if err := req.Context().Err(); err != nil {
		return nil, err
	}
	return w.response(req), in.Body.Close()
}

// Sleep lets d of the stack's time pass for a handler of Hosts, or less if
// ctx, that of the request, ends: then its error is returned.
func Sleep(ctx context.Context, d time.Duration) error {
	if ctx.Value(outsideKey{}) == nil {
		return lambda.Sleep(ctx, d)
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

type outsideKey struct{}

// insideKey is the stack that stands still until a request of it is answered. A call of it
// meanwhile would wait for ever.
type insideKey struct{}

// outbound is how functions and topics reach what is not AWS. In virtual time
// a request is answered within the event that makes it, and takes as much of the stack's
// time as its answerer sleeps. In real time it is made outside the kernel, which
// goes on meanwhile.
type outbound struct {
	stack *Stack
	from  string // who asks: an ARN
}

// RoundTrip implements http.RoundTripper.
func (o outbound) RoundTrip(req *http.Request) (*http.Response, error) {
	if !o.stack.watching.Load() {
		return o.roundTrip(req)
	}
	return o.stack.observeHTTP(o.from, req, o.roundTrip)
}

func (o outbound) roundTrip(req *http.Request) (*http.Response, error) {
	o.stack.billOutside(o.from, req)
	egress := o.stack.opts.Egress
	if egress == nil {
		return nil, fmt.Errorf("local: the stack may not reach %s: no Egress was configured", req.URL.Host)
	}
	p := lambda.ProcFrom(req.Context())
	if !o.stack.opts.RealTime || p == nil {
		return egress.RoundTrip(req.WithContext(context.WithValue(req.Context(), insideKey{}, o.stack)))
	}
	var (
		res *http.Response
		err error
	)
	req = req.WithContext(context.WithValue(req.Context(), outsideKey{}, true))
	o.stack.outside(p, func() { res, err = egress.RoundTrip(req) }) //nolint:bodyclose // whoever asked closes it
	if err != nil {
		return nil, err
	}
	res.Body = outsideBody{res.Body, o.stack, p}
	return res, nil
}

// outside runs f in a goroutine of its own while p waits and the stack goes on.
func (s *Stack) outside(p *sim.Proc, f func()) {
	p.Await(func(resume func()) {
		s.abroad++
		s.release(func() {
			go func() {
				f()
				s.enter(func() {
					s.abroad--
					resume()
				})
			}()
		})
	})
}

// outsideBody is a body that arrives while the stack goes on.
type outsideBody struct {
	io.ReadCloser
	stack *Stack
	proc  *sim.Proc
}

// Read implements io.Reader.
func (b outsideBody) Read(p []byte) (n int, err error) {
	b.stack.outside(b.proc, func() { n, err = b.ReadCloser.Read(p) })
	return n, err
}

// post makes a request for a topic.
func (s *Stack) post(req *http.Request, timeout time.Duration, done func(*http.Response, error)) {
	topic := req.Header.Get("X-Amz-Sns-Topic-Arn")
	lambda.Background(s.kernel, func(ctx context.Context) {
		ctx, cancel := lambda.WithTimeout(ctx, timeout)
		defer cancel()
		done(outbound{s, topic}.RoundTrip(req.WithContext(ctx))) //nolint:bodyclose // the topic closes it
	})
}
