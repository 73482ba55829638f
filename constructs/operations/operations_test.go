package operations_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awscloudwatch"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssns"
	"github.com/aws/jsii-runtime-go"
	"github.com/google/go-cmp/cmp"

	"github.com/orderflow-cdk/orderflow/constructs/asyncapi"
	"github.com/orderflow-cdk/orderflow/constructs/internal/cdktest"
	"github.com/orderflow-cdk/orderflow/constructs/operations"
	"github.com/orderflow-cdk/orderflow/constructs/orderworkflow"
	"github.com/orderflow-cdk/orderflow/constructs/statusnotifier"
)

// flow is a stack with everything that can be watched.
type flow struct {
	stack    awscdk.Stack
	api      *asyncapi.AsyncApi
	workflow *orderworkflow.OrderWorkflow
	status   *statusnotifier.StatusNotifier
}

func newFlow(edit func(f *flow, steps *[]orderworkflow.Step, outbox *statusnotifier.Outbox)) *flow {
	f := &flow{stack: cdktest.Stack()}
	steps := []orderworkflow.Step{
		{Name: "Reserve", Status: "RESERVED", Rejections: []string{"OutOfStock"}, Timeout: 20 * time.Second,
			Run: orderworkflow.Function(function(f.stack, "Reserve", 10*time.Second)), Compensation: orderworkflow.Function(function(f.stack, "Release", 10*time.Second))},
		{Name: "Ship", Status: "SHIPPED", Run: orderworkflow.Function(function(f.stack, "Ship", 15*time.Second)), Compensation: orderworkflow.NoCompensation},
	}
	outbox := &statusnotifier.Outbox{Function: function(f.stack, "Notify", 30*time.Second)}
	if edit != nil {
		edit(f, &steps, outbox)
	}
	f.workflow = orderworkflow.New(f.stack, "Workflow", orderworkflow.Props{Steps: steps})
	f.api = asyncapi.New(f.stack, "Api", asyncapi.Props{
		Authorizer: asyncapi.IAM(asyncapi.TenantAccount), Consumer: function(f.stack, "Intake", 40*time.Second), MaxConcurrency: 20,
		Throttle: asyncapi.Throttle{Rate: 100, Burst: 200},
	})
	f.status = statusnotifier.New(f.stack, "Status", statusnotifier.Props{
		API: f.api, Table: f.workflow.Table, Final: f.workflow.Final(), Outbox: outbox, Topic: &statusnotifier.Topic{},
		SignedWebhooks: &statusnotifier.SignedWebhooks{Deliver: function(f.stack, "Deliver", 30*time.Second), Manage: function(f.stack, "Manage", 10*time.Second)},
	})
	return f
}

func (f *flow) all() operations.Props {
	return operations.Props{API: f.api, Workflow: f.workflow, Status: f.status, Namespace: "shop"}
}

// ids are those of the alarms, without what the CDK adds.
func ids(template cdktest.Template) []string {
	var all []string
	for _, r := range append(template.All("AWS::CloudWatch::Alarm", ""), template.All("AWS::CloudWatch::CompositeAlarm", "")...) {
		all = append(all, strings.TrimPrefix(r.ID[:len(r.ID)-8], "Operations"))
	}
	slices.Sort(all)
	return all
}

var (
	ofAPI       = []string{"DeadLetters", "OldestMessage", "QueueInFlight", "ServerErrors", "RequestsNearLimit", "IntakeErrors", "IntakeBusy"}
	ofWorkflow  = []string{"Stalled", "OrdersFailed", "OrdersSlow", "ExecutionsFailed", "ExecutionsTimedOut", "ExecutionsAborted", "ExecutionsThrottled", "ReleaseErrors", "ShipErrors"}
	ofStatus    = []string{"OutboxFailures", "OutboxAge", "SubscriptionDeadLetters", "WebhookDeadLetters", "WebhooksWaiting", "NotifyErrors", "DeliverErrors", "ManageErrors", "DeliverBusy"}
	ofFunctions = []string{"FunctionsSlow", "FunctionsThrottled"}
)

func TestWhatIsWatchedDecidesTheAlarms(t *testing.T) {
	together := func(parts ...[]string) []string {
		all := slices.Concat(parts...)
		slices.Sort(all)
		return all
	}
	for _, c := range []struct {
		name  string
		props func(*flow) operations.Props
		want  []string
	}{
		{"API", func(f *flow) operations.Props { return operations.Props{API: f.api} }, together(ofAPI, ofFunctions, []string{"NotFlowing"})},
		{"workflow", func(f *flow) operations.Props { return operations.Props{Workflow: f.workflow} },
			together(ofWorkflow, ofFunctions, []string{"TablesThrottled", "NotFlowing"})},
		{"status", func(f *flow) operations.Props { return operations.Props{Status: f.status} }, together(ofStatus, ofFunctions, []string{"TablesThrottled"})},
		{"all without a namespace", func(f *flow) operations.Props {
			p := f.all()
			p.Namespace = ""
			return p
		}, together(ofAPI, ofWorkflow, ofStatus, ofFunctions, []string{"TablesThrottled", "NotFlowing", "OutboxSilent"})},
		{"all", func(f *flow) operations.Props { return f.all() },
			together(ofAPI, ofWorkflow, ofStatus, ofFunctions, []string{"TablesThrottled", "NotFlowing", "OutboxSilent", "OrdersRejected", "RequestsThrottled", "EventsUntellable", "WebhooksLate"})},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := newFlow(nil)
			operations.New(f.stack, "Operations", c.props(f))
			template := cdktest.Synth(t, f.stack)
			if diff := cmp.Diff(c.want, ids(template)); diff != "" {
				t.Errorf("alarms (-want +got)\n%s", diff)
			}
			if got := len(template.All("AWS::CloudWatch::Dashboard", "")); got != 1 {
				t.Errorf("%d dashboards", got)
			}
			for _, function := range template.All("AWS::Lambda::Function", "") {
				counts := function.Text("Environment", "Variables", "COUNTED_ENDS")
				want := ""
				if c.name == "all" && strings.HasPrefix(function.ID, "Notify") {
					want = "SHIPPED,REJECTED,FAILED,CANCELLED"
				}
				if counts != want {
					t.Errorf("%s counts %q, want %q", function.ID, counts, want)
				}
			}
		})
	}
}

func TestThresholdsFollowFromTheSettings(t *testing.T) {
	for _, c := range []struct {
		name string
		edit func(f *flow, steps *[]orderworkflow.Step, outbox *statusnotifier.Outbox)
		with operations.Thresholds
		want func(*operations.Thresholds)
	}{
		{"defaults", nil, operations.Thresholds{}, func(*operations.Thresholds) {}},
		{"slow steps", func(_ *flow, steps *[]orderworkflow.Step, outbox *statusnotifier.Outbox) {
			(*steps)[0].Timeout = 10 * time.Minute
			outbox.MaxRecordAge = 10 * time.Minute
		}, operations.Thresholds{}, func(w *operations.Thresholds) {
			w.Stalled, w.Completion, w.ChannelLag = 25*time.Minute, 10*time.Minute+30*time.Second, 5*time.Minute
		}},
		{"steps that wait for people", func(_ *flow, steps *[]orderworkflow.Step, _ *statusnotifier.Outbox) {
			(*steps)[1].Timeout = 72 * time.Hour
		}, operations.Thresholds{}, func(w *operations.Thresholds) { w.Stalled, w.Completion = 0, 72*time.Hour+20*time.Second }},
		{"given", nil, operations.Thresholds{OldestOrder: time.Hour, Failed: 0.2, InFlight: 7}, func(w *operations.Thresholds) {
			w.OldestOrder, w.Failed, w.InFlight = time.Hour, 0.2, 7
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			want := operations.Thresholds{
				OldestOrder: 8 * time.Minute, // 2 × 6 × 40 s
				InFlight:    80_000, Stalled: 15 * time.Minute, ServerErrors: 0.01, Load: 0.8, Failed: 0.05, Rejected: 0.5, MinOrders: 10,
				Completion: time.Minute, ChannelLag: 15 * time.Minute, WebhookLag: time.Minute, Duration: 0.8, Concurrency: 0.9,
			}
			c.want(&want)
			f := newFlow(c.edit)
			props := f.all()
			props.Thresholds = c.with
			o := operations.New(f.stack, "Operations", props)
			if diff := cmp.Diff(want, o.Thresholds); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
			template := cdktest.Synth(t, f.stack)
			if got := template.One(t, "AWS::CloudWatch::Alarm", "OperationsOldestMessage").Get("Threshold"); got != want.OldestOrder.Seconds() {
				t.Errorf("OldestMessage begins at %v", got)
			}
			if got := len(template.All("AWS::CloudWatch::Alarm", "OperationsStalled")) == 1; got != (want.Stalled > 0) {
				t.Errorf("there is an alarm Stalled: %v", got)
			}
		})
	}
}

// A step that rejects orders by errors has no alarm of Lambda's Errors, but one of a metric of its own.
func TestErrorsOfStepsThatReject(t *testing.T) {
	f := newFlow(nil)
	props := f.all()
	own := awscloudwatch.NewMetric(&awscloudwatch.MetricProps{Namespace: jsii.String("shop"), MetricName: jsii.String("Broken")})
	props.Errors = map[string]awscloudwatch.Metric{"Reserve": own}
	operations.New(f.stack, "Operations", props)
	template := cdktest.Synth(t, f.stack)
	for prefix, want := range map[string]string{"OperationsReserveErrors": "shop Broken", "OperationsShipErrors": "AWS/Lambda Errors"} {
		a := template.One(t, "AWS::CloudWatch::Alarm", prefix)
		if got := a.Text("Namespace") + " " + a.Text("MetricName"); got != want {
			t.Errorf("%s looks at %s, want %s", prefix, got, want)
		}
	}
}

// Of an alias the whole function is watched, once, and under its own name.
func TestAliasesAreTheirFunctions(t *testing.T) {
	f := newFlow(func(f *flow, steps *[]orderworkflow.Step, _ *statusnotifier.Outbox) {
		pack := function(f.stack, "Pack", 12*time.Second)
		live := awslambda.NewAlias(f.stack, jsii.String("Live"), &awslambda.AliasProps{AliasName: jsii.String("live"), Version: pack.CurrentVersion()})
		(*steps)[1].Run = orderworkflow.Function(live)
		(*steps)[1].Compensation = orderworkflow.Function(pack)
	})
	operations.New(f.stack, "Operations", f.all())
	template := cdktest.Synth(t, f.stack)
	a := template.One(t, "AWS::CloudWatch::Alarm", "OperationsPackErrors")
	if got := a.Text("Dimensions"); strings.Contains(got, "live") || !strings.Contains(got, `"Ref":"Pack`) || strings.Count(got, "Value") != 1 {
		t.Errorf("the dimensions are %s", got)
	}
}

// An alarm looks at no more than ten metrics.
func TestManyFunctionsShareSeveralAlarms(t *testing.T) {
	f := newFlow(nil)
	props := f.all()
	for i := range 15 {
		props.Functions = append(props.Functions, function(f.stack, fmt.Sprint("More", i), time.Duration(i+1)*time.Second))
	}
	operations.New(f.stack, "Operations", props)
	template := cdktest.Synth(t, f.stack)
	for _, prefix := range []string{"OperationsFunctionsSlow", "OperationsFunctionsThrottled"} {
		found := template.All("AWS::CloudWatch::Alarm", prefix)
		watched := 0
		for _, a := range found {
			n := len(a.Get("Metrics").([]any)) - 1
			if n > 10 {
				t.Errorf("%s looks at %d metrics", a.ID, n)
			}
			watched += n
		}
		if len(found) != 3 || watched != 22 {
			t.Errorf("%s: %d alarms look at %d functions, want 3 at 22", prefix, len(found), watched)
		}
	}
}

func TestEveryAlarmNotifiesTheTopicThatWasGiven(t *testing.T) {
	f := newFlow(nil)
	props := f.all()
	props.Topic = awssns.NewTopic(f.stack, jsii.String("Pager"), nil)
	props.NoDashboard = true
	props.Runbook = "https://wiki.example/orders"
	operations.New(f.stack, "Operations", props)
	template := cdktest.Synth(t, f.stack)
	if len(template.All("AWS::KMS::Key", "")) > 0 || len(template.All("AWS::CloudWatch::Dashboard", "")) > 0 {
		t.Error("there is a key or a dashboard")
	}
	for _, a := range append(template.All("AWS::CloudWatch::Alarm", ""), template.All("AWS::CloudWatch::CompositeAlarm", "")...) {
		for _, when := range []string{"AlarmActions", "OKActions"} {
			if got := a.Text(when, 0); !strings.HasPrefix(got, "{Pager") {
				t.Errorf("%s: %s is %s", a.ID, when, got)
			}
		}
		if got := a.Text("AlarmDescription"); !strings.Contains(got, ". What to do: https://wiki.example/orders#") {
			t.Errorf("%s: %s", a.ID, got)
		}
		if a.Type == "AWS::CloudWatch::Alarm" && a.Text("TreatMissingData") != "notBreaching" {
			t.Errorf("%s takes missing data for %s", a.ID, a.Text("TreatMissingData"))
		}
	}
}

func TestGraphsOfOnesOwn(t *testing.T) {
	f := newFlow(nil)
	props := f.all()
	stock := awscloudwatch.NewMetric(&awscloudwatch.MetricProps{Namespace: jsii.String("shop"), MetricName: jsii.String("Stock")})
	props.Graphs = []operations.Graph{{Title: "Stock", Left: []awscloudwatch.IMetric{stock}}}
	operations.New(f.stack, "Operations", props)
	body := cdktest.Text(cdktest.Synth(t, f.stack).One(t, "AWS::CloudWatch::Dashboard", "").Get("DashboardBody"))
	var dashboard struct {
		Widgets []struct {
			Properties struct {
				Title   string
				Metrics [][]any
			}
		}
	}
	if err := json.Unmarshal([]byte(body), &dashboard); err != nil {
		t.Fatal(err)
	}
	last := dashboard.Widgets[len(dashboard.Widgets)-1].Properties
	if last.Title != "Stock" || len(last.Metrics) != 1 || last.Metrics[0][1] != "Stock" {
		t.Errorf("the last graph is %+v", last)
	}
}

func TestWhatIsWrongIsRefused(t *testing.T) {
	for want, edit := range map[string]func(*operations.Props){
		`namespace must be letters, digits and .-_/#, and not begin with AWS/, got "AWS/Mine"`: func(p *operations.Props) { p.Namespace = "AWS/Mine" },
		"graph 1 must have a title and metrics on its left":                                    func(p *operations.Props) { p.Graphs = []operations.Graph{{Title: "x"}} },
		"threshold in flight must be below the 120000 that SQS allows, got 120000":             func(p *operations.Props) { p.Thresholds.InFlight = 120_000 },
		"threshold oldest order must not be negative, got -1s":                                 func(p *operations.Props) { p.Thresholds.OldestOrder = -time.Second },
		"threshold load must be a share above 0, and at most 1, got 1.5":                       func(p *operations.Props) { p.Thresholds.Load = 1.5 },
		"threshold duration must be a share above 0 and below 1, got 1":                        func(p *operations.Props) { p.Thresholds.Duration = 1 },
		"threshold min orders must not be negative, got -1":                                    func(p *operations.Props) { p.Thresholds.MinOrders = -1 },
		"threshold stalled must be a multiple of 5m0s, up to 24h0m0s, got 25h0m0s":             func(p *operations.Props) { p.Thresholds.Stalled = 25 * time.Hour },
	} {
		props := operations.Props{API: &asyncapi.AsyncApi{}}
		if err := props.Validate(); err != nil {
			t.Fatal(err)
		}
		edit(&props)
		if got := fmt.Sprint(props.Validate()); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
	f := newFlow(nil)
	props := f.all()
	props.Errors = map[string]awscloudwatch.Metric{"Shp": nil}
	for id, c := range map[string]struct {
		props operations.Props
		want  string
	}{
		"Nothing": {operations.Props{Thresholds: operations.Thresholds{Failed: 2}},
			"operations: Stack/Nothing: API, workflow or status must be given: there is nothing to watch; threshold failed must be a share above 0 and below 1, got 2"},
		"Unknown": {props, `operations: Stack/Unknown: Props.Errors has "Shp", which is none of Intake, Reserve, Release, Ship, Notify, Deliver, Manage`},
	} {
		func() {
			defer func() {
				if got := recover(); got != c.want {
					t.Errorf("got  %v\nwant %s", got, c.want)
				}
			}()
			operations.New(f.stack, id, c.props)
		}()
	}
}
