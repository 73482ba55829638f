package handler

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"strconv"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"github.com/orderflow-cdk/orderflow/event"
	"github.com/orderflow-cdk/orderflow/internal/dynamo"
)

// Message attributes of a delivery, both Strings. A message without WebhookEndpoint is
// an event for all endpoints of its tenant.
const (
	WebhookTenant   = "tenant"
	WebhookEndpoint = "endpoint"
	// WebhookReason is added in the dead-letter queue: why the message is there.
	WebhookReason = "reason"
)

// maxWebhookBody is how large a webhook's body can be, in bytes: the specification
// recommends less than 20 kB (Standard Webhooks 1.0.0, "Payload size").
const maxWebhookBody = 20_000

// webhookMessage is a message of the queue, read.
type webhookMessage struct {
	*events.SQSMessage
	endpoint    dynamo.EndpointID // without an ID: an event
	eventID     string
	orderStatus string // that endpoints must want; "" if all get it
	sentAt      time.Time
	receives    int
}

// readWebhookMessage fails for what can never be delivered. What could be read is set
// nevertheless, for the log.
func readWebhookMessage(m *events.SQSMessage) (webhookMessage, error) {
	w := webhookMessage{SQSMessage: m}
	ms, err := strconv.ParseInt(m.Attributes["SentTimestamp"], 10, 64)
	if err != nil {
		return w, errors.New("the message has no SentTimestamp")
	}
	w.sentAt = time.UnixMilli(ms)
	w.receives, _ = strconv.Atoi(m.Attributes["ApproximateReceiveCount"])
	w.endpoint.ID = stringAttribute(m, WebhookEndpoint)
	w.endpoint.Tenant = stringAttribute(m, WebhookTenant)

	var e struct{ ID, Type, Tenant, Status string }
	if err := json.Unmarshal([]byte(m.Body), &e); err != nil {
		return w, errors.New("the body is no event: it is not JSON")
	}
	w.eventID = e.ID
	if e.Type != event.TypeTest {
		w.orderStatus = e.Status
	}
	if w.endpoint.ID == "" {
		w.endpoint.Tenant = e.Tenant
	}
	switch {
	case e.ID == "" || w.endpoint.Tenant == "" || w.orderStatus == "" && e.Type != event.TypeTest:
		return w, errors.New("the body is no event: it has not all of id, type, tenant and status")
	case w.endpoint.Tenant != e.Tenant:
		return w, errors.New("the event is another tenant's than the endpoint")
	case w.endpoint.ID != "" && !w.endpoint.Possible(), len(w.endpoint.Tenant) > dynamo.MaxTenant:
		return w, errors.New("the message names an endpoint that cannot be")
	case len(m.Body) > maxWebhookBody:
		return w, fmt.Errorf("the event has %d bytes, at most %d are possible", len(m.Body), maxWebhookBody)
	}
	return w, nil
}

func stringAttribute(m *events.SQSMessage, name string) string {
	if a := m.MessageAttributes[name]; a.StringValue != nil {
		return *a.StringValue
	}
	return ""
}

// DeliveryGroup is the MessageGroupId of a tenant's deliveries: its tag, as of its events. Of a standard
// queue it makes a fair one: who has many deliveries under way does not keep the others' waiting. It is not
// the endpoint's, since SQS calls a group noisy from a tenth of what is under way on, and of that a tenant with
// 20 endpoints would have a twentieth in each group.
func DeliveryGroup(tenant string) string {
	return base64.RawURLEncoding.EncodeToString([]byte(tenant))
}

// age is how long ago the message was sent to the queue: for the first time, or from
// the dead-letter queue, where it begins anew.
func (w *webhookMessage) age(now time.Time) time.Duration { return now.Sub(w.sentAt) }

// chance is a number from 0 to 1 (not 1) that looks random and is the same for every run
// of the same message's same delivery.
func (w *webhookMessage) chance() float64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(w.MessageId)) // never fails
	_, _ = h.Write([]byte{'#'})
	_, _ = h.Write(strconv.AppendInt(nil, int64(w.receives), 10))
	x := h.Sum64()
	// FNV's upper bits hardly depend on the last bytes: mix (the finalizer of MurmurHash3).
	x ^= x >> 33
	x *= 0xff51afd7ed558ccd
	x ^= x >> 33
	x *= 0xc4ceb9fe1a85ec53
	x ^= x >> 33
	return float64(x>>11) / (1 << 53)
}
