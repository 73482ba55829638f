package states

import (
	"slices"
	"strconv"
	"time"

	"github.com/orderflow-cdk/orderflow/local/internal/api"
)

// Limits of redrives (Step Functions API reference, RedriveExecution).
const (
	redrivablePeriod  = 14 * 24 * time.Hour // after an execution has closed
	maxRedrivable     = maxHistory - 1      // an execution with as many events has no room for another
	keptRedriveTokens = 10
	redriveTokenLife  = 15 * time.Minute
)

// redrives are those of an execution.
type redrives struct {
	// Redrives is how often the execution was redriven, and Redriven when that was last.
	Redrives int
	Redriven time.Time
	tokens   []redriveToken // of the latest redrives, oldest first
	kept     bool           // while it is restored: it has its branches though it has closed
}

// redriveToken is the client token with which an execution was redriven.
type redriveToken struct {
	Token string    `json:"token"`
	At    time.Time `json:"at"`
}

func (s *Service) redriveExecution(b []byte) ([]byte, error) {
	var in struct {
		ExecutionArn string  `json:"executionArn"`
		ClientToken  *string `json:"clientToken"`
	}
	if err := decodeInput(b, &in); err != nil {
		return nil, err
	}
	ex, err := s.findExecution(in.ExecutionArn)
	if err != nil {
		return nil, err
	}
	now := s.k.Now()
	if in.ClientToken != nil {
		if n := len(*in.ClientToken); n < 1 || n > 64 {
			return nil, api.Errorf("ValidationException", "1 validation error detected: Value '%s' at 'clientToken' failed to satisfy constraint: Member must have length from 1 to 64", *in.ClientToken)
		}
		for _, t := range ex.tokens {
			if t.Token == *in.ClientToken && now.Sub(t.At) < redriveTokenLife {
				return appendJSON(nil, map[string]any{"redriveDate": epoch(t.At)}), nil
			}
		}
	}
	if reason := ex.notRedrivable(); reason != "" {
		return nil, api.Errorf("ExecutionNotRedrivable", "%s", reason)
	}
	if ex.root == nil {
		return nil, &api.Error{Code: "InternalFailure", Status: 501, Message: "not simulated: " + ex.notKept()}
	}
	if in.ClientToken != nil {
		ex.tokens = append(ex.tokens, redriveToken{*in.ClientToken, now})
		ex.tokens = ex.tokens[max(0, len(ex.tokens)-keptRedriveTokens):]
	}
	if err := ex.redrive(now); err != nil {
		return nil, err
	}
	return appendJSON(nil, map[string]any{"redriveDate": epoch(ex.Redriven)}), nil
}

// notRedrivable is why AWS would not redrive an execution, in the words of its API reference; empty if it would.
func (ex *Execution) notRedrivable() string {
	now := ex.sm.s.k.Now()
	switch {
	case ex.Status == Running || ex.Status == Succeeded:
		return "Execution is " + string(ex.Status) + " and cannot be redriven"
	case ex.history.count >= maxRedrivable:
		return "Execution history event limit exceeded"
	case now.Sub(ex.Start) >= maxDuration:
		return "Execution has exceeded the max execution time"
	case now.Sub(ex.Stop) >= redrivablePeriod:
		return "Execution redrivable period exceeded"
	}
	return ""
}

// notKept is why the execution cannot be redriven here, where it could on AWS.
func (ex *Execution) notKept() string {
	return "where " + ex.Name + " failed was not kept: the local stack keeps it for the " + strconv.Itoa(ex.sm.s.KeepHistories) + " executions that closed last"
}

// describeRedrives adds to what DescribeExecution answers.
func (ex *Execution) describeRedrives(out map[string]any) {
	out["redriveCount"], out["redriveStatus"] = float64(ex.Redrives), "REDRIVABLE"
	if ex.Redrives > 0 {
		out["redriveDate"] = epoch(ex.Redriven)
	}
	reason := ex.notRedrivable()
	if reason == "" && ex.root == nil {
		reason = ex.notKept()
	}
	if reason != "" {
		out["redriveStatus"], out["redriveStatusReason"] = "NOT_REDRIVABLE", reason
	}
}

// redrive has a closed execution go on where it failed.
func (ex *Execution) redrive(now time.Time) error {
	input, err := decodeJSON([]byte(ex.Input))
	if err != nil {
		return err
	}
	s := ex.sm.s
	if i := slices.Index(s.closed, ex); i >= 0 {
		s.closed = slices.Delete(s.closed, i, i+1)
	}
	ex.Status, ex.Stop, ex.Error, ex.Cause, ex.closing = Running, time.Time{}, "", "", 0
	ex.Redrives++
	ex.Redriven = now
	ex.setContext(input)
	ex.size = ex.root.variablesSize()
	ex.startTimeout()
	ex.touch()
	id := ex.log(event{kind: executionRedriven, prev: ex.lastID(), index: int32(ex.Redrives)})
	ex.root.redrive(id)
	return nil
}

// redrive has a branch try again what failed: its state, or what below that failed or was aborted. Its retriers count anew.
func (b *branch) redrive(after int32) {
	b.retried, b.retryCount, b.context, b.token = b.retried[:0], 0, nil, ""
	b.working()
	f := b.fan
	if f == nil {
		b.last = after
		if b.enteredID == 0 { // it had not come to the state yet
			b.transition(b.state, b.input)
			return
		}
		s := b.ex.sm.s
		b.schedule(retrying, s.k.Now().Add(s.Transition))
		return
	}
	f.failed, f.done, f.active, f.parked = 0, 0, 0, 0
	clear(f.tolerated)
	for i := 0; i < f.started && b.fan == f; i++ {
		switch child := f.running[i]; {
		case child == nil:
			f.done++
		case b.state.typ == mapState && f.active >= f.limit:
			f.parked++
			child.phase = parked
			child.touch()
		default:
			f.active++
			child.redrive(after)
		}
	}
	if b.state.typ == mapState {
		for b.fan == f && f.started < len(f.items) && f.active < f.limit {
			b.iterate(after)
		}
	}
}

// unpark has the next iteration go on that waits for its turn since a redrive; false if none does.
func (b *branch) unpark(after int32) bool {
	f := b.fan
	if f.parked == 0 {
		return false
	}
	i := slices.IndexFunc(f.running, func(child *branch) bool { return child != nil && child.phase == parked })
	f.parked--
	f.active++
	f.running[i].redrive(after)
	return true
}

// bury keeps a branch that failed, for a redrive.
func (f *fan) bury(child *branch) {
	if f.dead == nil {
		f.dead = map[int]*branch{}
	}
	f.dead[child.index] = child
}

// exhume is the fan of an attempt that failed, with the branches that failed among those that a redrive has go on.
func (f *fan) exhume() *fan {
	for i, child := range f.dead {
		f.running[i] = child
	}
	f.dead = nil
	return f
}

// keepWreck makes of a branch of an execution that has closed what a redrive goes on from, with all below it.
func (b *branch) keepWreck() {
	b.fan, b.wreck, b.context, b.token = b.wreck, nil, nil, ""
	b.touch()
	if b.fan == nil {
		return
	}
	for i, child := range b.fan.running {
		switch {
		case child != nil:
			child.keepWreck()
		case i < b.fan.started:
			b.touchChild(i)
		}
	}
}

// forgetWreck forgets it.
func (ex *Execution) forgetWreck() {
	if ex.root == nil || ex.Status == Running {
		return
	}
	if changed := ex.sm.s.changed; changed != nil {
		for _, key := range ex.root.keys(nil) {
			changed(key)
		}
	}
	ex.root = nil
}

// idle tells whether a branch is not under way since an iteration that it is, or is below, waits for its turn.
func (b *branch) idle() bool {
	for ; b != nil; b = b.parent {
		if b.phase == parked {
			return true
		}
	}
	return false
}
