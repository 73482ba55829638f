package sns_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/orderflow-cdk/orderflow/local/internal/durable/durabletest"
	"github.com/orderflow-cdk/orderflow/local/internal/sns"
)

// restored is a fixture whose service goes on from the records of another's.
func restored(t *testing.T, from *fixture, p sns.TopicProperties, subscriptions ...sns.SubscriptionProperties) (*fixture, []string) {
	t.Helper()
	f := newFixture(t, p)
	f.k.RunUntil(from.k.Now())
	for _, sub := range subscriptions {
		f.subscribe(sub)
	}
	dropped, err := f.s.Restore(durabletest.Records(t, from.s))
	if err != nil {
		t.Fatal(err)
	}
	return f, dropped
}

func TestRestoredTokensConfirm(t *testing.T) {
	p := sns.SubscriptionProperties{Protocol: "https", Endpoint: hook}
	f := newFixture(t, sns.TopicProperties{})
	sub := f.subscribe(p)
	f.k.Advance(time.Second)
	request := parsed(t, f.posts[0].body)

	g, _ := restored(t, f, sns.TopicProperties{}, p)
	again := g.t.Subscriptions()[0]
	if again.ARN != sub.ARN || !again.Pending() {
		t.Errorf("the subscription is %s, pending %t; it was %s", again.ARN, again.Pending(), sub.ARN)
	}
	g.k.Advance(time.Second)
	if len(g.posts) != 0 {
		t.Errorf("the endpoint is asked again: %v", g.posts)
	}
	if status, body := g.serve("GET", request["SubscribeURL"].(string)); status != 200 {
		t.Fatalf("%d %s", status, body)
	}
	if _, body := f.serve("GET", request["SigningCertURL"].(string)); !strings.Contains(body, "CERTIFICATE") {
		t.Error("no certificate")
	} else if _, other := g.serve("GET", request["SigningCertURL"].(string)); other != body {
		t.Error("the certificate is another one")
	}
	g.publish(m{"Message": "hello"})
	if len(g.posts) != 1 || parsed(t, g.posts[0].body)["SigningCertURL"] != request["SigningCertURL"] {
		t.Errorf("posts %v", g.posts)
	}

	// Who leaves by the URL of a message can come back in the next process.
	if status, _ := g.serve("GET", parsed(t, g.posts[0].body)["UnsubscribeURL"].(string)); status != 200 {
		t.Fatal(status)
	}
	h, dropped := restored(t, g, sns.TopicProperties{}, p)
	h.k.Advance(time.Second)
	if len(h.posts) != 1 || len(h.t.Subscriptions()) != 0 || len(dropped) != 0 {
		t.Fatalf("posts %v, subscriptions %v, dropped %v", h.posts, h.t.Subscriptions(), dropped)
	}
	if status, _ := h.serve("GET", parsed(t, h.posts[0].body)["SubscribeURL"].(string)); status != 200 || len(h.t.Subscriptions()) != 1 || h.t.Subscriptions()[0].ARN != sub.ARN {
		t.Errorf("%d, subscriptions %v", status, h.t.Subscriptions())
	}
}

func TestRestoredPendingSubscriptionExpires(t *testing.T) {
	f := newFixture(t, sns.TopicProperties{})
	f.call("Subscribe", m{"Protocol": "https", "Endpoint": hook})
	f.k.Advance(time.Second)
	request := parsed(t, f.posts[0].body)
	g, _ := restored(t, f, sns.TopicProperties{})
	g.k.RunUntil(start.Add(48*time.Hour - time.Second))
	if len(g.t.Subscriptions()) != 1 {
		t.Fatal("it expired too early")
	}
	h, _ := restored(t, g, sns.TopicProperties{})
	h.k.Advance(time.Minute)
	if len(h.t.Subscriptions()) != 0 {
		t.Error("it did not expire")
	}
	h.refused("ConfirmSubscription", m{"Token": request["Token"]}, "InvalidParameter: Invalid parameter: Token")
	if diff := cmp.Diff([]string{"meta", "topic/orders"}, h.s.Keys()); diff != "" {
		t.Error(diff)
	}
	i, _ := restored(t, f, sns.TopicProperties{}) // while nothing ran it expired as well
	i.k.Advance(72 * time.Hour)
	if len(i.t.Subscriptions()) != 0 {
		t.Error("it did not expire")
	}
}

func TestSubscriptionOfATemplateThatWasEndedStaysEnded(t *testing.T) {
	p := sns.SubscriptionProperties{Protocol: "sqs", Endpoint: "arn:aws:sqs:eu-central-1:111122223333:a"}
	f := newFixture(t, sns.TopicProperties{})
	f.call("Unsubscribe", m{"SubscriptionArn": f.subscribe(p).ARN})
	for range 3 {
		f, _ = restored(t, f, sns.TopicProperties{}, p)
		if n := len(f.t.Subscriptions()); n != 0 {
			t.Fatalf("%d subscriptions", n)
		}
	}
	if out := f.call("GetTopicAttributes", m{}); out["Attributes"].(m)["SubscriptionsDeleted"] != "1" {
		t.Error(out)
	}
	f.call("Subscribe", m{"Protocol": p.Protocol, "Endpoint": p.Endpoint})
	if f, _ = restored(t, f, sns.TopicProperties{}, p); len(f.t.Subscriptions()) != 1 {
		t.Error("subscribed anew, and ended by a restart")
	}
	// The template gives it up, then takes it in again: it is a new one.
	if f, _ = restored(t, f, sns.TopicProperties{}); len(f.t.Subscriptions()) != 1 {
		t.Error("the one of the call is gone")
	}
}

func TestAttributesOfCallsAndOfTemplates(t *testing.T) {
	queue := "arn:aws:sqs:eu-central-1:111122223333:a"
	p := sns.SubscriptionProperties{Protocol: "sqs", Endpoint: queue, FilterPolicy: json.RawMessage(`{"a":["1"]}`)}
	f := newFixture(t, sns.TopicProperties{DisplayName: "one"})
	sub := f.subscribe(p)
	f.call("SetSubscriptionAttributes", m{"SubscriptionArn": sub.ARN, "AttributeName": "FilterPolicy", "AttributeValue": `{"a":["2"]}`})
	f.call("SetSubscriptionAttributes", m{"SubscriptionArn": sub.ARN, "AttributeName": "RawMessageDelivery", "AttributeValue": "true"})
	f.call("SetTopicAttributes", m{"AttributeName": "DisplayName", "AttributeValue": "two"})
	f.call("SetTopicAttributes", m{"AttributeName": "SignatureVersion", "AttributeValue": "2"})
	f.call("SetTopicAttributes", m{"AttributeName": "MaximumMessageSize", "AttributeValue": "1048576"})
	f.call("SetTopicAttributes", m{"AttributeName": "DeliveryPolicy", "AttributeValue": `{"http":{"defaultHealthyRetryPolicy":{"numRetries":7}}}`})
	f.call("Subscribe", m{"Protocol": "https", "Endpoint": hook})

	check := func(f *fixture, filter, raw, name string) {
		t.Helper()
		topic := f.call("GetTopicAttributes", m{})["Attributes"].(m)
		attributes := f.call("GetSubscriptionAttributes", m{"SubscriptionArn": sub.ARN})["Attributes"].(m)
		got := []any{attributes["FilterPolicy"], attributes["RawMessageDelivery"], topic["DisplayName"], topic["SignatureVersion"], topic["MaximumMessageSize"], topic["DeliveryPolicy"]}
		want := []any{filter, raw, name, "2", "1048576", `{"http":{"defaultHealthyRetryPolicy":{"numRetries":7},"disableSubscriptionOverrides":false}}`}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("(-want +got)\n%s", diff)
		}
	}
	same, _ := restored(t, f, sns.TopicProperties{DisplayName: "one"}, p)
	check(same, `{"a":["2"]}`, "true", "two")
	same, _ = restored(t, same, sns.TopicProperties{DisplayName: "one"}, p)
	check(same, `{"a":["2"]}`, "true", "two")
	p.FilterPolicy = json.RawMessage(`{"a":["3"]}`)
	changed, _ := restored(t, same, sns.TopicProperties{DisplayName: "three"}, p)
	check(changed, `{"a":["3"]}`, "true", "three")
}

func TestWhatIsGoneIsTold(t *testing.T) {
	a := sns.SubscriptionProperties{Protocol: "sqs", Endpoint: "arn:aws:sqs:eu-central-1:111122223333:a"}
	b := sns.SubscriptionProperties{Protocol: "lambda", Endpoint: "arn:aws:lambda:eu-central-1:111122223333:function:f"}
	f := newFixture(t, sns.TopicProperties{})
	f.subscribe(a)
	f.subscribe(b)
	other, err := f.s.CreateTopic("others", sns.TopicProperties{})
	if err != nil {
		t.Fatal(err)
	}
	f.call("Subscribe", m{"TopicArn": other.ARN, "Protocol": "sqs", "Endpoint": a.Endpoint})
	for range 2 {
		f.call("Publish", m{"Message": "x"})
		f.call("Publish", m{"TopicArn": other.ARN, "Message": "y"})
	}
	f.k.Step() // the first one is on its way
	f.k.Step()
	f.k.Step()
	g, dropped := restored(t, f, sns.TopicProperties{}, b)
	want := []string{
		"topic orders: subscription of arn:aws:sqs:eu-central-1:111122223333:a: 2 messages",
		"topic others: 2 messages",
	}
	if diff := cmp.Diff(want, dropped); diff != "" {
		t.Error(diff)
	}
	for g.k.Step() {
	}
	if len(g.calls) != 2 || len(g.t.Subscriptions()) != 1 {
		t.Errorf("calls %v", g.calls)
	}
	for _, key := range g.s.Keys() {
		if strings.HasPrefix(key, "message") || strings.HasPrefix(key, "delivery") {
			t.Errorf("%s is left", key)
		}
	}
}

func TestCorruptRecordIsNamed(t *testing.T) {
	f := newLife(t, start, &world{got: map[string]int{}, attempts: map[string]int{}}, declared...)
	f.w.ops = script()[:12]
	for _, o := range f.w.ops {
		f.do(o)
	}
	for range 40 {
		f.k.Step()
	}
	records := durabletest.Records(t, f.s)
	kinds := map[string]int{}
	for _, key := range slices.Sorted(maps.Keys(records)) {
		kind, _, _ := strings.Cut(key, "/")
		kinds[kind]++
		for what, value := range map[string][]byte{"cut off": records[key][:len(records[key])/2], "no JSON": []byte("\x00"), "of another type": []byte(`"text"`), "with a member too many": append([]byte(`{"other":1,`), records[key][1:]...)} {
			bad := maps.Clone(records)
			bad[key] = value
			_, err := newLife(t, f.k.Now(), f.w, declared...).s.Restore(bad)
			if err == nil || !strings.HasPrefix(err.Error(), "record "+key+": ") {
				t.Errorf("%s %s: %v", key, what, err)
			}
		}
		if kind == "message" {
			bad := maps.Clone(records)
			delete(bad, key)
			if _, err := newLife(t, f.k.Now(), f.w, declared...).s.Restore(bad); err == nil || !strings.Contains(err.Error(), "is not there") {
				t.Errorf("without %s: %v", key, err)
			}
		}
	}
	for _, kind := range []string{"meta", "topic", "subscription", "token", "message", "delivery"} {
		if kinds[kind] == 0 {
			t.Errorf("there was no %s", kind)
		}
	}
	for key, want := range map[string]string{
		"meta":   "record meta: written by a newer orderflow (version 2, this one reads 1)",
		"letter": "record letter: there are no records of this kind",
	} {
		bad := maps.Clone(records)
		bad[key] = []byte(`{"version":2,"more":true}`)
		if _, err := newLife(t, f.k.Now(), f.w, declared...).s.Restore(bad); err == nil || err.Error() != want {
			t.Errorf("%s: %v", key, err)
		}
	}
}

func TestNewSubscriptionOfATemplateIsAskedToConfirm(t *testing.T) {
	a := sns.SubscriptionProperties{Protocol: "https", Endpoint: "https://a.example.com/"}
	b := sns.SubscriptionProperties{Protocol: "https", Endpoint: "https://b.example.com/"}
	f := newFixture(t, sns.TopicProperties{})
	f.confirmed(a)
	f.call("Publish", m{"Message": "1"})
	g, _ := restored(t, f, sns.TopicProperties{}, b, a)
	g.k.Advance(time.Second)
	var got []string
	for _, p := range g.posts {
		got = append(got, fmt.Sprint(p.url, " ", parsed(t, p.body)["Type"]))
	}
	slices.Sort(got)
	if diff := cmp.Diff([]string{"https://a.example.com/ Notification", "https://b.example.com/ SubscriptionConfirmation"}, got); diff != "" {
		t.Error(diff)
	}
	if subs := g.t.Subscriptions(); len(subs) != 2 || subs[0].Endpoint != a.Endpoint || subs[1].Endpoint != b.Endpoint {
		t.Errorf("subscriptions %v", subs)
	}
}

func TestIdsAreNotMadeAgain(t *testing.T) {
	f := newFixture(t, sns.TopicProperties{})
	seen := map[string]bool{}
	for range 4 {
		for range 3 {
			id := f.publish(m{"Message": "x"})
			if seen[id] {
				t.Fatalf("%s was made twice", id)
			}
			seen[id] = true
		}
		f, _ = restored(t, f, sns.TopicProperties{})
	}
}

func TestSubscriptionThatLeftIsForgottenInTheEnd(t *testing.T) {
	f := newFixture(t, sns.TopicProperties{})
	f.call("Subscribe", m{"Protocol": "https", "Endpoint": hook})
	f.k.Advance(time.Second)
	f.call("ConfirmSubscription", m{"Token": parsed(t, f.posts[0].body)["Token"]})
	f.publish(m{"Message": "x"})
	if status, _ := f.serve("GET", parsed(t, f.posts[1].body)["UnsubscribeURL"].(string)); status != 200 {
		t.Fatal(status)
	}
	f.k.Advance(time.Second)
	g, _ := restored(t, f, sns.TopicProperties{})
	if keys := strings.Join(g.s.Keys(), " "); !strings.Contains(keys, "subscription/") {
		t.Errorf("it cannot come back: %s", keys)
	}
	kept := durabletest.Keep(t, g.s)
	g.k.Advance(49 * time.Hour)
	kept.Verify()
	if diff := cmp.Diff([]string{"meta", "topic/orders"}, g.s.Keys()); diff != "" {
		t.Error(diff)
	}
}
