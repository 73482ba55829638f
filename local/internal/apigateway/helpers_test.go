package apigateway_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/orderflow-cdk/orderflow/local/internal/api"
	"github.com/orderflow-cdk/orderflow/local/internal/apigateway"
	"github.com/orderflow-cdk/orderflow/local/internal/sim"
)

var start = time.Date(2026, 1, 2, 3, 4, 5, 678e6, time.UTC)

// m is a JSON object in a test's resources.
type m = map[string]any

// world is an API with a bus that answers what the test says and notes every
// call.
type world struct {
	t      testing.TB
	k      *sim.Kernel
	api    *apigateway.API
	cfg    apigateway.Config
	calls  []api.Call
	answer func(c api.Call, done func([]byte, error))
	access []string
	logs   []string
	res    []apigateway.Resource
}

func newWorld(t testing.TB) *world {
	w := &world{t: t, k: sim.New(start, 1)}
	w.answer = func(_ api.Call, done func([]byte, error)) { done([]byte(`{}`), nil) }
	w.cfg.AccessLog = func(s string) { w.access = append(w.access, s) }
	w.cfg.Log = func(_, s string) { w.logs = append(w.logs, s) }
	w.add("Api", "RestApi", m{"Name": "orders"})
	w.add("Deployment", "Deployment", m{"RestApiId": "Api"})
	return w
}

// Do implements api.Service.
func (w *world) Do(c api.Call, done func([]byte, error)) {
	w.calls = append(w.calls, c)
	w.answer(c, done)
}

// replies makes the bus answer at once.
func (w *world) replies(body string, err error) {
	w.answer = func(_ api.Call, done func([]byte, error)) {
		if err != nil {
			done(nil, err)
			return
		}
		done([]byte(body), nil)
	}
}

func (w *world) add(id, typ string, props m) {
	b, err := json.Marshal(props)
	if err != nil {
		w.t.Fatal(err)
	}
	for i := range w.res {
		if w.res[i].LogicalID == id {
			w.res[i].Properties = b
			return
		}
	}
	w.res = append(w.res, apigateway.Resource{LogicalID: id, Type: "AWS::ApiGateway::" + typ, Properties: b})
}

// resource adds a path below parent ("" is the root) and returns its id.
func (w *world) resource(parent, part string) string {
	if parent == "" {
		parent = "Api/root"
	}
	id := fmt.Sprintf("R%d", len(w.res))
	w.add(id, "Resource", m{"RestApiId": "Api", "ParentId": parent, "PathPart": part})
	return id
}

// method adds a method; extra properties go over the defaults.
func (w *world) method(resource, verb string, integration m, extra m) {
	if resource == "" {
		resource = "Api/root"
	}
	p := m{"RestApiId": "Api", "ResourceId": resource, "HttpMethod": verb, "AuthorizationType": "NONE", "Integration": integration,
		"MethodResponses": []m{{"StatusCode": "200"}}}
	for k, v := range extra {
		p[k] = v
	}
	w.add(fmt.Sprintf("M%d", len(w.res)), "Method", p)
}

func (w *world) build() *apigateway.API {
	w.t.Helper()
	hasStage := false
	for _, r := range w.res {
		hasStage = hasStage || r.Type == "AWS::ApiGateway::Stage"
	}
	if !hasStage {
		w.add("Stage", "Stage", m{"RestApiId": "Api", "DeploymentId": "Deployment", "StageName": "dev"})
	}
	a, err := apigateway.New(w.k, w, w.cfg, w.res)
	if err != nil {
		w.t.Fatal(err)
	}
	w.api = a
	return a
}

// send serves a request (rest is its body and its headers) and runs the simulation until it is answered.
func (w *world) send(method, path string, rest ...string) *apigateway.Response {
	w.t.Helper()
	if w.api == nil {
		w.build()
	}
	body, headers := "", []string(nil)
	if len(rest) > 0 {
		body, headers = rest[0], rest[1:]
	}
	path, query, _ := strings.Cut(path, "?")
	req := &apigateway.Request{Method: method, Path: path, RawQuery: query, Header: http.Header{}, Body: []byte(body), SourceIP: "203.0.113.7"}
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Add(headers[i], headers[i+1])
	}
	var got *apigateway.Response
	w.api.Serve(req, func(r *apigateway.Response) {
		if got != nil {
			w.t.Error("the request was answered twice")
		}
		got = r
	})
	for got == nil && w.k.Step() {
	}
	if got == nil {
		w.t.Fatalf("%s %s was never answered", method, path)
	}
	return got
}

func (w *world) expect(r *apigateway.Response, status int, body string) {
	w.t.Helper()
	if r.Status != status || string(r.Body) != body {
		w.t.Errorf("got %d %s\nwant %d %s\nlog: %q", r.Status, r.Body, status, body, w.logs)
	}
}

// mock is a MOCK integration that answers 200 with the template's text.
func mock(template string) m {
	return m{
		"Type":             "MOCK",
		"RequestTemplates": m{"application/json": `{"statusCode": 200}`},
		"IntegrationResponses": []m{
			{"StatusCode": "200", "ResponseTemplates": m{"application/json": template}},
		},
	}
}

// dynamodb is an AWS integration of an action with a request template.
func dynamodb(template string, responses ...m) m {
	if responses == nil {
		responses = []m{{"StatusCode": "200"}}
	}
	return m{
		"Type": "AWS", "IntegrationHttpMethod": "POST", "Credentials": "arn:aws:iam::123456789012:role/api",
		"Uri":                  "arn:aws:apigateway:us-east-1:dynamodb:action/GetItem",
		"RequestTemplates":     m{"application/json": template},
		"IntegrationResponses": responses,
	}
}

// queue is an AWS integration of an SQS queue's path with a form template.
func queue(template string) m {
	return m{
		"Type": "AWS", "IntegrationHttpMethod": "POST", "Credentials": "arn:aws:iam::123456789012:role/api",
		"Uri":                 "arn:aws:apigateway:us-east-1:sqs:path/123456789012/orders",
		"PassthroughBehavior": "NEVER",
		"RequestParameters":   m{"integration.request.header.Content-Type": "'application/x-www-form-urlencoded'"},
		"RequestTemplates":    m{"application/json": template},
		"IntegrationResponses": []m{
			{"StatusCode": "200", "SelectionPattern": `2\d{2}`},
			{"StatusCode": "400", "SelectionPattern": `4\d{2}`},
			{"StatusCode": "500"},
		},
	}
}

var okOrError = m{"MethodResponses": []m{{"StatusCode": "200"}, {"StatusCode": "400"}, {"StatusCode": "500"}}}

const functionURI = "arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/arn:aws:lambda:us-east-1:123456789012:function:f/invocations"

func payload(p string) string { return `{"StatusCode":200,"Payload":` + p + `}` }

func failed(message string) string {
	return `{"StatusCode":200,"FunctionError":"Unhandled","Payload":{"errorMessage":"` + message + `","errorType":"E"}}`
}
