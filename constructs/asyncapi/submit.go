package asyncapi

import (
	"embed"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsapigateway"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/jsii-runtime-go"

	"github.com/orderflow-cdk/orderflow/constructs/internal/mapping"
	"github.com/orderflow-cdk/orderflow/constructs/record"
)

//go:embed *.vtl
var templates embed.FS

// Header mappings of method and integration responses.
const (
	header        = "method.response.header."
	problemJSON   = "'application/problem+json'"
	plainJSON     = "'application/json'"
	exposeHeaders = "'ETag,Location,Retry-After'"
)

// makeSubmit makes the POST.
func (a *AsyncApi) makeSubmit() {
	a.makeQueueRole()
	integration := awsapigateway.NewAwsIntegration(&awsapigateway.AwsIntegrationProps{
		Service:               jsii.String("sqs"),
		Path:                  awscdk.Fn_Join(jsii.String("/"), &[]*string{awscdk.Aws_ACCOUNT_ID(), a.Queue.QueueName()}),
		IntegrationHttpMethod: jsii.String("POST"),
		Options: &awsapigateway.IntegrationOptions{
			CredentialsRole: a.QueueRole,
			// With NEVER, what is not application/json is answered 415.
			PassthroughBehavior: awsapigateway.PassthroughBehavior_NEVER,
			RequestParameters: &map[string]*string{
				"integration.request.header.Content-Type": jsii.String("'application/x-www-form-urlencoded'"),
				// SQS's query protocol answers XML unless asked otherwise, and
				// the templates read JSON.
				"integration.request.header.Accept": jsii.String("'application/json'"),
			},
			RequestTemplates:     &map[string]*string{"application/json": jsii.String(a.sendTemplate())},
			IntegrationResponses: a.submitOutcomes(),
		},
	})
	options := &awsapigateway.MethodOptions{
		OperationName:   jsii.String("Submit"),
		MethodResponses: a.MethodResponses("202", "400", "403", "413", "500", "503"),
		// Declared for whoever reads the API; the templates check it.
		RequestParameters: &map[string]*bool{"method.request.header.Idempotency-Key": jsii.Bool(false)},
	}
	if !a.props.Model.any {
		options.RequestModels = &map[string]awsapigateway.IModel{"application/json": a.makeModel()}
		options.RequestValidatorOptions = a.requestValidator()
	}
	a.Submit = a.AddMethod(a.Resource, "POST", integration, options)
}

// requestValidator has the gateway check the body and the parameters that a method declares. A
// change of that is nothing to CloudFormation that a deployment would follow from.
func (a *AsyncApi) requestValidator() *awsapigateway.RequestValidatorOptions {
	a.Api.LatestDeployment().AddToLogicalId(map[string]any{"validates": "body and parameters"})
	return &awsapigateway.RequestValidatorOptions{ValidateRequestBody: jsii.Bool(true), ValidateRequestParameters: jsii.Bool(true)}
}

// makeQueueRole makes the role that may send to the queue, and nothing else.
func (a *AsyncApi) makeQueueRole() {
	a.QueueRole = awsiam.NewRole(a, jsii.String("QueueRole"), &awsiam.RoleProps{
		AssumedBy:   awsiam.NewServicePrincipal(jsii.String("apigateway.amazonaws.com"), nil),
		Description: jsii.String("Lets API Gateway send to one queue."),
	})
	a.Queue.Grant(a.QueueRole, jsii.String("sqs:SendMessage"))
	if a.props.Key != nil {
		a.props.Key.Grant(a.QueueRole, jsii.String("kms:GenerateDataKey"), jsii.String("kms:Decrypt"))
	}
}

// makeModel makes the request model. The L2 Model would lose what its struct
// has no field for, so the schema goes into the L1 as it is.
func (a *AsyncApi) makeModel() awsapigateway.IModel {
	schema, err := a.props.Model.parse()
	if err != nil {
		panic(err) // Validate has parsed it before.
	}
	model := awsapigateway.NewCfnModel(a, jsii.String("Model"), &awsapigateway.CfnModelProps{
		RestApiId:   a.Api.RestApiId(),
		ContentType: jsii.String("application/json"),
		Schema:      schema,
	})
	a.Api.LatestDeployment().AddToLogicalId(schema)
	return awsapigateway.Model_FromModelName(a, jsii.String("ModelName"), model.Ref())
}

// CallerTemplate is VTL for your own mapping templates on this API. It sets
// $tenant to the caller's tenant id, $tag to its tag (base64url, the first part
// of every key in the table) and $known to whether the caller has a tenant: a
// template must not serve a caller without one.
func (a *AsyncApi) CallerTemplate() string {
	return mapping.Shared(mapping.Caller,
		"tenant", a.props.Authorizer.tenant,
		"longestTag", itoa(a.props.Queue.longestTag()))
}

func (a *AsyncApi) submission() string {
	return mapping.Join(a.CallerTemplate(),
		mapping.Shared(mapping.Header, "variable", "key", "header", "idempotency-key"),
		mapping.Shared(mapping.Submission))
}

func (a *AsyncApi) sendTemplate() string {
	return mapping.Join(a.submission(), mapping.File(templates, "send.vtl",
		"group", a.props.Queue.groupParameters(),
		"tenantName", record.MessageTenant,
		"orderIDName", record.MessageOrderID,
		"keyName", record.MessageKey,
		"acceptedAtName", record.MessageAcceptedAt,
	))
}

// submitOutcomes map every answer of SQS. The pattern-less default is an
// error: whatever nobody thought of is not an accepted order.
func (a *AsyncApi) submitOutcomes() *[]*awsapigateway.IntegrationResponse {
	retryAfter := wholeSeconds(a.props.RetryAfter)
	unknown := func(status, title string) string {
		return mapping.Join(mapping.File(templates, "unavailable.vtl", "status", status, "title", title), mapping.Shared(mapping.Problem))
	}
	return &[]*awsapigateway.IntegrationResponse{
		a.Outcome("202", `2\d{2}`, plainJSON, mapping.Join(a.submission(), mapping.File(templates, "accepted.vtl")), "Retry-After", retryAfter),
		a.Outcome("413", "413", problemJSON, mapping.Join(mapping.File(templates, "toolong.vtl"), mapping.Shared(mapping.Problem))),
		// All other 4xx: which of two patterns that fit wins is not documented.
		a.Outcome("400", `40\d|41[0-24-9]|4[2-9]\d`, problemJSON, mapping.Join(a.submission(),
			mapping.File(templates, "refused.vtl", "retryAfter", retryAfter), mapping.Shared(mapping.Problem))),
		a.Outcome("503", `5\d{2}`, problemJSON, unknown("503", "Service Unavailable"), "Retry-After", retryAfter),
		a.Outcome("500", "", problemJSON, unknown("500", "Internal Server Error")),
	}
}
