package console

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/orderflow-cdk/orderflow/local"
)

var noon = time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)

func frame(order string, sequence int, status string) local.Event {
	return local.Event{Time: noon, Kind: local.EventFrame, Action: "onMyOrders", Detail: fmt.Sprintf(
		`{"type":"data","payload":{"data":{"onMyOrders":{"id":"%s:%d","orderId":%q,"tenant":"acme","status":%q,"sequence":%d,"changes":"{\"reason\":\"OutOfStock\"}"}}}}`, order, sequence, order, status, sequence)}
}

// However much happens, what is remembered is bounded, and is the latest.
func TestMemoryIsBounded(t *testing.T) {
	h := newHub(nil)
	long := strings.Repeat("x", 16<<10)
	for i := range 20_000 {
		h.take(local.Event{Time: noon, Kind: local.EventCall, Action: "sqs:SendMessage", Ref: fmt.Sprint(i), Detail: long}, "a", "b")
		h.take(local.Event{Time: noon, Kind: local.EventLog, Detail: fmt.Sprint(i)}, "", "")
		h.take(frame(fmt.Sprint("order-", i), 1, "ACCEPTED"), "", "")
	}
	if h.events.bytes > keepBytes || len(h.events.all) > keepEvents || len(h.logs.all) != keepLogs || len(h.orders.byID) != keepOrders || len(h.orders.eviction) != keepOrders {
		t.Errorf("%d events with %d bytes, %d lines, %d orders", len(h.events.all), h.events.bytes, len(h.logs.all), len(h.orders.byID))
	}
	if last := h.logs.all[keepLogs-1]; last.Detail != "19999" {
		t.Errorf("the last line is %s", last.Detail)
	}
	if h.orders.byID["order-19999"] == nil || h.orders.byID["order-0"] != nil {
		t.Error("it is not the latest orders that are kept")
	}
	if f := h.flows["a>b"]; f.N != 20_000 {
		t.Errorf("%d calls were counted", f.N)
	}
	for range maxWaiting + 5 {
		h.observe(local.Event{})
	}
	if len(h.waiting.events) != maxWaiting || h.waiting.lost != 5 {
		t.Errorf("%d wait, %d are lost", len(h.waiting.events), h.waiting.lost)
	}
	for i := range 3 * maxTold {
		h.tell("job", i)
	}
	if len(h.told) != maxTold {
		t.Errorf("%d notices are kept", len(h.told))
	}
}

func TestAnOrdersLanes(t *testing.T) {
	o := newOrders()
	const id = "1-a-YWNtZQ"
	for _, e := range []local.Event{
		{Kind: local.EventRequest, Action: "POST /live/orders", Detail: `202 {"orderId":"1-a-YWNtZQ","status":"QUEUED"}`},
		{Kind: local.EventCall, Action: "states:StartExecution", Detail: `{"name":"h-123","input":"{\"orderId\":\"1-a-YWNtZQ\"}"}`},
		{Kind: local.EventState, From: "Machine", Action: "ExecutionStarted", Ref: "h-123"},
		{Kind: local.EventState, From: "Machine", To: "Charge", Action: "TaskStateEntered", Ref: "h-123"},
		{Kind: local.EventRequest, Action: "GET /orders/1-a-YWNtZQ/status", Detail: `200 {"orderId":"1-a-YWNtZQ","status":"ACCEPTED","sequence":1}`},
		{Kind: local.EventRequest, Action: "GET /orders/1-a-YWNtZQ/status", Detail: `200 {"orderId":"1-a-YWNtZQ","status":"ACCEPTED","sequence":1}`},
		{Kind: local.EventHTTP, To: "hooks.example", Action: "POST https://hooks.example/acme 503", Err: "503 Service Unavailable", Detail: `{"id":"1-a-YWNtZQ:2","orderId":"1-a-YWNtZQ","tenant":"acme","status":"RESERVED","sequence":2}`},
		frame(id, 3, "REJECTED"),
		// What comes late changes no status.
		{Kind: local.EventHTTP, To: "hooks.example", Action: "POST https://hooks.example/acme 204", Detail: `{"Type":"Notification","Message":"{\"orderId\":\"1-a-YWNtZQ\",\"status\":\"RESERVED\",\"sequence\":2}"}`},
		{Kind: local.EventRequest, Action: "GET /orders/another/status", Err: "Not Found", Detail: `404 {"title":"Not Found"}`},
		{Kind: local.EventRequest, Action: "DELETE /orders/1-a-YWNtZQ/status", Err: "Conflict", Detail: `409 {"title":"Conflict"}`},
	} {
		e.Time = noon
		o.take(e)
	}
	a := o.byID[id]
	if len(o.byID) != 1 || a == nil {
		t.Fatalf("orders %v", o.byID)
	}
	if a.Status != "REJECTED" || a.Sequence != 3 || a.Reason != "OutOfStock" || a.Tenant != "acme" || a.State != "Charge" || a.Execution != "h-123" || a.Machine != "Machine" {
		t.Errorf("%+v", a)
	}
	var got []string
	for _, e := range a.entries {
		got = append(got, fmt.Sprintf("%s %s %d %s ×%d %s", e.Lane, e.Status, e.Sequence, e.HTTP, e.Times, e.Err))
	}
	want := []string{
		"poll QUEUED 0 202 ×1 ", "poll ACCEPTED 1 200 ×2 ", "webhook RESERVED 2 503 ×1 503 Service Unavailable", "websocket REJECTED 3  ×1 ",
		"webhook RESERVED 2 204 ×1 ", "poll  0 409 ×1 Conflict",
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// An execution that is redriven is no longer over, and is in the state in which it failed.
func TestARedrivenOrder(t *testing.T) {
	o := newOrders()
	o.take(local.Event{Kind: local.EventCall, Action: "states:StartExecution", Detail: `{"name":"h-1","input":"{\"orderId\":\"1\"}"}`})
	o.take(local.Event{Kind: local.EventState, Action: "ExecutionStarted", Ref: "h-1", Detail: `{"orderId":"1"}`})
	o.take(local.Event{Kind: local.EventState, To: "Charge", Action: "TaskStateEntered", Ref: "h-1"})
	o.take(local.Event{Kind: local.EventState, Action: "ExecutionFailed", Ref: "h-1", Err: "Broken: "})
	o.take(local.Event{Kind: local.EventState, Action: "ExecutionRedriven", Ref: "h-1", Detail: "null"})
	if a := o.byID["1"]; a == nil || a.Outcome != "" || a.State != "Charge" {
		t.Errorf("redriven: %+v", a)
	}
}

// Who asks for what changed gets it once, in the order in which it changed.
func TestOrdersSinceAVersion(t *testing.T) {
	o := newOrders()
	for i := range 5 {
		o.take(frame(fmt.Sprint(i), 1, "ACCEPTED"))
	}
	first, version := o.since(0, 3)
	rest, version := o.since(version, 3)
	if len(first) != 3 || len(rest) != 2 || first[0].ID != "0" || rest[1].ID != "4" {
		t.Errorf("%v, then %v", first, rest)
	}
	o.take(frame("1", 2, "RESERVED"))
	if again, _ := o.since(version, 3); len(again) != 1 || again[0].ID != "1" || again[0].Status != "RESERVED" {
		t.Errorf("%v", again)
	}
}
