package scenarios_test

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/orderflow-cdk/orderflow/event"
	"github.com/orderflow-cdk/orderflow/local"
)

// outage is a time in which a function's calls of some operations fail.
type outage struct {
	ops         []string // prefixes
	from, until time.Time
	status      int
	code        string
	refused     int
}

func (o *outage) meddle(a act, do func() (*http.Response, error)) (*http.Response, error) {
	now := a.runtime.Now()
	down := !now.Before(o.from) && now.Before(o.until)
	if !down || !slices.ContainsFunc(o.ops, func(op string) bool { return strings.HasPrefix(a.op, op) }) {
		return do()
	}
	o.refused++
	if err := local.Sleep(a.req.Context(), 20*time.Millisecond); err != nil {
		return nil, err
	}
	return refusing(a, o.status, o.code), nil
}

// lasts begins the outage.
func (o *outage) lasts(w *world, d time.Duration) { o.from, o.until = w.Now(), w.Now().Add(d) }

func unavailable(ops ...string) *outage {
	return &outage{ops: ops, status: http.StatusServiceUnavailable, code: "ServiceUnavailable"}
}

// ordersFor places orders over a time.
func (w *world) ordersFor(d time.Duration, n int) []string {
	var orders []string
	for i := range n {
		orders = append(orders, w.submit("acme", order([]string{"tok_visa", "tok_declined"}[i%2], "")))
		w.Advance(d / time.Duration(n))
	}
	return orders
}

// An event that one channel did not take is told to both again. Those behind it in the
// stream wait, so that the outage of one is felt in the other; and both catch up.
func TestTheOutageOfOneChannelSilencesNeitherForGood(t *testing.T) {
	const down = 20 * time.Minute
	for _, test := range []struct{ name, op string }{{"the topic", "sns."}, {"AppSync", "appsync"}} {
		t.Run(test.name+" is down", func(t *testing.T) {
			out := unavailable(test.op)
			w := around(t, local.Options{Seed: 1, Functions: meddle("notify", out.meddle)})
			hook, socket := w.endpoint("acme", "hooks.acme.example"), w.listen("acme")
			orders := w.ordersFor(10*time.Second, 2)
			w.settle("acme", orders...)
			heard := len(hook.posts)
			if heard == 0 || len(w.frames) != heard {
				t.Fatalf("%d posts and %d frames before the outage", heard, len(w.frames))
			}

			out.lasts(w, down)
			orders = append(orders, w.ordersFor(down-time.Minute, 8)...)
			dead, alive := len(hook.posts), len(w.frames)
			if test.op == "appsync" {
				dead, alive = alive, dead
			}
			if dead != heard || alive < heard+5 {
				t.Errorf("by the end of the outage %d events came in the channel that is down, want %d, and %d in the other", dead, heard, alive)
			}

			w.Advance(time.Minute + 2*time.Minute) // batches that failed come again once a minute
			last := w.submit("acme", order("tok_visa", ""))
			w.settle("acme", last)
			socket.hear(event.ID(last, 4))
			want := byOrder(w.history("acme", append(orders, last)...))
			if diff := cmp.Diff(want, byOrder(socket.told)); diff != "" {
				t.Errorf("history (-) and websocket (+) differ:\n%s", diff)
			}
			if diff := cmp.Diff(want, sorted(hook.told)); diff != "" {
				t.Errorf("history (-) and webhook (+) differ:\n%s", diff)
			}
			if out.refused == 0 || messages(t, w.Stack, w.Outputs()["OutboxFailureQueueUrl"]) != 0 {
				t.Errorf("%d calls refused, %d records given up", out.refused, messages(t, w.Stack, w.Outputs()["OutboxFailureQueueUrl"]))
			}
		})
	}
}

// After an hour the stream's reader gives a record up: it says so, and where.
func TestWhatTheNotifierGivesUpIsInTheFailureQueue(t *testing.T) {
	out := unavailable("sns.")
	w := around(t, local.Options{Seed: 1, Functions: meddle("notify", out.meddle)})
	hook, socket := w.endpoint("acme", "hooks.acme.example"), w.listen("acme")
	out.lasts(w, 2*time.Hour)
	lost := w.submit("acme", order("tok_visa", ""))
	w.settle("acme", lost)
	failures := w.Outputs()["OutboxFailureQueueUrl"]
	w.Advance(50 * time.Minute)
	if n := messages(t, w.Stack, failures); n != 0 {
		t.Errorf("given up before an hour: %d", n)
	}
	w.Advance(75 * time.Minute)
	if messages(t, w.Stack, failures) == 0 {
		t.Fatal("nothing in the queue of failures")
	}
	received := call(t, w.Stack, "sqs", "ReceiveMessage", map[string]any{"QueueUrl": failures, "MaxNumberOfMessages": 10})
	list, _ := received["Messages"].([]any)
	given := 0
	for _, m := range list {
		var doc struct {
			RequestContext     struct{ Condition, FunctionArn string }
			DDBStreamBatchInfo struct {
				ShardID, StartSequenceNumber, EndSequenceNumber, StreamArn string
				BatchSize                                                  int
			}
		}
		body, _ := m.(map[string]any)["Body"].(string)
		if err := json.Unmarshal([]byte(body), &doc); err != nil {
			t.Fatalf("%v: %s", err, body)
		}
		if doc.RequestContext.Condition != "RecordAgeExceeded" || !strings.Contains(doc.RequestContext.FunctionArn, ":function:") ||
			doc.DDBStreamBatchInfo.StartSequenceNumber == "" || !strings.Contains(doc.DDBStreamBatchInfo.StreamArn, "/stream/") {
			t.Errorf("%s", body)
		}
		given += doc.DDBStreamBatchInfo.BatchSize
	}
	if given != 4 {
		t.Errorf("%d records given up, want 4", given)
	}
	// The others go on. Of the lost order, who listens heard what was tried; who polls knows all.
	last := w.submit("acme", order("tok_visa", ""))
	w.settle("acme", last)
	socket.hear(event.ID(last, 4))
	want := byOrder(w.history("acme", last))
	if diff := cmp.Diff(want, byOrder(hook.told)); diff != "" {
		t.Errorf("webhook (-want +got):\n%s", diff)
	}
	want[lost] = []string{event.ID(lost, 1)}
	if diff := cmp.Diff(want, byOrder(socket.told)); diff != "" {
		t.Errorf("websocket (-want +got):\n%s", diff)
	}
	if n := len(w.history("acme", lost)); n != 4 {
		t.Errorf("the history has %d events", n)
	}
}

// The table of webhooks is short of throughput: deliveries are late and none is lost,
// and the endpoint is not blamed.
func TestAThrottledTableMakesDeliveriesLate(t *testing.T) {
	for _, op := range []string{"dynamodb.", "dynamodb.Query", "dynamodb.BatchGetItem", "dynamodb.UpdateItem"} {
		t.Run(op, func(t *testing.T) {
			out := &outage{ops: []string{op}, status: http.StatusBadRequest, code: "ProvisionedThroughputExceededException"}
			w := around(t, local.Options{Seed: 1, Functions: meddle("deliverwebhook", out.meddle)})
			hook := w.endpoint("acme", "hooks.acme.example")
			out.lasts(w, 10*time.Minute)
			if op == "dynamodb.UpdateItem" { // which only the health of who fails needs
				hook.answer = answering(http.StatusInternalServerError)
			}
			orders := w.ordersFor(9*time.Minute, 4)
			hook.answer = nil
			if len(hook.told) != 0 {
				t.Errorf("%d told while the table was throttled", len(hook.told))
			}
			w.Advance(30 * time.Minute)
			if diff := cmp.Diff(byOrder(w.history("acme", orders...)), sorted(hook.told)); diff != "" {
				t.Errorf("history (-) and webhook (+) differ:\n%s", diff)
			}
			if out.refused == 0 || hook.shown()["failingSince"] != nil {
				t.Errorf("%d calls refused; %v", out.refused, hook.shown())
			}
			if n := messages(t, w.Stack, w.Outputs()["WebhooksDeadLetterQueueUrl"]); n != 0 {
				t.Errorf("%d dead letters", n)
			}
		})
	}
}

// One delivery to an endpoint that is broken: about as long as it is old it waits, up to
// eight hours, for three days. Then it is in the dead-letter queue, and says why.
func TestTheScheduleOfADelivery(t *testing.T) {
	w := around(t, local.Options{Seed: 1})
	hook := w.endpoint("acme", "hooks.acme.example", "COMPLETED")
	hook.answer = answering(http.StatusInternalServerError)
	id := w.submit("acme", order("tok_visa", ""))
	w.Advance(80 * time.Hour)
	if len(hook.posts) < 15 || len(hook.posts) > 30 {
		t.Errorf("%d attempts", len(hook.posts))
	}
	first := hook.posts[0].at
	signatures := map[string]bool{}
	for i, p := range hook.posts {
		if p.id() != event.ID(id, 4) || signatures[p.header.Get("webhook-signature")] {
			t.Errorf("attempt %d: id %s, signed as one before: %v", i, p.id(), signatures[p.header.Get("webhook-signature")])
		}
		signatures[p.header.Get("webhook-signature")] = true
		if i == 0 {
			continue
		}
		// Near the end of the three days the wait is cut short.
		age, waited := hook.posts[i-1].at.Sub(first), p.at.Sub(hook.posts[i-1].at)
		expected := min(max(age, 5*time.Second), 8*time.Hour)
		if waited > expected*5/4+12*time.Minute || waited < expected*3/4 && i < len(hook.posts)-1 {
			t.Errorf("attempt %d after %v more, at the age of %v", i, waited, age)
		}
	}
	if took := hook.posts[len(hook.posts)-1].at.Sub(first); took < 71*time.Hour || took > 73*time.Hour {
		t.Errorf("tried for %v", took)
	}
	out := call(t, w.Stack, "sqs", "ReceiveMessage", map[string]any{
		"QueueUrl": w.Outputs()["WebhooksDeadLetterQueueUrl"], "MaxNumberOfMessages": 10, "MessageAttributeNames": []string{"All"},
	})
	list, _ := out["Messages"].([]any)
	b, err := json.Marshal(list)
	if err != nil {
		t.Fatal(err)
	}
	if len(list) != 1 || !strings.Contains(string(b), "HTTP 500") || !strings.Contains(string(b), hook.id) || hook.shown()["disabledReason"] != "Failing" {
		t.Errorf("dead letters %s; %v", b, hook.shown())
	}
}

// Where each channel has a function of its own, what one does not take is no
// delay for the other.
func TestSeparateChannelsDoNotWaitForEachOther(t *testing.T) {
	for _, test := range []struct{ name, op string }{{"the topic", "sns."}, {"AppSync", "appsync"}} {
		t.Run(test.name+" is down", func(t *testing.T) {
			out := unavailable(test.op)
			w := aroundOf(t, "prod", local.Options{Seed: 1, Functions: meddle("notify", out.meddle)})
			hook, socket := w.endpoint("acme", "hooks.acme.example"), w.listen("acme")
			out.lasts(w, 3*time.Hour)
			for range 5 {
				order := w.submit("acme", order("tok_visa", ""))
				w.settle("acme", order)
				w.Advance(5 * time.Second)
				told := len(w.history("acme", order))
				last := event.ID(order, int64(told))
				if test.op == "sns." {
					socket.hear(last)
				} else if n := len(hook.told); n == 0 || hook.told[n-1].ID != last {
					t.Errorf("%s has not come by webhook within 5 s", last)
				}
				w.Advance(30 * time.Minute)
			}
			if out.refused == 0 {
				t.Error("the outage was never felt")
			}
			w.Advance(40 * time.Minute) // it is over, and what waited has come
			if posts, frames := len(hook.told), len(w.frames); posts != 20 || frames != 20 {
				t.Errorf("%d events by webhook and %d frames, want 20 each", posts, frames)
			}
		})
	}
}
