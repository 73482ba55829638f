package appsync

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/orderflow-cdk/orderflow/local/internal/api"
)

// lambdaAnswer is an authorizer's answer, kept for a while.
type lambdaAnswer struct {
	identity *identity // nil: not authorized
	until    time.Time
}

// authorizerTimeout is how long AppSync waits for a Lambda authorizer
// (AppSync Developer Guide, "AWS_LAMBDA authorization").
const authorizerTimeout = 10 * time.Second

// askAuthorizer invokes the Lambda authorizer, unless its answer for the
// token is still good.
func (a *API) askAuthorizer(c *credentials, token string, done func(*identity, *requestError)) {
	m := a.mode(modeLambda)
	finish := func(id *identity) {
		if id == nil {
			done(nil, unauthorized(notAuthorized))
			return
		}
		done(id, nil)
	}
	if m.token != nil && !m.token.MatchString(token) {
		finish(nil)
		return
	}
	if kept, ok := a.lambdaAnswers[token]; ok && a.k.Now().Before(kept.until) {
		finish(kept.identity)
		return
	}
	answered := false
	timeout := a.k.After(authorizerTimeout, func() {
		if !answered {
			answered = true
			a.log(c.requestID, "the Lambda authorizer timed out")
			finish(nil)
		}
	})
	call := api.Call{Service: "lambda", Action: "Invoke", Input: a.authorizerCall(m, c, token)}
	a.bus.Do(call, func(out []byte, err error) {
		if answered {
			return
		}
		answered = true
		timeout.Cancel()
		if err != nil {
			a.log(c.requestID, "the Lambda authorizer: "+err.Error())
			finish(nil)
			return
		}
		id, ttl := a.readAuthorizer(m, c, out)
		if ttl > 0 {
			a.keep(token, lambdaAnswer{id, a.k.Now().Add(ttl)})
		}
		finish(id)
	})
}

// maxAnswers bounds the authorizer's answers that are kept.
const maxAnswers = 10_000

// keep keeps an authorizer's answer. When there are too many, those go that are not good
// any more, and if that is too few, all.
func (a *API) keep(token string, answer lambdaAnswer) {
	if len(a.lambdaAnswers) >= maxAnswers {
		maps.DeleteFunc(a.lambdaAnswers, func(_ string, kept lambdaAnswer) bool { return !a.k.Now().Before(kept.until) })
		if len(a.lambdaAnswers) > maxAnswers/2 {
			clear(a.lambdaAnswers)
		}
	}
	a.lambdaAnswers[token] = answer
}

func (a *API) authorizerCall(m *mode, c *credentials, token string) []byte {
	headers := map[string]string{}
	for name, values := range c.header {
		if len(values) > 0 {
			headers[strings.ToLower(name)] = strings.Join(values, ",")
		}
	}
	var operation any
	if c.operationName != "" {
		operation = c.operationName
	}
	variables := json.RawMessage(c.variables)
	if isNull(variables) {
		variables = json.RawMessage("{}")
	}
	w := newObject(nil)
	w.str("FunctionName", m.function)
	w.raw("Payload", toJSON(map[string]any{
		"authorizationToken": token,
		"requestContext": map[string]any{
			"apiId": a.id, "accountId": a.cfg.AccountID, "requestId": c.requestID, "queryString": c.document,
			"operationName": operation, "variables": variables,
		},
		"requestHeaders": headers,
	}))
	return w.end()
}

// readAuthorizer reads the answer, and for how long it is good.
func (a *API) readAuthorizer(m *mode, c *credentials, out []byte) (*identity, time.Duration) {
	payload, failure := lambdaResult(out)
	if failure != nil {
		a.log(c.requestID, "the Lambda authorizer failed: "+failure.message)
		return nil, 0
	}
	var answer struct {
		IsAuthorized    *bool           `json:"isAuthorized"`
		ResolverContext json.RawMessage `json:"resolverContext"`
		DeniedFields    []string        `json:"deniedFields"`
		TTLOverride     *int            `json:"ttlOverride"`
	}
	if err := json.Unmarshal(payload, &answer); err != nil || answer.IsAuthorized == nil {
		a.log(c.requestID, "the Lambda authorizer's answer has no isAuthorized: "+string(payload))
		return nil, 0
	}
	ttl := m.ttl
	if answer.TTLOverride != nil {
		ttl = time.Duration(*answer.TTLOverride) * time.Second
	}
	if !*answer.IsAuthorized {
		return nil, ttl
	}
	id := &identity{mode: m, denied: map[string]bool{}}
	w := newObject(nil)
	w.raw("resolverContext", answer.ResolverContext)
	id.json = w.end()
	for _, f := range answer.DeniedFields {
		id.denied[a.shortField(f)] = true
	}
	return id, ttl
}

// shortField is Type.field of either form of a denied field.
func (a *API) shortField(f string) string {
	parts := strings.Split(f, "/")
	if i := slices.Index(parts, "types"); i >= 0 && len(parts) == i+4 && parts[i+2] == "fields" && strings.HasSuffix(parts[0], ":apis") {
		return parts[i+1] + "." + parts[i+3]
	}
	return f
}
