package local

import (
	"errors"
	"io"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/orderflow-cdk/orderflow/local/internal/api"
)

// Options says how a template is run. The zero value runs it in virtual time.
type Options struct {
	// Name is the stack's name, of which physical names are made; default "local".
	Name string
	// Region and AccountID default to eu-central-1 and 123456789012.
	Region, AccountID string
	// Seed decides every random choice of the run.
	Seed uint64
	// Start is when the run begins; default 2026-01-01T00:00:00Z, or the wall
	// clock's time when RealTime is set.
	Start time.Time
	// Endpoint is where the stack is served, such as "http://127.0.0.1:8080": the base of
	// the URLs that topics hand out to their subscribers. Default: AWS's own hosts, which
	// Transport reaches.
	Endpoint string
	// RealTime paces the run by the wall clock. Run must then be running.
	RealTime bool
	// Functions holds the code of every Lambda function of the template, by the
	// function's Handler property.
	Functions map[string]NewFunction
	// Processes says which functions run as the executables that are deployed, over Lambda's Runtime API, and from where. It is asked
	// for every function when a template is loaded; nil, for it or from it: the function runs in process. It takes
	// RealTime and Endpoint. See Bootstraps, AssemblyBootstraps and SetProcess.
	Processes func(FunctionInfo) (*Process, error)
	// Parameters overrides the defaults of the template's parameters.
	Parameters map[string]string
	// Logs receives what the functions print; default nothing.
	Logs io.Writer
	// AccessLog receives the gateway's access log; default nothing.
	AccessLog io.Writer
	// Identities are the callers that IAM knows, by access key, for methods that
	// it authorizes; default none.
	Identities map[string]Identity
	// KeepHistories is how many of the executions that ended last keep their
	// history for GetExecutionHistory; default 1,000, negative keeps all.
	KeepHistories int
	// Egress answers the HTTP requests of functions that are not AWS calls, and those
	// of topics to their HTTP subscribers. Without it they fail.
	Egress http.RoundTripper
	// OnFrame is told of every event that goes out to a websocket, with the field of
	// the subscription, within the event of the stack that sends it. Default: nothing is.
	OnFrame func(at time.Time, subscription string, frame []byte)
	// OnEvent is told of everything that happens, within the event of the stack in
	// which it does: it must not call the stack. Default: nobody is. See Observe.
	OnEvent func(Event)
	// Compute says how long each invocation of a function that runs in process computes, in the stack's time, beside what it waits
	// for. cold is whether its execution environment is new. Default: it takes no time.
	Compute func(f FunctionInfo, cold bool) time.Duration
	// Permissions says whether the template's policies are enforced; default: they are.
	Permissions Permissions
	// Data is a folder that keeps what the stack holds: a stack of the same Name goes on from
	// there, also after its process was killed. It takes RealTime. Default: nothing is kept.
	Data string
}

func (o Options) withDefaults() Options {
	if o.Name == "" {
		o.Name = "local"
	}
	if o.Region == "" {
		o.Region = "eu-central-1"
	}
	if o.AccountID == "" {
		o.AccountID = "123456789012"
	}
	if o.Start.IsZero() {
		o.Start = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
		if o.RealTime {
			o.Start = time.Now()
		}
	}
	if o.Logs == nil {
		o.Logs = io.Discard
	}
	if o.AccessLog == nil {
		o.AccessLog = io.Discard
	}
	return o
}

// Stack is a running template. It is safe for concurrent use; what happens in
// it happens one event at a time.
type Stack struct {
	mu      sync.Mutex
	opts    Options
	tokens  *tokens
	clock   clock
	current atomic.Pointer[world] // for who does not hold the stack
	observers
	faults   faults
	abroad   int           // what is under way outside: requests, invocations of processes
	keeper                 // of what outlives the process
	endpoint endpoint      // of AWS clients
	proxy    *outlet       // of processes; nil if there was none yet
	wake     chan struct{} // something new may come before what Run waits for
	stopped  chan struct{} // closed when Run ends
	closing  bool          // nothing comes in any more
	closed   chan struct{} // closed by Close, when all is kept
	once     sync.Once     // for Close

	*world

	used    map[usageKey]int64  // what no engine counts itself
	traced  map[string]int64    // the second of the last trace that began, by resource
	metrics map[string]struct{} // that functions wrote: namespace, dimensions and name
}

// New builds the stack that the template declares. Its error names everything
// in the template that cannot be run, each with logical id and type.
func New(template []byte, o Options) (*Stack, error) {
	o = o.withDefaults()
	s := &Stack{opts: o, wake: make(chan struct{}, 1), stopped: make(chan struct{}), closed: make(chan struct{})}
	if o.OnEvent != nil {
		s.Observe(o.OnEvent)
	}
	var err error
	if s.tokens, err = newTokens(s.Now); err != nil {
		return nil, err
	}
	if err := s.open(template); err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

// errClosed answers what reaches a stack that was closed.
var errClosed = errors.New("the stack is closed")

// Close ends the run and everything that still waits in it, and hangs up on websockets.
// What reaches the stack afterwards fails.
func (s *Stack) Close() { s.once.Do(s.close) }

func (s *Stack) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closing = true
	if s.world != nil {
		_ = s.commit() // what cannot be kept at the end is lost with the rest
	}
	close(s.closed)
	s.ready = nil // led to by what is not kept
	if s.world != nil {
		s.end()
	}
	for _, hangUp := range s.ready {
		hangUp()
	}
	s.closeOutlet()
	s.closeStore()
}

// isClosed reports whether Close was called. The caller holds the stack.
func (s *Stack) isClosed() bool { return s.closing }

// Now is the stack's own time. It can also be asked by what runs within an
// event of the stack, such as a handler of Hosts.
func (s *Stack) Now() time.Time { return s.current.Load().kernel.Clock() }

// enter runs f within the stack, from outside, unless it is closed.
func (s *Stack) enter(f func()) {
	s.mu.Lock()
	defer s.rouse()
	defer s.mu.Unlock() // also if f panics: a server goes on after that
	if s.isClosed() {
		return
	}
	if s.opts.RealTime {
		s.kernel.RunUntil(s.clock.now())
	}
	f()
}

// rouse has Run look again at what comes next.
func (s *Stack) rouse() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// Notes lists what the template declares and the run does not simulate, one
// line for each property or resource, sorted.
func (s *Stack) Notes() []string { return s.current.Load().notes }

// Outputs returns the template's outputs by name.
func (s *Stack) Outputs() map[string]string { return s.current.Load().outputs }

// Call makes one call of an AWS service from outside the stack and waits for
// its answer. Input and output are JSON documents of the service's AWS JSON protocol.
func (s *Stack) Call(service, action string, input []byte) (output []byte, err error) {
	waited := s.await(func(done func()) {
		s.bus.Do(api.Call{Service: service, Action: action, Input: input}, func(out []byte, e error) {
			output, err = out, e
			done()
		})
	})
	if waited != nil {
		return nil, waited
	}
	return output, err
}

// errNoAnswer answers what waits for something that is never going to happen.
var errNoAnswer = errors.New("nothing more is going to happen in the stack, but there is no answer")

// await starts something in the stack and waits until it is done: in virtual
// time by letting events happen until then, in real time by waiting for Run.
func (s *Stack) await(start func(done func())) error {
	if s.opts.RealTime {
		return s.awaitRealTime(start)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.isClosed() {
		return errClosed
	}
	finished := false
	start(func() { finished = true })
	for !finished {
		if s.kernel.Idle() {
			return errNoAnswer // what is left is housekeeping, for days
		}
		s.kernel.Step()
	}
	return nil
}
