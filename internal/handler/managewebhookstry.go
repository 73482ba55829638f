package handler

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/orderflow-cdk/orderflow/event"
)

// test sends an event to one endpoint, as a delivery like any other.
func (h *manageWebhooks) test(ctx context.Context, r *webhookRequest) (answer, error) {
	e, found, err := h.endpoints.Get(ctx, r.Tenant, r.ID)
	switch {
	case err != nil:
		return answer{}, err
	case !found:
		return answer{}, errUnknownWebhook
	case !e.Enabled:
		return answer{}, refuse(http.StatusConflict, "webhook-disabled", "The webhook is disabled (%s). Enable it first.", e.DisabledReason)
	}
	ev := testEvent(ctx, r.Tenant)
	ev.OccurredAt = h.env.Now()
	body, err := json.Marshal(ev)
	if err != nil {
		return answer{}, fmt.Errorf("handler: test event: %w", err)
	}
	attribute := func(value string) types.MessageAttributeValue {
		return types.MessageAttributeValue{DataType: aws.String("String"), StringValue: &value}
	}
	_, err = h.queue.SendMessage(ctx, &sqs.SendMessageInput{
		QueueUrl:       &h.queueURL,
		MessageBody:    aws.String(string(body)),
		MessageGroupId: aws.String(DeliveryGroup(r.Tenant)),
		MessageAttributes: map[string]types.MessageAttributeValue{
			"tenant": attribute(r.Tenant), "endpoint": attribute(e.ID),
		},
	})
	if err != nil {
		return answer{}, err
	}
	return answer{http.StatusAccepted, map[string]string{"eventId": ev.ID}}, nil
}

// testEvent is an event of no order. Its id is that of the invocation, or if that has none,
// random.
func testEvent(ctx context.Context, tenant string) event.Event {
	id := requestID(ctx)
	if id == "" {
		id = strings.ToLower(rand.Text())
	}
	return event.Event{
		ID: event.ID("test-"+id, 1), Type: event.TypeTest, OrderID: "test", Tenant: tenant, Status: "TEST", Sequence: 1,
	}
}
