package lambda

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/orderflow-cdk/orderflow/local/internal/api"
	"github.com/orderflow-cdk/orderflow/local/internal/sim"
	"github.com/orderflow-cdk/orderflow/local/internal/sqs"
	"github.com/orderflow-cdk/orderflow/local/internal/uuid"
)

// Service is the functions of one account in one region.
type Service struct {
	// Log gets what Lambda itself writes to a function's log, one line at a
	// time; nil discards it.
	Log io.Writer
	// Line takes such a line instead, without its end, and the environment that it is about, which is nil if it is
	// about none; nil: Log does.
	Line func(f *Function, inst *Instance, line string)
	// Journal is asked, when an invocation begins, who keeps what it logs; nil: nobody does.
	Journal func(Invocation) Journal
	// Authorize is asked before what Lambda does in a function's role by itself: reading event sources, sending records to
	// destinations, and traces; nil: all of it is allowed.
	Authorize func(api.Call) error
	// Throttled says whether an invocation is refused although there is concurrency; nil: none is.
	Throttled func(*Function) bool
	// Observe is told of every invocation that ended, err being nil, a *FunctionError or the *api.Error of
	// one that was refused; nil: nobody is.
	Observe func(f *Function, requestID string, begun time.Time, err error)
	// Begins is told of every batch that an event source mapping hands over, with which a trace begins; nil: nobody is.
	Begins func(*Function)
	// Compute says how long an invocation computes, beside what it waits for; nil: it takes no time.
	Compute func(f *Function, cold bool) time.Duration

	k               *sim.Kernel
	region, account string
	started         time.Time
	functions       []*Function
	byName          map[string]*Function
	mappings        []*Mapping
	streams         []*StreamMapping
	targets         map[string]Target
	ids             *rand.Rand
	unreserved      int // invocations running outside reserved concurrency
	reserved        int // concurrency that functions have reserved
	keeping
}

// Target takes the records of asynchronous invocations and of failed batches;
// *sqs.Queue is one.
type Target interface {
	Put(body string, attributes []sqs.Attribute, caller string) (messageID string, err error)
}

// NewService returns a service without functions.
func NewService(k *sim.Kernel, region, account string) *Service {
	return &Service{
		k: k, region: region, account: account, started: k.Now(),
		byName: map[string]*Function{}, targets: map[string]Target{}, keeping: newKeeping(),
		// Ids have a random stream of their own; see package sqs.
		ids: rand.New(rand.NewPCG(k.Rand().Uint64(), k.Rand().Uint64())),
	}
}

// AddTarget makes a queue or topic known by its ARN, as a destination or
// dead-letter queue of asynchronous invocations or a destination of stream mappings.
func (s *Service) AddTarget(arn string, t Target) { s.targets[arn] = t }

// CreateFunction makes a function that inv runs.
func (s *Service) CreateFunction(name string, p FunctionProperties, inv Invoker) (*Function, error) {
	f := &Function{
		Name: name, ARN: fmt.Sprintf("arn:aws:lambda:%s:%s:function:%s", s.region, s.account, name),
		Properties: p, s: s, invoker: inv, reserved: -1, async: map[string]asyncConfig{},
	}
	var errs []error
	check := func(n int, err error) int {
		errs = append(errs, err)
		return n
	}
	f.timeout = time.Duration(check(inRange("Timeout", p.Timeout, 3, 1, 900))) * time.Second
	f.memory = check(inRange("MemorySize", p.MemorySize, 128, 128, 10_240))
	if p.ReservedConcurrentExecutions != nil {
		// 100 always stay unreserved.
		f.reserved = check(inRange("ReservedConcurrentExecutions", p.ReservedConcurrentExecutions, 0, 0, int64(accountConcurrency-100-s.reserved)))
	}
	if s.byName[name] != nil {
		errs = append(errs, errors.New("it exists already"))
	}
	if inv == nil {
		errs = append(errs, errors.New("it has no code"))
	}
	if err := errors.Join(errs...); err != nil {
		return nil, fmt.Errorf("lambda: function %s: %w", name, err)
	}
	s.reserved += max(0, f.reserved)
	s.functions = append(s.functions, f)
	s.byName[name] = f
	return f, nil
}

// Functions lists the functions in order of creation.
func (s *Service) Functions() []*Function { return s.functions }

// Function returns a function by its name or ARN, with or without the
// qualifier of a version or alias; nil if there is none.
func (s *Service) Function(ref string) *Function {
	f, _, err := s.resolve(ref, "")
	if err != nil {
		return nil
	}
	return f
}

// resolve finds a function and the ARN that it was invoked by, with the qualifier if there is one.
func (s *Service) resolve(ref, qualifier string) (*Function, string, error) {
	name := ref
	if i := strings.Index(ref, ":function:"); i >= 0 {
		name = ref[i+len(":function:"):]
		if account := ref[:i]; strings.HasPrefix(ref, "arn:") && account != fmt.Sprintf("arn:aws:lambda:%s:%s", s.region, s.account) {
			return nil, "", notFound(ref)
		}
	} else if strings.HasPrefix(ref, "function:") {
		name = ref[len("function:"):]
	}
	name, inName, _ := strings.Cut(name, ":")
	if inName != "" && qualifier != "" && inName != qualifier {
		return nil, "", &api.Error{Code: "InvalidParameterValueException", Status: 400,
			Message: "The derived qualifier from the function name does not match the specified qualifier."}
	}
	if qualifier == "" {
		qualifier = inName
	}
	arn := fmt.Sprintf("arn:aws:lambda:%s:%s:function:%s", s.region, s.account, name)
	if qualifier != "" {
		arn += ":" + qualifier
	}
	f := s.byName[name]
	if f == nil || qualifier != "" && !f.has(qualifier) && f.aliases[qualifier] == "" {
		return nil, "", notFound(arn)
	}
	return f, arn, nil
}

func notFound(arn string) *api.Error {
	return &api.Error{Code: "ResourceNotFoundException", Message: "Function not found: " + arn, Status: 404,
		Fields: map[string]any{"Type": "User"}}
}

// Do implements api.Service. Input and output of Invoke are one JSON document each, with the payload as a
// value in it:
//
//	{"FunctionName":…, "Qualifier":…, "InvocationType":…, "LogType":…, "Payload":{…}}
//	{"StatusCode":200, "ExecutedVersion":"$LATEST", "FunctionError":"Unhandled", "LogResult":…, "Payload":{…}}
//
// The other actions, which only read, are in read.go.
func (s *Service) Do(c api.Call, done func(out []byte, err error)) {
	if c.Action != "Invoke" {
		action, ok := reads[c.Action]
		if !ok {
			done(nil, fmt.Errorf("lambda: action %s is not simulated", c.Action))
			return
		}
		done(action(s, c.Input))
		return
	}
	var in struct {
		FunctionName, Qualifier, InvocationType, LogType string
		Payload                                          json.RawMessage
	}
	if err := json.Unmarshal(c.Input, &in); err != nil {
		done(nil, api.Errorf("InvalidRequestContentException", "Could not parse request body into json: %s", err))
		return
	}
	f, arn, err := s.resolve(in.FunctionName, in.Qualifier)
	if err != nil {
		done(nil, err)
		return
	}
	payload := []byte(in.Payload)
	if payload == nil {
		payload = []byte("{}")
	}
	limit := maxPayload
	switch in.InvocationType {
	case "", "RequestResponse":
	case "Event":
		limit = maxAsyncPayload
	case "DryRun":
		done([]byte(`{"StatusCode":204}`), nil)
		return
	default:
		done(nil, api.Errorf("InvalidParameterValueException", "1 validation error detected: Value '%s' at 'invocationType' failed to satisfy constraint: Member must satisfy enum value set: [Event, RequestResponse, DryRun]", in.InvocationType))
		return
	}
	if len(payload) > limit {
		done(nil, &api.Error{Code: "RequestEntityTooLargeException", Status: 413, Message: fmt.Sprintf(
			"%d byte payload is too large for the %s invocation type (limit %d bytes)", len(payload), or(in.InvocationType, "RequestResponse"), limit)})
		return
	}
	if in.InvocationType == "Event" {
		f.enqueue(payload, arn)
		done([]byte(`{"StatusCode":202}`), nil)
		return
	}
	if err := f.start(payload, s.newID(), arn, "", func(r result) { done(answer(f, r, in.LogType == "Tail")) }); err != nil {
		done(nil, err)
	}
}

func answer(f *Function, r result, tail bool) ([]byte, error) {
	b := []byte(`{"StatusCode":200,"ExecutedVersion":"` + r.version + `"`)
	payload := r.out
	if r.err != nil {
		b = append(b, `,"FunctionError":"Unhandled"`...)
		payload = r.err.Payload
	}
	if tail && r.journal != nil {
		b = append(b, `,"LogResult":"`...)
		b = base64.StdEncoding.AppendEncode(b, r.journal.Tail())
		b = append(b, '"')
	}
	if len(payload) == 0 {
		payload = []byte("null")
	}
	if !json.Valid(payload) {
		return nil, fmt.Errorf("lambda: function %s returned something that is not JSON: %.100q", f.Name, payload)
	}
	b = append(b, `,"Payload":`...)
	b = append(b, payload...)
	return append(b, '}'), nil
}

func or(s, def string) string {
	if s == "" {
		return def
	}
	return s
}

func (s *Service) logf(f *Function, inst *Instance, format string, args ...any) {
	if s.Line != nil {
		s.Line(f, inst, fmt.Sprintf(format, args...))
	} else if s.Log != nil {
		_, _ = fmt.Fprintf(s.Log, "%s: "+format+"\n", append([]any{f.Name}, args...)...)
	}
}

// newID returns a random UUID.
func (s *Service) newID() string { return uuid.New(s.ids) }

// newTraceID returns an X-Ray header of a request that is not sampled.
func (s *Service) newTraceID() string {
	root, parent := s.random(), s.random()
	return fmt.Sprintf("Root=1-%08x-%x;Parent=%x;Sampled=0", s.k.Now().Unix(), root[:12], parent[:8])
}

func (s *Service) random() (b [16]byte) {
	hi, lo := s.ids.Uint64(), s.ids.Uint64()
	for i := range 8 {
		b[i], b[8+i] = byte(hi>>(8*i)), byte(lo>>(8*i))
	}
	return b
}

func (s *Service) begins(f *Function) {
	if s.Begins != nil {
		s.Begins(f)
	}
}
