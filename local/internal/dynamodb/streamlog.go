package dynamodb

import (
	"slices"
	"sort"
	"time"
)

// StreamRetention is how long a stream keeps a record.
const StreamRetention = 24 * time.Hour

// keptRecords is how many records a stream keeps although all its readers have read them. The
// service keeps all for StreamRetention; here a long run would fill the memory with them.
const keptRecords = 10_000

// streamLog is what a stream holds, the oldest first.
type streamLog struct {
	records []StreamRecord // from head on
	head    int
	readers []*StreamReader
}

// StreamReader is somebody who reads a stream, which keeps for them what they have
// not read, for as long as it keeps anything.
type StreamReader struct {
	t    *Table
	read string
}

// NewStreamReader returns a reader that has read nothing yet.
func (t *Table) NewStreamReader() *StreamReader {
	r := &StreamReader{t: t}
	t.log.readers = append(t.log.readers, r)
	return r
}

// Read says that the reader is done with all records up to a sequence number.
func (r *StreamReader) Read(sequence string) { r.read = sequence }

// StreamRecords returns the records that the stream holds after the given sequence number,
// the oldest first and up to limit of them; "" is before the first, and 0 no limit.
func (t *Table) StreamRecords(after string, limit int) []StreamRecord {
	t.trimStream()
	held := t.log.held()
	held = held[sort.Search(len(held), func(i int) bool { return held[i].SequenceNumber > after }):]
	if limit > 0 && limit < len(held) {
		held = held[:limit]
	}
	return slices.Clone(held)
}

// keep adds a record to the log.
func (t *Table) keep(s StreamRecord) {
	t.log.records = append(t.log.records, s)
	if t.s.watch != nil {
		t.s.watch(t.recordKey())
		t.s.watch(t.streamKey(s.SequenceNumber))
	}
	t.trimStream()
}

// trimStream drops what is too old, and beyond keptRecords what all readers have read.
func (t *Table) trimStream() {
	l := &t.log
	old := t.k.Now().Add(-StreamRetention)
	for l.head < len(l.records) {
		first := &l.records[l.head]
		if !first.Created.Before(old) && (len(l.records)-l.head <= keptRecords || !l.readByAll(first.SequenceNumber)) {
			break
		}
		if t.s.watch != nil {
			t.s.watch(t.streamKey(first.SequenceNumber))
		}
		*first = StreamRecord{}
		l.head++
	}
	if l.head > keptRecords/2 && l.head > len(l.records)/3 {
		n := copy(l.records, l.held())
		clear(l.records[n:])
		l.records, l.head = l.records[:n], 0
	}
}

func (l *streamLog) held() []StreamRecord { return l.records[l.head:] }

func (l *streamLog) readByAll(sequence string) bool {
	return !slices.ContainsFunc(l.readers, func(r *StreamReader) bool { return r.read < sequence })
}
