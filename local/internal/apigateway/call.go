package apigateway

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/orderflow-cdk/orderflow/local/internal/vtl"
)

// call is one request on its way through the API.
type call struct {
	api    *API
	req    *Request
	done   func(*Response)
	stage  *stage
	start  time.Time
	path   string // without the stage, as sent
	node   *node
	method *method
	params []pathParam

	requestID, extendedID, traceID string
	query                          []queryParam
	queryParsed                    bool

	identity   *Identity
	claims     []variable
	authorized *authorizerResult
	key        *apiKey
	failure    *failureOf
	status     int // of the response, for the access log
	length     int

	vars                              map[string]any // of templates
	requestOverride, responseOverride *vtl.Map
	answer                            answer
	called                            bool
	calledAt, answeredAt              time.Time
	integrationError                  string
}

// answer is what an integration's endpoint answered.
type answer struct {
	status    int
	header    http.Header
	body      []byte
	selectBy  string // what SelectionPattern is matched against
	defaulted bool   // only the default response applies
	requestID string
}

type queryParam struct{ name, value string }

// Serve handles one request; done is called exactly once, in this event or in
// a later one.
func (a *API) Serve(req *Request, done func(*Response)) {
	if req.Header == nil {
		req.Header = http.Header{}
	}
	r := a.k.Rand()
	c := &call{api: a, req: req, done: done, start: a.k.Now()}
	c.requestID = requestIDOf(req.Header.Get("X-Amzn-Requestid"), r)
	c.extendedID = newExtendedID(r)
	c.traceID = traceOf(req.Header.Get("X-Amzn-Trace-Id"))
	if c.traceID == "" {
		c.traceID = newTraceID(r, c.start)
	}
	c.splitStage()
	c.node, c.method, c.params = a.root.match(c.path, req.Method)
	if c.node == nil {
		c.fail(unsigned(req.Header.Get("Authorization")))
		return
	}
	if len(req.Body) > maxBody {
		c.fail(requestTooLarge)
		return
	}
	c.authorize(c.admit)
}

// splitStage takes the stage's name off the path, if it leads there. A path
// without it belongs to the default stage.
func (c *call) splitStage() {
	a := c.api
	path := c.req.Path
	if !strings.HasPrefix(path, "/") {
		path = "/" + path
	}
	c.stage, c.path = a.stage, path
	first, rest, _ := strings.Cut(path[1:], "/")
	if s, ok := a.stages[first]; ok {
		if _, taken := a.root.static[first]; !taken || s != a.stage {
			c.stage, c.path = s, "/"+rest
		}
	}
}

func traceOf(header string) string {
	for part := range strings.SplitSeq(header, ";") {
		if root, ok := strings.CutPrefix(strings.TrimSpace(part), "Root="); ok {
			return root
		}
	}
	return ""
}

// admit checks API keys, quotas and throttles.
func (c *call) admit() {
	now := c.api.k.Now()
	if !c.method.apiKeyRequired {
		if !takeAll(now, &c.api.account, c.stage.limit(c.method)) {
			c.fail(throttled)
			return
		}
		c.validate()
		return
	}
	plan := c.findKey()
	if plan == nil {
		c.fail(invalidAPIKey)
		return
	}
	if !takeAll(now, plan.methodBucket(c.stage.name, c.method), plan.overall, c.stage.limit(c.method), &c.api.account) {
		c.fail(throttled)
		return
	}
	if plan.overQuota(now) {
		c.fail(quotaExceeded)
		return
	}
	c.validate()
}

// findKey returns the plan by which the request's key may use this stage.
func (c *call) findKey() *planKey {
	value := c.req.Header.Get("X-Api-Key")
	if c.api.apiKeySource == "AUTHORIZER" {
		value = ""
		if c.authorized != nil {
			value = c.authorized.apiKey
		}
	}
	k := c.api.keys[value]
	if value == "" || k == nil || !k.enabled {
		return nil
	}
	for _, p := range k.plans {
		if _, ok := p.stages[c.stage.name]; ok {
			c.key = k
			return p
		}
	}
	return nil
}

// validate applies the method's request validator.
func (c *call) validate() {
	m := c.method
	var missing []string
	for _, p := range m.required {
		if !c.hasParam(p) {
			missing = append(missing, p.name)
		}
	}
	if missing != nil {
		f := badRequestParameters
		f.message = "Missing required request parameters: [" + strings.Join(missing, ", ") + "]"
		f.validation = f.message
		c.fail(f)
		return
	}
	if m.validateBody && m.models != nil {
		if mod := c.modelFor(m); mod != nil {
			if v := mod.validate(c.req.Body); v != "" {
				f := badRequestBody
				f.validation = v
				c.log("Request body does not match model schema for content type %s: %s", c.contentType(), v)
				c.fail(f)
				return
			}
		}
	}
	c.integrate()
}

// modelFor picks the model of the request's content type; a content type
// without model is not validated.
func (c *call) modelFor(m *method) *model {
	if mod, ok := m.models[c.contentType()]; ok {
		return mod
	}
	return m.models["$default"]
}

func (c *call) hasParam(p param) bool {
	var v string
	switch p.in {
	case "header", "multivalueheader":
		v, _ = c.lastHeader(p.name)
	case "querystring", "multivaluequerystring":
		v, _ = c.queryParam(p.name)
	case "path":
		v, _ = c.pathParam(p.name)
	}
	return v != ""
}

// contentType is the request's media type; API Gateway takes a missing one
// for application/json.
func (c *call) contentType() string {
	return mediaType(c.req.Header.Get("Content-Type"), "application/json")
}

func (c *call) accept() string { return mediaType(c.req.Header.Get("Accept"), "") }

func mediaType(header, missing string) string {
	if header == "" || header == "application/json" {
		if header == "" {
			return missing
		}
		return header
	}
	t, _, _ := strings.Cut(header, ";")
	return strings.ToLower(strings.TrimSpace(t))
}

func (c *call) header(name string) string {
	v, _ := c.lastHeader(name)
	return v
}

// lastHeader is a header's value; of several the last counts.
func (c *call) lastHeader(name string) (string, bool) {
	v := c.req.Header.Values(name)
	if len(v) == 0 {
		return "", false
	}
	return v[len(v)-1], true
}

func (c *call) parseQuery() {
	if c.queryParsed {
		return
	}
	c.queryParsed = true
	if c.req.RawQuery == "" {
		return
	}
	for pair := range strings.SplitSeq(c.req.RawQuery, "&") {
		if pair == "" {
			continue
		}
		name, value, _ := strings.Cut(pair, "=")
		c.query = append(c.query, queryParam{unescapeQuery(name), unescapeQuery(value)})
	}
}

func unescapeQuery(s string) string {
	if d, err := url.QueryUnescape(s); err == nil {
		return javaString([]byte(d))
	}
	return s
}

// queryParam is a query parameter's value; of several the last counts.
func (c *call) queryParam(name string) (string, bool) {
	c.parseQuery()
	for i := len(c.query) - 1; i >= 0; i-- {
		if c.query[i].name == name {
			return c.query[i].value, true
		}
	}
	return "", false
}

func (c *call) queryValues(name string) (out []string) {
	c.parseQuery()
	for _, q := range c.query {
		if q.name == name {
			out = append(out, q.value)
		}
	}
	return out
}

func (c *call) pathParam(name string) (string, bool) {
	for _, p := range c.params {
		if p.name == name {
			return p.value, true
		}
	}
	return "", false
}

// methodARN names this call in policies.
func (c *call) methodARN() string {
	a := c.api
	return "arn:aws:execute-api:" + a.cfg.Region + ":" + a.cfg.AccountID + ":" + a.id + "/" + c.stage.name + "/" + c.req.Method + c.path
}

// integrationARN is on whose behalf an integration's function is invoked: the method of the template, with its path's parameters as *.
// A call in a role is the role's own.
func (c *call) integrationARN(credentials string) string {
	if credentials != "" || c.node == nil {
		return ""
	}
	path := []byte{}
	for part := range strings.SplitSeq(strings.TrimPrefix(c.node.path, "/"), "/") {
		if strings.HasPrefix(part, "{") {
			part = "*"
		}
		path = append(append(path, '/'), part...)
	}
	a := c.api
	return "arn:aws:execute-api:" + a.cfg.Region + ":" + a.cfg.AccountID + ":" + a.id + "/" + c.stage.name + "/" + c.req.Method + string(path)
}

// maskedARN is methodARN as API Gateway shows it to a caller.
func (c *call) maskedARN() string {
	a := c.api
	account := a.cfg.AccountID
	if len(account) > 4 {
		account = strings.Repeat("*", len(account)-4) + account[len(account)-4:]
	}
	return "arn:aws:execute-api:" + a.cfg.Region + ":" + account + ":" + a.id + "/" + c.stage.name + "/" + c.req.Method + c.path
}

// within starts something that must finish in d of simulated time. Of finish
// and expired only the first has an effect.
func (c *call) within(d time.Duration, start func(finish func(func())), expired func()) {
	over := false
	timer := c.api.k.After(d, func() {
		if !over {
			over = true
			expired()
		}
	})
	start(func(f func()) {
		if !over {
			over = true
			timer.Cancel()
			f()
		}
	})
}

func (c *call) log(format string, args ...any) {
	if c.api.cfg.Log != nil {
		c.api.cfg.Log(c.requestID, fmt.Sprintf(format, args...))
	}
}

// finish adds what API Gateway adds to every response, and answers.
func (c *call) finish(r *Response) {
	h := r.Header
	h["X-Amzn-Requestid"] = []string{c.requestID}
	h["X-Amz-Apigw-Id"] = []string{c.extendedID}
	if c.failure == nil && c.method.integration.kind != "MOCK" {
		sampled := "0"
		if c.stage.tracing {
			sampled = "1"
		}
		h["X-Amzn-Trace-Id"] = []string{"Root=" + c.traceID + ";Sampled=" + sampled}
	}
	if c.req.Method == http.MethodHead {
		r.Body = nil
	}
	c.compress(r)
	c.status, c.length = r.Status, len(r.Body)
	if c.stage.logFormat != nil && c.api.cfg.AccessLog != nil {
		c.api.cfg.AccessLog(c.substitute(c.stage.logFormat, "-"))
	}
	c.done(r)
}
