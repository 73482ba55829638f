package webhook

import (
	"container/list"
	"context"
	"sync"
	"time"
)

// Seen remembers the ids of what was handled. A store that several processes share
// might keep a row per id with a lease; see [Memory] for one process.
type Seen interface {
	// Begin claims an id for the caller: first is false if it was handled
	// already. While another one is handling it, Begin waits, or fails with ErrBusy, which makes
	// the sender repeat.
	Begin(ctx context.Context, id string) (first bool, err error)
	// End gives the claim back: handled says whether the id is to be remembered.
	End(ctx context.Context, id string, handled bool) error
}

// Memory is a Seen in the process's memory. The zero value can be used. A claim
// that somebody else holds is waited for.
type Memory struct {
	// Limit is how many ids are remembered, default 100,000, which takes about
	// 20 MB. The oldest is forgotten first.
	Limit int
	// Keep is how long an id is remembered, default 24 hours.
	Keep time.Duration
	// Now is the clock; default time.Now.
	Now func() time.Time

	mu      sync.Mutex
	claimed map[string]chan struct{} // closed when the claim ends
	handled map[string]*list.Element
	oldest  list.List // of remembered
}

type remembered struct {
	id    string
	until time.Time
}

var _ Seen = (*Memory)(nil)

// Begin implements Seen.
func (m *Memory) Begin(ctx context.Context, id string) (bool, error) {
	for {
		m.mu.Lock()
		m.forget()
		if m.handled[id] != nil {
			m.mu.Unlock()
			return false, nil
		}
		other := m.claimed[id]
		if other == nil {
			if m.claimed == nil {
				m.claimed, m.handled = map[string]chan struct{}{}, map[string]*list.Element{}
			}
			m.claimed[id] = make(chan struct{})
			m.mu.Unlock()
			return true, nil
		}
		m.mu.Unlock()
		select {
		case <-other:
		case <-ctx.Done():
			return false, ErrBusy
		}
	}
}

// End implements Seen.
func (m *Memory) End(_ context.Context, id string, handled bool) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	claim := m.claimed[id]
	if claim == nil {
		return nil
	}
	close(claim)
	delete(m.claimed, id)
	if handled {
		keep := m.Keep
		if keep == 0 {
			keep = 24 * time.Hour
		}
		m.handled[id] = m.oldest.PushBack(remembered{id, m.now().Add(keep)})
		m.forget()
	}
	return nil
}

// forget drops what is beyond Limit or Keep.
func (m *Memory) forget() {
	limit := m.Limit
	if limit == 0 {
		limit = 100_000
	}
	now := m.now()
	for e := m.oldest.Front(); e != nil; e = m.oldest.Front() {
		r := e.Value.(remembered)
		if m.oldest.Len() <= limit && now.Before(r.until) {
			return
		}
		m.oldest.Remove(e)
		delete(m.handled, r.id)
	}
}

func (m *Memory) now() time.Time {
	if m.Now != nil {
		return m.Now()
	}
	return time.Now()
}
