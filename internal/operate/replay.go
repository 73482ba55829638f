package operate

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	lambdatypes "github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/orderflow-cdk/orderflow/internal/config"
	"github.com/orderflow-cdk/orderflow/internal/dynamo"
	"github.com/orderflow-cdk/orderflow/internal/publish"
)

// Replay is which events are told again, and where. Without Orders, Since and Until it is those that the outbox gave up.
type Replay struct {
	// Orders are those whose events are told.
	Orders []string
	// Since and Until are when the events happened; zero: at any time.
	Since, Until time.Time
	// Tenant is the only one whose events are told; "": all.
	Tenant string
	// Channels are where; none: where they were missed, or else the topic and AppSync.
	Channels []Channel
	// Endpoint is the only one of the tenant's that is told of them, by ViaWebhook.
	Endpoint string
	// Limit is how many messages of the outbox are read at a time.
	Limit int
	// Apply tells the events, and takes from the outbox's queue what was told. Without it, they are only found.
	Apply bool
	// Progress is told how much of the table was read, and Told of each event that was dealt with, of how many. Default: nobody is.
	Progress func(Reading)
	Told     func(done, all int)
}

// Outbox reports whether it is what the outbox gave up that is told. All of it is, everywhere: Tenant, Channels and Endpoint are none of it.
func (r *Replay) Outbox() bool { return len(r.Orders) == 0 && r.Since.IsZero() && r.Until.IsZero() }

// Replayed is an event that was told again, or would be.
type Replayed struct {
	publish.Message `json:"-"`
	Channels        []Channel
	Source          Source
	// Told says that all channels took it; Failed why one did not.
	Told   bool
	Failed string
}

// Replayable is what was found, and what became of it.
type Replayable struct {
	Events []*Replayed
	// Positions is how many messages of the outbox's queue were read, Removed how many of them are gone, since all that they stand for was told.
	Positions, Removed int
	// Unreadable are messages that name no records.
	Unreadable []Kept
	// Untellable says of records why they are no events: there is nobody to tell.
	Untellable []string
	// More says that the queue has more.
	More bool
	// Read is how much of the table was read.
	Read Reading
}

// Left is how many things are left to be done.
func (r *Replayable) Left() int {
	n := len(r.Unreadable) + r.Positions - r.Removed
	if r.Positions == 0 {
		for _, e := range r.Events {
			if !e.Told {
				n++
			}
		}
	}
	return n
}

// Replay tells events again, under the ids and sequences that they have, so that whoever knows them drops them.
//
// IAM: as streamed and historic, and teller; for the outbox sqs:ReceiveMessage, ChangeMessageVisibility and DeleteMessage on its queue, and
// lambda:GetFunctionConfiguration on the functions that gave up.
func (s *Stack) Replay(ctx context.Context, r Replay) (*Replayable, error) {
	if r.Progress == nil {
		r.Progress = func(Reading) {}
	}
	if r.Told == nil {
		r.Told = func(int, int) {}
	}
	if r.Outbox() {
		return s.replayOutbox(ctx, r)
	}
	out := &Replayable{}
	var (
		events []publish.Message
		bad    []error
		err    error
	)
	periods := []period{{r.Since, r.Until}}
	if len(r.Orders) == 0 {
		events, bad, out.Read, err = s.historic(ctx, periods, r.Tenant, r.Progress)
		if err != nil {
			return nil, err
		}
	}
	for _, id := range r.Orders {
		it, err := s.order(ctx, id)
		if err != nil {
			return nil, err
		}
		found, none := eventsOf(it, periods)
		events, bad = append(events, found...), append(bad, none...)
	}
	out.Untellable = texts(bad)
	channels := r.Channels
	if len(channels) == 0 {
		channels = []Channel{ViaTopic, ViaWebSocket}
	}
	for _, m := range events {
		if r.Tenant == "" || r.Tenant == m.Tenant {
			out.Events = append(out.Events, &Replayed{Message: m, Channels: channels, Source: FromHistory})
		}
	}
	sortEvents(out.Events)
	if r.Apply {
		err = s.tell(ctx, r, out)
	}
	return out, err
}

// tell tells the events that were found.
func (s *Stack) tell(ctx context.Context, r Replay, out *Replayable) error {
	channels := slices.Clone(r.Channels)
	for _, e := range out.Events {
		channels = append(channels, e.Channels...)
	}
	tellers := map[Channel]teller{}
	for _, c := range channels {
		if tellers[c] != nil {
			continue
		}
		var err error
		if tellers[c], err = s.teller(ctx, c, dynamo.EndpointID{Tenant: r.Tenant, ID: r.Endpoint}); err != nil {
			return err
		}
	}
	n := 0
	return s.tellAll(ctx, out.Events, tellers,
		func(e *Replayed) { e.Told = true; n++; r.Told(n, len(out.Events)) },
		func(e *Replayed, err error) { e.Failed = err.Error(); n++; r.Told(n, len(out.Events)) })
}

func sortEvents(all []*Replayed) {
	slices.SortStableFunc(all, func(a, b *Replayed) int {
		return cmp.Or(a.OccurredAt.Compare(b.OccurredAt), cmp.Compare(a.OrderID, b.OrderID), cmp.Compare(a.Sequence, b.Sequence))
	})
}

func texts(errs []error) (all []string) {
	for _, err := range errs {
		all = append(all, err.Error())
	}
	return all
}

// given is a message of the outbox's queue, read.
type given struct {
	types.Message
	position
	channels []Channel
	events   map[string]bool // their ids
	// trimmed says that its events come from histories, of this period.
	trimmed bool
	period  period
}

// replayOutbox tells what the outbox gave up. Messages stand for records of one shard among which are those of others that were told, and several stand
// for the same ones: each event is told once, and a message is deleted when all of its own were.
func (s *Stack) replayOutbox(ctx context.Context, r Replay) (out *Replayable, err error) {
	out = &Replayable{}
	q, err := s.Queue(ctx, Outbox)
	if err != nil {
		return nil, err
	}
	var held []types.Message
	defer func() {
		if e := s.release(ctx, q.URL, held); err == nil {
			err = e
		}
	}()
	for len(held) < r.Limit {
		messages, err := s.receive(ctx, q.URL, pickTime)
		if err != nil {
			return nil, err
		}
		if held = append(held, messages...); len(messages) == 0 {
			break
		}
	}
	out.More = len(held) >= r.Limit
	all, err := s.read(ctx, r, held, out)
	if err != nil {
		return nil, err
	}
	if !r.Apply {
		return out, nil
	}
	if err := s.tell(ctx, r, out); err != nil {
		return out, err
	}
	told := map[string]bool{}
	for _, e := range out.Events {
		told[e.ID] = e.Told
	}
	for _, g := range all {
		if !g.done(told) {
			continue
		}
		if _, err := s.queues.DeleteMessage(ctx, &sqs.DeleteMessageInput{QueueUrl: &q.URL, ReceiptHandle: g.ReceiptHandle}); err != nil {
			return out, fmt.Errorf("message %s stays in %s, which does no harm: %w", aws.ToString(g.MessageId), q.Name, err)
		}
		out.Removed++
		held = slices.DeleteFunc(held, func(m types.Message) bool { return aws.ToString(m.MessageId) == aws.ToString(g.MessageId) })
	}
	return out, nil
}

// done reports whether all that the message stands for was told, everywhere where it was missed.
func (g *given) done(told map[string]bool) bool {
	for id := range g.events {
		if !told[id] {
			return false
		}
	}
	return true
}

// read finds the events that messages of the outbox stand for.
func (s *Stack) read(ctx context.Context, r Replay, messages []types.Message, out *Replayable) ([]*given, error) {
	var (
		all     []*given
		periods []period
	)
	seen, where := map[string]bool{}, map[string][]Channel{}
	byID := map[string]*Replayed{}
	take := func(g *given, m publish.Message, source Source) {
		g.events[m.ID] = true
		e := byID[m.ID]
		if e == nil {
			e = &Replayed{Message: m, Source: source}
			byID[m.ID], out.Events = e, append(out.Events, e)
		}
		if e.Source == FromHistory && source == FromStream {
			e.Message, e.Source = m, source
		}
		for _, c := range g.channels {
			if !slices.Contains(e.Channels, c) {
				e.Channels = append(e.Channels, c)
			}
		}
	}
	for _, m := range messages {
		if seen[aws.ToString(m.MessageId)] {
			continue
		}
		seen[aws.ToString(m.MessageId)] = true
		out.Positions++
		p, err := readPosition(m)
		if err != nil {
			out.Positions--
			out.Unreadable = append(out.Unreadable, Kept{aws.ToString(m.MessageId), err.Error()})
			continue
		}
		g := &given{Message: m, position: p, events: map[string]bool{}, channels: where[p.Function]}
		if g.channels == nil {
			if g.channels, err = s.channelsOf(ctx, p.Function); err != nil {
				return nil, err
			}
			where[p.Function] = g.channels
		}
		all = append(all, g)
		events, bad, err := s.streamed(ctx, p)
		switch {
		case errors.Is(err, errTrimmed):
			g.trimmed, g.period = true, period{p.First.Add(-writeTakes), p.Last.Add(clocksApart)}
			periods = append(periods, g.period)
		case err != nil:
			return nil, err
		}
		out.Untellable = append(out.Untellable, texts(bad)...)
		for _, m := range events {
			take(g, m, FromStream)
		}
	}
	if len(periods) > 0 {
		events, bad, read, err := s.historic(ctx, periods, "", r.Progress)
		if err != nil {
			return nil, err
		}
		out.Read, out.Untellable = read, append(out.Untellable, texts(bad)...)
		for _, g := range all {
			for _, m := range events {
				if g.trimmed && g.period.has(m.OccurredAt) {
					take(g, m, FromHistory)
				}
			}
		}
	}
	sortEvents(out.Events)
	return all, nil
}

// channelsOf are those that a function tells: it is given where. One that is gone, or is given nothing, may have told both.
func (s *Stack) channelsOf(ctx context.Context, function string) ([]Channel, error) {
	both := []Channel{ViaTopic, ViaWebSocket}
	out, err := lambda.NewFromConfig(s.cfg).GetFunctionConfiguration(ctx, &lambda.GetFunctionConfigurationInput{FunctionName: &function})
	if gone := (*lambdatypes.ResourceNotFoundException)(nil); errors.As(err, &gone) {
		return both, nil
	}
	if err != nil {
		return nil, fmt.Errorf("function %s: %w", function, err)
	}
	var told []Channel
	if out.Environment != nil {
		if out.Environment.Variables[config.TopicARN] != "" {
			told = append(told, ViaTopic)
		}
		if out.Environment.Variables[config.GraphQLEndpoint] != "" {
			told = append(told, ViaWebSocket)
		}
	}
	if told == nil {
		return both, nil
	}
	return told, nil
}
