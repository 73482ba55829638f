package handler

import "time"

// For tests of the arithmetic.
var (
	Wait       = wait
	RetryAfter = retryAfter
)

// Pause is pause for a failure that is, or is not, of the endpoint as a whole.
func Pause(n int64, down bool, after, took time.Duration, chance float64) time.Duration {
	return pause(n, &failedAttempt{down: down, retryAfter: after}, took, chance)
}
