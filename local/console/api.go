package console

import (
	"cmp"
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/orderflow-cdk/orderflow/local"
)

// input is a call's document.
func input(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err) // Strings and numbers always can.
	}
	return b
}

type object = map[string]any

// inspect asks a service for a document.
func (c *Console) inspect(service, action string, in, out any) error {
	b, err := c.stack.Inspect(service, action, input(in))
	if err != nil {
		return err
	}
	return json.Unmarshal(b, out)
}

// textIn is a string within a document, or "".
func textIn(doc json.RawMessage, path ...string) string {
	for _, name := range path {
		var m map[string]json.RawMessage
		if json.Unmarshal(doc, &m) != nil {
			return ""
		}
		doc = m[name]
	}
	var s string
	_ = json.Unmarshal(doc, &s) // anything else is no text
	return s
}

func sortRecords(all []record) {
	slices.SortFunc(all, func(a, b record) int { return cmp.Compare(a.Seq, b.Seq) })
}

func number(r *http.Request, name string, otherwise, most int) int {
	n, err := strconv.Atoi(r.URL.Query().Get(name))
	if err != nil || n < 0 {
		return otherwise
	}
	return min(n, most)
}

// info answers GET /info: what does not change while the page is open.
func (c *Console) info(*http.Request) (any, error) {
	b := c.plan.get()
	type named struct {
		ID    string `json:"id"`
		Label string `json:"label"`
	}
	type aFunction struct {
		named
		Handler string `json:"handler"`
	}
	functions := []aFunction{}
	labels := map[string]named{}
	types := map[string]string{}
	for _, r := range b.resources {
		labels[r.LogicalID], types[r.LogicalID] = named{r.LogicalID, r.Label}, cmp.Or(shortType(r.Type), r.Type)
		if r.Type == "AWS::Lambda::Function" {
			functions = append(functions, aFunction{named{r.LogicalID, r.Label}, textIn(r.Properties, "Handler")})
		}
	}
	names := object{}
	for id, n := range labels {
		names[id] = n.Label
	}
	routes := []string{}
	for _, r := range b.resources {
		if r.Type == "AWS::ApiGateway::Method" {
			routes = append(routes, r.Label)
		}
	}
	slices.Sort(routes)
	presets := c.options.Faults
	if presets == nil {
		presets = []local.Fault{}
	}
	examples := c.options.Requests
	if examples == nil {
		examples = []Example{}
	}
	return object{
		"title": c.options.Title, "run": c.hub.started, "examples": examples, "tenants": c.options.Tenants, "signIn": c.options.SignIn != nil,
		"presets": presets, "faultKinds": local.FaultKinds(), "functions": functions, "labels": names, "types": types, "routes": routes, "stands": b.actors(),
		"outputs": c.stack.Outputs(), "notes": c.stack.Notes(), "inbox": c.options.Inbox != nil,
	}, nil
}

// trace answers GET /trace?about=…: what happened that has all words of it.
func (c *Console) trace(r *http.Request) (any, error) {
	q := r.URL.Query()
	kinds := map[local.EventKind]bool{}
	for _, k := range q["kind"] {
		kinds[local.EventKind(k)] = true
	}
	c.hub.mu.Lock()
	found := c.hub.events.about(q.Get("about"), number(r, "limit", 200, 1000), kinds)
	if len(kinds) == 0 || kinds[local.EventLog] {
		found = append(found, c.hub.logs.about(q.Get("about"), number(r, "limit", 200, 1000), kinds)...)
	}
	c.hub.mu.Unlock()
	sortRecords(found)
	for i := range found {
		found[i] = found[i].brief()
	}
	return object{"events": nonNil(found)}, nil
}

func nonNil[T any](all []T) []T {
	if all == nil {
		return []T{}
	}
	return all
}

// traceEvent answers GET /trace/{seq}: one event with all of its detail.
func (c *Console) traceEvent(r *http.Request) (any, error) {
	seq, err := strconv.ParseUint(r.PathValue("seq"), 10, 64)
	if err != nil {
		return nil, badRequest{err}
	}
	c.hub.mu.Lock()
	defer c.hub.mu.Unlock()
	for _, kept := range []*ring{&c.hub.events, &c.hub.logs} {
		if i, ok := slices.BinarySearchFunc(kept.all, seq, func(r record, s uint64) int { return cmp.Compare(r.Seq, s) }); ok {
			return kept.all[i], nil
		}
	}
	return nil, fmt.Errorf("%w: only the last %d events are kept", errNotFound, keepEvents)
}

// orders answers GET /orders.
func (c *Console) orders(r *http.Request) (any, error) {
	c.hub.mu.Lock()
	defer c.hub.mu.Unlock()
	return object{"orders": nonNil(c.hub.orders.latest(number(r, "limit", 200, keepOrders)))}, nil
}

// order answers GET /orders/{id}, with what its channels showed.
func (c *Console) order(r *http.Request) (any, error) {
	c.hub.mu.Lock()
	defer c.hub.mu.Unlock()
	a := c.hub.orders.byID[r.PathValue("id")]
	if a == nil {
		return nil, fmt.Errorf("%w: nothing is known of this order here; it may be older than the page, which remembers the last %d", errNotFound, keepOrders)
	}
	o := a.copied()
	return object{"order": o, "entries": nonNil(o.entries)}, nil
}

// resource answers GET /resources/{id}.
func (c *Console) resource(r *http.Request) (any, error) {
	b := c.plan.get()
	id := r.PathValue("id")
	found := b.byID[id]
	if found == nil {
		return nil, errNotFound
	}
	in, out := []local.Edge{}, []local.Edge{}
	for _, e := range b.edges {
		if e.To == id {
			in = append(in, e)
		}
		if e.From == id || b.stands[e.From] == id {
			out = append(out, e)
		}
	}
	return object{"resource": found, "kind": shortType(found.Type), "in": in, "out": out}, nil
}

// setTime answers POST /time.
func (c *Console) setTime(r *http.Request) (any, error) {
	var in struct {
		Do string
		By string
	}
	if err := posted(r, &in); err != nil {
		return nil, err
	}
	before := c.stack.Glance().Now
	happened := true
	switch in.Do {
	case "pause":
		if err := c.stack.Pause(); err != nil {
			return nil, badRequest{err}
		}
	case "resume":
		c.stack.Resume()
	case "step":
		happened = c.stack.Step()
	case "skip":
		_, happened = c.stack.SkipToNext()
	case "advance":
		d, err := time.ParseDuration(in.By)
		if err != nil || d <= 0 || d > maxAdvance {
			return nil, badRequest{fmt.Errorf("by %q: want a duration such as 30s, 5m or 2h, at most %v", in.By, maxAdvance)}
		}
		c.stack.Advance(d)
	default:
		return nil, badRequest{fmt.Errorf("do %q is none of pause, resume, step, skip, advance", in.Do)}
	}
	g := c.stack.Glance()
	return object{"happened": happened, "before": before, "now": g.Now, "paused": g.Paused, "next": g.Next}, nil
}

// maxAdvance is how much time is let pass at once.
const maxAdvance = 31 * 24 * time.Hour

// faults answers GET /faults.
func (c *Console) faults(*http.Request) (any, error) {
	return object{"faults": c.stack.Faults()}, nil
}

// setFaults answers POST /faults: all that are to be from now on. Those that stay as they are go on counting.
func (c *Console) setFaults(r *http.Request) (any, error) {
	var in struct {
		Faults []struct {
			local.Fault
			Seconds float64 `json:"seconds"`
		}
	}
	if err := posted(r, &in); err != nil {
		return nil, err
	}
	all := make([]local.Fault, len(in.Faults))
	for i, f := range in.Faults {
		all[i] = f.Fault
		if f.Seconds > 0 {
			all[i].Delay = time.Duration(f.Seconds * float64(time.Second))
		}
	}
	if err := c.stack.SetFaults(all...); err != nil {
		return nil, badRequest{err}
	}
	return c.faults(r)
}

// setInbox answers POST /inbox: how the receiver of webhooks answers.
func (c *Console) setInbox(r *http.Request) (any, error) {
	var in struct {
		Status  int
		Seconds int
	}
	if err := posted(r, &in); err != nil {
		return nil, err
	}
	if c.options.Inbox == nil {
		return nil, badRequest{fmt.Errorf("this page has no inbox")}
	}
	if in.Status < 200 || in.Status > 599 || in.Seconds < 0 || in.Seconds > 60 {
		return nil, badRequest{fmt.Errorf("want a status from 200 to 599 and at most 60 seconds")}
	}
	c.options.Inbox.set(in.Status, time.Duration(in.Seconds)*time.Second)
	return c.options.Inbox.state(), nil
}

// logs answers GET /logs?about=…&after=…: the latest lines that have all words of it, after a place in the order of all.
func (c *Console) logs(r *http.Request) (any, error) {
	c.hub.mu.Lock()
	found := c.hub.logs.about(r.URL.Query().Get("about"), number(r, "limit", 500, keepLogs), nil)
	c.hub.mu.Unlock()
	after := number(r, "after", 0, math.MaxInt)
	found = slices.DeleteFunc(found, func(l record) bool { return l.Seq <= uint64(after) })
	return object{"events": nonNil(found)}, nil
}

// permissions answers GET /permissions: what was denied, and what of the template's permissions was not needed so far.
func (c *Console) permissions(*http.Request) (any, error) {
	report, _ := c.stack.Permissions().Explain(c.options.Explanations)
	return report, nil
}
