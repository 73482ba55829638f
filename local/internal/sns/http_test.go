package sns_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/orderflow-cdk/orderflow/local/internal/sns"
)

const hook = "https://hooks.example.com/sns?x=1"

// serve visits a URL of a message.
func (f *fixture) serve(method, url string) (int, string) {
	f.Helper()
	r, err := http.NewRequest(method, url, nil)
	if err != nil {
		f.Fatal(err)
	}
	status, body := 0, ""
	f.s.Serve(r, func(s int, _ http.Header, b []byte) { status, body = s, string(b) })
	return status, body
}

func headers(h http.Header) map[string]string {
	out := map[string]string{}
	for name := range h {
		out[name] = h.Get(name)
	}
	return out
}

// The steps and what is sent in each follow SNS Developer Guide, "Fanout to HTTP/S
// endpoints", and recordings of the service.
func TestAnEndpointConfirmsGetsMessagesAndLeaves(t *testing.T) {
	f := newFixture(t, sns.TopicProperties{})
	sub := f.subscribe(sns.SubscriptionProperties{Protocol: "https", Endpoint: hook})
	f.publish(m{"Message": "too early"})
	if len(f.posts) != 1 || !sub.Pending() {
		t.Fatalf("posts before the confirmation: %v", f.posts)
	}
	request := parsed(t, f.posts[0].body)
	token := request["Token"].(string)
	id := request["MessageId"].(string)
	subscribeURL := "https://sns.eu-central-1.amazonaws.com/?Action=ConfirmSubscription&TopicArn=" + f.t.ARN + "&Token=" + token
	if diff := cmp.Diff(m{
		"Type": "SubscriptionConfirmation", "MessageId": id, "Token": token, "TopicArn": f.t.ARN,
		"Message":      "You have chosen to subscribe to the topic " + f.t.ARN + ".\nTo confirm the subscription, visit the SubscribeURL included in this message.",
		"SubscribeURL": subscribeURL, "Timestamp": "2026-03-01T12:00:00.000Z", "SignatureVersion": "1",
		"Signature": request["Signature"], "SigningCertURL": request["SigningCertURL"],
	}, request); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(map[string]string{
		"Content-Type": "text/plain; charset=UTF-8", "User-Agent": "Amazon Simple Notification Service Agent", "Accept-Encoding": "gzip,deflate",
		"X-Amz-Sns-Message-Type": "SubscriptionConfirmation", "X-Amz-Sns-Message-Id": id, "X-Amz-Sns-Topic-Arn": f.t.ARN,
	}, headers(f.posts[0].header)); diff != "" {
		t.Error(diff)
	}
	if f.posts[0].url != hook {
		t.Errorf("posted to %s", f.posts[0].url)
	}

	for range 2 { // to visit the URL again does no harm
		if status, body := f.serve("GET", subscribeURL); status != 200 || !strings.Contains(body,
			"<ConfirmSubscriptionResult><SubscriptionArn>"+sub.ARN+"</SubscriptionArn></ConfirmSubscriptionResult>") {
			t.Fatalf("confirming: %d %s", status, body)
		}
	}
	f.publish(m{"Message": "hello"})
	if len(f.posts) != 2 || sub.Stats().Delivered != 1 {
		t.Fatalf("posts: %v", f.posts[1:])
	}
	notification := parsed(t, f.posts[1].body)
	if notification["Message"] != "hello" || f.posts[1].header.Get("X-Amz-Sns-Subscription-Arn") != sub.ARN || f.posts[1].header.Get("X-Amz-Sns-Message-Type") != "Notification" {
		t.Errorf("notification: %v", f.posts[1])
	}

	status, body := f.serve("POST", notification["UnsubscribeURL"].(string))
	if status != 200 || !strings.HasPrefix(body, "<UnsubscribeResponse") || strings.Contains(body, "Result") {
		t.Fatalf("leaving: %d %s", status, body)
	}
	f.publish(m{"Message": "nobody hears this"})
	if len(f.posts) != 3 {
		t.Fatalf("posts: %v", f.posts[2:])
	}
	goodbye := parsed(t, f.posts[2].body)
	if goodbye["Type"] != "UnsubscribeConfirmation" || goodbye["Token"] == token || f.posts[2].header.Get("X-Amz-Sns-Subscription-Arn") != sub.ARN ||
		!strings.HasPrefix(goodbye["Message"].(string), "You have chosen to deactivate subscription "+sub.ARN+".\nTo cancel this operation") {
		t.Errorf("goodbye: %v", goodbye)
	}
	if status, _ := f.serve("GET", goodbye["SubscribeURL"].(string)); status != 200 {
		t.Errorf("coming back: %d", status)
	}
	f.publish(m{"Message": "welcome back"})
	if len(f.posts) != 4 || parsed(t, f.posts[3].body)["Message"] != "welcome back" {
		t.Errorf("posts: %v", f.posts[3:])
	}
}

func TestASignedCallUnsubscribesWithoutAWord(t *testing.T) {
	f := newFixture(t, sns.TopicProperties{})
	sub := f.confirmed(sns.SubscriptionProperties{Protocol: "https", Endpoint: hook})
	f.call("Unsubscribe", m{"SubscriptionArn": sub.ARN})
	f.k.Advance(time.Minute)
	if len(f.posts) != 0 {
		t.Errorf("posts: %v", f.posts)
	}
	f.call("Unsubscribe", m{"SubscriptionArn": sub.ARN})
}

func TestUnsubscribingMayNeedASignature(t *testing.T) {
	f := newFixture(t, sns.TopicProperties{})
	sub := f.subscribe(sns.SubscriptionProperties{Protocol: "https", Endpoint: hook})
	f.k.Advance(time.Second)
	f.call("ConfirmSubscription", m{"Token": parsed(t, f.posts[0].body)["Token"], "AuthenticateOnUnsubscribe": "true"})
	status, body := f.serve("GET", "https://sns.eu-central-1.amazonaws.com/?Action=Unsubscribe&SubscriptionArn="+sub.ARN)
	if status != 403 || !strings.Contains(body, "<Code>AuthorizationError</Code>") || f.s.Subscription(sub.ARN) == nil {
		t.Errorf("%d %s", status, body)
	}
}

func TestUnconfirmedSubscriptionsEndAfterTwoDays(t *testing.T) {
	f := newFixture(t, sns.TopicProperties{})
	sub := f.subscribe(sns.SubscriptionProperties{Protocol: "https", Endpoint: hook})
	f.k.Advance(47 * time.Hour)
	if !f.k.Idle() {
		t.Error("a pending subscription keeps the simulation busy")
	}
	old := parsed(t, f.posts[0].body)["Token"]
	// To subscribe again sends another token, which has two days of its own.
	if got := f.call("Subscribe", m{"Protocol": "https", "Endpoint": hook})["SubscriptionArn"]; got != "pending confirmation" {
		t.Errorf("Subscribe answers %v", got)
	}
	f.k.Advance(2 * time.Hour)
	f.refused("ConfirmSubscription", m{"Token": old}, "InvalidParameter: Invalid parameter: Token")
	if f.s.Subscription(sub.ARN) == nil || len(f.posts) != 2 {
		t.Fatalf("the subscription has ended, or there was no second request: %d posts", len(f.posts))
	}
	f.k.Advance(47 * time.Hour)
	if f.s.Subscription(sub.ARN) != nil {
		t.Error("the subscription is still pending")
	}
	f.refused("ConfirmSubscription", m{"Token": parsed(t, f.posts[1].body)["Token"]}, "InvalidParameter: Invalid parameter: Token")
}

func TestServeRefuses(t *testing.T) {
	f := newFixture(t, sns.TopicProperties{})
	f.subscribe(sns.SubscriptionProperties{Protocol: "https", Endpoint: hook})
	f.k.Advance(time.Second)
	token, arn := parsed(t, f.posts[0].body)["Token"].(string), f.t.ARN
	const base = "https://sns.eu-central-1.amazonaws.com/"
	for _, tt := range []struct {
		method, url, want string
		status            int
	}{
		{"GET", base + "?Action=ConfirmSubscription&TopicArn=nonsense&Token=" + token, "Invalid parameter: Topic<", 400},
		{"GET", base + "?Action=ConfirmSubscription&TopicArn=" + strings.Replace(arn, region, "us-east-1", 1) + "&Token=" + token, "Invalid parameter: Topic<", 400},
		{"GET", base + "?Action=ConfirmSubscription&TopicArn=" + arn + "&Token=" + strings.Repeat("0", 288), "Invalid parameter: Token<", 400},
		{"GET", base + "?Action=ConfirmSubscription&TopicArn=" + arn + "&Token=randomtoken", ">Invalid token<", 400},
		{"GET", base + "?Action=Publish&Message=a&TopicArn=" + arn, "MissingAuthenticationToken", 403},
		{"GET", base, "MissingAction", 400},
		{"DELETE", base + "?Action=Unsubscribe", "Only GET and POST", 405},
		{"GET", base + "SimpleNotificationService-00.pem", "no such certificate", 404},
		{"GET", base + "?Action=Unsubscribe&SubscriptionArn=" + arn + ":x", "Invalid parameter: SubscriptionId", 400},
	} {
		if status, body := f.serve(tt.method, tt.url); status != tt.status || !strings.Contains(body, tt.want) {
			t.Errorf("%s %s: got %d %s, want %d %s", tt.method, tt.url, status, body, tt.status, tt.want)
		}
	}
	// Of the topic only form and region are looked at: the token says the rest.
	if status, _ := f.serve("GET", base+"?Action=ConfirmSubscription&TopicArn="+arn+"x&Token="+token); status != 200 {
		t.Errorf("another topic's name with a valid token: %d", status)
	}
}

func TestRawDeliveryToAnHTTPEndpoint(t *testing.T) {
	f := newFixture(t, sns.TopicProperties{})
	sub := f.confirmed(sns.SubscriptionProperties{Protocol: "https", Endpoint: hook, RawMessageDelivery: true,
		DeliveryPolicy: json.RawMessage(`{"requestPolicy":{"headerContentType":"text/csv"}}`)})
	id := f.publish(m{"Message": "a;b", "MessageAttributes": attributes})
	if len(f.posts) != 1 || f.posts[0].body != "a;b" {
		t.Fatalf("posts: %v", f.posts)
	}
	if diff := cmp.Diff(map[string]string{
		"Content-Type": "text/csv", "User-Agent": "Amazon Simple Notification Service Agent", "Accept-Encoding": "gzip,deflate",
		"X-Amz-Sns-Message-Type": "Notification", "X-Amz-Sns-Message-Id": id, "X-Amz-Sns-Topic-Arn": f.t.ARN,
		"X-Amz-Sns-Subscription-Arn": sub.ARN, "X-Amz-Sns-Rawdelivery": "true",
	}, headers(f.posts[0].header)); diff != "" {
		t.Error(diff)
	}
}

func TestBasicAuthentication(t *testing.T) {
	f := newFixture(t, sns.TopicProperties{})
	f.response = func(p post) (int, http.Header, error) {
		if p.header.Get("Authorization") == "Basic dXNlcjpwYXNz" {
			return 200, nil, nil
		}
		return 401, http.Header{"Www-Authenticate": {`Basic realm="r"`}}, nil
	}
	sub := f.confirmed(sns.SubscriptionProperties{Protocol: "https", Endpoint: "https://user:pass@hooks.example.com/"})
	f.publish(m{"Message": "secret"})
	if len(f.posts) != 2 || f.posts[0].header.Get("Authorization") != "" || f.posts[0].url != "https://hooks.example.com/" || sub.Stats().Delivered != 1 {
		t.Errorf("%v; %+v", f.posts, sub.Stats())
	}
}

func TestHTTPRetries(t *testing.T) {
	policy := func(s string) json.RawMessage { return json.RawMessage(`{"healthyRetryPolicy":` + s + `}`) }
	broken := errors.New("connection refused")
	tests := []struct {
		name   string
		policy json.RawMessage
		status int
		err    error
		want   []time.Duration // of the attempts after the first
	}{
		{"default", nil, 503, nil, secondsOf(20, 40, 60)},
		{"no answer", nil, 0, broken, secondsOf(20, 40, 60)},
		{"too many requests", nil, 429, nil, secondsOf(20, 40, 60)},
		{"client error", nil, 404, nil, nil},
		{"gone", nil, 410, nil, nil},
		{"redirection", nil, 307, nil, nil},
		{"four phases", policy(`{"minDelayTarget":1,"maxDelayTarget":9,"numRetries":9,"numNoDelayRetries":2,"numMinDelayRetries":2,"numMaxDelayRetries":2,"backoffFunction":"linear"}`),
			500, nil, secondsOf(0, 0, 1, 2, 3, 8, 17, 26, 35)},
		{"arithmetic", policy(`{"minDelayTarget":10,"maxDelayTarget":110,"numRetries":3,"backoffFunction":"arithmetic"}`), 500, nil, secondsOf(10, 45, 155)},
		{"geometric", policy(`{"minDelayTarget":10,"maxDelayTarget":90,"numRetries":3,"backoffFunction":"geometric"}`), 500, nil, secondsOf(10, 30, 120)},
		{"exponential", policy(`{"minDelayTarget":1,"maxDelayTarget":100,"numRetries":3,"backoffFunction":"exponential"}`), 500, nil, secondsOf(1, 11, 111)},
		{"one retry", policy(`{"numRetries":1}`), 500, nil, secondsOf(20)},
		{"none", policy(`{"numRetries":0}`), 500, nil, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := newFixture(t, sns.TopicProperties{})
			dead := f.queue("dead")
			sub := f.confirmed(sns.SubscriptionProperties{Protocol: "https", Endpoint: hook, DeliveryPolicy: tt.policy,
				RedrivePolicy: json.RawMessage(`{"deadLetterTargetArn":"` + dead.ARN + `"}`)})
			f.response = func(post) (int, http.Header, error) { return tt.status, nil, tt.err }
			id := f.publish(m{"Message": "hello"})
			f.k.Advance(time.Hour)
			var got []time.Duration
			for _, p := range f.posts[1:] {
				got = append(got, p.at-f.posts[0].at)
				if p.body != f.posts[0].body || p.header.Get("X-Amz-Sns-Message-Id") != id {
					t.Errorf("a retry differs: %v", p)
				}
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
			letters := f.received(dead)
			if len(letters) != 1 || letters[0]["MessageAttributes"] != nil || letters[0]["Body"] != f.posts[0].body {
				t.Errorf("dead letters: %v", letters)
			}
			s := sub.Stats()
			if s.LastError == "" {
				t.Error("no error is noted")
			}
			s.LastError = ""
			if s != (sns.Stats{Attempts: len(tt.want) + 1, Failed: 1, DeadLettered: 1}) {
				t.Errorf("stats %+v", s)
			}
		})
	}
}

func secondsOf(n ...int) (out []time.Duration) {
	for _, s := range n {
		out = append(out, time.Duration(s)*time.Second)
	}
	return out
}

func TestRequestsToConfirmAreRetriedToo(t *testing.T) {
	f := newFixture(t, sns.TopicProperties{})
	f.response = func(p post) (int, http.Header, error) {
		if p.at < 30*time.Second {
			return 500, nil, nil
		}
		return 200, nil, nil
	}
	sub := f.subscribe(sns.SubscriptionProperties{Protocol: "https", Endpoint: hook})
	f.k.Advance(time.Hour)
	if len(f.posts) != 3 || f.posts[2].body != f.posts[0].body || !sub.Pending() {
		t.Errorf("%d posts", len(f.posts))
	}
	if s := sub.Stats(); s.Attempts != 0 || s.Delivered != 0 || s.Failed != 0 {
		t.Errorf("stats %+v", s)
	}
}

func TestThrottlePolicy(t *testing.T) {
	f := newFixture(t, sns.TopicProperties{})
	f.confirmed(sns.SubscriptionProperties{Protocol: "https", Endpoint: hook, DeliveryPolicy: json.RawMessage(`{"throttlePolicy":{"maxReceivesPerSecond":2}}`)})
	for range 4 {
		f.call("Publish", m{"Message": "a"})
	}
	f.k.Advance(10 * time.Second)
	var got []time.Duration
	for _, p := range f.posts {
		got = append(got, p.at-f.posts[0].at)
	}
	if diff := cmp.Diff([]time.Duration{0, 500 * time.Millisecond, time.Second, 1500 * time.Millisecond}, got); diff != "" {
		t.Error(diff)
	}
}

func TestBaseURLIsWhereTheURLsPoint(t *testing.T) {
	f := newFixture(t, sns.TopicProperties{})
	f.s.BaseURL = "http://127.0.0.1:9911/sns"
	sub := f.subscribe(sns.SubscriptionProperties{Protocol: "http", Endpoint: "http://127.0.0.1:8080/"})
	f.k.Advance(time.Second)
	doc := parsed(t, f.posts[0].body)
	for _, name := range []string{"SubscribeURL", "SigningCertURL"} {
		if !strings.HasPrefix(doc[name].(string), "http://127.0.0.1:9911/sns/") {
			t.Errorf("%s is %s", name, doc[name])
		}
	}
	if status, _ := f.serve("GET", doc["SubscribeURL"].(string)); status != 200 || sub.Pending() {
		t.Errorf("confirming: %d", status)
	}
	if status, pem := f.serve("GET", doc["SigningCertURL"].(string)); status != 200 || !strings.HasPrefix(pem, "-----BEGIN CERTIFICATE-----\n") {
		t.Errorf("certificate: %d %s", status, pem)
	}
}
