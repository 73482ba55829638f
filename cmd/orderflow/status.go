package main

import (
	"context"
	"fmt"
	"strings"
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
	return c.with(func(ctx context.Context, api *client.Client) error {
		if c.JSON {
			o, err := api.Get(ctx, c.ID)
			if err != nil {
				return err
			}
			return printJSON(o)
		}
		s, err := api.Status(ctx, c.ID)
		if err != nil {
			return err
		}
		return printState(s, nil, false)
	})
}

// timeFormat is that of the API's own times.
const timeFormat = "2006-01-02T15:04:05.000Z"

// printState tells where an order stands, or prints the document.
func printState(s client.State, document any, asJSON bool) error {
	if asJSON {
		return printJSON(document)
	}
	var t table
	t.line("order", s.OrderID)
	t.line("status", s.Status)
	if s.Sequence > 0 {
		t.line("sequence", fmt.Sprint(s.Sequence))
	}
	t.line("accepted", timeText(s.AcceptedAt))
	t.line("updated", timeText(s.UpdatedAt))
	t.line("reason", reasonOf(s.Reason, s.Detail))
	if s.CancelRequested && !s.Final() {
		t.line("cancel", "requested")
	}
	if s.Conflicts > 0 {
		t.line("conflicts", fmt.Sprintf("%d (other orders under the same idempotency key; the first one counts)", s.Conflicts))
	}
	return t.print()
}

func timeText(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(timeFormat)
}

// table is names and values, one a line.
type table struct{ strings.Builder }

// line adds a line, unless there is no value.
func (t *table) line(name, value string) {
	if value != "" {
		fmt.Fprintf(t, "%-14s%s\n", name, short(value, 2100))
	}
}

func (t *table) print() error {
	_, err := fmt.Print(t.String())
	return err
}
