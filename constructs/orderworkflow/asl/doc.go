// Package asl writes the state machine of an order workflow in the Amazon
// States Language with JSONata. It knows nothing of the CDK, so that a
// definition can be made, read and tested without Node.
//
// What a workflow of the steps Reserve (→ RESERVED) and Charge (→ PAID) becomes:
//
//	Begin ──► Reserve ──► Mark RESERVED ──► Charge ──► Mark PAID
//	               │            │ ▲              │          │ ▲
//	               │   Recheck RESERVED          │     Recheck PAID
//	               ▼            ▼                ▼          ▼
//	         Mark REJECTED   Undo Reserve ◄── Undo Charge ◄─┘
//	         Mark FAILED ──► Failed │
//	         Mark CANCELLED ◄───────┴─ Outcome
//
// The way forward costs two states a step and one more to begin. Everything
// else is entered only when something went wrong.
//
//   - Begin makes sure that the order may go on: it is recorded, not finished,
//     and nobody asked to cancel it.
//   - Mark X is one conditional write of the STATUS item (see package record).
//     It also refuses if the item's sequence is not the one that this
//     execution saw last, so that history and sequence never disagree.
//   - Recheck X reads the item after a refused write. It goes on if the write
//     had taken effect and only its answer was lost, undoes the order if
//     somebody asked to cancel it, tries again if somebody else moved the order to
//     another status that allows this one, and ends in Conflict otherwise.
//   - Verify X reads the item after a last write that failed for good, since any
//     of its attempts may have taken effect: an order that is on record as
//     completed must not be undone. Judge X undoes it only if it is not. If the table
//     cannot be read for more than an hour, the execution fails and leaves the order.
//   - Undo X is the compensation of step X. They run in reverse order. One that
//     fails for good does not stop those that follow: the order ends as failed with
//     the reason CompensationFailed, and the detail says what was left undone.
//   - An order that ends as failed ends its execution as failed too, so that the
//     service's own metric counts it. Rejected and cancelled orders end well.
//
// Variables: results holds what the finished steps returned, sequence what the
// item's sequence was when last seen; outcome, reason and detail say why an
// order is being undone.
package asl
