package runtimeapi

import (
	"fmt"
	"sync"
	"time"
)

// Config says what an execution environment is made from.
type Config struct {
	// Bootstrap is the path of the executable.
	Bootstrap string
	// TaskRoot is the process's working directory.
	TaskRoot string
	// Environ are the process's variables, as NAME=VALUE. AWS_LAMBDA_RUNTIME_API is added.
	Environ []string
	// Memory is how much the process may have resident, in bytes. Default: no limit.
	Memory int64
	// InitTimeout is how long the first initialization may take. Default: 10 s, Lambda's.
	InitTimeout time.Duration
	// Log is given each line that the process writes to its standard output or error, without its end, from a
	// goroutine of its own. Default: they are discarded.
	Log func(line []byte)
	// Ended is told, from a goroutine of its own, that the process ended by itself while there was no
	// invocation. Default: nobody is.
	Ended func()
}

// initTimeout is Lambda's limit of the Init phase.
const initTimeout = 10 * time.Second

// Invocation is one event for the function.
type Invocation struct {
	RequestID   string
	FunctionARN string
	TraceID     string
	Payload     []byte
	// Timeout is how long the function may take. It is told the process, counted from when the process takes the
	// event; ending what takes longer is the caller's business (Close).
	Timeout time.Duration
	// Ready is told, from a goroutine of its own, that the time of the invocation begins now: the first initialization is
	// over, in success or not. It may be nil.
	Ready func()
	// Done is told, from a goroutine of its own, exactly once how it ended, unless Close comes first.
	Done func(Result)
}

// Result is how an invocation ended.
type Result struct {
	Payload []byte
	Err     *Error // nil if the function answered
	// Init is how long the initialization took that came before; 0 in an environment that was warm.
	Init time.Duration
	// Duration is the time between the event and the answer.
	Duration time.Duration
	// MaxMemory is the most that the process has had resident so far, in bytes; 0 if that is not known.
	MaxMemory int64
}

// Error is how a function failed.
type Error struct {
	Type, Message string
	// Payload is what the process reported; nil if Lambda reports it itself.
	Payload []byte
	// Exited says that the process is gone, and the environment with it.
	Exited bool
}

func (e *Error) Error() string { return e.Type + ": " + e.Message }

// Environment is one execution environment.
type Environment struct {
	config Config

	mu      sync.Mutex
	closed  bool
	process *process // nil: there is none
	current *invocation
	last    string        // the id of the latest invocation that was handed out
	init    time.Duration // not told in a Result yet
	memory  int64         // the peak of all its processes
}

type invocation struct {
	Invocation
	handed  time.Time // to the process; zero: not yet
	failure *Result   // that waits for what the process does next
	failed  int       // initializations
	running bool      // Ready was told
}

// New returns an environment without a process.
func New(c Config) *Environment {
	if c.InitTimeout == 0 {
		c.InitTimeout = initTimeout
	}
	if c.Log == nil {
		c.Log = func([]byte) {}
	}
	if c.Ended == nil {
		c.Ended = func() {}
	}
	return &Environment{config: c}
}

// Invoke has the function handle an event. There must be no other invocation of the environment
// under way.
func (e *Environment) Invoke(inv Invocation) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed {
		return
	}
	if e.current != nil {
		panic("runtimeapi: the environment has an invocation under way")
	}
	e.current = &invocation{Invocation: inv}
	if e.process == nil {
		e.start()
		return
	}
	e.ready(e.current)
	e.process.offer()
}

// ready tells that the time of an invocation begins.
func (e *Environment) ready(inv *invocation) {
	if !inv.running {
		inv.running = true
		if inv.Ready != nil {
			go inv.Ready()
		}
	}
}

// Close ends the environment, its process and the invocation that is under way, of whose end nobody is told.
// It does not wait for the process's end. It always returns nil.
func (e *Environment) Close() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.closed, e.current = true, nil
	if e.process != nil {
		e.process.kill()
	}
	return nil
}

// start starts a process for the current invocation. Its initialization is the first one,
// or the one after that failed.
func (e *Environment) start() {
	p, err := launch(e)
	if err != nil {
		// What cannot be started now cannot be started again.
		e.finish(Result{Err: &Error{
			Type: "Runtime.InvalidEntrypoint", Exited: true,
			Message: fmt.Sprintf("RequestId: %s Error: %s", e.current.RequestID, err),
		}})
		return
	}
	e.process = p
	if e.current.failed == 0 {
		p.limit = time.AfterFunc(e.config.InitTimeout, func() {
			e.mu.Lock()
			defer e.mu.Unlock()
			if p.state == starting {
				p.kill()
			}
		})
	}
}

// finish ends the current invocation.
func (e *Environment) finish(r Result) {
	inv := e.current
	e.current = nil
	r.Init, e.init = e.init, 0
	if !inv.handed.IsZero() && r.Duration == 0 {
		r.Duration = time.Since(inv.handed)
	}
	r.MaxMemory = e.memory
	go inv.Done(r)
}

// initialized is the end of an initialization: the process asks for its first event.
func (e *Environment) initialized(p *process) {
	p.stopLimit()
	p.state = idle
	e.init = time.Since(p.started)
	if e.current != nil {
		e.ready(e.current)
		p.offer()
	}
}

// ended is the end of a process.
func (e *Environment) ended(p *process, how string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	p.stopLimit()
	e.memory = max(e.memory, p.peak)
	e.process = nil
	if e.closed {
		return
	}
	inv := e.current
	if inv == nil {
		go e.config.Ended()
		return
	}
	exited := &Error{Type: "Runtime.ExitError", Message: "RequestId: " + inv.RequestID + " Error: " + how, Exited: true}
	switch {
	case inv.failure != nil: // reported, and then exited
		inv.failure.Err.Exited = true
		e.finish(*inv.failure)
	case !inv.handed.IsZero():
		e.finish(Result{Err: exited})
	case p.state != starting: // it ended between two invocations, or after the answer to the last
		e.start()
	default:
		inv.failed++
		if inv.failed == 1 {
			e.ready(inv)
			e.start()
			return
		}
		if p.initError != nil {
			exited.Type, exited.Message, exited.Payload = p.initError.Type, p.initError.Message, p.initError.Payload
		}
		e.finish(Result{Err: exited})
	}
}

// Warm says whether the environment has a process that was initialized.
func (e *Environment) Warm() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.process != nil && e.process.state != starting
}
