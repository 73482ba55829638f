package handler_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/events"
	"github.com/google/go-cmp/cmp"

	orderevent "github.com/orderflow-cdk/orderflow/event"
	"github.com/orderflow-cdk/orderflow/internal/awstest"
	"github.com/orderflow-cdk/orderflow/internal/eventtest"
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
	check := eventtest.Schema(t)
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
		if err := check([]byte(n.Message)); err != nil {
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

func TestNotifyAResultThatIsNoJSONIsOmitted(t *testing.T) {
	s := newStage(t, handler.NewNotify)
	rs := records(t)[8:9]
	newImage(rs[0])["results"] = map[string]any{"M": map[string]any{"Reserve": awstest.S("{half")}}
	if again := s.notify(t, rs); again != nil || len(s.Notifications) != 1 || !strings.Contains(s.Notifications[0].Message, `"changes":{"omitted":["results"]}`) {
		t.Errorf("%v, %v", again, s.Notifications)
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
