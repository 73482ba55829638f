package asyncapi_test

import (
	"testing"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awscognito"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/jsii-runtime-go"

	"github.com/orderflow-cdk/orderflow/constructs/asyncapi"
	"github.com/orderflow-cdk/orderflow/constructs/internal/cdktest"
)

func TestAuthorizers(t *testing.T) {
	pool := func(stack awscdk.Stack) awscognito.IUserPool {
		return awscognito.NewUserPool(stack, jsii.String("Pool"), nil)
	}
	for _, c := range []struct {
		name       string
		authorizer func(awscdk.Stack) asyncapi.Authorizer
		typ        string
		key        bool
		tenant     string
		logged     string
		unknown    string
	}{
		{"IAM, account", func(awscdk.Stack) asyncapi.Authorizer { return asyncapi.IAM(asyncapi.TenantAccount) },
			"AWS_IAM", false, "$context.identity.accountId", "$context.identity.accountId", "403"},
		{"IAM, principal", func(awscdk.Stack) asyncapi.Authorizer { return asyncapi.IAM(asyncapi.TenantPrincipal) },
			"AWS_IAM", false, "$context.identity.caller", "$context.identity.caller", "403"},
		{"user pool, sub", func(s awscdk.Stack) asyncapi.Authorizer { return asyncapi.CognitoUserPool(pool(s), "") },
			"COGNITO_USER_POOLS", false, "$context.authorizer.claims.sub", "$context.authorizer.claims.sub", "404"},
		{"user pool, custom claim", func(s awscdk.Stack) asyncapi.Authorizer { return asyncapi.CognitoUserPool(pool(s), "custom:tenant") },
			"COGNITO_USER_POOLS", false, "$context.authorizer.claims['custom:tenant']", "$context.authorizer.claims['custom:tenant']", "404"},
		{"Lambda, principal", func(s awscdk.Stack) asyncapi.Authorizer { return asyncapi.LambdaAuthorizer(function(s, "Auth", 0), "") },
			"CUSTOM", false, "$context.authorizer.principalId", "$context.authorizer.principalId", "404"},
		{"Lambda, context", func(s awscdk.Stack) asyncapi.Authorizer {
			return asyncapi.LambdaAuthorizer(function(s, "Auth", 0), "tenant")
		},
			"CUSTOM", false, "$context.authorizer.tenant", "$context.authorizer.tenant", "404"},
		{"API key", func(awscdk.Stack) asyncapi.Authorizer { return asyncapi.APIKey(asyncapi.Plan{}) },
			"NONE", true, "$context.identity.apiKeyId", "$context.identity.apiKeyId", "404"},
		{"nobody", func(awscdk.Stack) asyncapi.Authorizer { return asyncapi.Unauthenticated("dev") },
			"NONE", false, `"dev"`, "dev", "404"},
	} {
		t.Run(c.name, func(t *testing.T) {
			stack := cdktest.Stack()
			asyncapi.New(stack, "Orders", asyncapi.Props{Authorizer: c.authorizer(stack)})
			template := cdktest.Synth(t, stack)
			post := submit(t, template)
			equal(t, "type", post.Get("AuthorizationType"), any(c.typ))
			equal(t, "API key required", post.Get("ApiKeyRequired") == true, c.key)
			equal(t, "has an authorizer", post.Get("AuthorizerId") != nil, c.typ == "COGNITO_USER_POOLS" || c.typ == "CUSTOM")
			contains(t, "request", request(t, template), "#set($told = "+c.tenant+")")
			contains(t, "access log", template.One(t, "AWS::ApiGateway::Stage", "Orders").Text("AccessLogSetting", "Format"), `"tenant":"`+c.logged+`"`)
			for _, r := range template.All("AWS::ApiGateway::GatewayResponse", "Orders") {
				if r.Get("ResponseType") == "MISSING_AUTHENTICATION_TOKEN" {
					equal(t, "unknown route", r.Get("StatusCode"), any(c.unknown))
				}
			}
			equal(t, "warned", len(cdktest.Warnings(stack)) > 0, c.name == "nobody")
		})
	}
}

func TestScopes(t *testing.T) {
	stack := cdktest.Stack()
	asyncapi.New(stack, "Orders", asyncapi.Props{
		Authorizer: asyncapi.CognitoUserPool(awscognito.NewUserPool(stack, jsii.String("Pool"), nil), "sub", "orders/write"),
	})
	equal(t, "scopes", submit(t, cdktest.Synth(t, stack)).Get("AuthorizationScopes"), any([]any{"orders/write"}))
}

func TestAPIKeys(t *testing.T) {
	stack := cdktest.Stack()
	api := asyncapi.New(stack, "Orders", asyncapi.Props{
		Authorizer: asyncapi.APIKey(asyncapi.Plan{Throttle: asyncapi.Throttle{Rate: 10, Burst: 20}, PerDay: 5000}),
	})
	api.AddKey("Acme")
	template := cdktest.Synth(t, stack)
	plan := template.One(t, "AWS::ApiGateway::UsagePlan", "Orders")
	equal(t, "throttle", plan.Get("Throttle"), any(map[string]any{"RateLimit": 10.0, "BurstLimit": 20.0}))
	equal(t, "quota", plan.Get("Quota"), any(map[string]any{"Limit": 5000.0, "Period": "DAY"}))
	equal(t, "stage", plan.Text("ApiStages", 0, "Stage"), "{"+template.One(t, "AWS::ApiGateway::Stage", "Orders").ID+"}")
	key := template.One(t, "AWS::ApiGateway::ApiKey", "OrdersAcme")
	link := template.One(t, "AWS::ApiGateway::UsagePlanKey", "Orders")
	equal(t, "key", []string{link.Text("KeyId"), link.Text("UsagePlanId")}, []string{"{" + key.ID + "}", "{" + plan.ID + "}"})

	other := asyncapi.New(stack, "Other", asyncapi.Props{Authorizer: open})
	panics(t, "asyncapi: Stack/Other: keys need the authorizer APIKey", func() { other.AddKey("Acme") })
}

func TestGrantInvoke(t *testing.T) {
	stack := cdktest.Stack()
	api := asyncapi.New(stack, "Orders", asyncapi.Props{Authorizer: asyncapi.IAM(asyncapi.TenantAccount)})
	role := awsiam.NewRole(stack, jsii.String("Client"), &awsiam.RoleProps{AssumedBy: awsiam.NewAccountRootPrincipal()})
	api.GrantInvoke(role)
	template := cdktest.Synth(t, stack)
	arn := "arn:{AWS::Partition}:execute-api:{AWS::Region}:{AWS::AccountId}:{" + template.One(t, "AWS::ApiGateway::RestApi", "Orders").ID + "}/live/*/orders"
	equal(t, "statements", statements(template.One(t, "AWS::IAM::Policy", "Client")), []string{
		"Allow execute-api:Invoke on " + arn + "," + arn + "/*",
	})
}
