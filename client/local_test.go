package client_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/orderflow-cdk/orderflow/client"
	"github.com/orderflow-cdk/orderflow/constructs/record"
	"github.com/orderflow-cdk/orderflow/event"
	"github.com/orderflow-cdk/orderflow/internal/localapp"
	"github.com/orderflow-cdk/orderflow/local"
)

const shopping = `{"currency":"EUR","items":[{"sku":"KB-1001","quantity":1,"unitPrice":4990}],"payment":{"method":"card","token":"tok_visa"},
	"shipTo":{"name":"Ada","line1":"1 Main St","city":"Berlin","postalCode":"10115","country":"DE"}}`

// newStack runs the app itself.
func newStack(t *testing.T, o local.Options) *local.Stack {
	t.Helper()
	stack, err := localapp.New("dev", o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(stack.Close)
	if o.RealTime {
		ctx, stop := context.WithCancel(context.Background())
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			_ = stack.Run(ctx) // until the test ends
		}()
		t.Cleanup(func() { stop(); <-ended })
	}
	if err := localapp.PutStock(stack, localapp.StockLevel{SKU: "KB-1001", Available: 100}); err != nil {
		t.Fatal(err)
	}
	return stack
}

// clientOf is a client of the app by the URLs that the stack puts out.
func clientOf(t *testing.T, stack *local.Stack, tenant string, o client.Options) *client.Client {
	t.Helper()
	o.HTTPClient, o.Tenant = &http.Client{Transport: stack.Transport()}, tenant
	o.Authorize = client.IDToken(func(context.Context) (string, error) {
		return stack.IDToken(tenant, map[string]any{record.TenantClaim: tenant})
	})
	c, err := client.New(stack.Outputs()["ApiUrl"], o)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// TestTheAppItself: the client against the real mapping templates, functions and
// workflow, in virtual time.
func TestTheAppItself(t *testing.T) {
	stack := newStack(t, local.Options{})
	as := func(tenant string) *client.Client {
		return clientOf(t, stack, tenant, client.Options{
			Sleep: func(ctx context.Context, d time.Duration) error { stack.Advance(d); return ctx.Err() },
			Now:   stack.Now,
		})
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

// TestTheAppItselfByWebsocket: an order watched over AppSync's own address, in real time.
func TestTheAppItselfByWebsocket(t *testing.T) {
	noLeaks(t)
	stack := newStack(t, local.Options{RealTime: true})
	c := clientOf(t, stack, "acme", client.Options{GraphQLURL: stack.Outputs()["GraphQLUrl"]})
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	mine, err := c.Subscribe(ctx, client.SubscribeOptions{Statuses: []string{"PAID", "COMPLETED"}})
	if err != nil {
		t.Fatal(err)
	}
	defer mine.Close()

	// Subscribed before the order is there, so that all of it is pushed.
	const key = "cart-2"
	id := keyedID(key, "acme")
	one, err := c.SubscribeOrder(ctx, id)
	if err != nil {
		t.Fatal(err)
	}
	defer one.Close()
	accepted, err := c.Submit(ctx, []byte(shopping), client.SubmitOptions{IdempotencyKey: key})
	if err != nil || accepted.OrderID != id {
		t.Fatalf("%+v, %v; want %s", accepted, err, id)
	}
	pushed := next(ctx, t, one, 4)
	if diff := cmp.Diff(whole, statuses(pushed)); diff != "" {
		t.Errorf("pushed (-want +got)\n%s", diff)
	}
	if diff := cmp.Diff(whole[2:], statuses(next(ctx, t, mine, 2))); diff != "" {
		t.Errorf("onMyOrders (-want +got)\n%s", diff)
	}

	// What is pushed is what is made of the history, as far as that goes.
	o, err := c.Get(ctx, id)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(o.Events(0, "acme"), pushed, cmp.FilterPath(func(p cmp.Path) bool { return p.String() == "Changes" }, cmp.Ignore())); diff != "" {
		t.Errorf("history and websocket (-history +websocket)\n%s", diff)
	}
	results := map[string]json.RawMessage{}
	for _, e := range pushed {
		for step, result := range e.Changes.Results {
			results[step] = result
		}
	}
	if diff := cmp.Diff(o.Results, results); diff != "" || len(results) == 0 {
		t.Errorf("results (-order +events)\n%s", diff)
	}
	if got := watchAll(ctx, t, c, id, nil); !cmp.Equal(whole, statuses(got)) {
		t.Errorf("watched afterwards: %v", statuses(got))
	}

	if _, err := clientOf(t, stack, "other", client.Options{GraphQLURL: stack.Outputs()["GraphQLUrl"]}).SubscribeOrder(ctx, id); err == nil {
		t.Error("somebody else's order could be subscribed to")
	} else if refused := new(client.SubscriptionError); !errors.As(err, &refused) {
		t.Errorf("somebody else's order: %v", err)
	}
}

// TestTheAppItselfWatched: Watch as it is used, with what comes first by polling and the rest by websocket.
func TestTheAppItselfWatched(t *testing.T) {
	noLeaks(t)
	stack := newStack(t, local.Options{RealTime: true})
	c := clientOf(t, stack, "acme", client.Options{GraphQLURL: stack.Outputs()["GraphQLUrl"]})
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	const key = "cart-3"
	via := map[client.Channel]int{}
	var submit sync.WaitGroup
	submit.Go(func() {
		time.Sleep(300 * time.Millisecond) // so that the websocket is up
		if _, err := c.Submit(ctx, []byte(shopping), client.SubmitOptions{IdempotencyKey: key}); err != nil {
			t.Error(err)
		}
	})
	got := watchAll(ctx, t, c, keyedID(key, "acme"), via)
	submit.Wait()
	if diff := cmp.Diff(whole, statuses(got)); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	for _, e := range got {
		if e.Tenant != "acme" {
			t.Errorf("tenant %q", e.Tenant)
		}
	}
	if via[client.Websocket] < 3 { // the machine may be slow, but not for long
		t.Errorf("ways %v", via)
	}
}

// keyedID is the id of an order that is submitted with a key.
func keyedID(key, tenant string) string {
	b := base64.RawURLEncoding
	return "k-" + b.EncodeToString([]byte(key)) + "-" + b.EncodeToString([]byte(tenant))
}

func next(ctx context.Context, t *testing.T, sub *client.Subscription, n int) []event.Event {
	t.Helper()
	var events []event.Event
	for range n {
		e, err := sub.Next(ctx)
		if err != nil {
			t.Fatalf("after %d events: %v", len(events), err)
		}
		events = append(events, e)
	}
	return events
}

func watchAll(ctx context.Context, t *testing.T, c *client.Client, id string, via map[client.Channel]int) []event.Event {
	t.Helper()
	var events []event.Event
	o := client.WatchOptions{OnError: func(err error) { t.Errorf("trouble: %v", err) }}
	if via != nil {
		o.Observe = func(_ event.Event, c client.Channel) { via[c]++ }
	}
	for e, err := range c.Watch(ctx, id, o) {
		if err != nil {
			t.Fatal(err)
		}
		events = append(events, e)
	}
	return events
}
