package local

import (
	"context"
	"errors"
	"time"
)

// errStopped answers what reaches a stack in real time that Run does not pace (any more).
var errStopped = errors.New("the stack is not running: Run has ended or was never called")

// errReloaded answers what a Reload came in between.
var errReloaded = errors.New("the template was reloaded meanwhile: try again")

// Run paces a stack with Options.RealTime by the wall clock until ctx ends or the stack
// is closed. It is called once. What Options.Data cannot keep any more is an error.
func (s *Stack) Run(ctx context.Context) error {
	defer close(s.stopped)
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		wait, err := s.pace()
		if err != nil {
			return err
		}
		if wait >= 0 {
			timer.Reset(wait)
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

// pace lets everything happen that is due, and keeps it. It returns how long
// nothing more is going to happen by itself; negative: for ever.
func (s *Stack) pace() (time.Duration, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.isClosed() {
		return 0, nil
	}
	s.kernel.RunUntil(s.clock.now())
	if err := s.commit(); err != nil {
		return 0, err
	}
	switch next, ok := s.kernel.Next(); {
	case len(s.ready) > 0:
		return 0, nil
	case !ok || !s.clock.paused.IsZero() && next.After(s.clock.paused):
		return -1, nil
	default:
		return max(0, next.Sub(s.clock.now())), nil
	}
}

// awaitRealTime starts something now and waits until Run has brought it to its end.
func (s *Stack) awaitRealTime(start func(done func())) error {
	finished := make(chan struct{})
	var ended chan struct{}
	s.enter(func() {
		ended = s.ended
		start(func() { s.release(func() { close(finished) }) })
	})
	if ended == nil {
		return errClosed
	}
	var err error
	select {
	case <-finished:
		return nil
	case <-s.closed:
		err = errClosed
	case <-s.stopped:
		err = errStopped
	case <-ended:
		err = errReloaded
	}
	// Of several that are so, the first in this order counts.
	for _, c := range []struct {
		is  <-chan struct{}
		err error
	}{{finished, nil}, {s.closed, errClosed}, {s.stopped, errStopped}} {
		select {
		case <-c.is:
			return c.err
		default:
		}
	}
	return err
}
