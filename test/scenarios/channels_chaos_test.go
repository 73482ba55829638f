package scenarios_test

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/orderflow-cdk/orderflow/event"
	"github.com/orderflow-cdk/orderflow/internal/localapp"
	"github.com/orderflow-cdk/orderflow/local"
)

// only befalls these functions and no others.
func (c *chaos) only(names ...string) map[string]local.NewFunction {
	all, struck := localapp.Functions(), c.functions()
	for _, name := range names {
		all[name] = struck[name]
	}
	return all
}

// moody is an endpoint that takes what it gets only now and then.
func (e *endpoint) moody(r *rand.Rand) {
	e.answer = http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		switch mood := r.IntN(20); {
		case mood < 3:
			w.WriteHeader([]int{500, 503, 404}[mood])
		case mood == 3:
			_ = local.Sleep(req.Context(), 30*time.Second)
		case mood == 4: // it is taken, and the answer is lost
			e.receive.ServeHTTP(&statusNoted{ResponseWriter: nowhere{}}, req)
			_ = local.Sleep(req.Context(), 30*time.Second)
		case mood == 5:
			w.Header().Set("Retry-After", "40")
			w.WriteHeader(http.StatusTooManyRequests)
		default:
			e.receive.ServeHTTP(w, req)
		}
	})
}

// nowhere is where answers go that nobody reads.
type nowhere struct{}

// Header implements http.ResponseWriter.
func (nowhere) Header() http.Header { return http.Header{} }

// Write implements http.ResponseWriter.
func (nowhere) Write(p []byte) (int, error) { return len(p), nil }

// WriteHeader implements http.ResponseWriter.
func (nowhere) WriteHeader(int) {}

// Whatever befalls the functions behind the table, and however the endpoints behave,
// every channel tells what the table says; and a seed tells it always in the same way.
func TestTheChannelsAgreeWhateverBefallsThem(t *testing.T) {
	for seed := range uint64(5) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			first, again := channelsInChaos(t, seed), channelsInChaos(t, seed)
			if diff := cmp.Diff(first, again); diff != "" {
				t.Errorf("two runs of one seed differ:\n%s", diff)
			}
		})
	}
}

// channelsInChaos checks a run, and returns what happened in it, line by line.
func channelsInChaos(t *testing.T, seed uint64) []string {
	t.Helper()
	c := &chaos{Rand: rand.New(rand.NewPCG(seed, 1)), perCall: 0.08, struck: map[kind]int{}}
	w := around(t, local.Options{Seed: seed, Functions: c.only("notify", "deliverwebhook")})
	tenants := []string{"acme", "globex"}
	hooks := []*endpoint{w.endpoint("acme", "moody.acme.example"), w.endpoint("acme", "good.acme.example"), w.endpoint("globex", "moody.globex.example")}
	hooks[0].moody(c.Rand)
	hooks[2].moody(c.Rand)
	sockets := []*listener{w.listen("acme"), w.listen("globex")}

	orders := map[string][]string{}
	for i := range 40 {
		tenant := tenants[c.IntN(len(tenants))]
		body := order([]string{"tok_visa", "tok_visa", "tok_flaky", "tok_declined", "tok_down"}[c.IntN(5)], "")
		key := fmt.Sprint("po-", i)
		id := w.submit(tenant, body, "Idempotency-Key", key)
		if c.IntN(4) == 0 {
			w.submit(tenant, body, "Idempotency-Key", key)
		}
		if c.IntN(6) == 0 {
			as(t, w.Stack, tenant).do("DELETE", "/orders/"+id+"/status", "")
		}
		orders[tenant] = append(orders[tenant], id)
		w.Advance(time.Duration(c.IntN(4000)) * time.Millisecond)
	}
	w.Advance(6 * time.Hour)
	// The calm after it: what is still under way arrives, and one order more.
	c.perCall = 0
	hooks[0].answer, hooks[2].answer = nil, nil
	w.Advance(12 * time.Hour)
	bodies := map[string]string{}
	repeated := 0
	for i, tenant := range tenants {
		last := w.submit(tenant, order("tok_visa", ""))
		w.settle(tenant, last)
		sockets[i].hear(event.ID(last, 4))
		orders[tenant] = append(orders[tenant], last)

		history := w.history(tenant, orders[tenant]...)
		if diff := cmp.Diff(byOrder(history), byOrder(sockets[i].told)); diff != "" {
			t.Errorf("history (-) and %s's websocket (+) differ:\n%s", tenant, diff)
		}
		repeated += len(sockets[i].told) - len(byID(history))
		for _, hook := range hooks {
			if hook.tenant != tenant {
				continue
			}
			if diff := cmp.Diff(byOrder(history), sorted(hook.told)); diff != "" {
				t.Errorf("history (-) and %s's webhook (+) differ:\n%s", tenant, diff)
			}
			if diff := cmp.Diff(plain(history), plain(hook.told)); diff != "" || len(hook.told) != len(history) {
				t.Errorf("history (-) and %s's webhook (+), %d and %d events, differ:\n%s", tenant, len(history), len(hook.told), diff)
			}
		}
	}
	var lines []string
	for i, hook := range hooks {
		for _, p := range hook.posts {
			if before, ok := bodies[p.id()]; ok && before != string(p.body) {
				t.Errorf("two events of the id %s:\n%s\n%s", p.id(), before, p.body)
			}
			bodies[p.id()] = string(p.body)
			lines = append(lines, fmt.Sprint(i, " ", p.at.Format(time.RFC3339Nano), " ", p.id(), " ", p.status))
		}
		repeated += len(hook.posts) - len(hook.told)
	}
	for _, f := range w.frames {
		lines = append(lines, fmt.Sprint("websocket ", f.at.Format(time.RFC3339Nano), " ", f.id))
	}
	w.nothingGivenUp()
	t.Logf("faults %v, %d posts and frames, %d of them repetitions", c.struck, len(lines), repeated)
	if len(c.struck) < 4 || repeated < 10 || !strings.Contains(strings.Join(lines, "\n"), " 503") {
		t.Error("the run is too tame to show anything")
	}
	return lines
}
