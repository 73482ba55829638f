package apigateway_test

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/orderflow-cdk/orderflow/local/internal/api"
)

func lambdaIntegration(typ string) m {
	return m{"Type": typ, "IntegrationHttpMethod": "POST", "Uri": functionURI}
}

func TestLambdaProxyEvent(t *testing.T) {
	w := newWorld(t)
	w.add("Api", "RestApi", m{"Name": "a", "BinaryMediaTypes": []string{"image/*"}})
	w.method(w.resource("", "{proxy+}"), "ANY", lambdaIntegration("AWS_PROXY"), nil)
	w.replies(payload(`{"statusCode":200}`), nil)
	w.send("POST", "/dev/a%20b/c?x=1&x=2%20z&y=+", `{"ü":1}`, "tEsT-H", "v1", "tEsT-H", "v2", "User-Agent", "ua", "Content-Type", "text/plain")
	var in struct{ Payload map[string]any }
	if err := json.Unmarshal(w.calls[0].Input, &in); err != nil {
		t.Fatal(err)
	}
	got := in.Payload
	ctx := got["requestContext"].(m)
	for _, id := range []string{"extendedRequestId", "requestId"} {
		if ctx[id] == "" {
			t.Errorf("requestContext.%s is empty", id)
		}
		delete(ctx, id)
	}
	headers := got["headers"].(m)
	delete(headers, "X-Amzn-Trace-Id")
	delete(got["multiValueHeaders"].(m), "X-Amzn-Trace-Id")
	host := "api.execute-api.us-east-1.amazonaws.com"
	want := m{
		"resource": "/{proxy+}", "path": "/a%20b/c", "httpMethod": "POST", "body": `{"ü":1}`, "isBase64Encoded": false,
		"headers": m{"Test-H": "v2", "User-Agent": "ua", "Content-Type": "text/plain", "Host": host, "X-Forwarded-For": "203.0.113.7", "X-Forwarded-Port": "443", "X-Forwarded-Proto": "https"},
		"multiValueHeaders": m{"Test-H": []any{"v1", "v2"}, "User-Agent": []any{"ua"}, "Content-Type": []any{"text/plain"}, "Host": []any{host},
			"X-Forwarded-For": []any{"203.0.113.7"}, "X-Forwarded-Port": []any{"443"}, "X-Forwarded-Proto": []any{"https"}},
		"queryStringParameters":           m{"x": "2 z", "y": " "},
		"multiValueQueryStringParameters": m{"x": []any{"1", "2 z"}, "y": []any{" "}},
		"pathParameters":                  m{"proxy": "a%20b/c"},
		"stageVariables":                  nil,
		"requestContext": m{"accountId": "123456789012", "apiId": "Api", "deploymentId": "Deployment", "domainName": host, "domainPrefix": "api", "httpMethod": "POST",
			"path": "/dev/a%20b/c", "protocol": "HTTP/1.1", "requestTime": "02/Jan/2026:03:04:05 +0000", "requestTimeEpoch": 1767323045678.0, "resourceId": "R2",
			"resourcePath": "/{proxy+}", "stage": "dev",
			"identity": m{"accessKey": nil, "accountId": nil, "caller": nil, "cognitoAuthenticationProvider": nil, "cognitoAuthenticationType": nil, "cognitoIdentityId": nil,
				"cognitoIdentityPoolId": nil, "principalOrgId": nil, "sourceIp": "203.0.113.7", "user": nil, "userAgent": "ua", "userArn": nil}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the event (-want +got):\n%s", diff)
	}
	w.send("POST", "/img", "\xff\x00", "Content-Type", "image/png")
	if in := string(w.calls[1].Input); !contains(in, `"body":"/wA="`) || !contains(in, `"isBase64Encoded":true`) {
		t.Errorf("a binary body: got %s", in)
	}
	w.send("GET", "/x")
	if in := string(w.calls[2].Input); !contains(in, `"body":null`) || !contains(in, `"queryStringParameters":null`) {
		t.Errorf("no body: got %s", in)
	}
}

func TestLambdaProxyResponse(t *testing.T) {
	bad := `{"message":"Internal server error"}`
	for name, c := range map[string]struct {
		out    string
		err    error
		status int
		body   string
		header map[string][]string
	}{
		"everything": {out: payload(`{"statusCode":201,"body":"b","headers":{"X-A":"1","X-B":true},"multiValueHeaders":{"x-a":["2","3"]}}`), status: 201, body: "b",
			header: map[string][]string{"X-A": {"2", "3", "1"}, "X-B": {"true"}, "Content-Type": {"application/json"}}},
		"nothing":                    {out: payload(`{}`), status: 200},
		"a status in a string":       {out: payload(`{"statusCode":"404","body":null,"headers":null}`), status: 404},
		"a type of its own":          {out: payload(`{"headers":{"content-type":"text/html"}}`), status: 200, header: map[string][]string{"Content-Type": {"text/html"}}},
		"base64, not binary":         {out: payload(`{"body":"aGk=","isBase64Encoded":true}`), status: 200, body: "aGk="},
		"a string":                   {out: payload(`"hi"`), status: 502, body: bad},
		"null":                       {out: payload(`null`), status: 502, body: bad},
		"an unknown member":          {out: payload(`{"statusCode":200,"data":1}`), status: 502, body: bad},
		"a status that is none":      {out: payload(`{"statusCode":"two"}`), status: 502, body: bad},
		"a body that is no string":   {out: payload(`{"body":{"a":1}}`), status: 502, body: bad},
		"a header that is no string": {out: payload(`{"headers":{"a":[1]}}`), status: 502, body: bad},
		"a failed function":          {out: failed("boom"), status: 502, body: bad},
		"no permission":              {err: api.Errorf("AccessDeniedException", "no"), status: 500, body: bad},
		"throttled":                  {err: &api.Error{Code: "TooManyRequestsException", Status: 429}, status: 502, body: bad},
	} {
		w := newWorld(t)
		w.method("", "GET", lambdaIntegration("AWS_PROXY"), nil)
		w.replies(c.out, c.err)
		r := w.send("GET", "/")
		if r.Status != c.status || string(r.Body) != c.body {
			t.Errorf("%s: got %d %s", name, r.Status, r.Body)
		}
		for h, want := range c.header {
			if diff := cmp.Diff(want, r.Header[h]); diff != "" {
				t.Errorf("%s: %s (-want +got):\n%s", name, h, diff)
			}
		}
	}
}

func TestLambdaBehindTemplates(t *testing.T) {
	w := newWorld(t)
	in := lambdaIntegration("AWS")
	in["RequestTemplates"] = m{"application/json": `{"id":"$input.params('id')","all":$input.json('$')}`}
	in["IntegrationResponses"] = []m{
		{"StatusCode": "200", "ResponseTemplates": m{"application/json": `ok $!input.path('$.answer')`}},
		{"StatusCode": "400", "SelectionPattern": `Bad.*`, "ResponseTemplates": m{"application/json": `$input.path('$.errorMessage')`}},
		{"StatusCode": "500", "SelectionPattern": `(.|\n)*down(.|\n)*`},
	}
	w.method(w.resource("", "{id}"), "POST", in, okOrError)
	w.replies(payload(`{"answer":42}`), nil)
	w.expect(w.send("POST", "/7", `{"b":[1,2.50]}`), 200, "ok 42")
	if got, want := string(w.calls[0].Input), `{"FunctionName":"arn:aws:lambda:us-east-1:123456789012:function:f","Payload":{"id":"7","all":{"b":[1,2.5]}}}`; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	w.replies(failed("Bad request: x"), nil)
	w.expect(w.send("POST", "/7", `{}`), 400, "Bad request: x")
	w.replies(failed("not Bad"), nil) // a pattern must match all of it; then the default applies
	w.expect(w.send("POST", "/7", `{}`), 200, "ok ")
	w.replies(failed(`it is\ndown now`), nil)
	if r := w.send("POST", "/7", `{}`); r.Status != 500 {
		t.Errorf("got %d %s", r.Status, r.Body)
	}
}
