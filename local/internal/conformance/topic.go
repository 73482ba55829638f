package conformance

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sns/types"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

// TestTopic is SNS with a standard topic, News, and four queues that subscribe to it: Letters as it is, Raw
// with raw delivery, Filtered by the attributes kind and size, FilteredByBody by order.status.
func TestTopic(t *testing.T, f Features, open func(testing.TB) World) {
	run(t, f, open, []check{
		{"envelope", topicEnvelope},
		{"signature version", topicSignatureVersion},
		{"raw delivery", topicRaw},
		{"raw delivery of bytes", topicRawBytes},
		{"filters by attributes", topicFilter},
		{"filters by body", topicFilterByBody},
		{"batches", topicBatches},
		{"empty batches refused", topicEmptyBatch},
		{"subscriptions", topicSubscriptions},
		{"attributes of topics", topicAttributes},
		{"subscriptions counted", topicCounted},
		{"messages refused", topicRefused},
		{"sizes refused", topicSizeRefused},
		{"attributes refused", topicAttributesRefused},
	})
}

func (c *C) sns() *sns.Client { return sns.NewFromConfig(c.Config) }

func (c *C) publish(message string, attributes map[string]types.MessageAttributeValue) *sns.PublishOutput {
	return must(c.sns().Publish(c.ctx, &sns.PublishInput{TopicArn: aws.String(c.Names["News"]), Message: &message, MessageAttributes: attributes}))
}

func textAttribute(v string) types.MessageAttributeValue {
	return types.MessageAttributeValue{DataType: aws.String("String"), StringValue: &v}
}

func numberAttribute(v string) types.MessageAttributeValue {
	return types.MessageAttributeValue{DataType: aws.String("Number"), StringValue: &v}
}

// arrived waits for the messages of a queue.
func (c *C) arrived(queue string, n int) []sqstypes.Message {
	var all []sqstypes.Message
	c.eventually(1500*time.Millisecond, func() bool {
		all = append(all, c.receive(queue)...)
		return len(all) >= n
	})
	return all
}

func topicEnvelope(c *C) {
	out := must(c.sns().Publish(c.ctx, &sns.PublishInput{
		TopicArn: aws.String(c.Names["News"]), Subject: aws.String("The news"), Message: aws.String(`{"a":"<&>"}`),
		MessageAttributes: map[string]types.MessageAttributeValue{"kind": textAttribute("dull")},
	}))
	got := c.arrived("Letters", 1)
	if len(got) != 1 {
		c.Errorf("%d letters", len(got))
		return
	}
	equal(c, "attributes of the queue's message", len(got[0].MessageAttributes), 0)
	var letter struct {
		Type, MessageID, TopicArn, Subject, Message, Timestamp, SignatureVersion, Signature, SigningCertURL, UnsubscribeURL string
		MessageAttributes                                                                                                   map[string]struct{ Type, Value string }
	}
	if err := json.Unmarshal([]byte(*got[0].Body), &letter); err != nil {
		c.Errorf("%v: %s", err, *got[0].Body)
	}
	equal(c, "Type", letter.Type, "Notification")
	equal(c, "MessageId", letter.MessageID, aws.ToString(out.MessageId))
	equal(c, "TopicArn", letter.TopicArn, c.Names["News"])
	equal(c, "Subject", letter.Subject, "The news")
	equal(c, "Message", letter.Message, `{"a":"<&>"}`)
	equal(c, "kind", fmt.Sprint(letter.MessageAttributes["kind"]), "{String dull}")
	if _, err := time.Parse("2006-01-02T15:04:05.000Z", letter.Timestamp); err != nil {
		c.Errorf("Timestamp: %v", err)
	}
	for name, value := range map[string]string{"Signature": letter.Signature, "SigningCertURL": letter.SigningCertURL, "UnsubscribeURL": letter.UnsubscribeURL} {
		if value == "" {
			c.Errorf("there is no %s", name)
		}
	}
}

// A topic signs with version 1 unless its attribute SignatureVersion says otherwise.
func topicSignatureVersion(c *C) {
	c.publish("x", nil)
	got := c.arrived("Letters", 1)
	equal(c, "letters", len(got), 1)
	equal(c, "version 1", len(got) == 1 && strings.Contains(*got[0].Body, `"SignatureVersion" : "1"`), true)
}

func topicRawBytes(c *C) {
	c.publish("plain", map[string]types.MessageAttributeValue{"raw": {DataType: aws.String("Binary"), BinaryValue: []byte{1, 2}}})
	got := c.arrived("Raw", 1)
	equal(c, "the message", bodies(got), "plain")
	if len(got) == 1 {
		equal(c, "raw", string(got[0].MessageAttributes["raw"].BinaryValue), "\x01\x02")
	}
}

func topicRaw(c *C) {
	c.publish("plain", map[string]types.MessageAttributeValue{"kind": textAttribute("dull"), "size": numberAttribute("3")})
	got := c.arrived("Raw", 1)
	equal(c, "the message", bodies(got), "plain")
	if len(got) == 1 {
		a := got[0].MessageAttributes
		equal(c, "kind", aws.ToString(a["kind"].StringValue), "dull")
		equal(c, "the type of size", aws.ToString(a["size"].DataType), "Number")
	}
}

func topicFilter(c *C) {
	for _, m := range []struct {
		body, kind, size string
	}{{"1", "urgent", "6"}, {"2", "very-urgent", "5.5"}, {"3", "urgent", "5"}, {"4", "dull", "6"}, {"5", "", "6"}, {"6", "urgent", ""}} {
		attributes := map[string]types.MessageAttributeValue{}
		if m.kind != "" {
			attributes["kind"] = textAttribute(m.kind)
		}
		if m.size != "" {
			attributes["size"] = numberAttribute(m.size)
		}
		c.publish(m.body, attributes)
	}
	got := c.arrived("Filtered", 2)
	c.Sleep(500 * time.Millisecond)
	got = append(got, c.receive("Filtered")...)
	if b := bodies(got); b != "1 2" && b != "2 1" {
		c.Errorf("what passes the filter is %s, want 1 and 2", b)
	}
}

func topicFilterByBody(c *C) {
	for _, body := range []string{`{"order":{"status":"NEW"}}`, `{"order":{"status":"DONE"}}`, `{"status":"DONE"}`, `no JSON`} {
		c.publish(body, nil)
	}
	got := c.arrived("FilteredByBody", 1)
	c.Sleep(500 * time.Millisecond)
	equal(c, "what passes the filter", bodies(append(got, c.receive("FilteredByBody")...)), `{"order":{"status":"DONE"}}`)
}

func topicBatches(c *C) {
	entry := func(id, message string) types.PublishBatchRequestEntry {
		return types.PublishBatchRequestEntry{Id: &id, Message: &message}
	}
	out := must(c.publishBatch(entry("a", "1"), entry("b", "2")))
	equal(c, "published", len(out.Successful), 2)
	equal(c, "arrived", len(c.arrived("Raw", 2)), 2)
	_, err := c.publishBatch(entry("a", "1"), entry("a", "2"))
	refused(c, err, "BatchEntryIdsNotDistinct")
}

func (c *C) publishBatch(entries ...types.PublishBatchRequestEntry) (*sns.PublishBatchOutput, error) {
	return c.sns().PublishBatch(c.ctx, &sns.PublishBatchInput{TopicArn: aws.String(c.Names["News"]), PublishBatchRequestEntries: entries})
}

func topicEmptyBatch(c *C) {
	_, err := c.publishBatch([]types.PublishBatchRequestEntry{}...)
	refused(c, err, "EmptyBatchRequest")
}

func topicSubscriptions(c *C) {
	all := must(c.sns().ListSubscriptionsByTopic(c.ctx, &sns.ListSubscriptionsByTopicInput{TopicArn: aws.String(c.Names["News"])})).Subscriptions
	endpoints := map[string]string{}
	for _, s := range all {
		equal(c, "the protocol", aws.ToString(s.Protocol), "sqs")
		endpoints[aws.ToString(s.Endpoint)] = aws.ToString(s.SubscriptionArn)
	}
	equal(c, "subscriptions", len(endpoints), 4)
	arn := endpoints[c.Names["FilteredArn"]]
	if !strings.HasPrefix(arn, c.Names["News"]+":") {
		c.Errorf("the subscription's ARN is %s", arn)
		return
	}
	a := must(c.sns().GetSubscriptionAttributes(c.ctx, &sns.GetSubscriptionAttributesInput{SubscriptionArn: &arn})).Attributes
	equal(c, "RawMessageDelivery", a["RawMessageDelivery"], "true")
	equal(c, "TopicArn", a["TopicArn"], c.Names["News"])
	if !strings.Contains(a["FilterPolicy"], "very-") {
		c.Errorf("the filter policy is %s", a["FilterPolicy"])
	}
}

func topicAttributes(c *C) {
	a := must(c.sns().GetTopicAttributes(c.ctx, &sns.GetTopicAttributesInput{TopicArn: aws.String(c.Names["News"])})).Attributes
	equal(c, "TopicArn", a["TopicArn"], c.Names["News"])
	listed := false
	for _, topic := range must(c.sns().ListTopics(c.ctx, &sns.ListTopicsInput{})).Topics {
		listed = listed || aws.ToString(topic.TopicArn) == c.Names["News"]
	}
	equal(c, "listed", listed, true)
}

func topicCounted(c *C) {
	a := must(c.sns().GetTopicAttributes(c.ctx, &sns.GetTopicAttributesInput{TopicArn: aws.String(c.Names["News"])})).Attributes
	equal(c, "SubscriptionsConfirmed", a["SubscriptionsConfirmed"], "4")
	equal(c, "SubscriptionsPending", a["SubscriptionsPending"], "0")
}

func (c *C) tryPublish(topic, message string, attributes map[string]types.MessageAttributeValue) error {
	_, err := c.sns().Publish(c.ctx, &sns.PublishInput{TopicArn: &topic, Message: &message, MessageAttributes: attributes})
	return err
}

func topicRefused(c *C) {
	refused(c, c.tryPublish(c.Names["News"]+"-not", "x", nil), "NotFound")
	refused(c, c.tryPublish(c.Names["News"], "", nil), "InvalidParameter")
}

func topicSizeRefused(c *C) {
	refused(c, c.tryPublish(c.Names["News"], strings.Repeat("x", 262_145), nil), "InvalidParameter")
}

// Which code it is, is not documented; ParameterValueInvalid is in the list of Publish's errors.
func topicAttributesRefused(c *C) {
	err := c.tryPublish(c.Names["News"], "x", map[string]types.MessageAttributeValue{"kind": textAttribute("")})
	refused(c, err, "InvalidParameter", "InvalidParameterValue", "ParameterValueInvalid")
}
