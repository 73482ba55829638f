package asl

import (
	"fmt"
	"slices"
	"time"
)

// An Express execution has five minutes, which is not enough to wait until a compensation that is down is up again. One that cannot
// undo an order therefore hands it to another execution of the same workflow, which takes its ownership over, rests, and goes on undoing: as often as it takes
// to have tried for as long as a Standard execution does.

// Names of the states that go on with undoing in another execution.
const (
	resume  = "Resume"
	rest    = "Rest"
	goOn    = "Go on"
	again   = "Again"
	handOff = "Hand over"
	giveUp  = "Give up"
)

// rounds is how many executions undo an order at most. With rests of a minute it is a quarter of an hour and more.
const rounds = 12

// Resumes says whether the workflow goes on with undoing in another execution, which takes the permission to start it.
func (w Workflow) Resumes() bool {
	return w.Express && slices.ContainsFunc(w.Steps, func(s Step) bool { return s.Compensation != nil })
}

// rest is how long an execution that goes on waits first: no longer than what it need not do, so that it ends in time.
func (w Workflow) rest() time.Duration {
	var forward time.Duration
	for _, s := range w.Steps {
		forward += s.Retry.total(s.Timeout)
	}
	return min(time.Minute, forward).Truncate(time.Second)
}

// first is the state that follows Begin.
func (b *builder) first() string {
	if b.w.Resumes() {
		return resume
	}
	return b.w.Steps[0].Name
}

// resume adds what an execution does that goes on.
func (b *builder) resume() {
	if !b.w.Resumes() {
		return
	}
	const handed = input + ".resume"
	b.states.add(resume, state{
		Type: "Choice",
		Choices: []choiceRule{{
			Condition: jsonata("$exists(" + handed + ")"),
			Assign: object{
				"results": jsonata(handed + ".results"), "outcome": jsonata(handed + ".outcome"), "reason": jsonata(handed + ".reason"),
				"detail": jsonata(handed + ".detail"), "undoing": jsonata(handed + ".undoing"),
			},
			Next: rest,
		}},
		Default: b.w.Steps[0].Name,
	})
	b.states.add(rest, state{Type: "Wait", Seconds: seconds(b.w.rest()), Next: goOn})
	var undos []choiceRule
	for _, s := range b.w.Steps {
		if s.Compensation != nil {
			undos = append(undos, choiceRule{Condition: jsonata("$undoing = " + quote(s.Name)), Next: undo(s.Name)})
		}
	}
	b.states.add(goOn, state{Type: "Choice", Choices: undos, Default: conflict})
}

// handOver adds what an execution does that cannot undo.
func (b *builder) handOver() {
	if !b.w.Resumes() {
		return
	}
	b.states.add(again, state{
		Type:    "Choice",
		Choices: []choiceRule{{Condition: jsonata(fmt.Sprintf("$round < %d", rounds)), Next: handOff}},
		Default: giveUp,
	})
	st := state{
		Type:     "Task",
		Resource: "arn:aws:states:::states:startExecution",
		Arguments: object{
			"StateMachineArn": jsonata("$states.context.StateMachine.Id"),
			"Input": jsonata("$merge([" + input + ", {'resume': {'undoing': $undoing, 'outcome': $outcome, 'reason': $reason, 'detail': $detail, " +
				"'results': $results, 'owner': $owner, 'round': $round + 1}}])"),
		},
		TimeoutSeconds: seconds(b.tableTimeout()),
		Retry:          b.tableRetry(false)[1:],
		// Nobody goes on: the order stays where it stands until it is started again.
		Catch: b.failures(nil, failed),
		Next:  ended,
	}
	b.states.add(handOff, st)
	var rules []choiceRule
	for k, s := range b.w.Steps {
		if s.Compensation != nil {
			rules = append(rules, choiceRule{
				Condition: jsonata("$undoing = " + quote(s.Name)),
				Assign:    object{"outcome": b.w.Failed, "reason": compensationFailed, "detail": jsonata("$trouble")},
				Next:      b.afterUndo(k),
			})
		}
	}
	b.states.add(giveUp, state{Type: "Choice", Choices: rules, Default: conflict})
}

// afterUndo is the state that follows the compensation of step k, however that came out.
func (b *builder) afterUndo(k int) string {
	for j := k - 1; j >= 0; j-- {
		if b.w.Steps[j].Compensation != nil {
			return undo(b.w.Steps[j].Name)
		}
	}
	return outcome
}
