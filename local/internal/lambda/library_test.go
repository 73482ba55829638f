//go:build !lambda.norpc

package lambda_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"testing"
	"time"

	golambda "github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambda/messages"
	"github.com/google/go-cmp/cmp"

	"github.com/orderflow-cdk/orderflow/local/internal/lambda"
)

// TestErrorsAreThoseOfTheLibrary holds what InProcess reports against what
// aws-lambda-go itself makes of the same handler, in its RPC mode.
func TestErrorsAreThoseOfTheLibrary(t *testing.T) {
	handlers := map[string]any{
		"value type":      func() error { return OutOfStock{"x"} },
		"pointer type":    func() error { return &PaymentDeclined{} },
		"joined":          func() error { return errors.Join(OutOfStock{"x"}, errors.New("y")) },
		"named by itself": func() error { return messages.InvokeResponse_Error{Type: "Mine", Message: "m"} },
		"pointer to such": func() error { return wrap{&messages.InvokeResponse_Error{Type: "Mine", Message: "m"}} },
		"canceled":        func() error { return context.Canceled },
		"bad input":       func(int) error { return nil },
		"bad handler":     7,
		"panic, text":     func() error { panic("no") },
		"panic, error":    func() error { panic(OutOfStock{"x"}) },
		"panic, pointer":  func() error { panic(&PaymentDeclined{}) },
		"panic, runtime":  func() error { return blowUp(nil) },
		"panic, itself":   func() error { panic(messages.InvokeResponse_Error{Type: "Mine", Message: "m"}) },
		"panic, number":   func() error { panic(7) },
	}
	for name, h := range handlers {
		t.Run(name, func(t *testing.T) {
			var want messages.InvokeResponse
			deadline := time.Now().Add(time.Hour).Unix()
			//lint:ignore SA1019 deprecated, but the one way to reach this code
			//nolint:staticcheck // deprecated, but the one way to reach this code
			if err := golambda.NewFunction(golambda.NewHandler(h)).Invoke(&messages.InvokeRequest{
				Payload: []byte(`{}`), Deadline: messages.InvokeRequest_Timestamp{Seconds: deadline},
			}, &want); err != nil {
				t.Fatal(err)
			}
			var got struct{ Payload messages.InvokeResponse_Error }
			f := newFixture(t, lambda.FunctionProperties{}, h)
			r := f.invoke(`{"FunctionName":"f","Payload":{}}`)
			if err := json.Unmarshal([]byte(r.body), &got); err != nil {
				t.Fatal(err)
			}
			if want.Error == nil {
				t.Fatalf("the library reports no error, we %s", r.body)
			}
			if got.Payload.Type != want.Error.Type || got.Payload.Message != want.Error.Message {
				t.Errorf("got %s: %s, want %s: %s", got.Payload.Type, got.Payload.Message, want.Error.Type, want.Error.Message)
			}
			f.invoke(`{"FunctionName":"f","Payload":{}}`)
			if exited := f.f.Stats().ColdStarts == 2; exited != want.Error.ShouldExit {
				t.Errorf("the environment ended: %v, want %v", exited, want.Error.ShouldExit)
			}
			if diff := cmp.Diff(fromPanic(want.Error.StackTrace), fromPanic(got.Payload.StackTrace)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

type wrap struct{ error }

// fromPanic is the part of a stack that is the handler's: from the panic to the
// call of the handler.
func fromPanic(frames []*messages.InvokeResponse_Error_StackFrame) (out []string) {
	in := false
	for _, f := range frames {
		in = in || f.Label == "gopanic"
		if f.Label == "Value.call" {
			return out
		}
		if in {
			out = append(out, fmt.Sprint(f.Path, ":", f.Line, " ", f.Label))
		}
	}
	return out
}
