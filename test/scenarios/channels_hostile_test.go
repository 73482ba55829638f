package scenarios_test

import (
	"bytes"
	"context"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/orderflow-cdk/orderflow/event"
	"github.com/orderflow-cdk/orderflow/internal/egress"
	"github.com/orderflow-cdk/orderflow/internal/localapp"
	"github.com/orderflow-cdk/orderflow/local"
)

// wire is the way to endpoints behind real listeners, through the transport that
// Lambda uses. Whose name has a port is one of them; the others are hosts.
type wire struct {
	real  map[string]http.RoundTripper // by host and port
	hosts http.RoundTripper
}

// RoundTrip implements http.RoundTripper.
func (w wire) RoundTrip(req *http.Request) (*http.Response, error) {
	t, ok := w.real[req.URL.Host]
	if !ok {
		return w.hosts.RoundTrip(req)
	}
	// The request's own deadline is one of the stack's time, and the network is not in it.
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	res, err := t.RoundTrip(req.WithContext(ctx))
	if err != nil {
		cancel()
		return nil, err
	}
	res.Body = &closing{res.Body, cancel}
	return res, nil
}

// closing is a body that ends its request when it is closed.
type closing struct {
	io.ReadCloser
	cancel context.CancelFunc
}

// Close implements io.Closer.
func (c *closing) Close() error {
	defer c.cancel()
	return c.ReadCloser.Close()
}

// loopback is a resolver to which every name is one for 127.0.0.1.
func loopback(t *testing.T, asked *atomic.Int64) *net.Resolver {
	t.Helper()
	c, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	go func() {
		q := make([]byte, 512)
		for {
			n, from, err := c.ReadFrom(q)
			if err != nil {
				return
			}
			asked.Add(1)
			end := bytes.IndexByte(q[12:n], 0) + 12 + 5 // the question: name, type and class
			a := slices.Clone(q[:end])
			a[2], a[3] = 0x81, 0x80 // an answer without an error
			copy(a[6:12], make([]byte, 6))
			if q[end-3] == 1 { // an A record is asked for
				a[7] = 1
				a = append(a, 0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 0, 0, 4, 127, 0, 0, 1)
			}
			_, _ = c.WriteTo(a, from) // who asked gives up by itself
		}
	}()
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "udp", c.LocalAddr().String())
	}}
}

func TestHostileEndpointsHarmNobody(t *testing.T) {
	// A body of 5 GB, and a server that must never be reached.
	var flooded, floods, asked, reached atomic.Int64
	flood := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		floods.Add(1)
		chunk := bytes.Repeat([]byte("x"), 64<<10)
		for range 5 << 30 / len(chunk) {
			n, err := w.Write(chunk)
			flooded.Add(int64(n))
			if err != nil {
				return
			}
		}
	}))
	defer flood.Close()
	private, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = private.Close() }()
	go func() {
		for {
			c, err := private.Accept()
			if err != nil {
				return
			}
			reached.Add(1)
			_ = c.Close()
		}
	}()
	port := func(a net.Addr) string { return fmt.Sprint(a.(*net.TCPAddr).Port) }
	floodHost, rebindHost := "example.com:"+port(flood.Listener.Addr()), "rebind.example:"+port(private.Addr())
	roots := x509.NewCertPool()
	roots.AddCert(flood.Certificate())
	resolver := loopback(t, &asked)
	hosts := local.Hosts{}
	w := around(t, local.Options{Seed: 1, Logs: io.Discard, Egress: localapp.Egress(wire{
		real: map[string]http.RoundTripper{
			floodHost:  egress.NewTransport(egress.Options{Resolver: resolver, RootCAs: roots, Allow: netip.Addr.IsLoopback}),
			rebindHost: egress.NewTransport(egress.Options{Resolver: resolver, RootCAs: roots}),
		},
		hosts: hosts,
	})})
	w.hosts = hosts

	metadata := 0
	hosts["169.254.169.254"] = http.HandlerFunc(func(http.ResponseWriter, *http.Request) { metadata++ })
	as(t, w.Stack, "acme").do("POST", "/webhooks", `{"url":"https://169.254.169.254/latest/meta-data/"}`).problem(http.StatusBadRequest)

	healthy := []*endpoint{w.endpoint("acme", "healthy.acme.example"), w.endpoint("acme", "second.acme.example"), w.endpoint("globex", "globex.example")}
	hostile := map[string]*endpoint{}
	for name, answer := range map[string]http.Handler{
		"redirect": answering(http.StatusFound, "Location", "https://169.254.169.254/latest/meta-data/"),
		"silent":   http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { _ = local.Sleep(r.Context(), 30*time.Second) }),
		"gone":     answering(http.StatusGone),
		"busy":     answering(http.StatusTooManyRequests, "Retry-After", "1800"),
		"broken":   answering(http.StatusInternalServerError),
		"rebind":   nil, "flood": nil,
	} {
		host := map[string]string{"rebind": rebindHost, "flood": floodHost}[name]
		if host == "" {
			host = name + ".example"
		}
		hostile[name] = w.endpoint("acme", host)
		hostile[name].answer = answer
	}

	// An order of both tenants every six hours, for three days and a half.
	began := w.Now()
	var acme, globex []string
	disabled := map[string]time.Duration{}
	busyUntil := 6 * time.Hour
	for i := range 14 {
		if w.Now().Sub(began) >= busyUntil {
			hostile["busy"].answer = nil
		}
		acme = append(acme, w.submit("acme", order([]string{"tok_visa", "tok_declined"}[i%2], "")))
		globex = append(globex, w.submit("globex", order("tok_visa", "")))
		for range 12 {
			w.Advance(30 * time.Minute)
			for _, name := range slices.Sorted(maps.Keys(hostile)) {
				if _, known := disabled[name]; !known && hostile[name].shown()["enabled"] == false {
					disabled[name] = w.Now().Sub(began)
				}
			}
		}
	}
	want := map[string]map[string][]string{"acme": byOrder(w.history("acme", acme...)), "globex": byOrder(w.history("globex", globex...))}

	t.Run("who is healthy is served on time", func(t *testing.T) {
		for _, e := range healthy {
			if diff := cmp.Diff(want[e.tenant], byOrder(e.told)); diff != "" {
				t.Errorf("history (-) and webhook (+) differ:\n%s", diff)
			}
			if len(e.posts) != len(e.told) {
				t.Errorf("%d posts of %d events", len(e.posts), len(e.told))
			}
			occurred := map[string]time.Time{}
			for _, ev := range e.told {
				occurred[ev.ID] = ev.OccurredAt
			}
			for _, p := range e.posts {
				if late := p.at.Sub(occurred[p.id()]); late > 5*time.Second {
					t.Errorf("%s came to %s after %v", p.id(), e.tenant, late)
				}
			}
		}
	})
	t.Run("redirect", func(t *testing.T) {
		if metadata != 0 {
			t.Errorf("%d requests to the metadata service", metadata)
		}
		givenUp(t, hostile["redirect"], disabled["redirect"], 302, "HTTP 302: redirects are not followed")
		scheduled(t, hostile["redirect"])
	})
	t.Run("a name for 127.0.0.1", func(t *testing.T) {
		if reached.Load() != 0 || asked.Load() == 0 {
			t.Errorf("%d connections to the private server; the resolver was asked %d times", reached.Load(), asked.Load())
		}
		givenUp(t, hostile["rebind"], disabled["rebind"], 0, "the URL or the address of its host is not one of the public internet")
	})
	t.Run("silence", func(t *testing.T) {
		givenUp(t, hostile["silent"], disabled["silent"], 0, "no answer within 15 seconds")
		scheduled(t, hostile["silent"])
	})
	t.Run("500 for ever", func(t *testing.T) {
		givenUp(t, hostile["broken"], disabled["broken"], 500, "HTTP 500")
		scheduled(t, hostile["broken"])
	})
	t.Run("5 GB", func(t *testing.T) {
		flood.CloseClientConnections()
		n := int64(0)
		for _, all := range want["acme"] {
			n += int64(len(all))
		}
		// What the kernel's buffers hold is written before anybody reads.
		if floods.Load() != n || flooded.Load() > n<<24 || hostile["flood"].shown()["enabled"] != true || hostile["flood"].shown()["lastFailure"] != nil {
			t.Errorf("%d requests for %d events, %d bytes written; %v", floods.Load(), n, flooded.Load(), hostile["flood"].shown())
		}
		t.Logf("%d bytes of %d bodies of 5 GB", flooded.Load(), floods.Load())
	})
	t.Run("410", func(t *testing.T) {
		e := hostile["gone"]
		shown := e.shown()
		if shown["enabled"] != false || shown["disabledReason"] != "Gone" || disabled["gone"] > 31*time.Minute || len(e.posts) == 0 || len(e.posts) > 4 {
			t.Errorf("%d posts, disabled after %v: %v", len(e.posts), disabled["gone"], shown)
		}
	})
	t.Run("429 with Retry-After", func(t *testing.T) {
		e := hostile["busy"]
		if diff := cmp.Diff(want["acme"], sorted(e.told)); diff != "" {
			t.Errorf("history (-) and webhook (+) differ:\n%s", diff)
		}
		refused := 0
		var until time.Time
		for _, p := range e.posts {
			if p.at.Before(until) {
				t.Errorf("a request %v too early", until.Sub(p.at))
			}
			if p.status == http.StatusTooManyRequests {
				refused++
				// Requests that were under way at the same time could not know.
				if p.at.Sub(began) > time.Minute {
					until = p.at.Add(30 * time.Minute)
				}
			}
		}
		if refused < 3 || refused > 20 || e.shown()["enabled"] != true {
			t.Errorf("%d requests refused; %v", refused, e.shown())
		}
	})
	t.Run("replay", func(t *testing.T) { replayed(t, w, hostile, w.history("acme", acme...)) })
}

// givenUp checks that an endpoint was disabled after three days of nothing but failure.
func givenUp(t *testing.T, e *endpoint, after time.Duration, status int, text string) {
	t.Helper()
	shown := e.shown()
	failure, _ := shown["lastFailure"].(map[string]any)
	got, _ := failure["status"].(float64)
	if shown["enabled"] != false || shown["disabledReason"] != "Failing" || failure["error"] != text || int(got) != status {
		t.Errorf("%v", shown)
	}
	if after < 72*time.Hour || after > 81*time.Hour {
		t.Errorf("disabled after %v, want three days, or at the next attempt after it", after)
	}
}

// scheduled checks the attempts: for three days, at first soon one after the other, then
// ever rarer, whichever of the deliveries makes them.
func scheduled(t *testing.T, e *endpoint) {
	t.Helper()
	var gaps []time.Duration
	for i, p := range e.posts[1:] {
		gaps = append(gaps, p.at.Sub(e.posts[i].at))
	}
	took := e.posts[len(e.posts)-1].at.Sub(e.posts[0].at)
	early := slices.IndexFunc(e.posts, func(p post) bool { return p.at.Sub(e.posts[0].at) > time.Hour })
	t.Logf("%d attempts in %v, %d of them in the first hour, never further apart than %v", len(e.posts), took, early, slices.Max(gaps))
	if took < 72*time.Hour || early < 7 || early > 40 || len(e.posts) > 1000 || slices.Max(gaps) > 9*time.Hour {
		t.Error("that is not the schedule")
	}
}

// replayed brings back what was given up, once the endpoints are well again.
func replayed(t *testing.T, w *world, hostile map[string]*endpoint, history []event.Event) {
	dead := w.Outputs()["WebhooksDeadLetterQueueUrl"]
	if messages(t, w.Stack, dead) == 0 {
		t.Fatal("nothing in the dead-letter queue")
	}
	back := []string{"broken", "gone", "redirect", "silent"} // "rebind" stays what it is
	for _, name := range back {
		e := hostile[name]
		e.answer = nil
		as(t, w.Stack, "acme").do("POST", "/webhooks/"+e.id+"/enable", "").want(http.StatusOK)
	}
	call(t, w.Stack, "sqs", "StartMessageMoveTask", map[string]any{
		"SourceArn": attribute(t, w.Stack, dead, "QueueArn"), "DestinationArn": attribute(t, w.Stack, w.deliveries(), "QueueArn"),
	})
	w.Advance(10 * time.Minute)
	for _, name := range back {
		e := hostile[name]
		// All that happened until it was disabled comes, and nothing that happened later.
		if n := len(e.told); n == 0 || n > len(history) || name != "gone" && n < len(history)-8 {
			t.Fatalf("%s: %d of %d events", name, n, len(history))
		}
		if diff := cmp.Diff(byOrder(history[:len(e.told)]), sorted(e.told)); diff != "" {
			t.Errorf("%s: the history's beginning (-) and what came in the end (+) differ:\n%s", name, diff)
		}
	}
	// Nothing is left but what belongs to who is still disabled.
	for range 100 {
		out := call(t, w.Stack, "sqs", "ReceiveMessage", map[string]any{
			"QueueUrl": dead, "MaxNumberOfMessages": 10, "MessageAttributeNames": []string{"All"},
		})
		list, _ := out["Messages"].([]any)
		if len(list) == 0 {
			break
		}
		for _, m := range list {
			b, err := json.Marshal(m)
			if err != nil {
				t.Fatal(err)
			}
			if !strings.Contains(string(b), hostile["rebind"].id) || !strings.Contains(string(b), "the endpoint is disabled (Failing)") {
				t.Errorf("left over: %s", b)
			}
		}
	}
	// From now on they hear of everything again.
	id := w.submit("acme", order("tok_visa", ""))
	w.settle("acme", id)
	for _, name := range back {
		if got := byOrder(hostile[name].told)[id]; !slices.Equal(got, []string{event.ID(id, 1), event.ID(id, 2), event.ID(id, 3), event.ID(id, 4)}) {
			t.Errorf("%s: %v", name, got)
		}
	}
}
