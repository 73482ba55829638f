package lambda

import (
	"context"

	"github.com/orderflow-cdk/orderflow/local/internal/sim"
)

// Background runs f in a process of its own, outside any invocation, with a
// context for which WithTimeout, Sleep, Await and ProcFrom work. It returns when f
// first waits or returns.
func Background(k *sim.Kernel, f func(ctx context.Context)) {
	k.Go(func(p *sim.Proc) {
		ctx := &simContext{k: k, proc: p}
		ctx.Context, ctx.cancel = context.WithCancelCause(context.Background())
		defer ctx.end(context.Canceled)
		f(ctx)
	})
}
