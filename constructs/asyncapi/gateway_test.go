package asyncapi_test

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsapigateway"
	"github.com/aws/aws-cdk-go/awscdk/v2/awscognito"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslogs"
	"github.com/aws/jsii-runtime-go"

	"github.com/orderflow-cdk/orderflow/constructs/asyncapi"
	"github.com/orderflow-cdk/orderflow/constructs/internal/cdktest"
)

func TestStage(t *testing.T) {
	stage := synth(t, asyncapi.Props{}).One(t, "AWS::ApiGateway::Stage", "Orders")
	equal(t, "name", stage.Get("StageName"), any("live"))
	equal(t, "tracing", stage.Get("TracingEnabled"), any(true))
	equal(t, "settings", stage.Get("MethodSettings"), any([]any{map[string]any{
		"HttpMethod": "*", "ResourcePath": "/*", "MetricsEnabled": true,
		// Bodies and headers in an execution log would be the customers'.
		"DataTraceEnabled": false, "LoggingLevel": "ERROR",
		"ThrottlingRateLimit": 500.0, "ThrottlingBurstLimit": 1000.0,
	}}))
}

func TestStageOptions(t *testing.T) {
	template := synth(t, asyncapi.Props{
		Path: "returns", Stage: "v1", NoTracing: true, Throttle: asyncapi.Throttle{Rate: 10, Burst: 20},
		LogRetention: awslogs.RetentionDays_ONE_WEEK, EndpointType: awsapigateway.EndpointType_EDGE,
	})
	stage := template.One(t, "AWS::ApiGateway::Stage", "Orders")
	equal(t, "name", stage.Get("StageName"), any("v1"))
	equal(t, "tracing", stage.Get("TracingEnabled"), any(false))
	equal(t, "rate", stage.Get("MethodSettings", 0, "ThrottlingRateLimit"), any(10.0))
	equal(t, "burst", stage.Get("MethodSettings", 0, "ThrottlingBurstLimit"), any(20.0))
	equal(t, "log retention", template.One(t, "AWS::Logs::LogGroup", "OrdersAccessLog").Get("RetentionInDays"), any(7.0))
	equal(t, "endpoint", template.One(t, "AWS::ApiGateway::RestApi", "Orders").Text("EndpointConfiguration", "Types"), `["EDGE"]`)
	equal(t, "path", template.One(t, "AWS::ApiGateway::Resource", "Orders").Get("PathPart"), any("returns"))
}

func TestAccessLogIsJSON(t *testing.T) {
	template := synth(t, asyncapi.Props{})
	setting := template.One(t, "AWS::ApiGateway::Stage", "Orders").Get("AccessLogSetting")
	equal(t, "destination", cdktest.Text(cdktest.Get(setting, "DestinationArn")), "{"+template.One(t, "AWS::Logs::LogGroup", "OrdersAccessLog").ID+".Arn}")
	var line map[string]string
	if err := json.Unmarshal([]byte(cdktest.Text(cdktest.Get(setting, "Format"))), &line); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"requestId":          "$context.requestId",
		"tenant":             "dev",
		"status":             "$context.status",
		"integrationLatency": "$context.integration.latency",
		"integrationError":   "$context.integration.error",
	} {
		equal(t, name, line[name], want)
	}
	for name, value := range line {
		// What clients choose freely could forge members: nothing is escaped.
		if regexp.MustCompile(`userAgent|\.path|querystring|header`).MatchString(value) {
			t.Errorf("%s logs %s, which the client chooses", name, value)
		}
	}
}

// The group is there before the stage, or API Gateway makes it, and keeps it for ever.
func TestExecutionLogIsOurs(t *testing.T) {
	template := synth(t, asyncapi.Props{Stage: "v1", LogRetention: awslogs.RetentionDays_ONE_WEEK, RemovalPolicy: awscdk.RemovalPolicy_DESTROY})
	group := template.One(t, "AWS::Logs::LogGroup", "OrdersExecutionLog")
	equal(t, "name", cdktest.Text(group.Get("LogGroupName")), "API-Gateway-Execution-Logs_{"+template.One(t, "AWS::ApiGateway::RestApi", "Orders").ID+"}/v1")
	equal(t, "retention", group.Get("RetentionInDays"), any(7.0))
	equal(t, "policy", group.DeletionPolicy, "Delete")
	stage := template.One(t, "AWS::ApiGateway::Stage", "Orders")
	if !slices.Contains(stage.DependsOn, group.ID) {
		t.Errorf("the stage depends on %v, not on its log group", stage.DependsOn)
	}
}

func TestAccountRoleIsOptIn(t *testing.T) {
	equal(t, "by default", len(synth(t, asyncapi.Props{}).All("AWS::ApiGateway::Account", "")), 0)
	template := synth(t, asyncapi.Props{AccountRole: true})
	equal(t, "opted in", template.One(t, "AWS::ApiGateway::Account", "Orders").DeletionPolicy, "Retain")
	template = synth(t, asyncapi.Props{AccountRole: true, AccountRoleRemovalPolicy: awscdk.RemovalPolicy_DESTROY})
	for _, kind := range []string{"AWS::ApiGateway::Account", "AWS::IAM::Role"} {
		for _, r := range template.All(kind, "") {
			equal(t, kind+" in an account of the stack's own", r.DeletionPolicy == "Retain", false)
		}
	}
}

func TestNothingHasAPhysicalName(t *testing.T) {
	names := []string{"QueueName", "LogGroupName", "RoleName", "FunctionName", "BucketName", "KeyName", "ModelName"}
	template := synth(t, asyncapi.Props{WebACL: &asyncapi.WebACL{}})
	// API Gateway says what the group of its execution log is called, by the API's id.
	executionLog := template.One(t, "AWS::Logs::LogGroup", "OrdersExecutionLog").ID
	for id, r := range template.Resources {
		for _, name := range names {
			if r.Get(name) != nil && id != executionLog {
				t.Errorf("%s has the %s %v", id, name, r.Get(name))
			}
		}
		if r.Type != "AWS::ApiGateway::RestApi" && r.Get("Name") != nil {
			t.Errorf("%s has the Name %v", id, r.Get("Name"))
		}
	}
}

// outcome is the integration response that API Gateway takes for an upstream
// status.
func outcome(t *testing.T, method cdktest.Resource, upstream string) map[string]any {
	t.Helper()
	var byDefault map[string]any
	responses, _ := method.Get("Integration", "IntegrationResponses").([]any)
	for _, r := range responses {
		r := r.(map[string]any)
		pattern, ok := r["SelectionPattern"].(string)
		if !ok {
			byDefault = r
			continue
		}
		if regexp.MustCompile("^(?:" + pattern + ")$").MatchString(upstream) {
			return r
		}
	}
	return byDefault
}

// fits counts the patterns that an upstream status fits: AWS does not say which
// of several it takes.
func fits(method cdktest.Resource, upstream string) int {
	n := 0
	responses, _ := method.Get("Integration", "IntegrationResponses").([]any)
	for _, r := range responses {
		if pattern, ok := r.(map[string]any)["SelectionPattern"].(string); ok && regexp.MustCompile("^(?:"+pattern+")$").MatchString(upstream) {
			n++
		}
	}
	return n
}

func TestEveryAnswerOfSQSIsMapped(t *testing.T) {
	post := submit(t, synth(t, asyncapi.Props{RetryAfter: 3 * time.Second}))
	for _, c := range []struct{ upstream, status, contentType, retryAfter string }{
		{"200", "202", "'application/json'", "'3'"},
		{"400", "400", "'application/problem+json'", ""},
		{"403", "400", "'application/problem+json'", ""},
		{"409", "400", "'application/problem+json'", ""},
		{"412", "400", "'application/problem+json'", ""},
		{"413", "413", "'application/problem+json'", ""},
		{"414", "400", "'application/problem+json'", ""},
		{"429", "400", "'application/problem+json'", ""},
		{"499", "400", "'application/problem+json'", ""},
		{"500", "503", "'application/problem+json'", "'3'"},
		{"503", "503", "'application/problem+json'", "'3'"},
		{"302", "500", "'application/problem+json'", ""},
		{"100", "500", "'application/problem+json'", ""},
	} {
		r := outcome(t, post, c.upstream)
		equal(t, c.upstream+" patterns that fit", fits(post, c.upstream) <= 1, true)
		equal(t, c.upstream+" status", r["StatusCode"], any(c.status))
		equal(t, c.upstream+" content type", cdktest.Get(r, "ResponseParameters", "method.response.header.Content-Type"), any(c.contentType))
		equal(t, c.upstream+" retry after", cdktest.Text(cdktest.Get(r, "ResponseParameters", "method.response.header.Retry-After")), c.retryAfter)
	}
	equal(t, "request headers", post.Get("Integration", "RequestParameters"), any(map[string]any{
		"integration.request.header.Content-Type": "'application/x-www-form-urlencoded'",
		"integration.request.header.Accept":       "'application/json'",
	}))
	equal(t, "passthrough", post.Get("Integration", "PassthroughBehavior"), any("NEVER"))
	equal(t, "content types", len(post.Get("Integration", "RequestTemplates").(map[string]any)), 1)
	// An override for a 4xx says when to come back where that helps.
	// What SQS does not even read it answers with plain text.
	if text := cdktest.Text(outcome(t, post, "413")); strings.Contains(text, "$input") || !strings.Contains(text, `\"too-large\"`) {
		t.Errorf("the answer to 413 is %s", text)
	}
	contains(t, "refusal", cdktest.Text(outcome(t, post, "400")), `$context.responseOverride.header.Retry-After = \"3\"`)
}

// API Gateway refuses an integration response whose status or headers the
// method does not declare.
func TestResponsesAreDeclared(t *testing.T) {
	for _, props := range []asyncapi.Props{{}, {CORS: &asyncapi.CORS{AllowOrigin: "*"}}} {
		post := submit(t, synth(t, props))
		declared := map[string]map[string]any{}
		for _, r := range post.Get("MethodResponses").([]any) {
			declared[cdktest.Text(cdktest.Get(r, "StatusCode"))] = cdktest.Get(r, "ResponseParameters").(map[string]any)
		}
		for _, r := range post.Get("Integration", "IntegrationResponses").([]any) {
			status := cdktest.Text(cdktest.Get(r, "StatusCode"))
			for name := range cdktest.Get(r, "ResponseParameters").(map[string]any) {
				if _, ok := declared[status][name]; !ok {
					t.Errorf("status %s: %s is not declared", status, name)
				}
			}
		}
	}
}

// The body is the only thing in the form that a client writes freely, and it
// goes in encoded; the rest is encoded or of the URL-safe alphabet.
func TestFormIsSafe(t *testing.T) {
	text := request(t, synth(t, asyncapi.Props{}))
	_, form, _ := strings.Cut(text, "Action=SendMessage")
	safe := []string{"$tag", "$orderId", "$context.requestTimeEpoch"}
	for _, field := range strings.Split(form, "&")[1:] {
		_, value, ok := strings.Cut(strings.TrimSuffix(field, "#end"), "=")
		if !ok {
			t.Errorf("%q is no field", field)
		}
		if strings.Contains(value, "$") && !strings.HasPrefix(value, "$util.urlEncode(") && !slices.Contains(safe, value) &&
			!strings.HasPrefix(value, "2012-11-05#if(") {
			t.Errorf("the field %q goes in unencoded", field)
		}
	}
	contains(t, "form", form, "&MessageBody=$util.urlEncode($input.body)&")
	if strings.ContainsAny(form, " \t") && !strings.Contains(form, `#if($refusal == "")`) {
		t.Errorf("the form has white space: %q", form)
	}
	for i, name := range []string{"tenant", "orderId", "pk", "acceptedAt"} {
		contains(t, "form", form, "&MessageAttribute."+string(rune('1'+i))+".Name="+name+"&")
	}
	// Without a MessageBody, SQS takes nothing.
	contains(t, "form", form, `&Version=2012-11-05#if($refusal == "")&MessageBody=`)
}

func TestGatewayResponsesAreProblems(t *testing.T) {
	template := synth(t, asyncapi.Props{RetryAfter: 2 * time.Second})
	want := map[string]string{
		"ACCESS_DENIED": "403", "API_CONFIGURATION_ERROR": "500", "AUTHORIZER_CONFIGURATION_ERROR": "500",
		"AUTHORIZER_FAILURE": "503", "BAD_REQUEST_BODY": "400", "BAD_REQUEST_PARAMETERS": "400", "DEFAULT_4XX": "", "DEFAULT_5XX": "",
		"EXPIRED_TOKEN": "403", "INTEGRATION_FAILURE": "503", "INTEGRATION_TIMEOUT": "504", "INVALID_API_KEY": "403",
		"INVALID_SIGNATURE": "404", "MISSING_AUTHENTICATION_TOKEN": "404", "QUOTA_EXCEEDED": "429", "REQUEST_TOO_LARGE": "413",
		"RESOURCE_NOT_FOUND": "404", "THROTTLED": "429", "UNAUTHORIZED": "401", "UNSUPPORTED_MEDIA_TYPE": "415", "WAF_FILTERED": "403",
	}
	// Variables that hold quoted text, and plain ones whose text has no quotes.
	values := strings.NewReplacer("$context.error.messageString", `"m"`, "$context.error.validationErrorString", "v",
		"$context.extendedRequestId", "Ab+/=")
	got := map[string]string{}
	for _, r := range template.All("AWS::ApiGateway::GatewayResponse", "Orders") {
		kind, status := r.Text("ResponseType"), r.Text("StatusCode")
		got[kind] = status
		parameters := r.Get("ResponseParameters").(map[string]any)
		equal(t, kind+" content type", parameters["gatewayresponse.header.Content-Type"], any("'application/problem+json'"))
		equal(t, kind+" retry after", parameters["gatewayresponse.header.Retry-After"] == "'2'",
			status == "429" || status == "503" || status == "504")
		equal(t, kind+" challenge", parameters["gatewayresponse.header.WWW-Authenticate"] == "'Bearer'", status == "401")
		equal(t, kind+" CORS", parameters["gatewayresponse.header.Access-Control-Allow-Origin"], nil)
		var problem struct {
			Type, Title, Code, Detail, RequestID string
			Status                               json.Number
		}
		if err := json.Unmarshal([]byte(values.Replace(r.Text("ResponseTemplates", "application/json"))), &problem); err != nil {
			t.Errorf("%s: %v", kind, err)
		}
		equal(t, kind+" status member", problem.Status.String(), status)
		if problem.Type != "about:blank" || problem.Title == "" || problem.Code == "" || problem.Detail == "" || problem.RequestID != "Ab+/=" {
			t.Errorf("%s: got %+v", kind, problem)
		}
	}
	equal(t, "statuses", got, want)
}

func TestBadBodyNamesTheField(t *testing.T) {
	for _, r := range synth(t, asyncapi.Props{}).All("AWS::ApiGateway::GatewayResponse", "Orders") {
		if r.Get("ResponseType") == "BAD_REQUEST_BODY" {
			contains(t, "template", r.Text("ResponseTemplates", "application/json"), `"detail":"$context.error.validationErrorString"`)
		}
	}
}

func TestCORS(t *testing.T) {
	verbs := func(template cdktest.Template) (verbs []string) {
		for _, m := range template.All("AWS::ApiGateway::Method", "Orders") {
			verbs = append(verbs, m.Text("HttpMethod"))
		}
		slices.Sort(verbs)
		return verbs
	}
	equal(t, "off by default", verbs(synth(t, asyncapi.Props{})), []string{"POST"})

	template := synth(t, asyncapi.Props{CORS: &asyncapi.CORS{AllowOrigin: "https://shop.example", MaxAge: time.Minute}})
	equal(t, "preflight of root and resource", verbs(template), []string{"OPTIONS", "OPTIONS", "POST"})
	for _, m := range template.All("AWS::ApiGateway::Method", "Orders") {
		if m.Get("HttpMethod") != "OPTIONS" {
			continue
		}
		equal(t, "preflight is open", m.Get("AuthorizationType"), any("NONE"))
		headers := cdktest.Text(m.Get("Integration", "IntegrationResponses", 0, "ResponseParameters"))
		for _, part := range []string{"'https://shop.example'", "Idempotency-Key", "If-None-Match", "'60'"} {
			contains(t, "preflight", headers, part)
		}
	}
	for _, r := range submit(t, template).Get("Integration", "IntegrationResponses").([]any) {
		parameters := cdktest.Get(r, "ResponseParameters").(map[string]any)
		equal(t, "origin", parameters["method.response.header.Access-Control-Allow-Origin"], any("'https://shop.example'"))
		contains(t, "exposed", cdktest.Text(parameters["method.response.header.Access-Control-Expose-Headers"]), "Location")
	}
	for _, r := range template.All("AWS::ApiGateway::GatewayResponse", "Orders") {
		equal(t, r.ID, r.Get("ResponseParameters", "gatewayresponse.header.Access-Control-Allow-Origin"), any("'https://shop.example'"))
	}
}

// A browser sends no credentials with a preflight request.
func TestPreflightNeedsNoCredentials(t *testing.T) {
	for name, authorizer := range map[string]func(awscdk.Stack) asyncapi.Authorizer{
		"API key": func(awscdk.Stack) asyncapi.Authorizer { return asyncapi.APIKey(asyncapi.Plan{}) },
		"IAM":     func(awscdk.Stack) asyncapi.Authorizer { return asyncapi.IAM(asyncapi.TenantAccount) },
		"scopes": func(s awscdk.Stack) asyncapi.Authorizer {
			return asyncapi.CognitoUserPool(awscognito.NewUserPool(s, jsii.String("Pool"), nil), "", "orders/write")
		},
	} {
		stack := cdktest.Stack()
		asyncapi.New(stack, "Orders", asyncapi.Props{Authorizer: authorizer(stack), CORS: &asyncapi.CORS{AllowOrigin: "*"}})
		for _, m := range cdktest.Synth(t, stack).All("AWS::ApiGateway::Method", "Orders") {
			if m.Get("HttpMethod") == "OPTIONS" {
				equal(t, name, []any{m.Get("AuthorizationType"), m.Get("ApiKeyRequired") == true, m.Get("AuthorizationScopes"), m.Get("AuthorizerId")},
					[]any{"NONE", false, nil, nil})
			}
		}
	}
}

func TestWebACL(t *testing.T) {
	equal(t, "off by default", len(synth(t, asyncapi.Props{}).All("AWS::WAFv2::WebACL", "")), 0)

	template := synth(t, asyncapi.Props{WebACL: &asyncapi.WebACL{RatePerIP: 100, Rules: []asyncapi.ManagedRules{asyncapi.CommonRules}}})
	acl := template.One(t, "AWS::WAFv2::WebACL", "Orders")
	equal(t, "default action", acl.Text("DefaultAction"), `{"Allow":{}}`)
	equal(t, "rate", acl.Text("Rules", 0, "Statement"), `{"RateBasedStatement":{"AggregateKeyType":"IP","Limit":100}}`)
	equal(t, "rate's action", acl.Text("Rules", 0, "Action"), `{"Block":{}}`)
	equal(t, "group", acl.Text("Rules", 1, "Statement", "ManagedRuleGroupStatement", "Name"), "AWSManagedRulesCommonRuleSet")
	// The group's limit of 8 KB would block long orders.
	equal(t, "override", acl.Text("Rules", 1, "Statement", "ManagedRuleGroupStatement", "RuleActionOverrides"),
		`[{"ActionToUse":{"Count":{}},"Name":"SizeRestrictions_BODY"}]`)
	association := template.One(t, "AWS::WAFv2::WebACLAssociation", "Orders")
	equal(t, "association", association.Text("WebACLArn"), "{"+acl.ID+".Arn}")
	contains(t, "stage", association.Text("ResourceArn"), "/stages/{"+template.One(t, "AWS::ApiGateway::Stage", "Orders").ID+"}")

	template = synth(t, asyncapi.Props{WebACL: &asyncapi.WebACL{}})
	rules := template.One(t, "AWS::WAFv2::WebACL", "Orders").Get("Rules").([]any)
	var names []string
	for i, r := range rules {
		names = append(names, cdktest.Text(cdktest.Get(r, "Name")))
		equal(t, "priority", cdktest.Get(r, "Priority"), any(float64(i)))
	}
	equal(t, "default rules", names, []string{"RatePerIP", "AWSManagedRulesAmazonIpReputationList",
		"AWSManagedRulesKnownBadInputsRuleSet", "AWSManagedRulesCommonRuleSet"})
}

// No statement of any role has a wildcard for a resource, other than X-Ray's
// and the like, which this construct has no use for.
func TestNoWildcardResources(t *testing.T) {
	for _, policy := range synth(t, asyncapi.Props{WebACL: &asyncapi.WebACL{}}).All("AWS::IAM::Policy", "") {
		for _, s := range statements(policy) {
			if strings.Contains(s, "*") {
				t.Errorf("%s: %s", policy.ID, s)
			}
		}
	}
}
