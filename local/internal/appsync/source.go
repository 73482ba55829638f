package appsync

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/orderflow-cdk/orderflow/local/internal/api"
)

// source is a data source.
type source struct {
	id, name string
	typ      string
	role     string
	table    string
	lambda   string // the function's ARN
}

// call hands a request handler's result to the data source. A failure is
// what a response handler finds as $ctx.error.
func (s *source) call(r *resolution, request []byte, done func(result []byte, failure *handlerError)) {
	if s.typ == "NONE" {
		done(payloadOf(request), nil)
		return
	}
	if isNull(request) || request[0] != '{' {
		done(nil, &handlerError{typ: "Code", message: "The request handler of a resolver with data source " + s.name + " must return an object"})
		return
	}
	if s.typ == "AMAZON_DYNAMODB" {
		s.callDynamoDB(r, request, done)
		return
	}
	var op struct{ Operation, InvocationType string }
	if err := json.Unmarshal(request, &op); err != nil {
		done(nil, &handlerError{typ: "Code", message: err.Error()})
		return
	}
	if op.Operation != "Invoke" {
		done(nil, &handlerError{typ: "Code", message: fmt.Sprintf("Lambda operation %q is not simulated", op.Operation)})
		return
	}
	s.invoke(r, payloadOf(request), op.InvocationType == "Event", done)
}

// executionTimeout is how long a query, a mutation or the start of a subscription may take
// (service quotas, "Request execution time").
const executionTimeout = 30 * time.Second

// errTimeout is what a response handler finds when time is up, with the service's name
// before the code (aws-appsync-community issue 386).
var errTimeout = api.Errorf("ExecutionTimeoutException", "Execution timed out.")

// ask makes a call of a data source. Nobody waits for its answer longer than the
// execution may take.
func (x *execution) ask(c api.Call, done func(out []byte, err error)) {
	over := false
	timeout := x.api.k.At(x.end, func() {
		over = true
		done(nil, errTimeout)
	})
	x.api.bus.Do(c, func(out []byte, err error) {
		if !over {
			timeout.Cancel()
			done(out, err)
		}
	})
}

func payloadOf(request []byte) []byte {
	list, err := members(request)
	if err != nil {
		return nullJSON
	}
	return orNull(find(list, "payload"))
}

func (s *source) invoke(r *resolution, payload []byte, event bool, done func(result []byte, failure *handlerError)) {
	w := newObject(nil)
	w.str("FunctionName", s.lambda)
	if event {
		w.str("InvocationType", "Event")
	}
	w.raw("Payload", payload)
	call := api.Call{Service: "lambda", Action: "Invoke", Input: w.end(), Caller: s.role}
	r.x.ask(call, func(out []byte, err error) {
		if err != nil {
			done(nil, sourceFailure("Lambda", err))
			return
		}
		if event {
			done(nullJSON, nil)
			return
		}
		done(lambdaResult(out))
	})
}

// lambdaResult reads what Invoke answered.
func lambdaResult(out []byte) ([]byte, *handlerError) {
	var o struct {
		FunctionError string
		Payload       json.RawMessage
	}
	if err := json.Unmarshal(out, &o); err != nil {
		return nil, &handlerError{typ: "Lambda:Unknown", message: err.Error()}
	}
	if o.FunctionError == "" {
		return o.Payload, nil
	}
	var e struct{ ErrorMessage, ErrorType string }
	if json.Unmarshal(o.Payload, &e) != nil {
		e.ErrorMessage = string(o.Payload)
	}
	return nil, &handlerError{typ: "Lambda:" + o.FunctionError, message: e.ErrorMessage}
}

func sourceFailure(service string, err error) *handlerError {
	var refused *api.Error
	if errors.As(err, &refused) {
		return &handlerError{typ: service + ":" + refused.Code, message: refused.Message}
	}
	return &handlerError{typ: service + ":Unknown", message: err.Error()}
}
