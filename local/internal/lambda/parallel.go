package lambda

import (
	"context"

	"github.com/orderflow-cdk/orderflow/local/internal/sim"
)

// Parallel calls f with 0 to n-1, each in a process of its own with a context of
// its own, and returns when all have ended. It is how an in-process handler
// waits for several things at once. ctx must be that of an in-process invocation.
//
// The processes end where they wait if the invocation does. The panic of one
// ends the others and goes on in the caller: it would have ended the function.
func Parallel(ctx context.Context, n int, f func(ctx context.Context, i int)) {
	parent := mustContextOf(ctx, "Parallel")
	if n == 1 {
		f(ctx, 0)
		return
	}
	var (
		running  = make([]*sim.Proc, 0, n)
		left     = n
		over     bool // nobody waits any more
		panicked bool
		value    any
	)
	defer func() {
		over = true
		for _, p := range running {
			p.Abort()
		}
	}()
	if n > 0 {
		parent.proc.Await(func(resume func()) {
			for i := 0; i < n && !panicked; i++ {
				running = append(running, parent.k.Go(func(p *sim.Proc) {
					defer func() {
						v := recover() // also while it is aborted: then nobody is left to tell
						if over {
							return
						}
						if v != nil {
							panicked, value = true, v
						}
						if left--; left == 0 || panicked {
							resume()
						}
					}()
					f(&simContext{Context: ctx, up: parent, k: parent.k, proc: p}, i)
				}))
			}
		})
	}
	if panicked {
		panic(value)
	}
}
