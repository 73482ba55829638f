package order_test

import (
	"flag"
	"fmt"
	"os"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/orderflow-cdk/orderflow/internal/order"
)

var update = flag.Bool("update", false, "write docs/order-lifecycle.md anew")

func TestPredecessors(t *testing.T) {
	tests := []struct {
		to        order.Status
		all, kept []order.Status
	}{
		{order.Queued, nil, nil},
		{order.Accepted, []order.Status{"QUEUED"}, nil},
		{order.Reserved, []order.Status{"ACCEPTED"}, []order.Status{"ACCEPTED"}},
		{order.Paid, []order.Status{"RESERVED"}, []order.Status{"RESERVED"}},
		{order.Completed, []order.Status{"PAID"}, []order.Status{"PAID"}},
		{order.Rejected, []order.Status{"QUEUED", "ACCEPTED", "RESERVED"}, []order.Status{"ACCEPTED", "RESERVED"}},
		{order.Failed, []order.Status{"ACCEPTED", "RESERVED", "PAID"}, []order.Status{"ACCEPTED", "RESERVED", "PAID"}},
		{order.Cancelled, []order.Status{"QUEUED", "ACCEPTED", "RESERVED", "PAID"}, []order.Status{"ACCEPTED", "RESERVED", "PAID"}},
	}
	for _, test := range tests {
		t.Run(string(test.to), func(t *testing.T) {
			if diff := cmp.Diff(test.all, order.Predecessors(test.to)); diff != "" {
				t.Errorf("Predecessors (-want +got)\n%s", diff)
			}
			if diff := cmp.Diff(test.kept, order.RecordedPredecessors(test.to), cmpEmpty); diff != "" {
				t.Errorf("RecordedPredecessors (-want +got)\n%s", diff)
			}
		})
	}
}

// cmpEmpty takes an empty list and none for the same.
var cmpEmpty = cmp.FilterValues(func(a, b []order.Status) bool { return len(a)+len(b) == 0 }, cmp.Ignore())

func TestTransitionsKeepTheRules(t *testing.T) {
	var ends []order.Status
	for _, from := range order.Statuses() {
		if order.Terminal(from) {
			ends = append(ends, from)
		} else if from != order.Queued && !from.CanBecome(order.Failed) {
			t.Errorf("%s cannot fail", from)
		}
		for _, to := range order.Statuses() {
			if from.CanBecome(to) && (order.Terminal(from) || to == order.Queued || from == to) {
				t.Errorf("%s may become %s", from, to)
			}
		}
	}
	if diff := cmp.Diff([]order.Status{"COMPLETED", "REJECTED", "FAILED", "CANCELLED"}, ends); diff != "" {
		t.Errorf("terminal statuses (-want +got)\n%s", diff)
	}
	if diff := cmp.Diff(ends, order.Terminals()); diff != "" {
		t.Errorf("Terminals (-want +got)\n%s", diff)
	}
	if order.Terminal("NONSENSE") {
		t.Error("an unknown status is terminal")
	}
	for _, tr := range order.Transitions() {
		if !tr.From.Known() || !tr.To.Known() || tr.When == "" {
			t.Errorf("transition %+v is not complete", tr)
		}
	}
}

func TestTransitionsAreTheCallersOwn(t *testing.T) {
	order.Transitions()[0].To = order.Failed
	if !order.Queued.CanBecome(order.Accepted) {
		t.Error("changing the slice changed the table")
	}
}

// The document's table and diagram derive from the transition table:
// go test ./internal/order -update
func TestLifecycleDocument(t *testing.T) {
	const path = "../../docs/order-lifecycle.md"
	const begin, end = "<!-- begin: generated -->\n", "<!-- end: generated -->\n"
	doc, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok := strings.Cut(string(doc), begin)
	_, after, ok2 := strings.Cut(rest, end)
	if !ok || !ok2 {
		t.Fatalf("%s lacks the marks %q and %q", path, begin, end)
	}
	want := before + begin + lifecycle() + end + after
	if *update {
		if err := os.WriteFile(path, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(want, string(doc)); diff != "" {
		t.Errorf("run go test ./internal/order -update (-want +got)\n%s", diff)
	}
}

func lifecycle() string {
	var b strings.Builder
	b.WriteString("```mermaid\nstateDiagram-v2\n    [*] --> QUEUED\n")
	for _, t := range order.Transitions() {
		fmt.Fprintf(&b, "    %s --> %s\n", t.From, t.To)
	}
	for _, s := range order.Terminals() {
		fmt.Fprintf(&b, "    %s --> [*]\n", s)
	}
	b.WriteString("```\n\n| from | to | when |\n|---|---|---|\n")
	for _, t := range order.Transitions() {
		fmt.Fprintf(&b, "| %s | %s | %s |\n", t.From, t.To, t.When)
	}
	return b.String()
}

// The name of an error is the name of its type: Lambda makes it so.
func TestRejectionsAreTypes(t *testing.T) {
	want := []string{}
	for _, err := range []error{&order.OutOfStock{}, &order.PaymentDeclined{}, &order.UnknownSku{}} {
		want = append(want, reflect.TypeOf(err).Elem().Name())
	}
	if diff := cmp.Diff(want, order.Rejections()); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if got := reflect.TypeOf(order.InvalidOrder{}).Name(); got != order.ReasonInvalidOrder {
		t.Errorf("type %s, reason %s", got, order.ReasonInvalidOrder)
	}
}
