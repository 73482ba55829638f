package console

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/orderflow-cdk/orderflow/local"
)

const (
	// beat is how often a stream looks for something new.
	beat = 120 * time.Millisecond
	// maxBatch is how many events or orders go out at a time.
	maxBatch = 400
	// maxStreams is how many pages may be open.
	maxStreams = 32
)

// stateNow is what a stream tells several times a second, if it changed.
type stateNow struct {
	local.Glance
	Faults []local.Fault           `json:"faults"`
	Flows  map[string]flow         `json:"flows"`
	Seen   map[local.EventKind]int `json:"seen"`
	Lost   int                     `json:"lost,omitempty"`
	Inbox  *inboxState             `json:"inbox,omitempty"`
	Signed []tenantState           `json:"signed"`
}

func (c *Console) now() stateNow {
	c.plan.get() // notices another template
	s := stateNow{Glance: c.stack.Glance(), Faults: c.stack.Faults(), Flows: map[string]flow{}, Signed: c.people.state()}
	if c.options.Inbox != nil {
		s.Inbox = c.options.Inbox.state()
	}
	c.hub.mu.Lock()
	defer c.hub.mu.Unlock()
	for k, f := range c.hub.flows {
		s.Flows[k] = *f
	}
	s.Seen, s.Lost = maps.Clone(c.hub.seen), c.hub.lost
	return s
}

// cursor is how far a stream has told.
type cursor struct {
	seq, order, told uint64
}

// id is what the browser sends back as Last-Event-ID.
func (c cursor) id(run string) string { return fmt.Sprintf("%s-%d-%d-%d", run, c.seq, c.order, c.told) }

func parseCursor(id, run string) (c cursor, ok bool) {
	rest, ok := strings.CutPrefix(id, run+"-")
	if !ok {
		return c, false
	}
	parts := strings.Split(rest, "-")
	if len(parts) != 3 {
		return c, false
	}
	for i, p := range []*uint64{&c.seq, &c.order, &c.told} {
		n, err := strconv.ParseUint(parts[i], 10, 64)
		if err != nil {
			return c, false
		}
		*p = n
	}
	return c, true
}

// stream is the one stream of server-sent events: "hello" first, "state" when it changed, "trace" and
// "orders" in batches, "job" for what was started on the page, "template" when the stack was reloaded with another one. A stream that comes back goes on where it was;
// what was forgotten meanwhile is told by "gap".
func (c *Console) stream(w http.ResponseWriter, r *http.Request) {
	flusher, ok := w.(http.Flusher)
	if !ok {
		http.Error(w, "this server cannot stream", http.StatusInternalServerError)
		return
	}
	if c.hub.streams.Add(1) > maxStreams {
		c.hub.streams.Add(-1)
		http.Error(w, "too many pages are open", http.StatusServiceUnavailable)
		return
	}
	defer c.hub.streams.Add(-1)
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("Cache-Control", "no-store")
	at, back := parseCursor(r.Header.Get("Last-Event-ID"), c.hub.started)
	s := &sender{w: w, controller: http.NewResponseController(w), run: c.hub.started}
	if !back {
		c.hub.mu.Lock()
		at = cursor{seq: c.hub.last - min(c.hub.last, 300), told: c.hub.tells}
		c.hub.mu.Unlock()
	}
	s.send("hello", map[string]any{"run": c.hub.started, "back": back}, at)
	var last []byte
	ticker := time.NewTicker(beat)
	defer ticker.Stop()
	for beats := 0; s.err == nil; beats++ {
		at = c.sendNew(s, at)
		if beats%2 == 0 {
			now := c.now()
			clock := now.Now
			now.Now = time.Time{}
			if b, err := json.Marshal(now); err == nil && (!bytes.Equal(b, last) || beats%8 == 0) {
				last, now.Now = b, clock
				s.send("state", now, at)
			}
		}
		flusher.Flush()
		select {
		case <-r.Context().Done():
			return
		case <-c.ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

// sendNew sends what is new since at, and returns how far that is.
func (c *Console) sendNew(s *sender, at cursor) cursor {
	h := c.hub
	h.mu.Lock()
	events := append(h.events.since(at.seq, maxBatch), h.logs.since(at.seq, maxBatch)...)
	gap := h.last > at.seq && uint64(len(events)) < h.last-at.seq
	orders, version := h.orders.since(at.order, maxBatch)
	var told []notice
	for _, n := range h.told {
		if n.seq > at.told {
			told = append(told, n)
		}
	}
	at = cursor{h.last, version, h.tells}
	h.mu.Unlock()
	if len(events) > 0 {
		for i := range events {
			events[i] = events[i].brief()
		}
		sortRecords(events)
		s.send("trace", map[string]any{"events": events, "gap": gap}, at)
	}
	if len(orders) > 0 {
		s.send("orders", orders, at)
	}
	for _, n := range told {
		s.send(n.name, n.data, at)
	}
	return at
}

// sender writes server-sent events.
type sender struct {
	w          http.ResponseWriter
	controller *http.ResponseController
	run        string
	err        error
}

func (s *sender) send(name string, v any, at cursor) {
	b, err := json.Marshal(v)
	if err != nil {
		s.err = err
		return
	}
	// A page that does not read for so long is gone; it comes back where it was.
	_ = s.controller.SetWriteDeadline(time.Now().Add(10 * time.Second)) // not every server can
	if _, err := fmt.Fprintf(s.w, "id: %s\nevent: %s\ndata: %s\n\n", at.id(s.run), name, b); err != nil {
		s.err = err
	}
}
