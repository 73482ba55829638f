package states

import (
	"reflect"
	"slices"
	"time"
)

type eventKind uint8

const (
	executionStarted eventKind = iota
	executionSucceeded
	executionFailed
	executionTimedOut
	executionAborted
	stateEntered
	stateExited
	stateAborted
	fanStarted
	fanSucceeded
	fanFailed
	iterationStarted
	iterationSucceeded
	iterationFailed
	iterationAborted
	taskScheduled
	taskStarted
	taskSubmitted
	taskSucceeded
	taskFailed
	taskTimedOut
	evaluationFailed
	executionRedriven
)

// event is one event of a history. While the execution runs it holds the
// values themselves, which are shared with the execution.
type event struct {
	kind     eventKind
	prev     int32
	index    int32 // of an iteration; the length of a Map's array; the number of a redrive
	at       time.Duration
	state    *state
	data     any    // a value, a *failure or a *scheduled
	text     []byte // the JSON of the value, once it is made
	assigned map[string]any
}

// scheduled is what a TaskScheduled event tells beside the parameters.
type scheduled struct {
	timeout, heartbeat float64 // seconds; 0: none
	parameters         any     // where text has none
}

// history is the events of an execution.
type history struct {
	events  []event
	count   int32
	dropped bool
	full    bool
}

func (h *history) drop() { h.events, h.dropped = nil, true }

// payload is the JSON of an event's value.
func (e *event) payload() string {
	if e.text != nil {
		return string(e.text)
	}
	if s, ok := e.data.(*scheduled); ok {
		return jsonText(s.parameters)
	}
	return jsonText(e.data)
}

// observed is what an event tells an observer: a failure's name and cause, or the value as JSON.
func (e *event) observed() string {
	if f, ok := e.data.(*failure); ok {
		if f == nil {
			return ""
		}
		return f.name + ": " + f.cause
	}
	return e.payload()
}

// compact turns the values of a history into JSON text. A closed execution's
// history is rarely read, and as text it costs the garbage collector nothing.
func (h *history) compact() {
	if h.dropped {
		return
	}
	type span struct{ from, to int }
	spans := make([]span, len(h.events))
	size := 0
	for i := range h.events {
		size += len(h.events[i].text)
	}
	blob := make([]byte, 0, size+2048)
	var last map[string]any // written at
	var at span
	for i := range h.events {
		e := &h.events[i]
		from := len(blob)
		switch data := e.data.(type) {
		case *failure:
			continue
		case *scheduled:
			if e.text != nil {
				blob = append(blob, e.text...)
			} else {
				blob = appendJSON(blob, data.parameters)
			}
			data.parameters = nil
		default:
			switch {
			case e.kind == executionStarted || e.kind == executionSucceeded: // the execution has these
			case e.text != nil:
				blob = append(blob, e.text...)
			case e.kind == stateEntered || e.kind == stateExited || e.kind == taskSubmitted || e.kind == taskSucceeded:
				// What a state passes on is what the next one gets, which is written once.
				m, _ := data.(map[string]any)
				if m != nil && sameMap(m, last) {
					spans[i], e.data = at, nil
					continue
				}
				blob = appendJSON(blob, data)
				if m != nil {
					last, at = m, span{from, len(blob)}
				}
			}
			e.data = nil
		}
		spans[i] = span{from, len(blob)}
	}
	blob = slices.Clip(blob)
	for i := range h.events {
		e := &h.events[i]
		if s := spans[i]; s.to > s.from {
			e.text = blob[s.from:s.to:s.to]
		}
		if _, is := e.assigned[""]; !is && len(e.assigned) > 0 {
			e.assigned = map[string]any{"": jsonText(e.assigned)}
		}
	}
	h.events = slices.Clip(h.events)
}

// sameMap tells whether two values are one: values are never changed once they are made.
func sameMap(a, b map[string]any) bool {
	return reflect.ValueOf(a).UnsafePointer() == reflect.ValueOf(b).UnsafePointer()
}

// variables are what an event's state assigned.
func (e *event) variables() map[string]any {
	text, ok := e.assigned[""].(string)
	if !ok {
		return e.assigned
	}
	v, err := decodeJSON([]byte(text))
	if err != nil {
		return nil
	}
	vars, _ := v.(map[string]any)
	return vars
}

// log appends an event and returns its id. An Express execution has no
// history, only ids.
func (ex *Execution) log(e event) int32 {
	if s := ex.sm.s; s.Observe != nil && (s.Observed == nil || s.Observed()) {
		ex.observe(e)
	}
	h := &ex.history
	if h.count >= maxHistory-1 && !ex.sm.Express && ex.Status == Running {
		h.full = true // the last event is that of the failure
		return h.count
	}
	h.count++
	if ex.sm.s.Log != nil && ex.sm.LogGroup() != "" {
		ex.logEvent(e, h.count)
	}
	if ex.sm.Express || ex.sm.s.KeepHistories == 0 {
		h.dropped = true
		return h.count
	}
	e.at = ex.sm.s.k.Now().Sub(ex.Start)
	if h.events == nil {
		h.events = make([]event, 0, ex.sm.events+1)
	}
	h.events = append(h.events, e)
	ex.touchHistory(h.count)
	return h.count
}

// observe tells the observer of an event. It is apart from log so that the event costs nothing without one.
func (ex *Execution) observe(e event) {
	name := ""
	if e.state != nil {
		name = e.state.name
	}
	typ, _, _ := ex.details(&e, false)
	ex.sm.s.Observe(ex, typ, name, e.observed)
}

func (ex *Execution) lastID() int32 { return ex.history.count }

// overlong ends a Standard execution that has as many events as one may have.
func (ex *Execution) overlong() bool {
	if !ex.history.full {
		return false
	}
	ex.fail(runtimeFailure("The execution reached the maximum number of history events (%d).", maxHistory))
	return true
}

// note logs an event of a branch, after the branch's latest one.
func (b *branch) note(e event) {
	e.prev = b.last
	b.last = b.ex.log(e)
	b.touch()
}
