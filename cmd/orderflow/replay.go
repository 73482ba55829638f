package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/schollz/progressbar/v3"

	"github.com/orderflow-cdk/orderflow/internal/operate"
)

type replayCommand struct {
	operating

	Order    []string `placeholder:"ID" help:"All events of this order; may be repeated."`
	Since    string   `placeholder:"TIME" help:"All events from then on: a time such as 2026-01-02T15:04:05Z, or how long ago, such as 2h."`
	Until    string   `placeholder:"TIME" help:"All events up to then. Default: now."`
	Tenant   string   `placeholder:"NAME" help:"With --order or --since: only this tenant's events."`
	Channel  string   `default:"all" enum:"all,topic,websocket,webhook" help:"With --order or --since: where. all: the topic, and with it the webhooks, and the websocket. topic: all subscribers. websocket: who listens now. webhook: tenants' endpoints, without the topic's other subscribers."`
	Endpoint string   `placeholder:"we_…" help:"With --channel webhook and --tenant: only this endpoint."`
	Limit    int      `default:"1000" help:"Read at most so many messages of what the outbox gave up."`
}

// Help implements kong's interface for what help says besides the flags.
func (c *replayCommand) Help() string {
	return "Without --order and --since it is what the outbox gave up: the events of the messages in its queue, in the channels that missed them. They are read from the table's stream as they were, for 24 hours; " +
		"after that they are made from the orders' histories, which do not have what steps returned, and say so (omitted). A message is removed when all its events were told. " +
		"Events keep their ids and sequences, so that whoever knows one drops it: telling twice does no harm. With --since, all of the orders table is read: half a read request unit for every 4 KiB. " + operatingCodes
}

// Run implements the command.
func (c *replayCommand) Run() error {
	r, err := c.replay(time.Now())
	if err != nil {
		return err
	}
	return c.with(operate.CommandReplay, func(ctx context.Context, s *operate.Stack) error {
		var reading, telling *progressbar.ProgressBar
		r.Progress = func(n operate.Reading) {
			if reading == nil {
				reading = progress(int(max(n.Items, 1)))
				reading.Describe(fmt.Sprintf("reading the table, about %d read request units", n.Estimate()))
			}
			reading.ChangeMax64(max(n.Items, n.Read, 1))
			_ = reading.Set64(n.Read) // it is for looks
		}
		r.Told = func(done, all int) {
			if telling == nil {
				telling = progress(all)
			}
			_ = telling.Set(done)
		}
		out, err := s.Replay(ctx, *r)
		for _, bar := range []*progressbar.ProgressBar{reading, telling} {
			if bar != nil {
				_ = bar.Finish()
			}
		}
		if out == nil {
			return err
		}
		if out.Read.Read > 0 {
			fmt.Fprintf(os.Stderr, "orderflow: read %s of the table for %.1f read request units\n", counted(int(out.Read.Read), "item"), out.Read.Units)
		}
		if printed := c.print(out); printed != nil {
			return printed
		}
		if err != nil {
			return err
		}
		return c.verdict(out)
	})
}

// replay is what the flags ask for.
func (c *replayCommand) replay(now time.Time) (*operate.Replay, error) {
	r := &operate.Replay{Orders: c.Order, Tenant: c.Tenant, Endpoint: c.Endpoint, Limit: c.Limit, Apply: c.Apply}
	for _, t := range []struct {
		flag, value string
		into        *time.Time
	}{{"--since", c.Since, &r.Since}, {"--until", c.Until, &r.Until}} {
		if t.value == "" {
			continue
		}
		d, noDuration := time.ParseDuration(t.value)
		at, noTime := time.Parse(time.RFC3339, t.value)
		switch {
		case noDuration == nil && d >= 0:
			*t.into = now.Add(-d)
		case noTime == nil:
			*t.into = at
		default:
			return nil, misused("%s %s: want a time such as 2026-01-02T15:04:05Z, or how long ago, such as 2h", t.flag, t.value)
		}
	}
	if c.Channel != "all" {
		r.Channels = []operate.Channel{operate.Channel(c.Channel)}
	}
	switch {
	case c.Limit < 1:
		return nil, misused("--limit %d: want 1 or more", c.Limit)
	case !r.Until.IsZero() && r.Since.IsZero() && len(r.Orders) == 0:
		return nil, misused("--until %s takes --since or --order", c.Until)
	case r.Outbox() && (c.Tenant != "" || c.Channel != "all" || c.Endpoint != ""):
		return nil, misused("--tenant, --channel and --endpoint take --order or --since: what the outbox gave up is told where it was missed")
	case c.Endpoint != "" && (c.Channel != "webhook" || c.Tenant == ""):
		return nil, misused("--endpoint %s takes --channel webhook and --tenant", c.Endpoint)
	}
	return r, nil
}

// replayedEvent is what --json prints of an event: a line each.
type replayedEvent struct {
	Event    json.RawMessage   `json:"event"`
	Channels []operate.Channel `json:"channels"`
	Source   operate.Source    `json:"source"`
	Told     bool              `json:"told"`
	Failed   string            `json:"failed,omitempty"`
}

func (c *replayCommand) print(out *operate.Replayable) error {
	if c.JSON {
		for _, e := range out.Events {
			if err := printJSON(replayedEvent{e.JSON, e.Channels, e.Source, e.Told, e.Failed}); err != nil {
				return err
			}
		}
		return nil
	}
	for _, u := range out.Untellable {
		fmt.Fprintf(os.Stderr, "orderflow: passed over: %s\n", short(u, 300))
	}
	for _, u := range out.Unreadable {
		fmt.Fprintf(os.Stderr, "orderflow: message %s: %s\n", u.MessageID, short(u.Why, 300))
	}
	if len(out.Events) == 0 {
		return nil
	}
	tw := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(tw, "EVENT\tTENANT\tSTATUS\tOCCURRED\tFROM\tCHANNELS\tTOLD")
	for _, e := range out.Events {
		var channels []string
		for _, channel := range e.Channels {
			channels = append(channels, string(channel))
		}
		told := "-"
		if e.Told {
			told = "yes"
		}
		fmt.Fprintf(tw, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", short(e.ID, 90), short(e.Tenant, 40), e.Status, timeText(e.OccurredAt), e.Source, strings.Join(channels, ","), cmp.Or(short(e.Failed, 200), told))
	}
	return tw.Flush()
}

// verdict is the error of events that are left.
func (c *replayCommand) verdict(out *operate.Replayable) error {
	n := out.Left()
	failed := 0
	for _, e := range out.Events {
		if e.Failed != "" {
			failed++
		}
	}
	switch {
	case n == 0 && !out.More:
		return nil
	case failed > 0:
		return left("%s could not be told, such as %s", counted(failed, "event"), firstFailure(out))
	case len(out.Unreadable) > 0 && c.Apply:
		return left("%s in outbox cannot be read", counted(len(out.Unreadable), "message"))
	case out.More && c.Apply:
		return left("there are more messages than %d in outbox; do it again", c.Limit)
	case out.Positions > 0:
		return left("%s of %s in outbox; --apply tells them and removes what was told", counted(len(out.Events), "event"), counted(out.Positions, "message"))
	default:
		return left("%s; --apply tells them", counted(len(out.Events), "event"))
	}
}

func firstFailure(out *operate.Replayable) string {
	for _, e := range out.Events {
		if e.Failed != "" {
			return e.ID + ": " + short(e.Failed, 200)
		}
	}
	return ""
}
