package sqs_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/orderflow-cdk/orderflow/local/internal/api"
	"github.com/orderflow-cdk/orderflow/local/internal/cfn"
	"github.com/orderflow-cdk/orderflow/local/internal/durable/durabletest"
	"github.com/orderflow-cdk/orderflow/local/internal/sim"
	"github.com/orderflow-cdk/orderflow/local/internal/sqs"
)

const arnPrefix = "arn:aws:sqs:eu-central-1:111122223333:"

// life is a service in one process of several, and the store that it is kept in.
type life struct {
	t     testing.TB
	k     *sim.Kernel
	s     *sqs.Service
	store *durabletest.Keeper
}

func properties(name string) sqs.QueueProperties {
	p := sqs.QueueProperties{FifoQueue: cfn.Bool(strings.HasSuffix(name, ".fifo")), VisibilityTimeout: num(20), MessageRetentionPeriod: num(3600)}
	if suffix, source := strings.CutPrefix(name, "q"); source {
		p.RedrivePolicy = &sqs.RedrivePolicy{DeadLetterTargetArn: arnPrefix + "dlq" + suffix, MaxReceiveCount: 3}
	}
	return p
}

var walked = []string{"q", "dlq", "q.fifo", "dlq.fifo"}

func newLife(t testing.TB, now time.Time, seed uint64, names []string, records map[string][]byte) (*life, []string, error) {
	l := &life{t: t, k: sim.New(now, seed)}
	l.s = sqs.NewService(l.k, "eu-central-1", "111122223333")
	for _, name := range names {
		if _, err := l.s.CreateQueue(name, properties(name)); err != nil {
			t.Fatal(err)
		}
	}
	dropped, err := l.s.Restore(records)
	l.store = durabletest.Keep(t, l.s)
	return l, dropped, err
}

// do makes a call; the answer or the error is text.
func (l *life) do(action string, in m) string {
	b, err := json.Marshal(in)
	if err != nil {
		l.t.Fatal(err)
	}
	answer := "none"
	l.s.Do(api.Call{Service: "sqs", Action: action, Input: b, Caller: "arn:aws:iam::111122223333:role/sender"}, func(out []byte, err error) {
		if answer = string(out); err != nil {
			answer = err.Error()
		}
	})
	return answer
}

// poll receives as an event source mapping does.
func (l *life) poll(queue string, r sqs.Request) (got []sqs.Delivery) {
	cancel, err := l.s.Queue(queue).Poll(r, func(d []sqs.Delivery) { got = d })
	if err != nil {
		l.t.Fatal(err)
	}
	l.k.Advance(0)
	cancel()
	return got
}

// filled is a store with records of all kinds.
func filled(t testing.TB) *life {
	l, _, _ := newLife(t, start, 1, walked, nil)
	for i := range 5 {
		for _, q := range []string{"q", "dlq", "q.fifo"} {
			in := m{"QueueUrl": l.s.Queue(q).URL, "MessageBody": fmt.Sprint("body ", i), "MessageGroupId": fmt.Sprint("g", i)}
			if q == "q.fifo" {
				in["MessageDeduplicationId"] = fmt.Sprint("d", i)
			}
			l.do("SendMessage", in)
		}
	}
	l.poll("q", sqs.Request{Max: 1, VisibilityTimeout: time.Minute})
	l.do("SetQueueAttributes", m{"QueueUrl": l.s.Queue("q").URL, "Attributes": m{"VisibilityTimeout": "5"}})
	l.do("StartMessageMoveTask", m{"SourceArn": arnPrefix + "dlq", "MaxNumberOfMessagesPerSecond": 1, "DestinationArn": arnPrefix + "q"})
	l.store.Verify()
	return l
}

func TestRestoreWithAnotherTemplate(t *testing.T) {
	l := filled(t)
	for _, c := range []struct {
		names, dropped []string
	}{
		{walked, nil},
		{[]string{"q", "dlq", "dlq.fifo"}, []string{"queue q.fifo: 5 messages"}},
		{[]string{"q.fifo", "dlq.fifo", "dlq"}, []string{"queue q: 5 messages"}},
		{nil, []string{"queue dlq: 5 messages", "queue dlq.fifo", "queue q: 5 messages", "queue q.fifo: 5 messages", "message move task from " + arnPrefix + "dlq"}},
	} {
		_, dropped, err := newLife(t, start, 1, c.names, l.store.Records())
		if d := cmp.Diff(c.dropped, dropped); d != "" || err != nil {
			t.Errorf("%v: %v %s", c.names, err, d)
		}
	}
	// The task whose destination is gone has failed.
	gone, _, _ := newLife(t, start, 1, []string{"dlq", "q.fifo", "dlq.fifo"}, l.store.Records())
	gone.k.Advance(time.Minute)
	if got := gone.do("ListMessageMoveTasks", m{"SourceArn": arnPrefix + "dlq"}); !strings.Contains(got, `"FailureReason":"AWS.SimpleQueueService.NonExistentQueue"`) || !strings.Contains(got, `"FAILED"`) {
		t.Error(got)
	}
}

// TestRestoreWithOtherAttributes: what the template changes concerns the messages that are there;
// what SetQueueAttributes changed stays as long as the template does not say otherwise.
func TestRestoreWithOtherAttributes(t *testing.T) {
	l := filled(t)
	again := func(change func(*sqs.QueueProperties)) (*sqs.Queue, []string) {
		k := sim.New(start.Add(time.Minute), 9)
		s := sqs.NewService(k, "eu-central-1", "111122223333")
		for _, name := range walked {
			p := properties(name)
			if name == "q" {
				change(&p)
			}
			if _, err := s.CreateQueue(name, p); err != nil {
				t.Fatal(err)
			}
		}
		dropped, err := s.Restore(l.store.Records())
		if err != nil {
			t.Fatal(err)
		}
		return s.Queue("q"), dropped
	}
	q, dropped := again(func(*sqs.QueueProperties) {})
	if q.VisibilityTimeout() != 5*time.Second || dropped != nil {
		t.Errorf("the visibility timeout that was set is now %v; dropped %q", q.VisibilityTimeout(), dropped)
	}
	q, dropped = again(func(p *sqs.QueueProperties) { p.VisibilityTimeout = num(77) })
	if want := []string{"queue q: the attribute VisibilityTimeout, which was set to 5"}; q.VisibilityTimeout() != 77*time.Second || !slices.Equal(dropped, want) {
		t.Errorf("the template's visibility timeout is %v; dropped %q", q.VisibilityTimeout(), dropped)
	}
	q, _ = again(func(p *sqs.QueueProperties) { p.RedrivePolicy.MaxReceiveCount = 1 })
	got, err := q.Receive(sqs.Request{Max: 10, VisibilityTimeout: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	if n := q.Stats().DeadLettered; len(got) != 4 || n != 1 {
		t.Errorf("%d received, %d dead letters; want 4 and 1, which was received before", len(got), n)
	}
	q, _ = again(func(p *sqs.QueueProperties) { p.MessageRetentionPeriod = num(60) })
	if ready, delayed, inFlight := q.Len(); ready+delayed+inFlight != 0 {
		t.Errorf("%d messages outlived the new retention period", ready+delayed+inFlight)
	}
}

// TestRestoreWakesMappings: a mapping that waits since before the messages were there gets them.
func TestRestoreWakesMappings(t *testing.T) {
	l := filled(t)
	k := sim.New(start, 3)
	s := sqs.NewService(k, "eu-central-1", "111122223333")
	for _, name := range walked {
		if _, err := s.CreateQueue(name, properties(name)); err != nil {
			t.Fatal(err)
		}
	}
	n := 0
	if _, err := s.Queue("q").Poll(sqs.Request{Max: 10, VisibilityTimeout: time.Minute}, func(got []sqs.Delivery) { n = len(got) }); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Restore(l.store.Records()); err != nil {
		t.Fatal(err)
	}
	k.Advance(0)
	if n != 6 {
		t.Errorf("the mapping got %d messages, want 5 and one that the move task brings", n)
	}
}

// TestHeldMessages: what a mapping holds is receivable at once after a restart; what it is done with and
// what somebody hid on purpose is not, nor what a client received.
func TestHeldMessages(t *testing.T) {
	l, _, _ := newLife(t, start, 1, walked, nil)
	url := l.s.Queue("q").URL
	for _, body := range []string{"held", "released", "hidden"} {
		l.do("SendMessage", m{"QueueUrl": url, "MessageBody": body})
	}
	got := l.poll("q", sqs.Request{Max: 3, VisibilityTimeout: time.Minute})
	got[1].Release()
	if err := l.s.Queue("q").ChangeVisibility(got[2].ReceiptHandle, 30*time.Second); err != nil {
		t.Fatal(err)
	}
	l.do("SendMessage", m{"QueueUrl": url, "MessageBody": "client"})
	l.do("ReceiveMessage", m{"QueueUrl": url, "VisibilityTimeout": 45})
	l.store.Verify()
	l, _, err := newLife(t, start.Add(time.Second), 2, walked, l.store.Records())
	if err != nil {
		t.Fatal(err)
	}
	receive := func() (bodies []string) {
		for _, d := range l.poll("q", sqs.Request{Max: 10, VisibilityTimeout: time.Hour}) {
			bodies = append(bodies, fmt.Sprint(d.Body, " ", d.ReceiveCount))
		}
		return bodies
	}
	for _, c := range []struct {
		at   time.Duration
		want string
	}{{0, "[held 2]"}, {29 * time.Second, "[hidden 2]"}, {44 * time.Second, "[client 2]"}, {time.Minute, "[released 2]"}} {
		l.k.RunUntil(start.Add(time.Second + c.at))
		if got := fmt.Sprint(receive()); got != c.want {
			t.Errorf("after %v: %s, want %s", c.at, got, c.want)
		}
	}
}

// TestCorruptRecords: what is wrong with a record is an error that names it.
func TestCorruptRecords(t *testing.T) {
	l := filled(t)
	store := l.store.Records()
	r := rand.New(rand.NewPCG(1, 2))
	restore := func(key string, value []byte) error {
		records := maps.Clone(store)
		if records[key] = value; value == nil {
			delete(records, key)
		}
		broken, _, err := newLife(t, start, 2, walked, records)
		if err == nil {
			// It may be read as something else, which must not bring the service down.
			broken.k.Advance(time.Minute)
			for _, q := range walked {
				broken.poll(q, sqs.Request{Max: 10, VisibilityTimeout: time.Second})
			}
			broken.k.Advance(time.Hour)
			durabletest.Records(t, broken.s)
		} else if !strings.Contains(err.Error(), fmt.Sprintf("%q", key)) {
			t.Errorf("%q: %s: the error does not name it: %v", key, value, err)
		}
		return err
	}
	for _, key := range slices.Sorted(maps.Keys(store)) {
		value := store[key]
		for range 60 {
			_ = restore(key, durabletest.Damaged(r, value))
		}
		for _, b := range []string{"", "null", "{}", "[]", `{"id":1}`, `{"what":1}`, string(value) + "x"} {
			if restore(key, []byte(b)) == nil && b != "{}" && b != "null" {
				t.Errorf("%q: %q is no error", key, b)
			}
		}
	}
	for key, want := range map[string]string{
		"":                                "there is no kind",
		"what/q/1":                        "there is no kind",
		"message/q/1":                     "1 has not 20 digits",
		"message/q":                       "invalid syntax",
		"task/one":                        "invalid syntax",
		"message/q/00000000000000000x001": "invalid syntax",
	} {
		if err := restore(key, store["message/q/00000000000000000002"]); err == nil || !strings.Contains(err.Error(), want) && !strings.HasPrefix(key, "task") {
			t.Errorf("%q: %v, want %s", key, err, want)
		}
	}
	if err := restore("service", nil); err == nil || err.Error() != `sqs: record "service": it is missing` {
		t.Error(err)
	}
	if err := restore("service", []byte(`{"version":2,"what":1}`)); err == nil || err.Error() != `sqs: record "service": written by a newer orderflow (version 2, this one reads 1)` {
		t.Error(err)
	}
	if _, ok := l.s.Record("message/q/x"); ok {
		t.Error("there is a record of no message")
	}
}
