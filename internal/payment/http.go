package payment

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"github.com/orderflow-cdk/orderflow/internal/order"
)

// Doer makes HTTP requests, as *http.Client does. It must not follow redirects:
// the request carries a credential.
type Doer interface {
	Do(*http.Request) (*http.Response, error)
}

// Secret is the provider's API key.
type Secret interface {
	// Value returns the key, fetching it once.
	Value(ctx context.Context) (string, error)
	// Forget makes the next Value fetch it again: the key was rotated.
	Forget()
}

// HTTP is a payment provider with an HTTP API:
//
//	POST {Endpoint}/charges  {"amount":9980,"currency":"EUR","token":"…"}   → 200 or 201 {"id":"…"}
//	POST {Endpoint}/refunds  {"chargeKey":"…","amount":9980,"currency":"EUR"} → 200 or 201 {"id":"…"}
//
// each with "Authorization: Bearer …" and an Idempotency-Key: the order's key,
// for refunds followed by "/refund". 402 is a declined card, with
// {"reason":"…"} if the provider says why. A refund names the charge by the
// key it was made under, because its answer may have been lost; 404 means that
// there is no such charge, and the provider must refuse to make it from then on.
type HTTP struct {
	Endpoint *url.URL
	Timeout  time.Duration // of one call
	Client   Doer
	Secret   Secret
}

// maxResponse is how much of a response is read, in bytes.
const maxResponse = 64 << 10

// Charge charges a card, once for every key.
func (h *HTTP) Charge(ctx context.Context, c Charge) (Receipt, error) {
	status, out, err := h.post(ctx, "charges", c.Key, map[string]any{
		"amount": c.Amount, "currency": c.Currency, "token": c.Token,
	})
	switch {
	case err != nil:
		return Receipt{}, err
	case status == http.StatusPaymentRequired:
		return Receipt{}, &order.PaymentDeclined{Reason: out.reason()}
	case status/100 != 2:
		return Receipt{}, refused(status)
	case out.ID == "":
		return Receipt{}, &PaymentUnavailable{Reason: "its answer has no id"}
	}
	return Receipt{ChargeID: out.ID, Amount: c.Amount, Currency: c.Currency}, nil
}

// Refund gives the money of a charge back, once for every key.
func (h *HTTP) Refund(ctx context.Context, r Refund) (Refunded, error) {
	status, out, err := h.post(ctx, "refunds", r.Key+"/refund", map[string]any{
		"chargeKey": r.Key, "amount": r.Amount, "currency": r.Currency,
	})
	switch {
	case err != nil:
		return Refunded{}, err
	case status == http.StatusNotFound:
		return Refunded{}, nil
	case status/100 != 2:
		return Refunded{}, refused(status)
	case out.ID == "":
		return Refunded{}, &PaymentUnavailable{Reason: "its answer has no id"}
	}
	return Refunded{RefundID: out.ID, Refunded: true}, nil
}

type answer struct {
	ID     string `json:"id"`
	Reason string `json:"reason"`
}

// reason is the provider's reason, short enough for a record.
func (a answer) reason() string {
	if r := []rune(a.Reason); len(r) > 200 {
		return string(r[:200])
	}
	return a.Reason
}

// post makes a call and returns the status if it is one that the caller must
// judge. Errors never hold the request or the response: both may hold a token.
func (h *HTTP) post(ctx context.Context, path, key string, body any) (int, answer, error) {
	secret, err := h.Secret.Value(ctx)
	if err != nil {
		return 0, answer{}, err
	}
	in, err := json.Marshal(body)
	if err != nil {
		return 0, answer{}, fmt.Errorf("payment: request: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, h.Timeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, h.Endpoint.JoinPath(path).String(), bytes.NewReader(in))
	if err != nil {
		return 0, answer{}, fmt.Errorf("payment: request: %w", err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Accept", "application/json")
	req.Header.Set("Authorization", "Bearer "+secret)
	req.Header.Set("Idempotency-Key", key)

	res, err := h.Client.Do(req)
	if err != nil {
		return 0, answer{}, &PaymentUnavailable{Reason: transport(err)}
	}
	defer func() { _ = res.Body.Close() }()
	text, err := io.ReadAll(io.LimitReader(res.Body, maxResponse))
	if err != nil {
		return 0, answer{}, &PaymentUnavailable{Reason: transport(err)}
	}
	switch res.StatusCode {
	case http.StatusUnauthorized:
		h.Secret.Forget()
		return 0, answer{}, &PaymentUnavailable{Reason: "HTTP 401; the API key is fetched anew for the next attempt"}
	case http.StatusRequestTimeout, http.StatusConflict, http.StatusTooEarly, http.StatusTooManyRequests:
		return 0, answer{}, &PaymentUnavailable{Reason: fmt.Sprintf("HTTP %d", res.StatusCode)}
	}
	if res.StatusCode >= 500 {
		return 0, answer{}, &PaymentUnavailable{Reason: fmt.Sprintf("HTTP %d", res.StatusCode)}
	}
	var a answer
	if err := json.Unmarshal(text, &a); err != nil && res.StatusCode/100 == 2 {
		return 0, answer{}, &PaymentUnavailable{Reason: "its answer is not JSON"}
	}
	return res.StatusCode, a, nil
}

func refused(status int) error {
	return &PaymentRequestInvalid{Reason: fmt.Sprintf("HTTP %d", status)}
}

// transport says what went wrong on the way, without the URL.
func transport(err error) string {
	var u *url.Error
	if errors.As(err, &u) {
		if u.Timeout() {
			return "no answer in time"
		}
		err = u.Err
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return "no answer in time"
	}
	return err.Error()
}
