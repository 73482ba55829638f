package process_test

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/orderflow-cdk/orderflow/client"
	"github.com/orderflow-cdk/orderflow/event"
	"github.com/orderflow-cdk/orderflow/internal/localapp"
	"github.com/orderflow-cdk/orderflow/local"
	"github.com/orderflow-cdk/orderflow/webhook"
)

// receiver is a customer's endpoint.
type receiver struct {
	mu     sync.Mutex
	handle http.Handler
	told   []string
	fails  int // requests that are answered by 503 first
}

// trust has it accept what is signed with a secret.
func (r *receiver) trust(t *testing.T, secret string) {
	t.Helper()
	w, err := webhook.New(webhook.Options{Secrets: []string{secret}, OnError: func(_ context.Context, err error) { t.Errorf("refused: %v", err) }})
	if err != nil {
		t.Fatal(err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.handle = w.Handler(func(_ context.Context, e event.Event) error {
		r.told = append(r.told, e.Status)
		return nil
	})
}

// ServeHTTP implements http.Handler.
func (r *receiver) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.fails > 0 {
		r.fails--
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	r.handle.ServeHTTP(w, req)
}

func (r *receiver) wait(t *testing.T, want ...string) {
	t.Helper()
	for range 600 {
		r.mu.Lock()
		n := len(r.told)
		r.mu.Unlock()
		if n >= len(want) {
			break
		}
		time.Sleep(50 * time.Millisecond)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	slices.Sort(r.told) // webhooks may pass each other
	if !slices.Equal(r.told, want) {
		t.Errorf("the endpoint was told of %v, want %v", r.told, want)
	}
}

// Everything that a client hears of comes through the executables: by webhook through the proxy that stands for the
// internet, by websocket through AppSync.
func TestChannels(t *testing.T) {
	for _, environment := range []string{"dev", "prod"} {
		t.Run(environment, func(t *testing.T) {
			t.Parallel()
			endpoint := &receiver{fails: 1}
			w := start(t, environment, func(o *local.Options) {
				o.Egress = localapp.Egress(local.Hosts{"hooks.example.com": endpoint})
			})
			c, ctx := w.as("acme"), within(t)
			made, err := c.CreateWebhook(ctx, client.NewWebhook{URL: "https://hooks.example.com/in"})
			if err != nil {
				t.Fatal(err)
			}
			endpoint.trust(t, made.Secret)
			sub, err := c.Subscribe(ctx, client.SubscribeOptions{})
			if err != nil {
				t.Fatal(err)
			}
			defer sub.Close()
			o := w.settle(c, order("tok_visa", "KB-1001"))
			var heard []string
			for len(heard) == 0 || !client.Final(heard[len(heard)-1]) {
				e, err := sub.Next(ctx)
				if err != nil {
					t.Fatalf("%v after %v", err, heard)
				}
				heard = append(heard, e.Status)
			}
			if got := strings.Join(heard, " "); got != path(o) {
				t.Errorf("the websocket told of %s, the history of %s", got, path(o))
			}
			endpoint.wait(t, "ACCEPTED", "COMPLETED", "PAID", "RESERVED")
			// What is not public is refused although a proxy dials.
			if _, err := c.CreateWebhook(ctx, client.NewWebhook{URL: "https://169.254.169.254/"}); err == nil {
				t.Error("an endpoint at a private address is registered")
			}
		})
	}
}
