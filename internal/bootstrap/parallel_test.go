package bootstrap

import (
	"context"
	"fmt"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
)

func TestParallelIsAtTheSameTime(t *testing.T) {
	type key struct{}
	ctx := context.WithValue(t.Context(), key{}, "value")
	for _, n := range []int{0, 1, 10} {
		var met atomic.Int32
		all := make(chan struct{})
		seen := make([]atomic.Int32, n)
		parallel(ctx, n, func(ctx context.Context, i int) {
			seen[i].Add(1)
			if ctx.Value(key{}) != "value" {
				t.Error("another context")
			}
			if int(met.Add(1)) == n {
				close(all)
			}
			<-all // each waits for all: in turns, this would never end
		})
		for i := range seen {
			if seen[i].Load() != 1 {
				t.Errorf("of %d, call %d was made %d times", n, i, seen[i].Load())
			}
		}
	}
}

func TestParallelPanicsAfterAllHaveEnded(t *testing.T) {
	for name, fail := range map[string]func(){
		"panic":       func() { panic("no such thing") },
		"panic error": func() { panic(fmt.Errorf("no such thing")) },
	} {
		var ended atomic.Int32
		func() {
			defer func() {
				got := fmt.Sprint(recover())
				if !strings.HasPrefix(got, "no such thing\n") || !strings.Contains(got, "parallel_test.go") {
					t.Errorf("%s: panic with %s", name, got)
				}
			}()
			parallel(t.Context(), 10, func(_ context.Context, i int) {
				defer ended.Add(1)
				if i%3 == 0 {
					fail()
				}
				runtime.Gosched()
			})
			t.Errorf("%s: it returned", name)
		}()
		if ended.Load() != 10 {
			t.Errorf("%s: %d calls had ended", name, ended.Load())
		}
	}
}

func TestParallelDoesNotHangOnGoexit(t *testing.T) {
	defer func() {
		if got := fmt.Sprint(recover()); !strings.Contains(got, "Goexit") {
			t.Errorf("panic with %s", got)
		}
	}()
	parallel(t.Context(), 2, func(context.Context, int) { runtime.Goexit() })
	t.Error("it returned")
}
