package cost_test

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/orderflow-cdk/orderflow/internal/cost"
	"github.com/orderflow-cdk/orderflow/internal/snapshot"
)

func measure(t *testing.T, environment string, o cost.Options) *cost.Report {
	t.Helper()
	template, err := snapshot.Template(environment)
	if err != nil {
		t.Fatal(err)
	}
	o.Environment = environment
	r, err := cost.Measure(template, o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestTheSameSeedGivesTheSameBill(t *testing.T) {
	text := func(seed uint64) string {
		b, err := json.Marshal(measure(t, "prod", cost.Options{Orders: 60, Seed: seed}))
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	first := text(1)
	if diff := cmp.Diff(first, text(1)); diff != "" {
		t.Errorf("the same seed (-first +second)\n%s", diff)
	}
	if first == text(2) {
		t.Error("another seed gives the same bill")
	}
}

// The counts of the engines and those that follow from the trace are made by different code.
func TestCountsReconcileWithTheTrace(t *testing.T) {
	for _, environment := range snapshot.Environments() {
		t.Run(environment, func(t *testing.T) {
			r := measure(t, environment, cost.Options{Orders: 120, Reconcile: true})
			for _, c := range r.Checks {
				t.Logf("%-80s %12d %12d", c.What, c.Counted, c.Traced)
				if c.Traced == 0 && c.What != "calls of Secrets Manager" {
					t.Errorf("%s: nothing was traced", c.What)
				}
			}
			if err := cost.Disagreements(r.Checks); err != nil || len(r.Checks) < 10 {
				t.Errorf("%d checks: %v", len(r.Checks), err)
			}
		})
	}
}

// BenchmarkMeasure is how long 10,000 orders take.
func BenchmarkMeasure(b *testing.B) {
	template, err := snapshot.Template("prod")
	if err != nil {
		b.Fatal(err)
	}
	for _, reconcile := range []bool{false, true} {
		b.Run(map[bool]string{false: "counted", true: "reconciled"}[reconcile], func(b *testing.B) {
			for b.Loop() {
				if _, err := cost.Measure(template, cost.Options{Orders: 10_000, Reconcile: reconcile}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
