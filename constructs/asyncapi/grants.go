package asyncapi

import (
	"fmt"

	"github.com/aws/aws-cdk-go/awscdk/v2/awsapigateway"
	"github.com/aws/aws-cdk-go/awscdk/v2/awscloudwatch"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/jsii-runtime-go"

	"github.com/orderflow-cdk/orderflow/constructs/internal/aliased"
)

// GrantInvoke lets an identity call every method of the API; for the
// authorizer [IAM].
func (a *AsyncApi) GrantInvoke(grantee awsiam.IGrantable) awsiam.Grant {
	return awsiam.Grant_AddToPrincipal(&awsiam.GrantOnPrincipalOptions{
		Grantee: grantee,
		Actions: jsii.Strings("execute-api:Invoke"),
		ResourceArns: jsii.Strings(
			*a.Api.ArnForExecuteApi(jsii.String("*"), jsii.String("/"+a.props.Path), &a.props.Stage),
			*a.Api.ArnForExecuteApi(jsii.String("*"), jsii.String("/"+a.props.Path+"/*"), &a.props.Stage),
		),
	})
}

// GrantConsume lets an identity receive and delete the queue's messages.
func (a *AsyncApi) GrantConsume(grantee awsiam.IGrantable) awsiam.Grant {
	return a.Queue.GrantConsumeMessages(grantee)
}

// GrantRedrive lets an identity move messages from the dead-letter queue back.
func (a *AsyncApi) GrantRedrive(grantee awsiam.IGrantable) awsiam.Grant {
	a.Queue.Grant(grantee, jsii.String("sqs:SendMessage"))
	if a.props.Key != nil {
		a.props.Key.Grant(grantee, jsii.String("kms:Decrypt"), jsii.String("kms:GenerateDataKey"))
	}
	return a.DeadLetterQueue.Grant(grantee, jsii.String("sqs:StartMessageMoveTask"), jsii.String("sqs:ListMessageMoveTasks"),
		jsii.String("sqs:CancelMessageMoveTask"), jsii.String("sqs:ReceiveMessage"), jsii.String("sqs:DeleteMessage"),
		jsii.String("sqs:GetQueueAttributes"))
}

// AddConsumer has a function receive the queue's messages as Props.Consumer
// would; for a function that can be made only after the API. The queue's
// visibility timeout stays what Props said, so it panics if that is shorter
// than 6 × the function's timeout + batch window.
func (a *AsyncApi) AddConsumer(consumer awslambda.IFunction) {
	if a.Consumer != nil {
		panic(fmt.Sprintf("asyncapi: %s: there is a consumer already", *a.Node().Path()))
	}
	if aliased.Function(consumer) == nil {
		panic(fmt.Sprintf("asyncapi: %s: consumer must be a function that the app makes, or an alias of one", *a.Node().Path()))
	}
	p := a.props
	p.Consumer = consumer
	if need := visibilityTimeout(p); a.visibility < need {
		panic(fmt.Sprintf("asyncapi: %s: visibility timeout must be at least %v for this consumer, got %v",
			*a.Node().Path(), need, a.visibility))
	}
	a.props = p
	a.makeConsumer()
}

// AddKey adds an API key, and with it a tenant, for the authorizer [APIKey].
// It panics with another one.
func (a *AsyncApi) AddKey(id string) awsapigateway.IApiKey {
	if a.UsagePlan == nil {
		panic(fmt.Sprintf("asyncapi: %s: keys need the authorizer APIKey", *a.Node().Path()))
	}
	key := awsapigateway.NewApiKey(a, &id, &awsapigateway.ApiKeyProps{})
	a.UsagePlan.AddApiKey(key, nil)
	return key
}

// MetricSubmitted counts the messages that the gateway put into the queue.
func (a *AsyncApi) MetricSubmitted(options *awscloudwatch.MetricOptions) awscloudwatch.Metric {
	return a.Queue.MetricNumberOfMessagesSent(options)
}

// MetricBacklog is the number of messages that wait for the consumer.
func (a *AsyncApi) MetricBacklog(options *awscloudwatch.MetricOptions) awscloudwatch.Metric {
	return a.Queue.MetricApproximateNumberOfMessagesVisible(options)
}

// MetricOldest is the age of the oldest waiting message in seconds.
func (a *AsyncApi) MetricOldest(options *awscloudwatch.MetricOptions) awscloudwatch.Metric {
	return a.Queue.MetricApproximateAgeOfOldestMessage(options)
}

// MetricDead is the number of messages in the dead-letter queue. Above 0 is an
// alarm: somebody's accepted order is not being worked on.
func (a *AsyncApi) MetricDead(options *awscloudwatch.MetricOptions) awscloudwatch.Metric {
	return a.DeadLetterQueue.MetricApproximateNumberOfMessagesVisible(options)
}

// MetricRequests counts all requests to the API.
func (a *AsyncApi) MetricRequests(options *awscloudwatch.MetricOptions) awscloudwatch.Metric {
	return a.Stage.MetricCount(options)
}

// MetricClientErrors counts the answers 4xx.
func (a *AsyncApi) MetricClientErrors(options *awscloudwatch.MetricOptions) awscloudwatch.Metric {
	return a.Stage.MetricClientError(options)
}

// MetricServerErrors counts the answers 5xx.
func (a *AsyncApi) MetricServerErrors(options *awscloudwatch.MetricOptions) awscloudwatch.Metric {
	return a.Stage.MetricServerError(options)
}

// MetricLatency is the time from request to answer in milliseconds.
func (a *AsyncApi) MetricLatency(options *awscloudwatch.MetricOptions) awscloudwatch.Metric {
	return a.Stage.MetricLatency(options)
}
