package lambda

import (
	"context"
	"fmt"
	"reflect"
	"runtime"
	"slices"
	"strings"

	"github.com/aws/aws-lambda-go/lambda/messages"

	"github.com/orderflow-cdk/orderflow/local/internal/sim"
)

// Handler is a function's code; the same as aws-lambda-go's lambda.Handler.
type Handler interface {
	Invoke(ctx context.Context, payload []byte) ([]byte, error)
}

// Init is what a handler is made from, once in each execution environment.
type Init struct {
	// Context carries the process that the initialization runs in, for calls of
	// AWS services (see ProcFrom). It ends with the first invocation.
	Context  context.Context
	Function *Function
	// Environment is the number of the execution environment, from 1.
	Environment int
}

// Getenv looks up a variable of the function's environment: those of the
// template and those that Lambda sets. It is what os.Getenv is in Lambda.
func (i Init) Getenv(name string) string {
	v, _ := i.LookupEnv(name)
	return v
}

// LookupEnv is Getenv that tells whether the variable is set.
func (i Init) LookupEnv(name string) (string, bool) { return i.Function.lookupEnv(name, i.Environment) }

// InProcess runs a handler in this process. newHandler is called once in each
// execution environment, as a Lambda function's main is. An error from it ends
// the environment as log.Fatal in main would.
//
// An invocation is a sim.Proc: the handler runs until it waits for an AWS call
// (see ProcFrom) and must make those calls on its own goroutine. Panics and
// errors become what aws-lambda-go reports of them.
func InProcess(newHandler func(Init) (Handler, error)) Invoker {
	return inProcess{newHandler}
}

type inProcess struct {
	newHandler func(Init) (Handler, error)
}

func (p inProcess) Invoke(inv Invocation, done func([]byte, *FunctionError)) (cancel func()) {
	var (
		out      []byte
		ferr     *FunctionError
		finished bool
		proc     *sim.Proc
		ctx      = newContext(inv)
	)
	report := func() {
		if finished {
			finished = false
			done(out, ferr)
		}
	}
	started := false
	started2 := inv.Kernel.Go(func(running *sim.Proc) {
		ctx.proc = running
		out, ferr = p.run(ctx, inv)
		ctx.end(context.Canceled)
		finished = true
		if started {
			// The process is not over before this function returns: what comes
			// next happens in an event of its own.
			inv.Kernel.After(0, report)
		}
	})
	proc, started = started2, true
	report()
	return func() {
		ctx.end(context.DeadlineExceeded)
		finished = false
		proc.Abort()
		finished = false
	}
}

// run is one turn of the runtime's loop: initialize if cold, call the handler,
// turn what comes out of it into a result.
func (p inProcess) run(ctx *simContext, inv Invocation) ([]byte, *FunctionError) {
	if compute := inv.Function.s.Compute; compute != nil {
		if d := compute(inv.Function, inv.Cold); d > 0 {
			ctx.proc.Sleep(d)
		}
	}
	h, ok := inv.Environment.State.(Handler)
	if !ok {
		var ferr *FunctionError
		if h, ferr = p.init(ctx, inv); ferr != nil {
			return nil, ferr
		}
		inv.Environment.State = h
	}
	return call(ctx, h, inv.Payload)
}

func (p inProcess) init(ctx *simContext, inv Invocation) (h Handler, ferr *FunctionError) {
	defer func() {
		if v := recover(); v != nil {
			// A panic in main kills the process before it can report anything.
			ferr = exited(inv.RequestID, 2)
		}
	}()
	h, err := p.newHandler(Init{Context: ctx, Function: inv.Function, Environment: inv.Environment.Number})
	if err != nil {
		inv.Function.s.logf(inv.Function, inv.Environment, "%s", err.Error())
		return nil, exited(inv.RequestID, 1)
	}
	return h, nil
}

func exited(requestID string, status int) *FunctionError {
	return platformError("Runtime.ExitError", fmt.Sprintf("RequestId: %s Error: Runtime exited with error: exit status %d", requestID, status))
}

func call(ctx context.Context, h Handler, payload []byte) (out []byte, ferr *FunctionError) {
	defer func() {
		if v := recover(); v != nil {
			out, ferr = nil, newFunctionError(panicResponse(v))
		}
	}()
	out, err := h.Invoke(ctx, payload)
	if err != nil {
		return nil, newFunctionError(errorResponse(err))
	}
	// aws-lambda-go's own handlers return a buffer that belongs to a pool and is
	// reused by whichever invocation comes next.
	return slices.Clone(out), nil
}

// errorResponse is what aws-lambda-go reports of an error that a handler returned.
func errorResponse(err error) *messages.InvokeResponse_Error {
	if e, ok := err.(messages.InvokeResponse_Error); ok { //nolint:errorlint // as aws-lambda-go does: wrapped ones do not count
		return &e
	}
	return &messages.InvokeResponse_Error{Message: err.Error(), Type: typeName(err)}
}

// panicResponse is what it reports of a panic, after which the runtime exits.
func panicResponse(v any) *messages.InvokeResponse_Error {
	if e, ok := v.(messages.InvokeResponse_Error); ok {
		return &e
	}
	return &messages.InvokeResponse_Error{
		Message:    fmt.Sprintf("%v", v),
		Type:       typeName(v),
		StackTrace: stack(),
		ShouldExit: true,
	}
}

func typeName(v any) string {
	t := reflect.TypeOf(v)
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	return t.Name()
}

// stack is the panicking goroutine's stack from the panic on, up to 32 frames,
// with paths and labels shortened as aws-lambda-go shortens them.
func stack() []*messages.InvokeResponse_Error_StackFrame {
	pcs := make([]uintptr, 32)
	// Hide runtime.Callers, stack, panicResponse and the deferred function.
	frames := runtime.CallersFrames(pcs[:runtime.Callers(4, pcs)])
	var out []*messages.InvokeResponse_Error_StackFrame
	for {
		f, more := frames.Next()
		// Of the file only as many directories as the package's path has.
		path := f.File
		cut := len(path)
		for range strings.Count(f.Function, "/") + 2 {
			if cut = strings.LastIndexByte(path[:cut], '/'); cut < 0 {
				break
			}
		}
		label := f.Function[strings.LastIndexByte(f.Function, '/')+1:]
		label = label[strings.IndexByte(label, '.')+1:]
		out = append(out, &messages.InvokeResponse_Error_StackFrame{Path: path[cut+1:], Line: int32(f.Line), Label: label})
		if !more {
			return out
		}
	}
}
