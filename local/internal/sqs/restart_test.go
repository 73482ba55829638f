package sqs_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/orderflow-cdk/orderflow/local/internal/sqs"
)

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
	for seed := range uint64(25) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			w := &walk{t: t, r: rand.New(rand.NewPCG(seed, 11)), handles: map[string][]string{}}
			w.alive, _, _ = newLife(t, start, 1, walked, nil)
			w.ref, _, _ = newLife(t, start, 1, walked, nil)
			for w.n = range 400 {
				w.step()
				w.alive.store.Commit()
				if w.r.IntN(20) == 0 {
					w.alive.store.Verify()
				}
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
	w.alive.store.Verify()
	now := w.ref.k.Now()
	if w.r.IntN(3) == 0 && !w.moving() {
		now = now.Add(time.Duration(w.r.IntN(90)) * time.Second) // the process was away
		w.ref.k.RunUntil(now)
	}
	var dropped []string
	var err error
	w.alive, dropped, err = newLife(w.t, now, w.r.Uint64(), walked, w.alive.store.Records())
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
