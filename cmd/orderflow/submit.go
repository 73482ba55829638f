package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"golang.org/x/term"

	"github.com/orderflow-cdk/orderflow/client"
)

type submitCommand struct {
	listening

	File  string `arg:"" default:"-" help:"The order as JSON; - (the default) reads standard input."`
	Key   string `placeholder:"KEY" help:"Idempotency key: the same key again leads to the same order. Default: a random one."`
	Wait  bool   `xor:"stay" help:"Stay until the order has come to its end, and tell how."`
	Watch bool   `xor:"stay" help:"Stay, and tell each event as it comes."`
	JSON  bool   `name:"json" help:"Print JSON, one document a line: the acceptance, then the events (--watch) or the order (--wait)."`
}

// Help implements kong's interface for what help says besides the flags.
func (c *submitCommand) Help() string {
	return "Prints the order's id, and with --wait or --watch what becomes of it. " + exitCodes
}

// accepted is what --json prints of a submitted order.
type accepted struct {
	client.Accepted
	IdempotencyKey string `json:"idempotencyKey"`
}

// Run implements the command.
func (c *submitCommand) Run() error {
	return c.with(func(ctx context.Context, api *client.Client) error {
		order, err := readOrder(c.File)
		if err != nil {
			return err
		}
		key := c.Key
		if key == "" {
			key = rand.Text()
		}
		a, err := api.Submit(ctx, order, client.SubmitOptions{IdempotencyKey: key})
		if err != nil {
			return undecided(ctx, err, key)
		}
		if c.JSON {
			err = printJSON(accepted{a, a.IdempotencyKey})
		} else {
			_, err = fmt.Println(a.OrderID)
		}
		switch {
		case err != nil:
			return err
		case c.Watch:
			return watching{api: api, id: a.OrderID, json: c.JSON}.run(ctx)
		case c.Wait:
			return waitFor(ctx, api, a.OrderID, c.JSON)
		}
		return nil
	})
}

// undecided is the error of a submission, after which the order may have been accepted
// all the same.
func undecided(ctx context.Context, err error, key string) error {
	again := "; whether the order was accepted is not known, submitting it again with --key " + key + " makes no second one"
	switch {
	case ctx.Err() != nil:
		return &exitError{exitInterrupted, "interrupted" + again}
	case errors.Is(err, client.ErrUnavailable):
		return &exitError{exitFailed, explain(err).Error() + again}
	}
	return err
}

// readOrder reads an order and makes sure that it is JSON: the API would only
// say that it is not.
func readOrder(name string) ([]byte, error) {
	var (
		text []byte
		err  error
	)
	if name == "-" {
		if term.IsTerminal(int(os.Stdin.Fd())) {
			return nil, errors.New("no order: name a file, or pipe one in: orderflow submit < order.json")
		}
		name = "standard input"
		text, err = io.ReadAll(os.Stdin)
	} else {
		text, err = os.ReadFile(name)
	}
	if err != nil {
		return nil, err
	}
	var syntax *json.SyntaxError
	var v json.RawMessage
	if err := json.Unmarshal(text, &v); errors.As(err, &syntax) {
		line := 1
		for _, b := range text[:min(int(syntax.Offset), len(text))] {
			if b == '\n' {
				line++
			}
		}
		return nil, fmt.Errorf("%s:%d: no JSON: %w", name, line, err)
	}
	return text, nil
}

// waitFor tells how an order ends.
func waitFor(ctx context.Context, api *client.Client, id string, asJSON bool) error {
	o, err := api.Wait(ctx, id)
	if err != nil {
		return stayed(ctx, err, id, 0)
	}
	if err := printState(o.State, o, asJSON); err != nil {
		return err
	}
	return verdict(id, o.Status, reasonOf(o.Reason, o.Detail))
}

func printJSON(v any) error {
	e := json.NewEncoder(os.Stdout)
	e.SetEscapeHTML(false)
	return e.Encode(v)
}
