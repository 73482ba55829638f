package local

import (
	"context"
	"time"
)

// Run paces a stack with Options.RealTime by the wall clock until ctx ends.
func (s *Stack) Run(ctx context.Context) error {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		s.mu.Lock()
		s.kernel.RunUntil(time.Now())
		next, ok := s.kernel.Next()
		s.mu.Unlock()
		if ok {
			timer.Reset(time.Until(next))
		} else {
			timer.Stop()
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-timer.C:
		case <-s.wake:
		}
	}
}

// awaitRealTime starts something now and waits until Run has brought it to its end.
func (s *Stack) awaitRealTime(start func(done func())) {
	finished := make(chan struct{})
	s.mu.Lock()
	s.kernel.RunUntil(time.Now())
	start(func() { close(finished) })
	s.mu.Unlock()
	select {
	case s.wake <- struct{}{}:
	default:
	}
	<-finished
}
