package appsyncjs

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"regexp"
	"strings"
	"time"

	"github.com/dop251/goja"
)

// Env is what code can see of the world.
type Env struct {
	// Now is the clock of util.time.
	Now func() time.Time
	// Rand is the source of util.autoId and its like, and of Math.random.
	Rand *rand.Rand
	// Log gets the lines of console.log and console.error; nil drops them.
	Log func(line string)
}

// maxSteps is how many functions may be entered and loops be gone round in one call. AppSync stops an evaluation by
// time; a count makes the local run the same on every machine.
const maxSteps = 1_000_000

// maxDepth is how deep calls may nest. Recursion is refused when code is compiled, as far as that can be seen.
const maxDepth = 500

// Runtime runs programs, one call at a time. It keeps the programs that it has run ready.
type Runtime struct {
	env      Env
	vm       *goja.Runtime
	modules  map[string]goja.Value // by import path and exported name, "path#name"
	loaded   map[*Program]*instance
	step     goja.Value
	patterns map[string]*regexp.Regexp
	freezer  goja.Callable
	call     *call // the one under way
}

// instance is a program in a Runtime.
type instance struct {
	module   goja.Callable
	imports  []goja.Value
	handlers []goja.Callable
}

// call is what one call has done so far.
type call struct {
	context    *Context
	ctx        *contextObject
	steps      int
	headerSize int
	result     Result
}

// Result is what a handler returned, and what else it did.
type Result struct {
	// Value is what the handler returned, or what runtime.earlyReturn was given. nothing and undefined are null.
	Value json.RawMessage
	// EarlyReturn says that the code called runtime.earlyReturn; SkipTo is its option, "END", "NEXT" or empty.
	EarlyReturn bool
	SkipTo      string
	// Stash is the stash after the call; what the Context had, if the code did not look at it.
	Stash json.RawMessage
	// Errors are those of util.appendError, in order.
	Errors []*Error
	// SubscriptionFilter and InvalidationFilter are what extensions.setSubscriptionFilter and
	// setSubscriptionInvalidationFilter were given last, nil if they were not called.
	SubscriptionFilter, InvalidationFilter json.RawMessage
	// Invalidations are the arguments of extensions.invalidateSubscriptions, in order.
	Invalidations []Invalidation
	// Headers are those of util.http.addResponseHeader, in order, each name once.
	Headers []Header
}

// Invalidation ends subscriptions of a field whose invalidation filter matches the payload.
type Invalidation struct {
	SubscriptionField string          `json:"subscriptionField"`
	Payload           json.RawMessage `json:"payload"`
}

// Header is a response header.
type Header struct{ Name, Value string }

// New makes a Runtime. env.Now and env.Rand must be set.
func New(env Env) *Runtime {
	rt := &Runtime{env: env, vm: goja.New(), loaded: map[*Program]*instance{}, modules: map[string]goja.Value{}}
	rt.vm.SetMaxCallStackSize(maxDepth)
	rt.vm.SetRandSource(env.Rand.Float64)
	rt.step = rt.vm.ToValue(func(goja.FunctionCall) goja.Value {
		if rt.call.steps++; rt.call.steps > maxSteps {
			panic(rt.vm.NewGoError(fmt.Errorf("stopped after %d function calls and loop passes", maxSteps)))
		}
		return goja.Undefined()
	})
	rt.restrict()
	rt.provide()
	return rt
}

// Call runs an exported handler. A report by util.error or util.unauthorized is an *Error, any other fault of the code
// a *RuntimeError; the Result then still has what the call did before.
func (rt *Runtime) Call(p *Program, function string, ctx *Context) (Result, error) {
	index, ok := p.exports[function]
	if !ok {
		return Result{}, fmt.Errorf("%s exports no function %s", p.name, function)
	}
	c := &call{context: ctx}
	outer := rt.call
	rt.call = c
	defer func() { rt.call = outer }()

	handlers, err := rt.load(p)
	if err != nil {
		return c.result, rt.fault(p, err)
	}
	if handlers[index] == nil {
		return Result{}, fmt.Errorf("%s: the export %s is not a function", p.name, function)
	}
	c.ctx = &contextObject{rt: rt, context: ctx}
	value, err := handlers[index](goja.Undefined(), rt.vm.NewDynamicObject(c.ctx))
	if err != nil {
		var early *earlyReturn
		if !errors.As(err, &early) {
			return rt.finish(c, nil, rt.fault(p, err))
		}
		value = early.value
		c.result.EarlyReturn, c.result.SkipTo = true, early.skipTo
	}
	return rt.finish(c, value, nil)
}

// finish puts the values into the result.
func (rt *Runtime) finish(c *call, value goja.Value, fault error) (Result, error) {
	var err error
	if fault == nil {
		if c.result.Value, err = rt.encode(value); err != nil {
			fault = err
		}
	}
	if c.result.Stash, err = c.ctx.stash(); err != nil && fault == nil {
		fault = err
	}
	return c.result, fault
}

// load runs a module, or finds it as it was left, if no call can have changed it.
func (rt *Runtime) load(p *Program) ([]goja.Callable, error) {
	in := rt.loaded[p]
	if in == nil {
		in = &instance{imports: []goja.Value{rt.step}}
		module, err := rt.vm.RunProgram(p.program)
		if err != nil {
			return nil, err
		}
		in.module, _ = goja.AssertFunction(module)
		for _, b := range p.imports {
			in.imports = append(in.imports, rt.modules[b.module+"#"+b.exported])
		}
		rt.loaded[p] = in
	}
	if in.handlers != nil && p.stateless {
		return in.handlers, nil
	}
	exports, err := in.module(goja.Undefined(), in.imports...)
	if err != nil {
		return nil, err
	}
	list := exports.ToObject(rt.vm)
	in.handlers = make([]goja.Callable, len(p.exports))
	for i := range in.handlers {
		in.handlers[i], _ = goja.AssertFunction(list.Get(fmt.Sprint(i)))
	}
	return in.handlers, nil
}

// fault turns an error of the machine into what callers know.
func (rt *Runtime) fault(p *Program, err error) error {
	var reported *Error
	if errors.As(err, &reported) {
		return reported
	}
	fault := &RuntimeError{Name: p.name, Message: err.Error()}
	var exception *goja.Exception
	var overflow *goja.StackOverflowError
	switch {
	case errors.As(err, &overflow):
		fault.Message = fmt.Sprintf("calls are nested more than %d deep", maxDepth)
		fault.Line, fault.Column = place(p, overflow.Stack())
	case errors.As(err, &exception):
		fault.Message = strings.TrimPrefix(exception.Value().String(), "GoError: ")
		fault.Line, fault.Column = place(p, exception.Stack())
	}
	return fault
}

// place is the innermost place of the program in a stack.
func place(p *Program, stack []goja.StackFrame) (line, column int) {
	for _, frame := range stack {
		if at := frame.Position(); frame.SrcName() == p.name && at.Line > 0 {
			return position(p.source, offsetOf(p.source, at.Line, at.Column))
		}
	}
	return 0, 0
}

// earlyReturn is how runtime.earlyReturn leaves the code.
type earlyReturn struct {
	value  goja.Value
	skipTo string
}

func (*earlyReturn) Error() string { return "runtime.earlyReturn" }
