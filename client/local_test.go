package client_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/orderflow-cdk/orderflow/client"
	"github.com/orderflow-cdk/orderflow/constructs/record"
	"github.com/orderflow-cdk/orderflow/event"
	"github.com/orderflow-cdk/orderflow/internal/localapp"
	"github.com/orderflow-cdk/orderflow/local"
)

// handlerTransport makes requests of a handler without a network.
type handlerTransport struct{ http.Handler }

func (h handlerTransport) RoundTrip(req *http.Request) (*http.Response, error) {
	w := httptest.NewRecorder()
	server := req.Clone(req.Context())
	if server.Body == nil {
		server.Body = http.NoBody
	}
	server.RemoteAddr = "192.0.2.1:1"
	h.ServeHTTP(w, server)
	return w.Result(), nil
}

const shopping = `{"currency":"EUR","items":[{"sku":"KB-1001","quantity":1,"unitPrice":4990}],"payment":{"method":"card","token":"tok_visa"},
	"shipTo":{"name":"Ada","line1":"1 Main St","city":"Berlin","postalCode":"10115","country":"DE"}}`

// TestTheAppItself: the client against the real mapping templates, functions and
// workflow, in virtual time.
func TestTheAppItself(t *testing.T) {
	stack, err := localapp.New("dev", local.Options{})
	if err != nil && strings.Contains(err.Error(), "this type is not simulated") {
		t.Skip("the local runner cannot run the template: ", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	defer stack.Close()
	if err := localapp.PutStock(stack, localapp.StockLevel{SKU: "KB-1001", Available: 10}); err != nil {
		t.Fatal(err)
	}
	as := func(tenant string) *client.Client {
		c, err := client.New(stack.Outputs()["ApiUrl"], client.Options{
			HTTPClient: &http.Client{Transport: handlerTransport{stack}}, Tenant: tenant,
			Authorize: client.IDToken(func(context.Context) (string, error) {
				return stack.IDToken(tenant, map[string]any{record.TenantClaim: tenant})
			}),
			Sleep: func(ctx context.Context, d time.Duration) error { stack.Advance(d); return ctx.Err() },
			Now:   stack.Now,
		})
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	ctx := context.Background()
	acme := as("acme")

	accepted, err := acme.Submit(ctx, []byte(shopping), client.SubmitOptions{IdempotencyKey: "cart-1"})
	if err != nil {
		t.Fatal(err)
	}
	again, err := acme.Submit(ctx, []byte(shopping), client.SubmitOptions{IdempotencyKey: "cart-1"})
	if err != nil || again.OrderID != accepted.OrderID {
		t.Errorf("again: %+v, %v", again, err)
	}
	if s, err := acme.Status(ctx, accepted.OrderID); err != nil || s.Final() || s.RetryAfter == 0 {
		t.Errorf("at once: %+v, %v", s, err)
	}
	if _, err := as("other").Status(ctx, accepted.OrderID); !errors.Is(err, client.ErrNotFound) {
		t.Errorf("another tenant: %v", err)
	}
	var events []event.Event
	for e, err := range acme.Watch(ctx, accepted.OrderID, client.WatchOptions{}) {
		if err != nil {
			t.Fatal(err)
		}
		events = append(events, e)
	}
	if diff := cmp.Diff(whole, statuses(events)); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	o, err := acme.Wait(ctx, accepted.OrderID)
	if err != nil || o.Status != client.StatusCompleted || len(o.History) != 4 || len(o.Results) == 0 || string(o.Order) == "" {
		t.Errorf("%+v, %v", o, err)
	}
	var p *client.Problem
	if _, err := acme.Cancel(ctx, accepted.OrderID); !errors.Is(err, client.ErrFinished) || !errors.As(err, &p) || p.OrderStatus != client.StatusCompleted {
		t.Errorf("cancelled too late: %v", err)
	}

	second, err := acme.Submit(ctx, []byte(shopping), client.SubmitOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if s, err := acme.Cancel(ctx, second.OrderID); err != nil || !s.CancelRequested {
		t.Errorf("%+v, %v", s, err)
	}
	if o, err := acme.Wait(ctx, second.OrderID); err != nil || o.Status != client.StatusCancelled {
		t.Errorf("%+v, %v", o, err)
	}
	if _, err := acme.Submit(ctx, []byte(`{"currency":"EUR"}`), client.SubmitOptions{}); !errors.Is(err, client.ErrInvalid) || !errors.As(err, &p) || p.Code != "invalid-body" {
		t.Errorf("%v", err)
	}
	if _, err := acme.Submit(ctx, []byte(shopping), client.SubmitOptions{IdempotencyKey: "no spaces"}); !errors.As(err, &p) || p.Code != "invalid-idempotency-key" {
		t.Errorf("%v", err)
	}
}
