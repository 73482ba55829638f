package lambda

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/orderflow-cdk/orderflow/local/internal/durable"
)

// The service is a durable.Engine. Its records are JSON documents:
//
//	meta         the version of all records, when the service was first made (metaRecord)
//	event/N      an asynchronous invocation that waits or is under way (eventRecord)
//	stream/ID    how far the mapping of a stream is, lane by lane (streamMappingRecord)
//
// An invocation ends with its process. An asynchronous one is made again; the records of a batch that was under way are read
// again from the stream, which keeps them until the mapping is done with them. What was known of a
// batch that failed (its attempts, what was split off it, when it is due) stays. Mappings of
// queues have no state of their own, and counters begin anew.
const recordVersion = 1

var _ durable.Engine = (*Service)(nil)

// keeping is what the service has only so that its state can outlive the process.
type keeping struct {
	changed    func(key string)  // nil: nobody watches
	events     map[uint64]*event // asynchronous invocations that are not over, by number
	numbers    uint64            // events so far
	generation uint64            // how often the service was restored
}

func newKeeping() keeping { return keeping{events: map[uint64]*event{}} }

func (s *Service) keepEvent(e *event) {
	s.numbers++
	e.number = s.numbers
	s.events[e.number] = e
}

func (s *Service) forgetEvent(e *event) {
	delete(s.events, e.number)
	e.touch()
}

func (e *event) touch() {
	if changed := e.f.s.changed; changed != nil {
		changed(eventKey(e.number))
	}
}

// eventKey orders events by their number.
func eventKey(number uint64) string { return fmt.Sprintf("event/%012d", number) }

func (m *StreamMapping) touch() {
	if m.s.changed != nil {
		m.s.changed("stream/" + m.ID)
	}
}

// Watch implements durable.Engine.
func (s *Service) Watch(changed func(key string)) { s.changed = changed }

// Keys implements durable.Engine.
func (s *Service) Keys() []string {
	keys := []string{"meta"}
	for n := range s.events {
		keys = append(keys, eventKey(n))
	}
	for _, m := range s.streams {
		keys = append(keys, "stream/"+m.ID)
	}
	slices.Sort(keys)
	return keys
}

// Record implements durable.Engine.
func (s *Service) Record(key string) ([]byte, bool) {
	kind, id, _ := strings.Cut(key, "/")
	switch kind {
	case "meta":
		return durable.Encode(metaRecord{durable.Header{Version: recordVersion}, s.generation, s.started}), true
	case "event":
		n, err := strconv.ParseUint(id, 10, 64)
		if e := s.events[n]; err == nil && e != nil {
			return e.durable(), true
		}
	case "stream":
		for _, m := range s.streams {
			if m.ID == id {
				return m.durable(), true
			}
		}
	}
	return nil, false
}

// metaRecord is what the service as a whole remembers.
type metaRecord struct {
	// The version is that of all records.
	durable.Header
	// Generation is how often the service was restored, so that no id is made again.
	Generation uint64    `json:"generation"`
	Started    time.Time `json:"started"`
}

// eventRecord is an asynchronous invocation.
type eventRecord struct {
	Function  string    `json:"function"`
	ARN       string    `json:"arn"` // that it was invoked by
	ID        string    `json:"id"`  // of the request
	Accepted  time.Time `json:"accepted"`
	Attempts  int       `json:"attempts,omitempty"` // that failed
	Throttled int       `json:"throttled,omitempty"`
	// Due is when the next attempt is to be made; one that is under way is made again.
	Due     time.Time `json:"due"`
	Payload []byte    `json:"payload"`
}

func (e *event) durable() []byte {
	return durable.Encode(eventRecord{
		e.f.Name, e.arn, e.id, e.accepted, e.attempts, e.throttled, e.due, e.payload,
	})
}

// Restore implements durable.Engine. The streams' tables are restored before.
func (s *Service) Restore(records map[string][]byte) (dropped []string, err error) {
	if len(records) == 0 {
		return nil, nil
	}
	wrong := func(key string, err error) ([]string, error) {
		return nil, fmt.Errorf("record %s: %w", key, err)
	}
	if err := s.restoreMeta(records); err != nil {
		return wrong("meta", err)
	}
	r := restorer{s: s, gone: map[string]int{}, mappings: map[string]streamMappingRecord{}}
	for _, key := range slices.Sorted(maps.Keys(records)) {
		if err := r.read(key, records[key]); err != nil {
			return wrong(key, err)
		}
	}
	for _, m := range s.streams {
		m.restore(r.mappings)
	}
	r.resume()
	return r.dropped(), nil
}

func (s *Service) restoreMeta(records map[string][]byte) error {
	if err := durable.CheckHeader(records["meta"], recordVersion); err != nil {
		return err
	}
	var m metaRecord
	if err := durable.Decode(records["meta"], &m); err != nil {
		return err
	}
	s.generation, s.started = m.Generation+1, m.Started
	// A process makes the same ids as the one before it, if it is given the same seed.
	s.ids = rand.New(rand.NewPCG(s.ids.Uint64(), s.ids.Uint64()^s.generation*0x9e3779b97f4a7c15))
	for _, m := range s.streams {
		m.shard = s.shardOf(m.stream)
	}
	return nil
}

// restorer restores a service.
type restorer struct {
	s        *Service
	restored []*event
	mappings map[string]streamMappingRecord
	gone     map[string]int // asynchronous invocations by function
	lines    []string
}

func (r *restorer) read(key string, record []byte) error {
	kind, id, _ := strings.Cut(key, "/")
	switch {
	case key == "meta":
		return nil
	case kind == "event":
		n, err := strconv.ParseUint(id, 10, 64)
		if err != nil {
			return fmt.Errorf("%s is no number", id)
		}
		return r.event(n, record)
	case kind == "stream":
		var m streamMappingRecord
		if err := durable.Decode(record, &m); err != nil {
			return err
		}
		if len(m.Lanes) == 0 || slices.ContainsFunc(m.Earlier, func(p positions) bool { return len(p) == 0 }) {
			return errors.New("it has no lanes")
		}
		r.mappings[id] = m
		if !slices.ContainsFunc(r.s.streams, func(m *StreamMapping) bool { return m.ID == id }) {
			r.lines = append(r.lines, "event source mapping "+id+": where it was in the stream")
		}
		return nil
	}
	return errors.New("there are no records of this kind")
}

func (r *restorer) event(number uint64, record []byte) error {
	var rec eventRecord
	if err := durable.Decode(record, &rec); err != nil {
		return err
	}
	if rec.Function == "" || rec.ID == "" || !json.Valid(rec.Payload) {
		return errors.New("it is no invocation")
	}
	r.s.numbers = max(r.s.numbers, number)
	f := r.s.byName[rec.Function]
	if f == nil {
		r.gone[rec.Function]++
		return nil
	}
	e := &event{
		f: f, payload: rec.Payload, arn: rec.ARN, id: rec.ID, accepted: rec.Accepted,
		attempts: rec.Attempts, throttled: rec.Throttled, number: number, due: rec.Due,
	}
	r.s.events[number] = e
	r.restored = append(r.restored, e)
	return nil
}

// resume has the asynchronous invocations go on, in the order in which they are due.
func (r *restorer) resume() {
	slices.SortStableFunc(r.restored, func(a, b *event) int { return a.due.Compare(b.due) })
	for _, e := range r.restored {
		r.s.k.At(e.due, e.try)
	}
}

func (r *restorer) dropped() []string {
	out := r.lines
	for _, name := range slices.Sorted(maps.Keys(r.gone)) {
		n := "asynchronous invocations"
		if r.gone[name] == 1 {
			n = "asynchronous invocation"
		}
		out = append(out, fmt.Sprintf("function %s: %d %s", name, r.gone[name], n))
	}
	return out
}
