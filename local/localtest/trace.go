package localtest

import (
	"fmt"
	"io"
	"path"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/orderflow-cdk/orderflow/local"
)

// Trace is what happened in a stack, in order.
type Trace []local.Event

// Trace returns everything that happened since Start.
func (s *Stack) Trace() Trace {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.trace)
}

// Where returns the events for which keep is true.
func (t Trace) Where(keep func(local.Event) bool) Trace {
	var kept Trace
	for _, e := range t {
		if keep(e) {
			kept = append(kept, e)
		}
	}
	return kept
}

// Kind returns the events of one kind.
func (t Trace) Kind(kind local.EventKind) Trace {
	return t.Where(func(e local.Event) bool { return e.Kind == kind })
}

// Action returns the events whose Action matches a pattern of path.Match, in which * is also
// everything up to a slash: "sqs:SendMessage", "dynamodb:*", "POST /orders". It panics
// with a pattern that is none.
func (t Trace) Action(pattern string) Trace {
	return t.Where(func(e local.Event) bool {
		ok, err := path.Match(pattern, e.Action)
		if err != nil {
			panic(fmt.Sprintf("localtest: %q: %v", pattern, err))
		}
		return ok
	})
}

// From returns the events whose From begins so. The CDK ends logical ids with a hash of their
// own, which a test need not know.
func (t Trace) From(prefix string) Trace {
	return t.Where(func(e local.Event) bool { return strings.HasPrefix(e.From, prefix) })
}

// To returns the events whose To begins so.
func (t Trace) To(prefix string) Trace {
	return t.Where(func(e local.Event) bool { return strings.HasPrefix(e.To, prefix) })
}

// String is the trace as a table, one line for each event.
func (t Trace) String() string {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	for _, e := range t {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%v\t%s\n", e.Time.UTC().Format("01-02 15:04:05.000"), e.Kind, e.From, e.To, e.Action, e.Duration, said(e))
	}
	_ = w.Flush() // to a builder
	return b.String()
}

// maxSaid is how much of an event's error or detail a line has, in characters.
const maxSaid = 100

func said(e local.Event) string {
	text := e.Detail
	if e.Err != "" {
		text = "! " + e.Err
	}
	text = strings.Join(strings.Fields(text), " ")
	if r := []rune(text); len(r) > maxSaid {
		return string(r[:maxSaid]) + "…"
	}
	return text
}

// Logs returns the lines that the functions wrote since Start.
func (s *Stack) Logs() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.logs)
}

// logs keeps what the functions write, line by line.
type logs struct {
	stack *Stack
	also  io.Writer
}

// Write implements io.Writer.
func (l logs) Write(p []byte) (int, error) {
	l.stack.mu.Lock()
	for line := range strings.Lines(string(p)) {
		if line = strings.TrimRight(line, "\n"); line != "" {
			l.stack.logs = append(l.stack.logs, line)
		}
	}
	l.stack.mu.Unlock()
	if l.also != nil {
		return l.also.Write(p)
	}
	return len(p), nil
}

// How much a test that fails is told, in lines.
const (
	lastEvents = 60
	lastLines  = 40
)

// condensed leaves out what happened again and again but for the last times, as a test's polling does.
func condensed(t Trace) (kept Trace, left int) {
	type kind struct {
		kind             local.EventKind
		from, to, action string
	}
	const last = 3
	seen := map[kind]int{}
	for _, e := range slices.Backward(t) {
		k := kind{e.Kind, e.From, e.To, e.Action}
		if seen[k]++; seen[k] > last && e.Err == "" {
			left++
			continue
		}
		kept = append(kept, e)
		if len(kept) == lastEvents {
			break
		}
	}
	slices.Reverse(kept)
	return kept, left
}

// report logs the end of the trace and of the logs.
func (s *Stack) report() {
	trace, lines := s.Trace(), s.Logs()
	// Log lines are in the trace too, but shortened.
	trace = trace.Where(func(e local.Event) bool { return e.Kind != local.EventLog })
	if len(trace) > 0 {
		shown, left := condensed(trace)
		s.t.Logf("what happened last (%d of %d events; without %d of what happened again and again):\n%s", len(shown), len(trace), left, shown)
	}
	if len(lines) > 0 {
		s.t.Logf("what functions logged last (%d of %d lines):\n%s", min(len(lines), lastLines), len(lines), strings.Join(lines[max(0, len(lines)-lastLines):], "\n"))
	}
}
