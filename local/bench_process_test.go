package local_test

import (
	"context"
	"errors"
	"net/http"
	"os/exec"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/orderflow-cdk/orderflow/client"
	"github.com/orderflow-cdk/orderflow/constructs/record"
	"github.com/orderflow-cdk/orderflow/local"
)

// BenchmarkOrdersRealTime has orders come in over TCP in real time: with the functions in process, the same with all that the stack
// holds kept in a folder, and with the functions as the executables that are deployed. Steady is 20 orders a second, and says how
// long one takes from the 202 to COMPLETED; Burst has 16 clients that each send the next order when the last is accepted, and says
// how many a second are completed. The environments are warm.
func BenchmarkOrdersRealTime(b *testing.B) {
	for _, mode := range []string{"in-process", "kept", "process"} {
		for _, load := range []struct {
			name            string
			orders, clients int
			pace            time.Duration // between two orders; 0: as fast as they are accepted
		}{
			{"Steady", some(400), 20, 50 * time.Millisecond},
			{"Burst", some(1_000), 16, 0},
		} {
			b.Run(mode+"/"+load.name, func(b *testing.B) {
				s := serveForBench(b, mode)
				s.run(b, 40, 16, 0) // warm up
				var took []time.Duration
				var elapsed time.Duration
				for b.Loop() {
					t, d := s.run(b, load.orders, load.clients, load.pace)
					took, elapsed = append(took, t...), elapsed+d
				}
				slices.Sort(took)
				ms := func(d time.Duration) float64 { return float64(d.Microseconds()) / 1_000 }
				b.ReportMetric(float64(len(took))/elapsed.Seconds(), "orders/s")
				b.ReportMetric(ms(took[len(took)/2]), "p50-ms")
				b.ReportMetric(ms(took[len(took)*99/100]), "p99-ms")
				b.ReportMetric(ms(took[len(took)-1]), "max-ms")
				b.ReportMetric(0, "ns/op")
				s.report(b)
			})
		}
	}
}

// functionsForHost is the folder with the app's functions for this machine.
var functionsForHost = sync.OnceValues(func() (string, error) {
	out := filepath.Join("..", "dist")
	if text, err := exec.Command("go", "run", "../cmd/build-functions", "-host", "-out", out).CombinedOutput(); err != nil {
		return "", errors.New(string(text))
	}
	return filepath.Join(out, local.HostBuild()), nil
})

type benchStack struct {
	*local.Stack
	client *client.Client
}

func serveForBench(b *testing.B, mode string) *benchStack {
	b.Helper()
	o := local.Options{}
	switch mode {
	case "kept":
		o.Data = b.TempDir()
	case "process":
		folder, err := functionsForHost()
		if err != nil {
			b.Fatal(err)
		}
		o.Processes = local.Bootstraps(folder)
	}
	s, url := runRealTime(b, o)
	token, err := s.IDToken("u", map[string]any{record.TenantClaim: "acme"})
	if err != nil {
		b.Fatal(err)
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.MaxIdleConnsPerHost = 64
	b.Cleanup(transport.CloseIdleConnections)
	c, err := client.New(url, client.Options{
		HTTPClient: &http.Client{Transport: transport}, Authorize: client.IDToken(client.Static(token)), GraphQLURL: url + "/graphql", Tenant: "acme",
	})
	if err != nil {
		b.Fatal(err)
	}
	return &benchStack{s, c}
}

// run has n orders be placed and completed. It returns how long each took from the 202 to COMPLETED, by the time that the order's
// item has, and how long all took.
func (s *benchStack) run(b *testing.B, n, clients int, pace time.Duration) ([]time.Duration, time.Duration) {
	b.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	sub, err := s.client.Subscribe(ctx, client.SubscribeOptions{})
	if err != nil {
		b.Fatal(err)
	}
	defer sub.Close()
	var (
		mu       sync.Mutex
		accepted = make(map[string]time.Time, n)
		failed   error
		begun    = time.Now()
		next     = make(chan int)
		sending  sync.WaitGroup
	)
	go func() {
		defer close(next)
		for i := range n {
			if pace > 0 {
				time.Sleep(time.Until(begun.Add(time.Duration(i) * pace)))
			}
			next <- i
		}
	}()
	for range clients {
		sending.Go(func() {
			for i := range next {
				a, err := s.client.Submit(ctx, orderBody(i), client.SubmitOptions{})
				mu.Lock()
				accepted[a.OrderID], failed = time.Now(), errors.Join(failed, err)
				mu.Unlock()
			}
		})
	}
	completed := make(map[string]time.Time, n)
	var last time.Time
	for len(completed) < n {
		e, err := sub.Next(ctx)
		if err != nil {
			b.Fatalf("%d of %d: %v", len(completed), n, err)
		}
		if client.Final(e.Status) {
			if e.Status != "COMPLETED" {
				b.Fatalf("%s is %s", e.OrderID, e.Status)
			}
			completed[e.OrderID] = e.OccurredAt
			last = e.OccurredAt
		}
	}
	sending.Wait()
	if failed != nil {
		b.Fatal(failed)
	}
	took := make([]time.Duration, 0, n)
	for id, at := range completed {
		took = append(took, at.Sub(accepted[id]))
	}
	return took, last.Sub(begun)
}

// report logs how long functions took: p50, p99 and max in milliseconds.
func (s *benchStack) report(b *testing.B) {
	for _, f := range s.FunctionFigures() {
		if f.Invocations.Count > 0 {
			b.Logf("%-16s init %3d: %.3v %.3v %.3v  invocations %5d: %.3v %.3v %.3v  %d MiB", f.Handler,
				f.Init.Count, f.Init.P50.Seconds()*1e3, f.Init.P99.Seconds()*1e3, f.Init.Max.Seconds()*1e3,
				f.Invocations.Count, f.Invocations.P50.Seconds()*1e3, f.Invocations.P99.Seconds()*1e3, f.Invocations.Max.Seconds()*1e3, f.MaxMemory>>20)
		}
	}
}
