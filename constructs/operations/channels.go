package operations

import (
	"time"

	"github.com/aws/aws-cdk-go/awscdk/v2/awscloudwatch"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/jsii-runtime-go"

	"github.com/orderflow-cdk/orderflow/constructs/internal/aliased"
	"github.com/orderflow-cdk/orderflow/constructs/record"
)

// watchChannels watches the outbox and the channels that it tells.
func (o *Operations) watchChannels() {
	status := o.props.Status
	if status == nil || status.Props().Outbox == nil {
		return
	}
	late := float64(o.Thresholds.ChannelLag.Milliseconds())
	outbox := status.Props().Outbox
	o.alarm(rule{
		id: "OutboxFailures", says: "Events were given up: clients with webhooks or websockets, by the function that the messages name, do not know of changes",
		metric: status.MetricOutboxFailures(over(time.Minute, "Maximum", "")),
	})
	ages := []awscloudwatch.IMetric{status.MetricOutboxAge(over(time.Minute, "Maximum", "topic"))}
	o.alarm(rule{
		id: "OutboxAge", above: late, says: "Events are told late, and in the end will be given up",
		metric: status.MetricOutboxAge(over(time.Minute, "Maximum", "")),
	})
	o.silent("OutboxSilent", outbox.Function)
	if outbox.GraphQLFunction != nil {
		o.alarm(rule{
			id: "GraphQLOutboxAge", section: "OutboxAge", above: late, says: "Websockets are told of events late, and in the end not at all",
			metric: status.MetricGraphQLOutboxAge(over(time.Minute, "Maximum", "")),
		})
		o.silent("GraphQLOutboxSilent", outbox.GraphQLFunction)
		ages = append(ages, status.MetricGraphQLOutboxAge(over(time.Minute, "Maximum", "websockets")))
	}
	graphs := []graph{{title: "How far the channels are behind", unit: "ms", at: late, left: ages}}
	if o.props.Namespace != "" {
		own := func(name, statistic, label string) awscloudwatch.IMetric {
			return o.own(record.HandlerNotify, name, time.Minute, statistic, label)
		}
		o.alarm(rule{
			id: "EventsUntellable", says: "Something writes items to the table of orders that cannot be told of",
			metric: o.own(record.HandlerNotify, record.EventsUntellable, step, "Sum", ""),
		})
		failed := []awscloudwatch.IMetric{own(record.EventsUntellable, "Sum", "untellable")}
		if status.Topic != nil {
			failed = append(failed, own(record.TopicEventsFailed, "Sum", "topic"))
		}
		if status.GraphQL != nil {
			failed = append(failed, own(record.GraphQLEventsFailed, "Sum", "websockets"))
		}
		graphs = append(graphs,
			graph{title: "From a change to its event", unit: "ms", left: []awscloudwatch.IMetric{own(record.EventLag, "p50", "p50"), own(record.EventLag, "p99", "p99")}},
			graph{title: "Events not told", left: failed})
	}
	if status.Topic != nil {
		o.alarm(rule{
			id: "SubscriptionDeadLetters", says: "SNS gave up delivering events to a subscriber",
			metric: status.MetricSubscriptionsDead(over(time.Minute, "Maximum", "")),
		})
	}
	if status.GraphQL != nil {
		o.alarm(rule{
			id: "GraphQLServerErrors", says: "AppSync answers 5xx",
			metric: status.MetricGraphQLErrors(over(step, "Sum", "")),
		})
		graphs = append(graphs, graph{title: "AppSync's own errors", left: []awscloudwatch.IMetric{status.MetricGraphQLErrors(over(time.Minute, "Sum", "5xx"))}})
	}
	o.row("Channels", graphs...)
}

// silent makes an alarm if a function of the outbox is not invoked although orders change. Its age says nothing then: a function
// that does not run has none.
func (o *Operations) silent(id string, function awslambda.IFunction) {
	if o.props.Workflow == nil {
		return
	}
	o.alarm(rule{
		id: id, section: "OutboxSilent", periods: 3, says: "Orders change and the outbox is not invoked: nobody is told",
		metric: expression("IF(%s > 0 AND %s == 0, 1, 0)", step, "silent",
			o.props.Workflow.StateMachine.MetricStarted(over(step, "Sum", "started")),
			aliased.Function(function).Metric(jsii.String("Invocations"), over(step, "Sum", "invoked"))),
	})
}

// watchWebhooks watches the deliveries to tenants' endpoints, and shows what was given up anywhere.
func (o *Operations) watchWebhooks() {
	status := o.props.Status
	if status != nil && status.DeliveryQueue != nil {
		o.alarm(rule{
			id: "WebhookDeadLetters", says: "Deliveries to tenants' webhooks were given up: their owners may want to be told",
			metric: status.MetricDeliveriesDead(over(time.Minute, "Maximum", "")),
		})
		o.alarm(rule{
			id: "WebhooksWaiting", above: float64(o.Thresholds.InFlight),
			says:   "So many deliveries wait for endpoints that fail that soon no other would be begun",
			metric: status.MetricDeliveriesInFlight(over(step, "Maximum", "")),
		})
		graphs := []graph{{title: "Deliveries", left: []awscloudwatch.IMetric{
			status.DeliveryQueue.MetricApproximateNumberOfMessagesVisible(over(time.Minute, "Maximum", "due")),
			status.MetricDeliveriesInFlight(over(time.Minute, "Maximum", "in flight, or waiting for an endpoint")),
		}}}
		if o.props.Namespace != "" {
			own := func(name, statistic, label string) awscloudwatch.IMetric {
				return o.own(record.HandlerDeliverWebhook, name, time.Minute, statistic, label)
			}
			late := float64(o.Thresholds.WebhookLag.Milliseconds())
			o.alarm(rule{
				id: "WebhooksLate", periods: 3, above: late, says: "Webhooks are delivered late, and not because of a few endpoints",
				metric: o.own(record.HandlerDeliverWebhook, record.DeliveryAge, step, "p50", ""),
			})
			graphs = append(graphs,
				graph{title: "From an event to its delivery", unit: "ms", at: late, left: []awscloudwatch.IMetric{
					own(record.DeliveryAge, "p50", "p50"), own(record.DeliveryAge, "p99", "p99, with endpoints that were out of order"),
				}},
				graph{title: "Attempts a minute", left: []awscloudwatch.IMetric{
					own(record.DeliveryAge, "SampleCount", "taken"), own(record.DeliveriesFailed, "Sum", "not taken"), own(record.DeliveriesDeadLettered, "Sum", "given up"),
					own(record.MessagesDelayed, "Sum", "put off because AWS failed"), own(record.EndpointsDisabled, "Sum", "endpoints disabled"),
				}})
		}
		o.row("Webhooks", graphs...)
	}
}
