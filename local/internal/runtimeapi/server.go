package runtimeapi

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"
)

// maxAnswer is the largest answer of a function, in bytes: 6 MB, and what Lambda itself needs.
const maxAnswer = 6<<20 + 100

// settle is how long the caller of a function that reported an error waits at most to hear whether its process went on.
const settle = 500 * time.Millisecond

// Headers and trailers of the Runtime API.
const (
	headerRequestID = "Lambda-Runtime-Aws-Request-Id"
	headerDeadline  = "Lambda-Runtime-Deadline-Ms"
	headerFunction  = "Lambda-Runtime-Invoked-Function-Arn"
	headerTrace     = "Lambda-Runtime-Trace-Id"
	headerMode      = "Lambda-Runtime-Function-Response-Mode"
	headerErrorType = "Lambda-Runtime-Function-Error-Type"
	headerErrorBody = "Lambda-Runtime-Function-Error-Body"
)

func (p *process) routes() http.Handler {
	const root = "/2018-06-01/runtime/"
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+root+"invocation/next", p.next)
	mux.HandleFunc("POST "+root+"invocation/{id}/response", p.respond)
	mux.HandleFunc("POST "+root+"invocation/{id}/error", p.fail)
	mux.HandleFunc("POST "+root+"init/error", p.failInit)
	return mux
}

// next hands out an event.
func (p *process) next(w http.ResponseWriter, r *http.Request) {
	inv := p.take()
	for inv == nil {
		if p.mayNotAsk() {
			refuseTransition(w, string(answering), string(idle))
			return
		}
		select {
		case <-p.work:
			inv = p.take()
		case <-r.Context().Done():
			return
		}
	}
	h := w.Header()
	h.Set(headerRequestID, inv.RequestID)
	h.Set(headerDeadline, strconv.FormatInt(inv.handed.Add(inv.Timeout).UnixMilli(), 10))
	h.Set(headerFunction, inv.FunctionARN)
	h.Set(headerTrace, inv.TraceID)
	h.Set("Content-Type", "application/json")
	h.Set("Content-Length", strconv.Itoa(len(inv.Payload)))
	_, _ = w.Write(inv.Payload) // to a process that may be gone: its end says so
}

func (p *process) mayNotAsk() bool {
	p.env.mu.Lock()
	defer p.env.mu.Unlock()
	return p.state == answering
}

// take is the event for a process that asks for one, or nil if there is none yet.
func (p *process) take() *invocation {
	e := p.env
	e.mu.Lock()
	defer e.mu.Unlock()
	switch p.state {
	case starting:
		e.initialized(p)
	case answered:
		p.state = idle
		if e.current != nil && e.current.failure != nil {
			e.finish(*e.current.failure)
		}
	case running:
		return e.current
	}
	if p.state != idle || e.current == nil {
		return nil
	}
	p.state = running
	select {
	case p.busy <- struct{}{}:
	default: // that of the last event was not looked at
	}
	e.current.handed = time.Now()
	e.last = e.current.RequestID
	return e.current
}

// respond takes the answer of the function.
func (p *process) respond(w http.ResponseWriter, r *http.Request) {
	inv, ok := p.begin(w, r, "InvocationResponse")
	if !ok {
		return
	}
	if mode := r.Header.Get(headerMode); mode != "" {
		p.answer(w, inv, failed("Runtime.InvalidResponseModeHeader", "streamed answers are not simulated"), false)
		refuse(w, http.StatusBadRequest, "InvalidFunctionResponseMode", "Invalid function response mode: "+mode+" is not simulated")
		return
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, maxAnswer+1))
	switch {
	case err != nil:
		p.answer(w, inv, failed("Runtime.TruncatedResponse", "the answer ended before its end: "+err.Error()), false)
		refuse(w, http.StatusBadRequest, "TruncatedHTTPRequest", "HTTP request detected as truncated")
	case len(body) > maxAnswer:
		p.answer(w, inv, failed("Function.ResponseSizeTooLarge",
			fmt.Sprintf("Response payload size exceeded maximum allowed payload size (%d bytes).", maxAnswer)), false)
		refuse(w, http.StatusRequestEntityTooLarge, "RequestEntityTooLarge", fmt.Sprintf("Exceeded maximum allowed payload size (%d bytes).", maxAnswer))
	case r.Trailer.Get(headerErrorType) != "": // the function failed while it wrote its answer
		payload, err := base64.StdEncoding.DecodeString(r.Trailer.Get(headerErrorBody))
		if err != nil {
			payload = nil
		}
		p.answer(w, inv, Result{Err: reported(r.Trailer.Get(headerErrorType), payload)}, true)
	default:
		p.answer(w, inv, Result{Payload: body}, true)
	}
}

// fail takes the error of the function.
func (p *process) fail(w http.ResponseWriter, r *http.Request) {
	inv, ok := p.begin(w, r, "InvocationErrorResponse")
	if !ok {
		return
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, maxAnswer))
	if err != nil {
		body = nil // the type is all there is
	}
	p.answer(w, inv, Result{Err: reported(r.Header.Get(headerErrorType), body)}, true)
}

// failInit takes the error of an initialization, after which the process ends.
func (p *process) failInit(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(io.LimitReader(r.Body, maxAnswer))
	if err != nil {
		body = nil
	}
	p.env.mu.Lock()
	defer p.env.mu.Unlock()
	if p.state != starting || p.initError != nil {
		refuseTransition(w, string(p.state), "InitError")
		return
	}
	p.initError = reported(r.Header.Get(headerErrorType), body)
	accept(w)
	time.AfterFunc(settle, func() {
		p.env.mu.Lock()
		defer p.env.mu.Unlock()
		p.kill()
	})
}

// begin checks that an answer is to the invocation under way, and says so to the process if it is not.
func (p *process) begin(w http.ResponseWriter, r *http.Request, to string) (*invocation, bool) {
	e := p.env
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.last == "" || r.PathValue("id") != e.last {
		refuse(w, http.StatusBadRequest, "InvalidRequestID", "Invalid request ID")
		return nil, false
	}
	if p.state != running || e.current == nil {
		refuseTransition(w, string(p.state), to)
		return nil, false
	}
	p.state = answering
	return e.current, true
}

// answer ends an invocation as the process said. An error is told once it is known whether the process goes on.
func (p *process) answer(w http.ResponseWriter, inv *invocation, r Result, fine bool) {
	e := p.env
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.current != inv || !p.checkMemory(peakResident) {
		return // the process is being killed, and its end ends the invocation
	}
	p.state = answered
	if fine {
		accept(w)
	}
	r.Duration = time.Since(inv.handed)
	if r.Err == nil {
		e.finish(r)
		return
	}
	inv.failure = &r
	time.AfterFunc(settle, func() {
		e.mu.Lock()
		defer e.mu.Unlock()
		if e.current == inv {
			e.finish(r)
		}
	})
}

func failed(kind, message string) Result { return Result{Err: &Error{Type: kind, Message: message}} }

// reported is an error as a process reported it. The type in the document counts before that of the header.
func reported(kind string, body []byte) *Error {
	var document struct{ ErrorType, ErrorMessage string }
	if err := json.Unmarshal(body, &document); err != nil {
		document.ErrorMessage = string(body) // not what a runtime should send; the caller gets it all the same
		body = nil
	}
	if document.ErrorType != "" {
		kind = document.ErrorType
	}
	if kind == "" {
		kind = "Runtime.UnknownReason"
	}
	return &Error{Type: kind, Message: document.ErrorMessage, Payload: body}
}

func accept(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusAccepted)
	_, _ = io.WriteString(w, `{"status":"OK"}`+"\n")
}

func refuseTransition(w http.ResponseWriter, from, to string) {
	refuse(w, http.StatusForbidden, "InvalidStateTransition", fmt.Sprintf("Transition from %s to %s is not allowed", from, to))
}

func refuse(w http.ResponseWriter, status int, kind, message string) {
	b, err := json.Marshal(map[string]string{"errorType": kind, "errorMessage": message})
	if err != nil {
		panic(err) // strings
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(b)
}
