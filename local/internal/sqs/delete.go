package sqs

import (
	"time"

	"github.com/orderflow-cdk/orderflow/local/internal/api"
)

const maxVisibility = 12 * time.Hour

// Delete deletes the message that a receipt handle names. To delete one that
// is gone succeeds, and so does, in a standard queue, a handle that a later
// receive has replaced, without deleting anything. In a FIFO queue a handle
// expires with its visibility timeout.
func (q *Queue) Delete(handle string) error {
	q.settle()
	m, current, err := q.find(handle)
	if err != nil || m == nil {
		return err
	}
	if q.FIFO && (!current || m.state != stateInFlight) {
		return errExpired(handle)
	}
	if !current {
		return nil
	}
	q.stats.Deleted++
	q.drop(m)
	return nil
}

// ChangeVisibility sets how long, from now, a message in flight stays hidden:
// 0 makes it receivable at once. No receive may hide one for over 12 hours in all.
func (q *Queue) ChangeVisibility(handle string, d time.Duration) error {
	if d < 0 || d > maxVisibility {
		return errInvalid("Value %d for parameter VisibilityTimeout is invalid. Reason: Must be between 0 and 43200, if provided.", int(d/time.Second))
	}
	q.settle()
	m, current, err := q.find(handle)
	switch {
	case err != nil:
		return err
	case m != nil && current && m.state == stateReady && !q.FIFO:
		// A standard queue lets the last receiver hide a message again whose
		// visibility timeout is over and which nobody else has received.
		if d > 0 {
			m.group.ready.remove(m.index)
			q.ready--
			m.received = q.k.Now()
			q.hold(m, stateInFlight, m.received.Add(d))
			q.place(m.group)
			q.arm()
		}
		return nil
	case m == nil || !current || m.state != stateInFlight:
		if m != nil && q.FIFO {
			return errExpired(handle)
		}
		return errInvalid("Value %s for parameter ReceiptHandle is invalid. Reason: Message does not exist or is not available for visibility timeout change.", handle)
	}
	now := q.k.Now()
	if now.Add(d).Sub(m.received) > maxVisibility {
		return errInvalid("Value %d for parameter VisibilityTimeout is invalid. Reason: Total VisibilityTimeout for the message is beyond the limit [43200 seconds].", int(d/time.Second))
	}
	m.visibleAt = now.Add(d)
	m.held = false // who says how long it stays hidden means it
	m.changed()
	q.pending.fix(m.index)
	q.settle()
	q.stir()
	return nil
}

// Release says that an event source mapping is done with a message that it did not
// delete, which stays in flight until its visibility timeout ends.
func (d *Delivery) Release() {
	if m := d.Message; m.held && m.receives == d.ReceiveCount {
		m.held = false
		m.changed()
	}
}

func errExpired(handle string) *api.Error {
	return errInvalid("Value %s for parameter ReceiptHandle is invalid. Reason: The receipt handle has expired.", handle)
}

// Purge drops every message and forgets the deduplication ids. It may be called once in 60 seconds.
func (q *Queue) Purge() error {
	if now := q.k.Now(); !q.lastPurge.IsZero() && now.Sub(q.lastPurge) < time.Minute {
		e := api.Errorf("PurgeQueueInProgress", "Only one PurgeQueue operation on %s is allowed every 60 seconds.", q.Name)
		e.Status = 403
		return e
	}
	q.lastPurge = q.k.Now()
	for _, m := range q.inOrder() {
		q.drop(m)
	}
	q.dedup.forget()
	q.changed()
	return nil
}
