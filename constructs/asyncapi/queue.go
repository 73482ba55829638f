package asyncapi

import (
	"fmt"
	"time"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssqs"
	"github.com/aws/jsii-runtime-go"

	"github.com/orderflow-cdk/orderflow/constructs/internal/aliased"
	"github.com/orderflow-cdk/orderflow/constructs/internal/queuesource"
)

// QueueType is the kind of queue; the zero value is a standard queue.
type QueueType struct {
	fifo  bool
	group Group
}

// Group is what a FIFO queue keeps in order.
type Group int

const (
	// GroupByTenant keeps each tenant's orders in order, one at a time.
	GroupByTenant Group = iota
	// GroupByOrder keeps orders of one Idempotency-Key in order, and lets
	// different ones overtake each other.
	GroupByOrder
)

// Standard is a standard queue whose messages carry their tenant as message
// group, which makes it a fair queue: one tenant's backlog does not delay the
// others.
func Standard() QueueType { return QueueType{} }

// FIFO is a FIFO queue in high-throughput mode. SQS drops a second submission
// of the same Idempotency-Key within five minutes.
func FIFO(group Group) QueueType { return QueueType{fifo: true, group: group} }

// longestTag is how long a tenant's tag (base64url) may be, in characters.
// A message group has at most 128. In a FIFO queue the same goes for what
// identifies a submission: the tag, a separator and up to 64 characters of key.
func (q QueueType) longestTag() int {
	if q.fifo {
		return 128 - 1 - 64
	}
	return 128
}

// groupParameters are SendMessage's parameters about group and deduplication.
func (q QueueType) groupParameters() string {
	switch {
	case !q.fifo:
		return "&MessageGroupId=$tag"
	case q.group == GroupByOrder:
		return "&MessageGroupId=$util.urlEncode($unique)&MessageDeduplicationId=$util.urlEncode($unique)"
	default:
		return "&MessageGroupId=$tag&MessageDeduplicationId=$util.urlEncode($unique)"
	}
}

// makeQueues makes the queue and its dead-letter queue. The dead-letter queue
// has no redrive allow policy: one that admits this queue alone would have to
// name its ARN, while the queue names the dead-letter queue's, and
// CloudFormation cannot make two resources that need each other without
// physical names.
func (a *AsyncApi) makeQueues() {
	p := a.props
	common := awssqs.QueueProps{
		EnforceSSL:          jsii.Bool(true),
		MaxMessageSizeBytes: jsii.Number(MaxMessageBytes),
		RemovalPolicy:       p.RemovalPolicy,
		Encryption:          awssqs.QueueEncryption_SQS_MANAGED,
	}
	if p.Key != nil {
		common.Encryption = awssqs.QueueEncryption_KMS
		common.EncryptionMasterKey = p.Key
	}
	if p.Queue.fifo {
		common.Fifo = jsii.Bool(true)
	}

	dead := common
	dead.RetentionPeriod = seconds(p.DeadLetterRetention)
	a.DeadLetterQueue = awssqs.NewQueue(a, jsii.String("DeadLetterQueue"), &dead)

	live := common
	live.RetentionPeriod = seconds(p.Retention)
	live.VisibilityTimeout = seconds(a.visibility)
	live.DeadLetterQueue = &awssqs.DeadLetterQueue{
		Queue:           a.DeadLetterQueue,
		MaxReceiveCount: jsii.Number(p.MaxReceiveCount),
	}
	if p.Queue.fifo {
		live.DeduplicationScope = awssqs.DeduplicationScope_MESSAGE_GROUP
		live.FifoThroughputLimit = awssqs.FifoThroughputLimit_PER_MESSAGE_GROUP_ID
	}
	a.Queue = awssqs.NewQueue(a, jsii.String("Queue"), &live)
}

// visibilityTimeout is six times the consumer's timeout plus the batch window,
// as AWS recommends: a batch may be tried again several times while the
// function is throttled without becoming visible to others.
func visibilityTimeout(p Props) time.Duration {
	if p.Consumer == nil {
		if p.VisibilityTimeout == 0 {
			return 30 * time.Second
		}
		return p.VisibilityTimeout
	}
	return 6*aliased.Timeout(p.Consumer) + p.BatchWindow
}

// makeConsumer has the consumer receive the queue's messages.
func (a *AsyncApi) makeConsumer() {
	if a.Consumer = a.props.Consumer; a.Consumer == nil {
		return
	}
	options := awslambda.EventSourceMappingOptions{
		BatchSize:               jsii.Number(a.props.BatchSize),
		MaxConcurrency:          jsii.Number(a.props.MaxConcurrency),
		ReportBatchItemFailures: jsii.Bool(true),
	}
	if a.props.BatchWindow > 0 {
		options.MaxBatchingWindow = seconds(a.props.BatchWindow)
	}
	a.EventSource = queuesource.Add(a.Consumer, a.Queue, options)
}

func seconds(d time.Duration) awscdk.Duration {
	return awscdk.Duration_Seconds(jsii.Number(d.Seconds()))
}

func wholeSeconds(d time.Duration) string { return fmt.Sprintf("%d", int(d.Seconds())) }
