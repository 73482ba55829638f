package localtest

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/coder/websocket"
)

// patience is how long what is on its way through the process may take, by the wall clock.
const patience = 10 * time.Second

// Subscription is a subscription to the GraphQL API by a websocket of its own, as AppSync's
// clients make one.
type Subscription struct {
	stack    *Stack
	id       string
	conn     *websocket.Conn
	received chan []byte // the payloads
	taken    int
	ended    error // set before received is closed
}

// Subscribe begins a subscription. One that is refused ends the test.
func (c *Client) Subscribe(query string, variables M) *Subscription {
	c.t.Helper()
	sub, err := c.TrySubscribe(query, variables)
	if err != nil {
		c.t.Fatalf("localtest: subscribing: %v", err)
	}
	return sub
}

// message is a frame of AppSync's protocol, of either side.
type message struct {
	Type    string          `json:"type"`
	ID      string          `json:"id,omitempty"`
	Payload json.RawMessage `json:"payload,omitempty"`
}

// TrySubscribe is Subscribe that returns the refusal.
func (c *Client) TrySubscribe(query string, variables M) (*Subscription, error) {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if variables == nil {
		variables = M{}
	}
	data := string(encode(c.t, M{"query": query, "variables": variables}))
	protocol := "header-" + base64.RawURLEncoding.EncodeToString(encode(c.t, c.credentials("/graphql/connect", "{}")))
	conn, res, err := websocket.Dial(ctx, "http://"+host+"/graphql/realtime", &websocket.DialOptions{ //nolint:bodyclose // the library closes it
		HTTPClient: &http.Client{Transport: c.stack.Transport()}, Subprotocols: []string{"graphql-ws", protocol},
	})
	if err != nil {
		if res != nil {
			return nil, fmt.Errorf("%s: %w", res.Status, err)
		}
		return nil, err
	}
	conn.SetReadLimit(1 << 20)
	c.stack.subscriptions++
	s := &Subscription{stack: c.stack, id: fmt.Sprint("localtest-", c.stack.subscriptions), conn: conn, received: make(chan []byte, 1<<16)}
	start := message{Type: "start", ID: s.id, Payload: encode(c.t, M{
		"data": data, "extensions": M{"authorization": c.credentials("/graphql", data)},
	})}
	if err := s.open(ctx, encode(c.t, message{Type: "connection_init"}), encode(c.t, start)); err != nil {
		_ = conn.CloseNow()
		return nil, err
	}
	go s.read()
	c.t.Cleanup(s.Close)
	return s, nil
}

// credentials are the headers of a request, as the protocol sends them.
func (c *Client) credentials(path, body string) map[string]string {
	c.t.Helper()
	r := c.With("Accept", "application/json, text/javascript").With("Content-Encoding", "amz-1.0").
		With("Content-Type", "application/json; charset=UTF-8").request("POST", path, body, "appsync")
	credentials := map[string]string{"host": host}
	for name, values := range r.Header {
		if name != "Authorization" {
			name = strings.ToLower(name)
		}
		credentials[name] = values[0]
	}
	return credentials
}

// open brings the connection and the subscription about.
func (s *Subscription) open(ctx context.Context, frames ...[]byte) error {
	for i, want := range []string{"connection_ack", "start_ack"} {
		if err := s.conn.Write(ctx, websocket.MessageText, frames[i]); err != nil {
			return err
		}
		for got := ""; got != want; {
			m, err := s.receive(ctx)
			if err != nil {
				return err
			}
			if got = m.Type; strings.HasSuffix(got, "error") {
				return errors.New(string(m.Payload))
			}
		}
	}
	return nil
}

func (s *Subscription) receive(ctx context.Context) (message, error) {
	var m message
	_, b, err := s.conn.Read(ctx)
	if err != nil {
		return m, err
	}
	return m, json.Unmarshal(b, &m)
}

// read takes what comes, so that the stack never has to wait for this client.
func (s *Subscription) read() {
	defer close(s.received)
	for {
		m, err := s.receive(context.Background())
		switch {
		case err != nil:
			s.ended = err
			return
		case m.Type == "data":
			s.received <- m.Payload
		case m.Type == "error":
			s.ended = errors.New(string(m.Payload))
			return
		case m.Type == "complete":
			s.ended = errors.New("the server ended it")
			return
		}
	}
}

// sent counts a frame that goes out.
func (s *Stack) sent(frame []byte) {
	var m struct{ ID string }
	if json.Unmarshal(frame, &m) == nil {
		s.mu.Lock()
		s.frames[m.ID]++
		s.mu.Unlock()
	}
}

// Pending is how many events were sent to the subscription that Next has not returned yet.
func (s *Subscription) Pending() int {
	s.stack.mu.Lock()
	defer s.stack.mu.Unlock()
	return s.stack.frames[s.id] - s.taken
}

// Next lets the stack's time pass until an event comes, and returns its data: an object with the
// subscription's field. It ends the test if there is none within limit.
func (s *Subscription) Next(limit time.Duration) Value {
	t := s.stack.t
	t.Helper()
	if s.Pending() == 0 {
		s.stack.Eventually(func() bool { return s.Pending() > 0 }, limit)
	}
	select {
	case payload, ok := <-s.received:
		if !ok {
			t.Fatalf("localtest: the subscription ended: %v", s.ended)
		}
		s.taken++
		var p struct{ Data, Errors json.RawMessage }
		if err := json.Unmarshal(payload, &p); err != nil || len(p.Errors) > 0 {
			t.Fatalf("localtest: the subscription's event is an error: %s", payload)
		}
		return Value{p.Data, t}
	case <-time.After(patience):
		t.Fatal("localtest: an event was sent, but did not arrive")
	}
	panic("unreachable")
}

// Close ends the subscription and its connection.
func (s *Subscription) Close() { _ = s.conn.CloseNow() }
