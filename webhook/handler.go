package webhook

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"strconv"
	"time"

	"github.com/orderflow-cdk/orderflow/event"
)

// Handler returns the HTTP handler of an endpoint that receives events of orders,
// as signed webhooks or from the SNS topic. Each event is handed on once, even if it comes both
// ways. It answers 204 after handle has returned nil, and after an event that
// was handled before; after an error the sender repeats: see [StatusCode].
// A sender waits for 15 seconds, so what takes longer must be put aside by handle first.
func (r *Receiver) Handler(handle func(context.Context, event.Event) error) http.Handler {
	return r.handler(func(m Message) (string, func(context.Context) error, error) {
		var e event.Event
		if err := json.Unmarshal(m.Body, &e); err != nil {
			return "", nil, fmt.Errorf("%w: not an event: %w", ErrMalformed, err)
		}
		id := e.ID
		switch {
		case e.Type == event.TypeTest:
			id = m.ID // what tries an endpoint out need not be unique
		case e.Sequence < 1 || e.OrderID == "" || e.ID != event.ID(e.OrderID, e.Sequence) || e.Type != event.TypeOf(e.Status):
			return "", nil, fmt.Errorf("%w: not an event of an order", ErrMalformed)
		}
		return id, func(ctx context.Context) error { return handle(ctx, e) }, nil
	})
}

// MessageHandler is Handler for any other bodies. Duplicates are dropped by the
// message's ID, and of SNS's messages only notifications are handed on.
func (r *Receiver) MessageHandler(handle func(context.Context, Message) error) http.Handler {
	return r.handler(func(m Message) (string, func(context.Context) error, error) {
		return m.ID, func(ctx context.Context) error { return handle(ctx, m) }, nil
	})
}

// open tells the id of a message's content, and what is to be done about it.
type open func(Message) (id string, handle func(context.Context) error, err error)

func (r *Receiver) handler(open open) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if req.Method != http.MethodPost {
			w.Header().Set("Allow", http.MethodPost)
			http.Error(w, http.StatusText(http.StatusMethodNotAllowed), http.StatusMethodNotAllowed)
			return
		}
		err := r.receive(w, req, open)
		if err == nil {
			w.WriteHeader(http.StatusNoContent)
			return
		}
		r.options.OnError(req.Context(), err)
		status := StatusCode(err)
		if status == http.StatusServiceUnavailable {
			w.Header().Set("Retry-After", strconv.Itoa(secondsAfter(err)))
		}
		// Nothing that the sender does not know already: it may be anybody.
		http.Error(w, http.StatusText(status), status)
	})
}

// busySeconds is the Retry-After where the error does not tell one.
const busySeconds = 5

func secondsAfter(err error) int {
	var later interface{ RetryAfter() time.Duration }
	if errors.As(err, &later) {
		return max(1, int(math.Ceil(later.RetryAfter().Seconds())))
	}
	return busySeconds
}

func (r *Receiver) receive(w http.ResponseWriter, req *http.Request, open open) error {
	ctx := req.Context()
	body, err := io.ReadAll(http.MaxBytesReader(w, req.Body, r.options.MaxBody))
	if err != nil {
		var tooLarge *http.MaxBytesError
		if errors.As(err, &tooLarge) {
			return fmt.Errorf("%w: over %d bytes", ErrTooLarge, tooLarge.Limit)
		}
		return fmt.Errorf("%w: reading the body: %w", ErrMalformed, err)
	}
	m, err := r.Verify(ctx, req.Header, body)
	if err != nil {
		return err
	}
	switch m.Type {
	case TypeSubscription:
		return r.Confirm(ctx, m)
	case TypeUnsubscription:
		if r.options.Unsubscribed != nil {
			r.options.Unsubscribed(ctx, m.Topic)
		}
		return nil
	}
	id, handle, err := open(m)
	if err != nil {
		return err
	}
	return r.once(ctx, id, handle)
}

// once handles what was not handled before.
func (r *Receiver) once(ctx context.Context, id string, handle func(context.Context) error) error {
	first, err := r.options.Seen.Begin(ctx, id)
	switch {
	case errors.Is(err, ErrBusy):
		return err
	case err != nil:
		return fmt.Errorf("%w: the store of ids: %w", ErrUnavailable, err)
	case !first:
		return nil
	}
	handled := false
	// Deferred, so that a panic gives the claim back. The sender may have hung up
	// meanwhile, which must not keep the id from being remembered.
	defer func() {
		if err := r.options.Seen.End(context.WithoutCancel(ctx), id, handled); err != nil {
			r.options.OnError(ctx, fmt.Errorf("remembering %s: %w", id, err))
		}
	}()
	if err := handle(ctx); err != nil {
		return err
	}
	handled = true
	return nil
}
