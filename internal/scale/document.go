package scale

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/orderflow-cdk/orderflow/internal/cost"
	"github.com/orderflow-cdk/orderflow/internal/snapshot"
)

// Rates are the orders a second that the document is about.
func Rates() []float64 { return []float64{10, 1_000, 10_000, 100_000} }

// Level is a rate of orders.
type Level struct {
	Rate float64
	// Report is the bill of a run at that rate, or at the highest that is run.
	Report  *cost.Report
	Demands []Demand
}

// highest is the rate beyond which more orders do not make batches larger: at it they are full.
const highest = 1000

// Levels measures what orders take at each of the Rates.
func Levels(results []Result) ([]Level, error) {
	template, err := snapshot.Template("prod")
	if err != nil {
		return nil, err
	}
	var all []Level
	reports := map[float64]*cost.Report{}
	for _, rate := range Rates() {
		run := min(rate, highest)
		if reports[run] == nil {
			if reports[run], err = cost.Measure(template, cost.Options{Rate: run, Orders: 600}); err != nil {
				return nil, err
			}
		}
		demands, err := Demands(reports[run], results)
		if err != nil {
			return nil, err
		}
		all = append(all, Level{rate, reports[run], demands})
	}
	return all, nil
}

// UsedUp are the quotas that the rate is too much for, the lowest first.
func (l Level) UsedUp() []Demand {
	return slices.DeleteFunc(l.byRate(), func(d Demand) bool { return d.Rate() >= l.Rate })
}

func (l Level) byRate() []Demand {
	return slices.SortedStableFunc(slices.Values(l.Demands), func(a, b Demand) int { return cmp.Compare(a.Rate(), b.Rate()) })
}

// Sections are the parts of docs/scale.md that are written by this package, by the name of their mark.
func Sections(levels []Level, results []Result) map[string]string {
	return map[string]string{
		"quotas":  quotaTable(levels[0].Demands),
		"demand":  demandTable(levels),
		"levels":  levelsText(levels),
		"outages": outageTable(results),
		"drains":  drainTable(results),
	}
}

func quotaTable(demands []Demand) string {
	var b strings.Builder
	b.WriteString("| service | quota | default | raised on request | as of | |\n|---|---|---|---|---|---|\n")
	for _, d := range demands {
		adjustable, source := "no", "["+d.AsOf+"]("+d.Source+")"
		switch {
		case d.Setting != "":
			adjustable, source = "a setting", "`"+d.Setting+"`"
		case d.Adjustable:
			adjustable = "yes"
		}
		if d.Unchecked {
			source += "¹"
		}
		fmt.Fprintf(&b, "| %s | %s | %s %s | %s | %s | %s |\n", d.Service, d.Name, count(d.Value), d.Unit, adjustable, source, d.Note)
	}
	return b.String()
}

func demandTable(levels []Level) string {
	var b strings.Builder
	b.WriteString("| quota | an order takes | counted | enough for orders a second |")
	for _, l := range levels {
		fmt.Fprintf(&b, " %s/s |", count(l.Rate))
	}
	b.WriteString("\n|---|---|---|---|" + strings.Repeat("---|", len(levels)) + "\n")
	last := levels[len(levels)-1].Demands
	for i, d := range last {
		rate := "all"
		if d.Grows {
			rate = "grows with the load"
		} else if !math.IsInf(d.Rate(), 1) {
			rate = count(math.Floor(d.Rate()))
		}
		fmt.Fprintf(&b, "| %s: %s | %s | %s | %s |", d.Service, d.Name, figure(d.PerOrder), d.Formula, rate)
		for _, l := range levels {
			share := l.Demands[i].Share(l.Rate)
			text := percent(share)
			if share > 1 {
				text = "**" + text + "**"
			}
			fmt.Fprintf(&b, " %s |", text)
		}
		b.WriteByte('\n')
	}
	return b.String()
}

func levelsText(levels []Level) string {
	var b strings.Builder
	for _, l := range levels {
		fmt.Fprintf(&b, "### %s orders a second\n\n", count(l.Rate))
		month := l.Rate * 30 * 24 * 3600
		fmt.Fprintf(&b, "%s orders in a month of 30 days. *Bill:* %s a month at $%.2f the million, and $%.0f whatever comes (list prices of %s, %s, first tier).\n\n",
			million(month), dollars(month/1e6*l.Report.PerMillion+l.Report.IdlePerMonth), l.Report.PerMillion, l.Report.IdlePerMonth,
			l.Report.Region, l.Report.PricesAsOf)
		over := l.UsedUp()
		if len(over) == 0 {
			b.WriteString("Nothing is used up. The nearest:\n\n| quota | used | what moves it |\n|---|---|---|\n")
			for _, d := range l.byRate()[:3] {
				fmt.Fprintf(&b, "| %s: %s | %s | %s |\n", d.Service, d.Name, percent(d.Share(l.Rate)), d.Change)
			}
		} else {
			fmt.Fprintf(&b, "*The first thing that breaks:* %s (%s), at %s orders a second. In the order in which they give in:\n\n", over[0].Name, over[0].Service, count(math.Floor(over[0].Rate())))
			b.WriteString("| quota | enough for | needed | what moves it |\n|---|---|---|---|\n")
			for _, d := range over {
				fmt.Fprintf(&b, "| %s: %s | %s/s | %s %s | %s |\n", d.Service, d.Name, count(math.Floor(d.Rate())), count(math.Ceil(d.PerOrder*l.Rate)), d.Unit, d.Change)
			}
			if fixed := l.cells(); fixed > 1 {
				fmt.Fprintf(&b, "\nWith all quotas of AWS raised tenfold, and settings at their most, this rate takes %d cells.\n", fixed)
			}
		}
		b.WriteByte('\n')
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// raised is how far it is assumed that AWS raises a quota.
const raised = 10

// cells is in how many stacks of an account each the orders have to be split, with quotas raised. One item that is in every order does not count:
// cells each have their stock.
func (l Level) cells() int {
	n := 1.0
	for _, d := range l.Demands {
		value := d.Value
		switch {
		case d.Setting != "" || d.ID == "hot-sku" || d.ID == "orders-table-new" || math.IsInf(d.Rate(), 1):
			continue
		case d.Adjustable:
			value *= raised
		}
		n = max(n, math.Ceil(d.PerOrder*l.Rate/value))
	}
	return int(n)
}

func outageTable(results []Result) string {
	var b strings.Builder
	b.WriteString("| out of order | orders a second | for | most that waited | oldest | caught up after | dead letters | orders at the end |\n|---|---|---|---|---|---|---|---|\n")
	for _, r := range results {
		if strings.HasPrefix(r.Name, "drain-") {
			continue
		}
		drained := "—"
		if r.Drained >= 0 && r.Peak > 0 {
			drained = seconds(r.Drained)
		}
		peak, oldest := count(float64(r.Peak))+" messages", seconds(r.Oldest)
		if r.Provider {
			most := 0
			for _, s := range r.Samples {
				most = max(most, s.Running)
			}
			peak, oldest = count(float64(most))+" executions", "—"
			drained = seconds(r.settled())
		}
		var statuses []string
		for _, status := range []string{"ACCEPTED", "RESERVED", "PAID", "COMPLETED", "REJECTED", "FAILED", "CANCELLED"} {
			if n := r.Statuses[status]; n > 0 {
				statuses = append(statuses, count(float64(n))+" "+status)
			}
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s | %s | %s | %s |\n", r.Title, figure(r.Rate), duration(r.Lasts), peak, oldest, drained, count(float64(r.Dead)), strings.Join(statuses, ", "))
	}
	return b.String()
}

// settled is how many seconds after the outage no more executions were under way than are normal.
func (r Result) settled() int {
	for _, s := range r.Samples {
		if since := s.At - int(r.Lasts.Seconds()); since > 0 && s.Running <= int(4*r.Rate) {
			return since
		}
	}
	return -1
}

func drainTable(results []Result) string {
	var b strings.Builder
	b.WriteString("| MaxConcurrency | waited at the end of the outage | a full batch takes | μ | computed | simulated | if it were a Standard workflow |\n|---|---|---|---|---|---|---|\n")
	for _, r := range results {
		if !strings.HasPrefix(r.Name, "drain-") {
			continue
		}
		backlog, mu := r.theory()
		limited := "—"
		if bounded := min(mu, standardStarts); bounded > r.Rate {
			limited = figure(backlog/(bounded-r.Rate)) + " s"
		}
		fmt.Fprintf(&b, "| %d | %s | %s ms | %s/s | %s s | %d s | %s |\n", r.Concurrency, count(backlog), count(math.Round(r.Service*1000)), count(math.Round(mu)),
			figure(backlog/(mu-r.Rate)), r.Drained, limited)
	}
	return b.String()
}

// standardStarts is how many executions of Standard workflows start in a second, where the quota is as it is by default.
const standardStarts = 300

// theory is what waited when the outage ended, and how many orders a second can be taken then.
func (r Result) theory() (backlog, mu float64) {
	return r.Lasts.Seconds() * r.Rate, float64(r.Concurrency) * fullBatch / r.Service
}

// count is a whole number with commas.
func count(v float64) string {
	text := strconv.FormatFloat(math.Round(v), 'f', 0, 64)
	for i := len(text) - 3; i > 0; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}

// figure is a number with three figures that count.
func figure(v float64) string {
	if v == 0 {
		return "0"
	}
	if v >= 1000 {
		return count(v)
	}
	digits := max(0, 2-int(math.Floor(math.Log10(v))))
	text := strconv.FormatFloat(v, 'f', digits, 64)
	if strings.Contains(text, ".") {
		text = strings.TrimRight(strings.TrimRight(text, "0"), ".")
	}
	return text
}

func percent(share float64) string {
	if share == 0 {
		return "—"
	}
	return figure(share*100) + " %"
}

func million(v float64) string { return figure(v/1e6) + " million" }

func dollars(v float64) string {
	if v >= 1e6 {
		return "$" + figure(v/1e6) + " million"
	}
	return "$" + count(v)
}

func seconds(n int) string {
	if n < 0 {
		return "not in the run"
	}
	return duration(time.Duration(n) * time.Second)
}

func duration(d time.Duration) string {
	switch {
	case d >= time.Hour:
		return figure(d.Hours()) + " h"
	case d >= 2*time.Minute:
		return figure(d.Minutes()) + " min"
	default:
		return figure(d.Seconds()) + " s"
	}
}
