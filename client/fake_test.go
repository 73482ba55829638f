package client_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/orderflow-cdk/orderflow/client"
	"github.com/orderflow-cdk/orderflow/event"
)

var start = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// api plays the HTTP API: one order, whose history a test writes.
type api struct {
	*httptest.Server
	mu       sync.Mutex
	history  []client.Entry
	results  map[string]json.RawMessage
	detail   string
	requests []string
	keys     []string
	poll     string // Retry-After before the end
	// fault, if set, may answer a request in the API's place. n counts all requests from 1.
	fault func(n int, w http.ResponseWriter, r *http.Request) bool
	// looked, if set, is called after every answer about the order.
	looked func(a *api, n int)
	looks  int
}

const orderID = "k-MQ-YWNtZQ"

func newAPI(t testing.TB) *api {
	t.Helper()
	a := &api{results: map[string]json.RawMessage{}, poll: "0"}
	a.Server = httptest.NewServer(a)
	t.Cleanup(a.Close)
	return a
}

// add writes statuses into the history, a second apart.
func (a *api) add(statuses ...string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, s := range statuses {
		n := len(a.history) + 1
		a.history = append(a.history, client.Entry{Sequence: int64(n), Status: s, At: start.Add(time.Duration(n) * time.Second)})
	}
}

func (a *api) result(step, json string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.results[step] = []byte(json)
}

func (a *api) count(prefix string) int {
	a.mu.Lock()
	defer a.mu.Unlock()
	n := 0
	for _, r := range a.requests {
		if strings.HasPrefix(r, prefix) {
			n++
		}
	}
	return n
}

// left waits until nobody polls any more, as it is once a websocket is known to be up.
func (a *api) left() {
	for before := -1; ; time.Sleep(150 * time.Millisecond) { // polls are 10 ms apart
		n := a.count("GET ")
		if n == before {
			return
		}
		before = n
	}
}

func (a *api) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a.mu.Lock()
	a.requests = append(a.requests, r.Method+" "+r.URL.Path)
	n := len(a.requests)
	if key := r.Header.Get("Idempotency-Key"); key != "" {
		a.keys = append(a.keys, key)
	}
	fault := a.fault
	a.mu.Unlock()
	if fault != nil && fault(n, w, r) {
		return
	}
	switch r.Method + " " + r.URL.Path {
	case "POST /live/orders":
		w.Header().Set("Retry-After", "2")
		w.WriteHeader(202)
		fmt.Fprintf(w, `{"orderId":%q,"status":"QUEUED","messageId":"m","links":{"status":"/live/orders/%[1]s/status","result":"/live/orders/%[1]s"}}`, orderID)
	case "GET /live/orders/" + orderID + "/status":
		a.tell(w, r, false)
	case "GET /live/orders/" + orderID:
		a.tell(w, r, true)
	case "DELETE /live/orders/" + orderID + "/status":
		if a.state().Final() {
			problem(w, 409, `{"type":"about:blank","title":"Conflict","status":409,"code":"finished","detail":"The order is finished.","requestId":"r-1","orderStatus":"COMPLETED"}`)
			return
		}
		w.WriteHeader(202)
		fmt.Fprintf(w, `{"orderId":%q,"status":"ACCEPTED","sequence":1,"cancelRequested":true}`, orderID)
	default:
		problem(w, 404, `{"type":"about:blank","title":"Not Found","status":404,"code":"unknown-order","detail":"There is no such order.","requestId":"r-2"}`)
	}
}

func problem(w http.ResponseWriter, status int, body string) {
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(status)
	fmt.Fprint(w, body)
}

func (a *api) state() client.State {
	a.mu.Lock()
	defer a.mu.Unlock()
	s := client.State{OrderID: orderID, Status: client.StatusQueued}
	if n := len(a.history); n > 0 {
		s.Status, s.Sequence, s.UpdatedAt = a.history[n-1].Status, int64(n), a.history[n-1].At
		s.AcceptedAt, s.Reason, s.Detail = start, a.history[n-1].Reason, a.detail
	}
	return s
}

func (a *api) tell(w http.ResponseWriter, r *http.Request, all bool) {
	s := a.state()
	etag := fmt.Sprintf(`"%d.0.false"`, s.Sequence)
	if !s.Final() {
		w.Header().Set("Retry-After", a.poll)
	}
	switch {
	case !all:
		w.Header().Set("ETag", etag)
		if r.Header.Get("If-None-Match") == etag {
			w.WriteHeader(304)
			break
		}
		_ = json.NewEncoder(w).Encode(s)
	default:
		a.mu.Lock()
		o := client.Order{State: s, History: a.history, Results: a.results, Order: json.RawMessage(`{"currency":"EUR"}`)}
		_ = json.NewEncoder(w).Encode(o)
		a.mu.Unlock()
	}
	a.mu.Lock()
	a.looks++
	looked, n := a.looked, a.looks
	a.mu.Unlock()
	if looked != nil {
		looked(a, n)
	}
}

// clock is virtual time: Sleep moves it on, and remembers by how much.
type clock struct {
	mu    sync.Mutex
	now   time.Time
	slept []time.Duration
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) Sleep(ctx context.Context, d time.Duration) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
	c.slept = append(c.slept, d)
	return ctx.Err()
}

// newClient returns a client of a fake API, in virtual time.
func newClient(t testing.TB, a *api, o client.Options) (*client.Client, *clock) {
	t.Helper()
	k := &clock{now: start}
	if o.Sleep == nil {
		o.Sleep, o.Now = k.Sleep, k.Now
	}
	if o.Random == nil {
		o.Random = func() float64 { return 1 }
	}
	o.HTTPClient = a.Client()
	c, err := client.New(a.URL+"/live", o)
	if err != nil {
		t.Fatal(err)
	}
	return c, k
}

// pushed is the event of a sequence as AppSync would push it.
func (a *api) pushed(sequence int64) event.Event {
	a.mu.Lock()
	defer a.mu.Unlock()
	h := a.history[sequence-1]
	e := event.Event{
		ID: event.ID(orderID, sequence), Type: event.TypeOf(h.Status), OrderID: orderID, Tenant: "acme",
		Status: h.Status, Sequence: sequence, OccurredAt: h.At, Changes: event.Changes{Reason: h.Reason},
	}
	if sequence > 1 {
		e.PreviousStatus = a.history[sequence-2].Status
	}
	return e
}
