package states

import (
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/orderflow-cdk/orderflow/local/internal/durable"
)

// restoreBranches makes the branches of the executions that run.
func (r *restorer) restoreBranches() error {
	for _, ex := range r.executions {
		if ex.Status != Running {
			if err := r.wreck(ex); err != nil {
				return err
			}
			continue
		}
		input, err := decodeJSON([]byte(ex.Input))
		if err != nil {
			return fmt.Errorf("record %s: its input: %w", ex.key(), err)
		}
		ex.setContext(input)
		if ex.root, err = r.branch(ex, nil, 0); err != nil {
			return err
		}
		ex.size = ex.root.variablesSize()
		switch latest := ex.root.latest(); {
		case ex.history.dropped:
			ex.history.count = latest
		case latest > ex.history.count:
			return fmt.Errorf("record %s: it knows of event %d, but the history ends with %d", ex.root.branchKey(), latest, ex.history.count)
		}
	}
	return nil
}

// wreck makes what a redrive of a closed execution goes on from, if it was kept.
func (r *restorer) wreck(ex *Execution) error {
	if !ex.kept || ex.history.dropped {
		return nil
	}
	var err error
	ex.root, err = r.branch(ex, nil, 0)
	return err
}

// latest is the greatest id of an event that a branch, or one below it, knows.
func (b *branch) latest() int32 {
	id := b.last
	if b.fan != nil {
		for _, child := range b.fan.running {
			if child != nil {
				id = max(id, child.latest())
			}
		}
	}
	return id
}

// branch makes a branch from its record, with all below it.
func (r *restorer) branch(ex *Execution, parent *branch, index int) (*branch, error) {
	b := &branch{ex: ex, parent: parent, index: index}
	key := b.branchKey()
	fail := func(format string, args ...any) (*branch, error) {
		return nil, fmt.Errorf("record %s: "+format, append([]any{key}, args...)...)
	}
	record, ok := r.records[key]
	if !ok {
		return fail("it is missing")
	}
	var rec branchRecord
	if err := durable.Decode(record, &rec); err != nil {
		return fail("%w", err)
	}
	if rec.Done {
		if parent == nil {
			return fail("the execution runs but has ended")
		}
		f := parent.fan
		var err error
		if f.results[index], err = decodeJSON(rec.Result); err != nil {
			return fail("its result cannot be read: %w", err)
		}
		f.done++
		if rec.Failed {
			if f.tolerated == nil {
				return fail("it failed, which its state does not tolerate")
			}
			f.tolerated[index] = true
			f.failed++
		}
		if rec.State == "" {
			return nil, nil
		}
	}
	if b.state = ex.version.state(rec.State); b.state == nil {
		return fail("the definition has no state %q", rec.State)
	}
	p := slices.Index(phaseNames[:], rec.Phase)
	if p < 0 {
		return fail("there is no phase %q", rec.Phase)
	}
	b.phase, b.due = phase(p), rec.Due
	var err error
	if b.input, err = decodeJSON(rec.Input); err != nil {
		return fail("its input cannot be read: %w", err)
	}
	switch {
	case rec.Vars != nil:
		v, err := decodeJSON(rec.Vars)
		if b.vars, ok = v.(map[string]any); err != nil || !ok {
			return fail("its variables are no object")
		}
	case parent != nil:
		b.vars, b.shared = parent.vars, true
	}
	b.entered, b.enteredID, b.beforeID, b.last = rec.Entered.UTC(), rec.EnteredID, rec.BeforeID, rec.Last
	b.retried, b.retryCount = rec.Retried, rec.Retries
	b.timeoutAt, b.heartbeatAt, b.beat = rec.Timeout, rec.Heartbeat, rec.Beat
	b.token, b.call, b.submitted, b.awaits = rec.Token, rec.Call, rec.Submitted, rec.Awaits
	if parent != nil && parent.fan.items != nil {
		b.item = parent.fan.items[index]
	}
	switch {
	case rec.Done:
		parent.fan.bury(b)
		return nil, nil
	case rec.Fan != nil:
		return b, r.fan(b, rec.Fan)
	case ex.Status == Running && !b.idle() && b.phase == working && (b.state.typ != taskState || b.call == nil && !b.submitted):
		return fail("it waits for nothing")
	}
	return b, nil
}

// fan makes what runs below a Parallel or Map state.
func (r *restorer) fan(b *branch, rec *fanRecord) error {
	fail := func(format string, args ...any) error {
		return fmt.Errorf("record %s: "+format, append([]any{b.branchKey()}, args...)...)
	}
	f := newFan(rec.Size)
	f.startID = rec.StartID
	b.fan = f
	switch b.state.typ {
	case parallelState:
		if rec.Size != len(b.state.branches) {
			return fail("the state has %d branches, not %d", len(b.state.branches), rec.Size)
		}
	case mapState:
		v, err := decodeJSON(rec.Items)
		items, ok := v.([]any)
		if err != nil || !ok || len(items) != rec.Size {
			return fail("it has no %d items", rec.Size)
		}
		f.items, f.graph = items, b.state.branches[0]
		f.limit, f.count, f.percentage = rec.Limit, rec.Count, rec.Percentage
		if f.tolerates = f.count >= 0 || f.percentage >= 0; f.tolerates {
			f.tolerated = map[int]bool{}
		}
	default:
		return fail("the state %s is neither Parallel nor Map", b.state.name)
	}
	for f.started < rec.Size {
		if _, ok := r.records[b.branchKey()+"."+strconv.Itoa(f.started)]; !ok {
			break
		}
		child, err := r.branch(b.ex, b, f.started)
		if err != nil {
			return err
		}
		f.running[f.started] = child
		f.started++
		switch {
		case child == nil:
		case child.phase == parked:
			f.parked++
		default:
			f.active++
		}
	}
	under := b.ex.Status == Running && !b.idle()
	if under && f.active == 0 || b.state.typ == parallelState && f.started < rec.Size || rec.Started > f.started {
		return fail("its branches are not there")
	}
	return nil
}

// resume starts the timers again, in the order in which they are due, and makes
// the calls that were under way.
func (r *restorer) resume() error {
	for _, ex := range r.executions {
		if ex.Status == Running {
			r.plan(ex.deadline(), false, ex.startTimeout)
			r.plans(ex.root)
		}
	}
	slices.SortStableFunc(r.resumes, func(a, b resume) int {
		if a.call != b.call {
			if a.call {
				return 1
			}
			return -1
		}
		return a.at.Compare(b.at)
	})
	for _, p := range r.resumes {
		p.run()
	}
	return nil
}

func (r *restorer) plan(at time.Time, call bool, run func()) {
	r.resumes = append(r.resumes, resume{at, call, run})
}

// plans is what a branch and those below it wait for.
func (r *restorer) plans(b *branch) {
	if b.phase == parked {
		return
	}
	if b.fan != nil {
		for _, child := range b.fan.running {
			if child != nil {
				r.plans(child)
			}
		}
		return
	}
	if b.phase != working {
		r.plan(b.due, false, func() { b.schedule(b.phase, b.due) })
		return
	}
	if !b.timeoutAt.IsZero() {
		r.plan(b.timeoutAt, false, func() { b.startTimeout(b.timeoutAt) })
	}
	if !b.heartbeatAt.IsZero() {
		r.plan(b.heartbeatAt, false, func() { b.startHeartbeat(b.heartbeatAt) })
	}
	if b.token != "" {
		r.s.tokens[b.token] = b
	}
	if b.awaits == "" && b.submitted {
		return // for its token
	}
	attempt := b.attempt
	r.plan(time.Time{}, true, func() {
		r.s.k.After(0, func() {
			switch {
			case b.attempt != attempt: // it timed out
			case b.submitted:
				b.awaitExecution(b.awaits)
			default:
				call := b.calling()
				call.Input = b.call
				b.make(call)
			}
		})
	})
}
