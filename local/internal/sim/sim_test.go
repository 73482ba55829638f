package sim_test

import (
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/orderflow-cdk/orderflow/local/internal/sim"
)

var start = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

func TestEventsHappenInTheOrderOfTimeThenOfScheduling(t *testing.T) {
	k := sim.New(start, 1)
	var got []string
	note := func(s string) func() {
		return func() { got = append(got, fmt.Sprintf("%s@%s", s, k.Now().Sub(start))) }
	}
	k.After(2*time.Second, note("c"))
	k.After(time.Second, note("a"))
	k.After(time.Second, note("b"))
	k.At(start.Add(-time.Hour), note("past"))
	cancelled := k.After(time.Second, note("cancelled"))
	cancelled.Cancel()
	cancelled.Cancel()
	k.After(time.Hour, note("later"))
	k.Advance(10 * time.Second)

	want := []string{"past@0s", "a@1s", "b@1s", "c@2s"}
	if !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if now := k.Now().Sub(start); now != 10*time.Second {
		t.Errorf("the clock stands at %s, want 10s", now)
	}
	if next, ok := k.Next(); !ok || next.Sub(start) != time.Hour {
		t.Errorf("Next = %s, %v", next, ok)
	}
}

func TestBackgroundEventsLeaveTheSimulationIdle(t *testing.T) {
	k := sim.New(start, 1)
	happened := false
	k.Background(start.Add(time.Hour), func() { happened = true })
	if !k.Idle() {
		t.Error("busy with nothing but an event in the background")
	}
	cancelled := k.After(time.Minute, func() {})
	k.After(time.Second, func() {})
	k.Step()
	if k.Idle() {
		t.Error("idle with an event to come")
	}
	cancelled.Cancel()
	if !k.Idle() {
		t.Error("a cancelled event keeps it busy")
	}
	k.Advance(time.Hour)
	if !happened {
		t.Error("the event in the background did not happen")
	}
}

func TestProcessesRunOneAtATimeInSimulatedTime(t *testing.T) {
	k := sim.New(start, 1)
	defer k.Close()
	var got []string
	for _, name := range []string{"x", "y"} {
		k.Go(func(p *sim.Proc) {
			for i := range 3 {
				got = append(got, fmt.Sprintf("%s%d@%s", name, i, k.Now().Sub(start)))
				p.Sleep(time.Second)
			}
		})
	}
	for k.Step() {
	}
	want := []string{"x0@0s", "y0@0s", "x1@1s", "y1@1s", "x2@2s", "y2@2s"}
	if !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestResumeMayComeBeforeOrMoreThanOnce(t *testing.T) {
	k := sim.New(start, 1)
	steps := 0
	k.Go(func(p *sim.Proc) {
		p.Await(func(resume func()) { resume(); resume() })
		steps++
		p.Await(func(resume func()) { k.After(1, resume); k.After(2, resume) })
		steps++
	})
	if steps != 1 {
		t.Fatalf("an Await that was resumed at once did not go on: %d steps", steps)
	}
	for k.Step() {
	}
	if steps != 2 {
		t.Errorf("%d steps, want 2", steps)
	}
}

func TestAbortEndsAProcessWhereItWaits(t *testing.T) {
	k := sim.New(start, 1)
	deferred, reached := false, false
	p := k.Go(func(p *sim.Proc) {
		defer func() { deferred = true }()
		p.Sleep(time.Hour)
		reached = true
	})
	p.Abort()
	p.Abort()
	for k.Step() {
	}
	if !deferred || reached {
		t.Errorf("deferred calls ran: %v; code after the wait ran: %v", deferred, reached)
	}
}

func TestCloseEndsEveryProcess(t *testing.T) {
	k := sim.New(start, 1)
	ended := 0
	for range 10 {
		k.Go(func(p *sim.Proc) {
			defer func() { ended++ }()
			p.Await(func(func()) {})
		})
	}
	k.Close()
	if ended != 10 {
		t.Errorf("%d processes ended, want 10", ended)
	}
}

func TestWhatWaitedCanBeCancelledAfterClose(t *testing.T) {
	k := sim.New(start, 1)
	e := k.After(time.Second, func() { t.Error("it happened") })
	k.Close()
	e.Cancel()
	if !k.Idle() || k.Step() {
		t.Error("something is still going to happen")
	}
}

func TestProcessesStartProcesses(t *testing.T) {
	k := sim.New(start, 1)
	defer k.Close()
	var got []string
	note := func(s string) { got = append(got, fmt.Sprintf("%s@%s", s, k.Now().Sub(start))) }
	for _, name := range []string{"a", "b"} { // b has the coroutines of a
		k.Go(func(p *sim.Proc) {
			p.Await(func(resume func()) {
				left := 2
				for i := range 2 {
					k.Go(func(p *sim.Proc) {
						p.Sleep(time.Duration(i+1) * time.Second)
						note(fmt.Sprint(name, i))
						if left--; left == 0 {
							resume()
						}
					})
				}
			})
			note(name)
		})
		for k.Step() {
		}
	}
	want := []string{"a0@1s", "a1@2s", "a@2s", "b0@3s", "b1@4s", "b@4s"}
	if !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestAPanicReachesWhoeverLetsTheProcessRun(t *testing.T) {
	k := sim.New(start, 1)
	defer k.Close()
	k.Go(func(p *sim.Proc) {
		p.Sleep(time.Second)
		panic("out of order")
	})
	defer func() {
		if v := fmt.Sprint(recover()); !strings.Contains(v, "out of order") || !strings.Contains(v, "TestAPanicReaches") {
			t.Errorf("recovered %s", v)
		}
	}()
	for k.Step() {
	}
	t.Error("no panic")
}

func TestProcessesLeaveNoGoroutines(t *testing.T) {
	before := runtime.NumGoroutine()
	for range 10 {
		k := sim.New(start, 1)
		for range 100 {
			k.Go(func(p *sim.Proc) { p.Sleep(time.Second) })
		}
		aborted := k.Go(func(p *sim.Proc) { p.Sleep(time.Hour) })
		k.Advance(time.Minute)
		aborted.Abort()
		k.Go(func(p *sim.Proc) { p.Sleep(time.Hour) })
		k.Close()
	}
	for range 100 {
		if runtime.NumGoroutine() <= before {
			return
		}
		time.Sleep(time.Millisecond)
	}
	t.Errorf("%d goroutines, %d before", runtime.NumGoroutine(), before)
}

func TestTheSameSeedMakesTheSameChoices(t *testing.T) {
	draw := func(seed uint64) (out []uint64) {
		k := sim.New(start, seed)
		for range 5 {
			out = append(out, k.Rand().Uint64())
		}
		return out
	}
	if !slices.Equal(draw(7), draw(7)) {
		t.Error("the same seed drew different numbers")
	}
	if slices.Equal(draw(7), draw(8)) {
		t.Error("different seeds drew the same numbers")
	}
}

func BenchmarkProcSwitch(b *testing.B) {
	k := sim.New(start, 1)
	k.Go(func(p *sim.Proc) {
		for {
			p.Sleep(time.Millisecond)
		}
	})
	for b.Loop() {
		k.Step()
	}
	k.Close()
}

func BenchmarkProc(b *testing.B) {
	k := sim.New(start, 1)
	for b.Loop() {
		k.Go(func(p *sim.Proc) { p.Sleep(time.Millisecond) })
		k.Step()
		k.Step()
	}
	k.Close()
}

func TestWhichProcessIsRunning(t *testing.T) {
	k := sim.New(time.Unix(0, 0), 1)
	check := func(where string, want *sim.Proc) {
		t.Helper()
		if got := k.Running(); got != want {
			t.Errorf("%s: %p is running, want %p", where, got, want)
		}
	}
	k.Go(func(outer *sim.Proc) {
		check("outer", outer)
		inner := k.Go(func(p *sim.Proc) {
			check("inner", p)
			p.Sleep(time.Second)
			check("inner, after it waited", p)
			p.Sleep(time.Hour)
		})
		check("outer, while inner waits", outer)
		outer.Sleep(2 * time.Second)
		check("outer, after it waited", outer)
		inner.Abort()
		check("outer, after it aborted inner", outer)
	})
	check("nobody", nil)
	k.Advance(3 * time.Second)
	check("nobody any more", nil)
}
