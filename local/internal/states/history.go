package states

import "time"

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
)

// event is one event of a history. It holds the values themselves, which are
// shared with the execution; their JSON is made when somebody asks for it.
type event struct {
	kind     eventKind
	prev     int32
	index    int32 // of an iteration; the length of a Map's array
	at       time.Duration
	state    *state
	data     any // a value, a *failure or a *scheduled
	assigned map[string]any
}

// scheduled is what a TaskScheduled event tells.
type scheduled struct {
	parameters         any
	timeout, heartbeat float64 // seconds; 0: none
}

// history is the events of an execution.
type history struct {
	events  []event
	count   int32
	dropped bool
}

func (h *history) drop() { h.events, h.dropped = nil, true }

// log appends an event and returns its id. An Express execution has no
// history, only ids.
func (ex *Execution) log(e event) int32 {
	h := &ex.history
	h.count++
	if ex.sm.Express || ex.sm.s.KeepHistories == 0 {
		h.dropped = true
		return h.count
	}
	e.at = ex.sm.s.k.Now().Sub(ex.Start)
	h.events = append(h.events, e)
	return h.count
}

func (ex *Execution) lastID() int32 { return ex.history.count }

// overlong ends a Standard execution that has as many events as one may have.
func (ex *Execution) overlong() bool {
	if ex.sm.Express || ex.history.count < maxHistory-1 {
		return false
	}
	ex.fail(runtimeFailure("The execution reached the maximum number of history events (%d).", maxHistory))
	return true
}

// note logs an event of a branch, after the branch's latest one.
func (b *branch) note(e event) {
	e.prev = b.last
	b.last = b.ex.log(e)
}
