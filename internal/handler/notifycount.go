package handler

import (
	"time"

	"github.com/orderflow-cdk/orderflow/constructs/record"
	"github.com/orderflow-cdk/orderflow/internal/emf"
)

// count writes the figures of the events that are done with: those before the first that Lambda brings
// again. Each change of an order is therefore counted once, however often its batch comes. It is counted again if
// the function ends between its log line and its answer, and never if it is given up (OutboxFailures).
func (h *notify) count(all []*telling, firstFailed int, metrics *emf.Line) {
	now := h.env.Now()
	for _, t := range all {
		if t.position >= firstFailed || t.untellable != nil {
			continue
		}
		metrics.Observe(record.EventLag, now.Sub(t.OccurredAt))
		if h.ends == nil {
			continue
		}
		if t.Sequence == 1 {
			metrics.Count(record.OrdersAccepted)
		}
		switch t.Status {
		case h.ends.Completed:
			metrics.Count(record.OrdersCompleted)
			if accepted, err := time.Parse(time.RFC3339, t.acceptedAt); err == nil {
				metrics.Observe(record.TimeToCompleted, t.OccurredAt.Sub(accepted))
			}
		case h.ends.Rejected:
			metrics.Count(record.OrdersRejected)
		case h.ends.Failed:
			metrics.Count(record.OrdersFailed)
		case h.ends.Cancelled:
			metrics.Count(record.OrdersCancelled)
		}
	}
}
