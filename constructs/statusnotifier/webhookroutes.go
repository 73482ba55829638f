package statusnotifier

import (
	"encoding/json"
	"slices"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsapigateway"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/jsii-runtime-go"

	"github.com/orderflow-cdk/orderflow/constructs/internal/mapping"
)

// webhookSchema is what the gateway requires of a new endpoint, in JSON Schema
// draft 4, the one that it knows. The function decides about the rest, above all
// about the address.
const webhookSchema = `{
	"$schema": "http://json-schema.org/draft-04/schema#",
	"type": "object",
	"required": ["url"],
	"additionalProperties": false,
	"properties": {
		"url": {"type": "string", "pattern": "^https://", "maxLength": 2048},
		"description": {"type": "string", "maxLength": 256},
		"statuses": {
			"type": "array", "maxItems": 20, "uniqueItems": true,
			"items": {"type": "string", "pattern": "^[A-Z][A-Z_]*$", "maxLength": 64}
		}
	}
}`

// anyText matches every error message of a function, whatever lines it has;
// without an error API Gateway takes the response without a pattern.
const anyText = `(\n|.)+`

// makeWebhookRoutes makes the routes below /webhooks. Each invokes the function
// with what its template makes of the request, so that the tenant is the one
// that the other routes see, and so that no answer of it reaches a client
// without being mapped.
func (n *StatusNotifier) makeWebhookRoutes() {
	n.WebhooksRole = awsiam.NewRole(n, jsii.String("WebhooksRole"), &awsiam.RoleProps{
		AssumedBy:   awsiam.NewServicePrincipal(jsii.String("apigateway.amazonaws.com"), nil),
		Description: jsii.String("Lets API Gateway ask the function that manages webhooks."),
	})
	// Not CDK's GrantInvoke, which adds every version and alias (:*).
	awsiam.Grant_AddToPrincipal(&awsiam.GrantOnPrincipalOptions{
		Grantee:      n.WebhooksRole,
		Actions:      jsii.Strings("lambda:InvokeFunction"),
		ResourceArns: &[]*string{n.props.SignedWebhooks.Manage.FunctionArn()},
	})

	n.Webhooks = n.props.API.Api.Root().AddResource(jsii.String("webhooks"), nil)
	n.Webhook = n.Webhooks.AddResource(jsii.String("{webhookId}"), nil)
	create := n.webhookMethod(n.Webhooks, "POST", "Create", `,"body":$input.json('$')`, "201", "400", "409")
	create.RequestModels = &map[string]awsapigateway.IModel{"application/json": n.webhookModel()}
	create.RequestValidator = awsapigateway.NewRequestValidator(n, jsii.String("WebhookValidator"), &awsapigateway.RequestValidatorProps{
		RestApi: n.props.API.Api, ValidateRequestBody: jsii.Bool(true),
	})
	create.add()
	n.webhookMethod(n.Webhooks, "GET", "List", "").add()
	const id = `,"id":"$webhookId"`
	n.webhookMethod(n.Webhook, "GET", "Get", id, "404").add()
	n.webhookMethod(n.Webhook, "DELETE", "Delete", id, "204", "404").add()
	for _, operation := range []struct {
		path, name string
		statuses   []string
	}{
		{"rotate", "Rotate", []string{"404"}},
		{"enable", "Enable", []string{"404"}},
		{"test", "Test", []string{"202", "404", "409"}},
	} {
		n.webhookMethod(n.Webhook.AddResource(&operation.path, nil), "POST", operation.name, id, operation.statuses...).add()
	}
}

// webhookMethod is a method that is about to be added.
type webhookMethod struct {
	awsapigateway.MethodOptions
	add func()
}

// webhookMethod is a method that invokes the function for an operation. What
// the event has besides is rest, the end of its JSON. Statuses are what it may be
// answered besides those of all such methods.
func (n *StatusNotifier) webhookMethod(resource awsapigateway.Resource, verb, operation, rest string, statuses ...string) *webhookMethod {
	api := n.props.API
	caller := []string{api.CallerTemplate()}
	m := &webhookMethod{}
	m.OperationName = jsii.String(operation + "Webhook")
	if operation == "List" {
		m.OperationName = jsii.String("ListWebhooks")
	}
	// 200 is also what the integration's response is of before the template says another.
	statuses = append(statuses, "200", "403", "429", "500", "503")
	slices.Sort(statuses)
	m.MethodResponses = api.MethodResponses(statuses...)
	if resource != n.Webhooks {
		m.RequestParameters = &map[string]*bool{"method.request.path.webhookId": jsii.Bool(true)}
		caller = append(caller, n.file("webhookid.vtl"))
	}
	request := mapping.Join(append(caller, n.file("webhook.vtl", "operation", operation, "rest", rest))...)
	failed := mapping.Join(n.file("webhookfailed.vtl"), mapping.Shared(mapping.Problem))
	answer := mapping.Join(api.CallerTemplate(), n.file("webhookanswer.vtl"), "#if($problem)", failed, "#end")
	integration := awsapigateway.NewAwsIntegration(&awsapigateway.AwsIntegrationProps{
		Service: jsii.String("lambda"),
		Path: awscdk.Fn_Join(jsii.String(""), &[]*string{
			jsii.String("2015-03-31/functions/"), n.props.SignedWebhooks.Manage.FunctionArn(), jsii.String("/invocations"),
		}),
		IntegrationHttpMethod: jsii.String("POST"),
		Options: &awsapigateway.IntegrationOptions{
			CredentialsRole:     n.WebhooksRole,
			PassthroughBehavior: awsapigateway.PassthroughBehavior_NEVER,
			RequestTemplates:    &map[string]*string{"application/json": &request},
			IntegrationResponses: &[]*awsapigateway.IntegrationResponse{
				api.Outcome("500", anyText, problemJSON, mapping.Join(api.CallerTemplate(), failed)),
				api.Outcome("200", "", plainJSON, answer),
			},
		},
	})
	m.add = func() { api.AddMethod(resource, verb, integration, &m.MethodOptions) }
	return m
}

// webhookModel makes the request model, as an L1 for the same reason as
// AsyncApi's: the L2 would lose what its struct has no field for.
func (n *StatusNotifier) webhookModel() awsapigateway.IModel {
	var schema map[string]any
	if err := json.Unmarshal([]byte(webhookSchema), &schema); err != nil {
		panic(err) // It is the one above.
	}
	api := n.props.API.Api
	model := awsapigateway.NewCfnModel(n, jsii.String("WebhookModel"), &awsapigateway.CfnModelProps{
		RestApiId:   api.RestApiId(),
		ContentType: jsii.String("application/json"),
		Schema:      schema,
	})
	api.LatestDeployment().AddToLogicalId(schema)
	return awsapigateway.Model_FromModelName(n, jsii.String("WebhookModelName"), model.Ref())
}

// GrantInvokeWebhooks lets an identity call the routes below /webhooks; for
// the authorizer asyncapi.IAM. It panics without SignedWebhooks.
func (n *StatusNotifier) GrantInvokeWebhooks(grantee awsiam.IGrantable) awsiam.Grant {
	n.needs("GrantInvokeWebhooks", "SignedWebhooks", n.Webhooks != nil)
	api, stage := n.props.API.Api, n.props.API.Stage.StageName()
	return awsiam.Grant_AddToPrincipal(&awsiam.GrantOnPrincipalOptions{
		Grantee: grantee,
		Actions: jsii.Strings("execute-api:Invoke"),
		ResourceArns: jsii.Strings(
			*api.ArnForExecuteApi(jsii.String("*"), jsii.String("/webhooks"), stage),
			*api.ArnForExecuteApi(jsii.String("*"), jsii.String("/webhooks/*"), stage),
		),
	})
}
