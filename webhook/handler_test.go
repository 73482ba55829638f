package webhook_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/orderflow-cdk/orderflow/event"
	"github.com/orderflow-cdk/orderflow/webhook"
)

func paid(sequence int64) event.Event {
	return event.Event{ID: event.ID("k-YWJj-YWNtZQ", sequence), Type: "order.paid", OrderID: "k-YWJj-YWNtZQ", Tenant: "acme",
		Status: "PAID", PreviousStatus: "RESERVED", Sequence: sequence, OccurredAt: now}
}

func document(t testing.TB, e event.Event) string {
	t.Helper()
	b, err := json.Marshal(e)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func post(h http.Handler, header http.Header, body string) *httptest.ResponseRecorder {
	req := httptest.NewRequest(http.MethodPost, "/hooks", strings.NewReader(body))
	req.Header = header
	w := httptest.NewRecorder()
	h.ServeHTTP(w, req)
	return w
}

func TestHandlerHandsOnEachEventOnceWhicheverWayItComes(t *testing.T) {
	a := newAmazon(t)
	r := newReceiver(t, webhook.Options{Secrets: []string{secret}, Topics: []string{topic}, HTTPClient: a.client()})
	var got []event.Event
	h := r.Handler(func(_ context.Context, e event.Event) error {
		got = append(got, e)
		return nil
	})
	first, second := document(t, paid(3)), document(t, paid(4))
	republished := a.sign(t, notification(first).with("MessageId", "m-2"))
	for _, m := range []struct {
		header http.Header
		body   string
	}{
		{signed(t, paid(3).ID, now, first, secret), first},
		{signed(t, paid(3).ID, now.Add(time.Minute), first, secret), first}, // a repetition has a new timestamp
		{republished.header(), string(republished.body(t))},
		{signed(t, paid(4).ID, now, second, secret), second},
	} {
		if w := post(h, m.header, m.body); w.Code != http.StatusNoContent || w.Body.Len() != 0 {
			t.Errorf("%d %s", w.Code, w.Body)
		}
	}
	if diff := cmp.Diff([]event.Event{paid(3), paid(4)}, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestHandlerTellsTestsApartByTheirMessage(t *testing.T) {
	r := newReceiver(t, webhook.Options{Secrets: []string{secret}})
	n := 0
	h := r.Handler(func(context.Context, event.Event) error { n++; return nil })
	body := document(t, event.Event{ID: "test:1", Type: event.TypeTest, OrderID: "test", Tenant: "acme", Status: "TEST", Sequence: 1, OccurredAt: now})
	for _, id := range []string{"t1", "t2", "t2"} {
		if w := post(h, signed(t, id, now, body, secret), body); w.Code != http.StatusNoContent {
			t.Errorf("%s: %d", id, w.Code)
		}
	}
	if n != 2 {
		t.Errorf("%d tests were handed on, want 2", n)
	}
}

func TestHandlerRefuses(t *testing.T) {
	body := document(t, paid(3))
	misnamed := paid(3)
	misnamed.ID = event.ID("k-other", 3)
	mistyped := paid(3)
	mistyped.Type = "order.shipped"
	long := strings.Repeat("x", 20_001)
	a := newAmazon(t)
	raw := notification(body).header()
	raw.Set("x-amz-sns-rawdelivery", "true")
	foreign := a.sign(t, notification(body).with("TopicArn", topic+"-of-somebody-else"))
	for _, c := range []struct {
		name   string
		header http.Header
		body   string
		status int
		err    error
	}{
		{"not signed", http.Header{}, body, 401, webhook.ErrUnsigned},
		{"signed wrongly", signed(t, "m", now, "x", secret), body, 401, webhook.ErrSignature},
		{"stale", signed(t, "m", now.Add(-time.Hour), body, secret), body, 401, webhook.ErrStale},
		{"raw", raw, body, 400, webhook.ErrRawDelivery},
		{"from another topic", foreign.header(), string(foreign.body(t)), 403, webhook.ErrUnknownSender},
		{"no JSON", signed(t, "m", now, "x", secret), "x", 400, webhook.ErrMalformed},
		{"JSON that is no event", signed(t, "m", now, `{"type":"user.created"}`, secret), `{"type":"user.created"}`, 400, webhook.ErrMalformed},
		{"an event with another's id", signed(t, "m", now, document(t, misnamed), secret), document(t, misnamed), 400, webhook.ErrMalformed},
		{"an event with another type", signed(t, "m", now, document(t, mistyped), secret), document(t, mistyped), 400, webhook.ErrMalformed},
		{"too large", signed(t, "m", now, long, secret), long, 413, webhook.ErrTooLarge},
	} {
		t.Run(c.name, func(t *testing.T) {
			var told error
			r := newReceiver(t, webhook.Options{Secrets: []string{secret}, Topics: []string{topic}, HTTPClient: a.client(), MaxBody: 20_000,
				OnError: func(_ context.Context, err error) { told = err }})
			h := r.Handler(func(context.Context, event.Event) error { t.Error("handed on"); return nil })
			w := post(h, c.header, c.body)
			if w.Code != c.status || !errors.Is(told, c.err) {
				t.Errorf("%d, %v, want %d, %v", w.Code, told, c.status, c.err)
			}
			if got := strings.TrimSpace(w.Body.String()); got != http.StatusText(c.status) {
				t.Errorf("the answer tells %q", got)
			}
		})
	}
	w := httptest.NewRecorder()
	newReceiver(t, webhook.Options{Secrets: []string{secret}}).Handler(nil).ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/", nil))
	if w.Code != 405 || w.Header().Get("Allow") != "POST" {
		t.Errorf("GET: %d, Allow %q", w.Code, w.Header().Get("Allow"))
	}
}

func TestWhatFailsIsHandledAgain(t *testing.T) {
	var told []string
	r := newReceiver(t, webhook.Options{Secrets: []string{secret}, OnError: func(_ context.Context, err error) { told = append(told, err.Error()) }})
	results := []error{errors.New("disk full"), webhook.RetryAfter(errors.New("busy"), 1500*time.Millisecond), webhook.RetryAfter(errors.New("busy"), 0), webhook.ErrGone, nil}
	var codes []int
	var waits []string
	h := r.MessageHandler(func(context.Context, webhook.Message) error {
		err := results[0]
		results = results[1:]
		return err
	})
	for range 6 {
		w := post(h, signed(t, "m", now, "x", secret), "x")
		codes, waits = append(codes, w.Code), append(waits, w.Header().Get("Retry-After"))
	}
	if diff := cmp.Diff([]int{500, 503, 503, 410, 204, 204}, codes); diff != "" {
		t.Errorf("codes (-want +got)\n%s", diff)
	}
	if diff := cmp.Diff([]string{"", "2", "1", "", "", ""}, waits); diff != "" {
		t.Errorf("Retry-After (-want +got)\n%s", diff)
	}
	if len(told) != 4 || told[0] != "disk full" {
		t.Errorf("OnError was told %q", told)
	}
}

func TestAPanicGivesTheMessageBack(t *testing.T) {
	r := newReceiver(t, webhook.Options{Secrets: []string{secret}})
	n := 0
	h := r.MessageHandler(func(context.Context, webhook.Message) error {
		if n++; n == 1 {
			panic("oh")
		}
		return nil
	})
	func() {
		defer func() {
			if recover() == nil {
				t.Error("the panic was swallowed")
			}
		}()
		post(h, signed(t, "m", now, "x", secret), "x")
	}()
	if w := post(h, signed(t, "m", now, "x", secret), "x"); w.Code != 204 || n != 2 {
		t.Errorf("%d after %d calls", w.Code, n)
	}
}

func TestConcurrentDuplicatesAreHandledOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newReceiver(t, webhook.Options{Secrets: []string{secret}})
		var calls, now1, most atomic.Int64
		h := r.MessageHandler(func(context.Context, webhook.Message) error {
			most.Store(max(most.Load(), now1.Add(1)))
			defer now1.Add(-1)
			time.Sleep(time.Second)
			if calls.Add(1) == 1 {
				return errors.New("the first attempt fails")
			}
			return nil
		})
		codes := make([]int, 10)
		var wg sync.WaitGroup
		for i := range codes {
			wg.Go(func() { codes[i] = post(h, signed(t, "m", now, "x", secret), "x").Code })
		}
		wg.Wait()
		slices.Sort(codes)
		if diff := cmp.Diff([]int{204, 204, 204, 204, 204, 204, 204, 204, 204, 500}, codes); diff != "" {
			t.Errorf("(-want +got)\n%s", diff)
		}
		if calls.Load() != 2 || most.Load() != 1 {
			t.Errorf("%d calls, %d at the same time; want 2, one at a time", calls.Load(), most.Load())
		}
	})
}

func TestADuplicateWhoseSenderHangsUpIsAnsweredBusy(t *testing.T) {
	m := &webhook.Memory{}
	if first, err := m.Begin(context.Background(), "a"); !first || err != nil {
		t.Fatal(first, err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := m.Begin(ctx, "a"); !errors.Is(err, webhook.ErrBusy) || webhook.StatusCode(err) != 503 {
		t.Errorf("%v", err)
	}
}

func TestMemoryForgets(t *testing.T) {
	ctx := context.Background()
	at := now
	m := &webhook.Memory{Limit: 2, Keep: time.Hour, Now: func() time.Time { return at }}
	handle := func(id string) bool {
		first, err := m.Begin(ctx, id)
		if err != nil {
			t.Fatal(err)
		}
		if first {
			if err := m.End(ctx, id, true); err != nil {
				t.Fatal(err)
			}
		}
		return first
	}
	var got []bool
	for _, id := range []string{"a", "a", "b", "c", "b", "a"} { // c pushes a out
		got = append(got, handle(id))
	}
	at = at.Add(time.Hour)
	got = append(got, handle("a"))
	if diff := cmp.Diff([]bool{true, false, true, true, false, true, true}, got); diff != "" {
		t.Errorf("first? (-want +got)\n%s", diff)
	}
	if err := m.End(ctx, "never begun", true); err != nil {
		t.Error(err)
	}
}

type brokenStore struct{ begin, end error }

func (b brokenStore) Begin(context.Context, string) (bool, error) { return true, b.begin }
func (b brokenStore) End(context.Context, string, bool) error     { return b.end }

func TestABrokenStore(t *testing.T) {
	for _, c := range []struct {
		store        brokenStore
		status, told int
	}{
		{brokenStore{begin: errors.New("no route")}, 503, 1}, // not known whether it was handled
		{brokenStore{begin: webhook.ErrBusy}, 503, 1},
		{brokenStore{end: errors.New("no route")}, 204, 1}, // it was handled
	} {
		told := 0
		r := newReceiver(t, webhook.Options{Secrets: []string{secret}, Seen: c.store, OnError: func(context.Context, error) { told++ }})
		h := r.MessageHandler(func(context.Context, webhook.Message) error { return nil })
		if w := post(h, signed(t, "m", now, "x", secret), "x"); w.Code != c.status || told != c.told {
			t.Errorf("%+v: %d, told %d times", c.store, w.Code, told)
		}
	}
}

func TestSubscriptionsAreConfirmed(t *testing.T) {
	host := "https://sns.eu-central-1.amazonaws.com/"
	good := confirmation("SubscriptionConfirmation")["SubscribeURL"]
	for _, c := range []struct {
		name, url string
		answer    func(*http.Request) *http.Response
		status    int
		asked     bool
	}{
		{"as SNS asks", good, nil, 204, true},
		{"elsewhere", "https://evil.example/?Action=ConfirmSubscription&TopicArn=" + topic, nil, 400, false},
		{"without TLS", strings.Replace(good, "https", "http", 1), nil, 400, false},
		{"another action", host + "?Action=DeleteTopic&TopicArn=" + topic, nil, 400, false},
		{"another topic", host + "?Action=ConfirmSubscription&TopicArn=" + topic + "2", nil, 400, false},
		{"SNS is down", good, func(*http.Request) *http.Response { return reply(500, "") }, 503, true},
		{"SNS leads elsewhere", good, func(*http.Request) *http.Response {
			r := reply(302, "")
			r.Header.Set("Location", "https://evil.example/")
			return r
		}, 503, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := newAmazon(t)
			if c.answer != nil {
				a.answer = func(req *http.Request) *http.Response {
					if req.URL.String() == certURL {
						return reply(200, pemOf(a.cert))
					}
					return c.answer(req)
				}
			}
			r := newReceiver(t, webhook.Options{Topics: []string{topic}, HTTPClient: a.client()})
			m := a.sign(t, confirmation("SubscriptionConfirmation").with("SubscribeURL", c.url))
			w := post(r.Handler(nil), m.header(), string(m.body(t)))
			want := []string{"GET " + certURL}
			if c.asked {
				want = append(want, "GET "+c.url)
			}
			if diff := cmp.Diff(want, a.requests); diff != "" || w.Code != c.status {
				t.Errorf("%d, requests (-want +got)\n%s", w.Code, diff)
			}
		})
	}
}

func TestNobodyElsesSubscriptionIsConfirmed(t *testing.T) {
	a := newAmazon(t)
	r := newReceiver(t, webhook.Options{Topics: []string{topic}, HTTPClient: a.client()})
	m := a.sign(t, confirmation("SubscriptionConfirmation").with("TopicArn", topic+"2"))
	if w := post(r.Handler(nil), m.header(), string(m.body(t))); w.Code != 403 || len(a.requests) != 0 {
		t.Errorf("%d, requests %v", w.Code, a.requests)
	}
}

func TestTheEndOfASubscriptionIsTold(t *testing.T) {
	a := newAmazon(t)
	ended := ""
	r := newReceiver(t, webhook.Options{Topics: []string{topic}, HTTPClient: a.client(), Unsubscribed: func(_ context.Context, arn string) { ended = arn }})
	m := a.sign(t, confirmation("UnsubscribeConfirmation"))
	if w := post(r.Handler(nil), m.header(), string(m.body(t))); w.Code != 204 || ended != topic || len(a.requests) != 1 {
		t.Errorf("%d, told %q, requests %v", w.Code, ended, a.requests)
	}
}
