package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/schollz/progressbar/v3"

	"github.com/orderflow-cdk/orderflow/internal/operate"
)

type redriveCommand struct {
	operating

	Queue  string   `arg:"" optional:"" help:"orders, webhooks or subscriptions, or the logical id of another dead-letter queue of the stack. Without it, all queues are listed."`
	Order  []string `placeholder:"ID" help:"Only the letters of this order; may be repeated."`
	Tenant string   `placeholder:"NAME" help:"Only the letters of this tenant."`
	Rate   int      `placeholder:"N" help:"Move so many a second: 1 to 500. Default: as fast as SQS sees fit."`
	Limit  int      `default:"100" help:"List at most so many letters."`
}

// Help implements kong's interface for what help says besides the flags.
func (c *redriveCommand) Help() string {
	return "Lists what was given up, and with --apply moves it back to where it is tried again. A listing hides letters from others for some seconds. " +
		"All of a queue is moved by SQS itself, which goes on if the command is interrupted; with --order or --tenant, and for subscriptions, letters are moved one by one: " +
		"a copy goes out before the letter is deleted, so that one may be dealt with twice, which does no harm, and none is lost. " +
		"What outbox has, orderflow replay tells again. " + operatingCodes
}

// sampled is how many letters of a queue are looked at for the list of queues.
const sampled = 10

// Run implements the command.
func (c *redriveCommand) Run() error {
	switch {
	case c.Queue == "" && !c.Policy && (c.Apply || len(c.Order) > 0 || c.Tenant != "" || c.Rate != 0):
		return misused("which queue? orderflow redrive lists them; orderflow redrive orders --apply moves what is in one")
	case c.Rate < 0 || c.Rate > 500:
		return misused("--rate %d: want 1 to 500", c.Rate)
	case c.Limit < 1:
		return misused("--limit %d: want 1 or more", c.Limit)
	case c.Queue == operate.Outbox && c.Apply:
		return misused("%s", operate.ErrPositions.Error())
	}
	return c.with(operate.CommandRedrive, func(ctx context.Context, s *operate.Stack) error {
		if c.Queue == "" {
			return c.all(ctx, s)
		}
		q, err := s.Queue(ctx, c.Queue)
		if unknown := (*operate.UnknownQueue)(nil); errors.As(err, &unknown) {
			return misused("%s", unknown.Error())
		}
		if err != nil {
			return err
		}
		if c.Apply {
			return c.move(ctx, s, q)
		}
		return c.list(ctx, s, q)
	})
}

// queueReport is what --json prints of a queue: a line each.
type queueReport struct {
	*operate.Queue
	Letters []operate.Letter `json:"letters,omitempty"`
	// More says that there are letters that are not listed.
	More   bool           `json:"more,omitempty"`
	Result *operate.Moved `json:"result,omitempty"`
}

// all lists all queues, with the reasons of a few of their letters.
func (c *redriveCommand) all(ctx context.Context, s *operate.Stack) error {
	queues, err := s.Queues(ctx)
	if err != nil {
		return err
	}
	waiting := 0
	tw := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(tw, "QUEUE\tWAITING\tIN FLIGHT\tOLDEST\tWHY")
	for _, q := range queues {
		report := queueReport{Queue: q}
		if q.Waiting > 0 {
			all := false
			if report.Letters, all, err = s.Look(ctx, q, operate.Filter{}, sampled); err != nil {
				return err
			}
			report.More = !all
			s.Explain(ctx, q, report.Letters)
		}
		waiting += max(q.Waiting, len(report.Letters))
		if c.JSON {
			if err := printJSON(report); err != nil {
				return err
			}
			continue
		}
		oldest := ""
		if len(report.Letters) > 0 {
			oldest = ago(report.Letters[0].Sent, time.Now())
		}
		fmt.Fprintf(tw, "%s\t%d\t%d\t%s\t%s\n", q.Name, q.Waiting, q.InFlight, oldest, reasons(report.Letters))
	}
	if !c.JSON {
		if err := tw.Flush(); err != nil {
			return err
		}
	}
	if waiting == 0 {
		return nil
	}
	return left("%s in all; orderflow redrive QUEUE lists those of a queue", counted(waiting, "dead letter"))
}

// reasons are the most frequent reasons of letters, with how often each.
func reasons(letters []operate.Letter) string {
	count := map[string]int{}
	for _, l := range letters {
		if l.Reason != "" {
			count[l.Reason]++
		}
	}
	var all []string
	for reason := range count {
		all = append(all, reason)
	}
	slices.SortFunc(all, func(a, b string) int { return cmp.Or(count[b]-count[a], strings.Compare(a, b)) })
	const few = 2
	for i, reason := range all[:min(len(all), few)] {
		all[i] = short(reason, 80)
		if n := count[reason]; n > 1 {
			all[i] += fmt.Sprintf(" (%d)", n)
		}
	}
	if len(all) > few {
		all = append(all[:few], "…")
	}
	return strings.Join(all, "; ")
}

// list tells what is in a queue.
func (c *redriveCommand) list(ctx context.Context, s *operate.Stack, q *operate.Queue) error {
	letters, all, err := s.Look(ctx, q, operate.Filter{Orders: c.Order, Tenant: c.Tenant}, c.Limit)
	if err != nil {
		return err
	}
	s.Explain(ctx, q, letters)
	if c.JSON {
		if err := printJSON(queueReport{Queue: q, Letters: letters, More: !all}); err != nil {
			return err
		}
	} else if len(letters) > 0 {
		if err := printLetters(letters); err != nil {
			return err
		}
	}
	switch n := counted(len(letters), "dead letter"); {
	case len(letters) == 0 && all && q.InFlight == 0:
		return nil
	case len(letters) == 0 && all:
		return left("%s is empty but for %s that somebody has received and may still delete", q.Name, counted(q.InFlight, "message"))
	case !all:
		return left("%s in %s, and more; --apply moves all of them", n, q.Name)
	case q.Name == operate.Outbox:
		return left("%s in %s; orderflow replay tells the events again", n, q.Name)
	default:
		return left("%s in %s; --apply moves them back", n, q.Name)
	}
}

func printLetters(letters []operate.Letter) error {
	tw := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(tw, "MESSAGE\tORDER\tTENANT\tEVENT\tENDPOINT\tSENT\tRECEIVED\tWHY")
	for _, l := range letters {
		_, sequence, _ := strings.Cut(l.Event, ":")
		fmt.Fprintf(tw, "%s\t%s\t%s\t%s\t%s\t%s\t%d\t%s\n", l.MessageID, cmp.Or(short(l.OrderID, 80), "-"), cmp.Or(short(l.Tenant, 40), "-"), cmp.Or(sequence, "-"),
			cmp.Or(l.Endpoint, "-"), timeText(l.Sent), l.Received, short(l.Reason, 200))
	}
	return tw.Flush()
}

// move moves what is in a queue.
func (c *redriveCommand) move(ctx context.Context, s *operate.Stack, q *operate.Queue) error {
	var bar *progressbar.ProgressBar
	moved, err := s.Redrive(ctx, q, operate.Redrive{
		Filter: operate.Filter{Orders: c.Order, Tenant: c.Tenant}, Rate: c.Rate,
		Progress: func(moved, all int) {
			if bar == nil {
				bar = progress(all)
			}
			bar.ChangeMax(all)
			_ = bar.Set(moved) // it is for looks
		},
	})
	if bar != nil {
		_ = bar.Finish()
	}
	if moved.Joined {
		fmt.Fprintf(os.Stderr, "orderflow: a move of %s was under way already\n", q.Name)
	}
	if err != nil {
		if moved.Moved > 0 && moved.By != "task" {
			fmt.Fprintf(os.Stderr, "orderflow: moved %s before that\n", counted(moved.Moved, "dead letter"))
		}
		return err
	}
	if c.JSON {
		err = printJSON(queueReport{Queue: q, Result: &moved})
	} else {
		to := moved.Destination
		if i := strings.LastIndexByte(to, ':'); i >= 0 {
			to = to[i+1:]
		}
		_, err = fmt.Printf("moved %s from %s to %s\n", counted(moved.Moved, "dead letter"), q.Name, cmp.Or(to, "where each came from"))
	}
	switch {
	case err != nil || moved.Done():
		return err
	case moved.Partly:
		return left("not all of %s could be looked at; do it again", q.Name)
	case len(moved.Kept) > 0:
		return left("%s: message %s: %s (%d in all are left in %s)", q.Name, moved.Kept[0].MessageID, moved.Kept[0].Why, len(moved.Kept), q.Name)
	}
	return left("the move of %s is %s: %s", q.Name, moved.Status, cmp.Or(moved.Failure, "no reason given"))
}
