package handler_test

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/orderflow-cdk/orderflow/internal/awstest"
	"github.com/orderflow-cdk/orderflow/internal/handler"
)

// counted adds up what the metrics in a log count, and how many values the others have.
func counted(t *testing.T, log []byte) (counts map[string]int, lines int) {
	t.Helper()
	counts = map[string]int{}
	for line := range bytes.Lines(log) {
		var m map[string]any
		if err := json.Unmarshal(line, &m); err != nil {
			t.Fatalf("%v: %s", err, line)
		}
		if m["_aws"] == nil {
			continue
		}
		lines++
		for name, v := range m {
			switch v := v.(type) {
			case float64:
				if name == "EventLag" || name == "TimeToCompleted" {
					v = 1
				}
				counts[name] += int(v)
			case []any:
				counts[name] += len(v)
			}
		}
	}
	return counts, lines
}

// The fixture has four orders: one completes, two are rejected, one fails.
func wantCounts(t *testing.T) map[string]int {
	s := newStage(t, handler.NewNotify)
	if again := s.notify(t, records(t)); again != nil {
		t.Fatal("the whole batch fails")
	}
	counts, lines := counted(t, s.log.Bytes())
	if lines != 1 {
		t.Errorf("a batch writes %d lines of metrics, want 1", lines)
	}
	return counts
}

func TestNotifyCountsOrdersByTheirEnd(t *testing.T) {
	want := map[string]int{
		"OrdersAccepted": 4, "OrdersCompleted": 1, "OrdersRejected": 2, "OrdersFailed": 1, "TimeToCompleted": 1, "EventLag": 12,
	}
	if diff := cmp.Diff(want, wantCounts(t)); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// Wherever a call fails, the events that Lambda brings again are counted once.
func TestNotifyCountsARepeatedEventOnce(t *testing.T) {
	want := wantCounts(t)
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
		for batch := records(t); batch != nil; {
			batch = s.notify(t, batch)
		}
		got, _ := counted(t, s.log.Bytes())
		delete(got, "TopicEventsFailed")
		delete(got, "GraphQLEventsFailed")
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("call %d (-want +got)\n%s", n, diff)
		}
	}
}

func TestNotifyCountsNoOrdersUnlessAsked(t *testing.T) {
	was := environment["COUNTED_ENDS"]
	environment["COUNTED_ENDS"] = ""
	defer func() { environment["COUNTED_ENDS"] = was }()
	if diff := cmp.Diff(map[string]int{"EventLag": 12}, wantCounts(t)); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}
