package handler

import (
	"context"
	"sync/atomic"

	"github.com/orderflow-cdk/orderflow/internal/publish"
)

// Most lanes of a channel: calls that are under way at the same time. A lane of the
// topic takes as many events at once as a call can; a lane of AppSync one. There are no more
// than the idle connections that the SDK's HTTP client keeps for a host.
const (
	topicLanes   = 4
	graphQLLanes = 10
)

// tell tells every event to every channel. In a channel, events of one order come one after
// the other, and after one that failed none, since it would come before it; other orders and
// the other channel go on.
func (h *notify) tell(ctx context.Context, orders [][]*telling) {
	var topics, graphs int
	if h.topic != nil {
		topics = min((len(orders)+publish.MaxBatch-1)/publish.MaxBatch, topicLanes)
	}
	if h.graphQL != nil {
		graphs = min(len(orders), graphQLLanes)
	}
	var taken atomic.Int64
	h.env.Parallel(ctx, topics+graphs, func(ctx context.Context, i int) {
		if i < topics {
			h.tellTopic(ctx, orders[len(orders)*i/topics:len(orders)*(i+1)/topics])
			return
		}
		for n := int(taken.Add(1)) - 1; n < len(orders); n = int(taken.Add(1)) - 1 {
			h.tellGraphQL(ctx, orders[n])
		}
	})
}

// tellTopic publishes to the topic. No call has two events of one order, of which
// the first might fail.
func (h *notify) tellTopic(ctx context.Context, orders [][]*telling) {
	// waiting has orders with the events that are left, in the order of their turns.
	waiting := make([][]*telling, len(orders), 2*len(orders))
	copy(waiting, orders)
	batch := make([]*publish.Message, 0, publish.MaxBatch)
	for len(waiting) > 0 {
		turn := waiting[:min(len(waiting), publish.MaxBatch)]
		waiting = waiting[len(turn):]
		batch = batch[:0]
		for _, events := range turn {
			if !events[0].before[viaTopic] {
				batch = append(batch, &events[0].Message)
			}
		}
		failed := h.publish(ctx, batch)
		for _, events := range turn {
			if !events[0].before[viaTopic] {
				events[0].outcome[viaTopic], failed = failed[0], failed[1:]
			}
			if events[0].outcome[viaTopic] != nil {
				failRest(events, viaTopic)
			} else if len(events) > 1 {
				waiting = append(waiting, events[1:])
			}
		}
	}
}

func (h *notify) publish(ctx context.Context, batch []*publish.Message) []error {
	switch {
	case len(batch) == 0:
		return nil
	case ctx.Err() != nil:
		failed := make([]error, len(batch))
		for i := range failed {
			failed[i] = errOutOfTime
		}
		return failed
	}
	return h.topic.Publish(ctx, batch)
}

// tellGraphQL publishes the events of one order to AppSync.
func (h *notify) tellGraphQL(ctx context.Context, events []*telling) {
	for i, t := range events {
		switch {
		case t.before[viaGraphQL]:
			continue
		case ctx.Err() != nil:
			t.outcome[viaGraphQL] = errOutOfTime
		default:
			t.outcome[viaGraphQL] = h.graphQL.Publish(ctx, &t.Message)
		}
		if t.outcome[viaGraphQL] != nil {
			failRest(events[i:], viaGraphQL)
			return
		}
	}
}

// failRest fails the events behind one that failed.
func failRest(events []*telling, c channel) {
	for _, t := range events[1:] {
		t.outcome[c] = errEarlierFailed
	}
}

// told remembers which events a channel took in an invocation that failed on another one
// or in the other channel. Lambda brings all of them again, usually to the same execution environment,
// which then leaves out what is done: while one channel is down, the other
// hears everything once. It is a favour, no promise.
type told map[toldEvent]struct{}

type toldEvent struct {
	id string
	c  channel
}

// maxTold bounds the memory, which only fills when a batch never comes back.
const maxTold = 10_000

// recall marks the channels that took an event before.
func (m told) recall(t *telling) {
	if len(m) == 0 {
		return
	}
	for c := range channels {
		_, t.before[c] = m[toldEvent{t.ID, c}]
	}
}

// keep remembers the events that were told although Lambda brings them again, since they
// come after the first failed record, and forgets the others.
func (m told) keep(all []*telling, firstFailed int) {
	if len(m) > maxTold {
		clear(m)
	}
	for _, t := range all {
		if t.untellable != nil {
			continue // It has no id.
		}
		for c := range channels {
			switch key := (toldEvent{t.ID, c}); {
			case t.position < firstFailed:
				delete(m, key)
			case t.outcome[c] == nil:
				m[key] = struct{}{}
			}
		}
	}
}
