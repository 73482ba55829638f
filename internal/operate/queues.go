package operate

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

// Names of the queues of what was given up. Other dead-letter queues of a stack have their logical ids as names.
const (
	Orders        = "orders"        // that intake could not take
	Subscriptions = "subscriptions" // events that the topic could not deliver to a subscriber
	Webhooks      = "webhooks"      // deliveries to tenants' endpoints
	Outbox        = "outbox"        // positions in the stream of what notify could not tell
)

// outputs are the outputs of the stack that have the queues' URLs.
var outputs = []struct{ queue, output string }{
	{Orders, "DeadLetterQueueUrl"},
	{Subscriptions, "SubscriptionDeadLetterQueueUrl"},
	{Webhooks, "WebhooksDeadLetterQueueUrl"},
	{Outbox, "OutboxFailureQueueUrl"},
}

// Queue is a queue of what was given up.
type Queue struct {
	Name string `json:"name"`
	URL  string `json:"url"`
	// Waiting can be received, InFlight has been by somebody who may still delete it. SQS counts approximately.
	Waiting  int `json:"waiting"`
	InFlight int `json:"inFlight"`
	// Sources are the ARNs of the queues whose dead letters these are.
	Sources []string `json:"sources,omitempty"`

	arn string
}

// Queues returns all queues of what was given up, those with a name of their own first.
//
// IAM: cloudformation:ListStackResources on the stack; sqs:GetQueueAttributes and sqs:ListDeadLetterSourceQueues on its queues.
func (s *Stack) Queues(ctx context.Context) ([]*Queue, error) {
	var all []*Queue
	known := map[string]bool{}
	for _, o := range outputs {
		url := s.Outputs[o.output]
		if url == "" {
			continue // A stack can be without a channel.
		}
		known[url] = true
		q, err := s.queue(ctx, o.queue, url)
		if err != nil {
			return nil, err
		}
		all = append(all, q)
	}
	others, err := s.list(ctx, "AWS::SQS::Queue")
	if err != nil {
		return nil, err
	}
	for _, r := range others {
		if known[r.physicalID] {
			continue
		}
		q, err := s.queue(ctx, r.logicalID, r.physicalID)
		if err != nil {
			return nil, err
		}
		if len(q.Sources) > 0 {
			all = append(all, q)
		}
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("stack %s has no dead-letter queue", s.Name)
	}
	return all, nil
}

// UnknownQueue says that a stack has no queue of that name.
type UnknownQueue struct {
	Name  string
	There []string
}

func (e *UnknownQueue) Error() string {
	return fmt.Sprintf("there is no dead-letter queue %q: there is %s", e.Name, strings.Join(e.There, ", "))
}

// Queue returns the queue of a name. A logical id may lack the hash at its end.
func (s *Stack) Queue(ctx context.Context, name string) (*Queue, error) {
	for _, o := range outputs {
		if o.queue != name {
			continue
		}
		url, err := s.need(o.output)
		if err != nil {
			return nil, err
		}
		return s.queue(ctx, name, url[0])
	}
	all, err := s.Queues(ctx)
	if err != nil {
		return nil, err
	}
	var there []string
	for _, q := range all {
		if q.Name == name || len(q.Name) == len(name)+8 && strings.HasPrefix(q.Name, name) {
			return q, nil
		}
		there = append(there, q.Name)
	}
	return nil, &UnknownQueue{name, there}
}

// queue asks SQS about a queue.
func (s *Stack) queue(ctx context.Context, name, url string) (*Queue, error) {
	out, err := s.queues.GetQueueAttributes(ctx, &sqs.GetQueueAttributesInput{QueueUrl: &url, AttributeNames: []types.QueueAttributeName{
		types.QueueAttributeNameQueueArn, types.QueueAttributeNameApproximateNumberOfMessages, types.QueueAttributeNameApproximateNumberOfMessagesNotVisible,
	}})
	if err != nil {
		return nil, fmt.Errorf("queue %s: %w", name, err)
	}
	q := &Queue{Name: name, URL: url, arn: out.Attributes["QueueArn"]}
	q.Waiting, _ = strconv.Atoi(out.Attributes["ApproximateNumberOfMessages"])            // always numbers
	q.InFlight, _ = strconv.Atoi(out.Attributes["ApproximateNumberOfMessagesNotVisible"]) //
	pages := sqs.NewListDeadLetterSourceQueuesPaginator(s.queues, &sqs.ListDeadLetterSourceQueuesInput{QueueUrl: &url})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("queue %s: %w", name, err)
		}
		for _, source := range page.QueueUrls {
			q.Sources = append(q.Sources, arnOf(q.arn, source))
		}
	}
	slices.Sort(q.Sources)
	return q, nil
}

// arnOf is the ARN of a queue by its URL: a queue and its dead-letter queue are of the same account and region (SQS Developer
// Guide, "Using dead-letter queues").
func arnOf(other, url string) string {
	return other[:strings.LastIndexByte(other, ':')+1] + url[strings.LastIndexByte(url, '/')+1:]
}
