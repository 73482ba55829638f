package apigateway

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/orderflow-cdk/orderflow/local/internal/api"
	"github.com/orderflow-cdk/orderflow/local/internal/cfn"
)

// authorizer is an Authorizer resource.
type authorizer struct {
	id, name    string
	kind        string // TOKEN, REQUEST, COGNITO_USER_POOLS
	providers   []string
	sources     []param // location: header, querystring, stageVariables, context
	validation  *regexp.Regexp
	function    string
	credentials string
	ttl         time.Duration
}

// cachedPolicy is a Lambda authorizer's answer, kept for its TTL.
type cachedPolicy struct {
	until  time.Time
	result *authorizerResult
}

// authorizerResult is a Lambda authorizer's well-formed answer.
type authorizerResult struct {
	principal string
	policy    *policy
	context   []variable // in the order of the answer's keys, sorted
	apiKey    string
}

func (b *builder) buildAuthorizers() {
	for _, r := range b.authorizers {
		if b.mine(r.ID, r.Type, r.Props.RestApiId) {
			b.authorizerByID[r.ID] = b.buildAuthorizer(r)
		}
	}
}

func (b *builder) buildAuthorizer(r cfn.Typed[authorizerProps]) *authorizer {
	p := r.Props
	a := &authorizer{id: r.ID, name: p.Name, kind: p.Type, providers: p.ProviderARNs, credentials: p.AuthorizerCredentials, ttl: 300 * time.Second}
	if p.AuthorizerResultTtlInSeconds != nil {
		if n := *p.AuthorizerResultTtlInSeconds; n < 0 || n > 3600 {
			b.Errorf(r.ID, r.Type, "AuthorizerResultTtlInSeconds must be between 0 and 3600, got %d", n)
		}
		a.ttl = time.Duration(*p.AuthorizerResultTtlInSeconds) * time.Second
	}
	source := p.IdentitySource
	if source == "" && a.kind != "REQUEST" {
		source = "method.request.header.Authorization"
	}
	for s := range strings.SplitSeq(source, ",") {
		if s = strings.TrimSpace(s); s != "" {
			src, err := parseIdentitySource(s)
			if err != nil {
				b.Errorf(r.ID, r.Type, "IdentitySource: %v", err)
				continue
			}
			a.sources = append(a.sources, src)
		}
	}
	if p.IdentityValidationExpression != "" {
		re, err := regexp.Compile(`\A(?:` + p.IdentityValidationExpression + `)\z`)
		if err != nil {
			b.Errorf(r.ID, r.Type, "IdentityValidationExpression: %v", err)
		}
		a.validation = re
	}
	switch a.kind {
	case "COGNITO_USER_POOLS":
		if len(a.providers) == 0 {
			b.Errorf(r.ID, r.Type, "ProviderARNs is empty: no user pool")
		}
		if b.api.cfg.VerifyToken == nil {
			b.Errorf(r.ID, r.Type, "Type COGNITO_USER_POOLS needs Config.VerifyToken")
		}
	case "TOKEN", "REQUEST":
		var err error
		if a.function, err = functionOfURI(p.AuthorizerUri); err != nil {
			b.Errorf(r.ID, r.Type, "AuthorizerUri: %v", err)
		}
		if a.kind == "REQUEST" && len(a.sources) == 0 && a.ttl > 0 {
			b.Errorf(r.ID, r.Type, "IdentitySource is required while results are cached")
		}
	default:
		b.Errorf(r.ID, r.Type, "Type must be TOKEN, REQUEST or COGNITO_USER_POOLS, got %q", a.kind)
	}
	if a.kind != "REQUEST" && (len(a.sources) != 1 || a.sources[0].in != "header") {
		b.Errorf(r.ID, r.Type, "IdentitySource must be one header, got %q", source)
	}
	return a
}

func parseIdentitySource(s string) (param, error) {
	for _, prefix := range []string{"stageVariables.", "context."} {
		if name, ok := strings.CutPrefix(s, prefix); ok && name != "" {
			return param{strings.TrimSuffix(prefix, "."), name}, nil
		}
	}
	p, err := parseMethodParam(s)
	if err == nil && p.in != "header" && p.in != "querystring" {
		err = fmt.Errorf("%q: the location must be header, querystring, stageVariables or context", s)
	}
	return p, err
}

// authorize runs the method's authorization; next runs if it passes.
func (c *call) authorize(next func()) {
	switch m := c.method; m.authType {
	case "NONE":
		next()
	case "AWS_IAM":
		c.authorizeIAM(next)
	case "COGNITO_USER_POOLS":
		c.authorizeCognito(next)
	default:
		c.authorizeLambda(m.authorizer, next)
	}
}

func (c *call) authorizeIAM(next func()) {
	id, err := c.api.cfg.Identify(c.req, c.methodARN())
	c.identity = id
	switch {
	case err == nil && id != nil:
		next()
	case errors.Is(err, ErrMissingToken):
		c.fail(missingAuthenticationToken)
	case errors.Is(err, ErrInvalidSignature):
		c.fail(invalidSignature)
	case errors.Is(err, ErrExpiredToken):
		c.fail(expiredToken)
	default:
		if err != nil && !errors.Is(err, ErrAccessDenied) {
			c.log("authorization: %v", err)
		}
		who := "anonymous"
		if id != nil && id.UserARN != "" {
			who = id.UserARN
		}
		f := accessDenied
		f.message = "User: " + who + " is not authorized to perform: execute-api:Invoke on resource: " + c.maskedARN()
		c.fail(f)
	}
}

func (c *call) authorizeCognito(next func()) {
	a := c.method.authorizer
	token := c.source(a.sources[0])
	if token == "" || a.validation != nil && !a.validation.MatchString(token) {
		c.fail(unauthorized)
		return
	}
	token = strings.TrimPrefix(token, "Bearer ")
	claims, err := c.api.cfg.VerifyToken(c.method.cognito, token)
	if err != nil {
		f := unauthorized
		if errors.Is(err, ErrTokenExpired) {
			f.message = "The incoming token has expired"
		}
		c.log("authorizer %s: %v", a.id, err)
		c.fail(f)
		return
	}
	if len(c.method.scopes) > 0 && !hasScope(claims, c.method.scopes) {
		c.log("authorizer %s: the token has none of the scopes %v", a.id, c.method.scopes)
		c.fail(unauthorized)
		return
	}
	c.claims = stringClaims(claims)
	next()
}

func hasScope(claims map[string]any, wanted []string) bool {
	have, _ := claims["scope"].(string)
	for s := range strings.FieldsSeq(have) {
		for _, w := range wanted {
			if s == w {
				return true
			}
		}
	}
	return false
}

func (c *call) authorizeLambda(a *authorizer, next func()) {
	var key strings.Builder
	key.WriteString(a.id)
	key.WriteByte(0)
	key.WriteString(c.stage.name)
	var token string
	for _, s := range a.sources {
		v := c.source(s)
		if v == "" {
			c.fail(unauthorized)
			return
		}
		token = v
		fmt.Fprintf(&key, "\x00%d:%s", len(v), v)
	}
	if a.validation != nil && !a.validation.MatchString(token) {
		c.fail(unauthorized)
		return
	}
	id, caching := key.String(), a.ttl > 0
	if caching {
		if hit, ok := c.api.authorizerResults[id]; ok {
			if c.api.k.Now().Before(hit.until) {
				c.applyPolicy(hit.result, next)
				return
			}
			delete(c.api.authorizerResults, id)
		}
	}
	var event any
	if a.kind == "TOKEN" {
		event = tokenEvent{Type: "TOKEN", AuthorizationToken: token, MethodARN: c.methodARN()}
	} else {
		event = c.requestEvent()
	}
	input := invokeInput(a.function, event)
	c.within(defaultTimeout, func(finish func(func())) {
		c.api.bus.Do(api.Call{Service: "lambda", Action: "Invoke", Input: input, Caller: a.credentials, SourceARN: c.authorizerARN(a)}, func(out []byte, err error) {
			finish(func() {
				result, f := readAuthorizerResult(out, err)
				if result == nil {
					c.log("authorizer %s: %s", a.id, f.cause)
					c.fail(f)
					return
				}
				if caching {
					c.api.authorizerResults[id] = cachedPolicy{until: c.api.k.Now().Add(a.ttl), result: result}
				}
				c.applyPolicy(result, next)
			})
		})
	}, func() {
		c.log("authorizer %s: timed out", a.id)
		c.fail(authorizerFailure)
	})
}

// authorizerARN is on whose behalf an authorizer's function is invoked.
func (c *call) authorizerARN(a *authorizer) string {
	return "arn:aws:execute-api:" + c.api.cfg.Region + ":" + c.api.cfg.AccountID + ":" + c.api.id + "/authorizers/" + a.id
}

type tokenEvent struct {
	Type               string `json:"type"`
	AuthorizationToken string `json:"authorizationToken"`
	MethodARN          string `json:"methodArn"`
}

// readAuthorizerResult reads a Lambda authorizer's answer. A function that
// fails with the message "Unauthorized" means 401; any other failure is
// AUTHORIZER_FAILURE, an answer of the wrong form AUTHORIZER_CONFIGURATION_ERROR.
//
// https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-lambda-authorizer-output.html
func readAuthorizerResult(out []byte, err error) (*authorizerResult, failureOf) {
	if err != nil {
		return nil, authorizerConfigurationError.because(err.Error())
	}
	payload, functionError, err := readInvokeOutput(out)
	if err != nil {
		return nil, authorizerFailure.because(err.Error())
	}
	if functionError {
		if errorMessageOf(payload) == "Unauthorized" {
			return nil, unauthorized.because("the function answered Unauthorized")
		}
		return nil, authorizerFailure.because("the function failed: " + string(payload))
	}
	var answer struct {
		PrincipalID        string                     `json:"principalId"`
		PolicyDocument     json.RawMessage            `json:"policyDocument"`
		Context            map[string]json.RawMessage `json:"context"`
		UsageIdentifierKey string                     `json:"usageIdentifierKey"`
	}
	if err := json.Unmarshal(payload, &answer); err != nil {
		return nil, authorizerConfigurationError.because("its answer is malformed: " + err.Error())
	}
	if answer.PrincipalID == "" {
		return nil, authorizerConfigurationError.because("its answer has no principalId")
	}
	p, err := parsePolicy(answer.PolicyDocument)
	if err != nil {
		return nil, authorizerConfigurationError.because(err.Error())
	}
	r := &authorizerResult{principal: answer.PrincipalID, policy: p, apiKey: answer.UsageIdentifierKey}
	values := map[string]string{}
	for name, raw := range answer.Context {
		s := strings.TrimSpace(string(raw))
		switch {
		case s == "" || s[0] == '{' || s[0] == '[':
			return nil, authorizerConfigurationError.because("context." + name + " is neither string, number nor boolean")
		case s == "null":
			continue
		case s[0] == '"':
			var v string
			if err := json.Unmarshal(raw, &v); err != nil {
				return nil, authorizerConfigurationError.because(err.Error())
			}
			s = v
		}
		values[name] = s
	}
	r.context = sortedVariables(values)
	return r, failureOf{}
}

func (c *call) applyPolicy(r *authorizerResult, next func()) {
	c.authorized = r
	switch r.policy.evaluate(c.methodARN()) {
	case allow:
		next()
	case explicitDeny:
		c.fail(accessDenied)
	default:
		f := accessDenied
		f.message = "User is not authorized to access this resource"
		c.fail(f)
	}
}

// source is the value of an authorizer's identity source.
func (c *call) source(p param) string {
	switch p.in {
	case "header":
		return c.header(p.name)
	case "querystring":
		v, _ := c.queryParam(p.name)
		return v
	case "stageVariables":
		v, _ := c.stage.variable(p.name)
		return v
	}
	v, _ := c.contextText(p.name)
	return v
}
