package client

import (
	"bytes"
	"encoding/json"

	"github.com/orderflow-cdk/orderflow/event"
)

// Events makes the events after a sequence from the order's history. They are those that the channels
// tell, but for what the history does not know:
//
//   - Tenant is the one given;
//   - Changes.Results is left out and named in Changes.Omitted, if there are any results: it does not say
//     which came with which status;
//   - Changes.Detail is likewise only known of the last event.
//
// [Client.Watch] knows the results of the events before, and tells of a single missing event which are
// new.
func (o *Order) Events(after int64, tenant string) []event.Event {
	var events []event.Event
	previous := ""
	for i, h := range o.History {
		e := event.Event{
			ID: event.ID(o.OrderID, h.Sequence), Type: event.TypeOf(h.Status), OrderID: o.OrderID, Tenant: tenant,
			Status: h.Status, PreviousStatus: previous, Sequence: h.Sequence, OccurredAt: h.At.UTC(),
		}
		previous = h.Status
		if h.Sequence <= after {
			continue
		}
		last := i == len(o.History)-1
		if h.Reason != "" {
			e.Changes.Reason = h.Reason
			if last {
				e.Changes.Detail = o.Detail
			} else {
				e.Changes.Omitted = append(e.Changes.Omitted, "detail")
			}
		}
		if len(o.Results) > 0 {
			e.Changes.Omitted = append(e.Changes.Omitted, "results")
		}
		events = append(events, e)
	}
	return events
}

// known is the results that an order had at a sequence, so that a single event
// after it can be made whole.
type known struct {
	tenant   string
	sequence int64
	results  map[string]json.RawMessage // nil: not known
}

// events is Order.Events with what is known already, and remembers the order.
func (k *known) events(o *Order, after int64) []event.Event {
	events := o.Events(after, k.tenant)
	if k.results != nil && k.sequence == after {
		fresh := map[string]json.RawMessage{}
		for step, result := range o.Results {
			if !bytes.Equal(k.results[step], result) {
				fresh[step] = result
			}
		}
		switch {
		case len(fresh) == 0:
			for i := range events {
				without(&events[i].Changes, "results")
			}
		case len(events) == 1:
			without(&events[0].Changes, "results")
			events[0].Changes.Results = fresh
		}
	}
	if o.Sequence >= k.sequence {
		k.sequence, k.results = o.Sequence, map[string]json.RawMessage{}
		for step, result := range o.Results {
			k.results[step] = result
		}
	}
	return events
}

// told remembers an event that was told.
func (k *known) told(e *event.Event) {
	if e.Tenant != "" {
		k.tenant = e.Tenant
	}
	if e.Sequence <= k.sequence {
		return
	}
	if e.Sequence != k.sequence+1 {
		k.results = nil
	}
	k.sequence = e.Sequence
	for _, name := range e.Changes.Omitted {
		if name == "results" {
			k.results = nil
		}
	}
	if k.results != nil {
		for step, result := range e.Changes.Results {
			k.results[step] = result
		}
	}
}

func without(c *event.Changes, name string) {
	var rest []string
	for _, n := range c.Omitted {
		if n != name {
			rest = append(rest, n)
		}
	}
	c.Omitted = rest
}
