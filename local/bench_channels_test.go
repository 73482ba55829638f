package local_test

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/orderflow-cdk/orderflow/client"
	"github.com/orderflow-cdk/orderflow/constructs/record"
	"github.com/orderflow-cdk/orderflow/event"
	"github.com/orderflow-cdk/orderflow/internal/localapp"
	"github.com/orderflow-cdk/orderflow/local"
	"github.com/orderflow-cdk/orderflow/webhook"
)

// BenchmarkChannels is BenchmarkOrders with everybody listening: ten tenants, each with a signed
// webhook, whose receiver checks every signature, and with a client at the websocket. At the end
// each order is read by GET, and both have told exactly the events of its history, each at least once;
// the receiver drops what comes again. All of this is in the time that is reported.
func BenchmarkChannels(b *testing.B) {
	for _, n := range []int{some(1_000), some(10_000)} {
		b.Run(strconv.Itoa(n), func(b *testing.B) {
			template := withoutThrottle(b)
			events := 0
			for b.Loop() {
				events = runChannels(b, template, n)
			}
			b.ReportMetric(float64(n*b.N)/b.Elapsed().Seconds(), "orders/s")
			b.ReportMetric(float64(events*b.N)/b.Elapsed().Seconds(), "events/s")
			b.ReportMetric(b.Elapsed().Seconds()*1e6/float64(n*b.N), "µs/order")
			b.ReportMetric(peakMiB(), "peak-MiB")
			b.ReportMetric(0, "ns/op")
		})
	}
}

// runChannels returns the number of events, all of which every channel has told.
func runChannels(b *testing.B, template []byte, n int) int {
	hosts := local.Hosts{}
	s, err := localapp.FromTemplate("dev", template, local.Options{Seed: 1, Egress: localapp.Egress(hosts)})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	if err := localapp.PutStock(s, localapp.StockLevel{SKU: "KB-1001", Available: int64(2 * n)}); err != nil {
		b.Fatal(err)
	}
	listeners := make([]*listener, 10)
	for i := range listeners {
		listeners[i] = listen(b, s, hosts, fmt.Sprintf("tenant-%d", i))
	}
	// An account's gateway admits a burst of 5,000 and 10,000 a second.
	const burst = 4_000
	for first := 0; first < n; first += burst {
		for i, l := range listeners {
			share := min(burst, n-first) / len(listeners)
			bodies := make([][]byte, share)
			for j := range bodies {
				bodies[j] = orderBody(first + i*share + j)
			}
			ids := l.send(b, s, bodies)
			l.orders = append(l.orders, ids...)
		}
		s.Advance(burst * time.Second / 10_000)
	}
	if !s.RunUntilIdle(24 * time.Hour) {
		b.Fatal("the stack does not come to rest")
	}
	events := 0
	for _, l := range listeners {
		events += l.check(b)
	}
	return events
}

// listener is a tenant that listens to all channels.
type listener struct {
	tenant  string
	header  http.Header
	client  *client.Client
	leave   context.CancelFunc
	orders  []string
	webhook map[string]int // events by id, as often as they were told
	mu      sync.Mutex
	socket  map[string]int
	left    chan error // when the websocket's reader has ended
}

func listen(b *testing.B, s *local.Stack, hosts local.Hosts, tenant string) *listener {
	b.Helper()
	token, err := s.IDToken("u", map[string]any{record.TenantClaim: tenant})
	if err != nil {
		b.Fatal(err)
	}
	l := &listener{
		tenant: tenant, webhook: map[string]int{}, socket: map[string]int{}, left: make(chan error, 1),
		header: http.Header{"Authorization": {token}, "Content-Type": {"application/json"}},
	}
	if l.client, err = client.New(s.Outputs()["ApiUrl"], client.Options{
		HTTPClient: &http.Client{Transport: s.Transport()}, Authorize: client.IDToken(client.Static(token)),
		GraphQLURL: s.Outputs()["GraphQLUrl"], Tenant: tenant, Now: s.Now,
	}); err != nil {
		b.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	l.leave = cancel
	host := tenant + ".example.com"
	hook, err := l.client.CreateWebhook(ctx, client.NewWebhook{URL: "https://" + host + "/hook"})
	if err != nil {
		b.Fatal(err)
	}
	receiver, err := webhook.New(webhook.Options{Secrets: []string{hook.Secret}, Now: s.Now, OnError: func(_ context.Context, err error) { b.Error(err) }})
	if err != nil {
		b.Fatal(err)
	}
	hosts[host] = receiver.Handler(func(_ context.Context, e event.Event) error {
		l.webhook[e.ID]++
		return nil
	})
	sub, err := l.client.Subscribe(ctx, client.SubscribeOptions{})
	if err != nil {
		b.Fatal(err)
	}
	go func() {
		for {
			e, err := sub.Next(ctx)
			if err != nil {
				l.left <- err
				return
			}
			l.mu.Lock()
			l.socket[e.ID]++
			l.mu.Unlock()
		}
	}()
	return l
}

// send sends orders at one moment and returns their ids.
func (l *listener) send(b *testing.B, s *local.Stack, bodies [][]byte) []string {
	b.Helper()
	ids := make([]string, len(bodies))
	for i, a := range s.AnswersToAll("/orders", l.header, bodies) {
		if a.Status != http.StatusAccepted {
			b.Fatalf("order %d of %s: status %d", i, l.tenant, a.Status)
		}
		ids[i] = a.OrderID
	}
	return ids
}

// check compares what the channels told with the history of every order, and returns how many
// events there were.
func (l *listener) check(b *testing.B) int {
	b.Helper()
	want := map[string]bool{}
	for _, id := range l.orders {
		o, err := l.client.Get(context.Background(), id)
		if err != nil {
			b.Fatal(err)
		}
		if o.Status != client.StatusCompleted {
			b.Fatalf("order %s is %s", id, o.Status)
		}
		for _, e := range o.Events(0, l.tenant) {
			want[e.ID] = true
		}
	}
	// What was sent may still be on its way through the client's goroutines.
	for deadline := time.Now().Add(10 * time.Second); l.heard() < len(want) && time.Now().Before(deadline); {
		time.Sleep(time.Millisecond)
	}
	l.leave()
	if err := <-l.left; err != context.Canceled { //nolint:errorlint // as it is
		b.Fatalf("websocket of %s: %v", l.tenant, err)
	}
	for channel, told := range map[string]map[string]int{"webhook": l.webhook, "websocket": l.socket} {
		if len(told) != len(want) {
			b.Fatalf("%s of %s: %d events, want %d", channel, l.tenant, len(told), len(want))
		}
		for id := range told {
			if !want[id] {
				b.Fatalf("%s of %s: %s was invented", channel, l.tenant, id)
			}
		}
	}
	for id, times := range l.webhook {
		if times != 1 {
			b.Fatalf("webhook of %s: %s was handled %d times", l.tenant, id, times)
		}
	}
	return len(want)
}

func (l *listener) heard() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.socket)
}
