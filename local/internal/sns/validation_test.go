package sns_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/orderflow-cdk/orderflow/local/internal/api"
	"github.com/orderflow-cdk/orderflow/local/internal/cfn"
	"github.com/orderflow-cdk/orderflow/local/internal/sns"
)

func attr(name string, v m) m { return m{"Message": "a", "MessageAttributes": m{name: v}} }

// Codes and messages are those recorded from the service, but for the lines that
// are marked: those follow its style.
func TestPublishRefuses(t *testing.T) {
	f := newFixture(t, sns.TopicProperties{})
	const badType = "ParameterValueInvalid: The message attribute 'a' has an invalid message attribute type, the set of supported type prefixes is Binary, Number, and String."
	const empty = "ParameterValueInvalid: The message attribute 'a' must contain non-empty message attribute value for message attribute type '%s'."
	const name = "ParameterValueInvalid: Invalid message attribute name %s with character '.' was found."
	str := m{"DataType": "String", "StringValue": "x"}
	for _, tt := range []struct {
		in   m
		want string
	}{
		{m{"Message": "a", "TopicArn": "randomstring"}, "InvalidParameter: Invalid parameter: TopicArn Reason: An ARN must have at least 6 elements, not 1"},
		{m{"Message": "a", "TopicArn": ""}, "InvalidParameter: Invalid parameter: TopicArn Reason: An ARN must have at least 6 elements, not 1"},
		{m{"Message": "a", "TopicArn": f.t.ARN + "x"}, "NotFound: Topic does not exist"},
		{m{"Message": "a", "TopicArn": strings.Replace(f.t.ARN, region, "us-west-1", 1)}, "InvalidParameter: Invalid parameter: TopicArn"},
		{m{"Message": ""}, "InvalidParameter: Invalid parameter: Empty message"},
		{m{"Message": "a", "Subject": ""}, "InvalidParameter: Invalid parameter: Subject"},
		{m{"Message": "a", "Subject": "two\nlines"}, "InvalidParameter: Invalid parameter: Subject"},
		{m{"Message": "a", "Subject": strings.Repeat("x", 101)}, "InvalidParameter: Invalid parameter: Subject"},
		{m{"Message": strings.Repeat("x", 256<<10+1)}, "InvalidParameter: Invalid parameter: Message too long"},
		{m{"Message": strings.Repeat("x", 256<<10-7), "MessageAttributes": m{"a": str}}, "InvalidParameter: Invalid parameter: Message too long"},
		{m{"Message": `{"message":"x"}`, "MessageStructure": "json"}, "InvalidParameter: Invalid parameter: Message Structure - No default entry in JSON message body"},
		{m{"Message": `{"default":{"x":1}}`, "MessageStructure": "json"}, "InvalidParameter: Invalid parameter: Message Structure - No default entry in JSON message body"},
		{m{"Message": `{'default': 'x'}`, "MessageStructure": "json"}, "InvalidParameter: Invalid parameter: Message Structure - JSON message body failed to parse"},
		{m{"Message": "a", "MessageDeduplicationId": "d"}, "InvalidParameter: Invalid parameter: MessageDeduplicationId Reason: The request includes MessageDeduplicationId parameter that is not valid for this topic type"},
		{m{"Message": "a", "MessageGroupId": "a b"}, "InvalidParameter: Invalid parameter: MessageGroupId Reason: The MessageGroupId can only include alphanumeric and punctuation characters. 1 to 128 in length"}, // style
		{attr("a", m{"DataType": "String", "StringValue": ""}), fmt.Sprintf(empty, "String")},
		{attr("a", m{"DataType": "String"}), fmt.Sprintf(empty, "String")},
		{attr("a", m{"DataType": "Binary", "BinaryValue": ""}), fmt.Sprintf(empty, "Binary")},
		{attr("a", m{"StringValue": "x"}), "ValidationError: 1 validation error detected: Value null at 'messageAttributes.a.member.dataType' failed to satisfy constraint: Member must not be null"},
		{attr("a", m{"DataType": "String", "BinaryValue": "eA=="}), "ParameterValueInvalid: The message attribute 'a' with type 'String' must use field 'String'."},
		{attr("a", m{"DataType": "Number", "BinaryValue": "eA=="}), "ParameterValueInvalid: The message attribute 'a' with type 'Number' must use field 'String'."},
		{attr("a", m{"DataType": "Binary", "StringValue": "x"}), "ParameterValueInvalid: The message attribute 'a' with type 'Binary' must use field 'Binary'."},
		{attr("a", m{"DataType": "InvalidType", "StringValue": "x"}), badType},
		{attr("a", m{"DataType": "String.", "StringValue": "x"}), badType},
		{attr("a", m{"DataType": "Stringprefixed", "StringValue": "x"}), badType},
		{attr("a", m{"DataType": "Number", "StringValue": "seven"}), "ParameterValueInvalid: Could not cast message attribute 'a' value to number."},                                                                 // style
		{attr("a", m{"DataType": "String.Array", "StringValue": `{"x":1}`}), "ParameterValueInvalid: The message attribute 'a' of type 'String.Array' must be a JSON array of strings, numbers, booleans and null."}, // style
		{attr(strings.Repeat("a", 257), str), "ParameterValueInvalid: Length of message attribute name must be less than 256 bytes."},
		{attr("a^b", str), "ParameterValueInvalid: Invalid non-alphanumeric character '#x5E' was found in the message attribute name. Can only include alphanumeric characters, hyphens, underscores, or dots."},
		{attr(".a", str), fmt.Sprintf(name, "starting")},
		{attr("a.", str), fmt.Sprintf(name, "ending")},
		{attr("a..b", str), "ParameterValueInvalid: Message attribute name can not have successive '.' character."},
	} {
		f.refused("Publish", tt.in, tt.want)
	}
	for _, in := range []m{
		{"Message": strings.Repeat("x", 256<<10)},
		{"Message": "a", "Subject": strings.Repeat("ü", 100)},
		{"Message": "a", "TargetArn": f.t.ARN, "TopicArn": ""},
		attr("a", m{"DataType": "String.  prefixed.", "StringValue": "x"}),
		attr("a", m{"DataType": "String.Array", "StringValue": `["x",1,true,null]`}),
		attr("a", m{"DataType": "Number", "StringValue": "-1.5e10"}),
	} {
		f.call("Publish", in)
	}
	if _, err := f.try("Publish", m{"Message": "a", "PhoneNumber": "+15551234567"}); !isPlain(err) {
		t.Errorf("a phone number: %v", err)
	}
}

// isPlain says whether an error says that something is not simulated.
func isPlain(err error) bool {
	var e *api.Error
	return err != nil && !errors.As(err, &e)
}

func TestPublishBatchRefuses(t *testing.T) {
	f := newFixture(t, sns.TopicProperties{})
	q := f.queue("q")
	f.subscribe(sns.SubscriptionProperties{Protocol: "sqs", Endpoint: q.ARN})
	entries := func(ids ...string) (out []any) {
		for _, id := range ids {
			out = append(out, m{"Id": id, "Message": "a"})
		}
		return out
	}
	long := m{"Message": strings.Repeat("x", 128<<10)}
	for _, tt := range []struct {
		name    string
		entries []any
		want    string
	}{
		{"none", nil, "EmptyBatchRequest: The batch request doesn't contain any entries."},
		{"eleven", entries("0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "10"), "TooManyEntriesInBatchRequest: The batch request contains more entries than permissible."},
		{"same ids", entries("a", "b", "a"), "BatchEntryIdsNotDistinct: Two or more batch entries in the request have the same Id."},
		{"character", entries("msg@123#test"), "InvalidBatchEntryId: The Id of a batch entry in the batch request contains an impermissible character: msg@123#test"},
		{"too long", entries(strings.Repeat("a", 81)), "InvalidBatchEntryId: The Id of a batch entry in the batch request is too long: " + strings.Repeat("a", 81)},
		{"attribute", []any{entries("a")[0], m{"Id": "b", "Message": "a", "MessageAttributes": m{"x": m{"StringValue": "v"}}}},
			"ValidationError: 1 validation error detected: Value null at 'publishBatchRequestEntries.2.member.messageAttributes.x.member.dataType' failed to satisfy constraint: Member must not be null"},
		{"structure", []any{entries("a")[0], m{"Id": "b", "Message": `{"sqs":"x"}`, "MessageStructure": "json"}},
			"InvalidParameter: Invalid parameter: Message Structure - No default entry in JSON message body"},
		{"size", []any{m{"Id": "a", "Message": long["Message"]}, m{"Id": "b", "Message": long["Message"]}, m{"Id": "c", "Message": "x"}},
			"BatchRequestTooLong: The length of all the messages put together is more than the limit."},
	} {
		f.refused("PublishBatch", m{"PublishBatchRequestEntries": tt.entries}, tt.want)
	}
	f.refused("PublishBatch", m{"TopicArn": f.t.ARN + "x", "PublishBatchRequestEntries": entries("a")}, "NotFound: Topic does not exist")
	f.k.Advance(1e9)
	if got := f.received(q); len(got) != 0 {
		t.Errorf("a refused batch was delivered: %v", got)
	}
	out := f.call("PublishBatch", m{"PublishBatchRequestEntries": entries(strings.Repeat("a", 80), "valid-message_123")})
	if len(out["Successful"].([]any)) != 2 || len(out["Failed"].([]any)) != 0 {
		t.Errorf("%v", out)
	}
}

func TestSubscribeRefuses(t *testing.T) {
	f := newFixture(t, sns.TopicProperties{})
	queue := "arn:aws:sqs:eu-central-1:111122223333:q"
	for _, tt := range []struct {
		protocol, endpoint string
		attributes         m
		want               string
	}{
		{"test-protocol", "x", nil, "Invalid parameter: Amazon SNS does not support this protocol string: test-protocol"},
		{"http", "https://example.com", nil, "Invalid parameter: Endpoint must match the specified protocol"},
		{"https", "https://under_score.example.com", nil, "Invalid parameter: Endpoint"},
		{"sqs", "https://sqs.eu-central-1.amazonaws.com/111122223333/q", nil, "Invalid parameter: SQS endpoint ARN"},
		{"sqs", queue + ".fifo", nil, "Invalid parameter: Invalid parameter: Endpoint Reason: FIFO SQS Queues can not be subscribed to standard SNS topics"},
		{"lambda", queue, nil, "Invalid parameter: Lambda endpoint ARN"},
		{"sqs", queue, m{"RawMessageDelivery": "wrongvalue"}, "Invalid parameter: Attributes Reason: RawMessageDelivery: Invalid value [wrongvalue]. Must be true or false."},
		{"sqs", queue, m{"Fake": "x"}, "Invalid parameter: Attributes Reason: AttributeName"},
		{"sqs", queue, m{"RedrivePolicy": `{"deadLetterTargetArn":"fake"}`}, "Invalid parameter: Attributes Reason: RedrivePolicy: deadLetterTargetArn is an invalid arn"},
		{"sqs", queue, m{"FilterPolicyScope": "Message"}, "Invalid parameter: Attributes Reason: FilterPolicyScope: Invalid value [Message]. Please use either MessageBody or MessageAttributes"},
		{"https", hook, m{"DeliveryPolicy": `{"healthyRetryPolicy":{"minDelayTarget":0}}`}, "Invalid parameter: Attributes Reason: DeliveryPolicy: healthyRetryPolicy.minDelayTarget must be greater than or equal to 1"},
		{"https", hook, m{"DeliveryPolicy": `{"healthyRetryPolicy":{"numRetries":101}}`}, "Invalid parameter: Attributes Reason: DeliveryPolicy: healthyRetryPolicy.numRetries must be less than or equal to 100"},
		{"https", hook, m{"DeliveryPolicy": `{"healthyRetryPolicy":{"numRetries":61,"minDelayTarget":60,"maxDelayTarget":60}}`}, "Invalid parameter: Attributes Reason: DeliveryPolicy: healthyRetryPolicy: the total retry time must be less than or equal to 3600 seconds"},
		{"https", hook, m{"DeliveryPolicy": `{"http":{}}`}, "Invalid parameter: Attributes Reason: DeliveryPolicy: Unexpected JSON member: http"},
		{"https", hook, m{"DeliveryPolicy": `{"requestPolicy":{"headerContentType":"text/csv"}}`}, "Invalid parameter: Attributes Reason: DeliveryPolicy: requestPolicy.headerContentType must be one of application/json, text/plain"},
	} {
		f.refused("Subscribe", m{"Protocol": tt.protocol, "Endpoint": tt.endpoint, "Attributes": tt.attributes}, "InvalidParameter: "+tt.want)
	}
	if n := len(f.t.Subscriptions()); n != 0 {
		t.Errorf("%d subscriptions were made", n)
	}
	f.refused("Subscribe", m{"TopicArn": "nonsense", "Protocol": "sqs", "Endpoint": queue}, "InvalidParameter: Invalid parameter: TopicArn Reason: An ARN must have at least 6 elements, not 1")
	// An hour in all is allowed.
	f.call("Subscribe", m{"Protocol": "https", "Endpoint": hook, "Attributes": m{"DeliveryPolicy": `{"healthyRetryPolicy":{"numRetries":60,"minDelayTarget":60,"maxDelayTarget":60}}`}})
}

func TestSubscribeIsIdempotent(t *testing.T) {
	f := newFixture(t, sns.TopicProperties{})
	q := f.queue("q")
	in := func(attributes m) m { return m{"Protocol": "sqs", "Endpoint": q.ARN, "Attributes": attributes} }
	first := f.call("Subscribe", in(m{"RawMessageDelivery": "true"}))
	for _, attributes := range []m{{"RawMessageDelivery": "true"}, nil, {}} {
		if diff := cmp.Diff(first, f.call("Subscribe", in(attributes))); diff != "" {
			t.Error(diff)
		}
	}
	f.refused("Subscribe", in(m{"RawMessageDelivery": "false"}), "InvalidParameter: Invalid parameter: Attributes Reason: Subscription already exists with different attributes")
	if n := len(f.t.Subscriptions()); n != 1 {
		t.Errorf("%d subscriptions", n)
	}
}

func TestSetSubscriptionAttributes(t *testing.T) {
	f := newFixture(t, sns.TopicProperties{})
	q := f.queue("q")
	sub := f.subscribe(sns.SubscriptionProperties{Protocol: "sqs", Endpoint: q.ARN})
	set := func(name, value string) m {
		return m{"SubscriptionArn": sub.ARN, "AttributeName": name, "AttributeValue": value}
	}
	f.refused("SetSubscriptionAttributes", set("FakeAttribute", "x"), "InvalidParameter: Invalid parameter: AttributeName")
	f.refused("SetSubscriptionAttributes", set("RawMessageDelivery", "test-ValUe"), "InvalidParameter: Invalid parameter: RawMessageDelivery: Invalid value [test-ValUe]. Must be true or false.")
	f.refused("SetSubscriptionAttributes", m{"SubscriptionArn": sub.ARN + "x", "AttributeName": "RawMessageDelivery", "AttributeValue": "true"}, "NotFound: Subscription does not exist")
	f.call("SetSubscriptionAttributes", set("FilterPolicy", `{"tenant":["acme"]}`))
	f.publish(m{"Message": "filtered"})
	// A policy that is refused leaves the one before in force.
	if _, err := f.try("SetSubscriptionAttributes", set("FilterPolicy", `{"tenant":[{"nonsense":1}]}`)); err == nil {
		t.Error("a bad filter policy is accepted")
	}
	f.publish(m{"Message": "filtered"})
	f.call("SetSubscriptionAttributes", set("FilterPolicy", ""))
	f.publish(m{"Message": "hello"})
	if s := sub.Stats(); s != (sns.Stats{Delivered: 1, Attempts: 1, Filtered: 2}) {
		t.Errorf("stats %+v", s)
	}
}

// The documents are those recorded from the service.
func TestDeliveryPolicyAttributes(t *testing.T) {
	f := newFixture(t, sns.TopicProperties{})
	topic := func() m { return f.call("GetTopicAttributes", m{})["Attributes"].(m) }
	const standard = `"defaultHealthyRetryPolicy":{"minDelayTarget":20,"maxDelayTarget":20,"numRetries":3,"numMaxDelayRetries":0,"numNoDelayRetries":0,"numMinDelayRetries":0,"backoffFunction":"linear"}`
	a := topic()
	if want := `{"http":{` + standard + `,"disableSubscriptionOverrides":false,"defaultRequestPolicy":{"headerContentType":"text/plain; charset=UTF-8"}}}`; a["EffectiveDeliveryPolicy"] != want || a["DeliveryPolicy"] != nil {
		t.Errorf("topic: %v", a)
	}
	f.call("SetTopicAttributes", m{"AttributeName": "DeliveryPolicy", "AttributeValue": `{"http":{"defaultHealthyRetryPolicy":{"minDelayTarget":5,"maxDelayTarget":6,"numRetries":1}}}`})
	a = topic()
	if want := `{"http":{"defaultHealthyRetryPolicy":{"minDelayTarget":5,"maxDelayTarget":6,"numRetries":1},"disableSubscriptionOverrides":false}}`; a["DeliveryPolicy"] != want {
		t.Errorf("topic: %v", a)
	}
	f.refused("SetTopicAttributes", m{"AttributeName": "DeliveryPolicy", "AttributeValue": `{"http":{"defaultHealthyRetryPolicy":{"numRetries":101}}}`},
		"InvalidParameter: Invalid parameter: DeliveryPolicy: http.defaultHealthyRetryPolicy.numRetries must be less than or equal to 100")
	f.call("SetTopicAttributes", m{"AttributeName": "DeliveryPolicy", "AttributeValue": `{"http":{"defaultRequestPolicy":{"headerContentType":"application/json"}}}`})

	sub := f.subscribe(sns.SubscriptionProperties{Protocol: "http", Endpoint: "http://example.com/", DeliveryPolicy: json.RawMessage(
		`{"healthyRetryPolicy":{"minDelayTarget":1,"maxDelayTarget":1,"numRetries":0},"throttlePolicy":{"maxReceivesPerSecond":1000}}`)})
	s := f.call("GetSubscriptionAttributes", m{"SubscriptionArn": sub.ARN})["Attributes"].(m)
	const retry = `{"healthyRetryPolicy":{"minDelayTarget":1,"maxDelayTarget":1,"numRetries":0,"numMaxDelayRetries":0,"numNoDelayRetries":0,"numMinDelayRetries":0,"backoffFunction":"linear"},"sicklyRetryPolicy":null,"throttlePolicy":{"maxReceivesPerSecond":1000},`
	if want := retry + `"requestPolicy":null,"guaranteed":false}`; s["DeliveryPolicy"] != want {
		t.Errorf("got  %v\nwant %s", s["DeliveryPolicy"], want)
	}
	if want := retry + `"requestPolicy":{"headerContentType":"application/json"},"guaranteed":false}`; s["EffectiveDeliveryPolicy"] != want {
		t.Errorf("got  %v\nwant %s", s["EffectiveDeliveryPolicy"], want)
	}
	if s["PendingConfirmation"] != "true" || s["ConfirmationWasAuthenticated"] != "false" {
		t.Errorf("%v", s)
	}
	// A topic may forbid that subscriptions override its policy.
	f.call("SetTopicAttributes", m{"AttributeName": "DeliveryPolicy", "AttributeValue": `{"http":{"disableSubscriptionOverrides":true}}`})
	s = f.call("GetSubscriptionAttributes", m{"SubscriptionArn": sub.ARN})["Attributes"].(m)
	if !strings.Contains(s["EffectiveDeliveryPolicy"].(string), `"numRetries":3`) || !strings.Contains(s["EffectiveDeliveryPolicy"].(string), `"throttlePolicy":null`) {
		t.Errorf("%v", s["EffectiveDeliveryPolicy"])
	}
}

func TestMaximumMessageSize(t *testing.T) {
	f := newFixture(t, sns.TopicProperties{})
	set := func(n string) m { return m{"AttributeName": "MaximumMessageSize", "AttributeValue": n} }
	f.call("SetTopicAttributes", set("1048576"))
	f.call("Publish", m{"Message": strings.Repeat("x", 1<<20)})
	f.call("SetTopicAttributes", set("1024"))
	f.refused("Publish", m{"Message": strings.Repeat("x", 1025)}, "InvalidParameter: Invalid parameter: Message too long")
	f.subscribe(sns.SubscriptionProperties{Protocol: "https", Endpoint: hook})
	if _, err := f.try("SetTopicAttributes", set("262145")); err == nil {
		t.Error("a topic with an HTTP subscription may not take more than 256 KiB")
	}
}

func TestListsComeInPages(t *testing.T) {
	f := newFixture(t, sns.TopicProperties{})
	for i := range 101 {
		f.subscribe(sns.SubscriptionProperties{Protocol: "sms", Endpoint: fmt.Sprint("+1555", i)})
	}
	f.subscribe(sns.SubscriptionProperties{Protocol: "email", Endpoint: "ops@example.com"})
	for _, action := range []string{"ListSubscriptions", "ListSubscriptionsByTopic"} {
		one := f.call(action, m{})
		two := f.call(action, m{"NextToken": one["NextToken"]})
		last := two["Subscriptions"].([]any)
		if len(one["Subscriptions"].([]any)) != 100 || len(last) != 2 || two["NextToken"] != nil {
			t.Errorf("%s: %v", action, two)
		}
		if got := last[1].(m)["SubscriptionArn"]; got != "PendingConfirmation" {
			t.Errorf("%s: the ARN of a pending subscription is shown as %v", action, got)
		}
	}
	f.refused("ListSubscriptions", m{"NextToken": "x"}, "InvalidParameter: Invalid parameter: NextToken Reason: invalid token")
}

func TestUnsubscribeRefuses(t *testing.T) {
	f := newFixture(t, sns.TopicProperties{})
	for arn, want := range map[string]string{
		"":                       "SubscriptionArn Reason: no value for required parameter",
		"randomstring":           "SubscriptionArn Reason: An ARN must have at least 6 elements, not 1",
		"arn:aws:sns:eu-west-1:": "SubscriptionArn Reason: An ARN must have at least 6 elements, not 5",
		f.t.ARN + ":x":           "SubscriptionId",
	} {
		f.refused("Unsubscribe", m{"SubscriptionArn": arn}, "InvalidParameter: Invalid parameter: "+want)
	}
}

func TestWhatIsNotSimulatedIsSaid(t *testing.T) {
	f := newFixture(t, sns.TopicProperties{})
	for name, p := range map[string]sns.TopicProperties{
		"a.fifo": {}, "b": {FifoTopic: true}, "c": {ArchivePolicy: json.RawMessage(`{}`)}, "d": {TopicName: "e"},
		"f.g": {}, "h": {SignatureVersion: "3"}, "orders": {},
	} {
		if _, err := f.s.CreateTopic(name, p); err == nil {
			t.Errorf("topic %s: no error", name)
		}
	}
	for name, p := range map[string]sns.SubscriptionProperties{
		"region": {Region: "us-east-1"}, "replay": {ReplayPolicy: json.RawMessage(`{"PointType":"Timestamp"}`)}, "topic": {TopicArn: "x"},
	} {
		p.Protocol, p.Endpoint = "sqs", "arn:aws:sqs:eu-central-1:111122223333:q"
		if p.TopicArn == "" {
			p.TopicArn = f.t.ARN
		}
		if _, err := f.s.CreateSubscription(p); err == nil {
			t.Errorf("subscription, %s: no error", name)
		}
	}
	if _, err := f.try("CreateTopic", m{}); !isPlain(err) {
		t.Errorf("CreateTopic: %v", err)
	}
}

func TestCheckNamesWhatIsMissing(t *testing.T) {
	f := newFixture(t, sns.TopicProperties{})
	q := f.queue("q")
	f.subscribe(sns.SubscriptionProperties{Protocol: "sqs", Endpoint: q.ARN, RedrivePolicy: json.RawMessage(`{"deadLetterTargetArn":"` + q.ARN + `x"}`)})
	f.subscribe(sns.SubscriptionProperties{Protocol: "lambda", Endpoint: function})
	err := f.s.Check(func(arn string) bool { return arn == q.ARN })
	want := "sns: topic orders: subscription of " + q.ARN + ": the dead-letter queue " + q.ARN + "x does not exist or is not simulated\n" +
		"sns: topic orders: the subscribed endpoint " + function + " does not exist or is not simulated"
	if err == nil || err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
}

func TestPropertiesDecodeStrictly(t *testing.T) {
	var topic sns.TopicProperties
	declared, err := cfn.Decode(&cfn.Resource{LogicalID: "T", Type: "AWS::SNS::Topic", Properties: []byte(`{"DisplayName":"x","TracingConfig":"Active",
		"DeliveryStatusLogging":[{"Protocol":"http/s","FailureFeedbackRoleArn":"r"}],"Tags":[{"Key":"a","Value":"b"}],"FifoTopic":"false","SignatureVersion":"2"}`)}, &topic)
	if diff := cmp.Diff([]string{"DeliveryStatusLogging", "Tags", "TracingConfig"}, declared); err != nil || diff != "" {
		t.Errorf("%v %s", err, diff)
	}
	var sub sns.SubscriptionProperties
	declared, err = cfn.Decode(&cfn.Resource{LogicalID: "S", Type: "AWS::SNS::Subscription", Properties: []byte(`{"TopicArn":"t","Protocol":"https","Endpoint":"e","RawMessageDelivery":"true",
		"FilterPolicy":{"a":["b"]},"FilterPolicyScope":"MessageBody","RedrivePolicy":{"deadLetterTargetArn":"d"},"DeliveryPolicy":{"healthyRetryPolicy":{"numRetries":5}},"Region":"r","SubscriptionRoleArn":"x"}`)}, &sub)
	if diff := cmp.Diff([]string{"SubscriptionRoleArn"}, declared); err != nil || diff != "" || !bool(sub.RawMessageDelivery) || string(sub.FilterPolicy) != `{"a":["b"]}` {
		t.Errorf("%v %s %+v", err, diff, sub)
	}
	if _, err := cfn.Decode(&cfn.Resource{LogicalID: "S", Type: "AWS::SNS::Subscription", Properties: []byte(`{"Nonsense":1}`)}, &sub); err == nil {
		t.Error("an unknown property is accepted")
	}
}

func TestTheSameSeedGivesTheSameMessages(t *testing.T) {
	run := func() (out []post) {
		f := newFixture(t, sns.TopicProperties{})
		f.confirmed(sns.SubscriptionProperties{Protocol: "https", Endpoint: hook})
		f.publish(m{"Message": "a", "MessageAttributes": attributes})
		return f.posts
	}
	one, two := run(), run()
	if len(one) != 1 || one[0].body != two[0].body {
		t.Errorf("got\n%v\nand\n%v", one, two)
	}
}
