package appsync

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/vektah/gqlparser/v2/ast"

	"github.com/orderflow-cdk/orderflow/local/internal/sim"
)

// Figures of the real-time protocol:
// https://docs.aws.amazon.com/appsync/latest/devguide/real-time-websocket-client.html
const (
	// connectionTimeout is how long a client should wait for a keep-alive.
	connectionTimeout = 5 * time.Minute
	// keepAlive is the time between two keep-alives.
	keepAlive = time.Minute
	// connectionLife is how long a connection lasts at most (service quotas, "Connection duration").
	connectionLife = 24 * time.Hour
	// maxSubscriptions is how many subscriptions a connection may have.
	maxSubscriptions = 100
	// maxBacklog is how many frames wait for the connection's authorization.
	maxBacklog = 100
)

// Codes with which the server closes a connection.
const (
	closeNormal    = 1000
	closeGoingAway = 1001
	closePolicy    = 1008
)

// subprotocol is the websocket subprotocol of AppSync's real-time endpoint.
const subprotocol = "graphql-ws"

var errClosed = errors.New("the API is closed")

// Connection is a client at the real-time endpoint. Like everything of an API,
// its methods are called by whoever holds the kernel.
type Connection struct {
	api      *API
	send     func(frame []byte)
	hangUp   func(code int, reason string)
	sourceIP string
	caller   string

	number  uint64
	ready   bool // authorized
	closed  bool
	backlog [][]byte
	subs    map[string]*subscription
	timer   *sim.Event
	life    *sim.Event
	since   time.Time // when it was opened
}

// Connect opens a connection. r is the request that asks for the upgrade; its
// credentials are in the query parameter "header", or in a subprotocol
// "header-<base64url>". send is given each frame for the client and must not
// block; hangUp closes the connection after the frames sent before. Neither is called after Close.
//
// An error means that there is no such endpoint, or none any more. A client that is not authorized is
// told so by a connection_error, as AppSync does.
func (a *API) Connect(r *Request, send func(frame []byte), hangUp func(code int, reason string)) (*Connection, error) {
	if r.Path != a.cfg.Path && r.Path != a.cfg.Path+"/realtime" {
		return nil, fmt.Errorf("there is no real-time endpoint at %s", r.Path)
	}
	if a.closed {
		return nil, errClosed
	}
	a.opened++
	c := &Connection{
		api: a, number: a.opened, send: send, hangUp: hangUp, subs: map[string]*subscription{}, sourceIP: sourceIP(r.SourceIP), caller: r.Caller,
	}
	a.open[c], c.since = struct{}{}, a.k.Now()
	a.connected.Operations++
	c.life = a.k.Background(a.k.Now().Add(connectionLife), func() { c.end(closeGoingAway, "the connection has reached its maximum duration") })
	protocols, header, payload, err := handshake(r)
	switch {
	case len(protocols) == 0:
		c.refuse("", "NoProtocolError", 400)
	case !slices.Contains(protocols, subprotocol):
		c.refuse("", "SubProtocolNotSupportedError", 400)
	case err != nil:
		c.refuse("BadRequestException", err.Error(), 400)
	case len(header) == 0 && c.caller == "":
		c.refuse("", "Required headers are missing.", 400)
	default:
		host := header.Get("Host")
		header.Del("Host")
		a.authenticate(&credentials{
			method: http.MethodPost, host: a.hostOf(host), path: a.cfg.Path + "/connect", header: header, body: payload,
			caller: c.caller, sourceIP: c.sourceIP, requestID: a.newID(),
		}, c.authorized)
	}
	return c, nil
}

// authorized goes on when it is known who connects.
func (c *Connection) authorized(_ *identity, refusal *requestError) {
	switch {
	case c.closed:
	case refusal != nil:
		c.refuse(refusal.typ, refusal.message, refusal.status)
	default:
		c.ready = true
		c.beat()
		for _, frame := range c.backlog {
			c.Receive(frame)
		}
		c.backlog = nil
	}
}

// beat arranges for the next keep-alive.
func (c *Connection) beat() {
	c.timer = c.api.k.Background(c.api.k.Now().Add(keepAlive), func() {
		c.send([]byte(`{"type":"ka"}`))
		c.beat()
	})
}

// refuse tells the client that it is not let in, and hangs up.
func (c *Connection) refuse(typ, message string, code int) {
	if c.closed {
		return
	}
	w := newObject([]byte(`{"type":"connection_error","payload":{"errors":[`))
	if typ != "" {
		w.str("errorType", typ)
	}
	w.str("message", message)
	w.raw("errorCode", appendInt(nil, code))
	c.send(append(w.end(), "]}}"...))
	c.end(closeNormal, message)
}

func (c *Connection) end(code int, reason string) {
	if c.closed {
		return
	}
	c.Close()
	c.hangUp(code, reason)
}

// Close ends the connection and its subscriptions. The client is told nothing:
// it is for a client that has gone.
func (c *Connection) Close() {
	if c.closed {
		return
	}
	c.closed = true
	delete(c.api.open, c)
	c.api.connected.Time += c.api.k.Now().Sub(c.since)
	c.timer.Cancel()
	c.life.Cancel()
	for _, s := range c.subs {
		if s.index != nil {
			c.api.unregister(s)
		}
	}
	c.subs, c.backlog = nil, nil
}

// Settled says whether nothing that the client has sent is still being decided.
func (c *Connection) Settled() bool {
	if c.closed {
		return true
	}
	for _, s := range c.subs {
		if s.number == 0 {
			return false
		}
	}
	return c.ready
}

// message is a frame of a client.
type message struct {
	ID      string `json:"id"`
	Type    string `json:"type"`
	Payload struct {
		Data       string `json:"data"`
		Extensions struct {
			Authorization json.RawMessage `json:"authorization"`
		} `json:"extensions"`
	} `json:"payload"`
}

// Receive takes a frame from the client.
func (c *Connection) Receive(frame []byte) {
	switch {
	case c.closed:
		return
	case !c.ready:
		if len(c.backlog) == maxBacklog {
			c.end(closePolicy, "too many messages before the connection was authorized")
			return
		}
		c.backlog = append(c.backlog, frame)
		return
	}
	var m message
	if err := json.Unmarshal(frame, &m); err != nil {
		c.fail(m.ID, "BadRequestException", "the message is malformed: "+err.Error())
		return
	}
	switch m.Type {
	case "connection_init":
		c.send(fmt.Appendf(nil, `{"type":"connection_ack","payload":{"connectionTimeoutMs":%d}}`, connectionTimeout.Milliseconds()))
		c.send([]byte(`{"type":"ka"}`))
	case "start":
		c.start(&m)
	case "stop":
		c.stop(m.ID)
	default:
		c.fail(m.ID, "UnsupportedOperation", "unknown not supported through the realtime channel")
	}
}

// fail tells that a message, or a subscription if there is an id, has failed.
func (c *Connection) fail(id, typ, message string) {
	c.failWith(id, []*graphError{{typ: typ, message: message}})
}

func (c *Connection) failWith(id string, errs []*graphError) {
	if c.closed {
		return
	}
	w := newObject(nil)
	if id != "" {
		w.str("id", id)
	}
	w.str("type", "error")
	w.key("payload")
	w.buf = append(w.buf, `{"errors":[`...)
	for i, e := range errs {
		if i > 0 {
			w.buf = append(w.buf, ',')
		}
		one := newObject(w.buf)
		if e.typ != "" {
			one.str("errorType", e.typ)
		}
		one.str("message", e.message)
		if e.info != nil {
			one.raw("errorInfo", e.info)
		}
		w.buf = one.end()
	}
	w.buf = append(w.buf, "]}"...)
	c.send(w.end())
}

func (c *Connection) start(m *message) {
	a := c.api
	a.connected.Operations++
	switch {
	case m.ID == "":
		c.fail("", "BadRequestException", "a start message needs an id")
		return
	case c.subs[m.ID] != nil:
		c.fail(m.ID, "DuplicatedOperationError", "the connection has a subscription of this id already")
		return
	case len(c.subs) >= maxSubscriptions:
		c.fail(m.ID, "MaxSubscriptionsReachedError", fmt.Sprintf("Max number of %d subscriptions reached", maxSubscriptions))
		return
	}
	var g graphQLRequest
	if err := json.Unmarshal([]byte(m.Payload.Data), &g); err != nil || g.Query == nil {
		c.fail(m.ID, "BadRequestException", "the payload's data is no GraphQL request as a JSON text")
		return
	}
	header, err := headerOf(m.Payload.Extensions.Authorization)
	if err != nil && c.caller == "" {
		c.fail(m.ID, "UnauthorizedException", "Required headers are missing.")
		return
	}
	host := header.Get("Host")
	header.Del("Host")
	// Nobody else may take the id while it is being decided.
	s := &subscription{conn: c, id: m.ID, quoted: quote(m.ID)}
	c.subs[m.ID] = s
	requestID := a.newID()
	a.authenticate(&credentials{
		method: http.MethodPost, host: a.hostOf(host), path: a.cfg.Path, header: header, body: []byte(m.Payload.Data), caller: c.caller, sourceIP: c.sourceIP,
		requestID: requestID, document: *g.Query, operationName: g.operationName(), variables: g.Variables,
	}, func(who *identity, refusal *requestError) {
		switch {
		case c.subs[m.ID] != s: // stopped or closed
		case refusal != nil:
			delete(c.subs, m.ID)
			c.fail(m.ID, refusal.typ, refusal.message)
		default:
			c.subscribe(s, &call{id: requestID, identity: who, headers: header, domain: a.hostOf(host)}, &g)
		}
	})
}

// subscribe runs the subscription's resolver, whose errors refuse it.
func (c *Connection) subscribe(s *subscription, in *call, g *graphQLRequest) {
	refuse := func(errs []*graphError) {
		delete(c.subs, s.id)
		c.failWith(s.id, errs)
	}
	x, refusal, errs := c.api.prepare(in, g)
	switch {
	case refusal != nil:
		refuse([]*graphError{{typ: refusal.typ, message: refusal.message}})
		return
	case errs != nil:
		refuse(errs)
		return
	case x.op.Operation != ast.Subscription:
		refuse([]*graphError{{typ: "UnsupportedOperation", message: string(x.op.Operation) + " not supported through the realtime channel"}})
		return
	}
	x.run(func(*node) {
		if c.subs[s.id] != s {
			return
		}
		fields := x.collect(x.rootType(), nil, []ast.SelectionSet{x.op.SelectionSet})
		s.x = x
		for _, f := range fields {
			if f.name != "__typename" {
				s.field = f
			}
		}
		switch {
		case len(x.errs) > 0:
			refuse(x.errs)
			return
		case s.field == nil:
			refuse([]*graphError{{typ: "BadRequestException", message: "the subscription selects nothing but its type's name"}})
			return
		}
		if e := x.denied(s.field); e != nil {
			refuse([]*graphError{e})
			return
		}
		if s.filter = x.started.filter; s.filter == nil {
			args, err := c.api.schema.arguments(s.field.def, s.field.nodes[0].Arguments, x.vars)
			if err != nil {
				refuse([]*graphError{{message: err.Error()}})
				return
			}
			s.filter = argumentFilter(args)
		}
		c.api.register(s)
		c.send(append(append([]byte(`{"type":"start_ack","id":`), s.quoted...), '}'))
	})
}

// denied finds a field below the given one that the subscriber may not see.
func (x *execution) denied(f *field) *graphError {
	def := x.api.schema.Types[f.def.Type.Name()]
	if def == nil || !def.IsCompositeType() {
		return nil
	}
	types := []*ast.Definition{def}
	if def.IsAbstractType() {
		types = x.api.schema.GetPossibleTypes(def)
	}
	for _, t := range types {
		for _, c := range x.collect(t, f, nil) {
			if c.name == "__typename" {
				continue
			}
			if !x.api.mayAccess(x.call.identity, t, c.def) {
				return &graphError{typ: "Unauthorized", message: "Not Authorized to access " + c.name + " on type " + t.Name}
			}
			if e := x.denied(c); e != nil {
				return e
			}
		}
	}
	return nil
}

func (c *Connection) stop(id string) {
	s := c.subs[id]
	if s == nil {
		c.fail(id, "UnknownOperationError", "the connection has no subscription of this id")
		return
	}
	delete(c.subs, id)
	if s.index != nil {
		c.api.unregister(s)
	}
	c.send(append(append([]byte(`{"type":"complete","id":`), s.quoted...), '}'))
}

// data sends an event to a subscription.
func (c *Connection) data(s *subscription, payload []byte) {
	frame := make([]byte, 0, len(payload)+len(s.quoted)+36)
	frame = append(append(frame, `{"id":`...), s.quoted...)
	frame = append(append(frame, `,"type":"data","payload":`...), payload...)
	frame = append(frame, '}')
	c.send(frame)
	if c.api.cfg.OnFrame != nil {
		c.api.cfg.OnFrame(c.api.k.Now(), s.field.name, frame)
	}
}
