package lambda

import (
	"slices"
	"time"

	"github.com/orderflow-cdk/orderflow/local/internal/durable"
	"github.com/orderflow-cdk/orderflow/local/internal/dynamodb"
)

// streamMappingRecord is how far the mapping of a stream is.
type streamMappingRecord struct {
	Lanes []laneRecord `json:"lanes"`
	// Earlier is Done of the lanes that there were before their number changed, as long as it says more than Lanes.
	Earlier []positions `json:"earlier,omitempty"`
}

// positions are, for each lane, the sequence number of the last record that it is done with.
type positions []string

// done says whether the record's lane is done with it.
func (p positions) done(r *dynamodb.StreamRecord) bool {
	return r.SequenceNumber <= p[laneOf(r, len(p))]
}

func (m *StreamMapping) positions() positions {
	p := make(positions, len(m.lanes))
	for i, l := range m.lanes {
		p[i] = l.done
	}
	return p
}

// laneRecord is how far one lane is. The records themselves are in the stream.
type laneRecord struct {
	// Done is the sequence number of the last record that the lane is done with.
	Done string `json:"done,omitempty"`
	// Work is the batch under way and what was split off it, in order.
	Work []batchRecord `json:"work,omitempty"`
}

// batchRecord is a batch on its way through the function.
type batchRecord struct {
	Last      string    `json:"last"` // sequence number of its last record
	Attempts  int       `json:"attempts,omitempty"`
	Throttled int       `json:"throttled,omitempty"`
	Failures  int       `json:"failures,omitempty"`
	Delivered bool      `json:"delivered,omitempty"`
	Next      time.Time `json:"next,omitzero"`
	// The last invocation, and how many there were:
	RequestID string `json:"requestID,omitempty"`
	Error     bool   `json:"error,omitempty"`
	Invoked   int    `json:"invoked,omitempty"`
}

func (m *StreamMapping) durable() []byte {
	m.dropEarlier()
	rec := streamMappingRecord{Lanes: make([]laneRecord, len(m.lanes)), Earlier: m.earlier}
	for i, l := range m.lanes {
		rec.Lanes[i].Done = l.done
		for _, b := range l.work {
			if len(b.records) == 0 {
				continue
			}
			rec.Lanes[i].Work = append(rec.Lanes[i].Work, batchRecord{
				Last: b.records[len(b.records)-1].sequence, Attempts: b.attempts, Throttled: b.throttled, Failures: b.failures,
				Delivered: b.delivered, Next: b.next, RequestID: b.last.requestID, Error: b.last.err != nil, Invoked: b.invoked,
			})
		}
	}
	return durable.Encode(rec)
}

// dropEarlier forgets the positions that say nothing more than those of now.
func (m *StreamMapping) dropEarlier() {
	if len(m.earlier) > 0 {
		least := slices.Min(m.positions())
		m.earlier = slices.DeleteFunc(m.earlier, func(p positions) bool { return slices.Max(p) <= least })
	}
}

// restore reads again what the stream holds and the mapping was not done with. A mapping
// that is new begins where its starting position says.
func (m *StreamMapping) restore(all map[string]streamMappingRecord) {
	held := m.source.StreamRecords("", 0)
	rec, known := all[m.ID]
	switch {
	case !known:
		if !m.horizon && len(held) > 0 {
			for _, l := range m.lanes {
				l.done = held[len(held)-1].SequenceNumber
			}
		}
	case len(rec.Lanes) == len(m.lanes):
		m.earlier = rec.Earlier
		for i, l := range m.lanes {
			l.done = rec.Lanes[i].Done
		}
	default: // an item's records are in another lane than before
		before := make(positions, len(rec.Lanes))
		for i, l := range rec.Lanes {
			before[i] = l.Done
		}
		m.earlier = append(rec.Earlier, before)
		for _, l := range m.lanes {
			l.done = slices.Min(before)
		}
		rec.Lanes = make([]laneRecord, len(m.lanes))
	}
	m.dropEarlier()
	now := m.positions()
	for i := range held {
		r := &held[i]
		if now.done(r) || slices.ContainsFunc(m.earlier, func(p positions) bool { return p.done(r) }) {
			m.latest = r.SequenceNumber
			continue
		}
		m.arrived(*r)
	}
	for i, l := range m.lanes {
		if known {
			l.restoreWork(rec.Lanes[i].Work)
		}
	}
	m.read()
}

// restoreWork takes the records of batches that were made before off the queue.
func (l *lane) restoreWork(work []batchRecord) {
	for _, rec := range work {
		n := 0
		for l.head+n < len(l.queue) && l.queue[l.head+n].sequence <= rec.Last {
			n++
		}
		if n == 0 {
			continue // the stream does not hold them any more
		}
		b := &streamBatch{
			l: l, records: slices.Clone(l.queue[l.head : l.head+n]), attempts: rec.Attempts, throttled: rec.Throttled, failures: rec.Failures,
			delivered: rec.Delivered, next: rec.Next, invoked: rec.Invoked, last: result{requestID: rec.RequestID},
		}
		if rec.Error {
			b.last.err = &FunctionError{}
		}
		l.drop(n)
		l.work = append(l.work, b)
	}
	l.wake.Cancel()
	l.wake = nil
	l.arm()
}
