package dynamodb

import (
	"crypto/md5"
	"encoding/hex"
	"math"
	"strconv"
	"time"

	"github.com/orderflow-cdk/orderflow/local/internal/jsontext"
)

// StreamRecord is one change of one item.
type StreamRecord struct {
	EventID   string
	EventName string // INSERT, MODIFY or REMOVE
	// Created is the approximate time of the change; the JSON has it in whole seconds.
	Created time.Time
	Keys    Item
	// NewImage and OldImage are nil where the item did not exist, or where the
	// stream's view does not show them.
	NewImage, OldImage Item
	SequenceNumber     string
	SizeBytes          int
	ViewType           string
	Region             string
	SourceARN          string
	// ExpiredByService tells that time to live removed the item.
	ExpiredByService bool
}

// firstSequence makes sequence numbers as long as some of the service's, and
// all of one length, so that they also order as text.
const (
	firstSequence = 1_000_000_000_000_000_000
	sequenceTail  = "00000"
)

// OnStreamRecord calls f with each stream record, in order, in the event that
// makes the change. It does nothing for a table without a stream.
func (t *Table) OnStreamRecord(f func(StreamRecord)) { t.listeners = append(t.listeners, f) }

// emit tells the stream of a change. A write that changes nothing leaves no record.
func (t *Table) emit(old, r *record, by string) {
	if t.view == "" || old == nil && r == nil || old != nil && r != nil && equalItems(old.item, r.item) {
		return
	}
	t.sequence++
	s := StreamRecord{Created: t.k.Now(), ViewType: t.view, ExpiredByService: by != ""}
	t.identify(&s, sequenceNumber(t.sequence))
	newImage := t.view == "NEW_IMAGE" || t.view == "NEW_AND_OLD_IMAGES"
	oldImage := t.view == "OLD_IMAGE" || t.view == "NEW_AND_OLD_IMAGES"
	switch {
	case old == nil:
		s.EventName, s.Keys = "INSERT", t.key.keyOf(r.item)
	case r == nil:
		s.EventName, s.Keys = "REMOVE", t.key.keyOf(old.item)
	default:
		s.EventName, s.Keys = "MODIFY", t.key.keyOf(r.item)
	}
	s.SizeBytes = s.Keys.Size()
	if newImage && r != nil {
		s.NewImage = r.item
		s.SizeBytes += r.size
	}
	if oldImage && old != nil {
		s.OldImage = old.item
		s.SizeBytes += old.size
	}
	t.keep(s)
	for _, f := range t.listeners {
		f(s)
	}
}

// identify says which record of the stream it is.
func (t *Table) identify(s *StreamRecord, sequence string) {
	s.SequenceNumber, s.Region, s.SourceARN = sequence, t.region, t.streamARN
	id := md5.Sum([]byte(t.streamARN + sequence))
	s.EventID = hex.EncodeToString(id[:])
}

// sequenceNumber is that of a table's nth record.
func sequenceNumber(n uint64) string {
	return strconv.FormatUint(firstSequence+n, 10) + sequenceTail
}

// AppendJSON appends the record as a Lambda event has it.
func (s StreamRecord) AppendJSON(b []byte) []byte {
	b = append(append(append(b, `{"eventID":"`...), s.EventID...), `","eventName":"`...)
	b = append(append(b, s.EventName...), `","eventVersion":"1.1","eventSource":"aws:dynamodb","awsRegion":`...)
	b = jsontext.AppendString(b, s.Region)
	b = append(b, `,"dynamodb":{"ApproximateCreationDateTime":`...)
	b = strconv.AppendInt(b, s.Created.Unix(), 10)
	b = append(b, `,"Keys":`...)
	b = s.Keys.appendJSON(b)
	if s.NewImage != nil {
		b = s.NewImage.appendJSON(append(b, `,"NewImage":`...))
	}
	if s.OldImage != nil {
		b = s.OldImage.appendJSON(append(b, `,"OldImage":`...))
	}
	b = append(append(append(b, `,"SequenceNumber":"`...), s.SequenceNumber...), `","SizeBytes":`...)
	b = strconv.AppendInt(b, int64(s.SizeBytes), 10)
	b = append(append(append(b, `,"StreamViewType":"`...), s.ViewType...), `"},"eventSourceARN":`...)
	b = jsontext.AppendString(b, s.SourceARN)
	if s.ExpiredByService {
		b = append(b, `,"userIdentity":{"type":"Service","principalId":"dynamodb.amazonaws.com"}`...)
	}
	return append(b, '}')
}

// MarshalJSON writes the record as a Lambda event has it.
func (s StreamRecord) MarshalJSON() ([]byte, error) { return s.AppendJSON(nil), nil }

// ExpiryDelay is how long after its expiry an item is removed. The service
// says "within a few days"; a program must not rely on less.
const ExpiryDelay = 48 * time.Hour

// principalTTL removes expired items.
const principalTTL = "dynamodb.amazonaws.com"

// maxExpiryAge is how old an expiry may be to count: the service ignores older
// ones, taking them for mistakes.
const maxExpiryAge = 5 * 365 * 24 * time.Hour

// parseExpiry reads an item's expiry; only a number counts.
func parseExpiry(v Value) (time.Time, bool) {
	if v.kind != KindN {
		return time.Time{}, false
	}
	f, err := strconv.ParseFloat(v.s, 64)
	if err != nil || math.Abs(f) > 1e11 {
		return time.Time{}, false
	}
	return time.Unix(int64(f), 0), true
}
