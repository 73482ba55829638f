package sns_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/orderflow-cdk/orderflow/local/internal/api"
	"github.com/orderflow-cdk/orderflow/local/internal/sns"
)

const function = "arn:aws:lambda:eu-central-1:111122223333:function:on-status"

// SNS Developer Guide, "Message delivery retries": 3 times without delay, 2 times 1
// second apart, 10 times from 1 to 20 seconds, 100,000 times 20 seconds apart.
func TestQueuesAndFunctionsAreRetriedFor23Days(t *testing.T) {
	f := newFixture(t, sns.TopicProperties{})
	sub := f.subscribe(sns.SubscriptionProperties{Protocol: "lambda", Endpoint: function})
	var at []time.Duration
	f.fail = func(api.Call) error {
		at = append(at, f.k.Now().Sub(start).Round(100*time.Millisecond))
		f.calls = nil
		return &api.Error{Code: "ServiceException", Status: 500}
	}
	f.publish(m{"Message": "hello"})
	f.k.Advance(24 * 24 * time.Hour)
	if len(at) != 100_016 {
		t.Fatalf("%d attempts, want the first and 100,015 retries", len(at))
	}
	var waits []string
	for i := range 17 {
		waits = append(waits, fmt.Sprint((at[i+1] - at[i]).Round(time.Second)))
	}
	want := "0s 0s 0s 1s 1s 1s 1s 2s 3s 4s 5s 7s 10s 14s 20s 20s 20s"
	if got := strings.Join(waits, " "); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if days := at[len(at)-1].Hours() / 24; days < 23 || days > 23.5 {
		t.Errorf("the last attempt comes after %.1f days", days)
	}
	if s := sub.Stats(); s.Attempts != 100_016 || s.Failed != 1 || s.Dropped != 1 || s.DeadLettered != 0 || s.LastError != "ServiceException: " {
		t.Errorf("stats %+v", s)
	}
}

// The body and the lack of further attributes are those of messages recorded from
// the service after the subscribed queue or function was deleted.
func TestMessagesThatCannotBeDeliveredGoToTheDeadLetterQueue(t *testing.T) {
	const missing = "arn:aws:sqs:eu-central-1:111122223333:missing"
	for _, tt := range []struct {
		name     string
		p        sns.SubscriptionProperties
		raw      bool
		attempts int
	}{
		{"a queue that is gone, raw", sns.SubscriptionProperties{Protocol: "sqs", Endpoint: missing, RawMessageDelivery: true}, true, 1},
		{"a queue that is gone", sns.SubscriptionProperties{Protocol: "sqs", Endpoint: missing}, false, 1},
		{"a function that is gone", sns.SubscriptionProperties{Protocol: "lambda", Endpoint: function}, false, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := newFixture(t, sns.TopicProperties{})
			dead := f.queue("dead")
			tt.p.RedrivePolicy = json.RawMessage(`{"deadLetterTargetArn":"` + dead.ARN + `"}`)
			sub := f.subscribe(tt.p)
			f.fail = func(c api.Call) error {
				if c.Service == "lambda" {
					return &api.Error{Code: "ResourceNotFoundException", Message: "Function not found", Status: 404}
				}
				return nil
			}
			id := f.publish(m{"Message": "hello", "MessageAttributes": attributes, "MessageGroupId": "g"})
			letters := f.received(dead)
			if len(letters) != 1 {
				t.Fatalf("dead letters: %v", letters)
			}
			if tt.raw {
				if diff := cmp.Diff(attributes, letters[0]["MessageAttributes"]); diff != "" || letters[0]["Body"] != "hello" {
					t.Errorf("%v %s", letters[0], diff)
				}
			} else if doc := parsed(t, letters[0]["Body"].(string)); doc["Message"] != "hello" || doc["MessageId"] != id || letters[0]["MessageAttributes"] != nil {
				t.Errorf("%v", letters[0])
			}
			if s := sub.Stats(); s.Attempts != tt.attempts || s.Failed != 1 || s.DeadLettered != 1 || s.Dropped != 0 || s.LastError == "" {
				t.Errorf("stats %+v", s)
			}
		})
	}
}

func TestThrottlingIsRetried(t *testing.T) {
	f := newFixture(t, sns.TopicProperties{})
	sub := f.subscribe(sns.SubscriptionProperties{Protocol: "lambda", Endpoint: function})
	f.fail = func(api.Call) error {
		if len(f.calls) < 5 {
			return &api.Error{Code: "TooManyRequestsException", Status: 429}
		}
		return nil
	}
	f.publish(m{"Message": "hello"})
	f.k.Advance(time.Minute)
	if s := sub.Stats(); s.Attempts != 5 || s.Delivered != 1 || s.Failed != 0 {
		t.Errorf("stats %+v", s)
	}
}

// SNS Developer Guide, "Message attributes": with raw delivery a queue gets up to
// ten; messages with more are discarded as a client-side error.
func TestMoreThanTenAttributesCannotBeDeliveredRaw(t *testing.T) {
	f := newFixture(t, sns.TopicProperties{})
	raw, wrapped := f.queue("raw"), f.queue("wrapped")
	lost := f.subscribe(sns.SubscriptionProperties{Protocol: "sqs", Endpoint: raw.ARN, RawMessageDelivery: true})
	kept := f.subscribe(sns.SubscriptionProperties{Protocol: "sqs", Endpoint: wrapped.ARN})
	many := m{}
	for i := range 11 {
		many[fmt.Sprintf("a%d", i)] = m{"DataType": "Number", "StringValue": "1"}
	}
	f.publish(m{"Message": "hello", "MessageAttributes": many})
	if s := lost.Stats(); s.Attempts != 1 || s.Dropped != 1 {
		t.Errorf("raw: %+v", s)
	}
	if s := kept.Stats(); s.Delivered != 1 {
		t.Errorf("not raw: %+v", s)
	}
}

func TestFilterPolicies(t *testing.T) {
	f := newFixture(t, sns.TopicProperties{})
	acme, done, body := f.queue("acme"), f.queue("done"), f.queue("body")
	byTenant := f.subscribe(sns.SubscriptionProperties{Protocol: "sqs", Endpoint: acme.ARN, RawMessageDelivery: true, FilterPolicy: json.RawMessage(`{"tenant":["acme"]}`)})
	f.subscribe(sns.SubscriptionProperties{Protocol: "sqs", Endpoint: done.ARN, RawMessageDelivery: true, FilterPolicy: json.RawMessage(`"{\"n\":[{\"numeric\":[\">\",5]}]}"`)})
	f.subscribe(sns.SubscriptionProperties{Protocol: "sqs", Endpoint: body.ARN, RawMessageDelivery: true, FilterPolicy: json.RawMessage(`{"order":{"total":[{"numeric":[">=",10]}]}}`), FilterPolicyScope: "MessageBody"})
	str := func(s string) m { return m{"DataType": "String", "StringValue": s} }
	f.publish(m{"Message": `{"order":{"total":10}}`, "MessageAttributes": m{"tenant": str("acme"), "n": m{"DataType": "Number.int", "StringValue": "5"}}})
	f.publish(m{"Message": `{"order":{"total":9}}`, "MessageAttributes": m{"tenant": m{"DataType": "String.Array", "StringValue": `["x","acme"]`}, "n": m{"DataType": "Number.int", "StringValue": "6"}}})
	f.publish(m{"Message": "text", "MessageAttributes": m{"tenant": str("globex")}})
	for _, tt := range []struct {
		name string
		got  []m
		want string
	}{
		{"tenant", f.received(acme), `[{"order":{"total":10}} {"order":{"total":9}}]`},
		{"number", f.received(done), `[{"order":{"total":9}}]`},
		{"body", f.received(body), `[{"order":{"total":10}}]`},
	} {
		var got []any
		for _, msg := range tt.got {
			got = append(got, msg["Body"])
		}
		if fmt.Sprint(got) != tt.want {
			t.Errorf("%s: got %v, want %s", tt.name, got, tt.want)
		}
	}
	if s := byTenant.Stats(); s != (sns.Stats{Delivered: 2, Filtered: 1, Attempts: 2}) {
		t.Errorf("stats %+v", s)
	}
}

func TestMessageStructureHasATextForEachProtocol(t *testing.T) {
	f := newFixture(t, sns.TopicProperties{})
	q := f.queue("q")
	f.subscribe(sns.SubscriptionProperties{Protocol: "sqs", Endpoint: q.ARN, RawMessageDelivery: true})
	f.subscribe(sns.SubscriptionProperties{Protocol: "lambda", Endpoint: function})
	f.publish(m{"Message": `{"default":"d","sqs":"{\"field\":1}","http":7}`, "MessageStructure": "json"})
	if got := f.received(q); len(got) != 1 || got[0]["Body"] != `{"field":1}` {
		t.Errorf("the queue got %v", got)
	}
	if in := string(f.calls[1].Input); !strings.Contains(in, `"Message":"d"`) {
		t.Errorf("the function got %s", in)
	}
}

func TestDeclaredProtocolsNeverGetAnything(t *testing.T) {
	f := newFixture(t, sns.TopicProperties{Subscription: []sns.TopicSubscription{{Protocol: "email", Endpoint: "ops@example.com"}}})
	phone := f.subscribe(sns.SubscriptionProperties{Protocol: "sms", Endpoint: "+15551234567"})
	f.publish(m{"Message": "hello"})
	if len(f.calls)+len(f.posts) != 0 || phone.Stats() != (sns.Stats{}) || !f.t.Subscriptions()[0].Pending() {
		t.Errorf("calls %v, posts %v, stats %+v", f.calls, f.posts, phone.Stats())
	}
}
