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
	root    *branch // nil once it has closed
	timeout *sim.Event
	history history
	context map[string]any // $states.context.Execution
	machine map[string]any // $states.context.StateMachine
	size    int            // bytes of all variables, or more
	onClose []func()
}

// start runs an execution of sm whose input has been checked.
func (sm *StateMachine) start(arn, name, text string, input any) *Execution {
	s := sm.s
	ex := &Execution{ARN: arn, Name: name, Status: Running, Start: s.k.Now(), Input: text, sm: sm}
	ex.context = map[string]any{
		"Id": arn, "Input": input, "Name": name, "RoleArn": sm.RoleARN,
		"StartTime": ex.Start.Format(timeFormat), "RedriveCount": 0.0,
	}
	ex.machine = map[string]any{"Id": sm.ARN, "Name": sm.Name}
	sm.Started++
	if !sm.Express {
		sm.executions = append(sm.executions, ex)
		sm.names[name] = ex
		s.byARN[arn] = ex
	}
	limit := maxDuration
	if sm.Express {
		limit = maxExpressDuration
	}
	if t := seconds(sm.Machine.TimeoutSeconds); t > 0 {
		limit = min(limit, t)
	}
	ex.timeout = s.k.After(limit, func() {
		ex.close(TimedOut, errTimeout, "", nil, event{kind: executionTimedOut, prev: ex.root.last})
	})
	ex.root = &branch{ex: ex}
	ex.log(event{kind: executionStarted, data: input})
	ex.root.transition(sm.Machine.graph.start, input)
	return ex
}

func (ex *Execution) succeed(output any) {
	last := ex.root.last
	ex.Output = jsonText(output)
	ex.close(Succeeded, "", "", nil, event{kind: executionSucceeded, prev: last, data: output})
}

func (ex *Execution) fail(f *failure) {
	ex.close(Failed, f.name, f.cause, f, event{kind: executionFailed, prev: ex.root.last, data: f})
}

// close ends an execution in any way. Nothing of it is left but its record.
func (ex *Execution) close(status Status, name, cause string, f *failure, e event) {
	if ex.Status != Running {
		return
	}
	s := ex.sm.s
	ex.Status, ex.Error, ex.Cause, ex.Stop = status, name, cause, s.k.Now()
	ex.timeout.Cancel()
	ex.root.abandon()
	if f == nil && (name != "" || cause != "") {
		e.data = &failure{name: name, cause: cause}
	}
	ex.log(e)
	ex.root, ex.timeout, ex.context, ex.machine = nil, nil, nil, nil
	if !ex.history.dropped {
		ex.history.compact()
		ex.sm.events = len(ex.history.events)
	}
	if !ex.sm.Express && s.KeepHistories >= 0 {
		s.closed = append(s.closed, ex)
		for len(s.closed) > s.KeepHistories {
			s.closed[0].history.drop()
			s.closed[0] = nil
			s.closed = s.closed[1:]
		}
	}
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
