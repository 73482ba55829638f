package states

import (
	"time"

	"github.com/orderflow-cdk/orderflow/local/internal/sim"
)

// Status is that of an execution.
type Status string

// The statuses of an execution.
const (
	Running   Status = "RUNNING"
	Succeeded Status = "SUCCEEDED"
	Failed    Status = "FAILED"
	TimedOut  Status = "TIMED_OUT"
	Aborted   Status = "ABORTED"
)

// Execution is one run of a state machine.
type Execution struct {
	// ARN and Name identify it.
	ARN, Name string
	// Status is where it stands; Error and Cause say why it failed.
	Status       Status
	Error, Cause string
	// Start and Stop are when it began and when it closed.
	Start, Stop time.Time
	// Input and Output are JSON; Output is empty unless it succeeded.
	Input, Output string

	sm      *StateMachine
	version *version // of the state machine, at its start
	role    string   // ARN of the state machine's, at its start
	number  int      // among the state machine's executions, from 1
	closing uint64   // among those that closed, from 1
	saves   saves    // what of it outlives the process
	counted bool     // among the version's users
	root    *branch  // nil once it has closed, unless it can be redriven
	redrives
	timeout *sim.Event
	history history
	context map[string]any // $states.context.Execution
	machine map[string]any // $states.context.StateMachine
	size    int            // bytes of all variables, or more
	onClose []func()
}

// start runs an execution of sm whose input has been checked.
func (sm *StateMachine) start(arn, name, text string, input any, saves saves) *Execution {
	sm.Started++
	sm.bill(sm.Express)
	if sm.s.Begins != nil {
		sm.s.Begins(sm)
	}
	ex := &Execution{
		ARN: arn, Name: name, Status: Running, Start: sm.s.k.Now(), Input: text,
		sm: sm, version: sm.version, role: sm.RoleARN, number: sm.Started, saves: saves,
	}
	ex.setContext(input)
	ex.enlist()
	ex.startTimeout()
	ex.root = &branch{ex: ex}
	ex.touch()
	ex.log(event{kind: executionStarted, data: input})
	ex.root.transition(sm.Machine.graph.start, input)
	return ex
}

// setContext makes the parts of the context object that are the same in all states.
func (ex *Execution) setContext(input any) {
	ex.context = map[string]any{
		"Id": ex.ARN, "Input": input, "Name": ex.Name, "RoleArn": ex.role,
		"StartTime": ex.Start.Format(timeFormat), "RedriveCount": float64(ex.Redrives),
	}
	if ex.Redrives > 0 {
		ex.context["RedriveTime"] = ex.Redriven.Format(timeFormat)
	}
	ex.machine = map[string]any{"Id": ex.sm.ARN, "Name": ex.sm.Name}
}

// enlist makes the execution one that can be found, unless it is an Express one.
func (ex *Execution) enlist() {
	sm := ex.sm
	if !sm.Express {
		sm.executions = append(sm.executions, ex)
		sm.names[ex.Name] = ex
		sm.s.byARN[ex.ARN] = ex
	}
	ex.keep()
}

// deadline is when the execution times out.
func (ex *Execution) deadline() time.Time {
	limit := maxDuration
	if ex.sm.Express {
		limit = maxExpressDuration
	}
	latest := ex.Start.Add(limit)
	if t := seconds(ex.version.machine.TimeoutSeconds); t > 0 {
		begun := ex.Start
		if ex.Redrives > 0 { // by which the timeout begins anew
			begun = ex.Redriven
		}
		if own := begun.Add(t); own.Before(latest) {
			return own
		}
	}
	return latest
}

func (ex *Execution) startTimeout() {
	ex.timeout = ex.sm.s.k.At(ex.deadline(), func() {
		ex.close(TimedOut, errTimeout, "", nil, event{kind: executionTimedOut, prev: ex.root.last})
	})
}

func (ex *Execution) succeed(output any) {
	last := ex.root.last
	ex.Output = jsonText(output)
	ex.close(Succeeded, "", "", nil, event{kind: executionSucceeded, prev: last, data: output})
}

func (ex *Execution) fail(f *failure) {
	ex.close(Failed, f.name, f.cause, f, event{kind: executionFailed, prev: ex.root.last, data: f})
}

// close ends an execution in any way. Nothing of it is left but its record, and what a redrive goes on from.
func (ex *Execution) close(status Status, name, cause string, f *failure, e event) {
	if ex.Status != Running {
		return
	}
	s := ex.sm.s
	ex.Status, ex.Error, ex.Cause, ex.Stop = status, name, cause, s.k.Now()
	ex.timeout.Cancel()
	ex.root.abandon()
	if ex.sm.Express {
		ex.sm.ExpressMS += billedMS(ex.Stop.Sub(ex.Start))
	}
	if f == nil && (name != "" || cause != "") {
		e.data = &failure{name: name, cause: cause}
	}
	ex.log(e)
	ex.touch()
	ex.timeout, ex.context, ex.machine = nil, nil, nil
	if status == Succeeded || ex.saves != saveAll || ex.history.dropped {
		ex.root = nil
	} else {
		ex.root.keepWreck()
	}
	s.closings++
	ex.closing = s.closings
	if !ex.history.dropped {
		ex.history.compact()
		ex.sm.events = len(ex.history.events)
	}
	if !ex.sm.Express && s.KeepHistories >= 0 {
		s.closed = append(s.closed, ex)
		for len(s.closed) > s.KeepHistories {
			s.closed[0].dropHistory()
			s.closed[0] = nil
			s.closed = s.closed[1:]
		}
	}
	ex.settleVersion()
	waiting := ex.onClose
	ex.onClose = nil
	for _, f := range waiting {
		f()
	}
}

func seconds(f float64) time.Duration {
	if f > longest {
		f = longest
	}
	return time.Duration(f * float64(time.Second))
}

// bill counts the start of an execution, or with express false a transition.
//
// Source: Step Functions pricing: "counts a state transition each time a step of your workflow is executed", "including retries". That the
// start is one, too, it does not say in words; counting it makes a bill rather too high than too low.
func (sm *StateMachine) bill(express bool) {
	if express {
		sm.ExpressRequests++
	} else {
		sm.Transitions++
	}
}

// billedMS is a duration in milliseconds, rounded up to the next 100 (Step Functions pricing, Express Workflows).
func billedMS(d time.Duration) int64 {
	const step = 100 * time.Millisecond
	return int64(max(1, (d+step-1)/step)) * step.Milliseconds()
}
