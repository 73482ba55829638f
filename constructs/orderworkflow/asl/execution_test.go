package asl_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func fails(err error) func(*call) (any, error) {
	return func(*call) (any, error) { return nil, err }
}

func cancels(c *call) (any, error) { c.cancel(); return map[string]any{}, nil }

func TestOrdersEndAsTheyShould(t *testing.T) {
	const asked = "the client asked to cancel the order"
	down := Unavailable{errors.New("no answer")}
	type behaviour = map[string]func(*call) (any, error)
	for _, tt := range []struct {
		name   string
		behave behaviour
		record string
		extra  map[string]any
		want   outcome
	}{
		{name: "all is well", want: outcome{
			Path: "ACCEPTED RESERVED PAID COMPLETED", Execution: "SUCCEEDED", Calls: "RunReserve RunCharge RunShip",
		}},
		{name: "the first step rejects", behave: behaviour{"RunReserve": fails(OutOfStock{errors.New("only 1 left")})}, want: outcome{
			Path: "ACCEPTED REJECTED", Reason: "OutOfStock", Detail: "only 1 left", Execution: "SUCCEEDED", Calls: "RunReserve",
		}},
		{name: "the second step rejects", behave: behaviour{"RunCharge": fails(&PaymentDeclined{errors.New("insufficient “funds” ☃")})}, want: outcome{
			Path: "ACCEPTED RESERVED REJECTED", Reason: "PaymentDeclined", Detail: "insufficient “funds” ☃", Execution: "SUCCEEDED",
			Calls: "RunReserve RunCharge UndoReserve",
		}},
		{name: "a rejection of another step is a failure", behave: behaviour{"RunShip": fails(OutOfStock{errors.New("?")})}, want: outcome{
			Path: "ACCEPTED RESERVED PAID FAILED", Reason: "OutOfStock", Detail: "?", Execution: "FAILED OutOfStock",
			Calls: "RunReserve RunCharge RunShip×5 UndoCharge UndoReserve",
		}},
		{name: "a step is down", behave: behaviour{"RunCharge": fails(down)}, want: outcome{
			Path: "ACCEPTED RESERVED FAILED", Reason: "Unavailable", Detail: "no answer", Execution: "FAILED Unavailable",
			Calls: "RunReserve RunCharge×5 UndoCharge UndoReserve",
		}},
		{name: "a step is flaky", behave: behaviour{"RunCharge": func(c *call) (any, error) {
			if c.attempt < 3 {
				return nil, down
			}
			return map[string]any{}, nil
		}}, want: outcome{
			Path: "ACCEPTED RESERVED PAID COMPLETED", Execution: "SUCCEEDED", Calls: "RunReserve RunCharge×3 RunShip",
		}},
		{name: "a compensation is flaky", behave: behaviour{"RunShip": fails(down), "UndoCharge": func(c *call) (any, error) {
			if c.attempt < 4 {
				return nil, down
			}
			return map[string]any{}, nil
		}}, want: outcome{
			Path: "ACCEPTED RESERVED PAID FAILED", Reason: "Unavailable", Detail: "no answer", Execution: "FAILED Unavailable",
			Calls: "RunReserve RunCharge RunShip×5 UndoCharge×4 UndoReserve",
		}},
		{name: "a compensation is down", behave: behaviour{"RunShip": fails(down), "UndoCharge": fails(Unavailable{errors.New("refunds are off")})}, want: outcome{
			Path: "ACCEPTED RESERVED PAID FAILED", Reason: "CompensationFailed", Execution: "FAILED CompensationFailed",
			Detail: "Undo Charge: Unavailable: refunds are off; after Unavailable: no answer",
			Calls:  "RunReserve RunCharge RunShip×5 UndoCharge×7 UndoReserve",
		}},
		{name: "a rejected order cannot be undone", behave: behaviour{"RunCharge": fails(PaymentDeclined{errors.New("no")}), "UndoReserve": fails(down)}, want: outcome{
			Path: "ACCEPTED RESERVED FAILED", Reason: "CompensationFailed", Execution: "FAILED CompensationFailed",
			Detail: "Undo Reserve: Unavailable: no answer; after PaymentDeclined: no",
			Calls:  "RunReserve RunCharge UndoReserve×7",
		}},
		{name: "cancelled before it starts", extra: map[string]any{"cancelRequested": map[string]any{"BOOL": true}}, want: outcome{
			Path: "ACCEPTED CANCELLED", Reason: "CancelRequested", Detail: asked, Execution: "SUCCEEDED",
		}},
		{name: "cancelled during the first step", behave: behaviour{"RunReserve": cancels}, want: outcome{
			Path: "ACCEPTED CANCELLED", Reason: "CancelRequested", Detail: asked, Execution: "SUCCEEDED", Calls: "RunReserve UndoReserve",
		}},
		{name: "cancelled during the second step", behave: behaviour{"RunCharge": cancels}, want: outcome{
			Path: "ACCEPTED RESERVED CANCELLED", Reason: "CancelRequested", Detail: asked, Execution: "SUCCEEDED",
			Calls: "RunReserve RunCharge UndoCharge UndoReserve",
		}},
		{name: "cancelled too late", behave: behaviour{"RunShip": cancels}, want: outcome{
			Path: "ACCEPTED RESERVED PAID COMPLETED", Execution: "SUCCEEDED", Calls: "RunReserve RunCharge RunShip",
		}},
		{name: "cancelled while it fails", behave: behaviour{"RunCharge": func(c *call) (any, error) { c.cancel(); return nil, down }}, want: outcome{
			Path: "ACCEPTED RESERVED FAILED", Reason: "Unavailable", Detail: "no answer", Execution: "FAILED Unavailable",
			Calls: "RunReserve RunCharge×5 UndoCharge UndoReserve",
		}},
		{name: "somebody else moved it to a status that does not lead on", behave: behaviour{"RunReserve": func(c *call) (any, error) {
			c.moveTo("ON_HOLD")
			return map[string]any{}, nil
		}}, want: outcome{Path: "ACCEPTED ON_HOLD", Execution: "FAILED Conflict", Calls: "RunReserve"}},
		{name: "a write's answer is lost", behave: behaviour{"RunReserve": func(c *call) (any, error) {
			c.moveTo("RESERVED")
			return map[string]any{}, nil
		}}, want: outcome{
			Path: "ACCEPTED RESERVED PAID COMPLETED", Execution: "SUCCEEDED", Calls: "RunReserve RunCharge RunShip",
		}},
		{name: "a write's answer is lost, and the client cancels", behave: behaviour{"RunReserve": func(c *call) (any, error) {
			c.moveTo("RESERVED")
			c.cancel()
			return map[string]any{}, nil
		}}, want: outcome{
			Path: "ACCEPTED RESERVED CANCELLED", Reason: "CancelRequested", Detail: asked, Execution: "SUCCEEDED", Calls: "RunReserve UndoReserve",
		}},
		{name: "it has ended already", record: "COMPLETED", want: outcome{Path: "COMPLETED", Execution: "SUCCEEDED"}},
		{name: "it was never recorded", record: "-", want: outcome{Execution: "FAILED Conflict"}},
		{name: "a run before this one came as far as reserving", record: "RESERVED", extra: map[string]any{"results": map[string]any{"M": map[string]any{"Reserve": s("{}")}}}, want: outcome{
			Path: "RESERVED PAID COMPLETED", Execution: "SUCCEEDED", Calls: "RunReserve RunCharge RunShip",
		}},
		{name: "results that are no objects", behave: behaviour{
			"RunReserve": func(*call) (any, error) { return nil, nil },
			"RunCharge":  func(*call) (any, error) { return []int{1}, nil },
		}, want: outcome{Path: "ACCEPTED RESERVED PAID COMPLETED", Execution: "SUCCEEDED", Calls: "RunReserve RunCharge RunShip"}},
		{name: "results that do not fit into the item", behave: behaviour{
			"RunReserve": func(*call) (any, error) { return strings.Repeat("x", 100<<10), nil },
			"RunCharge":  func(*call) (any, error) { return strings.Repeat("x", 300<<10), nil },
		}, want: outcome{
			Path: "ACCEPTED RESERVED FAILED", Reason: "States.DataLimitExceeded", Execution: "FAILED States.DataLimitExceeded",
			Calls: "RunReserve RunCharge UndoCharge UndoReserve",
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := run(t, orders(), tt.behave)
			switch tt.record {
			case "":
				r.record("ACCEPTED", tt.extra)
			case "-":
			default:
				r.record(tt.record, tt.extra)
			}
			got := r.outcome(r.start())
			if tt.want.Reason == "States.DataLimitExceeded" {
				got.Detail = "" // The service's own words.
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// What is on record as completed must not be undone, even if every answer of
// the write that put it there was lost. A table that does not exist stands for that.
func TestNothingIsUndoneBeforeTheLastWriteIsKnownToHaveFailed(t *testing.T) {
	for _, tt := range []struct {
		name string
		ship func(*call) (any, error)
		want outcome
	}{
		{"it had taken effect", func(c *call) (any, error) {
			c.moveToAs(4, "COMPLETED")
			return map[string]any{}, nil
		}, outcome{
			Path: "ACCEPTED RESERVED PAID COMPLETED", Execution: "SUCCEEDED", Calls: "RunReserve RunCharge RunShip",
		}},
		{"it had not", nil, outcome{
			Path: "ACCEPTED RESERVED PAID FAILED", Reason: "DynamoDB.ResourceNotFoundException",
			Execution: "FAILED DynamoDB.ResourceNotFoundException", Calls: "RunReserve RunCharge RunShip UndoCharge UndoReserve",
		}},
		{"the order was moved on by somebody else", func(c *call) (any, error) {
			c.moveToAs(4, "ON_HOLD")
			return map[string]any{}, nil
		}, outcome{
			Path: "ACCEPTED RESERVED PAID ON_HOLD", Execution: "FAILED Conflict", Calls: "RunReserve RunCharge RunShip UndoCharge UndoReserve",
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var machine map[string]any
			if err := json.Unmarshal(definition(t, orders()), &machine); err != nil {
				t.Fatal(err)
			}
			last := machine["States"].(map[string]any)["Mark COMPLETED"].(map[string]any)
			last["Arguments"].(map[string]any)["TableName"] = "elsewhere"
			broken, err := json.Marshal(machine)
			if err != nil {
				t.Fatal(err)
			}
			r := runDefinition(t, orders(), broken, map[string]func(*call) (any, error){"RunShip": tt.ship})
			r.record("ACCEPTED", nil)
			got := r.outcome(r.start())
			got.Detail = "" // The service's own words.
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestStepsAreToldWhatHappenedBefore(t *testing.T) {
	r := run(t, orders(), map[string]func(*call) (any, error){"RunShip": fails(Unavailable{errors.New("x")})})
	r.record("ACCEPTED", nil)
	r.start()
	reserved := map[string]any{"by": "RunReserve"}
	both := map[string]any{"Reserve": reserved, "Charge": map[string]any{"by": "RunCharge"}}
	want := map[string]struct {
		step    string
		results map[string]any
	}{
		"RunReserve":  {"Reserve", map[string]any{}},
		"RunCharge":   {"Charge", map[string]any{"Reserve": reserved}},
		"RunShip":     {"Ship", both},
		"UndoCharge":  {"Charge", both},
		"UndoReserve": {"Reserve", both},
	}
	var seen []string
	for _, c := range r.calls {
		seen = append(seen, c.Function)
		if c.PK != pk || c.Tenant != "t" || c.OrderID != "o-1" || string(c.Order) != `{"items":[{"quantity":2,"sku":"A"}]}` {
			t.Errorf("%s was told %+v", c.Function, c)
		}
		if c.Step != want[c.Function].step {
			t.Errorf("%s was told the step %s, want %s", c.Function, c.Step, want[c.Function].step)
		}
		if diff := cmp.Diff(want[c.Function].results, c.Results); diff != "" {
			t.Errorf("%s was told other results:\n%s", c.Function, diff)
		}
	}
	for f := range want {
		if !slices.Contains(seen, f) {
			t.Errorf("%s was not invoked", f)
		}
	}
}

func TestAnotherWriterMayMoveTheOrderAmongTheStatusesThatLeadOn(t *testing.T) {
	w := callback()
	w.Steps = w.Steps[:1]
	w.Steps[0].WaitForCallback, w.Steps[0].Heartbeat = false, 0
	w.Timeout = w.WorstCase()
	r := run(t, w, map[string]func(*call) (any, error){"RunApprove": func(c *call) (any, error) {
		c.moveTo("ON_HOLD")
		return map[string]any{"ok": true}, nil
	}})
	r.record("ACCEPTED", nil)
	want := outcome{Path: "ACCEPTED ON_HOLD APPROVED", Execution: "SUCCEEDED", Calls: "RunApprove"}
	if diff := cmp.Diff(want, r.outcome(r.start())); diff != "" {
		t.Error(diff)
	}
}

func TestCallbacks(t *testing.T) {
	for _, tt := range []struct {
		name   string
		action string
		in     map[string]any
		want   outcome
	}{
		{"success", "SendTaskSuccess", map[string]any{"output": `{"by":"somebody"}`},
			outcome{Path: "ACCEPTED APPROVED", Execution: "SUCCEEDED", Calls: "RunApprove"}},
		{"rejection", "SendTaskFailure", map[string]any{"error": "NotApproved", "cause": "too dear"},
			outcome{Path: "ACCEPTED REJECTED", Reason: "NotApproved", Detail: "too dear", Execution: "SUCCEEDED", Calls: "RunApprove"}},
		{"failure", "SendTaskFailure", map[string]any{"error": "Broken", "cause": "{not JSON}"},
			outcome{Path: "ACCEPTED FAILED", Reason: "Broken", Detail: "{not JSON}", Execution: "FAILED Broken", Calls: "RunApprove"}},
		{"silence", "", nil,
			outcome{Path: "ACCEPTED FAILED", Execution: "FAILED States.Timeout", Calls: "RunApprove"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := callback()
			w.Steps = w.Steps[:1]
			w.Steps[0].Rejections = []string{"NotApproved"}
			w.Timeout = w.WorstCase()
			r := run(t, w, nil)
			r.record("ACCEPTED", map[string]any{"taskToken": s("left by a function")})
			out := r.do("states", "StartExecution", map[string]any{
				"stateMachineArn": r.stack.Outputs()["Machine"], "input": fmt.Sprintf(`{"pk":%q,"order":{}}`, pk),
			})
			r.stack.Advance(time.Minute)
			if len(r.calls) != 1 || r.calls[0].TaskToken == "" {
				t.Fatalf("the function was told no token: %+v", r.calls)
			}
			if tt.action != "" {
				tt.in["taskToken"] = r.calls[0].TaskToken
				r.do("states", tt.action, tt.in)
			}
			r.stack.RunUntilIdle(48 * time.Hour)
			got := r.outcome(out["executionArn"].(string))
			if tt.name == "silence" {
				got.Reason, got.Detail = "", "" // The service's own words.
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}
