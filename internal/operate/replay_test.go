package operate_test

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/orderflow-cdk/orderflow/client"
	"github.com/orderflow-cdk/orderflow/internal/operate"
	"github.com/orderflow-cdk/orderflow/local"
)

// listener is who listens to a tenant's events by websocket.
type listener struct {
	mu  sync.Mutex
	ids []string
}

func (l *listener) told() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Sorted(slices.Values(l.ids))
}

// listen listens from now on.
func (s *stage) listen(tenant string) *listener {
	s.t.Helper()
	c, err := client.New(s.url, client.Options{GraphQLURL: s.url + "/graphql", Authorize: client.IDToken(func(context.Context) (string, error) {
		return s.local.IDToken("ada", map[string]any{"custom:tenant": tenant})
	})})
	if err != nil {
		s.t.Fatal(err)
	}
	sub, err := c.Subscribe(s.t.Context(), client.SubscribeOptions{})
	if err != nil {
		s.t.Fatal(err)
	}
	l := &listener{}
	go func() {
		for {
			e, err := sub.Next(s.t.Context())
			if err != nil {
				return
			}
			l.mu.Lock()
			l.ids = append(l.ids, e.ID)
			l.mu.Unlock()
		}
	}()
	return l
}

// eventually waits until something is so.
func (s *stage) eventually(what string, so func() bool) {
	s.t.Helper()
	for range 500 {
		if so() {
			return
		}
		s.local.RunUntilIdle(time.Minute)
		time.Sleep(2 * time.Millisecond)
	}
	s.t.Errorf("%s never came", what)
}

// idsOf are the ids of the events of orders that completed.
func idsOf(orders ...string) (ids []string) {
	for _, o := range orders {
		for n := range 4 {
			ids = append(ids, fmt.Sprintf("%s:%d", o, n+1))
		}
	}
	return slices.Sorted(slices.Values(ids))
}

// replay tells again what the outbox gave up, or finds it.
func (s *stage) replay(r operate.Replay) *operate.Replayable {
	s.t.Helper()
	r.Limit = 1000
	out, err := s.Replay(s.t.Context(), r)
	if err != nil {
		s.t.Fatal(err)
	}
	return out
}

func found(out *operate.Replayable) (ids []string) {
	for _, e := range out.Events {
		ids = append(ids, e.ID)
	}
	return slices.Sorted(slices.Values(ids))
}

// givenUp has the outbox give up the events of orders, by a fault that lasts that long.
func (s *stage) givenUp(lasts time.Duration, fault local.Fault, tenants ...string) (ids []string) {
	s.t.Helper()
	s.request("POST", "/webhooks", "acme", `{"url":"https://hooks.example/orders"}`, nil)
	s.faults(fault)
	for _, tenant := range tenants {
		ids = append(ids, s.order(tenant))
	}
	s.pass(lasts)
	s.faults()
	if s.depth("OutboxFailureQueueUrl") == 0 {
		s.t.Fatal("the outbox gave nothing up")
	}
	if told := s.hooks(false); len(told) > 0 {
		s.t.Fatalf("told all the same: %v", told)
	}
	return ids
}

// What both channels missed is told to both, once, and the queue is empty then.
func TestReplayTellsWhatTheOutboxGaveUp(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		after  time.Duration
		source operate.Source
	}{"from the stream": {0, operate.FromStream}, "from histories": {30 * time.Hour, operate.FromHistory}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStage(t, "dev", nil)
			orders := s.givenUp(3*time.Hour, local.Fault{Target: "notify", Kind: local.FailWith}, "acme", "acme", "globex")
			s.pass(tt.after + time.Second)
			other := s.order("acme") // was told, and is no concern
			s.becomes("acme", other, "COMPLETED")
			s.eventually("the events of the other order", func() bool { return len(s.hooks(false)) == 4 })
			sockets := s.listen("acme")
			depth := s.depth("OutboxFailureQueueUrl")
			for range 2 { // a look changes nothing
				out := s.replay(operate.Replay{})
				if diff := cmp.Diff(idsOf(orders...), found(out)); diff != "" {
					t.Fatal(diff)
				}
				if out.Positions != depth || out.Left() != depth || out.Removed != 0 {
					t.Errorf("%+v", out)
				}
				for _, e := range out.Events {
					if e.Source != tt.source || e.Told || !slices.Equal(e.Channels, []operate.Channel{operate.ViaTopic, operate.ViaWebSocket}) {
						t.Errorf("%+v", e)
					}
					var full struct {
						Changes struct{ Results map[string]any }
					}
					if err := json.Unmarshal(e.JSON, &full); err != nil || (tt.source == operate.FromStream && e.Status == "PAID") != (len(full.Changes.Results) > 0 && e.Status == "PAID") {
						t.Errorf("%s: %v", e.JSON, err)
					}
				}
			}
			if s.depth("OutboxFailureQueueUrl") != depth || len(s.hooks(false)) != 4 || len(sockets.told()) != 0 {
				t.Fatal("looking changed something")
			}
			out := s.replay(operate.Replay{Apply: true})
			if out.Left() != 0 || out.Removed != depth {
				t.Errorf("%+v", out)
			}
			want := idsOf(orders[0], orders[1])
			s.eventually("the webhooks", func() bool { return len(s.hooks(false)) == 4+len(want) })
			s.eventually("the websocket", func() bool { return len(sockets.told()) == len(want) })
			if diff := cmp.Diff(want, sockets.told()); diff != "" {
				t.Errorf("by websocket: %s", diff)
			}
			if diff := cmp.Diff(want, slices.Sorted(slices.Values(s.hooks(false)[4:]))); diff != "" {
				t.Errorf("by webhook: %s", diff)
			}
			if again := s.replay(operate.Replay{Apply: true}); again.Left() != 0 || len(again.Events) != 0 || s.depth("OutboxFailureQueueUrl") != 0 {
				t.Errorf("again: %+v", again)
			}
		})
	}
}

// Where each channel has a function of its own, only the one that missed the events is told of them.
func TestReplayTellsTheChannelThatMissed(t *testing.T) {
	t.Parallel()
	for _, env := range []string{"staging", "prod"} { // prod's functions have aliases
		t.Run(env, func(t *testing.T) {
			t.Parallel()
			s := newStage(t, env, nil)
			orders := s.givenUp(14*time.Hour, local.Fault{Target: "sns:*", Kind: local.FailWith, ErrorName: "InternalError"}, "acme", "acme")
			sockets := s.listen("acme")
			out := s.replay(operate.Replay{Apply: true})
			if diff := cmp.Diff(idsOf(orders...), found(out)); diff != "" || out.Left() != 0 {
				t.Fatalf("%s%+v", diff, out)
			}
			for _, e := range out.Events {
				if !slices.Equal(e.Channels, []operate.Channel{operate.ViaTopic}) || !e.Told {
					t.Errorf("%+v", e)
				}
			}
			s.eventually("the webhooks", func() bool { return len(s.hooks(false)) == 8 })
			if told := sockets.told(); len(told) != 0 {
				t.Errorf("told by websocket: %v", told)
			}
		})
	}
}

// Whatever is lost on the way, doing it again tells everything, and what was not told is not removed.
func TestReplayInterrupted(t *testing.T) {
	t.Parallel()
	for _, action := range []string{"ReceiveMessage", "GetRecords", "PublishBatch", "DeleteMessage", "graphql"} {
		for _, n := range []int{-2, -1, 1, 2} {
			t.Run(action, func(t *testing.T) {
				t.Parallel()
				s := newStage(t, "dev", nil)
				orders := s.givenUp(3*time.Hour, local.Fault{Target: "notify", Kind: local.FailWith}, "acme", "acme")
				depth := s.depth("OutboxFailureQueueUrl")
				sockets := s.listen("acme")
				s.lost[action] = n
				first, err := s.Replay(t.Context(), operate.Replay{Apply: true, Limit: 100})
				if err == nil && first.Removed < depth && first.Left() == 0 {
					t.Errorf("%+v is left, and not told", first)
				}
				s.lost = map[string]int{}
				s.pass(15 * time.Minute)
				if out := s.replay(operate.Replay{Apply: true}); out.Left() != 0 {
					t.Errorf("again: %+v", out)
				}
				want := idsOf(orders...)
				all := func(ids []string) bool { return slices.Equal(slices.Compact(slices.Sorted(slices.Values(ids))), want) }
				s.eventually("the webhooks", func() bool { return all(s.hooks(false)) })
				s.eventually("the websocket", func() bool { return all(sockets.told()) })
				if n := s.depth("OutboxFailureQueueUrl"); n != 0 {
					t.Errorf("%d messages are left", n)
				}
			})
		}
	}
}

// One order, a span of time, one channel, one endpoint.
func TestReplayChosenEvents(t *testing.T) {
	t.Parallel()
	s := newStage(t, "dev", nil)
	a, b, c := s.order("acme"), s.order("acme"), s.order("globex")
	for _, o := range []string{a, b} {
		s.becomes("acme", o, "COMPLETED")
	}
	s.becomes("globex", c, "COMPLETED")
	dashed := s.order("~~~") // whose tag is fn5-
	s.becomes("~~~", dashed, "COMPLETED")
	s.pass(time.Hour)
	noon := s.local.Now()
	d := s.order("acme")
	s.becomes("acme", d, "COMPLETED")
	s.local.RunUntilIdle(time.Minute)

	// Endpoints that were registered too late.
	var one, two struct{ ID string }
	s.request("POST", "/webhooks", "acme", `{"url":"https://hooks.example/one","statuses":["COMPLETED"]}`, &one)
	s.request("POST", "/webhooks", "acme", `{"url":"https://hooks.example/two"}`, &two)
	sockets := s.listen("acme")
	told := 0
	for _, tt := range []struct {
		name   string
		replay operate.Replay
		found  []string
		hooks  int // how many deliveries that makes
		socket []string
	}{
		{"an order", operate.Replay{Orders: []string{a}}, idsOf(a), 5, idsOf(a)},
		{"orders by webhook", operate.Replay{Orders: []string{a, b}, Channels: []operate.Channel{operate.ViaWebhook}}, idsOf(a, b), 10, nil},
		{"to one endpoint", operate.Replay{Orders: []string{a}, Channels: []operate.Channel{operate.ViaWebhook}, Tenant: "acme", Endpoint: one.ID}, idsOf(a), 1, nil},
		{"whose tag has a dash", operate.Replay{Orders: []string{dashed}}, idsOf(dashed), 0, nil},
		{"since noon", operate.Replay{Since: noon, Channels: []operate.Channel{operate.ViaTopic}}, idsOf(d), 5, nil},
		{"until noon, of a tenant", operate.Replay{Since: noon.Add(-2 * time.Hour), Until: noon, Tenant: "globex"}, idsOf(c), 0, nil},
		{"by websocket", operate.Replay{Since: noon.Add(-2 * time.Hour), Tenant: "acme", Channels: []operate.Channel{operate.ViaWebSocket}}, idsOf(a, b, d), 0, idsOf(a, b, d)},
	} {
		out := s.replay(tt.replay)
		if diff := cmp.Diff(tt.found, found(out)); diff != "" || out.Left() != len(tt.found) {
			t.Errorf("%s: %d left, %s", tt.name, out.Left(), diff)
		}
		before := len(sockets.told())
		tt.replay.Apply = true
		if out := s.replay(tt.replay); out.Left() != 0 {
			t.Errorf("%s: %+v", tt.name, out)
		}
		told += tt.hooks
		s.eventually(tt.name, func() bool { return len(s.hooks(false)) >= told && len(sockets.told()) >= before+len(tt.socket) })
		s.local.RunUntilIdle(time.Hour)
		if got := s.hooks(false); len(got) != told {
			t.Errorf("%s: %d deliveries, want %d", tt.name, len(got), told)
		}
		if got := len(sockets.told()) - before; got != len(tt.socket) {
			t.Errorf("%s: %d frames, want %d", tt.name, got, len(tt.socket))
		}
	}
	for _, tt := range []struct {
		replay operate.Replay
		want   string
	}{
		{operate.Replay{Orders: []string{"nobody"}}, "there is no order nobody"},
		{operate.Replay{Orders: []string{a}, Apply: true, Channels: []operate.Channel{operate.ViaWebhook}, Tenant: "globex", Endpoint: one.ID}, "tenant globex has no endpoint " + one.ID},
	} {
		if _, err := s.Replay(t.Context(), tt.replay); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%+v: %v, want %s", tt.replay, err, tt.want)
		}
	}
}

// What names no records stays, and says so; what is read of the rest is told.
func TestReplayLeavesWhatItCannotRead(t *testing.T) {
	t.Parallel()
	s := newStage(t, "dev", nil)
	orders := s.givenUp(3*time.Hour, local.Fault{Target: "notify", Kind: local.FailWith}, "acme")
	for _, body := range []string{
		"no JSON", `{"requestContext":{}}`,
		`{"DDBStreamBatchInfo":{"shardId":"s","startSequenceNumber":"1","endSequenceNumber":"2","streamArn":"a"}}`, // no times
	} {
		s.call("sqs", "SendMessage", map[string]string{"QueueUrl": s.Outputs["OutboxFailureQueueUrl"], "MessageBody": body}, nil)
	}
	out := s.replay(operate.Replay{Apply: true})
	if diff := cmp.Diff(idsOf(orders...), found(out)); diff != "" || len(out.Unreadable) != 3 || out.Left() != 3 || out.Removed != out.Positions {
		t.Errorf("%s%+v", diff, out)
	}
	if n := s.depth("OutboxFailureQueueUrl"); n != 3 {
		t.Errorf("%d messages are left, want 3", n)
	}
}

// Sequence numbers are longer than any integer, and need not be of the same length.
func TestSequenceNumbers(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		a, b string
		want bool
	}{
		{"2", "1", true},
		{"1", "2", false},
		{"1", "1", false},
		{"10", "9", true},
		{"9", "10", false},
		{"000000000000000000000010", "9", true},
		{"100000000000000000000000000000000000002", "100000000000000000000000000000000000001", true},
	} {
		if got := operate.After(tt.a, tt.b); got != tt.want {
			t.Errorf("%s after %s: %v", tt.a, tt.b, got)
		}
	}
}
