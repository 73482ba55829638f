package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/orderflow-cdk/orderflow/client"
	"github.com/orderflow-cdk/orderflow/event"
	"github.com/orderflow-cdk/orderflow/local"
	"github.com/orderflow-cdk/orderflow/webhook"
)

// hooksHost is where the endpoints of the demo's tenants are.
const hooksHost = "hooks.example"

// channels are what the clients of a demo listen to besides polling: a signed
// webhook and a websocket for each tenant, by the same packages that their own
// programs would use.
type channels struct {
	stack *local.Stack
	base  string
	wait  func(time.Duration)
	token func(tenant string) (string, error)

	ctx     context.Context
	cancel  context.CancelFunc
	reading sync.WaitGroup

	mu        sync.Mutex
	receivers map[string]http.Handler // by the path of the endpoint
	webhook   arrivals
	frames    arrivals // as the stack sent them
	socket    arrivals // as the clients got them
}

// arrival is an event as a client got it.
type arrival struct {
	event.Event
	at time.Time
}

type arrivals []arrival

// newChannels returns channels that nobody listens to yet. The stack, which
// needs their egress and onFrame to be made, is set afterwards.
func newChannels() *channels {
	c := &channels{receivers: map[string]http.Handler{}}
	c.ctx, c.cancel = context.WithCancel(context.Background())
	return c
}

func (c *channels) egress() local.Hosts {
	return local.Hosts{hooksHost: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c.mu.Lock()
		receiver, ok := c.receivers[r.URL.Path]
		gone := len(c.receivers) == 0
		c.mu.Unlock()
		if gone { // with the secrets, in the run that was killed
			w.WriteHeader(http.StatusNoContent)
			return
		}
		if !ok {
			http.NotFound(w, r)
			return
		}
		receiver.ServeHTTP(w, r)
	})}
}

// onFrame keeps when an event went out to a websocket: the client, which runs
// beside the stack, cannot tell the stack's time of it.
func (c *channels) onFrame(at time.Time, subscription string, frame []byte) {
	var f struct {
		Payload struct {
			Data map[string]struct {
				ID       string
				OrderID  string
				Sequence int64
			}
		}
	}
	if json.Unmarshal(frame, &f) != nil {
		return // It will be missing.
	}
	e := f.Payload.Data[subscription]
	c.mu.Lock()
	defer c.mu.Unlock()
	c.frames = append(c.frames, arrival{event.Event{ID: e.ID, OrderID: e.OrderID, Sequence: e.Sequence}, at})
}

// listen makes a tenant listen. A tenant that the API knows nothing of has
// nothing to listen to.
func (c *channels) listen(tenant string) error {
	cl, err := client.New(c.base, client.Options{
		Authorize: client.IDToken(func(context.Context) (string, error) { return c.token(tenant) }), GraphQLURL: c.base + "/graphql",
		Tenant: tenant, Now: c.stack.Now,
		Sleep: func(_ context.Context, d time.Duration) error {
			c.wait(d)
			return nil
		},
	})
	if err != nil {
		return err
	}
	c.mu.Lock()
	path := "/" + strconv.Itoa(len(c.receivers))
	c.mu.Unlock()
	hook, err := cl.CreateWebhook(c.ctx, client.NewWebhook{URL: "https://" + hooksHost + path})
	if errors.Is(err, client.ErrForbidden) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("registering the webhook of %s: %w", tenant, err)
	}
	receiver, err := webhook.New(webhook.Options{Secrets: []string{hook.Secret}, Now: c.stack.Now})
	if err != nil {
		return err
	}
	handler := receiver.Handler(func(_ context.Context, e event.Event) error {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.webhook = append(c.webhook, arrival{e, c.stack.Now()})
		return nil
	})
	c.mu.Lock()
	c.receivers[path] = handler
	c.mu.Unlock()
	subscription, err := cl.Subscribe(c.ctx, client.SubscribeOptions{})
	if err != nil {
		return fmt.Errorf("the websocket of %s: %w", tenant, err)
	}
	c.reading.Go(func() {
		for e, err := range subscription.All(c.ctx) {
			if err != nil {
				return // What did not come is missing.
			}
			c.mu.Lock()
			c.socket = append(c.socket, arrival{Event: e})
			c.mu.Unlock()
		}
	})
	return nil
}

// drain waits until the clients have read what was sent to them by websocket.
func (c *channels) drain() {
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		c.mu.Lock()
		read, sent := len(c.socket), len(c.frames)
		c.mu.Unlock()
		if read >= sent {
			break
		}
	}
	c.cancel()
	c.reading.Wait()
	sent := map[string]time.Time{}
	for _, f := range c.frames {
		if _, again := sent[f.ID]; !again {
			sent[f.ID] = f.at
		}
	}
	for i := range c.socket {
		c.socket[i].at = sent[c.socket[i].ID]
	}
}

// webhookChannel is the name of the channel of webhooks.
const webhookChannel = "webhook"

// tally is how a channel compares with what the orders' histories say.
type tally struct {
	Channel    string `json:"channel"`
	Delivered  int    `json:"delivered"`
	Missing    int    `json:"missing"`
	OutOfOrder int    `json:"outOfOrder"`
	Invented   int    `json:"invented"`
	Repeated   int    `json:"repeated"`
}

func (t tally) String() string {
	s := fmt.Sprintf("%-10s %d events delivered, %d missing, %d out of order", t.Channel+":", t.Delivered, t.Missing, t.OutOfOrder)
	if t.Invented > 0 || t.Repeated > 0 {
		s += fmt.Sprintf(", %d invented, %d repeated", t.Invented, t.Repeated)
	}
	return s
}

// problem is what is wrong with a channel, or "". Webhooks of one order are deliveries of their own, of which one may overtake
// another in real time: their sequence tells.
func (t tally) problem() string {
	disordered := t.OutOfOrder
	if t.Channel == webhookChannel {
		disordered = 0
	}
	if t.Missing+disordered+t.Invented == 0 {
		return ""
	}
	return fmt.Sprintf("the channels do not agree: %s, %d invented", strings.Join(strings.Fields(t.String()), " "), t.Invented)
}

// compare holds a channel's arrivals against the events that the orders'
// histories tell, by id. It also notes how long each took.
func compare(channel string, got arrivals, told map[string]event.Event, delays map[string]time.Duration) tally {
	t := tally{Channel: channel}
	seen := map[string]bool{}
	last := map[string]int64{} // by order
	for _, a := range got {
		want, ok := told[a.ID]
		switch {
		case !ok || want.Status != a.Status || want.Tenant != a.Tenant || want.Sequence != a.Sequence || !want.OccurredAt.Equal(a.OccurredAt):
			t.Invented++
			continue
		case seen[a.ID]:
			t.Repeated++
			continue
		case a.Sequence < last[a.OrderID]:
			t.OutOfOrder++
		}
		seen[a.ID], last[a.OrderID] = true, max(last[a.OrderID], a.Sequence)
		t.Delivered++
		delays[a.ID] = a.at.Sub(a.OccurredAt)
	}
	t.Missing = len(told) - t.Delivered
	return t
}
