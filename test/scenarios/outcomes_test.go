package scenarios_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"
)

func TestHowOrdersEnd(t *testing.T) {
	s := stack(t)
	c := as(t, s, "acme")
	unknown := strings.Replace(order("tok_visa", ""), "KB-1001", "NO-SUCH", 1)
	scarce := strings.Replace(order("tok_visa", ""), "KB-1001", "RARE", 1)
	for _, tt := range []struct{ name, body, path, reason string }{
		{"paid", order("tok_visa", ""), "ACCEPTED RESERVED PAID COMPLETED", ""},
		{"declined", order("tok_declined", ""), "ACCEPTED RESERVED REJECTED", "PaymentDeclined"},
		{"unknown sku", unknown, "ACCEPTED REJECTED", "UnknownSku"},
		{"out of stock", scarce, "ACCEPTED REJECTED", "OutOfStock"},
		{"flaky card", order("tok_flaky", ""), "ACCEPTED RESERVED PAID COMPLETED", ""},
		{"provider down", order("tok_down", ""), "ACCEPTED RESERVED FAILED", "PaymentUnavailable"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			result := c.settle(c.submit(tt.body))
			if got := path(result); got != tt.path {
				t.Errorf("status path %q, want %q", got, tt.path)
			}
			if got, _ := result["reason"].(string); got != tt.reason {
				t.Errorf("reason %q, want %q", got, tt.reason)
			}
		})
	}
	if left := available(t, s, "KB-1001"); left != 1_000_000-2*2 {
		t.Errorf("%d left of KB-1001: the stock of orders that ended badly was not given back", left)
	}
	if left := available(t, s, "RARE"); left != 1 {
		t.Errorf("%d left of RARE, want 1", left)
	}
}

func TestCancel(t *testing.T) {
	s := stack(t)
	c := as(t, s, "acme")

	t.Run("before it is recorded", func(t *testing.T) {
		location := c.submit(order("tok_visa", ""))
		c.do("DELETE", location, "").want(http.StatusAccepted)
		if got := path(c.settle(location)); !strings.HasSuffix(got, "CANCELLED") || strings.Contains(got, "COMPLETED") {
			t.Errorf("status path %q", got)
		}
	})
	t.Run("while it waits for the payment provider", func(t *testing.T) {
		location := c.submit(order("tok_flaky", ""))
		for range 600 {
			if c.do("GET", location, "").text("status") == "RESERVED" {
				break
			}
			s.Advance(10 * time.Millisecond)
		}
		c.do("DELETE", location, "").want(http.StatusAccepted)
		c.do("DELETE", location, "").want(http.StatusAccepted)
		if got := path(c.settle(location)); got != "ACCEPTED RESERVED CANCELLED" {
			t.Errorf("status path %q", got)
		}
	})
	t.Run("when it is finished", func(t *testing.T) {
		location := c.submit(order("tok_visa", ""))
		c.settle(location)
		c.do("DELETE", location, "").problem(409)
		if got := path(c.settle(location)); got != "ACCEPTED RESERVED PAID COMPLETED" {
			t.Errorf("status path %q", got)
		}
	})
	if left := available(t, s, "KB-1001"); left != 1_000_000-2 {
		t.Errorf("%d left of KB-1001: cancelled orders keep their stock", left)
	}
}

func TestTheSameKeyIsTheSameOrder(t *testing.T) {
	s := stack(t)
	acme := as(t, s, "acme").with("Idempotency-Key", "po-1")
	first := acme.submit(order("tok_visa", "first"))
	if again := acme.submit(order("tok_visa", "first")); again != first {
		t.Errorf("the same key gave %s and %s", first, again)
	}
	acme.settle(first)
	if again := acme.submit(order("tok_visa", "second")); again != first {
		t.Errorf("the same key gave %s and, when it was finished, %s", first, again)
	}
	s.Advance(time.Minute)
	result := acme.settle(first)
	body, _ := result["order"].(map[string]any)
	if body["notes"] != "first" || path(result) != "ACCEPTED RESERVED PAID COMPLETED" {
		t.Errorf("the first submission does not win: %v, %s", body["notes"], path(result))
	}
	if n, _ := result["conflicts"].(float64); n != 1 {
		t.Errorf("conflicts %v, want 1", result["conflicts"])
	}
	if left := available(t, s, "KB-1001"); left != 1_000_000-2 {
		t.Errorf("%d left of KB-1001 after one order of 2", left)
	}
	if other := as(t, s, "globex").with("Idempotency-Key", "po-1").submit(order("tok_visa", "")); other == first {
		t.Error("two tenants' orders under the same key are the same")
	}
}

func TestNoTenantSeesAnothersOrder(t *testing.T) {
	s := stack(t)
	acme, globex := as(t, s, "acme"), as(t, s, "globex")
	locations := []string{acme.submit(order("tok_visa", "")), acme.with("Idempotency-Key", "secret").submit(order("tok_visa", ""))}
	check := func(when string) {
		for _, location := range locations {
			for _, r := range [][2]string{{"GET", location}, {"GET", strings.TrimSuffix(location, "/status")}, {"DELETE", location}} {
				theirs := globex.do(r[0], r[1], "")
				theirs.problem(404)
				unknown := globex.do(r[0], strings.Replace(r[1], "/orders/", "/orders/x", 1), "")
				if got, want := masked(theirs), masked(unknown); got != want {
					t.Errorf("%s, %s %s: another's order can be told from an unknown one:\n%s\n%s", when, r[0], r[1], got, want)
				}
			}
		}
	}
	check("before the order is recorded")
	for _, location := range locations {
		acme.settle(location)
	}
	check("when it is finished")
}

// masked is a problem without what is different in every answer.
func masked(a answer) string {
	m := a.fields()
	delete(m, "requestId")
	delete(m, "instance")
	b, _ := json.Marshal(m)
	return string(b)
}

func TestFreeTextSurvivesUnchanged(t *testing.T) {
	s := stack(t)
	c := as(t, s, "acme")
	for _, notes := range []string{
		"&Action=DeleteQueue&QueueUrl=x", `"}],"x":"`, `' \' \" \\ \\\\`, "$util.urlDecode('%26') $input.body ${context.requestId} $!{x} $",
		"#set($x = 1) #end #stop ## comment #* x *# #[[x]]#", "one\ntwo\r\nthree\ttab", "%00%26%3D+%2B %% + & = ; ?",
		"贈り物 🎁👩‍👩‍👧‍👦 e\u0301 \u202eright to left\u202c \u2028\u2029\ufffd\x7f", "\x00\x01\x1f", "{% $states.input %}", strings.Repeat("ä€🙂\\\"$#&", 12_000),
	} {
		body := order("tok_visa", notes)
		location := c.submit(body)
		result := c.settle(location)
		got, _ := result["order"].(map[string]any)
		if got["notes"] != notes {
			t.Errorf("%.60q came back as %.60q", notes, got["notes"])
		}
		raw := c.do("GET", strings.TrimSuffix(location, "/status"), "").Body.String()
		if !strings.Contains(raw, body) {
			t.Errorf("%.60q: the result does not hold the body as it was sent", notes)
		}
		if path(result) != "ACCEPTED RESERVED PAID COMPLETED" {
			t.Errorf("%.60q: %s", notes, path(result))
		}
	}
}
