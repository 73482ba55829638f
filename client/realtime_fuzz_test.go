package client

import (
	"encoding/json"
	"testing"

	"github.com/orderflow-cdk/orderflow/event"
)

// FuzzPushed: whatever the websocket says, it is an event of an order or an error.
func FuzzPushed(f *testing.F) {
	f.Add([]byte(`{"data":{"onOrderStatus":{"id":"k:2","type":"order.paid","orderId":"k","tenant":"acme","status":"PAID","previousStatus":null,` +
		`"sequence":2,"occurredAt":"2026-01-02T03:04:05.000Z","changes":"{\"results\":{\"Charge\":{}}}"}}}`))
	f.Add([]byte(`{"data":{"onMyOrders":null},"errors":[{"errorType":"X","errorCode":"y"}]}`))
	f.Add([]byte(`{"data":{"onOrderStatus":{"id":"k:1","type":"order.paid","orderId":"k","status":"PAID","sequence":1,"changes":"\"{\\\"reason\\\":\\\"X\\\"}\""}}}`))
	f.Add([]byte(`null`))
	f.Fuzz(func(t *testing.T, payload []byte) {
		e, err := pushed(json.RawMessage(payload))
		if err == nil && (e.Sequence < 1 || e.OrderID == "" || e.ID != event.ID(e.OrderID, e.Sequence)) {
			t.Errorf("%s became %+v", payload, e)
		}
		_ = refused(json.RawMessage(payload)).Error()
	})
}
