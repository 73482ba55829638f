package sqs

import (
	"crypto/sha256"
	"encoding/hex"
	"time"
)

// dedupInterval is how long a FIFO queue remembers a deduplication id.
const dedupInterval = 5 * time.Minute

// dedupWindow holds the deduplication ids of the last five minutes, and what
// was answered to their first message. A deleted message is remembered too.
type dedupWindow struct {
	q     *Queue
	sent  map[string]dedupEntry
	queue []dedupKey // by age
}

type dedupEntry struct {
	id       string
	sequence uint64
	until    time.Time
}

type dedupKey struct {
	key   string
	until time.Time
}

func (w *dedupWindow) find(now time.Time, key string) (dedupEntry, bool) {
	n := 0
	for n < len(w.queue) && !w.queue[n].until.After(now) {
		delete(w.sent, w.queue[n].key)
		w.changed(w.queue[n].key)
		n++
	}
	w.queue = w.queue[n:]
	e, ok := w.sent[key]
	return e, ok
}

// add remembers what was answered to a message that was sent now.
func (w *dedupWindow) add(now time.Time, key string, e dedupEntry) {
	e.until = now.Add(dedupInterval)
	w.restore(key, e)
}

// restore adds an entry that is younger than those that are there.
func (w *dedupWindow) restore(key string, e dedupEntry) {
	if w.sent == nil {
		w.sent = map[string]dedupEntry{}
	}
	w.sent[key] = e
	w.queue = append(w.queue, dedupKey{key, e.until})
	w.changed(key)
}

// forget drops everything.
func (w *dedupWindow) forget() {
	for i := range w.queue {
		w.changed(w.queue[i].key)
	}
	clear(w.sent)
	w.queue = nil
}

func (q *Queue) dedupKey(m *Message) string {
	if q.set.dedupPerGroup {
		return m.GroupID + "\x00" + m.DedupID
	}
	return m.DedupID
}

func contentDedupID(body string) string {
	sum := sha256.Sum256([]byte(body))
	return hex.EncodeToString(sum[:])
}
