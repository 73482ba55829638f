package lambda

import (
	"context"
	"time"

	"github.com/aws/aws-lambda-go/lambdacontext"

	"github.com/orderflow-cdk/orderflow/local/internal/sim"
)

// invocationContext is the context of one invocation. Its deadline is in
// simulated time, and it ends when the kernel says so, never by the wall clock.
//
// A real cancelable context is embedded, so that contexts derived from it need
// no goroutine to watch it.
type invocationContext struct {
	context.Context
	cancel   context.CancelCauseFunc
	deadline time.Time
	err      error
	proc     *sim.Proc
}

type contextKey struct{}

func newContext(inv Invocation) *invocationContext {
	parent := lambdacontext.NewContext(context.Background(), &lambdacontext.LambdaContext{
		AwsRequestID:       inv.RequestID,
		InvokedFunctionArn: inv.FunctionARN,
	})
	// The key is aws-lambda-go's: a plain string.
	//lint:ignore SA1029 see above
	parent = context.WithValue(parent, "x-amzn-trace-id", inv.TraceID) //nolint:staticcheck // not ours to choose
	c := &invocationContext{deadline: inv.Deadline}
	c.Context, c.cancel = context.WithCancelCause(parent)
	return c
}

// Deadline is when the function times out, in simulated time.
func (c *invocationContext) Deadline() (time.Time, bool) { return c.deadline, true }

// Err implements context.Context.
func (c *invocationContext) Err() error {
	if c.err != nil {
		return c.err
	}
	return c.Context.Err()
}

// Value implements context.Context.
func (c *invocationContext) Value(key any) any {
	if key == (contextKey{}) {
		return c
	}
	return c.Context.Value(key)
}

func (c *invocationContext) end(err error) {
	if c.err == nil {
		c.err = err
		c.cancel(err)
	}
}

// ProcFrom returns the process that the invocation of a context runs in, or nil
// for a context that is not of an in-process invocation. An HTTP client that
// reaches the simulated services waits with its Await.
func ProcFrom(ctx context.Context) *sim.Proc {
	if c, ok := ctx.Value(contextKey{}).(*invocationContext); ok {
		return c.proc
	}
	return nil
}
