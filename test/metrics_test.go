package test

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/orderflow-cdk/orderflow/infra/app"
)

// metric is one that an alarm or a graph looks at. Values of dimensions are texts, in which {ID} and {ID.Attribute} refer to
// resources.
type metric struct {
	by              string // the alarm or the graph
	namespace, name string
	dimensions      map[string]string
	statistic       string
}

func (m metric) String() string {
	return fmt.Sprintf("%s: %s of %s %s %v", m.by, m.statistic, m.namespace, m.name, m.dimensions)
}

// reference is a value as a text.
func reference(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case map[string]any:
		if id, ok := v["Ref"].(string); ok {
			return "{" + id + "}"
		}
		if parts, ok := v["Fn::GetAtt"].([]any); ok {
			return fmt.Sprintf("{%v.%v}", parts[0], parts[1])
		}
		if join, ok := v["Fn::Join"].([]any); ok {
			var texts []string
			for _, part := range list(join[1]) {
				texts = append(texts, reference(part))
			}
			return strings.Join(texts, join[0].(string))
		}
	}
	return fmt.Sprint(v)
}

// alarmMetrics are those of an alarm; none of a composite one.
func alarmMetrics(r resource) []metric {
	read := func(of map[string]any, statistic any) metric {
		m := metric{by: r.ID, dimensions: map[string]string{}, statistic: fmt.Sprint(statistic)}
		m.namespace, _ = of["Namespace"].(string)
		m.name, _ = of["MetricName"].(string)
		for _, d := range list(of["Dimensions"]) {
			m.dimensions[at(d, "Name").(string)] = reference(at(d, "Value"))
		}
		return m
	}
	if r.Properties["MetricName"] != nil {
		statistic := r.Properties["Statistic"]
		if statistic == nil {
			statistic = r.Properties["ExtendedStatistic"]
		}
		return []metric{read(r.Properties, statistic)}
	}
	var all []metric
	for _, q := range list(r.Properties["Metrics"]) {
		if of, ok := at(q, "MetricStat", "Metric").(map[string]any); ok {
			all = append(all, read(of, at(q, "MetricStat", "Stat")))
		}
	}
	return all
}

func everyAlarmsMetrics(template template) (all []metric) {
	for _, r := range template.resources("AWS::CloudWatch::Alarm") {
		all = append(all, alarmMetrics(r)...)
	}
	return all
}

// widget is what the tests read of a widget (CloudWatch API, "Dashboard body structure and syntax").
type widget struct {
	Type                string
	X, Y, Width, Height int
	Properties          struct {
		Title, Markdown string
		Alarms          []string
		Metrics         [][]any
	}
}

func widgets(t *testing.T, template template) []widget {
	t.Helper()
	var all []widget
	for _, r := range template.resources("AWS::CloudWatch::Dashboard") {
		var body struct{ Widgets []widget }
		if err := json.Unmarshal([]byte(reference(r.Properties["DashboardBody"])), &body); err != nil {
			t.Fatalf("%s: %v", r.ID, err)
		}
		all = append(all, body.Widgets...)
	}
	return all
}

// dashboardMetrics are those of all graphs.
func dashboardMetrics(t *testing.T, template template) []metric {
	t.Helper()
	var all []metric
	for _, w := range widgets(t, template) {
		for _, row := range w.Properties.Metrics {
			options, hasOptions := row[len(row)-1].(map[string]any)
			if hasOptions {
				row = row[:len(row)-1]
			}
			if len(row) < 2 || len(row)%2 != 0 {
				t.Errorf("%s: %v is no metric", w.Properties.Title, row)
				continue
			}
			m := metric{by: w.Properties.Title, namespace: row[0].(string), name: row[1].(string), dimensions: map[string]string{}}
			m.statistic, _ = options["stat"].(string)
			for i := 2; i < len(row); i += 2 {
				m.dimensions[row[i].(string)] = row[i+1].(string)
			}
			all = append(all, m)
		}
	}
	return all
}

// published is what a service publishes for resources of a type.
type published struct {
	namespace  string
	dimensions []string // all of them together
	metrics    map[string][]string
	source     string // where AWS says so
}

var (
	sums      = []string{"Sum"}
	depths    = []string{"Maximum"}
	durations = []string{"p50", "p99"}
)

// services are the metrics that exist, as far as the app uses them, with the statistics that make sense of them.
var services = []published{
	{"AWS/SQS", []string{"QueueName"}, map[string][]string{
		"NumberOfMessagesSent": sums, "ApproximateAgeOfOldestMessage": depths,
		"ApproximateNumberOfMessagesVisible": depths, "ApproximateNumberOfMessagesNotVisible": depths,
	}, "SQS developer guide, Available CloudWatch metrics for Amazon SQS"},
	{"AWS/Lambda", []string{"FunctionName"}, map[string][]string{
		"Errors": sums, "Invocations": sums, "Throttles": sums, "Duration": durations, "ConcurrentExecutions": depths, "IteratorAge": depths,
	}, "Lambda developer guide, Types of metrics for Lambda functions"},
	{"AWS/Lambda", []string{"ExecutedVersion", "FunctionName", "Resource"}, map[string][]string{
		"Errors": sums, "Invocations": sums,
	}, "Lambda developer guide, Types of metrics for Lambda functions: dimensions of an alias with weights"},
	{"AWS/States", []string{"StateMachineArn"}, map[string][]string{
		"ExecutionsStarted": sums, "ExecutionsSucceeded": sums, "ExecutionsFailed": sums, "ExecutionsTimedOut": sums, "ExecutionsAborted": sums,
		"ExecutionThrottled": sums,
	}, "Step Functions developer guide, Step Functions metrics for CloudWatch"},
	{"AWS/ApiGateway", []string{"ApiName", "Stage"}, map[string][]string{
		"Count": sums, "4XXError": sums, "5XXError": {"Sum", "Average"},
	}, "API Gateway developer guide, Amazon API Gateway dimensions and metrics"},
	{"AWS/ApiGateway", []string{"ApiName", "Method", "Resource", "Stage"}, map[string][]string{
		"Count": sums, "Latency": durations,
	}, "API Gateway developer guide, Amazon API Gateway dimensions and metrics: with detailed metrics"},
	{"AWS/DynamoDB", []string{"TableName"}, map[string][]string{
		"ReadThrottleEvents": sums, "WriteThrottleEvents": sums,
	}, "DynamoDB developer guide, DynamoDB metrics and dimensions"},
	{"AWS/AppSync", []string{"GraphQLAPIId"}, map[string][]string{
		"5XXError": sums,
	}, "AppSync developer guide, Using CloudWatch to monitor and log GraphQL API data"},
}

// dimensionSources are what the values of dimensions have to refer to: a resource's type and attribute.
var dimensionSources = map[string]string{
	"QueueName": "AWS::SQS::Queue.QueueName", "FunctionName": "AWS::Lambda::Function", "StateMachineArn": "AWS::StepFunctions::StateMachine",
	"TableName": "AWS::DynamoDB::Table", "GraphQLAPIId": "AWS::AppSync::GraphQLApi.ApiId", "ExecutedVersion": "AWS::Lambda::Version.Version",
	"Stage": "AWS::ApiGateway::Stage",
}

func TestEveryMetricThatIsLookedAtExists(t *testing.T) {
	all := stacks(t)
	for _, env := range app.Environments() {
		if !env.Alarms {
			continue
		}
		template := all["orderflow-"+env.Name]
		looked := append(everyAlarmsMetrics(template), dashboardMetrics(t, template)...)
		if len(looked) < 150 {
			t.Errorf("%s: only %d metrics found", env.Name, len(looked))
		}
		used := map[string]bool{}
		for _, m := range looked {
			if m.namespace == "orderflow/"+env.Name {
				continue // TestTheFunctionsWriteTheMetricsThatAreLookedAt
			}
			dimensions := slices.Sorted(maps.Keys(m.dimensions))
			i := slices.IndexFunc(services, func(p published) bool {
				return p.namespace == m.namespace && slices.Equal(p.dimensions, dimensions)
			})
			if i < 0 || services[i].metrics[m.name] == nil {
				t.Errorf("%s: %v: no service publishes that", env.Name, m)
				continue
			}
			used[fmt.Sprint(i, m.name)] = true
			if !slices.Contains(services[i].metrics[m.name], m.statistic) {
				t.Errorf("%s: %v: the statistic says nothing", env.Name, m)
			}
			for name, value := range m.dimensions {
				checkDimension(t, template, m, name, value)
			}
		}
		for i, p := range services {
			for name := range p.metrics {
				if !used[fmt.Sprint(i, name)] {
					t.Errorf("%s: nobody looks at %s %s by %v: take it out of the table", env.Name, p.namespace, name, p.dimensions)
				}
			}
		}
	}
}

func checkDimension(t *testing.T, template template, m metric, name, value string) {
	t.Helper()
	types := map[string]string{}
	for _, r := range template.resources() {
		types[r.ID] = r.Type
	}
	switch name {
	case "ApiName":
		for _, r := range template.resources("AWS::ApiGateway::RestApi") {
			if r.Properties["Name"] == value {
				return
			}
		}
		t.Errorf("%v: no API has this name", m)
		return
	case "Method", "Resource":
		switch {
		case m.namespace == "AWS/Lambda":
			if value != m.dimensions["FunctionName"]+":live" {
				t.Errorf("%v: this is no alias of the function", m)
			}
		case m.dimensions["Method"]+m.dimensions["Resource"] != "POST/orders":
			t.Errorf("%v: there is no such route", m)
		}
		return
	}
	id, attribute, _ := strings.Cut(strings.Trim(value, "{}"), ".")
	got := types[id]
	if attribute != "" {
		got += "." + attribute
	}
	if got != dimensionSources[name] {
		t.Errorf("%v: the %s is of %s, want %s", m, name, got, dimensionSources[name])
	}
	if m.name == "IteratorAge" {
		for _, mapping := range template.resources("AWS::Lambda::EventSourceMapping") {
			if mapping.Properties["StartingPosition"] != nil && behind(template, mapping.Properties["FunctionName"]) == id {
				return
			}
		}
		t.Errorf("%v: %s reads no stream", m, id)
	}
}

// behind is the function that a reference to it or to an alias of it leads to.
func behind(template template, v any) string {
	r, _ := template.target(v)
	if r.Type == "AWS::Lambda::Alias" {
		r, _ = template.target(r.Properties["FunctionName"])
	}
	return r.ID
}

func TestTheDashboardIsDrawnAsItShould(t *testing.T) {
	all := stacks(t)
	for _, env := range app.Environments() {
		template := all["orderflow-"+env.Name]
		drawn := widgets(t, template)
		if !env.Alarms {
			if len(drawn) > 0 {
				t.Errorf("%s has a dashboard", env.Name)
			}
			continue
		}
		taken := map[[2]int]string{}
		alarms := 0
		for _, w := range drawn {
			name := w.Properties.Title + w.Properties.Markdown
			for x := w.X; x < w.X+w.Width; x++ {
				for y := w.Y; y < w.Y+w.Height; y++ {
					if other := taken[[2]int{x, y}]; other != "" || x >= 24 {
						t.Fatalf("%s: %q lies over %q, or beyond the grid, at %d, %d", env.Name, name, other, x, y)
					}
					taken[[2]int{x, y}] = name
				}
			}
			alarms += len(w.Properties.Alarms)
			if w.Type == "metric" && (w.Properties.Title == "" || len(w.Properties.Metrics) == 0) {
				t.Errorf("%s: a graph without a title or metrics: %+v", env.Name, w)
			}
		}
		want := 0
		for _, r := range template.resources("AWS::CloudWatch::Alarm") {
			if strings.HasPrefix(r.ID, "Alarms") {
				want++
			}
		}
		if alarms != want {
			t.Errorf("%s: the dashboard shows %d alarms, want %d", env.Name, alarms, want)
		}
	}
}
