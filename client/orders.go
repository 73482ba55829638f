package client

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"
)

// Statuses that an order can have before and after it is worked on. Those in between
// depend on the workflow.
const (
	StatusQueued    = "QUEUED" // accepted, and not recorded yet; sequence 0
	StatusCompleted = "COMPLETED"
	StatusRejected  = "REJECTED"
	StatusFailed    = "FAILED"
	StatusCancelled = "CANCELLED"
)

var finals = []string{StatusCompleted, StatusRejected, StatusFailed, StatusCancelled}

// Final reports whether a status is an end: no event follows it.
func Final(status string) bool { return slices.Contains(finals, status) }

// Links are paths, without a host, at which more is to be found.
type Links struct {
	Status string `json:"status"`
	Result string `json:"result"`
}

// Accepted is the answer to an order that is safe in the queue.
type Accepted struct {
	OrderID   string `json:"orderId"`
	Status    string `json:"status"`
	MessageID string `json:"messageId"`
	Links     Links  `json:"links"`
	// IdempotencyKey is the one it was submitted with: the same key again leads to the same order.
	IdempotencyKey string `json:"-"`
	// RetryAfter is how long to wait before the first look at the status; 0 if the API does not say.
	RetryAfter time.Duration `json:"-"`
}

// State is where an order stands.
type State struct {
	OrderID  string `json:"orderId"`
	Status   string `json:"status"`
	Sequence int64  `json:"sequence"` // 0 while it is StatusQueued
	// AcceptedAt and UpdatedAt are zero while it is StatusQueued.
	AcceptedAt time.Time `json:"acceptedAt,omitzero"`
	UpdatedAt  time.Time `json:"updatedAt,omitzero"`
	// Reason is the name of the error that led to a rejection, failure or
	// cancellation, such as "OutOfStock"; Detail is its message.
	Reason string `json:"reason,omitempty"`
	Detail string `json:"detail,omitempty"`
	// Conflicts counts other bodies under the same idempotency key: the first one won.
	Conflicts       int64 `json:"conflicts,omitempty"`
	CancelRequested bool  `json:"cancelRequested,omitempty"`
	Links           Links `json:"links"`
	// RetryAfter is how long to wait before the next look; 0 at the end.
	RetryAfter time.Duration `json:"-"`
}

// Final reports whether the order has come to its end.
func (s State) Final() bool { return Final(s.Status) }

// Order is all that is known of an order.
type Order struct {
	State
	// History has every status so far but StatusQueued, oldest first.
	History []Entry `json:"history"`
	// Results holds the outputs of the steps that finished, by step.
	Results map[string]json.RawMessage `json:"results,omitempty"`
	// Order is the body as it was sent; nil while it is StatusQueued.
	Order json.RawMessage `json:"order,omitempty"`
}

// Entry is one status of an order's history.
type Entry struct {
	Sequence int64     `json:"sequence"`
	Status   string    `json:"status"`
	Reason   string    `json:"reason,omitempty"`
	At       time.Time `json:"at"`
}

// SubmitOptions are those of Submit.
type SubmitOptions struct {
	// IdempotencyKey is 1 to 64 visible ASCII characters; default a random one, which makes the
	// repetitions of this call harmless. Give one of your own, such as the number of a shopping cart, to
	// make later calls for the same order harmless too.
	IdempotencyKey string
}

// Submit hands an order in. A []byte or json.RawMessage is sent as it is, anything else as
// its JSON. It repeats the request with the same idempotency key, so that however often the
// connection breaks there is one order.
func (c *Client) Submit(ctx context.Context, order any, o SubmitOptions) (Accepted, error) {
	body, err := asJSON(order)
	if err != nil {
		return Accepted{}, fmt.Errorf("client: the order: %w", err)
	}
	key := o.IdempotencyKey
	if key == "" {
		key = c.options.NewKey()
	}
	r, err := c.do(ctx, call{
		method: http.MethodPost, url: c.url(c.options.Path), body: body,
		header: http.Header{"Idempotency-Key": {key}}, accept: []int{http.StatusAccepted},
	})
	if err != nil {
		return Accepted{}, err
	}
	a := Accepted{IdempotencyKey: key, RetryAfter: retryAfter(r.header, c.options.Now())}
	if err := r.into(&a); err != nil {
		return Accepted{}, err
	}
	if a.OrderID == "" {
		return Accepted{}, errors.New("client: the answer to the order has no orderId")
	}
	return a, nil
}

func asJSON(v any) ([]byte, error) {
	switch b := v.(type) {
	case []byte:
		return b, nil
	case json.RawMessage:
		return b, nil
	}
	return json.Marshal(v)
}

func newKey() string {
	b := make([]byte, 16)
	_, _ = rand.Read(b) // never fails: it ends the process instead
	return hex.EncodeToString(b)
}

// Status tells where an order stands. What the API said before and has not changed is not
// transferred again (ETag, 304).
func (c *Client) Status(ctx context.Context, orderID string) (State, error) {
	k := call{method: http.MethodGet, url: c.url(c.options.Path, orderID, "status"), accept: []int{http.StatusOK}}
	known, etag := c.statuses.get(orderID)
	if etag != "" {
		k.header = http.Header{"If-None-Match": {etag}}
		k.accept = append(k.accept, http.StatusNotModified)
	}
	r, err := c.do(ctx, k)
	if err != nil {
		return State{}, err
	}
	var s State
	if r.status == http.StatusNotModified {
		s = known
	} else if err := r.into(&s); err != nil {
		return State{}, err
	} else if s.Status == "" {
		return State{}, errors.New("client: the answer has no status")
	}
	if r.status == http.StatusOK {
		c.statuses.put(orderID, s, r.header.Get("ETag"))
	}
	s.RetryAfter = retryAfter(r.header, c.options.Now())
	return s, nil
}

// Get tells all that is known of an order, before its end too.
func (c *Client) Get(ctx context.Context, orderID string) (Order, error) {
	r, err := c.do(ctx, call{method: http.MethodGet, url: c.url(c.options.Path, orderID), accept: []int{http.StatusOK}})
	if err != nil {
		return Order{}, err
	}
	var o Order
	if err := r.into(&o); err != nil {
		return Order{}, err
	}
	if o.Status == "" {
		return Order{}, errors.New("client: the answer has no status")
	}
	o.RetryAfter = retryAfter(r.header, c.options.Now())
	return o, nil
}

// Cancel asks for an order to be cancelled, and returns where it stands. The workflow stops at
// its next checkpoint, or completes if it is past the last one: Wait tells. An order
// that is finished is an ErrFinished, with its status in Problem.OrderStatus.
func (c *Client) Cancel(ctx context.Context, orderID string) (State, error) {
	r, err := c.do(ctx, call{
		method: http.MethodDelete, url: c.url(c.options.Path, orderID, "status"), accept: []int{http.StatusOK, http.StatusAccepted},
	})
	if err != nil {
		return State{}, err
	}
	var s State
	if err := r.into(&s); err != nil {
		return State{}, err
	}
	s.RetryAfter = retryAfter(r.header, c.options.Now())
	return s, nil
}

// Wait waits for the end of an order, as Watch does, and returns all of it.
func (c *Client) Wait(ctx context.Context, orderID string) (Order, error) {
	for _, err := range c.Watch(ctx, orderID, WatchOptions{}) {
		if err != nil {
			return Order{}, err
		}
	}
	return c.Get(ctx, orderID)
}
