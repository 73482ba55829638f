package client

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Retry says how often and how soon a request is repeated that met 429, 5xx or a broken
// connection. Submit and everything else that can be repeated without harm is; creating a webhook,
// rotating its secret and trying it out are repeated after 429 only, when nothing has happened.
type Retry struct {
	// Attempts is how many there are at most; default 5, 1 for none but the first.
	Attempts int
	// MinWait is what the first wait is about, doubled with each; default 200 ms. The wait is
	// random between half of that and all of it. A Retry-After that is longer goes first.
	MinWait time.Duration
	// MaxWait is the longest wait; default 30 s. When the server asks for a longer one, its
	// answer is the error, with the time in Problem.RetryAfter.
	MaxWait time.Duration
}

func (r Retry) withDefaults() Retry {
	if r.Attempts == 0 {
		r.Attempts = 5
	}
	if r.MinWait == 0 {
		r.MinWait = 200 * time.Millisecond
	}
	if r.MaxWait == 0 {
		r.MaxWait = 30 * time.Second
	}
	return r
}

func (r Retry) validate() error {
	if r.Attempts < 0 || r.MinWait < 0 || r.MaxWait < 0 {
		return errors.New("client: Retry must not be negative")
	}
	return nil
}

// backoff is how long to wait after a number of failures, from 1.
func (c *Client) backoff(failures int, shortest, longest time.Duration) time.Duration {
	d := shortest << min(failures-1, 20)
	if d > longest || d <= 0 {
		d = longest
	}
	return d/2 + time.Duration(float64(d/2)*c.options.Random())
}

// wait tells how long to wait before the next attempt, or that there is none.
func (c *Client) wait(err error, failures int, how repeat) (time.Duration, bool) {
	r := c.options.Retry
	if failures >= r.Attempts || !temporary(err) || (how == ifThrottled && !throttled(err)) {
		return 0, false
	}
	d := c.backoff(failures, r.MinWait, r.MaxWait)
	var p *Problem
	if errors.As(err, &p) {
		if p.RetryAfter > r.MaxWait {
			return 0, false
		}
		d = max(d, p.RetryAfter)
	}
	return d, true
}

// temporary reports whether the same request may work later.
func temporary(err error) bool {
	var p *Problem
	if errors.As(err, &p) {
		return p.Status == http.StatusTooManyRequests || p.Status >= 500
	}
	var t *transportError
	return errors.As(err, &t) && !errors.Is(err, context.Canceled)
}

func throttled(err error) bool {
	var p *Problem
	return errors.As(err, &p) && p.Status == http.StatusTooManyRequests
}

// transportError says that there was no answer, or only a part of one.
type transportError struct{ err error }

func (e *transportError) Error() string { return e.err.Error() }
func (e *transportError) Unwrap() error { return e.err }

// Is makes errors.Is find ErrUnavailable.
func (e *transportError) Is(target error) bool { return target == ErrUnavailable }

// retryAfter reads a Retry-After: seconds, or a date. It is 0 if there is none.
func retryAfter(h http.Header, now time.Time) time.Duration {
	s := strings.TrimSpace(h.Get("Retry-After"))
	if n, err := strconv.ParseUint(s, 10, 31); err == nil {
		return time.Duration(n) * time.Second
	}
	if at, err := http.ParseTime(s); err == nil {
		return max(0, at.Sub(now))
	}
	return 0
}

// attempts says how often something was tried, for errors.
func attempts(err error, n int) error {
	if n == 1 {
		return err
	}
	return fmt.Errorf("%w (after %d attempts)", err, n)
}
