package sqs

import (
	"encoding/base64"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/orderflow-cdk/orderflow/local/internal/api"
	"github.com/orderflow-cdk/orderflow/local/internal/jsontext"
)

type receiveInput struct {
	onQueue
	AttributeNames              []string
	MessageSystemAttributeNames []string
	MessageAttributeNames       []string
	MaxNumberOfMessages         *int64
	VisibilityTimeout           *int64
	WaitTimeSeconds             *int64
	ReceiveRequestAttemptId     *string
}

// receiveMessage answers at once, or in a later event if it has to wait. A
// receive gets as many messages as there are, up to the number asked for; the
// real service may return fewer.
func (s *Service) receiveMessage(c api.Call, done func([]byte, error)) {
	var in receiveInput
	q, r, wait, err := s.parseReceive(c.Input, &in)
	if err != nil {
		done(nil, err)
		return
	}
	got, err := q.Receive(r)
	switch {
	case err != nil:
		done(nil, err)
		return
	case len(got) > 0:
		done(in.answer(got), nil)
		return
	case wait == 0 && q.inFlight >= maxInFlight && !q.FIFO:
		q.stats.EmptyReceives++
		e := api.Errorf("OverLimit", "Too many messages in flight: %d.", q.inFlight)
		e.Status = 403
		done(nil, e)
		return
	case wait == 0:
		q.stats.EmptyReceives++
		done([]byte("{}"), nil)
		return
	}
	w := &waiter{Request: r, done: func(got []Delivery) { done(in.answer(got), nil) }}
	w.deadline = q.k.After(wait, func() {
		q.leave(w)
		q.stats.EmptyReceives++
		done([]byte("{}"), nil)
	})
	q.wait(w)
}

func (s *Service) parseReceive(input []byte, in *receiveInput) (*Queue, Request, time.Duration, error) {
	r := Request{Max: 1}
	if err := decode(input, in); err != nil {
		return nil, r, 0, err
	}
	q, err := s.find(in.onQueue)
	if err != nil {
		return nil, r, 0, err
	}
	if in.ReceiveRequestAttemptId != nil && !q.FIFO {
		return nil, r, 0, errInvalid("Value %s for parameter ReceiveRequestAttemptId is invalid. Reason: The request includes a parameter that is not valid for this queue type.", *in.ReceiveRequestAttemptId)
	}
	if n := in.MaxNumberOfMessages; n != nil {
		if *n < 1 || *n > 10 {
			return nil, r, 0, errInvalid("Value %d for parameter MaxNumberOfMessages is invalid. Reason: Must be between 1 and 10, if provided.", *n)
		}
		r.Max = int(*n)
	}
	r.VisibilityTimeout = q.set.visibility
	if n := in.VisibilityTimeout; n != nil {
		if *n < 0 || *n > 43_200 {
			return nil, r, 0, errInvalid("Value %d for parameter VisibilityTimeout is invalid. Reason: Must be between 0 and 43200, if provided.", *n)
		}
		r.VisibilityTimeout = time.Duration(*n) * time.Second
	}
	wait := q.set.wait
	if n := in.WaitTimeSeconds; n != nil {
		if *n < 0 || *n > 20 {
			return nil, r, 0, errInvalid("Value %d for parameter WaitTimeSeconds is invalid. Reason: Must be >= 0 and <= 20, if provided.", *n)
		}
		wait = time.Duration(*n) * time.Second
	}
	for _, name := range slices.Concat(in.AttributeNames, in.MessageSystemAttributeNames) {
		if name != "All" && !slices.Contains(systemAttributeNames, name) {
			return nil, r, 0, api.Errorf(codeInvalidAttrName, "Unknown Attribute %s.", name)
		}
	}
	return q, r, wait, nil
}

var systemAttributeNames = []string{
	"AWSTraceHeader", "ApproximateFirstReceiveTimestamp", "ApproximateReceiveCount",
	"DeadLetterQueueSourceArn", "MessageDeduplicationId", "MessageGroupId",
	"SenderId", "SentTimestamp", "SequenceNumber",
}

func (in *receiveInput) answer(got []Delivery) []byte {
	b := []byte(`{"Messages":[`)
	for i := range got {
		if i > 0 {
			b = append(b, ',')
		}
		b = in.appendMessage(b, &got[i])
	}
	return append(b, "]}"...)
}

func (in *receiveInput) appendMessage(b []byte, d *Delivery) []byte {
	b = append(b, `{"MessageId":"`...)
	b = append(b, d.ID...)
	b = append(b, `","ReceiptHandle":"`...)
	b = append(b, d.ReceiptHandle...)
	b = append(b, `","MD5OfBody":"`...)
	b = append(b, d.MD5OfBody...)
	b = append(b, `","Body":`...)
	b = jsontext.AppendString(b, d.Body)
	wanted := func(name string) bool {
		return wants(in.AttributeNames, name) || wants(in.MessageSystemAttributeNames, name)
	}
	if attrs := d.AppendSystemAttributes(nil, wanted); len(attrs) > 2 {
		b = append(b, `,"Attributes":`...)
		b = append(b, attrs...)
	}
	b = in.appendAttributes(b, d)
	return append(b, '}')
}

// appendAttributes adds the message attributes that were asked for, with the
// digest of those alone.
func (in *receiveInput) appendAttributes(b []byte, d *Delivery) []byte {
	if len(in.MessageAttributeNames) == 0 || len(d.Attributes) == 0 {
		return b
	}
	chosen := make([]Attribute, 0, len(d.Attributes))
	for _, a := range d.Attributes {
		if wantsAttribute(in.MessageAttributeNames, a.Name) {
			chosen = append(chosen, a)
		}
	}
	if len(chosen) == 0 {
		return b
	}
	b = append(b, `,"MD5OfMessageAttributes":"`...)
	b = append(b, md5OfAttributes(chosen)...)
	b = append(b, `","MessageAttributes":{`...)
	for i := range chosen {
		a := &chosen[i]
		if i > 0 {
			b = append(b, ',')
		}
		b = jsontext.AppendString(b, a.Name)
		b = append(b, `:{"DataType":`...)
		b = jsontext.AppendString(b, a.DataType)
		if a.Binary() {
			b = append(b, `,"BinaryValue":"`...)
			b = base64.StdEncoding.AppendEncode(b, a.BinaryValue)
			b = append(b, `"}`...)
		} else {
			b = append(b, `,"StringValue":`...)
			b = jsontext.AppendString(b, a.StringValue)
			b = append(b, '}')
		}
	}
	return append(b, '}')
}

func wants(names []string, name string) bool {
	for _, n := range names {
		if n == name || n == "All" {
			return true
		}
	}
	return false
}

// wantsAttribute knows the wildcards of MessageAttributeNames: "All", ".*", and
// a prefix with ".*" after it.
func wantsAttribute(names []string, name string) bool {
	for _, n := range names {
		if n == name || n == "All" || n == ".*" {
			return true
		}
		if prefix, ok := strings.CutSuffix(n, ".*"); ok && (name == prefix || strings.HasPrefix(name, prefix+".")) {
			return true
		}
	}
	return false
}

// AppendSystemAttributes appends the system attributes of a delivery as a JSON
// object, those that wanted names; all if wanted is nil.
func (d *Delivery) AppendSystemAttributes(b []byte, wanted func(string) bool) []byte {
	b = append(b, '{')
	start := len(b)
	str := func(name, value string) {
		if value == "" || wanted != nil && !wanted(name) {
			return
		}
		if len(b) > start {
			b = append(b, ',')
		}
		b = append(b, '"')
		b = append(b, name...)
		b = append(b, `":`...)
		b = jsontext.AppendString(b, value)
	}
	num := func(name string, n int64) {
		if wanted != nil && !wanted(name) {
			return
		}
		if len(b) > start {
			b = append(b, ',')
		}
		b = append(b, '"')
		b = append(b, name...)
		b = append(b, `":"`...)
		b = strconv.AppendInt(b, n, 10)
		b = append(b, '"')
	}
	num("ApproximateReceiveCount", int64(d.ReceiveCount))
	str("AWSTraceHeader", d.TraceHeader)
	num("SentTimestamp", d.Sent.UnixMilli())
	if d.SequenceNumber != 0 {
		str("SequenceNumber", formatSequence(d.SequenceNumber))
	}
	str("MessageGroupId", d.GroupID)
	str("SenderId", d.SenderID)
	str("MessageDeduplicationId", d.DedupID)
	num("ApproximateFirstReceiveTimestamp", d.FirstReceived.UnixMilli())
	str("DeadLetterQueueSourceArn", d.DeadLetterSource)
	return append(b, '}')
}
