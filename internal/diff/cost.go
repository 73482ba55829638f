package diff

import (
	"bytes"
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/orderflow-cdk/orderflow/internal/cost"
	"github.com/orderflow-cdk/orderflow/internal/snapshot"
)

// Cost is what a change does to the bill of a stack. Amounts are in USD.
type Cost struct {
	Stack string `json:"stack"`
	// Problem is why it is not known.
	Problem string `json:"problem,omitempty"`
	// Per million orders, and in a month in which nobody orders.
	OldPerMillion float64 `json:"oldPerMillion"`
	NewPerMillion float64 `json:"newPerMillion"`
	OldIdle       float64 `json:"oldIdlePerMonth"`
	NewIdle       float64 `json:"newIdlePerMonth"`
	// Services are those of which a million orders cost another amount, the largest difference first.
	Services []ServiceCost `json:"services,omitempty"`
}

// ServiceCost is what a service costs a million orders, in USD.
type ServiceCost struct {
	Service string  `json:"service"`
	Old     float64 `json:"old"`
	New     float64 `json:"new"`
}

// cent is what two bills must differ by to be told as different: less is what some orders happen to do.
const cent = 0.005

// Measure runs orders through both templates of each stack that changed and that both sides have, and adds what that costs. A template that does not
// run here is a Problem, and no error.
func (r *Report) Measure(old, new *Source, orders int) {
	if len(r.Findings) == 0 {
		return
	}
	before, after := alignStacks(old.Templates, new.Templates)
	for _, stack := range slices.Sorted(maps.Keys(after)) {
		o, n := before[stack], after[stack]
		if o == nil || bytes.Equal(o, n) {
			continue
		}
		c := Cost{Stack: stack}
		was, err := measure(stack, o, orders)
		if err != nil {
			c.Problem = fmt.Sprintf("the old template does not run here: %s", firstLine(err))
			r.Costs = append(r.Costs, c)
			continue
		}
		is, err := measure(stack, n, orders)
		if err != nil {
			c.Problem = fmt.Sprintf("the new template does not run here: %s", firstLine(err))
			r.Costs = append(r.Costs, c)
			continue
		}
		c.OldPerMillion, c.NewPerMillion, c.OldIdle, c.NewIdle = was.PerMillion, is.PerMillion, was.IdlePerMonth, is.IdlePerMonth
		c.Services = services(was.Lines, is.Lines)
		r.Costs = append(r.Costs, c)
	}
}

func firstLine(err error) string {
	line, _, _ := strings.Cut(err.Error(), "\n")
	return line
}

func measure(stack string, template []byte, orders int) (*cost.Report, error) {
	env := "prod"
	if _, after, ok := strings.Cut(stack, "-"); ok && slices.Contains(snapshot.Environments(), after) {
		env = after
	}
	return cost.Measure(template, cost.Options{Environment: env, Orders: orders})
}

// services are the sums of lines that differ, by service.
func services(old, new []cost.Line) []ServiceCost {
	sums := map[string]*ServiceCost{}
	of := func(l cost.Line) *ServiceCost {
		if sums[l.Service] == nil {
			sums[l.Service] = &ServiceCost{Service: l.Service}
		}
		return sums[l.Service]
	}
	for _, l := range old {
		of(l).Old += l.USD
	}
	for _, l := range new {
		of(l).New += l.USD
	}
	var out []ServiceCost
	for _, name := range slices.Sorted(maps.Keys(sums)) {
		if s := sums[name]; math.Abs(s.New-s.Old) >= cent {
			out = append(out, *s)
		}
	}
	slices.SortStableFunc(out, func(a, b ServiceCost) int { return cmp.Compare(math.Abs(b.New-b.Old), math.Abs(a.New-a.Old)) })
	return out
}

// markdown is the cost as an item of a list.
func (c *Cost) markdown() string {
	if c.Problem != "" {
		return fmt.Sprintf("- %s: not known; %s\n", code(c.Stack), escape(c.Problem))
	}
	line := fmt.Sprintf("- %s: a million orders %s, a month without orders %s", code(c.Stack), dollars(c.OldPerMillion, c.NewPerMillion), dollars(c.OldIdle, c.NewIdle))
	var parts []string
	for _, s := range c.Services {
		parts = append(parts, escape(s.Service)+" "+dollars(s.Old, s.New))
	}
	if len(parts) > 0 {
		line += " (" + strings.Join(parts, "; ") + ")"
	}
	return line + "\n"
}

// dollars is a change of an amount.
func dollars(old, new float64) string {
	if math.Abs(new-old) < cent {
		return fmt.Sprintf("$%.2f as before", new)
	}
	sign := "+"
	if new < old {
		sign = "−"
	}
	return fmt.Sprintf("$%.2f → $%.2f (%s$%.2f)", old, new, sign, math.Abs(new-old))
}
