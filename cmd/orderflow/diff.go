package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/orderflow-cdk/orderflow/internal/diff"
)

type diffCommand struct {
	Old string `arg:"" help:"What is deployed: a cdk.out folder, a folder of templates, a template, or a git revision."`
	New string `arg:"" help:"What is to be deployed, likewise."`

	Synth  bool   `help:"Synthesize git revisions in a worktree for the time being, instead of taking the templates committed with them. Needs Node and npm ci."`
	JSON   bool   `help:"Print the report as JSON."`
	FailOn string `default:"none" enum:"none,info,low,medium,high,critical" help:"Exit with 3 if there is a finding of this level or a graver one: info, low, medium, high or critical."`
	Cost   int    `default:"200" placeholder:"N" help:"How many orders to run through both templates for what the change costs; 0: none."`
	Limit  int    `placeholder:"BYTES" help:"Leave out the least grave findings if the Markdown would be longer, as a comment on GitHub must not be."`
}

// exitDiffers is the exit code of diff --fail-on.
const exitDiffers = 3

// Help is the command's long help.
func (diffCommand) Help() string {
	return "It prints Markdown for a reviewer, the worst first: resources that are replaced or deleted and what is lost with them, permissions that grow, " +
		"what becomes reachable, every other difference, and the change of the bill, from orders that run through both templates on this machine. It asks nothing of AWS. Exit codes: 0, or 3 with --fail-on; 1 an error, 2 a mistake in the flags."
}

// Run implements the command.
func (c *diffCommand) Run() error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	old, err := diff.Load(ctx, c.Old, c.Synth)
	if err != nil {
		return err
	}
	new, err := diff.Load(ctx, c.New, c.Synth)
	if err != nil {
		return err
	}
	report, err := diff.Compare(old, new)
	if err != nil {
		return err
	}
	if c.Cost > 0 {
		report.Measure(old, new, c.Cost)
	}
	if c.JSON {
		enc := json.NewEncoder(os.Stdout)
		enc.SetEscapeHTML(false)
		enc.SetIndent("", "  ")
		err = enc.Encode(report)
	} else {
		err = report.WriteMarkdown(os.Stdout, c.Limit)
	}
	if err != nil {
		return err
	}
	return c.judge(report)
}

// judge is the error of a report that --fail-on does not let pass.
func (c *diffCommand) judge(r *diff.Report) error {
	var level diff.Level
	if c.FailOn == "none" || len(r.Findings) == 0 {
		return nil
	}
	if err := level.UnmarshalText([]byte(c.FailOn)); err != nil {
		return err
	}
	if r.Level < level {
		return nil
	}
	return &exitError{exitDiffers, fmt.Sprintf("%s: %s", r.Level, r.Verdict)}
}
