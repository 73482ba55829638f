// Package api is what a call of an AWS service looks like inside a local
// stack, whoever makes it: the gateway's integrations, a state machine's
// tasks, an SDK client in a function, or a client on the wire. All of them
// speak the service's AWS JSON protocol.
package api

import (
	"encoding/json"
	"fmt"
)

// Call is one call of one action.
type Call struct {
	// Service is the SDK's signing name: "dynamodb", "sqs", "states", "lambda",
	// "secretsmanager", "sns".
	Service string
	// Action is the API's own name for it: "PutItem".
	Action string
	// Input is the request body in the AWS JSON protocol of the service.
	Input []byte
	// Caller is the ARN of the role or user that makes the call. It is empty for the
	// account itself, which is who a client without a role is, and where Principal is set.
	Caller string
	// Via is the service that makes the call in the role of Caller, which the role's
	// trust policy has to allow: "states.amazonaws.com".
	Via string
	// Principal is the service that makes the call as itself, without a role, so that only a policy
	// of the resource can allow it: "sns.amazonaws.com".
	Principal string
	// SourceARN is the resource on whose behalf a service calls: aws:SourceArn.
	SourceARN string
}

// Error is an error as an AWS service answers it.
type Error struct {
	// Code is the exception's short name: "ConditionalCheckFailedException".
	Code string
	// Message is the service's text.
	Message string
	// Status is the HTTP status: 400 where it is zero.
	Status int
	// Fields are further members of the error's JSON body, such as "Item" or
	// "CancellationReasons".
	Fields map[string]any
}

// Errorf returns an Error of status 400.
func Errorf(code, format string, args ...any) *Error {
	return &Error{Code: code, Message: fmt.Sprintf(format, args...), Status: 400}
}

func (e *Error) Error() string { return e.Code + ": " + e.Message }

// HTTPStatus is Status, or 400 where none is set.
func (e *Error) HTTPStatus() int {
	if e.Status == 0 {
		return 400
	}
	return e.Status
}

// Body is the error as the JSON protocol sends it, with the given prefix
// before the code in __type ("com.amazonaws.dynamodb.v20120810#").
func (e *Error) Body(typePrefix string) []byte {
	m := map[string]any{"__type": typePrefix + e.Code, "message": e.Message}
	for k, v := range e.Fields {
		m[k] = v
	}
	b, err := json.Marshal(m)
	if err != nil {
		return fmt.Appendf(nil, `{"__type":%q}`, typePrefix+e.Code)
	}
	return b
}

// Service answers calls. done is called exactly once, in this event or in a
// later one, with the response body or with an error, which is an *Error
// whenever the service itself refused.
type Service interface {
	Do(c Call, done func(out []byte, err error))
}

// Func adapts an action table of a service that answers at once.
type Func func(c Call) ([]byte, error)

// Do implements Service.
func (f Func) Do(c Call, done func([]byte, error)) { done(f(c)) }
