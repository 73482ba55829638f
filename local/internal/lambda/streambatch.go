package lambda

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"
)

// streamBatch is records of a lane on their way through the function, in order.
type streamBatch struct {
	l         *lane
	records   []streamRecord
	attempts  int       // that count towards the limit
	delivered bool      // the function has seen these records before
	throttled int       // in a row
	failures  int       // in a row, for the backoff
	next      time.Time // when to try
	last      result    // of the last invocation, for the record of a failure
	invoked   int       // how often
}

// try invokes the function, unless no record is left that is young enough.
func (b *streamBatch) try() {
	l, m := b.l, b.l.m
	k := m.s.k
	b.dropOld(k.Now())
	if len(b.records) == 0 {
		l.finish()
		return
	}
	l.busy = true
	m.running++
	m.stats.MaxConcurrent = max(m.stats.MaxConcurrent, m.running)
	m.s.begins(m.f)
	err := m.f.start(b.event(), m.s.newID(), m.invoked, "", func(r result) {
		m.running--
		l.busy = false
		b.done(r)
		m.touch()
		m.read()
		l.arm()
	})
	if err != nil {
		// A throttled invocation is not an attempt: it is repeated for as long as
		// the records are young enough.
		m.running--
		l.busy = false
		m.stats.Throttled++
		b.next = k.Now().Add(backoff(b.throttled))
		b.throttled++
		return
	}
	m.stats.Batches++
	if b.delivered {
		m.stats.Retries++
	}
	b.delivered = true
	b.throttled = 0
}

func backoff(n int) time.Duration { return min(firstBackoff<<min(n, 6), maxBackoff) }

// dropOld takes off the records that the stream does not have any more, and
// gives up those that are too old for the mapping. They are the first ones.
func (b *streamBatch) dropOld(now time.Time) {
	m := b.l.m
	count := func(limit time.Duration) int {
		n := slices.IndexFunc(b.records, func(r streamRecord) bool { return now.Sub(r.created) <= limit })
		if n < 0 {
			return len(b.records)
		}
		return n
	}
	if n := count(retention); n > 0 {
		m.stats.Trimmed += n
		b.l.passed(b.records[:n])
		b.records = b.records[n:]
	}
	if m.maxAge < 0 {
		return
	}
	if n := count(m.maxAge); n > 0 {
		b.giveUp(b.records[:n], "RecordAgeExceeded")
		b.l.passed(b.records[:n])
		b.records = b.records[n:]
	}
}

// event makes the event of the batch.
func (b *streamBatch) event() []byte {
	size := emptyEvent
	for i := range b.records {
		size += len(b.records[i].json) + 1
	}
	out := append(make([]byte, 0, size), `{"Records":[`...)
	for i := range b.records {
		if i > 0 {
			out = append(out, ',')
		}
		out = append(out, b.records[i].json...)
	}
	m := b.l.m
	m.stats.IteratorAge = m.s.k.Now().Sub(b.records[len(b.records)-1].created)
	m.stats.MaxIteratorAge = max(m.stats.MaxIteratorAge, m.stats.IteratorAge)
	return append(out, "]}"...)
}

// done decides what becomes of the batch after the function ran.
//
// Source: Lambda Developer Guide, "Configuring partial batch response with
// DynamoDB and Lambda". The first record that is reported is the checkpoint:
// those before it are done, and it and all behind it are repeated.
func (b *streamBatch) done(r result) {
	l, m := b.l, b.l.m
	b.last = r
	b.invoked++
	first := 0
	if r.err == nil {
		var ok bool
		if first, ok = b.checkpoint(r.out); ok && first == len(b.records) {
			m.stats.Succeeded += first
			l.passed(b.records)
			l.finish()
			return
		}
	}
	now := m.s.k.Now()
	if first > 0 {
		m.stats.Succeeded += first
		l.passed(b.records[:first])
		b.records = b.records[first:]
	}
	switch {
	case first > 0 && m.bisect:
		// The batch is split at the checkpoint; a split is not an attempt.
		m.stats.Splits++
		b.failures = 0
		b.next = now
		return
	case first == 0 && m.bisect && len(b.records) > 1 && !b.reported(r):
		half := len(b.records) / 2
		m.stats.Splits++
		rest := &streamBatch{l: l, records: b.records[half:], attempts: b.attempts, delivered: true, next: now, last: r, invoked: b.invoked}
		b.records = b.records[:half:half]
		b.failures = 0
		b.next = now
		l.work = slices.Insert(l.work, 1, rest)
		return
	}
	b.attempts++
	if m.retries >= 0 && b.attempts > m.retries {
		b.giveUp(b.records, "RetryAttemptsExhausted")
		l.passed(b.records)
		l.finish()
		return
	}
	b.next = now.Add(backoff(b.failures))
	b.failures++
}

// reported says whether the function succeeded and named records that failed:
// then the batch is split there, not in the middle.
func (b *streamBatch) reported(r result) bool {
	if r.err != nil {
		return false
	}
	_, ok := b.checkpoint(r.out)
	return ok
}

// finish ends the batch under way.
func (l *lane) finish() { l.work = slices.Delete(l.work, 0, 1) }

// checkpoint reads the function's report: the index of the first record that
// failed, or the number of records if none did. With ok false the whole batch
// failed: JSON that cannot be read, and an identifier that is null, empty, missing
// or not of this batch.
func (b *streamBatch) checkpoint(out []byte) (first int, ok bool) {
	first = len(b.records)
	if !b.l.m.partial || len(out) == 0 {
		return first, true
	}
	var report struct {
		Failures []struct {
			ID *string `json:"itemIdentifier"`
		} `json:"batchItemFailures"`
	}
	if json.Unmarshal(out, &report) != nil {
		return 0, false
	}
	for _, f := range report.Failures {
		if f.ID == nil {
			return 0, false
		}
		i := slices.IndexFunc(b.records, func(r streamRecord) bool { return r.sequence == *f.ID })
		if i < 0 {
			return 0, false
		}
		first = min(first, i)
	}
	return first, true
}

// giveUp counts records as failed and tells the destination.
func (b *streamBatch) giveUp(records []streamRecord, condition string) {
	m := b.l.m
	m.stats.Failed += len(records)
	if m.onFailure == "" || !m.f.maySend(m.onFailure) {
		return
	}
	t := m.s.targets[m.onFailure]
	if t == nil {
		panic(fmt.Sprintf("lambda: event source mapping %s: target %s does not exist or is not simulated", m.ID, m.onFailure))
	}
	if _, err := t.Put(b.record(records, condition), nil, m.f.Properties.Role); err != nil {
		m.s.logf(m.f, nil, "cannot send the record of a failed batch to %s: %s", m.onFailure, err)
	}
}

// record is the document that the destination gets: not the records, but where
// they are in the stream.
//
// Source: Lambda Developer Guide, "Retain discarded batch records", example. That
// has no batch that was given up for its age; the name of that condition is ours.
func (b *streamBatch) record(records []streamRecord, condition string) string {
	type batchInfo struct {
		Shard     string `json:"shardId"`
		Start     string `json:"startSequenceNumber"`
		End       string `json:"endSequenceNumber"`
		First     string `json:"approximateArrivalOfFirstRecord"`
		Last      string `json:"approximateArrivalOfLastRecord"`
		Size      int    `json:"batchSize"`
		StreamARN string `json:"streamArn"`
	}
	m := b.l.m
	first, last := records[0], records[len(records)-1]
	id := b.last.requestID
	if id == "" {
		id = m.s.newID() // it was never invoked
	}
	doc := struct {
		RequestContext  requestContext   `json:"requestContext"`
		ResponseContext *responseContext `json:"responseContext,omitempty"`
		Version         string           `json:"version"`
		Timestamp       string           `json:"timestamp"`
		Batch           batchInfo        `json:"DDBStreamBatchInfo"`
	}{
		RequestContext: requestContext{id, m.invoked, condition, b.invoked},
		Version:        "1.0",
		Timestamp:      m.s.k.Now().Format("2006-01-02T15:04:05.000Z"),
		Batch: batchInfo{
			m.shard, first.sequence, last.sequence, first.created.Format(time.RFC3339), last.created.Format(time.RFC3339), len(records), m.stream,
		},
	}
	if b.invoked > 0 {
		doc.ResponseContext = &responseContext{StatusCode: 200, Version: m.f.version(m.invoked)}
		if b.last.err != nil {
			doc.ResponseContext.FunctionError = "Unhandled"
		}
	}
	out, err := json.Marshal(doc)
	if err != nil {
		panic(fmt.Sprintf("lambda: event source mapping %s: record of a batch: %v", m.ID, err))
	}
	return string(out)
}
