package local

import (
	"errors"
	"time"
)

// clock is the stack's time when it runs in real time: the wall clock's, and what was
// skipped.
type clock struct {
	offset time.Duration
	paused time.Time // where it stands still; zero: it runs
}

func (c *clock) now() time.Time {
	if !c.paused.IsZero() {
		return c.paused
	}
	return time.Now().Add(c.offset)
}

// set moves the clock to t.
func (c *clock) set(t time.Time) {
	if !c.paused.IsZero() {
		c.paused = t
	}
	c.offset = time.Until(t)
}

// errVirtual is what time in a stack without RealTime needs no telling.
var errVirtual = errors.New("only a stack with RealTime can be paused: in virtual time it stands still by itself")

// Pause has the stack's time stand still until Resume, with RealTime. Requests that come
// meanwhile wait. What a function that runs in process is computing ends first.
func (s *Stack) Pause() error {
	if !s.opts.RealTime {
		return errVirtual
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.clock.paused.IsZero() {
		s.kernel.RunUntil(s.clock.now())
		s.clock.paused = s.kernel.Now()
	}
	return nil
}

// Resume has time go on from where it was paused.
func (s *Stack) Resume() {
	s.mu.Lock()
	if at := s.clock.paused; !at.IsZero() {
		s.clock.paused = time.Time{}
		s.clock.set(at)
	}
	s.mu.Unlock()
	s.rouse()
}

// Paused reports whether the stack's time stands still.
func (s *Stack) Paused() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return !s.clock.paused.IsZero()
}

// Step lets the next thing happen, and time pass until then. It does nothing and returns false if
// there is nothing but housekeeping (items whose time to live ends) to come.
func (s *Stack) Step() bool {
	s.mu.Lock()
	defer s.rouse()
	defer s.mu.Unlock()
	if s.isClosed() || s.kernel.Idle() {
		return false
	}
	s.kernel.Step()
	s.clock.set(s.kernel.Now())
	return true
}

// SkipToNext lets time pass at once until something is due, and lets it happen. What is due now
// already happens too. It returns the time, and false if there is nothing but
// housekeeping to wait for.
func (s *Stack) SkipToNext() (time.Time, bool) {
	s.mu.Lock()
	defer s.rouse()
	defer s.mu.Unlock()
	if s.isClosed() {
		return s.kernel.Now(), false
	}
	if s.opts.RealTime {
		s.kernel.RunUntil(s.clock.now())
	}
	next, ok := s.kernel.NextForeground()
	if !ok {
		return s.kernel.Now(), false
	}
	s.kernel.RunUntil(next)
	s.clock.set(next)
	return next, true
}

// Quiet reports whether all that is under way is in the stack itself: no function runs as a
// process and nobody outside has yet to answer. Then time can be skipped without anybody
// running out of it.
func (s *Stack) Quiet() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.abroad == 0
}

// Idle reports whether nothing is under way, and nothing is going to happen but housekeeping.
func (s *Stack) Idle() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.abroad == 0 && s.kernel.Idle()
}

// RunUntilIdle lets time pass until nothing more is going to happen but
// housekeeping (items whose time to live ends), or until limit has passed, and
// reports whether the stack is idle. In real time it skips what would only be waited for, except
// while something is under way outside.
func (s *Stack) RunUntilIdle(limit time.Duration) bool {
	s.mu.Lock()
	defer s.rouse()
	defer s.mu.Unlock()
	end := s.kernel.Now().Add(limit)
	for !s.isClosed() {
		switch next, _ := s.kernel.Next(); {
		case s.abroad > 0 && s.clock.now().After(end):
			return false
		case s.abroad > 0:
			s.rouse() // what waits for a commit does not go out before
			s.mu.Unlock()
			time.Sleep(time.Millisecond)
			s.mu.Lock()
		case s.kernel.Idle():
			return true
		case next.After(end):
			return false
		default:
			s.kernel.Step()
			s.clock.set(s.kernel.Now())
		}
	}
	return false
}

// Advance lets d pass at once, with all that happens in it.
func (s *Stack) Advance(d time.Duration) {
	s.mu.Lock()
	defer s.rouse()
	defer s.mu.Unlock()
	if s.isClosed() {
		return
	}
	if s.opts.RealTime {
		s.kernel.RunUntil(s.clock.now())
	}
	s.kernel.Advance(d)
	s.clock.set(s.kernel.Now())
}
