// Package event is what every channel tells of an order: one envelope, with
// the same id and sequence number whether it comes from a webhook, a websocket
// or the SNS topic. A client can therefore switch or combine channels.
//
// Per order, Sequence counts its statuses from 1 without a gap. No channel
// promises to deliver in order, or once: drop what has an ID that you have seen, and when
// a Sequence is missing, wait for it or poll the order, whose history has all of them.
//
// The package imports nothing of AWS. Its JSON Schema is [Schema].
package event

import (
	_ "embed"
	"encoding/json"
	"strconv"
	"strings"
	"time"
)

// MaxSize is the most bytes an event has as JSON. It stays below the 20 kB
// that the Standard Webhooks specification (1.0.0, "Payload size") recommends.
const MaxSize = 16 << 10

// TypeTest is the type of an event that tries a webhook out. Its OrderID is "test".
const TypeTest = "webhook.test"

// Names of the message attributes with which an event is published to the SNS
// topic, all of them Strings: what subscriptions filter by.
const (
	AttributeTenant = "tenant"
	AttributeStatus = "status"
	AttributeType   = "type"
)

//go:embed schema.json
var schema string

// Schema is the JSON Schema (draft 2020-12) of an event.
func Schema() string { return schema }

// Event tells that an order got a new status.
type Event struct {
	// ID is unique to the order and the sequence: see [ID].
	ID string `json:"id"`
	// Type is [TypeOf] of the status, such as "order.completed", or [TypeTest].
	Type    string `json:"type"`
	OrderID string `json:"orderId"`
	Tenant  string `json:"tenant"`
	Status  string `json:"status"`
	// PreviousStatus is "" with an order's first status.
	PreviousStatus string `json:"previousStatus,omitempty"`
	// Sequence is 1 for an order's first recorded status, and 1 more with each.
	Sequence int64 `json:"sequence"`
	// OccurredAt is when the status changed, to the millisecond, in UTC.
	OccurredAt time.Time `json:"occurredAt"`
	Changes    Changes   `json:"changes"`
}

// Changes is what is new about the order besides its status.
type Changes struct {
	// Reason is the name of the error that led to a rejection, failure or
	// cancellation, such as "OutOfStock"; Detail is its message.
	Reason string `json:"reason,omitempty"`
	Detail string `json:"detail,omitempty"`
	// Results holds the outputs of the steps that finished, by step.
	Results map[string]json.RawMessage `json:"results,omitempty"`
	// Omitted names the members that were left out because the event would have
	// been larger than [MaxSize]. GET of the order has them.
	Omitted []string `json:"omitted,omitempty"`
}

// ID is the id of the event of an order's sequence: the same in every channel, however
// often it is sent, and known to whoever polls.
func ID(orderID string, sequence int64) string {
	return orderID + ":" + strconv.FormatInt(sequence, 10)
}

// TypeOf is the type of the event that tells of a status: "order." and the
// status in lower case.
func TypeOf(status string) string { return "order." + strings.ToLower(status) }

// timeFormat is RFC 3339 with milliseconds in UTC, as the table has it.
const timeFormat = "2006-01-02T15:04:05.000Z"

// MarshalJSON writes OccurredAt with milliseconds in UTC.
func (e Event) MarshalJSON() ([]byte, error) {
	type plain Event
	return json.Marshal(struct {
		plain
		OccurredAt string `json:"occurredAt"`
	}{plain(e), e.OccurredAt.UTC().Format(timeFormat)})
}
