package scale

import (
	"strings"

	"github.com/orderflow-cdk/orderflow/internal/plot"
)

// Drawings are the images of docs/scale.md, by their names in docs/images.
func Drawings(levels []Level, results []Result) map[string][]byte {
	of := map[string]Result{}
	for _, r := range results {
		of[r.Name] = r
	}
	return map[string][]byte{
		"scale-queue.svg": plot.SVG("The queue of orders during and after an outage of half an hour",
			panel("messages that wait, and dead letters, 2 orders a second", of["intake"], minute, line("waiting, intake throttled", waiting), line("dead letters", dead)),
			panel("the same, when Step Functions starts nothing", of["step-functions"], minute, line("waiting", waiting), line("dead letters", dead)),
			join(panel("age of the oldest message, in minutes", of["intake"], minute, line("intake throttled", age)),
				panel("", of["step-functions"], minute, line("Step Functions starts nothing", age)))),
		"scale-payment.svg": plot.SVG("Executions under way while the payment provider is out of order for half an hour",
			join(panel("executions under way, 1 order a second", of["payment"], minute, line("retry of seconds, then compensation", running)),
				panel("", of["payment-patient"], minute, line("Standard, with a patient retry", running)))),
		"scale-webhook.svg": plot.SVG("Deliveries to a webhook that is out of order for four hours",
			panel("deliveries that wait", of["webhook"], hour, line("waiting", waiting)),
			panel("age of the oldest delivery, in minutes", of["webhook"], hour, line("age", age))),
		"scale-drain.svg":  plot.SVG("How fast the queue drains, by MaxConcurrency", drains(results)),
		"scale-demand.svg": plot.SVG("How much of each quota is used, by orders a second", used(levels)),
	}
}

// unit is a unit of time on the X axis.
type unit struct {
	seconds float64
	name    string
}

var minute, hour = unit{60, "minutes since the outage began"}, unit{3600, "hours since the outage began"}

type curve struct {
	name string
	of   func(Sample) float64
}

func line(name string, of func(Sample) float64) curve { return curve{name, of} }

func waiting(s Sample) float64 { return float64(s.Waiting) }
func dead(s Sample) float64    { return float64(s.Dead) }
func running(s Sample) float64 { return float64(s.Running) }
func age(s Sample) float64     { return float64(s.Age) / 60 }

func panel(title string, r Result, u unit, curves ...curve) plot.Panel {
	p := plot.Panel{Title: title, XLabel: u.name, Bands: []plot.Band{{From: 0, To: r.Lasts.Seconds() / u.seconds, Label: "outage"}}}
	for _, c := range curves {
		s := plot.Series{Name: c.name}
		for _, sample := range r.Samples {
			s.Points = append(s.Points, plot.Point{X: float64(sample.At) / u.seconds, Y: c.of(sample)})
		}
		p.Series = append(p.Series, s)
	}
	return p
}

// join puts the lines of a second panel into the first.
func join(a, b plot.Panel) plot.Panel {
	a.Series = append(a.Series, b.Series...)
	return a
}

// drains are the outages that end with different concurrency, simulated and computed.
func drains(results []Result) plot.Panel {
	p := plot.Panel{Title: "messages that wait when intake is well again, 20 orders a second", XLabel: "seconds since the end of the outage"}
	for _, r := range results {
		if !strings.HasPrefix(r.Name, "drain-") {
			continue
		}
		s := plot.Series{Name: r.Title}
		for _, sample := range r.Samples {
			if at := float64(sample.At) - r.Lasts.Seconds(); at >= 0 && at <= 25 {
				s.Points = append(s.Points, plot.Point{X: at, Y: float64(sample.Waiting)})
			}
		}
		p.Series = append(p.Series, s)
		if backlog, mu := r.theory(); r.Concurrency == 2 {
			p.Series = append(p.Series, plot.Series{Name: "computed for 2", Dashed: true, Points: []plot.Point{{X: 0, Y: backlog}, {X: backlog / (mu - r.Rate), Y: 0}}})
		}
	}
	return p
}

// shown are the quotas of the drawing, as it calls them: what gives in first of four services.
var shown = map[string]string{"start-execution": "StartExecution", "start-express": "StartExecution", "hot-sku": "an SKU's item", "lambda": "Lambda concurrency", "gateway": "gateway requests"}

// used is how much of the quotas is used, by rate.
func used(levels []Level) plot.Panel {
	last := levels[len(levels)-1]
	p := plot.Panel{Title: "used of the quota, in percent", XLabel: "orders a second", LogX: true, LogY: true}
	first, end := levels[0].Rate, last.Rate
	for _, d := range last.byRate() {
		if name := shown[d.ID]; name != "" && d.PerOrder > 0 {
			p.Series = append(p.Series, plot.Series{
				Name:   name,
				Points: []plot.Point{{X: first, Y: 100 * d.Share(first)}, {X: end, Y: 100 * d.Share(end)}},
			})
		}
	}
	return append100(p, first, end)
}

// append100 adds the line at which a quota is used up.
func append100(p plot.Panel, from, to float64) plot.Panel {
	p.Series = append(p.Series, plot.Series{Name: "all of it", Dashed: true, Points: []plot.Point{{X: from, Y: 100}, {X: to, Y: 100}}})
	return p
}
