package client_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/orderflow-cdk/orderflow/client"
)

func TestRealtimeURL(t *testing.T) {
	for _, c := range []struct{ graphQL, realtime, want string }{
		{"", "", ""},
		{"https://abcdefghijklmnopqrstuvwxyz.appsync-api.eu-central-1.amazonaws.com/graphql", "", "wss://abcdefghijklmnopqrstuvwxyz.appsync-realtime-api.eu-central-1.amazonaws.com/graphql"},
		{"https://abcdefghijklmnopqrstuvwxyz.appsync-api.cn-north-1.amazonaws.com.cn/graphql", "", "wss://abcdefghijklmnopqrstuvwxyz.appsync-realtime-api.cn-north-1.amazonaws.com.cn/graphql"},
		{"https://events.shop.example/graphql", "", "wss://events.shop.example/graphql/realtime"},
		{"http://127.0.0.1:8080/graphql", "", "ws://127.0.0.1:8080/graphql/realtime"},
		{"https://x.appsync-api.eu-central-1.amazonaws.com.evil.example/graphql", "", "wss://x.appsync-api.eu-central-1.amazonaws.com.evil.example/graphql/realtime"},
		{"https://events.shop.example/graphql", "wss://other.example/r", "wss://other.example/r"},
	} {
		if got, err := client.RealtimeURL(c.graphQL, c.realtime); got != c.want || err != nil {
			t.Errorf("%s: %s, %v; want %s", c.graphQL, got, err, c.want)
		}
	}
	if _, err := client.RealtimeURL("https://x.example/graphql", "other.example"); err == nil {
		t.Error("a RealtimeURL without scheme was accepted")
	}
}

func TestSubscribe(t *testing.T) {
	noLeaks(t)
	ctx := context.Background()
	a, s := newAPI(t), newAppSync(t)
	a.add(whole...)
	s.started = func(s *session, id string) {
		s.ack(id)
		s.push(id, a.pushed(2)) // raw: out of order, and twice
		s.push(id, a.pushed(2))
		s.push(id, a.pushed(1))
	}
	c := realtime(t, a, s, client.Options{Authorize: client.IDToken(client.Static("tok"))})
	before := time.Now()
	sub, err := c.Subscribe(ctx, client.SubscribeOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if sub.Active.Before(before) || sub.Active.After(time.Now()) {
		t.Errorf("active at %v", sub.Active)
	}
	var got []int64
	for e, err := range sub.All(ctx) {
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(a.pushed(e.Sequence), e); diff != "" {
			t.Errorf("(-want +got)\n%s", diff)
		}
		if got = append(got, e.Sequence); len(got) == 3 {
			sub.Close()
		}
	}
	if diff := cmp.Diff([]int64{2, 2, 1}, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	sub.Close()
	if _, err := sub.Next(ctx); !errors.Is(err, client.ErrClosed) {
		t.Errorf("%v", err)
	}

	host := strings.TrimPrefix(s.URL, "http://")
	protocols := strings.Split(s.protocols[0], ",")
	if strings.TrimSpace(protocols[0]) != "graphql-ws" || len(protocols) != 2 {
		t.Fatalf("subprotocols %q", protocols)
	}
	encoded, _ := strings.CutPrefix(strings.TrimSpace(protocols[1]), "header-")
	header, err := base64.RawURLEncoding.DecodeString(encoded)
	if err != nil {
		t.Fatal(err)
	}
	var payload struct {
		Data       string
		Extensions struct{ Authorization json.RawMessage }
	}
	if err := json.Unmarshal(s.starts[0], &payload); err != nil {
		t.Fatal(err)
	}
	for _, j := range [][]byte{header, payload.Extensions.Authorization} {
		if want := `{"Authorization":"tok","host":"` + host + `"}`; string(j) != want {
			t.Errorf("credentials %s, want %s", j, want)
		}
	}
	if want := `{"query":"subscription { onMyOrders { id type orderId tenant status previousStatus sequence occurredAt changes } }","variables":{}}`; payload.Data != want {
		t.Errorf("got %s, want %s", payload.Data, want)
	}
}

func TestSubscriptionsShareConnections(t *testing.T) {
	noLeaks(t)
	a, s := newAPI(t), newAppSync(t)
	c := realtime(t, a, s, client.Options{})
	const n = 150
	subs := make(chan *client.Subscription, n)
	for range n {
		go func() {
			sub, err := c.SubscribeOrder(context.Background(), orderID)
			if err != nil {
				t.Error(err)
			}
			subs <- sub
		}()
	}
	var all []*client.Subscription
	for range n {
		all = append(all, <-subs)
	}
	if connections, open, _ := s.counts(); connections != 2 || open != 2 {
		t.Errorf("%d connections, %d open; want 2", connections, open)
	}
	for _, sub := range all {
		if sub != nil {
			sub.Close()
		}
	}
	for range 100 {
		if _, open, stops := s.counts(); open == 0 && stops == n {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	_, open, stops := s.counts()
	t.Errorf("%d connections are open after %d stops", open, stops)
}

func TestSubscriptionsEnd(t *testing.T) {
	ctx := context.Background()
	t.Run("without an API", func(t *testing.T) {
		c, _ := newClient(t, newAPI(t), client.Options{})
		if _, err := c.Subscribe(ctx, client.SubscribeOptions{}); !errors.Is(err, client.ErrNoGraphQL) {
			t.Errorf("%v", err)
		}
	})
	t.Run("refused", func(t *testing.T) {
		noLeaks(t)
		s := newAppSync(t)
		s.refuse = "UnauthorizedException"
		_, err := realtime(t, newAPI(t), s, client.Options{}).Subscribe(ctx, client.SubscribeOptions{Statuses: []string{"PAID"}})
		var refused *client.SubscriptionError
		if !errors.Is(err, client.ErrUnauthorized) || !errors.As(err, &refused) || refused.Message != "Permission denied" {
			t.Errorf("%v", err)
		}
	})
	t.Run("no such endpoint", func(t *testing.T) {
		a := newAPI(t)
		c, _ := newClient(t, a, client.Options{GraphQLURL: a.URL + "/graphql"})
		_, err := c.Subscribe(ctx, client.SubscribeOptions{})
		var refused *client.SubscriptionError
		if !errors.As(err, &refused) || refused.Code != 404 {
			t.Errorf("%v", err)
		}
	})
	t.Run("with the context", func(t *testing.T) {
		noLeaks(t)
		s := newAppSync(t)
		ctx, cancel := context.WithCancel(ctx)
		sub, err := realtime(t, newAPI(t), s, client.Options{}).Subscribe(ctx, client.SubscribeOptions{})
		if err != nil {
			t.Fatal(err)
		}
		cancel()
		if _, err := sub.Next(context.Background()); !errors.Is(err, context.Canceled) {
			t.Errorf("%v", err)
		}
	})
	t.Run("with silence", func(t *testing.T) {
		noLeaks(t)
		s := newAppSync(t)
		s.timeoutMs = 50
		sub, err := realtime(t, newAPI(t), s, client.Options{}).Subscribe(ctx, client.SubscribeOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := sub.Next(ctx); err == nil || !strings.Contains(err.Error(), "no keep-alive for 50ms") {
			t.Errorf("%v", err)
		}
	})
	t.Run("with a reader that is too slow", func(t *testing.T) {
		noLeaks(t)
		a, s := newAPI(t), newAppSync(t)
		a.add("ACCEPTED")
		s.started = func(s *session, id string) {
			s.ack(id)
			for range 1100 {
				s.push(id, a.pushed(1))
			}
		}
		sub, err := realtime(t, a, s, client.Options{}).Subscribe(ctx, client.SubscribeOptions{})
		if err != nil {
			t.Fatal(err)
		}
		for { // once the server has been told, the client has given up
			if _, _, stops := s.counts(); stops == 1 {
				break
			}
			time.Sleep(5 * time.Millisecond)
		}
		n := 0
		for _, err = range sub.All(ctx) {
			n++
		}
		if !errors.Is(err, client.ErrSlow) || n != 1025 {
			t.Errorf("%v after %d", err, n-1)
		}
	})
}

func TestSignedSubscriptionsSayWhatWasSigned(t *testing.T) {
	s := newAppSync(t)
	var paths []string
	c := realtime(t, newAPI(t), s, client.Options{AuthorizeGraphQL: func(req *http.Request) error {
		paths = append(paths, req.Method+" "+req.URL.Path)
		if req.ContentLength > 0 {
			t.Error("a length would be signed that AppSync does not know")
		}
		req.Header.Set("Authorization", "AWS4-HMAC-SHA256 x")
		req.Header.Set("X-Amz-Date", "20260102T030405Z")
		return nil
	}})
	sub, err := c.Subscribe(context.Background(), client.SubscribeOptions{})
	if err != nil {
		t.Fatal(err)
	}
	sub.Close()
	if diff := cmp.Diff([]string{"POST /graphql/connect", "POST /graphql"}, paths); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	var p struct {
		Extensions struct{ Authorization map[string]string }
	}
	if err := json.Unmarshal(s.starts[0], &p); err != nil {
		t.Fatal(err)
	}
	want := map[string]string{"Authorization": "AWS4-HMAC-SHA256 x", "x-amz-date": "20260102T030405Z", "host": strings.TrimPrefix(s.URL, "http://"),
		"accept": "application/json, text/javascript", "content-encoding": "amz-1.0", "content-type": "application/json; charset=UTF-8"}
	if diff := cmp.Diff(want, p.Extensions.Authorization); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}
