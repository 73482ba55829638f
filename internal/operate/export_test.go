package operate

import (
	"context"
	"time"
)

// SetClock has the stack go by another clock, and receive without waiting: a local queue tells all that it has.
func (s *Stack) SetClock(now func() time.Time, wait func(context.Context, time.Duration) error) {
	s.now, s.wait, s.longPoll = now, wait, 0
}
