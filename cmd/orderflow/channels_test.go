package main

import (
	"testing"
	"time"

	"github.com/orderflow-cdk/orderflow/event"
)

// A channel that loses, invents, repeats or disorders events is found out.
func TestChannelsAreHeldAgainstTheHistory(t *testing.T) {
	at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	e := func(order string, sequence int64, status string) event.Event {
		return event.Event{ID: event.ID(order, sequence), OrderID: order, Tenant: "acme", Sequence: sequence, Status: status, OccurredAt: at}
	}
	a1, a2, a3, b1 := e("a", 1, "ACCEPTED"), e("a", 2, "PAID"), e("a", 3, "COMPLETED"), e("b", 1, "REJECTED")
	told := map[string]event.Event{}
	for _, e := range []event.Event{a1, a2, a3, b1} {
		told[e.ID] = e
	}
	alien := a2
	alien.Tenant = "globex"
	for name, c := range map[string]struct {
		got  []event.Event
		want tally
	}{
		"all of them":      {[]event.Event{a1, b1, a2, a3}, tally{Delivered: 4}},
		"one is missing":   {[]event.Event{a1, b1, a3}, tally{Delivered: 3, Missing: 1}},
		"none came":        {nil, tally{Missing: 4}},
		"one too early":    {[]event.Event{a1, a3, a2, b1}, tally{Delivered: 4, OutOfOrder: 1}},
		"one comes twice":  {[]event.Event{a1, a2, a2, a3, b1}, tally{Delivered: 4, Repeated: 1}},
		"one is made up":   {[]event.Event{a1, a2, a3, b1, e("b", 2, "PAID")}, tally{Delivered: 4, Invented: 1}},
		"one is not so":    {[]event.Event{a1, e("a", 2, "FAILED"), a3, b1}, tally{Delivered: 3, Missing: 1, Invented: 1}},
		"another's tenant": {[]event.Event{a1, alien, a3, b1}, tally{Delivered: 3, Missing: 1, Invented: 1}},
	} {
		var got arrivals
		for _, e := range c.got {
			got = append(got, arrival{e, at.Add(time.Second)})
		}
		c.want.Channel = "websocket"
		delays := map[string]time.Duration{}
		tally := compare("websocket", got, told, delays)
		if tally != c.want {
			t.Errorf("%s: %+v, want %+v", name, tally, c.want)
		}
		if ok := tally.problem() == ""; ok != (c.want.Missing+c.want.OutOfOrder+c.want.Invented == 0) {
			t.Errorf("%s: problem %q", name, tally.problem())
		}
		tally.Channel = webhookChannel
		if ok := tally.problem() == ""; ok != (c.want.Missing+c.want.Invented == 0) {
			t.Errorf("%s, as webhooks: problem %q", name, tally.problem())
		}
		if len(delays) != tally.Delivered || tally.Delivered > 0 && delays[a1.ID] != time.Second {
			t.Errorf("%s: delays %v", name, delays)
		}
	}
}
