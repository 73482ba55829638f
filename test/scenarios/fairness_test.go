package scenarios_test

import (
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/orderflow-cdk/orderflow/internal/handler"
	"github.com/orderflow-cdk/orderflow/internal/localapp"
	"github.com/orderflow-cdk/orderflow/local"
)

// slowIntake takes four seconds more for each batch, so that orders pile up.
func slowIntake(r local.Runtime) (local.Handler, error) {
	h, err := localapp.Functions()[handler.Intake](r)
	return handlerFunc(func(ctx context.Context, payload []byte) ([]byte, error) {
		if err := local.Sleep(ctx, 4*time.Second); err != nil {
			return nil, err
		}
		return h.Invoke(ctx, payload)
	}), err
}

// One tenant's backlog must not make another tenant wait for its end.
func TestABacklogOfOneTenantDoesNotDelayAnother(t *testing.T) {
	const backlog = 3000
	functions := localapp.Functions()
	functions[handler.Intake] = slowIntake

	quiet := run(t, "dev", local.Options{Seed: 1, Functions: functions})
	alone := duration(t, as(t, quiet, "globex"))

	s := run(t, "dev", local.Options{Seed: 1, Functions: functions})
	acme, globex := as(t, s, "acme"), as(t, s, "globex")
	for sent := 0; sent < backlog; {
		switch a := acme.do("POST", "/orders", order("tok_visa", "")); a.Code {
		case http.StatusAccepted:
			sent++
		case http.StatusTooManyRequests:
			s.Advance(time.Second)
		default:
			t.Fatalf("status %d: %s", a.Code, a.Body)
		}
	}
	var longest time.Duration
	for range 5 {
		longest = max(longest, duration(t, globex))
	}
	waiting := backlog + 5 - (1_000_000-available(t, s, "KB-1001"))/2
	t.Logf("an order takes %v alone, and at most %v while %d of another tenant wait", alone, longest, waiting)
	if waiting < backlog/3 {
		t.Errorf("only %d orders wait: the test shows nothing", waiting)
	}
	// A batch is under way everywhere when an order comes, and then it is its turn.
	if longest > 3*alone {
		t.Errorf("an order takes %v beside the backlog and %v alone", longest, alone)
	}

	s.Advance(10 * time.Minute)
	if left, want := available(t, s, "KB-1001"), 1_000_000-2*(backlog+5); left != want {
		t.Errorf("%d left of KB-1001, want %d: the backlog itself is not done in time", left, want)
	}
}

// duration is how long an order takes from its acceptance to its end.
func duration(t *testing.T, c *client) time.Duration {
	t.Helper()
	started := c.stack.Now()
	c.settle(c.submit(order("tok_visa", "")))
	return c.stack.Now().Sub(started)
}
