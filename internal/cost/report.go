package cost

import (
	"fmt"
	"math/big"
	"time"

	"github.com/orderflow-cdk/orderflow/local"
)

// Report is the bill of a template.
type Report struct {
	Environment string    `json:"environment"`
	Orders      int       `json:"orders"`
	Rate        float64   `json:"ordersPerSecond"`
	Channels    []Channel `json:"channels"`
	Seed        uint64    `json:"seed"`
	Region      string    `json:"region"`
	PricesAsOf  string    `json:"pricesAsOf"`
	// Lines are what a million orders cost, PerMillion their sum in USD.
	Lines      []Line  `json:"lines"`
	PerMillion float64 `json:"perMillion"`
	// Idle is what a month costs in which nobody orders, IdlePerMonth the sum in USD. Metrics are what the metrics that functions write
	// cost more in a month with orders, however many.
	Idle            []Line  `json:"idle"`
	IdlePerMonth    float64 `json:"idlePerMonth"`
	MetricsPerMonth float64 `json:"metricsPerMonth"`
	// Storage is what a GB that is kept costs in a month.
	Storage []Line `json:"storage"`
	// Assumptions are what was not counted, in words.
	Assumptions []string `json:"assumptions"`
	// Usage is what was counted, of the Orders that ran.
	Usage local.Usage `json:"usage"`
	// Checks hold the counts against the run's trace, with Options.Reconcile.
	Checks []Check `json:"checks,omitempty"`
	// Settled is how many orders ended in each status, of those whose client learned it; Delivered how many events reached a webhook.
	Settled   map[string]int `json:"settled"`
	Delivered int            `json:"delivered"`
	// Took is how long the run took in the stack's time.
	Took time.Duration `json:"took"`

	exact *big.Rat
}

func (d *driver) report(idle []Line) (*Report, error) {
	lines, err := orderBill(d.used, d.o.Prices, d.o.Orders)
	if err != nil {
		return nil, fmt.Errorf("cost: %w", err)
	}
	r := &Report{
		Environment: d.o.Environment, Orders: d.o.Orders, Rate: d.o.Rate, Channels: d.o.Channels, Seed: d.o.Seed,
		Region: d.o.Prices.Region, PricesAsOf: d.o.Prices.AsOf,
		Lines: lines, Idle: idle, Usage: d.used, Settled: d.settled, Delivered: d.delivered, Took: d.took, exact: sum(lines),
	}
	r.PerMillion, _ = r.exact.Float64()
	r.IdlePerMonth, _ = sum(idle).Float64()
	if p := d.o.Prices.find("month:metric", ""); p != nil {
		r.MetricsPerMonth, _ = p.of(new(big.Rat).SetInt64(d.stack.Usage().Total(local.CustomMetrics))).Float64()
	}
	for _, id := range []string{"gb-month:dynamodb", "gb-month:pitr", "gb-month:logs"} {
		if p := d.o.Prices.find(id, ""); p != nil {
			one := new(big.Rat).SetInt64(1)
			r.Storage = append(r.Storage, newLine(p, "", one, p.of(one)))
		}
	}
	r.Assumptions = d.o.assumptions()
	if d.tally != nil {
		r.Checks = d.tally.checks(d.used)
	}
	return r, nil
}

// assumptions says what was not counted.
func (o *Options) assumptions() []string {
	a := o.Assume
	return []string{
		fmt.Sprintf("Orders come at random times, %g a second on average. %s.", o.Rate, Mix),
		fmt.Sprintf("An invocation computes %v on a whole core, and has the share of one that its memory gives it (1,769 MB: all); a cold start takes %v more.",
			a.FullCore, a.ColdStart),
		fmt.Sprintf("Calls of AWS take what the local stack has them take: %s; the payment provider %v.", local.Latencies(), a.Provider),
		fmt.Sprintf("An Express execution takes %d MB, the least that is billed.", local.ExpressMemory),
		"X-Ray records the first trace of each second and 5 % of the others, by service.",
		"An idle queue is polled every 20 s on five connections, on two where the mapping has no maximum of concurrency.",
		"First tier of volume, no free tier, no discounts, no taxes. Sign-ins of users (Cognito) are not part of it.",
	}
}
