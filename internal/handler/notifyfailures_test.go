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

	orderevent "github.com/orderflow-cdk/orderflow/event"
	"github.com/orderflow-cdk/orderflow/internal/awstest"
	"github.com/orderflow-cdk/orderflow/internal/handler"
)

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
		`"level":"WARN","message":"event not told"`, `"TopicEventsFailed":1`, `"GraphQLEventsFailed":1`,
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
