package bootstrap

import (
	"context"
	"fmt"
	"runtime/debug"
	"sync"
)

// parallel is handler.Env.Parallel by goroutines. If a call panics, so does
// parallel, once all have ended: in a goroutine of its own the panic would end the process
// without Lambda being told what happened.
func parallel(ctx context.Context, n int, f func(ctx context.Context, i int)) {
	if n == 1 {
		f(ctx, 0)
		return
	}
	var (
		all   sync.WaitGroup
		once  sync.Once
		cause any
	)
	for i := range n {
		all.Add(1)
		go func() {
			returned := false
			defer all.Done()
			defer func() {
				if returned {
					return
				}
				v := recover()
				once.Do(func() {
					if v == nil {
						v = "runtime.Goexit was called" // as a failed test does
					}
					cause = &panicked{v, string(debug.Stack())}
				})
			}()
			f(ctx, i)
			returned = true
		}()
	}
	all.Wait()
	if cause != nil {
		panic(cause)
	}
}

// panicked is a panic of another goroutine, with that one's stack, since the
// stack of whoever recovers it does not show the culprit.
type panicked struct {
	value any
	stack string
}

func (p *panicked) Error() string { return fmt.Sprintf("%v\n\n%s", p.value, p.stack) }
