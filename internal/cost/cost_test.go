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
