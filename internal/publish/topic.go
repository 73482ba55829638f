package publish

import (
	"context"
	"fmt"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sns/types"

	"github.com/orderflow-cdk/orderflow/event"
)

// Topic is an SNS topic, a standard one.
//
// IAM: sns:Publish on the topic.
type Topic struct {
	Client *sns.Client
	ARN    string
}

// MaxBatch is how many messages go to a topic at once (SNS API, PublishBatch). Together
// they may have 262,144 bytes, attributes included, which so many events cannot reach.
const MaxBatch = 10

// Refused says that SNS took the call, and of its messages not this one.
type Refused struct{ Code, Message string }

func (e *Refused) Error() string { return fmt.Sprintf("SNS PublishBatch: %s: %s", e.Code, e.Message) }

var stringType = aws.String("String")

// Publish publishes 1 to MaxBatch messages, and returns an error or nil for
// each. Subscribers may get them in any order.
//
// The group goes with a message to the queues that subscribe to the topic, where it keeps one tenant
// from delaying the others (SNS API, MessageGroupId: of a standard topic it only serves fair queues).
func (t *Topic) Publish(ctx context.Context, messages []*Message) []error {
	failed := make([]error, len(messages))
	in := &sns.PublishBatchInput{
		TopicArn: &t.ARN, PublishBatchRequestEntries: make([]types.PublishBatchRequestEntry, len(messages)),
	}
	for i, m := range messages {
		in.PublishBatchRequestEntries[i] = types.PublishBatchRequestEntry{
			Id:             aws.String(strconv.Itoa(i)),
			Message:        aws.String(string(m.JSON)),
			MessageGroupId: &m.Group,
			MessageAttributes: map[string]types.MessageAttributeValue{
				event.AttributeTenant: {DataType: stringType, StringValue: &m.Tenant},
				event.AttributeStatus: {DataType: stringType, StringValue: &m.Status},
				event.AttributeType:   {DataType: stringType, StringValue: &m.Type},
			},
		}
	}
	out, err := t.Client.PublishBatch(ctx, in)
	if err != nil {
		for i := range failed {
			failed[i] = err
		}
		return failed
	}
	for i := range failed {
		failed[i] = &Refused{Code: "NoResult", Message: "the answer does not name the message"}
	}
	for _, s := range out.Successful {
		if i, ok := index(s.Id, len(failed)); ok {
			failed[i] = nil
		}
	}
	for _, f := range out.Failed {
		if i, ok := index(f.Id, len(failed)); ok {
			failed[i] = &Refused{Code: aws.ToString(f.Code), Message: aws.ToString(f.Message)}
		}
	}
	return failed
}

func index(id *string, n int) (int, bool) {
	i, err := strconv.Atoi(aws.ToString(id))
	return i, err == nil && i >= 0 && i < n
}
