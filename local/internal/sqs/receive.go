package sqs

import (
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"time"

	"github.com/orderflow-cdk/orderflow/local/internal/api"
	"github.com/orderflow-cdk/orderflow/local/internal/sim"
)

// Request says what a consumer wants.
type Request struct {
	// Max is the greatest number of messages, at least 1.
	Max int
	// VisibilityTimeout is how long the messages stay hidden from others.
	VisibilityTimeout time.Duration
	// Accept is asked about each message before it is taken; with false the
	// receive ends before that message, unless it is the first. Nil accepts all.
	Accept func(*Message) bool
}

// waiter is a receive that waits for messages.
type waiter struct {
	Request
	deadline *sim.Event
	done     func([]Delivery)
	mapping  bool // an event source mapping's, which holds what it gets
}

// Receive takes what there is now, in the order in which the queue delivers;
// nothing if there is nothing. It fails only if the queue's dead-letter queue
// does not exist.
func (q *Queue) Receive(r Request) ([]Delivery, error) {
	if _, err := q.deadLetterQueue(); err != nil {
		return nil, err
	}
	out := q.take(r, false)
	q.arm()
	return out, nil
}

// Poll calls done once, in a later event, with at least one message, as soon
// as there is any. It is how event source mappings read: nothing happens, and
// nothing is scheduled, while the queue is empty. After cancel done is not called.
// The mapping is to Release what it does not delete.
func (q *Queue) Poll(r Request, done func([]Delivery)) (cancel func(), err error) {
	if _, err := q.deadLetterQueue(); err != nil {
		return nil, err
	}
	return q.wait(&waiter{Request: r, done: done, mapping: true}), nil
}

func (q *Queue) wait(w *waiter) (cancel func()) {
	q.settle()
	q.waiters = append(q.waiters, w)
	q.stir()
	return func() { q.leave(w) }
}

// leave takes a waiter off the list.
func (q *Queue) leave(w *waiter) {
	for i, other := range q.waiters {
		if other == w {
			q.waiters = append(q.waiters[:i], q.waiters[i+1:]...)
			w.deadline.Cancel()
			q.arm()
			return
		}
	}
}

// stir schedules the delivery to those who wait, if there is something for
// them. It runs in an event of its own so that a sender's call is over before
// a consumer's begins, and so that what arrives at one instant goes together.
func (q *Queue) stir() {
	if len(q.waiters) > 0 && !q.dispatches && q.choose() != nil {
		q.dispatches = true
		q.k.After(0, q.dispatch)
	}
	q.arm()
}

func (q *Queue) dispatch() {
	q.dispatches = true // whatever the consumers do in here, this loop sees it
	q.settle()
	for len(q.waiters) > 0 && q.choose() != nil {
		w := q.waiters[0]
		got := q.take(w.Request, w.mapping)
		if len(got) == 0 {
			break
		}
		q.leave(w)
		w.done(got)
	}
	q.dispatches = false
	q.arm()
}

// arm keeps one event for the next time at which a message becomes receivable,
// as long as somebody waits.
func (q *Queue) arm() {
	if len(q.waiters) == 0 || q.pending.len() == 0 {
		q.wake.Cancel()
		q.wake = nil
		return
	}
	at := q.pending.top().visibleAt
	if q.wake != nil && !q.wakeAt.After(at) {
		return // fires no later, and arms again
	}
	q.wake.Cancel()
	q.wakeAt = at
	q.wake = q.k.At(at, func() {
		q.wake = nil
		q.dispatch()
	})
}

// take receives up to r.Max messages, for an event source mapping or for a client.
func (q *Queue) take(r Request, mapping bool) []Delivery {
	q.settle()
	q.rejudge()
	var out []Delivery
	for len(out) < r.Max && q.inFlight < maxInFlight {
		g := q.choose()
		if g == nil {
			break
		}
		// A FIFO receive goes on with the same group; its messages in flight
		// block the group only for the next receive.
		n := 1
		if q.FIFO {
			n = r.Max - len(out)
		}
		full := false
		for ; n > 0 && g.ready.len() > 0 && !full; n-- {
			m := g.ready.top()
			if q.expired(m) || q.deadLetter(m) {
				n++
				continue
			}
			if r.Accept != nil && !r.Accept(m) && len(out) > 0 {
				full = true
				continue
			}
			out = append(out, q.deliver(m, r.VisibilityTimeout, mapping))
		}
		q.judge(g)
		q.place(g)
		if full {
			break
		}
	}
	if len(out) > 0 {
		q.stats.Received += len(out)
		q.changed()
	}
	return out
}

// deliver takes the first message of its group for one consumer.
func (q *Queue) deliver(m *Message, visibility time.Duration, mapping bool) Delivery {
	m.group.ready.pop()
	q.ready--
	m.receives++
	m.receipt++
	m.held = mapping
	m.received = q.k.Now()
	if m.firstReceived.IsZero() {
		m.firstReceived = m.received
	}
	q.hold(m, stateInFlight, m.received.Add(visibility))
	return Delivery{Message: m, ReceiptHandle: q.handle(m), ReceiveCount: m.receives, FirstReceived: m.firstReceived}
}

// deadLetter moves a message that was received too often, and says whether it did.
func (q *Queue) deadLetter(m *Message) bool {
	p := q.set.redrive
	if p == nil || m.receives < int(p.MaxReceiveCount) {
		return false
	}
	dlq, err := q.deadLetterQueue()
	if err != nil {
		// The target was there when the receive began or when the stack was
		// checked; to lose or to repeat the message would both be wrong.
		panic(err)
	}
	q.stats.DeadLettered++
	q.drop(m)
	moved := *m
	moved.DeadLetterSource = q.ARN
	moved.firstReceived, moved.received = time.Time{}, time.Time{}
	if dlq.FIFO {
		// The retention period of a standard message goes on from when it was
		// first sent, that of a FIFO message starts anew.
		moved.retained = q.k.Now()
		moved.SequenceNumber = dlq.nextSequence()
	}
	dlq.add(&moved, 0)
	return true
}

// deadLetterQueue finds the queue that the redrive policy names: nil if there
// is no policy, an error if the queue does not exist or cannot be one.
func (q *Queue) deadLetterQueue() (*Queue, error) {
	if q.set.redrive == nil {
		return nil, nil
	}
	arn := q.set.redrive.DeadLetterTargetArn
	dlq := q.s.byARN[arn]
	switch {
	case dlq == nil:
		return nil, fmt.Errorf("sqs: queue %s: RedrivePolicy names %s, which does not exist", q.Name, arn)
	case dlq == q:
		return nil, fmt.Errorf("sqs: queue %s: RedrivePolicy names the queue itself", q.Name)
	case dlq.FIFO != q.FIFO:
		return nil, fmt.Errorf("sqs: queue %s: the dead-letter queue of a FIFO queue must be FIFO, that of a standard queue standard; %s is not", q.Name, arn)
	case !dlq.set.allow.allows(q.ARN):
		return nil, fmt.Errorf("sqs: queue %s: the RedriveAllowPolicy of %s does not allow it as a source", q.Name, arn)
	}
	return dlq, nil
}

// A receipt handle names the queue, the message and the receive.
const handlePrefix = "AQEB"

func (q *Queue) handle(m *Message) string {
	var b [24]byte
	binary.BigEndian.PutUint64(b[:], q.tag())
	binary.BigEndian.PutUint64(b[8:], m.ordinal)
	binary.BigEndian.PutUint32(b[16:], m.receipt)
	h := fnv.New32a()
	h.Write(b[:20])
	binary.BigEndian.PutUint32(b[20:], h.Sum32())
	return handlePrefix + base64.StdEncoding.EncodeToString(b[:])
}

func (q *Queue) tag() uint64 {
	h := fnv.New64a()
	h.Write([]byte(q.ARN))
	return h.Sum64()
}

// find resolves a receipt handle. The message is nil if it is gone; current
// says whether no later receive has replaced the handle.
func (q *Queue) find(handle string) (m *Message, current bool, err error) {
	invalid := api.Errorf("ReceiptHandleIsInvalid", "The input receipt handle %q is not a valid receipt handle.", handle)
	if len(handle) != 36 || handle[:4] != handlePrefix {
		return nil, false, invalid
	}
	b, err := base64.StdEncoding.DecodeString(handle[4:])
	if err != nil {
		return nil, false, invalid
	}
	h := fnv.New32a()
	h.Write(b[:20])
	if binary.BigEndian.Uint64(b) != q.tag() || binary.BigEndian.Uint32(b[20:]) != h.Sum32() {
		return nil, false, invalid
	}
	m = q.messages[binary.BigEndian.Uint64(b[8:])]
	if m == nil {
		return nil, false, nil
	}
	return m, m.receipt == binary.BigEndian.Uint32(b[16:]), nil
}
