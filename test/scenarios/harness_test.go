// Package scenarios_test holds the whole app to its HTTP contract: the
// committed template, run by package local, with the functions that are deployed.
package scenarios_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/orderflow-cdk/orderflow/constructs/record"
	"github.com/orderflow-cdk/orderflow/internal/localapp"
	"github.com/orderflow-cdk/orderflow/local"
)

// run starts an environment of the app with plenty of what the tests order.
func run(t testing.TB, environment string, o local.Options) *local.Stack {
	t.Helper()
	s, err := localapp.New(environment, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	if err := localapp.PutStock(s, localapp.StockLevel{SKU: "KB-1001", Available: 1_000_000}); err != nil {
		t.Fatal(err)
	}
	return s
}

// stack starts the dev environment, with one piece of what is RARE too.
func stack(t testing.TB) *local.Stack {
	t.Helper()
	s := run(t, "dev", local.Options{Seed: 1, Logs: testLog{t}})
	if err := localapp.PutStock(s, localapp.StockLevel{SKU: "RARE", Available: 1}); err != nil {
		t.Fatal(err)
	}
	return s
}

// testLog shows the functions' logs of a test that fails.
type testLog struct{ t testing.TB }

func (l testLog) Write(p []byte) (int, error) {
	if _, bench := l.t.(*testing.B); !bench {
		l.t.Logf("%s", strings.TrimSpace(string(p)))
	}
	return len(p), nil
}

// client is one tenant's user.
type client struct {
	t      testing.TB
	stack  *local.Stack
	header http.Header
}

func as(t testing.TB, s *local.Stack, tenant string) *client {
	t.Helper()
	token, err := signIn(s, tenant)
	if err != nil {
		t.Fatal(err)
	}
	return &client{t, s, http.Header{"Authorization": {token}, "Content-Type": {"application/json"}}}
}

// signIn is the ID token of a tenant's user.
func signIn(s *local.Stack, tenant string) (string, error) {
	return s.IDToken("user-of-"+tenant, map[string]any{record.TenantClaim: tenant})
}

// with returns the client with another header; an empty value takes it away.
func (c *client) with(name, value string) *client {
	h := c.header.Clone()
	if value == "" {
		h.Del(name)
	} else {
		h.Set(name, value)
	}
	return &client{c.t, c.stack, h}
}

type answer struct {
	*httptest.ResponseRecorder
	t testing.TB
}

func (c *client) do(method, path, body string) answer {
	c.t.Helper()
	req := httptest.NewRequest(method, path, strings.NewReader(body))
	req.Header = c.header.Clone()
	rec := httptest.NewRecorder()
	c.stack.ServeHTTP(rec, req)
	return answer{rec, c.t}
}

// fields is the answer's body as a JSON object.
func (a answer) fields() map[string]any {
	a.t.Helper()
	var m map[string]any
	if err := json.Unmarshal(a.Body.Bytes(), &m); err != nil {
		a.t.Fatalf("status %d: the body is not a JSON object: %v\n%s", a.Code, err, a.Body)
	}
	return m
}

func (a answer) text(field string) string {
	a.t.Helper()
	s, _ := a.fields()[field].(string)
	return s
}

func (a answer) want(status int) answer {
	a.t.Helper()
	if a.Code != status {
		a.t.Fatalf("status %d, want %d\n%s", a.Code, status, a.Body)
	}
	return a
}

// problem checks that the answer is problem+json of that status.
func (a answer) problem(status int) map[string]any {
	a.t.Helper()
	a.want(status)
	if ct := a.Header().Get("Content-Type"); ct != "application/problem+json" {
		a.t.Errorf("Content-Type %q, want application/problem+json\n%s", ct, a.Body)
	}
	m := a.fields()
	if got, _ := m["status"].(float64); int(got) != status {
		a.t.Errorf("the problem's status is %v, want %d", m["status"], status)
	}
	for _, f := range []string{"type", "title", "detail"} {
		if s, _ := m[f].(string); s == "" {
			a.t.Errorf("the problem has no %s: %s", f, a.Body)
		}
	}
	return m
}

// submit places an order and returns the path of its status.
func (c *client) submit(body string) string {
	c.t.Helper()
	return c.do("POST", "/orders", body).want(http.StatusAccepted).Header().Get("Location")
}

// settle lets time pass until the order has come to an end, and returns it.
func (c *client) settle(status string) map[string]any {
	c.t.Helper()
	for range 5000 {
		a := c.do("GET", status, "").want(http.StatusOK)
		switch a.text("status") {
		case "COMPLETED", "REJECTED", "FAILED", "CANCELLED":
			return c.do("GET", strings.TrimSuffix(status, "/status"), "").want(http.StatusOK).fields()
		}
		c.stack.Advance(time.Second)
	}
	c.t.Fatalf("%s comes to no end", status)
	return nil
}

// path is the statuses that a result's history tells, joined by spaces.
func path(result map[string]any) string {
	var statuses []string
	history, _ := result["history"].([]any)
	for i, h := range history {
		m := h.(map[string]any)
		statuses = append(statuses, fmt.Sprint(m["status"]))
		if n, _ := m["sequence"].(float64); int(n) != i+1 {
			statuses = append(statuses, fmt.Sprintf("(sequence %v)", m["sequence"]))
		}
	}
	return strings.Join(statuses, " ")
}

// order is a valid body with the token and the notes.
func order(token, notes string) string {
	n, _ := json.Marshal(notes)
	return fmt.Sprintf(`{"currency":"EUR","items":[{"sku":"KB-1001","quantity":2,"unitPrice":4990}],`+
		`"payment":{"method":"card","token":%q},`+
		`"shipTo":{"name":"Ada","line1":"1 St","city":"Paris","postalCode":"75001","country":"FR"},"notes":%s}`, token, n)
}

// available is what the inventory table says is on hand of a SKU.
func available(t testing.TB, s *local.Stack, sku string) int {
	t.Helper()
	out := call(t, s, "dynamodb", "GetItem", map[string]any{
		"TableName": s.Outputs()["InventoryTableName"], "Key": map[string]any{"pk": map[string]string{"S": sku}},
	})
	item, _ := out["Item"].(map[string]any)
	attribute, _ := item["available"].(map[string]any)
	var n int
	if _, err := fmt.Sscan(fmt.Sprint(attribute["N"]), &n); err != nil {
		t.Fatal(err)
	}
	return n
}

// call calls a service and returns the answer's fields.
func call(t testing.TB, s *local.Stack, service, action string, in map[string]any) map[string]any {
	t.Helper()
	out, err := try(s, service, action, in)
	if err != nil {
		t.Fatalf("%s %s: %v", service, action, err)
	}
	return out
}

func try(s *local.Stack, service, action string, in map[string]any) (map[string]any, error) {
	b, err := json.Marshal(in)
	if err != nil {
		return nil, err
	}
	out, err := s.Call(service, action, b)
	if err != nil {
		return nil, err
	}
	var fields map[string]any
	if len(out) > 0 {
		err = json.Unmarshal(out, &fields)
	}
	return fields, err
}

// executions is how many executions of the workflow there were, of at most 100.
func executions(t testing.TB, s *local.Stack) int {
	t.Helper()
	list, _ := call(t, s, "states", "ListExecutions", map[string]any{"stateMachineArn": s.Outputs()["StateMachineArn"]})["executions"].([]any)
	return len(list)
}

// messages is how many messages wait in a queue.
func messages(t testing.TB, s *local.Stack, url string) int {
	t.Helper()
	var n int
	if _, err := fmt.Sscan(attribute(t, s, url, "ApproximateNumberOfMessages"), &n); err != nil {
		t.Fatal(err)
	}
	return n
}

func attribute(t testing.TB, s *local.Stack, url, name string) string {
	t.Helper()
	out := call(t, s, "sqs", "GetQueueAttributes", map[string]any{"QueueUrl": url, "AttributeNames": []string{name}})
	attributes, _ := out["Attributes"].(map[string]any)
	return fmt.Sprint(attributes[name])
}

// redrive moves what is in a dead-letter queue back to where it came from.
func redrive(t testing.TB, s *local.Stack, url string) {
	t.Helper()
	call(t, s, "sqs", "StartMessageMoveTask", map[string]any{"SourceArn": attribute(t, s, url, "QueueArn")})
}
