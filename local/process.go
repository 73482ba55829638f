package local

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/orderflow-cdk/orderflow/local/internal/lambda"
	"github.com/orderflow-cdk/orderflow/local/internal/runtimeapi"
)

// Process is the executable of a function: what is deployed as its bootstrap.
type Process struct {
	// Bootstrap is the executable's path.
	Bootstrap string
	// TaskRoot is where the process runs, and LAMBDA_TASK_ROOT. Default: the folder of Bootstrap.
	TaskRoot string
	// Env are more variables than those of the template, or other values for them; default none.
	Env map[string]string
}

// FunctionInfo is what Options.Processes is asked about: a function of the template.
type FunctionInfo struct {
	// LogicalID is that of the template, Name that of the function, Handler that of its code.
	LogicalID, Name, Handler string
	// Runtime is as in the template, such as provided.al2023; Architecture is arm64 or x86_64, the default.
	Runtime, Architecture string
	// MemoryMB is the function's MemorySize in MiB; the template's default is 128.
	MemoryMB int
}

// processIdle is how long an execution environment without an invocation keeps its process. What
// Lambda does is not documented; it has been seen to be several minutes.
var processIdle = 5 * time.Minute

// processInit is how long the initialization of an environment may take (runtimeapi.Config), which
// comes before the function's own time begins.
const processInit = 10 * time.Second

// functionCode runs a function, in process or as a process, as is set at the moment.
type functionCode struct {
	stack     *Stack
	world     *world
	info      FunctionInfo
	inProcess lambda.Invoker // nil: no code is registered
	process   *Process       // nil: in process
	function  *lambda.Function
	figures   functionFigures
}

// code is how a function of the template is run.
func (s *Stack) code(logicalID string, p lambda.FunctionProperties) (*functionCode, error) {
	c := &functionCode{stack: s, world: s.world, info: FunctionInfo{
		LogicalID: logicalID, Name: s.names.physical(logicalID), Handler: p.Handler, Runtime: p.Runtime, Architecture: "x86_64", MemoryMB: 128,
	}}
	if len(p.Architectures) > 0 {
		c.info.Architecture = p.Architectures[0]
	}
	if p.MemorySize != nil {
		c.info.MemoryMB = int(*p.MemorySize)
	}
	if code, ok := s.opts.Functions[p.Handler]; ok {
		c.inProcess = s.inProcess(p, code)
	}
	var process *Process
	if s.opts.Processes != nil {
		var err error
		if process, err = s.opts.Processes(c.info); err != nil {
			return nil, err
		}
	}
	if err := c.set(process); err != nil {
		return nil, err
	}
	s.codes = append(s.codes, c)
	return c, nil
}

// set has invocations from now on run as a process, or in process.
func (c *functionCode) set(p *Process) error {
	if p == nil {
		if c.inProcess == nil {
			known := make([]string, 0, len(c.stack.opts.Functions))
			for name := range c.stack.opts.Functions {
				known = append(known, name)
			}
			slices.Sort(known)
			return fmt.Errorf("no code is registered for Handler %q; registered: %s", c.info.Handler, strings.Join(known, ", "))
		}
		c.process = nil
		return nil
	}
	o := c.stack.opts
	switch {
	case !o.RealTime:
		return errors.New("a process lives in real time: Options.RealTime")
	case o.Endpoint == "":
		return errors.New("a process reaches the stack where it is served: Options.Endpoint")
	case !strings.HasPrefix(c.info.Runtime, "provided."):
		return fmt.Errorf("the runtime %q is not run as a process: only provided.al2023 and its like are", c.info.Runtime)
	}
	checked, err := p.check(c.info)
	if err != nil {
		return err
	}
	c.process = checked
	return nil
}

// SetProcess has a function run as a process from now on, or in process again if p is nil, until Reload
// asks Options.Processes again. function is its logical id, or the Handler of all that are meant. Invocations
// under way end in the environments in which they are, and no other begins there.
func (s *Stack) SetProcess(function string, p *Process) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.isClosed() {
		return errClosed
	}
	var meant []*functionCode
	for _, c := range s.codes {
		if c.info.LogicalID == function || c.info.Handler == function {
			meant = append(meant, c)
		}
	}
	if meant == nil {
		return fmt.Errorf("the template has no function with the logical id or the Handler %q", function)
	}
	for _, c := range meant {
		if err := c.set(p); err != nil {
			return fmt.Errorf("%s: %w", c.info.LogicalID, err)
		}
		c.function.Retire()
	}
	return nil
}

// Invoke implements lambda.Invoker.
func (c *functionCode) Invoke(inv lambda.Invocation, done func([]byte, *lambda.FunctionError)) (cancel func()) {
	env, isProcess := inv.Environment.State.(*environment)
	if !isProcess && (c.process == nil || inv.Environment.State != nil) {
		begun := inv.Kernel.Now()
		return c.inProcess.Invoke(inv, func(out []byte, ferr *lambda.FunctionError) {
			c.figures.invocations.add(inv.Kernel.Now().Sub(begun))
			done(out, ferr)
		})
	}
	if !isProcess {
		var err error
		if env, err = c.newEnvironment(inv.Environment); err != nil {
			// Not within this event, in which cancel is not known yet.
			failed := inv.Kernel.After(0, func() { done(nil, lambda.PlatformFailed("Runtime.InvalidEntrypoint", err.Error())) })
			return failed.Cancel
		}
		inv.Environment.State = env
	}
	return env.invoke(inv, done)
}

// enter runs f within the stack, from outside, if it still has the world of this function.
func (c *functionCode) enter(f func()) {
	c.stack.enter(func() {
		if c.stack.world == c.world {
			f()
		}
	})
}

// environment is an execution environment with a process.
type environment struct {
	*runtimeapi.Environment
	code     *functionCode
	instance *lambda.Instance
	idle     *time.Timer // runs while there is no invocation
	flying   bool        // whether there is one
	used     int         // invocations so far
}

func (c *functionCode) newEnvironment(instance *lambda.Instance) (*environment, error) {
	variables, err := c.stack.processEnviron(c, instance.Number)
	if err != nil {
		return nil, err
	}
	log := c.stack.environmentLog(c.function, instance.Number)
	env := &environment{code: c, instance: instance}
	env.Environment = runtimeapi.New(runtimeapi.Config{
		Bootstrap: c.process.Bootstrap, TaskRoot: c.process.TaskRoot, Environ: variables,
		Memory: int64(c.function.Memory()) << 20, InitTimeout: processInit,
		Log: func(line []byte) {
			line = append(slices.Clone(line), '\n')
			c.stack.enter(func() { _, _ = log.Write(line) }) // a log that cannot be written stops nobody
		},
		Ended: func() { c.enter(func() { c.function.Discard(instance) }) },
	})
	c.world.environments[env] = struct{}{}
	return env, nil
}

// Close ends the environment. It always returns nil.
func (e *environment) Close() error {
	if e.idle != nil {
		e.idle.Stop()
	}
	e.land()
	delete(e.code.world.environments, e)
	return e.Environment.Close()
}

// land is the end of an invocation, for whoever waits until nothing is under way outside.
func (e *environment) land() {
	if e.flying {
		e.flying = false
		e.code.stack.abroad--
	}
}

func (e *environment) invoke(inv lambda.Invocation, done func([]byte, *lambda.FunctionError)) (cancel func()) {
	var (
		c       = e.code
		over    bool
		timeout = inv.Function.Timeout()
	)
	e.used++
	e.flying = true
	c.stack.abroad++
	if e.idle != nil {
		e.idle.Stop()
	}
	event := runtimeapi.Invocation{
		RequestID: inv.RequestID, FunctionARN: inv.FunctionARN, TraceID: inv.TraceID, Payload: inv.Payload, Timeout: timeout,
		Done: func(r runtimeapi.Result) {
			c.enter(func() {
				if over {
					return
				}
				e.land()
				// In an event of its own, which Step sees; while the stack is paused it is due all the same, since no time passes for it.
				inv.Kernel.After(0, func() {
					if over {
						return
					}
					over = true
					c.figures.add(r)
					e.rest()
					done(r.Payload, functionError(r.Err))
				})
			})
		},
	}
	if !e.Warm() {
		inv.Postpone(inv.Kernel.Now().Add(processInit + timeout))
		event.Ready = func() {
			c.enter(func() {
				if !over {
					inv.Postpone(inv.Kernel.Now().Add(timeout))
				}
			})
		}
	}
	c.stack.release(func() { go e.Invoke(event) })
	return func() {
		over = true
		_ = e.Close() // the invocation timed out, or its function failed by a fault
	}
}

// rest is the end of an invocation. Another may follow until the environment has been idle for too long.
func (e *environment) rest() {
	used := e.used
	e.idle = time.AfterFunc(processIdle, func() {
		e.code.enter(func() {
			if e.used == used {
				e.code.function.Discard(e.instance)
			}
		})
	})
}

func functionError(e *runtimeapi.Error) *lambda.FunctionError {
	if e == nil {
		return nil
	}
	if e.Payload == nil {
		ferr := lambda.PlatformFailed(e.Type, e.Message)
		ferr.Exit = e.Exited
		return ferr
	}
	return &lambda.FunctionError{Type: e.Type, Message: e.Message, Payload: e.Payload, Exit: e.Exited, Logged: true}
}

// endProcesses ends the processes of a world.
func (w *world) endProcesses() {
	for e := range w.environments {
		_ = e.Close() // which has no error
	}
}
