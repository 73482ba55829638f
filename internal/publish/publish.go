// Package publish tells events to the channels that clients listen on: an SNS
// topic, and subscriptions of an AppSync API. Publishing an event again is harmless,
// since it keeps its id.
package publish

import (
	"bytes"
	"encoding/json"
	"fmt"

	"github.com/orderflow-cdk/orderflow/event"
)

// Message is an event, ready for every channel.
type Message struct {
	event.Event
	// JSON is the event as all channels tell it, at most event.MaxSize bytes.
	JSON []byte
	// Group is the tenant's tag, as the order's key has it: see package record.
	Group string
}

// TooLarge says that an event is larger than event.MaxSize even without the
// members that can be left out.
type TooLarge struct{ Size int }

func (e *TooLarge) Error() string {
	return fmt.Sprintf("the event has %d bytes without results and detail, at most %d are possible", e.Size, event.MaxSize)
}

// NewMessage encodes an event. Of one that would be too large it leaves out the results,
// and if that is not enough the detail, and says so in Omitted.
func NewMessage(e event.Event, group string) (Message, error) {
	m := Message{Event: e, Group: group}
	for {
		b, err := json.Marshal(m.Event)
		if err != nil {
			return Message{}, fmt.Errorf("publish: event %s: %w", e.ID, err)
		}
		b = escapeNonCharacters(b)
		c := &m.Changes
		switch {
		case len(b) <= event.MaxSize:
			m.JSON = b
			return m, nil
		case c.Results != nil:
			c.Results, c.Omitted = nil, append(c.Omitted, "results")
		case c.Detail != "":
			c.Detail, c.Omitted = "", append(c.Omitted, "detail")
		default:
			return Message{}, &TooLarge{Size: len(b)}
		}
	}
}

// escapeNonCharacters writes U+FFFE and U+FFFF, which JSON has as they are, as escapes: a message of
// SQS must not have them (SQS API, SendMessage, "MessageBody"), and the topic's queues would never get the event.
func escapeNonCharacters(text []byte) []byte {
	text = bytes.ReplaceAll(text, []byte("\ufffe"), []byte(`\ufffe`))
	return bytes.ReplaceAll(text, []byte("\uffff"), []byte(`\uffff`))
}
