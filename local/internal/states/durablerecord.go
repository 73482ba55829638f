package states

import (
	"encoding/json"
	"strconv"
	"time"

	"github.com/orderflow-cdk/orderflow/local/internal/durable"
	"github.com/orderflow-cdk/orderflow/local/internal/jsontext"
)

// metaRecord is what the service as a whole remembers.
type metaRecord struct {
	// The version is that of all records.
	durable.Header
	// Generation is how often the service was restored, so that no id is made again.
	Generation uint64 `json:"generation"`
	TokenKey   []byte `json:"tokenKey"`
}

func (s *Service) metaRecord() []byte {
	return durable.Encode(metaRecord{Header: durable.Header{Version: recordVersion}, Generation: s.generation, TokenKey: s.tokenKey})
}

type machineRecord struct {
	Created time.Time `json:"created"`
}

func (sm *StateMachine) record() []byte { return durable.Encode(machineRecord{sm.created}) }

// expressRecord is an Express execution that begins again.
type expressRecord struct {
	Number int    `json:"number"`
	Name   string `json:"name"`
	Input  string `json:"input"`
}

func (ex *Execution) expressRecord() []byte {
	return durable.Encode(expressRecord{ex.number, ex.Name, ex.Input})
}

// executionRecord is a Standard execution, without its history and its branches.
type executionRecord struct {
	// Number orders the executions of a state machine by their start, Closing all of the
	// service by their end.
	Number  int       `json:"number"`
	Closing uint64    `json:"closing,omitempty"`
	Status  Status    `json:"status"`
	Start   time.Time `json:"start"`
	Stop    time.Time `json:"stop,omitzero"`
	Input   string    `json:"input"`
	Output  string    `json:"output,omitempty"`
	Error   string    `json:"error,omitempty"`
	Cause   string    `json:"cause,omitempty"`
	Role    string    `json:"role"`
	// Definition is the hash of the one that it goes by.
	Definition string `json:"definition"`
	// NoHistory is set if the events are not kept.
	NoHistory bool `json:"noHistory,omitempty"`
	// Redrivable says that a closed execution has its branches. Of the redrives:
	Redrivable bool           `json:"redrivable,omitempty"`
	Redrives   int            `json:"redrives,omitempty"`
	Redriven   time.Time      `json:"redriven,omitzero"`
	Tokens     []redriveToken `json:"redriveTokens,omitempty"`
}

func (ex *Execution) record() []byte {
	r := executionRecord{
		Number: ex.number, Closing: ex.closing, Status: ex.Status, Start: ex.Start, Stop: ex.Stop,
		Input: ex.Input, Output: ex.Output, Error: ex.Error, Cause: ex.Cause, Role: ex.role, NoHistory: ex.history.dropped,
		Redrivable: ex.Status != Running && ex.root != nil, Redrives: ex.Redrives, Redriven: ex.Redriven, Tokens: ex.tokens,
	}
	if ex.version != nil {
		r.Definition = ex.version.hash
	}
	return durable.Encode(r)
}

// recordWriter writes a JSON object, member by member.
type recordWriter struct{ b []byte }

func (w *recordWriter) name(name string) {
	if n := len(w.b); n > 0 && w.b[n-1] != '{' {
		w.b = append(w.b, ',')
	}
	w.b = append(append(append(w.b, '"'), name...), '"', ':')
}

// open begins an object, as a member or (without a name) as an element.
func (w *recordWriter) open(name string) {
	if name != "" {
		w.name(name)
	}
	w.b = append(w.b, '{')
}

func (w *recordWriter) close() { w.b = append(w.b, '}') }

// The members that are zero are left out.

func (w *recordWriter) string(name, s string) {
	if s != "" {
		w.name(name)
		w.b = jsontext.AppendString(w.b, s)
	}
}

func (w *recordWriter) int(name string, n int64) {
	if n != 0 {
		w.name(name)
		w.b = strconv.AppendInt(w.b, n, 10)
	}
}

func (w *recordWriter) bool(name string, is bool) {
	if is {
		w.name(name)
		w.b = append(w.b, "true"...)
	}
}

func (w *recordWriter) time(name string, t time.Time) {
	if !t.IsZero() {
		w.name(name)
		w.b = append(t.AppendFormat(append(w.b, '"'), time.RFC3339Nano), '"')
	}
}

// value writes a JSON value, also if that is null.
func (w *recordWriter) value(name string, v any) {
	w.name(name)
	w.b = appendJSON(w.b, v)
}

func (w *recordWriter) text(name string, json []byte) {
	if len(json) > 0 {
		w.name(name)
		w.b = append(w.b, json...)
	}
}

// branchRecord is a branch of a running execution, or what came of one whose Parallel or Map
// state still runs.
type branchRecord struct {
	// Done is set for a branch that has ended with Result, Failed if that was an
	// error that the Map state tolerates.
	Done   bool            `json:"done"`
	Failed bool            `json:"failed"`
	Result json.RawMessage `json:"result"`

	State     string          `json:"state"`
	Phase     string          `json:"phase"`
	Due       time.Time       `json:"due"` // when it goes on, unless it is working
	Input     json.RawMessage `json:"input"`
	Vars      json.RawMessage `json:"vars"` // absent: those of the branch above it
	Entered   time.Time       `json:"entered"`
	EnteredID int32           `json:"enteredID"` // event ids, as the next two
	BeforeID  int32           `json:"beforeID"`
	Last      int32           `json:"last"`
	Retried   []int           `json:"retried"` // per retrier
	Retries   int             `json:"retries"`

	// Of a task under way:
	Timeout   time.Time       `json:"timeout"`
	Heartbeat time.Time       `json:"heartbeat"`
	Beat      time.Duration   `json:"beat"` // ns
	Token     string          `json:"token"`
	Call      json.RawMessage `json:"call"`      // the input of its call, until that is answered
	Submitted bool            `json:"submitted"` // it was
	Awaits    string          `json:"awaits"`    // ARN of the execution that it waits for

	Fan *fanRecord `json:"fan"`
}

// fanRecord is a Parallel or Map state under way. Its branches have records of their own.
type fanRecord struct {
	Size       int             `json:"size"`
	StartID    int32           `json:"startID"`
	Started    int             `json:"started"` // of a closed execution: branches that have records
	Items      json.RawMessage `json:"items"`   // of a Map state, as the rest
	Limit      int             `json:"limit"`
	Count      float64         `json:"count"`
	Percentage float64         `json:"percentage"`
}

// branchRecord finds the branch at a path.
func (ex *Execution) branchRecord(path string) ([]byte, bool) {
	b := ex.root
	if b == nil {
		return nil, false
	}
	rest, ok := cutIndex(path)
	if !ok {
		return nil, false
	}
	for rest != "" {
		var index int
		if index, rest, ok = nextIndex(rest); !ok || b.fan == nil || index >= b.fan.started {
			return nil, false
		}
		child := b.fan.running[index]
		if child == nil {
			if rest != "" {
				return nil, false
			}
			return b.fan.doneRecord(index), true
		}
		b = child
	}
	return b.record(), true
}

// doneRecord is that of a branch that has ended; where its state tolerates that it failed, with what a redrive goes on from.
func (f *fan) doneRecord(index int) []byte {
	var w recordWriter
	w.open("")
	if child := f.dead[index]; child != nil {
		child.members(&w)
	}
	w.bool("done", true)
	w.bool("failed", f.tolerated[index])
	w.value("result", f.results[index])
	w.close()
	return w.b
}

func (b *branch) record() []byte {
	w := recordWriter{make([]byte, 0, 512+len(b.call))}
	w.open("")
	b.members(&w)
	w.close()
	return w.b
}

func (b *branch) members(w *recordWriter) {
	w.string("state", b.state.name)
	w.string("phase", phaseNames[b.phase])
	w.time("due", b.due)
	w.value("input", b.input)
	if !b.shared && b.vars != nil {
		w.value("vars", b.vars)
	}
	w.time("entered", b.entered)
	w.int("enteredID", int64(b.enteredID))
	w.int("beforeID", int64(b.beforeID))
	w.int("last", int64(b.last))
	if len(b.retried) > 0 {
		w.name("retried")
		w.b = append(w.b, durable.Encode(b.retried)...)
	}
	w.int("retries", int64(b.retryCount))
	w.time("timeout", b.timeoutAt)
	w.time("heartbeat", b.heartbeatAt)
	w.int("beat", int64(b.beat))
	w.string("token", b.token)
	w.text("call", b.call)
	w.bool("submitted", b.submitted)
	w.string("awaits", b.awaits)
	if f := b.fan; f != nil {
		w.open("fan")
		w.int("size", int64(len(f.results)))
		w.int("startID", int64(f.startID))
		if b.ex.Status != Running {
			w.int("started", int64(f.started))
		}
		if b.state.typ == mapState {
			w.value("items", f.items)
			w.int("limit", int64(f.limit))
			w.value("count", f.count)
			w.value("percentage", f.percentage)
		}
		w.close()
	}
}

// cutIndex takes the path of the machine itself off a branch's path.
func cutIndex(path string) (rest string, ok bool) {
	if path == "0" {
		return "", true
	}
	if len(path) > 2 && path[:2] == "0." {
		return path[2:], true
	}
	return "", false
}

func nextIndex(path string) (index int, rest string, ok bool) {
	for i := range len(path) {
		if path[i] == '.' {
			path, rest = path[:i], path[i+1:]
			break
		}
	}
	n, err := strconv.Atoi(path)
	return n, rest, err == nil && n >= 0
}
