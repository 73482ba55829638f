package app

import (
	"fmt"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awscloudwatch"
	"github.com/aws/aws-cdk-go/awscdk/v2/awscloudwatchactions"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssns"
	"github.com/aws/jsii-runtime-go"

	"github.com/orderflow-cdk/orderflow/constructs/gofunction"
	"github.com/orderflow-cdk/orderflow/constructs/record"
	"github.com/orderflow-cdk/orderflow/internal/handler"
)

// failedPercent is how many failures there may be for every hundred invocations while a version rolls out.
const failedPercent = 5

// guardRollouts has new versions taken back also for what a function fails at without
// failing itself, and somebody told of it. A consumer reports the messages that it could not deal with, and
// a step that rejects an order fails in the eyes of Lambda: how they do is in the metrics that
// they write.
func (s *stack) guardRollouts(topic awssns.ITopic) {
	if s.env.Rollout.IsZero() {
		return
	}
	action := awscloudwatchactions.NewSnsAction(topic)
	for _, f := range s.functions {
		f.ErrorAlarm.AddAlarmAction(action)
	}
	guard := func(f *gofunction.GoFunction, name, metric string) {
		alarm := s.failureAlarm(f, name, metric)
		alarm.AddAlarmAction(action)
		f.AddRollbackAlarm(alarm)
	}
	guard(s.reserve, handler.Reserve, handler.MetricStepErrors)
	guard(s.charge, handler.Charge, handler.MetricStepErrors)
	guard(s.intake, handler.Intake, handler.MetricMessagesFailed)
	guard(s.notify, handler.Notify, record.TopicEventsFailed)
	graphQL := s.notify
	if s.notifyGraphQL != nil {
		graphQL = s.notifyGraphQL
	}
	guard(graphQL, handler.Notify, record.GraphQLEventsFailed)
}

// failureAlarm alarms when a metric that a handler writes counts too many failures, of the old version or
// of the new one: a handler does not say which it is. In a time of many failures nothing should be deployed anyway.
func (s *stack) failureAlarm(f *gofunction.GoFunction, function, metric string) awscloudwatch.Alarm {
	minute := awscdk.Duration_Minutes(jsii.Number(1))
	failures := awscloudwatch.NewMetric(&awscloudwatch.MetricProps{
		Namespace: jsii.String(s.metricsNamespace()), MetricName: jsii.String(metric),
		DimensionsMap: &map[string]*string{record.MetricFunction: jsii.String(function)},
		Period:        minute, Statistic: jsii.String("Sum"),
	})
	invocations := f.Function.MetricInvocations(&awscloudwatch.MetricOptions{Period: minute, Statistic: jsii.String("Sum")})
	return awscloudwatch.NewAlarm(f, jsii.String("Rollout"+metric), &awscloudwatch.AlarmProps{
		AlarmDescription: jsii.String(fmt.Sprintf("%s: more than %d for every 100 invocations; a deployment is rolled back", metric, failedPercent)),
		Metric: awscloudwatch.NewMathExpression(&awscloudwatch.MathExpressionProps{
			Expression:   jsii.String("100 * failures / invocations"),
			Label:        jsii.String(metric + " in percent of the invocations"),
			UsingMetrics: &map[string]awscloudwatch.IMetric{"failures": failures, "invocations": invocations},
			Period:       minute,
		}),
		Threshold:          jsii.Number(failedPercent),
		EvaluationPeriods:  jsii.Number(1),
		ComparisonOperator: awscloudwatch.ComparisonOperator_GREATER_THAN_THRESHOLD,
		TreatMissingData:   awscloudwatch.TreatMissingData_NOT_BREACHING,
	})
}
