package sqs_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/orderflow-cdk/orderflow/local/internal/api"
	"github.com/orderflow-cdk/orderflow/local/internal/cfn"
	"github.com/orderflow-cdk/orderflow/local/internal/sim"
	"github.com/orderflow-cdk/orderflow/local/internal/sqs"
)

var start = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func num(n int64) *cfn.Int { i := cfn.Int(n); return &i }

type m = map[string]any

// fixture is a service with one queue, which calls concern unless they say otherwise.
type fixture struct {
	testing.TB
	k *sim.Kernel
	s *sqs.Service
	q *sqs.Queue
}

func newFixture(t testing.TB, name string, p sqs.QueueProperties) *fixture {
	t.Helper()
	k := sim.New(start, 1)
	f := &fixture{TB: t, k: k, s: sqs.NewService(k, "eu-central-1", "111122223333")}
	f.q = f.create(name, p)
	return f
}

func (f *fixture) create(name string, p sqs.QueueProperties) *sqs.Queue {
	f.Helper()
	p.FifoQueue = cfn.Bool(strings.HasSuffix(name, ".fifo"))
	q, err := f.s.CreateQueue(name, p)
	if err != nil {
		f.Fatal(err)
	}
	return q
}

// try makes a call and runs the kernel until it is answered.
func (f *fixture) try(action string, in m) (out m, err error) {
	f.Helper()
	if _, ok := in["QueueUrl"]; !ok && !strings.Contains(action, "MoveTask") {
		in["QueueUrl"] = f.q.URL
	}
	b, err := json.Marshal(in)
	if err != nil {
		f.Fatal(err)
	}
	answered := false
	f.s.Do(api.Call{Service: "sqs", Action: action, Input: b, Caller: "arn:aws:iam::111122223333:role/sender"}, func(body []byte, e error) {
		answered = true
		if err = e; e == nil {
			if e := json.Unmarshal(body, &out); e != nil {
				f.Fatalf("%s: %v: %s", action, e, body)
			}
		}
	})
	for !answered && f.k.Step() {
	}
	if !answered {
		f.Fatalf("%s is never answered", action)
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

func (f *fixture) send(body string, more ...string) m {
	f.Helper()
	in := m{"MessageBody": body}
	for i := 0; i+1 < len(more); i += 2 {
		in[more[i]] = more[i+1]
	}
	return f.call("SendMessage", in)
}

func (f *fixture) receive(in m) (messages []m) {
	f.Helper()
	if _, ok := in["MaxNumberOfMessages"]; !ok {
		in["MaxNumberOfMessages"] = 10
	}
	out := f.call("ReceiveMessage", in)
	if l, ok := out["Messages"].([]any); ok {
		for _, e := range l {
			messages = append(messages, e.(m))
		}
	}
	return messages
}

func bodies(messages []m) []string {
	var out []string
	for _, e := range messages {
		out = append(out, e["Body"].(string))
	}
	return out
}

func (f *fixture) bodies(in m) []string {
	f.Helper()
	return bodies(f.receive(in))
}

func (f *fixture) wantBodies(in m, want ...string) {
	f.Helper()
	if diff := cmp.Diff(want, f.bodies(in)); diff != "" {
		f.Error(diff)
	}
}

func (f *fixture) wantIdle() {
	f.Helper()
	if at, ok := f.k.Next(); ok {
		f.Errorf("an event is scheduled in %v", at.Sub(f.k.Now()))
	}
}

func (f *fixture) wantCounts(ready, delayed, inFlight int) {
	f.Helper()
	r, d, i := f.q.Len()
	if r != ready || d != delayed || i != inFlight {
		f.Errorf("%d ready, %d delayed, %d in flight; want %d, %d, %d", r, d, i, ready, delayed, inFlight)
	}
}

func wantError(t testing.TB, err error, code, message string) {
	t.Helper()
	var e *api.Error
	if !errors.As(err, &e) {
		t.Errorf("got %v, want %s", err, code)
		return
	}
	if e.Code != code || e.Message != message {
		t.Errorf("got  %s: %s\nwant %s: %s", e.Code, e.Message, code, message)
	}
}

func TestSendAndReceive(t *testing.T) {
	f := newFixture(t, "q", sqs.QueueProperties{})
	sent := f.send("hello")
	if sent["MD5OfMessageBody"] != "5d41402abc4b2a76b9719d911017c592" {
		t.Errorf("MD5 is %v", sent["MD5OfMessageBody"])
	}
	f.k.Advance(1500 * time.Millisecond)
	got := f.receive(m{"MessageSystemAttributeNames": []string{"All"}})
	if len(got) != 1 {
		t.Fatalf("got %d messages", len(got))
	}
	handle := got[0]["ReceiptHandle"]
	delete(got[0], "ReceiptHandle")
	want := m{
		"MessageId": sent["MessageId"], "Body": "hello", "MD5OfBody": "5d41402abc4b2a76b9719d911017c592",
		"Attributes": m{
			"ApproximateReceiveCount": "1", "SentTimestamp": "1772366400000",
			"ApproximateFirstReceiveTimestamp": "1772366401500",
			"SenderId":                         got[0]["Attributes"].(m)["SenderId"],
		},
	}
	if diff := cmp.Diff(want, got[0]); diff != "" {
		t.Error(diff)
	}
	f.wantCounts(0, 0, 1)
	f.call("DeleteMessage", m{"ReceiptHandle": handle})
	f.call("DeleteMessage", m{"ReceiptHandle": handle}) // once more is no error
	f.wantCounts(0, 0, 0)
	f.wantIdle()
}

func TestVisibilityTimeout(t *testing.T) {
	f := newFixture(t, "q", sqs.QueueProperties{VisibilityTimeout: num(30)})
	f.send("a")
	first := f.receive(m{})[0]["ReceiptHandle"]
	f.k.Advance(30*time.Second - 1)
	f.wantBodies(m{})
	f.k.Advance(1)
	again := f.receive(m{"AttributeNames": []string{"ApproximateReceiveCount"}, "VisibilityTimeout": 5})
	if n := again[0]["Attributes"].(m)["ApproximateReceiveCount"]; n != "2" {
		t.Errorf("received %v times", n)
	}
	// The old handle deletes nothing, and says nothing.
	f.call("DeleteMessage", m{"ReceiptHandle": first})
	f.wantCounts(0, 0, 1)
	_, err := f.try("ChangeMessageVisibility", m{"ReceiptHandle": first, "VisibilityTimeout": 9})
	wantError(t, err, "InvalidParameterValueException", fmt.Sprintf("Value %s for parameter ReceiptHandle is invalid. Reason: Message does not exist or is not available for visibility timeout change.", first))

	second := again[0]["ReceiptHandle"]
	f.call("ChangeMessageVisibility", m{"ReceiptHandle": second, "VisibilityTimeout": 60})
	f.k.Advance(59 * time.Second)
	f.wantCounts(0, 0, 1)
	f.call("ChangeMessageVisibility", m{"ReceiptHandle": second, "VisibilityTimeout": 0})
	f.wantCounts(1, 0, 0)
	// Visible again and received by nobody else: the last handle still counts.
	f.call("ChangeMessageVisibility", m{"ReceiptHandle": second, "VisibilityTimeout": 7})
	f.wantCounts(0, 0, 1)
	f.k.Advance(7 * time.Second)
	f.wantCounts(1, 0, 0)
	f.call("DeleteMessage", m{"ReceiptHandle": second})
	f.wantCounts(0, 0, 0)
}

func TestVisibilityIsAtMostTwelveHoursInAll(t *testing.T) {
	f := newFixture(t, "q", sqs.QueueProperties{VisibilityTimeout: num(3600)})
	f.send("a")
	handle := f.receive(m{})[0]["ReceiptHandle"]
	f.k.Advance(30 * time.Minute)
	_, err := f.try("ChangeMessageVisibility", m{"ReceiptHandle": handle, "VisibilityTimeout": 43200})
	wantError(t, err, "InvalidParameterValueException", "Value 43200 for parameter VisibilityTimeout is invalid. Reason: Total VisibilityTimeout for the message is beyond the limit [43200 seconds].")
	f.call("ChangeMessageVisibility", m{"ReceiptHandle": handle, "VisibilityTimeout": 43200 - 1800})
}

func TestDelay(t *testing.T) {
	f := newFixture(t, "q", sqs.QueueProperties{DelaySeconds: num(10)})
	f.send("queue's")
	f.call("SendMessage", m{"MessageBody": "own", "DelaySeconds": 3})
	f.call("SendMessage", m{"MessageBody": "none", "DelaySeconds": 0})
	f.wantCounts(1, 2, 0)
	f.wantBodies(m{}, "none")
	f.k.Advance(3 * time.Second)
	f.wantBodies(m{}, "own")
	f.k.Advance(7 * time.Second)
	f.wantBodies(m{}, "queue's")
}

func TestLongPolling(t *testing.T) {
	f := newFixture(t, "q", sqs.QueueProperties{ReceiveMessageWaitTimeSeconds: num(20)})
	f.wantBodies(m{})
	if d := f.k.Now().Sub(start); d != 20*time.Second {
		t.Errorf("waited %v", d)
	}
	f.k.After(4*time.Second, func() {
		f.s.Do(api.Call{Action: "SendMessage", Input: []byte(`{"QueueUrl":"` + f.q.URL + `","MessageBody":"a","DelaySeconds":2}`)}, func(_ []byte, err error) {
			if err != nil {
				t.Error(err)
			}
		})
	})
	f.wantBodies(m{"WaitTimeSeconds": 10}, "a")
	if d := f.k.Now().Sub(start); d != 26*time.Second {
		t.Errorf("answered after %v", d)
	}
	f.wantIdle()
}

func TestPollersAreServedInOrder(t *testing.T) {
	f := newFixture(t, "q", sqs.QueueProperties{})
	var got []string
	for _, name := range []string{"x", "y", "z"} {
		cancel, err := f.q.Poll(sqs.Request{Max: 2, VisibilityTimeout: time.Minute}, func(d []sqs.Delivery) {
			for _, e := range d {
				got = append(got, name+e.Body)
			}
		})
		if err != nil {
			t.Fatal(err)
		}
		if name == "y" {
			cancel()
		}
	}
	f.wantIdle()
	for i := range 5 {
		f.send(fmt.Sprint(i))
	}
	if got != nil {
		t.Error("a poller was served inside the sender's call")
	}
	f.k.Advance(0)
	if diff := cmp.Diff([]string{"x0", "x1", "z2", "z3"}, got); diff != "" {
		t.Error(diff)
	}
	f.wantIdle()
}

func TestRetention(t *testing.T) {
	f := newFixture(t, "q", sqs.QueueProperties{MessageRetentionPeriod: num(60), VisibilityTimeout: num(90)})
	f.send("in flight")
	handle := f.receive(m{})[0]["ReceiptHandle"]
	f.k.Advance(30 * time.Second)
	f.send("later")
	f.k.Advance(30 * time.Second)
	f.wantCounts(1, 0, 0)
	f.wantBodies(m{}, "later")
	f.call("DeleteMessage", m{"ReceiptHandle": handle})
	if n := f.q.Stats().Expired; n != 1 {
		t.Errorf("%d expired", n)
	}
}

func TestDeadLetterQueue(t *testing.T) {
	for _, suffix := range []string{"", ".fifo"} {
		t.Run("queue"+suffix, func(t *testing.T) {
			f := newFixture(t, "q"+suffix, sqs.QueueProperties{
				VisibilityTimeout: num(10), ContentBasedDeduplication: suffix != "", MessageRetentionPeriod: num(600),
				RedrivePolicy: &sqs.RedrivePolicy{DeadLetterTargetArn: "arn:aws:sqs:eu-central-1:111122223333:dlq" + suffix, MaxReceiveCount: 2},
			})
			dlq := f.create("dlq"+suffix, sqs.QueueProperties{MessageRetentionPeriod: num(600)})
			if err := f.s.Check(); err != nil {
				t.Fatal(err)
			}
			group := []string{}
			if suffix != "" {
				group = []string{"MessageGroupId", "g"}
			}
			sent := f.send("a", group...)
			f.k.Advance(time.Second)
			for range 2 {
				f.wantBodies(m{}, "a")
				f.k.Advance(10 * time.Second)
			}
			f.wantBodies(m{})
			if l := dlq.Messages(); len(l) != 1 || l[0].Body != "a" || l[0].DeadLetterSource != f.q.ARN {
				t.Errorf("%d in the dead-letter queue", len(l))
			}
			got := f.receive(m{"QueueUrl": dlq.URL, "AttributeNames": []string{"All"}})
			if len(got) != 1 {
				t.Fatalf("%d in the dead-letter queue", len(got))
			}
			attrs := got[0]["Attributes"].(m)
			if got[0]["MessageId"] != sent["MessageId"] || attrs["SentTimestamp"] != "1772366400000" ||
				attrs["ApproximateReceiveCount"] != "3" || attrs["DeadLetterQueueSourceArn"] != f.q.ARN {
				t.Errorf("%v", got[0])
			}
			// Retention goes on from the first sending, in a FIFO queue from the move.
			f.call("ChangeMessageVisibility", m{"QueueUrl": dlq.URL, "ReceiptHandle": got[0]["ReceiptHandle"], "VisibilityTimeout": 0})
			f.k.RunUntil(start.Add(600 * time.Second))
			left, want := 0, 0
			left, _, _ = dlq.Len()
			if suffix != "" {
				want = 1
			}
			if left != want {
				t.Errorf("%d left in the dead-letter queue, want %d", left, want)
			}
		})
	}
}

func TestRedriveTargets(t *testing.T) {
	const arn = "arn:aws:sqs:eu-central-1:111122223333:"
	policy := &sqs.RedrivePolicy{DeadLetterTargetArn: arn + "dlq", MaxReceiveCount: 2}
	tests := []struct {
		name, dlq string
		allow     *sqs.RedriveAllowPolicy
		want      string
	}{
		{"missing", "other", nil, "does not exist"},
		{"denied", "dlq", &sqs.RedriveAllowPolicy{RedrivePermission: "denyAll"}, "does not allow"},
		{"not among the sources", "dlq", &sqs.RedriveAllowPolicy{RedrivePermission: "byQueue", SourceQueueArns: []string{arn + "x"}}, "does not allow"},
		{"among the sources", "dlq", &sqs.RedriveAllowPolicy{RedrivePermission: "byQueue", SourceQueueArns: []string{arn + "q"}}, ""},
		{"allowed", "dlq", &sqs.RedriveAllowPolicy{RedrivePermission: "allowAll"}, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := newFixture(t, "q", sqs.QueueProperties{RedrivePolicy: policy})
			f.create(tt.dlq, sqs.QueueProperties{RedriveAllowPolicy: tt.allow})
			err := f.s.Check()
			_, receiveErr := f.q.Receive(sqs.Request{Max: 1})
			for _, err := range []error{err, receiveErr} {
				if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
					t.Errorf("got %v, want %q", err, tt.want)
				}
			}
		})
	}
}
