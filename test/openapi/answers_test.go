package openapi_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	validator "github.com/pb33f/libopenapi-validator"

	"github.com/orderflow-cdk/orderflow/constructs/record"
	"github.com/orderflow-cdk/orderflow/internal/localapp"
	"github.com/orderflow-cdk/orderflow/local"
)

// unseen are outcomes that the local stack does not bring about, by status and code; and why.
var unseen = map[string]string{
	"403 access-denied":       "a Cognito authorizer without scopes either knows a token or does not (401)",
	"403 filtered":            "the firewall's rules are AWS's own",
	"4XX refused":             "of requests that HTTP clients do not send",
	"5XX internal":            "of failures of API Gateway itself",
	"500 internal":            "of an API that is not set up correctly",
	"503 authorizer-failed":   "of failures of Cognito",
	"504 timeout":             "a service that does not answer is noticed sooner by the local stack",
	"400 invalid-webhook":     "the model lets no such body through",
	"400 invalid-description": "likewise",
	"500 not-queued":          "of answers that are none of SQS's",
	"500 unavailable":         "of answers that are none of DynamoDB's",
	"503 unavailable":         "not behind each route",
	"413 too-large":           "not of each route",
}

// run is a stack whose answers are held to the description.
type run struct {
	t    *testing.T
	d    document
	v    validator.Validator
	s    *local.Stack
	seen map[string]bool // "POST /orders 202", "POST /orders 400 invalid-body"
}

func start(t *testing.T) *run {
	t.Helper()
	s, err := localapp.New("dev", local.Options{Seed: 1, Egress: localapp.Egress(local.Hosts{
		"hooks.example": http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusGone) }),
	})})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	if err := localapp.PutStock(s, localapp.StockLevel{SKU: "KB-1001", Available: 1000}); err != nil {
		t.Fatal(err)
	}
	return &run{t, load(t), checker(t), s, map[string]bool{}}
}

func (r *run) faults(all ...local.Fault) {
	r.t.Helper()
	if err := r.s.SetFaults(all...); err != nil {
		r.t.Fatal(err)
	}
}

// client is a user of a tenant, or nobody.
type client struct {
	*run
	header http.Header
}

func (r *run) as(tenant string) client {
	r.t.Helper()
	h := http.Header{"Content-Type": {"application/json"}}
	if tenant != "" {
		token, err := r.s.IDToken("user", map[string]any{record.TenantClaim: tenant})
		if err != nil {
			r.t.Fatal(err)
		}
		h.Set("Authorization", "Bearer "+token)
	}
	return client{r, h}
}

func (c client) with(name, value string) client {
	h := c.header.Clone()
	h.Set(name, value)
	return client{c.run, h}
}

// do sends a request, and holds the answer to the description of its operation.
func (c client) do(want int, method, target, body string) (fields map[string]any, header http.Header) {
	c.t.Helper()
	req := httptest.NewRequest(method, target, strings.NewReader(body))
	req.Header = c.header.Clone()
	rec := httptest.NewRecorder()
	c.s.ServeHTTP(rec, req)
	res := rec.Result()
	if res.StatusCode != want {
		c.t.Fatalf("%s %s: status %d, want %d\n%s", method, target, res.StatusCode, want, rec.Body)
	}
	text := rec.Body.Bytes()
	_ = json.Unmarshal(text, &fields)
	c.check(req, res, text)
	operation := c.operation(method, req.URL.Path)
	c.seen[fmt.Sprintf("%s %d", operation, want)] = true
	if code, ok := fields["code"].(string); ok {
		c.seen[fmt.Sprintf("%s %d %s", operation, want, code)] = true
	}
	return fields, res.Header
}

func (c client) check(req *http.Request, res *http.Response, text []byte) {
	c.t.Helper()
	// The validator looks a path up under the servers' URLs.
	asked := req.Clone(req.Context())
	asked.URL.Scheme, asked.URL.Host, asked.Host = "http", "127.0.0.1:8080", "127.0.0.1:8080"
	asked.URL.Path = strings.TrimPrefix(asked.URL.Path, "/live")
	res.Body = io.NopCloser(bytes.NewReader(text))
	if ok, errs := c.v.ValidateHttpResponse(asked, res); !ok {
		for _, err := range errs {
			c.t.Errorf("%s %s: %d is not as described: %v\n%v\n%s", req.Method, req.URL.Path, res.StatusCode, err, res.Header, text)
			for _, why := range err.SchemaValidationErrors {
				c.t.Errorf("  %s: %s", why.FieldPath, why.Reason)
			}
		}
	}
	// Which codes go with the status, by the description of the operation itself.
	var p struct{ Code string }
	if json.Unmarshal(text, &p) == nil && p.Code != "" {
		operation := c.operation(req.Method, req.URL.Path)
		if codes := c.d.outcomes(c.d.operations()[operation])[fmt.Sprint(res.StatusCode)]; !slices.Contains(codes, p.Code) {
			c.t.Errorf("%s: %d has the code %s; described are %v", operation, res.StatusCode, p.Code, codes)
		}
	}
}

// operation is the described operation of a request.
func (r *run) operation(method, path string) string {
	parts := strings.Split(strings.TrimPrefix(strings.TrimPrefix(path, "/live"), "/"), "/")
	if len(parts) > 1 {
		parts[1] = map[string]string{"orders": "{orderId}", "webhooks": "{webhookId}"}[parts[0]]
	}
	return method + " /" + strings.Join(parts, "/")
}

func orderOf(token string, notes int) string {
	return `{"currency":"EUR","items":[{"sku":"KB-1001","quantity":2,"unitPrice":4990}],"payment":{"method":"card","token":"` + token +
		`"},"shipTo":{"name":"Ada","line1":"1 St","city":"Paris","postalCode":"75001","country":"FR"},"notes":"` + strings.Repeat("€", notes) + `"}`
}

// TestAnswersAreAsDescribed has a run give each answer that is described: bodies, headers and codes.
func TestAnswersAreAsDescribed(t *testing.T) {
	r := start(t)
	acme, globex, nobody := r.as("acme"), r.as("globex"), r.as("")

	r.orders(acme, globex)
	r.webhooks(acme, globex)
	r.refusals(acme, nobody)

	for name, operation := range r.d.operations() {
		for status, codes := range r.d.outcomes(operation) {
			if len(codes) == 0 && !r.seen[name+" "+status] {
				t.Errorf("%s: no answer %s in the run", name, status)
			}
			for _, code := range codes {
				if !r.seen[name+" "+status+" "+code] && unseen[status+" "+code] == "" {
					t.Errorf("%s: no answer %s %s in the run", name, status, code)
				}
			}
		}
	}
	for what, why := range unseen {
		status, code, _ := strings.Cut(what, " ")
		for _, name := range []string{"POST /orders", "GET /orders/{orderId}/status", "GET /webhooks"} {
			if r.seen[name+" "+status+" "+code] && !strings.HasPrefix(why, "not ") {
				t.Errorf("%s was seen, although it is said to be %s", what, why)
			}
		}
	}
}

// orders are the answers about orders, from the 202 to the end.
func (r *run) orders(acme, globex client) {
	_, header := acme.do(202, "POST", "/orders", orderOf("tok_visa", 1))
	status := header.Get("Location")
	order := strings.TrimSuffix(status, "/status")
	acme.do(200, "GET", status, "")
	acme.do(200, "GET", order, "")
	r.s.Advance(time.Minute)
	done, header := acme.do(200, "GET", status, "")
	if done["status"] != "COMPLETED" || header.Get("Retry-After") != "" {
		r.t.Errorf("after a minute: %v %v", done, header)
	}
	if whole, _ := acme.do(200, "GET", order, ""); whole["order"] == nil || len(whole["results"].(map[string]any)) != 3 {
		r.t.Errorf("the order is not told: %v", whole)
	}
	same := acme.with("If-None-Match", header.Get("ETag"))
	same.do(304, "GET", status, "")
	same.do(304, "GET", order, "")
	acme.do(303, "GET", status+"?redirect=true", "")
	acme.do(409, "DELETE", status, "")
	for _, method := range []string{"GET", "DELETE"} {
		globex.do(404, method, status, "")
	}
	globex.do(404, "GET", order, "")

	_, header = acme.with("Idempotency-Key", "cart-7").do(202, "POST", "/orders", orderOf("tok_declined", 0))
	acme.with("Idempotency-Key", "cart-7").do(202, "POST", "/orders", orderOf("tok_visa", 0))
	acme.do(202, "DELETE", header.Get("Location"), "")
	r.s.Advance(time.Minute)
	if ended, _ := acme.do(200, "GET", strings.TrimSuffix(header.Get("Location"), "/status"), ""); ended["conflicts"] != 1.0 || ended["reason"] == nil {
		r.t.Errorf("an order that was sent twice and cancelled: %v", ended)
	}
}

// webhooks are the answers about webhooks.
func (r *run) webhooks(acme, globex client) {
	acme.do(200, "GET", "/webhooks", "")
	const body = `{"url":"https://hooks.example/in","description":"ours","statuses":["COMPLETED","FAILED"]}`
	made, _ := acme.do(201, "POST", "/webhooks", body)
	one := "/webhooks/" + made["id"].(string)
	acme.do(200, "GET", "/webhooks", "")
	acme.do(200, "GET", one, "")
	acme.do(200, "POST", one+"/rotate", "")
	acme.do(409, "POST", "/webhooks", body)
	for _, refused := range []string{
		`{}`, `{"url":"https://10.0.0.1/in"}`, `{"url":"https://hooks.example/a","statuses":["NEVER"]}`,
	} {
		acme.do(400, "POST", "/webhooks", refused)
	}
	acme.do(202, "POST", one+"/test", "")
	acme.do(202, "POST", "/orders", orderOf("tok_visa", 0))
	r.s.Advance(5 * time.Minute) // the endpoint is gone
	if gone, _ := acme.do(200, "GET", one, ""); gone["enabled"] != false {
		r.t.Errorf("an endpoint that is gone: %v", gone)
	}
	acme.do(409, "POST", one+"/test", "")
	acme.do(200, "POST", one+"/enable", "")
	for i := range 20 {
		want := 201
		if i == 19 {
			want = 409
		}
		acme.do(want, "POST", "/webhooks", fmt.Sprintf(`{"url":"https://hooks.example/%d"}`, i))
		r.s.Advance(time.Second)
	}
	for _, route := range []struct{ method, suffix string }{{"GET", ""}, {"POST", "/rotate"}, {"POST", "/enable"}, {"POST", "/test"}, {"DELETE", ""}} {
		globex.do(404, route.method, one+route.suffix, "")
	}
	acme.do(204, "DELETE", one, "")
}

// refusals are those that all operations have.
func (r *run) refusals(acme, nobody client) {
	stranger := r.as(strings.Repeat("x", 97)) // a tag that fits nowhere
	pathOf := strings.NewReplacer("{orderId}", "k-YQ-YWNtZQ", "{webhookId}", "we_0123456789abcdef0123456789abcdef")
	for name := range r.d.operations() {
		method, path, _ := strings.Cut(pathOf.Replace(name), " ")
		body := map[string]string{"POST /orders": orderOf("tok_visa", 0), "POST /webhooks": `{"url":"https://hooks.example/z"}`}[name]
		nobody.do(401, method, path, body)
		stranger.do(403, method, path, body)
		acme.with("Content-Type", "text/plain").do(415, method, path, "hello")
		target := "lambda:*"
		switch {
		case name == "POST /orders":
			target = "sqs:SendMessage"
		case strings.HasPrefix(path, "/orders"):
			target = "dynamodb:*"
		}
		r.s.Advance(5 * time.Second) // the gateway's bucket fills
		if target == "lambda:*" {
			target = "managewebhooks"
		}
		r.faults(local.Fault{Target: target, Kind: local.Throttle})
		acme.do(503, method, path, body)
		r.faults()
	}
	acme.do(400, "POST", "/orders", `{}`)
	acme.with("Idempotency-Key", "two words").do(400, "POST", "/orders", orderOf("tok_visa", 0))
	acme.do(400, "POST", "/orders", strings.Replace(orderOf("tok_visa", 0), `"notes":"`, `"notes":"`+"\uffff", 1))
	acme.do(413, "POST", "/orders", orderOf("tok_visa", 299_000))
	for name := range r.d.operations() {
		method, path, _ := strings.Cut(pathOf.Replace(name), " ")
		r.throttle(acme, method, path)
	}
}

// throttle asks until the gateway has had enough.
func (r *run) throttle(c client, method, path string) {
	for range 1000 {
		req := httptest.NewRequest(method, path, strings.NewReader("{}"))
		req.Header = c.header.Clone()
		rec := httptest.NewRecorder()
		r.s.ServeHTTP(rec, req)
		if rec.Code == http.StatusTooManyRequests {
			c.do(http.StatusTooManyRequests, method, path, "{}")
			return
		}
	}
	r.t.Errorf("%s %s: never 429", method, path)
}
