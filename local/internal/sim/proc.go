package sim

import (
	"runtime"
	"time"
)

// Proc is ordinary sequential code (a Lambda handler) that takes part in the
// simulation: a goroutine that runs only while the kernel waits for it.
// Its methods must be called on the goroutine that Go gave it.
type Proc struct {
	k       *Kernel
	number  uint64
	wake    chan struct{}
	yielded chan struct{}
	aborted bool
	ended   bool
}

// Go starts f as a process. It runs at once, until it first waits or returns;
// then Go returns.
func (k *Kernel) Go(f func(*Proc)) *Proc {
	k.made++
	p := &Proc{k: k, number: k.made, wake: make(chan struct{}), yielded: make(chan struct{})}
	k.procs[p] = struct{}{}
	go func() {
		defer func() {
			p.ended = true
			p.yielded <- struct{}{}
		}()
		f(p)
	}()
	<-p.yielded
	p.reap()
	return p
}

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
	p.yielded <- struct{}{}
	<-p.wake
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
	p.run()
}

func (p *Proc) exitIfAborted() {
	if p.aborted {
		runtime.Goexit()
	}
}

func (p *Proc) run() {
	if p.ended {
		return
	}
	p.wake <- struct{}{}
	<-p.yielded
	p.reap()
}

func (p *Proc) reap() {
	if p.ended {
		delete(p.k.procs, p)
	}
}
