package local

import (
	"context"
	"errors"
	"time"
)

// errStopped answers what reaches a stack in real time that Run does not pace (any more).
var errStopped = errors.New("the stack is not running: Run has ended or was never called")

// Run paces a stack with Options.RealTime by the wall clock until ctx ends or the stack
// is closed. It is called once.
func (s *Stack) Run(ctx context.Context) error {
	defer close(s.stopped)
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
		case <-s.closed:
			return errClosed
		case <-s.wake:
		}
	}
}

// awaitRealTime starts something now and waits until Run has brought it to its
// end. It reports whether it has.
func (s *Stack) awaitRealTime(start func(done func())) bool {
	finished := make(chan struct{})
	s.enter(func() { start(func() { close(finished) }) })
	select {
	case <-finished:
		return true
	case <-s.stopped:
		return false
	case <-s.closed:
		return false
	}
}
