package sns_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sns/types"
	sqssdk "github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/smithy-go"

	"github.com/orderflow-cdk/orderflow/internal/referee"
	"github.com/orderflow-cdk/orderflow/local/internal/cfn"
	"github.com/orderflow-cdk/orderflow/local/internal/sns"
	"github.com/orderflow-cdk/orderflow/local/internal/sqs"
)

// The referee for the wire and for filters is moto (PyPI, 5.2.5), in a process of its
// own.
//
// The same steps are made of both by the SDK's clients. These are its known faults,
// by the key that marks a step, with what they are measured against:
//
// It also fails with an internal error on binary attributes with raw delivery, and
// its topics have SignatureVersion 2 unless told otherwise (SNS API Reference,
// SetTopicAttributes: "By default, SignatureVersion is set to 1").
var motoFaults = map[string]string{
	"lax":       "it accepts what the service refuses (SNS API Reference, Publish; recorded answers)",
	"wording":   "its message is not the recorded one of the service",
	"position":  "it leaves out where in the policy the fault is, which recorded answers say",
	"arrays":    "it refuses an array of which one element is excluded and another is not (Developer Guide, \"String value matching\", anything-but: one such value is enough)",
	"exists":    "it lets a message without attributes pass exists:false (Developer Guide, \"Key matching\": an empty set of attributes does not match)",
	"null":      "it finds no null in a body (Developer Guide, \"Filter policies\": values may be null)",
	"types":     "it lets a String of a policy match a Number (Developer Guide, \"Filter policies\")",
	"operators": "it does not know all operators (Developer Guide, \"Filter policies\": equals-ignore-case, cidr)",
	"code":      "its code is not the recorded one of the service",
}

// party is one of the two that are compared.
type party struct {
	sns    *sdk.Client
	topic  string
	queues map[string]string // ARNs by name
	take   func(queue string) []string
}

// startMoto makes the topic and the queues in moto.
func startMoto(t *testing.T) *party {
	base := referee.Moto(t)
	credentials := aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
		return aws.Credentials{AccessKeyID: "AKIDEXAMPLE", SecretAccessKey: "secret"}, nil
	})
	ctx := context.Background()
	p := &party{queues: map[string]string{}}
	direct := referee.Client()
	p.sns = sdk.New(sdk.Options{Region: region, BaseEndpoint: &base, Credentials: credentials, Retryer: aws.NopRetryer{}, HTTPClient: direct})
	queues := sqssdk.New(sqssdk.Options{Region: region, BaseEndpoint: &base, Credentials: credentials, Retryer: aws.NopRetryer{}, HTTPClient: direct})
	made, err := p.sns.CreateTopic(ctx, &sdk.CreateTopicInput{Name: aws.String("orders")})
	if err != nil {
		t.Fatal(err)
	}
	p.topic = *made.TopicArn
	urls := map[string]*string{}
	for _, name := range []string{"raw", "wrapped"} {
		q, err := queues.CreateQueue(ctx, &sqssdk.CreateQueueInput{QueueName: &name})
		if err != nil {
			t.Fatal(err)
		}
		urls[name], p.queues[name] = q.QueueUrl, "arn:aws:sqs:"+region+":123456789012:"+name
	}
	p.take = func(name string) (out []string) {
		got, err := queues.ReceiveMessage(ctx, &sqssdk.ReceiveMessageInput{QueueUrl: urls[name], MaxNumberOfMessages: 10, MessageAttributeNames: []string{"All"}, VisibilityTimeout: 3600})
		if err != nil {
			t.Fatal(err)
		}
		for _, msg := range got.Messages {
			out = append(out, shown(t, *msg.Body, msg.MessageAttributes))
		}
		return out
	}
	return p
}

func ourParty(t *testing.T) *party {
	f := newFixture(t, sns.TopicProperties{})
	p := &party{sns: newClient(f), topic: f.t.ARN, queues: map[string]string{}}
	queues := map[string]*sqs.Queue{}
	for _, name := range []string{"raw", "wrapped"} {
		hidden := cfn.Int(43_200) // what was taken does not come back
		q, err := f.queues.CreateQueue(name, sqs.QueueProperties{VisibilityTimeout: &hidden})
		if err != nil {
			t.Fatal(err)
		}
		queues[name] = q
		p.queues[name] = queues[name].ARN
	}
	p.take = func(name string) (out []string) {
		f.k.Advance(time.Second)
		for _, msg := range f.received(queues[name]) {
			out = append(out, shown(t, msg["Body"].(string), msg["MessageAttributes"]))
		}
		return out
	}
	return p
}

// shown is a message without what two servers cannot have in common.
func shown(t *testing.T, body string, attributes any) string {
	t.Helper()
	b, err := json.Marshal(attributes)
	if err != nil {
		t.Fatal(err)
	}
	var list map[string]map[string]any
	if err := json.Unmarshal(b, &list); err != nil {
		t.Fatal(err)
	}
	for _, a := range list {
		maps.DeleteFunc(a, func(_ string, v any) bool { return v == nil })
	}
	var doc map[string]any
	if json.Unmarshal([]byte(body), &doc) == nil && doc["Type"] == "Notification" {
		for _, name := range []string{"MessageId", "TopicArn", "Timestamp", "SignatureVersion", "Signature", "SigningCertURL", "UnsubscribeURL"} {
			if doc[name] != nil {
				doc[name] = "*"
			}
		}
		body = fmt.Sprint(doc)
	}
	return fmt.Sprint(body, list)
}

// pub is a message to publish: what the two queues get of it is compared.
type pub struct {
	name, fault string
	in          sdk.PublishInput
}

func strs(pairs ...string) map[string]types.MessageAttributeValue {
	out := map[string]types.MessageAttributeValue{}
	for i := 0; i < len(pairs); i += 3 {
		out[pairs[i]] = types.MessageAttributeValue{DataType: &pairs[i+1], StringValue: &pairs[i+2]}
	}
	return out
}

func msg(body string, attributes map[string]types.MessageAttributeValue) sdk.PublishInput {
	return sdk.PublishInput{Message: &body, MessageAttributes: attributes}
}

var publications = []pub{
	{"plain", "", msg("hello <&> ü", nil)},
	{"attributes", "", msg("a", strs("s", "String", "x", "n", "Number", "7.5", "l", "String.Array", `["x",1]`))},
	{"subject", "", sdk.PublishInput{Message: aws.String("a"), Subject: aws.String("s")}},
	{"structure", "", sdk.PublishInput{Message: aws.String(`{"default":"d","sqs":"q"}`), MessageStructure: aws.String("json")}},
	{"structure without default", "lax", sdk.PublishInput{Message: aws.String(`{"sqs":"q"}`), MessageStructure: aws.String("json")}},
	{"structure that is not JSON", "wording", sdk.PublishInput{Message: aws.String(`{`), MessageStructure: aws.String("json")}},
	{"empty", "lax", msg("", nil)},
	{"too long", "wording", msg(strings.Repeat("x", 256<<10+1), nil)},
	{"subject too long", "wording", sdk.PublishInput{Message: aws.String("a"), Subject: aws.String(strings.Repeat("s", 101))}},
	{"subject with a line break", "lax", sdk.PublishInput{Message: aws.String("a"), Subject: aws.String("s\nt")}},
	{"attribute without value", "lax", msg("a", map[string]types.MessageAttributeValue{"x": {DataType: aws.String("String")}})},
	{"attribute of another type", "code", msg("a", strs("x", "Float", "1"))},
	{"attribute that is no number", "code", msg("a", strs("x", "Number", "seven"))},
	{"deduplication", "", sdk.PublishInput{Message: aws.String("a"), MessageDeduplicationId: aws.String("d")}},
	{"another topic", "wording", sdk.PublishInput{TopicArn: aws.String("arn:aws:sns:eu-central-1:123456789012:none"), Message: aws.String("a")}},
	{"no ARN", "wording", sdk.PublishInput{TopicArn: aws.String("none"), Message: aws.String("a")}},
}

// filterCase is a filter policy and a message that it lets through or not.
type filterCase struct {
	fault, scope, policy string
	in                   sdk.PublishInput
}

const onAttributes, onBody = "MessageAttributes", "MessageBody"

var filterCases = []filterCase{
	{"", onAttributes, `{"a":["x","y"]}`, msg("m", strs("a", "String", "y"))},
	{"", onAttributes, `{"a":["x"]}`, msg("m", strs("a", "String", "X"))},
	{"", onAttributes, `{"a":["x"],"b":[1]}`, msg("m", strs("a", "String", "x"))},
	{"", onAttributes, `{"a":["x"],"b":[1]}`, msg("m", strs("a", "String", "x", "b", "Number", "1.0"))},
	{"types", onAttributes, `{"a":["1"]}`, msg("m", strs("a", "Number", "1"))},
	{"", onAttributes, `{"a":[{"prefix":"or"}]}`, msg("m", strs("a", "String", "order"))},
	{"", onAttributes, `{"a":[{"suffix":"er"}]}`, msg("m", strs("a", "String", "order"))},
	{"operators", onAttributes, `{"a":[{"equals-ignore-case":"ORDER"}]}`, msg("m", strs("a", "String", "order"))},
	{"", onAttributes, `{"a":[{"anything-but":["x","y"]}]}`, msg("m", strs("a", "String", "z"))},
	{"", onAttributes, `{"a":[{"anything-but":["x","y"]}]}`, msg("m", strs("a", "String", "y"))},
	{"", onAttributes, `{"a":[{"anything-but":"x"}]}`, msg("m", nil)},
	{"", onAttributes, `{"a":[{"anything-but":{"prefix":"or"}}]}`, msg("m", strs("a", "String", "order"))},
	{"", onAttributes, `{"a":[{"numeric":[">",0,"<=",10]}]}`, msg("m", strs("a", "Number", "10"))},
	{"", onAttributes, `{"a":[{"numeric":[">",0,"<=",10]}]}`, msg("m", strs("a", "Number", "10.1"))},
	{"", onAttributes, `{"a":[{"numeric":["=",3]}]}`, msg("m", strs("a", "String", "3"))},
	{"", onAttributes, `{"a":[{"exists":true}]}`, msg("m", strs("a", "String", "x"))},
	{"", onAttributes, `{"a":[{"exists":false}]}`, msg("m", strs("a", "String", "x"))},
	{"exists", onAttributes, `{"a":[{"exists":false}]}`, msg("m", nil)},
	{"", onAttributes, `{"a":["x"]}`, msg("m", strs("a", "String.Array", `["w","x"]`))},
	{"arrays", onAttributes, `{"a":[{"anything-but":["x"]}]}`, msg("m", strs("a", "String.Array", `["w","x"]`))},
	{"", onAttributes, `{"$or":[{"a":["x"]},{"b":["y"]}]}`, msg("m", strs("b", "String", "y"))},
	{"operators", onAttributes, `{"a":[{"cidr":"10.0.0.0/24"}]}`, msg("m", strs("a", "String", "10.0.0.255"))},
	{"", onBody, `{"a":{"b":["x"]}}`, msg(`{"a":{"b":"x"}}`, nil)},
	{"", onBody, `{"a":{"b":["x"]}}`, msg(`{"a":[{"b":"y"},{"b":"x"}]}`, nil)},
	{"", onBody, `{"a":["x"]}`, msg(`{"a":["y","x"]}`, nil)},
	{"null", onBody, `{"a":[null]}`, msg(`{"a":null}`, nil)},
	{"", onBody, `{"a":[{"numeric":["<",5]}]}`, msg(`{"a":4.5}`, nil)},
	{"", onBody, `{"a":[{"exists":false}]}`, msg(`{"b":1}`, nil)},
	{"", onBody, `{"a":["x"]}`, msg(`no JSON`, nil)},
	{"", onAttributes, `{"a":{"b":["x"]}}`, msg("m", nil)},
	{"position", onAttributes, `{"a":[{"unknown":1}]}`, msg("m", nil)},
	{"position", onAttributes, `{"a":"x"}`, msg("m", nil)},
	{"position", onAttributes, `{"a":[{"numeric":["=","x"]}]}`, msg("m", nil)},
}

func TestRefereeMoto(t *testing.T) {
	theirs, ours := startMoto(t), ourParty(t)
	ctx := context.Background()
	compare := func(name, fault string, do func(p *party) string) {
		t.Helper()
		got, want := do(ours), do(theirs)
		switch {
		case fault != "" && motoFaults[fault] == "":
			t.Errorf("%s: no fault is called %s", name, fault)
		case fault != "" && got == want:
			t.Errorf("%s: marked %s, but both answer %s", name, fault, got)
		case fault == "" && got != want:
			t.Errorf("%s\nours   %s\ntheirs %s", name, got, want)
		}
	}
	failed := func(err error) string {
		var e smithy.APIError
		if !errors.As(err, &e) {
			t.Fatal(err)
		}
		return e.ErrorCode() + ": " + e.ErrorMessage()
	}
	publish := func(p *party, in sdk.PublishInput) string {
		if in.TopicArn == nil {
			in.TopicArn = &p.topic
		}
		if _, err := p.sns.Publish(ctx, &in); err != nil {
			return failed(err)
		}
		return fmt.Sprint(p.take("raw"), p.take("wrapped"))
	}
	subscriptions := map[*party]string{}
	for _, p := range []*party{ours, theirs} {
		for name, arn := range p.queues {
			sub, err := p.sns.Subscribe(ctx, &sdk.SubscribeInput{TopicArn: &p.topic, Protocol: aws.String("sqs"), Endpoint: &arn,
				Attributes: map[string]string{"RawMessageDelivery": fmt.Sprint(name == "raw")}})
			if err != nil {
				t.Fatal(err)
			}
			if name == "raw" {
				subscriptions[p] = *sub.SubscriptionArn
			}
		}
	}
	for _, c := range publications {
		compare(c.name, c.fault, func(p *party) string { return publish(p, c.in) })
	}
	for _, c := range filterCases {
		compare(c.scope+" "+c.policy+" "+*c.in.Message, c.fault, func(p *party) string {
			arn := subscriptions[p]
			for _, a := range [][2]string{{"FilterPolicy", "{}"}, {"FilterPolicyScope", c.scope}, {"FilterPolicy", c.policy}} {
				if _, err := p.sns.SetSubscriptionAttributes(ctx, &sdk.SetSubscriptionAttributesInput{SubscriptionArn: &arn, AttributeName: &a[0], AttributeValue: &a[1]}); err != nil {
					return failed(err)
				}
			}
			return publish(p, c.in)
		})
	}
}
