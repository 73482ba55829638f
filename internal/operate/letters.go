package operate

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/orderflow-cdk/orderflow/constructs/record"
	"github.com/orderflow-cdk/orderflow/event"
	"github.com/orderflow-cdk/orderflow/internal/handler"
)

// Letter is a message in a queue of what was given up.
type Letter struct {
	MessageID string `json:"messageId"`
	OrderID   string `json:"orderId,omitempty"`
	Tenant    string `json:"tenant,omitempty"`
	// Event is the id of the event that the message tells, Endpoint the webhook that it is for.
	Event    string `json:"event,omitempty"`
	Endpoint string `json:"endpoint,omitempty"`
	// Sent is when it was sent first, before it became a dead letter.
	Sent time.Time `json:"sent"`
	// Received counts receives in all queues, this look among them.
	Received int `json:"received"`
	// Reason is why it is here, as far as the message says.
	Reason string `json:"reason,omitempty"`

	message types.Message
}

// Filter chooses letters; the zero value takes all.
type Filter struct {
	Orders []string // of any of them; none: of all
	Tenant string
}

// filterOf takes the letters of one order, or of all for "".
func filterOf(order string) Filter {
	if order == "" {
		return Filter{}
	}
	return Filter{Orders: []string{order}}
}

// All reports whether the filter takes every letter.
func (f Filter) All() bool { return len(f.Orders) == 0 && f.Tenant == "" }

func (f Filter) takes(l Letter) bool {
	return (len(f.Orders) == 0 || slices.Contains(f.Orders, l.OrderID)) && (f.Tenant == "" || f.Tenant == l.Tenant)
}

// readLetter reads what a message says of itself: its attributes, and its body if that is an event, SNS's envelope of one,
// or what Lambda says of a batch that it gave up.
func readLetter(m types.Message) Letter {
	l := Letter{MessageID: aws.ToString(m.MessageId), message: m}
	attribute := func(name string) string { return aws.ToString(m.MessageAttributes[name].StringValue) }
	l.OrderID, l.Tenant, l.Endpoint = attribute(record.MessageOrderID), attribute(handler.WebhookTenant), attribute(handler.WebhookEndpoint)
	l.Reason = attribute(handler.WebhookReason)
	if ms, err := strconv.ParseInt(m.Attributes["SentTimestamp"], 10, 64); err == nil {
		l.Sent = time.UnixMilli(ms).UTC()
	}
	l.Received, _ = strconv.Atoi(m.Attributes["ApproximateReceiveCount"]) // always a number
	if e, _, err := eventOf(m); err == nil {
		l.Event, l.OrderID, l.Tenant = e.ID, e.OrderID, e.Tenant
	}
	if l.Reason == "" && attribute("ErrorMessage") != "" { // of SNS
		l.Reason = strings.TrimPrefix(attribute("ErrorCode")+": "+attribute("ErrorMessage"), ": ")
	}
	if p, err := readPosition(m); err == nil {
		l.Reason = fmt.Sprintf("%s: given up by %s", p.Condition, p.function())
	}
	return l
}

// eventOf is the event in a message that a topic delivered, in an envelope or raw, and its JSON.
func eventOf(m types.Message) (event.Event, []byte, error) {
	text := []byte(aws.ToString(m.Body))
	var envelope struct{ Type, TopicArn, Message string }
	if json.Unmarshal(text, &envelope) == nil && envelope.Type == "Notification" && envelope.TopicArn != "" {
		text = []byte(envelope.Message)
	}
	var e event.Event
	if err := json.Unmarshal(text, &e); err != nil {
		return e, nil, fmt.Errorf("the body is no event: %w", err)
	}
	if e.ID == "" || e.Tenant == "" || e.Type == "" {
		return e, nil, errors.New("the body is no event: it has not all of id, type and tenant")
	}
	return e, text, nil
}

// How long a queue is looked at. What is received is hidden from others until the look is over, or for spareTime more if
// nobody can say that it is.
const (
	lookTime  = 40 * time.Second
	pickTime  = 10 * time.Minute // for some letters among all
	spareTime = 20 * time.Second
	batch     = 10 // SQS API reference, ReceiveMessage
)

// each receives a queue's messages and hands each to f once, until the queue has no more that can be received, f returns
// false, or the time is over; all tells whether it came to the end. In the end it makes visible again what f did not
// delete.
//
// IAM: sqs:ReceiveMessage and sqs:ChangeMessageVisibility on the queue.
func (s *Stack) each(ctx context.Context, queue string, within time.Duration, f func(types.Message) (gone, more bool, err error)) (all bool, err error) {
	var held []types.Message
	defer func() {
		if e := s.release(ctx, queue, held); err == nil {
			err = e
		}
	}()
	began := s.now()
	seen := map[string]bool{}
	for s.now().Sub(began) < within {
		messages, err := s.receive(ctx, queue, within)
		if err != nil {
			return false, err
		}
		if len(messages) == 0 {
			return true, nil
		}
		held = append(held, messages...)
		for _, m := range messages {
			if seen[aws.ToString(m.MessageId)] {
				continue
			}
			seen[aws.ToString(m.MessageId)] = true
			gone, more, err := f(m)
			if gone {
				held = slices.DeleteFunc(held, func(h types.Message) bool { return aws.ToString(h.MessageId) == aws.ToString(m.MessageId) })
			}
			if err != nil || !more {
				return false, err
			}
		}
	}
	return false, nil
}

// receive receives up to ten messages, which are hidden from others for that long and a little more.
func (s *Stack) receive(ctx context.Context, queue string, within time.Duration) ([]types.Message, error) {
	out, err := s.queues.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{
		QueueUrl: &queue, MaxNumberOfMessages: batch, VisibilityTimeout: int32((within + spareTime) / time.Second), WaitTimeSeconds: s.longPoll,
		MessageSystemAttributeNames: []types.MessageSystemAttributeName{types.MessageSystemAttributeNameAll}, MessageAttributeNames: []string{"All"},
	})
	if err != nil {
		return nil, err
	}
	return out.Messages, nil
}

// release makes messages visible again, also if ctx has ended.
func (s *Stack) release(ctx context.Context, queue string, held []types.Message) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	for chunk := range slices.Chunk(held, batch) {
		in := &sqs.ChangeMessageVisibilityBatchInput{QueueUrl: &queue}
		for i, m := range chunk {
			in.Entries = append(in.Entries, types.ChangeMessageVisibilityBatchRequestEntry{Id: aws.String(strconv.Itoa(i)), ReceiptHandle: m.ReceiptHandle, VisibilityTimeout: 0})
		}
		// What could not be changed becomes visible by itself.
		if _, err := s.queues.ChangeMessageVisibilityBatch(ctx, in); err != nil {
			return fmt.Errorf("what was looked at is hidden for some minutes more: %w", err)
		}
	}
	return nil
}

// Look reads up to limit letters that the filter takes, oldest first. all tells whether these are all that could be received.
func (s *Stack) Look(ctx context.Context, q *Queue, f Filter, limit int) (letters []Letter, all bool, err error) {
	within := lookTime
	if !f.All() {
		within = pickTime
	}
	all, err = s.each(ctx, q.URL, within, func(m types.Message) (gone, more bool, err error) {
		if l := readLetter(m); f.takes(l) {
			if len(letters) == limit {
				return false, false, nil
			}
			letters = append(letters, l)
		}
		return false, true, nil
	})
	slices.SortStableFunc(letters, func(a, b Letter) int { return a.Sent.Compare(b.Sent) })
	return letters, all, err
}
