package sqs

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/orderflow-cdk/orderflow/local/internal/durable"
	"github.com/orderflow-cdk/orderflow/local/internal/jsontext"
)

type serviceRecord struct {
	durable.Header
	Sequence uint64 `json:"sequence"`
	IDs      []byte `json:"ids"` // state of the source of ids
}

func (s *Service) record() []byte {
	state, err := s.source.MarshalBinary()
	if err != nil {
		panic(err) // two numbers
	}
	return durable.Encode(serviceRecord{durable.Header{Version: recordVersion}, s.sequence, state})
}

type queueRecord struct {
	Created     int64               `json:"created"`
	Modified    int64               `json:"modified"`
	Purged      int64               `json:"purged,omitempty"`
	LastOrdinal uint64              `json:"lastOrdinal"`
	Work        workRecord          `json:"work"`
	Stats       Stats               `json:"stats"`
	Overrides   map[string]override `json:"overrides,omitempty"`
}

func (q *Queue) record() []byte {
	r := queueRecord{
		Created: nanos(q.created), Modified: nanos(q.modified), Purged: nanos(q.lastPurge), LastOrdinal: q.lastOrdinal,
		Work: q.work.record(), Stats: q.stats, Overrides: q.overrides,
	}
	r.Stats.EmptyReceives = 0
	return durable.Encode(r)
}

// workRecord is a workWindow: pairs of a minute and the time spent in it.
type workRecord [][2]int64

func (w *workWindow) record() (r workRecord) {
	for i, minute := range w.minute {
		if w.spent[i] > 0 {
			r = append(r, [2]int64{minute, int64(w.spent[i])})
		}
	}
	return r
}

func (r workRecord) window() (w workWindow, err error) {
	for _, e := range r {
		if e[0] < 0 {
			return w, errors.New("work: a minute is negative")
		}
		i := e[0] % int64(len(w.minute))
		w.minute[i], w.spent[i] = e[0], time.Duration(e[1])
	}
	return w, nil
}

type groupRecord struct {
	LastSent int64      `json:"lastSent"`
	Noisy    bool       `json:"noisy,omitempty"`
	Turn     uint64     `json:"turn,omitempty"` // only while a FIFO group is in the order of turns
	Work     workRecord `json:"work,omitempty"`
}

func (g *group) record() []byte {
	r := groupRecord{LastSent: nanos(g.lastSent), Noisy: g.noisy, Work: g.work.record()}
	if g.q.FIFO && g.in != nil {
		r.Turn = g.turn
	}
	return durable.Encode(r)
}

type dedupRecord struct {
	ID       string `json:"id"`
	Sequence uint64 `json:"sequence"`
	Until    int64  `json:"until"`
}

func (e dedupEntry) record() []byte {
	return durable.Encode(dedupRecord{e.id, e.sequence, nanos(e.until)})
}

type taskRecord struct {
	ID          string `json:"id"`
	Source      string `json:"source"`
	Destination string `json:"destination,omitempty"`
	PerSecond   int    `json:"perSecond,omitempty"`
	ToMove      int    `json:"toMove"`
	Moved       int    `json:"moved"`
	Started     int64  `json:"started"`
	Next        int64  `json:"next"`
	Status      string `json:"status"`
	Reason      string `json:"reason,omitempty"`
}

func (t *moveTask) record() []byte {
	r := taskRecord{
		ID: t.id, Source: t.source.ARN, PerSecond: t.perSecond, ToMove: t.toMove, Moved: t.moved,
		Started: nanos(t.started), Next: nanos(t.next), Status: t.status, Reason: t.reason,
	}
	if t.destination != nil {
		r.Destination = t.destination.ARN
	}
	return durable.Encode(r)
}

// messageRecord is what Message.record writes, by hand since it is what most commits write.
type messageRecord struct {
	ID         string            `json:"id"`
	Body       string            `json:"body"`
	Attributes []attributeRecord `json:"attributes"`
	Trace      string            `json:"trace"`
	Sender     string            `json:"sender"`
	Group      string            `json:"group"`
	Dedup      string            `json:"dedup"`
	Sequence   uint64            `json:"sequence"`
	Source     string            `json:"source"` // DeadLetterSource
	Sent       int64             `json:"sent"`
	Retained   int64             `json:"retained"`
	First      int64             `json:"first"`    // first received
	Received   int64             `json:"received"` // last
	Receives   int               `json:"receives"`
	Receipt    uint32            `json:"receipt"`
	State      string            `json:"state"`
	Until      int64             `json:"until"` // delayed or in flight
	Held       bool              `json:"held"`  // by an event source mapping
}

type attributeRecord struct {
	Name  string `json:"name"`
	Type  string `json:"type"`
	Text  string `json:"text"`
	Bytes []byte `json:"bytes"`
}

var stateNames = [...]string{stateDelayed: "delayed", stateReady: "ready", stateInFlight: "inFlight"}

func (m *Message) record() []byte {
	b := make([]byte, 0, len(m.Body)*9/8+m.size-len(m.Body)+len(m.Attributes)*40+448)
	text := func(name, value string) {
		if value != "" {
			b = append(append(append(b, ',', '"'), name...), '"', ':')
			b = jsontext.AppendString(b, value)
		}
	}
	number := func(name string, n int64) {
		if n != 0 {
			b = append(append(append(b, ',', '"'), name...), '"', ':')
			b = strconv.AppendInt(b, n, 10)
		}
	}
	b = jsontext.AppendString(append(b, `{"id":`...), m.ID)
	text("body", m.Body)
	for i := range m.Attributes {
		a := &m.Attributes[i]
		if i == 0 {
			b = append(b, `,"attributes":[`...)
		} else {
			b = append(b, ',')
		}
		b = jsontext.AppendString(append(b, `{"name":`...), a.Name)
		text("type", a.DataType)
		text("text", a.StringValue)
		if a.BinaryValue != nil {
			b = base64.StdEncoding.AppendEncode(append(b, `,"bytes":"`...), a.BinaryValue)
			b = append(b, '"')
		}
		b = append(b, '}')
		if i == len(m.Attributes)-1 {
			b = append(b, ']')
		}
	}
	text("trace", m.TraceHeader)
	text("sender", m.SenderID)
	text("group", m.GroupID)
	text("dedup", m.DedupID)
	if m.SequenceNumber != 0 {
		b = strconv.AppendUint(append(b, `,"sequence":`...), m.SequenceNumber, 10)
	}
	text("source", m.DeadLetterSource)
	number("sent", nanos(m.Sent))
	number("retained", nanos(m.retained))
	number("first", nanos(m.firstReceived))
	number("received", nanos(m.received))
	number("receives", int64(m.receives))
	number("receipt", int64(m.receipt))
	text("state", stateNames[m.state])
	if m.state != stateReady {
		number("until", nanos(m.visibleAt))
	}
	if m.held {
		b = append(b, `,"held":true`...)
	}
	return append(b, '}')
}

// message is the message of a record. Where it is in its queue is set by the queue.
func (r *messageRecord) message() (*Message, error) {
	m := &Message{
		ID: r.ID, Body: r.Body, TraceHeader: r.Trace, SenderID: r.Sender, GroupID: r.Group, DedupID: r.Dedup,
		SequenceNumber: r.Sequence, DeadLetterSource: r.Source, Sent: fromNanos(r.Sent),
		retained: fromNanos(r.Retained), firstReceived: fromNanos(r.First), received: fromNanos(r.Received),
		receives: r.Receives, receipt: r.Receipt, visibleAt: fromNanos(r.Until), held: r.Held,
	}
	for s, name := range stateNames {
		if name == r.State && name != "" {
			m.state = state(s)
		}
	}
	if m.state == stateGone || m.ID == "" {
		return nil, fmt.Errorf("a message has an id and a state, got %q and %q", r.ID, r.State)
	}
	for _, a := range r.Attributes {
		m.Attributes = append(m.Attributes, Attribute{a.Name, a.Type, a.Text, a.Bytes})
	}
	m.size = len(m.Body) + attributesSize(m.Attributes)
	m.MD5OfBody = md5Hex(m.Body)
	m.MD5OfAttributes = md5OfAttributes(m.Attributes)
	m.digestTrace()
	return m, nil
}

func nanos(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixNano()
}

func fromNanos(n int64) time.Time {
	if n == 0 {
		return time.Time{}
	}
	return time.Unix(0, n).UTC()
}
