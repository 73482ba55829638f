package main

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/orderflow-cdk/orderflow/client"
	"github.com/orderflow-cdk/orderflow/event"
	"github.com/orderflow-cdk/orderflow/internal/order"
	"github.com/orderflow-cdk/orderflow/local"
)

// patience is how much simulated time an order may take before it counts as
// lost. The longest honest way, through every retry and compensation, takes minutes.
const patience = 24 * time.Hour

// realPatience is patience for a run in real time, in which people wait.
const realPatience = 3 * time.Minute

// driver plays the clients of a stack: it submits orders over HTTP, cancels
// those that are meant to be cancelled, and polls each to its end. Between its
// requests it lets simulated time pass.
type driver struct {
	stack    *local.Stack
	journal  *journal // nil: a run that is killed begins anew
	base     string
	http     *http.Client
	realTime bool
	progress func(what string, n int)
	started  time.Time
	outcomes []*outcome
	tokens   map[string]string
	channels *channels
	polled   arrivals
	told     map[string]event.Event // by id: what the orders' histories say in the end
	tallies  []tally
}

// outcome is what became of one submission.
type outcome struct {
	Line       int      `json:"line"`
	Tenant     string   `json:"tenant"`
	OrderID    string   `json:"orderId,omitempty"`
	HTTPStatus int      `json:"httpStatus"`
	Duplicate  bool     `json:"duplicate,omitempty"`
	Status     string   `json:"status,omitempty"`
	Reason     string   `json:"reason,omitempty"`
	Path       []string `json:"path,omitempty"`
	Seconds    float64  `json:"seconds,omitempty"`
	Attempts   int      `json:"attempts,omitempty"`
	Expect     string   `json:"expect,omitempty"`
	AsExpected bool     `json:"asExpected"`
	Lost       bool     `json:"lost,omitempty"`
	Problem    string   `json:"problem,omitempty"`

	// Delays is how long the order's last event took to reach its tenant by each channel, in seconds.
	Delays map[string]float64 `json:"delays,omitempty"`

	links    struct{ Status, Result string }
	nextPoll time.Time
	settled  bool
	polled   int64 // the sequence up to which polling has told
}

func (d *driver) run(submissions []submission) error {
	d.tokens = map[string]string{}
	done, err := d.journal.read()
	if err != nil {
		return err
	}
	listening := map[string]bool{}
	for _, s := range submissions {
		if !listening[s.Tenant] && !d.journal.goesOn() {
			listening[s.Tenant] = true
			if err := d.channels.listen(s.Tenant); err != nil {
				return err
			}
		}
	}
	d.started = d.stack.Now()
	seen := map[string]bool{}
	for i, s := range submissions {
		d.progress("submitted", i)
		if before := done[s.Line]; before != nil {
			d.outcomes = append(d.outcomes, before)
			seen[s.Tenant+"\n"+before.OrderID] = true
			continue
		}
		o := &outcome{Line: s.Line, Tenant: s.Tenant, Expect: s.Expect}
		d.outcomes = append(d.outcomes, o)
		if err := d.submit(s, o); err != nil {
			return fmt.Errorf("line %d: %w", s.Line, err)
		}
		if o.OrderID != "" {
			o.Duplicate = seen[s.Tenant+"\n"+o.OrderID]
			seen[s.Tenant+"\n"+o.OrderID] = true
			if s.Expect == string(order.Cancelled) {
				if _, err := d.request(http.MethodDelete, o.links.Status, s.Tenant, nil, nil); err != nil {
					return fmt.Errorf("line %d: %w", s.Line, err)
				}
			}
		}
		if err := d.journal.write(o); err != nil {
			return err
		}
	}
	d.follow()
	d.idle(d.patience()) // what is still on its way to the webhooks
	d.told = map[string]event.Event{}
	for _, o := range d.outcomes {
		if err := d.conclude(o); err != nil {
			return fmt.Errorf("line %d: %w", o.Line, err)
		}
	}
	d.compare(d.journal.goesOn())
	return nil
}

func (d *driver) patience() time.Duration {
	if d.realTime {
		return realPatience
	}
	return patience
}

// wait lets time pass for the clients.
func (d *driver) wait(duration time.Duration) {
	if !d.realTime {
		d.stack.Advance(duration)
		return
	}
	for end := d.stack.Now().Add(duration); d.stack.Now().Before(end); time.Sleep(time.Millisecond) {
	}
}

// idle lets time pass until nothing more is going to happen in the stack, or until limit has passed. In real time
// it waits, since functions that run as processes do not skip any.
func (d *driver) idle(limit time.Duration) bool {
	if !d.realTime {
		return d.stack.RunUntilIdle(limit)
	}
	for end := d.stack.Now().Add(limit); d.stack.Now().Before(end); time.Sleep(time.Millisecond) {
		if d.stack.Idle() {
			return true
		}
	}
	return false
}

// compare holds the channels against each other. Of a run that was killed before, only polling can tell all.
func (d *driver) compare(killed bool) {
	d.channels.drain()
	type channel struct {
		name string
		got  arrivals
	}
	all := []channel{{"polling", d.polled}}
	if !killed {
		all = append(all, channel{"webhook", d.channels.webhook}, channel{"websocket", d.channels.socket})
	}
	for _, c := range all {
		delays := map[string]time.Duration{}
		d.tallies = append(d.tallies, compare(c.name, c.got, d.told, delays))
		for _, o := range d.outcomes {
			if delay, ok := delays[event.ID(o.OrderID, int64(len(o.Path)-1))]; ok {
				o.Delays[c.name] = delay.Seconds()
			}
		}
	}
}

// follow polls every order to its end. Orders that are still open when nothing more
// is going to happen in the stack, or after patience, are lost.
func (d *driver) follow() {
	deadline := d.stack.Now().Add(d.patience())
	for idle := false; ; {
		open := d.poll(idle)
		if len(open) == 0 {
			return
		}
		next := slices.MinFunc(open, func(a, b *outcome) int { return a.nextPoll.Compare(b.nextPoll) }).nextPoll
		if idle || next.After(deadline) {
			for _, o := range open {
				o.Lost = true
			}
			return
		}
		idle = d.idle(next.Sub(d.stack.Now()))
		if !idle || !d.realTime { // people need not wait for what the next poll will tell
			d.wait(next.Sub(d.stack.Now()))
		}
	}
}

func (d *driver) submit(s submission, o *outcome) error {
	header := http.Header{"Content-Type": {"application/json"}}
	if s.IdempotencyKey != "" {
		header.Set("Idempotency-Key", s.IdempotencyKey)
	}
	res, err := d.request(http.MethodPost, "/orders", s.Tenant, header, s.Body)
	if err != nil {
		return err
	}
	o.HTTPStatus = res.status
	if res.status != http.StatusAccepted {
		o.settled = true
		var p struct{ Title, Detail string }
		_ = json.Unmarshal(res.body, &p)
		o.Problem = strings.TrimSpace(p.Title + ": " + p.Detail)
		return nil
	}
	var accepted struct {
		OrderID string
		Links   struct{ Status, Result string }
	}
	if err := json.Unmarshal(res.body, &accepted); err != nil || accepted.OrderID == "" || accepted.Links.Status == "" {
		return fmt.Errorf("the answer to an accepted order is not as promised: %q", res.body)
	}
	o.OrderID, o.links = accepted.OrderID, accepted.Links
	return nil
}

// poll asks for the status of every open order whose time has come, or of all
// of them, and returns those still open.
func (d *driver) poll(all bool) []*outcome {
	var open []*outcome
	settled := 0
	for _, o := range d.outcomes {
		if !o.settled && (all || !o.nextPoll.After(d.stack.Now())) {
			d.pollOne(o)
		}
		if o.settled {
			settled++
		} else {
			open = append(open, o)
		}
	}
	d.progress("settled  ", settled)
	return open
}

func (d *driver) pollOne(o *outcome) {
	o.nextPoll = d.stack.Now().Add(time.Second)
	res, err := d.request(http.MethodGet, o.links.Status, o.Tenant, nil, nil)
	if err != nil || res.status != http.StatusOK {
		o.Lost, o.settled = true, true
		o.Problem = fmt.Sprintf("GET %s: %d %v", o.links.Status, res.status, err)
		return
	}
	if wait, err := strconv.Atoi(res.header.Get("Retry-After")); err == nil {
		o.nextPoll = d.stack.Now().Add(time.Duration(wait) * time.Second)
	}
	var body client.State
	if err := json.Unmarshal(res.body, &body); err != nil {
		o.Lost, o.settled = true, true
		o.Problem = fmt.Sprintf("GET %s: not JSON: %q", o.links.Status, res.body)
		return
	}
	if body.Sequence > o.polled && !o.Duplicate {
		order, err := d.order(o)
		if err != nil {
			o.Lost, o.settled, o.Problem = true, true, err.Error()
			return
		}
		for _, e := range order.Events(o.polled, o.Tenant) {
			d.polled = append(d.polled, arrival{e, d.stack.Now()})
			o.polled = e.Sequence
		}
	}
	o.Status = body.Status
	o.settled = order.Terminal(order.Status(body.Status))
}

// conclude reads the result of an order that was accepted and judges it.
func (d *driver) conclude(o *outcome) error {
	if o.OrderID != "" && !o.Lost {
		result, err := d.order(o)
		if err != nil {
			return err
		}
		o.Reason = result.Reason
		o.Path = []string{string(order.Queued)}
		o.Delays = map[string]float64{}
		for _, e := range result.Events(0, o.Tenant) {
			o.Path = append(o.Path, e.Status)
			d.told[e.ID] = e
		}
		o.Seconds = result.UpdatedAt.Sub(result.AcceptedAt).Seconds()
		if o.Attempts, err = d.attempts(o); err != nil {
			return err
		}
	}
	switch o.Expect {
	case "":
		o.AsExpected = true
	case "400":
		o.AsExpected = o.HTTPStatus == http.StatusBadRequest
	default:
		o.AsExpected = o.Status == o.Expect
	}
	return nil
}

// order reads all that is known of an order.
func (d *driver) order(o *outcome) (*client.Order, error) {
	res, err := d.request(http.MethodGet, o.links.Result, o.Tenant, nil, nil)
	if err != nil {
		return nil, err
	}
	var order client.Order
	if err := json.Unmarshal(res.body, &order); err != nil {
		return nil, fmt.Errorf("GET %s: %w in %q", o.links.Result, err, res.body)
	}
	return &order, nil
}

// attempts is how often the step that needed most attempts was run, from the
// history of the order's execution; 0 for an order that never had one.
func (d *driver) attempts(o *outcome) (int, error) {
	key := base64.RawURLEncoding.EncodeToString([]byte(o.Tenant)) + "#" + o.OrderID
	machine := d.stack.Outputs()["StateMachineArn"]
	in, err := json.Marshal(map[string]any{
		"executionArn": strings.Replace(machine, ":stateMachine:", ":execution:", 1) + ":" + order.ExecutionName(key, o.OrderID),
		"maxResults":   1000,
	})
	if err != nil {
		return 0, err
	}
	out, err := d.stack.Call("states", "GetExecutionHistory", in)
	if err != nil {
		if strings.Contains(err.Error(), "ExecutionDoesNotExist") {
			return 0, nil
		}
		return 0, err
	}
	var history struct {
		Events []struct {
			Type                      string
			TaskScheduledEventDetails struct{ ResourceType string }
		}
	}
	if err := json.Unmarshal(out, &history); err != nil {
		return 0, err
	}
	run, most := 0, 0
	for _, e := range history.Events {
		switch e.Type {
		case "TaskStateEntered":
			run = 0
		case "TaskScheduled":
			if e.TaskScheduledEventDetails.ResourceType == "lambda" {
				run++
				most = max(most, run)
			}
		}
	}
	return most, nil
}

type response struct {
	status int
	header http.Header
	body   []byte
}

// request sends one request as a client of the tenant. A client that is
// throttled waits as long as it is told and tries again.
func (d *driver) request(method, path, tenant string, header http.Header, body []byte) (response, error) {
	const tries = 100
	for range tries {
		res, err := d.once(method, path, tenant, header, body)
		if err != nil {
			return response{}, err
		}
		if res.status != http.StatusTooManyRequests && res.status != http.StatusServiceUnavailable {
			return res, nil
		}
		wait, err := strconv.Atoi(res.header.Get("Retry-After"))
		if err != nil {
			return response{}, fmt.Errorf("%s %s: %d without Retry-After", method, path, res.status)
		}
		d.wait(time.Duration(wait) * time.Second)
	}
	return response{}, fmt.Errorf("%s %s: throttled %d times in a row", method, path, tries)
}

func (d *driver) once(method, path, tenant string, header http.Header, body []byte) (response, error) {
	req, err := http.NewRequest(method, d.base+path, bytes.NewReader(body))
	if err != nil {
		return response{}, err
	}
	if header != nil {
		req.Header = header.Clone()
	}
	token, err := d.token(tenant)
	if err != nil {
		return response{}, err
	}
	req.Header.Set("Authorization", token)
	res, err := d.http.Do(req)
	if err != nil {
		return response{}, err
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		return response{}, errors.Join(fmt.Errorf("%s %s", method, path), err)
	}
	return response{res.StatusCode, res.Header, b}, nil
}

// token signs the tenant's users in, anew when half an hour has gone by.
func (d *driver) token(tenant string) (string, error) {
	id := tenant + "@" + strconv.FormatInt(d.stack.Now().Unix()/1800, 10)
	if t, ok := d.tokens[id]; ok {
		return t, nil
	}
	t, err := tokenOf(d.stack, tenant)
	if err != nil {
		return "", err
	}
	d.tokens[id] = t
	return t, nil
}
