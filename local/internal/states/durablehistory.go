package states

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/orderflow-cdk/orderflow/local/internal/durable"
)

// kindNames are how records name the kinds of events.
var kindNames = [...]string{
	executionStarted: "ExecutionStarted", executionSucceeded: "ExecutionSucceeded", executionFailed: "ExecutionFailed",
	executionTimedOut: "ExecutionTimedOut", executionAborted: "ExecutionAborted",
	stateEntered: "StateEntered", stateExited: "StateExited", stateAborted: "StateAborted",
	fanStarted: "FanStarted", fanSucceeded: "FanSucceeded", fanFailed: "FanFailed",
	iterationStarted: "IterationStarted", iterationSucceeded: "IterationSucceeded",
	iterationFailed: "IterationFailed", iterationAborted: "IterationAborted",
	taskScheduled: "TaskScheduled", taskStarted: "TaskStarted", taskSubmitted: "TaskSubmitted",
	taskSucceeded: "TaskSucceeded", taskFailed: "TaskFailed", taskTimedOut: "TaskTimedOut",
	evaluationFailed: "EvaluationFailed", executionRedriven: "ExecutionRedriven",
}

// eventRecord is an event of a history. Its id is its place.
type eventRecord struct {
	Kind     string          `json:"kind"`
	Prev     int32           `json:"prev"`
	At       time.Duration   `json:"at"` // ns since the execution's start
	State    string          `json:"state"`
	Index    int32           `json:"index"`
	Value    json.RawMessage `json:"value"` // input, output or parameters
	Assigned json.RawMessage `json:"assigned"`
	Failure  *failureRecord  `json:"failure"`
	// Of a TaskScheduled event, in seconds:
	Timeout   float64 `json:"timeout"`
	Heartbeat float64 `json:"heartbeat"`
}

type failureRecord struct {
	Name     string `json:"name"`
	Cause    string `json:"cause"`
	Location string `json:"location"`
}

// chunkRecord is some of the events, if they are kept.
func (ex *Execution) chunkRecord(chunk int, err error) ([]byte, bool) {
	from := chunk * eventsPerChunk
	if err != nil || chunk < 0 || from >= len(ex.history.events) {
		return nil, false
	}
	events := ex.history.events[from:min(from+eventsPerChunk, len(ex.history.events))]
	size := 0
	for i := range events {
		events[i].encode()
		size += 128 + len(events[i].text)
	}
	w := recordWriter{make([]byte, 0, size)}
	w.b = append(w.b, '[')
	for i := range events {
		if i > 0 {
			w.b = append(w.b, ',', '\n')
		}
		events[i].record(&w)
	}
	w.b = append(w.b, ']')
	return w.b, true
}

// hasValue says whether events of a kind have a value of their own.
func (k eventKind) hasValue() bool {
	switch k {
	case stateEntered, stateExited, taskScheduled, taskSubmitted, taskSucceeded:
		return true
	}
	return false
}

// closes says whether an event of the kind is the last one.
func (k eventKind) closes() bool { return k > executionStarted && k <= executionAborted }

// encode makes the JSON of an event's value, once.
func (e *event) encode() {
	if e.text == nil && e.kind.hasValue() {
		e.text = []byte(e.payload())
	}
}

func (e *event) record(w *recordWriter) {
	w.open("")
	w.string("kind", kindNames[e.kind])
	w.int("prev", int64(e.prev))
	w.int("at", int64(e.at))
	if e.state != nil {
		w.string("state", e.state.name)
	}
	w.int("index", int64(e.index))
	if e.kind.hasValue() {
		w.text("value", e.text)
	}
	if text, ok := e.assigned[""].(string); ok {
		w.text("assigned", []byte(text))
	} else if len(e.assigned) > 0 {
		w.value("assigned", e.assigned)
	}
	switch data := e.data.(type) {
	case *failure:
		if data != nil {
			w.open("failure")
			w.string("name", data.name)
			w.string("cause", data.cause)
			w.string("location", data.location)
			w.close()
		}
	case *scheduled:
		if data.timeout > 0 {
			w.value("timeout", data.timeout)
		}
		if data.heartbeat > 0 {
			w.value("heartbeat", data.heartbeat)
		}
	}
	w.close()
}

// restoreEvents appends the events of a chunk to the history.
func (ex *Execution) restoreEvents(record []byte) error {
	var chunk []eventRecord
	if err := durable.Decode(record, &chunk); err != nil {
		return err
	}
	for i := range chunk {
		r := &chunk[i]
		kind := slices.Index(kindNames[:], r.Kind)
		if kind < 0 {
			return fmt.Errorf("there are no events of kind %q", r.Kind)
		}
		e := event{kind: eventKind(kind), prev: r.Prev, at: r.At, index: r.Index}
		if r.State != "" {
			if e.state = ex.version.state(r.State); e.state == nil {
				return fmt.Errorf("the definition has no state %q", r.State)
			}
		}
		if e.kind.hasValue() {
			if e.text = r.Value; e.text == nil {
				return fmt.Errorf("an event %s has no value", r.Kind)
			}
		}
		if len(r.Assigned) > 0 {
			e.assigned = map[string]any{"": string(r.Assigned)}
		}
		switch {
		case r.Failure != nil:
			e.data = &failure{name: r.Failure.Name, cause: r.Failure.Cause, location: r.Failure.Location}
		case e.kind == evaluationFailed:
			return fmt.Errorf("an event %s does not say what failed", r.Kind)
		case e.kind == taskScheduled:
			e.data = &scheduled{timeout: r.Timeout, heartbeat: r.Heartbeat}
		}
		if e.state == nil && e.kind > executionAborted && e.kind != executionRedriven {
			return fmt.Errorf("an event %s names no state", r.Kind)
		}
		ex.history.events = append(ex.history.events, e)
		ex.history.count++
	}
	return nil
}
