package local

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/orderflow-cdk/orderflow/local/internal/api"
	"github.com/orderflow-cdk/orderflow/local/internal/lambda"
	"github.com/orderflow-cdk/orderflow/local/internal/states"
)

// EventKind is what kind of thing happened.
type EventKind string

// The kinds of events.
const (
	// EventRequest is a request of a client, answered: of the gateway or of a GraphQL API.
	EventRequest EventKind = "request"
	// EventCall is a call of an AWS service, answered.
	EventCall EventKind = "call"
	// EventInvocation is an invocation of a function that ended.
	EventInvocation EventKind = "invocation"
	// EventState is a state of a state machine that an execution entered or left, and
	// the beginning and the end of the execution.
	EventState EventKind = "state"
	// EventLog is a line of a function's log.
	EventLog EventKind = "log"
	// EventFrame is an event that went out to a websocket.
	EventFrame EventKind = "frame"
	// EventHTTP is a request of the stack to the outside, answered.
	EventHTTP EventKind = "http"
	// EventDenied is a call that a policy did not allow.
	EventDenied EventKind = "denied"
	// EventFault is a fault that was brought about.
	EventFault EventKind = "fault"
)

// Event is one thing that happened in a stack.
type Event struct {
	// Time is when it ended, in the stack's time.
	Time time.Time `json:"time"`
	Kind EventKind `json:"kind"`
	// From and To are the logical ids of the resources that did it and to which it was done, or what is
	// known instead: the ARN of a role, the name of a service or a host. From is empty for a client.
	From string `json:"from,omitempty"`
	To   string `json:"to,omitempty"`
	// Action is what was done: "sqs:SendMessage", "POST /orders", "StateEntered".
	Action string `json:"action"`
	// Duration is how long it took, in the stack's time.
	Duration time.Duration `json:"duration"`
	// Err is the error's code and message; empty if there was none.
	Err string `json:"err,omitempty"`
	// Ref is what it belongs to: an execution's name, a request's id.
	Ref string `json:"ref,omitempty"`
	// Detail is more of it for people, at most maxDetail bytes: the log line, the frame, the body.
	Detail string `json:"detail,omitempty"`
}

// maxDetail is how much of a body an Event has, in bytes.
const maxDetail = 16 << 10

// observers are told of every event.
type observers struct {
	watching atomic.Bool // whether there are any
	list     sync.Mutex
	all      []*observer
}

type observer struct{ tell func(Event) }

// Observe has f told of everything that happens from now on, within the event of the
// stack in which it does: f must not call the stack and should be quick. stop ends it.
func (s *Stack) Observe(f func(Event)) (stop func()) {
	o := &observer{f}
	s.list.Lock()
	defer s.list.Unlock()
	s.all = append(slices.Clone(s.all), o)
	s.watching.Store(true)
	return func() {
		s.list.Lock()
		defer s.list.Unlock()
		s.all = slices.DeleteFunc(slices.Clone(s.all), func(other *observer) bool { return other == o })
		s.watching.Store(len(s.all) > 0)
	}
}

// emit tells the observers. Who calls it asks watching first where an Event costs something.
func (s *Stack) emit(e Event) {
	if !s.watching.Load() {
		return
	}
	if e.Time.IsZero() {
		e.Time = s.Now()
	}
	if len(e.Detail) > maxDetail {
		e.Detail = e.Detail[:maxDetail] + "…"
	}
	s.list.Lock()
	all := s.all
	s.list.Unlock()
	for _, o := range all {
		o.tell(e)
	}
}

func errText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// observeInvocation tells of an invocation.
func (s *Stack) observeInvocation(f *lambda.Function, requestID string, begun time.Time, err error) {
	s.billInvocation(f, begun, err)
	if s.watching.Load() {
		now := s.kernel.Now()
		s.emit(Event{Time: now, Kind: EventInvocation, To: s.names.logicalID(f.ARN), Action: "Invoke", Duration: now.Sub(begun), Err: errText(err), Ref: requestID})
	}
}

// observeCall is done that tells of the call first.
func (s *Stack) observeCall(c api.Call, done func([]byte, error)) func([]byte, error) {
	begun := s.kernel.Now()
	return func(out []byte, err error) {
		now := s.kernel.Now()
		s.emit(Event{
			Time: now, Kind: EventCall, From: s.names.logicalID(callerOf(c)), To: s.names.logicalID(resourceOf(c)),
			Action: c.Service + ":" + c.Action, Duration: now.Sub(begun), Err: errText(err), Detail: string(c.Input),
		})
		done(out, err)
	}
}

func callerOf(c api.Call) string {
	for _, who := range []string{c.SourceARN, c.Caller, c.Principal} {
		if who != "" {
			return who
		}
	}
	return ""
}

// resourceOf is what a call is made to: an ARN, a URL or a name, whichever its input has.
func resourceOf(c api.Call) string {
	var in struct {
		QueueURL  string `json:"QueueUrl"`
		SourceArn string
		TableName string
		StreamArn string
		Function  string `json:"FunctionName"`
		Machine   string `json:"stateMachineArn"`
		Execution string `json:"executionArn"`
		TopicArn  string
		SecretID  string `json:"SecretId"`
		LogGroup  string `json:"logGroupName"`
		GraphQL   string `json:"apiId"`
	}
	if err := json.Unmarshal(c.Input, &in); err != nil {
		return c.Service
	}
	for _, name := range []string{in.QueueURL, in.SourceArn, in.TableName, in.StreamArn, in.Function, in.Machine, in.Execution, in.TopicArn, in.SecretID, in.LogGroup, in.GraphQL} {
		if name != "" {
			return name
		}
	}
	return c.Service
}

// observeState tells of an event of an execution.
func (s *Stack) observeState(ex *states.Execution, typ, state string, value func() string) {
	if !s.watching.Load() {
		return
	}
	e := Event{Kind: EventState, From: s.names.logicalID(ex.ARN), To: state, Action: typ, Ref: ex.Name}
	if strings.HasSuffix(typ, "Failed") || strings.HasSuffix(typ, "TimedOut") {
		e.Err = value()
	} else {
		e.Detail = value()
	}
	s.emit(e)
}

// observeFrame tells of a frame, after Options.OnFrame.
func (s *Stack) observeFrame(at time.Time, subscription string, frame []byte) {
	s.billFrame(len(frame))
	if s.opts.OnFrame != nil {
		s.opts.OnFrame(at, subscription, frame)
	}
	if s.watching.Load() {
		s.emit(Event{Time: at, Kind: EventFrame, From: "appsync", Action: subscription, Detail: string(frame)})
	}
}

// observeRequest is start whose answer is told of first.
func (s *Stack) observeRequest(r *http.Request, start func([]byte, answered)) func([]byte, answered) {
	return func(body []byte, done answered) {
		begun := s.kernel.Now()
		start(body, func(status int, header http.Header, out []byte) {
			now := s.kernel.Now()
			e := Event{
				Time: now, Kind: EventRequest, From: s.senderOf(r), To: s.addressee(r), Action: r.Method + " " + r.URL.Path, Duration: now.Sub(begun),
				Ref: header.Get("X-Amzn-Requestid"), Detail: strconv.Itoa(status) + " " + string(out),
			}
			if status >= http.StatusBadRequest {
				e.Err = http.StatusText(status)
			}
			s.emit(e)
			done(status, header, out)
		})
	}
}

// senderOf is the role that signed a request, as a function does that runs as a process; "" for everybody else.
func (s *Stack) senderOf(r *http.Request) string {
	_, credential, ok := strings.Cut(r.Header.Get("Authorization"), "Credential=")
	if !ok {
		return ""
	}
	key, _, _ := strings.Cut(credential, "/")
	caller, _, _ := s.principalOf(key)
	if id := s.names.logicalID(caller); id != caller {
		return id
	}
	return ""
}

// observeGraphQL tells of a request to AppSync that a function of the stack makes.
func (s *Stack) observeGraphQL(role string, body []byte, do func() (*http.Response, error)) (*http.Response, error) {
	if !s.watching.Load() {
		return do()
	}
	begun := s.kernel.Now()
	res, err := do()
	now := s.kernel.Now()
	e := Event{
		Time: now, Kind: EventCall, From: s.names.logicalID(role), To: "appsync", Action: "appsync:GraphQL",
		Duration: now.Sub(begun), Err: errText(err), Detail: string(body),
	}
	if res != nil {
		e.Err = graphQLErr(res)
	}
	s.emit(e)
	return res, err
}

// graphQLErr is what an answer of AppSync, whose body is in memory, says that went wrong: errors come with the status 200 as well.
func graphQLErr(res *http.Response) string {
	b, err := io.ReadAll(res.Body)
	res.Body = io.NopCloser(bytes.NewReader(b))
	var answer struct {
		Errors []struct{ ErrorType, Message string }
	}
	switch {
	case err != nil:
		return err.Error()
	case json.Unmarshal(b, &answer) == nil && len(answer.Errors) > 0:
		return strings.TrimPrefix(answer.Errors[0].ErrorType+": "+answer.Errors[0].Message, ": ")
	case res.StatusCode >= http.StatusBadRequest:
		return res.Status
	}
	return ""
}

// observeHTTP tells of a request to the outside. Its body is what is told; that of the answer is not read.
func (s *Stack) observeHTTP(from string, req *http.Request, do func(*http.Request) (*http.Response, error)) (*http.Response, error) {
	begun := s.Now()
	var body []byte
	if req.Body != nil {
		var err error
		if body, err = io.ReadAll(req.Body); err != nil {
			return nil, err
		}
		_ = req.Body.Close() // it was read to its end
		req.Body = io.NopCloser(bytes.NewReader(body))
	}
	res, err := do(req)
	now := s.Now()
	e := Event{
		Time: now, Kind: EventHTTP, From: s.names.logicalID(from), To: req.URL.Host, Action: req.Method + " " + req.URL.String(),
		Duration: now.Sub(begun), Err: errText(err), Ref: req.Header.Get("Webhook-Id"), Detail: string(body),
	}
	if res != nil {
		e.Action += " " + strconv.Itoa(res.StatusCode)
		if res.StatusCode >= http.StatusBadRequest {
			e.Err = res.Status
		}
	}
	s.emit(e)
	return res, err
}
