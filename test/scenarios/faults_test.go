package scenarios_test

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/orderflow-cdk/orderflow/internal/localapp"
	"github.com/orderflow-cdk/orderflow/local"
)

// fault is what befalls one function at its n-th call of a service, counted
// within the invocation; n = 0 is before it does anything.
type fault struct {
	function string
	after    int
	kind     kind
	// invocations is how many invocations it befalls; -1 is all of them.
	invocations int

	hits int // invocations that it has befallen
}

type kind string

const (
	// The call has had its effect, and then the function …
	crash kind = "crash"
	hang  kind = "hang" // … until its timeout
	// The function goes on, with the answer 500 to a call that …
	refused kind = "refused" // … has no effect
	lost    kind = "lost"    // … has had its effect
	// The call has no effect, and the answer is one after which the SDK does
	// not try again.
	denied kind = "denied"
)

var kinds = []kind{crash, hang, refused, lost, denied}

// functions are the app's, with the fault.
func (f *fault) functions() map[string]local.NewFunction {
	return wrapped(f.function, f.wrap)
}

func (f *fault) wrap(code local.NewFunction) local.NewFunction {
	return func(r local.Runtime) (local.Handler, error) {
		i := &invocation{fault: f}
		var err error
		i.handler, err = code(meddled(r, i.call))
		return i, err
	}
}

// invocation counts the calls of the invocation under way in one execution environment.
type invocation struct {
	*fault
	handler local.Handler
	calls   int
}

// Invoke implements local.Handler.
func (i *invocation) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	i.calls = 0
	if i.after == 0 && i.strikes() {
		i.end(ctx)
	}
	return i.handler.Invoke(ctx, payload)
}

func (i *invocation) call(a act, do func() (*http.Response, error)) (*http.Response, error) {
	if i.calls++; i.calls != i.after || !i.strikes() {
		return do()
	}
	if i.kind == refused || i.kind == denied {
		if err := local.Sleep(a.req.Context(), 15*time.Millisecond); err != nil {
			return nil, err
		}
	} else if _, err := do(); err != nil {
		return nil, err
	}
	switch i.kind {
	case crash, hang:
		i.end(a.req.Context())
	case denied:
		return refusing(a, http.StatusBadRequest, "AccessDeniedException"), nil
	}
	return refusing(a, http.StatusInternalServerError, "InternalServerError"), nil
}

// strikes reports whether this invocation is to be befallen, and counts it.
func (i *invocation) strikes() bool {
	if i.invocations >= 0 && i.hits >= i.invocations {
		return false
	}
	i.hits++
	return true
}

func (i *invocation) end(ctx context.Context) {
	if i.kind == hang {
		_ = local.Sleep(ctx, time.Hour) // more than any timeout
	}
	panic("the fault that the test is about")
}

// ledger is a payment provider that remembers what it was made to do.
type ledger struct {
	provider         http.RoundTripper
	charges, refunds int
}

func newLedger() *ledger { return &ledger{provider: localapp.PaymentProvider()} }

// RoundTrip implements http.RoundTripper.
func (l *ledger) RoundTrip(req *http.Request) (*http.Response, error) {
	res, err := l.provider.RoundTrip(req)
	if err == nil && res.StatusCode == http.StatusCreated {
		if strings.HasSuffix(req.URL.Path, "/refunds") {
			l.refunds++
		} else {
			l.charges++
		}
	}
	return res, err
}
