package handler_test

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/orderflow-cdk/orderflow/internal/awstest"
	"github.com/orderflow-cdk/orderflow/internal/handler"
)

// silentAWS never answers one action.
type silentAWS struct {
	*awstest.Server
	mu     sync.Mutex
	action string
}

func (s *silentAWS) Do(r *http.Request) (*http.Response, error) {
	if strings.HasSuffix(r.Header.Get("X-Amz-Target"), "."+s.action) {
		<-r.Context().Done()
		return nil, r.Context().Err()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.Server.Do(r)
}

// Whatever of AWS hangs, the function answers in its time. If it did not, Lambda would bring the whole batch
// again, and each time endpoints would get again what they have taken.
func TestDeliverAnswersWhateverHangs(t *testing.T) {
	for action, stays := range map[string]string{
		"BatchGetItem": "event delivered failing off", "Query": "event failing", "UpdateItem": "failing",
		"SendMessageBatch": "event failing off", "ChangeMessageVisibilityBatch": "failing",
	} {
		t.Run(action, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				o := &outpost{Server: awstest.New(), t: t, clock: time.Now()}
				o.Now = time.Now
				cfg := o.Config()
				cfg.HTTPClient = &silentAWS{Server: o.Server, action: action}
				var posts sync.Map
				var err error
				o.handler, err = handler.NewDeliverWebhook(handler.Env{
					Getenv: func(name string) string { return deliverEnvironment[name] },
					AWS:    cfg, Now: time.Now, Log: &o.log, Parallel: atOnce, WithTimeout: context.WithTimeout,
					Public: doer(func(r *http.Request) (*http.Response, error) {
						posts.Store(r.URL.Host, true)
						if strings.HasPrefix(r.URL.Host, "we_failing") {
							return status(503), nil
						}
						return status(200), nil
					}),
				})
				if err != nil {
					t.Fatal(err)
				}
				o.endpoint("we_delivered", "failures", awstest.N(1), "failingSince", awstest.S("1999-12-31T23:00:00.000Z"))
				o.endpoint("we_failing")
				o.endpoint("we_off", "enabled", map[string]any{"BOOL": false})
				names := map[string]string{}
				for name, endpoint := range map[string]string{"event": "", "delivered": "we_delivered", "failing": "we_failing", "off": "we_off"} {
					names[o.enqueue(endpoint, paidEvent(eventID)).ID] = name
				}
				in, err := json.Marshal(o.Receive(deliveries, 10, 3*time.Minute))
				if err != nil {
					t.Fatal(err)
				}
				ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
				defer cancel()
				out, err := o.handler.Invoke(ctx, in)
				if err != nil || ctx.Err() != nil {
					t.Fatalf("too late: %v, %v", err, ctx.Err())
				}
				for id, name := range names {
					if got, want := strings.Contains(string(out), id), strings.Contains(stays, name); got != want {
						t.Errorf("%s stays: %v, want %v\n%s", name, got, want, &o.log)
					}
				}
				if _, blamed := o.state("we_delivered")["lastFailure"]; blamed {
					t.Error("the endpoint is blamed")
				}
			})
		})
	}
}
