package sqs

import (
	"slices"
	"time"
)

// Peeked is a message as it lies in its queue, looked at without receiving it.
type Peeked struct {
	*Message
	// State is "visible", "inFlight" or "delayed".
	State string
	// VisibleAt is when a message that is not visible will be.
	VisibleAt time.Time
	// ReceiveCount is ApproximateReceiveCount, FirstReceived ApproximateFirstReceiveTimestamp.
	ReceiveCount  int
	FirstReceived time.Time
}

// Peek returns up to limit messages in their order of arrival, of which it skips the first
// ones. Nothing about them changes.
func (q *Queue) Peek(skip, limit int) []Peeked {
	q.settle()
	q.expire()
	ordinals := make([]uint64, 0, len(q.messages))
	for n := range q.messages {
		ordinals = append(ordinals, n)
	}
	slices.Sort(ordinals)
	ordinals = ordinals[min(max(skip, 0), len(ordinals)):]
	out := make([]Peeked, 0, min(limit, len(ordinals)))
	for _, n := range ordinals[:min(limit, len(ordinals))] {
		m := q.messages[n]
		p := Peeked{Message: m, State: "visible", ReceiveCount: m.receives, FirstReceived: m.firstReceived}
		switch m.state {
		case stateDelayed:
			p.State, p.VisibleAt = "delayed", m.visibleAt
		case stateInFlight:
			p.State, p.VisibleAt = "inFlight", m.visibleAt
		}
		out = append(out, p)
	}
	return out
}
