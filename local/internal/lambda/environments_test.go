package lambda

import (
	"testing"
	"time"

	"github.com/orderflow-cdk/orderflow/local/internal/cfn"
	"github.com/orderflow-cdk/orderflow/local/internal/sim"
)

// byHand is an invoker whose invocations end when the test says so.
type byHand struct {
	running []Invocation
	done    []func([]byte, *FunctionError)
	closed  []int // environments
	ended   int   // invocations that were cancelled
}

type handState struct {
	of *byHand
	n  int
}

func (s *handState) Close() error {
	s.of.closed = append(s.of.closed, s.n)
	return nil
}

func (b *byHand) Invoke(inv Invocation, done func([]byte, *FunctionError)) func() {
	if inv.Environment.State == nil {
		inv.Environment.State = &handState{b, inv.Environment.Number}
	}
	b.running, b.done = append(b.running, inv), append(b.done, done)
	return func() { b.ended++ }
}

func handFunction(t *testing.T) (*sim.Kernel, *Function, *byHand) {
	t.Helper()
	k := sim.New(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), 1)
	s, b := NewService(k, "eu-central-1", "123456789012"), &byHand{}
	timeout := cfn.Int(5)
	f, err := s.CreateFunction("f", FunctionProperties{Timeout: &timeout}, b)
	if err != nil {
		t.Fatal(err)
	}
	return k, f, b
}

func startByHand(t *testing.T, f *Function) *result {
	t.Helper()
	r := &result{}
	if err := f.start(nil, "id", f.ARN, "", func(got result) { *r = got }); err != nil {
		t.Fatal(err)
	}
	return r
}

// The function's time begins after an initialization that has its own.
func TestPostpone(t *testing.T) {
	k, f, b := handFunction(t)
	r := startByHand(t, f)
	b.running[0].Postpone(k.Now().Add(15 * time.Second))
	k.RunUntil(k.Now().Add(8 * time.Second))
	b.running[0].Postpone(k.Now().Add(f.Timeout()))
	k.RunUntil(k.Now().Add(4900 * time.Millisecond))
	if r.err != nil || b.ended != 0 {
		t.Fatalf("it ended too early: %v", r.err)
	}
	k.RunUntil(k.Now().Add(200 * time.Millisecond))
	if r.err == nil || r.err.Type != "Sandbox.Timedout" || b.ended != 1 || len(b.closed) != 1 {
		t.Errorf("%v, %d cancelled, %v closed", r.err, b.ended, b.closed)
	}
	b.running[0].Postpone(k.Now().Add(time.Second)) // too late: nothing happens
	if !k.Idle() {
		t.Error("a timer is left")
	}
}

func TestRetire(t *testing.T) {
	_, f, b := handFunction(t)
	startByHand(t, f)
	startByHand(t, f)
	b.done[0](nil, nil) // environment 1 is idle, 2 is not
	f.Retire()
	if len(b.closed) != 1 || b.closed[0] != 1 {
		t.Errorf("%v are closed, want the idle one", b.closed)
	}
	startByHand(t, f)
	if inv := b.running[2]; !inv.Cold || inv.Environment.Number != 3 {
		t.Errorf("environment %d, cold %v", inv.Environment.Number, inv.Cold)
	}
	b.done[1](nil, nil)
	b.done[2](nil, nil)
	if len(b.closed) != 2 || b.closed[1] != 2 {
		t.Errorf("%v are closed, want the one that was busy too", b.closed)
	}
	startByHand(t, f)
	if inv := b.running[3]; inv.Cold || inv.Environment.Number != 3 {
		t.Errorf("environment %d, cold %v", inv.Environment.Number, inv.Cold)
	}
}

func TestDiscard(t *testing.T) {
	_, f, b := handFunction(t)
	startByHand(t, f)
	inst := b.running[0].Environment
	f.Discard(inst)
	if b.closed != nil {
		t.Error("an environment with an invocation was discarded")
	}
	b.done[0](nil, nil)
	f.Discard(inst)
	f.Discard(inst)
	if len(b.closed) != 1 {
		t.Errorf("%v are closed", b.closed)
	}
	startByHand(t, f)
	if !b.running[1].Cold {
		t.Error("the environment is still there")
	}
}

func TestLoggedErrorsAreNotLoggedAgain(t *testing.T) {
	_, f, b := handFunction(t)
	log := &countingWriter{}
	f.s.Log = log
	startByHand(t, f)
	b.done[0](nil, &FunctionError{Type: "T", Payload: []byte("{}"), Logged: true})
	if log.n != 0 {
		t.Error("it was logged again")
	}
	startByHand(t, f)
	b.done[1](nil, &FunctionError{Type: "T", Payload: []byte("{}")})
	if log.n != 1 {
		t.Error("it was not logged")
	}
}

type countingWriter struct{ n int }

func (w *countingWriter) Write(b []byte) (int, error) {
	w.n++
	return len(b), nil
}
