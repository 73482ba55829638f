package asl

import (
	"fmt"
	"slices"
	"time"
)

// Names of the states that do not belong to a step.
const (
	begin    = "Begin"
	outcome  = "Outcome"
	ended    = "Ended"
	failed   = "Failed"
	conflict = "Conflict"
)

func mark(status string) string    { return "Mark " + status }
func recheck(status string) string { return "Recheck " + status }
func decide(status string) string  { return "Decide " + status }
func verify(status string) string  { return "Verify " + status }
func judge(status string) string   { return "Judge " + status }
func undo(step string) string      { return "Undo " + step }

// Definition returns the state machine as JSON. The same workflow always
// gives the same bytes.
func (w Workflow) Definition() ([]byte, error) {
	if err := w.Validate(); err != nil {
		return nil, err
	}
	b := builder{w: w}
	b.claim()
	b.begin()
	b.resume()
	for k := range w.Steps {
		b.step(k)
		b.mark(k)
	}
	for k := len(w.Steps) - 1; k >= 0; k-- {
		b.undo(k)
	}
	b.handOver()
	b.close()
	return encode(machine{
		Comment:        w.Comment,
		QueryLanguage:  "JSONata",
		StartAt:        b.start(),
		TimeoutSeconds: seconds(w.Timeout),
		States:         b.states,
	})
}

type builder struct {
	w      Workflow
	states states
}

// underway are the statuses of an order that has not ended.
func (b *builder) underway() []string {
	out := []string{b.w.Initial}
	for k, s := range b.w.Steps {
		for _, f := range s.From {
			if !slices.Contains(out, f) {
				out = append(out, f)
			}
		}
		if k < len(b.w.Steps)-1 && !slices.Contains(out, s.Status) {
			out = append(out, s.Status)
		}
	}
	return out
}

// rejectable are the statuses of an order while a step runs that can reject it.
func (b *builder) rejectable() []string {
	var out []string
	for _, s := range b.w.Steps {
		if len(s.Rejections) == 0 {
			continue
		}
		for _, f := range s.From {
			if !slices.Contains(out, f) {
				out = append(out, f)
			}
		}
	}
	return out
}

func (b *builder) last(k int) bool { return k == len(b.w.Steps)-1 }

// after is the state that follows the write of step k's status.
func (b *builder) after(k int) string {
	if b.last(k) {
		return ended
	}
	return b.w.Steps[k+1].Name
}

// unwind is the state that begins to undo steps k, k-1, … for an order that is
// to end in status.
func (b *builder) unwind(k int, status string) string {
	for ; k >= 0; k-- {
		if b.w.Steps[k].Compensation != nil {
			return undo(b.w.Steps[k].Name)
		}
	}
	return mark(status)
}

func (b *builder) begin() {
	underway := b.underway()
	condition, values := in("#status", ":s", underway)
	arguments := object{
		"TableName":                 b.w.TableName,
		"Key":                       key(),
		"ConditionExpression":       condition + " AND " + notCancelled,
		"ExpressionAttributeNames":  names("status", "cancelRequested"),
		"ExpressionAttributeValues": values,
		"ReturnValues":              "ALL_NEW",
	}
	b.owned(arguments, true)
	comment, giveUp := "Nothing is written: the condition alone matters", mark(b.w.Failed)
	cancel := []choiceRule{{
		Condition: jsonata("$states.input.cancelRequested and " + isOneOf(underway)),
		Assign:    cancelled(b.w.Cancelled),
		Next:      mark(b.w.Cancelled),
	}}
	if b.w.Express {
		// Whoever cannot tell whether the order is another's must not write that it failed.
		comment, giveUp = "", failed
		// One that was taken over may have done more than is on record.
		begun := cancel[0]
		begun.Condition = jsonata("$states.input.cancelRequested and $states.input.begun and " + isOneOf(underway))
		begun.Next = b.unwind(len(b.w.Steps)-1, b.w.Cancelled)
		cancel = append([]choiceRule{begun}, cancel...)
	}
	b.states.add(begin, state{
		Type:           "Task",
		Comment:        comment,
		Resource:       updateItem,
		Arguments:      arguments,
		TimeoutSeconds: seconds(b.tableTimeout()),
		Assign: object{
			"results":  object{},
			"sequence": jsonata("$number($states.result.Attributes.sequence.N)"),
		},
		Output: object{},
		Retry:  b.tableRetry(false),
		Catch: slices.Concat(
			[]catcher{{ErrorEquals: refused, Assign: object{"results": object{}}, Next: recheck(b.w.Initial)}},
			b.failures(object{"results": object{}, "sequence": 1}, giveUp),
		),
		Next: b.first(),
	})
	b.recheck(b.w.Initial, b.failures(object{"sequence": 0}, giveUp), append(cancel,
		choiceRule{Condition: jsonata(isOneOf(underway)), Next: begin},
		choiceRule{Condition: jsonata(isOneOf(b.terminal())), Next: ended},
	))
}

func (b *builder) terminal() []string {
	return []string{b.w.Steps[len(b.w.Steps)-1].Status, b.w.Rejected, b.w.Failed, b.w.Cancelled}
}

func (b *builder) step(k int) {
	s := b.w.Steps[k]
	st := b.call(s.Run, s.Name, s.WaitForCallback)
	st.TimeoutSeconds = seconds(s.Timeout)
	st.HeartbeatSeconds = seconds(s.Heartbeat)
	st.Assign = object{"results": jsonata(fmt.Sprintf("$merge([$results, {'%s': %s}])", s.Name, s.Run.result(s.WaitForCallback)))}
	if len(s.Rejections) > 0 {
		st.Retry = append(st.Retry, retrier{ErrorEquals: s.Rejections})
		st.Catch = append(st.Catch, catcher{
			ErrorEquals: s.Rejections,
			Assign:      object{"outcome": b.w.Rejected, "reason": jsonata(errorCode), "detail": jsonata(errorMessage)},
			Next:        b.unwind(k-1, b.w.Rejected),
		})
	}
	st.Retry = append(st.Retry, s.Retry.retriers()...)
	st.Catch = append(st.Catch, b.failures(nil, b.unwind(k, b.w.Failed))...)
	st.Next = mark(s.Status)
	b.states.add(s.Name, st)
}

// mark writes step k's status.
func (b *builder) mark(k int) {
	s := b.w.Steps[k]
	// A cancel that arrives during a last step that cannot be undone is too late.
	final := b.last(k) && s.Compensation == nil
	update := statusWrite{to: s.Status, from: s.From, heedCancel: !final, step: s.Name, first: k == 0, callback: s.WaitForCallback}
	st := b.write(update)
	st.Retry = b.tableRetry(false)
	giveUp := b.unwind(k, b.w.Failed)
	if b.last(k) {
		giveUp = verify(s.Status)
		st.Output, st.End = object{"status": s.Status}, true
	} else {
		st.Next = b.after(k)
	}
	st.Catch = slices.Concat(
		[]catcher{{ErrorEquals: refused, Next: recheck(s.Status)}},
		b.failures(nil, giveUp),
	)
	b.states.add(mark(s.Status), st)

	var rules []choiceRule
	cancel := choiceRule{
		Condition: jsonata("$states.input.cancelRequested and " + isOneOf(b.underway())),
		Assign:    cancelled(b.w.Cancelled),
		Next:      b.unwind(k, b.w.Cancelled),
	}
	if !final {
		rules = append(rules, cancel)
	}
	rules = append(rules,
		choiceRule{Condition: jsonata(isOneOf(b.reached(k))), Next: b.after(k)},
		choiceRule{Condition: jsonata(isOneOf(s.From)), Next: mark(s.Status)},
	)
	b.recheck(s.Status, b.failures(nil, giveUp), rules)
	if b.last(k) {
		b.verify(k)
	}
}

// verify adds the two states that stand between a last write that failed for
// good and undoing the order. Any of its attempts may have taken effect, and what
// is on record as completed must not be undone: other statuses can still become FAILED,
// that one cannot. If the table cannot even be read, the execution fails and the
// order is left to whoever gets the alarm.
func (b *builder) verify(k int) {
	status := b.w.Steps[k].Status
	st := b.read()
	st.Retry = b.tableRetry(true)[1:]
	st.Next = judge(status)
	b.states.add(verify(status), st)
	b.states.add(judge(status), state{
		Type:    "Choice",
		Choices: []choiceRule{{Condition: jsonata(isOneOf([]string{status})), Next: ended}},
		Default: b.unwind(k, b.w.Failed),
	})
}

// reached are the statuses that show that step k's status was written. An order of an Express workflow may have
// been taken over further on than at its beginning.
func (b *builder) reached(k int) []string {
	if !b.w.Express {
		return []string{b.w.Steps[k].Status}
	}
	var out []string
	for _, s := range b.w.Steps[k:] {
		out = append(out, s.Status)
	}
	return out
}

func (b *builder) undo(k int) {
	s := b.w.Steps[k]
	if s.Compensation == nil {
		return
	}
	st := b.call(*s.Compensation, s.Name, false)
	st.TimeoutSeconds = seconds(s.Timeout)
	st.Retry = s.CompensationRetry.retriers()
	// Whatever the outcome was to be, whatever follows is undone all the same.
	st.Next = b.afterUndo(k)
	for _, errors := range [][]string{{"States.DataLimitExceeded"}, {"States.ALL"}} {
		if b.w.Express {
			st.Catch = append(st.Catch, catcher{
				ErrorEquals: errors, Assign: object{"undoing": s.Name, "trouble": jsonata(undoMessage(undo(s.Name)))}, Next: again,
			})
			continue
		}
		st.Catch = append(st.Catch, catcher{
			ErrorEquals: errors,
			Assign: object{
				"outcome": b.w.Failed,
				"reason":  compensationFailed,
				"detail":  jsonata(undoMessage(undo(s.Name))),
			},
			Next: st.Next,
		})
	}
	b.states.add(undo(s.Name), st)
}

// close adds the ends of a workflow.
func (b *builder) close() {
	if slices.ContainsFunc(b.w.Steps, func(s Step) bool { return s.Compensation != nil }) {
		rules := []choiceRule{{Condition: jsonata("$outcome = " + quote(b.w.Cancelled)), Next: mark(b.w.Cancelled)}}
		if len(b.rejectable()) > 0 {
			rules = append(rules, choiceRule{Condition: jsonata("$outcome = " + quote(b.w.Rejected)), Next: mark(b.w.Rejected)})
		}
		b.states.add(outcome, state{Type: "Choice", Choices: rules, Default: mark(b.w.Failed)})
	}
	waits := slices.ContainsFunc(b.w.Steps, func(s Step) bool { return s.WaitForCallback })
	for _, status := range []string{b.w.Rejected, b.w.Cancelled, b.w.Failed} {
		from := b.underway()
		if status == b.w.Rejected {
			if from = b.rejectable(); len(from) == 0 {
				continue
			}
		}
		st := b.write(statusWrite{to: status, from: from, reason: true, callback: waits})
		st.Retry = b.tableRetry(true)
		st.Catch = []catcher{{ErrorEquals: refused, Next: recheck(status)}}
		next := ended
		if status == b.w.Failed {
			next = failed
			st.Next = failed
		} else {
			st.Output, st.End = object{"status": status}, true
		}
		b.states.add(mark(status), st)
		b.recheck(status, nil, []choiceRule{
			{Condition: jsonata(isOneOf([]string{status})), Next: next},
			{Condition: jsonata(isOneOf(from)), Next: mark(status)},
		})
	}
	b.states.add(failed, state{Type: "Fail", Error: jsonata("$reason"), Cause: jsonata("$detail")})
	b.states.add(conflict, state{
		Type:  "Fail",
		Error: "Conflict",
		Cause: jsonata("'The order stands at \"' & $states.input.status & '\", where this execution cannot go on'"),
	})
	b.states.add(ended, state{Type: "Succeed", Comment: "The order had its last status already"})
}

// recheck adds the two states that find out why a write of status was refused.
// catch says where a failing read leads; nil lets the execution fail.
func (b *builder) recheck(status string, catch []catcher, rules []choiceRule) {
	st := b.read()
	st.Retry = b.tableRetry(catch == nil)[1:] // There is no condition that could be refused.
	st.Catch = catch
	st.Next = decide(status)
	b.states.add(recheck(status), st)
	b.states.add(decide(status), state{Type: "Choice", Choices: b.foreign(rules), Default: conflict})
}

// read is the state that reads where the order stands, without its error handling.
func (b *builder) read() state {
	st := state{
		Type:     "Task",
		Resource: getItem,
		Arguments: object{
			"TableName":                b.w.TableName,
			"Key":                      key(),
			"ConsistentRead":           true,
			"ProjectionExpression":     "#cancelRequested, #sequence, #status",
			"ExpressionAttributeNames": names("cancelRequested", "sequence", "status"),
		},
		TimeoutSeconds: seconds(b.tableTimeout()),
		Assign:         object{"sequence": jsonata("$exists($states.result.Item.sequence.N) ? $number($states.result.Item.sequence.N) : 0")},
		Output: object{
			"status":          jsonata("$exists($states.result.Item.status.S) ? $states.result.Item.status.S : ''"),
			"cancelRequested": jsonata("$exists($states.result.Item.cancelRequested)"),
		},
	}
	b.readOwner(&st)
	return st
}

// failures catches every technical error.
func (b *builder) failures(assign object, next string) []catcher {
	var out []catcher
	// States.ALL does not match States.DataLimitExceeded, says the
	// documentation of Step Functions' error names.
	for _, errors := range [][]string{{"States.DataLimitExceeded"}, {"States.ALL"}} {
		all := object{"outcome": b.w.Failed, "reason": jsonata(errorCode), "detail": jsonata(errorMessage)}
		for k, v := range assign {
			all[k] = v
		}
		out = append(out, catcher{ErrorEquals: errors, Assign: all, Next: next})
	}
	return out
}

func (r Retry) retriers() []retrier {
	if r.MaxAttempts <= 0 {
		return nil
	}
	jitter := "FULL"
	if r.NoJitter {
		jitter = "NONE"
	}
	return []retrier{{
		ErrorEquals:     []string{"States.ALL"},
		IntervalSeconds: seconds(r.Interval),
		BackoffRate:     r.BackoffRate,
		MaxAttempts:     r.MaxAttempts,
		MaxDelaySeconds: seconds(r.MaxDelay),
		JitterStrategy:  jitter,
	}}
}

// tableRetry tries again whatever is not a refused condition. The last write
// of an order has nothing to fall back on, and so is tried for more than an hour.
func (b *builder) tableRetry(lastWrite bool) []retrier {
	r := Retry{MaxAttempts: 8, Interval: time.Second, BackoffRate: 2, MaxDelay: 30 * time.Second}
	switch {
	case b.w.Express:
		r.MaxAttempts, r.MaxDelay = 4, 5*time.Second
	case lastWrite:
		r.MaxAttempts, r.MaxDelay = 20, 5*time.Minute
	}
	return append([]retrier{{ErrorEquals: refused}}, r.retriers()...)
}

func (b *builder) tableTimeout() time.Duration {
	if b.w.Express {
		return 3 * time.Second
	}
	return 15 * time.Second
}
