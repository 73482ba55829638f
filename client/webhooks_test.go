package client_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/orderflow-cdk/orderflow/client"
)

func TestWebhooks(t *testing.T) {
	ctx := context.Background()
	a := newAPI(t)
	const endpoint = `{"id":"we_1","url":"https://shop.example/hooks","statuses":["PAID"],"enabled":false,"disabledReason":"Failing",` +
		`"createdAt":"2026-01-02T03:04:05.000Z","failingSince":"2026-01-03T03:04:05.000Z","lastFailure":{"at":"2026-01-03T03:04:05.000Z","status":500,"error":"no"}%s}`
	var asked []string
	a.fault = func(_ int, w http.ResponseWriter, r *http.Request) bool {
		body, _ := io.ReadAll(r.Body)
		asked = append(asked, r.Method+" "+r.URL.Path+" "+string(body))
		switch r.Method + " " + r.URL.Path {
		case "POST /live/webhooks":
			w.WriteHeader(201)
			fmt.Fprintf(w, endpoint, `,"secret":"whsec_x"`)
		case "GET /live/webhooks":
			fmt.Fprintf(w, `{"webhooks":[`+endpoint+`]}`, "")
		case "GET /live/webhooks/we_1", "POST /live/webhooks/we_1/enable":
			fmt.Fprintf(w, endpoint, "")
		case "DELETE /live/webhooks/we_1":
			w.WriteHeader(204)
		case "POST /live/webhooks/we_1/rotate":
			fmt.Fprintf(w, endpoint, `,"secret":"whsec_y"`)
		case "POST /live/webhooks/we_1/test":
			w.WriteHeader(202)
			fmt.Fprint(w, `{"eventId":"test:1"}`)
		default:
			return false
		}
		return true
	}
	c, _ := newClient(t, a, client.Options{})
	at := start.AddDate(0, 0, 1)
	want := func(secret string) client.Webhook {
		return client.Webhook{ID: "we_1", URL: "https://shop.example/hooks", Statuses: []string{"PAID"}, DisabledReason: "Failing",
			CreatedAt: start, FailingSince: at, LastFailure: &client.WebhookFailure{At: at, Status: 500, Error: "no"}, Secret: secret}
	}
	check := func(got, want any, err error) {
		t.Helper()
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Errorf("%v (-want +got)\n%s", err, diff)
		}
	}
	w, err := c.CreateWebhook(ctx, client.NewWebhook{URL: "https://shop.example/hooks", Statuses: []string{"PAID"}})
	check(w, want("whsec_x"), err)
	all, err := c.ListWebhooks(ctx)
	check(all, []client.Webhook{want("")}, err)
	w, err = c.GetWebhook(ctx, "we_1")
	check(w, want(""), err)
	w, err = c.RotateWebhookSecret(ctx, "we_1")
	check(w, want("whsec_y"), err)
	w, err = c.EnableWebhook(ctx, "we_1")
	check(w, want(""), err)
	id, err := c.TestWebhook(ctx, "we_1")
	check(id, "test:1", err)
	check(nil, nil, c.DeleteWebhook(ctx, "we_1"))
	check(asked, []string{
		`POST /live/webhooks {"url":"https://shop.example/hooks","statuses":["PAID"]}`, "GET /live/webhooks ", "GET /live/webhooks/we_1 ",
		"POST /live/webhooks/we_1/rotate ", "POST /live/webhooks/we_1/enable ", "POST /live/webhooks/we_1/test ", "DELETE /live/webhooks/we_1 ",
	}, nil)
	if err := c.DeleteWebhook(ctx, "we_2"); !errors.Is(err, client.ErrNotFound) {
		t.Errorf("%v", err)
	}
}

// TestRotatingIsRepeatedOnlyIfNothingHappened: a second rotation would take the old
// secret out of use.
func TestRotatingIsRepeatedOnlyIfNothingHappened(t *testing.T) {
	for status, want := range map[int]int{429: 5, 503: 1} {
		a := newAPI(t)
		a.fault = func(_ int, w http.ResponseWriter, _ *http.Request) bool { problem(w, status, `{}`); return true }
		c, _ := newClient(t, a, client.Options{Retry: client.Retry{MinWait: time.Nanosecond}})
		if _, err := c.RotateWebhookSecret(context.Background(), "we_1"); err == nil || len(a.requests) != want {
			t.Errorf("%d: %d requests, %v; want %d", status, len(a.requests), err, want)
		}
	}
}
