package local_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/orderflow-cdk/orderflow/client"
	"github.com/orderflow-cdk/orderflow/constructs/record"
	"github.com/orderflow-cdk/orderflow/event"
	"github.com/orderflow-cdk/orderflow/internal/localapp"
	"github.com/orderflow-cdk/orderflow/local"
)

// BenchmarkEndpoints has 200 endpoints of ten tenants, in the production environment. In the first two runs each endpoint
// wants COMPLETED only and gets an event every ten seconds for ten minutes; in the second, a tenth of the endpoints never
// answers. In the third they want every status and get four events within a moment every five seconds, for two
// minutes, so that eight times as much is tried in vain before it is known who does not answer. What is reported is in
// virtual time: how long after the change of a status an endpoint that answers has the event.
func BenchmarkEndpoints(b *testing.B) {
	final, every := fleetLoad{[]string{client.StatusCompleted}, 10 * time.Second, some(60)}, fleetLoad{nil, 5 * time.Second, some(24)}
	for _, c := range []struct {
		name   string
		load   fleetLoad
		silent int
	}{{"final/silent=0", final, 0}, {"final/silent=20", final, 20}, {"every/silent=20", every, 20}} {
		b.Run(c.name, func(b *testing.B) {
			var f *fleet
			for b.Loop() {
				f = runFleet(b, c.load, c.silent)
			}
			slices.Sort(f.delays)
			ms := func(d time.Duration) float64 { return float64(d.Microseconds()) / 1_000 }
			n := len(f.delays)
			b.ReportMetric(float64(n), "deliveries")
			b.ReportMetric(float64(f.vain), "in-vain")
			b.ReportMetric(ms(f.delays[n/2]), "p50-ms")
			b.ReportMetric(ms(f.delays[n*99/100]), "p99-ms")
			b.ReportMetric(ms(f.delays[n-1]), "max-ms")
			b.ReportMetric(float64(n*b.N)/b.Elapsed().Seconds(), "deliveries/s")
			b.ReportMetric(0, "ns/op")
		})
	}
}

// fleetLoad is what the endpoints of a tenant want, and how often and how many times it has an order.
type fleetLoad struct {
	statuses []string
	pace     time.Duration
	orders   int
}

// fleet is the endpoints.
type fleet struct {
	stack  *local.Stack
	delays []time.Duration // of deliveries to those that answer
	vain   int             // requests to those that do not
}

func runFleet(b *testing.B, load fleetLoad, silent int) *fleet {
	const tenants, endpoints = 10, 200
	hosts := local.Hosts{}
	s, err := localapp.New("prod", local.Options{Seed: 1, Egress: localapp.Egress(hosts)})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	if err := localapp.PutStock(s, localapp.StockLevel{SKU: "KB-1001", Available: 1_000_000}); err != nil {
		b.Fatal(err)
	}
	f := &fleet{stack: s}
	clients := make([]*client.Client, tenants)
	for i := range clients {
		if clients[i], err = client.New(s.Outputs()["ApiUrl"], client.Options{
			HTTPClient: &http.Client{Transport: s.Transport()}, Now: s.Now,
			Authorize: client.IDToken(func(context.Context) (string, error) {
				return s.IDToken("u", map[string]any{record.TenantClaim: tenantName(i)})
			}),
		}); err != nil {
			b.Fatal(err)
		}
	}
	ctx := context.Background()
	for i := range endpoints {
		host := fmt.Sprintf("endpoint-%d.example.com", i)
		hosts[host] = http.HandlerFunc(f.answer)
		if i/tenants < silent/tenants { // as many of each tenant
			hosts[host] = http.HandlerFunc(f.keepSilent)
		}
		if _, err := clients[i%tenants].CreateWebhook(ctx, client.NewWebhook{URL: "https://" + host + "/", Statuses: load.statuses}); err != nil {
			b.Fatal(err)
		}
	}
	for round := range load.orders {
		for i, c := range clients {
			if _, err := c.Submit(ctx, orderBody(round*tenants+i), client.SubmitOptions{}); err != nil {
				b.Fatal(err)
			}
			s.Advance(load.pace / tenants)
		}
	}
	s.Advance(time.Minute)
	want := load.orders * (endpoints - silent)
	if load.statuses == nil {
		want *= eventsOfAnOrder
	}
	if len(f.delays) != want {
		b.Fatalf("%d deliveries to endpoints that answer, want %d", len(f.delays), want)
	}
	return f
}

// answer takes an event in 20 ms.
func (f *fleet) answer(w http.ResponseWriter, r *http.Request) {
	var e event.Event
	if err := json.NewDecoder(r.Body).Decode(&e); err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	f.delays = append(f.delays, f.stack.Now().Sub(e.OccurredAt))
	if local.Sleep(r.Context(), 20*time.Millisecond) == nil {
		w.WriteHeader(http.StatusNoContent)
	}
}

// keepSilent answers after 30 s, which nobody waits for.
func (f *fleet) keepSilent(w http.ResponseWriter, r *http.Request) {
	f.vain++
	if local.Sleep(r.Context(), 30*time.Second) == nil {
		w.WriteHeader(http.StatusNoContent)
	}
}
