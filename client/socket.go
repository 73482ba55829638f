package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/coder/websocket"
)

const (
	// subscriptionsPerSocket is how many subscriptions share a connection; AppSync
	// allows 200.
	subscriptionsPerSocket = 100
	// keepAlive is how long a connection may be silent if the server does not say.
	keepAlive = 5 * time.Minute
	// maxFrame is the largest message that is read, in bytes; AppSync sends up to 240 kB.
	maxFrame = 1 << 20
	// writeTimeout is how long a frame may take to be written.
	writeTimeout = 10 * time.Second
	// closeTimeout is how long the server may take to say goodbye.
	closeTimeout = time.Second
)

// errSocketClosed ends the subscriptions of a connection that is closed on purpose.
var errSocketClosed = errors.New("the connection is closed")

// socket is one connection with its subscriptions. Its reader is the only
// goroutine that ends them.
type socket struct {
	client *Client
	conn   *websocket.Conn
	silent time.Duration // how long it may be, before it counts as broken

	mu   sync.Mutex
	next int
	subs map[string]*Subscription
	err  error // set once it is broken or closed
}

// dial opens a connection and waits for its acknowledgement.
func (c *Client) dial(ctx context.Context) (*socket, error) {
	ctx, cancel := context.WithTimeout(ctx, c.options.RealtimeTimeout)
	defer cancel()
	protocols, err := c.subprotocols(ctx)
	if err != nil {
		return nil, err
	}
	conn, resp, err := websocket.Dial(ctx, c.realtime, &websocket.DialOptions{ //nolint:bodyclose // the library closes it
		HTTPClient: c.options.HTTPClient, Subprotocols: protocols, HTTPHeader: http.Header{"User-Agent": {c.options.UserAgent}},
	})
	if err != nil {
		return nil, handshakeError(resp, err)
	}
	conn.SetReadLimit(maxFrame)
	s := &socket{client: c, conn: conn, subs: map[string]*Subscription{}}
	if err := s.open(ctx); err != nil {
		_ = conn.CloseNow()
		return nil, err
	}
	go s.read()
	return s, nil
}

// handshakeError prefers what the server says to what the library makes of it.
func handshakeError(resp *http.Response, err error) error {
	if resp == nil || resp.StatusCode < 400 {
		return err
	}
	var body []byte
	if resp.Body != nil {
		body, _ = io.ReadAll(io.LimitReader(resp.Body, maxDetail)) // what there is of it
	}
	e := refused(body)
	e.Code = resp.StatusCode
	if e.Message == "" {
		e.Message = resp.Status
	}
	return e
}

func (s *socket) open(ctx context.Context) error {
	if err := s.write(&message{Type: "connection_init"}); err != nil {
		return err
	}
	for {
		m, err := s.receive(ctx)
		if err != nil {
			return fmt.Errorf("waiting for connection_ack: %w", err)
		}
		switch m.Type {
		case "connection_ack":
			var p struct {
				ConnectionTimeoutMs int64 `json:"connectionTimeoutMs"`
			}
			_ = json.Unmarshal(m.Payload, &p) // the default serves as well
			if s.silent = time.Duration(p.ConnectionTimeoutMs) * time.Millisecond; s.silent <= 0 {
				s.silent = keepAlive
			}
			return nil
		case "connection_error", "error":
			return refused(m.Payload)
		}
	}
}

func (s *socket) receive(ctx context.Context) (*message, error) {
	_, b, err := s.conn.Read(ctx)
	if err != nil {
		return nil, err
	}
	var m message
	if err := json.Unmarshal(b, &m); err != nil {
		return nil, fmt.Errorf("a message that is no JSON: %w", err)
	}
	return &m, nil
}

func (s *socket) write(m *message) error {
	b, err := json.Marshal(m)
	if err != nil {
		return err
	}
	// Not the caller's context: its end in the middle of a frame would break the
	// connection for all.
	ctx, cancel := context.WithTimeout(context.Background(), writeTimeout)
	defer cancel()
	return s.conn.Write(ctx, websocket.MessageText, b)
}

// read handles what the server sends, until the connection breaks or is closed.
func (s *socket) read() {
	for {
		// Whatever comes shows that the connection is alive.
		ctx, cancel := context.WithTimeout(context.Background(), s.silent)
		m, err := s.receive(ctx)
		if err != nil && ctx.Err() != nil {
			err = fmt.Errorf("no keep-alive for %v", s.silent)
		}
		cancel()
		if err != nil {
			s.fail(fmt.Errorf("websocket: %w", err))
			_ = s.conn.CloseNow()
			return
		}
		s.handle(m)
	}
}

func (s *socket) handle(m *message) {
	s.mu.Lock()
	sub := s.subs[m.ID]
	s.mu.Unlock()
	if m.ID == "" && (m.Type == "error" || m.Type == "connection_error") {
		s.fail(refused(m.Payload))
		_ = s.conn.CloseNow()
		return
	}
	if sub == nil {
		return // a keep-alive, or for a subscription that has ended
	}
	switch m.Type {
	case "start_ack":
		sub.acknowledge()
	case "data":
		e, err := pushed(m.Payload)
		if err == nil {
			err = sub.tell(e)
		}
		if err != nil {
			s.drop(m.ID, err)
			go s.stop(m.ID) // not here: writing may have to wait for what is to be read
		}
	case "error":
		s.drop(m.ID, refused(m.Payload))
		s.closeIfUnused()
	case "complete":
		s.drop(m.ID, errors.New("websocket: the server ended the subscription"))
		s.closeIfUnused()
	}
}

// add reserves a place for a subscription. It reports false if there is none.
func (s *socket) add(sub *Subscription) (id string, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err != nil || len(s.subs) >= subscriptionsPerSocket {
		return "", false
	}
	s.next++
	id = strconv.Itoa(s.next)
	s.subs[id] = sub
	return id, true
}

// drop ends a subscription, if it has not ended yet.
func (s *socket) drop(id string, err error) bool {
	s.mu.Lock()
	sub := s.subs[id]
	delete(s.subs, id)
	s.mu.Unlock()
	if sub == nil {
		return false
	}
	sub.end(err)
	return true
}

// stop tells the server that nobody listens to a subscription any more.
func (s *socket) stop(id string) {
	_ = s.write(&message{Type: "stop", ID: id}) // if it cannot be told, the connection is gone anyway
	s.closeIfUnused()
}

func (s *socket) closeIfUnused() {
	s.mu.Lock()
	unused := len(s.subs) == 0 && s.err == nil
	if unused {
		s.err = errSocketClosed
	}
	s.mu.Unlock()
	if !unused {
		return
	}
	s.forget()
	go func() {
		t := time.AfterFunc(closeTimeout, func() { _ = s.conn.CloseNow() })
		_ = s.conn.Close(websocket.StatusNormalClosure, "")
		t.Stop()
	}()
}

// fail ends the socket and all of its subscriptions.
func (s *socket) fail(err error) {
	s.mu.Lock()
	if s.err == nil {
		s.err = err
	}
	subs := s.subs
	s.subs = map[string]*Subscription{}
	s.mu.Unlock()
	s.forget()
	for _, sub := range subs {
		sub.end(err)
	}
}

func (s *socket) forget() {
	s.client.mu.Lock()
	defer s.client.mu.Unlock()
	s.client.sockets = slices.DeleteFunc(s.client.sockets, func(o *socket) bool { return o == s })
}

// place finds a connection with a place for a subscription, or opens one.
func (c *Client) place(ctx context.Context, sub *Subscription) (*socket, string, error) {
	select { // one after the other, so that all who come at once share a connection
	case c.dialing <- struct{}{}:
		defer func() { <-c.dialing }()
	case <-ctx.Done():
		return nil, "", ctx.Err()
	}
	c.mu.Lock()
	sockets := slices.Clone(c.sockets)
	c.mu.Unlock()
	for _, s := range sockets {
		if id, ok := s.add(sub); ok {
			return s, id, nil
		}
	}
	s, err := c.dial(ctx)
	if err != nil {
		return nil, "", err
	}
	id, ok := s.add(sub)
	if !ok {
		return nil, "", s.broken()
	}
	c.mu.Lock()
	c.sockets = append(c.sockets, s)
	c.mu.Unlock()
	if err := s.broken(); err != nil { // meanwhile
		s.forget()
		return nil, "", err
	}
	return s, id, nil
}

func (s *socket) broken() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.err
}
