package appsync

import (
	"context"
	"errors"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/coder/websocket"
)

const (
	// maxInbound is the largest message that a client may send.
	maxInbound = 1 << 20
	// maxQueued bounds what waits for one client, in bytes. A client that does not
	// read is disconnected rather than waited for.
	maxQueued = 8 << 20
	// writeTimeout is how long one frame may take to go out.
	writeTimeout = 10 * time.Second
)

// ServeWebSocket serves the API's real-time endpoint to one client, until it
// leaves or is left. enter runs f inside the simulation, holding its kernel, and
// returns when it has run, or without having run it when the simulation has ended; it is
// called on this goroutine only. Where nothing else makes the simulation's time pass, enter
// lets it pass until settled: then the client has its answer. release runs f, which lets a frame
// out, as soon as what led to it cannot be lost any more.
//
// It is the one part of the package that uses goroutines and the wall clock: it
// is the wire between real clients and the simulation.
func ServeWebSocket(w http.ResponseWriter, r *http.Request, api *API, enter func(f func(), settled func() bool), release func(f func())) {
	if r.URL.Path != api.cfg.Path && r.URL.Path != api.cfg.Path+"/realtime" {
		http.NotFound(w, r)
		return
	}
	socket, err := websocket.Accept(w, r, &websocket.AcceptOptions{
		Subprotocols: []string{subprotocol},
		// AppSync lets pages of every origin connect: callers are known by their credentials.
		InsecureSkipVerify: true,
	})
	if err != nil {
		return // Accept has answered
	}
	socket.SetReadLimit(maxInbound)
	q := newFrameQueue()
	written := make(chan struct{})
	go func() {
		defer close(written)
		q.write(socket)
	}()
	ip, _, _ := net.SplitHostPort(r.RemoteAddr) // none: it is not known
	request := &Request{
		Method: r.Method, Path: r.URL.EscapedPath(), RawQuery: r.URL.RawQuery, Header: r.Header, SourceIP: ip, Host: r.Host,
	}
	var conn *Connection
	settled := func() bool { return conn == nil || conn.Settled() }
	err = errClosed // unless told otherwise
	enter(func() {
		conn, err = api.Connect(request,
			func(frame []byte) { release(func() { q.push(frame) }) },
			func(code int, reason string) { release(func() { q.end(code, reason) }) })
	}, settled)
	if err != nil {
		q.end(closeGoingAway, err.Error())
	}
	for err == nil {
		var frame []byte
		if _, frame, err = socket.Read(r.Context()); err == nil {
			enter(func() { conn.Receive(frame) }, settled)
		}
	}
	if conn != nil {
		enter(conn.Close, settled)
	}
	q.end(int(websocket.StatusNormalClosure), "")
	<-written
}

// frameQueue holds what waits to be written to a client. Pushing never blocks.
type frameQueue struct {
	mu     sync.Mutex
	frames [][]byte
	bytes  int
	closed bool
	code   websocket.StatusCode
	reason string
	wake   chan struct{}
	stop   context.CancelFunc // ends the write under way
	ctx    context.Context
}

func newFrameQueue() *frameQueue {
	q := &frameQueue{wake: make(chan struct{}, 1)}
	q.ctx, q.stop = context.WithCancel(context.Background())
	return q
}

func (q *frameQueue) push(frame []byte) {
	q.mu.Lock()
	switch {
	case q.closed:
	case q.bytes+len(frame) > maxQueued:
		q.closed, q.frames = true, nil
		q.code, q.reason = websocket.StatusPolicyViolation, "the client does not read"
		q.stop()
	default:
		q.frames = append(q.frames, frame)
		q.bytes += len(frame)
	}
	q.mu.Unlock()
	q.signal()
}

// end closes the connection when what is queued has been written.
func (q *frameQueue) end(code int, reason string) {
	q.mu.Lock()
	if !q.closed {
		q.closed = true
		q.code, q.reason = websocket.StatusCode(code), reason
	}
	q.mu.Unlock()
	q.signal()
}

func (q *frameQueue) signal() {
	select {
	case q.wake <- struct{}{}:
	default:
	}
}

// write writes frames until the queue ends, then closes the socket.
func (q *frameQueue) write(socket *websocket.Conn) {
	for {
		q.mu.Lock()
		frames, closed := q.frames, q.closed
		q.frames, q.bytes = nil, 0
		q.mu.Unlock()
		for _, frame := range frames {
			if q.writeOne(socket, frame) != nil {
				q.end(int(websocket.StatusAbnormalClosure), "")
				_ = socket.CloseNow()
				return
			}
		}
		if closed && len(frames) == 0 {
			break
		}
		if !closed {
			<-q.wake
		}
	}
	if errors.Is(q.ctx.Err(), context.Canceled) {
		_ = socket.CloseNow()
		return
	}
	reason := q.reason
	if len(reason) > 120 { // a close frame takes 123 bytes
		reason = reason[:120]
	}
	_ = socket.Close(q.code, reason)
}

func (q *frameQueue) writeOne(socket *websocket.Conn, frame []byte) error {
	ctx, cancel := context.WithTimeout(q.ctx, writeTimeout)
	defer cancel()
	return socket.Write(ctx, websocket.MessageText, frame)
}
