package webhook

import (
	"errors"
	"fmt"
	"net/http"
	"time"
)

// Errors of New, Sign and Verify, to be told apart with errors.Is.
var (
	// ErrSecret: a secret is not base64 of 24 to 64 bytes.
	ErrSecret = errors.New("webhook: invalid secret")
	// ErrUnsigned: the request has no signature of either kind.
	ErrUnsigned = errors.New("webhook: not signed")
	// ErrRawDelivery: SNS sent it with raw message delivery, which leaves out the
	// signature. Turn RawMessageDelivery off for the subscription.
	ErrRawDelivery = errors.New("webhook: raw message delivery of SNS is not signed; turn it off for this subscription")
	// ErrMalformed: the request is not of the form that its headers promise.
	ErrMalformed = errors.New("webhook: malformed")
	// ErrSignature: no signature is right for any secret or certificate.
	ErrSignature = errors.New("webhook: wrong signature")
	// ErrStale: the signature is right, but was made too long ago or lies ahead.
	ErrStale = errors.New("webhook: timestamp outside the tolerance")
	// ErrUnknownSender: from an SNS topic that is not allowed, or of a kind that the
	// receiver was not set up for.
	ErrUnknownSender = errors.New("webhook: unknown sender")
	// ErrCertificate: SNS's certificate is not at an address of SNS, or not valid.
	ErrCertificate = errors.New("webhook: untrusted certificate")
	// ErrUnavailable: what is needed to decide could not be reached, such as the
	// certificate or the store of ids. The sender should try again.
	ErrUnavailable = errors.New("webhook: unavailable")
	// ErrTooLarge: the body is longer than the options allow.
	ErrTooLarge = errors.New("webhook: body too large")
	// ErrBusy: another request with the same id is being handled. The sender should try again.
	ErrBusy = errors.New("webhook: the same message is being handled")
)

// ErrGone from a handler answers 410: orderflow then disables the endpoint, and
// sends nothing to it any more.
var ErrGone = errors.New("webhook: endpoint no longer wanted")

// RetryAfter wraps an error of a handler so that the answer is 503 with a
// Retry-After of d, in whole seconds, at least one.
func RetryAfter(err error, d time.Duration) error { return &retryAfter{err, d} }

type retryAfter struct {
	err   error
	after time.Duration
}

func (e *retryAfter) Error() string             { return fmt.Sprintf("%v (retry after %v)", e.err, e.after) }
func (e *retryAfter) Unwrap() error             { return e.err }
func (e *retryAfter) RetryAfter() time.Duration { return e.after }

// StatusCode is the HTTP status with which a Handler answers an error: 4xx is for what will be
// refused again, 500 and 503 for what may work the next time. Standard Webhooks are repeated after
// either, by SNS only what was answered with 5xx or 429.
func StatusCode(err error) int {
	var later interface{ RetryAfter() time.Duration }
	switch {
	case err == nil:
		return http.StatusNoContent
	case errors.As(err, &later), errors.Is(err, ErrBusy), errors.Is(err, ErrUnavailable):
		return http.StatusServiceUnavailable
	case errors.Is(err, ErrGone):
		return http.StatusGone
	case errors.Is(err, ErrTooLarge):
		return http.StatusRequestEntityTooLarge
	case errors.Is(err, ErrMalformed), errors.Is(err, ErrRawDelivery):
		return http.StatusBadRequest
	case errors.Is(err, ErrUnsigned), errors.Is(err, ErrSignature), errors.Is(err, ErrStale):
		return http.StatusUnauthorized
	case errors.Is(err, ErrUnknownSender), errors.Is(err, ErrCertificate):
		return http.StatusForbidden
	}
	return http.StatusInternalServerError
}
