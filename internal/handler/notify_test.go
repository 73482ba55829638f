package handler_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"

	orderevent "github.com/orderflow-cdk/orderflow/event"
	"github.com/orderflow-cdk/orderflow/internal/awstest"
	"github.com/orderflow-cdk/orderflow/internal/handler"
)

// stream is a recorded stream of four orders of a run on one machine: completed, payment declined,
// unknown SKU, payment provider down; with the records of their bodies, which are no events.
const stream = "dynamodb-stream.json"

// The orders of the stream, by how they ended.
const (
	completed = "1767225600068-57_YXVjEraaDUNU-YWNtZQ"
	failed    = "1767225600092-GzFpTzYffNYiV9A-YWNtZQ"
)

type streamRecord = map[string]any

func records(t testing.TB) []streamRecord {
	t.Helper()
	var e struct{ Records []streamRecord }
	if err := json.Unmarshal(event(t, stream), &e); err != nil {
		t.Fatal(err)
	}
	return e.Records
}

func payload(t testing.TB, rs []streamRecord) []byte {
	t.Helper()
	b, err := json.Marshal(map[string]any{"Records": rs})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func sequenceNumber(r streamRecord) string {
	return r["dynamodb"].(map[string]any)["SequenceNumber"].(string)
}

func newImage(r streamRecord) map[string]any {
	return r["dynamodb"].(map[string]any)["NewImage"].(map[string]any)
}

// notify invokes with a batch and returns what Lambda would bring again.
func (s *stage) notify(t testing.TB, rs []streamRecord) []streamRecord {
	t.Helper()
	out, err := s.invoke(payload(t, rs))
	if err != nil {
		t.Fatal(err)
	}
	var r events.DynamoDBEventResponse
	if err := json.Unmarshal(out, &r); err != nil || r.BatchItemFailures == nil || len(r.BatchItemFailures) > 1 {
		t.Fatalf("%v in %s", err, out)
	}
	if len(r.BatchItemFailures) == 0 {
		return nil
	}
	for i := range rs {
		if sequenceNumber(rs[i]) == r.BatchItemFailures[0].ItemIdentifier {
			return rs[i:]
		}
	}
	t.Fatalf("%s is no record", r.BatchItemFailures[0].ItemIdentifier)
	return nil
}

// told returns the ids that each channel heard.
func (s *stage) told(t testing.TB) (topic, graphQL []string) {
	t.Helper()
	for _, n := range s.Notifications {
		var e orderevent.Event
		if err := json.Unmarshal([]byte(n.Message), &e); err != nil {
			t.Fatal(err)
		}
		topic = append(topic, e.ID)
	}
	for _, m := range s.Mutations {
		graphQL = append(graphQL, m.Event["id"].(string))
	}
	return topic, graphQL
}

// complete checks that a channel heard every event of the stream, each order's in order, and
// a repetition only if repeats is true.
func complete(t testing.TB, channel string, ids []string, repeats bool) {
	t.Helper()
	want := map[string]int{
		completed: 4, "1767225600076-DsYMhyyEMHuRjAc-Z2xvYmV4L2V1": 3, failed: 3, "1767225600084--wGeD4JdH_oX8rw-YWNtZQ": 2,
	}
	got := map[string]int{}
	for _, id := range ids {
		order, sequence, _ := strings.Cut(id, ":")
		switch n := got[order] + 1; {
		case sequence == fmt.Sprint(n):
			got[order] = n
		case !repeats || sequence > fmt.Sprint(n):
			t.Errorf("%s: %s came after %s:%d", channel, id, order, got[order])
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s: events of each order (-want +got)\n%s", channel, diff)
	}
}

func (s *stage) complete(t testing.TB, repeats bool) {
	t.Helper()
	topic, graphQL := s.told(t)
	complete(t, "topic", topic, repeats)
	complete(t, "graphql", graphQL, repeats)
}

func TestNotifyTellsEveryStatusToBothChannels(t *testing.T) {
	s := newStage(t, handler.NewNotify)
	if again := s.notify(t, records(t)); again != nil {
		t.Fatalf("failed: %v", again)
	}
	s.complete(t, false)

	i := len(s.Notifications) - 1
	for s.Notifications[i].Attributes["status"] != "FAILED" {
		i--
	}
	want := awstest.Notification{
		TopicARN: environment["TOPIC_ARN"], Group: "YWNtZQ",
		Attributes: map[string]string{"tenant": "acme", "status": "FAILED", "type": "order.failed"},
		Message: `{"id":"` + failed + `:3","type":"order.failed","orderId":"` + failed + `","tenant":"acme","status":"FAILED",` +
			`"previousStatus":"RESERVED","sequence":3,"changes":{"reason":"PaymentUnavailable","detail":"the payment provider is not available: ` +
			`sandbox: the payment provider is down"},"occurredAt":"2026-01-01T00:00:06.870Z"}`,
	}
	var e orderevent.Event
	if err := json.Unmarshal([]byte(s.Notifications[i].Message), &e); err != nil {
		t.Fatal(err)
	}
	// The time and the detail are the run's.
	want.Message = strings.Replace(want.Message, "2026-01-01T00:00:06.870Z", e.OccurredAt.UTC().Format("2006-01-02T15:04:05.000Z"), 1)
	want.Message = strings.Replace(want.Message, "the payment provider is not available: sandbox: the payment provider is down", e.Changes.Detail, 1)
	if diff := cmp.Diff(want, s.Notifications[i]); diff != "" {
		t.Errorf("topic (-want +got)\n%s", diff)
	}

	// AppSync hears the same, with the changes as a text.
	same := map[string]string{}
	for _, n := range s.Notifications {
		var e map[string]any
		if err := json.Unmarshal([]byte(n.Message), &e); err != nil {
			t.Fatal(err)
		}
		same[e["id"].(string)] = n.Message
	}
	for _, m := range s.Mutations {
		var changes any
		if err := json.Unmarshal([]byte(m.Event["changes"].(string)), &changes); err != nil {
			t.Fatal(err)
		}
		m.Event["changes"] = changes
		var told any
		if err := json.Unmarshal([]byte(same[m.Event["id"].(string)]), &told); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(told, any(m.Event)); diff != "" {
			t.Errorf("the channels tell %s differently (-topic +graphql)\n%s", m.Event["id"], diff)
		}
		if !strings.Contains(m.Query, "publishOrderStatus(event: $event)") {
			t.Errorf("query %s", m.Query)
		}
	}
}

func TestNotifyTellsWhatChanged(t *testing.T) {
	s := newStage(t, handler.NewNotify)
	s.notify(t, records(t))
	got := map[string][]string{}
	for _, n := range s.Notifications {
		var e orderevent.Event
		if err := json.Unmarshal([]byte(n.Message), &e); err != nil {
			t.Fatal(err)
		}
		if e.OrderID == completed {
			var steps []string
			for step := range e.Changes.Results {
				steps = append(steps, step)
			}
			got[e.PreviousStatus+"→"+e.Status] = steps
		}
	}
	want := map[string][]string{"→ACCEPTED": nil, "ACCEPTED→RESERVED": {"Reserve"}, "RESERVED→PAID": {"Charge"}, "PAID→COMPLETED": {"Ship"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("results (-want +got)\n%s", diff)
	}
}

func TestNotifyHoldsToTheSchema(t *testing.T) {
	document, err := jsonschema.UnmarshalJSON(strings.NewReader(orderevent.Schema()))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	if err := c.AddResource("schema.json", document); err != nil {
		t.Fatal(err)
	}
	schema, err := c.Compile("schema.json")
	if err != nil {
		t.Fatal(err)
	}
	s := newStage(t, handler.NewNotify)
	rs := records(t)
	last := newImage(rs[len(rs)-1])
	last["detail"] = awstest.S(strings.Repeat("long <&> ", 3000))
	last["results"] = map[string]any{"M": map[string]any{"X": awstest.S(`"` + strings.Repeat("y", orderevent.MaxSize) + `"`)}}
	s.notify(t, rs)
	if len(s.Notifications) != 12 {
		t.Fatalf("%d events, want 12", len(s.Notifications))
	}
	for _, n := range s.Notifications {
		v, err := jsonschema.UnmarshalJSON(strings.NewReader(n.Message))
		if err != nil {
			t.Fatal(err)
		}
		if err := schema.Validate(v); err != nil {
			t.Errorf("%s: %v", n.Message, err)
		}
		if len(n.Message) > orderevent.MaxSize {
			t.Errorf("%d bytes", len(n.Message))
		}
	}
	topic, _ := s.told(t)
	for i, id := range topic {
		if id == failed+":3" && !strings.Contains(s.Notifications[i].Message, `"changes":{"reason":"PaymentUnavailable","omitted":["results","detail"]}`) {
			t.Errorf("too large an event became %s", s.Notifications[i].Message)
		}
	}
}

func TestNotifyLeavesOutWhatIsNoEvent(t *testing.T) {
	rs := records(t)
	paid := rs[11]
	old := paid["dynamodb"].(map[string]any)["NewImage"]
	for name, r := range map[string]func(d map[string]any){
		"same sequence":   func(d map[string]any) { d["OldImage"] = old },
		"expiry":          func(d map[string]any) { delete(d, "NewImage") },
		"a body":          func(d map[string]any) { d["Keys"].(map[string]any)["sk"] = awstest.S("ORDER") },
		"cancelled early": func(d map[string]any) { delete(d["NewImage"].(map[string]any), "status") },
	} {
		var copied streamRecord
		b, err := json.Marshal(paid)
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(b, &copied); err != nil {
			t.Fatal(err)
		}
		r(copied["dynamodb"].(map[string]any))
		s := newStage(t, handler.NewNotify)
		if again := s.notify(t, []streamRecord{copied}); again != nil || len(s.Calls) > 0 {
			t.Errorf("%s: %v, calls %v", name, again, s.Calls)
		}
	}
}

// Wherever the function is killed, before or after any call's effect, the next one tells
// what is left, under the same ids: nothing is lost in either channel.
func TestNotifyKilledAnywhere(t *testing.T) {
	whole := newStage(t, handler.NewNotify)
	whole.notify(t, records(t))
	for n := range whole.Calls {
		for _, fault := range []awstest.Fault{awstest.Refuse, awstest.Lose} {
			s := newStage(t, handler.NewNotify)
			s.Fault = func(i int, _ string) awstest.Fault {
				switch {
				case i == n:
					return fault
				case i > n:
					return awstest.Refuse
				}
				return awstest.None
			}
			if again := s.notify(t, records(t)); again == nil {
				t.Errorf("call %d: nothing failed", n)
			}
			s.Fault = nil
			fresh := newStage(t, handler.NewNotify)
			fresh.Server.Notifications, fresh.Server.Mutations = s.Notifications, s.Mutations
			if again := fresh.notify(t, records(t)); again != nil { // the killed one gave no answer
				t.Errorf("call %d: failed again", n)
			}
			fresh.complete(t, true)
		}
	}
}

// One call fails: Lambda repeats from the first failed record, the other channel and other orders
// went on, and the same environment tells nothing twice that was acknowledged.
func TestNotifyPartialFailures(t *testing.T) {
	whole := newStage(t, handler.NewNotify)
	whole.notify(t, records(t))
	for n := range whole.Calls {
		s := newStage(t, handler.NewNotify)
		s.Fault = func(i int, _ string) awstest.Fault {
			if i == n {
				return awstest.Refuse
			}
			return awstest.None
		}
		again := s.notify(t, records(t))
		if again == nil {
			t.Errorf("call %d: nothing failed", n)
			continue
		}
		if again := s.notify(t, again); again != nil {
			t.Errorf("call %d: failed again", n)
		}
		s.complete(t, false)
	}
}

func TestNotifyRefusedEvent(t *testing.T) {
	s := newStage(t, handler.NewNotify)
	s.Reject = func(body string) bool { return strings.Contains(body, completed+":2") }
	rs := records(t)
	again := s.notify(t, rs)
	if len(again) == 0 || sequenceNumber(again[0]) != sequenceNumber(rs[8]) {
		t.Fatalf("Lambda repeats %d records", len(again))
	}
	topic, graphQL := s.told(t)
	for _, ids := range [][]string{topic, graphQL} {
		for _, id := range ids {
			if id == completed+":3" || id == completed+":4" {
				t.Errorf("%s was told before 2", id)
			}
		}
		if len(ids) != 9 {
			t.Errorf("%d events of others and before, want 9: %v", len(ids), ids)
		}
	}
	log := s.log.String()
	for _, part := range []string{
		`"orderId":"` + completed + `","status":"RESERVED","sequence":2,"topic":"SNS PublishBatch: InternalError: ","graphql":"AppSync publishOrderStatus: HTTP 200: Code: it went wrong"`,
		`"level":"WARN","message":"event not told"`, `"TopicEventsFailed":1`, `"GraphQLEventsFailed":1`, `"TopicEventsPublished":9`,
	} {
		if !strings.Contains(log, part) {
			t.Errorf("the log lacks %s:\n%s", part, log)
		}
	}
	s.Reject = nil
	if again := s.notify(t, again); again != nil {
		t.Error("failed again")
	}
	s.complete(t, false)
}

// A record that can never be told is passed over at once, and said so: everything else is told.
func TestNotifyUntellable(t *testing.T) {
	clean := newStage(t, handler.NewNotify)
	clean.notify(t, records(t))
	all := len(clean.Notifications)
	for _, test := range []struct {
		name, cause string
		spoil       func(image map[string]any)
	}{
		{"no sequence", `its sequence is \"\"`, func(i map[string]any) { delete(i, "sequence") }},
		{"sequence 0", `its sequence is \"0\"`, func(i map[string]any) { i["sequence"] = awstest.N(0) }},
		{"sequence as text", `its sequence is \"\"`, func(i map[string]any) { i["sequence"] = awstest.S("2") }},
		{"nobody's", "it has no tenant, orderId", func(i map[string]any) { delete(i, "tenant"); delete(i, "orderId") }},
		{"no time", `its updatedAt is \"yesterday\"`, func(i map[string]any) { i["updatedAt"] = awstest.S("yesterday") }},
		{"huge", "without results and detail", func(i map[string]any) { i["reason"] = awstest.S(strings.Repeat("R", orderevent.MaxSize)) }},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := newStage(t, handler.NewNotify)
			rs := records(t)
			test.spoil(newImage(rs[8])) // the second of the completed order
			if again := s.notify(t, rs); again != nil {
				t.Fatalf("Lambda repeats %d records, want none", len(again))
			}
			topic, graphQL := s.told(t)
			if len(topic) != all-1 || len(graphQL) != all-1 {
				t.Errorf("told %d and %d, want %d", len(topic), len(graphQL), all-1)
			}
			if log := s.log.String(); !strings.Contains(log, test.cause) || !strings.Contains(log, `"EventsUntellable":1`) {
				t.Errorf("the log lacks %s, or the metric:\n%s", test.cause, log)
			}
		})
	}
}

func TestNotifyAResultThatIsNoJSONIsOmitted(t *testing.T) {
	s := newStage(t, handler.NewNotify)
	rs := records(t)[8:9]
	newImage(rs[0])["results"] = map[string]any{"M": map[string]any{"Reserve": awstest.S("{half")}}
	if again := s.notify(t, rs); again != nil || len(s.Notifications) != 1 || !strings.Contains(s.Notifications[0].Message, `"changes":{"omitted":["results"]}`) {
		t.Errorf("%v, %v", again, s.Notifications)
	}
}

func TestNotifyOneChannel(t *testing.T) {
	for _, missing := range []string{"TOPIC_ARN", "GRAPHQL_ENDPOINT"} {
		s := newStage(t, handler.NewNotify)
		var err error
		s.handler, err = handler.NewNotify(handler.Env{
			Getenv: func(name string) string {
				if name == missing {
					return ""
				}
				return environment[name]
			},
			AWS: s.Config(), Now: now, Log: s.log, Parallel: oneAfterTheOther, WithTimeout: context.WithTimeout,
		})
		if err != nil {
			t.Fatal(err)
		}
		if again := s.notify(t, records(t)); again != nil {
			t.Errorf("failed: %v", again)
		}
		topic, graphQL := s.told(t)
		if missing == "TOPIC_ARN" {
			topic, graphQL = graphQL, topic
		}
		complete(t, "without "+missing, topic, false)
		if len(graphQL) > 0 {
			t.Errorf("without %s: %v", missing, graphQL)
		}
	}
}

// all starts everything at once; the server is for one goroutine.
func all(ctx context.Context, n int, f func(ctx context.Context, i int)) {
	var w sync.WaitGroup
	for i := range n {
		w.Go(func() { f(ctx, i) })
	}
	w.Wait()
}

type locked struct {
	sync.Mutex
	server *awstest.Server
}

func (l *locked) Do(r *http.Request) (*http.Response, error) {
	l.Lock()
	defer l.Unlock()
	return l.server.Do(r)
}

func TestNotifyInParallel(t *testing.T) {
	s := newStage(t, handler.NewNotify)
	cfg := s.Config()
	cfg.HTTPClient = &locked{server: s.Server}
	var err error
	s.handler, err = handler.NewNotify(handler.Env{
		Getenv: func(name string) string { return environment[name] },
		AWS:    cfg, Now: now, Log: s.log, Parallel: all, WithTimeout: context.WithTimeout,
	})
	if err != nil {
		t.Fatal(err)
	}
	rs := records(t)
	var batch []streamRecord
	for i := range 30 { // 120 orders
		b := strings.ReplaceAll(string(payload(t, rs)), `-YWNtZQ`, fmt.Sprintf("%d-YWNtZQ", i))
		b = strings.ReplaceAll(b, `-Z2xvYmV4L2V1`, fmt.Sprintf("%d-Z2xvYmV4L2V1", i))
		var e struct{ Records []streamRecord }
		if err := json.Unmarshal([]byte(b), &e); err != nil {
			t.Fatal(err)
		}
		batch = append(batch, e.Records...)
	}
	if again := s.notify(t, batch); again != nil {
		t.Fatal("failed")
	}
	topic, graphQL := s.told(t)
	for _, ids := range [][]string{topic, graphQL} {
		next := map[string]int{}
		for _, id := range ids {
			order, sequence, _ := strings.Cut(id, ":")
			if next[order]++; sequence != fmt.Sprint(next[order]) {
				t.Errorf("%s came as number %d", id, next[order])
			}
		}
		if len(ids) != 360 || len(next) != 120 {
			t.Errorf("%d events of %d orders", len(ids), len(next))
		}
	}
	calls := 0
	for _, c := range s.Calls {
		if c == "PublishBatch" {
			calls++
		}
	}
	if calls > 44 {
		t.Errorf("%d calls of SNS for 360 events", calls)
	}
}

func TestNotifyGivesUpInTime(t *testing.T) {
	s := newStage(t, handler.NewNotify)
	var err error
	s.handler, err = handler.NewNotify(handler.Env{
		Getenv: func(name string) string { return environment[name] },
		AWS:    s.Config(), Now: now, Log: s.log, Parallel: oneAfterTheOther,
		WithTimeout: func(_ context.Context, d time.Duration) (context.Context, context.CancelFunc) {
			return context.WithTimeout(t.Context(), d)
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	out, err := s.handler.Invoke(limited{t.Context(), now().Add(time.Second)}, event(t, stream))
	if err != nil || !strings.Contains(string(out), `"itemIdentifier":"`+sequenceNumber(records(t)[1])+`"`) || len(s.Calls) > 0 {
		t.Errorf("%s, %v, calls %v", out, err, s.Calls)
	}
}

func TestNotifyRefusesWhatIsNoBatch(t *testing.T) {
	s := newStage(t, handler.NewNotify)
	for _, in := range []string{``, `{}`, `[]`, `{"Records":[]}`, `{"Records":[{}]}`, `{"Records":[{"dynamodb":{}}`, `{"Records":[{"dynamodb":{"SequenceNumber":""}}]}`} {
		if _, err := s.invoke([]byte(in)); err == nil {
			t.Errorf("%q was taken", in)
		}
	}
}
