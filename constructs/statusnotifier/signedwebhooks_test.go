package statusnotifier_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awskms"
	"github.com/aws/jsii-runtime-go"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/orderflow-cdk/orderflow/constructs/asyncapi"
	"github.com/orderflow-cdk/orderflow/constructs/internal/cdktest"
	"github.com/orderflow-cdk/orderflow/constructs/statusnotifier"
)

func TestDeliveryQueue(t *testing.T) {
	template := synthChannels(t, nil, nil)
	queue := template.One(t, "AWS::SQS::Queue", "StatusDeliveryQueue")
	dead := template.One(t, "AWS::SQS::Queue", "StatusDeliveryDeadLetters")
	equal(t, "queue", queue.Properties, map[string]any{
		"MessageRetentionPeriod": 14 * 24 * 3600.0, "VisibilityTimeout": 180.0, "SqsManagedSseEnabled": true,
		"RedrivePolicy": map[string]any{"maxReceiveCount": 1000.0, "deadLetterTargetArn": map[string]any{"Fn::GetAtt": []any{dead.ID, "Arn"}}},
	})
	equal(t, "dead letters", dead.Properties, map[string]any{"MessageRetentionPeriod": 14 * 24 * 3600.0, "SqsManagedSseEnabled": true})
	m := template.One(t, "AWS::Lambda::EventSourceMapping", "Deliver")
	equal(t, "source", m.Properties, map[string]any{
		"BatchSize": 10.0, "FunctionResponseTypes": []any{"ReportBatchItemFailures"}, "ScalingConfig": map[string]any{"MaximumConcurrency": 20.0},
		"EventSourceArn": map[string]any{"Fn::GetAtt": []any{queue.ID, "Arn"}},
		"FunctionName":   map[string]any{"Ref": template.One(t, "AWS::Lambda::Function", "Deliver").ID},
	})
	s := subscription(t, template, "sqs")
	equal(t, "subscription", []string{s.Text("Endpoint"), s.Text("RawMessageDelivery"), s.Text("FilterPolicy")}, []string{"{" + queue.ID + ".Arn}", "true", ""})
}

func TestWebhookFunctionsMayDoNoMoreThanTheyMust(t *testing.T) {
	template := synthChannels(t, nil, nil)
	table := "{" + template.One(t, "AWS::DynamoDB::Table", "StatusWebhooksTable").ID + ".Arn}"
	queue := "{" + template.One(t, "AWS::SQS::Queue", "StatusDeliveryQueue").ID + ".Arn}"
	dead := "{" + template.One(t, "AWS::SQS::Queue", "StatusDeliveryDeadLetters").ID + ".Arn}"
	equal(t, "deliver", allowed(t, template, "DeliverServiceRole"), map[string][]string{
		"dynamodb:BatchGetItem": {table}, "dynamodb:Query": {table}, "dynamodb:UpdateItem": {table},
		"sqs:ReceiveMessage": {queue}, "sqs:DeleteMessage": {queue}, "sqs:GetQueueAttributes": {queue},
		"sqs:ChangeMessageVisibility": {queue}, "sqs:SendMessage": {queue, dead},
	})
	equal(t, "manage", allowed(t, template, "ManageServiceRole"), map[string][]string{
		"dynamodb:GetItem": {table}, "dynamodb:Query": {table}, "dynamodb:PutItem": {table}, "dynamodb:UpdateItem": {table}, "dynamodb:DeleteItem": {table},
		"sqs:SendMessage": {queue},
	})
	equal(t, "gateway", allowed(t, template, "StatusWebhooksRole"),
		map[string][]string{"lambda:InvokeFunction": {"{" + template.One(t, "AWS::Lambda::Function", "Manage").ID + ".Arn}"}})
}

func TestWebhooksTableIsSafeUnlessAskedOtherwise(t *testing.T) {
	safe := synthChannels(t, nil, nil).One(t, "AWS::DynamoDB::Table", "StatusWebhooksTable")
	loose := synthChannels(t, func(c *channels) {
		w := c.props.SignedWebhooks
		w.NoDeletionProtection, w.NoPointInTimeRecovery, w.RemovalPolicy = true, true, awscdk.RemovalPolicy_DESTROY
		w.EncryptionKey = awskms.NewKey(c.stack, jsii.String("Key"), nil)
	}, nil)
	for _, tt := range []struct {
		table              cdktest.Resource
		protected, backups bool
		policy             string
	}{{safe, true, true, "Retain"}, {loose.One(t, "AWS::DynamoDB::Table", "StatusWebhooksTable"), false, false, "Delete"}} {
		equal(t, "protection", tt.table.Get("DeletionProtectionEnabled"), any(tt.protected))
		equal(t, "backups", tt.table.Get("PointInTimeRecoverySpecification", "PointInTimeRecoveryEnabled"), any(tt.backups))
		equal(t, "policy", tt.table.DeletionPolicy, tt.policy)
		equal(t, "billing", tt.table.Get("BillingMode"), any("PAY_PER_REQUEST"))
	}
	key := "{" + loose.One(t, "AWS::KMS::Key", "Key").ID + ".Arn}"
	for _, role := range []string{"DeliverServiceRole", "ManageServiceRole"} {
		equal(t, role, allowed(t, loose, role)["kms:Decrypt"], []string{key})
	}
}

// webhookRoutes have the statuses that each declares besides 403, 429, 500 and 503.
var webhookRoutes = []struct{ operation, verb, path, statuses string }{
	{"CreateWebhook", "POST", "/webhooks", "200 201 400 409"},
	{"ListWebhooks", "GET", "/webhooks", "200"},
	{"GetWebhook", "GET", "/webhooks/{webhookId}", "200 404"},
	{"DeleteWebhook", "DELETE", "/webhooks/{webhookId}", "200 204 404"},
	{"RotateWebhook", "POST", "/webhooks/{webhookId}/rotate", "200 404"},
	{"EnableWebhook", "POST", "/webhooks/{webhookId}/enable", "200 404"},
	{"TestWebhook", "POST", "/webhooks/{webhookId}/test", "200 202 404 409"},
}

func pathOf(template cdktest.Template, m cdktest.Resource) (path string) {
	for id := strings.Trim(m.Text("ResourceId"), "{}"); template.Resources[id].Type == "AWS::ApiGateway::Resource"; {
		r := template.Resources[id]
		path = "/" + r.Text("PathPart") + path
		id = strings.TrimSuffix(strings.Trim(r.Text("ParentId"), "{}"), ".RootResourceId")
	}
	return path
}

func TestWebhookRoutes(t *testing.T) {
	template := synthChannels(t, nil, nil)
	manage := template.One(t, "AWS::Lambda::Function", "Manage").ID
	role := "{" + template.One(t, "AWS::IAM::Role", "StatusWebhooksRole").ID + ".Arn}"
	authorizer := "{" + template.One(t, "AWS::ApiGateway::Authorizer", "").ID + "}"
	for _, r := range webhookRoutes {
		m := method(t, template, r.operation)
		equal(t, r.operation, []string{m.Text("HttpMethod"), pathOf(template, m), m.Text("AuthorizerId"), m.Text("Integration", "Type"),
			m.Text("Integration", "Credentials"), m.Text("Integration", "PassthroughBehavior"), m.Text("Integration", "Uri")},
			[]string{r.verb, r.path, authorizer, "AWS", role, "NEVER",
				"arn:{AWS::Partition}:apigateway:{AWS::Region}:lambda:path/2015-03-31/functions/{" + manage + ".Arn}/invocations"})
		contains(t, "deployment", strings.Join(template.One(t, "AWS::ApiGateway::Deployment", "").DependsOn, " "), m.ID)
	}
}

// Selected by a function's error message; a function without an error gets the
// response without a pattern.
func TestNoFailureOfTheFunctionLooksLikeSuccess(t *testing.T) {
	template := synthChannels(t, nil, nil)
	for _, r := range webhookRoutes {
		m := method(t, template, r.operation)
		for _, message := range []string{"x", "two\nlines", "\n", "200", strings.Repeat("long ", 1000)} {
			o := outcome(m, message)
			equal(t, r.operation+" "+message, []any{o["StatusCode"], cdktest.Get(o, "ResponseParameters", "method.response.header.Content-Type")},
				[]any{"500", "'application/problem+json'"})
		}
		equal(t, r.operation, outcome(m, "")["StatusCode"], any("200"))
		want := append(strings.Fields(r.statuses), "403", "429", "500", "503")
		slices.Sort(want)
		var declared []string
		for _, response := range m.Get("MethodResponses").([]any) {
			declared = append(declared, response.(map[string]any)["StatusCode"].(string))
		}
		equal(t, r.operation+" declares", declared, want)
	}
}

func TestANewWebhooksBodyIsValidated(t *testing.T) {
	template := synthChannels(t, nil, nil)
	m := method(t, template, "CreateWebhook")
	model := template.One(t, "AWS::ApiGateway::Model", "StatusWebhookModel")
	validator := template.One(t, "AWS::ApiGateway::RequestValidator", "StatusWebhookValidator")
	equal(t, "model", m.Text("RequestModels", "application/json"), "{"+model.ID+"}")
	equal(t, "validator", []string{m.Text("RequestValidatorId"), validator.Text("ValidateRequestBody")}, []string{"{" + validator.ID + "}", "true"})

	compiler := jsonschema.NewCompiler()
	if err := compiler.AddResource("webhook.json", model.Get("Schema")); err != nil {
		t.Fatal(err)
	}
	schema, err := compiler.Compile("webhook.json")
	if err != nil {
		t.Fatal(err)
	}
	for body, ok := range map[string]bool{
		`{"url":"https://a.example/x"}`: true,
		`{"url":"https://a.example/x","description":"ours","statuses":["COMPLETED","IN_TRANSIT"]}`: true,
		`{"url":"http://a.example/x"}`:                                 false,
		`{"statuses":[]}`:                                              false,
		`{"url":"https://a.example","secret":"whsec_mine"}`:            false,
		`{"url":"https://a.example","statuses":["completed"]}`:         false,
		`{"url":"https://a.example","statuses":["PAID","PAID"]}`:       false,
		fmt.Sprintf(`{"url":"https://%s"}`, strings.Repeat("x", 2048)): false,
	} {
		if err := schema.Validate(decodeJSON(t, body)); (err == nil) != ok {
			t.Errorf("%s: %v", body, err)
		}
	}
}

func TestWebhooksHaveTheAPIsCORS(t *testing.T) {
	template := synthChannels(t, func(c *channels) {
		c.api = asyncapi.New(c.stack, "Other", asyncapi.Props{Authorizer: open.Authorizer, CORS: &asyncapi.CORS{AllowOrigin: "https://shop.example"}})
		c.props.API = c.api
	}, nil)
	for _, r := range webhookRoutes {
		for _, o := range method(t, template, r.operation).Get("Integration", "IntegrationResponses").([]any) {
			equal(t, r.operation, cdktest.Get(o, "ResponseParameters", "method.response.header.Access-Control-Allow-Origin"), any("'https://shop.example'"))
		}
	}
	preflights := 0
	for _, m := range template.All("AWS::ApiGateway::Method", "Other") {
		if m.Get("HttpMethod") == "OPTIONS" && strings.HasPrefix(pathOf(template, m), "/webhooks") {
			preflights++
		}
	}
	equal(t, "preflights of /webhooks, /{webhookId}, and three below", preflights, 5)
}

func TestGrantsOfWebhooks(t *testing.T) {
	template := synthChannels(t, nil, func(c *channels, n *statusnotifier.StatusNotifier) {
		role := func(id string) awsiam.Role {
			return awsiam.NewRole(c.stack, jsii.String(id), &awsiam.RoleProps{AssumedBy: awsiam.NewAccountRootPrincipal()})
		}
		n.GrantInvokeWebhooks(role("Caller"))
		n.GrantRedriveDeliveries(role("Operator"))
	})
	got := allowed(t, template, "Caller")["execute-api:Invoke"]
	if len(got) != 2 || !strings.HasSuffix(got[0], "/*/webhooks") || !strings.HasSuffix(got[1], "/*/webhooks/*") {
		t.Errorf("a caller may invoke %v", got)
	}
	operator := allowed(t, template, "Operator")
	equal(t, "sends to", operator["sqs:SendMessage"], []string{"{" + template.One(t, "AWS::SQS::Queue", "StatusDeliveryQueue").ID + ".Arn}"})
	equal(t, "moves from", operator["sqs:StartMessageMoveTask"], []string{"{" + template.One(t, "AWS::SQS::Queue", "StatusDeliveryDeadLetters").ID + ".Arn}"})
}
