package deploy

import (
	"encoding/json"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/google/go-cmp/cmp"

	"github.com/orderflow-cdk/orderflow/event"
)

// subscriber is another service: a queue of its own, subscribed to the stack's topic.
type subscriber struct{ queue, subscription string }

// listen subscribes a queue to the stack's topic.
func (s *stack) listen(t *testing.T) subscriber {
	t.Helper()
	queue, err := s.queues.CreateQueue(t.Context(), &sqs.CreateQueueInput{QueueName: aws.String("another-service")})
	if err != nil {
		t.Fatal(err)
	}
	attributes, err := s.queues.GetQueueAttributes(t.Context(), &sqs.GetQueueAttributesInput{
		QueueUrl: queue.QueueUrl, AttributeNames: []sqstypes.QueueAttributeName{sqstypes.QueueAttributeNameQueueArn},
	})
	if err != nil {
		t.Fatal(err)
	}
	subscription, err := s.topics.Subscribe(t.Context(), &sns.SubscribeInput{
		TopicArn: aws.String(s.outputs["StatusTopicArn"]), Protocol: aws.String("sqs"),
		Endpoint: aws.String(attributes.Attributes["QueueArn"]), Attributes: map[string]string{"RawMessageDelivery": "true"},
		ReturnSubscriptionArn: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	return subscriber{*queue.QueueUrl, *subscription.SubscriptionArn}
}

// hear waits until the subscriber was told of all of an order, in order, and ends the subscription.
func (s *stack) hear(l *log, e *emulator, sub subscriber, orderID string) {
	t := l.t
	t.Helper()
	var heard []string
	eventually(t, e, "the topic's subscriber is told of the order's end", func() bool {
		got, err := s.queues.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{QueueUrl: &sub.queue, MaxNumberOfMessages: 10})
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range got.Messages {
			var e event.Event
			if err := json.Unmarshal([]byte(*m.Body), &e); err != nil {
				t.Fatalf("%v in the event %s", err, *m.Body)
			}
			heard = append(heard, e.ID+" "+e.Status)
			if _, err := s.queues.DeleteMessage(t.Context(), &sqs.DeleteMessageInput{QueueUrl: &sub.queue, ReceiptHandle: m.ReceiptHandle}); err != nil {
				t.Fatal(err)
			}
		}
		return len(heard) >= 4
	})
	want := []string{
		event.ID(orderID, 1) + " ACCEPTED", event.ID(orderID, 2) + " RESERVED",
		event.ID(orderID, 3) + " PAID", event.ID(orderID, 4) + " COMPLETED",
	}
	if diff := cmp.Diff(want, heard); diff != "" {
		t.Errorf("the topic's subscriber heard something else (-want +got):\n%s", diff)
	}
	l.printf("the notify function told the topic, and a queue subscribed to it got %d events, in order", len(heard))
	if _, err := s.topics.Unsubscribe(t.Context(), &sns.UnsubscribeInput{SubscriptionArn: &sub.subscription}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.queues.DeleteQueue(t.Context(), &sqs.DeleteQueueInput{QueueUrl: &sub.queue}); err != nil {
		t.Fatal(err)
	}
}
