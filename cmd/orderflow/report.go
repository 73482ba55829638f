package main

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/orderflow-cdk/orderflow/internal/order"
)

// report is the result of a demo.
type report struct {
	Environment string     `json:"environment"`
	Seed        uint64     `json:"seed"`
	Outcomes    []*outcome `json:"outcomes"`
	Channels    []tally    `json:"channels"`
	Summary     summary    `json:"summary"`
	// Continued says that the run before was killed: which of two orders got the last piece then is chance, and no
	// expectation is held against it.
	Continued bool `json:"continued,omitempty"`
}

// summary counts submissions. A repeated submission counts like the order that
// it turned out to be.
type summary struct {
	Submitted  int `json:"submitted"`
	Completed  int `json:"completed"`
	Rejected   int `json:"rejected"`
	Failed     int `json:"failed"`
	Cancelled  int `json:"cancelled"`
	Refused    int `json:"refused"`
	Lost       int `json:"lost"`
	Duplicates int `json:"duplicates"`
	Unexpected int `json:"unexpected"`
}

func (r *report) count() {
	s := summary{Submitted: len(r.Outcomes)}
	for _, o := range r.Outcomes {
		switch {
		case o.Lost:
			s.Lost++
		case o.OrderID == "":
			s.Refused++
		default:
			switch order.Status(o.Status) {
			case order.Completed:
				s.Completed++
			case order.Rejected:
				s.Rejected++
			case order.Failed:
				s.Failed++
			case order.Cancelled:
				s.Cancelled++
			}
		}
		if o.Duplicate {
			s.Duplicates++
		}
		if !o.AsExpected {
			s.Unexpected++
		}
	}
	r.Summary = s
}

func (s summary) String() string {
	return fmt.Sprintf("%d submitted, %d completed, %d rejected, %d failed, %d refused, %d lost",
		s.Submitted, s.Completed, s.Rejected, s.Failed, s.Refused, s.Lost)
}

// verdict is an error if an accepted order is lost or an expectation is missed.
func (r *report) verdict() error {
	var problems []string
	if n := r.Summary.Lost; n > 0 {
		problems = append(problems, fmt.Sprintf("%d accepted orders did not reach an end (--logs FILE keeps what the functions say)", n))
	}
	for _, t := range r.Channels {
		if p := t.problem(); p != "" {
			problems = append(problems, p)
		}
	}
	for _, o := range r.Outcomes {
		if !o.AsExpected && !r.Continued {
			problems = append(problems, fmt.Sprintf("line %d: expected %s, got %s", o.Line, o.Expect, o.result()))
		}
	}
	if len(problems) == 0 {
		return nil
	}
	const most = 10
	if len(problems) > most {
		problems = append(problems[:most], fmt.Sprintf("and %d more", len(problems)-most))
	}
	return fmt.Errorf("%s", strings.Join(problems, "; "))
}

// result is the end of a submission in a word or two.
func (o *outcome) result() string {
	switch {
	case o.Lost:
		return "lost (last seen " + o.Status + ")"
	case o.OrderID == "":
		return fmt.Sprintf("HTTP %d", o.HTTPStatus)
	}
	return o.Status
}

// delay is how long the end took to reach the tenant by a channel.
func (o *outcome) delay(channel string) string {
	seconds, ok := o.Delays[channel]
	if !ok {
		return ""
	}
	return "+" + time.Duration(seconds*float64(time.Second)).Round(time.Millisecond).String()
}

func (r *report) print(w io.Writer, simulated, wall time.Duration) {
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(tw, "LINE\tORDER\tTENANT\tSTATUS PATH\tTIME\tATTEMPTS\tPOLLED\tWEBHOOK\tWEBSOCKET\t")
	for _, o := range r.Outcomes {
		path, took, attempts := strings.Join(o.Path, " → "), "", ""
		switch {
		case o.OrderID == "":
			path = fmt.Sprintf("refused: %d %s", o.HTTPStatus, short(o.Problem, 80))
		case o.Lost:
			path = o.result() + " " + o.Problem
		default:
			took = time.Duration(o.Seconds * float64(time.Second)).Round(time.Millisecond).String()
			attempts = fmt.Sprint(o.Attempts)
			if o.Reason != "" {
				path += " (" + o.Reason + ")"
			}
		}
		if o.Duplicate {
			path += " [same order as before]"
		}
		if !o.AsExpected {
			path += "  ✗ expected " + o.Expect
		}
		fmt.Fprintf(tw, "%d\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t\n", o.Line, short(o.OrderID, 29), short(o.Tenant, 20), path, took, attempts,
			o.delay("polling"), o.delay("webhook"), o.delay("websocket"))
	}
	tw.Flush()
	fmt.Fprintln(w)
	for _, t := range r.Channels {
		fmt.Fprintln(w, t)
	}
	s := r.Summary
	fmt.Fprintf(w, "\norderflow-%s, seed %d: %s of simulated time in %s; %d cancelled, %d repeated submissions, %d against expectation\n",
		r.Environment, r.Seed, simulated.Round(time.Second), wall.Round(time.Millisecond), s.Cancelled, s.Duplicates, s.Unexpected)
	fmt.Fprintln(w, s)
}

// short cuts a text to n characters, and control characters out of it, since
// it goes to a terminal.
func short(s string, n int) string {
	s = strings.Map(func(c rune) rune {
		if c < ' ' || c == 0x7f {
			return ' '
		}
		return c
	}, s)
	if r := []rune(s); len(r) > n {
		return string(r[:n-1]) + "…"
	}
	return s
}
