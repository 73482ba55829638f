package sns_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sns/types"
	"github.com/google/go-cmp/cmp"

	"github.com/orderflow-cdk/orderflow/local/internal/api"
	"github.com/orderflow-cdk/orderflow/local/internal/sns"
)

// wire is an HTTP client that takes calls in the query protocol to the service.
type wire struct{ s *sns.Service }

func (w wire) Do(r *http.Request) (*http.Response, error) {
	b, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	form, err := url.ParseQuery(string(b))
	if err != nil {
		return nil, err
	}
	action, input, err := sns.DecodeQuery(form)
	var out []byte
	if err == nil {
		w.s.Do(api.Call{Service: "sns", Action: action, Input: input}, func(o []byte, e error) { out, err = o, e })
	}
	status, body := 200, []byte(nil)
	var e *api.Error
	switch {
	case errors.As(err, &e):
		status, body = e.HTTPStatus(), sns.EncodeError(e)
	case err != nil:
		return nil, err
	default:
		body = sns.EncodeResponse(action, out)
	}
	return &http.Response{StatusCode: status, Header: http.Header{"Content-Type": {"text/xml"}}, Body: io.NopCloser(bytes.NewReader(body))}, nil
}

func newClient(f *fixture) *sdk.Client {
	return sdk.New(sdk.Options{Region: region, HTTPClient: wire{f.s}, Credentials: aws.AnonymousCredentials{},
		Retryer: aws.NopRetryer{}})
}

func TestTheSDKsClientUnderstandsTheQueryProtocol(t *testing.T) {
	f := newFixture(t, sns.TopicProperties{DisplayName: "Orders <&>"})
	q := f.queue("q")
	c, ctx := newClient(f), context.Background()

	subscribed, err := c.Subscribe(ctx, &sdk.SubscribeInput{TopicArn: &f.t.ARN, Protocol: aws.String("sqs"), Endpoint: &q.ARN,
		Attributes: map[string]string{"RawMessageDelivery": "true", "FilterPolicy": `{"tenant":["acme"]}`}, ReturnSubscriptionArn: true})
	if err != nil {
		t.Fatal(err)
	}
	arn := *subscribed.SubscriptionArn
	published, err := c.Publish(ctx, &sdk.PublishInput{TopicArn: &f.t.ARN, Message: aws.String("a <&> \"ü\"\n"), MessageAttributes: map[string]types.MessageAttributeValue{
		"tenant": {DataType: aws.String("String"), StringValue: aws.String("acme")},
		"blob":   {DataType: aws.String("Binary"), BinaryValue: []byte{2, 3, 4}},
	}})
	if err != nil || len(aws.ToString(published.MessageId)) != 36 {
		t.Fatalf("%v, %v", published, err)
	}
	batch, err := c.PublishBatch(ctx, &sdk.PublishBatchInput{TopicArn: &f.t.ARN, PublishBatchRequestEntries: []types.PublishBatchRequestEntry{
		{Id: aws.String("one"), Message: aws.String("1"), MessageAttributes: map[string]types.MessageAttributeValue{
			"tenant": {DataType: aws.String("String"), StringValue: aws.String("acme")}}},
		{Id: aws.String("two"), Message: aws.String("2")},
	}})
	if err != nil || len(batch.Successful) != 2 || len(batch.Failed) != 0 || *batch.Successful[1].Id != "two" || len(*batch.Successful[1].MessageId) != 36 {
		t.Fatalf("%+v, %v", batch, err)
	}
	f.k.Advance(1e9)
	var bodies []any
	for _, msg := range f.received(q) {
		bodies = append(bodies, msg["Body"])
	}
	if diff := cmp.Diff([]any{"a <&> \"ü\"\n", "1"}, bodies); diff != "" {
		t.Error(diff)
	}

	topic, err := c.GetTopicAttributes(ctx, &sdk.GetTopicAttributesInput{TopicArn: &f.t.ARN})
	if err != nil {
		t.Fatal(err)
	}
	if a := topic.Attributes; a["DisplayName"] != "Orders <&>" || a["SubscriptionsConfirmed"] != "1" || a["Owner"] != account {
		t.Errorf("topic: %v", a)
	}
	if _, err := c.SetSubscriptionAttributes(ctx, &sdk.SetSubscriptionAttributesInput{SubscriptionArn: &arn,
		AttributeName: aws.String("RawMessageDelivery"), AttributeValue: aws.String("false")}); err != nil {
		t.Fatal(err)
	}
	sub, err := c.GetSubscriptionAttributes(ctx, &sdk.GetSubscriptionAttributesInput{SubscriptionArn: &arn})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]string{
		"ConfirmationWasAuthenticated": "true", "Endpoint": q.ARN, "FilterPolicy": `{"tenant":["acme"]}`, "FilterPolicyScope": "MessageAttributes",
		"Owner": account, "PendingConfirmation": "false", "Protocol": "sqs", "RawMessageDelivery": "false", "SubscriptionArn": arn,
		"SubscriptionPrincipal": "arn:aws:iam::111122223333:root", "TopicArn": f.t.ARN,
	}, sub.Attributes); diff != "" {
		t.Error(diff)
	}
	listed, err := c.ListSubscriptionsByTopic(ctx, &sdk.ListSubscriptionsByTopicInput{TopicArn: &f.t.ARN})
	if err != nil || len(listed.Subscriptions) != 1 || *listed.Subscriptions[0].SubscriptionArn != arn || *listed.Subscriptions[0].Endpoint != q.ARN {
		t.Errorf("%+v, %v", listed, err)
	}
	topics, err := c.ListTopics(ctx, &sdk.ListTopicsInput{})
	if err != nil || len(topics.Topics) != 1 || *topics.Topics[0].TopicArn != f.t.ARN || topics.NextToken != nil {
		t.Errorf("%+v, %v", topics, err)
	}
	if _, err := c.Unsubscribe(ctx, &sdk.UnsubscribeInput{SubscriptionArn: &arn}); err != nil {
		t.Error(err)
	}

	_, err = c.Publish(ctx, &sdk.PublishInput{TopicArn: aws.String(f.t.ARN + "x"), Message: aws.String("a")})
	if e := (*types.NotFoundException)(nil); !errors.As(err, &e) || *e.Message != "Topic does not exist" {
		t.Errorf("an unknown topic: %v", err)
	}
	_, err = c.Publish(ctx, &sdk.PublishInput{TopicArn: &f.t.ARN, Message: aws.String("a"), Subject: aws.String("a\nb")})
	if e := (*types.InvalidParameterException)(nil); !errors.As(err, &e) || *e.Message != "Invalid parameter: Subject" {
		t.Errorf("a bad subject: %v", err)
	}
	_, err = c.PublishBatch(ctx, &sdk.PublishBatchInput{TopicArn: &f.t.ARN, PublishBatchRequestEntries: []types.PublishBatchRequestEntry{{Id: aws.String("a.b"), Message: aws.String("1")}}})
	if e := (*types.InvalidBatchEntryIdException)(nil); !errors.As(err, &e) {
		t.Errorf("a bad id: %v", err)
	}
}

func TestDecodeQuery(t *testing.T) {
	tests := []struct{ name, form, want string }{
		{"publish", "Action=Publish&Message=a%26b&TopicArn=t&Foo=x&Version=2010-03-31", `{"TopicArn":"t","Message":"a&b"}`},
		{"second message loses", "Action=Publish&Message=a&Message=b", `{"Message":"a"}`},
		{"attributes in order of number", "Action=Publish&MessageAttributes.entry.10.Name=z&MessageAttributes.entry.10.Value.DataType=String&MessageAttributes.entry.2.Name=a&MessageAttributes.entry.2.Value.StringValue=v",
			`{"MessageAttributes":{"a":{"StringValue":"v"},"z":{"DataType":"String"}}}`},
		{"map", "Action=Subscribe&Attributes.entry.1.key=RawMessageDelivery&Attributes.entry.1.value=true&ReturnSubscriptionArn=true",
			`{"Attributes":{"RawMessageDelivery":"true"},"ReturnSubscriptionArn":true}`},
		{"batch", "Action=PublishBatch&PublishBatchRequestEntries.member.1.Id=x&PublishBatchRequestEntries.member.1.Message=1&PublishBatchRequestEntries.member.2.Id=y",
			`{"PublishBatchRequestEntries":[{"Id":"x","Message":"1"},{"Id":"y"}]}`},
		{"nothing", "Action=ListTopics", `{}`},
	}
	for _, tt := range tests {
		form, err := url.ParseQuery(tt.form)
		if err != nil {
			t.Fatal(err)
		}
		if _, input, err := sns.DecodeQuery(form); err != nil || string(input) != tt.want {
			t.Errorf("%s:\ngot  %s, %v\nwant %s", tt.name, input, err, tt.want)
		}
	}
	for form, want := range map[string]string{
		"Message=a":     "MissingAction: The request must contain the parameter Action.",
		"Action=FooBar": "InvalidAction: The action FooBar is not valid for this endpoint.",
		"Action=Publish&MessageAttributes.entry.1.Name=a&MessageAttributes.entry.1.Value.BinaryValue=%25": "MalformedInput: MessageAttributes.entry.1.Value.BinaryValue is not valid base64.",
		"Action=Subscribe&ReturnSubscriptionArn=maybe":                                                    "MalformedInput: Value maybe for parameter ReturnSubscriptionArn is invalid. Reason: Must be true or false.",
		"Action=CreateTopic": "sns: action CreateTopic is not simulated",
	} {
		values, err := url.ParseQuery(form)
		if err != nil {
			t.Fatal(err)
		}
		if _, _, err := sns.DecodeQuery(values); err == nil || err.Error() != want {
			t.Errorf("%s: got %v, want %s", form, err, want)
		}
	}
}

func TestErrorsInTheQueryProtocol(t *testing.T) {
	got := string(sns.EncodeError(&api.Error{Code: "InternalError", Message: "a <b>", Status: 500}))
	if !strings.HasPrefix(got, `<ErrorResponse xmlns="http://sns.amazonaws.com/doc/2010-03-31/"><Error><Type>Receiver</Type><Code>InternalError</Code><Message>a &lt;b&gt;</Message></Error><RequestId>`) {
		t.Error(got)
	}
}
