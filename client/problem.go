package client

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"
	"unicode/utf8"
)

// What an error of the API is about, to be told apart with errors.Is. Its
// details are in [Problem], by errors.As.
var (
	// ErrInvalid: 400, 413 or 415: the request is wrong, and would be again.
	ErrInvalid = errors.New("invalid request")
	// ErrTooLarge: 413; it is an ErrInvalid as well.
	ErrTooLarge = errors.New("too large")
	// ErrUnauthorized: 401, or 403 for credentials that are expired or do not verify.
	ErrUnauthorized = errors.New("unauthorized")
	// ErrForbidden: 403, whatever the reason.
	ErrForbidden = errors.New("forbidden")
	// ErrNotFound: 404: there is no such order or webhook, or it is somebody else's.
	ErrNotFound = errors.New("not found")
	// ErrFinished: 409: the order has come to its end and cannot be cancelled.
	ErrFinished = errors.New("the order is finished")
	// ErrConflict: 409, whatever the reason.
	ErrConflict = errors.New("conflict")
	// ErrThrottled: 429, or a table that is too busy.
	ErrThrottled = errors.New("throttled")
	// ErrUnavailable: 5xx, or no answer at all: not the request's fault.
	ErrUnavailable = errors.New("unavailable")
)

// Problem is an answer of the API with a status of 400 and more: application/problem+json
// (RFC 9457), or what could be made of an answer of another form.
type Problem struct {
	Type   string `json:"type"`
	Title  string `json:"title"`
	Status int    `json:"status"` // of the HTTP answer
	// Code is what programs may rely on; package constructs/asyncapi lists them. It is ""
	// if something else than the API answered.
	Code   string `json:"code"`
	Detail string `json:"detail"`
	// RequestID finds the request in the API's logs.
	RequestID string `json:"requestId"`
	// OrderStatus is the status of the order that is finished, with ErrFinished.
	OrderStatus string `json:"orderStatus"`
	// RetryAfter is how long the server asks to wait; 0 if it does not.
	RetryAfter time.Duration `json:"-"`
}

// Error implements error.
func (p *Problem) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d", p.Status)
	switch {
	case p.Code != "":
		b.WriteString(" " + p.Code)
	case p.Title != "":
		b.WriteString(" " + p.Title)
	}
	if p.Detail != "" {
		b.WriteString(": " + p.Detail)
	}
	if p.RequestID != "" {
		b.WriteString(" [request " + p.RequestID + "]")
	}
	return b.String()
}

// Is makes errors.Is find the error values of this package.
func (p *Problem) Is(target error) bool {
	switch target {
	case ErrInvalid:
		return p.Status == 400 || p.Status == 413 || p.Status == 415
	case ErrTooLarge:
		return p.Status == 413
	case ErrUnauthorized:
		return p.Status == 401 || p.Status == 403 && (p.Code == "expired-token" || p.Code == "invalid-signature" ||
			p.Code == "not-signed" || p.Code == "invalid-api-key")
	case ErrForbidden:
		return p.Status == 403
	case ErrNotFound:
		return p.Status == 404
	case ErrFinished:
		return p.Status == 409 && p.Code == "finished"
	case ErrConflict:
		return p.Status == 409
	case ErrThrottled:
		return p.Status == 429 || p.Code == "throttled"
	case ErrUnavailable:
		return p.Status >= 500
	}
	return false
}

// maxDetail is how much is quoted of an answer that is not a problem, in bytes.
const maxDetail = 300

func newProblem(r *response, now time.Time) *Problem {
	p := &Problem{}
	if json.Unmarshal(r.body, p) != nil {
		*p = Problem{}
	}
	p.Status = r.status
	p.RetryAfter = retryAfter(r.header, now)
	if p.Title == "" {
		p.Title = http.StatusText(r.status)
	}
	if p.Code == "" && p.Detail == "" {
		// Of something before the API, or of the gateway itself: {"message":"…"}.
		var m struct{ Message string }
		if json.Unmarshal(r.body, &m) == nil && m.Message != "" {
			p.Detail = m.Message
		} else if text := strings.TrimSpace(string(r.body[:min(len(r.body), maxDetail)])); utf8.ValidString(text) {
			p.Detail = text
		}
	}
	if p.RequestID == "" {
		p.RequestID = r.header.Get("X-Amzn-Requestid")
	}
	return p
}
