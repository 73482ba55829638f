package main

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/orderflow-cdk/orderflow/internal/cost"
	"github.com/orderflow-cdk/orderflow/internal/snapshot"
	"github.com/orderflow-cdk/orderflow/local"
)

type costCommand struct {
	Env      string   `default:"prod" help:"Whose stack to bill: dev, staging or prod."`
	App      string   `placeholder:"DIR" help:"Take the template from this cdk.out folder instead of the one that comes with orderflow."`
	Orders   int      `default:"1000" placeholder:"N" help:"How many orders to run; the bill is that of a million."`
	Rate     float64  `default:"10" placeholder:"N" help:"How many orders come in a second, on average."`
	Channels []string `name:"channel" enum:"polling,webhook,websocket" help:"How clients learn of their orders, by turns: polling, webhook, websocket; without it, all."`
	Seed     uint64   `default:"1" help:"Seed of every random choice; the same seed gives the same bill."`
	Compare  bool     `help:"Put the bill beside those of other ways to do the same: other workflows and channels, a synchronous function, AWS Solutions Constructs."`
	JSON     bool     `help:"Print the bill as JSON, with everything that was counted."`
}

// Help is the command's long help.
func (*costCommand) Help() string {
	return "Orders run through the whole stack on this machine, in virtual time, and every unit that AWS bills is counted: by the engines, and once more from " +
		"the run's trace. The bill is the counts times a table of prices, which has the source and the date of each. " +
		"Exit codes: 0 the bill is made, 1 the counts and the trace do not agree."
}

// Run implements the command.
func (c *costCommand) Run() error {
	template, err := c.template()
	if err != nil {
		return err
	}
	o := cost.Options{Environment: c.Env, Orders: c.Orders, Rate: c.Rate, Seed: c.Seed, Reconcile: true}
	for _, name := range c.Channels {
		o.Channels = append(o.Channels, cost.Channel(name))
	}
	if c.Compare {
		return c.compare(template, o)
	}
	bar := progress(c.Orders)
	o.Progress = func(n int) { _ = bar.Set(n) }
	report, err := cost.Measure(template, o)
	_ = bar.Clear()
	if err != nil {
		return err
	}
	if c.JSON {
		err = c.print(report)
	} else {
		err = report.WriteText(os.Stdout)
	}
	if err != nil {
		return err
	}
	return cost.Disagreements(report.Checks)
}

func (c *costCommand) compare(template []byte, o cost.Options) error {
	comparison, err := cost.Compare(template, o, func(name string) {
		if !c.JSON {
			fmt.Fprintf(os.Stderr, "%s …\n", name)
		}
	})
	if err != nil {
		return err
	}
	if c.JSON {
		return c.print(comparison)
	}
	return comparison.WriteText(os.Stdout)
}

func (c *costCommand) print(v any) error {
	enc := json.NewEncoder(os.Stdout)
	enc.SetIndent("", "  ")
	return enc.Encode(v)
}

func (c *costCommand) template() ([]byte, error) {
	if !slices.Contains(snapshot.Environments(), c.Env) {
		return nil, fmt.Errorf("--env: there is no environment %q: it is one of %s", c.Env, strings.Join(snapshot.Environments(), ", "))
	}
	if c.App == "" {
		return snapshot.Template(c.Env)
	}
	template, err := local.ReadTemplate(c.App, "orderflow-"+c.Env)
	if err != nil {
		return nil, fmt.Errorf("--app: %w; run: npx cdk synth", err)
	}
	return template, nil
}
