package asyncapi

import (
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsapigateway"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslogs"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssqs"
	"github.com/aws/aws-cdk-go/awscdk/v2/awswafv2"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"github.com/orderflow-cdk/orderflow/constructs/internal/accept"
	"github.com/orderflow-cdk/orderflow/internal/suppress"
)

// AsyncApi is an HTTP resource whose POST goes into a queue. All fields are
// set by New; change what they hold to go beyond what Props offers.
type AsyncApi struct {
	constructs.Construct

	// Api is the REST API.
	Api awsapigateway.RestApi
	// Resource is the one that has the POST, such as /orders.
	Resource awsapigateway.Resource
	// Submit is the POST method.
	Submit awsapigateway.Method
	// Stage is the API's only stage.
	Stage awsapigateway.Stage
	// AccessLog has one line of JSON for each request.
	AccessLog awslogs.LogGroup
	// ExecutionLog has the errors of requests, such as those of mapping templates, without
	// headers and bodies.
	ExecutionLog awslogs.LogGroup
	// Queue holds the orders that the gateway accepted.
	Queue awssqs.Queue
	// DeadLetterQueue holds those that the consumer failed on.
	DeadLetterQueue awssqs.Queue
	// QueueRole is what API Gateway assumes to send to Queue.
	QueueRole awsiam.Role
	// Consumer is the function of Props, nil if there is none.
	Consumer awslambda.IFunction
	// EventSource is how Consumer receives, nil if there is none.
	EventSource awslambda.EventSourceMapping
	// UsagePlan is that of the authorizer APIKey, nil with another one.
	UsagePlan awsapigateway.UsagePlan
	// WebACL is nil if Props asks for none.
	WebACL awswafv2.CfnWebACL

	props      Props
	visibility time.Duration
}

// New adds an AsyncApi to scope. It panics if props are not valid.
func New(scope constructs.Construct, id string, props Props) *AsyncApi {
	a := &AsyncApi{props: props.withDefaults()}
	constructs.NewConstruct_Override(a, scope, &id)
	if err := props.Validate(); err != nil {
		panic(fmt.Sprintf("asyncapi: %s: %s", *a.Node().Path(), inline(err)))
	}
	a.visibility = visibilityTimeout(a.props)
	if a.visibility > 12*time.Hour {
		panic(fmt.Sprintf("asyncapi: %s: visibility timeout (6 × the consumer's timeout + batch window) must be at most 12h, got %v",
			*a.Node().Path(), a.visibility))
	}
	a.makeQueues()
	a.makeAPI(id)
	a.makeSubmit()
	a.makeGatewayResponses()
	a.makeUsagePlan()
	a.makeWebACL()
	a.makeConsumer()
	return a
}

// makeAPI makes the REST API, its stage and its resource.
func (a *AsyncApi) makeAPI(id string) {
	p := a.props
	a.AccessLog = awslogs.NewLogGroup(a, jsii.String("AccessLog"), &awslogs.LogGroupProps{
		Retention:     p.LogRetention,
		RemovalPolicy: p.RemovalPolicy,
	})
	options := p.Authorizer.methodOptions(a)
	props := &awsapigateway.RestApiProps{
		// Metrics and the console know an API by this name only; it need not be unique
		// for CloudFormation, but two stacks' figures must not be added up.
		RestApiName:          jsii.String(strings.ReplaceAll(*a.Node().Path(), "/", "-")),
		Description:          jsii.String("Accepts " + p.Path + " and answers 202; they are worked on asynchronously."),
		CloudWatchRole:       &p.AccountRole,
		DefaultMethodOptions: options,
		EndpointTypes:        &[]awsapigateway.EndpointType{p.EndpointType},
		DeployOptions: &awsapigateway.StageOptions{
			StageName:            &p.Stage,
			TracingEnabled:       jsii.Bool(!p.NoTracing),
			MetricsEnabled:       jsii.Bool(true),
			ThrottlingRateLimit:  jsii.Number(p.Throttle.Rate),
			ThrottlingBurstLimit: jsii.Number(p.Throttle.Burst),
			LoggingLevel:         awsapigateway.MethodLoggingLevel_ERROR,
			AccessLogDestination: awsapigateway.NewLogGroupLogDestination(a.AccessLog),
			AccessLogFormat:      awsapigateway.AccessLogFormat_Custom(jsii.String(accessLogFormat(p.Authorizer.logged))),
		},
	}
	if p.AccountRole {
		props.CloudWatchRoleRemovalPolicy = p.AccountRoleRemovalPolicy
	}
	if p.CORS != nil {
		preflight := &awsapigateway.CorsOptions{
			AllowOrigins: jsii.Strings(p.CORS.AllowOrigin),
			AllowHeaders: jsii.Strings("Authorization", "Content-Type", "Idempotency-Key", "If-None-Match",
				"X-Api-Key", "X-Amz-Date", "X-Amz-Security-Token"),
			AllowMethods: jsii.Strings("GET", "POST", "DELETE"),
		}
		if p.CORS.MaxAge > 0 {
			preflight.MaxAge = seconds(p.CORS.MaxAge)
		}
		props.DefaultCorsPreflightOptions = preflight
	}
	a.Api = awsapigateway.NewRestApi(a, jsii.String("Api"), props)
	a.Stage = a.Api.DeploymentStage()
	a.Resource = a.Api.Root().AddResource(&p.Path, nil)
	a.makeExecutionLog()
	if p.AccountRole {
		accept.On(a.Api.Node().FindChild(jsii.String("CloudWatchRole")), suppress.Rule{
			ID:      "AwsSolutions-IAM4",
			Finding: "Policy::arn:<AWS::Partition>:iam::aws:policy/service-role/AmazonAPIGatewayPushToCloudWatchLogs",
			Reason:  "API Gateway wants one role for all logs of an account and region, and checks that it may what this policy says",
		})
	}
	if p.Model.any {
		accept.On(a.Api, suppress.Rule{ID: "AwsSolutions-APIG2", Reason: "asyncapi.AnyJSON was chosen: the consumer checks the body, and no parameter is required"})
	}
}

// makeExecutionLog makes the log group before API Gateway would, which would keep it for ever. It
// has the name that API Gateway writes to (developer guide, "Set up CloudWatch logging for REST APIs").
func (a *AsyncApi) makeExecutionLog() {
	a.ExecutionLog = awslogs.NewLogGroup(a, jsii.String("ExecutionLog"), &awslogs.LogGroupProps{
		LogGroupName: awscdk.Fn_Join(jsii.String(""), &[]*string{
			jsii.String("API-Gateway-Execution-Logs_"), a.Api.RestApiId(), jsii.String("/" + a.props.Stage),
		}),
		Retention:     a.props.LogRetention,
		RemovalPolicy: a.props.RemovalPolicy,
	})
	a.Stage.Node().AddDependency(a.ExecutionLog)
}

// makeUsagePlan makes the plan of the authorizer APIKey.
func (a *AsyncApi) makeUsagePlan() {
	if a.props.Authorizer.kind != byAPIKey {
		return
	}
	plan := a.props.Authorizer.plan
	props := &awsapigateway.UsagePlanProps{
		ApiStages: &[]*awsapigateway.UsagePlanPerApiStage{{Api: a.Api, Stage: a.Stage}},
	}
	if plan.Throttle.Rate > 0 {
		props.Throttle = &awsapigateway.ThrottleSettings{
			RateLimit:  jsii.Number(plan.Throttle.Rate),
			BurstLimit: jsii.Number(plan.Throttle.Burst),
		}
	}
	if plan.PerDay > 0 {
		props.Quota = &awsapigateway.QuotaSettings{Limit: jsii.Number(plan.PerDay), Period: awsapigateway.Period_DAY}
	}
	a.UsagePlan = awsapigateway.NewUsagePlan(a, jsii.String("UsagePlan"), props)
}
