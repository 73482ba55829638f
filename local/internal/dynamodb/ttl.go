package dynamodb

import (
	"container/heap"
	"time"

	"github.com/orderflow-cdk/orderflow/local/internal/sim"
)

// expiry is a table's time to live: one event for the next item to go, so that
// a table without items that expire schedules nothing.
type expiry struct {
	attribute string // "" if off
	queue     expiryQueue
	event     *sim.Event
	at        time.Time
}

type expiring struct {
	at     time.Time
	number string  // the attribute's value when this was queued
	key    *record // where the item is; without the item, so as not to keep it
}

// expire notes the expiry of a written item. Entries of items that have changed
// since stay in the queue and are skipped when their time comes.
func (t *Table) expire(old, r *record) {
	if t.ttl.attribute == "" || r == nil {
		return
	}
	v := r.item.Get(t.ttl.attribute)
	at, ok := parseExpiry(v)
	if !ok || at.Before(t.k.Now().Add(-maxExpiryAge)) {
		return
	}
	if old != nil && equalValues(old.item.Get(t.ttl.attribute), v) {
		return
	}
	heap.Push(&t.ttl.queue, expiring{at, v.s, &record{hash: r.hash, pk: r.pk, sk: r.sk}})
	t.scheduleExpiry()
}

func (t *Table) scheduleExpiry() {
	q := &t.ttl.queue
	for q.Len() > 0 && !t.current((*q)[0]) {
		heap.Pop(q)
	}
	if q.Len() == 0 {
		t.ttl.event.Cancel()
		t.ttl.event = nil
		return
	}
	at := (*q)[0].at.Add(ExpiryDelay)
	if t.ttl.event != nil && at.Equal(t.ttl.at) {
		return
	}
	t.ttl.event.Cancel()
	t.ttl.at = at
	t.ttl.event = t.k.Background(at, t.removeExpired)
}

// current tells if the item is still there with the expiry that was queued.
func (t *Table) current(e expiring) bool {
	r := t.find(e.key)
	return r != nil && r.item.Get(t.ttl.attribute).s == e.number
}

func (t *Table) removeExpired() {
	t.ttl.event = nil
	limit := t.k.Now().Add(-ExpiryDelay)
	for q := &t.ttl.queue; q.Len() > 0 && !(*q)[0].at.After(limit); {
		e := heap.Pop(q).(expiring)
		if t.current(e) {
			t.store(t.find(e.key), nil, principalTTL)
		}
	}
	t.scheduleExpiry()
}

type expiryQueue []expiring

func (q expiryQueue) Len() int { return len(q) }
func (q expiryQueue) Less(i, j int) bool {
	if q[i].at.Equal(q[j].at) {
		return compareRecords(q[i].key, q[j].key) < 0
	}
	return q[i].at.Before(q[j].at)
}
func (q expiryQueue) Swap(i, j int) { q[i], q[j] = q[j], q[i] }
func (q *expiryQueue) Push(x any)   { *q = append(*q, x.(expiring)) }
func (q *expiryQueue) Pop() any {
	old := *q
	e := old[len(old)-1]
	old[len(old)-1] = expiring{}
	*q = old[:len(old)-1]
	return e
}
