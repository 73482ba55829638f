package event_test

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/orderflow-cdk/orderflow/event"
	"github.com/orderflow-cdk/orderflow/internal/eventtest"
)

func paid() event.Event {
	return event.Event{
		ID: event.ID("k-YWJj-YWNtZQ", 3), Type: event.TypeOf("PAID"), OrderID: "k-YWJj-YWNtZQ", Tenant: "acme",
		Status: "PAID", PreviousStatus: "RESERVED", Sequence: 3,
		OccurredAt: time.Date(2026, 1, 2, 4, 4, 5, 0, time.FixedZone("CET", 3600)),
		Changes:    event.Changes{Results: map[string]json.RawMessage{"Charge": json.RawMessage(`{"chargeId":"ch_1"}`)}},
	}
}

func TestAnEventIsWhatTheSchemaSays(t *testing.T) {
	b, err := json.Marshal(paid())
	if err != nil {
		t.Fatal(err)
	}
	want := `{"id":"k-YWJj-YWNtZQ:3","type":"order.paid","orderId":"k-YWJj-YWNtZQ","tenant":"acme","status":"PAID",` +
		`"previousStatus":"RESERVED","sequence":3,"changes":{"results":{"Charge":{"chargeId":"ch_1"}}},"occurredAt":"2026-01-02T03:04:05.000Z"}`
	if diff := cmp.Diff(want, string(b)); diff != "" {
		t.Errorf("JSON (-want +got):\n%s", diff)
	}
	if err := eventtest.Schema(t)(b); err != nil {
		t.Error(err)
	}
	var back event.Event
	if err := json.Unmarshal(b, &back); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(paid(), back); diff != "" {
		t.Errorf("read back (-want +got):\n%s", diff)
	}
}

func TestTheSchemaRefusesWhatIsNoEvent(t *testing.T) {
	check := eventtest.Schema(t)
	b, err := json.Marshal(paid())
	if err != nil {
		t.Fatal(err)
	}
	for name, edit := range map[string]func(m map[string]any){
		"no sequence":      func(m map[string]any) { delete(m, "sequence") },
		"sequence 0":       func(m map[string]any) { m["sequence"] = 0 },
		"another member":   func(m map[string]any) { m["extra"] = 1 },
		"status in lower":  func(m map[string]any) { m["status"] = "paid" },
		"time in seconds":  func(m map[string]any) { m["occurredAt"] = "2026-01-02T03:04:05Z" },
		"no such time":     func(m map[string]any) { m["occurredAt"] = "2026-13-02T03:04:05.000Z" },
		"an unknown type":  func(m map[string]any) { m["type"] = "paid" },
		"a stop in the id": func(m map[string]any) { m["id"] = "a.b:1" },
	} {
		var m map[string]any
		if err := json.Unmarshal(b, &m); err != nil {
			t.Fatal(err)
		}
		edit(m)
		edited, err := json.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		if check(edited) == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

func ExampleID() {
	fmt.Println(event.ID("k-YWJj-YWNtZQ", 3))
	// Output: k-YWJj-YWNtZQ:3
}
