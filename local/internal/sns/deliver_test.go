package sns_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/orderflow-cdk/orderflow/local/internal/api"
	"github.com/orderflow-cdk/orderflow/local/internal/sim"
	"github.com/orderflow-cdk/orderflow/local/internal/sns"
)

var attributes = m{
	"tenant": m{"DataType": "String", "StringValue": "acme"},
	"status": m{"DataType": "String", "StringValue": "COMPLETED"},
	"blob":   m{"DataType": "Binary", "BinaryValue": "AgME"},
}

func TestQueuesGetTheMessageRawOrInItsEnvelope(t *testing.T) {
	f := newFixture(t, sns.TopicProperties{})
	raw, wrapped := f.queue("raw"), f.queue("wrapped")
	f.subscribe(sns.SubscriptionProperties{Protocol: "sqs", Endpoint: raw.ARN, RawMessageDelivery: true})
	sub := f.subscribe(sns.SubscriptionProperties{Protocol: "sqs", Endpoint: wrapped.ARN})
	id := f.publish(m{"Message": "hello <&>", "Subject": "greeting", "MessageAttributes": attributes, "MessageGroupId": "YWNtZQ"})

	got := f.received(raw)
	if len(got) != 1 || got[0]["Body"] != "hello <&>" || got[0]["Attributes"].(m)["MessageGroupId"] != "YWNtZQ" {
		t.Errorf("raw: %v", got)
	}
	if diff := cmp.Diff(attributes, got[0]["MessageAttributes"]); diff != "" {
		t.Error(diff)
	}

	got = f.received(wrapped)
	if len(got) != 1 || got[0]["MessageAttributes"] != nil {
		t.Fatalf("wrapped: %v", got)
	}
	doc := parsed(t, got[0]["Body"].(string))
	signature, cert := doc["Signature"].(string), doc["SigningCertURL"].(string)
	if len(signature) != 344 || len(cert) != len("https://sns.eu-central-1.amazonaws.com/SimpleNotificationService-.pem")+32 {
		t.Errorf("signature %s, certificate %s", signature, cert)
	}
	want := m{
		"Type": "Notification", "MessageId": id, "TopicArn": f.t.ARN, "Subject": "greeting", "Message": "hello <&>",
		"Timestamp": "2026-03-01T12:00:00.000Z", "SignatureVersion": "1", "Signature": signature, "SigningCertURL": cert,
		"UnsubscribeURL": "https://sns.eu-central-1.amazonaws.com/?Action=Unsubscribe&SubscriptionArn=" + sub.ARN,
		"MessageAttributes": m{
			"tenant": m{"Type": "String", "Value": "acme"},
			"status": m{"Type": "String", "Value": "COMPLETED"},
			"blob":   m{"Type": "Binary", "Value": "AgME"},
		},
	}
	if diff := cmp.Diff(want, doc); diff != "" {
		t.Error(diff)
	}
	if caller := f.calls[0].Caller; caller != f.t.ARN {
		t.Errorf("the queue was called by %s", caller)
	}
	if s := sub.Stats(); s != (sns.Stats{Delivered: 1, Attempts: 1}) {
		t.Errorf("stats %+v", s)
	}
}

func TestFunctionsAreInvokedWithARecord(t *testing.T) {
	f := newFixture(t, sns.TopicProperties{SignatureVersion: "2"})
	arn := "arn:aws:lambda:eu-central-1:111122223333:function:on-status"
	sub := f.subscribe(sns.SubscriptionProperties{Protocol: "lambda", Endpoint: arn})
	id := f.publish(m{"Message": "hello", "MessageAttributes": m{"n": m{"DataType": "Number", "StringValue": "1"}}})

	if len(f.calls) != 1 || f.calls[0].Service != "lambda" || f.calls[0].Action != "Invoke" || f.calls[0].Caller != f.t.ARN {
		t.Fatalf("calls: %v", f.calls)
	}
	var in struct {
		FunctionName, InvocationType string
		Payload                      struct{ Records []m }
	}
	if err := json.Unmarshal(f.calls[0].Input, &in); err != nil {
		t.Fatal(err)
	}
	if in.FunctionName != arn || in.InvocationType != "Event" || len(in.Payload.Records) != 1 {
		t.Fatalf("%s", f.calls[0].Input)
	}
	record := in.Payload.Records[0]
	notification := record["Sns"].(m)
	for _, name := range []string{"Signature", "SigningCertUrl"} {
		if notification[name] == "" {
			t.Errorf("no %s", name)
		}
		delete(notification, name)
	}
	want := m{
		"EventSource": "aws:sns", "EventVersion": "1.0", "EventSubscriptionArn": sub.ARN,
		"Sns": m{
			"Type": "Notification", "MessageId": id, "TopicArn": f.t.ARN, "Subject": nil, "Message": "hello",
			"Timestamp": "2026-03-01T12:00:00.000Z", "SignatureVersion": "2",
			"UnsubscribeUrl":    "https://sns.eu-central-1.amazonaws.com/?Action=Unsubscribe&SubscriptionArn=" + sub.ARN,
			"MessageAttributes": m{"n": m{"Type": "Number", "Value": "1"}},
		},
	}
	if diff := cmp.Diff(want, record); diff != "" {
		t.Error(diff)
	}
}

func TestTheLogTellsWhatIsLost(t *testing.T) {
	f := newFixture(t, sns.TopicProperties{})
	var log strings.Builder
	f.s.Log = &log
	f.subscribe(sns.SubscriptionProperties{Protocol: "sqs", Endpoint: "arn:aws:sqs:eu-central-1:111122223333:missing"})
	id := f.publish(m{"Message": "hello"})
	want := "sns: message " + id + " to arn:aws:sqs:eu-central-1:111122223333:missing is lost after 1 attempts: QueueDoesNotExist: The specified queue does not exist.\n"
	if log.String() != want {
		t.Errorf("got  %s\nwant %s", log.String(), want)
	}
}

func TestMessagesArriveInTheOrderInWhichTheyWerePublished(t *testing.T) {
	f := newFixture(t, sns.TopicProperties{})
	q := f.queue("q")
	f.subscribe(sns.SubscriptionProperties{Protocol: "sqs", Endpoint: q.ARN, RawMessageDelivery: true})
	want := ""
	for _, s := range strings.Split("abcdefghijklmnopqrstuvwxyz", "") {
		f.call("Publish", m{"Message": s})
		want += s
	}
	f.k.Advance(time.Second)
	got := ""
	for _, msg := range f.received(q) {
		got += msg["Body"].(string)
	}
	if got != want {
		t.Errorf("got %s", got)
	}
}

func TestMessagesToEndpointsThatLeftAreNotRetried(t *testing.T) {
	f := newFixture(t, sns.TopicProperties{})
	sub := f.subscribe(sns.SubscriptionProperties{Protocol: "lambda", Endpoint: function})
	f.fail = func(api.Call) error { return &api.Error{Code: "ServiceException", Status: 500} }
	f.publish(m{"Message": "hello"})
	f.call("Unsubscribe", m{"SubscriptionArn": sub.ARN})
	before := len(f.calls)
	f.k.Advance(time.Hour)
	if len(f.calls) > before || !f.k.Idle() {
		t.Errorf("%d more calls", len(f.calls)-before)
	}
}

func TestHTTPSubscriptionsNeedSomethingToMakeRequestsWith(t *testing.T) {
	s := sns.NewService(sim.New(start, 1), nil, region, account, nil)
	topic, err := s.CreateTopic("orders", sns.TopicProperties{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.CreateSubscription(sns.SubscriptionProperties{TopicArn: topic.ARN, Protocol: "https", Endpoint: hook}); err == nil {
		t.Error("no error")
	}
}
