package cost

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
)

// WriteText writes the bill for people.
func (r *Report) WriteText(out io.Writer) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "A million orders, counted from %d of them (%s, %s)\n", r.Orders, r.Environment, strings.Join(names(r.Channels), ", "))
	fmt.Fprintf(w, "SERVICE\tFOR\tCOUNT\tPRICE\tUSD\n")
	for _, l := range ByMeter(r.Lines) {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%.2f\n", l.Service, l.Unit, l.Quantity(), l.Price, l.USD)
	}
	fmt.Fprintf(w, "\t\t\t\t%.2f\n\n", r.PerMillion)
	fmt.Fprintf(w, "A month in which nobody orders\n")
	for _, l := range ByMeter(r.Idle) {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%.2f\n", l.Service, l.Unit, l.Quantity(), l.Price, l.USD)
	}
	fmt.Fprintf(w, "\t\t\t\t%.2f\n\n", r.IdlePerMonth)
	fmt.Fprintf(w, "A month with orders, however many: the metrics that functions write\t\t\t\t%.2f\n", r.MetricsPerMonth)
	fmt.Fprintf(w, "What is kept\n")
	for _, l := range r.Storage {
		fmt.Fprintf(w, "%s\t%s\t\t%s\t\n", l.Service, l.Unit, l.Price)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	fmt.Fprintf(out, "\nPrices of %s as of %s. What is assumed:\n", r.Region, r.PricesAsOf)
	for _, a := range r.Assumptions {
		fmt.Fprintf(out, "- %s\n", a)
	}
	if len(r.Checks) > 0 {
		good := 0
		for _, c := range r.Checks {
			if c.OK {
				good++
			}
		}
		fmt.Fprintf(out, "\n%d of %d counts agree with the run's trace.\n", good, len(r.Checks))
	}
	return nil
}

func names(channels []Channel) []string {
	out := make([]string, len(channels))
	for i, c := range channels {
		out[i] = string(c)
	}
	return out
}
