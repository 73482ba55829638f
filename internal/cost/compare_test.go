package cost_test

import (
	"encoding/json"
	"testing"

	"github.com/orderflow-cdk/orderflow/internal/cost"
	"github.com/orderflow-cdk/orderflow/internal/snapshot"
)

func TestCompare(t *testing.T) {
	template, err := snapshot.Template("prod")
	if err != nil {
		t.Fatal(err)
	}
	c, err := cost.Compare(template, cost.Options{Orders: 40, Reconcile: true}, func(string) {})
	if err != nil {
		t.Fatal(err)
	}
	ways := map[string]*cost.Report{}
	for _, a := range c.Alternatives {
		ways[a.Name] = a.Report
		settled := 0
		for status, n := range a.Report.Settled {
			if status != "COMPLETED" && status != "REJECTED" {
				t.Errorf("%s: %d orders ended as %s", a.Name, n, status)
			}
			settled += n
		}
		if settled == 0 && a.Report.Delivered == 0 {
			t.Errorf("%s: nobody learned of any order", a.Name)
		}
		if !a.Equal && a.Lacks == "" {
			t.Errorf("%s: what is missing?", a.Name)
		}
	}
	if n := ways[cost.InOneFunction].Settled["COMPLETED"] + ways[cost.InOneFunction].Settled["REJECTED"]; n != 40 {
		t.Errorf("%d of 40 orders were answered synchronously", n)
	}
	if standard, express := ways[cost.OnStandard].PerMillion, ways[cost.OnExpress].PerMillion; express > standard/3 {
		t.Errorf("the Express workflow costs %.2f, the Standard one %.2f", express, standard)
	}
}

// A template that is given another workflow and back is as it was, as far as the bill goes.
func TestWithWorkflow(t *testing.T) {
	template, err := snapshot.Template("staging")
	if err != nil {
		t.Fatal(err)
	}
	bill := func(template []byte) string {
		r, err := cost.Measure(template, cost.Options{Environment: "staging", Orders: 20})
		if err != nil {
			t.Fatal(err)
		}
		b, err := json.Marshal(r.Lines)
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	changed := template
	for _, kind := range []string{cost.Standard, cost.Express, cost.Standard, cost.Express} {
		if changed, err = cost.WithWorkflow(changed, kind); err != nil {
			t.Fatal(err)
		}
	}
	express, err := cost.WithWorkflow(template, cost.Express)
	if err != nil {
		t.Fatal(err)
	}
	standard, err := cost.WithWorkflow(changed, cost.Standard)
	if err != nil {
		t.Fatal(err)
	}
	original := bill(template)
	if original != bill(standard) && original != bill(express) {
		t.Error("neither kind gives the bill of the template itself")
	}
}
