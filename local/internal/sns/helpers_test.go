package sns_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/orderflow-cdk/orderflow/local/internal/api"
	"github.com/orderflow-cdk/orderflow/local/internal/sim"
	"github.com/orderflow-cdk/orderflow/local/internal/sns"
	"github.com/orderflow-cdk/orderflow/local/internal/sqs"
)

var start = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

const (
	region  = "eu-central-1"
	account = "111122223333"
)

type m = map[string]any

// fixture is a service with one topic, on a bus with the real queues, a function
// that notes its events, and HTTP endpoints that answer as a test says.
type fixture struct {
	testing.TB
	k      *sim.Kernel
	s      *sns.Service
	t      *sns.Topic
	queues *sqs.Service

	calls    []api.Call // of queues and functions
	fail     func(c api.Call) error
	posts    []post
	response func(p post) (status int, header http.Header, err error)
	delay    time.Duration
}

// post is a request that an HTTP endpoint got.
type post struct {
	at     time.Duration
	url    string
	header http.Header
	body   string
}

func newFixture(t testing.TB, p sns.TopicProperties) *fixture {
	t.Helper()
	f := &fixture{TB: t, k: sim.New(start, 1)}
	f.queues = sqs.NewService(f.k, region, account)
	f.s = sns.NewService(f.k, f, region, account, f.post)
	topic, err := f.s.CreateTopic("orders", p)
	if err != nil {
		t.Fatal(err)
	}
	f.t = topic
	return f
}

// Do is the bus.
func (f *fixture) Do(c api.Call, done func([]byte, error)) {
	f.calls = append(f.calls, c)
	f.k.After(5*time.Millisecond, func() {
		if f.fail != nil {
			if err := f.fail(c); err != nil {
				done(nil, err)
				return
			}
		}
		if c.Service == "sqs" {
			f.queues.Do(c, done)
			return
		}
		done([]byte(`{"StatusCode":202}`), nil)
	})
}

func (f *fixture) post(r *http.Request, timeout time.Duration, done func(*http.Response, error)) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		f.Fatal(err)
	}
	p := post{f.k.Now().Sub(start), r.URL.String(), r.Header, string(body)}
	f.posts = append(f.posts, p)
	if timeout != 15*time.Second {
		f.Errorf("the timeout is %s", timeout)
	}
	f.k.After(f.delay, func() {
		status, header := 200, http.Header(nil)
		var err error
		if f.response != nil {
			status, header, err = f.response(p)
		}
		if err != nil {
			done(nil, err)
			return
		}
		done(&http.Response{StatusCode: status, Header: header, Body: io.NopCloser(strings.NewReader("thanks"))}, nil)
	})
}

func (f *fixture) queue(name string) *sqs.Queue {
	f.Helper()
	q, err := f.queues.CreateQueue(name, sqs.QueueProperties{})
	if err != nil {
		f.Fatal(err)
	}
	return q
}

func (f *fixture) subscribe(p sns.SubscriptionProperties) *sns.Subscription {
	f.Helper()
	p.TopicArn = f.t.ARN
	sub, err := f.s.CreateSubscription(p)
	if err != nil {
		f.Fatal(err)
	}
	return sub
}

// confirmed is an HTTP subscription whose endpoint has confirmed it.
func (f *fixture) confirmed(p sns.SubscriptionProperties) *sns.Subscription {
	f.Helper()
	sub := f.subscribe(p)
	f.k.Advance(time.Second)
	var msg struct{ Token string }
	if err := json.Unmarshal([]byte(f.posts[len(f.posts)-1].body), &msg); err != nil {
		f.Fatal(err)
	}
	f.call("ConfirmSubscription", m{"TopicArn": f.t.ARN, "Token": msg.Token})
	f.posts = nil
	return sub
}

// try makes a call with the topic's ARN, unless the input has one.
func (f *fixture) try(action string, in m) (out m, err error) {
	f.Helper()
	if _, ok := in["TopicArn"]; !ok && !strings.Contains(action, "SubscriptionAttributes") && action != "Unsubscribe" {
		in["TopicArn"] = f.t.ARN
	}
	b, err := json.Marshal(in)
	if err != nil {
		f.Fatal(err)
	}
	answered := false
	f.s.Do(api.Call{Service: "sns", Action: action, Input: b, Caller: "arn:aws:iam::111122223333:role/notify"}, func(body []byte, e error) {
		answered = true
		if err = e; e == nil {
			if e := json.Unmarshal(body, &out); e != nil {
				f.Fatalf("%s: %v: %s", action, e, body)
			}
		}
	})
	if !answered {
		f.Fatalf("%s is not answered at once", action)
	}
	return out, err
}

func (f *fixture) call(action string, in m) m {
	f.Helper()
	out, err := f.try(action, in)
	if err != nil {
		f.Fatalf("%s: %v", action, err)
	}
	return out
}

// refused makes a call and holds it to an error "Code: message".
func (f *fixture) refused(action string, in m, want string) {
	f.Helper()
	_, err := f.try(action, in)
	var e *api.Error
	if !errors.As(err, &e) || e.Error() != want {
		f.Errorf("%s %v:\ngot  %v\nwant %s", action, in, err, want)
	}
}

// publish publishes and lets the message arrive.
func (f *fixture) publish(in m) string {
	f.Helper()
	out := f.call("Publish", in)
	f.k.Advance(time.Second)
	return out["MessageId"].(string)
}

// received takes all messages out of a queue.
func (f *fixture) received(q *sqs.Queue) (all []m) {
	f.Helper()
	for {
		in := fmt.Sprintf(`{"QueueUrl":%q,"MaxNumberOfMessages":10,"MessageAttributeNames":["All"],"AttributeNames":["MessageGroupId","SenderId"]}`, q.URL)
		var out struct{ Messages []m }
		f.queues.Do(api.Call{Action: "ReceiveMessage", Input: []byte(in)}, func(b []byte, err error) {
			if err != nil {
				f.Fatal(err)
			}
			if err := json.Unmarshal(b, &out); err != nil {
				f.Fatal(err)
			}
		})
		if len(out.Messages) == 0 {
			return all
		}
		all = append(all, out.Messages...)
	}
}

func parsed(t testing.TB, s string) (out m) {
	t.Helper()
	if err := json.Unmarshal([]byte(s), &out); err != nil {
		t.Fatalf("%v: %s", err, s)
	}
	return out
}
