package client_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/orderflow-cdk/orderflow/client"
	"github.com/orderflow-cdk/orderflow/internal/order"
)

func TestFinalStatusesAreThoseOfTheDomain(t *testing.T) {
	for _, s := range order.Statuses() {
		if client.Final(string(s)) != order.Terminal(s) {
			t.Errorf("%s: Final is %v", s, client.Final(string(s)))
		}
	}
}

func TestSubmitRepeatsWithTheSameKey(t *testing.T) {
	a := newAPI(t)
	a.fault = func(n int, w http.ResponseWriter, r *http.Request) bool {
		switch n {
		case 1: // the connection breaks before there is an answer
			hijack(t, w, "")
		case 2: // or in the middle of one, when the order is queued already
			hijack(t, w, "HTTP/1.1 202 Accepted\r\nContent-Length: 100\r\n\r\n{\"orderId\"")
		case 3:
			w.Header().Set("Retry-After", "7")
			problem(w, 429, `{"title":"Too Many Requests","status":429,"code":"throttled"}`)
		case 4:
			w.Header().Set("Retry-After", start.Add(20*time.Second).Format(http.TimeFormat))
			problem(w, 503, `{"title":"Service Unavailable","status":503,"code":"not-queued"}`)
		default:
			return false
		}
		return true
	}
	c, k := newClient(t, a, client.Options{})
	got, err := c.Submit(context.Background(), map[string]string{"currency": "EUR"}, client.SubmitOptions{})
	if err != nil {
		t.Fatal(err)
	}
	want := client.Accepted{OrderID: orderID, Status: "QUEUED", MessageID: "m", IdempotencyKey: got.IdempotencyKey, RetryAfter: 2 * time.Second,
		Links: client.Links{Status: "/live/orders/" + orderID + "/status", Result: "/live/orders/" + orderID}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if len(a.keys) != 5 || len(slices.Compact(slices.Clone(a.keys))) != 1 || len(a.keys[0]) != 32 || got.IdempotencyKey != a.keys[0] {
		t.Errorf("keys: %q", a.keys)
	}
	// The first two by backoff, then as the server says: 7 s, and until a date.
	if diff := cmp.Diff([]time.Duration{200 * time.Millisecond, 400 * time.Millisecond, 7 * time.Second, 12400 * time.Millisecond}, k.slept); diff != "" {
		t.Errorf("waits (-want +got)\n%s", diff)
	}
}

func hijack(t testing.TB, w http.ResponseWriter, send string) {
	t.Helper()
	conn, _, err := w.(http.Hijacker).Hijack()
	if err != nil {
		t.Error(err)
		return
	}
	_, _ = conn.Write([]byte(send))
	_ = conn.Close()
}

func TestSubmitSendsBytesAsTheyAre(t *testing.T) {
	a := newAPI(t)
	var body, contentType, agent string
	a.fault = func(_ int, _ http.ResponseWriter, r *http.Request) bool {
		b := make([]byte, 100)
		n, _ := r.Body.Read(b)
		body, contentType, agent = string(b[:n]), r.Header.Get("Content-Type"), r.UserAgent()
		return false
	}
	c, _ := newClient(t, a, client.Options{UserAgent: "shop/1"})
	if _, err := c.Submit(context.Background(), []byte(`{"a": 1.50}`), client.SubmitOptions{IdempotencyKey: "cart-7"}); err != nil {
		t.Fatal(err)
	}
	if body != `{"a": 1.50}` || contentType != "application/json" || agent != "shop/1" || a.keys[0] != "cart-7" {
		t.Errorf("%q %q %q %q", body, contentType, agent, a.keys)
	}
	if _, err := c.Submit(context.Background(), func() {}, client.SubmitOptions{}); err == nil {
		t.Error("a function was submitted")
	}
}

func TestErrors(t *testing.T) {
	all := []error{client.ErrInvalid, client.ErrTooLarge, client.ErrUnauthorized, client.ErrForbidden, client.ErrNotFound,
		client.ErrFinished, client.ErrConflict, client.ErrThrottled, client.ErrUnavailable}
	for _, c := range []struct {
		status int
		body   string
		is     []error
		text   string
	}{
		{400, `{"title":"Bad Request","status":400,"code":"invalid-body","detail":"items: missing","requestId":"r"}`, []error{client.ErrInvalid}, "client: POST: 400 invalid-body: items: missing [request r]"},
		{413, `{"message":"Request Too Long"}`, []error{client.ErrInvalid, client.ErrTooLarge}, "client: POST: 413 Request Entity Too Large: Request Too Long"},
		{415, `{"code":"unsupported-media-type"}`, []error{client.ErrInvalid}, "client: POST: 415 unsupported-media-type"},
		{401, `{"code":"unauthorized"}`, []error{client.ErrUnauthorized}, "client: POST: 401 unauthorized"},
		{403, `{"code":"expired-token"}`, []error{client.ErrUnauthorized, client.ErrForbidden}, "client: POST: 403 expired-token"},
		{403, `{"code":"no-tenant"}`, []error{client.ErrForbidden}, "client: POST: 403 no-tenant"},
		{404, `{"code":"unknown-order"}`, []error{client.ErrNotFound}, "client: POST: 404 unknown-order"},
		{409, `{"code":"finished"}`, []error{client.ErrFinished, client.ErrConflict}, "client: POST: 409 finished"},
		{409, `{"code":"webhook-exists"}`, []error{client.ErrConflict}, "client: POST: 409 webhook-exists"},
		{429, `{"code":"throttled"}`, []error{client.ErrThrottled}, "client: POST: 429 throttled"},
		{503, `{"code":"throttled"}`, []error{client.ErrThrottled, client.ErrUnavailable}, "client: POST: 503 throttled"},
		{502, `<html>bad gateway</html>`, []error{client.ErrUnavailable}, "client: POST: 502 Bad Gateway: <html>bad gateway</html>"},
		{301, ``, nil, "client: POST: 301 Moved Permanently"},
		{200, `{}`, nil, "client: POST: 200 OK: {}"},
	} {
		t.Run(fmt.Sprint(c.status, c.body), func(t *testing.T) {
			a := newAPI(t)
			a.fault = func(_ int, w http.ResponseWriter, _ *http.Request) bool {
				if c.status == 301 {
					w.Header().Set("Location", "https://evil.example/")
				}
				problem(w, c.status, c.body)
				return true
			}
			cl, _ := newClient(t, a, client.Options{Retry: client.Retry{Attempts: 1}})
			_, err := cl.Submit(context.Background(), []byte(`{}`), client.SubmitOptions{})
			var p *client.Problem
			if !errors.As(err, &p) || p.Status != c.status {
				t.Fatalf("%v", err)
			}
			if err.Error() != c.text {
				t.Errorf("got %q, want %q", err, c.text)
			}
			for _, e := range all {
				if errors.Is(err, e) != slices.Contains(c.is, e) {
					t.Errorf("is %q: %v", e, errors.Is(err, e))
				}
			}
		})
	}
}

func TestRetriesEnd(t *testing.T) {
	throttled := func(after string) func(int, http.ResponseWriter, *http.Request) bool {
		return func(_ int, w http.ResponseWriter, _ *http.Request) bool {
			w.Header().Set("Retry-After", after)
			problem(w, 429, `{"code":"quota-exceeded"}`)
			return true
		}
	}
	t.Run("after all attempts", func(t *testing.T) {
		a := newAPI(t)
		a.fault = throttled("1")
		c, k := newClient(t, a, client.Options{Retry: client.Retry{Attempts: 3}})
		_, err := c.Status(context.Background(), orderID)
		if !errors.Is(err, client.ErrThrottled) || !strings.Contains(err.Error(), "after 3 attempts") || len(a.requests) != 3 || len(k.slept) != 2 {
			t.Errorf("%v, %d requests, waits %v", err, len(a.requests), k.slept)
		}
	})
	t.Run("when the server asks for too much", func(t *testing.T) {
		a := newAPI(t)
		a.fault = throttled("86400")
		c, k := newClient(t, a, client.Options{})
		_, err := c.Status(context.Background(), orderID)
		var p *client.Problem
		if !errors.As(err, &p) || p.RetryAfter != 24*time.Hour || len(k.slept) != 0 {
			t.Errorf("%v, waits %v", err, k.slept)
		}
	})
	t.Run("with the context", func(t *testing.T) {
		a := newAPI(t)
		a.fault = throttled("10")
		ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
		defer cancel()
		c, err := client.New(a.URL, client.Options{})
		if err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		_, err = c.Status(ctx, orderID)
		if !errors.Is(err, context.DeadlineExceeded) || !errors.Is(err, client.ErrThrottled) || time.Since(began) > 5*time.Second {
			t.Errorf("%v after %v", err, time.Since(began))
		}
	})
	t.Run("without any", func(t *testing.T) {
		a := newAPI(t)
		c, k := newClient(t, a, client.Options{})
		_, err := c.Status(context.Background(), "somebody-elses")
		if !errors.Is(err, client.ErrNotFound) || len(k.slept) != 0 {
			t.Errorf("%v, waits %v", err, k.slept)
		}
	})
	t.Run("when nobody is there", func(t *testing.T) {
		a := newAPI(t)
		a.Close()
		c, k := newClient(t, a, client.Options{})
		_, err := c.Status(context.Background(), orderID)
		if !errors.Is(err, client.ErrUnavailable) || len(k.slept) != 4 {
			t.Errorf("%v, waits %v", err, k.slept)
		}
		if !strings.HasPrefix(err.Error(), `client: Get "`+a.URL) { // the method once
			t.Error(err)
		}
	})
}

func TestStatusIsNotTransferredTwice(t *testing.T) {
	a := newAPI(t)
	a.add("ACCEPTED")
	a.poll = "3"
	c, _ := newClient(t, a, client.Options{})
	full := 0
	a.fault = func(_ int, _ http.ResponseWriter, r *http.Request) bool {
		if r.Header.Get("If-None-Match") == "" {
			full++
		}
		return false
	}
	var first client.State
	for i := range 3 {
		s, err := c.Status(context.Background(), orderID)
		if err != nil {
			t.Fatal(err)
		}
		if i == 0 {
			first = s
		}
		if diff := cmp.Diff(first, s); diff != "" {
			t.Errorf("look %d (-first +got)\n%s", i, diff)
		}
	}
	if full != 1 || first.Status != "ACCEPTED" || first.RetryAfter != 3*time.Second {
		t.Errorf("%d looks without ETag, first %+v", full, first)
	}
	a.add("RESERVED")
	if s, err := c.Status(context.Background(), orderID); err != nil || s.Status != "RESERVED" || s.Sequence != 2 {
		t.Errorf("%+v, %v", s, err)
	}
}

func TestGetAndCancel(t *testing.T) {
	ctx := context.Background()
	a := newAPI(t)
	a.add("ACCEPTED", "RESERVED")
	a.result("Reserve", `{"n":1.0}`)
	c, _ := newClient(t, a, client.Options{})
	o, err := c.Get(ctx, orderID)
	if err != nil {
		t.Fatal(err)
	}
	if o.Status != "RESERVED" || len(o.History) != 2 || o.History[1].Status != "RESERVED" || string(o.Results["Reserve"]) != `{"n":1.0}` || string(o.Order) != `{"currency":"EUR"}` {
		t.Errorf("%+v", o)
	}
	s, err := c.Cancel(ctx, orderID)
	if err != nil || !s.CancelRequested || s.Status != "ACCEPTED" {
		t.Errorf("%+v, %v", s, err)
	}
	a.add("COMPLETED")
	_, err = c.Cancel(ctx, orderID)
	var p *client.Problem
	if !errors.Is(err, client.ErrFinished) || !errors.As(err, &p) || p.OrderStatus != "COMPLETED" || p.RequestID != "r-1" {
		t.Errorf("%v", err)
	}
}

func TestCredentials(t *testing.T) {
	ctx := context.Background()
	a := newAPI(t)
	a.add("ACCEPTED")
	var got http.Header
	a.fault = func(_ int, _ http.ResponseWriter, r *http.Request) bool { got = r.Header; return false }
	for _, c := range []struct {
		authorize          func(*http.Request) error
		header, value, err string
	}{
		{client.IDToken(client.Static("tok")), "Authorization", "tok", ""},
		{client.BearerToken(client.Static("tok")), "Authorization", "Bearer tok", ""},
		{client.APIKey("key"), "X-Api-Key", "key", ""},
		{client.APIKey(""), "", "", "empty"},
		{client.IDToken(client.Static("")), "", "", "empty"},
		{client.IDToken(func(context.Context) (string, error) { return "", errors.New("no session") }), "", "", "no session"},
	} {
		cl, k := newClient(t, a, client.Options{Authorize: c.authorize})
		_, err := cl.Status(ctx, orderID)
		if c.err != "" {
			if err == nil || !strings.Contains(err.Error(), c.err) || len(k.slept) != 0 {
				t.Errorf("%v, want %q", err, c.err)
			}
			continue
		}
		if err != nil || got.Get(c.header) != c.value {
			t.Errorf("%s: %q, %v", c.header, got.Get(c.header), err)
		}
	}
}

func TestNewNamesWhatIsWrong(t *testing.T) {
	_, err := client.New("orders.example", client.Options{GraphQLURL: "wss://x", Path: "a/b", Retry: client.Retry{Attempts: -1}})
	for _, want := range []string{"orders.example", "wss://x", "a/b", "negative"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q is missing in: %v", want, err)
		}
	}
}

func TestIdsCannotLeaveTheirPlaceInThePath(t *testing.T) {
	a := newAPI(t)
	c, _ := newClient(t, a, client.Options{})
	var paths []string
	a.fault = func(_ int, _ http.ResponseWriter, r *http.Request) bool {
		paths = append(paths, r.URL.EscapedPath()+"?"+r.URL.RawQuery)
		return false
	}
	for _, id := range []string{"..", "a/../../x", "a?b=c", "a#b", "%2e"} {
		if _, err := c.Status(context.Background(), id); !errors.Is(err, client.ErrNotFound) {
			t.Errorf("%s: %v", id, err)
		}
	}
	want := []string{"/live/orders/%2E%2E/status?", "/live/orders/a%2F..%2F..%2Fx/status?", "/live/orders/a%3Fb=c/status?", "/live/orders/a%23b/status?", "/live/orders/%252e/status?"}
	if diff := cmp.Diff(want, paths); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}
