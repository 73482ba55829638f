package main

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"text/tabwriter"
	"time"

	"github.com/schollz/progressbar/v3"

	"github.com/orderflow-cdk/orderflow/internal/operate"
)

type stuckCommand struct {
	operating

	Older time.Duration `default:"15m" help:"Orders whose status has not changed for so long."`
	Order string        `placeholder:"ID" xor:"which" help:"Only this order. Then the table is not read."`
	Limit int           `default:"1000" help:"At most so many."`

	Started time.Duration `placeholder:"TIME" xor:"which" help:"Only orders whose execution started within this time, such as 24h, and dead letters. Then Step Functions is asked, and the table is not read."`
}

// Help implements kong's interface for what help says besides the flags.
func (c *stuckCommand) Help() string {
	return "Lists the orders that have not ended and have not changed for a while, with what their execution does, and what would have them go on: " +
		"redrive (the execution goes on where it failed), start (none runs: one is started), move (a dead letter goes back into its queue), wait (it runs), hand (nothing that can be done here). " +
		"With --apply that is done; an execution is never started while one runs. The table has no index by status, so that all of it is read: half a read request unit for every 4 KiB; --started and --order do without. " +
		"Orders that only wait do not count as something left. " + operatingCodes
}

// Run implements the command.
func (c *stuckCommand) Run() error {
	switch {
	case c.Older <= 0:
		return misused("--older %s: want a duration such as 15m", c.Older)
	case c.Started < 0:
		return misused("--started %s: want a duration such as 24h", c.Started)
	case c.Limit < 1:
		return misused("--limit %d: want 1 or more", c.Limit)
	}
	return c.with(operate.CommandStuck, func(ctx context.Context, s *operate.Stack) error {
		var bar *progressbar.ProgressBar
		found, read, more, err := s.Stuck(ctx, operate.Stuck{
			Older: c.Older, Order: c.Order, Started: c.Started, Limit: c.Limit,
			Progress: func(r operate.Reading) {
				if bar == nil {
					if bar = progress(int(max(r.Items, 1))); r.Estimate() > 0 {
						bar.Describe(fmt.Sprintf("reading the table, about %d read request units", r.Estimate()))
					}
				}
				bar.ChangeMax64(max(r.Items, r.Read, 1))
				_ = bar.Set64(r.Read) // it is for looks
			},
		})
		if bar != nil {
			_ = bar.Finish()
		}
		if err != nil {
			return err
		}
		if read.Read > 0 {
			fmt.Fprintf(os.Stderr, "orderflow: read %s of the table for %.1f read request units\n", counted(int(read.Read), "item"), read.Units)
		}
		if c.Apply {
			bar := progress(len(found))
			if err := s.Mend(ctx, found, func() { _ = bar.Add(1) }); err != nil {
				return err
			}
			_ = bar.Finish()
		}
		if err := c.print(found); err != nil {
			return err
		}
		return c.verdict(found, more)
	})
}

// verdict is the error of orders that are left.
func (c *stuckCommand) verdict(found []*operate.StuckOrder, more bool) error {
	actionable, failed := 0, 0
	for _, o := range found {
		if o.Actionable() && !o.Done {
			actionable++
		}
		if o.Failed != "" {
			failed++
		}
	}
	switch {
	case more:
		return left("there are more than %d; do it again, or take a higher --limit", c.Limit)
	case c.Apply && actionable > 0:
		return left("%s could not be mended", counted(actionable, "order"))
	case actionable > 0:
		return left("%s can go on; --apply has them do so, but for those to be mended by hand", counted(actionable, "order"))
	}
	return nil
}

func (c *stuckCommand) print(found []*operate.StuckOrder) error {
	if c.JSON {
		for _, o := range found {
			if err := printJSON(o); err != nil {
				return err
			}
		}
		return nil
	}
	if len(found) == 0 {
		return nil
	}
	tw := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(tw, "ORDER\tTENANT\tSTATUS\tFOR\tMEND\tWHY")
	for _, o := range found {
		why := o.Why
		if e := o.Execution; e != nil && e.Error != "" && o.Mending != operate.MendStart {
			why += " (" + e.Error + ")"
		}
		mend := string(o.Mending)
		switch {
		case o.Failed != "":
			mend, why = "failed", o.Failed
		case o.Done:
			mend += ", done"
		}
		fmt.Fprintf(tw, "%s\t%s\t%s\t%s\t%s\t%s\n", short(o.OrderID, 80), short(o.Tenant, 40), o.Status, cmp.Or(ago(o.Since, time.Now()), "-"), mend, short(why, 200))
	}
	return tw.Flush()
}
