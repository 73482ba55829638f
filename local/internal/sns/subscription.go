package sns

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"strings"
	"time"

	"github.com/orderflow-cdk/orderflow/local/internal/api"
	"github.com/orderflow-cdk/orderflow/local/internal/eventpattern"
)

// Subscription is an endpoint of a topic.
type Subscription struct {
	ARN, Protocol, Endpoint string

	topic         *Topic
	attributes    map[string]string // as they were set
	principal     string
	raw           bool
	filter        *eventpattern.Policy // nil lets everything through
	policy        *subscriptionPolicy
	deadLetters   string // ARN of a queue
	queueURL      []byte // sqs: the start of the input of SendMessage
	pending       bool
	gone          bool
	authenticated bool // unsubscribing needs a signature
	nextReceive   time.Time
	number        uint64            // orders subscriptions by when they were made
	template      map[string]string // attributes of a template's subscription, as it has them; else nil
	deliveries    int               // under way
	stats         Stats
}

// Stats counts the messages of one subscription.
type Stats struct {
	// Delivered reached the endpoint.
	Delivered int
	// Filtered were not for this endpoint by its filter policy.
	Filtered int
	// Attempts were made in all.
	Attempts int
	// Failed could not be delivered: each of them is dead-lettered or dropped.
	Failed int
	// DeadLettered went to the redrive policy's queue.
	DeadLettered int
	// Dropped are lost: there is no redrive policy, or its queue refused them too.
	Dropped int
	// LastError is why the last attempt that failed did so.
	LastError string
}

// Stats returns what has happened so far.
func (sub *Subscription) Stats() Stats { return sub.stats }

// Topic returns the topic whose messages the endpoint gets.
func (sub *Subscription) Topic() *Topic { return sub.topic }

// Pending says whether the endpoint has still to confirm.
func (sub *Subscription) Pending() bool { return sub.pending }

// CreateSubscription makes a subscription. One with an HTTP endpoint is pending,
// and is sent a request to confirm, exactly as by a call of Subscribe.
func (s *Service) CreateSubscription(p SubscriptionProperties) (*Subscription, error) {
	sub, err := s.fromProperties(p)
	if err != nil {
		return nil, fmt.Errorf("sns: subscription of %s to %s: %w", p.Endpoint, p.TopicArn, err)
	}
	return sub, nil
}

func (s *Service) fromProperties(p SubscriptionProperties) (*Subscription, error) {
	switch {
	case len(p.ReplayPolicy) > 0 && string(p.ReplayPolicy) != "null":
		return nil, errors.New("ReplayPolicy needs a FIFO topic, which is not simulated")
	case p.Region != "" && p.Region != s.region:
		return nil, fmt.Errorf("property Region is %s; a topic of another region than %s is not simulated", p.Region, s.region)
	}
	attributes := map[string]string{}
	for name, value := range map[string]string{
		"FilterPolicy": text(p.FilterPolicy), "FilterPolicyScope": p.FilterPolicyScope, "RedrivePolicy": text(p.RedrivePolicy),
		"DeliveryPolicy": text(p.DeliveryPolicy), "SubscriptionRoleArn": p.SubscriptionRoleArn,
	} {
		if value != "" && value != "null" {
			attributes[name] = value
		}
	}
	if p.RawMessageDelivery {
		attributes["RawMessageDelivery"] = "true"
	}
	t, err := s.find(p.TopicArn)
	if err != nil {
		return nil, err
	}
	sub, err := t.subscribe(p.Protocol, p.Endpoint, attributes, "")
	if err != nil {
		return nil, err
	}
	sub.template = maps.Clone(sub.attributes)
	return sub, nil
}

// subscribe makes a subscription or finds the one that has the same endpoint.
func (t *Topic) subscribe(protocol, endpoint string, attributes map[string]string, caller string) (*Subscription, error) {
	if err := checkEndpoint(protocol, endpoint); err != nil {
		return nil, err
	}
	if (protocol == "http" || protocol == "https") && t.s.post == nil {
		return nil, errors.New("there is nothing to make HTTP requests with")
	}
	fresh := &Subscription{
		Protocol: protocol, Endpoint: endpoint, topic: t, attributes: map[string]string{}, principal: caller,
		pending: protocol == "http" || protocol == "https" || protocol == "email" || protocol == "email-json",
	}
	if err := fresh.setAll(attributes); err != nil {
		var refused *api.Error
		if errors.As(err, &refused) {
			return nil, errInvalid("Attributes Reason: %s", strings.TrimPrefix(errorText(err), "Invalid parameter: "))
		}
		return nil, err
	}
	if sub := t.subscription(protocol, endpoint); sub != nil {
		if !sub.agrees(fresh.attributes) {
			return nil, errInvalid("Attributes Reason: Subscription already exists with different attributes")
		}
		if sub.pending {
			sub.requestConfirmation()
		}
		return sub, nil
	}
	fresh.ARN = t.ARN + ":" + t.s.newID()
	if fresh.principal == "" {
		fresh.principal = "arn:" + partition(t.s.region) + ":iam::" + t.s.account + ":root"
	}
	fresh.address()
	t.s.made++
	fresh.number = t.s.made
	t.subscriptions = append(t.subscriptions, fresh)
	t.s.subscriptions[fresh.ARN] = fresh
	t.s.kept[fresh.id()] = fresh
	fresh.touch()
	if fresh.pending {
		fresh.requestConfirmation()
	}
	return fresh, nil
}

// address makes the start of what a queue is sent.
func (sub *Subscription) address() {
	if sub.Protocol == "sqs" {
		sub.queueURL = append(appendString([]byte(`{"QueueUrl":`), queueURL(sub.Endpoint)), ',')
	}
}

func (t *Topic) subscription(protocol, endpoint string) *Subscription {
	for _, sub := range t.subscriptions {
		if sub.Protocol == protocol && sub.Endpoint == endpoint {
			return sub
		}
	}
	return nil
}

// agrees says whether each of the attributes has the value it has here.
func (sub *Subscription) agrees(attributes map[string]string) bool {
	for name, value := range attributes {
		if sub.attributes[name] != value {
			return false
		}
	}
	return true
}

func checkEndpoint(protocol, endpoint string) error {
	switch protocol {
	case "http", "https":
		u, err := url.Parse(endpoint)
		if !strings.HasPrefix(endpoint, protocol+"://") {
			return errInvalid("Endpoint must match the specified protocol")
		}
		// A host name must not have an underscore: re:Post, "How do I troubleshoot
		// HTTP or HTTPS endpoint subscription notification issues".
		if err != nil || u.Hostname() == "" || strings.Contains(u.Hostname(), "_") {
			return errInvalid("Endpoint")
		}
	case "sqs":
		if !isARN(endpoint, "sqs") {
			return errInvalid("SQS endpoint ARN")
		}
		if strings.HasSuffix(endpoint, ".fifo") {
			return errInvalid("Invalid parameter: Endpoint Reason: FIFO SQS Queues can not be subscribed to standard SNS topics")
		}
	case "lambda":
		if !isARN(endpoint, "lambda") || !strings.Contains(endpoint, ":function:") {
			return errInvalid("Lambda endpoint ARN")
		}
	case "email", "email-json", "sms", "firehose", "application":
		if endpoint == "" {
			return errInvalid("Endpoint")
		}
	default:
		return errInvalid("Amazon SNS does not support this protocol string: %s", protocol)
	}
	return nil
}

func isARN(s, service string) bool {
	part := strings.SplitN(s, ":", 6)
	return len(part) == 6 && part[0] == "arn" && part[2] == service && part[5] != ""
}

// queueURL is the URL of the queue with an ARN.
func queueURL(arn string) string {
	part := strings.SplitN(arn, ":", 6)
	return "https://sqs." + part[3] + ".amazonaws.com/" + part[4] + "/" + part[5]
}

// deadLetterTarget reads a redrive policy.
func deadLetterTarget(policy string) (arn string, err error) {
	var p struct {
		DeadLetterTargetArn string `json:"deadLetterTargetArn"`
	}
	if err := json.Unmarshal([]byte(policy), &p); err != nil {
		return "", errInvalid("RedrivePolicy: failed to parse JSON. %s", err)
	}
	if !isARN(p.DeadLetterTargetArn, "sqs") {
		return "", errInvalid("RedrivePolicy: deadLetterTargetArn is an invalid arn")
	}
	if strings.HasSuffix(p.DeadLetterTargetArn, ".fifo") {
		return "", errInvalid("RedrivePolicy: must use a standard queue as DLQ for a subscription to a standard topic.")
	}
	return p.DeadLetterTargetArn, nil
}

// Subscriptions lists those of all topics that have not ended, by topic.
func (s *Service) Subscriptions() []*Subscription {
	var all []*Subscription
	for _, t := range s.topics {
		all = append(all, t.subscriptions...)
	}
	return all
}
