package handler

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/orderflow-cdk/orderflow/constructs/record"
	"github.com/orderflow-cdk/orderflow/event"
	"github.com/orderflow-cdk/orderflow/internal/publish"
)

// noEvent says why a stream record looks like an event and can be told of to
// nobody, whoever tries again.
func noEvent(format string, args ...any) error {
	return fmt.Errorf("the record is no event: "+format, args...)
}

// isEvent reports whether a change gave an order a new status. Everything else is none:
// a request to cancel, a conflict, a task token, and the record's expiry.
func (c *change) isEvent() bool {
	return c.item == record.StatusItem && c.after.status != "" &&
		(c.before.status == "" || c.before.sequence != c.after.sequence)
}

// message turns a change into what the channels tell.
func (c *change) message() (publish.Message, error) {
	i := &c.after
	var missing []string
	for _, a := range []struct{ name, value string }{
		{record.PartitionKey, c.key}, {record.Tenant, i.tenant}, {record.OrderID, i.orderID}, {record.UpdatedAt, i.updatedAt},
	} {
		if a.value == "" {
			missing = append(missing, a.name)
		}
	}
	if missing != nil {
		return publish.Message{}, noEvent("it has no %s", strings.Join(missing, ", "))
	}
	sequence, ok := count(i.sequence)
	if !ok {
		return publish.Message{}, noEvent("its %s is %q", record.Sequence, i.sequence)
	}
	at, err := time.Parse(time.RFC3339, i.updatedAt)
	if err != nil {
		return publish.Message{}, noEvent("its %s is %q", record.UpdatedAt, i.updatedAt)
	}
	group, _, _ := strings.Cut(c.key, "#")
	m, err := publish.NewMessage(event.Event{
		ID: event.ID(i.orderID, sequence), Type: event.TypeOf(i.status), OrderID: i.orderID, Tenant: i.tenant,
		Status: i.status, PreviousStatus: c.before.status, Sequence: sequence, OccurredAt: at, Changes: c.changes(),
	}, group)
	if err != nil {
		return m, noEvent("%w", err)
	}
	return m, nil
}

// changes is what is new in the item besides the status.
func (c *change) changes() event.Changes {
	var changes event.Changes
	if c.after.reason != c.before.reason || c.after.detail != c.before.detail {
		changes.Reason, changes.Detail = c.after.reason, c.after.detail
	}
	for _, r := range c.after.results {
		if c.before.result(r.step) == r.text {
			continue
		}
		// A result that is no JSON is told of, but cannot be told.
		if !json.Valid([]byte(r.text)) {
			changes.Results, changes.Omitted = nil, []string{"results"}
			return changes
		}
		if changes.Results == nil {
			changes.Results = map[string]json.RawMessage{}
		}
		changes.Results[r.step] = json.RawMessage(r.text)
	}
	return changes
}

func (i *image) result(step string) string {
	for _, r := range i.results {
		if r.step == step {
			return r.text
		}
	}
	return ""
}
