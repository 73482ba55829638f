package lambda

import (
	"slices"
	"time"

	"github.com/orderflow-cdk/orderflow/local/internal/durable"
)

// streamMappingRecord is how far the mapping of a stream is.
type streamMappingRecord struct {
	Lanes []laneRecord `json:"lanes"`
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
	rec := streamMappingRecord{Lanes: make([]laneRecord, len(m.lanes))}
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

// restore reads again what the stream holds and the mapping was not done with. A mapping
// that is new begins where its starting position says.
func (m *StreamMapping) restore(all map[string]streamMappingRecord) {
	held := m.source.StreamRecords("", 0)
	rec, known := all[m.ID]
	if !known {
		if !m.horizon && len(held) > 0 {
			m.latest = held[len(held)-1].SequenceNumber
			for _, l := range m.lanes {
				l.done = m.latest
			}
			held = nil
		}
		rec.Lanes = make([]laneRecord, len(m.lanes))
	}
	same := len(rec.Lanes) == len(m.lanes)
	if same {
		for i, l := range m.lanes {
			if known {
				l.done = rec.Lanes[i].Done
			}
		}
	} else {
		// An item's records are in another lane than before. Each lane begins with what none was done with.
		oldest := rec.Lanes[0].Done
		for _, l := range rec.Lanes {
			oldest = min(oldest, l.Done)
		}
		for _, l := range m.lanes {
			l.done = oldest
		}
	}
	for i := range held {
		r := &held[i]
		if r.SequenceNumber <= rec.Lanes[laneOf(r, len(rec.Lanes))].Done {
			m.latest = r.SequenceNumber
			continue
		}
		m.arrived(*r)
	}
	if same {
		for i, l := range m.lanes {
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
