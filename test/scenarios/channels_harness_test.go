package scenarios_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"slices"
	"testing"
	"time"

	api "github.com/orderflow-cdk/orderflow/client"
	"github.com/orderflow-cdk/orderflow/event"
	"github.com/orderflow-cdk/orderflow/internal/localapp"
	"github.com/orderflow-cdk/orderflow/local"
	"github.com/orderflow-cdk/orderflow/webhook"
)

// world is an environment of the app with customers around it.
type world struct {
	*local.Stack
	t      testing.TB
	hosts  local.Hosts // the internet, as far as customers have it
	frames []frame     // what went out to websockets
}

// frame is an event on its way to a websocket.
type frame struct {
	at           time.Time
	subscription string // its field
	id           string // the event's
}

// around starts a world around the dev environment.
func around(t testing.TB, o local.Options) *world {
	t.Helper()
	return aroundOf(t, "dev", o)
}

// aroundOf starts a world around an environment. OnFrame is its own, and Egress too
// unless it is set.
func aroundOf(t testing.TB, environment string, o local.Options) *world {
	t.Helper()
	w := &world{t: t, hosts: local.Hosts{}}
	if o.Egress == nil {
		o.Egress = localapp.Egress(w.hosts)
	}
	if o.Logs == nil {
		o.Logs = testLog{t}
	}
	o.OnFrame = func(at time.Time, subscription string, b []byte) {
		w.frames = append(w.frames, frame{at, subscription, frameID(b)})
	}
	w.Stack = run(t, environment, o)
	return w
}

func frameID(b []byte) string {
	var f struct {
		Payload struct {
			Data map[string]struct{ ID string }
		}
	}
	if json.Unmarshal(b, &f) == nil {
		for _, data := range f.Payload.Data {
			return data.ID
		}
	}
	return string(b)
}

// as is package client for a tenant's user, in the stack's time.
func (w *world) as(tenant string) *api.Client {
	w.t.Helper()
	c, err := api.New(w.Outputs()["ApiUrl"], api.Options{
		HTTPClient: &http.Client{Transport: w.Transport()}, GraphQLURL: w.Outputs()["GraphQLUrl"], Tenant: tenant,
		Authorize: api.IDToken(func(context.Context) (string, error) {
			return signIn(w.Stack, tenant)
		}),
		Sleep: func(ctx context.Context, d time.Duration) error { w.Advance(d); return ctx.Err() },
		Now:   w.Now, Retry: api.Retry{Attempts: 1},
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return c
}

// post is a request that an endpoint got.
type post struct {
	at     time.Time
	header http.Header
	body   []byte
	status int // of the answer
}

func (p post) id() string { return p.header.Get(webhook.HeaderID) }

// endpoint is a customer's: a receiver of package webhook at an address of its own.
type endpoint struct {
	*world
	tenant, id, secret string
	posts              []post
	told               []event.Event // by the receiver, which drops what it had before
	receive            http.Handler
	// answer, if set, answers instead of the receiver.
	answer http.Handler
}

// endpoint registers one of a tenant, which hears of these statuses, or of all.
func (w *world) endpoint(tenant, host string, statuses ...string) *endpoint {
	w.t.Helper()
	e := &endpoint{world: w, tenant: tenant}
	w.hosts[host] = e
	body, err := json.Marshal(api.NewWebhook{URL: "https://" + host + "/hook", Statuses: statuses})
	if err != nil {
		w.t.Fatal(err)
	}
	made := as(w.t, w.Stack, tenant).do("POST", "/webhooks", string(body)).want(http.StatusCreated)
	e.id, e.secret = made.text("id"), made.text("secret")
	e.trust(e.secret)
	return e
}

// trust makes the receiver accept these secrets and no others.
func (e *endpoint) trust(secrets ...string) {
	r, err := webhook.New(webhook.Options{Secrets: secrets, Now: e.Now, OnError: func(_ context.Context, err error) {
		e.t.Errorf("%s does not accept what it got: %v", e.id, err)
	}})
	if err != nil {
		e.t.Fatal(err)
	}
	e.receive = r.Handler(func(_ context.Context, ev event.Event) error {
		e.told = append(e.told, ev)
		return nil
	})
}

// ServeHTTP implements http.Handler.
func (e *endpoint) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		e.t.Error(err)
	}
	n := len(e.posts)
	e.posts = append(e.posts, post{at: e.Now(), header: r.Header.Clone(), body: body})
	r.Body = io.NopCloser(bytes.NewReader(body))
	noted := &statusNoted{ResponseWriter: w}
	if e.answer != nil {
		e.answer.ServeHTTP(noted, r)
	} else {
		e.receive.ServeHTTP(noted, r)
	}
	e.posts[n].status = noted.status
}

type statusNoted struct {
	http.ResponseWriter
	status int
}

// WriteHeader implements http.ResponseWriter.
func (s *statusNoted) WriteHeader(status int) {
	s.status = status
	s.ResponseWriter.WriteHeader(status)
}

// shown is the endpoint as the API shows it.
func (e *endpoint) shown() map[string]any {
	e.t.Helper()
	return as(e.t, e.Stack, e.tenant).do("GET", "/webhooks/"+e.id, "").want(http.StatusOK).fields()
}

// answering is an endpoint's answer that is always the same. The headers are names and values.
func answering(status int, headers ...string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		for i := 0; i < len(headers); i += 2 {
			w.Header().Set(headers[i], headers[i+1])
		}
		w.WriteHeader(status)
	})
}

// listener is somebody at a websocket.
type listener struct {
	*world
	sub  *api.Subscription
	told []event.Event
}

func (w *world) listen(tenant string) *listener {
	w.t.Helper()
	sub, err := w.as(tenant).Subscribe(context.Background(), api.SubscribeOptions{})
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(sub.Close)
	return &listener{world: w, sub: sub}
}

func (w *world) listenTo(tenant, order string) *listener {
	w.t.Helper()
	sub, err := w.as(tenant).SubscribeOrder(context.Background(), order)
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(sub.Close)
	return &listener{world: w, sub: sub}
}

// hear waits until an event has come that is the last one of interest: a connection
// keeps the order in which the stack sent, so that whatever was sent before is told by then.
func (l *listener) hear(last string) {
	l.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	for {
		e, err := l.sub.Next(ctx)
		if err != nil {
			l.t.Fatalf("waiting for %s: %v; told so far: %v", last, err, ids(l.told))
		}
		l.told = append(l.told, e)
		if e.ID == last {
			return
		}
	}
}

func ids(events []event.Event) []string {
	all := make([]string, len(events))
	for i, e := range events {
		all[i] = e.ID
	}
	return all
}

// byOrder is the ids that were told of each order, as they came, without repetitions.
func byOrder(events []event.Event) map[string][]string {
	all := map[string][]string{}
	for _, e := range events {
		if !slices.Contains(all[e.OrderID], e.ID) {
			all[e.OrderID] = append(all[e.OrderID], e.ID)
		}
	}
	return all
}

// sorted is byOrder in the order of sequences, for channels that were disturbed.
func sorted(events []event.Event) map[string][]string {
	events = slices.Clone(events)
	slices.SortStableFunc(events, func(a, b event.Event) int { return int(a.Sequence - b.Sequence) })
	return byOrder(events)
}

// submit places an order and returns its id.
func (w *world) submit(tenant, body string, header ...string) string {
	w.t.Helper()
	c := as(w.t, w.Stack, tenant)
	for i := 0; i < len(header); i += 2 {
		c = c.with(header[i], header[i+1])
	}
	return c.do("POST", "/orders", body).want(http.StatusAccepted).text("orderId")
}

// history is the events that the order's history tells to who polls.
func (w *world) history(tenant string, orders ...string) []event.Event {
	w.t.Helper()
	var all []event.Event
	for _, id := range orders {
		o, err := w.as(tenant).Get(context.Background(), id)
		if err != nil {
			w.t.Fatal(err)
		}
		all = append(all, o.Events(0, tenant)...)
	}
	return all
}

// settle lets time pass until the orders have come to their ends, and a little more.
func (w *world) settle(tenant string, orders ...string) {
	w.t.Helper()
	for _, id := range orders {
		as(w.t, w.Stack, tenant).settle("/orders/" + url.PathEscape(id) + "/status")
	}
	w.Advance(5 * time.Second)
}

// nothingGivenUp checks that no channel has given up anything.
func (w *world) nothingGivenUp() {
	w.t.Helper()
	for _, q := range []string{"WebhooksDeadLetterQueueUrl", "SubscriptionDeadLetterQueueUrl", "OutboxFailureQueueUrl"} {
		if n := messages(w.t, w.Stack, w.Outputs()[q]); n != 0 {
			w.t.Errorf("%d messages in %s", n, q)
		}
	}
}

// deliveries is the URL of the queue of events and deliveries.
func (w *world) deliveries() string {
	dead := w.Outputs()["WebhooksDeadLetterQueueUrl"]
	out := call(w.t, w.Stack, "sqs", "ListDeadLetterSourceQueues", map[string]any{"QueueUrl": dead})
	urls, _ := out["queueUrls"].([]any)
	if len(urls) != 1 {
		w.t.Fatalf("sources of %s: %v", dead, out)
	}
	return urls[0].(string)
}
