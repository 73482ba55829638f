package asl

import (
	"fmt"
	"time"

	"github.com/orderflow-cdk/orderflow/constructs/record"
)

// An order may have several executions of an Express workflow: if the answer to a start is lost, the order is started again.
// So the first write of an execution puts its id into the item. No execution changes an order, or does anything for it, that another one owns.
// One that Step Functions runs again, since it runs Express executions at least once, has the same id and goes on.
//
// The mark ends: an execution lasts at most five minutes, so after ownership whoever has it is gone, and its order
// can be taken over by starting it again.

// claim is the state that finds out whom the execution works for: itself, or one that handed an order over; and since when.
// It is a state of its own so that all attempts at the write have the same time.
const claim = "Claim"

// ownership is how long a mark holds: longer than an execution, whatever the clocks of those who compare may differ.
const ownership = maxExpress + 30*time.Second

func (b *builder) start() string {
	if b.w.Express {
		return claim
	}
	return begin
}

func (b *builder) claim() {
	if !b.w.Express {
		return
	}
	b.states.add(claim, state{
		Type:    "Pass",
		Comment: "An order may be started twice; only one execution comes further than the next state",
		Assign: object{
			"owner":   jsonata("$exists(" + input + ".resume) ? " + input + ".resume.owner : $states.context.Execution.Id"),
			"ownedAt": jsonata("$toMillis(" + enteredAt + ")"),
			"round":   jsonata("$exists(" + input + ".resume) ? " + input + ".resume.round : 1"),
		},
		Output: object{},
		Next:   begin,
	})
}

// owned adds to a write that no other execution owns the order, and, to the first one, that this one does.
func (b *builder) owned(arguments object, mark bool) {
	if !b.w.Express {
		return
	}
	arguments["ConditionExpression"] = arguments["ConditionExpression"].(string) +
		" AND (attribute_not_exists(#owner) OR #owner = :owner OR #ownedAt < :stale)"
	placeholders := arguments["ExpressionAttributeNames"].(object)
	placeholders["#owner"], placeholders["#ownedAt"] = record.Owner, record.OwnedAt
	values := arguments["ExpressionAttributeValues"].(object)
	values[":owner"] = object{"S": jsonata("$owner")}
	values[":stale"] = object{"N": jsonata(fmt.Sprintf("$string($ownedAt - %d)", ownership.Milliseconds()))}
	if mark {
		values[":ownedAt"] = object{"N": jsonata("$string($ownedAt)")}
		arguments["UpdateExpression"] = "SET #owner = :owner, #ownedAt = :ownedAt"
	}
}

// readOwner has a read tell whether another execution owns the order, and whether one ever did.
func (b *builder) readOwner(st *state) {
	if !b.w.Express {
		return
	}
	arguments := st.Arguments.(object)
	arguments["ProjectionExpression"] = "#cancelRequested, #ownedAt, #owner, #sequence, #status"
	placeholders := arguments["ExpressionAttributeNames"].(object)
	placeholders["#owner"], placeholders["#ownedAt"] = record.Owner, record.OwnedAt
	output := st.Output.(object)
	const item = "$states.result.Item."
	output["begun"] = jsonata("$exists(" + item + record.Owner + ".S)")
	output["foreign"] = jsonata(fmt.Sprintf("$exists(%[1]s%[2]s.S) and %[1]s%[2]s.S != $owner and $number(%[1]s%[3]s.N) >= $ownedAt - %[4]d",
		item, record.Owner, record.OwnedAt, ownership.Milliseconds()))
}

// foreign is the first rule of every decision: what another execution owns is left alone.
func (b *builder) foreign(rules []choiceRule) []choiceRule {
	if !b.w.Express {
		return rules
	}
	return append([]choiceRule{{Condition: jsonata("$states.input.foreign"), Next: ended}}, rules...)
}
