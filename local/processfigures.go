package local

import (
	"cmp"
	"slices"
	"time"

	"github.com/orderflow-cdk/orderflow/local/internal/runtimeapi"
)

// FunctionFigures are how long the invocations of a function took since the template was loaded.
type FunctionFigures struct {
	// LogicalID is that of the template, Handler that of the function's code.
	LogicalID, Handler string
	// Process says that the function runs as a process at the moment.
	Process bool
	// Init is that of cold starts of processes: from the start of the process until it asks for its first event.
	Init Figures
	// Invocations is from the event to the answer, without Init: by the wall clock for processes, in the stack's time in process.
	Invocations Figures
	// MaxMemory is the most that a process had resident, in bytes; 0 in process, and where it is not known.
	MaxMemory int64
}

// Figures sum up durations. The percentiles are of the last 10,000.
type Figures struct {
	// Count is how many there were in all.
	Count int
	// P50 and P99 are percentiles, Max is the longest; 0 if there was none.
	P50, P99, Max time.Duration
}

const keptDurations = 10_000

// durations are the last of a series.
type durations struct {
	count int
	max   time.Duration
	last  []time.Duration // a ring
}

func (d *durations) add(t time.Duration) {
	if len(d.last) < keptDurations {
		d.last = append(d.last, t)
	} else {
		d.last[d.count%keptDurations] = t
	}
	d.count++
	d.max = max(d.max, t)
}

func (d *durations) figures() Figures {
	f := Figures{Count: d.count, Max: d.max}
	if n := len(d.last); n > 0 {
		sorted := slices.Sorted(slices.Values(d.last))
		f.P50, f.P99 = sorted[n/2], sorted[n*99/100]
	}
	return f
}

type functionFigures struct {
	init, invocations durations
	memory            int64
}

func (f *functionFigures) add(r runtimeapi.Result) {
	if r.Init > 0 {
		f.init.add(r.Init)
	}
	if r.Duration > 0 { // otherwise it never came to the event
		f.invocations.add(r.Duration)
	}
	f.memory = max(f.memory, r.MaxMemory)
}

// FunctionFigures returns those of all functions, in the order of their logical ids.
func (s *Stack) FunctionFigures() []FunctionFigures {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := make([]FunctionFigures, len(s.codes))
	for i, c := range s.codes {
		all[i] = FunctionFigures{
			LogicalID: c.info.LogicalID, Handler: c.info.Handler, Process: c.process != nil,
			Init: c.figures.init.figures(), Invocations: c.figures.invocations.figures(), MaxMemory: c.figures.memory,
		}
	}
	slices.SortFunc(all, func(a, b FunctionFigures) int { return cmp.Compare(a.LogicalID, b.LogicalID) })
	return all
}
