package scenarios_test

import (
	"strings"
	"testing"
	"time"

	"github.com/orderflow-cdk/orderflow/constructs/record"
	"github.com/orderflow-cdk/orderflow/local"
)

// purchases is where that API takes orders: its resource and stage have names of their own.
const purchases = "/v1/purchase-orders"

// awaiting submits an order and returns its location, and the token of the step
// that waits for approval.
func awaiting(t *testing.T, s *local.Stack) (c *client, location, token string) {
	t.Helper()
	c = caller(t, s, "", "")
	location = c.do("POST", purchases, order("tok_visa", "")).want(202).Header().Get("Location")
	for range 100 {
		if token = statusItem(t, s, location)[record.TaskToken]; token != "" {
			return c, location, token
		}
		s.Advance(100 * time.Millisecond)
	}
	t.Fatal("the order never waits for approval")
	return nil, "", ""
}

func TestAnOrderWaitsForApproval(t *testing.T) {
	s := variant(t, approvals, nil)
	c, location, token := awaiting(t, s)
	s.Advance(25 * time.Minute)
	if a := c.do("GET", location, "").want(200); a.text("status") != "RESERVED" {
		t.Fatalf("the order does not wait: %s", a.Body)
	}
	if a := c.do("GET", location, "").Body.String() + c.do("GET", strings.TrimSuffix(location, "/status"), "").Body.String(); strings.Contains(a, token) {
		t.Errorf("the client sees the token: %s", a)
	}
	call(t, s, "states", "SendTaskSuccess", map[string]any{"taskToken": token, "output": `{"by":"ada"}`})
	result := c.settle(location)
	if got := path(result); got != "ACCEPTED RESERVED APPROVED NOTIFIED COMPLETED" {
		t.Errorf("status path %q", got)
	}
	results, _ := result["results"].(map[string]any)
	approval, _ := results["Approve"].(map[string]any)
	notify, _ := results["Notify"].(map[string]any)
	if approval["by"] != "ada" || notify["notice"] == nil {
		t.Errorf("results %v", results)
	}
	if item := statusItem(t, s, location); item[record.TaskToken] != "" || item[record.Tenant] != "dev" {
		t.Errorf("the status of the finished order: %v", item)
	}

	// The step after it is no function: the workflow itself sent the message.
	got, _ := call(t, s, "sqs", "ReceiveMessage", map[string]any{"QueueUrl": s.Outputs()["NoticesUrl"], "MaxNumberOfMessages": 10})["Messages"].([]any)
	if len(got) != 1 {
		t.Fatalf("%d notices, want 1", len(got))
	}
	notice, _ := got[0].(map[string]any)
	id, _ := result["orderId"].(string)
	if notice["Body"] != id+" by ada" || notice["MessageId"] != notify["notice"] {
		t.Errorf("notice %v, want that of %s", notice, id)
	}

	if _, err := try(s, "states", "SendTaskSuccess", map[string]any{"taskToken": token, "output": `{"by":"eve"}`}); err == nil || !strings.Contains(err.Error(), "TaskTimedOut") {
		t.Errorf("a second approval: %v, want TaskTimedOut", err)
	}
}

func TestAnOrderThatIsNotApproved(t *testing.T) {
	for _, tt := range []struct {
		name         string
		answer       func(t *testing.T, s *local.Stack, token string)
		path, reason string
		after, until time.Duration // the order ends between these
	}{
		{"turned down", func(t *testing.T, s *local.Stack, token string) {
			call(t, s, "states", "SendTaskFailure", map[string]any{"taskToken": token, "error": "NotApproved", "cause": "too dear"})
		}, "ACCEPTED RESERVED REJECTED", "NotApproved", 0, time.Minute},
		{"failed", func(t *testing.T, s *local.Stack, token string) {
			call(t, s, "states", "SendTaskFailure", map[string]any{"taskToken": token, "error": "Broken", "cause": "no approver"})
		}, "ACCEPTED RESERVED FAILED", "Broken", 0, time.Minute},
		{"nobody answers", func(*testing.T, *local.Stack, string) {
		}, "ACCEPTED RESERVED FAILED", "States.Timeout", 30 * time.Minute, 31 * time.Minute},
		{"heartbeats without an answer", func(t *testing.T, s *local.Stack, token string) {
			for range 5 {
				s.Advance(20 * time.Minute)
				call(t, s, "states", "SendTaskHeartbeat", map[string]any{"taskToken": token})
			}
		}, "ACCEPTED RESERVED FAILED", "States.Timeout", 2 * time.Hour, 2*time.Hour + time.Minute},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := variant(t, approvals, nil)
			c, location, token := awaiting(t, s)
			if left := available(t, s, "KB-1001"); left != 1_000_000-2 {
				t.Errorf("%d left of KB-1001 while the order waits", left)
			}
			started := s.Now()
			tt.answer(t, s, token)
			result := c.settle(location)
			if took := s.Now().Sub(started); took < tt.after-time.Second || took > tt.until {
				t.Errorf("the order ended after %v, want %v to %v", took, tt.after, tt.until)
			}
			if got, reason := path(result), result["reason"]; got != tt.path || reason != tt.reason {
				t.Errorf("status path %q, reason %q; want %q, %q", got, reason, tt.path, tt.reason)
			}
			if left := available(t, s, "KB-1001"); left != 1_000_000 {
				t.Errorf("%d left of KB-1001: the stock was not given back", left)
			}
			if item := statusItem(t, s, location); item[record.TaskToken] != "" {
				t.Errorf("the token is left in the item: %v", item)
			}
			if _, err := try(s, "states", "SendTaskSuccess", map[string]any{"taskToken": token, "output": "{}"}); err == nil || !strings.Contains(err.Error(), "TaskTimedOut") {
				t.Errorf("an approval that comes late: %v, want TaskTimedOut", err)
			}
		})
	}
}

func TestAnOrderIsCancelledWhileItWaitsForApproval(t *testing.T) {
	s := variant(t, approvals, nil)
	c, location, token := awaiting(t, s)
	c.do("DELETE", location, "").want(202)
	s.Advance(time.Minute)
	call(t, s, "states", "SendTaskSuccess", map[string]any{"taskToken": token, "output": `{"by":"ada"}`})
	if got := path(c.settle(location)); got != "ACCEPTED RESERVED CANCELLED" {
		t.Errorf("status path %q", got)
	}
	if left := available(t, s, "KB-1001"); left != 1_000_000 {
		t.Errorf("%d left of KB-1001", left)
	}
	if item := statusItem(t, s, location); item[record.TaskToken] != "" {
		t.Errorf("the token is left in the item: %v", item)
	}
}

// Without a schema of its own the gateway takes any JSON object: intake is the one to judge.
func TestTheGatewayTakesAnyObjectWithoutASchema(t *testing.T) {
	s := variant(t, approvals, nil)
	c := caller(t, s, "", "")
	c.do("POST", purchases, "[]").problem(400)
	c.do("POST", purchases, "nonsense").problem(400)
	result := c.settle(c.do("POST", purchases, `{"hello":"world"}`).want(202).Header().Get("Location"))
	if got, reason := path(result), result["reason"]; got != "REJECTED" || reason != "InvalidOrder" {
		t.Errorf("status path %q, reason %q", got, reason)
	}
	if n := executions(t, s); n != 0 {
		t.Errorf("%d executions for an order that is none", n)
	}
}
