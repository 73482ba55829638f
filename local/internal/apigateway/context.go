package apigateway

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/orderflow-cdk/orderflow/local/internal/vtl"
)

// contextText is a $context variable as text, by its dotted name without
// "$context.".
func (c *call) contextText(name string) (string, bool) {
	switch v := c.contextValue(name).(type) {
	case string:
		return v, true
	case int64:
		return strconv.FormatInt(v, 10), true
	case int32:
		return strconv.Itoa(int(v)), true
	}
	return "", false
}

// contextValue is a $context variable: a string, an int64, or nil where it has
// no value. https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-mapping-template-reference.html
func (c *call) contextValue(name string) any {
	a := c.api
	switch name {
	case "accountId":
		return a.cfg.AccountID
	case "apiId":
		return a.id
	case "deploymentId":
		return c.stage.deploy
	case "domainName":
		return c.domainName()
	case "domainPrefix":
		prefix, _, _ := strings.Cut(c.domainName(), ".")
		return prefix
	case "extendedRequestId":
		return c.extendedID
	case "httpMethod":
		return c.req.Method
	case "path":
		return "/" + c.stage.name + c.path
	case "protocol":
		return "HTTP/1.1"
	case "requestId":
		return c.requestID
	case "requestTime":
		return c.start.UTC().Format("02/Jan/2006:15:04:05 -0700")
	case "requestTimeEpoch":
		return c.start.UnixMilli()
	case "stage":
		return c.stage.name
	case "xrayTraceId":
		if c.stage.tracing {
			return c.traceID
		}
		return nil
	case "awsEndpointRequestId":
		return text0(c.answer.requestID)
	case "status":
		return int64or(c.status)
	}
	head, rest, dotted := strings.Cut(name, ".")
	if !dotted {
		return c.rareValue(name)
	}
	switch head {
	case "identity":
		return c.identityValue(rest)
	case "authorizer":
		return c.authorizerValue(rest)
	case "error":
		return c.errorValue(rest)
	case "integration", "authorize", "authenticate":
		return c.logValue(name)
	case "requestOverride", "responseOverride":
		m := c.responseOverride
		if head == "requestOverride" {
			m = c.requestOverride
		}
		for key := range strings.SplitSeq(rest, ".") {
			if m == nil {
				return nil
			}
			v, _ := m.Get(key)
			sub, isMap := v.(*vtl.Map)
			if !isMap {
				return v
			}
			m = sub
		}
	}
	return nil
}

func (c *call) rareValue(name string) any {
	switch name {
	case "resourceId":
		if c.node != nil {
			return c.node.id
		}
	case "resourcePath":
		if c.node != nil {
			return c.node.path
		}
	}
	return c.logValue(name)
}

// logValue is a variable that only access logs have.
func (c *call) logValue(name string) any {
	if c.status == 0 {
		return nil
	}
	switch name {
	case "responseLength":
		return int64(c.length)
	case "responseLatency":
		return c.api.k.Now().Sub(c.start).Milliseconds()
	case "integrationLatency", "integration.latency":
		if c.called && !c.answeredAt.IsZero() {
			return c.answeredAt.Sub(c.calledAt).Milliseconds()
		}
	case "integrationStatus", "integration.integrationStatus":
		return int64or(c.answer.status)
	case "integration.status":
		if c.answer.status != 0 && c.method.integration.target.lambda != "" {
			return int64(200) // Lambda's, not the function's
		}
		return int64or(c.answer.status)
	case "integration.requestId":
		return text0(c.answer.requestID)
	case "integrationErrorMessage", "integration.error":
		return text0(c.integrationError)
	case "authorize.status", "authenticate.status":
		if c.failure != nil && (c.failure.typ == "ACCESS_DENIED" || c.failure.typ == "UNAUTHORIZED") {
			return int64(c.failure.status)
		}
	case "endpointType":
		return "EDGE"
	}
	return nil
}

func (c *call) domainName() string {
	if c.req.Host != "" {
		return c.req.Host
	}
	return c.api.domain
}

func text0(s string) any {
	if s == "" {
		return nil
	}
	return s
}

func int64or(n int) any {
	if n == 0 {
		return nil
	}
	return int64(n)
}

// identityNames are the members of $context.identity in AWS's order.
var identityNames = []string{
	"cognitoIdentityPoolId", "accountId", "cognitoIdentityId", "caller", "sourceIp", "principalOrgId", "accessKey",
	"cognitoAuthenticationType", "cognitoAuthenticationProvider", "userArn", "userAgent", "user",
}

func (c *call) identityValue(name string) any {
	switch name {
	case "sourceIp":
		if c.req.SourceIP == "" {
			return "127.0.0.1"
		}
		return c.req.SourceIP
	case "userAgent":
		return text0(c.req.Header.Get("User-Agent"))
	case "apiKey":
		if c.key != nil {
			return c.key.value
		}
		return nil
	case "apiKeyId":
		if c.key != nil {
			return c.key.id
		}
		return nil
	}
	id := c.identity
	if id == nil {
		return nil
	}
	switch name {
	case "accountId":
		return text0(id.AccountID)
	case "accessKey":
		return text0(id.AccessKey)
	case "caller":
		return text0(id.Caller)
	case "user":
		return text0(id.User)
	case "userArn":
		return text0(id.UserARN)
	case "principalOrgId":
		return text0(id.PrincipalOrgID)
	case "cognitoAuthenticationProvider":
		return text0(id.CognitoAuthenticationProvider)
	case "cognitoAuthenticationType":
		return text0(id.CognitoAuthenticationType)
	case "cognitoIdentityId":
		return text0(id.CognitoIdentityID)
	case "cognitoIdentityPoolId":
		return text0(id.CognitoIdentityPoolID)
	}
	return nil
}

func (c *call) authorizerValue(name string) any {
	if claim, ok := strings.CutPrefix(name, "claims."); ok {
		return lookup(c.claims, claim)
	}
	if r := c.authorized; r != nil {
		if name == "principalId" {
			return r.principal
		}
		return lookup(r.context, name)
	}
	return nil
}

func lookup(list []variable, name string) any {
	for i := range list {
		if list[i].name == name {
			return list[i].value
		}
	}
	return nil
}

func (c *call) errorValue(name string) any {
	f := c.failure
	if f == nil {
		return nil
	}
	switch name {
	case "message":
		if f.null {
			return nil
		}
		return f.message
	case "messageString":
		return f.messageString()
	case "responseType":
		return f.typ
	case "validationErrorString":
		if f.validation == "" {
			return nil
		}
		return jsonInner(f.validation)
	}
	return nil
}

// stringClaims are a token's claims as API Gateway passes them on: each a
// string; lists joined by commas; exp and iat as Java prints a Date.
func stringClaims(claims map[string]any) []variable {
	out := map[string]string{}
	for name, v := range claims {
		switch v := v.(type) {
		case nil:
		case string:
			out[name] = v
		case []any:
			parts := make([]string, len(v))
			for i := range v {
				parts[i] = fmt.Sprint(v[i])
			}
			out[name] = strings.Join(parts, ",")
		case float64:
			out[name] = claimNumber(name, strconv.FormatFloat(v, 'f', -1, 64))
		case map[string]any:
			out[name] = compact(v)
		default:
			out[name] = claimNumber(name, fmt.Sprint(v))
		}
	}
	return sortedVariables(out)
}

func claimNumber(name, s string) string {
	if name != "exp" && name != "iat" {
		return s
	}
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		return s
	}
	return time.Unix(n, 0).UTC().Format("Mon Jan 02 15:04:05 UTC 2006")
}
