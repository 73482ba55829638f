package scenarios_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/orderflow-cdk/orderflow/internal/handler"
	"github.com/orderflow-cdk/orderflow/internal/localapp"
	"github.com/orderflow-cdk/orderflow/local"
)

// Wherever a function ends before it is done, the queue or the workflow has it
// do its work again, and calls that fail are made again: no order is lost, and
// nothing is done twice.
func TestAFunctionThatFailsAtSomePoint(t *testing.T) {
	for _, environment := range []string{"dev", "prod"} {
		for _, f := range handler.Functions() {
			switch {
			case f.Name == handler.Refund:
				continue // None of these orders needs it; those of another test do.
			case ofChannel(f.Name):
				continue // What tells of orders has tests of its own: channels_*_test.go.
			case environment == "prod" && f.Name != handler.Intake && f.Name != handler.Charge:
				continue // What these do is the same; prod has a provider that can tell the charges.
			}
			for _, kind := range kinds {
				t.Run(fmt.Sprintf("%s %s %s", environment, f.Name, kind), func(t *testing.T) {
					for after := 0; ; after++ {
						hit := false
						for seed := range uint64(2) {
							fault := &fault{function: f.Name, after: after, kind: kind, invocations: 1}
							interrupted(t, environment, seed, fault)
							hit = hit || fault.hits > 0
						}
						if !hit {
							if after < 1 {
								t.Error("the function was never invoked")
							}
							return
						}
					}
				})
			}
		}
	}
}

// ofChannel reports whether a function tells of orders rather than works on them.
func ofChannel(function string) bool {
	return function == handler.Notify || function == handler.DeliverWebhook || function == handler.ManageWebhooks
}

// interrupted runs four orders, of which one pays, one is declined, one pays
// at the third attempt, and one is sent twice.
func interrupted(t *testing.T, environment string, seed uint64, f *fault) {
	t.Helper()
	books := newLedger()
	s := run(t, environment, local.Options{Seed: seed, Functions: f.functions(), Egress: books})
	c := as(t, s, "acme")
	paid := c.submit(order("tok_visa", "paid"))
	declined := c.submit(order("tok_declined", "declined"))
	flaky := c.submit(order("tok_flaky", "flaky"))
	keyed := c.with("Idempotency-Key", "k")
	twice := keyed.submit(order("tok_visa", "twice"))
	if again := keyed.submit(order("tok_visa", "twice")); again != twice {
		t.Errorf("the same key gave %s and %s", twice, again)
	}
	where := fmt.Sprintf("%d calls, seed %d", f.after, seed)
	for _, o := range []struct{ location, path string }{
		{paid, "ACCEPTED RESERVED PAID COMPLETED"},
		{declined, "ACCEPTED RESERVED REJECTED"},
		{flaky, "ACCEPTED RESERVED PAID COMPLETED"},
		{twice, "ACCEPTED RESERVED PAID COMPLETED"},
	} {
		if got := path(c.settle(o.location)); got != o.path {
			t.Errorf("%s: status path %q, want %q", where, got, o.path)
		}
	}
	// Let what is left of other deliveries and executions come to its end.
	s.Advance(time.Hour)
	if left := available(t, s, "KB-1001"); left != 1_000_000-3*2 {
		t.Errorf("%s: %d left of KB-1001, want %d", where, left, 1_000_000-3*2)
	}
	if environment == "prod" && (books.charges != 3 || books.refunds != 0) {
		t.Errorf("%s: %d charges and %d refunds, want 3 and none", where, books.charges, books.refunds)
	}
	if environment != "dev" {
		return // Nobody can list the executions of an Express workflow.
	}
	if n := executions(t, s); n != 4 {
		t.Errorf("%s: %d executions, want 4", where, n)
	}
	if n := messages(t, s, s.Outputs()["DeadLetterQueueUrl"]); n != 0 {
		t.Errorf("%s: %d messages are dead", where, n)
	}
}

// A step that never gets through fails the order; what it and those before it
// have done is undone, whether or not the step had its effect.
func TestAStepThatAlwaysEndsBeforeItIsDone(t *testing.T) {
	for _, name := range []string{handler.Reserve, handler.Charge, handler.Ship} {
		for _, kind := range []kind{crash, hang} {
			t.Run(fmt.Sprintf("%s %s", name, kind), func(t *testing.T) {
				for after := 0; ; after++ {
					books := newLedger()
					f := &fault{function: name, after: after, kind: kind, invocations: -1}
					s := run(t, "prod", local.Options{Seed: uint64(after), Functions: f.functions(), Egress: books})
					c := as(t, s, "acme")
					result := c.settle(c.submit(order("tok_visa", "")))
					if f.hits == 0 {
						if after < 1 {
							t.Error("the function was never invoked")
						}
						return
					}
					got, reason := path(result), result["reason"]
					if !strings.HasSuffix(got, "FAILED") || reason == "CompensationFailed" {
						t.Errorf("after %d calls: %s, %v", after, got, reason)
					}
					if left := available(t, s, "KB-1001"); left != 1_000_000 {
						t.Errorf("after %d calls: %d left of KB-1001", after, left)
					}
					if books.charges != books.refunds {
						t.Errorf("after %d calls: %d charges, %d refunds", after, books.charges, books.refunds)
					}
				}
			})
		}
	}
}

// A compensation that ends before it is done is done again, and undoes once.
func TestACompensationThatEndsBeforeItIsDone(t *testing.T) {
	for _, name := range []string{handler.Release, handler.Refund} {
		for _, kind := range []kind{crash, hang} {
			t.Run(fmt.Sprintf("%s %s", name, kind), func(t *testing.T) {
				for after := 0; ; after++ {
					books := newLedger()
					failing := &fault{function: handler.Ship, after: 1, kind: crash, invocations: -1}
					f := &fault{function: name, after: after, kind: kind, invocations: 3}
					functions := failing.functions()
					functions[name] = f.wrap(functions[name])
					s := run(t, "prod", local.Options{Seed: uint64(after), Functions: functions, Egress: books})
					c := as(t, s, "acme")
					result := c.settle(c.submit(order("tok_visa", "")))
					if f.hits == 0 {
						if after < 1 {
							t.Error("the function was never invoked")
						}
						return
					}
					if got := path(result); got != "ACCEPTED RESERVED PAID FAILED" || result["reason"] == "CompensationFailed" {
						t.Errorf("after %d calls: %s, %v", after, got, result["reason"])
					}
					if left := available(t, s, "KB-1001"); left != 1_000_000 {
						t.Errorf("after %d calls: %d left of KB-1001", after, left)
					}
					if books.charges != 1 || books.refunds != 1 {
						t.Errorf("after %d calls: %d charges, %d refunds, want one each", after, books.charges, books.refunds)
					}
				}
			})
		}
	}
}

// An Express workflow is not run exactly once, but what it does is done once.
func TestAFunctionOfAnExpressOrderThatFailsAtSomePoint(t *testing.T) {
	for _, f := range handler.Functions() {
		if ofChannel(f.Name) {
			continue // This variant has no channels.
		}
		for _, kind := range kinds {
			t.Run(f.Name+" "+string(kind), func(t *testing.T) {
				for after := 0; ; after++ {
					f := &fault{function: f.Name, after: after, kind: kind, invocations: 1}
					functions := f.functions()
					failing := &fault{function: handler.Ship, after: 1, kind: crash, invocations: -1}
					undo := f.function == handler.Release || f.function == handler.Refund
					if undo {
						functions[handler.Ship] = failing.wrap(localapp.Functions()[handler.Ship])
					}
					s := variant(t, expressByOrder, functions)
					c := caller(t, s, "X-Api-Key", acmeKey)
					location := c.submit(order("tok_visa", ""))
					s.Advance(20 * time.Minute)
					got, left := path(c.settle(location)), available(t, s, "KB-1001")
					want, held := "ACCEPTED RESERVED PAID COMPLETED", 2
					if undo {
						want, held = "ACCEPTED RESERVED PAID FAILED", 0
					}
					if got != want || left != 1_000_000-held {
						t.Errorf("after %d calls: %s, want %s; %d left of KB-1001, want %d", after, got, want, left, 1_000_000-held)
					}
					if f.hits == 0 {
						if after < 1 {
							t.Error("the function was never invoked")
						}
						return
					}
				}
			})
		}
	}
}

func TestDeadLettersAreRedriven(t *testing.T) {
	f := &fault{function: handler.Intake, after: 1, kind: crash, invocations: -1}
	s := run(t, "dev", local.Options{Seed: 1, Functions: f.functions()})
	c := as(t, s, "acme")
	location := c.submit(order("tok_visa", ""))
	dead := s.Outputs()["DeadLetterQueueUrl"]
	s.Advance(10 * time.Minute)
	if n := messages(t, s, dead); n != 0 {
		t.Fatalf("%d messages are dead after %d receives", n, f.hits)
	}
	s.Advance(10 * time.Minute)
	if n := messages(t, s, dead); n != 1 || f.hits != 5 {
		t.Fatalf("%d messages are dead after %d receives, want 1 after 5", n, f.hits)
	}
	if a := c.do("GET", location, "").want(200); a.text("status") != "QUEUED" {
		t.Errorf("the status of an order in the dead-letter queue is %s", a.Body)
	}
	f.invocations = 0
	redrive(t, s, dead)
	if got := path(c.settle(location)); got != "ACCEPTED RESERVED PAID COMPLETED" {
		t.Errorf("status path %q", got)
	}
	if n := messages(t, s, dead); n != 0 {
		t.Errorf("%d messages are dead after the redrive", n)
	}
	if left := available(t, s, "KB-1001"); left != 1_000_000-2 {
		t.Errorf("%d left of KB-1001", left)
	}
}
