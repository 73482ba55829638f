package local_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/orderflow-cdk/orderflow/local"
)

// slowBody is a body that is there only when somebody else has called the stack.
type slowBody struct {
	stack *local.Stack
	held  bool
}

func (b *slowBody) Read([]byte) (int, error) {
	called := make(chan struct{})
	go func() {
		defer close(called)
		_, _ = b.stack.Call("sqs", "ListQueues", []byte("{}")) // answered, whatever the answer
	}()
	select {
	case <-called:
	case <-time.After(5 * time.Second):
		b.held = true
	}
	return 0, io.EOF
}

// TestASlowClientHoldsNobodyUp: the stack goes on while a request's body arrives.
func TestASlowClientHoldsNobodyUp(t *testing.T) {
	s := start(t, local.Options{Seed: 1})
	for _, path := range []string{"/v1/orders", "/?Action=ConfirmSubscription"} {
		body := &slowBody{stack: s}
		s.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodPost, path, body))
		if body.held {
			t.Errorf("%s: the stack stood still while the body arrived", path)
		}
	}
}
