package handler

import (
	"context"
	"fmt"
	"log/slog"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/orderflow-cdk/orderflow/internal/dynamo"
)

// fanOut sends the deliveries of events, which are sorted by tenant. An event that comes
// twice is sent twice, under the same webhook-id.
func (h *deliverWebhook) fanOut(ctx context.Context, tenants [][]*job) {
	lists := make([][]dynamo.Endpoint, len(tenants))
	errs := make([]error, len(tenants))
	h.env.Parallel(ctx, len(tenants), func(ctx context.Context, i int) {
		lists[i], errs[i] = h.endpoints.List(ctx, tenants[i][0].endpoint.Tenant)
	})
	var entries []sqstypes.SendMessageBatchRequestEntry
	var of []*job // by entry
	for i, events := range tenants {
		for _, j := range events {
			if errs[i] != nil {
				h.delay(j, errs[i])
				continue
			}
			j.what = fannedOut
			for _, e := range lists[i] {
				if e.Wants(j.orderStatus) {
					entries, of = append(entries, delivery(j, e)), append(of, j)
				}
			}
		}
	}
	for i, err := range h.send(ctx, h.queue, entries) {
		if err != nil {
			h.delay(of[i], err)
			continue
		}
		of[i].sent++
	}
}

// delivery is the message that has an event delivered to an endpoint.
func delivery(j *job, e dynamo.Endpoint) sqstypes.SendMessageBatchRequestEntry {
	return sqstypes.SendMessageBatchRequestEntry{
		MessageBody:    &j.Body,
		MessageGroupId: aws.String(DeliveryGroup(e.Tenant)),
		MessageAttributes: map[string]sqstypes.MessageAttributeValue{
			WebhookTenant:   stringValue(e.Tenant),
			WebhookEndpoint: stringValue(e.ID),
		},
	}
}

func stringValue(s string) sqstypes.MessageAttributeValue {
	return sqstypes.MessageAttributeValue{DataType: aws.String("String"), StringValue: &s}
}

const (
	// probeTime is how long the endpoint that is being tried again is left to the one
	// attempt: what that takes, and a little more in case nobody tells how it went.
	probeTime = AttemptTimeout + 5*time.Second
	// clockDifference is how much the clocks of SQS and of this function may differ.
	clockDifference = time.Second
	// claims is how often an endpoint is looked at again that changes all the time.
	claims = 3
)

// deliver decides about one delivery by its endpoint as it was loaded, and makes
// the attempt if one is due.
func (h *deliverWebhook) deliver(ctx context.Context, j *job, e dynamo.Endpoint, found bool) {
	if deadline, ok := ctx.Deadline(); ctx.Err() != nil || ok && deadline.Sub(h.env.Now()) < AttemptTimeout+spare {
		h.delay(j, fmt.Errorf("the function has less than the %v left that an attempt may take", AttemptTimeout+spare))
		return
	}
	for range claims {
		now := h.env.Now()
		switch {
		case !found || e.ID == "" || e.CreatedAt.After(j.sentAt.Add(clockDifference)):
			// It is deleted, or was and has been made again: nobody who made it
			// asked for what was sent before.
			j.what = dropped
			return
		case !e.Enabled:
			j.what, j.reason = buried, "the endpoint is disabled ("+e.DisabledReason+")"
			return
		case e.NextAttemptAt.After(now):
			j.what, j.reason = deferred, e.LastFailure.Error
			if j.age(now) >= MaxAge {
				j.what, j.reason = buried, tooOld(e.LastFailure.Error)
				return
			}
			j.dueAt = j.dueAfterPause(now, e.NextAttemptAt)
			return
		case e.NextAttemptAt.IsZero():
			h.try(ctx, j, e)
			return
		}
		// The pause is over. Of all the deliveries that waited, the one that can put
		// the next attempt off makes this one.
		latest, claimed, err := h.endpoints.ClaimProbe(ctx, e, now.Add(probeTime))
		if err != nil {
			h.delay(j, err)
			return
		}
		e = latest
		if claimed {
			h.try(ctx, j, e)
			return
		}
	}
	h.delay(j, fmt.Errorf("the endpoint was changed %d times while it was looked at", claims))
}

func tooOld(last string) string {
	return fmt.Sprintf("no success within %v; last: %s", MaxAge, last)
}

// try makes an attempt and draws the consequences for the delivery and for the
// endpoint, which was seen as e before it.
func (h *deliverWebhook) try(ctx context.Context, j *job, e dynamo.Endpoint) {
	began := h.env.Now()
	f, err := h.attempt(ctx, j, e)
	now := h.env.Now()
	j.took = now.Sub(began)
	switch {
	case err != nil:
		h.delay(j, err)
	case ctx.Err() != nil && f != nil && f.status == 0:
		h.delay(j, ctx.Err()) // it was the invocation that ended, and with it the attempt
	case f == nil:
		j.what = delivered
		if err := h.endpoints.RecordSuccess(ctx, e); err != nil {
			h.noted(ctx, j, err)
		}
	case f.status == 410:
		h.gone(ctx, j, e, f, now)
	default:
		h.fail(ctx, j, e, f, now)
	}
}

// gone disables an endpoint that wants no more.
func (h *deliverWebhook) gone(ctx context.Context, j *job, e dynamo.Endpoint, f *failedAttempt, now time.Time) {
	disabled, err := h.endpoints.Disable(ctx, e, dynamo.DisabledGone, failure(f, now))
	if err != nil {
		h.delay(j, err) // the next attempt will get the same answer
		return
	}
	j.what, j.reason, j.disable = buried, f.text, disabled
}

func (h *deliverWebhook) fail(ctx context.Context, j *job, e dynamo.Endpoint, f *failedAttempt, now time.Time) {
	j.what, j.reason = failed, f.text
	if f.cause != nil {
		h.log.LogAttrs(ctx, slog.LevelDebug, "no answer", slog.String("messageId", j.MessageId), slog.String("cause", f.cause.Error()))
	}
	if !e.FailingSince.IsZero() && now.Sub(e.FailingSince) >= MaxAge {
		disabled, err := h.endpoints.DisableFailing(ctx, e, dynamo.DisabledFailing, failure(f, now))
		if err != nil {
			h.noted(ctx, j, err)
		}
		if disabled {
			j.what, j.reason, j.disable = buried, "the endpoint is disabled ("+dynamo.DisabledFailing+"); last: "+f.text, true
			return
		}
	}
	var until time.Time
	if p := pause(e.Failures+1, f, j.took, j.chance()); p > 0 {
		until = now.Add(p)
	}
	if latest, err := h.endpoints.RecordFailure(ctx, e, failure(f, now), until); err != nil {
		h.noted(ctx, j, err)
	} else if latest.NextAttemptAt.After(until) {
		until = latest.NextAttemptAt
	}
	if j.age(now) >= MaxAge {
		j.what, j.reason = buried, tooOld(f.text)
		return
	}
	j.dueAt = j.dueAfterFailure(now, until)
}

func failure(f *failedAttempt, now time.Time) dynamo.Failure {
	return dynamo.Failure{At: now, Status: f.status, Error: f.text}
}

// noted logs that the endpoint's health could not be written. The next attempt
// will; what became of this one stands.
func (h *deliverWebhook) noted(ctx context.Context, j *job, err error) {
	h.log.LogAttrs(ctx, slog.LevelError, "endpoint's health not recorded", slog.String("requestId", requestID(ctx)),
		slog.String("messageId", j.MessageId), slog.String("endpoint", j.endpoint.ID), slog.String("cause", err.Error()))
}

// index is an entry's id within a batch.
func index(i int) *string { return aws.String(strconv.Itoa(i)) }
