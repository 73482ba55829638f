package handler_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	orderevent "github.com/orderflow-cdk/orderflow/event"
	"github.com/orderflow-cdk/orderflow/internal/handler"
)

type webhookAnswer struct {
	Status int
	Body   map[string]any
}

// ask makes a request of a tenant; body is JSON or "".
func (s *stage) ask(t testing.TB, tenant, operation, id, body string) webhookAnswer {
	t.Helper()
	in := map[string]any{"tenant": tenant, "operation": operation}
	if id != "" {
		in["id"] = id
	}
	if body != "" {
		in["body"] = json.RawMessage(body)
	}
	b, err := json.Marshal(in)
	if err != nil {
		t.Fatal(err)
	}
	out, err := s.invoke(b)
	if err != nil {
		t.Fatalf("%s: %v", operation, err)
	}
	var a webhookAnswer
	if err := json.Unmarshal(out, &a); err != nil {
		t.Fatal(err)
	}
	if a.Status >= 400 && (a.Body["type"] != "about:blank" || a.Body["status"] != float64(a.Status) || a.Body["title"] == "" || a.Body["requestId"] != "req-1") {
		t.Errorf("%s: no problem of this API: %s", operation, out)
	}
	return a
}

func (a webhookAnswer) text(name string) string { s, _ := a.Body[name].(string); return s }

const hook = `{"url":"https://shop.example/hooks","description":"Ω","statuses":["PAID","COMPLETED","PAID"]}`

func TestManageWebhooksLife(t *testing.T) {
	s := newStage(t, handler.NewManageWebhooks)
	made := s.ask(t, "acme", "Create", "", hook)
	id, secret := made.text("id"), made.text("secret")
	if made.Status != 201 || !strings.HasPrefix(id, "we_") || len(id) != 35 || !strings.HasPrefix(secret, "whsec_") ||
		made.Body["enabled"] != true || fmt.Sprint(made.Body["statuses"]) != "[COMPLETED PAID]" || made.text("createdAt") != "2025-11-24T16:00:05.250Z" {
		t.Fatalf("made %+v", made)
	}
	if got := s.ask(t, "acme", "Get", id, ""); got.Status != 200 || got.text("url") != "https://shop.example/hooks" || got.text("secret") != "" {
		t.Errorf("got %+v", got)
	}
	list := s.ask(t, "acme", "List", "", "")
	if all := list.Body["webhooks"].([]any); list.Status != 200 || len(all) != 1 || strings.Contains(fmt.Sprint(all), "whsec_") {
		t.Errorf("list %+v", list)
	}
	rotated := s.ask(t, "acme", "Rotate", id, "")
	if rotated.Status != 200 || rotated.text("secret") == secret || !strings.HasPrefix(rotated.text("secret"), "whsec_") {
		t.Errorf("rotated %+v", rotated)
	}
	if got := s.ask(t, "acme", "Enable", id, ""); got.Status != 200 || got.Body["enabled"] != true || got.text("secret") != "" {
		t.Errorf("enabled %+v", got)
	}
	// Another tenant's requests find nothing, and change nothing.
	for _, operation := range []string{"Get", "Delete", "Rotate", "Enable", "Test"} {
		if got := s.ask(t, "globex", operation, id, ""); got.Status != 404 || got.text("code") != "unknown-webhook" {
			t.Errorf("another tenant's %s: %+v", operation, got)
		}
	}
	if got := s.ask(t, "globex", "List", "", ""); len(got.Body["webhooks"].([]any)) != 0 {
		t.Errorf("another tenant's list %+v", got)
	}
	if got := s.ask(t, "acme", "Delete", id, ""); got.Status != 204 || got.Body != nil {
		t.Errorf("deleted %+v", got)
	}
	if got := s.ask(t, "acme", "Delete", id, ""); got.Status != 404 {
		t.Errorf("deleted again %+v", got)
	}
	for _, text := range []string{secret, rotated.text("secret"), "whsec_"} {
		if strings.Contains(s.log.String(), text) {
			t.Errorf("the log has %s", text)
		}
	}
}

func TestManageWebhooksTest(t *testing.T) {
	s := newStage(t, handler.NewManageWebhooks)
	id := s.ask(t, "acme", "Create", "", hook).text("id")
	got := s.ask(t, "acme", "Test", id, "")
	if got.Status != 202 || got.text("eventId") != "test-req-1:1" || len(s.Messages) != 1 {
		t.Fatalf("%+v, messages %v", got, s.Messages)
	}
	m := s.Messages[0]
	var e orderevent.Event
	if err := json.Unmarshal([]byte(m.Body), &e); err != nil {
		t.Fatal(err)
	}
	if e.Type != orderevent.TypeTest || e.OrderID != "test" || e.Status != "TEST" || e.Sequence != 1 || e.Tenant != "acme" || e.ID != "test-req-1:1" ||
		!e.OccurredAt.Equal(now().UTC()) || m.Group != "YWNtZQ" || m.Attributes["tenant"] != "acme" || m.Attributes["endpoint"] != id {
		t.Errorf("message %+v", m)
	}
	s.Items["webhooks/acme/"+id]["enabled"] = map[string]any{"BOOL": false}
	s.Items["webhooks/acme/"+id]["disabledReason"] = map[string]any{"S": "Gone"}
	if got := s.ask(t, "acme", "Test", id, ""); got.Status != 409 || got.text("code") != "webhook-disabled" || len(s.Messages) != 1 {
		t.Errorf("disabled: %+v", got)
	}
}

// A URL has one webhook, so that a request that is repeated does not make every event come twice.
func TestManageWebhooksSameURL(t *testing.T) {
	s := newStage(t, handler.NewManageWebhooks)
	made := s.ask(t, "acme", "Create", "", `{"url":"https://shop.example"}`)
	for _, same := range []string{"https://shop.example", "https://SHOP.example/", "https://shop.example:443/", "https://shop.example.", "https://shop.example.:443/"} {
		got := s.ask(t, "acme", "Create", "", `{"url":"`+same+`","statuses":["PAID"]}`)
		if got.Status != 409 || got.text("code") != "webhook-exists" || !strings.Contains(got.text("detail"), made.text("id")) {
			t.Errorf("%s: %+v", same, got)
		}
	}
	if got := s.ask(t, "acme", "Create", "", `{"url":"https://shop.example/x"}`); got.Status != 201 || got.text("id") == made.text("id") {
		t.Errorf("another URL: %+v", got)
	}
	if got := s.ask(t, "globex", "Create", "", `{"url":"https://shop.example"}`); got.Status != 201 || got.text("id") == made.text("id") {
		t.Errorf("another tenant: %+v", got)
	}
}

func TestManageWebhooksAtMost20(t *testing.T) {
	s := newStage(t, handler.NewManageWebhooks)
	var id string
	for i := range 20 {
		got := s.ask(t, "acme", "Create", "", fmt.Sprintf(`{"url":"https://shop.example/%d"}`, i))
		if id = got.text("id"); got.Status != 201 {
			t.Fatalf("%d: %+v", i, got)
		}
	}
	const one = `{"url":"https://shop.example/one-more"}`
	if got := s.ask(t, "acme", "Create", "", one); got.Status != 409 || got.text("code") != "too-many-webhooks" {
		t.Errorf("the 21st: %+v", got)
	}
	// Whoever made the 20th and did not hear of it must learn its id.
	if got := s.ask(t, "acme", "Create", "", `{"url":"https://shop.example/19"}`); got.Status != 409 || got.text("code") != "webhook-exists" || !strings.Contains(got.text("detail"), id) {
		t.Errorf("the 20th again: %+v", got)
	}
	s.ask(t, "acme", "Delete", id, "")
	if got := s.ask(t, "acme", "Create", "", one); got.Status != 201 {
		t.Errorf("after one was deleted: %+v", got)
	}
}

func TestManageWebhooksRefusals(t *testing.T) {
	s := newStage(t, handler.NewManageWebhooks)
	tests := []struct{ body, code, detail string }{
		{``, "invalid-webhook", "it is empty"},
		{`[]`, "invalid-webhook", "it is of type array"},
		{`{"url":1}`, "invalid-webhook", "url cannot be of type number"},
		{`{"url":"https://a.example","secret":"x"}`, "invalid-webhook", `unknown field "secret"`},
		{`{}`, "invalid-url", "no URL"},
		{`{"url":"http://a.example"}`, "invalid-url", "only https"},
		{`{"url":"https://u:p@a.example"}`, "invalid-url", "user and password"},
		{`{"url":"https://a.example/#x"}`, "invalid-url", "fragment"},
		{`{"url":"https:///x"}`, "invalid-url", "no host"},
		{`{"url":"https://169.254.169.254/latest"}`, "invalid-url", "not public"},
		{`{"url":"https://[::1]/"}`, "invalid-url", "not public"},
		{`{"url":"https://localhost/"}`, "invalid-url", "local"},
		{`{"url":"https://a.example/` + strings.Repeat("x", 2048) + `"}`, "invalid-url", "2048"},
		{`{"url":"https://a.example","description":"` + strings.Repeat("Ω", 257) + `"}`, "invalid-description", "257"},
		{`{"url":"https://a.example","statuses":["PAID","LOST"]}`, "invalid-status", `statuses/1: "LOST"`},
		{`{"url":"https://a.example","statuses":["QUEUED"]}`, "invalid-status", "these are: ACCEPTED, PAID, COMPLETED."},
	}
	for _, test := range tests {
		got := s.ask(t, "acme", "Create", "", test.body)
		if got.Status != 400 || got.text("code") != test.code || !strings.Contains(got.text("detail"), test.detail) {
			t.Errorf("%.80s: %+v", test.body, got)
		}
	}
	for _, id := range []string{"-", "we_1", "#endpoints", "we_" + strings.Repeat("z", 32)} {
		if got := s.ask(t, "acme", "Get", id, ""); got.Status != 404 || got.text("code") != "unknown-webhook" {
			t.Errorf("%s: %+v", id, got)
		}
	}
	if got := s.ask(t, "", "List", "", ""); got.Status != 403 || got.text("code") != "no-tenant" {
		t.Errorf("nobody: %+v", got)
	}
	if len(s.Calls) > 0 {
		t.Errorf("calls %v", s.Calls)
	}
	s.expect(t, []byte(`{"tenant":"acme","operation":"Burn"}`), `BadInput: bad input: there is no operation "Burn"`)
}

// TestWebhooksOfAStackThatDoesNotSayItsStatuses can choose any name of one.
func TestWebhooksOfAStackThatDoesNotSayItsStatuses(t *testing.T) {
	saved := environment["WEBHOOK_STATUSES"]
	delete(environment, "WEBHOOK_STATUSES")
	defer func() { environment["WEBHOOK_STATUSES"] = saved }()
	s := newStage(t, handler.NewManageWebhooks)
	if got := s.ask(t, "acme", "Create", "", `{"url":"https://a.example","statuses":["CONVERTED"]}`); got.Status != 201 {
		t.Errorf("%+v", got)
	}
	got := s.ask(t, "acme", "Create", "", `{"url":"https://b.example","statuses":["converted"]}`)
	if got.Status != 400 || got.text("code") != "invalid-status" || !strings.Contains(got.text("detail"), `statuses/0: "converted" is no status`) {
		t.Errorf("%+v", got)
	}
}
