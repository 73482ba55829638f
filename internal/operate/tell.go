package operate

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/orderflow-cdk/orderflow/internal/dynamo"
	"github.com/orderflow-cdk/orderflow/internal/handler"
	"github.com/orderflow-cdk/orderflow/internal/publish"
)

// Channel is a way in which events are told again.
type Channel string

// The channels.
const (
	ViaTopic     Channel = "topic"     // all that subscribes to the topic, webhooks too
	ViaWebSocket Channel = "websocket" // who listens to AppSync now
	ViaWebhook   Channel = "webhook"   // tenants' endpoints only
)

// teller tells events in a channel.
type teller func(context.Context, *publish.Message) error

// teller makes the one of a channel; endpoint is the only one to tell of webhooks, or "" for all.
//
// IAM: for ViaTopic sns:Publish on the topic; for ViaWebSocket appsync:GraphQL on the API's field Mutation.publishOrderStatus; for ViaWebhook
// sqs:ListDeadLetterSourceQueues on the dead-letter queue, sqs:GetQueueUrl and sqs:SendMessage on the queue of deliveries, and for one endpoint dynamodb:BatchGetItem on the table of webhooks.
func (s *Stack) teller(ctx context.Context, c Channel, endpoint dynamo.EndpointID) (teller, error) {
	switch c {
	case ViaTopic:
		arns, err := s.need("StatusTopicArn")
		if err != nil {
			return nil, err
		}
		topic := &publish.Topic{Client: sns.NewFromConfig(s.cfg), ARN: arns[0]}
		return func(ctx context.Context, m *publish.Message) error {
			return topic.Publish(ctx, []*publish.Message{m})[0]
		}, nil
	case ViaWebSocket:
		urls, err := s.need("GraphQLUrl")
		if err != nil {
			return nil, err
		}
		u, err := url.Parse(urls[0])
		if err != nil {
			return nil, fmt.Errorf("output GraphQLUrl: %w", err)
		}
		return publish.NewGraphQL(s.cfg, u, s.signing, context.WithTimeout).Publish, nil
	}
	return s.webhooks(ctx, endpoint)
}

// webhooks has events delivered to endpoints, as if the topic had told them, or one endpoint's deliveries been made of them.
func (s *Stack) webhooks(ctx context.Context, endpoint dynamo.EndpointID) (teller, error) {
	dead, err := s.Queue(ctx, Webhooks)
	if err != nil {
		return nil, err
	}
	if dead.destination() == "" {
		return nil, errors.New("the queue of deliveries is not known: several, or none, have webhooks as their dead-letter queue")
	}
	name := dead.destination()[strings.LastIndexByte(dead.destination(), ':')+1:]
	queue, err := s.queues.GetQueueUrl(ctx, &sqs.GetQueueUrlInput{QueueName: &name})
	if err != nil {
		return nil, fmt.Errorf("queue %s: %w", name, err)
	}
	var wants func(status string) bool
	attributes := map[string]types.MessageAttributeValue{}
	if endpoint.ID != "" {
		e, err := s.endpoint(ctx, endpoint)
		if err != nil {
			return nil, err
		}
		wants = e.Wants
		for name, value := range map[string]string{handler.WebhookTenant: endpoint.Tenant, handler.WebhookEndpoint: endpoint.ID} {
			attributes[name] = types.MessageAttributeValue{DataType: aws.String("String"), StringValue: &value}
		}
	}
	return func(ctx context.Context, m *publish.Message) error {
		if wants != nil && !wants(m.Status) {
			return nil
		}
		_, err := s.queues.SendMessage(ctx, &sqs.SendMessageInput{
			QueueUrl: queue.QueueUrl, MessageBody: aws.String(string(m.JSON)), MessageGroupId: aws.String(handler.DeliveryGroup(m.Tenant)), MessageAttributes: attributes,
		})
		return err
	}, nil
}

// endpoint reads a tenant's endpoint, which must be one that gets events.
func (s *Stack) endpoint(ctx context.Context, id dynamo.EndpointID) (dynamo.Endpoint, error) {
	names, err := s.need("WebhooksTableName")
	if err != nil {
		return dynamo.Endpoint{}, err
	}
	table := &dynamo.Endpoints{Client: dynamodb.NewFromConfig(s.cfg), Table: names[0]}
	all, err := table.Load(ctx, []dynamo.EndpointID{id})
	if err != nil {
		return dynamo.Endpoint{}, fmt.Errorf("table %s: %w", names[0], err)
	}
	e, ok := all[id]
	switch {
	case !ok:
		return e, fmt.Errorf("tenant %s has no endpoint %s", id.Tenant, id.ID)
	case !e.Enabled:
		return e, fmt.Errorf("endpoint %s is disabled (%s): its deliveries would come back; have it enabled first", id.ID, e.DisabledReason)
	}
	return e, nil
}

// tellAll tells events in channels: of one order one after the other, and in a channel none after one that failed, as notify does.
// done is told of each event that was told in all of its channels, and failed of each that was not.
func (s *Stack) tellAll(ctx context.Context, events []*Replayed, tellers map[Channel]teller, done func(*Replayed), failed func(*Replayed, error)) error {
	orders := map[string][]*Replayed{}
	var ids []string
	for _, e := range events {
		if orders[e.OrderID] == nil {
			ids = append(ids, e.OrderID)
		}
		orders[e.OrderID] = append(orders[e.OrderID], e)
	}
	var mu sync.Mutex // of done and failed
	return forEach(ctx, ids, func(ctx context.Context, id string) error {
		of := orders[id]
		slices.SortStableFunc(of, func(a, b *Replayed) int { return int(a.Sequence - b.Sequence) })
		broken := map[Channel]error{}
		for _, e := range of {
			var why error
			for _, c := range e.Channels {
				if broken[c] == nil {
					broken[c] = tellers[c](ctx, &e.Message)
				}
				if broken[c] != nil {
					why = fmt.Errorf("%s: %w", c, broken[c])
				}
			}
			if ctx.Err() != nil {
				return ctx.Err()
			}
			mu.Lock()
			if why == nil {
				done(e)
			} else {
				failed(e, why)
			}
			mu.Unlock()
		}
		return nil
	})
}
