package scenarios_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	api "github.com/orderflow-cdk/orderflow/client"
	"github.com/orderflow-cdk/orderflow/event"
	"github.com/orderflow-cdk/orderflow/internal/eventtest"
	"github.com/orderflow-cdk/orderflow/local"
)

// valid holds bodies to the JSON Schema of events.
func valid(t *testing.T) func(body []byte) {
	t.Helper()
	check := eventtest.Schema(t)
	return func(body []byte) {
		t.Helper()
		if err := check(body); err != nil {
			t.Errorf("no event: %v\n%s", err, body)
		}
	}
}

// plain is the part of an event that an order's history knows as well.
func plain(events []event.Event) map[string]string {
	all := map[string]string{}
	for _, e := range events {
		all[e.ID] = fmt.Sprint(e.Type, " ", e.Tenant, " ", e.PreviousStatus, ">", e.Status, " ", e.Sequence, " ", e.OccurredAt.UTC(), " ", e.Changes.Reason)
	}
	return all
}

func TestThreeChannelsTellOneStory(t *testing.T) {
	for _, environment := range []string{"dev", "staging", "prod"} {
		t.Run(environment, func(t *testing.T) { oneStory(t, aroundOf(t, environment, local.Options{Seed: 1})) })
	}
}

func oneStory(t *testing.T, w *world) {
	hook, foreign := w.endpoint("acme", "hooks.acme.example"), w.endpoint("globex", "hooks.globex.example")
	socket, foreigner := w.listen("acme"), w.listen("globex")

	broken := strings.Replace(order("tok_visa", ""), "KB-1001", "NO-SUCH", 1)
	orders := []string{
		w.submit("acme", order("tok_visa", "")),
		w.submit("acme", order("tok_declined", "")),
		w.submit("acme", broken),
		w.submit("acme", order("tok_down", "")),
		w.submit("acme", order("tok_flaky", "")),
		w.submit("acme", order("tok_visa", ""), "Idempotency-Key", "po-1"),
	}
	if again := w.submit("acme", order("tok_visa", ""), "Idempotency-Key", "po-1"); again != orders[5] {
		t.Errorf("the same key made the orders %s and %s", orders[5], again)
	}
	cancelled := w.submit("acme", order("tok_flaky", ""))
	if _, err := w.as("acme").Cancel(context.Background(), cancelled); err != nil {
		t.Fatal(err)
	}
	orders = append(orders, cancelled)
	one := w.listenTo("acme", orders[4])

	w.settle("acme", orders...)
	// Each listener hears of one order more, so that it is known when all before has come.
	last := w.submit("acme", order("tok_visa", ""))
	other := w.submit("globex", order("tok_visa", ""))
	w.settle("acme", last)
	w.settle("globex", other)
	socket.hear(event.ID(last, 4))
	foreigner.hear(event.ID(other, 4))
	one.hear(event.ID(orders[4], 4))

	history := w.history("acme", append(orders, last)...)
	ends := map[string]int{}
	for _, e := range history {
		if api.Final(e.Status) {
			ends[e.Status]++
		}
	}
	if diff := cmp.Diff(map[string]int{"COMPLETED": 4, "REJECTED": 2, "FAILED": 1, "CANCELLED": 1}, ends); diff != "" {
		t.Errorf("ends (-want +got):\n%s", diff)
	}
	want := byOrder(history)
	for channel, told := range map[string][]event.Event{"webhook": hook.told, "websocket": socket.told} {
		if diff := cmp.Diff(want, byOrder(told)); diff != "" {
			t.Errorf("history (-) and %s (+) differ:\n%s", channel, diff)
		}
		if len(told) != len(history) {
			t.Errorf("%s: %d events, want each of %d once", channel, len(told), len(history))
		}
		if diff := cmp.Diff(plain(history), plain(told)); diff != "" {
			t.Errorf("history (-) and %s (+) differ:\n%s", channel, diff)
		}
	}
	// What happened before somebody listened is told by polling alone.
	var since []event.Event
	for _, e := range w.history("acme", orders[4]) {
		if e.OccurredAt.After(one.sub.Active) {
			since = append(since, e)
		}
	}
	if diff := cmp.Diff(plain(since), plain(one.told)); diff != "" || len(since) == 0 {
		t.Errorf("history (-) and onOrderStatus (+) differ:\n%s", diff)
	}
	if diff := cmp.Diff(byOrder(w.history("globex", other)), byOrder(foreigner.told)); diff != "" {
		t.Errorf("another tenant's websocket (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(byOrder(w.history("globex", other)), byOrder(foreign.told)); diff != "" {
		t.Errorf("another tenant's webhook (-want +got):\n%s", diff)
	}

	holds := valid(t)
	sent := map[string]string{}
	for _, p := range hook.posts {
		holds(p.body)
		sent[p.id()] = string(p.body)
	}
	for _, e := range socket.told {
		body, err := json.Marshal(e)
		if err != nil {
			t.Fatal(err)
		}
		holds(body)
		if diff := cmp.Diff(decoded(t, sent[e.ID]), decoded(t, string(body))); diff != "" {
			t.Errorf("webhook (-) and websocket (+) differ about %s:\n%s", e.ID, diff)
		}
	}
	w.nothingGivenUp()
}

func decoded(t *testing.T, body string) (v any) {
	t.Helper()
	if err := json.Unmarshal([]byte(body), &v); err != nil {
		t.Fatalf("%v: %s", err, body)
	}
	return v
}

// Every channel is as good as another: none is late in the stack's time.
func TestEventsComeWithinASecond(t *testing.T) {
	w := around(t, local.Options{Seed: 1})
	hook, socket := w.endpoint("acme", "hooks.acme.example"), w.listen("acme")
	id := w.submit("acme", order("tok_visa", ""))
	w.settle("acme", id)
	socket.hear(event.ID(id, 4))
	if len(w.frames) != 4 || len(hook.posts) != 4 {
		t.Fatalf("%d frames and %d posts, want 4 of each", len(w.frames), len(hook.posts))
	}
	occurred := map[string]time.Time{}
	for _, e := range socket.told {
		occurred[e.ID] = e.OccurredAt
	}
	for _, f := range w.frames {
		if f.subscription != "onMyOrders" || f.at.Sub(occurred[f.id]) > time.Second || f.at.Before(occurred[f.id]) {
			t.Errorf("%s went out %v after it occurred, by %s", f.id, f.at.Sub(occurred[f.id]), f.subscription)
		}
	}
	for _, p := range hook.posts {
		if late := p.at.Sub(occurred[p.id()]); late < 0 || late > time.Second {
			t.Errorf("%s was posted %v after it occurred", p.id(), late)
		}
	}
}

func TestSomebodyElsesOrderIsRefused(t *testing.T) {
	w := around(t, local.Options{Seed: 1})
	id := w.submit("acme", order("tok_visa", ""))
	for _, order := range []string{id, "k-eA-YWNtZQ", "nonsense", "", id + "*"} {
		_, err := w.as("globex").SubscribeOrder(context.Background(), order)
		var refused *api.SubscriptionError
		if !errors.As(err, &refused) || refused.Message == "" {
			t.Errorf("%q: %v, want a refusal that says why", order, err)
		}
	}
	if _, err := w.as("").Subscribe(context.Background(), api.SubscribeOptions{}); err == nil {
		t.Error("who has no tenant can subscribe")
	}
	id = w.submit("acme", order("tok_flaky", ""))
	mine := w.listenTo("acme", id)
	w.settle("acme", id)
	mine.hear(event.ID(id, 4))
}
