package operations

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-cdk-go/awscdk/v2/awscloudwatch"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"

	"github.com/orderflow-cdk/orderflow/constructs/internal/aliased"
)

// watched is a function, as far as it can be seen.
type watched struct {
	name     string
	function awslambda.IFunction
	timeout  time.Duration // 0: unknown, since it was imported
	allowed  int           // invocations at the same time; 0: as many as the account has
	rejects  bool          // its errors may be rejected orders
}

// findFunctions collects the functions behind what is watched, each once.
func (o *Operations) findFunctions() {
	p := o.props
	if p.API != nil && p.API.Consumer != nil {
		o.add(p.API.Consumer).limit(p.API.Props().MaxConcurrency)
	}
	if p.Workflow != nil {
		for _, s := range p.Workflow.StepFunctions() {
			f := o.add(s.Function)
			f.rejects = f.rejects || s.Rejects
		}
	}
	if p.Status != nil {
		status := p.Status.Props()
		if status.Outbox != nil {
			o.add(status.Outbox.Function)
			if status.Outbox.GraphQLFunction != nil {
				o.add(status.Outbox.GraphQLFunction)
			}
		}
		if w := status.SignedWebhooks; w != nil {
			o.add(w.Deliver).limit(w.MaxConcurrency)
			o.add(w.Manage)
		}
	}
	for _, f := range p.Functions {
		o.add(f)
	}
	for name := range p.Errors {
		if !slices.ContainsFunc(o.functions, func(f *watched) bool { return f.name == name }) {
			var names []string
			for _, f := range o.functions {
				names = append(names, f.name)
			}
			panic(fmt.Sprintf("operations: %s: Props.Errors has %q, which is none of %s", *o.Node().Path(), name, strings.Join(names, ", ")))
		}
	}
}

// add adds a function, if it is not there already. Of an alias or a version it is the function that is
// looked at, so that a deployment does not hide what the version before did.
func (o *Operations) add(f awslambda.IFunction) *watched {
	function := aliased.Function(f)
	if function != nil {
		f = function
	}
	path := strings.Split(*f.Node().Path(), "/")
	if last := len(path) - 1; last > 1 && path[last] == "Function" {
		path = path[:last]
	}
	name := strings.Join(path[1:], "")
	for _, w := range o.functions {
		if w.name == name {
			return w
		}
	}
	w := &watched{name: name, function: f}
	if function != nil {
		w.timeout = aliased.Timeout(function)
		if resource, ok := function.Node().DefaultChild().(awslambda.CfnFunction); ok {
			if reserved := resource.ReservedConcurrentExecutions(); reserved != nil {
				w.limit(int(*reserved))
			}
		}
	}
	o.functions = append(o.functions, w)
	return w
}

// limit notes how many invocations there may be at the same time.
func (w *watched) limit(n int) {
	if w.allowed == 0 || n < w.allowed {
		w.allowed = n
	}
}

func (w *watched) metric(name string, options *awscloudwatch.MetricOptions) awscloudwatch.IMetric {
	return w.function.Metric(&name, options)
}

// errors is the metric that counts a function's errors; nil if there is none that leaves out rejected orders.
func (o *Operations) errors(w *watched, period time.Duration, label string) awscloudwatch.IMetric {
	given := o.props.Errors[w.name]
	switch {
	case given != nil:
		return given.With(over(period, "Sum", label))
	case w.rejects:
		return nil
	}
	return w.metric("Errors", over(period, "Sum", label))
}

// watchFunctions watches what all functions have in common.
func (o *Operations) watchFunctions() {
	t := o.Thresholds
	var errors, throttles, shares, busy []awscloudwatch.IMetric
	var durations []awscloudwatch.IMetric
	for _, w := range o.functions {
		if m := o.errors(w, step, ""); m != nil {
			o.alarm(rule{id: w.name + "Errors", section: "FunctionErrors", says: "The function " + w.name + " fails", metric: m})
			errors = append(errors, o.errors(w, time.Minute, w.name))
		}
		throttles = append(throttles, w.metric("Throttles", over(step, "Sum", w.name)))
		durations = append(durations, w.metric("Duration", over(time.Minute, "p99", w.name)))
		if w.timeout > 0 {
			shares = append(shares, w.metric("Duration", over(step, "p99", w.name)))
		}
		if w.allowed > 0 {
			allowed := t.Concurrency * float64(w.allowed)
			o.alarm(rule{
				id: w.name + "Busy", section: "FunctionBusy", periods: 15, above: allowed,
				says:   fmt.Sprintf("The function %s runs as often at the same time as it may (%d), so that what it works on piles up", w.name, w.allowed),
				metric: w.metric("ConcurrentExecutions", over(time.Minute, "Maximum", "")),
			})
		}
		busy = append(busy, w.metric("ConcurrentExecutions", over(time.Minute, "Maximum", w.name)))
	}
	o.sums("FunctionsThrottled", "FunctionsThrottled", "Lambda does not run functions as often as they are invoked", throttles)
	o.slowest(shares)

	throttled := make([]awscloudwatch.IMetric, len(o.functions))
	for i, w := range o.functions {
		throttled[i] = w.metric("Throttles", over(time.Minute, "Sum", w.name))
	}
	o.row("Functions",
		graph{title: "Errors by step and function", left: errors},
		graph{title: "Duration of invocations, p99", left: durations, unit: "ms"},
		graph{title: "Invocations at the same time", left: busy},
		graph{title: "Throttled by Lambda", left: throttled})
}

// sums makes an alarm if the sum of metrics is above 0 for a quarter of an hour: whoever is throttled tries
// again, so that a moment of it does no harm. An alarm of more metrics than it can have becomes several.
func (o *Operations) sums(id, section, says string, metrics []awscloudwatch.IMetric) {
	for i, part := range slices.Collect(slices.Chunk(metrics, most)) {
		partID := id
		if i > 0 {
			partID = fmt.Sprintf("%s%d", id, i+1)
		}
		terms := strings.Repeat("+%s", len(part))[1:]
		o.alarm(rule{id: partID, section: section, says: says, periods: 3, metric: expression(terms, step, "all", part...)})
	}
}

// slowest makes an alarm of the share of its timeout that the slowest function takes.
func (o *Operations) slowest(metrics []awscloudwatch.IMetric) {
	var timed []*watched
	for _, w := range o.functions {
		if w.timeout > 0 {
			timed = append(timed, w)
		}
	}
	for i, part := range slices.Collect(slices.Chunk(timed, most)) {
		id := "FunctionsSlow"
		if i > 0 {
			id = fmt.Sprintf("%s%d", id, i+1)
		}
		var terms []string
		for _, w := range part {
			terms = append(terms, fmt.Sprintf("%%s/%d", w.timeout.Milliseconds()))
		}
		o.alarm(rule{
			id: id, section: "FunctionsSlow", periods: 3, above: o.Thresholds.Duration,
			says:   "A function takes almost as long as it may, and will be ended before it is done",
			metric: expression("MAX(["+strings.Join(terms, ",")+"])", step, "share of the timeout", metrics[i*most:i*most+len(part)]...),
		})
	}
}
