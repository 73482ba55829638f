package localapp

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"

	"github.com/orderflow-cdk/orderflow/internal/order"
	"github.com/orderflow-cdk/orderflow/internal/payment"
)

// paymentProvider answers the HTTP API of a payment provider, for environments
// that charge through one: the other end of payment.HTTP. The card's token decides, as in the sandbox.
type paymentProvider struct {
	mu       sync.Mutex // in real time requests come at the same time
	sandbox  payment.Sandbox
	attempts map[string]int
	charges  map[string]string // charge id by idempotency key
	refunded map[string]string // refund id by idempotency key
}

// PaymentProvider returns one that knows no charge yet. The environments that
// pay through HTTP reach it as their provider.
func PaymentProvider() http.RoundTripper {
	p := &paymentProvider{attempts: map[string]int{}, charges: map[string]string{}, refunded: map[string]string{}}
	p.sandbox.Attempts = p
	return p
}

// CountAttempt implements payment.Attempts.
func (p *paymentProvider) CountAttempt(_ context.Context, key string) (int, error) {
	p.attempts[key]++
	return p.attempts[key], nil
}

// RoundTrip implements http.RoundTripper.
func (p *paymentProvider) RoundTrip(req *http.Request) (*http.Response, error) {
	var in struct {
		Amount                     int64
		Currency, Token, ChargeKey string
	}
	if err := json.NewDecoder(req.Body).Decode(&in); err != nil {
		return reply(req, http.StatusBadRequest, nil)
	}
	key := req.Header.Get("Idempotency-Key")
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case req.Header.Get("Authorization") == "" || key == "":
		return reply(req, http.StatusUnauthorized, nil)
	case strings.HasSuffix(req.URL.Path, "/charges"):
		return p.charge(req, key, payment.Charge{Key: key, Amount: in.Amount, Currency: in.Currency, Token: in.Token})
	case strings.HasSuffix(req.URL.Path, "/refunds"):
		return p.refund(req, key, in.ChargeKey)
	}
	return reply(req, http.StatusNotFound, nil)
}

// voided marks a key under which no charge may be made any more.
const voided = "voided"

func (p *paymentProvider) charge(req *http.Request, key string, c payment.Charge) (*http.Response, error) {
	if id, ok := p.charges[key]; ok {
		if id == voided {
			return reply(req, http.StatusUnprocessableEntity, nil)
		}
		return reply(req, http.StatusOK, map[string]string{"id": id})
	}
	receipt, err := p.sandbox.Charge(req.Context(), c)
	var declined *order.PaymentDeclined
	switch {
	case errors.As(err, &declined):
		return reply(req, http.StatusPaymentRequired, map[string]string{"reason": declined.Reason})
	case err != nil:
		return reply(req, http.StatusServiceUnavailable, nil)
	}
	p.charges[key] = receipt.ChargeID
	return reply(req, http.StatusCreated, map[string]string{"id": receipt.ChargeID})
}

func (p *paymentProvider) refund(req *http.Request, key, chargeKey string) (*http.Response, error) {
	if id, ok := p.refunded[key]; ok {
		return reply(req, http.StatusOK, map[string]string{"id": id})
	}
	charge, ok := p.charges[chargeKey]
	if !ok || charge == voided {
		p.charges[chargeKey] = voided
		return reply(req, http.StatusNotFound, nil)
	}
	p.refunded[key] = "re_" + strings.TrimPrefix(charge, "ch_")
	return reply(req, http.StatusCreated, map[string]string{"id": p.refunded[key]})
}

func reply(req *http.Request, status int, body map[string]string) (*http.Response, error) {
	b, err := json.Marshal(body)
	if err != nil {
		return nil, fmt.Errorf("payment provider: %w", err)
	}
	return &http.Response{
		StatusCode: status, Status: http.StatusText(status), Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(bytes.NewReader(b)), Request: req,
	}, nil
}
