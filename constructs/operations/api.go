package operations

import (
	"fmt"
	"time"

	"github.com/aws/aws-cdk-go/awscdk/v2/awscloudwatch"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslogs"
	"github.com/aws/jsii-runtime-go"

	"github.com/orderflow-cdk/orderflow/constructs/record"
)

// watchAPI watches the gateway and the queue behind it.
func (o *Operations) watchAPI() {
	api, t := o.props.API, o.Thresholds
	if api == nil {
		return
	}
	o.alarm(rule{
		id: "DeadLetters", urgent: true, says: "Orders were accepted and then given up: they are in the dead-letter queue",
		metric: api.MetricDead(over(time.Minute, "Maximum", "")),
	})
	o.alarm(rule{
		id: "OldestMessage", urgent: true, above: t.OldestOrder.Seconds(), says: "Orders wait too long to be taken",
		metric: api.MetricOldest(over(time.Minute, "Maximum", "")),
	})
	o.alarm(rule{
		id: "QueueInFlight", above: float64(t.InFlight), says: fmt.Sprintf("So many orders are in flight that SQS will hand out no more at %d", inFlightLimit),
		metric: api.Queue.MetricApproximateNumberOfMessagesNotVisible(over(time.Minute, "Maximum", "")),
	})
	// The average of this metric is its share of the requests (API Gateway developer guide, "Amazon API Gateway dimensions and metrics").
	o.alarm(rule{
		id: "ServerErrors", urgent: true, above: t.ServerErrors, says: "The gateway answers 5xx",
		metric: api.MetricServerErrors(over(step, "Average", "")),
	})
	submissions := func(label string) awscloudwatch.IMetric {
		return api.Submit.MetricCount(api.Stage, over(time.Minute, "Sum", label))
	}
	rate := api.Props().Throttle.Rate
	o.alarm(rule{
		id: "RequestsNearLimit", periods: 5, above: t.Load * rate * 60,
		says:   fmt.Sprintf("So many orders are submitted that the stage will refuse some with 429: it admits %v a second", rate),
		metric: submissions(""),
	})

	requests := graph{title: "Requests a minute", at: t.Load * rate * 60, left: []awscloudwatch.IMetric{
		submissions("submissions"), api.MetricRequests(over(time.Minute, "Sum", "all")),
	}, right: []awscloudwatch.IMetric{
		api.MetricClientErrors(over(time.Minute, "Sum", "4xx")), api.MetricServerErrors(over(time.Minute, "Sum", "5xx")),
	}}
	if o.props.Namespace != "" {
		o.countThrottled()
		requests.right = append(requests.right, o.throttled(time.Minute, "429"))
		o.alarm(rule{
			id: "RequestsThrottled", periods: 3, says: "The gateway refuses requests with 429: there are more than it admits",
			metric: o.throttled(step, ""),
		})
	}
	latency := func(statistic string) awscloudwatch.IMetric {
		return api.Submit.MetricLatency(api.Stage, over(time.Minute, statistic, statistic))
	}
	o.row("API",
		requests,
		graph{title: "Time to accept an order", unit: "ms", left: []awscloudwatch.IMetric{latency("p50"), latency("p99")}},
		graph{title: "Age of the oldest order in the queue", unit: "s", at: t.OldestOrder.Seconds(), left: []awscloudwatch.IMetric{
			api.MetricOldest(over(time.Minute, "Maximum", "oldest")),
		}},
		graph{title: "Orders in the queue", left: []awscloudwatch.IMetric{
			api.MetricBacklog(over(time.Minute, "Maximum", "waiting")),
			api.Queue.MetricApproximateNumberOfMessagesNotVisible(over(time.Minute, "Maximum", "in flight")),
		}})
}

// countThrottled makes a metric of the lines of the access log that say so: API Gateway has none of its own, and
// counts them as 4XXError like any other. Without a default value nothing is written, and billed, where none is refused.
func (o *Operations) countThrottled() {
	o.Throttled = awslogs.NewMetricFilter(o, jsii.String("Throttled"), &awslogs.MetricFilterProps{
		LogGroup:        o.props.API.AccessLog,
		FilterPattern:   awslogs.FilterPattern_StringValue(jsii.String("$.responseType"), jsii.String("="), jsii.String("THROTTLED")),
		MetricNamespace: &o.props.Namespace,
		MetricName:      jsii.String(record.RequestsThrottled),
		MetricValue:     jsii.String("1"),
		Unit:            awscloudwatch.Unit_COUNT,
	})
}

func (o *Operations) throttled(period time.Duration, label string) awscloudwatch.IMetric {
	return o.Throttled.Metric(over(period, "Sum", label))
}
