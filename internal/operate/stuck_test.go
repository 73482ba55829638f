package operate_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/orderflow-cdk/orderflow/internal/operate"
	"github.com/orderflow-cdk/orderflow/local"
)

const never = time.Hour * 24 * 365

// execution is the ARN of an order's first execution.
func (s *stage) execution(order string) string {
	return strings.Replace(s.Outputs["StateMachineArn"], ":stateMachine:", ":execution:", 1) + ":" + order
}

// executions counts those that there are, by status.
func (s *stage) executions() map[string]int {
	s.t.Helper()
	var out struct{ Executions []struct{ Status string } }
	s.call("states", "ListExecutions", map[string]any{"stateMachineArn": s.Outputs["StateMachineArn"]}, &out)
	count := map[string]int{}
	for _, e := range out.Executions {
		count[e.Status]++
	}
	return count
}

// stuck are the orders that do not go on, with what would mend each.
func (s *stage) stuck(older time.Duration) ([]*operate.StuckOrder, map[string]operate.Mending) {
	s.t.Helper()
	found, _, more, err := s.Stuck(s.t.Context(), operate.Stuck{Older: older, Limit: 100})
	if err != nil || more {
		s.t.Fatal(more, err)
	}
	by := map[string]operate.Mending{}
	for _, o := range found {
		by[o.OrderID] = o.Mending
	}
	return found, by
}

// mend mends what is stuck, and returns how many orders that were.
func (s *stage) mend(older time.Duration) int {
	s.t.Helper()
	found, _ := s.stuck(older)
	if err := s.Mend(s.t.Context(), found, func() {}); err != nil {
		s.t.Fatal(err)
	}
	n := 0
	for _, o := range found {
		if o.Failed != "" {
			s.t.Errorf("%s: %s", o.OrderID, o.Failed)
		}
		if o.Done {
			n++
		}
	}
	return n
}

func TestStuckOrdersGoOn(t *testing.T) {
	t.Parallel()
	s := newStage(t, "dev", nil)
	if found, _ := s.stuck(time.Minute); len(found) > 0 {
		t.Fatalf("stuck: %+v", found)
	}
	// One whose execution was stopped, and one whose execution could not write for too long and failed.
	s.faults(local.Fault{Target: "charge", Kind: local.Slow, Delay: 5 * time.Second})
	stopped, unwritten := s.order("acme"), s.order("globex/eu")
	for _, o := range []string{stopped, unwritten} {
		for s.status(map[string]string{stopped: "acme", unwritten: "globex/eu"}[o], o) != "RESERVED" {
			time.Sleep(5 * time.Millisecond)
		}
	}
	if _, by := s.stuck(time.Nanosecond); !cmp.Equal(by, map[string]operate.Mending{stopped: operate.MendWait, unwritten: operate.MendWait}) {
		t.Errorf("while they run: %v", by)
	}
	s.call("states", "StopExecution", map[string]string{"executionArn": s.execution(stopped)}, nil)
	s.faults(local.Fault{Target: "dynamodb:UpdateItem", Kind: local.FailWith, ErrorName: "ThrottlingException"})
	s.pass(6 * time.Hour)
	// One whose execution could not be started, and one that was not taken at all.
	s.faults(local.Fault{Target: "states:StartExecution", Kind: local.FailWith, ErrorName: "ThrottlingException"})
	unstarted := s.order("acme")
	s.pass(time.Hour)
	s.faults(local.Fault{Target: "intake", Kind: local.CrashBefore})
	queued := s.order("acme")
	s.pass(time.Hour)
	s.faults()

	want := map[string]operate.Mending{
		stopped: operate.MendRedrive, unwritten: operate.MendRedrive, unstarted: operate.MendStart, queued: operate.MendMove,
	}
	before := s.executions()
	for range 2 { // a look changes nothing
		found, by := s.stuck(30 * time.Minute)
		if diff := cmp.Diff(want, by); diff != "" {
			t.Fatal(diff)
		}
		for _, o := range found {
			switch e := o.Execution; o.OrderID {
			case stopped:
				if e.Status != "ABORTED" || e.State != "Charge" || o.Status != "RESERVED" {
					t.Errorf("stopped: %+v, %+v", o, e)
				}
			case unwritten:
				if e.Status != "FAILED" || e.State != "Mark FAILED" || !strings.Contains(e.Error, "Throttling") || o.Tenant != "globex/eu" {
					t.Errorf("unwritten: %+v, %+v", o, e)
				}
			case unstarted:
				if e != nil || o.Status != "ACCEPTED" {
					t.Errorf("unstarted: %+v", o)
				}
			}
		}
	}
	if diff := cmp.Diff(before, s.executions()); diff != "" || s.depth("DeadLetterQueueUrl") != 2 {
		t.Fatalf("looking changed something: %s", diff)
	}
	if found, _ := s.stuck(never); len(found) > 0 {
		t.Errorf("older than a year: %+v", found)
	}

	// Step Functions and the dead letters tell the same, as far back as they are asked.
	for _, tt := range []struct {
		started time.Duration
		want    map[string]operate.Mending
	}{{24 * time.Hour, want}, {5 * time.Hour, map[string]operate.Mending{unstarted: operate.MendStart, queued: operate.MendMove}}} {
		found, read, more, err := s.Stuck(t.Context(), operate.Stuck{Older: 30 * time.Minute, Started: tt.started, Limit: 100})
		by := map[string]operate.Mending{}
		for _, o := range found {
			by[o.OrderID] = o.Mending
		}
		if diff := cmp.Diff(tt.want, by); diff != "" || err != nil || more || read.Read != 0 {
			t.Errorf("started within %s: %v, more %v, %+v, %s", tt.started, err, more, read, diff)
		}
	}

	if n := s.mend(30 * time.Minute); n != 4 {
		t.Errorf("%d mended, want 4", n)
	}
	again := s.mend(30 * time.Minute)
	s.becomes("acme", stopped, "COMPLETED")
	s.becomes("globex/eu", unwritten, "FAILED") // its charge had been undone
	s.becomes("acme", unstarted, "COMPLETED")
	s.becomes("acme", queued, "COMPLETED")
	if found, _ := s.stuck(time.Nanosecond); len(found) > 0 {
		t.Errorf("still stuck: %+v", found)
	}
	if n := s.mend(30 * time.Minute); n > 0 || again > 0 {
		t.Errorf("mended again: %d and %d", again, n)
	}
	// The letter of the one that was started is a duplicate by now.
	q, err := s.Queue(t.Context(), operate.Orders)
	if err != nil {
		t.Fatal(err)
	}
	if m, err := s.Redrive(t.Context(), q, operate.Redrive{}); err != nil || m.Moved != 1 || !m.Done() {
		t.Errorf("redrive: %+v, %v", m, err)
	}
	s.local.RunUntilIdle(time.Hour)
	if diff := cmp.Diff(map[string]int{"SUCCEEDED": 3, "FAILED": 1}, s.executions()); diff != "" {
		t.Errorf("executions: %s", diff)
	}
	if n := s.depth("DeadLetterQueueUrl"); n != 0 {
		t.Errorf("%d dead letters are left", n)
	}
}

// An execution that Step Functions cannot have go on any more is followed by another one, once.
func TestStuckAfterTheRedrivablePeriod(t *testing.T) {
	t.Parallel()
	s := newStage(t, "dev", nil)
	s.faults(local.Fault{Target: "charge", Kind: local.Slow, Delay: 5 * time.Second})
	o := s.order("acme")
	for s.status("acme", o) != "RESERVED" {
		time.Sleep(5 * time.Millisecond)
	}
	s.call("states", "StopExecution", map[string]string{"executionArn": s.execution(o)}, nil)
	s.faults()
	s.pass(15 * 24 * time.Hour)
	found, by := s.stuck(time.Hour)
	if by[o] != operate.MendStart || !strings.Contains(found[0].Execution.NotRedrivable, "period") {
		t.Fatalf("%+v", found)
	}
	// The answer to the start is lost: whoever does it again starts no other one.
	s.lost["StartExecution"] = 1
	if err := s.Mend(t.Context(), found, func() {}); err != nil || found[0].Failed == "" || found[0].Done {
		t.Errorf("%v, %+v", err, found[0])
	}
	s.mend(time.Hour)
	s.becomes("acme", o, "COMPLETED")
	if diff := cmp.Diff(map[string]int{"SUCCEEDED": 1, "ABORTED": 1}, s.executions()); diff != "" {
		t.Errorf("executions: %s", diff)
	}
}

// Of an Express workflow nobody can say what its executions do: they are over after five minutes.
func TestStuckOrdersOfAnExpressWorkflow(t *testing.T) {
	t.Parallel()
	s := newStage(t, "prod", nil)
	s.faults(local.Fault{Target: "states:StartExecution", Kind: local.FailWith, ErrorName: "ThrottlingException"})
	o := s.order("acme")
	s.pass(time.Hour)
	s.faults()
	if _, _, _, err := s.Stuck(t.Context(), operate.Stuck{Older: time.Minute, Limit: 1}); err == nil || !strings.Contains(err.Error(), "want 6m0s or more") {
		t.Errorf("younger than an execution can be: %v", err)
	}
	if _, by := s.stuck(time.Hour / 2); by[o] != operate.MendStart {
		t.Fatal(by)
	}
	s.mend(time.Hour / 2)
	s.becomes("acme", o, "COMPLETED")
	// One that an execution took a moment ago is left to it, and after six minutes to nobody.
	s.call("dynamodb", "UpdateItem", map[string]any{
		"TableName": s.Outputs["OrdersTableName"], "Key": map[string]any{"pk": map[string]string{"S": "YWNtZQ#" + o}, "sk": map[string]string{"S": "STATUS"}},
		"UpdateExpression": "SET #s = :s, ownedAt = :at", "ExpressionAttributeNames": map[string]string{"#s": "status"},
		"ExpressionAttributeValues": map[string]any{":s": map[string]string{"S": "RESERVED"}, ":at": map[string]string{"N": fmt.Sprint(s.local.Now().Add(9 * time.Minute).UnixMilli())}},
	}, nil)
	s.pass(10 * time.Minute)
	if _, by := s.stuck(operate.MinOlder); by[o] != operate.MendWait || s.mend(operate.MinOlder) != 0 {
		t.Errorf("a minute after it was taken: %v", by)
	}
	s.pass(10 * time.Minute)
	if _, by := s.stuck(operate.MinOlder); by[o] != operate.MendStart {
		t.Errorf("eleven minutes after it was taken: %v", by)
	}
	s.mend(operate.MinOlder)
	s.becomes("acme", o, "COMPLETED")
	if found, _ := s.stuck(operate.MinOlder); len(found) > 0 {
		t.Errorf("still stuck: %+v", found)
	}
}

func TestStuckLimitAndOneOrder(t *testing.T) {
	t.Parallel()
	s := newStage(t, "dev", nil)
	s.faults(local.Fault{Target: "states:StartExecution", Kind: local.FailWith, ErrorName: "ThrottlingException"})
	var all []string
	for n := range 12 {
		all = append(all, s.order(fmt.Sprintf("tenant-%d", n)))
	}
	s.pass(time.Hour)
	s.faults()
	found, read, more, err := s.Stuck(t.Context(), operate.Stuck{Older: time.Minute, Limit: 5})
	if err != nil || !more || len(found) != 5 || read.Read == 0 || read.Units == 0 {
		t.Errorf("%d found of %+v, more %v, %v", len(found), read, more, err)
	}
	one, read, more, err := s.Stuck(t.Context(), operate.Stuck{Older: time.Minute, Limit: 5, Order: all[3]})
	if err != nil || more || len(one) != 1 || one[0].OrderID != all[3] || read.Read != 0 {
		t.Errorf("%+v of %+v, more %v, %v", one, read, more, err)
	}
	if _, _, _, err := s.Stuck(t.Context(), operate.Stuck{Limit: 1, Order: all[3] + "x"}); err == nil || !strings.Contains(err.Error(), "there is no order") {
		t.Errorf("an order that does not exist: %v", err)
	}
	if n := s.mend(time.Minute); n != 12 {
		t.Errorf("%d mended", n)
	}
	for n, o := range all {
		s.becomes(fmt.Sprintf("tenant-%d", n), o, "COMPLETED")
	}
	if n := s.executions()["SUCCEEDED"]; n != 12 {
		t.Errorf("%d executions", n)
	}
}
