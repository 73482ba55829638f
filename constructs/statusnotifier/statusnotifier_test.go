package statusnotifier_test

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awscognito"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsdynamodb"
	"github.com/aws/aws-cdk-go/awscdk/v2/awskms"
	"github.com/aws/jsii-runtime-go"
	"github.com/google/go-cmp/cmp"

	"github.com/orderflow-cdk/orderflow/constructs/asyncapi"
	"github.com/orderflow-cdk/orderflow/constructs/internal/cdktest"
	"github.com/orderflow-cdk/orderflow/constructs/record"
	"github.com/orderflow-cdk/orderflow/constructs/statusnotifier"
)

func TestMain(m *testing.M) { cdktest.Main(m) }

var open = asyncapi.Props{Authorizer: asyncapi.Unauthenticated("dev")}

// newTable has an index, which the roles must not reach.
func newTable(stack awscdk.Stack, key awskms.IKey) awsdynamodb.ITable {
	props := &awsdynamodb.TableProps{
		PartitionKey: &awsdynamodb.Attribute{Name: jsii.String(record.PartitionKey), Type: awsdynamodb.AttributeType_STRING},
		SortKey:      &awsdynamodb.Attribute{Name: jsii.String(record.SortKey), Type: awsdynamodb.AttributeType_STRING},
		BillingMode:  awsdynamodb.BillingMode_PAY_PER_REQUEST,
	}
	if key != nil {
		props.EncryptionKey = key
	}
	table := awsdynamodb.NewTable(stack, jsii.String("Table"), props)
	table.AddGlobalSecondaryIndex(&awsdynamodb.GlobalSecondaryIndexProps{
		IndexName:    jsii.String("byTenant"),
		PartitionKey: &awsdynamodb.Attribute{Name: jsii.String(record.Tenant), Type: awsdynamodb.AttributeType_STRING},
	})
	return table
}

// synth makes an API "Orders" of api, and for it a StatusNotifier "Status" of
// props.
func synth(t *testing.T, api asyncapi.Props, props statusnotifier.Props) cdktest.Template {
	t.Helper()
	stack := cdktest.Stack()
	props.API, props.Table = asyncapi.New(stack, "Orders", api), newTable(stack, nil)
	statusnotifier.New(stack, "Status", props)
	return cdktest.Synth(t, stack)
}

func method(t *testing.T, template cdktest.Template, operation string) cdktest.Resource {
	t.Helper()
	for _, m := range template.All("AWS::ApiGateway::Method", "") {
		if m.Get("OperationName") == operation {
			return m
		}
	}
	t.Fatalf("no method %s", operation)
	return cdktest.Resource{}
}

func request(t *testing.T, template cdktest.Template, operation string) string {
	t.Helper()
	return method(t, template, operation).Text("Integration", "RequestTemplates", "application/json")
}

// response is the template for an upstream answer of 2xx.
func response(t *testing.T, template cdktest.Template, operation string) string {
	t.Helper()
	return cdktest.Text(cdktest.Get(outcome(method(t, template, operation), "200"), "ResponseTemplates", "application/json"))
}

func outcome(method cdktest.Resource, upstream string) (byDefault map[string]any) {
	responses, _ := method.Get("Integration", "IntegrationResponses").([]any)
	for _, r := range responses {
		r := r.(map[string]any)
		pattern, ok := r["SelectionPattern"].(string)
		if !ok {
			byDefault = r
		} else if regexp.MustCompile("^(?:" + pattern + ")$").MatchString(upstream) {
			return r
		}
	}
	return byDefault
}

func equal(t *testing.T, what string, got, want any) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

func contains(t *testing.T, what, text, part string) {
	t.Helper()
	if !strings.Contains(text, part) {
		t.Errorf("%s does not contain %q:\n%s", what, part, text)
	}
}

var operations = []struct{ name, verb, path, action, role, status string }{
	{"GetStatus", "GET", "/orders/{orderId}/status", "GetItem", "StatusReadRole", "200"},
	{"GetOrder", "GET", "/orders/{orderId}", "Query", "StatusReadRole", "200"},
	{"Cancel", "DELETE", "/orders/{orderId}/status", "UpdateItem", "StatusCancelRole", "202"},
}

func TestRoutes(t *testing.T) {
	template := synth(t, open, statusnotifier.Props{})
	for _, o := range operations {
		m := method(t, template, o.name)
		equal(t, o.name+" verb", m.Get("HttpMethod"), any(o.verb))
		path := ""
		for id := strings.Trim(m.Text("ResourceId"), "{}"); template.Resources[id].Type == "AWS::ApiGateway::Resource"; {
			r := template.Resources[id]
			path = "/" + r.Text("PathPart") + path
			id = strings.TrimSuffix(strings.Trim(r.Text("ParentId"), "{}"), ".RootResourceId")
		}
		equal(t, o.name+" path", path, o.path)
		equal(t, o.name+" integration", m.Text("Integration", "Uri"), "arn:{AWS::Partition}:apigateway:{AWS::Region}:dynamodb:action/"+o.action)
		equal(t, o.name+" role", m.Text("Integration", "Credentials"), "{"+template.One(t, "AWS::IAM::Role", o.role).ID+".Arn}")
		equal(t, o.name+" passthrough", m.Get("Integration", "PassthroughBehavior"), any("NEVER"))
		// A changed method is only deployed with a deployment that waits for it.
		contains(t, "deployment", strings.Join(template.One(t, "AWS::ApiGateway::Deployment", "").DependsOn, " "), m.ID)
	}
}

func TestEveryAnswerOfDynamoDBIsMapped(t *testing.T) {
	template := synth(t, open, statusnotifier.Props{})
	for _, o := range operations {
		m := method(t, template, o.name)
		for _, c := range []struct{ upstream, status, contentType string }{
			{"200", o.status, "'application/json'"},
			{"400", "400", "'application/problem+json'"},
			{"413", "400", "'application/problem+json'"},
			{"500", "503", "'application/problem+json'"},
			{"503", "503", "'application/problem+json'"},
			{"302", "500", "'application/problem+json'"},
		} {
			r := outcome(m, c.upstream)
			equal(t, o.name+" "+c.upstream, r["StatusCode"], any(c.status))
			equal(t, o.name+" "+c.upstream+" content type", cdktest.Get(r, "ResponseParameters", "method.response.header.Content-Type"), any(c.contentType))
		}
		contains(t, o.name+" 400", cdktest.Text(outcome(m, "400")), "Throttl")
		declared := map[string]bool{}
		for _, r := range m.Get("MethodResponses").([]any) {
			declared[cdktest.Text(cdktest.Get(r, "StatusCode"))] = true
		}
		for _, r := range m.Get("Integration", "IntegrationResponses").([]any) {
			if status := cdktest.Text(cdktest.Get(r, "StatusCode")); !declared[status] {
				t.Errorf("%s: status %s is not declared", o.name, status)
			}
		}
	}
}

func TestRolesAreNarrow(t *testing.T) {
	template := synth(t, open, statusnotifier.Props{})
	table := template.One(t, "AWS::DynamoDB::Table", "Table")
	for role, actions := range map[string]any{
		"StatusReadRole":   []any{"dynamodb:GetItem", "dynamodb:Query"},
		"StatusCancelRole": "dynamodb:UpdateItem",
	} {
		equal(t, role, template.One(t, "AWS::IAM::Policy", role).Get("PolicyDocument", "Statement"), any([]any{map[string]any{
			"Effect": "Allow", "Action": actions,
			"Resource": map[string]any{"Fn::GetAtt": []any{table.ID, "Arn"}},
		}}))
		equal(t, role+" trust", template.One(t, "AWS::IAM::Role", role).Text("AssumeRolePolicyDocument", "Statement"),
			`[{"Action":"sts:AssumeRole","Effect":"Allow","Principal":{"Service":"apigateway.amazonaws.com"}}]`)
	}
}

func TestTableWithKey(t *testing.T) {
	stack := cdktest.Stack()
	api := asyncapi.New(stack, "Orders", open)
	statusnotifier.New(stack, "Status", statusnotifier.Props{
		API: api, Table: newTable(stack, awskms.NewKey(stack, jsii.String("Key"), nil)),
	})
	template := cdktest.Synth(t, stack)
	key := "{" + template.One(t, "AWS::KMS::Key", "Key").ID + ".Arn}"
	for role, action := range map[string]string{"StatusReadRole": "kms:Decrypt", "StatusCancelRole": "kms:GenerateDataKey*"} {
		found := false
		for _, s := range template.One(t, "AWS::IAM::Policy", role).Get("PolicyDocument", "Statement").([]any) {
			found = found || strings.Contains(cdktest.Text(cdktest.Get(s, "Action")), action) && cdktest.Text(cdktest.Get(s, "Resource")) == key
		}
		if !found {
			t.Errorf("%s may not %s", role, action)
		}
	}
}

func TestAuthorizerIsTheAPIs(t *testing.T) {
	stack := cdktest.Stack()
	api := asyncapi.New(stack, "Orders", asyncapi.Props{
		Authorizer: asyncapi.CognitoUserPool(awscognito.NewUserPool(stack, jsii.String("Pool"), nil), "custom:tenant", "orders/read"),
	})
	statusnotifier.New(stack, "Status", statusnotifier.Props{API: api, Table: newTable(stack, nil)})
	template := cdktest.Synth(t, stack)
	authorizer := template.One(t, "AWS::ApiGateway::Authorizer", "Orders")
	for _, o := range operations {
		m := method(t, template, o.name)
		equal(t, o.name, []string{m.Text("AuthorizationType"), m.Text("AuthorizerId"), m.Text("AuthorizationScopes")},
			[]string{"COGNITO_USER_POOLS", "{" + authorizer.ID + "}", `["orders/read"]`})
		// The key begins with the caller's own tenant, whatever the path says.
		contains(t, o.name, request(t, template, o.name), "#set($told = $context.authorizer.claims['custom:tenant'])")
		contains(t, o.name, request(t, template, o.name), `#set($pk = "${tag}#$orderId")`)
		contains(t, o.name, request(t, template, o.name), `{"S":"$pk"}`)
	}
}

// What the order id is taken for is checked before it gets into any text.
func TestOrderIDIsChecked(t *testing.T) {
	template := synth(t, open, statusnotifier.Props{})
	for _, o := range operations {
		text := request(t, template, o.name)
		check := `#set($orderId = "$!input.params().path.get('orderId')")#if(!$orderId.matches("[A-Za-z0-9_-]{1,400}"))#set($orderId = "-")#end`
		contains(t, o.name, text, check)
		if strings.Count(text, "$input") != 0 || strings.Count(text, "$!input") != 1 {
			t.Errorf("%s uses more of the request than the checked order id:\n%s", o.name, text)
		}
	}
}

func TestAcceptanceWindow(t *testing.T) {
	for _, c := range []struct {
		name  string
		api   asyncapi.Props
		props statusnotifier.Props
		want  time.Duration
	}{
		{"the queues' retention", open, statusnotifier.Props{}, 18 * 24 * time.Hour},
		{"other retention", asyncapi.Props{Authorizer: open.Authorizer, Retention: time.Hour, DeadLetterRetention: 2 * time.Hour},
			statusnotifier.Props{}, 3 * time.Hour},
		{"given", open, statusnotifier.Props{AcceptanceWindow: time.Hour}, time.Hour},
	} {
		t.Run(c.name, func(t *testing.T) {
			template := synth(t, c.api, c.props)
			for _, o := range operations {
				contains(t, o.name, request(t, template, o.name), fmt.Sprintf("#if($age <= %d && $age >= -60000)", c.want.Milliseconds()))
				contains(t, o.name, response(t, template, o.name), fmt.Sprintf("#if($age <= %d && $age >= -60000)", c.want.Milliseconds()))
			}
		})
	}
}

// render fills what is variable in a request template with a text, drops the
// directives and reads the rest as JSON.
func render(t *testing.T, text string) map[string]any {
	t.Helper()
	_, text, _ = strings.Cut(text, "{\"TableName\"")
	text = "{\"TableName\"" + text
	text = regexp.MustCompile(`\$util\.escapeJavaScript\(\$tenant\)\.replaceAll\("[^"]*", "'"\)|\$[a-zA-Z]+`).ReplaceAllString(text, "x")
	var m map[string]any
	if err := json.Unmarshal([]byte(text), &m); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	return m
}

func TestRequests(t *testing.T) {
	template := synth(t, open, statusnotifier.Props{})
	table := "{" + template.One(t, "AWS::DynamoDB::Table", "Table").ID + "}"
	status := render(t, request(t, template, "GetStatus"))
	equal(t, "GetItem key", status["Key"], any(map[string]any{"pk": map[string]any{"S": "x"}, "sk": map[string]any{"S": "STATUS"}}))
	order := render(t, request(t, template, "GetOrder"))
	equal(t, "Query", order["KeyConditionExpression"], any("#pk = :pk"))
	for name, m := range map[string]map[string]any{"GetItem": status, "Query": order} {
		equal(t, name+" table", m["TableName"], any(table))
		// Right after the 202 and right after each transition, clients see it.
		equal(t, name+" consistent read", m["ConsistentRead"], any(true))
		if strings.Contains(cdktest.Text(m), record.TaskToken) {
			t.Errorf("%s reads the task token, with which anybody could finish a step", name)
		}
		// DynamoDB refuses a name that no expression uses, and one not given.
		used := fmt.Sprint(m["ProjectionExpression"], m["KeyConditionExpression"])
		for placeholder := range m["ExpressionAttributeNames"].(map[string]any) {
			contains(t, name, used, placeholder)
		}
		equal(t, name+" names", len(regexp.MustCompile(`#[a-zA-Z]+`).FindAllString(used, -1)), len(m["ExpressionAttributeNames"].(map[string]any)))
	}
}

func TestCancel(t *testing.T) {
	template := synth(t, open, statusnotifier.Props{Final: []string{"DONE", "GONE"}})
	text := request(t, template, "Cancel")
	contains(t, "condition", text, `#set($unfinished = "NOT (#status IN (:final0, :final1))")`)
	contains(t, "condition of an order on its way", text, `#if($pending)#set($condition = "attribute_not_exists(#status) OR $unfinished")`)
	contains(t, "condition of any other", text, `#set($condition = "attribute_exists(#status) AND $unfinished")`)
	m := render(t, text)
	equal(t, "values", m["ExpressionAttributeValues"], any(map[string]any{
		":true": map[string]any{"BOOL": true}, ":tenant": map[string]any{"S": "x"}, ":orderId": map[string]any{"S": "x"},
		":final0": map[string]any{"S": "DONE"}, ":final1": map[string]any{"S": "GONE"},
	}))
	// The table's own attributes alone: no status, no sequence.
	equal(t, "update", m["UpdateExpression"],
		any("SET #cancel = :true, #tenant = if_not_exists(#tenant, :tenant), #orderId = if_not_exists(#orderId, :orderId)"))
	equal(t, "what a failed condition returns", m["ReturnValuesOnConditionCheckFailure"], any("ALL_OLD"))

	refused := cdktest.Text(cdktest.Get(outcome(method(t, template, "Cancel"), "400"), "ResponseTemplates", "application/json"))
	for _, part := range []string{"#set($status = 403)", "#set($status = 404)", "#set($status = 409)", "#set($orderStatus = $state)"} {
		contains(t, "refusal", refused, part)
	}
	for _, o := range operations {
		contains(t, o.name, response(t, template, o.name), `#set($finals = " DONE GONE ")`)
	}
}

func TestResponses(t *testing.T) {
	template := synth(t, asyncapi.Props{Authorizer: open.Authorizer, RetryAfter: 7 * time.Second}, statusnotifier.Props{})
	for _, operation := range []string{"GetStatus", "GetOrder"} {
		text := response(t, template, operation)
		for what, part := range map[string]string{
			"not modified": "$context.responseOverride.status = 304",
			"ETag":         "$context.responseOverride.header.ETag = $etag",
			"retry after":  `#if(!$final)#set($context.responseOverride.header.Retry-After = "7")`,
			"unknown":      "#set($status = 404)",
			"no tenant":    "#set($status = 403)",
			"problem":      `$context.responseOverride.header.Content-Type = "application/problem+json"`,
		} {
			contains(t, operation+" "+what, text, part)
		}
		// Texts of other origin than the constructs' are escaped.
		for _, raw := range []string{`"$item.reason.S"`, `"$item.detail.S"`, `"$entry.M.reason.S"`} {
			if strings.Contains(text, raw) {
				t.Errorf("%s has %s unescaped", operation, raw)
			}
		}
	}
	contains(t, "redirect", response(t, template, "GetStatus"), "$context.responseOverride.status = 303")
	contains(t, "body", response(t, template, "GetOrder"), `"order":$body`)
}

// A directive left open would swallow the rest of a template on its first use.
func TestTemplatesAreBalanced(t *testing.T) {
	opens, closes := regexp.MustCompile(`#(if|foreach)\(`), regexp.MustCompile(`#end`)
	for _, m := range synth(t, open, statusnotifier.Props{}).All("AWS::ApiGateway::Method", "") {
		texts := map[string]string{"request": m.Text("Integration", "RequestTemplates", "application/json")}
		for _, r := range m.Get("Integration", "IntegrationResponses").([]any) {
			texts[cdktest.Text(cdktest.Get(r, "StatusCode"))] = cdktest.Text(cdktest.Get(r, "ResponseTemplates", "application/json"))
		}
		for name, text := range texts {
			if o, c := len(opens.FindAllString(text, -1)), len(closes.FindAllString(text, -1)); o != c {
				t.Errorf("%s %s: %d blocks opened, %d closed", m.Text("OperationName"), name, o, c)
			}
			if strings.Contains(text, "{{") {
				t.Errorf("%s %s: a placeholder is left", m.Text("OperationName"), name)
			}
		}
	}
}

func TestCORS(t *testing.T) {
	template := synth(t, asyncapi.Props{Authorizer: open.Authorizer, CORS: &asyncapi.CORS{AllowOrigin: "*"}}, statusnotifier.Props{})
	for _, o := range operations {
		for _, r := range method(t, template, o.name).Get("Integration", "IntegrationResponses").([]any) {
			equal(t, o.name, cdktest.Get(r, "ResponseParameters", "method.response.header.Access-Control-Allow-Origin"), any("'*'"))
		}
	}
	preflights := 0
	for _, m := range template.All("AWS::ApiGateway::Method", "") {
		if m.Get("HttpMethod") == "OPTIONS" {
			preflights++
		}
	}
	equal(t, "preflights of /, /orders, /{orderId} and /status", preflights, 4)
}

func TestValidate(t *testing.T) {
	for _, c := range []struct {
		name  string
		props statusnotifier.Props
		want  string
	}{
		{"nothing", statusnotifier.Props{}, "API must be given, got nil\ntable must be given, got nil"},
		{"window", statusnotifier.Props{AcceptanceWindow: -time.Second},
			"API must be given, got nil\ntable must be given, got nil\nacceptance window must be at least 1m, got -1s"},
		{"statuses", statusnotifier.Props{Final: []string{"DONE", `D"`, "DONE"}},
			"API must be given, got nil\ntable must be given, got nil\n" +
				`final status must be upper-case letters and underscores, got "D\""` + "\n" +
				`final statuses must differ, got "DONE" twice`},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := c.props.Validate()
			if err == nil || err.Error() != c.want {
				t.Errorf("got %v, want %s", err, c.want)
			}
		})
	}
}

func TestNewPanics(t *testing.T) {
	defer func() {
		if got, want := recover(), any("statusnotifier: Stack/Status: API must be given, got nil; table must be given, got nil"); got != want {
			t.Errorf("got panic %v, want %v", got, want)
		}
	}()
	statusnotifier.New(cdktest.Stack(), "Status", statusnotifier.Props{})
}

func TestMetrics(t *testing.T) {
	stack := cdktest.Stack()
	n := statusnotifier.New(stack, "Status", statusnotifier.Props{API: asyncapi.New(stack, "Orders", open), Table: newTable(stack, nil)})
	for want, m := range map[string]*string{
		"Count":   n.MetricStatusPolls(nil).MetricName(),
		"Latency": n.MetricPollLatency(nil).MetricName(),
	} {
		equal(t, "metric", *m, want)
	}
	equal(t, "method", fmt.Sprint((*n.MetricCancellations(nil).Dimensions())["Method"]), "DELETE")
}
