package local_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/orderflow-cdk/orderflow/client"
	"github.com/orderflow-cdk/orderflow/constructs/record"
	"github.com/orderflow-cdk/orderflow/internal/localapp"
	"github.com/orderflow-cdk/orderflow/internal/snapshot"
	"github.com/orderflow-cdk/orderflow/local"
)

// stressSeed repeats a run as far as goroutines can: ORDERFLOW_STRESS=<seed>.
func stressSeed(t *testing.T) uint64 {
	t.Helper()
	seed := uint64(1)
	if text := os.Getenv("ORDERFLOW_STRESS"); text != "" {
		var err error
		if seed, err = strconv.ParseUint(text, 10, 64); err != nil {
			t.Fatal(err)
		}
	}
	return seed
}

// disturb does to a stack all that can be done to one in real time, from several goroutines, until the context ends.
func disturb(ctx context.Context, t *testing.T, s *local.Stack, seed uint64, templates [][]byte, more ...func(*rand.Rand)) (done *sync.WaitGroup) {
	t.Helper()
	deeds := append([]func(*rand.Rand){
		func(*rand.Rand) {
			if err := s.Pause(); err != nil {
				t.Error(err)
			}
			time.Sleep(time.Millisecond)
			s.Step()
			s.Resume()
		},
		func(*rand.Rand) { s.Step() },
		func(*rand.Rand) { s.SkipToNext() },
		func(r *rand.Rand) { s.Advance(time.Duration(r.IntN(50)) * time.Millisecond) },
		func(*rand.Rand) { s.RunUntilIdle(10 * time.Millisecond) },
		func(r *rand.Rand) {
			f := local.Fault{Target: "dynamodb:*", Kind: local.FaultKinds()[r.IntN(6)], Delay: 5 * time.Millisecond, Probability: 0.1, Times: 3}
			if err := s.SetFaults(f); err != nil {
				t.Error(err)
			}
		},
		func(r *rand.Rand) {
			if err := s.Reload(templates[r.IntN(len(templates))]); err != nil && !strings.Contains(err.Error(), "not simulated") && !isClosed(err) {
				t.Error(err)
			}
		},
		func(*rand.Rand) {
			var events atomic.Int64
			stop := s.Observe(func(local.Event) { events.Add(1) })
			time.Sleep(time.Millisecond)
			stop()
		},
		func(*rand.Rand) {
			s.Glance()
			s.Faults()
			s.Outputs()
			s.Notes()
			s.Resources()
			s.Edges()
			s.Denied()
			s.FunctionFigures()
			s.Now()
			s.Quiet()
			s.Idle()
			s.Paused()
			_, _ = s.Inspect("sqs", "ListQueues", []byte("{}"))
		},
	}, more...)
	done = &sync.WaitGroup{}
	for i := range 4 {
		r := rand.New(rand.NewPCG(seed, uint64(i)))
		done.Go(func() {
			for ctx.Err() == nil {
				deeds[r.IntN(len(deeds))](r)
				time.Sleep(time.Duration(r.IntN(3)) * time.Millisecond)
			}
		})
	}
	return done
}

func isClosed(err error) bool { return strings.Contains(err.Error(), "closed") }

// soon fails the test, with what all goroutines do, if something takes too long.
func soon(t *testing.T, what string, f func()) {
	t.Helper()
	done := make(chan struct{})
	go func() {
		defer close(done)
		f()
	}()
	select {
	case <-done:
	case <-time.After(time.Minute):
		stacks := make([]byte, 1<<20)
		t.Fatalf("%s takes for ever:\n%s", what, stacks[:runtime.Stack(stacks, true)])
	}
}

// TestStress has clients use a stack to which at the same time everything happens that can: no race, no deadlock, no order is lost
// that was accepted, and nothing is left when it is closed.
func TestStress(t *testing.T) {
	for _, kept := range []bool{false, true} {
		t.Run(map[bool]string{false: "in memory", true: "kept"}[kept], func(t *testing.T) {
			seed := stressSeed(t)
			before := runtime.NumGoroutine()
			o := local.Options{Seed: seed, RealTime: true, Egress: localapp.Egress(local.Hosts{}), Logs: io.Discard}
			if kept {
				o.Data = t.TempDir()
			}
			s, err := localapp.New("dev", o)
			if err != nil {
				t.Fatal(err)
			}
			ran := make(chan error, 1)
			go func() { ran <- s.Run(context.Background()) }()
			template, err := snapshot.Template("dev")
			if err != nil {
				t.Fatal(err)
			}
			if err := localapp.PutStock(s, localapp.StockLevel{SKU: "KB-1001", Available: 1_000_000}); err != nil {
				t.Fatal(err)
			}
			token, err := s.IDToken("u", map[string]any{record.TenantClaim: "acme"})
			if err != nil {
				t.Fatal(err)
			}
			unusable := []byte(`{"Resources":{"X":{"Type":"AWS::Not::Simulated"}}}`)
			ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
			defer cancel()
			disturbers := disturb(ctx, t, s, seed, [][]byte{template, template, unusable})
			var accepted atomic.Int64
			var clients sync.WaitGroup
			for i := range 4 {
				clients.Go(func() {
					for n := 0; ctx.Err() == nil; n++ {
						submitted(ctx, s, token, i*1000+n, &accepted)
					}
				})
				clients.Go(func() {
					for ctx.Err() == nil {
						subscribed(ctx, s, token)
					}
				})
			}
			soon(t, "what disturbs the stack", disturbers.Wait)
			soon(t, "what the clients do", clients.Wait)
			s.Resume()
			if err := s.SetFaults(); err != nil {
				t.Fatal(err)
			}
			soon(t, "coming to rest", func() { s.RunUntilIdle(time.Hour) })
			// A client that was told of no answer may have an order all the same.
			if n := accepted.Load(); n == 0 || int64(completed(t, s)) < n {
				t.Errorf("%d of %d accepted orders completed (seed %d)", completed(t, s), n, seed)
			}
			t.Logf("%d orders accepted", accepted.Load())
			// Close comes while everything goes on.
			ctx, cancel = context.WithTimeout(t.Context(), 300*time.Millisecond)
			defer cancel()
			disturbers = disturb(ctx, t, s, seed+1, [][]byte{template})
			time.Sleep(100 * time.Millisecond)
			soon(t, "Close", func() {
				var closers sync.WaitGroup
				closers.Go(s.Close)
				closers.Go(s.Close)
				closers.Wait()
			})
			soon(t, "what disturbs the closed stack", disturbers.Wait)
			soon(t, "Run", func() {
				if err := <-ran; err == nil || !isClosed(err) {
					t.Errorf("Run: %v", err)
				}
			})
			nothingLeft(t, before)
		})
	}
}

// submitted sends an order, and counts it if it is accepted.
func submitted(ctx context.Context, s *local.Stack, token string, i int, accepted *atomic.Int64) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, strings.TrimSuffix(s.Outputs()["ApiUrl"], "/")+"/orders", strings.NewReader(string(orderBody(i))))
	if err != nil {
		return
	}
	req.Header.Set("Authorization", token)
	req.Header.Set("Content-Type", "application/json")
	res, err := s.Transport().RoundTrip(req)
	if err != nil {
		return
	}
	_ = res.Body.Close()
	if res.StatusCode == http.StatusAccepted {
		accepted.Add(1)
	}
}

// subscribed waits a moment for events.
func subscribed(ctx context.Context, s *local.Stack, token string) {
	ctx, cancel := context.WithTimeout(ctx, 300*time.Millisecond)
	defer cancel()
	c, err := client.New(s.Outputs()["ApiUrl"], client.Options{
		HTTPClient: &http.Client{Transport: s.Transport()}, Authorize: client.IDToken(client.Static(token)), GraphQLURL: s.Outputs()["GraphQLUrl"], Tenant: "acme",
	})
	if err != nil {
		return
	}
	sub, err := c.Subscribe(ctx, client.SubscribeOptions{})
	if err != nil {
		return
	}
	defer sub.Close()
	for err == nil {
		_, err = sub.Next(ctx)
	}
}

// nothingLeft waits until there are no more goroutines than before.
func nothingLeft(t *testing.T, before int) {
	t.Helper()
	for range 1000 {
		if runtime.NumGoroutine() <= before {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	stacks := make([]byte, 1<<20)
	t.Errorf("%d goroutines, %d before:\n%s", runtime.NumGoroutine(), before, stacks[:runtime.Stack(stacks, true)])
}

// TestStressOfProcesses is TestStress for functions that run as processes, or do not: from one moment to the next.
func TestStressOfProcesses(t *testing.T) {
	if testing.Short() {
		t.Skip("it starts dozens of processes")
	}
	seed := stressSeed(t)
	temporary := t.TempDir()
	t.Setenv("TMPDIR", temporary)
	t.Run("first", func(t *testing.T) { newProcessStack(t, nil).invoke("F", "{}") }) // there is one goroutine that starts all processes
	before := runtime.NumGoroutine()
	t.Run("stack", func(t *testing.T) {
		s := newProcessStack(t, nil)
		ctx, cancel := context.WithTimeout(t.Context(), 4*time.Second)
		defer cancel()
		toggle := func(r *rand.Rand) {
			var p *local.Process
			if r.IntN(2) == 0 {
				p = testProcess("first")
			}
			if err := s.SetProcess([]string{"f", "g"}[r.IntN(2)], p); err != nil && !isClosed(err) {
				t.Error(err)
			}
		}
		disturbers := disturb(ctx, t, s.Stack, seed, [][]byte{[]byte(processTemplate)}, toggle, toggle)
		var clients sync.WaitGroup
		var answered atomic.Int64
		for i := range 3 {
			clients.Go(func() {
				for ctx.Err() == nil {
					_, err := s.Call("lambda", "Invoke", fmt.Appendf(nil, `{"FunctionName":"local-%s","Payload":{"n":%d}}`, []string{"F", "G"}[i%2], i))
					if err == nil {
						answered.Add(1)
					}
				}
			})
		}
		soon(t, "what disturbs the stack", disturbers.Wait)
		s.Resume()
		soon(t, "what the clients do", clients.Wait)
		if answered.Load() == 0 {
			t.Errorf("no invocation was answered (seed %d)", seed)
		}
		soon(t, "coming to rest", func() {
			for !s.Quiet() {
				time.Sleep(10 * time.Millisecond)
			}
		})
	})
	nothingLeft(t, before)
	left, err := os.ReadDir(temporary)
	if err != nil || len(left) > 0 {
		t.Errorf("temporary files are left: %v, %v", left, err)
	}
	if err := noChildren(); err != nil {
		t.Error(err)
	}
}

// noChildren waits until no process is left that this one has started.
func noChildren() error {
	if runtime.GOOS != "linux" {
		return nil
	}
	var children string
	for range 500 {
		tasks, err := os.ReadDir("/proc/self/task")
		if err != nil {
			return err
		}
		children = ""
		for _, task := range tasks {
			b, err := os.ReadFile("/proc/self/task/" + task.Name() + "/children")
			if errors.Is(err, os.ErrNotExist) {
				continue // the thread is gone, or the kernel does not tell
			}
			if err != nil {
				return err
			}
			children += string(b)
		}
		if children == "" {
			return nil
		}
		time.Sleep(10 * time.Millisecond)
	}
	return fmt.Errorf("processes are left: %s", children)
}
