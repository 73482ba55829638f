package statusnotifier

import (
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsdynamodb"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awskms"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssqs"
	"github.com/aws/jsii-runtime-go"

	"github.com/orderflow-cdk/orderflow/constructs/internal/aliased"
	"github.com/orderflow-cdk/orderflow/constructs/internal/queuesource"
	"github.com/orderflow-cdk/orderflow/constructs/record"
	"github.com/orderflow-cdk/orderflow/internal/config"
)

// SignedWebhooks are HTTPS endpoints that tenants register themselves. Deliveries
// are signed as Standard Webhooks 1.0 says and tried for days.
type SignedWebhooks struct {
	// Deliver fans events out and makes the deliveries: it runs the handler
	// deliverwebhook. Required.
	Deliver awslambda.IFunction

	// Manage answers /webhooks: it runs the handler managewebhooks. Required.
	Manage awslambda.IFunction

	// Statuses are those that a tenant can choose for an endpoint: OrderWorkflow.Statuses(). Another
	// is refused with 400.
	// Default: any name of a status.
	Statuses []string

	// BatchSize is the most messages in one invocation of Deliver, which works
	// on all of them at the same time: 1–10. Its timeout must be at least 20 s:
	// one attempt's 15 s, and time to begin and to answer.
	// Default: 10.
	BatchSize int

	// MaxConcurrency is the most invocations of Deliver at a time: 2–1,000.
	// An endpoint that does not answer keeps one busy for 15 s, until it is
	// left alone for a while.
	// Default: 20.
	MaxConcurrency int

	// EncryptionKey encrypts the table, which holds the endpoints' secrets.
	// Default: the key that DynamoDB owns.
	EncryptionKey awskms.IKey

	// NoDeletionProtection lets the table be deleted. Default: it cannot be.
	NoDeletionProtection bool

	// NoPointInTimeRecovery does without continuous backups. Default: 35 days of them.
	NoPointInTimeRecovery bool

	// RemovalPolicy is what becomes of the table and the queues when they leave
	// the stack.
	// Default: RemovalPolicy_RETAIN.
	RemovalPolicy awscdk.RemovalPolicy
}

const (
	// attemptTimeout is what one attempt of a delivery may take: AttemptTimeout of
	// package internal/handler, which needs the SDK.
	attemptTimeout = 15 * time.Second
	// aroundAttempt is what the function needs besides: with less than 2 s of it
	// left it begins no attempt.
	aroundAttempt = 5 * time.Second
	// gatewayTimeout is for how long API Gateway waits.
	gatewayTimeout = 29 * time.Second
	// lastResort is the highest maxReceiveCount that SQS has. How often a
	// delivery is tried is the function's to say; each wait of its schedule is a receive.
	lastResort = 1000
)

func (w SignedWebhooks) withDefaults() *SignedWebhooks {
	setDefault(&w.BatchSize, 10)
	setDefault(&w.MaxConcurrency, 20)
	setDefault(&w.RemovalPolicy, awscdk.RemovalPolicy_RETAIN)
	return &w
}

func (w SignedWebhooks) validate() error {
	var c checks
	c.bad(w.Deliver == nil, "deliver function must be given, got nil")
	c.bad(w.Manage == nil, "manage function must be given, got nil")
	for i, status := range w.Statuses {
		c.bad(!statusPattern.MatchString(status), "webhooks status must be upper-case letters and underscores, got %q", status)
		c.bad(slices.Contains(w.Statuses[:i], status), "webhooks statuses must differ, got %q twice", status)
	}
	c.within("webhooks batch size", w.BatchSize, 1, 10)
	c.within("webhooks max concurrency", w.MaxConcurrency, 2, 1000)
	if c.made("deliver function", w.Deliver) {
		timeout := aliased.Timeout(w.Deliver)
		c.bad(timeout < attemptTimeout+aroundAttempt, "deliver function's timeout must be at least %v: the %v of one attempt, and %v to begin and to answer, got %v",
			attemptTimeout+aroundAttempt, attemptTimeout, aroundAttempt, timeout)
	}
	if c.made("manage function", w.Manage) {
		timeout := aliased.Timeout(w.Manage)
		c.bad(timeout > gatewayTimeout, "manage function's timeout must be at most the %v that API Gateway waits, got %v", gatewayTimeout, timeout)
	}
	return c.err()
}

func (n *StatusNotifier) makeSignedWebhooks() {
	if n.props.SignedWebhooks == nil {
		return
	}
	n.makeWebhooksTable()
	n.makeDeliveries()
	n.makeWebhookRoutes()
}

func (n *StatusNotifier) makeWebhooksTable() {
	w := n.props.SignedWebhooks
	key := func(name string) *awsdynamodb.Attribute {
		return &awsdynamodb.Attribute{Name: jsii.String(name), Type: awsdynamodb.AttributeType_STRING}
	}
	props := &awsdynamodb.TableProps{
		PartitionKey:       key(record.PartitionKey),
		SortKey:            key(record.SortKey),
		BillingMode:        awsdynamodb.BillingMode_PAY_PER_REQUEST,
		DeletionProtection: jsii.Bool(!w.NoDeletionProtection),
		PointInTimeRecoverySpecification: &awsdynamodb.PointInTimeRecoverySpecification{
			PointInTimeRecoveryEnabled: jsii.Bool(!w.NoPointInTimeRecovery),
		},
		RemovalPolicy: w.RemovalPolicy,
	}
	if w.EncryptionKey != nil {
		props.Encryption = awsdynamodb.TableEncryption_CUSTOMER_MANAGED
		props.EncryptionKey = w.EncryptionKey
	}
	n.WebhooksTable = awsdynamodb.NewTable(n, jsii.String("WebhooksTable"), props)
}

// makeDeliveries makes the queue of events and deliveries, and has the function
// work on it.
func (n *StatusNotifier) makeDeliveries() {
	w := n.props.SignedWebhooks
	n.DeliveryDeadLetters = n.newDeadLetters("DeliveryDeadLetters", w.RemovalPolicy)
	n.DeliveryQueue = awssqs.NewQueue(n, jsii.String("DeliveryQueue"), &awssqs.QueueProps{
		EnforceSSL: jsii.Bool(true),
		Encryption: awssqs.QueueEncryption_SQS_MANAGED,
		// A delivery waits here for all of its schedule.
		RetentionPeriod: seconds(longest),
		// As AWS recommends: a batch may be tried again several times while the
		// function is throttled without becoming visible to others.
		VisibilityTimeout: seconds(6 * aliased.Timeout(w.Deliver)),
		RemovalPolicy:     w.RemovalPolicy,
		DeadLetterQueue:   &awssqs.DeadLetterQueue{Queue: n.DeliveryDeadLetters, MaxReceiveCount: jsii.Number(lastResort)},
	})
	n.AddQueueSubscription(n.DeliveryQueue, Filter{})
	n.DeliverySource = queuesource.Add(w.Deliver, n.DeliveryQueue, awslambda.EventSourceMappingOptions{
		BatchSize:               jsii.Number(w.BatchSize),
		MaxConcurrency:          jsii.Number(w.MaxConcurrency),
		ReportBatchItemFailures: jsii.Bool(true),
	})

	deliver, manage := aliased.Function(w.Deliver), aliased.Function(w.Manage)
	for _, f := range []awslambda.Function{deliver, manage} {
		f.AddEnvironment(jsii.String(config.WebhooksTableName), n.WebhooksTable.TableName(), nil)
		f.AddEnvironment(jsii.String(config.DeliveryQueueURL), n.DeliveryQueue.QueueUrl(), nil)
	}
	if len(w.Statuses) > 0 {
		manage.AddEnvironment(jsii.String(config.WebhookStatuses), jsii.String(strings.Join(w.Statuses, ",")), nil)
	}
	deliver.AddEnvironment(jsii.String(config.DeadLetterQueueURL), n.DeliveryDeadLetters.QueueUrl(), nil)

	n.grantWebhooks(w.Deliver, "dynamodb:BatchGetItem", "dynamodb:Query", "dynamodb:UpdateItem")
	n.grantWebhooks(w.Manage, "dynamodb:DeleteItem", "dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:Query", "dynamodb:UpdateItem")
	n.DeliveryQueue.Grant(w.Deliver, jsii.String("sqs:SendMessage"), jsii.String("sqs:ChangeMessageVisibility"))
	n.DeliveryQueue.Grant(w.Manage, jsii.String("sqs:SendMessage"))
	n.DeliveryDeadLetters.Grant(w.Deliver, jsii.String("sqs:SendMessage"))
}

func (n *StatusNotifier) grantWebhooks(grantee awsiam.IGrantable, actions ...string) {
	awsiam.Grant_AddToPrincipal(&awsiam.GrantOnPrincipalOptions{
		Grantee:      grantee,
		Actions:      jsii.Strings(actions...),
		ResourceArns: &[]*string{n.WebhooksTable.TableArn()},
	})
	if key := n.props.SignedWebhooks.EncryptionKey; key != nil {
		key.GrantEncryptDecrypt(grantee)
	}
}

// GrantRedriveDeliveries lets an identity move deliveries that were given up
// back into the queue, to be tried again. It panics without SignedWebhooks.
func (n *StatusNotifier) GrantRedriveDeliveries(grantee awsiam.IGrantable) awsiam.Grant {
	n.needs("GrantRedriveDeliveries", "SignedWebhooks", n.DeliveryDeadLetters != nil)
	n.DeliveryQueue.Grant(grantee, jsii.String("sqs:SendMessage"))
	return n.DeliveryDeadLetters.Grant(grantee, jsii.String("sqs:StartMessageMoveTask"), jsii.String("sqs:ListMessageMoveTasks"),
		jsii.String("sqs:CancelMessageMoveTask"), jsii.String("sqs:ReceiveMessage"), jsii.String("sqs:DeleteMessage"),
		jsii.String("sqs:GetQueueAttributes"))
}
