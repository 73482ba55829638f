package appsync_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/orderflow-cdk/orderflow/local/internal/api"
	"github.com/orderflow-cdk/orderflow/local/internal/appsync"
	"github.com/orderflow-cdk/orderflow/local/internal/sim"
)

var start = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

const pass = `
export function request(ctx) { return { payload: ctx.args }; }
export function response(ctx) { return ctx.result; }
`

// payload is a resolver of a constant.
func payload(constant string) string {
	return `
export function request(ctx) { return { payload: null }; }
export function response(ctx) { return ` + constant + `; }
`
}

// world is an API under test and what is around it.
type world struct {
	t     *testing.T
	k     *sim.Kernel
	api   *appsync.API
	calls []api.Call
	// answer is what the bus answers.
	answer func(c api.Call) ([]byte, error)
	log    []string
	delay  time.Duration // of an answer
}

// Do implements api.Service. Answers come in a later event.
func (w *world) Do(c api.Call, done func([]byte, error)) {
	w.calls = append(w.calls, c)
	w.k.After(w.delay, func() { done(w.answer(c)) })
}

// stack is the parts of an API: a schema, resolver code by field, and what
// else there is.
type stack struct {
	schema    string
	props     map[string]any    // of the GraphQLApi, over mode API_KEY
	resolvers map[string]string // code by "Type.field"
	resources []appsync.Resource
	config    appsync.Config
}

func resource(id, typ string, props any) appsync.Resource {
	b, err := json.Marshal(props)
	if err != nil {
		panic(err)
	}
	return appsync.Resource{LogicalID: id, Type: "AWS::AppSync::" + typ, Properties: b}
}

type m = map[string]any

var jsRuntime = m{"Name": "APPSYNC_JS", "RuntimeVersion": "1.0.0"}

func (s stack) list() []appsync.Resource {
	props := m{"Name": "test", "AuthenticationType": "API_KEY"}
	for k, v := range s.props {
		props[k] = v
	}
	list := []appsync.Resource{
		resource("Api", "GraphQLApi", props),
		resource("Schema", "GraphQLSchema", m{"ApiId": "Api", "Definition": s.schema}),
		resource("Key", "ApiKey", m{"ApiId": "Api"}),
		resource("None", "DataSource", m{"ApiId": "Api", "Name": "none", "Type": "NONE"}),
	}
	for field, code := range s.resolvers {
		typ, name, _ := strings.Cut(field, ".")
		list = append(list, resource("Resolve"+typ+name, "Resolver", m{
			"ApiId": "Api", "TypeName": typ, "FieldName": name, "Kind": "UNIT", "DataSourceName": "none", "Runtime": jsRuntime, "Code": code,
		}))
	}
	return append(list, s.resources...)
}

func (s stack) new(t *testing.T) *world {
	t.Helper()
	w, err := s.try(t)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func (s stack) try(t *testing.T) (*world, error) { return s.load(t, s.list()) }

// from is an API of resources from elsewhere.
func (s stack) from(t *testing.T, list []appsync.Resource) *world {
	t.Helper()
	w, err := s.load(t, list)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func (s stack) load(t *testing.T, list []appsync.Resource) (*world, error) {
	w := &world{t: t, k: sim.New(start, 1), delay: time.Millisecond}
	w.answer = func(c api.Call) ([]byte, error) { return nil, api.Errorf("Unexpected", "%s %s", c.Service, c.Action) }
	s.config.Log = func(_, message string) { w.log = append(w.log, message) }
	var err error
	w.api, err = appsync.New(w.k, w, s.config, list)
	return w, err
}

// as is how a caller says who it is.
type as func(*appsync.Request)

func (w *world) key() as { return header("x-api-key", appsync.KeyValue("Key")) }

func header(name, value string) as {
	return func(r *appsync.Request) { r.Header.Set(name, value) }
}

func caller(arn string) as { return func(r *appsync.Request) { r.Caller = arn } }

func (w *world) post(body string, who as) *appsync.Response {
	w.t.Helper()
	r := &appsync.Request{Method: "POST", Path: "/graphql", Header: http.Header{"Content-Type": {"application/json"}}, Body: []byte(body)}
	if who != nil {
		who(r)
	}
	return w.serve(r)
}

func (w *world) serve(r *appsync.Request) *appsync.Response {
	w.t.Helper()
	var res *appsync.Response
	w.api.Serve(r, func(answer *appsync.Response) { res = answer })
	for res == nil && w.k.Step() {
	}
	if res == nil {
		w.t.Fatal("no answer")
	}
	return res
}

// query sends a query and returns the body of the answer.
func (w *world) query(query string, variables any, who as) string {
	w.t.Helper()
	b, err := json.Marshal(m{"query": query, "variables": variables})
	if err != nil {
		w.t.Fatal(err)
	}
	if who == nil {
		who = w.key()
	}
	return string(w.post(string(b), who).Body)
}

func equal(t *testing.T, what, want, got string) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

// tokens stands for the token issuers: a token is its claims.
func verifyToken(issuer, token string) (map[string]any, error) {
	parts := strings.Split(token, ".")
	claims, err := decodeSegment(parts[1])
	if err != nil {
		return nil, err
	}
	switch {
	case parts[2] == "expired":
		return nil, appsync.ErrTokenExpired
	case parts[2] != "signed":
		return nil, errors.New("the signature is wrong")
	case claims["iss"] != issuer:
		return nil, fmt.Errorf("issuer %v", claims["iss"])
	}
	return claims, nil
}

// client is a real-time client without a socket.
type client struct {
	w      *world
	conn   *appsync.Connection
	frames []string
	code   int
	reason string
}

func (w *world) connect(header map[string]string) *client {
	w.t.Helper()
	return w.upgrade(&appsync.Request{Method: "GET", Path: "/graphql/realtime", Header: http.Header{
		"Sec-Websocket-Protocol": {"graphql-ws, header-" + encodeHeader(header)},
	}})
}

func (w *world) upgrade(r *appsync.Request) *client {
	w.t.Helper()
	c := &client{w: w}
	var err error
	c.conn, err = w.api.Connect(r, func(f []byte) { c.frames = append(c.frames, string(f)) }, func(code int, reason string) { c.code, c.reason = code, reason })
	if err != nil {
		w.t.Fatal(err)
	}
	w.settle()
	return c
}

// settle lets what was begun come to its end.
func (w *world) settle() { w.k.Advance(50 * time.Millisecond) }

func (c *client) send(frame string) { c.conn.Receive([]byte(frame)); c.w.settle() }

func (c *client) start(id, query string, variables any, authorization map[string]string) {
	data, err := json.Marshal(m{"query": query, "variables": variables})
	if err != nil {
		c.w.t.Fatal(err)
	}
	frame, err := json.Marshal(m{"id": id, "type": "start", "payload": m{"data": string(data), "extensions": m{"authorization": authorization}}})
	if err != nil {
		c.w.t.Fatal(err)
	}
	c.send(string(frame))
}

// take returns the frames since the last time.
func (c *client) take() []string {
	f := c.frames
	c.frames = nil
	return f
}

func (c *client) expect(what string, want ...string) {
	c.w.t.Helper()
	if diff := cmp.Diff(want, c.take()); diff != "" {
		c.w.t.Errorf("%s: frames (-want +got):\n%s", what, diff)
	}
}
