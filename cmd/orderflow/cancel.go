package main

import (
	"context"

	"github.com/orderflow-cdk/orderflow/client"
)

type cancelCommand struct {
	connection

	ID   string `arg:"" help:"The order's id."`
	JSON bool   `name:"json" help:"Print where the order stands as JSON."`
}

// Help implements kong's interface for what help says besides the flags.
func (c *cancelCommand) Help() string {
	return "The workflow stops at its next checkpoint and undoes what it did, or completes if it is past the last one: " +
		"orderflow watch ID tells. An order that has ended is an error."
}

// Run implements the command.
func (c *cancelCommand) Run() error {
	return c.with(func(ctx context.Context, api *client.Client) error {
		s, err := api.Cancel(ctx, c.ID)
		if err != nil {
			return err
		}
		return printState(s, s, c.JSON)
	})
}
