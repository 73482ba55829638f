package states

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/orderflow-cdk/orderflow/local/internal/api"
)

// runTask is one attempt at a Task state: it evaluates what to call with,
// starts the clocks, and calls.
func (b *branch) runTask() {
	s, r := b.ex.sm.s, b.state.resource
	if r.pattern == callback {
		b.token = s.newToken(b.ex.sm)
		s.tokens[b.token] = b
	}
	sc := scope{}
	arguments, f := b.arguments(&sc)
	if f != nil {
		b.handle(f)
		return
	}
	timeout, f := b.number(b.state.timeout, 0, &sc)
	if f != nil {
		b.handle(f)
		return
	}
	beat, f := b.number(b.state.heartbeat, 0, &sc)
	if f != nil {
		b.handle(f)
		return
	}
	call, verbatim, f := b.callWith(arguments)
	if len(call.Input) > maxPayload && exceeds(arguments, maxPayload) {
		b.handle(tooLarge(b.state.name))
		return
	}
	e := event{kind: taskScheduled, state: b.state, data: &scheduled{timeout: timeout, heartbeat: beat, parameters: arguments}}
	if verbatim {
		e.text = call.Input
	}
	b.note(e)
	if b.ex.overlong() {
		return
	}
	if f != nil {
		b.taskFailed(f)
		return
	}
	b.note(event{kind: taskStarted, state: b.state})
	if timeout > 0 {
		b.startTimeout(s.k.Now().Add(seconds(timeout)))
	}
	if beat > 0 {
		b.beat = seconds(beat)
		b.startHeartbeat(s.k.Now().Add(b.beat))
	}
	b.make(call)
}

// arguments is what a Task or Parallel state hands on: its input where it has nothing of its own to.
func (b *branch) arguments(sc *scope) (any, *failure) {
	switch {
	case b.state.paths != nil:
		return b.pathArguments(sc)
	case b.state.arguments != nil:
		return b.evalTemplate(b.state.arguments, sc)
	}
	return b.input, nil
}

// make makes the call of a task. It is kept, since it is made again if the service
// is restored before the answer.
func (b *branch) make(call api.Call) {
	b.call = call.Input
	attempt := b.attempt
	b.ex.sm.s.bus.Do(call, func(out []byte, err error) {
		if b.attempt == attempt { // else nobody waits for it any more
			b.answered(out, err)
		}
	})
}

func (b *branch) startTimeout(at time.Time) {
	b.timeoutAt = at
	b.timeout = b.ex.sm.s.k.At(at, func() { b.taskTimedOut("") })
}

// startHeartbeat has the task fail at a time, unless there is a heartbeat before.
func (b *branch) startHeartbeat(at time.Time) {
	b.heartbeat.Cancel()
	b.heartbeatAt = at
	b.heartbeat = b.ex.sm.s.k.At(at, func() { b.taskTimedOut(errHeartbeat) })
	b.touch()
}

// callWith is the call of the bus that a task makes. verbatim tells whether its
// input is the arguments as they are.
func (b *branch) callWith(arguments any) (c api.Call, verbatim bool, f *failure) {
	r := b.state.resource
	c = b.calling()
	if r.functionARN != "" {
		c.Input = appendJSON(nil, map[string]any{"FunctionName": r.functionARN, "Payload": arguments, "InvocationType": "RequestResponse"})
		return c, false, nil
	}
	in, ok := arguments.(map[string]any)
	if !ok {
		return c, false, runtimeFailure("The Parameters '%s' could not be used to start the Task: [an object is required]", jsonText(arguments))
	}
	if !r.sdk {
		switch r.service {
		case "sqs":
			in = withText(in, "MessageBody")
		case "sns":
			in = withText(in, "Message")
		case "states":
			in = withText(in, "Input")
		case "lambda":
			if f := checkInvoke(in); f != nil {
				return c, false, f
			}
		}
	}
	verbatim = r.service == "dynamodb" || r.service == "lambda"
	if r.service == "states" { // whose API alone writes its members in camelCase
		lower := make(map[string]any, len(in))
		for k, v := range in {
			lower[lowerFirst(k)] = v
		}
		in = lower
	}
	c.Input = appendJSON(make([]byte, 0, 1024), in)
	return c, verbatim, nil
}

// calling is the call of the bus that a task makes, without its input.
func (b *branch) calling() api.Call {
	return api.Call{Service: b.state.resource.service, Action: b.state.resource.action, Caller: b.ex.role}
}

// withText makes JSON text of a member that a service wants as a string.
func withText(in map[string]any, key string) map[string]any {
	v, ok := in[key]
	if _, text := v.(string); !ok || text {
		return in
	}
	out := make(map[string]any, len(in))
	for k, v := range in {
		out[k] = v
	}
	out[key] = jsonText(v)
	return out
}

func checkInvoke(in map[string]any) *failure {
	for _, k := range sortedKeys(in) {
		switch k {
		case "FunctionName", "Payload", "InvocationType", "Qualifier", "ClientContext", "TenantId":
		default:
			return runtimeFailure("The Parameters '%s' could not be used to start the Task: [The field \"%s\" is not supported by Step Functions]", jsonText(in), k)
		}
	}
	if _, ok := in["FunctionName"].(string); !ok {
		return runtimeFailure("The Parameters '%s' could not be used to start the Task: [The field \"FunctionName\" is required but was missing]", jsonText(in))
	}
	return nil
}

// answered is the bus's answer to a task's call.
func (b *branch) answered(out []byte, err error) {
	r := b.state.resource
	if err != nil {
		b.taskFailed(b.serviceFailure(err))
		return
	}
	var v any = map[string]any{}
	if len(out) > 0 {
		if v, err = decodeJSON(out); err != nil {
			b.taskFailed(runtimeFailure("%s: the answer of %s is not JSON: %v", b.state.name, r.service, err))
			return
		}
	}
	answer, _ := v.(map[string]any)
	switch r.service {
	case "lambda":
		if r.action == "Invoke" {
			if f := functionFailure(answer); f != nil {
				b.taskFailed(f)
				return
			}
			delete(answer, "FunctionError")
			if r.functionARN != "" {
				b.taskSucceeded(answer["Payload"], nil)
				return
			}
		}
	case "states":
		v, out = upperKeys(answer), nil
	}
	switch r.pattern {
	case callback:
		b.submitted, b.call = true, nil
		b.note(event{kind: taskSubmitted, state: b.state, data: v})
	case runJob, runJobParsed:
		b.submitted, b.call = true, nil
		b.note(event{kind: taskSubmitted, state: b.state, data: v})
		arn, _ := answer["executionArn"].(string)
		b.awaitExecution(arn)
	default:
		b.taskSucceeded(v, out)
	}
}

func upperKeys(m map[string]any) map[string]any {
	out := make(map[string]any, len(m))
	for k, v := range m {
		if n, ok := v.(float64); ok && strings.HasSuffix(k, "Date") {
			v = n * 1000 // the API's seconds; the integration shows milliseconds
		}
		out[upperFirst(k)] = v
	}
	return out
}

// awaitExecution waits for the execution that the task started.
func (b *branch) awaitExecution(arn string) {
	b.awaits = arn
	ex := b.ex.sm.s.byARN[arn]
	if ex == nil {
		b.taskFailed(runtimeFailure("%s: the execution %s is not one of a Standard state machine", b.state.name, arn))
		return
	}
	attempt := b.attempt
	ended := func() {
		if b.attempt == attempt {
			b.executionClosed(ex)
		}
	}
	if ex.Status != Running {
		ended()
		return
	}
	ex.onClose = append(ex.onClose, ended)
}

// executionClosed is the end of the execution that the task waits for.
func (b *branch) executionClosed(ex *Execution) {
	parse := b.state.resource.pattern == runJobParsed
	value := func(text string) any {
		if !parse {
			return text
		}
		v, err := decodeJSON([]byte(text))
		if err != nil {
			return text
		}
		return v
	}
	included := map[string]any{"Included": true}
	out := map[string]any{
		"ExecutionArn": ex.ARN, "StateMachineArn": ex.sm.ARN, "Name": ex.Name, "Status": string(ex.Status),
		"StartDate": float64(ex.Start.UnixMilli()), "StopDate": float64(ex.Stop.UnixMilli()),
		"Input": value(ex.Input), "InputDetails": included,
	}
	if ex.Status == Succeeded {
		out["Output"], out["OutputDetails"] = value(ex.Output), included
		b.taskSucceeded(out, nil)
		return
	}
	if ex.Error != "" {
		out["Error"] = ex.Error
	}
	if ex.Cause != "" {
		out["Cause"] = ex.Cause
	}
	b.taskFailed(&failure{name: errTaskFailed, cause: jsonText(out)})
}

// taskSucceeded is the result of a task; text is its JSON where that is at hand.
func (b *branch) taskSucceeded(result any, text []byte) {
	b.settle()
	if (text == nil || len(text) > maxPayload) && exceeds(result, maxPayload) {
		b.taskFailed(tooLarge(b.state.resource.what()))
		return
	}
	b.note(event{kind: taskSucceeded, state: b.state, data: result, text: text})
	b.finish(result, true)
}

func (r *resource) what() string {
	if r.functionARN != "" {
		return r.functionARN
	}
	return r.resourceType
}

func (b *branch) taskFailed(f *failure) {
	b.note(event{kind: taskFailed, state: b.state, data: f})
	b.handle(f)
}

func (b *branch) taskTimedOut(alias string) {
	f := &failure{name: errTimeout, alias: alias}
	b.note(event{kind: taskTimedOut, state: b.state, data: f})
	b.handle(f)
}

// functionFailure is the error of a function that ran and failed: named after
// its type, caused by the whole of it.
func functionFailure(answer map[string]any) *failure {
	if fe, ok := answer["FunctionError"].(string); !ok || fe == "" {
		return nil
	}
	f := &failure{name: "Lambda.Unknown", cause: clip(jsonText(answer["Payload"]), maxCauseLength)}
	if p, ok := answer["Payload"].(map[string]any); ok {
		if name, ok := p["errorType"].(string); ok && name != "" {
			f.name = clip(name, maxErrorLength)
		}
	}
	return f
}

// serviceFailure is the error of a service that refused a call.
func (b *branch) serviceFailure(err error) *failure {
	r := b.state.resource
	var e *api.Error
	if !errors.As(err, &e) || e.Status == 501 {
		// Not an answer that AWS could give: the stack does not simulate this.
		return runtimeFailure("%s: %v", b.state.name, err)
	}
	f := &failure{name: r.errorName(e.Code)}
	if r.functionARN != "" && strings.HasPrefix(e.Code, "AccessDenied") {
		f.name = errPermissions
	}
	id := b.ex.sm.s.newID()
	if r.sdk {
		f.cause = fmt.Sprintf("%s (Service: %s, Status Code: %d, Request ID: %s)", e.Message, r.label, e.HTTPStatus(), id)
	} else {
		f.cause = fmt.Sprintf("%s (Service: %s; Status Code: %d; Error Code: %s; Request ID: %s; Proxy: null)", e.Message, r.label, e.HTTPStatus(), e.Code, id)
	}
	return f
}

func clip(s string, n int) string {
	if len(s) <= n {
		return s
	}
	return strings.ToValidUTF8(s[:n], "")
}
