package sqs

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/orderflow-cdk/orderflow/local/internal/durable"
)

// The records of the queues (durable.Engine), all of them JSON; times are Unix
// nanoseconds, 0 for none. What can be computed (digests, sizes, counts, the order in which
// messages go) is in none of them.
//
//	service                     the version of all records, and what ids and sequence numbers go on from
//	queue/<queue>               counters, and the attributes that SetQueueAttributes changed
//	message/<queue>/<ordinal>   a message; ordinal is its place in the order of arrival, in 20 digits
//	group/<queue>/<id>          a message group that has messages: its turn, or what makes it a noisy neighbour
//	dedup/<queue>/<id>          a deduplication id of the last five minutes
//	task/<number>               a message move task, in 20 digits
//
// A message that an event source mapping holds is receivable at once when the queue goes on,
// with its receive counted: nobody works on it any more. One that a client
// received, that the mapping is done with, or whose visibility timeout the function chose itself
// (ChangeMessageVisibility) stays in flight for as long as it would have.
// Receives that wait, and the count of those that found nothing, are not kept.
const recordVersion = 1

var _ durable.Engine = (*Service)(nil)

const serviceKey = "service"

// Watch implements durable.Engine.
func (s *Service) Watch(changed func(key string)) { s.watch = changed }

func (s *Service) changed() {
	if s.watch != nil {
		s.watch(serviceKey)
	}
}

func (q *Queue) changed() {
	if q.s.watch != nil {
		q.s.watch("queue/" + q.Name)
	}
}

func (m *Message) changed() {
	if m.queue.s.watch != nil {
		m.queue.s.watch(m.recordKey())
	}
}

func (m *Message) recordKey() string {
	if m.key == "" {
		m.key = "message/" + m.queue.Name + "/" + padded(m.ordinal)
	}
	return m.key
}

func (g *group) changed() {
	if g.q.s.watch != nil && g.id != "" {
		g.q.s.watch(g.recordKey())
	}
}

func (g *group) recordKey() string { return "group/" + g.q.Name + "/" + g.id }

func (w *dedupWindow) changed(key string) {
	if w.q.s.watch != nil {
		w.q.s.watch(w.recordKey(key))
	}
}

func (w *dedupWindow) recordKey(key string) string { return "dedup/" + w.q.Name + "/" + key }

func (t *moveTask) changed(s *Service) {
	if s.watch != nil {
		s.watch(t.recordKey())
	}
}

func (t *moveTask) recordKey() string { return "task/" + padded(uint64(t.number)) }

// padded writes a number such that text orders as numbers do.
func padded(n uint64) string { return fmt.Sprintf("%020d", n) }

// Keys implements durable.Engine.
func (s *Service) Keys() []string {
	keys := []string{serviceKey}
	for _, q := range s.queues {
		keys = append(keys, "queue/"+q.Name)
		for _, m := range q.messages {
			keys = append(keys, m.recordKey())
		}
		for id, g := range q.groups {
			if id != "" {
				keys = append(keys, g.recordKey())
			}
		}
		for key := range q.dedup.sent {
			keys = append(keys, q.dedup.recordKey(key))
		}
	}
	for _, t := range s.tasks {
		keys = append(keys, t.recordKey())
	}
	slices.Sort(keys)
	return keys
}

// Record implements durable.Engine.
func (s *Service) Record(key string) ([]byte, bool) {
	kind, rest, _ := strings.Cut(key, "/")
	switch kind {
	case serviceKey:
		return s.record(), rest == ""
	case "task":
		for _, t := range s.tasks {
			if t.recordKey() == key {
				return t.record(), true
			}
		}
		return nil, false
	}
	name, id, _ := strings.Cut(rest, "/")
	q := s.byName[name]
	if q == nil {
		return nil, false
	}
	switch kind {
	case "queue":
		return q.record(), id == ""
	case "message":
		ordinal, err := strconv.ParseUint(id, 10, 64)
		if m := q.messages[ordinal]; err == nil && m != nil {
			return m.record(), true
		}
	case "group":
		if g := q.groups[id]; g != nil && id != "" {
			return g.record(), true
		}
	case "dedup":
		if e, ok := q.dedup.sent[id]; ok {
			return e.record(), true
		}
	}
	return nil, false
}

// Restore implements durable.Engine.
func (s *Service) Restore(records map[string][]byte) (dropped []string, err error) {
	if len(records) == 0 {
		return nil, nil
	}
	r := restored{s: s, queues: map[string]*restoredQueue{}}
	if err := r.service(records[serviceKey]); err != nil {
		return nil, fmt.Errorf("sqs: record %q: %w", serviceKey, err)
	}
	for _, key := range slices.Sorted(maps.Keys(records)) {
		if err := r.read(key, records[key]); err != nil {
			return nil, fmt.Errorf("sqs: record %q: %w", key, err)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(r.queues)) {
		q := s.byName[name]
		if q == nil {
			dropped = append(dropped, gone(name, len(r.queues[name].messages)))
			continue
		}
		dropped = append(dropped, q.restore(r.queues[name])...)
	}
	dropped = append(dropped, r.goOn()...)
	for _, q := range s.queues {
		q.stir() // who waits for messages did so before these were there
	}
	return dropped, nil
}

func gone(queue string, messages int) string {
	switch messages {
	case 0:
		return "queue " + queue
	case 1:
		return "queue " + queue + ": 1 message"
	}
	return fmt.Sprintf("queue %s: %d messages", queue, messages)
}
