package lambda

import (
	"encoding/json"
	"time"

	"github.com/aws/aws-lambda-go/lambda/messages"

	"github.com/orderflow-cdk/orderflow/local/internal/sim"
)

// Invoker runs a function's code.
type Invoker interface {
	// Invoke runs the code once. done is called exactly once, in this event or
	// in a later one, unless cancel was called before. cancel ends the
	// invocation where it stands.
	Invoke(inv Invocation, done func(out []byte, ferr *FunctionError)) (cancel func())
}

// Invocation is one invocation of a function.
type Invocation struct {
	Kernel   *sim.Kernel
	Function *Function
	// Payload is the event.
	Payload   []byte
	RequestID string
	// FunctionARN is the ARN that the function was invoked by, with the
	// qualifier if there was one.
	FunctionARN string
	// TraceID is the X-Ray header of the invocation.
	TraceID string
	// Deadline is when the function times out, in simulated time.
	Deadline time.Time
	// Postpone moves that. An invoker whose initialization takes time of its own has the function's begin after it.
	Postpone func(deadline time.Time)
	// Cold says that this is the environment's first invocation.
	Cold        bool
	Environment *Instance
}

// Instance is an execution environment: it runs one invocation at a time and
// keeps its state between them.
type Instance struct {
	// Number counts the function's environments from 1.
	Number int
	// State is the invoker's own. If it is an io.Closer, it is closed when the
	// environment ends.
	State any

	generation int // of the function's code
}

// FunctionError is how an invocation failed.
type FunctionError struct {
	// Type is what a state machine matches: the Go type name of the error, or
	// Lambda's own, such as "Sandbox.Timedout".
	Type    string
	Message string
	// Payload is the error document that the caller gets.
	Payload []byte
	// Exit says that the execution environment did not survive.
	Exit bool
	// Logged says that the function wrote it to its log itself.
	Logged bool
}

func (e *FunctionError) Error() string { return e.Type + ": " + e.Message }

func newFunctionError(e *messages.InvokeResponse_Error) *FunctionError {
	payload, err := json.Marshal(e)
	if err != nil {
		e = &messages.InvokeResponse_Error{Type: "Runtime.SerializationError", Message: err.Error(), ShouldExit: e.ShouldExit}
		payload, _ = json.Marshal(e) // two strings
	}
	return &FunctionError{Type: e.Type, Message: e.Message, Payload: payload, Exit: e.ShouldExit}
}

// Failed is the error of a handler, with the name that a state machine matches.
func Failed(name, message string) *FunctionError {
	e := platformError(name, message)
	e.Exit = false
	return e
}

// Exited is the end of an execution environment whose process was killed.
func Exited(requestID string) *FunctionError {
	return platformError("Runtime.ExitError", "RequestId: "+requestID+" Error: Runtime exited with error: signal: killed")
}

// PlatformFailed is an error that Lambda itself reports, after which the environment is over.
func PlatformFailed(name, message string) *FunctionError { return platformError(name, message) }

// platformError is an error that Lambda itself reports.
func platformError(kind, message string) *FunctionError {
	payload, err := json.Marshal(struct {
		Type    string `json:"errorType"`
		Message string `json:"errorMessage"`
	}{kind, message})
	if err != nil {
		panic(err) // two strings
	}
	return &FunctionError{Type: kind, Message: message, Payload: payload, Exit: true}
}
