package local

import (
	"fmt"
	"strings"
	"time"
)

// Message is a message in a queue, looked at without receiving it.
type Message struct {
	// ID is SQS's, Body as it was sent.
	ID   string `json:"id"`
	Body string `json:"body"`
	// Attributes are those that the sender set; the value of a Binary one is in hexadecimal.
	Attributes []MessageAttribute `json:"attributes,omitempty"`
	// State is "visible", "inFlight" or "delayed"; VisibleAt says until when in the latter two.
	State     string     `json:"state"`
	VisibleAt *time.Time `json:"visibleAt,omitempty"`
	// Sent is when the queue got it, in the stack's time.
	Sent time.Time `json:"sent"`
	// FirstReceived is nil for a message that nobody received from this queue.
	FirstReceived *time.Time `json:"firstReceived,omitempty"`
	// ReceiveCount is its ApproximateReceiveCount.
	ReceiveCount int `json:"receiveCount"`
	// GroupID is its message group, "" for none.
	GroupID string `json:"groupId,omitempty"`
	// DeadLetterSource is the logical id of the queue that it failed in.
	DeadLetterSource string `json:"deadLetterSource,omitempty"`
	// Size is what counts against the queue's limit, in bytes.
	Size int `json:"size"`
}

// MessageAttribute is an attribute that the sender of a message set.
type MessageAttribute struct {
	Name string `json:"name"`
	// Type is String, Number or Binary, with the sender's label behind a dot if there is one.
	Type  string `json:"type"`
	Value string `json:"value"`
}

// Messages returns up to limit messages of a queue in their order of arrival, after the first skip
// ones, and how many there are. Nothing about them changes. The queue is its logical id, name, ARN or URL.
func (s *Stack) Messages(queue string, skip, limit int) ([]Message, QueueCounts, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	q := s.queues.Queue(queue)
	if q == nil {
		if typ, ok := s.names.template.Type(queue); ok && typ == "AWS::SQS::Queue" {
			q = s.queues.Queue(s.names.physical(queue))
		}
	}
	if q == nil {
		return nil, QueueCounts{}, fmt.Errorf("the template has no queue %q", queue)
	}
	out := []Message{}
	for _, p := range q.Peek(skip, limit) {
		m := Message{
			ID: p.ID, Body: p.Body, State: p.State, Sent: p.Sent, ReceiveCount: p.ReceiveCount, GroupID: p.GroupID, Size: p.Size(),
		}
		if p.DeadLetterSource != "" {
			m.DeadLetterSource = p.DeadLetterSource
			if source := s.queues.Queue(p.DeadLetterSource); source != nil {
				m.DeadLetterSource = strings.TrimSuffix(strings.TrimPrefix(source.Name, s.opts.Name+"-"), ".fifo")
			}
		}
		if p.State != "visible" {
			m.VisibleAt = &p.VisibleAt
		}
		if !p.FirstReceived.IsZero() {
			m.FirstReceived = &p.FirstReceived
		}
		for _, a := range p.Message.Attributes {
			value := a.StringValue
			if a.Binary() {
				value = fmt.Sprintf("%x", a.BinaryValue)
			}
			m.Attributes = append(m.Attributes, MessageAttribute{a.Name, a.DataType, value})
		}
		out = append(out, m)
	}
	ready, delayed, inFlight := q.Len()
	return out, QueueCounts{ready, delayed, inFlight}, nil
}

// QueueCounts is how many messages a queue has that can be received, wait for their delay, and are in flight.
type QueueCounts struct {
	Visible  int `json:"visible"`
	Delayed  int `json:"delayed"`
	InFlight int `json:"inFlight"`
}
