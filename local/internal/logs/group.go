package logs

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/orderflow-cdk/orderflow/local/internal/api"
)

// Group is a log group.
type Group struct {
	Name string

	s         *Service
	made      bool  // by its first event, not by a template
	retention int64 // in days; 0: for ever
	created   time.Time
	streams   map[string]*Stream
	events    []event // from head on, in the order in which they came
	head      int
	next      uint64 // number of the next event
	sized     int    // how many of events, from head on, are part of ingested
	ingested  int64
}

// event is one event. Its message is made when somebody reads it, where that takes longer than a write should.
type event struct {
	number  uint64
	at      int64 // ms since 1970
	stream  *Stream
	message string
	render  func() string
}

func (e *event) text() string {
	if e.render != nil {
		e.message, e.render = e.render(), nil
	}
	return e.message
}

// eventOverhead is what CloudWatch Logs adds to the text of an event when it counts bytes (API reference, PutLogEvents).
const eventOverhead = 26

func (e *event) size() int64 { return int64(len(e.text()) + eventOverhead) }

// Ingested is how many bytes the group took in since it was made.
func (g *Group) Ingested() int64 {
	for held := g.events[g.head:]; g.sized < len(held); g.sized++ {
		g.ingested += held[g.sized].size()
	}
	return g.ingested
}

// Writer is who writes to a stream, for Service.Authorize: a service, mostly in a role.
type Writer struct {
	Caller, Via, Principal, SourceARN string
}

// Stream is a log stream.
type Stream struct {
	Name string

	group         *Group
	writer        Writer
	asked, denied bool // whether the writer may write
	created       time.Time
	first, last   int64 // of its events, in ms; 0: none yet
}

// GroupOf returns the group with a name or ARN, and makes it if there is none.
func (s *Service) GroupOf(ref string) *Group {
	name := GroupName(ref)
	if g := s.groups[name]; g != nil {
		return g
	}
	g := s.add(name, 0)
	g.made = true
	return g
}

// ARN is the group's ARN, with the :* behind it that policies have.
func (g *Group) ARN() string {
	return fmt.Sprintf("arn:aws:logs:%s:%s:log-group:%s:*", g.s.region, g.s.account, g.Name)
}

// Stream returns the stream with a name, which its writer makes with its first event.
func (g *Group) Stream(name string, w Writer) *Stream {
	if st := g.streams[name]; st != nil {
		st.writer = w
		return st
	}
	return &Stream{Name: name, group: g, writer: w}
}

// Put adds an event.
func (st *Stream) Put(message string) { st.put(event{message: message}) }

// PutLater adds an event whose message is only made when somebody reads it.
func (st *Stream) PutLater(render func() string) { st.put(event{render: render}) }

func (st *Stream) put(e event) {
	if !st.allowed() {
		return
	}
	g := st.group
	now := g.s.k.Now()
	if st.created.IsZero() {
		st.created = now
		g.streams[st.Name] = st
	}
	e.number, e.at, e.stream = g.next, millis(now), st
	g.next++
	if st.first == 0 {
		st.first = e.at
	}
	st.last = e.at
	g.events = append(g.events, e)
	g.trim()
}

// allowed asks, the first time, for the permissions that writing to a stream takes.
//
// Source: Lambda Developer Guide, "Lambda execution role": CreateLogGroup, CreateLogStream and PutLogEvents.
func (st *Stream) allowed() bool {
	if st.asked || st.group.s.Authorize == nil {
		return !st.denied
	}
	st.asked = true
	input, err := json.Marshal(map[string]string{"logGroupName": st.group.Name, "logStreamName": st.Name})
	if err != nil {
		panic(err) // two strings
	}
	required := []string{"CreateLogStream", "PutLogEvents"}
	if st.group.made && st.group.next == 0 {
		required = append([]string{"CreateLogGroup"}, required...)
	}
	for _, action := range required {
		w := st.writer
		c := api.Call{Service: "logs", Action: action, Input: input, Caller: w.Caller, Via: w.Via, Principal: w.Principal, SourceARN: w.SourceARN}
		if st.group.s.Authorize(c) != nil {
			st.denied = true
			return false
		}
	}
	return true
}

// trim drops what is too old, and beyond MaxEvents the oldest.
func (g *Group) trim() {
	oldest := int64(0)
	if g.retention > 0 {
		oldest = millis(g.s.k.Now()) - g.retention*24*time.Hour.Milliseconds()
	}
	for g.head < len(g.events) && (len(g.events)-g.head > MaxEvents || g.events[g.head].at < oldest) {
		if g.sized > 0 {
			g.sized--
		} else {
			g.ingested += g.events[g.head].size()
		}
		g.events[g.head] = event{}
		g.head++
	}
	if g.head > MaxEvents {
		g.events = append(make([]event, 0, len(g.events)-g.head+1), g.events[g.head:]...)
		g.head = 0
	}
}

func (g *Group) held() []event {
	g.trim()
	return g.events[g.head:]
}

// Next is the number of the group's next event.
func (g *Group) Next() uint64 { return g.next }

// Since returns the messages of a stream from an event on, by its number in the group.
func (st *Stream) Since(number uint64) []string {
	var all []string
	held := st.group.held()
	for i := range held {
		if e := &held[i]; e.number >= number && e.stream == st {
			all = append(all, e.text())
		}
	}
	return all
}
