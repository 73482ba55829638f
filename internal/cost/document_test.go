package cost_test

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/orderflow-cdk/orderflow/internal/cost"
	"github.com/orderflow-cdk/orderflow/internal/snapshot"
)

var update = flag.Bool("update", false, "write docs/cost.md's tables and its figure anew")

const (
	document = "../../docs/cost.md"
	figure   = "../../docs/images/cost.svg"
	// measured is how many orders the document's figures are counted from.
	measured = 120
)

// The document's tables and its figure are what is measured.
func TestDocumentOfTheBill(t *testing.T) {
	template, err := snapshot.Template("prod")
	if err != nil {
		t.Fatal(err)
	}
	c, err := cost.Compare(template, cost.Options{Orders: measured, Reconcile: true}, func(string) {})
	if err != nil {
		t.Fatal(err)
	}
	if best := c.Cheapest(); best.Report.PerMillion < c.Alternatives[0].Report.PerMillion {
		t.Errorf("of those that promise the same, %s costs %.2f, the app %.2f", best.Name, best.Report.PerMillion, c.Alternatives[0].Report.PerMillion)
	}
	blocks := map[string]string{"comparison": comparison(c), "bill": bill(c.Alternatives[0].Report), "idle": idle(c.Alternatives[0].Report), "rates": rates(t)}
	var said strings.Builder
	for _, a := range c.Alternatives[0].Report.Assumptions {
		fmt.Fprintf(&said, "- %s\n", a)
	}
	blocks["assumptions"] = said.String()
	said.Reset()
	for _, a := range c.Solutions {
		fmt.Fprintf(&said, "- %s.\n", a)
	}
	blocks["solutions"] = said.String()
	blocks["prices"] = prices(t)

	got, err := os.ReadFile(document)
	if err != nil {
		t.Fatal(err)
	}
	want := got
	for name, text := range blocks {
		block := regexp.MustCompile(`(?s)(<!-- ` + name + ` -->\n).*?(<!-- end -->)`)
		if !block.Match(want) {
			t.Errorf("%s has no place for %s", document, name)
		}
		want = block.ReplaceAllFunc(want, func(old []byte) []byte {
			m := block.FindSubmatch(old)
			return bytes.Join([][]byte{m[1], []byte("\n" + text + "\n"), m[2]}, nil)
		})
	}
	hold(t, document, got, want)
	drawn, _ := os.ReadFile(figure)
	hold(t, figure, drawn, c.SVG())
}

func hold(t *testing.T, file string, got, want []byte) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, want, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s is not what is measured now (go test ./internal/cost -run Document -update writes it) (-measured +written)\n%s", file, diff)
	}
}

func comparison(c *cost.Comparison) string {
	var b strings.Builder
	b.WriteString("| | USD per million orders | idle, USD per month | what it lacks |\n|---|---:|---:|---|\n")
	for _, a := range c.Alternatives {
		fmt.Fprintf(&b, "| %s | %.2f | %.2f | %s |\n", a.Name, a.Report.PerMillion, a.Report.IdlePerMonth, a.Lacks)
	}
	return b.String()
}

func bill(r *cost.Report) string {
	var b strings.Builder
	b.WriteString("| service | for | count per million orders | price, USD | USD |\n|---|---|---:|---:|---:|\n")
	for _, l := range cost.ByMeter(r.Lines) {
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %.2f |\n", l.Service, l.Unit, l.Quantity(), l.Price, l.USD)
	}
	fmt.Fprintf(&b, "| | | | | **%.2f** |\n", r.PerMillion)
	return b.String()
}

func idle(r *cost.Report) string {
	var b strings.Builder
	b.WriteString("| service | for | count | price, USD | USD |\n|---|---|---:|---:|---:|\n")
	for _, l := range cost.ByMeter(r.Idle) {
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %.2f |\n", l.Service, l.Unit, l.Quantity(), l.Price, l.USD)
	}
	fmt.Fprintf(&b, "| | | | | **%.2f** |\n\nIn a month with orders, however many, the metrics that functions write cost %.2f more. What is kept costs by the month and GB:", r.IdlePerMonth, r.MetricsPerMonth)
	for _, l := range r.Storage {
		fmt.Fprintf(&b, " %s (%s) %s;", l.Service, l.Unit, l.Price)
	}
	return strings.TrimSuffix(b.String(), ";") + ".\n"
}

func rates(t *testing.T) string {
	t.Helper()
	var b strings.Builder
	b.WriteString("| orders a second | USD per million orders | of it X-Ray | SQS | Lambda |\n|---:|---:|---:|---:|---:|\n")
	for _, rate := range []float64{1, 10, 100} {
		r := measure(t, "prod", cost.Options{Orders: measured, Rate: rate})
		fmt.Fprintf(&b, "| %g | %.2f", rate, r.PerMillion)
		for _, service := range []string{"X-Ray", "SQS", "Lambda"} {
			usd := 0.0
			for _, l := range cost.ByService(r.Lines) {
				if l.Service == service {
					usd = l.USD
				}
			}
			fmt.Fprintf(&b, " | %.2f", usd)
		}
		b.WriteString(" |\n")
	}
	return b.String()
}

func prices(t *testing.T) string {
	t.Helper()
	table, err := cost.Prices()
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n\n| service | unit | USD | as of | source |\n|---|---|---:|---|---|\n", table.Note)
	for _, p := range table.Prices {
		source, rest, _ := strings.Cut(p.Source, ",")
		fmt.Fprintf(&b, "| %s | %s | %s | %s | <%s>%s |\n", p.Service, p.Unit, p.USD, p.Date, source, strings.TrimSuffix(","+rest, ","))
	}
	return b.String()
}
