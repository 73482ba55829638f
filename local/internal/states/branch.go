package states

import (
	"maps"
	"math"
	"time"

	"github.com/orderflow-cdk/orderflow/local/internal/sim"
)

// branch is one thread of an execution: the machine itself, a branch of a
// Parallel state or an iteration of a Map state. It is in exactly one state.
type branch struct {
	ex     *Execution
	parent *branch // nil for the machine itself
	index  int     // among the parent's branches
	item   any     // of a Map's iteration

	vars   map[string]any // variables in scope, those of the outer scopes included
	shared bool           // vars belongs to the parent too

	state      *state
	input      any
	entered    time.Time
	enteredID  int32
	beforeID   int32 // the event before the state was entered
	last       int32 // the branch's latest event
	retried    []int // per retrier of the state
	retryCount int

	// attempt tells what the branch waits for now from what it once waited for.
	attempt   uint32
	timer     *sim.Event // to go on: transition, Wait, delay before a retry
	timeout   *sim.Event
	heartbeat *sim.Event
	beat      time.Duration
	token     string         // of the current attempt; valid while the service knows it
	saved                    // what only a restart needs
	fan       *fan           // of a Parallel or Map state
	wreck     *fan           // of its latest attempt, which failed: what a redrive goes on from
	context   map[string]any // $states.context of the current attempt, once asked for
}

// transition moves on to a state after the time that this takes.
func (b *branch) transition(next *state, input any) {
	b.state, b.input, b.enteredID, b.wreck = next, input, 0, nil
	s := b.ex.sm.s
	b.schedule(moving, s.k.Now().Add(s.Transition))
}

func (b *branch) enter() {
	b.entered = b.ex.sm.s.k.Now()
	b.retryCount, b.retried = 0, b.retried[:0]
	b.beforeID = b.last
	b.note(event{kind: stateEntered, state: b.state, data: b.input})
	b.enteredID = b.last
	b.run()
}

// run is one attempt at the current state.
func (b *branch) run() {
	if b.ex.overlong() {
		return
	}
	if !b.ex.sm.Express {
		b.ex.sm.bill(false)
	}
	b.attempt++
	b.token, b.context, b.wreck = "", nil, nil
	b.working()
	switch b.state.typ {
	case taskState:
		b.runTask()
	case parallelState:
		b.runParallel()
	case mapState:
		b.runMap()
	case choiceState:
		b.runChoice()
	case waitState:
		b.runWait()
	case failState:
		b.runFail()
	default: // Pass and Succeed
		b.finish(b.input, false)
	}
}

// finish ends the current state with a result, or with its input where the
// state has no result of its own.
func (b *branch) finish(result any, hasResult bool) {
	if b.state.paths != nil {
		b.finishPaths(result, hasResult)
		return
	}
	sc := scope{result: result, hasResult: hasResult}
	b.leave(b.state.output, b.state.assign, &sc, result, b.state.next)
}

// leave evaluates Output and Assign, both with the variables as they were,
// and goes on to the next state or ends the branch.
func (b *branch) leave(output *template, assign []field, sc *scope, def any, next *state) {
	out := def
	if output != nil {
		v, f := b.evalTemplate(output, sc)
		if f != nil {
			b.handle(f)
			return
		}
		out = v
	}
	vars, f := b.evalAssign(assign, sc)
	if f != nil {
		b.handle(f)
		return
	}
	if output != nil && output.kind != literalTemplate && exceeds(out, maxPayload) {
		b.handle(tooLarge(b.state.name))
		return
	}
	b.exit(out, vars, next)
}

// exit assigns what is to be assigned and goes on to the next state or ends the branch.
func (b *branch) exit(out any, vars map[string]any, next *state) {
	b.assign(vars)
	b.note(event{kind: stateExited, state: b.state, data: out, assigned: vars})
	if next != nil {
		b.transition(next, out)
		return
	}
	b.end(out)
}

// end is a branch's success.
func (b *branch) end(out any) {
	if b.parent == nil {
		b.ex.succeed(out)
		return
	}
	b.parent.childSucceeded(b, out)
}

// evalAssign evaluates the values of Assign.
func (b *branch) evalAssign(assign []field, sc *scope) (map[string]any, *failure) {
	if len(assign) == 0 {
		return nil, nil
	}
	vars := make(map[string]any, len(assign))
	for _, f := range assign {
		v, fail := b.evalTemplate(f.value, sc)
		if fail != nil {
			return nil, fail
		}
		vars[f.name] = v
	}
	return vars, b.measure(vars)
}

// measure refuses variables that are too large, or too large with those that there are.
func (b *branch) measure(vars map[string]any) *failure {
	size := jsonSize(vars, maxPayload)
	if size > maxPayload {
		return tooLarge(b.state.name)
	}
	// What is assigned is added up, and what it replaces is only taken off
	// when the sum seems to be too much.
	b.ex.size += size
	if b.ex.size > maxVariables {
		b.ex.size = b.ex.root.variablesSize() + size
		if b.ex.size > maxVariables {
			return tooLarge(b.state.name)
		}
	}
	return nil
}

// variablesSize is the size of a branch's variables and of those below it.
func (b *branch) variablesSize() int {
	n := 0
	if !b.shared {
		n = jsonSize(b.vars, maxVariables)
	}
	if b.fan != nil {
		for _, child := range b.fan.running {
			if child != nil {
				n += child.variablesSize()
			}
		}
	}
	return n
}

// assign takes the new values over, in the branch's own copy of its scope.
func (b *branch) assign(vars map[string]any) {
	if len(vars) == 0 {
		return
	}
	switch {
	case b.vars == nil:
		b.vars = make(map[string]any, len(vars)+1)
	case b.shared:
		b.vars = maps.Clone(b.vars)
	}
	b.shared = false
	maps.Copy(b.vars, vars)
}

// handle is what a failure of the current state leads to: another attempt, a
// catcher's state, or the failure of the branch.
func (b *branch) handle(f *failure) {
	b.settle()
	if f.evaluation {
		e := event{kind: evaluationFailed, state: b.state, data: f, prev: b.last}
		if b.last == b.enteredID && b.state.typ != waitState {
			e.prev = b.beforeID
		}
		b.last = b.ex.log(e)
	}
	if b.retry(f) || b.caught(f) {
		return
	}
	b.die(f)
}

// retry schedules another attempt if the first retrier that names the
// error has one left.
func (b *branch) retry(f *failure) bool {
	for i := range b.state.retry {
		r := &b.state.retry[i]
		if !f.matches(r.errors) {
			continue
		}
		for len(b.retried) < len(b.state.retry) {
			b.retried = append(b.retried, 0)
		}
		n := b.retried[i]
		if n >= r.maxAttempts {
			return false
		}
		b.retried[i]++
		b.retryCount++
		delay := r.interval * math.Pow(r.backoff, float64(n))
		if r.maxDelay > 0 {
			delay = min(delay, r.maxDelay)
		}
		d := seconds(delay)
		k := b.ex.sm.s.k
		if r.fullJitter && d > 0 {
			d = time.Duration(k.Rand().Int64N(int64(d) + 1))
		}
		b.wreck = nil
		b.schedule(retrying, k.Now().Add(d))
		return true
	}
	return false
}

// caught goes on as the first catcher says that names the error.
func (b *branch) caught(f *failure) bool {
	for i := range b.state.catch {
		c := &b.state.catch[i]
		if !f.matches(c.errors) {
			continue
		}
		if (b.state.typ == parallelState || b.state.typ == mapState) && !f.own {
			b.noteFanFailed()
		}
		out := map[string]any{"Error": f.name, "Cause": f.cause}
		if b.state.paths != nil {
			b.catchIntoPaths(c, out)
			return true
		}
		sc := scope{failed: out}
		b.catchInto(c, &sc, out)
		return true
	}
	return false
}

// catchInto leaves the state through a catcher. A failure in there is final:
// a state's own catchers do not see it.
func (b *branch) catchInto(c *catcher, sc *scope, out map[string]any) {
	var result any = out
	if c.output != nil {
		v, f := b.evalTemplate(c.output, sc)
		if f != nil {
			b.noteAndDie(f)
			return
		}
		result = v
	}
	vars, f := b.evalAssign(c.assign, sc)
	if f == nil && exceeds(result, maxPayload) {
		f = tooLarge(b.state.name)
	}
	if f != nil {
		b.noteAndDie(f)
		return
	}
	b.exit(result, vars, c.next)
}

func (b *branch) noteAndDie(f *failure) {
	if f.evaluation {
		b.note(event{kind: evaluationFailed, state: b.state, data: f})
	}
	b.die(f)
}

// die is a branch's failure.
func (b *branch) die(f *failure) {
	if (b.state.typ == parallelState || b.state.typ == mapState) && !f.own {
		b.noteFanFailed()
	}
	if b.parent == nil {
		b.ex.fail(f)
		return
	}
	b.parent.childFailed(b, f)
}

// settle forgets whatever the current attempt waits for.
func (b *branch) settle() {
	b.attempt++
	b.timer.Cancel()
	b.timeout.Cancel()
	b.heartbeat.Cancel()
	b.timer, b.timeout, b.heartbeat = nil, nil, nil
	if b.token != "" {
		delete(b.ex.sm.s.tokens, b.token)
	}
	b.working()
	if b.fan != nil {
		b.abort()
	}
}

// abandon stops a branch for good, with all below it.
func (b *branch) abandon() { b.settle() }
