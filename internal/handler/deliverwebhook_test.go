package handler_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/orderflow-cdk/orderflow/internal/awstest"
	hooks "github.com/orderflow-cdk/orderflow/webhook"
)

func TestDeliverFansOut(t *testing.T) {
	o := newOutpost(t)
	for i := range 12 {
		o.endpoint(fmt.Sprintf("we_%02d", i))
	}
	list := func(s string) any { return map[string]any{"L": []any{awstest.S(s)}} }
	o.endpoint("we_paid", "statuses", list("PAID"))
	o.endpoint("we_failed", "statuses", list("FAILED"))
	o.endpoint("we_off", "enabled", map[string]any{"BOOL": false})
	o.Items["hooks/acme/#endpoints"] = awstest.Item{"pk": awstest.S("acme"), "sk": awstest.S("#endpoints"), "count": awstest.N(15)}
	o.Items["hooks/other/we_other"] = awstest.Item{"pk": awstest.S("other"), "sk": awstest.S("we_other"), "enabled": map[string]any{"BOOL": true}}

	test := strings.NewReplacer("order.paid", "webhook.test", "PAID", "TEST").Replace(paidEvent("test-1:1"))
	o.enqueue("", paidEvent(eventID))
	o.enqueue("", test)
	o.enqueue("", strings.Replace(paidEvent("x:1"), `"tenant":"acme"`, `"tenant":"nobody"`, 1))
	if failed := o.receive(); failed != 0 {
		t.Fatalf("%d failed\n%s", failed, &o.log)
	}
	got := map[string]int{}
	for _, m := range o.Queues[deliveries] {
		if m.Group != "YWNtZQ" || *m.Attributes["tenant"].StringValue != "acme" || len(m.Attributes) != 2 {
			t.Errorf("group %s, attributes %v", m.Group, m.Attributes)
		}
		if m.Body != paidEvent(eventID) && m.Body != test {
			t.Errorf("the body became %s", m.Body)
		}
		got[*m.Attributes["endpoint"].StringValue]++
	}
	want := map[string]int{"we_paid": 2, "we_failed": 1}
	for i := range 12 {
		want[fmt.Sprintf("we_%02d", i)] = 2
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("deliveries by endpoint (-want +got)\n%s", diff)
	}
	// 27 deliveries and two tenants: the list of each once, and three batches.
	if want := []string{"Query", "Query", "SendMessageBatch", "SendMessageBatch", "SendMessageBatch"}; !slices.Equal(o.Calls, want) {
		t.Errorf("calls %v", o.Calls)
	}
}

func TestDeliveriesOfAllTenantsGoOutTogether(t *testing.T) {
	o := newOutpost(t)
	for i := range 10 {
		tenant := fmt.Sprintf("tenant-%d", i)
		o.Items["hooks/"+tenant+"/we_1"] = awstest.Item{"pk": awstest.S(tenant), "sk": awstest.S("we_1"), "enabled": map[string]any{"BOOL": true}}
		o.enqueue("", strings.Replace(paidEvent(fmt.Sprintf("x:%d", i)), `"tenant":"acme"`, `"tenant":"`+tenant+`"`, 1))
	}
	if failed := o.receive(); failed != 0 {
		t.Fatalf("%d failed\n%s", failed, &o.log)
	}
	if n := len(o.Queues[deliveries]); n != 10 {
		t.Errorf("%d deliveries", n)
	}
	for _, m := range o.Queues[deliveries] {
		if !strings.Contains(m.Body, `"tenant":"`+*m.Attributes["tenant"].StringValue+`"`) {
			t.Errorf("%s goes to an endpoint of %s", m.Body, *m.Attributes["tenant"].StringValue)
		}
	}
	if calls := slices.DeleteFunc(o.Calls, func(c string) bool { return c == "Query" }); !slices.Equal(calls, []string{"SendMessageBatch"}) {
		t.Errorf("calls besides Query: %v", calls)
	}
}

func TestDeliverFansOutAgainWhatWasNotSent(t *testing.T) {
	o := newOutpost(t)
	o.endpoint("we_a")
	o.enqueue("", paidEvent("a:1"))
	o.enqueue("", paidEvent("b:1"))
	o.RefuseMessage = func(_, body string) bool { return strings.Contains(body, `"b:1"`) }
	if failed := o.receive(); failed != 1 {
		t.Fatalf("%d failed, want the one that could not be sent", failed)
	}
	o.RefuseMessage = nil
	o.run(o.clock.Add(time.Minute))
	if len(o.posts) != 2 || len(o.Queues[deliveries]) != 0 {
		t.Errorf("%d posts, %d messages left", len(o.posts), len(o.Queues[deliveries]))
	}
}

func TestDeliverRequest(t *testing.T) {
	o := newOutpost(t)
	o.endpoint("we_a")
	o.enqueue("we_a", paidEvent(eventID))
	if failed := o.receive(); failed != 0 || len(o.posts) != 1 {
		t.Fatalf("%d failed, %d posts\n%s", failed, len(o.posts), &o.log)
	}
	p := o.posts[0]
	want := http.Header{
		"Content-Type": {"application/json"}, "User-Agent": {"orderflow"}, "Idempotency-Key": nil, "Webhook-Id": {eventID},
		"Webhook-Timestamp": {"1764000005"}, "Webhook-Signature": p.header["Webhook-Signature"],
	}
	if diff := cmp.Diff(want, p.header); diff != "" {
		t.Errorf("header (-want +got)\n%s", diff)
	}
	if p.body != paidEvent(eventID) || p.url != "https://we_a.example.com/in" {
		t.Errorf("%s got %s", p.url, p.body)
	}
	if got := strings.Join(o.Calls, " "); got != "BatchGetItem" {
		t.Errorf("calls %s, want one read and no write", got)
	}
	log := o.log.String()
	for _, secret := range []string{oldSecret, "example.com", "Zoë", p.header.Get("Webhook-Signature")} {
		if strings.Contains(log, secret) {
			t.Errorf("the log has %q", secret)
		}
	}
	for _, part := range []string{`"message":"webhook delivered"`, `"eventId":"` + eventID + `"`, `"Function":"deliverwebhook","DeliveryAge":0}`} {
		if !strings.Contains(log, part) {
			t.Errorf("the log lacks %s\n%s", part, log)
		}
	}
}

// signedBy tells which of the secrets sign a request that Sign agrees with.
func signedBy(t *testing.T, p post) string {
	t.Helper()
	var by []string
	for name, secret := range map[string]string{"new": newSecret, "old": oldSecret} {
		s, err := hooks.Sign(secret, p.header.Get("webhook-id"), p.at, []byte(p.body))
		if err != nil {
			t.Fatal(err)
		}
		if slices.Contains(strings.Split(p.header.Get("webhook-signature"), " "), s) {
			by = append(by, name)
		}
	}
	slices.Sort(by)
	return strings.Join(by, "+")
}

func TestDeliverSignsWithEverySecretThatIsValid(t *testing.T) {
	o := newOutpost(t)
	o.endpoint("we_a", "secret", awstest.S(newSecret), "previousSecret", awstest.S(oldSecret), "previousSecretUntil", awstest.S("2025-11-25T16:00:05.250Z"))
	for after, want := range map[time.Duration]string{0: "new+old", 24*time.Hour - time.Second: "new+old", 24 * time.Hour: "new"} {
		o.posts = nil
		o.clock = now().Add(after)
		o.enqueue("we_a", paidEvent(eventID))
		o.receive()
		if got := signedBy(t, o.posts[0]); got != want {
			t.Errorf("after %v signed by %s, want %s", after, got, want)
		}
	}
}

func TestDeliverJudgesAnswers(t *testing.T) {
	refused := errors.New("connection reset")
	type want struct {
		stays    bool // in the queue
		reason   string
		disabled string
		pause    time.Duration // at least, at most a fifth more; 0: none
	}
	tests := []struct {
		name   string
		answer func(o *outpost)
		want   want
	}{
		{"200", func(o *outpost) { o.answers(200) }, want{}},
		{"204", func(o *outpost) { o.answers(204) }, want{}},
		{"299", func(o *outpost) { o.answers(299) }, want{}},
		{"301", func(o *outpost) { o.answers(301, "Location", "https://169.254.169.254/") }, want{stays: true}},
		{"304", func(o *outpost) { o.answers(304) }, want{stays: true}},
		{"400", func(o *outpost) { o.answers(400) }, want{stays: true}},
		{"404", func(o *outpost) { o.answers(404) }, want{stays: true}},
		{"410", func(o *outpost) { o.answers(410) }, want{reason: "HTTP 410", disabled: "Gone"}},
		{"429", func(o *outpost) { o.answers(429) }, want{stays: true, pause: 5 * time.Second}},
		{"429 later", func(o *outpost) { o.answers(429, "Retry-After", "120") }, want{stays: true, pause: 2 * time.Minute}},
		{"500", func(o *outpost) { o.answers(500) }, want{stays: true}},
		{"500 later", func(o *outpost) { o.answers(500, "Retry-After", "60") }, want{stays: true, pause: time.Minute}},
		{"502", func(o *outpost) { o.answers(502) }, want{stays: true, pause: 5 * time.Second}},
		{"503 at a date", func(o *outpost) { o.answers(503, "Retry-After", "Mon, 24 Nov 2025 17:00:05 GMT") },
			want{stays: true, pause: time.Hour - 250*time.Millisecond}},
		{"503 next year", func(o *outpost) { o.answers(503, "Retry-After", "31536000") }, want{stays: true, pause: 8 * time.Hour}},
		{"504", func(o *outpost) { o.answers(504) }, want{stays: true, pause: 5 * time.Second}},
		{"silence", func(o *outpost) { o.silent() }, want{stays: true, pause: time.Minute}},
		{"broken off", func(o *outpost) { o.answer = func(post) (*http.Response, error) { return nil, refused } }, want{stays: true, pause: 5 * time.Second}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			o := newOutpost(t)
			o.endpoint("we_a")
			m := o.enqueue("we_a", paidEvent(eventID))
			test.answer(o)
			if stays := o.receive() == 1; stays != test.want.stays {
				t.Fatalf("stays: %v\n%s", stays, &o.log)
			}
			state := o.state("we_a")
			if got := awstest.Text(state, "disabledReason"); got != test.want.disabled {
				t.Errorf("disabled because %q", got)
			}
			if test.want.reason != "" {
				if got := o.reason(0); got != test.want.reason {
					t.Errorf("reason %q, want %q", got, test.want.reason)
				}
				return
			}
			if !test.want.stays {
				if len(o.Calls) != 1 || len(o.Queues[deadLetters]) != 0 {
					t.Errorf("calls %v", o.Calls)
				}
				return
			}
			next, err := time.Parse(time.RFC3339, awstest.Text(state, "nextAttemptAt"))
			if test.want.pause == 0 {
				if err == nil {
					t.Errorf("left alone until %v", next)
				}
				next = o.clock.Add(5 * time.Second)
			} else if p := next.Sub(o.clock); p < test.want.pause-time.Millisecond || p > test.want.pause*6/5 {
				t.Errorf("left alone for %v, want %v to a fifth more", p, test.want.pause)
			}
			if m.VisibleAt.Before(next.Add(-time.Millisecond)) || m.VisibleAt.After(next.Add(test.want.pause/5+7*time.Second)) {
				t.Errorf("due at %v, and the endpoint may be tried at %v", m.VisibleAt, next)
			}
			failure, _ := state["lastFailure"].(map[string]any)["M"].(awstest.Item)
			if awstest.Text(state, "failures") != "1" || awstest.Text(state, "failingSince") == "" || awstest.Text(failure, "error") == "" {
				t.Errorf("state %v", state)
			}
		})
	}
}

// An endpoint that was deleted and made again has the same id, and gets nothing
// of what was sent to the old one.
func TestDeliverNothingFromBeforeTheEndpoint(t *testing.T) {
	for after, posts := range map[time.Duration]int{500 * time.Millisecond: 1, 2 * time.Second: 0} {
		o := newOutpost(t)
		o.answers(204)
		o.endpoint("we_again", "createdAt", awstest.S(o.clock.Add(after).UTC().Format("2006-01-02T15:04:05.000Z")))
		o.enqueue("we_again", paidEvent(eventID))
		if failed := o.receive(); failed != 0 || len(o.posts) != posts || len(o.Queues[deadLetters]) != 0 {
			t.Errorf("made %v after the message: %d failed, %d posts, want %d", after, failed, len(o.posts), posts)
		}
	}
}

func TestDeliverWhatCannotBe(t *testing.T) {
	off := []any{"enabled", map[string]any{"BOOL": false}, "disabledReason", awstest.S("Gone")}
	o := newOutpost(t)
	o.endpoint("we_off", off...)
	o.endpoint("we_a")
	o.enqueue("we_deleted", paidEvent(eventID))
	for _, m := range []struct{ endpoint, body string }{
		{"we_off", paidEvent(eventID)}, {"we_a", "x"}, {"we_a", `{}`}, {"", `{"id":"a:1","tenant":"acme"}`},
		{"we_a", strings.Replace(paidEvent(eventID), `"tenant":"acme"`, `"tenant":"other"`, 1)},
		{"we_a", strings.Replace(paidEvent(eventID), "Zoë", strings.Repeat("x", 20000), 1)},
		// DynamoDB would refuse these keys, and with them those of the whole batch.
		{"we_" + strings.Repeat("a", 1022), paidEvent(eventID)}, {"#endpoints", paidEvent(eventID)},
		{"", strings.Replace(paidEvent(eventID), "acme", strings.Repeat("t", 2049), 1)},
	} {
		o.enqueue(m.endpoint, m.body)
	}
	if failed := o.receive(); failed != 0 || len(o.posts) != 0 {
		t.Fatalf("%d failed, %d posts", failed, len(o.posts))
	}
	var got []string
	for i := range o.Queues[deadLetters] {
		got = append(got, o.reason(i))
	}
	want := []string{
		"the endpoint is disabled (Gone)", "the body is no event: it is not JSON",
		"the body is no event: it has not all of id, type, tenant and status", "the body is no event: it has not all of id, type, tenant and status",
		"the event is another tenant's than the endpoint", "the event has 20184 bytes, at most 20000 are possible",
		"the message names an endpoint that cannot be", "the message names an endpoint that cannot be", "the message names an endpoint that cannot be",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("reasons (-want +got)\n%s", diff)
	}
}

// An endpoint whose item the table is short of throughput for does not hold up the others of its batch, and
// does not pass for a deleted one.
func TestDeliverWhatCanBeRead(t *testing.T) {
	o := newOutpost(t)
	for i := range 8 {
		id := fmt.Sprintf("we_%d", i)
		o.endpoint(id)
		o.enqueue(id, paidEvent(eventID))
	}
	o.PageSize = 2
	if failed := o.receive(); failed != 2 || len(o.posts) != 6 {
		t.Errorf("%d failed, %d posts", failed, len(o.posts))
	}
	o.PageSize = 0
	if o.run(o.clock.Add(time.Minute)); len(o.posts) != 8 || len(o.Queues[deliveries]) != 0 {
		t.Errorf("%d posts, %d left", len(o.posts), len(o.Queues[deliveries]))
	}
}

// What is in the dead-letter queue can be moved back as it is.
func TestDeliverFromTheDeadLetterQueue(t *testing.T) {
	o := newOutpost(t)
	it := o.endpoint("we_off", "enabled", map[string]any{"BOOL": false})
	o.enqueue("we_off", paidEvent(eventID))
	o.RefuseMessage = func(queue, _ string) bool { return queue == deadLetters }
	if o.receive() != 1 || len(o.Queues[deliveries]) != 1 {
		t.Fatal("deleted, and not in the dead-letter queue")
	}
	o.RefuseMessage = nil
	o.clock = o.clock.Add(3 * time.Minute)
	for range 2 { // the reason is replaced when it comes here again
		if o.receive() != 0 || len(o.Queues[deadLetters]) != 1 {
			t.Fatalf("%d dead letters", len(o.Queues[deadLetters]))
		}
		dead := o.Queues[deadLetters][0]
		if dead.Body != paidEvent(eventID) || dead.Group != "we_off" || len(dead.Attributes) != 3 || *dead.Attributes["endpoint"].StringValue != "we_off" {
			t.Errorf("dead letter %+v", dead)
		}
		o.Queues[deliveries], o.Queues[deadLetters] = o.Queues[deadLetters], nil
	}
	it["enabled"] = map[string]any{"BOOL": true}
	if o.receive() != 0 || len(o.posts) != 1 || o.posts[0].header.Get("webhook-id") != eventID {
		t.Errorf("posts %v", o.posts)
	}
}

// Wherever AWS fails, nothing is lost, and the endpoint is not blamed.
func TestDeliverBreaksOffAnywhere(t *testing.T) {
	for n := range 4 {
		for _, fault := range []awstest.Fault{awstest.Refuse, awstest.Lose} {
			for _, code := range []int{200, 410, 500} {
				o := newOutpost(t)
				o.endpoint("we_a", "failures", awstest.N(1), "failingSince", awstest.S("2025-11-24T16:00:00.000Z"), "nextAttemptAt", awstest.S("2025-11-24T16:00:01.000Z"))
				o.enqueue("we_a", paidEvent(eventID))
				o.answers(code)
				o.Fault = func(i int, _ string) awstest.Fault {
					if i == n {
						return fault
					}
					return awstest.None
				}
				o.receive()
				o.Fault = nil
				o.answers(200)
				o.run(o.clock.Add(time.Hour))
				if left := len(o.Queues[deliveries]); left != 0 || len(o.posts)+len(o.Queues[deadLetters]) == 0 {
					t.Errorf("call %d, fault %d, HTTP %d: %d left, %d posts, %d dead\n%s", n, fault, code, left, len(o.posts), len(o.Queues[deadLetters]), &o.log)
				}
			}
		}
	}
}

func TestDeliverLeavesTimeForAnAttempt(t *testing.T) {
	for left, attempts := range map[time.Duration]int{16 * time.Second: 0, 30 * time.Second: 1} {
		o := newOutpost(t)
		o.endpoint("we_a")
		o.enqueue("we_a", paidEvent(eventID))
		in, err := json.Marshal(o.Receive(deliveries, 10, time.Minute))
		if err != nil {
			t.Fatal(err)
		}
		out, err := o.handler.Invoke(limited{t.Context(), o.clock.Add(left)}, in)
		if err != nil || len(o.posts) != attempts || strings.Contains(string(out), "m-0000") != (attempts == 0) {
			t.Errorf("%v left: %d attempts, %s, %v", left, len(o.posts), out, err)
		}
		if _, failed := o.state("we_a")["failures"]; failed {
			t.Error("the endpoint is blamed")
		}
	}
}
