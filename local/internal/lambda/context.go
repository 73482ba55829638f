package lambda

import (
	"context"
	"slices"
	"time"

	"github.com/aws/aws-lambda-go/lambdacontext"

	"github.com/orderflow-cdk/orderflow/local/internal/sim"
)

// simContext is a context of the simulation: that of an invocation, one that
// WithTimeout made, or that of a process that Parallel started. Deadlines are in
// simulated time, and a context ends when the kernel says so, never by the wall
// clock.
//
// A context of package context is embedded, so that contexts derived from it
// need no goroutine to watch it. One thing shows: a context derived from one
// that timed out says Canceled in Err, and DeadlineExceeded only in context.Cause.
type simContext struct {
	context.Context
	cancel   context.CancelCauseFunc // nil if it ends only with its parent
	deadline time.Time               // zero: that of the parent
	up       *simContext             // the nearest such context that it derives from
	k        *sim.Kernel
	proc     *sim.Proc
	hooks    []*func() // called when it ends, in order
}

type contextKey struct{}

// newContext makes the context of an invocation. Its process is set when there is one.
func newContext(inv Invocation) *simContext {
	parent := lambdacontext.NewContext(context.Background(), &lambdacontext.LambdaContext{
		AwsRequestID:       inv.RequestID,
		InvokedFunctionArn: inv.FunctionARN,
	})
	// The key is aws-lambda-go's: a plain string.
	//lint:ignore SA1029 see above
	parent = context.WithValue(parent, "x-amzn-trace-id", inv.TraceID) //nolint:staticcheck // not ours to choose
	c := &simContext{deadline: inv.Deadline, k: inv.Kernel}
	c.Context, c.cancel = context.WithCancelCause(parent)
	return c
}

// Deadline is when the context ends, in simulated time.
func (c *simContext) Deadline() (time.Time, bool) {
	if c.deadline.IsZero() {
		return c.Context.Deadline()
	}
	return c.deadline, true
}

// Err implements context.Context.
func (c *simContext) Err() error {
	err := c.Context.Err()
	if err != nil && context.Cause(c.Context) == context.DeadlineExceeded { //nolint:errorlint // set by end, never wrapped
		return context.DeadlineExceeded
	}
	return err
}

// Value implements context.Context.
func (c *simContext) Value(key any) any {
	if key == (contextKey{}) {
		return c
	}
	return c.Context.Value(key)
}

// end ends the context, and with it all that derive from it.
func (c *simContext) end(err error) {
	c.cancel(err)
	hooks := c.hooks
	c.hooks = nil
	for _, f := range hooks {
		(*f)()
	}
}

// onEnd calls f when the context ends or one that it derives from; remove
// takes that back.
func (c *simContext) onEnd(f func()) (remove func()) {
	for n := c; n != nil; n = n.up {
		n.hooks = append(n.hooks, &f)
	}
	return func() {
		for n := c; n != nil; n = n.up {
			n.hooks = slices.DeleteFunc(n.hooks, func(g *func()) bool { return g == &f })
		}
	}
}

// contextOf returns the context of the simulation that ctx derives from, or nil.
func contextOf(ctx context.Context) *simContext {
	c, _ := ctx.Value(contextKey{}).(*simContext)
	return c
}

// mustContextOf is contextOf for functions that make no sense outside a process.
func mustContextOf(ctx context.Context, caller string) *simContext {
	c := contextOf(ctx)
	if c == nil || c.proc == nil {
		panic("lambda: " + caller + " needs the context that the handler was given")
	}
	return c
}

// ProcFrom returns the process that the invocation of a context runs in, or nil
// for a context that is not of an in-process invocation. An HTTP client that
// reaches the simulated services waits with its Await.
func ProcFrom(ctx context.Context) *sim.Proc {
	if c := contextOf(ctx); c != nil {
		return c.proc
	}
	return nil
}

// WithTimeout is context.WithTimeout in simulated time: the context ends d from
// now with DeadlineExceeded. ctx must be that of an in-process invocation.
func WithTimeout(ctx context.Context, d time.Duration) (context.Context, context.CancelFunc) {
	up := mustContextOf(ctx, "WithTimeout")
	c := &simContext{up: up, k: up.k, proc: up.proc, deadline: up.k.Now().Add(d)}
	c.Context, c.cancel = context.WithCancelCause(ctx)
	if parent, ok := ctx.Deadline(); ok && parent.Before(c.deadline) {
		c.deadline = parent
	}
	if d <= 0 {
		c.end(context.DeadlineExceeded)
		return c, func() {}
	}
	var remove func()
	timer := c.k.After(d, func() {
		remove()
		c.end(context.DeadlineExceeded)
	})
	// The timer must not outlive the invocation: it would keep the kernel busy.
	remove = up.onEnd(timer.Cancel)
	return c, func() {
		timer.Cancel()
		remove()
		c.end(context.Canceled)
	}
}

// Await hands control back to the kernel until resume is called, which start
// arranges for, or until ctx ends; then it returns ctx.Err(). What ends it early
// is a context of WithTimeout or the invocation's own; one that package context
// made is looked at only afterwards.
func Await(ctx context.Context, start func(resume func())) error {
	c := mustContextOf(ctx, "Await")
	if err := ctx.Err(); err != nil {
		return err
	}
	remove := func() {}
	defer func() { remove() }() // also if the process is aborted
	c.proc.Await(func(resume func()) {
		remove = c.onEnd(resume)
		start(resume)
	})
	return ctx.Err()
}

// Sleep lets d of simulated time pass. It returns early, with ctx.Err(), as Await does.
func Sleep(ctx context.Context, d time.Duration) error {
	var timer *sim.Event
	defer func() { timer.Cancel() }()
	return Await(ctx, func(resume func()) {
		timer = mustContextOf(ctx, "Sleep").k.After(d, resume)
	})
}
