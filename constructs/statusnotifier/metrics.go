package statusnotifier

import "github.com/aws/aws-cdk-go/awscdk/v2/awscloudwatch"

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
