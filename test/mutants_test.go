package test

import (
	"encoding/json"
	"maps"
	"strings"
	"testing"
)

// mutable is a template that a mutant is made of.
type mutable struct {
	t        *testing.T
	template template
}

// one is the first resource of a type whose logical id begins with a prefix.
func (m mutable) one(typ, prefix string) resource {
	m.t.Helper()
	for _, r := range m.template.resources(typ) {
		if strings.HasPrefix(r.ID, prefix) {
			return r
		}
	}
	m.t.Fatalf("there is no %s whose id begins with %q", typ, prefix)
	return resource{}
}

// set gives a resource a property, and returns its logical id.
func (m mutable) set(typ, prefix, property string, value any) string {
	m.t.Helper()
	r := m.one(typ, prefix)
	r.Properties[property] = value
	return r.ID
}

func (m mutable) unset(typ, prefix, property string) string {
	m.t.Helper()
	r := m.one(typ, prefix)
	if r.Properties[property] == nil {
		m.t.Fatalf("%s has no %s", r.ID, property)
	}
	delete(r.Properties, property)
	return r.ID
}

// add adds a resource.
func (m mutable) add(id, typ string, properties map[string]any) string {
	m.template["Resources"].(map[string]any)[id] = map[string]any{"Type": typ, "Properties": properties}
	return id
}

// allow adds a statement to a policy.
func (m mutable) allow(statement map[string]any) string {
	m.t.Helper()
	r := m.one("AWS::IAM::Policy", "IntakeRoleDefaultPolicy")
	document := r.Properties["PolicyDocument"].(map[string]any)
	statement["Effect"] = "Allow"
	document["Statement"] = append(list(document["Statement"]), statement)
	return r.ID
}

// answers changes the integration responses of a method.
func (m mutable) answers(prefix string, change func(response map[string]any) bool) string {
	m.t.Helper()
	r := m.one("AWS::ApiGateway::Method", prefix)
	changed := false
	for _, response := range list(at(r.Properties, "Integration", "IntegrationResponses")) {
		changed = change(response.(map[string]any)) || changed
	}
	if !changed {
		m.t.Fatalf("%s has no such response", r.ID)
	}
	return r.ID
}

// status maps the responses of a pattern to another status.
func status(pattern, status string) func(map[string]any) bool {
	return func(response map[string]any) bool {
		if got, _ := response["SelectionPattern"].(string); got != pattern {
			return false
		}
		response["StatusCode"] = status
		return true
	}
}

// into changes a value inside of a resource.
func (m mutable) into(typ, prefix string, value any, path ...string) string {
	m.t.Helper()
	r := m.one(typ, prefix)
	inner, ok := at(r.Properties, path[:len(path)-1]...).(map[string]any)
	if !ok {
		m.t.Fatalf("%s has no %v", r.ID, path)
	}
	inner[path[len(path)-1]] = value
	return r.ID
}

// setting changes what a stage says for all its methods.
func (m mutable) setting(name string, value any) string {
	m.t.Helper()
	r := m.one("AWS::ApiGateway::Stage", "")
	list(r.Properties["MethodSettings"])[0].(map[string]any)[name] = value
	return r.ID
}

const (
	submit = "ApiordersPOST"
	// In front of functions.
	webhooks = "ApiwebhooksPOST"
)

var mutants = []mutant{
	{"a queue without encryption", "encrypted at rest", func(m mutable) string { return m.unset("AWS::SQS::Queue", "ApiQueue", "SqsManagedSseEnabled") }},
	{"a topic without a key", "encrypted at rest", func(m mutable) string { return m.unset("AWS::SNS::Topic", "StatusTopic", "KmsMasterKeyId") }},
	{"a key that stays", "encrypted at rest", func(m mutable) string { return m.set("AWS::KMS::Key", "", "EnableKeyRotation", false) }},
	{"a cache in plain text", "encrypted at rest", func(m mutable) string { return m.setting("CachingEnabled", true) }},
	{"a bucket that could be public", "encrypted at rest", func(m mutable) string { return m.add("Bucket", "AWS::S3::Bucket", nil) }},
	{"a cache of GraphQL", "encrypted at rest", func(m mutable) string {
		return m.add("Cache", "AWS::AppSync::ApiCache", map[string]any{"AtRestEncryptionEnabled": true})
	}},

	{"a queue without a policy", "queues and topics want TLS", func(m mutable) string {
		queue := m.one("AWS::SQS::Queue", "ApiDeadLetterQueue").ID
		maps.DeleteFunc(m.template["Resources"].(map[string]any), func(id string, r any) bool {
			return at(r, "Type") == "AWS::SQS::QueuePolicy" && strings.HasPrefix(id, "ApiDeadLetterQueue")
		})
		return queue
	}},
	{"a topic whose policy denies something else", "queues and topics want TLS", func(m mutable) string {
		for _, s := range statements(m.one("AWS::SNS::TopicPolicy", "StatusTopic").Properties["PolicyDocument"]) {
			s["Condition"] = map[string]any{"Bool": map[string]any{"aws:ViaAWSService": "false"}}
		}
		return m.one("AWS::SNS::Topic", "StatusTopic").ID
	}},
	{"a payment provider without TLS", "addresses are HTTPS", func(m mutable) string {
		return m.into("AWS::Lambda::Function", "Charge", "http://payments.example.com/v1", "Environment", "Variables", "PAYMENT_ENDPOINT")
	}},
	{"a subscriber without TLS", "addresses are HTTPS", func(m mutable) string {
		return m.add("Erp", "AWS::SNS::Subscription", map[string]any{"Protocol": "http"})
	}},

	{"a log for ever", "logs end", func(m mutable) string { return m.unset("AWS::Logs::LogGroup", "ApiExecutionLog", "RetentionInDays") }},
	{"a function with Lambda's log group", "logs end", func(m mutable) string { return m.unset("AWS::Lambda::Function", "Ship", "LoggingConfig") }},
	{"no access log", "requests are logged", func(m mutable) string { return m.unset("AWS::ApiGateway::Stage", "", "AccessLogSetting") }},
	{"bodies in a log", "requests are logged", func(m mutable) string { return m.setting("DataTraceEnabled", true) }},
	{"errors of the gateway that nobody sees", "requests are logged", func(m mutable) string { return m.setting("LoggingLevel", "OFF") }},
	{"GraphQL that logs nothing", "requests are logged", func(m mutable) string { return m.unset("AWS::AppSync::GraphQLApi", "", "LogConfig") }},
	{"tokens in a log", "requests are logged", func(m mutable) string {
		return m.into("AWS::AppSync::GraphQLApi", "", false, "LogConfig", "ExcludeVerboseContent")
	}},
	{"a state machine that logs nothing", "requests are logged", func(m mutable) string {
		return m.into("AWS::StepFunctions::StateMachine", "", "OFF", "LoggingConfiguration", "Level")
	}},
	{"a function", "everything is traced", func(m mutable) string { return m.unset("AWS::Lambda::Function", "Reserve", "TracingConfig") }},
	{"the state machine", "everything is traced", func(m mutable) string { return m.unset("AWS::StepFunctions::StateMachine", "", "TracingConfiguration") }},
	{"the stage", "everything is traced", func(m mutable) string { return m.set("AWS::ApiGateway::Stage", "", "TracingEnabled", false) }},
	{"GraphQL", "everything is traced", func(m mutable) string { return m.set("AWS::AppSync::GraphQLApi", "", "XrayEnabled", false) }},

	{"a message that comes again too soon", "queues are consumed safely", func(m mutable) string {
		return m.set("AWS::SQS::Queue", "ApiQueue", "VisibilityTimeout", json.Number("30"))
	}},
	{"a function that became slower", "queues are consumed safely", func(m mutable) string {
		m.set("AWS::Lambda::Function", "Intake", "Timeout", json.Number("900"))
		return m.one("AWS::SQS::Queue", "ApiQueue").ID
	}},
	{"no dead-letter queue", "queues are consumed safely", func(m mutable) string { return m.unset("AWS::SQS::Queue", "ApiQueue", "RedrivePolicy") }},
	{"a batch that fails as a whole", "queues are consumed safely", func(m mutable) string {
		return m.unset("AWS::Lambda::EventSourceMapping", "Intake", "FunctionResponseTypes")
	}},
	{"a consumer from elsewhere", "queues are consumed safely", func(m mutable) string {
		return m.set("AWS::Lambda::EventSourceMapping", "Intake", "FunctionName", "other")
	}},
	{"a table with a name", "no physical names", func(m mutable) string { return m.set("AWS::DynamoDB::Table", "Inventory", "TableName", "inventory") }},
	{"an alarm without an action", "alarms tell somebody", func(m mutable) string { return m.unset("AWS::CloudWatch::Alarm", "AlarmsDeadLetters", "AlarmActions") }},
	{"an alarm that is switched off", "alarms tell somebody", func(m mutable) string {
		return m.set("AWS::CloudWatch::Alarm", "AlarmsDeadLetters", "ActionsEnabled", false)
	}},
	{"an alarm that tells nothing", "alarms tell somebody", func(m mutable) string {
		return m.unset("AWS::CloudWatch::Alarm", "AlarmsDeadLetters", "AlarmDescription")
	}},

	{"all tables", "roles may do no more than they must", func(m mutable) string {
		return m.allow(map[string]any{"Action": "dynamodb:GetItem", "Resource": "*"})
	}},
	{"all tables of an account, put together", "roles may do no more than they must", func(m mutable) string {
		return m.allow(map[string]any{"Action": "dynamodb:GetItem", "Resource": map[string]any{"Fn::Join": []any{":", []any{"arn:aws:dynamodb", map[string]any{"Ref": "AWS::Region"}, "table/*"}}}})
	}},
	{"all tables of an account, substituted", "roles may do no more than they must", func(m mutable) string {
		return m.allow(map[string]any{"Action": "dynamodb:GetItem", "Resource": map[string]any{"Fn::Sub": "arn:aws:dynamodb:${AWS::Region}:table/*"}})
	}},
	{"all actions", "roles may do no more than they must", func(m mutable) string {
		return m.allow(map[string]any{"Action": []any{"dynamodb:*"}, "Resource": map[string]any{"Fn::GetAtt": []any{"InventoryCFCBEC24", "Arn"}}})
	}},
	{"everything but one", "roles may do no more than they must", func(m mutable) string {
		return m.allow(map[string]any{"NotAction": "iam:*", "Resource": "arn"})
	}},
	{"a managed policy", "roles may do no more than they must", func(m mutable) string {
		return m.set("AWS::IAM::Role", "IntakeRole", "ManagedPolicyArns", []any{"arn:aws:iam::aws:policy/AdministratorAccess"})
	}},
	{"a role for another account", "roles are for services", func(m mutable) string {
		return m.set("AWS::IAM::Role", "IntakeRole", "AssumeRolePolicyDocument", map[string]any{"Statement": []any{
			map[string]any{"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": map[string]any{"AWS": "arn:aws:iam::123456789012:root"}},
		}})
	}},
	{"a role for everybody", "roles are for services", func(m mutable) string {
		return m.set("AWS::IAM::Role", "IntakeRole", "AssumeRolePolicyDocument", map[string]any{"Statement": []any{
			map[string]any{"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": "*"},
		}})
	}},
	{"another function's role", "functions have their own roles", func(m mutable) string {
		return m.set("AWS::Lambda::Function", "Refund", "Role", m.one("AWS::Lambda::Function", "Charge").Properties["Role"])
	}},
	{"a service without a condition", "resource policies have conditions", func(m mutable) string {
		for _, s := range statements(m.one("AWS::SNS::TopicPolicy", "AlarmsTopic").Properties["PolicyDocument"]) {
			if s["Effect"] == "Allow" {
				delete(s, "Condition")
			}
		}
		return m.one("AWS::SNS::TopicPolicy", "AlarmsTopic").ID
	}},
	{"a queue for everybody", "resource policies have conditions", func(m mutable) string {
		return m.set("AWS::SQS::QueuePolicy", "ApiQueue", "PolicyDocument", map[string]any{"Statement": []any{
			map[string]any{"Effect": "Allow", "Action": "sqs:SendMessage", "Principal": map[string]any{"AWS": "*"}},
		}})
	}},
	{"an API for everybody", "resource policies have conditions", func(m mutable) string {
		return m.set("AWS::ApiGateway::RestApi", "", "Policy", map[string]any{"Statement": []any{
			map[string]any{"Effect": "Allow", "Action": "execute-api:Invoke", "Principal": "*"},
		}})
	}},

	{"a method without an authorizer", "methods know their callers", func(m mutable) string { return m.set("AWS::ApiGateway::Method", submit, "AuthorizationType", "NONE") }},
	{"a function's URL", "nothing is public", func(m mutable) string {
		return m.add("Url", "AWS::Lambda::Url", map[string]any{"AuthType": "NONE"})
	}},
	{"a function for everybody", "nothing is public", func(m mutable) string {
		return m.add("Anybody", "AWS::Lambda::Permission", map[string]any{"Principal": "*", "SourceArn": "arn"})
	}},
	{"a service on behalf of anybody", "nothing is public", func(m mutable) string {
		return m.add("Deputy", "AWS::Lambda::Permission", map[string]any{"Principal": "sns.amazonaws.com"})
	}},
	{"a key for GraphQL", "nothing is public", func(m mutable) string { return m.set("AWS::AppSync::GraphQLApi", "", "AuthenticationType", "API_KEY") }},
	{"a key", "nothing is public", func(m mutable) string { return m.add("Key", "AWS::AppSync::ApiKey", nil) }},

	{"5xx accepted", "no error looks like success", func(m mutable) string { return m.answers(submit, status(`5\d{2}`, "202")) }},
	{"a default that is accepted", "no error looks like success", func(m mutable) string { return m.answers(submit, status("", "202")) }},
	{"a pattern that fits errors too", "no error looks like success", func(m mutable) string {
		return m.answers(submit, func(response map[string]any) bool {
			fits := response["StatusCode"] == "202"
			if fits {
				response["SelectionPattern"] = `[2-5]\d{2}`
			}
			return fits
		})
	}},
	{"no default", "no error looks like success", func(m mutable) string {
		r := m.one("AWS::ApiGateway::Method", submit)
		integration := r.Properties["Integration"].(map[string]any)
		var rest []any
		for _, response := range list(integration["IntegrationResponses"]) {
			if at(response, "SelectionPattern") != nil {
				rest = append(rest, response)
			}
		}
		integration["IntegrationResponses"] = rest
		return r.ID
	}},
	{"bodies that are not looked at", "no error looks like success", func(m mutable) string {
		return m.into("AWS::ApiGateway::Method", submit, "WHEN_NO_MATCH", "Integration", "PassthroughBehavior")
	}},
	{"an error that is 200", "no failed function looks like success", func(m mutable) string { return m.answers(webhooks, status(`(\n|.)+`, "200")) }},
	{"only errors of one line", "no failed function looks like success", func(m mutable) string {
		return m.answers(webhooks, func(response map[string]any) bool {
			_, given := response["SelectionPattern"]
			if given {
				response["SelectionPattern"] = ".+"
			}
			return given
		})
	}},
	{"a result without a look at the error", "no resolver hides errors", func(m mutable) string {
		return m.set("AWS::AppSync::Resolver", "StatusGraphQLOrderResolver", "Code",
			"export function request(ctx) { return {}; }\nexport function response(ctx) { return ctx.result; }")
	}},
	{"a result before the error", "no resolver hides errors", func(m mutable) string {
		return m.set("AWS::AppSync::Resolver", "StatusGraphQLOrderResolver", "Code",
			"export function response(ctx) { if (ctx.result) return ctx.result; if (ctx.error) util.error('no'); }")
	}},
	{"5xx of the gateway that is 200", "the gateway answers with problems", func(m mutable) string {
		return m.set("AWS::ApiGateway::GatewayResponse", "ApiDefault5xx", "StatusCode", "200")
	}},
	{"a page instead of a problem", "the gateway answers with problems", func(m mutable) string {
		return m.set("AWS::ApiGateway::GatewayResponse", "ApiDefault5xx", "ResponseParameters", nil)
	}},
}
