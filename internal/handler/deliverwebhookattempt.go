package handler

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/orderflow-cdk/orderflow/internal/dynamo"
	"github.com/orderflow-cdk/orderflow/internal/egress"
	hooks "github.com/orderflow-cdk/orderflow/webhook"
)

// AttemptTimeout is how long one attempt may take, from the name's resolution to the end
// of the answer's header (Standard Webhooks 1.0.0 recommends 15 to 30 s).
const AttemptTimeout = 15 * time.Second

// maxAnswer is how much of an answer's body is read, in bytes, and only for the sake of
// the connection: a longer one, or one of unknown length, is not read at all.
const maxAnswer = 4 << 10

// failedAttempt is why an attempt was no success.
type failedAttempt struct {
	status     int    // 0: there was no answer
	text       string // for the customer to read: nothing of our network, nothing of the answer
	cause      error  // for the log; nil with a status
	retryAfter time.Duration
	// down says that the endpoint as a whole cannot take anything at present, as against
	// something being wrong with this one event.
	down bool
}

// attempt makes one request. It returns nil if the endpoint took the event. The
// error is not the endpoint's fault.
func (h *deliverWebhook) attempt(ctx context.Context, j *job, e dynamo.Endpoint) (*failedAttempt, error) {
	ctx, cancel := h.env.WithTimeout(ctx, AttemptTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, e.URL, strings.NewReader(j.Body))
	if err != nil {
		return &failedAttempt{text: "the URL cannot be used"}, nil
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", "orderflow")
	// Without a value the header is not sent; it lets net/http repeat the request over a new
	// connection if an old one turns out to be closed. The id makes that harmless.
	req.Header["Idempotency-Key"] = nil
	if err := sign(req.Header, e, messageID(j.eventID), j.Body, h.env.Now()); err != nil {
		return nil, err
	}
	res, err := h.env.Public.Do(req)
	if err != nil {
		return noAnswer(err), nil
	}
	defer func() { _ = res.Body.Close() }()
	j.status = res.StatusCode
	if res.StatusCode/100 == 2 {
		if res.ContentLength > 0 && res.ContentLength <= maxAnswer {
			if _, err := io.Copy(io.Discard, io.LimitReader(res.Body, maxAnswer)); err != nil {
				return noAnswer(err), nil
			}
		}
		return nil, nil
	}
	f := &failedAttempt{
		status: res.StatusCode, text: fmt.Sprintf("HTTP %d", res.StatusCode),
		retryAfter: retryAfter(res.Header.Get("Retry-After"), h.env.Now()),
	}
	switch {
	case res.StatusCode/100 == 3:
		f.text += ": redirects are not followed"
	case res.StatusCode == http.StatusTooManyRequests, res.StatusCode == http.StatusBadGateway,
		res.StatusCode == http.StatusServiceUnavailable, res.StatusCode == http.StatusGatewayTimeout:
		f.down = true
	}
	return f, nil
}

// sign sets the headers of Standard Webhooks 1.0.0: one signature for every secret
// that is valid now.
func sign(header http.Header, e dynamo.Endpoint, id, body string, now time.Time) error {
	var signatures []string
	for _, secret := range e.Secrets(now) {
		s, err := hooks.Sign(secret, id, now, []byte(body))
		if err != nil {
			return err
		}
		signatures = append(signatures, s)
	}
	header.Set(hooks.HeaderID, id)
	header.Set(hooks.HeaderTimestamp, strconv.FormatInt(now.Unix(), 10))
	header.Set(hooks.HeaderSignature, strings.Join(signatures, " "))
	return nil
}

// messageID is the webhook-id of an event: its own id, if that has only characters that
// an id of Standard Webhooks may have. The same event has the same one at each attempt.
func messageID(eventID string) string {
	for i := 0; i < len(eventID); i++ {
		if c := eventID[i]; c <= ' ' || c >= 0x7f || c == '.' {
			sum := sha256.Sum256([]byte(eventID))
			return "h-" + hex.EncodeToString(sum[:])
		}
	}
	return eventID
}

// noAnswer is a failure on the way: no name, no connection, no TLS, no answer.
func noAnswer(err error) *failedAttempt {
	f := &failedAttempt{down: true, cause: withoutURL(err)}
	var refused *egress.RefusedError
	var dns *net.DNSError
	var op *net.OpError
	var certificate *tls.CertificateVerificationError
	var authority x509.UnknownAuthorityError
	var record tls.RecordHeaderError
	var alert tls.AlertError
	var timeout interface{ Timeout() bool }
	switch {
	case errors.As(err, &refused):
		f.text = "the URL or the address of its host is not one of the public internet"
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &timeout) && timeout.Timeout():
		f.text = fmt.Sprintf("no answer within %d seconds", AttemptTimeout/time.Second)
	case errors.As(err, &dns):
		f.text = "the name of the host cannot be resolved"
	case errors.As(err, &certificate), errors.As(err, &authority):
		f.text = "the certificate is not valid for the host"
	case errors.As(err, &record), errors.As(err, &alert):
		f.text = "TLS cannot be agreed on"
	case errors.Is(err, syscall.ECONNREFUSED):
		f.text = "the connection was refused"
	case errors.As(err, &op) && op.Op == "dial":
		f.text = "the host cannot be reached"
	default:
		f.text = "the connection broke off, or what came was not HTTP"
	}
	return f
}

// withoutURL leaves the URL out, which may hold a credential.
func withoutURL(err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		return u.Err
	}
	return err
}
