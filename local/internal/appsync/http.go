package appsync

import (
	"crypto/sha256"
	"encoding/base32"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"

	"github.com/orderflow-cdk/orderflow/local/internal/uuid"
)

// maxRequestBody is the largest body that AppSync takes: 1 MB (service quotas).
const maxRequestBody = 1 << 20

// call is one execution's surroundings.
type call struct {
	id       string
	identity *identity
	headers  http.Header
	domain   string
	lower    map[string]string // headers as $ctx.request.headers, once made
	answer   http.Header       // what resolvers add
}

func (c *call) ctxHeaders() map[string]string {
	if c.lower == nil {
		c.lower = make(map[string]string, len(c.headers))
		for name, values := range c.headers {
			if len(values) > 0 {
				c.lower[strings.ToLower(name)] = strings.Join(values, ",")
			}
		}
	}
	return c.lower
}

func (c *call) header(name, v string) {
	if c.answer == nil {
		c.answer = http.Header{}
	}
	c.answer.Set(name, v)
}

// graphQLRequest is a body of POST, and the data of a subscription's start.
type graphQLRequest struct {
	Query         *string         `json:"query"`
	OperationName *string         `json:"operationName"`
	Variables     json.RawMessage `json:"variables"`
}

func (g *graphQLRequest) operationName() string {
	if g.OperationName == nil {
		return ""
	}
	return *g.OperationName
}

// Serve answers a request to the API's endpoint. done is called exactly once,
// in this event or a later one.
func (a *API) Serve(r *Request, done func(*Response)) {
	id := a.newID()
	reply := func(status int, body []byte, extra http.Header) {
		h := http.Header{
			"Content-Type":                  {"application/json; charset=UTF-8"},
			"X-Amzn-Requestid":              {id},
			"Access-Control-Allow-Origin":   {"*"},
			"Access-Control-Expose-Headers": {"x-amzn-RequestId,x-amzn-ErrorType,x-amz-user-agent,x-amzn-ErrorMessage,Date,x-amz-schema-version"},
		}
		maps.Copy(h, extra)
		done(&Response{Status: status, Header: h, Body: body})
	}
	refuse := func(e *requestError) {
		b := []byte(`{"errors":[{"errorType":`)
		b = append(append(b, quote(e.typ)...), `,"message":`...)
		b = append(append(b, quote(e.message)...), "}]}"...)
		reply(e.status, b, http.Header{"X-Amzn-Errortype": {e.typ}})
	}
	if r.Method == http.MethodOptions {
		reply(http.StatusOK, nil, http.Header{
			"Access-Control-Allow-Methods": {"POST, GET, OPTIONS"},
			"Access-Control-Allow-Headers": {r.Header.Get("Access-Control-Request-Headers")},
			"Access-Control-Max-Age":       {"172800"},
		})
		return
	}
	if r.Path != a.cfg.Path {
		refuse(&requestError{404, "UnknownOperationException", "there is nothing at " + r.Path})
		return
	}
	g, refusal := readRequest(r)
	if refusal != nil {
		refuse(refusal)
		return
	}
	c := &credentials{
		method: r.Method, host: a.hostOf(r.Host), path: r.Path, query: r.RawQuery, header: r.Header, body: r.Body, caller: r.Caller,
		sourceIP: sourceIP(r.SourceIP), requestID: id, operationName: g.operationName(), variables: g.Variables,
	}
	if g.Query != nil {
		c.document = *g.Query
	}
	a.authenticate(c, func(who *identity, refusal *requestError) {
		if refusal != nil {
			refuse(refusal)
			return
		}
		in := &call{id: id, identity: who, headers: r.Header, domain: a.hostOf(r.Host)}
		a.execute(in, g, func(body []byte, refusal *requestError) {
			if refusal != nil {
				refuse(refusal)
				return
			}
			reply(http.StatusOK, body, in.answer)
		})
	})
}

func readRequest(r *Request) (*graphQLRequest, *requestError) {
	g := &graphQLRequest{}
	switch r.Method {
	case http.MethodGet:
		q, err := url.ParseQuery(r.RawQuery)
		if err != nil {
			return nil, malformed("Unable to parse GraphQL query.")
		}
		if text := q.Get("query"); text != "" {
			g.Query = &text
		}
		if name := q.Get("operationName"); name != "" {
			g.OperationName = &name
		}
		g.Variables = json.RawMessage(q.Get("variables"))
		if len(g.Variables) > 0 && !json.Valid(g.Variables) {
			return nil, malformed("Unable to parse GraphQL query.")
		}
	case http.MethodPost:
		if len(r.Body) == 0 {
			return nil, malformed("Request body is empty.")
		}
		if len(r.Body) > maxRequestBody {
			return nil, &requestError{413, "RequestEntityTooLargeException", fmt.Sprintf("Request size exceeded %d bytes.", maxRequestBody)}
		}
		if json.Unmarshal(r.Body, g) != nil {
			return nil, malformed("Unable to parse GraphQL query.")
		}
	default:
		return nil, &requestError{405, "MethodNotAllowedException", "the endpoint takes POST and GET"}
	}
	if v := g.Variables; len(v) > 0 && !isNull(v) && v[skipSpace(v, 0)] != '{' {
		return nil, malformed("Unable to parse GraphQL query.")
	}
	return g, nil
}

// prepare makes an execution of a request. Of the two errors, the first
// refuses the request, the others are its answer.
func (a *API) prepare(in *call, g *graphQLRequest) (*execution, *requestError, []*graphError) {
	if g.Query == nil {
		return nil, malformed("Unable to parse GraphQL query."), nil
	}
	doc, err := a.document(*g.Query)
	if err != nil {
		a.log(in.id, err.Error())
		return nil, malformed("Unable to parse GraphQL query."), nil
	}
	if len(doc.errs) > 0 {
		return nil, nil, doc.errs
	}
	op, err := doc.operation(g.operationName())
	if err != nil {
		return nil, nil, []*graphError{{message: err.Error()}}
	}
	if a.maxDepth > 0 {
		if d := depth(op.SelectionSet); d > a.maxDepth {
			return nil, nil, []*graphError{{message: fmt.Sprintf("Query depth %d exceeds the limit of %d.", d, a.maxDepth)}}
		}
	}
	var given []member
	if !isNull(g.Variables) {
		given, _ = members(g.Variables)
	}
	vars, failure := a.schema.variables(op, given)
	if failure != nil {
		return nil, nil, []*graphError{failure}
	}
	return &execution{api: a, call: in, doc: doc, op: op, vars: vars}, nil, nil
}

func (a *API) execute(in *call, g *graphQLRequest, done func([]byte, *requestError)) {
	x, refusal, errs := a.prepare(in, g)
	switch {
	case refusal != nil:
		done(nil, refusal)
		return
	case errs != nil:
		done(append(appendErrors([]byte(`{"data":null,"errors":`), errs), '}'), nil)
		return
	case x.op.Operation == ast.Subscription:
		done(nil, &requestError{400, "BadRequestException", "subscriptions are made at the real-time endpoint; the MQTT handshake over HTTP is not simulated"})
		return
	}
	x.run(func(root *node) {
		b := root.append([]byte(`{"data":`))
		if len(x.errs) > 0 {
			b = appendErrors(append(b, `,"errors":`...), x.errs)
		}
		done(append(b, '}'), nil)
	})
}

func (a *API) hostOf(host string) string {
	if host == "" {
		return a.Host()
	}
	return host
}

// Host is the host of the API's own GraphQL endpoint, which is not its id's on
// AWS. Its real-time endpoint is RealTimeHost.
func (a *API) Host() string {
	return strings.ToLower(a.id) + ".appsync-api." + a.cfg.Region + ".amazonaws.com"
}

// RealTimeHost is the host of the API's real-time endpoint.
func (a *API) RealTimeHost() string {
	return strings.ToLower(a.id) + ".appsync-realtime-api." + a.cfg.Region + ".amazonaws.com"
}

func sourceIP(ip string) string {
	if ip == "" {
		return "127.0.0.1"
	}
	return ip
}

// newID is a random version 4 UUID.
func (a *API) newID() string { return uuid.New(a.k.Rand()) }

// KeyValue is the value of the API key of a logical id, which clients send as
// x-api-key and Fn::GetAtt ApiKey gives. AWS makes a random one, of this form; here it
// is the same in every run.
func KeyValue(logicalID string) string {
	sum := sha256.Sum256([]byte(logicalID))
	return "da2-" + strings.ToLower(base32.StdEncoding.EncodeToString(sum[:])[:26])
}
