package main

import (
	"context"
	"fmt"
	"os"
	"strings"
	"text/tabwriter"

	"github.com/orderflow-cdk/orderflow/client"
)

type webhooksCommand struct {
	Create webhooksCreateCommand `cmd:"" help:"Send the tenant's events to an address, and print the secret that verifies them."`
	List   webhooksListCommand   `cmd:"" help:"List the endpoints."`
	Get    webhooksGetCommand    `cmd:"" help:"Show an endpoint, and what went wrong with it last."`
	Delete webhooksDeleteCommand `cmd:"" help:"Remove an endpoint."`
	Rotate webhooksRotateCommand `cmd:"" help:"Give an endpoint a new secret. The old one signs for 24 hours more."`
	Enable webhooksEnableCommand `cmd:"" help:"Take an endpoint into use again that was disabled."`
	Test   webhooksTestCommand   `cmd:"" help:"Send an event of the type webhook.test to an endpoint."`
}

// output is how commands about webhooks print.
type output struct {
	JSON bool `name:"json" help:"Print JSON."`
}

// endpoint is the flags of a command about one endpoint.
type endpoint struct {
	connection
	output

	ID string `arg:"" help:"The endpoint's id, we_..."`
}

type webhooksCreateCommand struct {
	connection
	output

	Address     string   `arg:"" name:"address" help:"Where to send events: an https URL that leads to a public address."`
	Description string   `help:"What it is for."`
	Status      []string `placeholder:"STATUS" help:"Send only the events of this status; may be repeated. Default: all."`
}

// Run implements the command.
func (c *webhooksCreateCommand) Run() error {
	// The API would answer with the pattern that it does not match.
	if !strings.HasPrefix(c.Address, "https://") {
		return fmt.Errorf("%q: must be an https URL, such as https://hooks.example/orders", c.Address)
	}
	for i, s := range c.Status {
		c.Status[i] = strings.ToUpper(s)
	}
	return c.with(func(ctx context.Context, api *client.Client) error {
		w, err := api.CreateWebhook(ctx, client.NewWebhook{URL: c.Address, Description: c.Description, Statuses: c.Status})
		if err != nil {
			return err
		}
		return c.print(w)
	})
}

type webhooksListCommand struct {
	connection
	output
}

// Run implements the command.
func (c *webhooksListCommand) Run() error {
	return c.with(func(ctx context.Context, api *client.Client) error {
		all, err := api.ListWebhooks(ctx)
		if err != nil {
			return err
		}
		if c.JSON {
			for _, w := range all {
				if err := printJSON(w); err != nil {
					return err
				}
			}
			return nil
		}
		tw := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
		fmt.Fprintln(tw, "ID\tSTATE\tSTATUSES\tURL")
		for _, w := range all {
			fmt.Fprintf(tw, "%s\t%s\t%s\t%s\n", w.ID, stateOf(w), statusesOf(w), short(w.URL, 200))
		}
		return tw.Flush()
	})
}

type webhooksGetCommand struct{ endpoint }

// Run implements the command.
func (c *webhooksGetCommand) Run() error { return c.printing((*client.Client).GetWebhook) }

type webhooksRotateCommand struct{ endpoint }

// Run implements the command.
func (c *webhooksRotateCommand) Run() error { return c.printing((*client.Client).RotateWebhookSecret) }

type webhooksEnableCommand struct{ endpoint }

// Run implements the command.
func (c *webhooksEnableCommand) Run() error { return c.printing((*client.Client).EnableWebhook) }

type webhooksDeleteCommand struct {
	connection

	ID string `arg:"" help:"The endpoint's id, we_..."`
}

// Run implements the command.
func (c *webhooksDeleteCommand) Run() error {
	return c.with(func(ctx context.Context, api *client.Client) error { return api.DeleteWebhook(ctx, c.ID) })
}

type webhooksTestCommand struct{ endpoint }

// Run implements the command.
func (c *webhooksTestCommand) Run() error {
	return c.with(func(ctx context.Context, api *client.Client) error {
		id, err := api.TestWebhook(ctx, c.ID)
		if err != nil {
			return err
		}
		if c.JSON {
			return printJSON(map[string]string{"eventId": id})
		}
		_, err = fmt.Printf("event %s is on its way; orderflow webhooks get tells if it cannot be delivered\n", id)
		return err
	})
}

func (c *endpoint) printing(f func(*client.Client, context.Context, string) (client.Webhook, error)) error {
	return c.with(func(ctx context.Context, api *client.Client) error {
		w, err := f(api, ctx, c.ID)
		if err != nil {
			return err
		}
		return c.print(w)
	})
}

func (o output) print(w client.Webhook) error {
	if o.JSON {
		return printJSON(w)
	}
	var t table
	t.line("webhook", w.ID)
	t.line("url", w.URL)
	t.line("description", w.Description)
	t.line("statuses", statusesOf(w))
	t.line("state", stateOf(w))
	t.line("created", timeText(w.CreatedAt))
	t.line("failing", timeText(w.FailingSince))
	if f := w.LastFailure; f != nil {
		what := f.Error
		if status := fmt.Sprintf("HTTP %d", f.Status); f.Status != 0 && !strings.HasPrefix(what, status) {
			what = strings.TrimSuffix(status+": "+what, ": ")
		}
		t.line("last failure", timeText(f.At)+" "+what)
	}
	if w.Secret != "" {
		t.line("secret", w.Secret+" (shown this once)")
	}
	return t.print()
}

func stateOf(w client.Webhook) string {
	switch {
	case w.Enabled:
		return "enabled"
	case w.DisabledReason != "":
		return "disabled: " + w.DisabledReason
	}
	return "disabled"
}

func statusesOf(w client.Webhook) string {
	if len(w.Statuses) == 0 {
		return "all"
	}
	return strings.Join(w.Statuses, ",")
}
