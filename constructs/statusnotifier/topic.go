package statusnotifier

import (
	"fmt"
	"net/url"
	"regexp"
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awskms"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssns"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssnssubscriptions"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssqs"
	"github.com/aws/jsii-runtime-go"

	"github.com/orderflow-cdk/orderflow/constructs/internal/accept"
	"github.com/orderflow-cdk/orderflow/constructs/internal/aliased"
	"github.com/orderflow-cdk/orderflow/internal/config"
	"github.com/orderflow-cdk/orderflow/internal/suppress"
)

// Topic is the SNS topic of all events. A message is an event's JSON; its
// attributes tenant, status and type are what subscriptions filter by. SNS signs
// with SHA-256 (signature version 2), and X-Ray's trace header goes through to
// subscribers.
type Topic struct {
	// HTTPS are endpoints that SNS delivers to itself. Each must confirm its
	// subscription. SNS gives up after an hour: see SignedWebhooks
	// for endpoints that may be away for longer, or that tenants choose.
	// Default: none; AddHTTPSSubscription may follow.
	HTTPS []HTTPSSubscription

	// Key encrypts the topic. Its policy must admit sns.amazonaws.com where
	// subscribers need that.
	// Default: the account's aws/sns key, which AWS manages.
	Key awskms.IKey

	// RemovalPolicy is what becomes of the queue of undeliverable messages
	// when it leaves the stack.
	// Default: RemovalPolicy_RETAIN.
	RemovalPolicy awscdk.RemovalPolicy
}

// HTTPSSubscription is an endpoint that SNS delivers to.
type HTTPSSubscription struct {
	// ID is the subscription's construct id; changing it makes a new
	// subscription, which must be confirmed. Required.
	ID string
	// URL is the endpoint: https, without credentials. Required.
	URL string
	// Filter is which events are delivered.
	// Default: all.
	Filter
	// Delivery is how often and how fast SNS tries again.
	// Default: 18 retries, spread over close to the hour that SNS has.
	Delivery Delivery
	// Raw delivers the event alone, without SNS's envelope and so without its
	// signature.
	// Default: false.
	Raw bool
	// DeadLetterQueue gets what could not be delivered.
	// Default: the StatusNotifier's SubscriptionDeadLetters, which all share.
	DeadLetterQueue awssqs.IQueue
}

var idPattern = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9]*$`)

func (t Topic) withDefaults() *Topic {
	setDefault(&t.RemovalPolicy, awscdk.RemovalPolicy_RETAIN)
	return &t
}

func (t Topic) validate() error {
	var c checks
	seen := map[string]bool{}
	for _, s := range t.HTTPS {
		if err := s.Validate(); err != nil {
			c.bad(true, "HTTPS subscription %q: %w", s.ID, err)
		}
		c.bad(seen[s.ID], "HTTPS subscriptions must have different ids, got %q twice", s.ID)
		seen[s.ID] = true
	}
	return c.err()
}

// Validate reports everything that is wrong with s, joined.
func (s HTTPSSubscription) Validate() error {
	var c checks
	c.bad(!idPattern.MatchString(s.ID), "id must be letters and digits, got %q", s.ID)
	u, err := url.Parse(s.URL)
	c.bad(err != nil || u.Scheme != "https" || u.Hostname() == "" || u.User != nil || u.Fragment != "",
		"URL must be https://…, without credentials and fragment, got %q", s.URL)
	c.errs = append(c.errs, s.Filter.Validate(), s.Delivery.withDefaults(s.Raw).validate())
	return c.err()
}

// makeTopic makes the topic and its subscriptions, and lets the outbox publish.
func (n *StatusNotifier) makeTopic() {
	t := n.props.Topic
	if t == nil {
		return
	}
	var key awskms.IKey = t.Key
	if key == nil {
		key = awskms.Alias_FromAliasName(n, jsii.String("SnsKey"), jsii.String("alias/aws/sns"))
	}
	n.Topic = awssns.NewTopic(n, jsii.String("Topic"), &awssns.TopicProps{
		MasterKey:        key,
		EnforceSSL:       jsii.Bool(true),
		SignatureVersion: jsii.String("2"),
	})
	n.SubscriptionDeadLetters = n.newDeadLetters("SubscriptionDeadLetters", t.RemovalPolicy)
	accept.On(n.SubscriptionDeadLetters, suppress.Rule{ID: "AwsSolutions-SQS3", Reason: "it is itself the dead-letter queue, of the topic's subscriptions, and nothing takes messages off it by itself"})
	n.GrantPublish(n.props.Outbox.Function)
	aliased.Function(n.props.Outbox.Function).AddEnvironment(jsii.String(config.TopicARN), n.Topic.TopicArn(), nil)
	for _, s := range t.HTTPS {
		n.AddHTTPSSubscription(s)
	}
}

// GrantPublish lets an identity publish to the topic. It panics without Topic.
func (n *StatusNotifier) GrantPublish(grantee awsiam.IGrantable) awsiam.Grant {
	n.needs("GrantPublish", "Topic", n.Topic != nil)
	if key := n.props.Topic.Key; key != nil {
		key.Grant(grantee, jsii.String("kms:Decrypt"), jsii.String("kms:GenerateDataKey"))
	}
	return awsiam.Grant_AddToPrincipal(&awsiam.GrantOnPrincipalOptions{
		Grantee:      grantee,
		Actions:      jsii.Strings("sns:Publish"),
		ResourceArns: &[]*string{n.Topic.TopicArn()},
	})
}

// AddHTTPSSubscription has SNS deliver events to an endpoint. It panics if s
// is not valid, and without Topic.
func (n *StatusNotifier) AddHTTPSSubscription(s HTTPSSubscription) awssns.Subscription {
	n.needs("AddHTTPSSubscription", "Topic", n.Topic != nil)
	if err := s.Validate(); err != nil {
		panic(fmt.Sprintf("statusnotifier: %s: HTTPS subscription %q: %s", *n.Node().Path(), s.ID, strings.ReplaceAll(err.Error(), "\n", "; ")))
	}
	if s.DeadLetterQueue == nil {
		s.DeadLetterQueue = n.SubscriptionDeadLetters
	}
	delivery := s.Delivery.withDefaults(s.Raw)
	subscription := awssns.NewSubscription(n, &s.ID, &awssns.SubscriptionProps{
		Topic:              n.Topic,
		Protocol:           awssns.SubscriptionProtocol_HTTPS,
		Endpoint:           &s.URL,
		FilterPolicy:       s.policy(),
		DeliveryPolicy:     delivery.policy(),
		RawMessageDelivery: &s.Raw,
		DeadLetterQueue:    s.DeadLetterQueue,
	})
	subscription.Node().DefaultChild().(awssns.CfnSubscription).AddPropertyOverride(
		jsii.String("DeliveryPolicy.healthyRetryPolicy.backoffFunction"), string(delivery.Backoff))
	return subscription
}

// AddQueueSubscription has SNS put the events that filter admits into a queue,
// each as it is (raw delivery), with its attributes as the message's. The queue
// may be another stack's; the subscription and what the queue's policy must
// allow become part of that one. It panics if the filter is not valid, and
// without Topic.
func (n *StatusNotifier) AddQueueSubscription(queue awssqs.IQueue, filter Filter) awssns.Subscription {
	n.checkSubscription("AddQueueSubscription", filter)
	return n.Topic.AddSubscription(awssnssubscriptions.NewSqsSubscription(queue, &awssnssubscriptions.SqsSubscriptionProps{
		RawMessageDelivery: jsii.Bool(true),
		FilterPolicy:       filter.policy(),
		DeadLetterQueue:    n.SubscriptionDeadLetters,
	}))
}

// AddFunctionSubscription has SNS invoke a function with each event that filter
// admits; the function gets it as a record of an SNS event. It panics if the
// filter is not valid, and without Topic.
func (n *StatusNotifier) AddFunctionSubscription(function awslambda.IFunction, filter Filter) awssns.Subscription {
	n.checkSubscription("AddFunctionSubscription", filter)
	return n.Topic.AddSubscription(awssnssubscriptions.NewLambdaSubscription(function, &awssnssubscriptions.LambdaSubscriptionProps{
		FilterPolicy:    filter.policy(),
		DeadLetterQueue: n.SubscriptionDeadLetters,
	}))
}

func (n *StatusNotifier) checkSubscription(method string, filter Filter) {
	n.needs(method, "Topic", n.Topic != nil)
	if err := filter.Validate(); err != nil {
		panic(fmt.Sprintf("statusnotifier: %s: %s: %s", *n.Node().Path(), method, strings.ReplaceAll(err.Error(), "\n", "; ")))
	}
}
