package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/orderflow-cdk/orderflow/client"
	"github.com/orderflow-cdk/orderflow/event"
)

type watchCommand struct {
	listening

	ID      string `arg:"" help:"The order's id."`
	JSON    bool   `name:"json" help:"Print each event as JSON: the envelope that all channels share, and the member channel."`
	Channel string `default:"auto" enum:"auto,polling,websocket" help:"How to learn of events. auto: by websocket if there is --graphql-url, with polling for what that misses. polling: only that. websocket: only what is pushed from now on."`
	After   int64  `placeholder:"SEQUENCE" help:"Tell only the events after this one."`
}

// Help implements kong's interface for what help says besides the flags.
func (c *watchCommand) Help() string {
	return "One line for each event, as it comes: time, sequence, status, channel, reason. The last one is the order's end. " + exitCodes
}

// Run implements the command.
func (c *watchCommand) Run() error {
	if c.Channel == "websocket" && c.GraphQLURL == "" {
		return errors.New("--channel websocket: --graphql-url is missing (or ORDERFLOW_GRAPHQL_URL): the GraphQLUrl output of the stack, or run: orderflow up")
	}
	return c.with(func(ctx context.Context, api *client.Client) error {
		return watching{api: api, id: c.ID, channel: c.Channel, after: c.After, json: c.JSON}.run(ctx)
	})
}

// watching is one order being watched.
type watching struct {
	api     *client.Client
	id      string
	channel string // "" is auto
	after   int64
	json    bool
}

func (w watching) run(ctx context.Context) error {
	if w.channel == "websocket" {
		return w.pushed(ctx)
	}
	var (
		via  client.Channel
		last event.Event
	)
	for e, err := range w.api.Watch(ctx, w.id, client.WatchOptions{
		After: w.after, PollOnly: w.channel == "polling",
		Observe: func(_ event.Event, c client.Channel) { via = c },
		OnError: func(err error) { fmt.Fprintf(os.Stderr, "orderflow: %s; going on\n", explain(err)) },
	}) {
		if err != nil {
			return stayed(ctx, err, w.id, max(last.Sequence, w.after))
		}
		if err := w.print(e, via); err != nil {
			return err
		}
		last = e
	}
	if last.ID == "" { // all was told before
		s, err := w.api.Status(ctx, w.id)
		if err != nil {
			return stayed(ctx, err, w.id, w.after)
		}
		return verdict(w.id, s.Status, reasonOf(s.Reason, s.Detail))
	}
	return verdict(w.id, last.Status, reasonOf(last.Changes.Reason, last.Changes.Detail))
}

// pushed tells what comes by websocket and nothing else.
func (w watching) pushed(ctx context.Context) error {
	sub, err := w.api.SubscribeOrder(ctx, w.id)
	if err != nil {
		return stayed(ctx, err, w.id, w.after)
	}
	defer sub.Close()
	// If it ended before, nothing is ever going to come.
	s, err := w.api.Status(ctx, w.id)
	if err != nil {
		return stayed(ctx, err, w.id, w.after)
	}
	if s.Final() && !s.UpdatedAt.After(sub.Active) {
		return fmt.Errorf("order %s is %s already, nothing more is pushed; without --channel websocket its events are told", w.id, s.Status)
	}
	fmt.Fprintln(os.Stderr, "orderflow: subscribed; what happens from now on is told")
	last := w.after
	for e, err := range sub.All(ctx) {
		if err != nil {
			return stayed(ctx, err, w.id, last)
		}
		if e.Sequence <= w.after {
			continue
		}
		if err := w.print(e, client.Websocket); err != nil {
			return err
		}
		if client.Final(e.Status) {
			return verdict(w.id, e.Status, reasonOf(e.Changes.Reason, e.Changes.Detail))
		}
		last = e.Sequence
	}
	return nil
}

func (w watching) print(e event.Event, via client.Channel) error {
	if !w.json {
		line := fmt.Sprintf("%s  %3d  %-10s  %-9s  %s", timeText(e.OccurredAt), e.Sequence, short(e.Status, 30), via,
			short(reasonOf(e.Changes.Reason, e.Changes.Detail), 300))
		_, err := fmt.Println(strings.TrimRight(line, " "))
		return err
	}
	b, err := json.Marshal(e)
	if err != nil {
		return err
	}
	// The envelope as it is everywhere, and a member more.
	_, err = fmt.Printf("%s,\"channel\":%q}\n", b[:len(b)-1], via)
	return err
}

// stayed is the error of a command that stayed with an order, and could not until its end:
// after Ctrl-C it says how to go on.
func stayed(ctx context.Context, err error, id string, last int64) error {
	if ctx.Err() == nil {
		return err
	}
	again := "orderflow watch " + id
	if last > 0 {
		again += fmt.Sprintf(" --after %d", last)
	}
	return &exitError{exitInterrupted, "interrupted, the order goes on; to go on watching: " + again}
}
