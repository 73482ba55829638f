package test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awscloudwatch"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awskms"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambdaeventsources"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslogs"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssqs"
	"github.com/aws/jsii-runtime-go"
	"github.com/google/go-cmp/cmp"

	"github.com/orderflow-cdk/orderflow/constructs/asyncapi"
	"github.com/orderflow-cdk/orderflow/constructs/gofunction"
	"github.com/orderflow-cdk/orderflow/constructs/orderworkflow"
	"github.com/orderflow-cdk/orderflow/constructs/statusnotifier"
	"github.com/orderflow-cdk/orderflow/infra/app"
)

func TestSnapshotsOfTheApp(t *testing.T) {
	for _, env := range app.Environments() {
		name := "orderflow-" + env.Name
		t.Run(env.Name, func(t *testing.T) {
			compare(t, filepath.Join("..", "internal", "snapshot", name+".template.json"), stacks(t)[name])
		})
	}
}

func TestSnapshotsOfScenarios(t *testing.T) {
	assets := bootstraps(t)
	function := func(s awscdk.Stack, id string) awslambda.Function {
		return gofunction.New(s, id, gofunction.Props{Name: "ship", AssetDir: filepath.Join(assets, "arm64", "ship")}).Function
	}
	for _, scenario := range []struct {
		name  string
		build func(awscdk.Stack)
	}{
		{"function with every option", func(s awscdk.Stack) {
			gofunction.New(s, "Ship", gofunction.Props{
				Name: "ship", AssetDir: filepath.Join(assets, "x86_64", "ship"), Architecture: gofunction.X8664,
				Memory: 1024, Timeout: time.Minute, Environment: map[string]string{"A_NAME": "a value"},
				LogLevel: gofunction.Warn, LogRetention: awslogs.RetentionDays_ONE_DAY,
				RemovalPolicy: awscdk.RemovalPolicy_DESTROY, ReservedConcurrency: 7, NoTracing: true,
			})
		}},
		{"functions that roll out", func(s awscdk.Stack) {
			add := func(id string, r gofunction.Rollout) *gofunction.GoFunction {
				return gofunction.New(s, id, gofunction.Props{Name: "ship", AssetDir: filepath.Join(assets, "arm64", "ship"), Rollout: r})
			}
			slow, quick := add("Slow", gofunction.Linear(20, 7*time.Minute)), add("Quick", gofunction.AllAtOnce())
			add("Slow2", gofunction.Linear(20, 7*time.Minute)) // by the same configuration
			backlog := awssqs.NewQueue(s, jsii.String("Queue"), nil)
			slow.AddRollbackAlarm(backlog.MetricApproximateNumberOfMessagesVisible(nil).CreateAlarm(s, jsii.String("Backlog"), &awscloudwatch.CreateAlarmOptions{
				Threshold: jsii.Number(1000), EvaluationPeriods: jsii.Number(1)}))
			slow.Live.AddEventSource(awslambdaeventsources.NewSqsEventSource(backlog, nil))
			w := orderworkflow.New(s, "Orders", orderworkflow.Props{Steps: []orderworkflow.Step{{
				Name: "Ship", Status: "COMPLETED", Run: orderworkflow.Function(quick.Live), Compensation: orderworkflow.NoCompensation,
			}}})
			api := asyncapi.New(s, "Api", asyncapi.Props{
				Authorizer: asyncapi.LambdaAuthorizer(quick.Live, "tenant"), Consumer: add("Intake", gofunction.Canary(10, 5*time.Minute)).Live,
			})
			statusnotifier.New(s, "Status", statusnotifier.Props{
				API: api, Table: w.Table, Outbox: &statusnotifier.Outbox{Function: add("Notify", gofunction.Canary(25, 10*time.Minute)).Live},
				Topic: &statusnotifier.Topic{},
			}).AddFunctionSubscription(add("Mail", gofunction.Linear(10, time.Minute)).Live, statusnotifier.Filter{})
		}},
		{"workflow that waits for approval", func(s awscdk.Stack) {
			queue := awssqs.NewQueue(s, jsii.String("Approvals"), nil)
			orderworkflow.New(s, "Orders", orderworkflow.Props{Steps: []orderworkflow.Step{{
				Name: "Approve", Status: "APPROVED", WaitForCallback: true, Timeout: 72 * time.Hour, Heartbeat: time.Hour,
				Run: orderworkflow.Integration(orderworkflow.ServiceIntegration{
					Resource: "arn:aws:states:::sqs:sendMessage",
					Arguments: map[string]any{
						"QueueUrl":    *queue.QueueUrl(),
						"MessageBody": "{% $states.context.Task.Token %}",
					},
					Permissions: []awsiam.PolicyStatement{awsiam.NewPolicyStatement(&awsiam.PolicyStatementProps{
						Actions: jsii.Strings("sqs:SendMessage"), Resources: jsii.Strings(*queue.QueueArn()),
					})},
				}),
				Compensation: orderworkflow.NoCompensation,
				Retry:        orderworkflow.Retry{MaxAttempts: -1},
				Rejections:   []string{"NotApproved"},
			}, {
				Name: "Ship", Status: "COMPLETED",
				Run: orderworkflow.Function(function(s, "Ship")), Compensation: orderworkflow.NoCompensation,
			}}})
		}},
		{"express flow of a FIFO queue with API keys", func(s awscdk.Stack) {
			w := orderworkflow.New(s, "Orders", orderworkflow.Props{
				Kind: orderworkflow.Express,
				Steps: []orderworkflow.Step{{
					Name: "Ship", Status: "COMPLETED",
					Run: orderworkflow.Function(function(s, "Ship")), Compensation: orderworkflow.Function(function(s, "Return")),
				}},
			})
			api := asyncapi.New(s, "Api", asyncapi.Props{
				Authorizer: asyncapi.APIKey(asyncapi.Plan{PerDay: 1000}),
				Queue:      asyncapi.FIFO(asyncapi.GroupByOrder),
				Consumer:   function(s, "Intake"),
			})
			statusnotifier.New(s, "Status", statusnotifier.Props{API: api, Table: w.Table})
		}},
		{"topic and websocket with every option", func(s awscdk.Stack) {
			w := orderworkflow.New(s, "Orders", orderworkflow.Props{Steps: []orderworkflow.Step{{
				Name: "Ship", Status: "COMPLETED", Run: orderworkflow.Function(function(s, "Ship")), Compensation: orderworkflow.NoCompensation,
			}}})
			api := asyncapi.New(s, "Api", asyncapi.Props{Authorizer: asyncapi.IAM(asyncapi.TenantAccount), Consumer: function(s, "Intake")})
			status := statusnotifier.New(s, "Status", statusnotifier.Props{
				API: api, Table: w.Table,
				Outbox: &statusnotifier.Outbox{
					Function: function(s, "Notify"), BatchSize: 50, BatchingWindow: time.Second, Parallelization: 2, RetryAttempts: 20,
					MaxRecordAge: 6 * time.Hour, RemovalPolicy: awscdk.RemovalPolicy_DESTROY,
				},
				Topic: &statusnotifier.Topic{
					Key: awskms.NewKey(s, jsii.String("Key"), &awskms.KeyProps{EnableKeyRotation: jsii.Bool(true)}),
					HTTPS: []statusnotifier.HTTPSSubscription{{
						ID: "Erp", URL: "https://erp.example/orders", Raw: true,
						Filter: statusnotifier.Filter{Tenants: []string{"acme"}, Statuses: []string{"COMPLETED", "FAILED"}},
						Delivery: statusnotifier.Delivery{
							Retries: 20, ImmediateRetries: 1, MinDelayRetries: 4, MaxDelayRetries: 5, MinDelay: 5 * time.Second,
							MaxDelay: 2 * time.Minute, Backoff: statusnotifier.Geometric, MaxPerSecond: 10,
						},
					}},
					RemovalPolicy: awscdk.RemovalPolicy_DESTROY,
				},
				WebSocket: &statusnotifier.WebSocket{
					Authorizer:    statusnotifier.GraphQLIAM(asyncapi.TenantAccount),
					Introspection: true, NoTracing: true, LogRetention: awslogs.RetentionDays_ONE_DAY, RemovalPolicy: awscdk.RemovalPolicy_DESTROY,
				},
			})
			status.AddQueueSubscription(awssqs.NewQueue(s, jsii.String("Invoices"), nil), statusnotifier.Filter{Types: []string{"order.completed"}})
			status.AddFunctionSubscription(function(s, "Mail"), statusnotifier.Filter{})
		}},
	} {
		t.Run(scenario.name, func(t *testing.T) {
			compare(t, filepath.Join("testdata", filename(scenario.name)), synth(t, scenario.build))
		})
	}
}

func filename(name string) string {
	b := []byte(name)
	for i, c := range b {
		if c == ' ' {
			b[i] = '-'
		}
	}
	return string(b) + ".json"
}

func compare(t *testing.T, file string, got template) {
	t.Helper()
	text := got.text(t)
	if *update {
		if err := os.WriteFile(file, text, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatalf("%v (write it with: go test ./test -update)", err)
	}
	if diff := cmp.Diff(parse(t, b), got); diff != "" {
		t.Errorf("%s is not what is synthesized now; if that is meant, run go test ./test -update:\n%s", file, diff)
	} else if string(b) != string(text) {
		t.Errorf("%s says the same as what is synthesized now, but in another form; run go test ./test -update", file)
	}
}
