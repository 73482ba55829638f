package statusnotifier

import (
	"fmt"

	"github.com/aws/aws-cdk-go/awscdk/v2/awscloudwatch"
	"github.com/aws/jsii-runtime-go"

	"github.com/orderflow-cdk/orderflow/constructs/internal/aliased"
)

// MetricStatusPolls counts the requests for an order's status. Many for each
// order mean that clients ignore Retry-After, or want to be told instead.
func (n *StatusNotifier) MetricStatusPolls(options *awscloudwatch.MetricOptions) awscloudwatch.Metric {
	return n.GetStatus.MetricCount(n.props.API.Stage, options)
}

// MetricPollLatency is the time to answer for an order's status in
// milliseconds.
func (n *StatusNotifier) MetricPollLatency(options *awscloudwatch.MetricOptions) awscloudwatch.Metric {
	return n.GetStatus.MetricLatency(n.props.API.Stage, options)
}

// MetricCancellations counts the requests to cancel an order.
func (n *StatusNotifier) MetricCancellations(options *awscloudwatch.MetricOptions) awscloudwatch.Metric {
	return n.Cancel.MetricCount(n.props.API.Stage, options)
}

// MetricOutboxAge is how old, in milliseconds, the last change of a batch was
// when the outbox read it: how far the channels are behind the table. It panics
// without Outbox.
func (n *StatusNotifier) MetricOutboxAge(options *awscloudwatch.MetricOptions) awscloudwatch.Metric {
	n.needs("MetricOutboxAge", "Outbox", n.props.Outbox != nil)
	return aliased.Function(n.props.Outbox.Function).Metric(jsii.String("IteratorAge"), options)
}

// MetricGraphQLOutboxAge is MetricOutboxAge of the function that tells AppSync;
// the same without Outbox.GraphQLFunction. It panics without WebSocket.
func (n *StatusNotifier) MetricGraphQLOutboxAge(options *awscloudwatch.MetricOptions) awscloudwatch.Metric {
	n.needs("MetricGraphQLOutboxAge", "WebSocket", n.GraphQL != nil)
	return aliased.Function(n.props.Outbox.tellsGraphQL()).Metric(jsii.String("IteratorAge"), options)
}

// MetricOutboxFailures is the number of batches that the outbox failed on for
// longer than Outbox.MaxRecordAge. Above 0 is an alarm: clients of the topic,
// of AppSync or of both do not know of what is in them. It panics without
// Outbox.
func (n *StatusNotifier) MetricOutboxFailures(options *awscloudwatch.MetricOptions) awscloudwatch.Metric {
	n.needs("MetricOutboxFailures", "Outbox", n.props.Outbox != nil)
	return n.OutboxFailures.MetricApproximateNumberOfMessagesVisible(options)
}

// MetricSubscriptionsDead is the number of messages that SNS could not deliver
// to a subscriber. It panics without Topic.
func (n *StatusNotifier) MetricSubscriptionsDead(options *awscloudwatch.MetricOptions) awscloudwatch.Metric {
	n.needs("MetricSubscriptionsDead", "Topic", n.Topic != nil)
	return n.SubscriptionDeadLetters.MetricApproximateNumberOfMessagesVisible(options)
}

// MetricDeliveriesInFlight is the number of deliveries to tenants' endpoints
// that are under way or wait for their next attempt. SQS lets at most about 120,000
// be so (SQS developer guide, "Message quotas"); beyond that, none is begun. It panics
// without SignedWebhooks.
func (n *StatusNotifier) MetricDeliveriesInFlight(options *awscloudwatch.MetricOptions) awscloudwatch.Metric {
	n.needs("MetricDeliveriesInFlight", "SignedWebhooks", n.DeliveryQueue != nil)
	return n.DeliveryQueue.MetricApproximateNumberOfMessagesNotVisible(options)
}

// MetricDeliveriesDead is the number of deliveries to tenants' endpoints that
// were given up. It panics without SignedWebhooks.
func (n *StatusNotifier) MetricDeliveriesDead(options *awscloudwatch.MetricOptions) awscloudwatch.Metric {
	n.needs("MetricDeliveriesDead", "SignedWebhooks", n.DeliveryDeadLetters != nil)
	return n.DeliveryDeadLetters.MetricApproximateNumberOfMessagesVisible(options)
}

// MetricGraphQLErrors counts the answers of AppSync that are its own fault. It
// panics without WebSocket.
func (n *StatusNotifier) MetricGraphQLErrors(options *awscloudwatch.MetricOptions) awscloudwatch.Metric {
	n.needs("MetricGraphQLErrors", "WebSocket", n.GraphQL != nil)
	props := &awscloudwatch.MetricProps{
		Namespace:     jsii.String("AWS/AppSync"),
		MetricName:    jsii.String("5XXError"),
		DimensionsMap: &map[string]*string{"GraphQLAPIId": n.GraphQL.ApiId()},
		Statistic:     jsii.String("Sum"),
	}
	metric := awscloudwatch.NewMetric(props)
	if options == nil {
		return metric
	}
	return metric.With(options)
}

// needs panics unless what method needs is there.
func (n *StatusNotifier) needs(method, prop string, there bool) {
	if !there {
		panic(fmt.Sprintf("statusnotifier: %s: %s needs Props.%s", *n.Node().Path(), method, prop))
	}
}
