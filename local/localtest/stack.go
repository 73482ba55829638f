package localtest

import (
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/orderflow-cdk/orderflow/local"
)

// M is a JSON object.
type M = map[string]any

// Stack is a stack that runs for one test. What it embeds can be used as well.
type Stack struct {
	*local.Stack
	t testing.TB

	mu            sync.Mutex // of what is written within events of the stack
	trace         Trace
	logs          []string
	frames        map[string]int // sent, by the id of the subscription
	subscriptions int
}

// Start runs a template until the test ends. Options are those of package local, of which
// RealTime is refused; Logs and OnEvent get what they would get besides.
func Start(t testing.TB, template []byte, o local.Options) *Stack {
	t.Helper()
	if o.RealTime {
		t.Fatal("localtest: a test runs in virtual time; for Options.RealTime use local.New")
	}
	s := &Stack{t: t, frames: map[string]int{}}
	o.Logs = logs{s, o.Logs}
	onEvent, onFrame := o.OnEvent, o.OnFrame
	o.OnEvent = func(e local.Event) {
		s.mu.Lock()
		s.trace = append(s.trace, e)
		s.mu.Unlock()
		if onEvent != nil {
			onEvent(e)
		}
	}
	o.OnFrame = func(at time.Time, subscription string, frame []byte) {
		s.sent(frame)
		if onFrame != nil {
			onFrame(at, subscription, frame)
		}
	}
	var err error
	if s.Stack, err = local.New(template, o); err != nil {
		t.Fatalf("localtest: the template cannot be run:\n%v", err)
	}
	t.Cleanup(func() {
		s.Close()
		if t.Failed() {
			s.report()
		}
	})
	return s
}

// Assembly reads the template of a stack from a cloud assembly, the folder that cdk synth
// writes (cdk.out).
func Assembly(t testing.TB, dir, stack string) []byte {
	t.Helper()
	template, err := local.ReadTemplate(dir, stack)
	if err != nil {
		t.Fatalf("localtest: %v", err)
	}
	return template
}

// Output is one of the template's outputs.
func (s *Stack) Output(name string) string {
	s.t.Helper()
	value, ok := s.Outputs()[name]
	if !ok {
		var names []string
		for n := range s.Outputs() {
			names = append(names, n)
		}
		slices.Sort(names)
		s.t.Fatalf("localtest: the template has no output %s; it has: %s", name, strings.Join(names, ", "))
	}
	return value
}

// Eventually lets time pass, from one event to the next, until cond holds. It ends the test
// if that takes more than limit of the stack's time, or if nothing more is going to happen. cond
// may call the stack, which takes time too.
func (s *Stack) Eventually(cond func() bool, limit time.Duration) {
	s.t.Helper()
	begun := s.Now()
	for !cond() {
		if waited := s.Now().Sub(begun); waited > limit {
			s.t.Fatalf("localtest: it did not come to be within %v", limit)
		}
		if _, ok := s.SkipToNext(); !ok && !cond() {
			s.t.Fatalf("localtest: nothing more is going to happen, %v after Eventually began", s.Now().Sub(begun))
		}
	}
}

// Idle lets time pass until nothing more is going to happen but housekeeping, and ends the test
// if there still is something after limit.
func (s *Stack) Idle(limit time.Duration) {
	s.t.Helper()
	if !s.RunUntilIdle(limit) {
		s.t.Fatalf("localtest: there is still something going on after %v", limit)
	}
}

// Inject adds faults to those that there are. Heal takes all of them away.
func (s *Stack) Inject(faults ...local.Fault) {
	s.t.Helper()
	if err := s.SetFaults(append(s.Faults(), faults...)...); err != nil {
		s.t.Fatalf("localtest: %v", err)
	}
}

// Heal takes all faults away.
func (s *Stack) Heal() {
	s.t.Helper()
	if err := s.SetFaults(); err != nil {
		s.t.Fatalf("localtest: %v", err)
	}
}
