package client_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/orderflow-cdk/orderflow/client"
	"github.com/orderflow-cdk/orderflow/event"
)

// collect watches to the end, for 20 s at most.
func collect(t *testing.T, c *client.Client, o client.WatchOptions) ([]event.Event, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	var all []event.Event
	for e, err := range c.Watch(ctx, orderID, o) {
		if err != nil {
			return all, err
		}
		all = append(all, e)
	}
	return all, nil
}

func statuses(events []event.Event) []string {
	var all []string
	for _, e := range events {
		all = append(all, e.Status)
	}
	return all
}

var whole = []string{"ACCEPTED", "RESERVED", "PAID", "COMPLETED"}

func TestWatchByPolling(t *testing.T) {
	noLeaks(t)
	a := newAPI(t)
	a.poll = "3"
	a.looked = func(a *api, n int) {
		switch n {
		case 2: // QUEUED twice
			a.add("ACCEPTED")
		case 4: // after the status and the order
			a.result("Reserve", `{"reservationId":"r"}`)
			a.add("RESERVED")
		case 7:
			a.result("Charge", `{"chargeId":"c"}`)
			a.result("Ship", `{"shipmentId":"s"}`)
			a.add("PAID", "COMPLETED")
		}
	}
	c, k := newClient(t, a, client.Options{Tenant: "acme"})
	got, err := collect(t, c, client.WatchOptions{Observe: func(_ event.Event, via client.Channel) {
		if via != client.Polling {
			t.Errorf("via %s", via)
		}
	}})
	if err != nil {
		t.Fatal(err)
	}
	var want []event.Event
	for n := range int64(4) {
		want = append(want, a.pushed(n+1))
	}
	want[1].Changes.Results = map[string]json.RawMessage{"Reserve": json.RawMessage(`{"reservationId":"r"}`)}
	want[2].Changes.Omitted = []string{"results"} // two at once: which result is whose?
	want[3].Changes.Omitted = []string{"results"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	for _, d := range k.slept {
		if d != 3*time.Second {
			t.Errorf("waited %v, want what Retry-After says", d)
		}
	}
	if n := a.count("GET /live/orders/" + orderID); n > 9 {
		t.Errorf("%d requests", n)
	}
}

func TestWatchAfterASequence(t *testing.T) {
	a := newAPI(t)
	a.add(whole...)
	c, _ := newClient(t, a, client.Options{})
	for after, want := range map[int64][]string{0: whole, 2: whole[2:], 4: nil, 9: nil} {
		got, err := collect(t, c, client.WatchOptions{After: after})
		if diff := cmp.Diff(want, statuses(got)); diff != "" || err != nil {
			t.Errorf("after %d: %v (-want +got)\n%s", after, err, diff)
		}
	}
}

func TestTheReasonOfAnEnd(t *testing.T) {
	a := newAPI(t)
	a.add("ACCEPTED", "REJECTED")
	a.history[1].Reason, a.detail = "OutOfStock", "KB-1: wanted 2, available 1"
	c, _ := newClient(t, a, client.Options{})
	got, err := collect(t, c, client.WatchOptions{After: 1})
	if err != nil || len(got) != 1 {
		t.Fatal(got, err)
	}
	if diff := cmp.Diff(event.Changes{Reason: "OutOfStock", Detail: "KB-1: wanted 2, available 1"}, got[0].Changes); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	o, err := c.Wait(context.Background(), orderID)
	if err != nil || o.Status != "REJECTED" || o.Reason != "OutOfStock" || len(o.History) != 2 {
		t.Errorf("%+v, %v", o, err)
	}
}

func TestWatchEndsWithAnErrorOnlyIfItIsFinal(t *testing.T) {
	t.Run("not the caller's order", func(t *testing.T) {
		c, _ := newClient(t, newAPI(t), client.Options{})
		n := 0
		for _, err := range c.Watch(context.Background(), "k-other", client.WatchOptions{}) {
			if n++; !errors.Is(err, client.ErrNotFound) {
				t.Errorf("%v", err)
			}
		}
		if n != 1 {
			t.Errorf("%d errors", n)
		}
	})
	t.Run("down for a while", func(t *testing.T) {
		a := newAPI(t)
		a.add(whole...)
		a.fault = func(n int, w http.ResponseWriter, _ *http.Request) bool {
			if n <= 12 {
				problem(w, 503, `{"code":"unavailable"}`)
			}
			return n <= 12
		}
		c, _ := newClient(t, a, client.Options{})
		troubles := 0
		got, err := collect(t, c, client.WatchOptions{OnError: func(err error) {
			if troubles++; !errors.Is(err, client.ErrUnavailable) {
				t.Error(err)
			}
		}})
		if diff := cmp.Diff(whole, statuses(got)); diff != "" || err != nil || troubles != 2 {
			t.Errorf("%v, %d troubles (-want +got)\n%s", err, troubles, diff)
		}
	})
	t.Run("the context", func(t *testing.T) {
		noLeaks(t)
		a := newAPI(t)
		c := realtime(t, a, newAppSync(t), client.Options{})
		ctx, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
		defer cancel()
		n := 0
		for _, err := range c.Watch(ctx, orderID, client.WatchOptions{}) {
			if n++; !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("%v", err)
			}
		}
		if n != 1 {
			t.Errorf("%d errors", n)
		}
	})
}

// TestWatchByWebsocket: whatever the websocket does, the events are all there, once, in order.
func TestWatchByWebsocket(t *testing.T) {
	rest := []string{"RESERVED", "PAID", "COMPLETED"}
	for _, c := range []struct {
		name    string
		timeout int
		safety  time.Duration
		mute    bool
		refuse  string
		started func(a *api, s *session, id string)
		via     []client.Channel // nil: any
	}{
		{name: "all is well", started: func(a *api, s *session, id string) {
			s.ack(id)
			a.left()
			for n, status := range rest {
				a.add(status)
				s.push(id, a.pushed(int64(n+2)))
			}
		}, via: []client.Channel{client.Polling, client.Websocket, client.Websocket, client.Websocket}},
		{name: "twice and in disorder", started: func(a *api, s *session, id string) {
			s.ack(id)
			a.add(rest...)
			for _, n := range []int64{4, 2, 2, 3, 1, 4} {
				s.push(id, a.pushed(n))
			}
		}},
		{name: "one is missing", started: func(a *api, s *session, id string) {
			s.ack(id)
			a.left()
			a.add(rest...)
			s.push(id, a.pushed(4))
		}, via: []client.Channel{client.Polling, client.Polling, client.Polling, client.Websocket}},
		{name: "the last is missing", safety: 20 * time.Second, started: func(a *api, s *session, id string) {
			s.ack(id)
			a.left()
			a.add(rest...)
			s.push(id, a.pushed(2))
		}},
		{name: "happened while connecting", started: func(a *api, s *session, id string) {
			a.add(rest...)
			s.ack(id)
		}},
		{name: "cut, and better the second time", started: func(a *api, s *session, id string) {
			if s.n == 1 {
				s.ack(id)
				a.add("RESERVED")
				s.push(id, a.pushed(2))
				_ = s.conn.CloseNow()
				return
			}
			s.ack(id)
			a.add("PAID", "COMPLETED")
			s.push(id, a.pushed(3))
			s.push(id, a.pushed(4))
		}},
		{name: "no keep-alive", timeout: 50, started: func(a *api, s *session, id string) {
			s.ack(id)
			time.AfterFunc(100*time.Millisecond, func() { a.add(rest...) })
		}},
		{name: "no start_ack", started: func(a *api, s *session, id string) {
			time.AfterFunc(100*time.Millisecond, func() { a.add(rest...) })
		}},
		{name: "no connection_ack", mute: true},
		{name: "refused", refuse: "UnauthorizedException"},
		{name: "the subscription refused", started: func(a *api, s *session, id string) {
			s.send(frame{"type": "error", "id": id, "payload": frame{"errors": []frame{{"errorType": "Unauthorized", "message": "Not Authorized"}}}})
			time.AfterFunc(100*time.Millisecond, func() { a.add(rest...) })
		}},
		{name: "no event", started: func(a *api, s *session, id string) {
			s.ack(id)
			time.AfterFunc(100*time.Millisecond, func() { a.add(rest...) })
			s.send(frame{"type": "data", "id": id, "payload": frame{"data": nil, "errors": []frame{{"message": "no"}}}})
		}},
		{name: "no JSON", started: func(a *api, s *session, id string) {
			s.ack(id)
			time.AfterFunc(100*time.Millisecond, func() { a.add(rest...) })
			_ = s.conn.Write(context.Background(), 1, []byte("{"))
		}},
		{name: "somebody else's event", started: func(a *api, s *session, id string) {
			s.ack(id)
			a.add(rest...)
			e := a.pushed(2)
			e.OrderID, e.ID, e.Status = "k-other", event.ID("k-other", 2), "FAILED"
			s.push(id, e)
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			a, s := newAPI(t), newAppSync(t)
			a.poll = "1"
			a.add("ACCEPTED")
			s.mute, s.refuse = c.mute, c.refuse
			if c.timeout != 0 {
				s.timeoutMs = c.timeout
			}
			if c.started != nil {
				s.started = func(session *session, id string) {
					if a.state().Final() {
						session.ack(id)
						return
					}
					c.started(a, session, id)
				}
			} else {
				time.AfterFunc(100*time.Millisecond, func() { a.add(rest...) })
			}
			cl := realtime(t, a, s, client.Options{Tenant: "acme", RealtimeTimeout: 300 * time.Millisecond})
			safety := time.Hour // so that nothing but what is tested helps
			if c.safety != 0 {
				safety = c.safety
			}
			var via []client.Channel
			got, err := collect(t, cl, client.WatchOptions{SafetyPoll: safety, Observe: func(_ event.Event, c client.Channel) { via = append(via, c) }})
			if err != nil {
				t.Fatal(err)
			}
			var want []event.Event
			for n := range int64(4) {
				want = append(want, a.pushed(n+1))
			}
			if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
			if c.via != nil {
				if diff := cmp.Diff(c.via, via); diff != "" {
					t.Errorf("ways (-want +got)\n%s", diff)
				}
			}
		})
	}
}

func TestWatchWithASource(t *testing.T) {
	noLeaks(t)
	a := newAPI(t)
	a.poll = "3600"
	a.add("ACCEPTED")
	c := realtime(t, a, newAppSync(t), client.Options{})
	source := make(chan event.Event)
	go func() {
		defer close(source)
		source <- event.Event{OrderID: "k-other", Status: "FAILED", Sequence: 2}
		a.add("RESERVED", "PAID", "COMPLETED")
		source <- a.pushed(4)
		source <- a.pushed(2)
	}()
	var via []client.Channel
	got, err := collect(t, c, client.WatchOptions{PollOnly: true, Source: source, Observe: func(_ event.Event, c client.Channel) { via = append(via, c) }})
	if diff := cmp.Diff(whole, statuses(got)); diff != "" || err != nil {
		t.Errorf("%v (-want +got)\n%s", err, diff)
	}
	if via[3] != client.Source {
		t.Errorf("ways %v", via)
	}
}

func TestWatchCanBeLeft(t *testing.T) {
	noLeaks(t)
	a, s := newAPI(t), newAppSync(t)
	a.add("ACCEPTED", "RESERVED")
	c := realtime(t, a, s, client.Options{})
	told := 0
	for e, err := range c.Watch(context.Background(), orderID, client.WatchOptions{}) {
		if told++; err != nil || e.Sequence != 1 {
			t.Errorf("%v, %v", e, err)
		}
		break
	}
	if told != 1 {
		t.Errorf("%d events", told)
	}
}
