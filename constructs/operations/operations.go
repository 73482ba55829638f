package operations

import (
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awscloudwatch"
	"github.com/aws/aws-cdk-go/awscdk/v2/awskms"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslogs"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssns"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"github.com/orderflow-cdk/orderflow/constructs/internal/aliased"
	"github.com/orderflow-cdk/orderflow/constructs/record"
	"github.com/orderflow-cdk/orderflow/internal/config"
)

// Operations are the alarms and the dashboard of an order flow. All fields are set by New; change
// what they hold to go beyond what Props offers.
//
// The alarms that are about one function have its name in their id: that of its construct below the stack,
// without a last "Function", so that the function of gofunction.New(stack, "Ship", …) has ShipErrors.
type Operations struct {
	constructs.Construct

	// Topic is notified by the alarms. Key encrypts it; nil if the topic was given.
	Topic awssns.ITopic
	Key   awskms.Key
	// Alarms are in the order in which the runbook has them; Alarm finds one.
	Alarms []awscloudwatch.Alarm
	// NotFlowing is in alarm while one of those is that say that accepted orders are not worked on,
	// or none is accepted: the one to wake somebody. Nil without such alarms.
	NotFlowing awscloudwatch.CfnCompositeAlarm
	// Dashboard is nil with Props.NoDashboard.
	Dashboard awscloudwatch.Dashboard
	// Throttled counts the gateway's answers 429 in its access log; nil without API and Namespace.
	Throttled awslogs.MetricFilter
	// Thresholds are what the alarms begin at, with what was derived.
	Thresholds Thresholds

	props     Props
	counts    bool // whether the outbox counts orders by how they end
	functions []*watched
	action    awscloudwatch.IAlarmAction
	urgent    []awscloudwatch.Alarm
	rows      []row
}

// New adds the operations of an order flow to scope. It panics if props are not valid.
func New(scope constructs.Construct, id string, props Props) *Operations {
	o := &Operations{props: props}
	constructs.NewConstruct_Override(o, scope, &id)
	if err := props.Validate(); err != nil {
		panic(fmt.Sprintf("operations: %s: %s", *o.Node().Path(), strings.ReplaceAll(err.Error(), "\n", "; ")))
	}
	setDefault(&o.props.Runbook, defaultRunbook)
	o.Thresholds = props.Thresholds.derive(props.API, props.Workflow, props.Status)
	o.findFunctions()
	o.makeTopic()
	o.countOrders()
	o.watchOrders()
	o.watchAPI()
	o.watchWorkflow()
	o.watchFunctions()
	o.watchTables()
	o.watchChannels()
	o.watchWebhooks()
	o.makeNotFlowing()
	o.makeDashboard()
	return o
}

// Alarm is the alarm of an id, such as "DeadLetters". It panics if there is none.
func (o *Operations) Alarm(id string) awscloudwatch.Alarm {
	for _, a := range o.Alarms {
		if *a.Node().Id() == id {
			return a
		}
	}
	panic(fmt.Sprintf("operations: %s: there is no alarm %s", *o.Node().Path(), id))
}

// countOrders has the outbox's function count orders by how they end. With two functions only the one that
// tells the topic does.
func (o *Operations) countOrders() {
	p := o.props
	o.counts = p.Namespace != "" && p.Workflow != nil && p.Status != nil && p.Status.Props().Outbox != nil
	if o.counts {
		ends := strings.Join(p.Workflow.Final(), ",")
		aliased.Function(p.Status.Props().Outbox.Function).AddEnvironment(jsii.String(config.CountedEnds), &ends, nil)
	}
}

// rule is an alarm: its metric is above a threshold for a number of periods.
type rule struct {
	id string
	// section of the runbook. Default: the id.
	section string
	says    string
	metric  awscloudwatch.IMetric
	above   float64
	// periods in a row. Default: 1.
	periods int
	// urgent alarms say that accepted orders are not worked on, or none is accepted.
	urgent bool
}

// alarm makes an alarm. What is missing is no alarm: where nothing happens nothing is measured, and CloudWatch has
// no figures of an idle queue, function or state machine.
func (o *Operations) alarm(r rule) {
	setDefault(&r.section, r.id)
	setDefault(&r.periods, 1)
	a := awscloudwatch.NewAlarm(o, &r.id, &awscloudwatch.AlarmProps{
		AlarmDescription:   jsii.String(r.says + ". What to do: " + o.props.Runbook + "#" + strings.ToLower(r.section)),
		Metric:             r.metric,
		Threshold:          &r.above,
		EvaluationPeriods:  jsii.Number(r.periods),
		DatapointsToAlarm:  jsii.Number(r.periods),
		ComparisonOperator: awscloudwatch.ComparisonOperator_GREATER_THAN_THRESHOLD,
		TreatMissingData:   awscloudwatch.TreatMissingData_NOT_BREACHING,
	})
	a.AddAlarmAction(o.action)
	a.AddOkAction(o.action)
	o.Alarms = append(o.Alarms, a)
	if r.urgent {
		o.urgent = append(o.urgent, a)
	}
}

// makeNotFlowing makes the composite alarm. Not the CDK's CompositeAlarm, which gives it a physical
// name.
func (o *Operations) makeNotFlowing() {
	if len(o.urgent) == 0 {
		return
	}
	var terms []string
	for _, a := range o.urgent {
		terms = append(terms, `ALARM("`+*a.AlarmArn()+`")`)
	}
	actions := []any{o.Topic.TopicArn()}
	o.NotFlowing = awscloudwatch.NewCfnCompositeAlarm(o, jsii.String("NotFlowing"), &awscloudwatch.CfnCompositeAlarmProps{
		AlarmDescription: jsii.String("Orders are not flowing. What to do: " + o.props.Runbook + "#notflowing"),
		AlarmRule:        jsii.String(strings.Join(terms, " OR ")),
		AlarmActions:     &actions,
		OkActions:        &actions,
	})
}

// over are the options of a metric.
func over(period time.Duration, statistic, label string) *awscloudwatch.MetricOptions {
	options := &awscloudwatch.MetricOptions{Period: seconds(period), Statistic: &statistic}
	if label != "" {
		options.Label = &label
	}
	return options
}

// own is a metric of this module's functions.
func (o *Operations) own(handler, name string, period time.Duration, statistic, label string) awscloudwatch.Metric {
	props := &awscloudwatch.MetricProps{
		Namespace: &o.props.Namespace, MetricName: &name,
		DimensionsMap: &map[string]*string{record.MetricFunction: &handler},
		Period:        seconds(period), Statistic: &statistic,
	}
	if label != "" {
		props.Label = &label
	}
	return awscloudwatch.NewMetric(props)
}

// expression is metric math over metrics that it calls m0, m1 and so on. It writes %s for each of
// them as FILL(m0,0), since what did not happen is missing, and what is missing makes the result missing.
func expression(format string, period time.Duration, label string, metrics ...awscloudwatch.IMetric) awscloudwatch.MathExpression {
	using := map[string]awscloudwatch.IMetric{}
	filled := make([]any, len(metrics))
	for i, m := range metrics {
		id := fmt.Sprintf("m%d", i)
		using[id] = m
		filled[i] = "FILL(" + id + ",0)"
	}
	return awscloudwatch.NewMathExpression(&awscloudwatch.MathExpressionProps{
		Expression: jsii.String(fmt.Sprintf(format, filled...)), UsingMetrics: &using, Label: &label, Period: seconds(period),
	})
}

// most is how many metrics an alarm's expression may have (CloudWatch user guide, "Creating a CloudWatch
// alarm based on a metric math expression").
const most = 10

func seconds(d time.Duration) awscdk.Duration {
	return awscdk.Duration_Seconds(jsii.Number(d.Seconds()))
}
