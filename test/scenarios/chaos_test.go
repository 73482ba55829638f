package scenarios_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/orderflow-cdk/orderflow/internal/localapp"
	"github.com/orderflow-cdk/orderflow/local"
)

// chaos befalls every function with every kind of fault, by chance.
type chaos struct {
	*rand.Rand
	perCall float64 // the chance of a fault at a call
	struck  map[kind]int
}

func (c *chaos) functions() map[string]local.NewFunction {
	all := localapp.Functions()
	for name, code := range all {
		all[name] = func(r local.Runtime) (local.Handler, error) {
			h := &victim{chaos: c, fault: &fault{function: name, invocations: -1}}
			inner, err := h.wrap(code)(r)
			h.inner = inner
			return h, err
		}
	}
	return all
}

type victim struct {
	*chaos
	*fault
	inner local.Handler
}

// Invoke implements local.Handler. The invocation has a fault where chance will
// have it, which may be at a call that it never makes.
func (v *victim) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	const calls = 40 // more than any invocation makes
	v.fault.after, v.fault.hits = calls, 0
	for n := range calls {
		if v.Float64() < v.perCall {
			v.fault.after, v.fault.kind = n, kinds[v.IntN(len(kinds))]
			break
		}
	}
	defer func() {
		if v.fault.hits > 0 {
			v.struck[v.fault.kind]++
		}
	}()
	return v.inner.Invoke(ctx, payload)
}

// Whatever befalls the functions, every order comes to one end, and stock and
// money are as the ends tell.
func TestStockAndMoneyAgreeWithTheOrders(t *testing.T) {
	for seed := range uint64(6) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			books := newLedger()
			c := &chaos{Rand: rand.New(rand.NewPCG(seed, 0)), perCall: 0.04, struck: map[kind]int{}}
			s := run(t, "prod", local.Options{Seed: seed, Functions: c.functions(), Egress: books})
			tenants := []string{"acme", "globex", "initech"}
			var orders [][2]string // tenant and location
			for i := range 150 {
				tenant := tenants[c.IntN(len(tenants))]
				who := as(t, s, tenant).with("Idempotency-Key", fmt.Sprint("po-", i))
				body := order([]string{"tok_visa", "tok_visa", "tok_flaky", "tok_declined", "tok_down"}[c.IntN(5)], "")
				location := who.submit(body)
				if c.IntN(5) == 0 {
					who.submit(body)
				}
				s.Advance(time.Duration(c.IntN(2000)) * time.Millisecond)
				if c.IntN(6) == 0 {
					if a := who.do("DELETE", location, ""); a.Code != http.StatusAccepted && a.Code != http.StatusConflict {
						t.Errorf("DELETE: %d %s", a.Code, a.Body)
					}
				}
				orders = append(orders, [2]string{tenant, location})
			}
			for range 10 {
				s.Advance(30 * time.Minute)
				if dead := s.Outputs()["DeadLetterQueueUrl"]; messages(t, s, dead) > 0 {
					redrive(t, s, dead)
				}
			}
			ends := map[string]int{}
			for _, o := range orders {
				result := as(t, s, o[0]).settle(o[1])
				got := path(result)
				ends[got[strings.LastIndex(got, " ")+1:]]++
				if result["reason"] == "CompensationFailed" {
					t.Errorf("%s: %v: choose a smaller chance", got, result["detail"])
				}
				if !legal[got] {
					t.Errorf("status path %q", got)
				}
			}
			t.Logf("ends %v, faults %v", ends, c.struck)
			if left, want := available(t, s, "KB-1001"), 1_000_000-2*ends["COMPLETED"]; left != want {
				t.Errorf("%d left of KB-1001, want %d", left, want)
			}
			if books.charges-books.refunds != ends["COMPLETED"] {
				t.Errorf("%d charges and %d refunds for %d completed orders", books.charges, books.refunds, ends["COMPLETED"])
			}
			if len(ends) != 4 || len(c.struck) != len(kinds) {
				t.Error("the run is too tame to show anything")
			}
		})
	}
}

// legal are the ways that an order can go.
var legal = map[string]bool{
	"ACCEPTED RESERVED PAID COMPLETED": true,
	"ACCEPTED RESERVED REJECTED":       true,
	"ACCEPTED FAILED":                  true,
	"ACCEPTED RESERVED FAILED":         true,
	"ACCEPTED RESERVED PAID FAILED":    true,
	"CANCELLED":                        true,
	"ACCEPTED CANCELLED":               true,
	"ACCEPTED RESERVED CANCELLED":      true,
	"ACCEPTED RESERVED PAID CANCELLED": true,
}

// What befalls intake delays the orders of a FIFO queue, but never has one of
// a tenant's overtake another.
func TestATenantsOrdersKeepTheirOrderWhateverBefallsThem(t *testing.T) {
	for seed := range uint64(4) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			c := &chaos{Rand: rand.New(rand.NewPCG(seed, 0)), perCall: 0.04, struck: map[kind]int{}}
			s := variant(t, fifoByTenant, c.functions())
			tenants := []*client{caller(t, s, "Authorization", "acme"), caller(t, s, "Authorization", "globex")}
			locations := make([][]string, len(tenants))
			for i := range 60 {
				k := i % len(tenants)
				locations[k] = append(locations[k], tenants[k].submit(order("tok_visa", "")))
				s.Advance(time.Duration(c.IntN(500)) * time.Millisecond)
			}
			s.Advance(2 * time.Hour)
			completed := 0
			for k, client := range tenants {
				var last string
				for n, location := range locations[k] {
					result := client.settle(location)
					first, _ := result["history"].([]any)[0].(map[string]any)
					at, _ := first["at"].(string)
					if at < last {
						t.Errorf("order %d was taken at %s, and the one before it at %s", n, at, last)
					}
					last = at
					if result["status"] == "COMPLETED" {
						completed++
					}
				}
			}
			if left, want := available(t, s, "KB-1001"), 1_000_000-2*completed; left != want {
				t.Errorf("%d left of KB-1001, want %d", left, want)
			}
			if len(c.struck) < 3 {
				t.Errorf("the run is too tame to show anything: %v", c.struck)
			}
		})
	}
}
