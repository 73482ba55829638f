package operations

import (
	"fmt"
	"time"

	"github.com/aws/aws-cdk-go/awscdk/v2/awscloudwatch"

	"github.com/orderflow-cdk/orderflow/constructs/record"
)

// watchOrders watches whether orders flow: how many are accepted, how they end, and how long they take.
func (o *Operations) watchOrders() {
	if o.props.Workflow == nil {
		return
	}
	machine, t := o.props.Workflow.StateMachine, o.Thresholds
	accepted := machine.MetricStarted
	if o.props.API != nil {
		accepted = o.props.API.MetricSubmitted
	}
	if t.Stalled > 0 {
		// Not by the counts of the outbox: that it tells nobody is another alarm.
		o.alarm(rule{
			id: "Stalled", urgent: true, periods: int(t.Stalled / step),
			says: fmt.Sprintf("Orders are accepted, and for %v none has completed", t.Stalled),
			metric: expression("IF(%s > 0 AND %s == 0, 1, 0)", step, "stalled",
				accepted(over(step, "Sum", "accepted")), machine.MetricSucceeded(over(step, "Sum", "ended as they should"))),
		})
	}
	if o.counts {
		o.watchCounts()
		return
	}
	ended := []awscloudwatch.IMetric{
		machine.MetricFailed(over(step, "Sum", "failed")), machine.MetricSucceeded(over(step, "Sum", "succeeded")),
		machine.MetricTimedOut(over(step, "Sum", "timed out")), machine.MetricAborted(over(step, "Sum", "aborted")),
	}
	o.alarm(rule{
		id: "OrdersFailed", above: t.Failed, says: "Of the orders that end, too many fail",
		metric: expression(fmt.Sprintf("IF(%%[1]s+%%[2]s+%%[3]s+%%[4]s >= %d, %%[1]s/(%%[1]s+%%[2]s+%%[3]s+%%[4]s), 0)", t.MinOrders), step, "share of failed", ended...),
	})
	o.alarm(rule{
		id: "OrdersSlow", periods: 3, above: float64(t.Completion.Milliseconds()), says: "Orders take longer than their steps should",
		metric: machine.MetricTime(over(step, "p99", "")),
	})
	o.row("Are orders flowing?",
		graph{title: "Orders a minute", wide: true, left: []awscloudwatch.IMetric{
			accepted(over(time.Minute, "Sum", "accepted")), machine.MetricSucceeded(over(time.Minute, "Sum", "executions succeeded")),
			machine.MetricFailed(over(time.Minute, "Sum", "executions failed")),
		}},
		graph{title: "Time of executions", unit: "ms", at: float64(t.Completion.Milliseconds()), left: []awscloudwatch.IMetric{
			machine.MetricTime(over(time.Minute, "p50", "p50")), machine.MetricTime(over(time.Minute, "p99", "p99")),
		}})
}

// watchCounts does so by the figures that the outbox's function writes.
func (o *Operations) watchCounts() {
	t := o.Thresholds
	count := func(name string, period time.Duration, label string) awscloudwatch.IMetric {
		return o.own(record.HandlerNotify, name, period, "Sum", label)
	}
	ends := []struct{ name, label string }{
		{record.OrdersCompleted, "completed"}, {record.OrdersRejected, "rejected"}, {record.OrdersFailed, "failed"}, {record.OrdersCancelled, "cancelled"},
	}
	var ended []awscloudwatch.IMetric
	for _, e := range ends {
		ended = append(ended, count(e.name, step, e.label))
	}
	share := func(of int) string {
		const all = "(%[1]s+%[2]s+%[3]s+%[4]s)"
		return fmt.Sprintf("IF(%s >= %d, %%[%d]s/%s, 0)", all, t.MinOrders, of, all)
	}
	o.alarm(rule{
		id: "OrdersFailed", above: t.Failed, says: "Of the orders that end, too many fail",
		metric: expression(share(3), step, "share of failed", ended...),
	})
	o.alarm(rule{
		id: "OrdersRejected", above: t.Rejected, says: "Of the orders that end, too many are rejected: that may be the customers, or what decides about them",
		metric: expression(share(2), step, "share of rejected", ended...),
	})
	completion := func(period time.Duration, statistic, label string) awscloudwatch.IMetric {
		return o.own(record.HandlerNotify, record.TimeToCompleted, period, statistic, label)
	}
	o.alarm(rule{
		id: "OrdersSlow", periods: 3, above: float64(t.Completion.Milliseconds()),
		says:   "Orders take longer from their 202 to the end than their steps should",
		metric: completion(step, "p99", ""),
	})
	minute := []awscloudwatch.IMetric{count(record.OrdersAccepted, time.Minute, "accepted")}
	for _, e := range ends {
		minute = append(minute, count(e.name, time.Minute, e.label))
	}
	o.row("Are orders flowing?",
		graph{title: "Orders a minute", wide: true, left: minute},
		graph{title: "From accepted to completed", unit: "ms", at: float64(t.Completion.Milliseconds()),
			left: []awscloudwatch.IMetric{completion(time.Minute, "p50", "p50"), completion(time.Minute, "p99", "p99")}})
}
