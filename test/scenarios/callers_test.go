package scenarios_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/orderflow-cdk/orderflow/constructs/record"
	"github.com/orderflow-cdk/orderflow/local"
)

// The values that test/variants_test.go gives the keys.
const (
	acmeKey   = "acme-has-this-api-key"
	globexKey = "globex-has-this-api-key"
)

func TestAPIKeys(t *testing.T) {
	s := variant(t, expressByOrder, nil)
	acme, globex := caller(t, s, "X-Api-Key", acmeKey), caller(t, s, "X-Api-Key", globexKey)
	good := order("tok_visa", "")
	for name, key := range map[string]string{"no": "", "an unknown": "nobody-has-this-api-key", "another spelling of a": strings.ToUpper(acmeKey)} {
		t.Run(name+" key", func(t *testing.T) {
			c := caller(t, s, "X-Api-Key", key)
			c.do("POST", "/orders", good).problem(403)
			c.do("GET", "/orders/x/status", "").problem(403)
			c.do("DELETE", "/orders/x/status", "").problem(403)
		})
	}
	location := acme.submit(good)
	acme.settle(location)
	if got, want := statusItem(t, s, location)[record.Tenant], s.Outputs()["AcmeKeyId"]; got != want || want == "" {
		t.Errorf("the tenant is %q, want the key's id %q", got, want)
	}
	globex.do("GET", location, "").problem(404)
	globex.do("DELETE", location, "").problem(404)
	if mine, theirs := acme.with("Idempotency-Key", "k").submit(good), globex.with("Idempotency-Key", "k").submit(good); mine == theirs {
		t.Error("two keys share an Idempotency-Key")
	}
}

func TestAUsagePlanLimitsEachKey(t *testing.T) {
	s := variant(t, expressByOrder, nil)
	acme, globex := caller(t, s, "X-Api-Key", acmeKey), caller(t, s, "X-Api-Key", globexKey)
	admitted := 0
	for range 100 {
		a := acme.do("GET", "/orders/x/status", "")
		if a.Code == 429 {
			a.problem(429)
			if a.Header().Get("Retry-After") == "" {
				t.Error("429 without Retry-After")
			}
			break
		}
		a.problem(404)
		admitted++
	}
	// A burst of 20, and what flows in at 5 a second meanwhile.
	if admitted < 20 || admitted > 25 {
		t.Errorf("%d requests were admitted at once, want about 20", admitted)
	}
	globex.do("GET", "/orders/x/status", "").problem(404)
	s.Advance(time.Second)
	acme.do("GET", "/orders/x/status", "").problem(404)

	// The quota of 400 a day counts what is admitted.
	for n := admitted + 1; ; n++ {
		s.Advance(time.Second)
		a := acme.do("GET", "/orders/x/status", "")
		if a.Code == 429 {
			a.problem(429)
			if n < 395 || n > 405 {
				t.Errorf("the quota ended after %d requests, want 400", n)
			}
			break
		}
		if a.problem(404); n > 500 {
			t.Fatal("the quota is without end")
		}
	}
	globex.do("GET", "/orders/x/status", "").problem(404)
	s.Advance(24 * time.Hour)
	acme.do("GET", "/orders/x/status", "").problem(404)
}

func TestALambdaAuthorizer(t *testing.T) {
	s := variant(t, fifoByTenant, nil)
	good := order("tok_visa", "")
	for _, tt := range []struct {
		token  string
		status int
	}{{"", 401}, {"who am I", 401}, {"banned", 403}, {"homeless", 403}, {"broken", 503}} {
		t.Run(fmt.Sprintf("%q", tt.token), func(t *testing.T) {
			c := caller(t, s, "Authorization", tt.token)
			c.do("POST", "/orders", good).problem(tt.status)
			c.do("GET", "/orders/x/status", "").problem(tt.status)
			c.do("GET", "/orders/x", "").problem(tt.status)
			c.do("DELETE", "/orders/x/status", "").problem(tt.status)
		})
	}
	acme := caller(t, s, "Authorization", "acme")
	location := acme.submit(good)
	if got := path(acme.settle(location)); got != "ACCEPTED RESERVED PAID COMPLETED" {
		t.Errorf("status path %q", got)
	}
	if got := statusItem(t, s, location)[record.Tenant]; got != "acme" {
		t.Errorf("the tenant is %q, want the one that the authorizer named", got)
	}
	caller(t, s, "Authorization", "globex").do("GET", location, "").problem(404)
}

func TestTheAuthorizersAnswerIsRememberedForFiveMinutes(t *testing.T) {
	asked := 0
	s := variant(t, fifoByTenant, map[string]local.NewFunction{"authorize": func(r local.Runtime) (local.Handler, error) {
		h, err := authorize(r)
		return handlerFunc(func(ctx context.Context, payload []byte) ([]byte, error) {
			asked++
			return h.Invoke(ctx, payload)
		}), err
	}})
	c := caller(t, s, "Authorization", "acme")
	location := c.submit(order("tok_visa", ""))
	c.settle(location)
	c.do("DELETE", location, "").problem(409)
	if asked != 1 {
		t.Errorf("the authorizer was asked %d times within a minute, want once", asked)
	}
	s.Advance(5 * time.Minute)
	if c.do("GET", location, "").want(200); asked != 2 {
		t.Errorf("the authorizer was asked %d times in six minutes, want twice", asked)
	}
}

// A browser on another origin sees every answer, refusals too.
func TestBrowsersMayCallFromTheAllowedOrigin(t *testing.T) {
	s := variant(t, fifoByTenant, nil)
	acme := caller(t, s, "Authorization", "acme")
	accepted := acme.do("POST", "/orders", order("tok_visa", "")).want(202)
	location := accepted.Header().Get("Location")
	if got := accepted.Header().Get("Retry-After"); got != "7" {
		t.Errorf("Retry-After %q, want 7", got)
	}
	for name, a := range map[string]answer{
		"accepted":     accepted,
		"status":       acme.do("GET", location, "").want(200),
		"unknown":      acme.do("GET", "/orders/x/status", ""),
		"bad body":     acme.do("POST", "/orders", "{}"),
		"unauthorized": caller(t, s, "", "").do("POST", "/orders", "{}"),
		"banned":       caller(t, s, "Authorization", "banned").do("GET", location, ""),
	} {
		if got := a.Header().Get("Access-Control-Allow-Origin"); got != "https://shop.example" {
			t.Errorf("%s (%d): Access-Control-Allow-Origin %q", name, a.Code, got)
		}
	}
	if got := accepted.Header().Get("Access-Control-Expose-Headers"); !strings.Contains(got, "Location") || !strings.Contains(got, "Retry-After") {
		t.Errorf("Access-Control-Expose-Headers %q: scripts cannot see where the order is", got)
	}
	browser := caller(t, s, "Origin", "https://shop.example").with("Access-Control-Request-Method", "POST")
	for target, methods := range map[string][]string{"/orders": {"POST"}, location: {"GET", "DELETE"}, strings.TrimSuffix(location, "/status"): {"GET"}} {
		preflight := browser.do("OPTIONS", target, "")
		if preflight.Code/100 != 2 || preflight.Header().Get("Access-Control-Max-Age") != "600" {
			t.Errorf("OPTIONS %s: %d %v", target, preflight.Code, preflight.Header())
		}
		for _, method := range methods {
			if got := preflight.Header().Get("Access-Control-Allow-Methods"); !strings.Contains(got, method) {
				t.Errorf("OPTIONS %s: Access-Control-Allow-Methods %q lacks %s", target, got, method)
			}
		}
		for _, header := range []string{"Authorization", "Content-Type", "Idempotency-Key", "If-None-Match"} {
			if got := preflight.Header().Get("Access-Control-Allow-Headers"); !strings.Contains(strings.ToLower(got), strings.ToLower(header)) {
				t.Errorf("OPTIONS %s: Access-Control-Allow-Headers %q lacks %s", target, got, header)
			}
		}
	}
}

func TestWithoutAuthorizerEverybodyIsOneTenant(t *testing.T) {
	s := variant(t, approvals, nil)
	location := caller(t, s, "Authorization", "whoever").do("POST", purchases, order("tok_visa", "")).want(202).Header().Get("Location")
	if !strings.Contains(location, purchases+"/") {
		t.Errorf("Location %s is not under %s", location, purchases)
	}
	s.Advance(time.Minute)
	if a := caller(t, s, "", "").do("GET", location, "").want(200); a.text("status") != "RESERVED" {
		t.Errorf("somebody else sees %s", a.Body)
	}
	if got := statusItem(t, s, location)[record.Tenant]; got != "dev" {
		t.Errorf("the tenant is %q, want dev", got)
	}
}
