package order

import "slices"

// Status is where an order stands.
type Status string

// The statuses of an order. Queued is never stored: it is what an order is
// between the gateway's answer and the first item in the table.
const (
	Queued    Status = "QUEUED"
	Accepted  Status = "ACCEPTED"
	Reserved  Status = "RESERVED"
	Paid      Status = "PAID"
	Completed Status = "COMPLETED"
	Rejected  Status = "REJECTED"
	Failed    Status = "FAILED"
	Cancelled Status = "CANCELLED"
)

// Statuses returns every status, in the order in which an order can meet them.
func Statuses() []Status {
	return []Status{Queued, Accepted, Reserved, Paid, Completed, Rejected, Failed, Cancelled}
}

// Transition is one permitted change of status.
type Transition struct {
	From, To Status
	// When says in one line what makes the change happen.
	When string
}

// transitions is the one table from which condition expressions, the state
// machine and the documentation derive. What is not in it cannot happen.
var transitions = []Transition{
	{Queued, Accepted, "intake recorded the order and starts its workflow"},
	{Queued, Rejected, "intake found the body not to be a valid order"},
	{Queued, Cancelled, "the client cancelled before intake recorded the order"},

	{Accepted, Reserved, "all of the stock is held for the order"},
	{Accepted, Rejected, "out of stock, or an unknown sku"},
	{Accepted, Failed, "reserving failed technically, after its retries"},
	{Accepted, Cancelled, "the client cancelled"},

	{Reserved, Paid, "the card was charged"},
	{Reserved, Rejected, "the payment was declined; the stock was given back"},
	{Reserved, Failed, "charging failed technically, after its retries; all was undone"},
	{Reserved, Cancelled, "the client cancelled; the stock was given back"},

	{Paid, Completed, "the shipment is booked"},
	{Paid, Failed, "shipping failed technically, after its retries; all was undone"},
	{Paid, Cancelled, "the client cancelled before shipping; refunded, the stock given back"},
}

// Transitions returns every permitted change of status, grouped by From in the
// order of Statuses. The slice is the caller's own.
func Transitions() []Transition { return slices.Clone(transitions) }

// Predecessors returns the statuses that may become to, in the order of
// Statuses; none for Queued.
func Predecessors(to Status) []Status {
	var from []Status
	for _, t := range transitions {
		if t.To == to {
			from = append(from, t.From)
		}
	}
	return from
}

// RecordedPredecessors is Predecessors without Queued: what a condition
// expression on the table's status attribute can compare with.
func RecordedPredecessors(to Status) []Status {
	return slices.DeleteFunc(Predecessors(to), func(s Status) bool { return s == Queued })
}

// Successors returns the statuses that s may become, in the order of the table.
func (s Status) Successors() []Status {
	var to []Status
	for _, t := range transitions {
		if t.From == s {
			to = append(to, t.To)
		}
	}
	return to
}

// CanBecome reports whether an order that stands at s may change to next.
// No status may become itself.
func (s Status) CanBecome(next Status) bool {
	return slices.ContainsFunc(transitions, func(t Transition) bool { return t.From == s && t.To == next })
}

// Known reports whether s is one of Statuses.
func (s Status) Known() bool { return slices.Contains(Statuses(), s) }

// Terminal reports whether s is an end: a known status that becomes nothing else.
func Terminal(s Status) bool { return s.Known() && len(s.Successors()) == 0 }

// Terminals returns the statuses in which an order can end.
func Terminals() []Status {
	return slices.DeleteFunc(Statuses(), func(s Status) bool { return !Terminal(s) })
}
