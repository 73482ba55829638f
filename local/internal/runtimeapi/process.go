package runtimeapi

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"os/exec"
	"runtime"
	"sync"
	"time"
)

// states of a process.
type state string

const (
	starting  state = "Started"   // it has not asked for an event yet
	idle      state = "Ready"     // it waits for an event, or may ask for one
	running   state = "Running"   // it has one
	answering state = "Answering" // its answer is being read
	answered  state = "ResponseSent"
)

// process is one run of the bootstrap, with the server of its Runtime API. The environment's lock guards it.
type process struct {
	env       *Environment
	cmd       *exec.Cmd
	server    *http.Server
	started   time.Time
	state     state
	limit     *time.Timer   // of the initialization
	work      chan struct{} // there is an event to take
	busy      chan struct{} // one was taken
	initError *Error
	killed    bool
	peak      int64 // resident memory, in bytes
	exit      chan struct{}
}

// spawner starts processes. The kernel ends a process that has a parent-death signal when the thread ends that
// started it, so that this is always the same thread, which never ends.
var spawner = struct {
	once sync.Once
	jobs chan func()
}{jobs: make(chan func())}

func onSpawner(f func() error) error {
	spawner.once.Do(func() {
		go func() {
			runtime.LockOSThread()
			for job := range spawner.jobs {
				job()
			}
		}()
	})
	result := make(chan error)
	spawner.jobs <- func() { result <- f() }
	return <-result
}

// launch starts a process.
func launch(e *Environment) (*process, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	p := &process{env: e, state: starting, work: make(chan struct{}, 1), busy: make(chan struct{}, 1), exit: make(chan struct{})}
	p.server = &http.Server{Handler: p.routes(), ReadHeaderTimeout: time.Minute}
	p.cmd = exec.Command(e.config.Bootstrap)
	p.cmd.Dir = e.config.TaskRoot
	p.cmd.Env = append(append([]string(nil), e.config.Environ...), "AWS_LAMBDA_RUNTIME_API="+l.Addr().String())
	out := &lines{tell: e.config.Log}
	p.cmd.Stdout, p.cmd.Stderr = out, out
	p.cmd.WaitDelay = time.Second // for the output, which somebody else may have inherited
	setAttributes(p.cmd)
	p.started = time.Now()
	if err := onSpawner(p.cmd.Start); err != nil {
		_ = l.Close()
		return nil, err
	}
	go func() { _ = p.server.Serve(l) }() // until Close
	go p.watchMemory()
	go func() {
		err := p.cmd.Wait()
		_ = p.server.Close()
		out.flush()
		close(p.exit)
		e.ended(p, how(err))
	}()
	return p, nil
}

// how says how a process ended, in Lambda's words.
func how(err error) string {
	var exit *exec.ExitError
	switch {
	case err == nil || errors.Is(err, exec.ErrWaitDelay):
		return "Runtime exited without providing a reason"
	case errors.As(err, &exit):
		return "Runtime exited with error: " + exit.Error()
	}
	return fmt.Sprintf("Runtime exited with error: %v", err)
}

// offer has a process that waits for an event take the current one.
func (p *process) offer() {
	if p.state == idle {
		select {
		case p.work <- struct{}{}:
		default: // the last offer was not taken
		}
	}
}

func (p *process) stopLimit() {
	if p.limit != nil {
		p.limit.Stop()
	}
}

// kill ends the process and its children.
func (p *process) kill() {
	select {
	case <-p.exit:
		return // its number may be another's by now
	default:
	}
	if !p.killed {
		p.killed = true
		killGroup(p.cmd)
	}
}

// How often a process's memory is looked at. One that fills its memory at 1 GB/s is found within 20 MB.
const memoryInterval = 20 * time.Millisecond

// watchMemory ends a process that has more memory than it may.
func (p *process) watchMemory() {
	tick := time.NewTicker(memoryInterval)
	defer tick.Stop()
	for {
		select {
		case <-p.exit:
			return
		case <-tick.C:
		}
		p.env.mu.Lock()
		busy := p.state == starting || p.state == running || p.state == answering
		if busy {
			p.checkMemory(resident)
		}
		p.env.mu.Unlock()
		if busy {
			continue
		}
		tick.Stop()
		select {
		case <-p.exit:
			return
		case <-p.busy:
			tick.Reset(memoryInterval)
		}
	}
}

// checkMemory ends a process that has more memory than it may, and says whether it has no more than that.
func (p *process) checkMemory(measure func(pid int) (int64, bool)) bool {
	n, ok := measure(p.cmd.Process.Pid)
	if !ok {
		return true
	}
	p.peak = max(p.peak, n)
	p.env.memory = max(p.env.memory, n)
	limit := p.env.config.Memory
	if limit == 0 || n <= limit {
		return true
	}
	if !p.killed {
		id := p.env.last
		if p.env.current != nil {
			id = p.env.current.RequestID
		}
		const mb = 1 << 20
		line := fmt.Sprintf("RequestId: %s the process is killed: Memory Size: %d MB Max Memory Used: %d MB", id, limit/mb, n/mb)
		go p.env.config.Log([]byte(line))
	}
	p.kill()
	return false
}
