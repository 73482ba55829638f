package scenarios_test

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/orderflow-cdk/orderflow/internal/dynamo"
	"github.com/orderflow-cdk/orderflow/local"
)

// A tenant with as many endpoints as are possible, all of which take events, and take 14 s for each. However many
// wait for them, another tenant's are told soon.
func TestSlowEndpointsOfOneTenantDoNotDelayAnother(t *testing.T) {
	w := around(t, local.Options{Seed: 1})
	slow := http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if err := local.Sleep(r.Context(), 14*time.Second); err != nil {
			t.Error(err)
		}
		rw.WriteHeader(http.StatusNoContent)
	})
	var greedy []*endpoint
	for i := range dynamo.MaxEndpoints {
		e := w.endpoint("acme", fmt.Sprintf("slow-%d.example", i))
		e.answer = slow
		greedy = append(greedy, e)
	}
	modest := w.endpoint("globex", "fast.example")
	acme, globex := as(t, w.Stack, "acme"), as(t, w.Stack, "globex")
	for range 100 {
		acme.submit(order("tok_visa", ""))
	}
	w.Advance(20 * time.Second)
	for range 5 {
		globex.submit(order("tok_visa", ""))
		acme.submit(order("tok_visa", "")) // SQS forgets about who has sent nothing for five minutes
		w.Advance(2 * time.Minute)
	}
	var longest time.Duration
	at := map[string]time.Time{}
	for _, p := range modest.posts {
		if _, again := at[p.id()]; !again {
			at[p.id()] = p.at
		}
	}
	for _, e := range modest.told {
		longest = max(longest, at[e.ID].Sub(e.OccurredAt))
	}
	taken := 0
	for _, e := range greedy {
		taken += len(e.posts)
	}
	t.Logf("%d events of globex, after %v at most; %d deliveries to acme begun", len(modest.told), longest, taken)
	if waiting := 100*4*dynamo.MaxEndpoints - taken; waiting < 1000 {
		t.Errorf("only %d deliveries wait: the test shows nothing", waiting)
	}
	// Everything is at work when an event comes, for 14 s at most, and then it is its turn.
	if len(modest.told) != 5*4 || longest > 16*time.Second {
		t.Errorf("%d events, the last after %v", len(modest.told), longest)
	}
}
