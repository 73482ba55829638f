package awstest

import (
	"crypto/md5"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/aws/aws-lambda-go/events"
)

// Queued is a message in one of Queues.
type Queued struct {
	ID, Body, Group string
	Attributes      map[string]MessageAttribute
	SentAt          time.Time
	VisibleAt       time.Time // until then it is invisible
	Receives        int
	Receipt         string // of the last receive; "" if there was none
}

// MessageAttribute is an attribute of a message.
type MessageAttribute struct {
	DataType    string
	StringValue *string `json:",omitempty"`
	BinaryValue []byte  `json:",omitempty"`
}

// sendEntry is a message of a batch that is sent.
type sendEntry struct {
	Id, MessageBody, MessageGroupId string
	MessageAttributes               map[string]MessageAttribute
}

// queueCall answers the batch actions of SQS.
func (s *Server) queueCall(action string, body []byte) (any, *failure) {
	in := decode[struct {
		QueueUrl string
		Entries  []struct {
			sendEntry
			ReceiptHandle     string
			VisibilityTimeout int
		}
	}](body)
	if len(in.Entries) > 10 {
		return nil, &failure{code: "TooManyEntriesInBatchRequest"}
	}
	ok, bad := []any{}, []any{}
	for _, e := range in.Entries {
		var out any = map[string]any{"Id": e.Id}
		var failed *failure
		if action == "SendMessageBatch" {
			if out, failed = s.send(in.QueueUrl, e.sendEntry); failed == nil {
				out.(map[string]any)["Id"] = e.Id
			}
		} else {
			failed = s.changeVisibility(in.QueueUrl, e.ReceiptHandle, e.VisibilityTimeout)
		}
		if failed != nil {
			bad = append(bad, map[string]any{"Id": e.Id, "Code": failed.code, "SenderFault": true, "Message": failed.code})
			continue
		}
		ok = append(ok, out)
	}
	return map[string]any{"Successful": ok, "Failed": bad}, nil
}

func (s *Server) now() time.Time {
	if s.Now != nil {
		return s.Now()
	}
	return time.Now()
}

func (s *Server) send(queue string, e sendEntry) (any, *failure) {
	if s.RefuseMessage != nil && s.RefuseMessage(queue, e.MessageBody) {
		return nil, &failure{code: "InternalError", status: 500}
	}
	s.sent++
	id := fmt.Sprintf("00000000-0000-4000-8000-%012d", s.sent)
	if s.Queues == nil {
		s.Queues = map[string][]*Queued{}
	}
	s.Queues[queue] = append(s.Queues[queue], &Queued{
		ID: id, Body: e.MessageBody, Group: e.MessageGroupId, Attributes: e.MessageAttributes, SentAt: s.now(), VisibleAt: s.now(),
	})
	sum := md5.Sum([]byte(e.MessageBody))
	out := map[string]any{"MessageId": id, "MD5OfMessageBody": hex.EncodeToString(sum[:])}
	if len(e.MessageAttributes) > 0 {
		out["MD5OfMessageAttributes"] = attributesDigest(e.MessageAttributes)
	}
	return out, nil
}

// attributesDigest is computed as the developer guide says ("Calculating the MD5
// message digest for message attributes").
func attributesDigest(all map[string]MessageAttribute) string {
	h := md5.New()
	part := func(b []byte) {
		_ = binary.Write(h, binary.BigEndian, uint32(len(b))) // a hash takes everything
		h.Write(b)
	}
	for _, name := range slices.Sorted(maps.Keys(all)) {
		a := all[name]
		part([]byte(name))
		part([]byte(a.DataType))
		if a.StringValue != nil {
			h.Write([]byte{1})
			part([]byte(*a.StringValue))
		} else {
			h.Write([]byte{2})
			part(a.BinaryValue)
		}
	}
	return hex.EncodeToString(h.Sum(nil))
}

// changeVisibility refuses what SQS refuses: more than 12 hours, and a message that is no
// longer, or not by this receipt, in flight.
func (s *Server) changeVisibility(queue, receipt string, seconds int) *failure {
	if seconds < 0 || seconds > 43200 {
		return &failure{code: "InvalidParameterValue"}
	}
	for _, m := range s.Queues[queue] {
		if m.Receipt == receipt {
			if !m.VisibleAt.After(s.now()) {
				return &failure{code: "MessageNotInflight"}
			}
			m.VisibleAt = s.now().Add(time.Duration(seconds) * time.Second)
			return nil
		}
	}
	return &failure{code: "ReceiptHandleIsInvalid"}
}

// Receive takes up to n visible messages of a queue, oldest first, in the form in which Lambda
// hands them to a function.
func (s *Server) Receive(queue string, n int, visibility time.Duration) events.SQSEvent {
	var e events.SQSEvent
	for _, m := range s.Queues[queue] {
		if len(e.Records) == n || m.VisibleAt.After(s.now()) {
			continue
		}
		m.Receives++
		m.VisibleAt = s.now().Add(visibility)
		m.Receipt = fmt.Sprintf("%s#%d", m.ID, m.Receives)
		r := events.SQSMessage{
			MessageId: m.ID, ReceiptHandle: m.Receipt, Body: m.Body,
			Attributes: map[string]string{
				"SentTimestamp":           strconv.FormatInt(m.SentAt.UnixMilli(), 10),
				"ApproximateReceiveCount": strconv.Itoa(m.Receives),
			},
			MessageAttributes: map[string]events.SQSMessageAttribute{},
			EventSource:       "aws:sqs", EventSourceARN: "arn:aws:sqs:eu-central-1:111122223333:deliveries",
		}
		if m.Group != "" {
			r.Attributes["MessageGroupId"] = m.Group
		}
		for name, a := range m.Attributes {
			r.MessageAttributes[name] = events.SQSMessageAttribute{DataType: a.DataType, StringValue: a.StringValue, BinaryValue: a.BinaryValue}
		}
		e.Records = append(e.Records, r)
	}
	return e
}

// Done deletes those messages of what was received which are not among the failed, as Lambda does.
func (s *Server) Done(queue string, e events.SQSEvent, failed []events.SQSBatchItemFailure) {
	for _, r := range e.Records {
		if !slices.ContainsFunc(failed, func(f events.SQSBatchItemFailure) bool { return f.ItemIdentifier == r.MessageId }) {
			s.Queues[queue] = slices.DeleteFunc(s.Queues[queue], func(m *Queued) bool { return m.ID == r.MessageId })
		}
	}
}
