package handler

import (
	"net/http"
	"strconv"
	"strings"
	"time"
)

// The schedule of a delivery that fails. The wait is about as long as the message
// is old, so it doubles with every attempt and no counter is needed: after about 5, 10, 20, 40
// seconds … 1, 2, 4, 8 hours, then every 8 hours, until it is three days old.
const (
	shortestWait = 5 * time.Second
	longestWait  = 8 * time.Hour
	// longestDelay is how long what AWS failed on waits at least: at most twice that. In MaxAge that makes
	// about 600 receives, of the 1000 that the queue allows.
	longestDelay = 5 * time.Minute
	// MaxAge is how old a delivery is when it is given up, and how long an endpoint
	// must have failed to be disabled.
	MaxAge = 72 * time.Hour
)

// How long an endpoint that fails is left alone: twice as long after each failure.
const (
	shortestPause = 5 * time.Second
	longestPause  = 10 * time.Minute
	// failuresInARow is after how many of any kind the pauses begin.
	failuresInARow = 3
	// workShare bounds how much of the time an endpoint that does not answer can keep an
	// invocation busy: after waiting in vain for t it is left alone for at least t × workShare.
	workShare = 4
)

// wait is how long a delivery of an age waits for its next attempt: about its age,
// 5 seconds to 8 hours, by chance up to a fifth less or more.
func wait(age time.Duration, chance float64) time.Duration {
	base := min(max(age, shortestWait), longestWait)
	return time.Duration(float64(base) * (0.8 + 0.4*chance))
}

// due is when a message is to come again: after the wait, and at some time within the
// spread, which keeps what waits for the same moment from coming all at once.
func (w *webhookMessage) due(now time.Time, wait, spread time.Duration) time.Time {
	return now.Add(wait).Add(time.Duration(w.chance() * float64(spread)))
}

// dueAfterFailure is when a delivery comes again that failed: when its schedule says,
// and not before the endpoint may be tried again.
func (w *webhookMessage) dueAfterFailure(now, pausedUntil time.Time) time.Time {
	next := now.Add(wait(w.age(now), w.chance()))
	if last := w.sentAt.Add(MaxAge); next.After(last) {
		next = last // of three days the last hours count as well
	}
	if earliest := now.Add(shortestWait); next.Before(earliest) {
		next = earliest
	}
	if !next.After(pausedUntil) {
		return w.dueAfterPause(now, pausedUntil)
	}
	return next
}

// dueAfterPause is when a delivery comes again that finds its endpoint left alone. The
// older it is, the wider the time in which it does: many that wait for the same endpoint thus come
// one after the other, and one that waits for days does not come every ten minutes.
func (w *webhookMessage) dueAfterPause(now, pausedUntil time.Time) time.Time {
	age := w.age(now)
	spread := min(max(age, shortestWait), longestWait) / 5
	next := w.due(pausedUntil, 0, spread)
	if last := w.sentAt.Add(MaxAge); next.After(last) {
		next = w.due(later(last, pausedUntil), 0, min(spread, time.Minute))
	}
	return next
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// pause is how long an endpoint is left alone after its n-th failure in a row, which
// took some time: 0 if it can be tried at once.
func pause(n int64, f *failedAttempt, took time.Duration, chance float64) time.Duration {
	if n < failuresInARow && !f.down && f.retryAfter == 0 {
		return 0
	}
	d := longestPause
	if n < 8 { // 5 s << 7 is more than ten minutes
		d = min(shortestPause<<max(n-1, 0), longestPause)
	}
	d = max(d, took*workShare, min(f.retryAfter, longestWait))
	return d + time.Duration(chance*0.2*float64(d))
}

// retryAfter reads a Retry-After header (RFC 9110, 10.2.3): seconds, or a date. It
// returns 0 for what is neither or is over; more than a year is a year.
func retryAfter(value string, now time.Time) time.Duration {
	const year = 365 * 24 * time.Hour
	value = strings.TrimSpace(value)
	if value == "" {
		return 0
	}
	if strings.Trim(value, "0123456789") == "" {
		seconds, err := strconv.ParseInt(value, 10, 64)
		if err != nil || seconds > int64(year/time.Second) {
			return year
		}
		return time.Duration(seconds) * time.Second
	}
	at, err := http.ParseTime(value)
	if err != nil {
		return 0
	}
	return min(max(at.Sub(now), 0), year)
}
