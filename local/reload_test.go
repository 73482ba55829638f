package local_test

import (
	"context"
	"encoding/json"
	"math/rand/v2"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/orderflow-cdk/orderflow/client"
	"github.com/orderflow-cdk/orderflow/constructs/record"
	"github.com/orderflow-cdk/orderflow/event"
	"github.com/orderflow-cdk/orderflow/internal/localapp"
	"github.com/orderflow-cdk/orderflow/internal/snapshot"
	"github.com/orderflow-cdk/orderflow/local"
)

// TestReloadLosesNothing reloads the template again and again while orders are on their way through
// queues, streams, workflows and webhooks: every order completes, and the endpoint gets every event.
func TestReloadLosesNothing(t *testing.T) {
	for seed, environment := range []string{"dev", "staging", "prod"} {
		t.Run(environment, func(t *testing.T) {
			random := rand.New(rand.NewPCG(uint64(seed), 1))
			template, err := snapshot.Template(environment)
			if err != nil {
				t.Fatal(err)
			}
			var logs strings.Builder
			hosts := local.Hosts{}
			s, err := localapp.New(environment, local.Options{Seed: uint64(seed), Egress: localapp.Egress(hosts), Logs: &logs})
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			if err := localapp.PutStock(s, localapp.StockLevel{SKU: "KB-1001", Available: 1_000_000}); err != nil {
				t.Fatal(err)
			}
			got := map[string]bool{}
			hosts["hook.example.com"] = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				var e event.Event
				if err := json.NewDecoder(r.Body).Decode(&e); err != nil {
					t.Error(err)
				}
				got[e.ID] = true
				w.WriteHeader(http.StatusNoContent)
			})
			c, err := client.New(s.Outputs()["ApiUrl"], client.Options{
				HTTPClient: &http.Client{Transport: s.Transport()}, Now: s.Now,
				Authorize: client.IDToken(func(context.Context) (string, error) {
					return s.IDToken("u", map[string]any{record.TenantClaim: "acme"})
				}),
			})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := c.CreateWebhook(t.Context(), client.NewWebhook{URL: "https://hook.example.com/"}); err != nil {
				t.Fatal(err)
			}
			const orders = 30
			reloads := 0
			for i := range orders {
				if _, err := c.Submit(t.Context(), orderBody(i), client.SubmitOptions{}); err != nil {
					t.Fatal(err)
				}
				s.Advance(time.Duration(random.IntN(200)) * time.Millisecond)
				if random.IntN(2) == 0 {
					reloads++
					if err := s.Reload(template); err != nil {
						t.Fatal(err)
					}
				}
			}
			s.Advance(5 * time.Minute) // as long as a message can be invisible to those who take it again
			if n := completed(t, s); n != orders {
				t.Errorf("%d of %d orders completed after %d reloads", n, orders, reloads)
			}
			if len(got) != orders*eventsOfAnOrder {
				t.Errorf("the endpoint got %d events of %d after %d reloads", len(got), orders*eventsOfAnOrder, reloads)
			}
			if strings.Contains(logs.String(), "not in the template any more") {
				t.Errorf("something was dropped: %s", logs.String())
			}
			if reloads < orders/4 {
				t.Errorf("only %d reloads", reloads)
			}
		})
	}
}
