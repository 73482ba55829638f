package apigateway_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/orderflow-cdk/orderflow/local/internal/api"
)

var errThrottled = api.Errorf("ThrottlingException", "Rate exceeded")

func contains(s, sub string) bool { return strings.Contains(s, sub) }

func TestAWSIntegration(t *testing.T) {
	w := newWorld(t)
	in := dynamodb(`{"TableName":"T","Key":{"pk":{"S":"$util.escapeJavaScript($input.params('id')).replaceAll("\\'", "'")"}}}`,
		m{"StatusCode": "200", "SelectionPattern": `2\d\d`, "ResponseTemplates": m{"application/json": `#set($i = $input.path('$.Item')){"status":"$i.status.S","n":$i.n.N}`},
			"ResponseParameters": m{"method.response.header.ETag": "integration.response.body.Item.n.N", "method.response.header.X-Static": "'s'",
				"method.response.header.X-Id": "context.requestId", "method.response.header.X-Up": "integration.response.header.x-amzn-RequestId",
				"method.response.header.X-None": "integration.response.body.Nothing"}},
		m{"StatusCode": "400", "SelectionPattern": `4\d\d`, "ResponseTemplates": m{"application/problem+json": `{"type":"$input.path('$.__type')","item":$input.json('$.Item')}`}},
		m{"StatusCode": "500"})
	headers := m{}
	for _, h := range []string{"ETag", "X-Static", "X-Id", "X-Up", "X-None"} {
		headers["method.response.header."+h] = true
	}
	w.method(w.resource("", "{id}"), "GET", in, m{"MethodResponses": []m{{"StatusCode": "200", "ResponseParameters": headers}, {"StatusCode": "400"}, {"StatusCode": "500"}}})

	w.replies(`{"Item":{"status":{"S":"PAID"},"n":{"N":"7"}}}`, nil)
	r := w.send("GET", "/it's")
	w.expect(r, 200, `{"status":"PAID","n":7}`)
	want := api.Call{Service: "dynamodb", Action: "GetItem", Caller: "arn:aws:iam::123456789012:role/api", Input: []byte(`{"TableName":"T","Key":{"pk":{"S":"it's"}}}`)}
	if diff := cmp.Diff(want, w.calls[0]); diff != "" {
		t.Errorf("the call (-want +got):\n%s", diff)
	}
	for name, v := range map[string]string{"Etag": "7", "X-Static": "s", "X-Id": r.Header.Get("X-Amzn-Requestid"), "Content-Type": "application/json", "X-None": ""} {
		if got := r.Header.Get(name); got != v {
			t.Errorf("%s: got %q, want %q", name, got, v)
		}
	}
	if r.Header.Get("X-Up") == "" {
		t.Error("integration.response.header.x-amzn-RequestId has no value")
	}
	w.replies("", &api.Error{Code: "ConditionalCheckFailedException", Message: "no", Fields: map[string]any{"Item": map[string]any{"a": map[string]any{"S": "b"}}}})
	r = w.send("GET", "/x")
	w.expect(r, 400, `{"type":"com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException","item":{"a":{"S":"b"}}}`)
	if got := r.Header.Get("Content-Type"); got != "application/problem+json" {
		t.Errorf("Content-Type: got %q", got)
	}
	w.replies("", &api.Error{Code: "InternalServerError", Status: 500, Message: "m"})
	w.expect(w.send("GET", "/x"), 500, `{"__type":"com.amazonaws.dynamodb.v20120810#InternalServerError","message":"m"}`)
}

func TestIntegrationFailures(t *testing.T) {
	w := newWorld(t)
	in := dynamodb("{}")
	in["TimeoutInMillis"] = "1500"
	w.method("", "GET", in, nil)
	w.method(w.resource("", "slow"), "GET", dynamodb("{}"), nil)
	w.replies("", errors.New("the wire is cut"))
	w.expect(w.send("GET", "/"), 504, `{"message":"Internal server error"}`)

	w.answer = func(api.Call, func([]byte, error)) {}
	for path, d := range map[string]time.Duration{"/": 1500 * time.Millisecond, "/slow": 29 * time.Second} {
		from := w.k.Now()
		r := w.send("GET", path)
		w.expect(r, 504, `{"message":"Endpoint request timed out"}`)
		if took := w.k.Now().Sub(from); took != d {
			t.Errorf("%s: answered after %s, want %s", path, took, d)
		}
	}
	// An answer that comes late changes nothing.
	w.answer = func(_ api.Call, done func([]byte, error)) {
		w.k.After(2*time.Second, func() { done([]byte(`{}`), nil) })
	}
	w.expect(w.send("GET", "/"), 504, `{"message":"Endpoint request timed out"}`)
	w.k.Advance(time.Minute)
}

func TestResponseOverrides(t *testing.T) {
	for template, want := range map[string]struct {
		status int
		etag   string
	}{
		`#set($context.responseOverride.status = 304)#set($context.responseOverride.header.ETag = "e")`: {304, "e"},
		`#set($context.responseOverride.status = "304")`:                                                {200, "mapped"},
		`#set($context.responseOverride.status = 99)`:                                                   {200, "mapped"},
		`#set($context.responseOverride.header.ETag = 7)`:                                               {200, "7"},
		`#set($h = $context.responseOverride.header)#set($h.ETag = $context.responseOverride.status)`:   {200, "mapped"},
	} {
		w := newWorld(t)
		in := mock(template)
		in["IntegrationResponses"].([]m)[0]["ResponseParameters"] = m{"method.response.header.ETag": "'mapped'"}
		w.method("", "GET", in, m{"MethodResponses": []m{{"StatusCode": "200", "ResponseParameters": m{"method.response.header.ETag": true}}}})
		r := w.send("GET", "/")
		if r.Status != want.status || r.Header.Get("Etag") != want.etag {
			t.Errorf("%s: got %d %q, want %v (%q)", template, r.Status, r.Header.Get("Etag"), want, w.logs)
		}
	}
}

func TestRequestOverridesAndMappings(t *testing.T) {
	w := newWorld(t)
	in := queue(`#set($context.requestOverride.path.queue = "other")#set($context.requestOverride.header.Content-Type = "application/x-www-form-urlencoded")Action=SendMessage&MessageBody=b`)
	in["Uri"] = "arn:aws:apigateway:us-east-1:sqs:path/123456789012/{queue}"
	in["RequestParameters"] = m{"integration.request.path.queue": "method.request.querystring.q", "integration.request.header.Content-Type": "'text/plain'",
		"integration.request.querystring.DelaySeconds": "method.request.body.delay"}
	w.method("", "POST", in, m{"MethodResponses": okOrError["MethodResponses"], "RequestParameters": m{"method.request.querystring.q": false}})
	w.replies(`{"MessageId":"i"}`, nil)
	w.send("POST", "/?q=mapped", `{"delay":5}`)
	if got := string(w.calls[0].Input); !contains(got, "/123456789012/other") || !contains(got, `"DelaySeconds":5`) {
		t.Errorf("got %s", got)
	}
}

func TestRequestBodyThatIsNotJSONButReadAsSuch(t *testing.T) {
	w := newWorld(t)
	w.method("", "POST", dynamodb(`$input.json('$.a')`), nil)
	r := w.send("POST", "/", `{"a":`)
	if r.Status != 400 || !contains(string(r.Body), "Could not parse request body into json: ") || len(w.calls) > 0 {
		t.Errorf("got %d %s", r.Status, r.Body)
	}
	w.replies(`{}`, nil)
	w.expect(w.send("POST", "/", ``), 200, `{"__type":"com.amazon.coral.service#SerializationException","message":"Could not parse request body into json"}`)
}

func TestSQSPath(t *testing.T) {
	w := newWorld(t)
	w.method("", "POST", queue("Action=SendMessage&MessageBody=$util.urlEncode($input.body)"), okOrError)
	w.method(w.resource("", "open"), "POST", queue("Action=SendMessage&MessageBody=$input.body"), okOrError)
	plain := queue("Action=SendMessage&MessageBody=x")
	plain["RequestParameters"] = m{}
	w.method(w.resource("", "plain"), "POST", plain, okOrError)
	w.replies(`{"MessageId":"id-1","MD5OfMessageBody":"md5"}`, nil)

	r := w.send("POST", "/", `{"a":"b & c"}`)
	var ok struct {
		SendMessageResponse struct{ SendMessageResult struct{ MessageId string } }
	}
	if err := json.Unmarshal(r.Body, &ok); err != nil || r.Status != 200 || ok.SendMessageResponse.SendMessageResult.MessageId != "id-1" {
		t.Errorf("got %d %s", r.Status, r.Body)
	}
	c := w.calls[0]
	var in struct{ QueueUrl, MessageBody string }
	if err := json.Unmarshal(c.Input, &in); err != nil {
		t.Fatal(err)
	}
	if c.Service != "sqs" || c.Action != "SendMessage" || in.MessageBody != `{"a":"b & c"}` || in.QueueUrl != "https://sqs.us-east-1.amazonaws.com/123456789012/orders" {
		t.Errorf("got %+v %+v", c, in)
	}
	// A template that does not encode the body lets it choose the queue.
	w.send("POST", "/open", `x&QueueUrl=https://elsewhere/1/secret`)
	if err := json.Unmarshal(w.calls[1].Input, &in); err != nil || in.QueueUrl != "https://elsewhere/1/secret" || in.MessageBody != "x" {
		t.Errorf("got %+v, %v", in, err)
	}
	// Without the form's content type SQS finds no action.
	r = w.send("POST", "/plain", `{}`, "Content-Type", "application/json")
	if r.Status != 400 || !contains(string(r.Body), "Unable to determine service/operation name to be authorized") || len(w.calls) != 2 {
		t.Errorf("got %d %s", r.Status, r.Body)
	}
	w.replies("", &api.Error{Code: "AWS.SimpleQueueService.NonExistentQueue", Message: "gone"})
	if r = w.send("POST", "/", `{}`); r.Status != 400 {
		t.Errorf("got %d %s", r.Status, r.Body)
	}
}

func TestMock(t *testing.T) {
	for template, status := range map[string]int{
		`{"statusCode": 200}`:           200,
		`{statusCode: 200}`:             200,
		`{ 'statusCode' : 200, "a": 1}`: 200,
		`{"statusCode": 404}`:           404,
		`{"statusCode": "200"}`:         500,
		`{"a": 1}`:                      500,
		`nothing`:                       500,
	} {
		w := newWorld(t)
		w.method("", "GET", m{"Type": "MOCK", "RequestTemplates": m{"application/json": template}, "IntegrationResponses": []m{
			{"StatusCode": "200"}, {"StatusCode": "404", "SelectionPattern": "404"}}},
			m{"MethodResponses": []m{{"StatusCode": "200"}, {"StatusCode": "404"}}})
		if r := w.send("GET", "/"); r.Status != status {
			t.Errorf("%s: got %d %s, want %d", template, r.Status, r.Body, status)
		}
	}
}

func TestCompression(t *testing.T) {
	w := newWorld(t)
	w.add("Api", "RestApi", m{"Name": "a", "MinimumCompressionSize": 10})
	w.method("", "GET", mock(strings.Repeat("x", 500)), nil)
	if r := w.send("GET", "/", "", "Accept-Encoding", "br, gzip"); r.Header.Get("Content-Encoding") != "gzip" || len(r.Body) > 100 {
		t.Errorf("got %v, %d bytes", r.Header, len(r.Body))
	}
	if r := w.send("GET", "/", ""); r.Header.Get("Content-Encoding") != "" || len(r.Body) != 500 {
		t.Errorf("got %v, %d bytes", r.Header, len(r.Body))
	}
}
