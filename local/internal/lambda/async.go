package lambda

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/orderflow-cdk/orderflow/local/internal/sqs"
)

// asyncConfig says what becomes of asynchronous invocations.
type asyncConfig struct {
	retries              int
	maxAge               time.Duration
	onSuccess, onFailure string // ARNs
}

func defaultAsync() asyncConfig { return asyncConfig{retries: 2, maxAge: 6 * time.Hour} }

// retryDelays are how long Lambda waits before it repeats an asynchronous
// invocation that failed.
var retryDelays = [...]time.Duration{time.Minute, 2 * time.Minute}

// ConfigureEventInvoke applies an AWS::Lambda::EventInvokeConfig.
func (s *Service) ConfigureEventInvoke(p EventInvokeConfigProperties) error {
	f, arn, err := s.resolve(p.FunctionName, p.Qualifier)
	if err != nil {
		return fmt.Errorf("lambda: event invoke config: %w", err)
	}
	c := defaultAsync()
	retries, err1 := inRange("MaximumRetryAttempts", p.MaximumRetryAttempts, 2, 0, 2)
	age, err2 := inRange("MaximumEventAgeInSeconds", p.MaximumEventAgeInSeconds, 21_600, 60, 21_600)
	if err := errors.Join(err1, err2); err != nil {
		return fmt.Errorf("lambda: event invoke config of %s: %w", f.Name, err)
	}
	c.retries, c.maxAge = retries, time.Duration(age)*time.Second
	if d := p.DestinationConfig; d != nil {
		if d.OnSuccess != nil {
			c.onSuccess = d.OnSuccess.Destination
		}
		if d.OnFailure != nil {
			c.onFailure = d.OnFailure.Destination
		}
	}
	f.async[or(f.qualifierOf(arn), latest)] = c
	return nil
}

// Check reports every destination or dead-letter target that is not known
// (see AddTarget). It is for when all resources are created.
func (s *Service) Check() error {
	var errs []error
	for _, f := range s.functions {
		var arns []string
		for _, qualifier := range slices.Sorted(maps.Keys(f.async)) {
			arns = append(arns, f.async[qualifier].onSuccess, f.async[qualifier].onFailure)
		}
		if d := f.Properties.DeadLetterConfig; d != nil {
			arns = append(arns, d.TargetArn)
		}
		for _, arn := range arns {
			if arn != "" && s.targets[arn] == nil {
				errs = append(errs, fmt.Errorf("lambda: function %s: target %s does not exist or is not simulated", f.Name, arn))
			}
		}
	}
	for _, m := range s.streams {
		if arn := m.onFailure; arn != "" && s.targets[arn] == nil {
			errs = append(errs, fmt.Errorf("lambda: event source mapping %s: target %s does not exist or is not simulated", m.ID, arn))
		}
	}
	return errors.Join(errs...)
}

// event is an asynchronous invocation under way.
type event struct {
	f         *Function
	payload   []byte
	arn, id   string
	accepted  time.Time
	attempts  int // that ran
	throttled int // in a row
	number    uint64
	due       time.Time // the next attempt, unless one is under way
}

// config is that of the qualifier by which the function was invoked.
func (e *event) config() asyncConfig {
	if c, ok := e.f.async[or(e.f.qualifierOf(e.arn), latest)]; ok {
		return c
	}
	return defaultAsync()
}

// enqueue accepts an event; the function runs later.
func (f *Function) enqueue(payload []byte, arn string) {
	e := &event{f: f, payload: payload, arn: arn, id: f.s.newID(), accepted: f.s.k.Now()}
	f.s.keepEvent(e)
	e.schedule(0)
}

// schedule makes an attempt after some time.
func (e *event) schedule(wait time.Duration) {
	k := e.f.s.k
	e.due = k.Now().Add(wait)
	e.touch()
	k.At(e.due, e.try)
}

func (e *event) try() {
	err := e.f.start(e.payload, e.id, e.arn, "", e.done)
	if err == nil {
		e.throttled = 0
		e.touch()
		return
	}
	// Throttled events are retried for as long as they are young enough, after
	// 1 second at first and then ever less often, down to every 5 minutes.
	wait := min(time.Second<<min(e.throttled, 10), 5*time.Minute)
	e.throttled++
	if e.tooOld(wait) {
		e.fail("EventAgeExceeded", result{requestID: e.id})
		return
	}
	e.schedule(wait)
}

func (e *event) tooOld(wait time.Duration) bool {
	return e.f.s.k.Now().Add(wait).Sub(e.accepted) > e.config().maxAge
}

func (e *event) done(r result) {
	e.attempts++
	if r.err == nil {
		e.f.s.forgetEvent(e)
		if arn := e.config().onSuccess; arn != "" {
			e.put(arn, e.record("Success", r), nil)
		}
		return
	}
	if e.attempts > e.config().retries {
		e.fail("RetriesExhausted", r)
		return
	}
	wait := retryDelays[e.attempts-1]
	if e.tooOld(wait) {
		e.fail("EventAgeExceeded", r)
		return
	}
	e.schedule(wait)
}

// fail sends the event where failed ones go: the failure destination gets a
// record about it, the dead-letter queue the event itself with three attributes.
func (e *event) fail(condition string, r result) {
	e.f.s.forgetEvent(e)
	if arn := e.config().onFailure; arn != "" {
		e.put(arn, e.record(condition, r), nil)
	}
	if d := e.f.Properties.DeadLetterConfig; d != nil && d.TargetArn != "" {
		code, message := "429", "Rate Exceeded."
		if r.err != nil {
			code, message = "200", r.err.Message
		}
		if len(message) > 1024 {
			message = message[:1024]
		}
		e.put(d.TargetArn, string(e.payload), []sqs.Attribute{
			{Name: "RequestID", DataType: "String", StringValue: e.id},
			{Name: "ErrorCode", DataType: "Number", StringValue: code},
			{Name: "ErrorMessage", DataType: "String", StringValue: or(message, "Unhandled")},
		})
	}
}

func (e *event) put(arn, body string, attrs []sqs.Attribute) {
	t := e.f.s.targets[arn]
	if t == nil {
		panic(fmt.Sprintf("lambda: function %s: target %s does not exist or is not simulated", e.f.Name, arn))
	}
	if !e.f.maySend(arn) {
		return
	}
	if _, err := t.Put(body, attrs, e.f.Properties.Role); err != nil {
		e.f.s.logf(e.f, nil, "cannot send the record of %s to %s: %s", e.id, arn, err)
	}
}

// requestContext and responseContext are parts of the documents that destinations get.
type requestContext struct {
	RequestID   string `json:"requestId"`
	FunctionARN string `json:"functionArn"`
	Condition   string `json:"condition"`
	Count       int    `json:"approximateInvokeCount"`
}

type responseContext struct {
	StatusCode    int    `json:"statusCode"`
	Version       string `json:"executedVersion"`
	FunctionError string `json:"functionError,omitempty"`
}

// record is the document that a destination gets.
func (e *event) record(condition string, r result) string {
	doc := struct {
		Version         string           `json:"version"`
		Timestamp       string           `json:"timestamp"`
		RequestContext  requestContext   `json:"requestContext"`
		RequestPayload  json.RawMessage  `json:"requestPayload"`
		ResponseContext *responseContext `json:"responseContext,omitempty"`
		ResponsePayload json.RawMessage  `json:"responsePayload,omitempty"`
	}{
		Version:        "1.0",
		Timestamp:      e.f.s.k.Now().Format("2006-01-02T15:04:05.000Z"),
		RequestContext: requestContext{e.id, e.f.ARN + ":" + or(e.f.qualifierOf(e.arn), latest), condition, e.attempts},
		RequestPayload: e.payload,
	}
	if e.attempts > 0 {
		doc.ResponseContext = &responseContext{StatusCode: 200, Version: e.f.version(e.arn)}
		doc.ResponsePayload = r.out
		if r.err != nil {
			doc.ResponseContext.FunctionError = "Unhandled"
			doc.ResponsePayload = r.err.Payload
		}
	}
	b, err := json.Marshal(doc)
	if err != nil {
		panic(fmt.Sprintf("lambda: function %s: record of %s: %v", e.f.Name, e.id, err))
	}
	return string(b)
}
