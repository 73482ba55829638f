package client

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"sync"
	"time"

	"github.com/orderflow-cdk/orderflow/event"
)

// maxBuffered is how many events may wait for whoever reads a Subscription. When
// there are more, it ends: better than to hold up all others on the connection.
const maxBuffered = 1024

// ErrSlow ends a Subscription whose events were not read fast enough.
var ErrSlow = errors.New("client: events came faster than they were read")

// ErrNoGraphQL is the error of Subscribe if Options.GraphQLURL is not set.
var ErrNoGraphQL = errors.New("client: no GraphQLURL")

// Subscription is events as AppSync sends them by websocket: raw, which is at most
// once each, and none of what happened before it was active or after it ended.
// [Client.Watch] is for those who need all events of an order.
type Subscription struct {
	// Active is when AppSync acknowledged it: what happens from then on is told.
	Active time.Time

	now    func() time.Time
	events chan *event.Event // pointers: a place for maxBuffered of them is made at once
	acked  chan struct{}
	ended  chan struct{}
	once   sync.Once
	err    error // set before ended is closed
	leave  func()
}

// SubscribeOptions are those of Subscribe.
type SubscribeOptions struct {
	// Statuses are those that are told; default all.
	Statuses []string
}

// Subscribe tells the events of all of the tenant's orders. It returns when the
// subscription is active, and ends it with the context.
func (c *Client) Subscribe(ctx context.Context, o SubscribeOptions) (*Subscription, error) {
	if len(o.Statuses) > 0 {
		return c.subscribe(ctx, onMyOrdersTo, map[string]any{"statuses": o.Statuses})
	}
	return c.subscribe(ctx, onMyOrders, nil)
}

// SubscribeOrder tells the events of one order. It returns when the subscription is
// active, and ends it with the context. Somebody else's order is a *SubscriptionError.
func (c *Client) SubscribeOrder(ctx context.Context, orderID string) (*Subscription, error) {
	return c.subscribe(ctx, onOrderStatus, map[string]any{"orderId": orderID})
}

func (c *Client) subscribe(ctx context.Context, query string, variables map[string]any) (*Subscription, error) {
	if c.realtime == "" {
		return nil, ErrNoGraphQL
	}
	sub := &Subscription{
		now: c.options.Now, events: make(chan *event.Event, maxBuffered), acked: make(chan struct{}), ended: make(chan struct{}),
	}
	s, id, err := c.place(ctx, sub)
	if err != nil {
		return nil, fmt.Errorf("client: websocket: %w", err)
	}
	leave := func(err error) {
		if s.drop(id, err) {
			s.stop(id)
		}
	}
	m, err := c.start(ctx, id, query, variables)
	if err == nil {
		err = s.write(m)
	}
	if err == nil {
		err = sub.await(ctx, c.options.RealtimeTimeout)
	}
	if err != nil {
		leave(err)
		return nil, fmt.Errorf("client: websocket: %w", err)
	}
	undo := context.AfterFunc(ctx, func() { leave(ctx.Err()) })
	sub.leave = func() { undo(); leave(nil) }
	return sub, nil
}

// await waits for the acknowledgement.
func (s *Subscription) await(ctx context.Context, patience time.Duration) error {
	t := time.NewTimer(patience)
	defer t.Stop()
	select {
	case <-s.acked:
		return nil
	case <-s.ended:
		return s.err
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return fmt.Errorf("no start_ack within %v", patience)
	}
}

// acknowledge is called by the socket's reader, as tell is.
func (s *Subscription) acknowledge() {
	select {
	case <-s.acked:
	default:
		s.Active = s.now()
		close(s.acked)
	}
}

func (s *Subscription) tell(e event.Event) error {
	select {
	case s.events <- &e:
		return nil
	default:
		return ErrSlow
	}
}

func (s *Subscription) end(err error) {
	s.once.Do(func() {
		s.err = err
		close(s.ended)
	})
}

// Next waits for the next event. After the last one it returns why the subscription ended: the context's
// error, what broke the connection, or [ErrClosed].
func (s *Subscription) Next(ctx context.Context) (event.Event, error) {
	select {
	case e := <-s.events:
		return *e, nil
	default:
	}
	select {
	case e := <-s.events:
		return *e, nil
	case <-ctx.Done():
		return event.Event{}, ctx.Err()
	case <-s.ended:
	}
	select { // one that came just before
	case e := <-s.events:
		return *e, nil
	default:
	}
	if s.err == nil {
		return event.Event{}, ErrClosed
	}
	return event.Event{}, s.err
}

// All tells the events until the subscription ends, and then why, as Next does; but not of an end by
// Close.
func (s *Subscription) All(ctx context.Context) iter.Seq2[event.Event, error] {
	return func(yield func(event.Event, error) bool) {
		for {
			e, err := s.Next(ctx)
			if errors.Is(err, ErrClosed) || !yield(e, err) || err != nil {
				return
			}
		}
	}
}

// ErrClosed is what Next returns after Close.
var ErrClosed = errors.New("client: the subscription is closed")

// Close ends the subscription. It can be called more than once.
func (s *Subscription) Close() { s.leave() }
