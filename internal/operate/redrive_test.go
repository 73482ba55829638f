package operate_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/orderflow-cdk/orderflow/internal/operate"
	"github.com/orderflow-cdk/orderflow/local"
)

// queue is a queue of what was given up.
func (s *stage) queue(name string) *operate.Queue {
	s.t.Helper()
	q, err := s.Queue(s.t.Context(), name)
	if err != nil {
		s.t.Fatal(err)
	}
	return q
}

// deadOrders has the orders of some tenants end as dead letters.
func (s *stage) deadOrders(tenants ...string) (ids []string) {
	s.t.Helper()
	s.faults(local.Fault{Target: "intake", Kind: local.FailWith, ErrorName: "Broken"})
	for _, tenant := range tenants {
		ids = append(ids, s.order(tenant))
	}
	s.pass(time.Hour)
	s.faults()
	if n := s.depth("DeadLetterQueueUrl"); n != len(tenants) {
		s.t.Fatalf("%d dead letters", n)
	}
	return ids
}

// A look leaves all letters where they are and visible, however many there are.
func TestLookingChangesNothing(t *testing.T) {
	t.Parallel()
	s := newStage(t, "dev", nil)
	tenants := slices.Repeat([]string{"acme", "globex"}, 13)
	ids := s.deadOrders(tenants...)
	for _, tt := range []struct {
		filter operate.Filter
		limit  int
		want   []string
		all    bool
	}{
		{operate.Filter{}, 100, ids, true},
		{operate.Filter{}, 26, ids, true},
		{operate.Filter{}, 7, nil, false},
		{operate.Filter{Orders: ids[3:5]}, 10, ids[3:5], true},
		{operate.Filter{Tenant: "globex", Orders: ids[3:5]}, 10, ids[3:4], true},
		{operate.Filter{Tenant: "nobody"}, 10, nil, true},
	} {
		letters, all, err := s.Look(t.Context(), s.queue(operate.Orders), tt.filter, tt.limit)
		if err != nil || all != tt.all {
			t.Fatalf("%+v: all %v, %v", tt.filter, all, err)
		}
		var got []string
		for _, l := range letters {
			got = append(got, l.OrderID)
			if l.Received < 6 || l.Sent.IsZero() || l.Tenant == "" {
				t.Errorf("%+v", l)
			}
		}
		slices.Sort(got)
		want := slices.Sorted(slices.Values(tt.want))
		if !tt.all {
			want = got
		}
		if diff := cmp.Diff(want, got); diff != "" || !tt.all && len(got) != tt.limit {
			t.Errorf("%+v: %s", tt.filter, diff)
		}
		if _, n, err := s.local.Messages(s.Outputs["DeadLetterQueueUrl"], 0, 0); err != nil || n.Visible != len(ids) || n.InFlight != 0 {
			t.Errorf("%+v leaves %+v, %v", tt.filter, n, err)
		}
	}
	// Somebody who is interrupted leaves nothing hidden either.
	ctx, cancel := context.WithCancel(t.Context())
	s.SetClock(func() time.Time { cancel(); return s.local.Now() }, nil)
	if _, _, err := s.Look(ctx, s.queue(operate.Orders), operate.Filter{}, 100); !errors.Is(err, context.Canceled) {
		t.Errorf("interrupted: %v", err)
	}
	if _, n, err := s.local.Messages(s.Outputs["DeadLetterQueueUrl"], 0, 0); err != nil || n.Visible != len(ids) {
		t.Errorf("interrupted it leaves %+v, %v", n, err)
	}
}

// Whatever is lost on the way, before or after it took effect, no order is lost, and none is charged twice.
func TestRedriveInterrupted(t *testing.T) {
	t.Parallel()
	for _, action := range []string{"StartMessageMoveTask", "SendMessage", "DeleteMessage", "ReceiveMessage", "ChangeMessageVisibilityBatch"} {
		for _, n := range []int{-2, -1, 1, 2} {
			t.Run(action, func(t *testing.T) {
				t.Parallel()
				s := newStage(t, "dev", nil)
				ids := s.deadOrders("acme", "acme", "acme", "globex")
				r := operate.Redrive{}
				if action != "StartMessageMoveTask" {
					r.Tenant = "acme"
				}
				q := s.queue(operate.Orders)
				s.lost[action] = n
				first, failed := s.Redrive(t.Context(), q, r)
				s.lost = map[string]int{}
				s.pass(15 * time.Minute) // what was hidden is visible again
				second, err := s.Redrive(t.Context(), q, r)
				if err != nil || !second.Done() {
					t.Fatalf("%+v, %v; the first one %+v, %v", second, err, first, failed)
				}
				if third, err := s.Redrive(t.Context(), q, r); err != nil || third.Moved != 0 || !third.Done() {
					t.Errorf("the third one: %+v, %v", third, err)
				}
				if r.Tenant != "" {
					if n := s.depth("DeadLetterQueueUrl"); n != 1 {
						t.Errorf("%d letters are left, want the one of globex", n)
					}
					if _, err := s.Redrive(t.Context(), q, operate.Redrive{}); err != nil {
						t.Fatal(err)
					}
				}
				for i, id := range ids {
					s.becomes([]string{"acme", "acme", "acme", "globex"}[i], id, "COMPLETED")
				}
				if diff := cmp.Diff(map[string]int{"SUCCEEDED": 4}, s.executions()); diff != "" {
					t.Errorf("executions: %s", diff)
				}
			})
		}
	}
}

// A move that is under way is joined.
func TestRedriveJoinsATask(t *testing.T) {
	t.Parallel()
	s := newStage(t, "dev", nil)
	ids := s.deadOrders("acme", "acme", "acme", "acme", "acme")
	q := s.queue(operate.Orders)
	ctx, cancel := context.WithCancel(t.Context())
	m, err := s.Redrive(ctx, q, operate.Redrive{Rate: 1, Progress: func(moved, all int) {
		if moved == 2 {
			cancel()
		}
	}})
	if err == nil || !strings.Contains(err.Error(), "goes on in SQS") || m.Moved != 2 {
		t.Fatalf("interrupted: %+v, %v", m, err)
	}
	if m, err = s.Redrive(t.Context(), q, operate.Redrive{}); err != nil || !m.Joined || !m.Done() || m.Moved != 5 {
		t.Errorf("joined: %+v, %v", m, err)
	}
	for _, id := range ids {
		s.becomes("acme", id, "COMPLETED")
	}
}

// A tenant's endpoint is gone, and comes back: its deliveries are moved to where they belong, though the function has put them where they are.
func TestRedriveWebhooks(t *testing.T) {
	t.Parallel()
	s := newStage(t, "dev", nil)
	var hook struct{ ID string }
	s.request("POST", "/webhooks", "acme", `{"url":"https://hooks.example/orders"}`, &hook)
	s.hooks(true)
	id := s.order("acme")
	s.becomes("acme", id, "COMPLETED")
	s.local.RunUntilIdle(time.Hour)
	dead := s.depth("WebhooksDeadLetterQueueUrl")
	if dead == 0 {
		t.Fatal("nothing was given up")
	}
	letters, all, err := s.Look(t.Context(), s.queue(operate.Webhooks), operate.Filter{Orders: []string{id}}, 10)
	if err != nil || !all || len(letters) != dead {
		t.Fatalf("%+v, %v, %v", letters, all, err)
	}
	for _, l := range letters {
		if l.Endpoint != hook.ID || l.Tenant != "acme" || !strings.HasPrefix(l.Event, id+":") || !strings.Contains(l.Reason, "410") && !strings.Contains(l.Reason, "Gone") {
			t.Errorf("%+v", l)
		}
	}
	told := s.hooks(false)
	s.request("POST", "/webhooks/"+hook.ID+"/enable", "acme", "", nil)
	// One of them by itself, the others at once.
	m, err := s.Redrive(t.Context(), s.queue(operate.Webhooks), operate.Redrive{Filter: operate.Filter{Tenant: "acme"}})
	if err != nil || m.Moved != dead || !m.Done() {
		t.Fatalf("%+v, %v", m, err)
	}
	s.local.RunUntilIdle(time.Hour)
	if got := s.hooks(false)[len(told):]; len(got) != dead || len(slices.Compact(slices.Sorted(slices.Values(got)))) != dead {
		t.Errorf("received %v, want %d events", got, dead)
	}
	s.hooks(true)
	s.request("POST", "/webhooks/"+hook.ID+"/test", "acme", "", nil)
	s.local.RunUntilIdle(time.Hour)
	s.hooks(false)
	s.request("POST", "/webhooks/"+hook.ID+"/enable", "acme", "", nil)
	m, err = s.Redrive(t.Context(), s.queue(operate.Webhooks), operate.Redrive{})
	if err != nil || m.Moved != 1 || m.By != "task" || !m.Done() || !strings.Contains(m.Destination, "DeliveryQueue") {
		t.Fatalf("%+v, %v", m, err)
	}
	s.local.RunUntilIdle(time.Hour)
	if n := s.depth("WebhooksDeadLetterQueueUrl"); n != 0 {
		t.Errorf("%d are left", n)
	}
}

// What the topic could not deliver is published again.
func TestRedriveSubscriptions(t *testing.T) {
	t.Parallel()
	s := newStage(t, "dev", nil)
	s.request("POST", "/webhooks", "acme", `{"url":"https://hooks.example/orders"}`, nil)
	s.fill(s.Outputs["SubscriptionDeadLetterQueueUrl"])
	q := s.queue(operate.Subscriptions)
	letters, _, err := s.Look(t.Context(), q, operate.Filter{}, 10)
	if err != nil || len(letters) != 3 {
		t.Fatalf("%+v, %v", letters, err)
	}
	m, err := s.Redrive(t.Context(), q, operate.Redrive{})
	if err != nil || m.Moved != 2 || len(m.Kept) != 1 || m.Done() || !strings.Contains(m.Kept[0].Why, "no event") {
		t.Fatalf("%+v, %v", m, err)
	}
	s.local.RunUntilIdle(time.Hour)
	got := slices.Sorted(slices.Values(s.hooks(false)))
	if diff := cmp.Diff([]string{"o-YWNtZQ:1", "o-YWNtZQ:2"}, got); diff != "" {
		t.Errorf("received: %s", diff)
	}
	if n := s.depth("SubscriptionDeadLetterQueueUrl"); n != 1 {
		t.Errorf("%d are left, want the one that is no event", n)
	}
}

// fill puts into a queue what SNS puts there of two events, raw and in its envelope, and something else.
func (s *stage) fill(queue string) {
	s.t.Helper()
	const e = `{"id":"o-YWNtZQ:%s","type":"order.accepted","orderId":"o-YWNtZQ","tenant":"acme","status":"ACCEPTED","sequence":%s,"occurredAt":"2026-01-02T03:04:05.678Z","changes":{}}`
	first, second := strings.ReplaceAll(e, "%s", "1"), strings.ReplaceAll(e, "%s", "2")
	for _, body := range []string{
		first, `{"Type":"Notification","TopicArn":"` + s.Outputs["StatusTopicArn"] + `","Message":"` + strings.ReplaceAll(second, `"`, `\"`) + `"}`, "no event",
	} {
		s.call("sqs", "SendMessage", map[string]string{"QueueUrl": queue, "MessageBody": body}, nil)
	}
}

// The function that did not take an order has said why.
func TestReasonsAreInTheLog(t *testing.T) {
	t.Parallel()
	s := newStage(t, "dev", nil)
	s.faults(local.Fault{Target: "dynamodb:PutItem", Kind: local.FailWith, ErrorName: "ThrottlingException", Message: "too much"})
	id := s.order("acme")
	s.pass(time.Hour)
	s.faults()
	q := s.queue(operate.Orders)
	letters, _, err := s.Look(t.Context(), q, operate.Filter{}, 10)
	if err != nil || len(letters) != 1 || letters[0].Reason != "" {
		t.Fatalf("%+v, %v", letters, err)
	}
	s.Explain(t.Context(), q, letters)
	if r := letters[0].Reason; letters[0].OrderID != id || !strings.Contains(r, "ThrottlingException") || !strings.Contains(r, "too much") {
		t.Errorf("the reason is %q", r)
	}
}

func TestQueues(t *testing.T) {
	t.Parallel()
	s := newStage(t, "dev", func(template []byte) []byte {
		return []byte(strings.Replace(string(template), `"Resources": {`, `"Resources": {
			"MyDead0A1B2C3D": {"Type": "AWS::SQS::Queue"},
			"Mine": {"Type": "AWS::SQS::Queue", "Properties": {"RedrivePolicy": {"deadLetterTargetArn": {"Fn::GetAtt": ["MyDead0A1B2C3D", "Arn"]}, "maxReceiveCount": 1}}},`, 1))
	})
	all, err := s.Queues(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, q := range all {
		names = append(names, q.Name)
	}
	if diff := cmp.Diff([]string{"orders", "subscriptions", "webhooks", "outbox", "MyDead0A1B2C3D"}, names); diff != "" {
		t.Error(diff)
	}
	if q := s.queue("MyDead"); q.Name != "MyDead0A1B2C3D" || len(q.Sources) != 1 || !strings.HasSuffix(q.Sources[0], "-Mine") {
		t.Errorf("%+v", q)
	}
	if _, err := s.Queue(t.Context(), "Mine"); err == nil || err.Error() != `there is no dead-letter queue "Mine": there is orders, subscriptions, webhooks, outbox, MyDead0A1B2C3D` {
		t.Errorf("no dead-letter queue: %v", err)
	}
	if _, err := s.Redrive(t.Context(), s.queue(operate.Outbox), operate.Redrive{}); !errors.Is(err, operate.ErrPositions) {
		t.Errorf("outbox: %v", err)
	}
	delete(s.Outputs, "DeadLetterQueueUrl")
	if _, err := s.Queue(t.Context(), operate.Orders); err == nil || !strings.HasPrefix(err.Error(), "stack orderflow-dev has no output DeadLetterQueueUrl: ") {
		t.Errorf("without the output: %v", err)
	}
}
