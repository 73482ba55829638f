package statusnotifier_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-cdk-go/awscdk/v2/awskms"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssqs"
	"github.com/aws/jsii-runtime-go"

	"github.com/orderflow-cdk/orderflow/constructs/internal/cdktest"
	"github.com/orderflow-cdk/orderflow/constructs/statusnotifier"
)

func subscription(t *testing.T, template cdktest.Template, protocol string) cdktest.Resource {
	t.Helper()
	var found []cdktest.Resource
	for _, s := range template.All("AWS::SNS::Subscription", "") {
		if s.Get("Protocol") == protocol {
			found = append(found, s)
		}
	}
	if len(found) != 1 {
		t.Fatalf("%d subscriptions by %s, want 1", len(found), protocol)
	}
	return found[0]
}

func TestTopic(t *testing.T) {
	template := synthChannels(t, nil, nil)
	topic := template.One(t, "AWS::SNS::Topic", "StatusTopic")
	equal(t, "signature", topic.Get("SignatureVersion"), any("2"))
	equal(t, "key", topic.Text("KmsMasterKeyId"), "arn:{AWS::Partition}:kms:{AWS::Region}:{AWS::AccountId}:alias/aws/sns")
	policy := template.One(t, "AWS::SNS::TopicPolicy", "StatusTopic")
	equal(t, "without TLS", []string{policy.Text("PolicyDocument", "Statement", 0, "Effect"), policy.Text("PolicyDocument", "Statement", 0, "Condition")},
		[]string{"Deny", `{"Bool":{"aws:SecureTransport":"false"}}`})
	dead := template.One(t, "AWS::SQS::Queue", "StatusSubscriptionDeadLetters")
	equal(t, "retention", dead.Get("MessageRetentionPeriod"), any(14*24*3600.0))
	equal(t, "encryption", dead.Get("SqsManagedSseEnabled"), any(true))
}

func TestTopicWithKey(t *testing.T) {
	template := synthChannels(t, func(c *channels) {
		c.props.Topic.Key = awskms.NewKey(c.stack, jsii.String("Key"), nil)
	}, nil)
	key := "{" + template.One(t, "AWS::KMS::Key", "Key").ID + ".Arn}"
	equal(t, "key", template.One(t, "AWS::SNS::Topic", "").Text("KmsMasterKeyId"), key)
	got := allowed(t, template, "NotifyServiceRole")
	equal(t, "publishing", [][]string{got["kms:Decrypt"], got["kms:GenerateDataKey"]}, [][]string{{key}, {key}})
}

func TestHTTPSSubscriptions(t *testing.T) {
	template := synthChannels(t, func(c *channels) {
		c.props.Topic.HTTPS = []statusnotifier.HTTPSSubscription{{
			ID: "Shop", URL: "https://shop.example/hooks?a=b", Raw: true,
			Filter: statusnotifier.Filter{Tenants: []string{"acme"}, Statuses: []string{"COMPLETED", "FAILED"}, Types: []string{"order.failed"}},
		}}
	}, func(c *channels, n *statusnotifier.StatusNotifier) {
		n.AddHTTPSSubscription(statusnotifier.HTTPSSubscription{
			ID: "Audit", URL: "https://audit.example", DeadLetterQueue: awssqs.NewQueue(c.stack, jsii.String("Mine"), nil),
			Delivery: statusnotifier.Delivery{Retries: 10, ImmediateRetries: 1, MinDelayRetries: 2, MaxDelayRetries: 3, MinDelay: time.Second,
				MaxDelay: time.Minute, Backoff: statusnotifier.Geometric, MaxPerSecond: 5, ContentType: "application/json"},
		})
	})
	shop := template.One(t, "AWS::SNS::Subscription", "StatusShop")
	equal(t, "shop", []string{shop.Text("Protocol"), shop.Text("Endpoint"), shop.Text("RawMessageDelivery")},
		[]string{"https", "https://shop.example/hooks?a=b", "true"})
	equal(t, "filter", shop.Get("FilterPolicy"), any(map[string]any{
		"tenant": []any{"acme"}, "status": []any{"COMPLETED", "FAILED"}, "type": []any{"order.failed"}}))
	equal(t, "dead letters", shop.Text("RedrivePolicy", "deadLetterTargetArn"),
		"{"+template.One(t, "AWS::SQS::Queue", "StatusSubscriptionDeadLetters").ID+".Arn}")
	equal(t, "delivery", shop.Get("DeliveryPolicy"), any(map[string]any{
		"healthyRetryPolicy": map[string]any{"numRetries": 18.0, "numNoDelayRetries": 0.0, "numMinDelayRetries": 3.0, "numMaxDelayRetries": 8.0,
			"minDelayTarget": 10.0, "maxDelayTarget": 300.0, "backoffFunction": "exponential"},
		"requestPolicy": map[string]any{"headerContentType": "application/json"}}))

	audit := template.One(t, "AWS::SNS::Subscription", "StatusAudit")
	equal(t, "filter", audit.Get("FilterPolicy"), nil)
	equal(t, "raw", audit.Get("RawMessageDelivery"), any(false))
	equal(t, "dead letters", audit.Text("RedrivePolicy", "deadLetterTargetArn"), "{"+template.One(t, "AWS::SQS::Queue", "Mine").ID+".Arn}")
	equal(t, "delivery", audit.Get("DeliveryPolicy"), any(map[string]any{
		"healthyRetryPolicy": map[string]any{"numRetries": 10.0, "numNoDelayRetries": 1.0, "numMinDelayRetries": 2.0, "numMaxDelayRetries": 3.0,
			"minDelayTarget": 1.0, "maxDelayTarget": 60.0, "backoffFunction": "geometric"},
		"requestPolicy":  map[string]any{"headerContentType": "application/json"},
		"throttlePolicy": map[string]any{"maxReceivesPerSecond": 5.0}}))
	for _, prefix := range []string{"Mine", "StatusSubscriptionDeadLetters"} {
		contains(t, "queue policy", template.One(t, "AWS::SQS::QueuePolicy", prefix).Text("PolicyDocument"), "sns.amazonaws.com")
	}
}

// Another service joins in one line.
func TestQueuesAndFunctionsSubscribe(t *testing.T) {
	template := synthChannels(t, func(c *channels) { c.props.SignedWebhooks = nil }, func(c *channels, n *statusnotifier.StatusNotifier) {
		n.AddQueueSubscription(awssqs.NewQueue(c.stack, jsii.String("Invoices"), nil), statusnotifier.Filter{Statuses: []string{"COMPLETED"}})
		n.AddFunctionSubscription(newFunction(c.stack, "Mail"), statusnotifier.Filter{})
	})
	topic := "{" + template.One(t, "AWS::SNS::Topic", "Status").ID + "}"
	dead := "{" + template.One(t, "AWS::SQS::Queue", "StatusSubscriptionDeadLetters").ID + ".Arn}"
	queue := subscription(t, template, "sqs")
	equal(t, "queue", []string{queue.Text("TopicArn"), queue.Text("Endpoint"), queue.Text("RawMessageDelivery"), queue.Text("FilterPolicy"), queue.Text("RedrivePolicy", "deadLetterTargetArn")},
		[]string{topic, "{" + template.One(t, "AWS::SQS::Queue", "Invoices").ID + ".Arn}", "true", `{"status":["COMPLETED"]}`, dead})
	statement := template.One(t, "AWS::SQS::QueuePolicy", "Invoices").Get("PolicyDocument", "Statement", 0)
	equal(t, "queue's policy", []string{cdktest.Text(cdktest.Get(statement, "Action")), cdktest.Text(cdktest.Get(statement, "Condition", "ArnEquals", "aws:SourceArn"))},
		[]string{"sqs:SendMessage", topic})
	function := subscription(t, template, "lambda")
	equal(t, "function", []string{function.Text("Endpoint"), function.Text("FilterPolicy"), function.Text("RedrivePolicy", "deadLetterTargetArn")},
		[]string{"{" + template.One(t, "AWS::Lambda::Function", "Mail").ID + ".Arn}", "", dead})
	permission := template.One(t, "AWS::Lambda::Permission", "Mail")
	equal(t, "permission", []string{permission.Text("Principal"), permission.Text("SourceArn")}, []string{"sns.amazonaws.com", topic})

	equal(t, "panic", panics(func() {
		c := newChannels()
		c.add().AddQueueSubscription(awssqs.NewQueue(c.stack, jsii.String("Invoices"), nil), statusnotifier.Filter{Statuses: []string{"done"}})
	}), any(`statusnotifier: Stack/Status: AddQueueSubscription: filter's status must be upper-case letters and underscores, got "done"`))
	equal(t, "panic", panics(func() {
		newChannels().add().AddHTTPSSubscription(statusnotifier.HTTPSSubscription{ID: "A", URL: "http://a.example"})
	}), any(`statusnotifier: Stack/Status: HTTPS subscription "A": URL must be https://…, without credentials and fragment, got "http://a.example"`))
}

func names(n int, format string) []string {
	all := make([]string, n)
	for i := range all {
		all[i] = fmt.Sprintf(format, strings.Repeat("A", i+1))
	}
	return all
}

func TestFilterValidate(t *testing.T) {
	for _, c := range []struct {
		name   string
		filter statusnotifier.Filter
		want   string
	}{
		{"everything", statusnotifier.Filter{}, ""},
		{"150 combinations", statusnotifier.Filter{Tenants: names(15, "t%s"), Statuses: names(10, "S%s")}, ""},
		{"more", statusnotifier.Filter{Tenants: names(16, "t%s"), Statuses: names(10, "S%s")},
			"filter must have at most 150 combinations of tenants, statuses and types, got 160"},
		{"values", statusnotifier.Filter{Tenants: []string{""}, Statuses: []string{"paid"}, Types: []string{"PAID"}},
			"filter's tenant must not be empty, got \"\"\nfilter's status must be upper-case letters and underscores, got \"paid\"\n" +
				"filter's type must be such as \"order.completed\", got \"PAID\""},
		{"twice", statusnotifier.Filter{Types: []string{"order.paid", "webhook.test", "order.paid"}}, `filter has the type "order.paid" twice`},
		{"size", statusnotifier.Filter{Tenants: []string{strings.Repeat("x", 256<<10)}}, "filter must be at most 262144 bytes, got 262189"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := ""
			if err := c.filter.Validate(); err != nil {
				got = err.Error()
			}
			equal(t, "error", got, c.want)
		})
	}
}

func TestHTTPSSubscriptionValidate(t *testing.T) {
	good := statusnotifier.HTTPSSubscription{ID: "A", URL: "https://a.example/x"}
	for _, c := range []struct {
		name     string
		id, url  string
		delivery statusnotifier.Delivery
		want     string
	}{
		{name: "defaults"},
		{name: "id", id: "a b", want: `id must be letters and digits, got "a b"`},
		{name: "credentials", url: "https://me:secret@a.example", want: `URL must be https://…, without credentials and fragment, got "https://me:secret@a.example"`},
		{name: "the hour, all of it", delivery: statusnotifier.Delivery{Retries: 60, MaxDelayRetries: 60, MaxDelay: time.Minute}},
		{name: "an hour and more", delivery: statusnotifier.Delivery{Retries: 61, MaxDelayRetries: 61, MaxDelay: time.Minute}, want: "retries must end within 1h0m0s, got 1h1m0s"},
		{name: "backing off for longer", delivery: statusnotifier.Delivery{Retries: 50, MinDelay: time.Second, MaxDelay: 5 * time.Minute},
			want: "retries must end within 1h0m0s, got 2h5m25s"},
		{name: "too many", delivery: statusnotifier.Delivery{Retries: 101, MinDelay: time.Second, MaxDelay: time.Second}, want: "retries must be 1–100, got 101"},
		{name: "more parts than the whole", delivery: statusnotifier.Delivery{Retries: 3, ImmediateRetries: 2, MinDelayRetries: 2},
			want: "immediate, min delay and max delay retries must be at most 3 together, got 4"},
		{name: "the wrong way round", delivery: statusnotifier.Delivery{MinDelay: time.Minute, MaxDelay: time.Second}, want: "min delay must not exceed max delay (1s), got 1m0s"},
		{name: "half seconds", delivery: statusnotifier.Delivery{MinDelay: 1500 * time.Millisecond}, want: "min delay must be whole seconds, got 1.5s"},
		{name: "other things", delivery: statusnotifier.Delivery{ImmediateRetries: -1, Backoff: "NONE", MaxPerSecond: -1, ContentType: "image/png"},
			want: "immediate retries must not be negative, got -1\ndeliveries a second must not be negative, got -1\n" +
				"backoff must be Linear, Arithmetic, Geometric or Exponential, got \"NONE\"\n" +
				"content type must be one that SNS sends, got \"image/png\""},
		{name: "a parameter of the content type", delivery: statusnotifier.Delivery{ContentType: "text/plain;charset=UTF-8"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := good
			if c.id != "" {
				s.ID = c.id
			}
			if c.url != "" {
				s.URL = c.url
			}
			s.Delivery = c.delivery
			got := ""
			if err := s.Validate(); err != nil {
				got = err.Error()
			}
			equal(t, "error", got, c.want)
		})
	}
	twice := statusnotifier.Props{Topic: &statusnotifier.Topic{HTTPS: []statusnotifier.HTTPSSubscription{good, good}}}
	contains(t, "error", fmt.Sprint(twice.Validate()), `HTTPS subscriptions must have different ids, got "A" twice`)
	bad := statusnotifier.Props{Topic: &statusnotifier.Topic{HTTPS: []statusnotifier.HTTPSSubscription{{ID: "A", URL: "x"}}}}
	contains(t, "error", fmt.Sprint(bad.Validate()), `HTTPS subscription "A": URL must be https://…, without credentials and fragment, got "x"`)
}

func decodeJSON(t *testing.T, text string) map[string]any {
	t.Helper()
	var m map[string]any
	if err := json.Unmarshal([]byte(text), &m); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	return m
}
