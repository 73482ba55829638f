package app

import (
	"time"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awscloudwatch"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsdynamodb"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssns"
	"github.com/aws/jsii-runtime-go"

	"github.com/orderflow-cdk/orderflow/constructs/operations"
	"github.com/orderflow-cdk/orderflow/constructs/record"
	"github.com/orderflow-cdk/orderflow/internal/handler"
)

// makeAlarms makes the alarms, the dashboard and the topic that the alarms notify, and returns
// the topic; nil if the environment has none. Whoever is to be told subscribes
// to it.
func (s *stack) makeAlarms() awssns.ITopic {
	if !s.env.Alarms {
		return nil
	}
	// Reserve and charge report rejected orders as errors, so that Lambda's count of theirs would
	// say nothing: these steps count for themselves.
	errors := map[string]awscloudwatch.Metric{
		"Reserve": s.metric(handler.Reserve, handler.MetricStepErrors, "Sum", ""),
		"Charge":  s.metric(handler.Charge, handler.MetricStepErrors, "Sum", ""),
	}
	return operations.New(s.Stack, "Alarms", operations.Props{
		API: s.api, Workflow: s.workflow, Status: s.status,
		Namespace: s.metricsNamespace(),
		Errors:    errors,
		Tables:    []awsdynamodb.ITable{s.inventory},
		Graphs: []operations.Graph{
			{Title: "Orders rejected, by step", Left: []awscloudwatch.IMetric{
				s.metric(handler.Reserve, handler.MetricStepRejections, "Sum", "Reserve"),
				s.metric(handler.Charge, handler.MetricStepRejections, "Sum", "Charge"),
			}},
			{Title: "Intake", Left: []awscloudwatch.IMetric{
				s.metric(handler.Intake, handler.MetricMessagesFailed, "Sum", "messages that come again"),
				s.metric(handler.Intake, handler.MetricDuplicates, "Sum", "seen before"),
				s.metric(handler.Intake, handler.MetricConflicts, "Sum", "other body than before"),
			}},
			{Title: "Time in the queue, in ms", Left: []awscloudwatch.IMetric{
				s.metric(handler.Intake, handler.MetricQueueTime, "p50", "p50"), s.metric(handler.Intake, handler.MetricQueueTime, "p99", "p99"),
			}},
		},
	}).Topic
}

// metric is one that a function writes.
func (s *stack) metric(function, name, statistic, label string) awscloudwatch.Metric {
	props := &awscloudwatch.MetricProps{
		Namespace: jsii.String(s.metricsNamespace()), MetricName: &name, Statistic: &statistic,
		DimensionsMap: &map[string]*string{record.MetricFunction: &function},
		Period:        awscdk.Duration_Seconds(jsii.Number(time.Minute.Seconds())),
	}
	if label != "" {
		props.Label = &label
	}
	return awscloudwatch.NewMetric(props)
}
