package sqs

import (
	"hash/fnv"
	"strings"
	"time"

	"github.com/orderflow-cdk/orderflow/local/internal/api"
)

// sendInput is a message to send, as the JSON protocol's SendMessage and an entry
// of its SendMessageBatch describe it.
type sendInput struct {
	MessageBody             *string
	DelaySeconds            *int64
	MessageAttributes       map[string]attributeValue
	MessageSystemAttributes map[string]attributeValue
	MessageDeduplicationId  *string
	MessageGroupId          *string
}

// sendResult is what the service answers to one message.
type sendResult struct {
	Id                           string  `json:"Id,omitempty"`
	MD5OfMessageAttributes       *string `json:"MD5OfMessageAttributes,omitempty"`
	MD5OfMessageBody             string  `json:"MD5OfMessageBody"`
	MD5OfMessageSystemAttributes *string `json:"MD5OfMessageSystemAttributes,omitempty"`
	MessageId                    string  `json:"MessageId"`
	SequenceNumber               *string `json:"SequenceNumber,omitempty"`
}

// prepare checks a message and makes it, without putting it in.
func (q *Queue) prepare(in *sendInput, caller string) (*Message, time.Duration, error) {
	if in.MessageBody == nil {
		return nil, 0, errMissing("MessageBody")
	}
	m := &Message{Body: *in.MessageBody}
	if err := checkBody(m.Body); err != nil {
		return nil, 0, err
	}
	var err error
	if m.Attributes, err = attributes(in.MessageAttributes); err != nil {
		return nil, 0, err
	}
	if err := q.systemAttributes(m, in.MessageSystemAttributes); err != nil {
		return nil, 0, err
	}
	m.size = len(m.Body) + attributesSize(m.Attributes)
	delay, err := q.delayOf(in)
	if err != nil {
		return nil, 0, err
	}
	if in.MessageGroupId != nil {
		if err := checkID("MessageGroupId", *in.MessageGroupId); err != nil {
			return nil, 0, err
		}
		m.GroupID = *in.MessageGroupId
	}
	if in.MessageDeduplicationId != nil {
		if !q.FIFO {
			return nil, 0, errInvalid("Value %s for parameter MessageDeduplicationId is invalid. Reason: The request includes a parameter that is not valid for this queue type.", *in.MessageDeduplicationId)
		}
		if err := checkID("MessageDeduplicationId", *in.MessageDeduplicationId); err != nil {
			return nil, 0, err
		}
		m.DedupID = *in.MessageDeduplicationId
	}
	if q.FIFO {
		if m.GroupID == "" {
			return nil, 0, errMissing("MessageGroupId")
		}
		if m.DedupID == "" {
			if !q.set.contentDedup {
				return nil, 0, errInvalid("The queue should either have ContentBasedDeduplication enabled or MessageDeduplicationId provided explicitly")
			}
			m.DedupID = contentDedupID(m.Body)
		}
	}
	m.MD5OfBody = md5Hex(m.Body)
	m.MD5OfAttributes = md5OfAttributes(m.Attributes)
	m.SenderID = senderID(caller)
	return m, delay, nil
}

func (q *Queue) tooLong(m *Message) bool { return m.size > q.set.maxSize }

func (q *Queue) delayOf(in *sendInput) (time.Duration, error) {
	if in.DelaySeconds == nil {
		return q.set.delay, nil
	}
	n := *in.DelaySeconds
	switch {
	case n < 0 || n > 900:
		return 0, errInvalid("Value %d for parameter DelaySeconds is invalid. Reason: DelaySeconds must be >= 0 and <= 900.", n)
	case q.FIFO && n != 0:
		return 0, errInvalid("Value %d for parameter DelaySeconds is invalid. Reason: The request include parameter that is not valid for this queue type.", n)
	case q.FIFO:
		return q.set.delay, nil
	}
	return time.Duration(n) * time.Second, nil
}

func (q *Queue) systemAttributes(m *Message, in map[string]attributeValue) error {
	if len(in) == 0 {
		return nil
	}
	v, ok := in["AWSTraceHeader"]
	if !ok || len(in) > 1 {
		return errInvalid("Message system attributes: the only one that can be sent is AWSTraceHeader.")
	}
	if v.DataType != "String" || v.StringValue == nil || *v.StringValue == "" {
		return errInvalid("Message system attribute 'AWSTraceHeader' must contain a non-empty value of type 'String'.")
	}
	m.TraceHeader = *v.StringValue
	m.digestTrace()
	return nil
}

func (m *Message) digestTrace() {
	if m.TraceHeader != "" {
		m.MD5OfSystem = md5OfAttributes([]Attribute{{Name: "AWSTraceHeader", DataType: "String", StringValue: m.TraceHeader}})
	}
}

// put accepts a checked message. A FIFO queue answers a repeat as it answered
// the first message, and keeps only that.
func (q *Queue) put(m *Message, delay time.Duration) sendResult {
	now := q.k.Now()
	r := sendResult{
		MD5OfMessageBody:             m.MD5OfBody,
		MD5OfMessageAttributes:       orNil(m.MD5OfAttributes),
		MD5OfMessageSystemAttributes: orNil(m.MD5OfSystem),
	}
	if q.FIFO {
		key := q.dedupKey(m)
		if e, ok := q.dedup.find(now, key); ok {
			q.stats.Deduplicated++
			q.changed()
			r.MessageId = e.id
			r.SequenceNumber = orNil(formatSequence(e.sequence))
			return r
		}
		m.SequenceNumber = q.nextSequence()
		r.SequenceNumber = orNil(formatSequence(m.SequenceNumber))
		m.ID = q.s.newID()
		q.dedup.add(now, key, dedupEntry{id: m.ID, sequence: m.SequenceNumber})
	} else {
		m.ID = q.s.newID()
	}
	r.MessageId = m.ID
	m.Sent = now.Truncate(time.Millisecond)
	m.retained = now
	q.stats.Sent++
	q.stats.SentBytes += m.size
	q.add(m, delay)
	return r
}

// Put sends a body with attributes from inside the stack, as a dead-letter
// target of another service does. It fails as SendMessage would.
func (q *Queue) Put(body string, attrs []Attribute, caller string) (messageID string, err error) {
	in := sendInput{MessageBody: &body, MessageAttributes: map[string]attributeValue{}}
	for i := range attrs {
		a := &attrs[i]
		v := attributeValue{DataType: a.DataType}
		if a.Binary() {
			v.BinaryValue = &a.BinaryValue
		} else {
			v.StringValue = &a.StringValue
		}
		in.MessageAttributes[a.Name] = v
	}
	m, delay, err := q.prepare(&in, caller)
	if err != nil {
		return "", err
	}
	if q.tooLong(m) {
		return "", q.errTooLong("are invalid")
	}
	return q.put(m, delay).MessageId, nil
}

func (q *Queue) errTooLong(how string) *api.Error {
	return errInvalid("One or more parameters %s. Reason: Message must be shorter than %d bytes.", how, q.set.maxSize)
}

func orNil(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// senderID is the unique id of the caller's role and its session, in the shape
// IAM gives them, derived from the role's name.
func senderID(caller string) string {
	if caller == "" {
		return "AIDAORDERFLOWLOCALUSER"
	}
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
	h := fnv.New64a()
	h.Write([]byte(caller))
	id := []byte("AROA")
	for n, i := h.Sum64(), 0; i < 17; i++ {
		id = append(id, alphabet[n&31])
		n = n>>5 | n<<59
	}
	return string(id) + ":" + caller[strings.LastIndexByte(caller, '/')+1:]
}
