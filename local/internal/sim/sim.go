// Package sim is the clock and the scheduler of the local stack: one queue of
// events ordered by (time, sequence) and one seeded random source.
//
// Everything that happens in a local stack happens in an event of its Kernel,
// one at a time. Services therefore need no locks, and the same seed gives the
// same run. Nothing below this package may read the wall clock, use another
// random source, start a goroutine that touches the kernel, or let the order
// of a map decide anything.
package sim

import (
	"cmp"
	"container/heap"
	"maps"
	"math/rand/v2"
	"slices"
	"sync/atomic"
	"time"
)

// Kernel is a discrete-event scheduler. Its methods must be called by whoever
// holds it: the code that created it, a running event, or a running Proc.
type Kernel struct {
	now   time.Time
	clock atomic.Int64 // now as Unix nanoseconds
	seq   uint64
	queue eventQueue
	rand  *rand.Rand
	procs map[*Proc]struct{}
	made  uint64 // processes so far

	running *Proc // on whose goroutine things happen; nil: the kernel's holder's

	idle   []*worker
	closed bool

	foreground int
}

// New returns a kernel whose clock stands at start and whose random choices
// all derive from seed.
func New(start time.Time, seed uint64) *Kernel {
	k := &Kernel{
		rand:  rand.New(rand.NewPCG(seed, seed^0x9e3779b97f4a7c15)),
		procs: map[*Proc]struct{}{},
	}
	k.set(start.UTC())
	return k
}

func (k *Kernel) set(now time.Time) {
	k.now = now
	k.clock.Store(now.UnixNano())
}

// Now returns the current time of the simulation, in UTC.
func (k *Kernel) Now() time.Time { return k.now }

// Clock is Now for who does not hold the kernel: it may be called at any time, on any
// goroutine.
func (k *Kernel) Clock() time.Time { return time.Unix(0, k.clock.Load()).UTC() }

// Rand returns the one source of random choices.
func (k *Kernel) Rand() *rand.Rand { return k.rand }

// Event is something that will happen.
type Event struct {
	at    time.Time
	seq   uint64
	index int
	run   func()
	k     *Kernel

	background bool
}

// Cancel takes the event out of the queue. It does nothing to an event that
// has happened or was cancelled before, or to a nil event.
func (e *Event) Cancel() {
	if e == nil || e.index < 0 {
		return
	}
	heap.Remove(&e.k.queue, e.index)
	e.k.removed(e)
}

// At schedules f at time t; a time in the past means now. Events of the same
// time happen in the order in which they were scheduled.
func (k *Kernel) At(t time.Time, f func()) *Event {
	k.foreground++
	return k.schedule(t, f, false)
}

// Background schedules f as At does, for housekeeping that nobody waits for
// (an item's time to live): a simulation with nothing else to do is idle.
func (k *Kernel) Background(t time.Time, f func()) *Event { return k.schedule(t, f, true) }

// Idle reports whether all that is still going to happen is in the background.
func (k *Kernel) Idle() bool { return k.foreground == 0 }

func (k *Kernel) schedule(t time.Time, f func(), background bool) *Event {
	if t.Before(k.now) {
		t = k.now
	}
	k.seq++
	e := &Event{at: t, seq: k.seq, run: f, k: k, background: background}
	heap.Push(&k.queue, e)
	return e
}

// After schedules f after d of simulated time.
func (k *Kernel) After(d time.Duration, f func()) *Event { return k.At(k.now.Add(d), f) }

// Next returns the time of the next event, and false when there is none.
func (k *Kernel) Next() (time.Time, bool) {
	if len(k.queue) == 0 {
		return time.Time{}, false
	}
	return k.queue[0].at, true
}

// NextForeground returns the time of the next event that is not in the background,
// and false when there is none. It looks at all of them.
func (k *Kernel) NextForeground() (next time.Time, ok bool) {
	for _, e := range k.queue {
		if !e.background && (!ok || e.at.Before(next)) {
			next, ok = e.at, true
		}
	}
	return next, ok
}

// Step runs the next event, moving the clock to its time. It returns false
// when there is none.
func (k *Kernel) Step() bool {
	if len(k.queue) == 0 {
		return false
	}
	e := heap.Pop(&k.queue).(*Event)
	k.removed(e)
	if e.at.After(k.now) {
		k.set(e.at)
	}
	e.run()
	return true
}

func (k *Kernel) removed(e *Event) {
	if !e.background {
		k.foreground--
	}
}

// RunUntil runs every event up to and including t and leaves the clock at t.
func (k *Kernel) RunUntil(t time.Time) {
	for len(k.queue) > 0 && !k.queue[0].at.After(t) {
		k.Step()
	}
	if t.After(k.now) {
		k.set(t)
	}
}

// Advance runs everything that happens in the next d and leaves the clock there.
func (k *Kernel) Advance(d time.Duration) { k.RunUntil(k.now.Add(d)) }

// Close ends every process that is still waiting, in the order in which they were started.
func (k *Kernel) Close() {
	waiting := slices.SortedFunc(maps.Keys(k.procs), func(a, b *Proc) int { return cmp.Compare(a.number, b.number) })
	for _, p := range waiting {
		p.Abort()
	}
	for _, w := range k.idle {
		w.stop()
	}
	k.idle, k.closed = nil, true
	for _, e := range k.queue {
		e.index = -1 // what waited can still be cancelled
	}
	k.queue, k.foreground = nil, 0
}

type eventQueue []*Event

func (q eventQueue) Len() int { return len(q) }
func (q eventQueue) Less(i, j int) bool {
	if q[i].at.Equal(q[j].at) {
		return q[i].seq < q[j].seq
	}
	return q[i].at.Before(q[j].at)
}
func (q eventQueue) Swap(i, j int) {
	q[i], q[j] = q[j], q[i]
	q[i].index, q[j].index = i, j
}
func (q *eventQueue) Push(x any) {
	e := x.(*Event)
	e.index = len(*q)
	*q = append(*q, e)
}
func (q *eventQueue) Pop() any {
	old := *q
	e := old[len(old)-1]
	old[len(old)-1] = nil
	*q = old[:len(old)-1]
	e.index = -1
	return e
}
