package statusnotifier

import (
	"fmt"
	"time"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsdynamodb"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssqs"
	"github.com/aws/jsii-runtime-go"

	"github.com/orderflow-cdk/orderflow/constructs/internal/accept"
	"github.com/orderflow-cdk/orderflow/constructs/internal/aliased"
	"github.com/orderflow-cdk/orderflow/internal/suppress"
)

// Outbox is the function that tells of every change of an order, or one for
// each channel, and how it reads the changes from the table's stream. The table must have a stream of
// new and old images.
type Outbox struct {
	// Function tells the events: it runs the handler notify, and is one of the app, or an alias of one. It gets the
	// variables TOPIC_ARN and GRAPHQL_ENDPOINT as far as there are Topic and
	// WebSocket, and the permissions to publish there. Required.
	Function awslambda.IFunction

	// GraphQLFunction tells AppSync instead of Function, and runs the handler
	// notify too. It reads the stream by itself, so that an outage of one channel
	// does not hold up the other. A stream has no more than two readers without
	// throttling (DynamoDB developer guide, "DynamoDB Streams"): this takes both.
	// It needs Topic and WebSocket.
	// Default: nil, Function tells both.
	GraphQLFunction awslambda.IFunction

	// BatchSize is the most changes in one invocation: 1–10,000.
	// Default: 100.
	BatchSize int

	// BatchingWindow is how long to wait for a batch to fill: whole seconds up
	// to 300. Clients wait that long too.
	// Default: 0.
	BatchingWindow time.Duration

	// Parallelization is how many batches of one shard of the stream are told
	// of at the same time: 1–10. Lambda keeps all changes of one partition key,
	// and so of one order, in order.
	// Default: 10.
	Parallelization int

	// RetryAttempts is how often Lambda repeats a batch: 1–10,000. Repetitions
	// are what an outage of SNS or AppSync is sat out with, and how many of
	// them fit into it is not for a number to say.
	// Default: 10,000, so that MaxRecordAge decides.
	RetryAttempts int

	// MaxRecordAge is for how long a change is tried, until it goes to the
	// queue of failures: whole minutes from 1 to 18 hours. While a change is tried
	// again, those behind it wait: the same order's, and others' that happen
	// to share its lane. The queue of failures names positions in the stream, which
	// keeps them for 24 hours: the rest of that time is for somebody to act.
	// Default: 1 hour.
	MaxRecordAge time.Duration

	// RemovalPolicy is what becomes of the queue of failures when it leaves
	// the stack.
	// Default: RemovalPolicy_RETAIN.
	RemovalPolicy awscdk.RemovalPolicy
}

const (
	day = 24 * time.Hour
	// longest is how long SQS can keep a message.
	longest = 14 * day
)

// filterPattern admits changes of STATUS items that have a status: not bodies,
// not a request to cancel that came before its order, and not an expiry. In
// Lambda's pattern language "exists" looks at leaves, so that it must name the
// type.
const filterPattern = `{"dynamodb":{"Keys":{"sk":{"S":["STATUS"]}},"NewImage":{"status":{"S":[{"exists":true}]}}}}`

func (o Outbox) withDefaults() *Outbox {
	setDefault(&o.BatchSize, 100)
	setDefault(&o.Parallelization, 10)
	setDefault(&o.RetryAttempts, 10_000)
	setDefault(&o.MaxRecordAge, time.Hour)
	setDefault(&o.RemovalPolicy, awscdk.RemovalPolicy_RETAIN)
	return &o
}

func (o Outbox) validate() error {
	var c checks
	c.bad(o.Function == nil, "outbox function must be given, got nil")
	c.made("outbox function", o.Function)
	c.made("outbox GraphQL function", o.GraphQLFunction)
	c.within("outbox batch size", o.BatchSize, 1, 10_000)
	c.span("outbox batching window", o.BatchingWindow, 0, 300*time.Second)
	c.within("outbox parallelization", o.Parallelization, 1, 10)
	c.within("outbox retry attempts", o.RetryAttempts, 1, 10_000)
	c.span("outbox max record age", o.MaxRecordAge, time.Minute, 18*time.Hour)
	return c.err()
}

// makeOutbox has the functions read the stream.
func (n *StatusNotifier) makeOutbox() {
	o := n.props.Outbox
	if o == nil {
		return
	}
	n.checkStream()
	n.OutboxFailures = n.newDeadLetters("OutboxFailures", o.RemovalPolicy)
	accept.On(n.OutboxFailures, suppress.Rule{ID: "AwsSolutions-SQS3", Reason: "it is itself where event source mappings put what they give up, and nothing takes messages off it by itself"})
	n.EventSource = n.read(o.Function)
	if o.GraphQLFunction != nil {
		n.GraphQLEventSource = n.read(o.GraphQLFunction)
	}
}

// read has a function read the stream. The mapping has the construct id that the CDK's
// DynamoEventSource gives it: with another one CloudFormation would make a second mapping of
// the same stream and function before it deletes the first, which Lambda refuses.
func (n *StatusNotifier) read(function awslambda.IFunction) awslambda.EventSourceMapping {
	o := n.props.Outbox
	options := &awslambda.EventSourceMappingOptions{
		EventSourceArn: n.props.Table.TableStreamArn(),
		// What changed between the table's creation and the mapping's counts too.
		StartingPosition:        awslambda.StartingPosition_TRIM_HORIZON,
		BatchSize:               jsii.Number(o.BatchSize),
		ParallelizationFactor:   jsii.Number(o.Parallelization),
		RetryAttempts:           jsii.Number(o.RetryAttempts),
		MaxRecordAge:            seconds(o.MaxRecordAge),
		BisectBatchOnError:      jsii.Bool(true),
		ReportBatchItemFailures: jsii.Bool(true),
		OnFailure:               &failures{n.OutboxFailures},
		Filters:                 &[]*map[string]any{{"pattern": filterPattern}},
	}
	if o.BatchingWindow > 0 {
		options.MaxBatchingWindow = seconds(o.BatchingWindow)
	}
	mapping := aliased.AddEventSourceMapping(function, "DynamoDBEventSource:"+*awscdk.Names_NodeUniqueId(n.props.Table.Node()), options)
	n.grantRead(function)
	return mapping
}

// grantRead lets Lambda read the stream on behalf of a function (Lambda Developer Guide, "Using
// AWS Lambda with Amazon DynamoDB", execution role permissions). ListStreams has no resource
// (Service Authorization Reference, DynamoDB), and TableV2.GrantStreamRead names one for it.
func (n *StatusNotifier) grantRead(function awslambda.IFunction) {
	awsiam.Grant_AddToPrincipal(&awsiam.GrantOnPrincipalOptions{
		Grantee: function, Actions: jsii.Strings("dynamodb:ListStreams"), ResourceArns: jsii.Strings("*"),
	})
	accept.AnyResource(function.Role(), "DynamoDB has no resource for dynamodb:ListStreams, which Lambda wants for reading a stream")
	awsiam.Grant_AddToPrincipal(&awsiam.GrantOnPrincipalOptions{
		Grantee:      function,
		Actions:      jsii.Strings("dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator"),
		ResourceArns: &[]*string{n.props.Table.TableStreamArn()},
	})
	if key := n.props.Table.EncryptionKey(); key != nil {
		key.Grant(function, jsii.String("kms:Decrypt"), jsii.String("kms:DescribeKey"))
	}
}

// failures is the queue that a mapping puts into what its function failed on. The CDK's SqsDlq grants more
// than the sqs:SendMessage that this takes (Lambda Developer Guide, "Retain discarded records for a DynamoDB event source").
type failures struct{ queue awssqs.Queue }

// Bind implements awslambda.IEventSourceDlq.
func (f *failures) Bind(_ awslambda.IEventSourceMapping, function awslambda.IFunction) *awslambda.DlqDestinationConfig {
	f.queue.Grant(function, jsii.String("sqs:SendMessage"))
	return &awslambda.DlqDestinationConfig{Destination: f.queue.QueueArn()}
}

// tellsGraphQL is the function that tells AppSync.
func (o *Outbox) tellsGraphQL() awslambda.IFunction {
	if o.GraphQLFunction != nil {
		return o.GraphQLFunction
	}
	return o.Function
}

// checkStream panics if the table has no stream, or one without both images,
// as far as that can be seen: of an imported table only whether it has one.
func (n *StatusNotifier) checkStream() {
	refuse := func(got string) {
		panic(fmt.Sprintf("statusnotifier: %s: outbox needs a table with a stream of NEW_AND_OLD_IMAGES, got %s", *n.Node().Path(), got))
	}
	if n.props.Table.TableStreamArn() == nil {
		refuse("none")
	}
	var specification any
	switch table := n.props.Table.Node().DefaultChild().(type) {
	case awsdynamodb.CfnTable:
		specification = table.StreamSpecification()
	case awsdynamodb.CfnGlobalTable:
		specification = table.StreamSpecification()
	}
	// Resolved it is plain JSON, whatever it was before.
	resolved, _ := awscdk.Stack_Of(n).Resolve(specification).(map[string]any)
	view, _ := resolved["streamViewType"].(string)
	if view != "" && view != string(awsdynamodb.StreamViewType_NEW_AND_OLD_IMAGES) {
		refuse(view)
	}
}

// newDeadLetters makes a queue for what was given up, which keeps it for as
// long as SQS can.
func (n *StatusNotifier) newDeadLetters(id string, policy awscdk.RemovalPolicy) awssqs.Queue {
	return awssqs.NewQueue(n, &id, &awssqs.QueueProps{
		EnforceSSL:      jsii.Bool(true),
		Encryption:      awssqs.QueueEncryption_SQS_MANAGED,
		RetentionPeriod: seconds(longest),
		RemovalPolicy:   policy,
	})
}

func seconds(d time.Duration) awscdk.Duration {
	return awscdk.Duration_Seconds(jsii.Number(d.Seconds()))
}
