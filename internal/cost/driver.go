package cost

import (
	"bytes"
	"container/heap"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/orderflow-cdk/orderflow/constructs/record"
	"github.com/orderflow-cdk/orderflow/internal/localapp"
	"github.com/orderflow-cdk/orderflow/internal/order"
	"github.com/orderflow-cdk/orderflow/local"
)

// driver plays the clients of a stack in virtual time. All that it does is in a queue by time; what the stack answers meanwhile
// comes into an inbox, since who is told within an event of the stack must not call it.
type driver struct {
	o      Options
	rand   *rand.Rand
	stack  *local.Stack
	api    string
	todo   agenda
	made   int // tasks
	inbox  []func()
	tokens map[string]string
	errs   []error
	tally  *tally // nil unless the counts are reconciled

	settled   map[string]int // orders by their last status
	delivered int
	before    local.Usage
	used      local.Usage
	began     time.Time
	took      time.Duration
}

// step is how far time goes on before answers are looked at.
const step = 20 * time.Millisecond

// hooksHost is where the tenants' endpoints are.
const hooksHost = "hooks.example"

func newDriver(o Options) *driver {
	return &driver{o: o, rand: rand.New(rand.NewPCG(o.Seed, 0x6f72646572)), tokens: map[string]string{}, settled: map[string]int{}}
}

// egress is what is outside: endpoints that take everything, and a payment provider that takes its time.
func (d *driver) egress() http.RoundTripper {
	return slowProvider{localapp.Egress(local.Hosts{hooksHost: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		d.delivered++
		w.WriteHeader(http.StatusNoContent)
	})}), d.o.Assume.Provider}
}

type slowProvider struct {
	next http.RoundTripper
	time time.Duration
}

// RoundTrip implements http.RoundTripper.
func (p slowProvider) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Hostname() != hooksHost {
		if err := local.Sleep(r.Context(), p.time); err != nil {
			return nil, err
		}
	}
	return p.next.RoundTrip(r)
}

// run submits all orders and waits until nothing more happens.
func (d *driver) run() error {
	d.api = strings.TrimSuffix(d.stack.Outputs()["ApiUrl"], "/")
	if err := localapp.PutStock(d.stack, stock()...); err != nil {
		return err
	}
	if !d.o.synchronous {
		if err := d.register(); err != nil {
			return err
		}
	}
	d.before = d.stack.Usage()
	d.began = d.stack.Now()
	if d.o.Reconcile {
		d.tally = newTally(d.stack.Resources())
		defer d.stack.Observe(d.tally.observe)()
	}
	at := d.began
	for i := range d.o.Orders {
		at = at.Add(time.Duration(d.rand.ExpFloat64() / d.o.Rate * float64(time.Second)))
		channel := d.o.Channels[i%len(d.o.Channels)]
		b := body(d.rand)
		d.at(at, func() {
			d.o.Progress(i)
			d.submit(channel, b)
		})
	}
	for len(d.todo) > 0 || len(d.inbox) > 0 {
		d.work()
	}
	if !d.stack.RunUntilIdle(time.Hour) {
		return errors.New("the stack was not idle an hour after the last order")
	}
	for len(d.inbox) > 0 || len(d.todo) > 0 {
		d.work()
	}
	d.took = d.stack.Now().Sub(d.began)
	d.used = d.stack.Usage().Since(d.before)
	d.o.Progress(d.o.Orders)
	return errors.Join(d.errs...)
}

// work lets time go on to what is to be done next, or a step, and does it.
func (d *driver) work() {
	for len(d.inbox) > 0 {
		f := d.inbox[0]
		d.inbox = d.inbox[1:]
		f()
	}
	if len(d.todo) == 0 {
		return
	}
	if wait := d.todo[0].at.Sub(d.stack.Now()); wait > 0 {
		d.stack.Advance(min(wait, step))
		return
	}
	heap.Pop(&d.todo).(*task).do()
}

func (d *driver) at(t time.Time, do func()) {
	d.made++
	heap.Push(&d.todo, &task{t, d.made, do})
}

func (d *driver) fail(format string, args ...any) {
	if len(d.errs) < 10 {
		d.errs = append(d.errs, fmt.Errorf(format, args...))
	}
}

// register makes the endpoint of the tenant that is told by webhooks.
func (d *driver) register() error {
	status := 0
	d.request(http.MethodPost, "/webhooks", Webhook, []byte(`{"url":"https://`+hooksHost+`/events"}`), func(res *http.Response, _ []byte) { status = res.StatusCode })
	for range 1000 {
		d.stack.Advance(step)
		d.work()
		if status != 0 {
			break
		}
	}
	if status != http.StatusCreated {
		return fmt.Errorf("registering a webhook: status %d", status)
	}
	return nil
}

func (d *driver) submit(channel Channel, body []byte) {
	d.request(http.MethodPost, "/orders", channel, body, func(res *http.Response, answer []byte) {
		var accepted struct{ OrderID, Status string }
		if d.o.synchronous && res.StatusCode == http.StatusOK && json.Unmarshal(answer, &accepted) == nil {
			d.settled[accepted.Status]++
			return
		}
		if res.StatusCode != http.StatusAccepted || json.Unmarshal(answer, &accepted) != nil {
			d.fail("POST /orders: status %d: %s", res.StatusCode, answer)
			return
		}
		switch channel {
		case Polling:
			d.at(d.stack.Now().Add(retryAfter(res)), func() { d.poll(accepted.OrderID) })
		case Websocket:
			d.subscribe(accepted.OrderID)
		}
	})
}

func retryAfter(res *http.Response) time.Duration {
	seconds, err := strconv.Atoi(res.Header.Get("Retry-After"))
	if err != nil {
		return time.Second
	}
	return time.Duration(seconds) * time.Second
}

func (d *driver) poll(id string) {
	d.request(http.MethodGet, "/orders/"+id+"/status", Polling, nil, func(res *http.Response, answer []byte) {
		var s struct{ Status string }
		if res.StatusCode != http.StatusOK || json.Unmarshal(answer, &s) != nil {
			d.fail("GET the status of %s: status %d: %s", id, res.StatusCode, answer)
			return
		}
		if !order.Terminal(order.Status(s.Status)) {
			d.at(d.stack.Now().Add(retryAfter(res)), func() { d.poll(id) })
			return
		}
		d.settled[s.Status]++
		d.request(http.MethodGet, "/orders/"+id, Polling, nil, func(res *http.Response, answer []byte) {
			if res.StatusCode != http.StatusOK {
				d.fail("GET %s: status %d: %s", id, res.StatusCode, answer)
			}
		})
	})
}

// onOrderStatus is the subscription of package client.
const onOrderStatus = `subscription($orderId: ID!) { onOrderStatus(orderId: $orderId) { id type orderId tenant status previousStatus sequence occurredAt changes } }`

func (d *driver) subscribe(id string) {
	over := false
	var leave func()
	end := func(status string) {
		if over || !order.Terminal(order.Status(status)) {
			return
		}
		over = true
		d.settled[status]++
		leave()
	}
	leave, err := d.stack.Subscribe(d.token(Websocket), onOrderStatus, map[string]any{"orderId": id}, func(frame []byte) {
		var f struct {
			Type    string
			Payload struct {
				Data struct{ OnOrderStatus struct{ Status string } }
			}
		}
		if err := json.Unmarshal(frame, &f); err != nil {
			return // it is no frame of a subscription
		}
		d.inbox = append(d.inbox, func() {
			switch f.Type {
			case "start_ack":
				d.request(http.MethodGet, "/orders/"+id+"/status", Websocket, nil, func(_ *http.Response, answer []byte) {
					var s struct{ Status string }
					_ = json.Unmarshal(answer, &s) // what has no status is not the end
					end(s.Status)
				})
			case "data":
				end(f.Payload.Data.OnOrderStatus.Status)
			case "error", "connection_error":
				d.fail("subscription to %s: %s", id, frame)
			}
		})
	})
	if err != nil {
		d.fail("subscription to %s: %w", id, err)
	}
}

// request begins a request of a channel's tenant; answered is called when it is answered, outside the stack.
func (d *driver) request(method, path string, tenant Channel, body []byte, answered func(*http.Response, []byte)) {
	r, err := http.NewRequest(method, d.api+path, bytes.NewReader(body))
	if err != nil {
		d.fail("%w", err)
		return
	}
	r.Header.Set("Authorization", d.token(tenant))
	r.Header.Set("Content-Type", "application/json")
	err = d.stack.Begin(r, func(res *http.Response) {
		b, err := io.ReadAll(res.Body)
		d.inbox = append(d.inbox, func() {
			if err != nil {
				d.fail("%s %s: %w", method, path, err)
				return
			}
			answered(res, b)
		})
	})
	if err != nil {
		d.fail("%s %s: %w", method, path, err)
	}
}

// token signs a tenant's user in, anew when half an hour has gone by.
func (d *driver) token(tenant Channel) string {
	key := string(tenant) + "@" + strconv.FormatInt(d.stack.Now().Unix()/1800, 10)
	t, ok := d.tokens[key]
	if !ok {
		var err error
		if t, err = d.stack.IDToken("user-of-"+string(tenant), map[string]any{record.TenantClaim: string(tenant)}); err != nil {
			d.fail("%w", err)
		}
		d.tokens[key] = t
	}
	return t
}

// agenda is what is to be done, by time.
type agenda []*task

type task struct {
	at     time.Time
	number int
	do     func()
}

// Len implements heap.Interface.
func (a agenda) Len() int { return len(a) }

// Less implements heap.Interface.
func (a agenda) Less(i, j int) bool {
	if c := a[i].at.Compare(a[j].at); c != 0 {
		return c < 0
	}
	return a[i].number < a[j].number
}

// Swap implements heap.Interface.
func (a agenda) Swap(i, j int) { a[i], a[j] = a[j], a[i] }

// Push implements heap.Interface.
func (a *agenda) Push(t any) { *a = append(*a, t.(*task)) }

// Pop implements heap.Interface.
func (a *agenda) Pop() any {
	last := len(*a) - 1
	t := (*a)[last]
	*a = (*a)[:last]
	return t
}
