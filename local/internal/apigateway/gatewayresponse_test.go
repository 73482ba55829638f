package apigateway_test

import (
	"strings"
	"testing"

	"github.com/orderflow-cdk/orderflow/local/internal/apigateway"
)

func TestGatewayResponseTemplatesAreSubstitutionOnly(t *testing.T) {
	for template, want := range map[string]string{
		`$context.error.messageString`:                           `"Missing required request parameters: [x\"y]"`,
		`$context.error.message`:                                 `Missing required request parameters: [x"y]`,
		`$context.error.responseType.`:                           `BAD_REQUEST_PARAMETERS.`,
		`$context.httpMethod/$context.stage$context.path`:        `GET/dev/dev/`,
		`#set($a = 1)$a $util.urlEncode("x") $input.body`:        `#set($a = 1)$a $util.urlEncode("x") $input.body`,
		`$stageVariables.colour-$stageVariables.none`:            `blue-`,
		`[$context.nothing][$context.authorizer.principalId]`:    `[][]`,
		`$method.request.header.X-One|$method.request.header.No`: `1|`,
		`$method.request.querystring.q`:                          `$context.stage`,
		`$ $$ $context $context. costs 5$`:                       `$ $$ $context $context. costs 5$`,
	} {
		w := newWorld(t)
		w.add("Stage", "Stage", m{"RestApiId": "Api", "DeploymentId": "Deployment", "StageName": "dev", "Variables": m{"colour": "blue"}})
		w.add("V", "RequestValidator", m{"RestApiId": "Api", "ValidateRequestParameters": true})
		w.add("G", "GatewayResponse", m{"RestApiId": "Api", "ResponseType": "BAD_REQUEST_PARAMETERS",
			"ResponseTemplates": m{"text/x": template}})
		w.method("", "GET", mock("ok"), m{"RequestValidatorId": "V", "RequestParameters": m{`method.request.header.x"y`: true}})
		r := w.send("GET", "/?q=%24context.stage", "", "X-One", "1")
		if string(r.Body) != want || r.Status != 400 || r.Header.Get("Content-Type") != "text/x" {
			t.Errorf("%s: got %d %s (%s)\nwant %s", template, r.Status, r.Body, r.Header.Get("Content-Type"), want)
		}
	}
}

func TestGatewayResponsesFallBackToTheDefaults(t *testing.T) {
	w := newWorld(t)
	w.add("Default", "GatewayResponse", m{"RestApiId": "Api", "ResponseType": "DEFAULT_4XX",
		"ResponseParameters": m{"gatewayresponse.header.X-Kind": "context.error.responseType", "gatewayresponse.header.X-Static": "'s'",
			"gatewayresponse.header.X-Echo": "method.request.header.X-In", "gatewayresponse.header.Content-Type": "'application/problem+json'"},
		"ResponseTemplates": m{"application/json": `{"t":"$context.error.responseType"}`}})
	w.add("Route", "GatewayResponse", m{"RestApiId": "Api", "ResponseType": "MISSING_AUTHENTICATION_TOKEN", "StatusCode": 404})
	w.add("Keys", "ApiKey", m{"Name": "k", "Enabled": true, "Value": "01234567890123456789"})
	w.method(w.resource("", "key"), "GET", mock("ok"), m{"ApiKeyRequired": true})
	in := dynamodb("{}", m{"StatusCode": "200", "SelectionPattern": "2.."})
	w.method(w.resource("", "fails"), "GET", in, nil)

	r := w.send("GET", "/key", "", "X-In", "a\r\nInjected: 1")
	w.expect(r, 403, `{"t":"INVALID_API_KEY"}`)
	for name, want := range map[string]string{"X-Kind": "INVALID_API_KEY", "X-Static": "s", "X-Echo": "a  Injected: 1",
		"Content-Type": "application/problem+json", "X-Amzn-Errortype": "ForbiddenException"} {
		if got := r.Header.Get(name); got != want {
			t.Errorf("%s: got %q, want %q", name, got, want)
		}
	}
	// A response of its own does not inherit the default's template.
	w.expect(w.send("GET", "/none", ""), 404, `{"message":"Missing Authentication Token"}`)
	// A 5xx does not take DEFAULT_4XX.
	w.replies("", errThrottled)
	w.expect(w.send("GET", "/fails", ""), 500, `{"message":"Internal server error"}`)
}

func TestMistakesAreReportedAllAtOnce(t *testing.T) {
	w := newWorld(t)
	w.add("Stage", "Stage", m{"RestApiId": "Api", "DeploymentId": "Nope", "StageName": "dev"})
	w.add("G", "GatewayResponse", m{"RestApiId": "Api", "ResponseType": "NO_SUCH_TYPE"})
	w.add("H", "Method", m{"RestApiId": "Api", "ResourceId": "Api/root", "HttpMethod": "GET", "AuthorizationType": "NONE",
		"Integration": m{"Type": "HTTP_PROXY", "Uri": "http://example.com", "IntegrationHttpMethod": "GET"}})
	w.add("Surprise", "DomainName", m{})
	w.add("P", "Resource", m{"RestApiId": "Api", "ParentId": "Api/root", "PathPart": "a", "Colour": "red"})
	bad := dynamodb(`#if(`, m{"StatusCode": "404", "SelectionPattern": "("}, m{"StatusCode": "200", "ResponseParameters": m{"method.response.header.X": "'x'"}})
	bad["RequestParameters"] = m{"integration.request.header.X": "method.request.header.Undeclared"}
	w.add("B", "Method", m{"RestApiId": "Api", "ResourceId": "Api/root", "HttpMethod": "POST", "AuthorizationType": "CUSTOM", "AuthorizerId": "Nobody",
		"RequestModels": m{"application/json": "NoModel"}, "RequestValidatorId": "NoValidator", "MethodResponses": []m{{"StatusCode": "200"}}, "Integration": bad})

	_, err := apigateway.New(w.k, w, w.cfg, w.res)
	if err == nil {
		t.Fatal("no error")
	}
	for _, want := range []string{
		`Stage (AWS::ApiGateway::Stage): DeploymentId "Nope"`,
		`G (AWS::ApiGateway::GatewayResponse): ResponseType "NO_SUCH_TYPE"`,
		`H (AWS::ApiGateway::Method): Integration.Type HTTP_PROXY is not simulated`,
		`Surprise (AWS::ApiGateway::DomainName): this resource type is not simulated`,
		`P (AWS::ApiGateway::Resource): property Colour is not simulated`,
		`AuthorizerId "Nobody"`, `"NoModel" is no model`, `RequestValidatorId "NoValidator"`,
		`MethodResponses declares no such status`, `SelectionPattern: `, `does not declare method.response.header.X`,
		`does not declare method.request.header.Undeclared`, `Integration.RequestTemplates: `,
	} {
		if !contains(err.Error(), want) {
			t.Errorf("the error does not say %q:\n%v", want, err)
		}
	}
}

func TestATokenForAnUnknownRouteIsTakenForASignature(t *testing.T) {
	w := newWorld(t)
	w.add("Route", "GatewayResponse", m{"RestApiId": "Api", "ResponseType": "MISSING_AUTHENTICATION_TOKEN", "StatusCode": 404,
		"ResponseTemplates": m{"application/json": `"route"`}})
	w.add("Signature", "GatewayResponse", m{"RestApiId": "Api", "ResponseType": "INVALID_SIGNATURE", "StatusCode": 400,
		"ResponseTemplates": m{"application/json": `$context.error.messageString`}})
	w.method(w.resource("", "here"), "GET", mock("ok"), nil)

	w.expect(w.send("GET", "/none", ""), 404, `"route"`)
	w.expect(w.send("GET", "/here", "", "Authorization", "Bearer a.b.c"), 200, "ok")
	r := w.send("GET", "/none", "", "Authorization", "Bearer a.b.c")
	w.expect(r, 400, `"'a.b.c' not a valid key=value pair (missing equal-sign) in Authorization header: 'Bearer a.b.c'."`)
	if got := r.Header.Get("X-Amzn-Errortype"); got != "IncompleteSignatureException" {
		t.Errorf("got the error type %q", got)
	}
	if r = w.send("POST", "/here", "", "Authorization", "a.b.c"); r.Status != 400 || !strings.Contains(string(r.Body), "requires 'Credential' parameter") {
		t.Errorf("a bare token: got %d %s", r.Status, r.Body)
	}
}

func TestTheAnswerToATooLongBodyCannotBeChanged(t *testing.T) {
	w := newWorld(t)
	for _, kind := range []string{"REQUEST_TOO_LARGE", "DEFAULT_4XX"} {
		w.add(kind, "GatewayResponse", m{"RestApiId": "Api", "ResponseType": kind, "StatusCode": 418,
			"ResponseTemplates": m{"application/json": `"changed"`}})
	}
	w.method("", "POST", mock("ok"), nil)
	w.expect(w.send("POST", "/", strings.Repeat(" ", 10<<20+1)), 413, `{"message":"HTTP content length exceeded 10485760 bytes."}`)
}
