package sqs

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/orderflow-cdk/orderflow/local/internal/sim"
)

// maxInFlight is how many messages of one queue may be in flight, of a
// standard as of a FIFO queue.
const maxInFlight = 120_000

// Queue is a queue. Everything about it happens in events of its kernel; it
// schedules none while nobody waits for a message of it.
type Queue struct {
	Name, ARN, URL string
	FIFO           bool

	s                 *Service
	k                 *sim.Kernel
	set               settings
	props             QueueProperties
	created, modified time.Time
	lastPurge         time.Time
	overrides         map[string]override // of the template's attributes, by SetQueueAttributes

	lastOrdinal uint64
	messages    map[uint64]*Message // by ordinal
	groups      map[string]*group
	quiet       minHeap[*group] // groups whose head may be received
	noisy       minHeap[*group] // likewise, but only after all quiet ones
	pending     minHeap[*Message]
	ready       int
	delayed     int
	inFlight    int
	work        workWindow
	turns       uint64
	due         []*Message // scratch space of settle
	expiry      time.Time  // no message expires before this

	dedup dedupWindow

	waiters    []*waiter
	dispatches bool // a dispatch is scheduled
	wake       *sim.Event
	wakeAt     time.Time

	stats Stats
}

// Stats counts what happened in a queue since it was created.
type Stats struct {
	// Sent and Received count messages, Deleted those deleted by a consumer.
	Sent, Received, Deleted int
	// EmptyReceives counts receives of the API that found nothing, in this process.
	EmptyReceives int
	// Expired counts messages that outlived the retention period, DeadLettered
	// those that moved to the dead-letter queue, Deduplicated those dropped as
	// repeats.
	Expired, DeadLettered, Deduplicated int
	// SentBytes counts bodies and attributes.
	SentBytes int
}

// Stats returns the queue's counters.
func (q *Queue) Stats() Stats { return q.stats }

// VisibilityTimeout is the queue's default visibility timeout.
func (q *Queue) VisibilityTimeout() time.Duration { return q.set.visibility }

// Len returns how many messages can be received now, wait for their delay, and
// are in flight. A message of a blocked FIFO group counts as receivable, as in
// ApproximateNumberOfMessages.
func (q *Queue) Len() (ready, delayed, inFlight int) {
	q.settle()
	q.expire()
	return q.ready, q.delayed, q.inFlight
}

func newQueue(s *Service, name string, p QueueProperties, set settings) *Queue {
	q := &Queue{
		Name: name,
		ARN:  fmt.Sprintf("arn:aws:sqs:%s:%s:%s", s.region, s.account, name),
		URL:  fmt.Sprintf("https://sqs.%s.amazonaws.com/%s/%s", s.region, s.account, name),
		FIFO: bool(p.FifoQueue),
		s:    s, k: s.k, set: set, props: p,
		created: s.k.Now(), modified: s.k.Now(),
		messages: map[uint64]*Message{},
		groups:   map[string]*group{},
	}
	q.dedup.q = q
	place := func(g *group, i int) { g.index = i }
	q.quiet = minHeap[*group]{moved: place, less: func(a, b *group) bool {
		if q.FIFO {
			return a.turn < b.turn
		}
		return a.ready.top().ordinal < b.ready.top().ordinal
	}}
	q.noisy = minHeap[*group]{moved: place, less: func(a, b *group) bool {
		if a.inFlight != b.inFlight {
			return a.inFlight < b.inFlight
		}
		return a.ready.top().ordinal < b.ready.top().ordinal
	}}
	q.pending = minHeap[*Message]{moved: func(m *Message, i int) { m.index = i }, less: func(a, b *Message) bool {
		if !a.visibleAt.Equal(b.visibleAt) {
			return a.visibleAt.Before(b.visibleAt)
		}
		return a.ordinal < b.ordinal
	}}
	return q
}

// add puts a new message in, visible after delay.
func (q *Queue) add(m *Message, delay time.Duration) {
	q.lastOrdinal++
	m.ordinal, m.queue, m.receipt, m.key = q.lastOrdinal, q, 0, ""
	q.changed()
	m.group = q.groupFor(m.GroupID)
	m.group.lastSent = q.k.Now()
	m.group.changed()
	q.messages[m.ordinal] = m
	if at := m.retained.Add(q.set.retention); len(q.messages) == 1 || at.Before(q.expiry) {
		q.expiry = at
	}
	if delay > 0 {
		q.hold(m, stateDelayed, q.k.Now().Add(delay))
	} else {
		q.offer(m)
	}
	q.stir()
}

// hold keeps a message back until the given time.
func (q *Queue) hold(m *Message, s state, until time.Time) {
	m.state, m.visibleAt = s, until
	m.changed()
	m.group.pending++
	if s == stateDelayed {
		q.delayed++
	} else {
		q.inFlight++
		m.group.inFlight++
	}
	q.pending.push(m)
}

// unhold undoes hold. The group is to be placed afterwards.
func (q *Queue) unhold(m *Message) {
	q.pending.remove(m.index)
	m.held = false
	m.changed()
	q.changed()
	m.group.pending--
	if m.state == stateDelayed {
		q.delayed--
		return
	}
	q.inFlight--
	m.group.inFlight--
	until := q.k.Now()
	if m.visibleAt.Before(until) {
		until = m.visibleAt // nobody has looked at the queue since
	}
	q.worked(m.group, until.Sub(m.received))
	q.judge(m.group)
}

// offer makes a message receivable.
func (q *Queue) offer(m *Message) {
	m.state = stateReady
	m.changed()
	q.ready++
	m.group.ready.push(m)
	q.place(m.group)
}

// settle makes everything receivable whose delay or visibility timeout is over.
func (q *Queue) settle() {
	now := q.k.Now()
	q.due = q.due[:0]
	for q.pending.len() > 0 && !q.pending.top().visibleAt.After(now) {
		m := q.pending.top()
		q.unhold(m)
		if !q.FIFO {
			q.offer(m)
			continue
		}
		q.due = append(q.due, m)
	}
	// FIFO only now, so that a group all of whose messages return at once gets
	// its turn by the first of them.
	for i, m := range q.due {
		q.offer(m)
		q.due[i] = nil
	}
}

// drop takes a message out of the queue for good.
func (q *Queue) drop(m *Message) {
	switch m.state {
	case stateGone:
		return
	case stateReady:
		m.group.ready.remove(m.index)
		q.ready--
	default:
		q.unhold(m)
	}
	m.state = stateGone
	m.changed()
	q.changed()
	delete(q.messages, m.ordinal)
	q.place(m.group)
	q.stir()
}

// expired says whether a message has outlived the retention period, and drops
// it if so.
func (q *Queue) expired(m *Message) bool {
	if q.k.Now().Sub(m.retained) < q.set.retention {
		return false
	}
	q.stats.Expired++
	q.drop(m)
	return true
}

// expire drops every message that has outlived the retention period. It runs
// when somebody looks, not by the clock: nobody can tell the difference.
func (q *Queue) expire() {
	if len(q.messages) == 0 || q.k.Now().Before(q.expiry) {
		return
	}
	q.expiry = q.k.Now().Add(q.set.retention)
	for _, m := range q.inOrder() {
		if at := m.retained.Add(q.set.retention); !q.expired(m) && at.Before(q.expiry) {
			q.expiry = at
		}
	}
}

// Messages lists what the queue holds, in order of arrival, without receiving it.
func (q *Queue) Messages() []*Message {
	q.settle()
	q.expire()
	return q.inOrder()
}

// inOrder lists all messages in order of arrival.
func (q *Queue) inOrder() []*Message {
	return slices.SortedFunc(maps.Values(q.messages), func(a, b *Message) int { return cmp.Compare(a.ordinal, b.ordinal) })
}
