package console_test

import (
	"encoding/json"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/orderflow-cdk/orderflow/local"
)

// What the page counts is what AWS calls say: messages, items, executions under way.
func TestCountsAreThoseOfAWSCalls(t *testing.T) {
	a := start(t)
	if err := a.stack.SetFaults(local.Fault{Target: "intake", Kind: local.CrashBefore}); err != nil {
		t.Fatal(err)
	}
	var got sent
	a.post("send", sending("acme", 3, anOrder), &got)
	a.stack.Advance(40 * time.Minute) // five receives
	if err := a.stack.SetFaults(local.Fault{Target: "charge", Kind: local.Slow, Delay: 8 * time.Second}); err != nil {
		t.Fatal(err)
	}
	a.post("send", sending("globex", 4, anOrder), &got)
	a.until("the orders to be reserved", func() bool {
		n := 0
		for _, r := range got.Responses {
			var o seen
			a.get("orders/"+r.OrderID, &o)
			if o.Order.Status == "RESERVED" && len(o.Entries) > 0 {
				n++
			}
		}
		return n == 4
	})
	if err := a.stack.Pause(); err != nil { // or the counts would be of different moments
		t.Fatal(err)
	}
	defer a.stack.Resume()
	g := a.stack.Glance()
	read := func(service, action string, in m, out any) {
		t.Helper()
		b, err := json.Marshal(in)
		if err != nil {
			t.Fatal(err)
		}
		answer, err := a.stack.Inspect(service, action, b)
		if err != nil {
			t.Fatalf("%s:%s: %v", service, action, err)
		}
		if err := json.Unmarshal(answer, out); err != nil {
			t.Fatal(err)
		}
	}
	queues, dead, running := 0, 0, 0
	for _, r := range a.stack.Resources() {
		switch r.Type {
		case "AWS::SQS::Queue":
			queues++
			var out struct{ Attributes map[string]string }
			read("sqs", "GetQueueAttributes", m{"QueueUrl": r.URL, "AttributeNames": []string{"All"}}, &out)
			c := g.Queues[r.LogicalID]
			for name, n := range map[string]int{"": c.Visible, "NotVisible": c.InFlight, "Delayed": c.Delayed} {
				if want := out.Attributes["ApproximateNumberOfMessages"+name]; strconv.Itoa(n) != want {
					t.Errorf("%s: %d messages %s, AWS says %s", r.Label, n, name, want)
				}
			}
			if strings.HasPrefix(r.LogicalID, "ApiDeadLetterQueue") {
				dead = c.Visible
			}
		case "AWS::DynamoDB::Table", "AWS::DynamoDB::GlobalTable":
			var out struct{ Count int }
			read("dynamodb", "Scan", m{"TableName": r.Name, "Select": "COUNT"}, &out)
			if g.Items[r.LogicalID] != out.Count {
				t.Errorf("%s: %d items, AWS says %d", r.Label, g.Items[r.LogicalID], out.Count)
			}
		case "AWS::StepFunctions::StateMachine":
			var out struct{ Executions []json.RawMessage }
			read("states", "ListExecutions", m{"stateMachineArn": r.ARN, "statusFilter": "RUNNING"}, &out)
			running = g.Running[r.LogicalID]
			if running != len(out.Executions) {
				t.Errorf("%s: %d run, AWS says %d", r.Label, running, len(out.Executions))
			}
		}
	}
	if queues < 6 || dead != 3 || running != 4 {
		t.Errorf("%d queues, %d dead letters, %d executions under way: want 6, 3 and 4", queues, dead, running)
	}
}
