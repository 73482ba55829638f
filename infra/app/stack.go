package app

import (
	"path/filepath"
	"strconv"
	"time"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsdynamodb"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssecretsmanager"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"github.com/orderflow-cdk/orderflow/constructs/asyncapi"
	"github.com/orderflow-cdk/orderflow/constructs/gofunction"
	"github.com/orderflow-cdk/orderflow/constructs/orderworkflow"
	"github.com/orderflow-cdk/orderflow/constructs/statusnotifier"
	"github.com/orderflow-cdk/orderflow/internal/config"
	"github.com/orderflow-cdk/orderflow/internal/handler"
	"github.com/orderflow-cdk/orderflow/internal/order"
)

// stack is the order flow of one environment, as far as it is made.
type stack struct {
	awscdk.Stack
	env    Environment
	assets string

	functions                              []*gofunction.GoFunction
	inventory                              awsdynamodb.Table
	secret                                 awssecretsmanager.Secret // nil with the sandbox
	intake                                 *gofunction.GoFunction
	reserve, charge, ship, release, refund *gofunction.GoFunction
	workflow                               *orderworkflow.OrderWorkflow
	identity                               identity
	api                                    *asyncapi.AsyncApi
	notify, deliver, manage                *gofunction.GoFunction
	notifyGraphQL                          *gofunction.GoFunction // nil unless channels are separate
	status                                 *statusnotifier.StatusNotifier
}

func newStack(scope constructs.Construct, env Environment, assets string) {
	name := "orderflow-" + env.Name
	s := &stack{env: env, assets: assets}
	props := &awscdk.StackProps{
		Description:           jsii.String("Order flow, " + env.Name),
		TerminationProtection: jsii.Bool(env.DeletionProtection),
		Tags:                  &map[string]*string{"app": jsii.String("orderflow"), "environment": jsii.String(env.Name)},
	}
	if env.Account != "" {
		props.Env = &awscdk.Environment{Account: jsii.String(env.Account), Region: jsii.String(env.Region)}
	}
	s.Stack = awscdk.NewStack(scope, jsii.String(name), props)
	s.makeInventory()
	s.makeSteps()
	s.makeWorkflow()
	s.makeIntake()
	s.identity = newIdentity(s)
	s.makeAPI()
	s.makeStatus()
	topic := s.makeAlarms()
	s.guardRollouts(topic)
	s.acceptFindings()

	s.output("ApiUrl", s.api.Api.Url())
	s.output("UserPoolId", s.identity.users.UserPoolId())
	s.output("UserPoolClientId", s.identity.client.UserPoolClientId())
	s.output("OrdersTableName", s.workflow.Table.TableName())
	s.output("InventoryTableName", s.inventory.TableName())
	s.output("StateMachineArn", s.workflow.StateMachine.StateMachineArn())
	s.output("DeadLetterQueueUrl", s.api.DeadLetterQueue.QueueUrl())
	s.output("OutboxFailureQueueUrl", s.status.OutboxFailures.QueueUrl())
	s.output("StatusTopicArn", s.status.Topic.TopicArn())
	s.output("SubscriptionDeadLetterQueueUrl", s.status.SubscriptionDeadLetters.QueueUrl())
	s.output("WebhooksTableName", s.status.WebhooksTable.TableName())
	s.output("WebhooksDeadLetterQueueUrl", s.status.DeliveryDeadLetters.QueueUrl())
	s.output("GraphQLUrl", s.status.GraphQL.GraphqlUrl())
	s.output("GraphQLRealtimeUrl", s.status.GraphQLRealtimeURL())
	if topic != nil {
		s.output("AlarmTopicArn", topic.TopicArn())
	}
	if s.secret != nil {
		s.output("PaymentSecretArn", s.secret.SecretArn())
	}
}

func (s *stack) output(id string, value *string) {
	awscdk.NewCfnOutput(s.Stack, jsii.String(id), &awscdk.CfnOutputProps{Value: value})
}

// makeInventory makes the table of package internal/dynamo's Inventory.
func (s *stack) makeInventory() {
	s.inventory = awsdynamodb.NewTable(s.Stack, jsii.String("Inventory"), &awsdynamodb.TableProps{
		PartitionKey:        &awsdynamodb.Attribute{Name: jsii.String("pk"), Type: awsdynamodb.AttributeType_STRING},
		BillingMode:         awsdynamodb.BillingMode_PAY_PER_REQUEST,
		TimeToLiveAttribute: jsii.String("expiresAt"),
		DeletionProtection:  jsii.Bool(s.env.DeletionProtection),
		PointInTimeRecoverySpecification: &awsdynamodb.PointInTimeRecoverySpecification{
			PointInTimeRecoveryEnabled: jsii.Bool(s.env.PointInTimeRecovery),
		},
		RemovalPolicy: s.env.RemovalPolicy,
	})
}

// function adds a function with the environment variables that all have, and
// its own. The ids are part of the logical ids.
func (s *stack) function(id, name string, timeout time.Duration, environment map[string]string) *gofunction.GoFunction {
	return s.add(id, gofunction.Props{Name: name, Timeout: timeout, Environment: environment})
}

func (s *stack) add(id string, p gofunction.Props) *gofunction.GoFunction {
	p.Environment[config.LogLevel] = string(s.env.LogLevel)
	p.Environment[config.MetricsNamespace] = s.metricsNamespace()
	p.AssetDir = filepath.Join(s.assets, string(s.env.Architecture), p.Name)
	p.Architecture = s.env.Architecture
	p.LogLevel = s.env.LogLevel
	p.LogRetention = s.env.LogRetention
	p.RemovalPolicy = s.env.RemovalPolicy
	p.Rollout = s.env.Rollout
	f := gofunction.New(s.Stack, id, p)
	s.functions = append(s.functions, f)
	return f
}

// step adds a function that rejects orders by failing, so that its errors alone do not tell a bad
// version from a sold-out product; what does is in guardRollouts.
func (s *stack) step(id, name string, timeout time.Duration, environment map[string]string) *gofunction.GoFunction {
	p := gofunction.Props{Name: name, Timeout: timeout, Environment: environment}
	if !s.env.Rollout.IsZero() {
		p.ErrorPercent = 50
	}
	return s.add(id, p)
}

func (s *stack) metricsNamespace() string { return "orderflow/" + s.env.Name }

func (s *stack) makeSteps() {
	retention := strconv.Itoa(s.env.RecordRetention)
	stock := func() map[string]string {
		return map[string]string{config.InventoryTableName: *s.inventory.TableName()}
	}
	reservations := func() map[string]string {
		e := stock()
		e[config.RetentionDays] = retention
		return e
	}
	s.reserve = s.step("Reserve", handler.Reserve, 10*time.Second, reservations())
	s.release = s.function("Release", handler.Release, 10*time.Second, reservations())
	s.ship = s.function("Ship", handler.Ship, 10*time.Second, stock())
	s.grantInventory(s.reserve, "dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:UpdateItem")
	s.grantInventory(s.release, "dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:UpdateItem")
	s.grantInventory(s.ship, "dynamodb:UpdateItem")

	payment := func() map[string]string {
		return map[string]string{config.PaymentProvider: s.env.Payment.Provider}
	}
	charge, refund := payment(), payment()
	timeout := 10 * time.Second
	switch s.env.Payment.Provider {
	case config.ProviderSandbox:
		charge[config.InventoryTableName] = *s.inventory.TableName()
	case config.ProviderHTTP:
		s.secret = awssecretsmanager.NewSecret(s.Stack, jsii.String("PaymentSecret"), &awssecretsmanager.SecretProps{
			Description: jsii.String("The payment provider's API key; put the real one in after the first deployment"),
			// A text that begins with a brace would be taken for JSON.
			GenerateSecretString: &awssecretsmanager.SecretStringGenerator{ExcludePunctuation: jsii.Bool(true)},
			RemovalPolicy:        s.env.RemovalPolicy,
		})
		for _, e := range []map[string]string{charge, refund} {
			e[config.PaymentEndpoint] = s.env.Payment.Endpoint
			e[config.PaymentSecretARN] = *s.secret.SecretArn()
			e[config.PaymentTimeout] = s.env.Payment.Timeout.String()
		}
		// A call that times out is still reported as what it is.
		timeout = s.env.Payment.Timeout + 5*time.Second
	}
	s.charge = s.step("Charge", handler.Charge, timeout, charge)
	s.refund = s.function("Refund", handler.Refund, timeout, refund)
	if s.secret != nil {
		for _, f := range []*gofunction.GoFunction{s.charge, s.refund} {
			// Not CDK's GrantRead, which adds secretsmanager:DescribeSecret.
			awsiam.Grant_AddToPrincipal(&awsiam.GrantOnPrincipalOptions{
				Grantee:      f.Role,
				Actions:      jsii.Strings("secretsmanager:GetSecretValue"),
				ResourceArns: &[]*string{s.secret.SecretArn()},
			})
		}
	} else {
		s.grantInventory(s.charge, "dynamodb:UpdateItem")
	}
}

func (s *stack) grantInventory(f *gofunction.GoFunction, actions ...string) {
	awsiam.Grant_AddToPrincipal(&awsiam.GrantOnPrincipalOptions{
		Grantee:      f.Role,
		Actions:      jsii.Strings(actions...),
		ResourceArns: &[]*string{s.inventory.TableArn()},
	})
}

func (s *stack) makeWorkflow() {
	s.workflow = orderworkflow.New(s.Stack, "Workflow", orderworkflow.Props{
		Kind:                  s.env.Workflow,
		Comment:               "Takes an order from its reservation to its shipment",
		Initial:               string(order.Accepted),
		Rejected:              string(order.Rejected),
		Failed:                string(order.Failed),
		Cancelled:             string(order.Cancelled),
		Steps:                 s.steps(),
		NoDeletionProtection:  !s.env.DeletionProtection,
		NoPointInTimeRecovery: !s.env.PointInTimeRecovery,
		RemovalPolicy:         s.env.RemovalPolicy,
		LogLevel:              s.env.WorkflowLog,
		LogRetention:          s.env.LogRetention,
	})
}

// steps are the steps of the saga. Which status may follow which is the
// domain's to say.
func (s *stack) steps() []orderworkflow.Step {
	step := func(name string, status order.Status, run *gofunction.GoFunction, undo orderworkflow.Compensation, rejections ...string) orderworkflow.Step {
		var from []string
		for _, p := range order.RecordedPredecessors(status) {
			from = append(from, string(p))
		}
		st := orderworkflow.Step{
			Name: name, Status: string(status), From: from, Rejections: rejections,
			Run: orderworkflow.Function(run.Live), Compensation: undo,
		}
		if s.env.Workflow == orderworkflow.Express {
			// Short, since all attempts have to fit into five minutes, but not before the function is ended.
			st.Timeout = time.Duration(*run.Function.Timeout().ToSeconds(nil))*time.Second + time.Second
		}
		return st
	}
	return []orderworkflow.Step{
		step("Reserve", order.Reserved, s.reserve, orderworkflow.Function(s.release.Live), "OutOfStock", "UnknownSku"),
		step("Charge", order.Paid, s.charge, orderworkflow.Function(s.refund.Live), "PaymentDeclined"),
		step("Ship", order.Completed, s.ship, orderworkflow.NoCompensation),
	}
}

func (s *stack) makeIntake() {
	s.intake = s.function("Intake", handler.Intake, 30*time.Second, map[string]string{
		config.OrdersTableName: *s.workflow.Table.TableName(),
		config.StateMachineARN: *s.workflow.StateMachine.StateMachineArn(),
		config.RetentionDays:   strconv.Itoa(s.env.RecordRetention),
	})
	s.workflow.GrantRecord(s.intake.Role)
	s.workflow.GrantStart(s.intake.Role)
}

func (s *stack) makeAPI() {
	props := asyncapi.Props{
		Authorizer:     asyncapi.CognitoUserPool(s.identity.users, tenantClaim),
		Model:          asyncapi.JSONSchema(order.SchemaJSON()),
		Consumer:       s.intake.Live,
		MaxConcurrency: s.env.Concurrency,
		Throttle:       s.env.Throttle,
		AccountRole:    s.env.GatewayAccountRole,
		// The account is the environment's own.
		AccountRoleRemovalPolicy: s.env.RemovalPolicy,
		LogRetention:             s.env.LogRetention,
		RemovalPolicy:            s.env.RemovalPolicy,
	}
	if s.env.WAF {
		props.WebACL = &asyncapi.WebACL{}
	}
	s.api = asyncapi.New(s.Stack, "Api", props)
}

// makeStatus makes all the ways in which clients learn what became of their
// orders.
func (s *stack) makeStatus() {
	s.notify = s.function("Notify", handler.Notify, 30*time.Second, map[string]string{})
	outbox := &statusnotifier.Outbox{
		Function:      s.notify.Live,
		MaxRecordAge:  s.env.OutboxAge,
		RemovalPolicy: s.env.RemovalPolicy,
	}
	if s.env.SeparateChannels {
		s.notifyGraphQL = s.function("NotifyGraphQL", handler.Notify, 30*time.Second, map[string]string{})
		outbox.GraphQLFunction = s.notifyGraphQL.Live
	}
	// One attempt may take 15 s; those of a batch are made at the same time.
	s.deliver = s.function("DeliverWebhook", handler.DeliverWebhook, 30*time.Second, map[string]string{})
	s.manage = s.function("ManageWebhooks", handler.ManageWebhooks, 10*time.Second, map[string]string{})

	var final []string
	for _, status := range order.Terminals() {
		final = append(final, string(status))
	}
	s.status = statusnotifier.New(s.Stack, "Status", statusnotifier.Props{
		API:    s.api,
		Table:  s.workflow.Table,
		Final:  final,
		Outbox: outbox,
		Topic:  &statusnotifier.Topic{RemovalPolicy: s.env.RemovalPolicy},
		SignedWebhooks: &statusnotifier.SignedWebhooks{
			Deliver:               s.deliver.Live,
			Manage:                s.manage.Live,
			Statuses:              s.workflow.Statuses(),
			MaxConcurrency:        s.env.WebhookConcurrency,
			NoDeletionProtection:  !s.env.DeletionProtection,
			NoPointInTimeRecovery: !s.env.PointInTimeRecovery,
			RemovalPolicy:         s.env.RemovalPolicy,
		},
		// Without the firewall of the REST API: its limit on requests from one
		// address would be the outbox's too, which publishes from very few.
		WebSocket: &statusnotifier.WebSocket{
			Authorizer:    statusnotifier.GraphQLUserPool(s.identity.users, tenantClaim),
			Introspection: s.env.GraphQLIntrospection,
			LogRetention:  s.env.LogRetention,
			RemovalPolicy: s.env.RemovalPolicy,
		},
	})
}
