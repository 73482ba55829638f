package main

import (
	"fmt"
	"os"
	"text/tabwriter"
	"time"

	"github.com/orderflow-cdk/orderflow/client"
)

type statusCommand struct {
	connection

	ID   string `arg:"" help:"The order's id."`
	JSON bool   `name:"json" help:"Print all that is known of the order as JSON: its history, results and body too."`
}

// Run implements the command.
func (c *statusCommand) Run() error {
	ctx, stop := interruptible()
	defer stop()
	api, err := c.client()
	if err != nil {
		return err
	}
	if c.JSON {
		o, err := api.Get(ctx, c.ID)
		if err != nil {
			return explain(err)
		}
		return printJSON(o)
	}
	s, err := api.Status(ctx, c.ID)
	if err != nil {
		return explain(err)
	}
	return printState(s, nil, false)
}

// timeFormat is that of the API's own times.
const timeFormat = "2006-01-02T15:04:05.000Z"

// printState tells where an order stands, or prints the document.
func printState(s client.State, document any, asJSON bool) error {
	if asJSON {
		return printJSON(document)
	}
	tw := tabwriter.NewWriter(os.Stdout, 0, 0, 3, ' ', 0)
	line := func(name, value string) {
		if value != "" {
			fmt.Fprintf(tw, "%s\t%s\n", name, short(value, 1000))
		}
	}
	line("order", s.OrderID)
	line("status", s.Status)
	if s.Sequence > 0 {
		line("sequence", fmt.Sprint(s.Sequence))
	}
	line("accepted", timeText(s.AcceptedAt))
	line("updated", timeText(s.UpdatedAt))
	line("reason", reasonOf(s.Reason, s.Detail))
	if s.CancelRequested && !s.Final() {
		line("cancel", "requested")
	}
	if s.Conflicts > 0 {
		line("conflicts", fmt.Sprintf("%d (other orders under the same idempotency key; the first one counts)", s.Conflicts))
	}
	return tw.Flush()
}

func timeText(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(timeFormat)
}
