package sqs

import (
	"time"
)

// Fair queues: a standard queue whose messages carry a MessageGroupId keeps
// one tenant's backlog from delaying the others. The rules are those of the
// SQS Developer Guide, "How Amazon SQS fair queues work":
//
//   - a tenant is a noisy neighbour while more than 10% of the queue's messages
//     in flight are its own and those are at least 30, or while it took more
//     than 10% of the consumers' recent processing time;
//   - messages of quiet tenants go first; among noisy ones those of the tenant
//     with the fewest messages in flight;
//   - a tenant is quiet again when it has no backlog or has sent nothing for
//     five minutes, and when its shares are back below those thresholds;
//   - a message without group id is a tenant of its own.
//
// AWS calls its thresholds approximate and does not say what "recent" is; here
// they are exact, and recent is the last five minutes, to the minute.
const (
	noisyInFlight = 30
	noisyShare    = 10 // one part in
	quietAfter    = 5 * time.Minute
)

// group is a message group: the unit of order in a FIFO queue, a tenant in a
// standard queue. All messages without group id share one that is never noisy.
type group struct {
	q        *Queue
	id       string
	ready    minHeap[*Message]
	pending  int // delayed or in flight
	inFlight int
	noisy    bool
	lastSent time.Time
	work     workWindow

	// turn orders the groups of a FIFO queue: one whose messages come back
	// queues up behind those that wait already.
	turn  uint64
	in    *minHeap[*group]
	index int
}

func (q *Queue) groupFor(id string) *group {
	g := q.groups[id]
	if g == nil {
		g = &group{q: q, id: id}
		g.ready.less = func(a, b *Message) bool { return a.ordinal < b.ordinal }
		g.ready.moved = func(m *Message, i int) { m.index = i }
		q.groups[id] = g
	}
	return g
}

// place puts a group into the heap that it belongs in, or in none while it has
// nothing to receive.
func (q *Queue) place(g *group) {
	var want *minHeap[*group]
	switch {
	case g.ready.len() == 0:
		g.noisy = false
	case q.FIFO && g.inFlight > 0:
	case g.noisy:
		want = &q.noisy
	default:
		want = &q.quiet
	}
	switch {
	case g.in == want && want != nil:
		want.fix(g.index)
	case g.in != want:
		if g.in != nil {
			g.in.remove(g.index)
		}
		if g.in = want; want != nil {
			q.turns++
			g.turn = q.turns
			want.push(g)
		}
	}
	if g.ready.len() == 0 && g.pending == 0 {
		delete(q.groups, g.id)
	}
	g.changed()
}

// choose returns the group whose first message is to be received next, or nil.
// It is the one place that decides the order of delivery: a fault plan that
// reorders a standard queue would draw from the kernel's random source here.
func (q *Queue) choose() *group {
	switch {
	case q.quiet.len() > 0:
		return q.quiet.top()
	case q.noisy.len() > 0:
		return q.noisy.top()
	}
	return nil
}

// judge reconsiders whether a tenant is a noisy neighbour.
func (q *Queue) judge(g *group) {
	if q.FIFO || g.id == "" {
		return
	}
	now := q.k.Now()
	loud := g.inFlight >= noisyInFlight && g.inFlight*noisyShare > q.inFlight
	if total := q.work.sum(now); total > 0 && g.work.sum(now)*noisyShare > total {
		loud = true
	}
	g.noisy = loud && g.ready.len() > 0 && now.Sub(g.lastSent) < quietAfter
}

// rejudge reconsiders the tenants that are noisy; time alone may have made
// them quiet.
func (q *Queue) rejudge() {
	for i := 0; i < q.noisy.len(); {
		g := q.noisy.items[i]
		if q.judge(g); g.noisy {
			i++
			continue
		}
		q.place(g)
		i = 0
	}
}

// worked notes how long a message of the group was with a consumer.
func (q *Queue) worked(g *group, d time.Duration) {
	if q.FIFO || d <= 0 {
		return
	}
	g.work.add(q.k.Now(), d)
	q.work.add(q.k.Now(), d)
}

// workWindow sums processing time over the last five minutes.
type workWindow struct {
	minute [5]int64
	spent  [5]time.Duration
}

func (w *workWindow) add(now time.Time, d time.Duration) {
	minute := now.Unix() / 60
	i := int(minute % int64(len(w.spent)))
	if w.minute[i] != minute {
		w.minute[i], w.spent[i] = minute, 0
	}
	w.spent[i] += d
}

func (w *workWindow) sum(now time.Time) (total time.Duration) {
	oldest := now.Unix()/60 - int64(len(w.spent)) + 1
	for i, minute := range w.minute {
		if minute >= oldest {
			total += w.spent[i]
		}
	}
	return total
}
