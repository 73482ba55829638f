package client

import "github.com/orderflow-cdk/orderflow/event"

// maxPending is how many events a Sequencer keeps that cannot be told yet. An order has far fewer
// statuses; what is beyond can be fetched.
const maxPending = 1000

// Sequencer puts the events of one order in order, from whichever channels they come: each
// sequence is told once, after all before it. The zero value begins with 1. It is not safe for concurrent
// use.
type Sequencer struct {
	last    int64
	pending map[int64]event.Event
}

// NewSequencer returns a Sequencer for what comes after a sequence.
func NewSequencer(after int64) *Sequencer { return &Sequencer{last: max(0, after)} }

// Add takes an event and returns those that can be told now, in order. Of two with the
// same sequence the first is told.
func (s *Sequencer) Add(e event.Event) []event.Event {
	if _, known := s.pending[e.Sequence]; known || e.Sequence <= s.last {
		return nil
	}
	if e.Sequence > s.last+1 {
		if s.pending == nil {
			s.pending = map[int64]event.Event{}
		}
		if len(s.pending) < maxPending {
			s.pending[e.Sequence] = e
		}
		return nil
	}
	ready := []event.Event{e}
	for {
		s.last++
		next, ok := s.pending[s.last+1]
		if !ok {
			return ready
		}
		delete(s.pending, s.last+1)
		ready = append(ready, next)
	}
}

// Last is the sequence that was told last.
func (s *Sequencer) Last() int64 { return s.last }

// Gap returns the first sequences that are missing, both inclusive, while a later event waits for
// them. GET of the order has them in its history: see [Order.Events].
func (s *Sequencer) Gap() (from, to int64, ok bool) {
	for sequence := range s.pending {
		if to == 0 || sequence <= to {
			to = sequence - 1
		}
	}
	return s.last + 1, to, to != 0
}
