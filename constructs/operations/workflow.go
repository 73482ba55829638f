package operations

import (
	"fmt"
	"time"

	"github.com/aws/aws-cdk-go/awscdk/v2/awscloudwatch"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsdynamodb"
	"github.com/aws/jsii-runtime-go"
)

// watchWorkflow watches the state machine. Orders that are rejected or cancelled are executions that succeed;
// one that fails is an order that failed, or that stands still.
func (o *Operations) watchWorkflow() {
	if o.props.Workflow == nil {
		return
	}
	machine := o.props.Workflow.StateMachine
	o.alarm(rule{
		id: "ExecutionsFailed", says: "Orders ended as failed, or stand still: look at the executions' errors",
		metric: machine.MetricFailed(over(step, "Sum", "")),
	})
	o.alarm(rule{
		id: "ExecutionsTimedOut", urgent: true, says: "Orders stand still: their executions ran out of time",
		metric: machine.MetricTimedOut(over(step, "Sum", "")),
	})
	o.alarm(rule{
		id: "ExecutionsAborted", says: "Orders stand still: somebody stopped their executions",
		metric: machine.MetricAborted(over(step, "Sum", "")),
	})
	o.alarm(rule{
		id: "ExecutionsThrottled", periods: 3, says: "Step Functions holds executions back: they enter more states than the account may",
		metric: machine.MetricThrottled(over(step, "Sum", "")),
	})
	o.row("Workflow",
		graph{title: "Executions a minute", wide: true, left: []awscloudwatch.IMetric{
			machine.MetricStarted(over(time.Minute, "Sum", "started")), machine.MetricSucceeded(over(time.Minute, "Sum", "succeeded")),
			machine.MetricFailed(over(time.Minute, "Sum", "failed")), machine.MetricTimedOut(over(time.Minute, "Sum", "timed out")),
			machine.MetricAborted(over(time.Minute, "Sum", "aborted")),
		}},
		graph{title: "States held back", left: []awscloudwatch.IMetric{machine.MetricThrottled(over(time.Minute, "Sum", "throttled"))}})
}

// watchTables watches whether DynamoDB refuses requests, as it does with more of them than a table or a partition takes.
func (o *Operations) watchTables() {
	var tables []awsdynamodb.ITable
	if o.props.Workflow != nil {
		tables = append(tables, o.props.Workflow.Table)
	}
	if o.props.Status != nil && o.props.Status.WebhooksTable != nil {
		tables = append(tables, o.props.Status.WebhooksTable)
	}
	tables = append(tables, o.props.Tables...)
	if len(tables) == 0 {
		return
	}
	refused := func(period time.Duration) (all []awscloudwatch.IMetric) {
		for _, t := range tables {
			for _, kind := range []string{"Read", "Write"} {
				options := over(period, "Sum", fmt.Sprintf("%ss of %s", kind, *t.Node().Id()))
				options.DimensionsMap = &map[string]*string{"TableName": t.TableName()}
				all = append(all, t.Metric(jsii.String(kind+"ThrottleEvents"), options))
			}
		}
		return all
	}
	o.sums("TablesThrottled", "TablesThrottled", "DynamoDB refuses requests: a table, or one partition of it, gets more than it takes", refused(step))
	o.row("Tables", graph{title: "Refused by DynamoDB", wide: true, left: refused(time.Minute)})
}
