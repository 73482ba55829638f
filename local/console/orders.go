package console

import (
	"cmp"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/orderflow-cdk/orderflow/local"
)

const (
	// keepOrders is how many orders are remembered, keepEntries how much of each.
	keepOrders, keepEntries = 1000, 200
)

// The lanes of an order: what a client sees of it by each channel.
const (
	lanePoll, laneWebhook, laneSocket = "poll", "webhook", "websocket"
)

// entry is something that a client saw of an order.
type entry struct {
	Lane string `json:"lane"`
	// Time is when, in the stack's time; Until is when the last of several equal ones came.
	Time  time.Time `json:"time"`
	Until time.Time `json:"until,omitzero"`
	Times int       `json:"times"`
	// What is the request or the frame's field, Status and Sequence are the order's.
	What     string `json:"what"`
	ID       string `json:"id,omitempty"`
	Status   string `json:"status,omitempty"`
	Sequence int64  `json:"sequence,omitempty"`
	// HTTP is the status of the answer, to a poll or of a webhook's receiver.
	HTTP   string          `json:"http,omitempty"`
	Err    string          `json:"err,omitempty"`
	To     string          `json:"to,omitempty"`
	Detail json.RawMessage `json:"detail,omitempty"`
}

// anOrder is what is known of an order.
type anOrder struct {
	ID       string    `json:"id"`
	Tenant   string    `json:"tenant,omitempty"`
	Status   string    `json:"status"`
	Sequence int64     `json:"sequence"`
	Reason   string    `json:"reason,omitempty"`
	First    time.Time `json:"first"`
	Last     time.Time `json:"last"`
	// Channels counts what came, by lane.
	Channels map[string]int `json:"channels"`
	// Machine is the logical id of the state machine, Execution the execution's name; State is where it is.
	Machine   string `json:"machine,omitempty"`
	Execution string `json:"execution,omitempty"`
	State     string `json:"state,omitempty"`
	Outcome   string `json:"outcome,omitempty"` // of the execution: "ExecutionSucceeded"
	Errors    int    `json:"errors"`
	// Final is whether a poll was told not to poll again.
	Final bool `json:"final"`

	failedIn string // the state in which the execution ended, for a redrive
	entries  []entry
	version  uint64
}

// orders finds out about orders from what the stack tells.
type orders struct {
	byID     map[string]*anOrder
	started  map[string]string // order by its execution's name
	version  uint64
	eviction []*anOrder // in order of their first event
}

func newOrders() *orders { return &orders{byID: map[string]*anOrder{}, started: map[string]string{}} }

// told is what documents of all channels have in common.
type told struct {
	ID       string `json:"id"`
	OrderID  string `json:"orderId"`
	Tenant   string `json:"tenant"`
	Status   string `json:"status"`
	Sequence int64  `json:"sequence"`
	Reason   string `json:"reason"`
	Type     string
	Message  string
	// Changes is an object, or one as a string: AWSJSON.
	Changes json.RawMessage `json:"changes"`
}

// take learns from an event.
func (o *orders) take(e local.Event) {
	switch e.Kind {
	case local.EventRequest:
		o.takeRequest(e)
	case local.EventHTTP:
		t, body, ok := parseTold(e.Detail)
		if !ok {
			return
		}
		what, status := cutLast(e.Action)
		o.note(t, entry{Lane: laneWebhook, Time: e.Time, What: what, HTTP: status, Err: e.Err, To: e.To, Detail: body})
	case local.EventFrame:
		var f struct {
			Payload struct {
				Data map[string]json.RawMessage
			}
		}
		if json.Unmarshal([]byte(e.Detail), &f) != nil {
			return
		}
		for field, data := range f.Payload.Data {
			if t, body, ok := parseTold(string(data)); ok {
				o.note(t, entry{Lane: laneSocket, Time: e.Time, What: field, Detail: body})
			}
		}
	case local.EventState:
		o.takeState(e)
	case local.EventCall:
		if e.Action == "states:StartExecution" {
			var in struct{ Name, Input string }
			if json.Unmarshal([]byte(e.Detail), &in) != nil {
				return
			}
			if t, _, ok := parseTold(in.Input); ok && in.Name != t.OrderID {
				o.started[in.Name] = t.OrderID
			}
		}
	}
}

// cutLast cuts the last word off.
func cutLast(s string) (before, last string) {
	if i := strings.LastIndexByte(s, ' '); i > 0 && strings.Trim(s[i+1:], "0123456789") == "" {
		return s[:i], s[i+1:]
	}
	return s, ""
}

// parseTold reads a document that tells of an order, also one that SNS wrapped.
func parseTold(text string) (told, json.RawMessage, bool) {
	var t told
	if !strings.HasPrefix(strings.TrimLeft(text, " \t\r\n"), "{") || json.Unmarshal([]byte(text), &t) != nil {
		return t, nil, false
	}
	if t.OrderID == "" && t.Message != "" {
		return parseTold(t.Message)
	}
	if t.Reason == "" && len(t.Changes) > len(`"{}"`) {
		changes := t.Changes
		var text string
		if json.Unmarshal(changes, &text) == nil {
			changes = json.RawMessage(text)
		}
		t.Reason = textIn(changes, "reason")
	}
	return t, json.RawMessage(text), t.OrderID != ""
}

func (o *orders) takeRequest(e local.Event) {
	status, body, _ := strings.Cut(e.Detail, " ")
	t, raw, ok := parseTold(body)
	method, path, _ := strings.Cut(e.Action, " ")
	if !ok {
		// A refusal, or an answer without a body, is about an order if its path is.
		known := o.inPath(path)
		if known == nil {
			return
		}
		t = told{OrderID: known.ID}
		if json.Valid([]byte(body)) {
			raw = json.RawMessage(body)
		}
	}
	if strings.HasPrefix(path, "/graphql") {
		return
	}
	if method == "POST" && t.Status == "" {
		return
	}
	if method != "GET" {
		t.Sequence = 0
	}
	o.note(t, entry{Lane: lanePoll, Time: e.Time, What: e.Action, HTTP: status, Err: e.Err, Detail: raw})
}

func (o *orders) inPath(path string) *anOrder {
	for part := range strings.SplitSeq(path, "/") {
		if known := o.byID[part]; known != nil {
			return known
		}
	}
	return nil
}

func (o *orders) takeState(e local.Event) {
	id := e.Ref
	if of, ok := o.started[id]; ok {
		id = of
	}
	a := o.byID[id]
	if a == nil {
		t, _, ok := parseTold(e.Detail)
		if !ok || !strings.HasPrefix(e.Action, "Execution") {
			return
		}
		a = o.get(t.OrderID, e.Time)
	}
	a.Machine, a.Execution = e.From, e.Ref
	switch {
	case strings.HasSuffix(e.Action, "StateEntered"):
		a.State = e.To
	case e.Action == "ExecutionStarted":
	case e.Action == "ExecutionRedriven":
		a.Outcome, a.State = "", a.failedIn
	case strings.HasPrefix(e.Action, "Execution"):
		a.Outcome, a.State, a.failedIn = e.Action, "", a.State
	}
	if e.Err != "" {
		a.Errors++
	}
	o.touch(a, e.Time)
}

func (o *orders) get(id string, at time.Time) *anOrder {
	a := o.byID[id]
	if a == nil {
		a = &anOrder{ID: id, First: at, Last: at, Channels: map[string]int{}}
		o.byID[id] = a
		o.eviction = append(o.eviction, a)
		if len(o.eviction) > keepOrders {
			old := o.eviction[0]
			delete(o.byID, old.ID)
			delete(o.started, old.Execution)
			o.eviction[0] = nil
			o.eviction = o.eviction[1:]
		}
	}
	return a
}

func (o *orders) touch(a *anOrder, at time.Time) {
	o.version++
	a.version, a.Last = o.version, at
}

// note adds what a client saw to an order. What it saw before, and nothing else since, is counted.
func (o *orders) note(t told, e entry) {
	a := o.get(t.OrderID, e.Time)
	e.ID, e.Status, e.Sequence, e.Times = t.ID, t.Status, t.Sequence, 1
	if t.Tenant != "" {
		a.Tenant = t.Tenant
	}
	if e.ID == "" && e.Sequence > 0 {
		e.ID = a.ID + ":" + itoa(e.Sequence)
	}
	a.Channels[e.Lane]++
	if e.Status != "" && (e.Sequence >= a.Sequence || a.Status == "") && e.Err == "" {
		a.Status, a.Sequence, a.Reason = e.Status, e.Sequence, t.Reason
	}
	o.touch(a, e.Time)
	for i := len(a.entries) - 1; i >= 0; i-- {
		if before := &a.entries[i]; before.Lane == e.Lane {
			if before.What == e.What && before.HTTP == e.HTTP && before.Status == e.Status && before.Sequence == e.Sequence && before.Err == e.Err && before.To == e.To {
				before.Times++
				before.Until = e.Time
				return
			}
			break
		}
	}
	if len(a.entries) < keepEntries {
		a.entries = append(a.entries, e)
	}
}

// since returns the orders that changed after a version, those that changed first first, and the
// version that this leads to.
func (o *orders) since(version uint64, limit int) ([]anOrder, uint64) {
	var changed []*anOrder
	for _, a := range o.eviction {
		if a.version > version {
			changed = append(changed, a)
		}
	}
	slices.SortFunc(changed, func(a, b *anOrder) int { return cmp.Compare(a.version, b.version) })
	if len(changed) > limit {
		changed = changed[:limit]
	}
	out := make([]anOrder, len(changed))
	for i, a := range changed {
		out[i] = a.copied()
		version = a.version
	}
	return out, version
}

// copied is an order that does not change any more.
func (a *anOrder) copied() anOrder {
	c := *a
	c.entries = slices.Clone(a.entries)
	c.Channels = map[string]int{}
	for k, n := range a.Channels {
		c.Channels[k] = n
	}
	return c
}

// latest returns the orders that were seen last, the latest first.
func (o *orders) latest(limit int) []anOrder {
	var out []anOrder
	for i := len(o.eviction) - 1; i >= 0 && len(out) < limit; i-- {
		out = append(out, o.eviction[i].copied())
	}
	return out
}
