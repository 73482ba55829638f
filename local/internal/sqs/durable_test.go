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
	"github.com/orderflow-cdk/orderflow/local/internal/sim"
	"github.com/orderflow-cdk/orderflow/local/internal/sqs"
)

const arnPrefix = "arn:aws:sqs:eu-central-1:111122223333:"

// life is a service in one process of several, and the store that it is kept in.
type life struct {
	t     testing.TB
	k     *sim.Kernel
	s     *sqs.Service
	store map[string][]byte
	dirty map[string]bool
}

func properties(name string, change ...func(*sqs.QueueProperties)) sqs.QueueProperties {
	p := sqs.QueueProperties{FifoQueue: cfn.Bool(strings.HasSuffix(name, ".fifo")), VisibilityTimeout: num(20), MessageRetentionPeriod: num(3600)}
	if suffix, source := strings.CutPrefix(name, "q"); source {
		p.RedrivePolicy = &sqs.RedrivePolicy{DeadLetterTargetArn: arnPrefix + "dlq" + suffix, MaxReceiveCount: 3}
	}
	for _, c := range change {
		c(&p)
	}
	return p
}

var walked = []string{"q", "dlq", "q.fifo", "dlq.fifo"}

func newLife(t testing.TB, now time.Time, seed uint64, names []string, records map[string][]byte) (*life, []string, error) {
	l := &life{t: t, k: sim.New(now, seed), dirty: map[string]bool{}}
	l.s = sqs.NewService(l.k, "eu-central-1", "111122223333")
	for _, name := range names {
		if _, err := l.s.CreateQueue(name, properties(name)); err != nil {
			t.Fatal(err)
		}
	}
	dropped, err := l.s.Restore(records)
	l.store = l.dump()
	l.s.Watch(func(key string) { l.dirty[key] = true })
	return l, dropped, err
}

func (l *life) dump() map[string][]byte {
	all := map[string][]byte{}
	keys := l.s.Keys()
	if !slices.IsSorted(keys) {
		l.t.Fatal("keys are not sorted")
	}
	for _, key := range keys {
		r, ok := l.s.Record(key)
		if !ok {
			l.t.Fatalf("no record %q", key)
		}
		all[key] = r
	}
	return all
}

// commit brings the store up to date and holds it against all records.
func (l *life) commit(full bool) {
	l.t.Helper()
	for key := range l.dirty {
		if r, ok := l.s.Record(key); ok {
			l.store[key] = r
		} else {
			delete(l.store, key)
		}
	}
	clear(l.dirty)
	if full {
		if d := cmp.Diff(texts(l.dump()), texts(l.store)); d != "" {
			l.t.Fatalf("what Watch told makes other records than there are: %s", d)
		}
	}
}

func texts(records map[string][]byte) map[string]string {
	out := map[string]string{}
	for k, v := range records {
		out[k] = string(v)
	}
	return out
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

// walk is a service that is restarted now and then beside one that never is.
type walk struct {
	t          *testing.T
	r          *rand.Rand
	alive, ref *life
	handles    map[string][]string // by queue
	held       [][2]sqs.Delivery   // alive, ref
	tasks      []string
	n, said    int
}

// TestRestart: a service that goes on from its records answers as one does that was never ended.
func TestRestart(t *testing.T) {
	for seed := range uint64(60) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			w := &walk{t: t, r: rand.New(rand.NewPCG(seed, 11)), handles: map[string][]string{}}
			w.alive, _, _ = newLife(t, start, 1, walked, nil)
			w.ref, _, _ = newLife(t, start, 1, walked, nil)
			for w.n = range 400 {
				w.step()
				w.alive.commit(w.r.IntN(20) == 0)
				if w.r.IntN(25) == 0 {
					w.restart()
				}
			}
			if w.said < 100 {
				t.Errorf("only %d answers were no errors", w.said)
			}
		})
	}
}

func (w *walk) restart() {
	w.alive.commit(true)
	now := w.ref.k.Now()
	if w.r.IntN(3) == 0 && !w.moving() {
		now = now.Add(time.Duration(w.r.IntN(90)) * time.Second) // the process was away
		w.ref.k.RunUntil(now)
	}
	var dropped []string
	var err error
	w.alive, dropped, err = newLife(w.t, now, w.r.Uint64(), walked, w.alive.store)
	if err != nil || dropped != nil {
		w.t.Fatalf("step %d: %q, %v", w.n, dropped, err)
	}
	w.ref.s.LetGo()
	w.alive.k.Advance(0)
	w.ref.k.Advance(0)
	w.held = nil
	for _, name := range walked {
		a, b := w.alive.s.Queue(name), w.ref.s.Queue(name)
		if d := cmp.Diff(stats(b), stats(a)); d != "" {
			w.t.Fatalf("step %d: %s: %s", w.n, name, d)
		}
	}
}

// moving says whether a message move task runs, which does not go on while the process is away.
func (w *walk) moving() bool {
	for _, dlq := range []string{"dlq", "dlq.fifo"} {
		if strings.Contains(w.both("ListMessageMoveTasks", m{"SourceArn": arnPrefix + dlq}), "RUNNING") {
			return true
		}
	}
	return false
}

func stats(q *sqs.Queue) any {
	s := q.Stats()
	s.EmptyReceives = 0
	ready, delayed, inFlight := q.Len()
	return []any{s, ready, delayed, inFlight}
}

// both makes a call of both and holds the answers against each other.
func (w *walk) both(action string, in m) (answer string) {
	w.t.Helper()
	a, b := w.alive.do(action, in), w.ref.do(action, in)
	if a != b {
		w.t.Fatalf("step %d: %s %v:\n%s\nbut without a restart\n%s", w.n, action, in, a, b)
	}
	if strings.HasPrefix(a, "{") {
		w.said++
	}
	return a
}

func (w *walk) step() {
	queue := walked[w.r.IntN(len(walked))]
	fifo := strings.HasSuffix(queue, ".fifo")
	in := m{"QueueUrl": w.ref.s.Queue(queue).URL}
	handle := func() bool {
		all := w.handles[queue]
		if len(all) == 0 {
			return false
		}
		in["ReceiptHandle"] = all[w.r.IntN(len(all))]
		return true
	}
	switch n := w.r.IntN(100); {
	case n < 40:
		in["MessageBody"] = fmt.Sprintf("Grüße \"%d\" <🦀>\n", w.r.IntN(60))
		if fifo || w.r.IntN(3) > 0 {
			in["MessageGroupId"] = fmt.Sprint("g/", w.r.IntN(5)) // a slash, as in the keys
		}
		if fifo {
			in["MessageDeduplicationId"] = fmt.Sprint("d/", w.r.IntN(60))
		} else if w.r.IntN(4) == 0 {
			in["DelaySeconds"] = w.r.IntN(40)
		}
		if w.r.IntN(3) == 0 {
			in["MessageAttributes"] = m{
				"text":   m{"DataType": "String.kind", "StringValue": "é\t"},
				"binary": m{"DataType": "Binary", "BinaryValue": []byte{0, 255, '"', byte(w.n)}},
			}
			in["MessageSystemAttributes"] = m{"AWSTraceHeader": m{"DataType": "String", "StringValue": "Root=1-5759e988-bd862e3fe1be46a994272793"}}
		}
		w.both("SendMessage", in)
	case n < 52:
		in["MaxNumberOfMessages"], in["VisibilityTimeout"] = 1+w.r.IntN(10), w.r.IntN(60)
		in["AttributeNames"], in["MessageAttributeNames"] = []string{"All"}, []string{"All"}
		var out struct {
			Messages []struct{ ReceiptHandle string }
		}
		if err := json.Unmarshal([]byte(w.both("ReceiveMessage", in)), &out); err != nil {
			w.t.Fatal(err)
		}
		for _, d := range out.Messages {
			w.handles[queue] = append(w.handles[queue], d.ReceiptHandle)
		}
	case n < 60:
		w.poll(queue, sqs.Request{Max: 1 + w.r.IntN(10), VisibilityTimeout: time.Duration(1+w.r.IntN(60)) * time.Second})
	case n < 64:
		if len(w.held) > 0 {
			h := w.held[w.r.IntN(len(w.held))]
			h[0].Release()
			h[1].Release()
		}
	case n < 72:
		if handle() {
			w.both("DeleteMessage", in)
		}
	case n < 78:
		if handle() {
			in["VisibilityTimeout"] = w.r.IntN(50)
			w.both("ChangeMessageVisibility", in)
		}
	case n < 82:
		in["AttributeNames"] = []string{"All"}
		w.both("GetQueueAttributes", in)
	case n < 84:
		in["Attributes"] = m{"VisibilityTimeout": fmt.Sprint(w.r.IntN(60)), "DelaySeconds": fmt.Sprint(w.r.IntN(2))}
		w.both("SetQueueAttributes", in)
	case n < 85:
		w.both("PurgeQueue", in)
	case n < 89:
		w.moveTasks("dlq" + queue[strings.IndexByte(queue+".", '.'):])
	default:
		d := time.Duration(w.r.IntN(8000)) * time.Millisecond
		switch w.r.IntN(20) {
		case 0:
			d *= 100 // over the five minutes of deduplication
		case 1:
			d *= 500 // over the retention period
		}
		w.alive.k.Advance(d)
		w.ref.k.Advance(d)
	}
}

func (w *walk) poll(queue string, r sqs.Request) {
	a, b := w.alive.poll(queue, r), w.ref.poll(queue, r)
	text := func(all []sqs.Delivery) (out []string) {
		for i := range all {
			d := &all[i]
			out = append(out, fmt.Sprintf("%s %s %s %s %s %s %s %d %s", d.ID, d.ReceiptHandle, d.Body, d.MD5OfBody, d.MD5OfAttributes, d.MD5OfSystem,
				d.AppendSystemAttributes(nil, nil), d.Size(), d.Received()))
		}
		return out
	}
	if d := cmp.Diff(text(b), text(a)); d != "" {
		w.t.Fatalf("step %d: poll of %s: %s", w.n, queue, d)
	}
	for i := range a {
		w.handles[queue] = append(w.handles[queue], a[i].ReceiptHandle)
		w.held = append(w.held, [2]sqs.Delivery{a[i], b[i]})
	}
}

func (w *walk) moveTasks(dlq string) {
	in := m{"SourceArn": arnPrefix + dlq}
	switch w.r.IntN(4) {
	case 0:
		if w.r.IntN(2) == 0 {
			in["DestinationArn"] = arnPrefix + "q" + strings.TrimPrefix(dlq, "dlq")
		}
		if w.r.IntN(3) > 0 {
			in["MaxNumberOfMessagesPerSecond"] = 1 + w.r.IntN(3)
		}
		var out struct{ TaskHandle string }
		if json.Unmarshal([]byte(w.both("StartMessageMoveTask", in)), &out) == nil {
			w.tasks = append(w.tasks, out.TaskHandle)
		}
	case 1:
		if len(w.tasks) > 0 {
			w.both("CancelMessageMoveTask", m{"TaskHandle": w.tasks[w.r.IntN(len(w.tasks))]})
		}
	default:
		in["MaxResults"] = 10
		w.both("ListMessageMoveTasks", in)
	}
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
	l.commit(true)
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
		_, dropped, err := newLife(t, start, 1, c.names, l.store)
		if d := cmp.Diff(c.dropped, dropped); d != "" || err != nil {
			t.Errorf("%v: %v %s", c.names, err, d)
		}
	}
	// The task whose destination is gone has failed.
	gone, _, _ := newLife(t, start, 1, []string{"dlq", "q.fifo", "dlq.fifo"}, l.store)
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
		dropped, err := s.Restore(l.store)
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
	if _, err := s.Restore(l.store); err != nil {
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
	l.commit(true)
	l, _, err := newLife(t, start.Add(time.Second), 2, walked, l.store)
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
	r := rand.New(rand.NewPCG(1, 2))
	restore := func(key string, value []byte) error {
		records := maps.Clone(l.store)
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
			broken.dump()
		} else if !strings.Contains(err.Error(), fmt.Sprintf("%q", key)) {
			t.Errorf("%q: %s: the error does not name it: %v", key, value, err)
		}
		return err
	}
	for _, key := range slices.Sorted(maps.Keys(l.store)) {
		value := l.store[key]
		for range 200 {
			b := slices.Clone(value)
			switch r.IntN(3) {
			case 0:
				b[r.IntN(len(b))] = byte(r.IntN(256))
			case 1:
				b = b[:r.IntN(len(b))]
			case 2:
				i := r.IntN(len(b))
				b = append(b[:i:i], b[i+r.IntN(len(b)-i):]...)
			}
			_ = restore(key, b)
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
		if err := restore(key, l.store["message/q/00000000000000000002"]); err == nil || !strings.Contains(err.Error(), want) && !strings.HasPrefix(key, "task") {
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
