package sim

import (
	"fmt"
	"iter"
	"runtime"
	"runtime/debug"
	"time"
)

// Proc is ordinary sequential code (a Lambda handler) that takes part in the
// simulation: a coroutine that runs only while the kernel waits for it.
// Its methods must be called on the goroutine that Go gave it.
type Proc struct {
	k       *Kernel
	number  uint64
	worker  *worker
	aborted bool
	ended   bool
}

// Go starts f as a process. It runs at once, until it first waits or returns;
// then Go returns. A panic of f goes on in whoever lets it run.
func (k *Kernel) Go(f func(*Proc)) *Proc {
	k.made++
	p := &Proc{k: k, number: k.made, worker: k.worker()}
	k.procs[p] = struct{}{}
	p.worker.proc, p.worker.job = p, f
	p.run()
	return p
}

// Running is the process on whose goroutine the caller is, for code that is given
// no context to tell by; nil outside processes.
func (k *Kernel) Running() *Proc { return k.running }

// Await hands control back to the kernel until resume is called. start runs
// first and arranges for that call; resume may be called at once, later, or
// more than once, of which only the first counts.
func (p *Proc) Await(start func(resume func())) {
	p.exitIfAborted()
	called, waiting := false, false
	start(func() {
		if called {
			return
		}
		called = true
		if waiting {
			p.k.After(0, p.run)
		}
	})
	if called {
		return
	}
	waiting = true
	p.worker.yield(struct{}{})
	p.exitIfAborted()
}

// Sleep lets d of simulated time pass.
func (p *Proc) Sleep(d time.Duration) {
	p.Await(func(resume func()) { p.k.After(d, resume) })
}

// Abort ends the process where it waits; its deferred calls run, nothing else
// of it does. The kernel's holder calls it, never the process itself.
func (p *Proc) Abort() {
	if p.ended || p.aborted {
		return
	}
	p.aborted = true
	// The end of a coroutine by Goexit is that of whoever lets it run, too.
	over := make(chan struct{})
	go func() {
		defer close(over)
		p.run()
	}()
	<-over
	delete(p.k.procs, p)
}

func (p *Proc) exitIfAborted() {
	if p.aborted {
		runtime.Goexit()
	}
}

// run lets the process run until it waits again or has ended.
func (p *Proc) run() {
	if p.ended {
		return
	}
	outer := p.k.running
	p.k.running = p
	defer func() { p.k.running = outer }() // also when the process panics or is aborted
	p.worker.next()
	if p.ended {
		delete(p.k.procs, p)
		p.k.release(p.worker)
		p.worker = nil
	}
}

// worker is a coroutine that runs one process after the other: its stack has
// already grown to what a handler needs.
type worker struct {
	proc  *Proc
	job   func(*Proc)
	next  func() (struct{}, bool)
	stop  func()
	yield func(struct{}) bool
}

// maxIdle is how many coroutines are kept for the next process.
const maxIdle = 64

// worker takes an idle coroutine, or makes one.
func (k *Kernel) worker() *worker {
	if n := len(k.idle); n > 0 {
		w := k.idle[n-1]
		k.idle = k.idle[:n-1]
		return w
	}
	w := &worker{}
	w.next, w.stop = iter.Pull(func(yield func(struct{}) bool) {
		w.yield = yield
		for w.run(); yield(struct{}{}); w.run() {
		}
	})
	return w
}

// release keeps a coroutine whose process has returned.
func (k *Kernel) release(w *worker) {
	w.proc, w.job = nil, nil
	if k.closed || len(k.idle) == maxIdle {
		w.stop()
		return
	}
	k.idle = append(k.idle, w)
}

func (w *worker) run() {
	defer func() {
		w.proc.ended = true
		if v := recover(); v != nil {
			panic(fmt.Sprintf("sim: a process panicked: %v\n\n%s", v, debug.Stack()))
		}
	}()
	w.job(w.proc)
}
