package operate_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/orderflow-cdk/orderflow/internal/cost"
	"github.com/orderflow-cdk/orderflow/internal/operate"
	"github.com/orderflow-cdk/orderflow/local"
)

// Everything fails now and then for half a day, and then the three commands bring all of it to its end: every order that was accepted ends, once, and
// each channel was told all of its events.
func TestAfterTheStorm(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{cost.Standard, cost.Express} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			afterTheStorm(t, kind)
		})
	}
}

func afterTheStorm(t *testing.T, kind string) {
	s := newStage(t, "prod", func(template []byte) []byte {
		template, err := cost.WithWorkflow(template, kind)
		if err != nil {
			t.Fatal(err)
		}
		return template
	})
	s.request("POST", "/webhooks", "acme", `{"url":"https://hooks.example/orders"}`, nil)
	storm := []local.Fault{
		{Target: "intake", Kind: local.CrashAfter, Probability: 0.5},
		{Target: "states:StartExecution", Kind: local.FailWith, ErrorName: "ThrottlingException", Probability: 0.5},
		{Target: "dynamodb:UpdateItem", Kind: local.FailWith, ErrorName: "ThrottlingException", Probability: 0.6},
		{Target: "sns:*", Kind: local.FailWith, ErrorName: "InternalError"},
		{Target: "ship", Kind: local.CrashBefore, Probability: 0.2},
	}
	silent := storm[3]
	var orders []string
	for hour := range 14 {
		switch hour {
		case 5: // nothing is taken at all
			s.faults(silent, local.Fault{Target: "intake", Kind: local.CrashBefore})
		case 8: // shipping takes its time
			s.faults(silent, local.Fault{Target: "ship", Kind: local.Slow, Delay: 8 * time.Second})
		default:
			s.faults(storm...)
		}
		for range 2 {
			orders = append(orders, s.order("acme"))
		}
		switch {
		case hour == 8 && kind == cost.Express: // what runs cannot write any more
			s.pass(2 * time.Second)
			s.faults(silent, local.Fault{Target: "dynamodb:UpdateItem", Kind: local.FailWith, ErrorName: "ThrottlingException"})
		case hour%3 == 2 && kind == cost.Standard: // somebody stops what runs
			s.pass(2 * time.Second)
			var running struct {
				Executions []struct{ ExecutionArn string }
			}
			s.call("states", "ListExecutions", map[string]string{"stateMachineArn": s.Outputs["StateMachineArn"], "statusFilter": "RUNNING"}, &running)
			for _, e := range running.Executions {
				s.call("states", "StopExecution", map[string]string{"executionArn": e.ExecutionArn}, nil)
			}
		}
		s.pass(time.Hour)
	}
	s.faults()
	s.local.RunUntilIdle(24 * time.Hour)

	letters, mended, positions := 0, 0, 0
	for range 2 { // the second time there is nothing left
		if n, _, err := s.local.Messages(s.Outputs["DeadLetterQueueUrl"], 0, 100); err != nil {
			t.Fatal(err)
		} else {
			letters += len(n)
		}
		if _, err := s.Redrive(t.Context(), s.queue(operate.Orders), operate.Redrive{}); err != nil {
			t.Fatal(err)
		}
		s.local.RunUntilIdle(time.Hour)
		mended += s.mend(operate.MinOlder)
		s.local.RunUntilIdle(6 * time.Hour)
		out := s.replay(operate.Replay{Apply: true})
		positions += out.Positions
		if out.Left() != 0 {
			t.Errorf("%+v", out)
		}
		s.local.RunUntilIdle(time.Hour)
	}
	t.Logf("%d orders: %d dead letters, %d executions, %d positions in the stream", len(orders), letters, mended, positions)
	if letters == 0 || mended == 0 || positions == 0 {
		t.Fatal("the storm was a breeze")
	}
	if found, _ := s.stuck(operate.MinOlder); len(found) != 0 {
		t.Errorf("still stuck: %+v", found[0])
	}
	for _, output := range []string{"DeadLetterQueueUrl", "OutboxFailureQueueUrl", "WebhooksDeadLetterQueueUrl", "SubscriptionDeadLetterQueueUrl"} {
		if n := s.depth(output); n != 0 {
			t.Errorf("%s has %d messages", output, n)
		}
	}
	told := slices.Compact(slices.Sorted(slices.Values(s.hooks(false))))
	ended := map[string]int{}
	for _, id := range orders {
		var o struct{ History []struct{ Status string } }
		s.request("GET", "/orders/"+id, "acme", "", &o)
		if len(o.History) == 0 {
			t.Errorf("%s was never recorded", id)
			continue
		}
		last := o.History[len(o.History)-1].Status
		if ended[last]++; !slices.Contains([]string{"COMPLETED", "FAILED"}, last) {
			t.Errorf("%s is %s", id, last)
		}
		for n := range o.History {
			if e := fmt.Sprintf("%s:%d", id, n+1); !slices.Contains(told, e) {
				t.Errorf("nobody was told of %s", e)
			}
		}
		if n := len(o.History); slices.ContainsFunc(told, func(e string) bool { return strings.HasPrefix(e, id+":") && e > fmt.Sprintf("%s:%d", id, n) }) {
			t.Errorf("of %s something was told that never happened", id)
		}
	}
	t.Logf("they ended as %v", ended)
}
