package apigateway

import "time"

// The account's default quotas per region.
//
// https://docs.aws.amazon.com/apigateway/latest/developerguide/limits.html
const (
	accountRate  = 10_000
	accountBurst = 5_000
)

// bucket is a token bucket in simulated time. The zero bucket lets everything
// through.
type bucket struct {
	rate, burst float64
	tokens      float64
	at          time.Time
	limited     bool
}

func newBucket(rate, burst float64) bucket {
	return bucket{rate: rate, burst: burst, tokens: burst, limited: true}
}

// full tells whether a request may pass at the time, without letting it.
func (b *bucket) allows(now time.Time) bool {
	if !b.limited {
		return true
	}
	if !b.at.IsZero() {
		if d := now.Sub(b.at); d > 0 {
			b.tokens = min(b.burst, b.tokens+b.rate*d.Seconds())
		}
	}
	b.at = now
	// Sums of fractions fall short of one by rounding.
	return b.tokens >= 1-1e-9
}

func (b *bucket) take() {
	if b.limited {
		b.tokens--
	}
}

// takeAll lets a request pass if every bucket does, and then counts it in
// each: one that is throttled uses up nobody's tokens.
func takeAll(now time.Time, buckets ...*bucket) bool {
	for _, b := range buckets {
		if b != nil && !b.allows(now) {
			return false
		}
	}
	for _, b := range buckets {
		if b != nil {
			b.take()
		}
	}
	return true
}
