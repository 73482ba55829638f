package client

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/orderflow-cdk/orderflow/event"
)

// TestChangesInEveryEncoding: AppSync writes AWSJSON once, and some have seen it written twice.
func TestChangesInEveryEncoding(t *testing.T) {
	plain := `{"reason":"OutOfStock","results":{"Reserve":{"note":"a \"quoted\" text"}}}`
	want := event.Changes{Reason: "OutOfStock", Results: map[string]json.RawMessage{"Reserve": json.RawMessage(`{"note":"a \"quoted\" text"}`)}}
	encoded := func(times int) string {
		text := plain
		for range times {
			b, err := json.Marshal(text)
			if err != nil {
				t.Fatal(err)
			}
			text = string(b)
		}
		return text
	}
	for _, c := range []struct {
		name, changes string
		want          event.Changes
		fails         bool
	}{
		{name: "once", changes: encoded(1), want: want},
		{name: "twice", changes: encoded(2), want: want},
		{name: "not at all", changes: encoded(0), want: want},
		{name: "null", changes: `null`},
		{name: "a null of AWSJSON", changes: `"null"`},
		{name: "empty", changes: `""`},
		{name: "nothing in it", changes: `"{}"`},
		{name: "three times", changes: encoded(3), fails: true},
		{name: "a list", changes: `"[]"`, fails: true},
		{name: "no JSON", changes: `"{"`, fails: true},
		{name: "more than one", changes: `"{}{}"`, fails: true},
	} {
		t.Run(c.name, func(t *testing.T) {
			e, err := pushed(json.RawMessage(`{"data":{"onOrderStatus":{"id":"k:1","type":"order.rejected","orderId":"k","tenant":"acme",` +
				`"status":"REJECTED","sequence":1,"occurredAt":"2026-01-02T03:04:05.000Z","changes":` + c.changes + `}}}`))
			if (err != nil) != c.fails {
				t.Fatalf("error %v", err)
			}
			if diff := cmp.Diff(c.want, e.Changes); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}
