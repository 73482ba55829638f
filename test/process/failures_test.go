package process_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/lambda"

	"github.com/orderflow-cdk/orderflow/local"
)

// Variables of a process that is this test binary: the first such process behaves badly, as long as it lives, and those after it, which
// find the mark, are the real function.
const (
	misbehaviour = "PROCESS_TEST_MISBEHAVIOUR"
	markFile     = "PROCESS_TEST_MARK"
	realFunction = "PROCESS_TEST_FUNCTION"
)

func init() {
	how := os.Getenv(misbehaviour)
	if how == "" {
		return
	}
	if f, err := os.OpenFile(os.Getenv(markFile), os.O_CREATE|os.O_EXCL, 0o600); err != nil {
		real := os.Getenv(realFunction)
		panic(syscall.Exec(real, []string{real}, os.Environ()))
	} else {
		_ = f.Close()
	}
	if how == "does not start" {
		os.Exit(1)
	}
	lambda.Start(func(context.Context) (string, error) {
		switch how {
		case "exits":
			os.Exit(1)
		case "panics":
			panic("no such thing")
		case "hangs":
			time.Sleep(time.Hour)
		}
		return "", errors.New("fails")
	})
}

// once is a function that misbehaves once.
func once(t *testing.T, handler, how string) func(local.FunctionInfo) (*local.Process, error) {
	mark := filepath.Join(t.TempDir(), "mark")
	all := local.Bootstraps(built)
	return func(f local.FunctionInfo) (*local.Process, error) {
		p, err := all(f)
		if err == nil && f.Handler == handler {
			p = &local.Process{Bootstrap: os.Args[0], Env: map[string]string{
				misbehaviour: how, markFile: mark, realFunction: p.Bootstrap, "GORACE": "atexit_sleep_ms=0",
			}}
		}
		return p, err
	}
}

// Whatever befalls one invocation, the order is completed, and charged and reserved once.
func TestOneInvocationFails(t *testing.T) {
	for _, c := range []struct{ handler, how, log string }{
		{"charge", "does not start", ""},
		{"charge", "exits", "Runtime exited with error: exit status 1"},
		{"charge", "panics", `"errorMessage":"no such thing"`},
		{"charge", "hangs", "Task timed out after 10.00 seconds"},
		{"intake", "exits", "Runtime exited with error: exit status 1"},
		{"notify", "panics", `"errorMessage":"no such thing"`},
	} {
		t.Run(c.handler+" "+c.how, func(t *testing.T) {
			t.Parallel()
			w := start(t, "dev", func(o *local.Options) { o.Processes = once(t, c.handler, c.how) })
			if c.handler == "intake" { // its message is not visible again for minutes: skip them
				stop := make(chan struct{})
				defer close(stop)
				go func() {
					for {
						select {
						case <-stop:
							return
						case <-time.After(time.Second):
							w.Advance(time.Minute)
						}
					}
				}()
			}
			o := w.settle(w.as("acme"), order("tok_visa", "KB-1001"))
			if got := path(o); got != "ACCEPTED RESERVED PAID COMPLETED" {
				t.Errorf("%s", got)
			}
			if left := w.available("KB-1001"); left != 1_000_000-2 {
				t.Errorf("%d left of KB-1001", left)
			}
			if !strings.Contains(w.logs.String(), c.log) {
				t.Errorf("the log lacks %s", c.log)
			}
		})
	}
}

// What fails for good is undone.
func TestChargeFails(t *testing.T) {
	t.Parallel()
	w := start(t, "dev", func(o *local.Options) { o.Processes = once(t, "charge", "fails") })
	o := w.settle(w.as("acme"), order("tok_visa", "KB-1001"))
	if got := path(o); got != "ACCEPTED RESERVED FAILED" || o.Reason != "errorString" {
		t.Errorf("%s (%s)", got, o.Reason)
	}
	if left := w.available("KB-1001"); left != 1_000_000 {
		t.Errorf("%d left of KB-1001", left)
	}
	if n := strings.Count(w.logs.String(), `"errorMessage":"fails"`); n < 2 {
		t.Errorf("it was tried %d times", n)
	}
}

// Faults of the stack befall processes as they do functions in process.
func TestFaults(t *testing.T) {
	for _, kind := range local.FaultKinds() {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			w := start(t, "dev", nil)
			fault := local.Fault{Target: "reserve", Kind: kind, Times: 1}
			if kind == local.Slow {
				fault.Delay = 100 * time.Millisecond
			}
			if err := w.SetFaults(fault); err != nil {
				t.Fatal(err)
			}
			o := w.settle(w.as("acme"), order("tok_visa", "KB-1001"))
			if got := path(o); got != "ACCEPTED RESERVED PAID COMPLETED" {
				t.Errorf("%s\n%s", got, o.Reason)
			}
			if left := w.available("KB-1001"); left != 1_000_000-2 {
				t.Errorf("%d left of KB-1001", left)
			}
			if n := w.Faults()[0].Happened; n != 1 {
				t.Errorf("the fault happened %d times", n)
			}
		})
	}
}
