package local_test

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/orderflow-cdk/orderflow/client"
	"github.com/orderflow-cdk/orderflow/constructs/record"
	"github.com/orderflow-cdk/orderflow/internal/localapp"
	"github.com/orderflow-cdk/orderflow/internal/servetest"
	"github.com/orderflow-cdk/orderflow/local"
)

// BenchmarkWebsockets has 1,000 websockets over TCP, each with one subscription, of ten tenants whose orders come in
// at a steady pace in real time. It reports how long after the change of an order's status, by its occurredAt, the
// subscribers have the event, decoded; what the local stack lets its calls take is included.
func BenchmarkWebsockets(b *testing.B) {
	const tenants = 10
	subscribers := some(1_000)
	for _, c := range []struct {
		name   string
		orders int
		pace   time.Duration // between two orders
		all    bool          // orders of the tenant, else one each
	}{
		{"onOrderStatus", subscribers, 6 * time.Millisecond, false},
		{"onMyOrders", max(some(60), tenants), 50 * time.Millisecond, true},
	} {
		b.Run(c.name, func(b *testing.B) {
			w := newRealTime(b, tenants)
			var delays []time.Duration
			for round := 0; b.Loop(); round++ {
				b.StopTimer()
				heard := w.subscribe(b, subscribers, round, c.all, c.orders)
				b.StartTimer()
				tick := time.NewTicker(c.pace)
				for i := range c.orders {
					<-tick.C
					w.submit(b, round, i)
				}
				tick.Stop()
				delays = append(delays, heard(b)...)
			}
			if n := len(delays); n != b.N*w.frames(subscribers, c.orders, c.all) {
				b.Fatalf("%d frames, want %d", n, b.N*w.frames(subscribers, c.orders, c.all))
			}
			slices.Sort(delays)
			ms := func(d time.Duration) float64 { return float64(d.Microseconds()) / 1_000 }
			b.ReportMetric(ms(delays[len(delays)/2]), "p50-ms")
			b.ReportMetric(ms(delays[len(delays)*99/100]), "p99-ms")
			b.ReportMetric(ms(delays[len(delays)-1]), "max-ms")
			b.ReportMetric(float64(len(delays))/float64(b.N), "frames")
			b.ReportMetric(float64(len(delays))/b.Elapsed().Seconds(), "frames/s")
			b.ReportMetric(0, "ns/op")
		})
	}
}

// runRealTime runs and serves dev in real time, until the benchmark ends.
func runRealTime(b *testing.B, o local.Options) (s *local.Stack, url string) {
	b.Helper()
	s, url = servetest.Start(b, "", func(url string) (*local.Stack, error) {
		o.Seed, o.RealTime, o.Endpoint = 1, true, url
		return localapp.FromTemplate("dev", withoutThrottle(b), o)
	})
	if err := localapp.PutStock(s, localapp.StockLevel{SKU: "KB-1001", Available: 10_000_000}); err != nil {
		b.Fatal(err)
	}
	return s, url
}

// realTime is a stack in real time that is served at an address.
type realTime struct {
	url    string
	tokens []string // by tenant
	shop   []*client.Client
	wait   sync.WaitGroup // for submissions
}

func tenantName(i int) string { return fmt.Sprintf("tenant-%d", i) }

func newRealTime(b *testing.B, tenants int) *realTime {
	b.Helper()
	s, url := runRealTime(b, local.Options{})
	w := &realTime{url: url}
	for i := range tenants {
		token, err := s.IDToken("u", map[string]any{record.TenantClaim: tenantName(i)})
		if err != nil {
			b.Fatal(err)
		}
		w.tokens = append(w.tokens, token)
		w.shop = append(w.shop, w.client(b, i))
	}
	return w
}

func (w *realTime) client(b *testing.B, tenant int) *client.Client {
	b.Helper()
	c, err := client.New(w.url, client.Options{
		Authorize: client.IDToken(client.Static(w.tokens[tenant])), GraphQLURL: w.url + "/graphql", Tenant: tenantName(tenant),
	})
	if err != nil {
		b.Fatal(err)
	}
	return c
}

const eventsOfAnOrder = 4 // ACCEPTED, RESERVED, PAID, COMPLETED

func (w *realTime) frames(subscribers, orders int, all bool) int {
	if all {
		return orders * eventsOfAnOrder * subscribers / len(w.shop)
	}
	return subscribers * eventsOfAnOrder
}

func key(round, i int) string { return fmt.Sprintf("round-%d-%d", round, i) }

// subscribe opens a connection for each subscriber, and returns how to get the delays of the events
// when all of them are there.
func (w *realTime) subscribe(b *testing.B, n, round int, all bool, orders int) func(*testing.B) []time.Duration {
	b.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	delays := make([][]time.Duration, n)
	errs := make([]error, n)
	var ready, done sync.WaitGroup
	places := make(chan struct{}, 50) // that connect at the same time
	for i := range n {
		tenant := i % len(w.shop)
		c := w.client(b, tenant)
		want := eventsOfAnOrder
		if all {
			want *= orders / len(w.shop)
		}
		ready.Add(1)
		done.Go(func() {
			places <- struct{}{}
			sub, err := w.open(ctx, c, tenant, round, i, all)
			<-places
			ready.Done()
			for len(delays[i]) < want && err == nil {
				e, nextErr := sub.Next(ctx)
				delays[i] = append(delays[i], time.Since(e.OccurredAt))
				err = nextErr
			}
			errs[i] = err
			if sub != nil {
				sub.Close()
			}
		})
	}
	ready.Wait()
	return func(b *testing.B) []time.Duration {
		b.Helper()
		defer cancel()
		w.wait.Wait()
		done.Wait()
		if err := errors.Join(errs...); err != nil {
			b.Fatal(err)
		}
		return slices.Concat(delays...)
	}
}

func (w *realTime) open(ctx context.Context, c *client.Client, tenant, round, i int, all bool) (*client.Subscription, error) {
	if all {
		return c.Subscribe(ctx, client.SubscribeOptions{})
	}
	// The order is not there yet. Its id is a function of the tenant and the key (docs/architecture.md, "Ids and keys").
	text := base64.RawURLEncoding.EncodeToString
	return c.SubscribeOrder(ctx, "k-"+text([]byte(key(round, i)))+"-"+text([]byte(tenantName(tenant))))
}

// submit sends an order without waiting for the answer.
func (w *realTime) submit(b *testing.B, round, i int) {
	c := w.shop[i%len(w.shop)]
	w.wait.Go(func() {
		if _, err := c.Submit(context.Background(), orderBody(i), client.SubmitOptions{IdempotencyKey: key(round, i)}); err != nil {
			b.Error(err)
		}
	})
}
