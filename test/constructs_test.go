package test

import (
	"path/filepath"
	"sync"
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
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"github.com/orderflow-cdk/orderflow/constructs/asyncapi"
	"github.com/orderflow-cdk/orderflow/constructs/gofunction"
	"github.com/orderflow-cdk/orderflow/constructs/orderworkflow"
	"github.com/orderflow-cdk/orderflow/constructs/statusnotifier"
	"github.com/orderflow-cdk/orderflow/internal/suppress"
)

// A scenario is a stack with constructs in a configuration that the app does not have.
type scenario struct {
	name  string
	build func(awscdk.Stack)
}

func newScenarios(t testing.TB) []scenario {
	t.Helper()
	assets := bootstraps(t)
	function := func(s awscdk.Stack, id string) awslambda.Function {
		return gofunction.New(s, id, gofunction.Props{Name: "ship", AssetDir: filepath.Join(assets, "arm64", "ship")}).Function
	}
	return []scenario{
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
			backlog := awssqs.NewQueue(s, jsii.String("Queue"), &awssqs.QueueProps{
				EnforceSSL: jsii.Bool(true), Encryption: awssqs.QueueEncryption_SQS_MANAGED, VisibilityTimeout: awscdk.Duration_Minutes(jsii.Number(1)),
				DeadLetterQueue: &awssqs.DeadLetterQueue{Queue: plainQueue(s, "Dead"), MaxReceiveCount: jsii.Number(3)},
			})
			slow.AddRollbackAlarm(backlog.MetricApproximateNumberOfMessagesVisible(nil).CreateAlarm(s, jsii.String("Backlog"), &awscloudwatch.CreateAlarmOptions{
				Threshold: jsii.Number(1000), EvaluationPeriods: jsii.Number(1)}))
			slow.Live.AddEventSource(awslambdaeventsources.NewSqsEventSource(backlog, &awslambdaeventsources.SqsEventSourceProps{ReportBatchItemFailures: jsii.Bool(true)}))
			w := orderworkflow.New(s, "Orders", orderworkflow.Props{Steps: []orderworkflow.Step{{
				Name: "Ship", Status: "COMPLETED", Run: orderworkflow.Function(quick.Live), Compensation: orderworkflow.NoCompensation,
			}}})
			api := asyncapi.New(s, "Api", asyncapi.Props{
				Authorizer: asyncapi.LambdaAuthorizer(quick.Live, "tenant"), Consumer: add("Intake", gofunction.Canary(10, 5*time.Minute)).Live,
			})
			acceptOn(api.Stage, noFirewall)
			statusnotifier.New(s, "Status", statusnotifier.Props{
				API: api, Table: w.Table, Outbox: &statusnotifier.Outbox{Function: add("Notify", gofunction.Canary(25, 10*time.Minute)).Live},
				Topic: &statusnotifier.Topic{},
			}).AddFunctionSubscription(add("Mail", gofunction.Linear(10, time.Minute)).Live, statusnotifier.Filter{})
		}},
		{"workflow that waits for approval", func(s awscdk.Stack) {
			queue := otherQueue(s, "Approvals")
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
			acceptOnMethods(api, suppress.Rule{ID: "AwsSolutions-APIG4", Reason: "callers are known by their API keys: a stack with these has to accept that by itself"},
				suppress.Rule{ID: "AwsSolutions-COG4", Reason: "callers are known by their API keys: a stack with these has to accept that by itself"})
			acceptOn(api.Stage, noFirewall)
		}},
		{"topic and websocket with every option", func(s awscdk.Stack) {
			w := orderworkflow.New(s, "Orders", orderworkflow.Props{Steps: []orderworkflow.Step{{
				Name: "Ship", Status: "COMPLETED", Run: orderworkflow.Function(function(s, "Ship")), Compensation: orderworkflow.NoCompensation,
			}}})
			api := asyncapi.New(s, "Api", asyncapi.Props{
				Authorizer: asyncapi.IAM(asyncapi.TenantAccount), Consumer: function(s, "Intake"), WebACL: &asyncapi.WebACL{},
			})
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
			status.AddQueueSubscription(otherQueue(s, "Invoices"), statusnotifier.Filter{Types: []string{"order.completed"}})
			status.AddFunctionSubscription(function(s, "Mail"), statusnotifier.Filter{})
		}},
	}
}

var noFirewall = suppress.Rule{ID: "AwsSolutions-APIG3", Reason: "a firewall is for the stack to choose, and this one has none"}

// otherQueue stands for a queue that has nothing to do with the constructs.
func otherQueue(s awscdk.Stack, id string) awssqs.Queue {
	queue := plainQueue(s, id)
	acceptOn(queue, suppress.Rule{ID: "AwsSolutions-SQS3", Reason: "it stands for a queue of somebody else, who takes messages off it"})
	return queue
}

func plainQueue(s awscdk.Stack, id string) awssqs.Queue {
	return awssqs.NewQueue(s, &id, &awssqs.QueueProps{EnforceSSL: jsii.Bool(true), Encryption: awssqs.QueueEncryption_SQS_MANAGED})
}

func acceptOn(construct constructs.IConstruct, rules ...suppress.Rule) {
	suppress.Nag(construct.Node().DefaultChild().(awscdk.CfnResource), rules...)
}

func acceptOnMethods(api *asyncapi.AsyncApi, rules ...suppress.Rule) {
	for _, method := range *api.Api.Methods() {
		acceptOn(method, rules...)
	}
}

var built struct {
	once  sync.Once
	names []string
	all   map[string]*synthesis
}

// scenarios returns what comes of each of them, by name.
func scenarios(t testing.TB) map[string]*synthesis {
	t.Helper()
	built.once.Do(func() {
		all := map[string]*synthesis{}
		for _, s := range newScenarios(t) {
			built.names = append(built.names, s.name)
			all[s.name] = synthesizeStack(t, nag, s.build)
		}
		built.all = all
	})
	if built.all == nil {
		t.Fatal("a scenario could not be synthesized: see the first test that failed")
	}
	return built.all
}
