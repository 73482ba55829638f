package apigateway_test

import (
	"strings"
	"testing"
	"time"
)

func replaceAll(s string, pairs ...string) string { return strings.NewReplacer(pairs...).Replace(s) }

func TestStageThrottle(t *testing.T) {
	w := newWorld(t)
	w.add("Stage", "Stage", m{"RestApiId": "Api", "DeploymentId": "Deployment", "StageName": "dev", "MethodSettings": []m{
		{"ResourcePath": "/*", "HttpMethod": "*", "ThrottlingRateLimit": 10, "ThrottlingBurstLimit": "5", "DataTraceEnabled": false},
		{"ResourcePath": "/~1a", "HttpMethod": "GET", "ThrottlingRateLimit": 1.0, "ThrottlingBurstLimit": 2},
	}})
	a := w.resource("", "a")
	w.method(a, "GET", mock("ok"), nil)
	w.method(a, "POST", mock("ok"), nil)
	count := func(method string, n int) (passed int) {
		for range n {
			r := w.send(method, "/a")
			switch {
			case r.Status == 200:
				passed++
			case r.Status != 429 || string(r.Body) != `{"message":"Too Many Requests"}` || r.Header.Get("X-Amzn-Errortype") != "TooManyRequestsException":
				t.Errorf("got %d %s %v", r.Status, r.Body, r.Header)
			}
		}
		return passed
	}
	if got := count("GET", 10); got != 2 {
		t.Errorf("GET: %d of a burst passed, want 2", got)
	}
	if got := count("POST", 10); got != 5 {
		t.Errorf("POST: %d of a burst passed, want 5", got)
	}
	w.k.Advance(3 * time.Second)
	if got := count("GET", 10); got != 2 {
		t.Errorf("GET after 3 s: %d passed, want 2: the bucket holds no more", got)
	}
	w.k.Advance(300 * time.Millisecond)
	if got := count("POST", 10); got != 5 {
		t.Errorf("POST: %d passed, want 5", got)
	}
	w.k.Advance(300 * time.Millisecond)
	if got := count("POST", 10); got != 3 {
		t.Errorf("POST after 0.3 s at 10/s: %d passed, want 3", got)
	}
}

func TestAPIKeysAndUsagePlans(t *testing.T) {
	const one, two, off = "key-one-0123456789012345", "key-two-0123456789012345", "key-off-0123456789012345"
	w := newWorld(t)
	w.add("K1", "ApiKey", m{"Name": "one", "Enabled": true, "Value": one})
	w.add("K2", "ApiKey", m{"Name": "two", "Enabled": "true", "Value": two})
	w.add("K3", "ApiKey", m{"Name": "off", "Enabled": false, "Value": off})
	w.add("K4", "ApiKey", m{"Name": "generated", "Enabled": true})
	w.add("Plan", "UsagePlan", m{"ApiStages": []m{{"ApiId": "Api", "Stage": "dev", "Throttle": m{"/b/GET": m{"RateLimit": 1, "BurstLimit": 1}}}},
		"Quota": m{"Limit": 6, "Period": "DAY"}, "Throttle": m{"RateLimit": 100, "BurstLimit": 4}})
	for _, k := range []string{"K1", "K2", "K3"} {
		w.add("In"+k, "UsagePlanKey", m{"KeyId": k, "KeyType": "API_KEY", "UsagePlanId": "Plan"})
	}
	w.method(w.resource("", "a"), "GET", mock("$context.identity.apiKeyId"), m{"ApiKeyRequired": true})
	w.method(w.resource("", "b"), "GET", mock("b"), m{"ApiKeyRequired": true})

	forbidden, limit, many := `{"message":"Forbidden"}`, `{"message":"Limit Exceeded"}`, `{"message":"Too Many Requests"}`
	w.expect(w.send("GET", "/a"), 403, forbidden)
	w.expect(w.send("GET", "/a", "", "X-Api-Key", "nobody's"), 403, forbidden)
	w.expect(w.send("GET", "/a", "", "X-Api-Key", off), 403, forbidden)
	generated, ok := w.api.KeyValue("K4")
	if !ok || len(generated) < 20 {
		t.Errorf("KeyValue: got %q, %v", generated, ok)
	}
	w.expect(w.send("GET", "/a", "", "X-Api-Key", generated), 403, forbidden) // in no plan
	for range 4 {
		w.expect(w.send("GET", "/a", "", "x-api-key", one), 200, "K1")
	}
	w.expect(w.send("GET", "/a", "", "X-Api-Key", one), 429, many)
	w.expect(w.send("GET", "/b", "", "X-Api-Key", two), 200, "b") // limits are per key
	w.expect(w.send("GET", "/b", "", "X-Api-Key", two), 429, many)
	w.k.Advance(time.Second)
	w.expect(w.send("GET", "/a", "", "X-Api-Key", one), 200, "K1")
	w.expect(w.send("GET", "/a", "", "X-Api-Key", one), 200, "K1")
	w.expect(w.send("GET", "/a", "", "X-Api-Key", one), 429, limit)
	w.k.Advance(24 * time.Hour)
	w.expect(w.send("GET", "/a", "", "X-Api-Key", one), 200, "K1")
}

func TestAccessLog(t *testing.T) {
	w := newWorld(t)
	w.add("Stage", "Stage", m{"RestApiId": "Api", "DeploymentId": "Deployment", "StageName": "dev", "AccessLogSetting": m{"DestinationArn": "arn:aws:logs:::x",
		"Format": `{"id":"$context.extendedRequestId","at":"$context.requestTime","ms":$context.requestTimeEpoch,"ip":"$context.identity.sourceIp","route":"$context.httpMethod $context.resourcePath","status":$context.status,"bytes":$context.responseLength,"error":"$context.error.responseType","upstream":"$context.integration.status","took":$context.responseLatency,"waf":"$context.waf.status"}`}})
	w.method(w.resource("", "{id}"), "GET", mock("hello"), nil)
	r := w.send("GET", "/7")
	id := r.Header.Get("X-Amz-Apigw-Id")
	want := `{"id":"` + id + `","at":"02/Jan/2026:03:04:05 +0000","ms":1767323045678,"ip":"203.0.113.7","route":"GET /{id}","status":200,"bytes":5,"error":"-","upstream":"200","took":0,"waf":"-"}`
	if len(w.access) != 1 || w.access[0] != want {
		t.Errorf("got  %q\nwant %q", w.access, want)
	}
	w.send("PUT", "/7")
	if len(w.access) != 2 || !contains(w.access[1], `"route":"PUT -","status":403`) || !contains(w.access[1], `"error":"MISSING_AUTHENTICATION_TOKEN"`) {
		t.Errorf("got %q", w.access)
	}
}
