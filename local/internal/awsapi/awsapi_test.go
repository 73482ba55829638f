package awsapi_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/orderflow-cdk/orderflow/local/internal/api"
	"github.com/orderflow-cdk/orderflow/local/internal/awsapi"
)

func signedFor(service string) string {
	return "AWS4-HMAC-SHA256 Credential=AKIA/20260101/eu-central-1/" + service + "/aws4_request, SignedHeaders=host, Signature=00"
}

// A route of the gateway is never taken for a call of AWS, nor the reverse.
func TestRecognize(t *testing.T) {
	const form = "application/x-www-form-urlencoded; charset=utf-8"
	for _, c := range []struct {
		name, method, target string
		header               map[string]string
		formAtRoot, want     bool
	}{
		{"a route", "POST", "/orders", nil, false, false},
		{"a route with a form", "POST", "/orders", map[string]string{"Content-Type": form}, false, false},
		{"a route with a bearer token", "POST", "/orders", map[string]string{"Authorization": "Bearer x"}, false, false},
		{"a route authorized by IAM", "POST", "/orders", map[string]string{"Authorization": signedFor("execute-api")}, false, false},
		{"a route with a header of AWS", "POST", "/orders", map[string]string{"X-Amz-Target": "AmazonSQS.SendMessage"}, false, false},
		{"a route whose path is that of a queue", "POST", "/123456789012/queue", map[string]string{"Content-Type": form}, false, false},
		{"the root", "GET", "/", nil, false, false},
		{"a root that takes forms", "POST", "/", map[string]string{"Content-Type": form}, true, false},
		{"JSON to the root", "POST", "/", map[string]string{"Content-Type": "application/json"}, false, false},
		{"GraphQL signed", "POST", "/graphql", map[string]string{"Authorization": signedFor("appsync")}, false, false},
		{"a link of a topic", "GET", "/?Action=ConfirmSubscription&Token=x", nil, false, false},
		{"a presigned route", "GET", "/orders?X-Amz-Credential=AKIA%2F20260101%2Feu-central-1%2Fexecute-api%2Faws4_request", nil, false, false},

		{"JSON signed", "POST", "/", map[string]string{"Authorization": signedFor("sqs"), "X-Amz-Target": "AmazonSQS.SendMessage"}, false, true},
		{"JSON unsigned", "POST", "/", map[string]string{"X-Amz-Target": "AmazonSQS.SendMessage"}, true, true},
		{"Query signed", "POST", "/", map[string]string{"Authorization": signedFor("sns"), "Content-Type": form}, true, true},
		{"Query unsigned", "POST", "/", map[string]string{"Content-Type": form}, false, true},
		{"Query to a queue", "POST", "/123456789012/queue", map[string]string{"Authorization": signedFor("sqs"), "Content-Type": form}, false, true},
		{"Lambda", "POST", "/2015-03-31/functions/f/invocations", nil, false, true},
		{"a service that is not simulated", "GET", "/bucket/key", map[string]string{"Authorization": signedFor("s3")}, false, true},
		{"a route where AppSync has a path", "GET", "/v1/apis", nil, false, false},
		{"AppSync's own API", "GET", "/v1/apis", map[string]string{"Authorization": signedFor("appsync")}, false, true},
		{"CBOR", "POST", "/service/GraniteServiceVersion20100801/operation/ListMetrics", map[string]string{"Smithy-Protocol": "rpc-v2-cbor"}, false, true},
		{"presigned", "GET", "/?Action=GetCallerIdentity&X-Amz-Credential=AKIA%2F20260101%2Feu-central-1%2Fsts%2Faws4_request", nil, false, true},
	} {
		r := httptest.NewRequest(c.method, c.target, nil)
		for k, v := range c.header {
			r.Header.Set(k, v)
		}
		if got := awsapi.Recognize(r, func() bool { return c.formAtRoot }); got != c.want {
			t.Errorf("%s: got %t", c.name, got)
		}
	}
}

func decode(t *testing.T, method, target, service, body string, header ...string) (api.Call, awsapi.Wire, error) {
	t.Helper()
	r := httptest.NewRequest(method, target, strings.NewReader(body))
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	return awsapi.Decode(r, []byte(body), service)
}

func TestDecodeReadsEachProtocol(t *testing.T) {
	const form = "application/x-www-form-urlencoded"
	for _, c := range []struct {
		name, method, target, service, body string
		header                              []string
		want                                string // service, action and input; or code
	}{
		{"JSON", "POST", "/", "dynamodb", `{"TableName":"t"}`, []string{"X-Amz-Target", "DynamoDB_20120810.GetItem"}, `dynamodb GetItem {"TableName":"t"}`},
		{"streams", "POST", "/", "dynamodb", `{}`, []string{"X-Amz-Target", "DynamoDBStreams_20120810.ListStreams"}, `dynamodb ListStreams {}`},
		{"SQS of before 2023", "POST", "/123456789012/q", "sqs", "Action=SendMessage&Version=2012-11-05&MessageBody=a%26b", []string{"Content-Type", form},
			`sqs SendMessage {"MessageBody":"a&b","QueueUrl":"https://example.com/123456789012/q"}`},
		{"STS", "POST", "/", "sts", "Action=AssumeRole&Version=2011-06-15&RoleArn=arn&RoleSessionName=me&DurationSeconds=900", []string{"Content-Type", form},
			`sts AssumeRole {"DurationSeconds":900,"RoleArn":"arn","RoleSessionName":"me"}`},
		{"a session policy", "POST", "/", "sts", "Action=AssumeRole&Version=2011-06-15&Policy={}", []string{"Content-Type", form}, "NotSimulated"},
		{"an ARN in a path", "POST", "/2015-03-31/functions/arn%3Aaws%3Alambda%3Aeu-central-1%3A1%3Afunction%3Af/invocations?Qualifier=$LATEST", "lambda", `{"a":1}`,
			[]string{"X-Amz-Invocation-Type", "Event"},
			`lambda Invoke {"FunctionName":"arn:aws:lambda:eu-central-1:1:function:f","InvocationType":"Event","LogType":"","Payload":{"a":1},"Qualifier":"$LATEST"}`},
		{"no JSON", "POST", "/2015-03-31/functions/f/invocations", "lambda", `{"a"`, nil, "InvalidRequestContentException"},
		{"a mapping", "GET", "/2015-03-31/event-source-mappings/Id", "lambda", "", nil, `lambda GetEventSourceMapping {"UUID":"Id"}`},
		{"an alias", "GET", "/2015-03-31/functions/f/aliases/live", "lambda", "", nil, `lambda GetAlias {"FunctionName":"f","Name":"live"}`},
		{"aliases", "GET", "/2015-03-31/functions/f/aliases?FunctionVersion=1", "lambda", "", nil, `lambda ListAliases {"FunctionName":"f","FunctionVersion":"1"}`},
		{"versions", "GET", "/2015-03-31/functions/f/versions?MaxItems=5", "lambda", "", nil, `lambda ListVersionsByFunction {"FunctionName":"f","MaxItems":5}`},
		{"a list of AppSync", "GET", "/v1/apis?maxResults=5", "appsync", "", nil, `appsync ListGraphqlApis {"maxResults":"5"}`},
		{"a resolver", "GET", "/v1/apis/Api/types/Query/resolvers/order%5Fs", "appsync", "", nil,
			`appsync GetResolver {"apiId":"Api","fieldName":"order_s","typeName":"Query"}`},
		{"a path within another", "GET", "/v1/apis/Api/types/schema", "appsync", "", nil, `appsync GetType {"apiId":"Api","typeName":"schema"}`},
		{"code to evaluate, unsigned", "POST", "/v1/dataplane-evaluatecode", "", `{"code":"x"}`, nil, `appsync EvaluateCode {"code":"x"}`},
		{"a path that says another API than the body", "POST", "/v1/apis/Api/types", "appsync", `{"apiId":"Other"}`, nil, "NotSimulated"},
		{"a change in AppSync", "DELETE", "/v1/apis/Api", "appsync", "", nil, "NotSimulated"},
		{"an API of events", "GET", "/v2/apis", "appsync", "", nil, "NotSimulated"},
		{"a path of AppSync that nobody knows", "GET", "/v1/nothing", "appsync", "", nil, "NotSimulated"},
		{"no JSON for AppSync", "POST", "/v1/dataplane-evaluatecode", "appsync", `[`, nil, "BadRequestException"},
		{"an action that is not simulated", "POST", "/", "dynamodb", `{}`, []string{"X-Amz-Target", "DynamoDB_20120810.CreateTable"}, "NotSimulated"},
		{"a target of nobody", "POST", "/", "kms", `{}`, []string{"X-Amz-Target", "TrentService.Encrypt"}, "NotSimulated"},
		{"a target of nobody, signed for somebody", "POST", "/", "sqs", `{}`, []string{"X-Amz-Target", "Other.SendMessage"}, "NotSimulated"},
		{"CBOR", "POST", "/service/SQS/operation/SendMessage", "sqs", "", []string{"Smithy-Protocol", "rpc-v2-cbor"}, "NotSimulated"},
		{"a bucket", "GET", "/bucket", "s3", "", nil, "NotSimulated"},
	} {
		call, wire, err := decode(t, c.method, c.target, c.service, c.body, c.header...)
		got := call.Service + " " + call.Action + " " + string(call.Input)
		if err != nil {
			refused := awsapi.Known(err)
			got = refused.Code
			res := wire.Encode(call.Action, nil, refused, "id")
			if res.Status != refused.HTTPStatus() || !strings.Contains(string(res.Body), refused.Code) {
				t.Errorf("%s: answered by %d %s", c.name, res.Status, res.Body)
			}
		}
		if got != c.want {
			t.Errorf("%s: got  %s\nwant %s", c.name, got, c.want)
		}
	}
}

func TestEncodeQuery(t *testing.T) {
	_, wire, err := decode(t, "POST", "/1/q", "sqs", "Action=ReceiveMessage&Version=2012-11-05", "Content-Type", "application/x-www-form-urlencoded")
	if err != nil {
		t.Fatal(err)
	}
	res := wire.Encode("ReceiveMessage", []byte(`{"Messages":[{"Attributes":{"SenderId":"me"},"Body":"a<b","MessageAttributes":{"n":{"DataType":"Number","StringValue":"1"}},"MessageId":"1"},{"Body":"c","MessageId":"2"}]}`), nil, "id")
	const want = `<ReceiveMessageResponse xmlns="http://queue.amazonaws.com/doc/2012-11-05/"><ReceiveMessageResult>` +
		`<Message><Attribute><Name>SenderId</Name><Value>me</Value></Attribute><Body>a&lt;b</Body>` +
		`<MessageAttribute><Name>n</Name><Value><DataType>Number</DataType><StringValue>1</StringValue></Value></MessageAttribute><MessageId>1</MessageId></Message>` +
		`<Message><Body>c</Body><MessageId>2</MessageId></Message></ReceiveMessageResult><ResponseMetadata><RequestId>id</RequestId></ResponseMetadata></ReceiveMessageResponse>`
	if string(res.Body) != want {
		t.Errorf("got  %s\nwant %s", res.Body, want)
	}
	if res := wire.Encode("DeleteMessage", []byte("{}"), nil, "id"); strings.Contains(string(res.Body), "Result") {
		t.Errorf("an action without a result is answered by %s", res.Body)
	}
	res = wire.Encode("SendMessage", nil, api.Errorf("QueueDoesNotExist", "gone"), "id")
	if res.Status != 400 || !strings.Contains(string(res.Body), "<Type>Sender</Type><Code>AWS.SimpleQueueService.NonExistentQueue</Code>") {
		t.Errorf("an error is answered by %d %s", res.Status, res.Body)
	}
}

func TestEncodeHeaders(t *testing.T) {
	_, wire, err := decode(t, "POST", "/", "dynamodb", `{}`, "X-Amz-Target", "DynamoDB_20120810.ListTables", "Content-Type", "application/x-amz-json-1.0")
	if err != nil {
		t.Fatal(err)
	}
	res := wire.Encode("ListTables", []byte(`{"TableNames":[]}`), nil, "id")
	if res.Header.Get("X-Amz-Crc32") != "1315925753" || res.Header.Get("X-Amzn-Requestid") != "id" {
		t.Errorf("the answer has %v", res.Header)
	}
	res = wire.Encode("GetItem", nil, api.Errorf("ResourceNotFoundException", "gone"), "id")
	var doc map[string]string
	if err := json.Unmarshal(res.Body, &doc); err != nil || doc["__type"] != "com.amazonaws.dynamodb.v20120810#ResourceNotFoundException" {
		t.Errorf("an error is answered by %s", res.Body)
	}
	_, wire, err = decode(t, "POST", "/2015-03-31/functions/f/invocations", "lambda", "")
	if err != nil {
		t.Fatal(err)
	}
	res = wire.Encode("Invoke", []byte(`{"StatusCode":200,"ExecutedVersion":"$LATEST","FunctionError":"Unhandled","LogResult":"bG9n","Payload":{"errorType":"E"}}`), nil, "id")
	if res.Status != http.StatusOK || string(res.Body) != `{"errorType":"E"}` || res.Header.Get("X-Amz-Function-Error") != "Unhandled" || res.Header.Get("X-Amz-Log-Result") != "bG9n" {
		t.Errorf("an invocation is answered by %d %v %s", res.Status, res.Header, res.Body)
	}
}

func TestEncodeAppSync(t *testing.T) {
	_, wire, err := decode(t, "GET", "/v1/apis/Api/schema?format=SDL", "appsync", "")
	if err != nil {
		t.Fatal(err)
	}
	if res := wire.Encode("GetIntrospectionSchema", []byte(`{"schema":"dHlwZSBRdWVyeQ=="}`), nil, "id"); string(res.Body) != "type Query" {
		t.Errorf("the schema is answered by %s", res.Body)
	}
	if res := wire.Encode("ListTypes", []byte(`{"types":[]}`), nil, "id"); string(res.Body) != `{"types":[]}` || res.Status != http.StatusOK {
		t.Errorf("types are answered by %d %s", res.Status, res.Body)
	}
	res := wire.Encode("GetType", nil, &api.Error{Code: "NotFoundException", Status: 404, Message: "gone"}, "id")
	if res.Status != http.StatusNotFound || res.Header.Get("X-Amzn-Errortype") != "NotFoundException" {
		t.Errorf("an error is answered by %d %v", res.Status, res.Header)
	}
}

func TestAppSyncPath(t *testing.T) {
	for _, c := range []struct{ action, input, want string }{
		{"ListGraphqlApis", `{}`, "/v1/apis"},
		{"GetIntrospectionSchema", `{"apiId":"Api","format":"SDL"}`, "/v1/apis/Api/schema"},
		{"GetResolver", `{"apiId":"Api","typeName":"Query","fieldName":"order"}`, "/v1/apis/Api/types/Query/resolvers/order"},
		{"EvaluateCode", `{"code":"x"}`, "/v1/dataplane-evaluatecode"},
		{"Nothing", `{}`, ""},
	} {
		if got := awsapi.AppSyncPath(c.action, []byte(c.input)); got != c.want {
			t.Errorf("%s: got %q, want %q", c.action, got, c.want)
		}
	}
}
