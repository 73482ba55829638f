package handler_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/orderflow-cdk/orderflow/internal/awstest"
	"github.com/orderflow-cdk/orderflow/internal/handler"
)

// fleet is deliverwebhook at the concurrency of the queue's event source mapping. It is
// used within synctest, whose clock jumps when everybody waits.
type fleet struct {
	*outpost
	mu     sync.Mutex
	delays []time.Duration // of deliveries to healthy endpoints
	vain   int             // attempts at silent ones
}

// client lets one goroutine at a time into the fake AWS.
type client struct {
	mu *sync.Mutex
	s  *awstest.Server
}

func (c client) Do(r *http.Request) (*http.Response, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.s.Do(r)
}

var _ aws.HTTPClient = client{}

func newFleet(t *testing.T) *fleet {
	f := &fleet{outpost: &outpost{Server: awstest.New(), t: t}}
	f.Now = time.Now
	cfg := f.Config()
	cfg.HTTPClient = client{&f.mu, f.Server}
	var err error
	f.handler, err = handler.NewDeliverWebhook(handler.Env{
		Getenv: func(name string) string { return deliverEnvironment[name] },
		AWS:    cfg, Now: time.Now, Log: io.Discard, Parallel: atOnce, WithTimeout: context.WithTimeout, Public: doer(f.post),
	})
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func (f *fleet) post(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	if strings.Contains(r.URL.Host, "silent") {
		<-r.Context().Done()
		f.mu.Lock()
		defer f.mu.Unlock()
		f.vain++
		return nil, r.Context().Err()
	}
	var e struct{ OccurredAt time.Time }
	if err := json.Unmarshal(body, &e); err != nil {
		return nil, err
	}
	f.mu.Lock()
	f.delays = append(f.delays, time.Since(e.OccurredAt))
	f.mu.Unlock()
	time.Sleep(20 * time.Millisecond)
	return status(200), nil
}

// work receives and invokes, one batch after the other, until ctx ends.
func (f *fleet) work(ctx context.Context) {
	for ctx.Err() == nil {
		f.mu.Lock()
		batch := f.Receive(deliveries, 10, 3*time.Minute)
		f.mu.Unlock()
		if len(batch.Records) == 0 {
			time.Sleep(50 * time.Millisecond)
			continue
		}
		in, err := json.Marshal(batch)
		if err != nil {
			f.t.Error(err)
			return
		}
		out, err := f.handler.Invoke(context.Background(), in)
		var r events.SQSEventResponse
		if err == nil {
			err = json.Unmarshal(out, &r)
		}
		if err != nil {
			f.t.Error(err)
			return
		}
		f.mu.Lock()
		f.Done(deliveries, batch, r.BatchItemFailures)
		f.mu.Unlock()
	}
}

// 200 endpoints, a tenth of which never answer. Each gets an event every ten seconds for
// ten minutes, and 20 invocations at a time (the construct's default) deliver them.
func TestDeliverHoldsUpNobody(t *testing.T) {
	if testing.Short() {
		t.Skip("ten minutes of virtual time, about 2 s")
	}
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(t)
		ids := make([]string, 200)
		for i := range ids {
			ids[i] = fmt.Sprintf("we_%03d", i)
			if i%10 == 0 {
				ids[i] = fmt.Sprintf("we_silent%03d", i)
			}
			f.endpoint(ids[i], "url", awstest.S("https://"+strings.TrimPrefix(ids[i], "we_")+".example.com/"))
		}
		ctx, cancel := context.WithCancel(t.Context())
		var workers sync.WaitGroup
		for range 20 {
			workers.Go(func() { f.work(ctx) })
		}
		healthy := 0
		for tick := range 300 { // of 2 s: to a fifth of the endpoints each
			f.mu.Lock()
			f.clock = time.Now()
			for i := tick % 5; i < len(ids); i += 5 {
				body := strings.Replace(paidEvent(fmt.Sprintf("%s-%d:1", ids[i], tick)), "2025-11-24T16:00:05.250Z", f.clock.UTC().Format("2006-01-02T15:04:05.000Z"), 1)
				f.enqueue(ids[i], body).ID = fmt.Sprintf("m-%d-%d", tick, i)
				if i%10 != 0 {
					healthy++
				}
			}
			f.mu.Unlock()
			time.Sleep(2 * time.Second)
		}
		time.Sleep(time.Minute)
		cancel()
		workers.Wait()
		if len(f.delays) != healthy {
			t.Fatalf("%d of %d deliveries to healthy endpoints", len(f.delays), healthy)
		}
		slices.Sort(f.delays)
		p50, p99, most := f.delays[healthy/2], f.delays[healthy*99/100], f.delays[healthy-1]
		t.Logf("%d deliveries: p50 %v, p99 %v, max %v; %d attempts in vain", healthy, p50, p99, most, f.vain)
		if most > time.Second {
			t.Errorf("a delivery to a healthy endpoint began after %v", most)
		}
		if f.vain > 20*15 {
			t.Errorf("%d attempts at the silent endpoints", f.vain)
		}
	})
}
