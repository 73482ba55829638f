package local

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/orderflow-cdk/orderflow/local/internal/lambda"
	"github.com/orderflow-cdk/orderflow/local/internal/logs"
)

// functionJournal is the log of a function.
type functionJournal struct {
	stack        *Stack
	function     *lambda.Function
	logicalID    string
	group        *logs.Group
	json         bool
	application  severity // of the lines that are kept
	system       severity
	environments map[int]*environmentJournal
	latest       *environmentJournal // that an invocation began in
}

// environmentJournal is what one execution environment logs. It is an io.Writer of lines.
type environmentJournal struct {
	*functionJournal
	stream    *logs.Stream
	requestID string // of the invocation that is under way or was the last
}

// journalOf is the log of a function.
func (s *Stack) journalOf(f *lambda.Function) *functionJournal {
	if j := s.byFunction[f.Name]; j != nil {
		return j
	}
	j := &functionJournal{stack: s, function: f, logicalID: s.names.logicalID(f.ARN), group: s.logs.GroupOf(f.LogGroup()), environments: map[int]*environmentJournal{}}
	if c := f.Properties.LoggingConfig; c != nil && c.LogFormat == "JSON" {
		j.json, j.application, j.system = true, severityOf(c.ApplicationLogLevel), severityOf(c.SystemLogLevel)
	}
	s.byFunction[f.Name] = j
	return j
}

func (j *functionJournal) environment(number int) *environmentJournal {
	e := j.environments[number]
	if e == nil {
		e = &environmentJournal{functionJournal: j, stream: j.group.Stream(j.function.LogStream(number), logs.Writer{Caller: j.function.Role(), Via: "lambda.amazonaws.com"})}
		j.environments[number] = e
	}
	return e
}

// environmentLog is where the lines of one of a function's execution environments go.
func (s *Stack) environmentLog(f *lambda.Function, instance int) io.Writer {
	return s.journalOf(f).environment(instance)
}

// Write implements io.Writer: it takes one line or several.
func (e *environmentJournal) Write(p []byte) (int, error) {
	n, err := e.stack.opts.Logs.Write(p)
	for line := range bytes.Lines(p) {
		e.line(bytes.TrimRight(line, "\r\n"))
	}
	return n, err
}

// line takes a line that the function wrote, or Lambda in its place.
func (e *environmentJournal) line(line []byte) {
	if len(line) == 0 {
		return
	}
	if !e.json || severityOfLine(line) >= e.application {
		e.stream.Put(e.end(string(line)))
		e.stack.billMetrics(line)
	}
	if e.stack.watching.Load() {
		e.stack.emit(Event{Kind: EventLog, From: e.logicalID, Action: "log", Ref: e.requestID, Detail: string(line)})
	}
}

// end is a message as it is in the log group: in the text format lines keep their end.
func (j *functionJournal) end(message string) string {
	if j.json {
		return message
	}
	return message + "\n"
}

// lambdaLine takes what Lambda writes to a function's log beside the lines of each invocation.
func (s *Stack) lambdaLine(f *lambda.Function, inst *lambda.Instance, line string) {
	fmt.Fprintf(s.opts.Logs, "%s: %s\n", f.Name, line)
	j := s.journalOf(f)
	switch {
	case inst != nil:
		j.environment(inst.Number).line([]byte(line))
	case j.latest != nil:
		j.latest.line([]byte(line))
	}
}

// invocationJournal is what one invocation logs.
type invocationJournal struct {
	*environmentJournal
	id    string // of the request
	begun time.Time
	from  uint64 // the number of its first event
}

// beginJournal is asked for the journal of each invocation.
func (s *Stack) beginJournal(inv lambda.Invocation) lambda.Journal {
	f := s.journalOf(inv.Function)
	e := f.environment(inv.Environment.Number)
	e.requestID, f.latest = inv.RequestID, e
	id := inv.RequestID
	j := &invocationJournal{environmentJournal: e, id: id, begun: s.kernel.Now(), from: f.group.Next()}
	if inv.Cold {
		runtime := strings.Replace(inv.Function.Properties.Runtime, ".", ":", 1)
		j.platform(info, "initStart", func() string { return "INIT_START Runtime Version: " + runtime }, func() map[string]any {
			return map[string]any{"initializationType": "on-demand", "phase": "init", "runtimeVersion": runtime}
		})
	}
	version, _ := inv.Function.LookupEnv("AWS_LAMBDA_FUNCTION_VERSION", inv.Environment.Number)
	j.platform(info, "start", func() string { return "START RequestId: " + id + " Version: " + version }, func() map[string]any {
		return map[string]any{"requestId": id, "version": version}
	})
	return j
}

// platform adds one of Lambda's own lines, in the format of the function; text is nil if the text format has none. What it has of
// an invocation is little, since thousands of lines are kept of which most are never read.
//
// Source: Lambda Developer Guide, "Configuring JSON and plain text log formats" and "Log-level filtering";
// Telemetry API reference for the records.
func (j *invocationJournal) platform(level severity, kind string, text func() string, record func() map[string]any) {
	switch {
	case !j.json && text != nil:
		j.stream.PutLater(func() string { return text() + "\n" })
	case j.json && level >= j.system:
		at := j.stack.kernel.Now().UTC().Format("2006-01-02T15:04:05.000Z")
		j.stream.PutLater(func() string {
			b, err := json.Marshal(struct {
				Time   string         `json:"time"`
				Type   string         `json:"type"`
				Record map[string]any `json:"record"`
			}{at, "platform." + kind, record()})
			if err != nil {
				panic(err) // texts and numbers
			}
			return string(b)
		})
	}
}

// Ended implements lambda.Journal. How much memory was used is told of processes only: within this one
// nobody can tell.
func (j *invocationJournal) Ended(ferr *lambda.FunctionError) {
	d := j.stack.kernel.Now().Sub(j.begun)
	// An error that the code itself returned is no failure of the environment, which the text format does not tell of.
	status, level, done, kind := "success", info, debug, ""
	switch {
	case ferr == nil:
	case ferr.Type == "Sandbox.Timedout":
		status, level, done = "timeout", warn, warn
	case ferr.Exit:
		status, level, done, kind = "failure", warn, warn, ferr.Type
	default:
		status, level, done, kind = "error", warn, warn, ferr.Type
	}
	r := &report{j.id, d, j.function.Memory(), status, kind}
	if j.json {
		j.platform(done, "runtimeDone", nil, r.done)
		j.platform(level, "report", nil, r.record)
		return
	}
	id := j.id
	j.platform(info, "", func() string { return "END RequestId: " + id }, nil)
	j.platform(info, "", r.text, nil)
}

// report is what Lambda tells of an invocation that has ended.
type report struct {
	id           string
	duration     time.Duration
	memory       int
	status, kind string
}

func (r *report) ms() float64 { return float64(r.duration.Microseconds()) / 1000 }

func (r *report) billed() int64 {
	return max(1, int64((r.duration+time.Millisecond-1)/time.Millisecond))
}

func (r *report) text() string {
	line := fmt.Sprintf("REPORT RequestId: %s\tDuration: %.2f ms\tBilled Duration: %d ms\tMemory Size: %d MB\t", r.id, r.ms(), r.billed(), r.memory)
	switch r.status {
	case "timeout":
		line += "Status: timeout\t"
	case "failure":
		line += "Status: error\tError Type: " + r.kind + "\t"
	}
	return line
}

func (r *report) done() map[string]any { return r.with(map[string]any{"durationMs": r.ms()}) }

func (r *report) record() map[string]any {
	return r.with(map[string]any{"durationMs": r.ms(), "billedDurationMs": r.billed(), "memorySizeMB": r.memory})
}

func (r *report) with(metrics map[string]any) map[string]any {
	record := map[string]any{"requestId": r.id, "status": r.status, "metrics": metrics}
	if r.kind != "" {
		record["errorType"] = r.kind
	}
	return record
}

// tailSize is how much of its log an invocation gets back (API reference, Invoke: LogType).
const tailSize = 4 << 10

// Tail implements lambda.Journal.
func (j *invocationJournal) Tail() []byte {
	var b []byte
	for _, message := range j.stream.Since(j.from) {
		b = append(b, message...)
		if j.json {
			b = append(b, '\n')
		}
	}
	return b[max(0, len(b)-tailSize):]
}

// severity is how bad it is that a line is written.
type severity int

const (
	trace severity = iota
	debug
	info
	warn
	fault
	fatal
)

// severityOf is the severity with a name: INFO if it has none of them, as Lambda has it.
func severityOf(name string) severity {
	switch strings.ToUpper(name) {
	case "TRACE":
		return trace
	case "DEBUG":
		return debug
	case "WARN", "WARNING":
		return warn
	case "ERROR":
		return fault
	case "FATAL", "CRITICAL":
		return fatal
	}
	return info
}

// severityOfLine is that of a line of JSON with a member level, else INFO.
func severityOfLine(line []byte) severity {
	const key = `"level":"`
	i := bytes.Index(line, []byte(key))
	if i < 0 || line[0] != '{' {
		return info
	}
	rest := line[i+len(key):]
	end := bytes.IndexByte(rest, '"')
	if end < 0 || end > len("CRITICAL") {
		return info
	}
	return severityOf(string(rest[:end]))
}
