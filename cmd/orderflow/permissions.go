package main

import (
	"encoding/json"
	"fmt"
	"os"

	"github.com/orderflow-cdk/orderflow/internal/localapp"
	"github.com/orderflow-cdk/orderflow/local"
)

type permissionsCommand struct {
	Env  string `default:"dev" enum:"dev,staging,prod" help:"Whose permissions: dev, staging or prod."`
	App  string `placeholder:"DIR" help:"Take the stack's template from this cdk.out folder instead of the one that comes with orderflow."`
	JSON bool   `help:"Print the report as JSON."`
}

// Help is the command's long help.
func (permissionsCommand) Help() string {
	return "It has the app do all that it can do, in less than a second: orders with every outcome, cancellations, webhooks until they are given up, outages. " +
		"Then it lists what the template grants and nothing needed, what is wider than what was needed, and what was denied. " +
		"Exit codes: 0 nothing is left unexplained, 1 something is."
}

// Run implements the command.
func (c *permissionsCommand) Run() error {
	var template []byte
	if c.App != "" {
		var err error
		if template, err = local.ReadTemplate(c.App, "orderflow-"+c.Env); err != nil {
			return fmt.Errorf("--app: %w; run: npx cdk synth", err)
		}
	}
	stack, failed := localapp.Exercise(c.Env, template, local.Options{Seed: 1}, nil)
	if stack == nil {
		return failed
	}
	defer stack.Close()
	report, _ := stack.Permissions().Explain(localapp.Explanations())
	if c.JSON {
		enc := json.NewEncoder(os.Stdout)
		enc.SetIndent("", "  ")
		if err := enc.Encode(report); err != nil {
			return err
		}
	} else if err := report.WriteText(os.Stdout); err != nil {
		return err
	}
	switch {
	case failed != nil:
		return fmt.Errorf("the app did not do all that it should have: %w", failed)
	case len(report.Unused)+len(report.Wide)+len(report.Denied) > 0:
		return fmt.Errorf("%d permissions are never used, %d are too wide, %d calls were denied", len(report.Unused), len(report.Wide), len(report.Denied))
	}
	return nil
}
