package cost

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"text/tabwriter"
)

// Alternative is one way to take orders, with its bill.
type Alternative struct {
	Name string `json:"name"`
	// Equal is whether it promises all that the reference app does; if not, Lacks says what is missing.
	Equal bool   `json:"equal"`
	Lacks string `json:"lacks,omitempty"`
	// Report is its bill.
	Report *Report `json:"report"`
}

// Comparison is the bills of several ways to do the same.
type Comparison struct {
	Alternatives []Alternative `json:"alternatives"`
	// Solutions says what was assumed of AWS Solutions Constructs.
	Solutions []string `json:"solutions"`
}

// Names of alternatives.
const (
	AsItIs          = "this template"
	OnStandard      = "Standard workflow"
	OnExpress       = "Express workflow"
	InOneFunction   = "synchronous, one function"
	OfSolutions     = "AWS Solutions Constructs"
	onlyThatChannel = ", everybody by "
)

// Compare measures a template of the reference app and the alternatives, each with the same orders. progress is told what is measured.
func Compare(template []byte, o Options, progress func(name string)) (*Comparison, error) {
	c := &Comparison{Solutions: SolutionsDefaults}
	add := func(a Alternative, o Options, make func([]byte) ([]byte, error)) error {
		progress(a.Name)
		t, err := make(template)
		if err != nil {
			return fmt.Errorf("cost: %s: %w", a.Name, err)
		}
		if a.Report, err = Measure(t, o); err != nil {
			return fmt.Errorf("%s: %w", a.Name, err)
		}
		c.Alternatives = append(c.Alternatives, a)
		return Disagreements(a.Report.Checks)
	}
	same := func(t []byte) ([]byte, error) { return t, nil }
	kind := func(kind string) func([]byte) ([]byte, error) {
		return func(t []byte) ([]byte, error) { return WithWorkflow(t, kind) }
	}
	if err := add(Alternative{Name: AsItIs, Equal: true}, o, same); err != nil {
		return nil, err
	}
	if err := add(Alternative{Name: OnStandard, Equal: true}, o, kind(Standard)); err != nil {
		return nil, err
	}
	if err := add(Alternative{Name: OnExpress, Equal: true}, o, kind(Express)); err != nil {
		return nil, err
	}
	for _, channel := range Channels() {
		one := o
		one.Channels = []Channel{channel}
		if err := add(Alternative{Name: AsItIs + onlyThatChannel + string(channel), Equal: true}, one, same); err != nil {
			return nil, err
		}
	}
	if err := add(Alternative{Name: OfSolutions, Lacks: "a firewall, alarms"}, o, SolutionsConstructs); err != nil {
		return nil, err
	}
	alone := o
	alone.synchronous = true
	lacks := "accepting while something is down, retries, undoing after a crash, cancelling, webhooks, websockets, events for other services"
	if err := add(Alternative{Name: InOneFunction, Lacks: lacks}, alone, Synchronous); err != nil {
		return nil, err
	}
	return c, nil
}

// Cheapest is the alternative with the lowest bill of those that promise the same to the same clients as the first.
func (c *Comparison) Cheapest() *Alternative {
	var best *Alternative
	for i := range c.Alternatives {
		if a := &c.Alternatives[i]; a.Equal && slices.Equal(a.Report.Channels, c.Alternatives[0].Report.Channels) && (best == nil || a.Report.exact.Cmp(best.Report.exact) < 0) {
			best = a
		}
	}
	return best
}

// Services are those that any alternative pays for, by what the one pays that pays most.
func (c *Comparison) Services() []string {
	most := map[string]float64{}
	for _, a := range c.Alternatives {
		for _, l := range ByService(a.Report.Lines) {
			most[l.Service] = max(most[l.Service], l.USD)
		}
	}
	return slices.SortedFunc(maps.Keys(most), func(a, b string) int {
		return cmp.Or(cmp.Compare(most[b], most[a]), cmp.Compare(a, b))
	})
}

// cost is what a report has for a service.
func (r *Report) cost(service string) float64 {
	for _, l := range ByService(r.Lines) {
		if l.Service == service {
			return l.USD
		}
	}
	return 0
}

// WriteText writes the comparison for people.
func (c *Comparison) WriteText(out io.Writer) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "USD FOR A MILLION ORDERS\tALL")
	services := c.Services()
	for _, s := range services {
		fmt.Fprintf(w, "\t%s", s)
	}
	fmt.Fprintf(w, "\tIDLE MONTH\tLACKS\n")
	for _, a := range c.Alternatives {
		fmt.Fprintf(w, "%s\t%.2f", a.Name, a.Report.PerMillion)
		for _, s := range services {
			fmt.Fprintf(w, "\t%.2f", a.Report.cost(s))
		}
		fmt.Fprintf(w, "\t%.2f\t%s\n", a.Report.IdlePerMonth, a.Lacks)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	fmt.Fprintf(out, "\nOf AWS Solutions Constructs it is assumed:\n")
	for _, line := range c.Solutions {
		fmt.Fprintf(out, "- %s\n", line)
	}
	first := c.Alternatives[0].Report
	fmt.Fprintf(out, "\nPrices of %s as of %s; each counted from %d orders. What is assumed of all:\n", first.Region, first.PricesAsOf, first.Orders)
	for _, a := range first.Assumptions {
		fmt.Fprintf(out, "- %s\n", a)
	}
	return nil
}
