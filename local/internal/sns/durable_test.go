package sns_test

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/orderflow-cdk/orderflow/local/internal/api"
	"github.com/orderflow-cdk/orderflow/local/internal/durable/durabletest"
	"github.com/orderflow-cdk/orderflow/local/internal/sim"
	"github.com/orderflow-cdk/orderflow/local/internal/sns"
)

// world is what is outside the service: endpoints, and what they got.
type world struct {
	got      map[string]int // by endpoint and message
	attempts map[string]int
	ops      []op // that are still to come, in order
	posts    int
}

type op struct {
	at     time.Time
	action string
	in     m
}

// life is a service in one of its processes.
type life struct {
	testing.TB
	k       *sim.Kernel
	s       *sns.Service
	w       *world
	kept    *durabletest.Keeper
	stopped bool
}

const deadQueue = `{"deadLetterTargetArn":"arn:aws:sqs:eu-central-1:111122223333:dead"}`

// templateOf makes the resources of a template.
func templateOf(t testing.TB, s *sns.Service, subscriptions ...sns.SubscriptionProperties) {
	t.Helper()
	topic, err := s.CreateTopic("orders", sns.TopicProperties{})
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range subscriptions {
		p.TopicArn = topic.ARN
		if _, err := s.CreateSubscription(p); err != nil {
			t.Fatal(err)
		}
	}
}

var declared = []sns.SubscriptionProperties{
	{Protocol: "sqs", Endpoint: "arn:aws:sqs:eu-central-1:111122223333:all", RawMessageDelivery: true},
	{Protocol: "sqs", Endpoint: "arn:aws:sqs:eu-central-1:111122223333:some", FilterPolicy: json.RawMessage(`{"kind":["odd"]}`)},
	{Protocol: "lambda", Endpoint: "arn:aws:lambda:eu-central-1:111122223333:function:f", RedrivePolicy: json.RawMessage(deadQueue)},
	{Protocol: "https", Endpoint: "https://a.example.com/", RedrivePolicy: json.RawMessage(deadQueue)},
	{Protocol: "https", Endpoint: "https://slow.example.com/", RawMessageDelivery: true,
		DeliveryPolicy: json.RawMessage(`{"throttlePolicy":{"maxReceivesPerSecond":1},"healthyRetryPolicy":{"numRetries":2,"minDelayTarget":1,"maxDelayTarget":5}}`)},
}

func newLife(t testing.TB, now time.Time, w *world, subscriptions ...sns.SubscriptionProperties) *life {
	l := &life{TB: t, k: sim.New(now, 1), w: w}
	l.s = sns.NewService(l.k, l, region, account, l.post)
	templateOf(t, l.s, subscriptions...)
	return l
}

func (l *life) watch() { l.kept = durabletest.Keep(l, l.s) }

// next is the same service in another process, with the same template unless another is given.
func (l *life) next(subscriptions ...sns.SubscriptionProperties) (*life, []string) {
	l.Helper()
	l.stopped = true
	if subscriptions == nil {
		subscriptions = declared
	}
	n := newLife(l.TB, l.k.Now(), l.w, subscriptions...)
	dropped, err := n.s.Restore(durabletest.Records(l, l.s))
	if err != nil {
		l.Fatal(err)
	}
	n.watch()
	return n, dropped
}

// arrives is an attempt to deliver a message; whether it succeeds follows from the endpoint, the
// message and how many attempts there were.
func (l *life) arrives(endpoint, body string) (ok bool) {
	key := endpoint + " " + body
	l.w.attempts[key]++
	fails := 0
	var n int
	if _, err := fmt.Sscanf(body, "message %d", &n); err == nil {
		switch {
		case strings.HasSuffix(endpoint, ":dead"):
			fails = n % 3
		case n%5 == 4:
			fails = 1000
		default:
			fails = (n + len(endpoint)) % 3
		}
	}
	if l.w.attempts[key] <= fails {
		return false
	}
	l.w.got[key]++
	return true
}

// Do is the bus.
func (l *life) Do(c api.Call, done func([]byte, error)) {
	l.k.After(5*time.Millisecond, func() {
		if l.stopped {
			l.Error("something happens in a process that ended")
		}
		var in struct{ QueueUrl, MessageBody, FunctionName string }
		if err := json.Unmarshal(c.Input, &in); err != nil {
			l.Fatal(err)
		}
		endpoint, body := in.QueueUrl+in.FunctionName, in.MessageBody
		if i := strings.LastIndexByte(endpoint, '/'); i >= 0 {
			endpoint = ":" + endpoint[i+1:]
		}
		if c.Service == "lambda" {
			body = string(c.Input)
		}
		if !l.arrives(endpoint, text(body)) {
			status := 500
			if l.w.attempts[endpoint+" "+text(body)] > 3 {
				status = 403 // permanent: it would be repeated for 23 days
			}
			done(nil, &api.Error{Code: "Broken", Status: status})
			return
		}
		done([]byte("{}"), nil)
	})
}

// text is the text of a message, which begins with "message", in whatever envelope.
func text(body string) string {
	i := strings.Index(body, "message ")
	if i < 0 {
		return body
	}
	end := i + len("message ")
	for end < len(body) && body[end] >= '0' && body[end] <= '9' {
		end++
	}
	return body[i:end]
}

func (l *life) post(r *http.Request, _ time.Duration, done func(*http.Response, error)) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		l.Fatal(err)
	}
	l.w.posts++
	l.k.After(30*time.Millisecond, func() {
		if l.stopped {
			l.Error("something happens in a process that ended")
		}
		if r.Header.Get("X-Amz-Sns-Message-Type") != "Notification" {
			l.confirm(parsed(l, string(body)))
			done(&http.Response{StatusCode: 200}, nil)
			return
		}
		status := 200
		if !l.arrives(r.URL.String(), text(string(body))) {
			status = 503
		}
		done(&http.Response{StatusCode: status}, nil)
	})
}

// confirm is an endpoint that confirms half a second after the next full one, also to come back after it left.
func (l *life) confirm(message m) {
	at := l.k.Now().Truncate(time.Second).Add(1500 * time.Millisecond)
	l.w.ops = append(l.w.ops, op{at, "ConfirmSubscription", m{"TopicArn": message["TopicArn"], "Token": message["Token"]}})
	slices.SortStableFunc(l.w.ops, func(a, b op) int { return a.at.Compare(b.at) })
}

func (l *life) topic() *sns.Topic { return l.s.Topic("orders") }

func (l *life) do(o op) m {
	l.Helper()
	in := maps.Clone(o.in)
	if in["TopicArn"] == nil {
		in["TopicArn"] = l.topic().ARN
	}
	if endpoint, ok := in["Of"]; ok {
		for _, sub := range l.topic().Subscriptions() {
			if sub.Endpoint == endpoint {
				in["SubscriptionArn"] = sub.ARN
			}
		}
		delete(in, "TopicArn")
		delete(in, "Of")
	}
	if o.action == "Leave" {
		r, err := http.NewRequest(http.MethodGet, fmt.Sprint("https://sns.example.com/?Action=Unsubscribe&SubscriptionArn=", in["SubscriptionArn"]), nil)
		if err != nil {
			l.Fatal(err)
		}
		l.s.Serve(r, func(status int, _ http.Header, body []byte) {
			if status != http.StatusOK {
				l.Fatalf("%d %s", status, body)
			}
		})
		return nil
	}
	b, err := json.Marshal(in)
	if err != nil {
		l.Fatal(err)
	}
	var out m
	l.s.Do(api.Call{Service: "sns", Action: o.action, Input: b, Caller: "arn:aws:iam::111122223333:role/r"}, func(body []byte, err error) {
		if err != nil {
			l.Fatalf("%s %s: %v", o.action, b, err)
		}
		out = parsed(l, string(body))
	})
	return out
}

// script is a number of messages, with subscriptions that come, change and go in between.
func script() (ops []op) {
	at := start
	for n := range 60 {
		at = at.Add(time.Duration(n%4) * time.Second)
		kind := "even"
		if n%2 == 1 {
			kind = "odd"
		}
		ops = append(ops, op{at, "Publish", m{"Message": fmt.Sprintf("message %d", n), "Subject": "s", "MessageGroupId": "g", "MessageAttributes": m{
			"kind": m{"DataType": "String", "StringValue": kind}, "bin": m{"DataType": "Binary", "BinaryValue": []byte{0, 1, 0xff}}}}})
		switch n {
		case 10:
			ops = append(ops, op{at, "Subscribe", m{"Protocol": "https", "Endpoint": "https://b.example.com/", "Attributes": m{"FilterPolicy": `{"kind":["even"]}`}}})
			ops = append(ops, op{at, "Subscribe", m{"Protocol": "sqs", "Endpoint": "arn:aws:sqs:eu-central-1:111122223333:late"}})
		case 20:
			ops = append(ops, op{at, "SetSubscriptionAttributes", m{"Of": "https://b.example.com/", "AttributeName": "RawMessageDelivery", "AttributeValue": "true"}})
			ops = append(ops, op{at, "SetSubscriptionAttributes", m{"Of": "arn:aws:sqs:eu-central-1:111122223333:some", "AttributeName": "FilterPolicy", "AttributeValue": `{"kind":["even"]}`}})
		case 25:
			ops = append(ops, op{at.Add(500 * time.Millisecond), "Leave", m{"Of": "https://b.example.com/"}})
		case 30:
			ops = append(ops, op{at.Add(500 * time.Millisecond), "Unsubscribe", m{"Of": "arn:aws:sqs:eu-central-1:111122223333:late"}})
			ops = append(ops, op{at, "SetTopicAttributes", m{"AttributeName": "DeliveryPolicy", "AttributeValue": `{"http":{"defaultHealthyRetryPolicy":{"numRetries":5,"minDelayTarget":3,"maxDelayTarget":3}}}`}})
		case 40:
			ops = append(ops, op{at.Add(500 * time.Millisecond), "Unsubscribe", m{"Of": "arn:aws:sqs:eu-central-1:111122223333:all"}})
		}
	}
	slices.SortStableFunc(ops, func(a, b op) int { return a.at.Compare(b.at) })
	return ops
}

// restarts runs the script, ending the process with a probability after each event.
func restarts(t *testing.T, seed uint64, probability float64) (*life, int) {
	random := rand.New(rand.NewPCG(seed, 5))
	l := newLife(t, start, &world{got: map[string]int{}, attempts: map[string]int{}, ops: script()}, declared...)
	l.watch()
	n := 0
	for {
		if next, ok := l.k.Next(); len(l.w.ops) > 0 && (!ok || next.After(l.w.ops[0].at)) {
			o := l.w.ops[0]
			l.w.ops = l.w.ops[1:]
			l.k.RunUntil(o.at)
			l.do(o)
		} else if l.k.Idle() {
			for l.k.Step() { // tokens expire
			}
			l.kept.Verify()
			return l, n
		} else {
			l.k.Step()
		}
		if random.IntN(2) == 0 {
			l.kept.Commit()
		}
		if random.Float64() >= probability {
			continue
		}
		l.kept.Verify()
		before := l.kept.Records()
		l, _ = l.next()
		n++
		after := l.kept.Records()
		for key, r := range before {
			if strings.HasPrefix(key, "delivery/") && !strings.Contains(string(r), `"due"`) { // the attempt is made again now
				after[key] = []byte(strings.Replace(string(after[key]), fmt.Sprintf(`,"due":%q`, l.k.Now().Format(time.RFC3339Nano)), "", 1))
			}
		}
		delete(before, "meta")
		delete(after, "meta")
		if diff := durabletest.Diff(before, after); diff != "" {
			t.Fatalf("a restored service has other records (-before +after):\n%s", diff)
		}
	}
}

func arrived(w *world) []string { return slices.Sorted(maps.Keys(w.got)) }

func TestRestoreAnywhere(t *testing.T) {
	undisturbed, _ := restarts(t, 0, 0)
	want := arrived(undisturbed.w)
	for _, part := range []string{":dead message 4", "https://b.example.com/ message 30", ":late message 28", "https://slow.example.com/ message 33", "function:f message 3", ":all message 40", ":some message 48"} {
		if !slices.Contains(want, part) && !slices.ContainsFunc(want, func(s string) bool { return strings.HasSuffix(s, part) }) {
			t.Errorf("the workload has no %s", part)
		}
	}
	total := 0
	for seed := range uint64(8) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			l, n := restarts(t, seed, 0.005+0.02*float64(seed%4))
			total += n
			if diff := cmp.Diff(want, arrived(l.w)); diff != "" {
				t.Errorf("what arrived (-undisturbed +restored)\n%s", diff)
			}
			for key, attempts := range l.w.attempts {
				if most := undisturbed.w.attempts[key]; attempts > most+n || attempts < most && l.w.got[key] == 0 {
					t.Errorf("%s: %d attempts in %d processes, undisturbed %d", key, attempts, n+1, most)
				}
			}
			var left []string
			for _, key := range l.s.Keys() {
				if kind, _, _ := strings.Cut(key, "/"); kind == "message" || kind == "delivery" {
					left = append(left, key)
				}
			}
			if len(left) > 0 {
				t.Errorf("left behind: %v", left)
			}
		})
	}
	if total < 100 {
		t.Errorf("only %d restarts", total)
	}
}
