package lambda_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	golambda "github.com/aws/aws-lambda-go/lambda"
	"github.com/google/go-cmp/cmp"

	"github.com/orderflow-cdk/orderflow/local/internal/api"
	"github.com/orderflow-cdk/orderflow/local/internal/lambda"
	"github.com/orderflow-cdk/orderflow/local/internal/sim"
)

// inProcess runs handle once as a function with a timeout of 10 s, until
// nothing is left to happen, and returns the answer.
func inProcess(t *testing.T, handle func(ctx context.Context, note func(string, ...any)) error) (answer string, notes []string) {
	t.Helper()
	k := sim.New(start, 1)
	t.Cleanup(k.Close)
	s := lambda.NewService(k, "eu-central-1", "111122223333")
	note := func(format string, args ...any) {
		notes = append(notes, fmt.Sprintf("%s %s", k.Now().Sub(start), fmt.Sprintf(format, args...)))
	}
	if _, err := s.CreateFunction("f", lambda.FunctionProperties{Timeout: num(10)}, lambda.InProcess(func(lambda.Init) (lambda.Handler, error) {
		return golambda.NewHandler(func(ctx context.Context) error { return handle(ctx, note) }), nil
	})); err != nil {
		t.Fatal(err)
	}
	s.Do(api.Call{Action: "Invoke", Input: []byte(`{"FunctionName":"f"}`)}, func(out []byte, err error) {
		answer = string(out)
		note("answered, %v", err)
	})
	for k.Step() {
	}
	return answer, notes
}

func TestParallelWaitsForAll(t *testing.T) {
	_, notes := inProcess(t, func(ctx context.Context, note func(string, ...any)) error {
		procs := map[*sim.Proc]bool{lambda.ProcFrom(ctx): true}
		lambda.Parallel(ctx, 3, func(ctx context.Context, i int) {
			procs[lambda.ProcFrom(ctx)] = true
			note("%d begins", i)
			if i == 1 {
				return
			}
			if err := lambda.Sleep(ctx, time.Duration(3-i)*time.Second); err != nil {
				t.Error(err)
			}
			lambda.Parallel(ctx, 2, func(ctx context.Context, j int) {
				procs[lambda.ProcFrom(ctx)] = true
				lambda.ProcFrom(ctx).Sleep(time.Duration(j) * time.Second)
				note("%d.%d ends", i, j)
			})
		})
		if len(procs) != 8 {
			t.Errorf("%d processes, want 8", len(procs))
		}
		lambda.Parallel(ctx, 0, nil)
		lambda.Parallel(ctx, 1, func(_ context.Context, i int) { note("one: %d", i) })
		lambda.Parallel(ctx, 2, func(_ context.Context, i int) { note("does not wait: %d", i) })
		return nil
	})
	want := []string{
		"0s 0 begins", "0s 1 begins", "0s 2 begins",
		"1s 2.0 ends", "2s 2.1 ends", "3s 0.0 ends", "4s 0.1 ends",
		"4s one: 0", "4s does not wait: 0", "4s does not wait: 1", "4s answered, <nil>",
	}
	if diff := cmp.Diff(want, notes); diff != "" {
		t.Error(diff)
	}
}

func TestTimeoutEndsParallelProcesses(t *testing.T) {
	answer, notes := inProcess(t, func(ctx context.Context, note func(string, ...any)) error {
		defer note("parent ends")
		lambda.Parallel(ctx, 3, func(ctx context.Context, i int) {
			defer note("%d ends", i)
			if i == 0 {
				return
			}
			if deadline, ok := ctx.Deadline(); !ok || deadline.Sub(start) != 10*time.Second {
				t.Errorf("deadline %s, %v", deadline, ok)
			}
			lambda.Parallel(ctx, 2, func(ctx context.Context, j int) {
				defer note("%d.%d ends: %v", i, j, ctx.Err())
				lambda.ProcFrom(ctx).Sleep(time.Hour)
				t.Error("went on after the timeout")
			})
		})
		return nil
	})
	if !strings.Contains(answer, "timed out after 10.00 seconds") {
		t.Error(answer)
	}
	want := []string{
		"0s 0 ends",
		"10s 1.0 ends: <nil>", "10s 1.1 ends: <nil>", "10s 1 ends", "10s 2.0 ends: <nil>", "10s 2.1 ends: <nil>", "10s 2 ends", "10s parent ends",
		"10s answered, <nil>",
	}
	if diff := cmp.Diff(want, notes[:len(want)]); diff != "" {
		t.Error(diff)
	}
}

func TestPanicInOneOfParallel(t *testing.T) {
	answer, notes := inProcess(t, func(ctx context.Context, note func(string, ...any)) error {
		lambda.Parallel(ctx, 3, func(ctx context.Context, i int) {
			defer note("%d ends", i)
			if err := lambda.Sleep(ctx, time.Duration(i)*time.Second); err != nil {
				t.Error(err)
			}
			if i == 1 {
				panic(OutOfStock{"x"})
			}
		})
		return nil
	})
	if !strings.Contains(answer, `"errorType":"OutOfStock"`) {
		t.Error(answer)
	}
	if diff := cmp.Diff([]string{"0s 0 ends", "1s 1 ends", "1s 2 ends", "1s answered, <nil>"}, notes); diff != "" {
		t.Error(diff)
	}
	answer, notes = inProcess(t, func(ctx context.Context, note func(string, ...any)) error {
		lambda.Parallel(ctx, 2, func(_ context.Context, i int) { note("%d", i); panic("at once") })
		return nil
	})
	if !strings.Contains(answer, `"errorMessage":"at once"`) {
		t.Error(answer)
	}
	if diff := cmp.Diff([]string{"0s 0", "0s answered, <nil>"}, notes); diff != "" {
		t.Error(diff)
	}
}

func TestWithTimeout(t *testing.T) {
	_, notes := inProcess(t, func(ctx context.Context, note func(string, ...any)) error {
		check := func(what string, ctx context.Context, err, want error) {
			t.Helper()
			if !errors.Is(err, want) || want != nil && !errors.Is(ctx.Err(), want) {
				t.Errorf("%s: got %v, the context says %v, want %v", what, err, ctx.Err(), want)
			}
			note("%s", what)
		}
		outer, cancelOuter := lambda.WithTimeout(ctx, 3*time.Second)
		defer cancelOuter()
		inner, cancelInner := lambda.WithTimeout(outer, 2*time.Second)
		defer cancelInner()
		if d, ok := inner.Deadline(); !ok || d.Sub(start) != 2*time.Second {
			t.Errorf("deadline of inner: %s, %v", d, ok)
		}
		check("slept", inner, lambda.Sleep(inner, time.Second), nil)
		check("inner timed out", inner, lambda.Sleep(inner, time.Hour), context.DeadlineExceeded)
		check("inner again", inner, lambda.Sleep(inner, time.Hour), context.DeadlineExceeded)
		if err := outer.Err(); err != nil {
			t.Errorf("outer ended with inner: %v", err)
		}
		derived, cancelDerived := context.WithCancel(outer)
		defer cancelDerived()
		longer, cancelLonger := lambda.WithTimeout(derived, time.Hour)
		defer cancelLonger()
		if d, _ := longer.Deadline(); d.Sub(start) != 3*time.Second {
			t.Errorf("deadline of longer: %s", d)
		}
		check("outer timed out", longer, lambda.Sleep(longer, 10*time.Minute), context.DeadlineExceeded)
		if !errors.Is(context.Cause(derived), context.DeadlineExceeded) {
			t.Errorf("the cause of a derived context is %v", context.Cause(derived))
		}
		past, cancelPast := lambda.WithTimeout(ctx, 0)
		cancelPast()
		check("at once", past, lambda.Sleep(past, time.Second), context.DeadlineExceeded)
		cancelled, cancel := lambda.WithTimeout(ctx, time.Second)
		lambda.Parallel(cancelled, 2, func(ctx context.Context, i int) {
			if i == 0 {
				check("cancelled by the other", cancelled, lambda.Sleep(ctx, time.Hour), context.Canceled)
				return
			}
			if err := lambda.Sleep(ctx, time.Second/2); err != nil {
				t.Error(err)
			}
			cancel()
		})
		never, cancelNever := lambda.WithTimeout(ctx, time.Hour)
		_ = cancelNever // the end of the invocation takes the timer along
		check("answered early", never, lambda.Await(never, func(resume func()) { resume() }), nil)
		return nil
	})
	want := []string{
		"1s slept", "2s inner timed out", "2s inner again", "3s outer timed out", "3s at once", "3.5s cancelled by the other", "3.5s answered early", "3.5s answered, <nil>",
	}
	if diff := cmp.Diff(want, notes); diff != "" {
		t.Error(diff)
	}
}

func TestTimersEndWithTheInvocation(t *testing.T) {
	for name, sleep := range map[string]time.Duration{"it returns": time.Second, "it times out": 11 * time.Second} {
		k := sim.New(start, 1)
		s := lambda.NewService(k, "eu-central-1", "111122223333")
		if _, err := s.CreateFunction("f", lambda.FunctionProperties{Timeout: num(10)}, lambda.InProcess(func(lambda.Init) (lambda.Handler, error) {
			return golambda.NewHandler(func(ctx context.Context) error {
				long, cancel := lambda.WithTimeout(ctx, time.Hour)
				_ = cancel
				return lambda.Sleep(long, sleep)
			}), nil
		})); err != nil {
			t.Fatal(err)
		}
		s.Do(api.Call{Action: "Invoke", Input: []byte(`{"FunctionName":"f"}`)}, func([]byte, error) {})
		for k.Step() {
		}
		if now := k.Now().Sub(start); now > 10*time.Second {
			t.Errorf("%s: the kernel was busy until %s", name, now)
		}
		k.Close()
	}
}

func TestOutsideAnInvocation(t *testing.T) {
	defer func() {
		if v := recover(); v == nil || !strings.Contains(fmt.Sprint(v), "WithTimeout needs the context that the handler was given") {
			t.Errorf("got %v", v)
		}
	}()
	lambda.WithTimeout(context.Background(), time.Second)
}
