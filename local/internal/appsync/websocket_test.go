package appsync_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/orderflow-cdk/orderflow/local/internal/api"
	"github.com/orderflow-cdk/orderflow/local/internal/appsync"
	"github.com/orderflow-cdk/orderflow/local/internal/sim"
)

func liveEvents(t testing.TB) (*appsync.API, string, *live) {
	s := stack{schema: eventSchema, resolvers: map[string]string{
		"Mutation.publish": `export function request(ctx) { return { payload: ctx.args.event }; } export function response(ctx) { return ctx.result; }`,
	}}
	k := sim.New(time.Now(), 1)
	a, err := appsync.New(k, api.Func(func(api.Call) ([]byte, error) { return nil, nil }), s.config, s.list())
	if err != nil {
		t.Fatal(err)
	}
	url, l := serveLive(t, k, a)
	return a, url, l
}

// dial connects and subscribes to an order's events.
func dial(ctx context.Context, url, order string) (*websocket.Conn, error) {
	key := appsync.KeyValue("Key")
	credentials := map[string]string{"host": "h", "x-api-key": key}
	c, _, err := websocket.Dial(ctx, "ws"+strings.TrimPrefix(url, "http")+"/realtime", &websocket.DialOptions{
		Subprotocols: []string{"graphql-ws", "header-" + encodeHeader(credentials)},
	})
	if err != nil {
		return nil, err
	}
	data, _ := json.Marshal(m{"query": "subscription S($o: ID) {onEvent(orderId: $o) {" + eventFields + "}}", "variables": m{"o": order}})
	start, _ := json.Marshal(m{"id": "s", "type": "start", "payload": m{"data": string(data), "extensions": m{"authorization": credentials}}})
	for _, frame := range []string{`{"type":"connection_init"}`, string(start)} {
		if err := c.Write(ctx, websocket.MessageText, []byte(frame)); err != nil {
			return nil, err
		}
	}
	for _, want := range []string{"connection_ack", "ka", "start_ack"} {
		if _, frame, err := c.Read(ctx); err != nil || !strings.Contains(string(frame), `"type":"`+want+`"`) {
			return nil, fmt.Errorf("want %s, got %s %w", want, frame, err)
		}
	}
	return c, nil
}

func (l *live) publish(t testing.TB, a *appsync.API, order string) {
	l.enter(func() {
		a.Serve(publish(a, order), func(res *appsync.Response) {
			if res.Status != http.StatusOK || strings.Contains(string(res.Body), "errors") {
				t.Errorf("%d %s", res.Status, res.Body)
			}
		})
	})
}

func TestSocketsOfManyClients(t *testing.T) {
	a, url, l := liveEvents(t)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	const clients = 100
	var subscribed, received sync.WaitGroup
	for i := range clients {
		subscribed.Add(1)
		received.Go(func() {
			order := fmt.Sprint("o", i)
			c, err := dial(ctx, url, order)
			subscribed.Done()
			if err != nil {
				t.Error(err)
				return
			}
			defer func() { _ = c.CloseNow() }()
			_, frame, err := c.Read(ctx)
			if err != nil || !strings.Contains(string(frame), `"orderId":"`+order+`"`) {
				t.Errorf("%s: %s %v", order, frame, err)
			}
		})
	}
	subscribed.Wait()
	for i := range clients {
		l.publish(t, a, fmt.Sprint("o", i))
	}
	received.Wait()
	until(t, l, "all have left", func() bool { return a.Connections() == 0 && a.Subscriptions() == 0 })
}

func until(t *testing.T, l *live, what string, done func() bool) {
	t.Helper()
	for range 1000 {
		var is bool
		l.enter(func() { is = done() })
		if is {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Errorf("not so: %s", what)
}

// TestAClientThatDoesNotRead must not hold anybody up, and is dropped.
func TestAClientThatDoesNotRead(t *testing.T) {
	a, url, l := liveEvents(t)
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	silent, err := dial(ctx, url, "o1")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = silent.CloseNow() }()
	r := publish(a, "o1")
	r.Body = []byte(strings.Replace(string(r.Body), `"extra":"x"`, `"extra":"`+strings.Repeat("x", 200_000)+`"`, 1))
	var slowest time.Duration
	dropped := false
	for range 200 { // 40 MB
		begun := time.Now()
		l.enter(func() {
			a.Serve(r, func(*appsync.Response) {})
			dropped = a.Connections() == 0
		})
		slowest = max(slowest, time.Since(begun))
		if dropped {
			break
		}
	}
	if slowest > 2*time.Second {
		t.Errorf("a mutation took %v", slowest)
	}
	until(t, l, "the client is dropped", func() bool { return a.Connections() == 0 })
}

func TestSocketsElsewhere(t *testing.T) {
	_, url, _ := liveEvents(t)
	_, res, err := websocket.Dial(t.Context(), "ws"+strings.TrimPrefix(url, "http")+"/else", nil)
	if err == nil || res == nil || res.StatusCode != http.StatusNotFound {
		t.Errorf("%v %v", res, err)
	}
}
