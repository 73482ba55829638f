package scenarios_test

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/orderflow-cdk/orderflow/event"
	"github.com/orderflow-cdk/orderflow/local"
)

// point is where a function is killed.
type point struct {
	function string
	// at is the operation at whose beginning the invocation ends; "start" and "end" are
	// before it does anything and when it would return.
	at    string
	after bool // at the operation's end instead
	// only, with "end", means invocations that have made this operation.
	only string
}

// killer kills a function at a point, in so many invocations.
type killer struct {
	point
	hang        bool // until its time is over, or that of an attempt, instead of a crash
	invocations int
	struck      int
}

func (k *killer) functions() map[string]local.NewFunction {
	return wrapped(k.function, func(code local.NewFunction) local.NewFunction {
		return func(r local.Runtime) (local.Handler, error) {
			d := &doomed{killer: k}
			var err error
			d.inner, err = code(meddled(r, d.call))
			return d, err
		}
	})
}

// doomed is one execution environment of the function.
type doomed struct {
	*killer
	inner local.Handler
	made  []string // operations of the invocation under way
	done  bool     // it is not to be struck
	dying bool     // it has been struck
}

// Invoke implements local.Handler.
func (d *doomed) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	d.made, d.done, d.dying = nil, d.struck >= d.invocations, false
	if d.at == "start" {
		d.strike(ctx)
	}
	out, err := d.inner.Invoke(ctx, payload)
	if d.at == "end" && (d.only == "" || slices.Contains(d.made, d.only)) {
		d.strike(ctx)
	}
	return out, err
}

func (d *doomed) call(a act, do func() (*http.Response, error)) (*http.Response, error) {
	if d.done {
		return do()
	}
	d.made = append(d.made, a.op)
	if a.op == d.at && !d.after {
		// What goes on at the same time comes to its end.
		_ = local.Sleep(a.req.Context(), 100*time.Millisecond)
		d.strike(a.req.Context())
	}
	res, err := do()
	if a.op == d.at && d.after {
		d.strike(a.req.Context())
	}
	return res, err
}

func (d *doomed) strike(ctx context.Context) {
	if !d.dying {
		if d.done || d.struck >= d.invocations {
			return
		}
		d.dying = true
		d.struck++
	} else { // by another of its calls at the same time: this one goes no further
		_ = local.Sleep(ctx, time.Hour)
	}
	if d.hang {
		_ = local.Sleep(ctx, time.Hour)
	}
	panic("killed by the test")
}

func TestKillingLosesNothing(t *testing.T) {
	const notify, deliver = "notify", "deliverwebhook"
	for _, test := range []struct {
		name string
		point
		// twice are the channels in which an event comes again, since nobody could know
		// that it had come.
		twice string
	}{
		{"notify before its first call", point{function: notify, at: "start"}, ""},
		{"notify after the topic and before AppSync", point{function: notify, at: "appsync"}, "webhook"},
		{"notify after AppSync and before the topic", point{function: notify, at: "sns.PublishBatch"}, "websocket"},
		{"notify after AppSync", point{function: notify, at: "appsync", after: true}, "webhook websocket"},
		{"notify after both and before its return", point{function: notify, at: "end", only: "appsync"}, "webhook websocket"},
		{"deliverwebhook before the fan-out", point{function: deliver, at: "dynamodb.Query"}, ""},
		{"deliverwebhook between the table and the fan-out", point{function: deliver, at: "sqs.SendMessageBatch"}, ""},
		{"deliverwebhook after the fan-out", point{function: deliver, at: "sqs.SendMessageBatch", after: true}, "webhook"},
		{"deliverwebhook between the fan-out and its return", point{function: deliver, at: "end", only: "sqs.SendMessageBatch"}, "webhook"},
		{"deliverwebhook before the POST", point{function: deliver, at: "http"}, ""},
		{"deliverwebhook after the POST", point{function: deliver, at: "http", after: true}, "webhook"},
		{"deliverwebhook between the POST and its return", point{function: deliver, at: "end", only: "http"}, "webhook"},
	} {
		for _, hang := range []bool{false, true} {
			for _, invocations := range []int{1, 3} {
				name := fmt.Sprintf("%s, %d times, hangs: %v", test.name, invocations, hang)
				t.Run(name, func(t *testing.T) {
					killed(t, &killer{point: test.point, hang: hang, invocations: invocations}, test.twice)
				})
			}
		}
	}
}

// killed has every event come in every channel, whatever the killer does.
func killed(t *testing.T, k *killer, twice string) {
	w := around(t, local.Options{Seed: 1, Functions: k.functions()})
	hook, second := w.endpoint("acme", "hooks.acme.example"), w.endpoint("acme", "second.acme.example")
	socket := w.listen("acme")
	orders := []string{w.submit("acme", order("tok_visa", "")), w.submit("acme", order("tok_declined", ""))}
	w.settle("acme", orders...)
	w.Advance(30 * time.Minute) // a batch that hangs comes again after three minutes
	last := w.submit("acme", order("tok_visa", ""))
	w.settle("acme", last)
	orders = append(orders, last)
	if k.struck != k.invocations {
		t.Fatalf("struck %d times, want %d", k.struck, k.invocations)
	}
	socket.hear(event.ID(last, 4))

	want := byOrder(w.history("acme", orders...))
	if diff := cmp.Diff(want, byOrder(socket.told)); diff != "" {
		t.Errorf("history (-) and websocket (+) differ:\n%s", diff)
	}
	// Messages that were set back may be overtaken.
	for _, e := range []*endpoint{hook, second} {
		if diff := cmp.Diff(want, sorted(e.told)); diff != "" {
			t.Errorf("history (-) and webhook (+) differ:\n%s", diff)
		}
		if len(e.told) != len(byID(e.told)) {
			t.Errorf("the receiver hands on twice: %v", ids(e.told))
		}
	}
	var again []string
	if len(hook.posts)+len(second.posts) > len(hook.told)+len(second.told) {
		again = append(again, "webhook")
	}
	if len(socket.told) > len(byID(socket.told)) {
		again = append(again, "websocket")
	}
	if got := strings.Join(again, " "); got != twice {
		t.Errorf("events came again by %q, want %q", got, twice)
	}
	w.nothingGivenUp()
	if n := messages(t, w.Stack, w.deliveries()); n != 0 {
		t.Errorf("%d messages are left of the deliveries", n)
	}
}

func byID(events []event.Event) map[string]bool {
	all := map[string]bool{}
	for _, e := range events {
		all[e.ID] = true
	}
	return all
}

// Every call of both functions, and every way in which it can go wrong.
func TestNoFaultOfACallLosesAnEvent(t *testing.T) {
	for _, function := range []string{"notify", "deliverwebhook"} {
		for _, kind := range kinds {
			for after := range 6 {
				if after == 0 && kind != crash && kind != hang {
					continue // there is no call yet whose answer could be another
				}
				t.Run(fmt.Sprintf("%s, %s after call %d", function, kind, after), func(t *testing.T) {
					f := &fault{function: function, after: after, kind: kind, invocations: 2}
					w := around(t, local.Options{Seed: uint64(after), Functions: f.functions()})
					hook, socket := w.endpoint("acme", "hooks.acme.example"), w.listen("acme")
					orders := []string{w.submit("acme", order("tok_visa", "")), w.submit("acme", order("tok_declined", ""))}
					w.settle("acme", orders...)
					w.Advance(30 * time.Minute)
					last := w.submit("acme", order("tok_visa", ""))
					w.settle("acme", last)
					socket.hear(event.ID(last, 4))
					want := byOrder(w.history("acme", append(orders, last)...))
					if diff := cmp.Diff(want, byOrder(socket.told)); diff != "" {
						t.Errorf("history (-) and websocket (+) differ:\n%s", diff)
					}
					if diff := cmp.Diff(want, sorted(hook.told)); diff != "" {
						t.Errorf("history (-) and webhook (+) differ:\n%s", diff)
					}
					if f.hits == 0 && after < 3 {
						t.Errorf("the fault never struck")
					}
				})
			}
		}
	}
}
