package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"sync"
	"time"

	"github.com/orderflow-cdk/orderflow/event"
)

// Channel is a way on which an event came.
type Channel string

// The channels of Watch.
const (
	Polling   Channel = "polling"
	Websocket Channel = "websocket"
	Source    Channel = "source" // WatchOptions.Source
)

// WatchOptions are those of Watch.
type WatchOptions struct {
	// After is the last sequence that is known already; default 0, which tells all events.
	After int64
	// PollOnly leaves the websocket out, even if there is a GraphQLURL.
	PollOnly bool
	// Source feeds in events that come on another way, such as an own webhook receiver. Events of
	// other orders are ignored, a closed channel too.
	Source <-chan event.Event
	// SafetyPoll is how often the order is looked at while the websocket is up, since AppSync may
	// lose a message, even the last; default 1 minute.
	SafetyPoll time.Duration
	// Observe, if set, is told of each event on which way it came, before it is yielded.
	Observe func(event.Event, Channel)
	// OnError, if set, is told of troubles that Watch goes on in spite of: a websocket that
	// cannot be had, an API that is down for the moment.
	OnError func(error)
}

const (
	defaultInterval  = time.Second // where the API does not say when to poll
	minReconnect     = time.Second
	maxReconnect     = time.Minute
	defaultSafetyNet = time.Minute
)

// Watch tells the events of an order in sequence, each once, up to the one that ends
// it. It ends early with an error: the context's, or that of the API if it knows no such order
// or does not let the caller in.
//
// With a GraphQLURL events come by websocket. Until that is up, and whenever it is down, the order's status
// is polled as often as the API wants; meanwhile the websocket is tried again. What the websocket
// did not tell is made from the order's history, as [Order.Events] says. Without a GraphQLURL polling is all.
func (c *Client) Watch(ctx context.Context, orderID string, o WatchOptions) iter.Seq2[event.Event, error] {
	if o.SafetyPoll <= 0 {
		o.SafetyPoll = defaultSafetyNet
	}
	if o.OnError == nil {
		o.OnError = func(error) {}
	}
	return func(yield func(event.Event, error) bool) {
		w := &watcher{c: c, id: orderID, o: o, yield: yield, order: NewSequencer(o.After), via: map[int64]Channel{}, source: o.Source}
		w.known.tenant = c.options.Tenant
		if o.After <= 0 {
			w.known.results = map[string]json.RawMessage{}
		}
		inner, cancel := context.WithCancel(ctx)
		defer w.background.Wait()
		defer cancel()
		if err := w.run(inner); err != nil {
			if ctx.Err() != nil {
				err = ctx.Err()
			}
			yield(event.Event{}, err)
		}
	}
}

// news is what the websocket's goroutine tells the watcher.
type news struct {
	event *event.Event // pushed
	err   error        // a trouble
	up    bool         // else: whether the subscription is active from now on
}

type watcher struct {
	c     *Client
	id    string
	o     WatchOptions
	yield func(event.Event, error) bool

	order  *Sequencer
	via    map[int64]Channel // of events that wait for their turn
	known  known
	source <-chan event.Event
	news   chan news
	up     bool // the websocket tells everything from here on
	over   bool // told all, or the caller wants no more

	failures   int
	background sync.WaitGroup
}

func (w *watcher) run(ctx context.Context) error {
	if w.c.realtime != "" && !w.o.PollOnly {
		w.news = make(chan news)
		w.background.Go(func() { w.listen(ctx) })
	}
	for {
		interval, err := w.look(ctx)
		if err != nil || w.over {
			return err
		}
		if w.up && w.failures == 0 {
			interval = w.o.SafetyPoll
		}
		if err := w.pause(ctx, interval); err != nil || w.over {
			return err
		}
	}
}

// look asks the API where the order stands and tells what is new. It returns when to look again.
func (w *watcher) look(ctx context.Context) (time.Duration, error) {
	interval, err := w.fetch(ctx)
	switch {
	case err == nil:
		w.failures = 0
		return interval, nil
	case ctx.Err() != nil || !temporary(err):
		return 0, err
	}
	w.o.OnError(err)
	w.failures++
	r := w.c.options.Retry
	interval = w.c.backoff(w.failures, max(r.MinWait, defaultInterval), r.MaxWait)
	var p *Problem
	if errors.As(err, &p) {
		interval = max(interval, p.RetryAfter)
	}
	return interval, nil
}

func (w *watcher) fetch(ctx context.Context) (time.Duration, error) {
	s, err := w.c.Status(ctx, w.id)
	if err != nil {
		return 0, err
	}
	if s.Sequence > w.order.Last() {
		o, err := w.c.Get(ctx, w.id)
		if err != nil {
			return 0, err
		}
		s = o.State
		for _, e := range w.known.events(&o, w.order.Last()) {
			w.feed(e, Polling)
		}
	}
	if s.Final() && s.Sequence <= w.order.Last() {
		w.over = true
	}
	if s.RetryAfter == 0 {
		return defaultInterval, nil
	}
	return s.RetryAfter, nil
}

// feed takes an event and tells those whose turn it is.
func (w *watcher) feed(e event.Event, via Channel) {
	if w.over || e.OrderID != w.id || e.Type == event.TypeTest {
		return
	}
	if _, waits := w.via[e.Sequence]; !waits && e.Sequence > w.order.Last() {
		w.via[e.Sequence] = via
	}
	for _, ready := range w.order.Add(e) {
		w.known.told(&ready)
		if w.o.Observe != nil {
			w.o.Observe(ready, w.via[ready.Sequence])
		}
		delete(w.via, ready.Sequence)
		if !w.yield(ready, nil) || Final(ready.Status) {
			w.over = true
			return
		}
	}
}

// pause waits until it is time to look again, and tells what is pushed meanwhile.
func (w *watcher) pause(ctx context.Context, d time.Duration) error {
	if w.news == nil && w.source == nil {
		return w.c.options.Sleep(ctx, d) // here, so that a virtual clock needs no second goroutine
	}
	timed, cancel := context.WithCancel(ctx)
	defer cancel()
	slept := make(chan error, 1)
	w.background.Go(func() { slept <- w.c.options.Sleep(timed, d) })
	for {
		select {
		case err := <-slept:
			return err
		case n := <-w.news:
			switch {
			case n.err != nil:
				w.o.OnError(n.err)
			case n.event != nil:
				w.feed(*n.event, Websocket)
			default:
				w.up = n.up
				return nil // what happened before it was up, or went down, is in the table
			}
		case e, ok := <-w.source:
			if !ok {
				w.source = nil
				continue
			}
			w.feed(e, Source)
		case <-ctx.Done():
			return ctx.Err()
		}
		if _, _, gap := w.order.Gap(); gap && w.failures == 0 || w.over {
			return nil
		}
	}
}

// listen keeps a subscription up until the context ends.
func (w *watcher) listen(ctx context.Context) {
	for failures := 0; ; {
		began := w.c.options.Now()
		err := w.listenOnce(ctx)
		if ctx.Err() != nil {
			return
		}
		w.send(ctx, news{err: err})
		if failures++; w.c.options.Now().Sub(began) > maxReconnect {
			failures = 1 // it worked for a while
		}
		if w.c.options.Sleep(ctx, w.c.backoff(failures, minReconnect, maxReconnect)) != nil {
			return
		}
	}
}

func (w *watcher) listenOnce(ctx context.Context) error {
	sub, err := w.c.SubscribeOrder(ctx, w.id)
	if err != nil {
		return err
	}
	defer sub.Close()
	if !w.send(ctx, news{up: true}) {
		return ctx.Err()
	}
	for {
		e, err := sub.Next(ctx)
		if err != nil {
			w.send(ctx, news{up: false})
			return fmt.Errorf("client: %w", err)
		}
		if !w.send(ctx, news{event: &e}) {
			return ctx.Err()
		}
	}
}

func (w *watcher) send(ctx context.Context, n news) bool {
	select {
	case w.news <- n:
		return true
	case <-ctx.Done():
		return false
	}
}
