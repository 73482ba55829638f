package app

import (
	"time"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awscloudwatch"
	"github.com/aws/aws-cdk-go/awscdk/v2/awscloudwatchactions"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awskms"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssns"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"github.com/orderflow-cdk/orderflow/constructs/gofunction"
	"github.com/orderflow-cdk/orderflow/internal/handler"
)

// makeAlarms makes the alarms and the topic that they notify, and returns
// the topic; nil if the environment has none. Whoever is to be told subscribes
// to it.
func (s *stack) makeAlarms() awssns.Topic {
	if !s.env.Alarms {
		return nil
	}
	scope := constructs.NewConstruct(s.Stack, jsii.String("Alarms"))
	topic := newAlarmTopic(scope)
	action := awscloudwatchactions.NewSnsAction(topic)

	alarm := func(id, description string, metric awscloudwatch.IMetric, threshold float64) {
		awscloudwatch.NewAlarm(scope, jsii.String(id), &awscloudwatch.AlarmProps{
			AlarmDescription:   jsii.String(description),
			Metric:             metric,
			Threshold:          jsii.Number(threshold),
			EvaluationPeriods:  jsii.Number(1),
			ComparisonOperator: awscloudwatch.ComparisonOperator_GREATER_THAN_THRESHOLD,
			TreatMissingData:   awscloudwatch.TreatMissingData_NOT_BREACHING,
		}).AddAlarmAction(action)
	}
	over := func(period time.Duration, statistic string) *awscloudwatch.MetricOptions {
		return &awscloudwatch.MetricOptions{
			Period:    awscdk.Duration_Seconds(jsii.Number(period.Seconds())),
			Statistic: jsii.String(statistic),
		}
	}

	alarm("DeadLetters", "Orders were given up on: look into the dead-letter queue, then redrive it",
		s.api.MetricDead(over(time.Minute, "Maximum")), 0)
	alarm("OldestMessage", "Orders wait too long to be taken",
		s.api.MetricOldest(over(time.Minute, "Maximum")), s.env.OldestMessage.Seconds())
	alarm("ServerErrors", "The gateway answers 5xx",
		s.api.MetricServerErrors(over(5*time.Minute, "Sum")), 0)

	machine := s.workflow.StateMachine
	alarm("ExecutionsFailed", "Orders ended as failed, or stand still: look at the executions' errors",
		machine.MetricFailed(over(5*time.Minute, "Sum")), 0)
	alarm("ExecutionsTimedOut", "Orders stand still: their executions ran out of time",
		machine.MetricTimedOut(over(5*time.Minute, "Sum")), 0)
	alarm("ExecutionsAborted", "Orders stand still: somebody stopped their executions",
		machine.MetricAborted(over(5*time.Minute, "Sum")), 0)

	// Reserve and charge report rejected orders as errors, so that theirs would
	// say nothing; what ails them shows in ExecutionsFailed.
	type watched struct {
		id       string
		function *gofunction.GoFunction
	}
	functions := []watched{{"Intake", s.intake}, {"Ship", s.ship}, {"Release", s.release}, {"Refund", s.refund},
		{"Notify", s.notify}, {"DeliverWebhook", s.deliver}, {"ManageWebhooks", s.manage}}
	if s.notifyGraphQL != nil {
		functions = append(functions, watched{"NotifyGraphQL", s.notifyGraphQL})
	}
	for _, f := range functions {
		alarm(f.id+"Errors", "The function "+f.id+" fails",
			f.function.Function.MetricErrors(over(5*time.Minute, "Sum")), 0)
	}

	status := s.status
	alarm("OutboxFailures", "Events were given up on: clients with webhooks or websockets, by the function that the messages name, do not know of changes; the messages also name where in the stream they are",
		status.MetricOutboxFailures(over(time.Minute, "Maximum")), 0)
	alarm("EventsUntellable", "Something writes items to the table of orders that cannot be told of: the log of the function Notify has them",
		awscloudwatch.NewMetric(&awscloudwatch.MetricProps{
			Namespace: jsii.String(s.metricsNamespace()), MetricName: jsii.String(handler.MetricEventsUntellable),
			DimensionsMap: &map[string]*string{"Function": jsii.String(handler.Notify)},
			Period:        awscdk.Duration_Minutes(jsii.Number(5)), Statistic: jsii.String("Sum"),
		}), 0)
	late := float64(min(15*time.Minute, s.env.OutboxAge/2).Milliseconds())
	alarm("OutboxAge", "Events are told of late, and in the end will be given up: look at the errors of the function Notify",
		status.MetricOutboxAge(over(time.Minute, "Maximum")), late)
	if s.notifyGraphQL != nil {
		alarm("GraphQLOutboxAge", "Websockets are told of events late: look at the errors of the function NotifyGraphQL",
			status.MetricGraphQLOutboxAge(over(time.Minute, "Maximum")), late)
	}
	alarm("SubscriptionDeadLetters", "SNS gave up on delivering events to a subscriber",
		status.MetricSubscriptionsDead(over(time.Minute, "Maximum")), 0)
	alarm("WebhooksWaiting", "So many deliveries wait for endpoints that fail that soon no other would be begun: disable the worst endpoints",
		status.MetricDeliveriesInFlight(over(5*time.Minute, "Maximum")), 80_000)
	alarm("WebhookDeadLetters", "Deliveries to tenants' webhooks were given up on: their owners may want to be told, then redrive them",
		status.MetricDeliveriesDead(over(time.Minute, "Maximum")), 0)
	alarm("GraphQLServerErrors", "AppSync answers 5xx",
		status.MetricGraphQLErrors(over(5*time.Minute, "Sum")), 0)
	return topic
}

// newAlarmTopic makes an encrypted topic to which CloudWatch's alarms of this
// account may publish. That needs a key of our own: the policy of the one that
// SNS manages does not admit CloudWatch.
func newAlarmTopic(scope constructs.Construct) awssns.Topic {
	cloudwatch := awsiam.NewServicePrincipal(jsii.String("cloudwatch.amazonaws.com"), nil)
	account := map[string]any{"StringEquals": map[string]any{"aws:SourceAccount": *awscdk.Aws_ACCOUNT_ID()}}
	key := awskms.NewKey(scope, jsii.String("Key"), &awskms.KeyProps{
		Description:       jsii.String("Encrypts notifications of alarms"),
		EnableKeyRotation: jsii.Bool(true),
		RemovalPolicy:     awscdk.RemovalPolicy_DESTROY, // Nothing is stored under it.
	})
	key.AddToResourcePolicy(awsiam.NewPolicyStatement(&awsiam.PolicyStatementProps{
		Principals: &[]awsiam.IPrincipal{cloudwatch},
		Actions:    jsii.Strings("kms:Decrypt", "kms:GenerateDataKey*"),
		Resources:  jsii.Strings("*"), // In a key's policy, "*" is that key.
		Conditions: &account,
	}), nil)
	topic := awssns.NewTopic(scope, jsii.String("Topic"), &awssns.TopicProps{
		MasterKey:  key,
		EnforceSSL: jsii.Bool(true),
	})
	topic.AddToResourcePolicy(awsiam.NewPolicyStatement(&awsiam.PolicyStatementProps{
		Principals: &[]awsiam.IPrincipal{cloudwatch},
		Actions:    jsii.Strings("sns:Publish"),
		Resources:  &[]*string{topic.TopicArn()},
		Conditions: &account,
	}))
	return topic
}
