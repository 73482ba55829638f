package apigateway_test

import (
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/orderflow-cdk/orderflow/local/internal/api"
	"github.com/orderflow-cdk/orderflow/local/internal/apigateway"
)

func TestCognitoAuthorizer(t *testing.T) {
	w := newWorld(t)
	w.cfg.VerifyToken = func(a *apigateway.Authorizer, token string) (map[string]any, error) {
		switch token {
		case "good":
			return map[string]any{"sub": "u1", "custom:tenant": "acme", "cognito:groups": []any{"a", "b"}, "exp": float64(1519849812), "n": json.Number("7"),
				"scope": "orders/read orders/write"}, nil
		case "old":
			return nil, apigateway.ErrTokenExpired
		}
		if len(a.ProviderARNs) != 1 || a.LogicalID != "Auth" {
			t.Errorf("got %+v", a)
		}
		return nil, errors.New("bad signature")
	}
	w.add("Auth", "Authorizer", m{"RestApiId": "Api", "Name": "a", "Type": "COGNITO_USER_POOLS", "IdentitySource": "method.request.header.Authorization",
		"ProviderARNs": []string{"arn:aws:cognito-idp:us-east-1:123456789012:userpool/p"}})
	by := m{"AuthorizationType": "COGNITO_USER_POOLS", "AuthorizerId": "Auth"}
	w.method("", "GET", mock(`$context.authorizer.claims.sub $context.authorizer.claims['custom:tenant'] $context.authorizer.claims.get("cognito:groups") $context.authorizer.claims.exp $context.authorizer.claims.n [$!context.authorizer.claims.none] [$context.authorizer.claims]`), by)
	w.method(w.resource("", "scoped"), "GET", mock("ok"), m{"AuthorizationType": "COGNITO_USER_POOLS", "AuthorizerId": "Auth", "AuthorizationScopes": []string{"x", "orders/read"}})
	w.method(w.resource("", "admin"), "GET", mock("ok"), m{"AuthorizationType": "COGNITO_USER_POOLS", "AuthorizerId": "Auth", "AuthorizationScopes": []string{"orders/admin"}})

	refused := `{"message":"Unauthorized"}`
	good := "u1 acme a,b Wed Feb 28 20:30:12 UTC 2018 7 [] []"
	w.expect(w.send("GET", "/", "", "Authorization", "Bearer good"), 200, good)
	w.expect(w.send("GET", "/", "", "Authorization", "good"), 200, good)
	w.expect(w.send("GET", "/"), 401, refused)
	w.expect(w.send("GET", "/", "", "Authorization", "Bearer evil"), 401, refused)
	w.expect(w.send("GET", "/", "", "Authorization", "old"), 401, `{"message":"The incoming token has expired"}`)
	w.expect(w.send("GET", "/scoped", "", "Authorization", "good"), 200, "ok")
	w.expect(w.send("GET", "/admin", "", "Authorization", "good"), 401, refused)
}

func TestIAM(t *testing.T) {
	for _, c := range []struct {
		err    error
		status int
		body   string
	}{
		{nil, 200, "arn:aws:iam::123456789012:user/u AKIA"},
		{apigateway.ErrMissingToken, 403, `{"message":"Missing Authentication Token"}`},
		{apigateway.ErrExpiredToken, 403, `{"message":"The security token included in the request is expired"}`},
		{apigateway.ErrAccessDenied, 403, `{"Message":"User: arn:aws:iam::123456789012:user/u is not authorized to perform: execute-api:Invoke on resource: arn:aws:execute-api:us-east-1:********9012:Api/dev/GET/a/b"}`},
	} {
		w := newWorld(t)
		var arn string
		w.cfg.Identify = func(_ *apigateway.Request, methodARN string) (*apigateway.Identity, error) {
			arn = methodARN
			return &apigateway.Identity{UserARN: "arn:aws:iam::123456789012:user/u", AccessKey: "AKIA"}, c.err
		}
		w.method(w.resource("", "{proxy+}"), "GET", mock("$context.identity.userArn $context.identity.accessKey"), m{"AuthorizationType": "AWS_IAM"})
		w.expect(w.send("GET", "/a/b"), c.status, c.body)
		if want := "arn:aws:execute-api:us-east-1:123456789012:Api/dev/GET/a/b"; arn != want {
			t.Errorf("got the method ARN %s, want %s", arn, want)
		}
	}
}

const policyFor = `{"principalId":"p1","policyDocument":{"Version":"2012-10-17","Statement":[{"Action":"execute-api:Invoke","Effect":"EFFECT","Resource":"RESOURCE"}]},"context":{"tenant":"acme","n":7,"b":true}}`

func policy(effect, resource string) string {
	return payload(replaceAll(policyFor, "EFFECT", effect, "RESOURCE", resource))
}

func TestTokenAuthorizer(t *testing.T) {
	w := newWorld(t)
	w.add("Auth", "Authorizer", m{"RestApiId": "Api", "Name": "a", "Type": "TOKEN", "AuthorizerUri": functionURI,
		"AuthorizerCredentials": "arn:aws:iam::123456789012:role/auth", "IdentityValidationExpression": "Bearer .*", "AuthorizerResultTtlInSeconds": "60"})
	custom := m{"AuthorizationType": "CUSTOM", "AuthorizerId": "Auth"}
	w.method(w.resource("", "a"), "GET", mock("$context.authorizer.principalId $context.authorizer.tenant $context.authorizer.n $context.authorizer.b"), custom)
	w.method(w.resource("", "b"), "GET", mock("b"), custom)

	refused := `{"message":"Unauthorized"}`
	denied := `{"Message":"User is not authorized to access this resource with an explicit deny"}`
	w.expect(w.send("GET", "/a"), 401, refused)
	w.expect(w.send("GET", "/a", "", "Authorization", "Basic x"), 401, refused)
	if len(w.calls) != 0 {
		t.Errorf("the function was called for requests that its validation refuses: %v", w.calls)
	}
	w.replies(policy("Allow", "arn:aws:execute-api:*:*:Api/dev/GET/a"), nil)
	w.expect(w.send("GET", "/a", "", "Authorization", "Bearer 1"), 200, "p1 acme 7 true")
	want := `{"FunctionName":"arn:aws:lambda:us-east-1:123456789012:function:f","Payload":{"type":"TOKEN","authorizationToken":"Bearer 1","methodArn":"arn:aws:execute-api:us-east-1:123456789012:Api/dev/GET/a"}}`
	if c := w.calls[0]; string(c.Input) != want || c.Service != "lambda" || c.Action != "Invoke" || c.Caller != "arn:aws:iam::123456789012:role/auth" {
		t.Errorf("got %+v %s", c, c.Input)
	}
	// The cached policy is evaluated anew for another method.
	w.expect(w.send("GET", "/b", "", "Authorization", "Bearer 1"), 403, `{"Message":"User is not authorized to access this resource"}`)
	w.expect(w.send("GET", "/a", "", "Authorization", "Bearer 1"), 200, "p1 acme 7 true")
	if len(w.calls) != 1 {
		t.Errorf("%d calls, want one: the answer is cached", len(w.calls))
	}
	w.expect(w.send("GET", "/a", "", "Authorization", "Bearer 2"), 200, "p1 acme 7 true")
	w.k.Advance(61 * time.Second)
	w.replies(policy("Deny", "*"), nil)
	w.expect(w.send("GET", "/a", "", "Authorization", "Bearer 1"), 403, denied)
	if len(w.calls) != 3 {
		t.Errorf("%d calls, want 3", len(w.calls))
	}
}

func TestAuthorizersThatFail(t *testing.T) {
	for name, c := range map[string]struct {
		answer    string
		err       error
		status    int
		body      string
		errorType string
	}{
		"the function says Unauthorized":     {answer: failed("Unauthorized"), status: 401, body: `{"message":"Unauthorized"}`, errorType: "UnauthorizedException"},
		"the function fails":                 {answer: failed("boom"), status: 500, body: `{"message":null}`, errorType: "AuthorizerFailureException"},
		"no permission":                      {err: api.Errorf("AccessDeniedException", "no"), status: 500, body: `{"message":null}`, errorType: "AuthorizerConfigurationException"},
		"no policy":                          {answer: payload(`{"principalId":"p"}`), status: 500, body: `{"message":null}`, errorType: "AuthorizerConfigurationException"},
		"no principal":                       {answer: payload(`{"policyDocument":{"Statement":[]}}`), status: 500, body: `{"message":null}`, errorType: "AuthorizerConfigurationException"},
		"not an object":                      {answer: payload(`"x"`), status: 500, body: `{"message":null}`, errorType: "AuthorizerConfigurationException"},
		"a bad effect":                       {answer: policy("allow", "*"), status: 500, body: `{"message":null}`, errorType: "AuthorizerConfigurationException"},
		"an object in the context":           {answer: payload(`{"principalId":"p","policyDocument":{"Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]},"context":{"a":{}}}`), status: 500, body: `{"message":null}`, errorType: "AuthorizerConfigurationException"},
		"a condition, which is not modelled": {answer: payload(`{"principalId":"p","policyDocument":{"Statement":[{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"IpAddress":{}}}]}}`), status: 500, body: `{"message":null}`, errorType: "AuthorizerConfigurationException"},
		"another action":                     {answer: payload(`{"principalId":"p","policyDocument":{"Statement":{"Effect":"Allow","Action":"execute-api:Manage","Resource":"*"}}}`), status: 403, body: `{"Message":"User is not authorized to access this resource"}`, errorType: "AccessDeniedException"},
		"a deny beside an allow":             {answer: payload(`{"principalId":"p","policyDocument":{"Statement":[{"Effect":"Allow","Action":"*","Resource":"*"},{"Effect":"Deny","Action":["execute-api:*"],"NotResource":["arn:aws:s3:::x"]}]}}`), status: 403, body: `{"Message":"User is not authorized to access this resource with an explicit deny"}`, errorType: "AccessDeniedException"},
		"it works":                           {answer: policy("Allow", "arn:aws:execute-api:us-east-?:123456789012:*/dev/*"), status: 200, body: "ok"},
	} {
		w := newWorld(t)
		w.add("Auth", "Authorizer", m{"RestApiId": "Api", "Name": "a", "Type": "TOKEN", "AuthorizerUri": functionURI})
		w.method("", "GET", mock("ok"), m{"AuthorizationType": "CUSTOM", "AuthorizerId": "Auth"})
		w.replies(c.answer, c.err)
		r := w.send("GET", "/", "", "Authorization", "t")
		if r.Status != c.status || string(r.Body) != c.body || r.Header.Get("X-Amzn-Errortype") != c.errorType {
			t.Errorf("%s: got %d %s %s (%q)", name, r.Status, r.Body, r.Header.Get("X-Amzn-Errortype"), w.logs)
		}
	}
}

func TestRequestAuthorizer(t *testing.T) {
	w := newWorld(t)
	w.add("Stage", "Stage", m{"RestApiId": "Api", "DeploymentId": "Deployment", "StageName": "dev", "Variables": m{"v": "1"}})
	w.add("Auth", "Authorizer", m{"RestApiId": "Api", "Name": "a", "Type": "REQUEST", "AuthorizerUri": functionURI,
		"IdentitySource": "method.request.header.X-Key, method.request.querystring.q, stageVariables.v, context.httpMethod"})
	w.method(w.resource("", "{id}"), "POST", mock("ok"), m{"AuthorizationType": "CUSTOM", "AuthorizerId": "Auth"})
	w.replies(policy("Allow", "*"), nil)
	w.expect(w.send("POST", "/7?q=1", "body"), 401, `{"message":"Unauthorized"}`)
	w.expect(w.send("POST", "/7?q=1&q=2", "body", "X-Key", "k"), 200, "ok")
	var in struct {
		Payload struct {
			Type, MethodArn, Resource, Path, HttpMethod string
			Headers, QueryStringParameters              map[string]string
			MultiValueQueryStringParameters             map[string][]string
			PathParameters, StageVariables              map[string]string
			RequestContext                              map[string]any
			Body                                        *string
		}
	}
	if err := json.Unmarshal(w.calls[0].Input, &in); err != nil {
		t.Fatal(err)
	}
	p := in.Payload
	if p.Type != "REQUEST" || p.Resource != "/{id}" || p.Path != "/7" || p.Headers["X-Key"] != "k" || p.QueryStringParameters["q"] != "2" ||
		len(p.MultiValueQueryStringParameters["q"]) != 2 || p.PathParameters["id"] != "7" || p.StageVariables["v"] != "1" ||
		p.RequestContext["stage"] != "dev" || p.Body != nil || p.MethodArn == "" {
		t.Errorf("got %s", w.calls[0].Input)
	}
	w.send("POST", "/7?q=2", "", "X-Key", "k")
	w.send("POST", "/7?q=3", "", "X-Key", "k")
	w.send("POST", "/8?q=3", "", "X-Key", "k")
	if len(w.calls) != 2 {
		t.Errorf("%d calls, want 2: the identity sources are the cache's key", len(w.calls))
	}
}
