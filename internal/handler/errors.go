package handler

import (
	"errors"
	"fmt"
	"reflect"

	"github.com/aws/smithy-go"

	"github.com/orderflow-cdk/orderflow/internal/dynamo"
	"github.com/orderflow-cdk/orderflow/internal/order"
	"github.com/orderflow-cdk/orderflow/internal/payment"
)

// BadInput says that a function was invoked with something that is not its
// input. Repeating does not help.
type BadInput struct{ Reason string }

func (e *BadInput) Error() string { return "bad input: " + e.Reason }

// ServiceError says that a call of AWS failed after the SDK's own retries.
// It can be repeated.
type ServiceError struct {
	Call string // "DynamoDB UpdateItem"
	Code string // AWS's error code, or "no answer"
}

func (e *ServiceError) Error() string { return e.Call + ": " + e.Code }

// StepError is any other failure.
type StepError struct{ Reason string }

func (e *StepError) Error() string { return e.Reason }

// outcome turns an error into the one that the workflow sees: it returns the
// bare *T, since Lambda takes the errorType from the outermost error alone. The
// text goes into the order's record, for the client to read; so an AWS error is
// reduced to its call and its code. The log has it in full.
func outcome(err error) error {
	if known := first(err,
		as[*order.OutOfStock], as[*order.UnknownSku], as[*order.PaymentDeclined],
		as[*payment.PaymentUnavailable], as[*payment.PaymentRequestInvalid],
		as[*dynamo.ReservationReleased], as[*dynamo.NotReserved],
		as[*BadInput],
	); known != nil {
		return known
	}
	var op *smithy.OperationError
	if errors.As(err, &op) {
		code := "no answer"
		var api smithy.APIError
		if errors.As(err, &api) {
			code = api.ErrorCode()
		}
		return &ServiceError{Call: fmt.Sprintf("%s %s", op.Service(), op.Operation()), Code: code}
	}
	return &StepError{Reason: err.Error()}
}

func as[T error](err error) error {
	var t T
	if errors.As(err, &t) {
		return t
	}
	return nil
}

func first(err error, ways ...func(error) error) error {
	for _, way := range ways {
		if known := way(err); known != nil {
			return known
		}
	}
	return nil
}

// errorName is what Lambda reports as the errorType.
func errorName(err error) string { return reflect.TypeOf(err).Elem().Name() }
