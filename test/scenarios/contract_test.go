package scenarios_test

import (
	"net/http"
	"strings"
	"testing"
	"time"
)

func TestAnOrderIsAcceptedAtOnceAndCompletes(t *testing.T) {
	s := stack(t)
	c := as(t, s, "acme")
	accepted := c.do("POST", "/orders", order("tok_visa", "hello")).want(http.StatusAccepted)
	id, location := accepted.text("orderId"), accepted.Header().Get("Location")
	if id == "" || !strings.HasSuffix(location, "/orders/"+id+"/status") {
		t.Errorf("orderId %q, Location %q", id, location)
	}
	if accepted.text("status") != "QUEUED" || accepted.text("messageId") == "" || accepted.Header().Get("Retry-After") == "" {
		t.Errorf("the 202 is not as promised: %v %s", accepted.Header(), accepted.Body)
	}
	links, _ := accepted.fields()["links"].(map[string]any)
	if links["status"] != location || links["result"] != strings.TrimSuffix(location, "/status") {
		t.Errorf("links %v", links)
	}

	first := c.do("GET", location, "").want(http.StatusOK)
	if first.text("status") != "QUEUED" || first.Header().Get("Retry-After") == "" {
		t.Errorf("the first poll: %v %s", first.Header(), first.Body)
	}

	result := c.settle(location)
	if got := path(result); got != "ACCEPTED RESERVED PAID COMPLETED" {
		t.Errorf("status path %s", got)
	}
	body, _ := result["order"].(map[string]any)
	if body["notes"] != "hello" {
		t.Errorf("the result's order: %v", body)
	}
	results, _ := result["results"].(map[string]any)
	for _, step := range []string{"Reserve", "Charge", "Ship"} {
		if results[step] == nil {
			t.Errorf("the result holds nothing of the step %s: %v", step, results)
		}
	}
	last := c.do("GET", location, "").want(http.StatusOK)
	if last.Header().Get("Retry-After") != "" {
		t.Error("a finished order tells clients to come back")
	}
}

func TestPollingWithETag(t *testing.T) {
	s := stack(t)
	c := as(t, s, "acme")
	location := c.submit(order("tok_visa", ""))
	c.settle(location)
	a := c.do("GET", location, "").want(http.StatusOK)
	tag := a.Header().Get("ETag")
	if tag == "" {
		t.Fatal("no ETag")
	}
	unchanged := c.with("If-None-Match", tag).do("GET", location, "").want(http.StatusNotModified)
	if unchanged.Body.Len() != 0 {
		t.Errorf("a 304 with a body: %s", unchanged.Body)
	}
	c.with("If-None-Match", `"another"`).do("GET", location, "").want(http.StatusOK)
}

func TestBodiesThatAreRefusedAtTheDoor(t *testing.T) {
	s := stack(t)
	c := as(t, s, "acme")
	good := order("tok_visa", "")
	for _, tt := range []struct {
		name, body string
		status     int
		detail     string
	}{
		{"not JSON", "what?", 400, ""},
		{"empty", "", 400, ""},
		{"an array", "[]", 400, ""},
		{"unknown field", strings.Replace(good, `"currency"`, `"coupon":"x","currency"`, 1), 400, "coupon"},
		// API Gateway's validator tells the value that is wrong, not where it stands.
		{"quantity 0", strings.Replace(good, `"quantity":2`, `"quantity":0`, 1), 400, "minimum: 1, found: 0"},
		{"price with a point", strings.Replace(good, "4990", "49.9", 1), 400, "instance type (number)"},
		{"no such currency", strings.Replace(good, "EUR", "EUX", 1), 400, "EUX"},
		{"no such country", strings.Replace(good, `"FR"`, `"UK"`, 1), 400, "UK"},
		{"no payment", strings.Replace(good, `"payment"`, `"payments"`, 1), 400, "payment"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := (&client{t, s, c.header}).do("POST", "/orders", tt.body).problem(tt.status)
			if detail, _ := p["detail"].(string); !strings.Contains(detail, tt.detail) {
				t.Errorf("detail %q does not name %q", detail, tt.detail)
			}
		})
	}
}

func TestEveryRefusalIsProblemJSON(t *testing.T) {
	s := stack(t)
	c := as(t, s, "acme")
	good := order("tok_visa", "")
	c.with("Authorization", "").do("POST", "/orders", good).problem(401)
	c.with("Authorization", "Bearer nonsense").do("GET", "/orders/x/status", "").problem(401)
	c.with("Content-Type", "text/plain").do("POST", "/orders", good).problem(415)
	// Beyond 10 MB the answer is API Gateway's own, which cannot be changed.
	c.do("POST", "/orders", order("tok_visa", strings.Repeat("x", 11<<20))).want(413)
	c.do("POST", "/orders", order("tok_visa", strings.Repeat("€", 299_000))).problem(413)
	c.with("Idempotency-Key", strings.Repeat("k", 65)).do("POST", "/orders", good).problem(400)
	c.with("Idempotency-Key", "spaced out").do("POST", "/orders", good).problem(400)
	c.do("PUT", "/orders", good).problem(404) // with a token, which API Gateway takes for a signature
	c.with("Authorization", "").do("PUT", "/orders", good).problem(404)
	for _, unknown := range []string{"x", "1767225600000-AAAAAAAAAAAAAAA-b3RoZXI", "k-abc-b3RoZXI", "..%2F..", "a%22b", strings.Repeat("a", 500)} {
		c.do("GET", "/orders/"+unknown+"/status", "").problem(404)
		c.do("GET", "/orders/"+unknown, "").problem(404)
		c.do("DELETE", "/orders/"+unknown+"/status", "").problem(404)
	}
}

func TestAnExpiredTokenIsRefused(t *testing.T) {
	s := stack(t)
	c := as(t, s, "acme")
	s.Advance(2 * time.Hour)
	c.do("POST", "/orders", order("tok_visa", "")).problem(401)
}

func TestACallerWithoutATenantIsRefusedAndNothingIsQueued(t *testing.T) {
	s := stack(t)
	token, err := s.IDToken("nobody", nil)
	if err != nil {
		t.Fatal(err)
	}
	c := as(t, s, "acme").with("Authorization", token)
	c.do("POST", "/orders", order("tok_visa", "")).problem(403)
	c.do("GET", "/orders/x/status", "").problem(403)
	attributes, err := s.Call("sqs", "GetQueueAttributes", []byte(`{"QueueUrl":"`+s.Outputs()["DeadLetterQueueUrl"]+`","AttributeNames":["All"]}`))
	if err != nil || !strings.Contains(string(attributes), `"ApproximateNumberOfMessages":"0"`) {
		t.Errorf("the dead-letter queue: %s, %v", attributes, err)
	}
}

func TestThrottledClientsAreToldWhenToComeBack(t *testing.T) {
	s := stack(t)
	c := as(t, s, "acme")
	for range 100_000 {
		if a := c.do("GET", "/orders/x/status", ""); a.Code == http.StatusTooManyRequests {
			a.problem(429)
			if a.Header().Get("Retry-After") == "" {
				t.Error("429 without Retry-After")
			}
			return
		}
	}
	t.Error("the dev environment's throttle is never reached by one client after the other")
}
