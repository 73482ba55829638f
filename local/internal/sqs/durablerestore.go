package sqs

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/orderflow-cdk/orderflow/local/internal/durable"
)

// restored is what the records of an earlier run say.
type restored struct {
	s      *Service
	queues map[string]*restoredQueue
	tasks  []*restoredTask
}

type restoredQueue struct {
	queueRecord
	known    bool // has a record of its own
	work     workWindow
	messages []*Message // in order of arrival
	groups   map[string]*restoredGroup
	dedup    map[string]dedupEntry
}

type restoredGroup struct {
	groupRecord
	work workWindow
}

type restoredTask struct {
	number int
	taskRecord
}

// service reads the record that goes before all others.
func (r *restored) service(b []byte) error {
	if err := durable.CheckHeader(b, recordVersion); err != nil {
		return err
	}
	var in serviceRecord
	if err := durable.Decode(b, &in); err != nil {
		return err
	}
	r.s.sequence = in.Sequence
	return r.s.source.UnmarshalBinary(in.IDs)
}

// read reads one record.
func (r *restored) read(key string, b []byte) error {
	kind, rest, _ := strings.Cut(key, "/")
	switch kind {
	case serviceKey:
		return nil
	case "task":
		n, err := parsePadded(rest)
		t := &restoredTask{number: int(n)}
		r.tasks = append(r.tasks, t)
		return errors.Join(err, durable.Decode(b, &t.taskRecord))
	}
	name, id, _ := strings.Cut(rest, "/")
	q := r.queues[name]
	if q == nil {
		q = &restoredQueue{groups: map[string]*restoredGroup{}, dedup: map[string]dedupEntry{}}
		r.queues[name] = q
	}
	switch kind {
	case "queue":
		err := durable.Decode(b, &q.queueRecord)
		if err != nil {
			return err
		}
		q.known = true
		q.work, err = q.Work.window()
		return err
	case "message":
		return q.readMessage(id, b)
	case "group":
		g := &restoredGroup{}
		q.groups[id] = g
		err := durable.Decode(b, &g.groupRecord)
		if err != nil {
			return err
		}
		g.work, err = g.Work.window()
		return err
	case "dedup":
		var d dedupRecord
		if err := durable.Decode(b, &d); err != nil {
			return err
		}
		q.dedup[id] = dedupEntry{d.ID, d.Sequence, fromNanos(d.Until)}
		return nil
	}
	return fmt.Errorf("there is no kind %q", kind)
}

func (q *restoredQueue) readMessage(id string, b []byte) error {
	var in messageRecord
	if err := durable.Decode(b, &in); err != nil {
		return err
	}
	m, err := in.message()
	if err != nil {
		return err
	}
	if m.ordinal, err = parsePadded(id); err != nil {
		return err
	}
	q.messages = append(q.messages, m)
	return nil
}

func parsePadded(text string) (uint64, error) {
	n, err := strconv.ParseUint(text, 10, 64)
	if err == nil && padded(n) != text {
		err = fmt.Errorf("%s has not 20 digits", text)
	}
	return n, err
}

// restore makes a new queue go on from records. What it cannot take over is dropped.
func (q *Queue) restore(r *restoredQueue) (dropped []string) {
	now := q.k.Now()
	if r.known {
		q.created, q.modified, q.lastPurge = fromNanos(r.Created), fromNanos(r.Modified), fromNanos(r.Purged)
		q.lastOrdinal, q.work, q.stats = r.LastOrdinal, r.work, r.Stats
		dropped = q.restoreOverrides(r.Overrides)
	}
	for _, m := range r.messages {
		m.queue, m.group = q, q.groupFor(m.GroupID)
		q.messages[m.ordinal] = m
		q.lastOrdinal = max(q.lastOrdinal, m.ordinal)
		if m.held && m.visibleAt.After(now) {
			m.visibleAt = now
		}
		if m.state == stateReady {
			q.ready++
			m.group.ready.push(m)
		} else {
			q.hold(m, m.state, m.visibleAt)
		}
	}
	q.restoreGroups(r.groups)
	for _, key := range slices.SortedFunc(maps.Keys(r.dedup), func(a, b string) int {
		return cmp.Or(r.dedup[a].until.Compare(r.dedup[b].until), cmp.Compare(a, b))
	}) {
		if e := r.dedup[key]; e.until.After(now) {
			q.dedup.restore(key, e)
		}
	}
	q.expiry = time.Time{} // the retention period may be another
	return dropped
}

// restoreGroups puts the groups of the restored messages where they were in their order.
func (q *Queue) restoreGroups(records map[string]*restoredGroup) {
	ids := slices.Sorted(maps.Keys(q.groups))
	turn := func(id string) uint64 {
		if r := records[id]; r != nil {
			return r.Turn
		}
		return 0
	}
	slices.SortStableFunc(ids, func(a, b string) int { return cmp.Compare(turn(a), turn(b)) })
	for _, id := range ids {
		g := q.groups[id]
		if r := records[id]; r != nil && id != "" {
			g.noisy, g.lastSent, g.work = r.Noisy, fromNanos(r.LastSent), r.work
		}
		q.place(g)
	}
}

// override is an attribute that SetQueueAttributes changed: it stays, unless the template gives
// the queue another value since.
type override struct {
	Template string `json:"template"`
	Value    string `json:"value"`
}

// override notes attributes that are about to change.
func (q *Queue) override(attributes map[string]string) {
	for name, value := range attributes {
		if name == "FifoQueue" {
			continue // it cannot change
		}
		if q.overrides == nil {
			q.overrides = map[string]override{}
		}
		o, ok := q.overrides[name]
		if !ok {
			o.Template = queueAttributes[name](q)
		}
		o.Value = value
		q.overrides[name] = o
	}
}

func (q *Queue) restoreOverrides(records map[string]override) (dropped []string) {
	for _, name := range slices.Sorted(maps.Keys(records)) {
		o := records[name]
		get, ok := queueAttributes[name]
		set := q.set
		if !ok || get(q) != o.Template || q.setAttribute(&set, name, o.Value) != nil {
			dropped = append(dropped, fmt.Sprintf("queue %s: the attribute %s, which was set to %s", q.Name, name, o.Value))
			continue
		}
		if q.overrides == nil {
			q.overrides = map[string]override{}
		}
		q.set, q.overrides[name] = set, o
	}
	return dropped
}

// goOn takes over the message move tasks and goes on with those that are not done.
func (r *restored) goOn() (dropped []string) {
	s := r.s
	for _, in := range r.tasks {
		t := &moveTask{
			number: in.number, id: in.ID, source: s.byARN[in.Source], destination: s.byARN[in.Destination],
			perSecond: in.PerSecond, toMove: in.ToMove, moved: in.Moved, started: fromNanos(in.Started),
			status: in.Status, reason: in.Reason, next: fromNanos(in.Next),
		}
		running := t.status == "RUNNING"
		switch {
		case t.source == nil:
			if running {
				dropped = append(dropped, "message move task from "+in.Source)
			}
			continue
		case in.Destination != "" && t.destination == nil && running:
			t.status, t.reason = "FAILED", "AWS.SimpleQueueService.NonExistentQueue"
		case running:
			s.moveAt(t, t.next)
		}
		s.tasks = append(s.tasks, t)
	}
	return dropped
}
