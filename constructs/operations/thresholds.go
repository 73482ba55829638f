package operations

import (
	"errors"
	"fmt"
	"time"

	"github.com/orderflow-cdk/orderflow/constructs/asyncapi"
	"github.com/orderflow-cdk/orderflow/constructs/orderworkflow"
	"github.com/orderflow-cdk/orderflow/constructs/statusnotifier"
)

// Thresholds are what the alarms begin at. A field that is 0 is derived from the settings of what
// is watched: change a timeout, and the alarms follow. What New derived is in Operations.Thresholds.
type Thresholds struct {
	// OldestOrder is how long an order may wait in the queue.
	// Default: twice the queue's visibility timeout. An order whose first delivery
	// failed comes again after one of them; if it is still there after two, it fails again and
	// again, or is not taken at all.
	OldestOrder time.Duration

	// InFlight is how many messages of a queue may be with its consumer or wait to come
	// again.
	// Default: 80,000, two thirds of what SQS allows (about 120,000: SQS developer guide,
	// "Message quotas"). Beyond that it hands out no more.
	InFlight int

	// Stalled is for how long orders may be accepted while none completes: a multiple of
	// five minutes, up to 24 hours, the most that an alarm can look back.
	// Default: twice the sum of the steps' timeouts, at least 15 minutes. If that is more than 24
	// hours, as with steps that wait for people, there is no such alarm.
	Stalled time.Duration

	// ServerErrors is the share of requests that may be answered 5xx, above 0 and below 1.
	// Default: 0.01.
	ServerErrors float64

	// Load is the share of the stage's rate limit that submissions may take for five minutes
	// on end, above 0 and at most 1. At 1, clients are answered 429.
	// Default: 0.8.
	Load float64

	// Failed and Rejected are the shares of the orders that end in five minutes which may fail
	// and be rejected, above 0 and below 1. They count if MinOrders end in that time.
	// Default: 0.05, 0.5 and 10.
	Failed, Rejected float64
	MinOrders        int

	// Completion is how long 99 of 100 orders may take from the 202 to the end of their last
	// step.
	// Default: the sum of the steps' timeouts, at least a minute: more means that steps are
	// retried, or that orders wait.
	Completion time.Duration

	// ChannelLag is how far a channel may be behind the table.
	// Default: 15 minutes, or half of the outbox's MaxRecordAge if that is less, so that
	// there is as long again to mend it.
	ChannelLag time.Duration

	// WebhookLag is how long half of the deliveries to tenants' endpoints may take. Endpoints
	// that are out of order are meant to take longer, so it is not about the slowest.
	// Default: 1 minute.
	WebhookLag time.Duration

	// Duration is the share of a function's timeout that 99 of 100 invocations may take, above
	// 0 and below 1.
	// Default: 0.8.
	Duration float64

	// Concurrency is the share of what a function is allowed (the event source's maximum
	// concurrency, or its reserved concurrency if that is less) that it may use for 15 minutes on
	// end, above 0 and below 1.
	// Default: 0.9.
	Concurrency float64
}

const (
	// inFlightLimit is how many messages SQS lets be in flight in a queue (SQS developer guide,
	// "Message quotas": about 120,000, standard and FIFO).
	inFlightLimit = 120_000
	// longestAlarm is the most that an alarm with a period below an hour looks back (CloudWatch API,
	// PutMetricAlarm).
	longestAlarm = 24 * time.Hour
	// step is the period of most alarms.
	step = 5 * time.Minute
)

func (t Thresholds) validate() error {
	var errs []error
	bad := func(bad bool, format string, args ...any) {
		if bad {
			errs = append(errs, fmt.Errorf(format, args...))
		}
	}
	for _, d := range []struct {
		name string
		got  time.Duration
	}{
		{"oldest order", t.OldestOrder}, {"stalled", t.Stalled}, {"completion", t.Completion},
		{"channel lag", t.ChannelLag}, {"webhook lag", t.WebhookLag},
	} {
		bad(d.got < 0, "threshold %s must not be negative, got %v", d.name, d.got)
	}
	for _, s := range []struct {
		name string
		got  float64
	}{
		{"server errors", t.ServerErrors}, {"failed", t.Failed}, {"rejected", t.Rejected},
		{"duration", t.Duration}, {"concurrency", t.Concurrency},
	} {
		bad(s.got < 0 || s.got >= 1, "threshold %s must be a share above 0 and below 1, got %v", s.name, s.got)
	}
	bad(t.Load < 0 || t.Load > 1, "threshold load must be a share above 0, and at most 1, got %v", t.Load)
	bad(t.Stalled%step != 0 || t.Stalled > longestAlarm, "threshold stalled must be a multiple of %v, up to %v, got %v", step, longestAlarm, t.Stalled)
	bad(t.InFlight < 0 || t.InFlight >= inFlightLimit, "threshold in flight must be below the %d that SQS allows, got %d", inFlightLimit, t.InFlight)
	bad(t.MinOrders < 0, "threshold min orders must not be negative, got %d", t.MinOrders)
	return errors.Join(errs...)
}

// derive fills in what t leaves open.
func (t Thresholds) derive(api *asyncapi.AsyncApi, workflow *orderworkflow.OrderWorkflow, status *statusnotifier.StatusNotifier) Thresholds {
	if api != nil {
		setDefault(&t.OldestOrder, 2*api.VisibilityTimeout())
	}
	if workflow != nil {
		steps := workflow.StepTimeouts()
		setDefault(&t.Completion, max(time.Minute, steps))
		if stalled := max(15*time.Minute, (2*steps + step - 1).Truncate(step)); stalled <= longestAlarm {
			setDefault(&t.Stalled, stalled)
		}
	}
	if status != nil && status.Props().Outbox != nil {
		setDefault(&t.ChannelLag, min(15*time.Minute, status.Props().Outbox.MaxRecordAge/2))
	}
	setDefault(&t.InFlight, inFlightLimit*2/3)
	setDefault(&t.ServerErrors, 0.01)
	setDefault(&t.Load, 0.8)
	setDefault(&t.Failed, 0.05)
	setDefault(&t.Rejected, 0.5)
	setDefault(&t.MinOrders, 10)
	setDefault(&t.WebhookLag, time.Minute)
	setDefault(&t.Duration, 0.8)
	setDefault(&t.Concurrency, 0.9)
	return t
}

func setDefault[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}
