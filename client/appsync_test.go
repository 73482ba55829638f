package client_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/orderflow-cdk/orderflow/client"
	"github.com/orderflow-cdk/orderflow/event"
)

// appsync plays the real-time endpoint. What a subscription gets, a test writes.
type appsync struct {
	*httptest.Server
	timeoutMs int  // connectionTimeoutMs
	mute      bool // never acknowledges a connection
	refuse    string
	// started is called for each start, on the connection's goroutine; default acknowledges it.
	started func(s *session, id string)

	mu          sync.Mutex
	connections int
	open        int
	protocols   []string
	starts      []json.RawMessage
	stops       int
}

type session struct {
	t    testing.TB
	conn *websocket.Conn
	n    int // which connection it is, from 1
}

func (s *session) send(v any) {
	b, err := json.Marshal(v)
	if err != nil {
		s.t.Error(err)
	}
	_ = s.conn.Write(context.Background(), websocket.MessageText, b) // it may be gone
}

type frame map[string]any

func (s *session) ack(id string) { s.send(frame{"type": "start_ack", "id": id}) }

func (s *session) push(id string, e event.Event) {
	changes, err := json.Marshal(e.Changes)
	if err != nil {
		s.t.Error(err)
	}
	var previous any
	if e.PreviousStatus != "" {
		previous = e.PreviousStatus
	}
	s.send(frame{"type": "data", "id": id, "payload": frame{"data": frame{"onOrderStatus": frame{
		"id": e.ID, "type": e.Type, "orderId": e.OrderID, "tenant": e.Tenant, "status": e.Status, "previousStatus": previous,
		"sequence": e.Sequence, "occurredAt": e.OccurredAt, "changes": string(changes)}}}})
}

func newAppSync(t testing.TB) *appsync {
	t.Helper()
	a := &appsync{timeoutMs: 300000, started: func(s *session, id string) { s.ack(id) }}
	a.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { a.serve(t, w, r) }))
	t.Cleanup(a.Close)
	return a
}

func (a *appsync) serve(t testing.TB, w http.ResponseWriter, r *http.Request) {
	if r.URL.Path != "/graphql/realtime" {
		http.NotFound(w, r)
		return
	}
	conn, err := websocket.Accept(w, r, &websocket.AcceptOptions{Subprotocols: []string{"graphql-ws"}})
	if err != nil {
		t.Error(err)
		return
	}
	defer func() { _ = conn.CloseNow() }()
	a.mu.Lock()
	a.connections++
	a.open++
	a.protocols = append(a.protocols, r.Header.Get("Sec-WebSocket-Protocol"))
	s := &session{t, conn, a.connections}
	a.mu.Unlock()
	defer func() {
		a.mu.Lock()
		a.open--
		a.mu.Unlock()
	}()
	for {
		_, b, err := conn.Read(r.Context())
		if err != nil {
			return
		}
		var m struct {
			Type, ID string
			Payload  json.RawMessage
		}
		if err := json.Unmarshal(b, &m); err != nil {
			t.Error(err)
		}
		switch {
		case m.Type == "connection_init" && a.refuse != "":
			s.send(frame{"type": "connection_error", "payload": frame{"errors": []frame{{"errorType": a.refuse, "errorCode": 401, "message": "Permission denied"}}}})
		case m.Type == "connection_init" && !a.mute:
			s.send(frame{"type": "connection_ack", "payload": frame{"connectionTimeoutMs": a.timeoutMs}})
			s.send(frame{"type": "ka"})
		case m.Type == "start":
			a.mu.Lock()
			a.starts = append(a.starts, m.Payload)
			a.mu.Unlock()
			a.started(s, m.ID)
		case m.Type == "stop":
			a.mu.Lock()
			a.stops++
			a.mu.Unlock()
			s.send(frame{"type": "complete", "id": m.ID})
		}
	}
}

func (a *appsync) counts() (connections, open, stops int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.connections, a.open, a.stops
}

// quick sleeps a hundredth of the time.
func quick(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d / 100)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// realtime returns a client of both fakes whose waits are a hundred times shorter.
func realtime(t testing.TB, a *api, s *appsync, o client.Options) *client.Client {
	t.Helper()
	o.GraphQLURL, o.Sleep, o.Now = s.URL+"/graphql", quick, time.Now
	c, _ := newClient(t, a, o)
	return c
}

// noLeaks fails the test if goroutines of this package's clients outlive it. It is called first.
func noLeaks(t *testing.T) {
	t.Helper()
	t.Cleanup(func() {
		var stacks string
		for range 100 {
			b := make([]byte, 1<<20)
			stacks = string(b[:runtime.Stack(b, true)])
			if !strings.Contains(stacks, "orderflow/client.(*") {
				return
			}
			time.Sleep(20 * time.Millisecond)
		}
		t.Errorf("goroutines are left:\n%s", stacks)
	})
}
