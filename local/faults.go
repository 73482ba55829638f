package local

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/orderflow-cdk/orderflow/local/internal/api"
	"github.com/orderflow-cdk/orderflow/local/internal/lambda"
)

// FaultKind is what a fault does.
type FaultKind string

// The kinds of faults.
const (
	// Throttle refuses the call or the invocation as the service does that has too much to do.
	Throttle FaultKind = "throttle"
	// FailWith has the function fail with the error ErrorName, or the call be answered by it, without effect.
	FailWith FaultKind = "fail"
	// CrashBefore ends the execution environment, or loses the call, before there is any effect.
	CrashBefore FaultKind = "crash-before"
	// CrashAfter ends the execution environment, or loses the answer, when the effect is there.
	CrashAfter FaultKind = "crash-after"
	// Duplicate makes the call, or runs the invocation, twice, one after the other.
	Duplicate FaultKind = "duplicate"
	// Slow delays the call or the invocation by Delay.
	Slow FaultKind = "slow"
)

// FaultKinds lists the kinds of faults.
func FaultKinds() []FaultKind {
	return []FaultKind{Throttle, FailWith, CrashBefore, CrashAfter, Duplicate, Slow}
}

// Fault is something that goes wrong on purpose.
type Fault struct {
	// Name is for people; default: target and kind.
	Name string `json:"name"`
	// Target is a function, by its Handler property ("charge"), or a pattern of calls, as a policy's
	// Action: "sqs:SendMessage", "dynamodb:*", "*:*". Calls are those of functions, state machines, the
	// gateway, AppSync and topics; what Lambda's pollers and clients outside do is no call in this sense.
	Target string    `json:"target"`
	Kind   FaultKind `json:"kind"`
	// ErrorName and Message are the error of FailWith. For a function ErrorName is what a state machine matches,
	// for a call the service's error code. Default "Fault".
	ErrorName string `json:"errorName,omitempty"`
	Message   string `json:"message,omitempty"`
	// Delay is that of Slow.
	Delay time.Duration `json:"delay,omitempty"`
	// Probability is that of each call or invocation, between 0 and 1; 0 means 1.
	Probability float64 `json:"probability,omitempty"`
	// Times is how often it happens before it is over; 0 means until it is removed.
	Times int `json:"times,omitempty"`
	// Happened counts how often it did, since the fault was first set as it is. SetFaults ignores it.
	Happened int `json:"happened"`
}

func (f *Fault) validate() error {
	switch {
	case f.Target == "":
		return errors.New("Target is missing: a function's Handler, or a pattern such as sqs:SendMessage")
	case !slices.Contains(FaultKinds(), f.Kind):
		return fmt.Errorf("Kind %q is none of %v", f.Kind, FaultKinds())
	case f.Kind == Slow && f.Delay <= 0:
		return fmt.Errorf("Delay must be positive for Kind %s, got %s", f.Kind, f.Delay)
	case f.Probability < 0 || f.Probability > 1:
		return fmt.Errorf("Probability must be between 0 and 1, got %v", f.Probability)
	case f.Times < 0:
		return fmt.Errorf("Times must not be negative, got %d", f.Times)
	}
	if _, err := path.Match(f.Target, ""); err != nil {
		return fmt.Errorf("Target %q is no pattern: %w", f.Target, err)
	}
	return nil
}

// faults are the faults of a stack that are not over.
type faults []*Fault

// SetFaults replaces the faults of the stack. A fault that stays as it is goes on counting; what is new, or is different in anything,
// begins at zero. An error names the fault that is not valid; the others are not set either.
func (s *Stack) SetFaults(all ...Fault) error {
	made := make(faults, len(all))
	var errs []error
	for i, f := range all {
		if err := f.validate(); err != nil {
			errs = append(errs, fmt.Errorf("fault %d (%s): %w", i+1, f.Name, err))
		}
		if f.Name == "" {
			f.Name = f.Target + " " + string(f.Kind)
		}
		f.Happened = 0
		made[i] = &f
	}
	if err := errors.Join(errs...); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, f := range made {
		if !strings.Contains(f.Target, ":") && s.functionByHandler(f.Target) == nil {
			return fmt.Errorf("fault %s: the template has no function with the Handler %q", f.Name, f.Target)
		}
	}
	before := s.faults
	for _, f := range made {
		if i := slices.IndexFunc(before, f.same); i >= 0 {
			f.Happened = before[i].Happened
			before = slices.Delete(slices.Clone(before), i, i+1) // of two that are equal each goes on
		}
	}
	s.faults = made
	return nil
}

// same reports whether two faults differ in their counts at most.
func (f *Fault) same(other *Fault) bool {
	a, b := *f, *other
	a.Happened, b.Happened = 0, 0
	return a == b
}

// Faults returns the faults as they were set, with how often each has happened.
func (s *Stack) Faults() []Fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := make([]Fault, len(s.faults))
	for i, f := range s.faults {
		all[i] = *f
	}
	return all
}

func (s *Stack) functionByHandler(handler string) *lambda.Function {
	for _, f := range s.functions.Functions() {
		if f.Properties.Handler == handler {
			return f
		}
	}
	return nil
}

// fault is the first fault of one of the kinds that befalls a target now, or nil.
func (s *Stack) fault(target string, kinds ...FaultKind) *Fault {
	for _, f := range s.faults {
		if f.Times > 0 && f.Happened >= f.Times || len(kinds) > 0 && !slices.Contains(kinds, f.Kind) {
			continue
		}
		if ok, _ := path.Match(f.Target, target); !ok {
			continue
		}
		if f.Probability > 0 && s.kernel.Rand().Float64() >= f.Probability {
			continue
		}
		f.Happened++
		s.emit(Event{Kind: EventFault, To: target, Action: string(f.Kind), Detail: f.Name})
		return f
	}
	return nil
}

// suffer makes a call that a fault befalls.
func (f *Fault) suffer(b *bus, c api.Call, do func(done func([]byte, error)), done func([]byte, error)) {
	lost := &api.Error{Code: "InternalFailure", Message: "The answer was lost (" + f.Name + ")", Status: http.StatusInternalServerError}
	switch f.Kind {
	case Throttle:
		done(nil, throttled(c.Service))
	case FailWith:
		done(nil, api.Errorf(f.errorName(), "%s", f.message()))
	case CrashBefore:
		done(nil, lost)
	case CrashAfter:
		do(func([]byte, error) { done(nil, lost) })
	case Duplicate:
		do(func(out []byte, err error) {
			do(func([]byte, error) { done(out, err) })
		})
	case Slow:
		b.kernel.After(f.Delay, func() { do(done) })
	}
}

func (f *Fault) errorName() string { return cmp.Or(f.ErrorName, "Fault") }

func (f *Fault) message() string {
	return cmp.Or(f.Message, "The fault "+f.Name)
}

// throttled is how a service refuses a call when there are too many.
func throttled(service string) *api.Error {
	switch service {
	case "dynamodb":
		return api.Errorf("ThrottlingException", "Throughput exceeds the current capacity of your table or index.")
	case "sqs":
		return &api.Error{Code: "RequestThrottled", Message: "Request is throttled.", Status: http.StatusForbidden}
	case "sns":
		return api.Errorf("Throttling", "Rate exceeded")
	case "lambda":
		return &api.Error{Code: "TooManyRequestsException", Message: "Rate Exceeded.", Status: http.StatusTooManyRequests}
	}
	return api.Errorf("ThrottlingException", "Rate exceeded")
}

// faulty is a function's invoker that suffers the faults of its Handler.
type faulty struct {
	lambda.Invoker
	stack   *Stack
	handler string
}

// Invoke implements lambda.Invoker.
func (i faulty) Invoke(inv lambda.Invocation, done func([]byte, *lambda.FunctionError)) (cancel func()) {
	f := i.stack.fault(i.handler, FailWith, CrashBefore, CrashAfter, Duplicate, Slow)
	if f == nil {
		return i.Invoker.Invoke(inv, done)
	}
	var (
		cancelled bool
		undo      = func() {}
	)
	later := func(d time.Duration, f func()) {
		inv.Kernel.After(d, func() {
			if !cancelled {
				f()
			}
		})
	}
	run := func(then func([]byte, *lambda.FunctionError)) { undo = i.Invoker.Invoke(inv, then) }
	switch f.Kind {
	case FailWith:
		later(time.Millisecond, func() { done(nil, lambda.Failed(f.errorName(), f.message())) })
	case CrashBefore:
		later(time.Millisecond, func() { done(nil, lambda.Exited(inv.RequestID)) })
	case CrashAfter:
		run(func([]byte, *lambda.FunctionError) { done(nil, lambda.Exited(inv.RequestID)) })
	case Duplicate:
		run(func(out []byte, err *lambda.FunctionError) {
			if err != nil && err.Exit {
				done(out, err)
				return
			}
			inv.Cold = false
			later(0, func() { run(done) })
		})
	case Slow:
		later(f.Delay, func() { run(done) })
	}
	return func() {
		cancelled = true
		undo()
	}
}
