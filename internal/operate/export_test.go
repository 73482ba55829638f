package operate

import (
	"context"
	"time"
)

// After is whether a sequence number comes after another.
var After = after

// SetClock has the stack go by another clock, and receive without waiting: a local queue tells all that it has.
func (s *Stack) SetClock(now func() time.Time, wait func(context.Context, time.Duration) error) {
	s.now, s.wait, s.longPoll = now, wait, 0
}
