package console

import (
	"context"
	"encoding/json"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/orderflow-cdk/orderflow/local"
)

const (
	// keepEvents is how many events are remembered, keepLogs how many log lines besides them.
	keepEvents, keepLogs = 6000, 4000
	// keepBytes bounds the details of the events that are remembered.
	keepBytes = 16 << 20
	// maxWaiting is how many events may wait to be looked at.
	maxWaiting = 200_000
	// maxTold is how many notices are kept for a stream that comes back.
	maxTold = 32
	// shown is how much of an event's detail goes out by the stream, in bytes.
	shown = 600
)

// record is an event with its place in the order of all.
type record struct {
	Seq uint64 `json:"seq"`
	local.Event
}

// hub takes what the stack tells, keeps the latest of it, and tells streams. The stack only
// appends to a list; everything else is done in a goroutine of the hub's own.
type hub struct {
	waiting struct {
		sync.Mutex
		events []local.Event
		lost   int
	}
	wake     chan struct{}
	catching sync.Mutex // held by who looks at what waits, so that it is in order
	// place says between which nodes of the architecture an event is drawn.
	place func(local.Event) (from, to string)

	mu      sync.Mutex
	started string // tells runs of the page apart, for who comes back
	events  ring
	logs    ring
	last    uint64
	lost    int
	flows   map[string]*flow // by "from>to", as they are drawn
	seen    map[local.EventKind]int
	orders  *orders
	told    []notice // what streams are told besides
	tells   uint64

	streams atomic.Int32
}

// flow counts what went along an edge.
type flow struct {
	N    int       `json:"n"`
	Errs int       `json:"errs"`
	Last time.Time `json:"last"`
}

// notice is something that all streams are told once.
type notice struct {
	seq  uint64
	name string
	data json.RawMessage
}

func newHub(place func(local.Event) (from, to string)) *hub {
	return &hub{
		place: place, wake: make(chan struct{}, 1), started: time.Now().UTC().Format("150405.000000"),
		events: ring{most: keepEvents}, logs: ring{most: keepLogs},
		flows: map[string]*flow{}, seen: map[local.EventKind]int{}, orders: newOrders(),
	}
}

// observe is called within the stack's events.
func (h *hub) observe(e local.Event) {
	h.waiting.Lock()
	if len(h.waiting.events) < maxWaiting {
		h.waiting.events = append(h.waiting.events, e)
	} else {
		h.waiting.lost++
	}
	h.waiting.Unlock()
	select {
	case h.wake <- struct{}{}:
	default:
	}
}

// run looks at the events until ctx ends.
func (h *hub) run(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-h.wake:
		}
		h.catchUp()
	}
}

// catchUp looks at the events that wait. Whoever asks the hub for something has it do so first, and finds
// what happened before it asked.
func (h *hub) catchUp() {
	h.catching.Lock()
	defer h.catching.Unlock()
	h.waiting.Lock()
	events, lost := h.waiting.events, h.waiting.lost
	h.waiting.events, h.waiting.lost = nil, 0
	h.waiting.Unlock()
	for _, e := range events {
		from, to := h.place(e)
		h.mu.Lock()
		h.take(e, from, to)
		h.mu.Unlock()
	}
	if lost > 0 {
		h.mu.Lock()
		h.lost += lost
		h.mu.Unlock()
	}
}

func (h *hub) take(e local.Event, from, to string) {
	h.last++
	r := record{h.last, e}
	h.seen[e.Kind]++
	if e.Kind == local.EventLog {
		h.logs.add(r)
	} else {
		h.events.add(r)
	}
	h.orders.take(e)
	if from == "" || to == "" {
		return
	}
	f := h.flows[from+">"+to]
	if f == nil {
		f = &flow{}
		h.flows[from+">"+to] = f
	}
	f.N++
	f.Last = e.Time
	if e.Err != "" {
		f.Errs++
	}
}

// tell has all streams told of something.
func (h *hub) tell(name string, v any) {
	b, err := json.Marshal(v)
	if err != nil {
		b = []byte(`{}`)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.tells++
	h.told = append(h.told, notice{h.tells, name, b})
	if len(h.told) > maxTold {
		h.told = h.told[len(h.told)-maxTold:]
	}
}

// ring keeps the latest records.
type ring struct {
	most  int
	bytes int
	all   []record
}

func (r *ring) add(e record) {
	r.all = append(r.all, e)
	r.bytes += len(e.Detail)
	drop := 0
	for len(r.all)-drop > r.most || r.bytes > keepBytes {
		r.bytes -= len(r.all[drop].Detail)
		r.all[drop] = record{}
		drop++
	}
	r.all = r.all[drop:]
}

// since returns the records after a sequence number.
func (r *ring) since(seq uint64, limit int) []record {
	i := len(r.all)
	for i > 0 && r.all[i-1].Seq > seq {
		i--
	}
	out := r.all[i:]
	if len(out) > limit {
		out = out[len(out)-limit:]
	}
	return append([]record(nil), out...)
}

// about returns the latest records that have the text in any field, oldest first.
func (r *ring) about(text string, limit int, kinds map[local.EventKind]bool) []record {
	var out []record
	for i := len(r.all) - 1; i >= 0 && len(out) < limit; i-- {
		e := &r.all[i]
		if len(kinds) > 0 && !kinds[e.Kind] {
			continue
		}
		if text == "" || e.has(text) {
			out = append(out, *e)
		}
	}
	for i, j := 0, len(out)-1; i < j; i, j = i+1, j-1 {
		out[i], out[j] = out[j], out[i]
	}
	return out
}

// has reports whether every word of the text is in some field of the record.
func (r *record) has(text string) bool {
	for word := range strings.FieldsSeq(text) {
		if !strings.Contains(r.Detail, word) && !strings.Contains(r.Ref, word) && !strings.Contains(r.Action, word) &&
			!strings.Contains(r.From, word) && !strings.Contains(r.To, word) && !strings.Contains(r.Err, word) {
			return false
		}
	}
	return true
}

// brief is a record without most of its detail.
func (r record) brief() record {
	if len(r.Detail) > shown {
		r.Detail = strings.ToValidUTF8(r.Detail[:shown], "") + "…"
	}
	return r
}
