package statusnotifier_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/orderflow-cdk/orderflow/constructs/internal/cdktest"
	"github.com/orderflow-cdk/orderflow/internal/referee"
)

// scenario is one rendering of a template, and what has to come of it.
type scenario struct {
	name      string
	operation string
	// upstream is the status of the answer that the template renders; "" is
	// for the request.
	upstream string
	tenant   string // "" is a token without the claim
	params   map[string]map[string]string
	// payload is the request's body or the upstream's answer.
	payload string

	want     string            // JSON, or a form
	override map[string]any    // $context.responseOverride
	form     map[string]string // instead of want: fields of the form
}

const (
	fresh = "1790000000000-xyz-YWNtZQ" // 123 ms old in the scenarios, of tenant acme
	stale = "1690000000000-xyz-YWNtZQ"
	keyed = "k-YWJj-YWNtZQ"
	alien = "1790000000000-xyz-b3RoZXI"

	paid = `{"sk":{"S":"STATUS"},"status":{"S":"PAID"},"sequence":{"N":"3"},"acceptedAt":{"S":"t0"},"updatedAt":{"S":"t1"},` +
		`"detail":{"S":"it's \"so\"\n\u00fc\ud83d\ude00"},"conflicts":{"N":"2"},` +
		`"history":{"L":[{"M":{"sequence":{"N":"1"},"status":{"S":"ACCEPTED"},"at":{"S":"t0"}}},{"M":{"sequence":{"N":"2"},"status":{"S":"PAID"},"at":{"S":"t1"},"reason":{"S":"x"}}}]},` +
		`"results":{"M":{"Charge":{"S":"{}"},"Reserve":{"S":"{\"a\":[1,2]}"}}}}`
	done = `{"sk":{"S":"STATUS"},"status":{"S":"COMPLETED"},"sequence":{"N":"5"}}`

	problem    = `{"type":"about:blank","requestId":"Ab+/c9dE=",`
	noTenant   = problem + `"status":403,"title":"Forbidden","code":"no-tenant","detail":"The credentials name no tenant that orders could belong to."}`
	unknown    = problem + `"status":404,"title":"Not Found","code":"unknown-order","detail":"There is no such order."}`
	failedHere = `{"__type":"com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException"`
)

func links(id string) string {
	return `"links":{"status":"/live/orders/` + id + `/status","result":"/live/orders/` + id + `"}`
}

func path(id string) map[string]map[string]string {
	return map[string]map[string]string{"path": {"orderId": id}}
}

func header(name, value string) map[string]map[string]string {
	return map[string]map[string]string{"header": {"Accept": "*/*", name: value}}
}

func with(a, b map[string]map[string]string) map[string]map[string]string {
	for k, v := range b {
		a[k] = v
	}
	return a
}

var (
	problemType  = map[string]any{"Content-Type": "application/problem+json"}
	conditionNew = `attribute_not_exists(#status) OR NOT (#status IN (:final0, :final1, :final2, :final3))`
	conditionOld = `attribute_exists(#status) AND NOT (#status IN (:final0, :final1, :final2, :final3))`
)

func queued(id string) string {
	return `{"orderId":"` + id + `","status":"QUEUED","sequence":0,` + links(id) + `}`
}

func waiting(etag string) map[string]any {
	return map[string]any{"header": map[string]any{"ETag": `"` + etag + `"`, "Retry-After": "1"}}
}

var scenarios = []scenario{
	{name: "an order is queued as it is", operation: "Submit", tenant: "acme", payload: `{"a":"ü&Action=DeleteQueue'\"$x#if(1)"}`,
		form: map[string]string{
			"Action": "SendMessage", "Version": "2012-11-05", "MessageBody": `{"a":"ü&Action=DeleteQueue'\"$x#if(1)"}`, "MessageGroupId": "YWNtZQ",
			"MessageAttribute.1.Name": "tenant", "MessageAttribute.1.Value.StringValue": "acme",
			"MessageAttribute.2.Name": "orderId", "MessageAttribute.2.Value.StringValue": "1790000000123-Ab-_c9dE-YWNtZQ",
			"MessageAttribute.3.Name": "pk", "MessageAttribute.3.Value.StringValue": "YWNtZQ#1790000000123-Ab-_c9dE-YWNtZQ",
			"MessageAttribute.4.Name": "acceptedAt", "MessageAttribute.4.Value.StringValue": "1790000000123",
		}},
	{name: "the id of a key is the tenant's and the key's", operation: "Submit", tenant: "acme", payload: `{}`, params: header("idempotency-KEY", "abc"),
		form: map[string]string{
			"Action": "SendMessage", "Version": "2012-11-05", "MessageBody": `{}`, "MessageGroupId": "YWNtZQ",
			"MessageAttribute.1.Name": "tenant", "MessageAttribute.1.Value.StringValue": "acme",
			"MessageAttribute.2.Name": "orderId", "MessageAttribute.2.Value.StringValue": keyed,
			"MessageAttribute.3.Name": "pk", "MessageAttribute.3.Value.StringValue": "YWNtZQ#" + keyed,
			"MessageAttribute.4.Name": "acceptedAt", "MessageAttribute.4.Value.StringValue": "1790000000123",
		}},
	{name: "nothing is queued without a tenant", operation: "Submit", payload: `{}`,
		form: map[string]string{"Action": "SendMessage", "Version": "2012-11-05"}},
	{name: "nor with too long a one", operation: "Submit", payload: `{}`, tenant: strings.Repeat("x", 97),
		form: map[string]string{"Action": "SendMessage", "Version": "2012-11-05"}},
	{name: "nor with a key of blanks", operation: "Submit", tenant: "acme", payload: `{}`, params: header("Idempotency-Key", "a b"),
		form: map[string]string{"Action": "SendMessage", "Version": "2012-11-05"}},
	{name: "nor with too long a key", operation: "Submit", tenant: "acme", payload: `{}`, params: header("Idempotency-Key", strings.Repeat("k", 65)),
		form: map[string]string{"Action": "SendMessage", "Version": "2012-11-05"}},
	{name: "202", operation: "Submit", upstream: "200", tenant: "acme", params: header("Idempotency-Key", "abc"),
		payload:  `{"SendMessageResponse":{"SendMessageResult":{"MessageId":"m1"}}}`,
		want:     `{"orderId":"` + keyed + `","status":"QUEUED","messageId":"m1",` + links(keyed) + `}`,
		override: map[string]any{"header": map[string]any{"Location": "/live/orders/" + keyed + "/status"}}},
	{name: "refused without a tenant", operation: "Submit", upstream: "400", payload: `{"Error":{"Code":"MissingParameter"}}`,
		want: noTenant, override: map[string]any{"status": 403.0, "header": map[string]any{}}},
	{name: "refused for the key", operation: "Submit", upstream: "400", tenant: "acme", params: header("Idempotency-Key", "ü"), payload: `{"Error":{"Code":"MissingParameter"}}`,
		want:     problem + `"status":400,"title":"Bad Request","code":"invalid-idempotency-key","detail":"Idempotency-Key must be 1 to 64 visible ASCII characters."}`,
		override: map[string]any{"status": 400.0, "header": map[string]any{}}},
	{name: "too long", operation: "Submit", upstream: "400", tenant: "acme",
		payload:  `{"Error":{"Code":"InvalidParameterValue","Message":"One or more parameters are invalid. Reason: Message must be shorter than 262144 bytes."}}`,
		want:     problem + `"status":413,"title":"Content Too Large","code":"too-large","detail":"The body is longer than an order may be."}`,
		override: map[string]any{"status": 413.0, "header": map[string]any{}}},
	{name: "too long for SQS to read", operation: "Submit", upstream: "413", tenant: "acme",
		payload:  `HTTP content length exceeded 1662976 bytes.`,
		want:     problem + `"status":413,"title":"Content Too Large","code":"too-large","detail":"The body is longer than an order may be."}`,
		override: map[string]any{"header": map[string]any{}}},
	{name: "access denied", operation: "Submit", upstream: "403", tenant: "acme", payload: `{"Error":{"Code":"AccessDenied"}}`,
		want:     problem + `"status":503,"title":"Service Unavailable","code":"not-queued","detail":"The order could not be queued and was not accepted. Try again."}`,
		override: map[string]any{"status": 503.0, "header": map[string]any{"Retry-After": "1"}}},

	{name: "not recorded yet", operation: "GetStatus", upstream: "200", tenant: "acme", params: path(fresh), payload: `{}`, want: queued(fresh), override: waiting("0.0.false")},
	{name: "keyed, not recorded yet", operation: "GetStatus", upstream: "200", tenant: "acme", params: path(keyed), payload: `{}`, want: queued(keyed), override: waiting("0.0.false")},
	{name: "cancelled before it is recorded", operation: "GetStatus", upstream: "200", tenant: "acme", params: path(fresh), payload: `{"Item":{"cancelRequested":{"BOOL":true}}}`,
		want: `{"orderId":"` + fresh + `","status":"QUEUED","sequence":0,"cancelRequested":true,` + links(fresh) + `}`, override: waiting("0.0.true")},
	{name: "never recorded", operation: "GetStatus", upstream: "200", tenant: "acme", params: path(stale), payload: `{}`, want: unknown,
		override: map[string]any{"status": 404.0, "header": problemType}},
	{name: "a time with leading zeros", operation: "GetStatus", upstream: "200", tenant: "acme", params: path("0000000000001-xyz-YWNtZQ"), payload: `{}`, want: unknown,
		override: map[string]any{"status": 404.0, "header": problemType}},
	{name: "a time in the future", operation: "GetStatus", upstream: "200", tenant: "acme", params: path("9999999999999-xyz-YWNtZQ"), payload: `{}`, want: unknown,
		override: map[string]any{"status": 404.0, "header": problemType}},
	{name: "somebody else's", operation: "GetStatus", upstream: "200", tenant: "acme", params: path(alien), payload: `{}`, want: unknown,
		override: map[string]any{"status": 404.0, "header": problemType}},
	{name: "no id", operation: "GetStatus", upstream: "200", tenant: "acme", params: path(`"}`), payload: `{}`, want: unknown,
		override: map[string]any{"status": 404.0, "header": problemType}},
	{name: "no tenant", operation: "GetStatus", upstream: "200", params: path(fresh), payload: `{"Item":` + paid + `}`, want: noTenant,
		override: map[string]any{"status": 403.0, "header": problemType}},
	{name: "in progress", operation: "GetStatus", upstream: "200", tenant: "acme", params: path(stale), payload: `{"Item":` + paid + `}`,
		want: `{"orderId":"` + stale + `","status":"PAID","sequence":3,"acceptedAt":"t0","updatedAt":"t1","detail":"it's \"so\"\nü😀","conflicts":2,` + links(stale) + `}`, override: waiting("3.2.false")},
	{name: "not modified", operation: "GetStatus", upstream: "200", tenant: "acme", params: with(path(stale), header("if-none-match", `"a", W/"3.2.false"`)), payload: `{"Item":` + paid + `}`,
		override: map[string]any{"status": 304.0, "header": map[string]any{"ETag": `"3.2.false"`, "Retry-After": "1"}}},
	{name: "modified", operation: "GetStatus", upstream: "200", tenant: "acme", params: with(path(stale), header("If-None-Match", `"13.2.false"`)), payload: `{"Item":` + done + `}`,
		want: `{"orderId":"` + stale + `","status":"COMPLETED","sequence":5,` + links(stale) + `}`, override: map[string]any{"header": map[string]any{"ETag": `"5.0.false"`}}},
	{name: "redirected", operation: "GetStatus", upstream: "200", tenant: "acme", params: with(path(stale), map[string]map[string]string{"querystring": {"redirect": "true"}}), payload: `{"Item":` + done + `}`,
		want:     `{"orderId":"` + stale + `","status":"COMPLETED","sequence":5,` + links(stale) + `}`,
		override: map[string]any{"status": 303.0, "header": map[string]any{"ETag": `"5.0.false"`, "Location": "/live/orders/" + stale}}},
	{name: "not redirected before the end", operation: "GetStatus", upstream: "200", tenant: "acme", params: with(path(fresh), map[string]map[string]string{"querystring": {"redirect": "true"}}), payload: `{}`,
		want: queued(fresh), override: waiting("0.0.false")},
	{name: "table throttled", operation: "GetStatus", upstream: "400", tenant: "acme", params: path(fresh), payload: `{"__type":"com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException"}`,
		want:     problem + `"status":503,"title":"Service Unavailable","code":"throttled","detail":"The table is busy. Try again."}`,
		override: map[string]any{"status": 503.0, "header": map[string]any{"Retry-After": "1"}}},

	{name: "the whole order", operation: "GetOrder", upstream: "200", tenant: "acme", params: path(stale),
		payload: `{"Items":[{"sk":{"S":"ORDER"},"body":{"S":"{\"n\":1.00,\"s\":\"$x #end\"}"}},` + paid + `]}`,
		want: `{"orderId":"` + stale + `","status":"PAID","sequence":3,"acceptedAt":"t0","updatedAt":"t1","detail":"it's \"so\"\nü😀","conflicts":2,` + links(stale) +
			`,"history":[{"sequence":1,"status":"ACCEPTED","at":"t0"},{"sequence":2,"status":"PAID","at":"t1","reason":"x"}],"results":{"Charge":{},"Reserve":{"a":[1,2]}},"order":{"n":1.00,"s":"$x #end"}}`,
		override: waiting("3.2.false")},
	{name: "an order not recorded yet", operation: "GetOrder", upstream: "200", tenant: "acme", params: path(fresh), payload: `{"Items":[]}`,
		want: strings.TrimSuffix(queued(fresh), "}") + `,"history":[],"results":{}}`, override: waiting("0.0.false")},
	{name: "somebody else's order", operation: "GetOrder", upstream: "200", tenant: "acme", params: path(alien), payload: `{"Items":[]}`,
		want: unknown, override: map[string]any{"status": 404.0, "header": problemType}},

	{name: "cancel of an order on its way", operation: "Cancel", tenant: `a"'c`, params: path("1790000000000-xyz-YSInYw"), payload: `{}`,
		want: cancelRequest(`YSInYw#1790000000000-xyz-YSInYw`, "1790000000000-xyz-YSInYw", `a\"'c`, conditionNew)},
	{name: "cancel of an older order", operation: "Cancel", tenant: "acme", params: path(stale), payload: `{}`,
		want: cancelRequest("YWNtZQ#"+stale, stale, "acme", conditionOld)},
	{name: "cancel of somebody else's", operation: "Cancel", tenant: "acme", params: path(alien), payload: `{}`,
		want: cancelRequest("YWNtZQ#"+alien, alien, "acme", conditionOld)},
	{name: "cancel without a tenant meets nobody's key", operation: "Cancel", params: path(fresh), payload: `{}`,
		want: cancelRequest("-", fresh, "", conditionOld)},
	{name: "cancel with no id", operation: "Cancel", tenant: "acme", params: path(`x"}`), payload: `{}`,
		want: cancelRequest("YWNtZQ#-", "-", "acme", conditionOld)},
	{name: "cancellation requested", operation: "Cancel", upstream: "200", tenant: "acme", params: path(fresh), payload: `{"Attributes":{"cancelRequested":{"BOOL":true},"status":{"S":"RESERVED"},"sequence":{"N":"2"}}}`,
		want: `{"orderId":"` + fresh + `","status":"RESERVED","sequence":2,"cancelRequested":true,` + links(fresh) + `}`},
	{name: "finished", operation: "Cancel", upstream: "400", tenant: "acme", params: path(fresh), payload: failedHere + `,"Item":` + done + `}`,
		want:     problem + `"status":409,"title":"Conflict","code":"finished","detail":"The order is finished.","orderStatus":"COMPLETED"}`,
		override: map[string]any{"status": 409.0, "header": map[string]any{}}},
	{name: "nothing to cancel", operation: "Cancel", upstream: "400", tenant: "acme", params: path(stale), payload: failedHere + `}`,
		want: unknown, override: map[string]any{"status": 404.0, "header": map[string]any{}}},
	{name: "cancel without a tenant", operation: "Cancel", upstream: "400", params: path(fresh), payload: failedHere + `}`,
		want: noTenant, override: map[string]any{"status": 403.0, "header": map[string]any{}}},
	{name: "cancel, set up wrongly", operation: "Cancel", upstream: "400", tenant: "acme", params: path(fresh), payload: `{"__type":"com.amazon.coral.service#AccessDeniedException"}`,
		want:     problem + `"status":500,"title":"Internal Server Error","code":"internal","detail":"The API is not set up correctly."}`,
		override: map[string]any{"status": 500.0, "header": map[string]any{}}},
}

func cancelRequest(pk, id, tenant, condition string) string {
	return `{"TableName":"TABLE","Key":{"pk":{"S":"` + pk + `"},"sk":{"S":"STATUS"}},` +
		`"UpdateExpression":"SET #cancel = :true, #tenant = if_not_exists(#tenant, :tenant), #orderId = if_not_exists(#orderId, :orderId)",` +
		`"ConditionExpression":"` + condition + `",` +
		`"ExpressionAttributeNames":{"#status":"status","#cancel":"cancelRequested","#tenant":"tenant","#orderId":"orderId"},` +
		`"ExpressionAttributeValues":{":true":{"BOOL":true},":tenant":{"S":"` + tenant + `"},":orderId":{"S":"` + id + `"},` +
		`":final0":{"S":"COMPLETED"},":final1":{"S":"REJECTED"},":final2":{"S":"FAILED"},":final3":{"S":"CANCELLED"}},` +
		`"ReturnValues":"ALL_NEW","ReturnValuesOnConditionCheckFailure":"ALL_OLD"}`
}

// TestTemplatesWithVelocity renders the synthesized templates of both
// constructs with Apache Velocity. $input, $util and $context are stand-ins in
// testdata/Render.java.
func TestTemplatesWithVelocity(t *testing.T) {
	template := synthChannels(t, nil, nil)
	table := "{" + template.One(t, "AWS::DynamoDB::Table", "Table").ID + "}"

	var in bytes.Buffer
	all := append(slices.Clone(scenarios), webhookScenarios...)
	for _, s := range all {
		text := request(t, template, s.operation)
		if s.upstream != "" {
			text = cdktest.Text(cdktest.Get(outcome(method(t, template, s.operation), strings.TrimPrefix(s.upstream, "answered")), "ResponseTemplates", "application/json"))
		}
		params := map[string]map[string]string{"path": {}, "querystring": {}, "header": {}}
		claims := map[string]string{"sub": "somebody"}
		if s.tenant != "" {
			claims["custom:tenant"] = s.tenant
		}
		at := "/live/orders"
		if id := s.params["path"]["orderId"]; id != "" {
			at += "/" + url.PathEscape(id)
			if s.operation != "GetOrder" {
				at += "/status"
			}
		}
		if strings.Contains(s.operation, "Webhook") {
			at = "/live/webhooks/"
		}
		if err := json.NewEncoder(&in).Encode(map[string]any{
			"template": strings.ReplaceAll(text, table, "TABLE"),
			"params":   with(params, s.params),
			"payload":  s.payload,
			"context": map[string]any{
				"authorizer": map[string]any{"claims": claims}, "path": at,
				"requestTimeEpoch": 1790000000123, "extendedRequestId": "Ab+/c9dE=",
				"responseOverride": map[string]any{"header": map[string]any{}},
			},
		}); err != nil {
			t.Fatal(err)
		}
	}
	out := referee.Velocity(t, "testdata/Render.java", in.Bytes())
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	if len(lines) != len(all) {
		t.Fatalf("Velocity rendered %d of %d scenarios", len(lines), len(all))
	}
	for i, s := range all {
		t.Run(s.name, func(t *testing.T) {
			text, override, _ := strings.Cut(lines[i], " ")
			s.check(t, decode(t, text), decode(t, override))
		})
	}
}

func (s scenario) check(t *testing.T, text, override string) {
	t.Helper()
	if s.form != nil {
		got := map[string]string{}
		for _, field := range strings.Split(text, "&") {
			name, value, _ := strings.Cut(field, "=")
			decoded, err := url.QueryUnescape(value)
			if err != nil {
				t.Errorf("%s: %v", field, err)
			}
			if _, twice := got[name]; twice {
				t.Errorf("the field %s occurs twice", name)
			}
			if !strings.HasSuffix(name, ".DataType") {
				got[name] = decoded
			} else if decoded != "String" {
				t.Errorf("%s is %s", name, decoded)
			}
		}
		equal(t, "form", got, s.form)
		return
	}
	equal(t, "text", parsed(t, text), parsed(t, s.want))
	if s.override == nil {
		s.override = map[string]any{"header": map[string]any{}}
	}
	equal(t, "override", parsed(t, override), any(s.override))
	// Spelling survives where JSON's meaning would not show it.
	if strings.Contains(s.want, "1.00") && !strings.Contains(text, "1.00") {
		t.Errorf("the body was rewritten: %s", text)
	}
}

func parsed(t *testing.T, text string) (v any) {
	t.Helper()
	if text == "" {
		return nil
	}
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		t.Errorf("%v: %s", err, text)
	}
	return v
}

func decode(t *testing.T, s string) string {
	t.Helper()
	b, err := base64.StdEncoding.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
