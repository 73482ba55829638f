package operations

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awscloudwatch"
	"github.com/aws/aws-cdk-go/awscdk/v2/interfaces/interfacesawscloudwatch"
	"github.com/aws/jsii-runtime-go"
)

// row is a heading of the dashboard and the graphs below it.
type row struct {
	title  string
	graphs []graph
}

type graph struct {
	title       string
	unit        string // of the left axis. Default: a count
	left, right []awscloudwatch.IMetric
	at          float64 // the threshold of an alarm, as a line; 0: none
	wide        bool    // twice as wide as others
}

func (o *Operations) row(title string, graphs ...graph) {
	o.rows = append(o.rows, row{title, graphs})
}

// Sizes in units of the dashboard's grid, which is 24 wide.
const (
	gridWidth   = 24
	graphHeight = 6
)

// makeDashboard makes the dashboard of what the makers of alarms have collected.
func (o *Operations) makeDashboard() {
	if o.props.NoDashboard {
		return
	}
	o.Dashboard = awscloudwatch.NewDashboard(o, jsii.String("Dashboard"), &awscloudwatch.DashboardProps{
		DefaultInterval: awscdk.Duration_Hours(jsii.Number(3)),
	})
	alarms := make([]interfacesawscloudwatch.IAlarmRef, 0, len(o.Alarms))
	for _, a := range o.Alarms {
		alarms = append(alarms, a)
	}
	o.Dashboard.AddWidgets(awscloudwatch.NewAlarmStatusWidget(&awscloudwatch.AlarmStatusWidgetProps{
		Title: jsii.String("Alarms"), Alarms: &alarms, Width: jsii.Number(gridWidth), Height: jsii.Number(5),
	}))
	rows := append([]row{}, o.rows...)
	if dead := o.deadLetters(); len(dead) > 0 {
		rows = append(rows, row{"Given up", []graph{{title: "Messages in dead-letter queues", left: dead, wide: true}}})
	}
	if len(o.props.Graphs) > 0 {
		more := row{title: "More"}
		for _, g := range o.props.Graphs {
			more.graphs = append(more.graphs, graph{title: g.Title, left: g.Left, right: g.Right})
		}
		rows = append(rows, more)
	}
	for _, r := range rows {
		heading := "## " + r.title + " [runbook](" + o.props.Runbook + ")"
		o.Dashboard.AddWidgets(awscloudwatch.NewTextWidget(&awscloudwatch.TextWidgetProps{
			Markdown: &heading, Width: jsii.Number(gridWidth), Height: jsii.Number(1),
			Background: awscloudwatch.TextWidgetBackground_TRANSPARENT,
		}))
		o.Dashboard.AddWidgets(r.widgets()...)
	}
}

// widgets are a row's graphs, which share the width of the grid.
func (r row) widgets() []awscloudwatch.IWidget {
	parts := 0
	for _, g := range r.graphs {
		parts += g.parts()
	}
	width := gridWidth / max(parts, 2)
	var widgets []awscloudwatch.IWidget
	for _, g := range r.graphs {
		left, right := g.left, g.right
		props := &awscloudwatch.GraphWidgetProps{
			Title: &g.title, Width: jsii.Number(width * g.parts()), Height: jsii.Number(graphHeight),
			Left: &left, LeftYAxis: &awscloudwatch.YAxisProps{Min: jsii.Number(0), ShowUnits: jsii.Bool(false)},
		}
		if g.unit != "" {
			props.LeftYAxis.Label = &g.unit
		}
		if len(right) > 0 {
			props.Right = &right
			props.RightYAxis = &awscloudwatch.YAxisProps{Min: jsii.Number(0), ShowUnits: jsii.Bool(false)}
		}
		if g.at > 0 {
			props.LeftAnnotations = &[]*awscloudwatch.HorizontalAnnotation{{Value: &g.at, Label: jsii.String("alarm"), Color: jsii.String("#d62728")}}
		}
		widgets = append(widgets, awscloudwatch.NewGraphWidget(props))
	}
	return widgets
}

func (g graph) parts() int {
	if g.wide {
		return 2
	}
	return 1
}

// deadLetters are the depths of all queues for what was given up.
func (o *Operations) deadLetters() []awscloudwatch.IMetric {
	var all []awscloudwatch.IMetric
	depth := func(metric func(*awscloudwatch.MetricOptions) awscloudwatch.Metric, label string) {
		all = append(all, metric(over(step/5, "Maximum", label)))
	}
	if o.props.API != nil {
		depth(o.props.API.MetricDead, "orders")
	}
	if s := o.props.Status; s != nil {
		if s.OutboxFailures != nil {
			depth(s.MetricOutboxFailures, "events that nobody was told of")
		}
		if s.Topic != nil {
			depth(s.MetricSubscriptionsDead, "messages to subscribers")
		}
		if s.DeliveryDeadLetters != nil {
			depth(s.MetricDeliveriesDead, "deliveries to webhooks")
		}
	}
	return all
}
