package handler

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/orderflow-cdk/orderflow/constructs/record"
	"github.com/orderflow-cdk/orderflow/internal/config"
	"github.com/orderflow-cdk/orderflow/internal/dynamo"
	"github.com/orderflow-cdk/orderflow/internal/emf"
)

// deliverWebhook brings events to the endpoints of customers. It keeps no record of a
// delivery: the message in the queue is the delivery, its age says when it is due again, and
// the endpoint's item whether it may be tried at all.
type deliverWebhook struct {
	env       Env
	log       *slog.Logger
	namespace string
	endpoints *dynamo.Endpoints
	queues    *sqs.Client
	queue     string // of events and deliveries
	dead      string // of deliveries that can no longer be made
}

var _ lambda.Handler = (*deliverWebhook)(nil)

// NewDeliverWebhook returns the handler of the batches of the queue of events and
// deliveries (docs/architecture.md, "Signed webhooks"). All messages of a batch are
// worked on at the same time; those that wait are reported one by one
// (ReportBatchItemFailures) and become visible when they are due.
//
// The function's timeout must be more than AttemptTimeout and 2 s, the queue's maxReceiveCount
// 1000 (the schedule decides, not the count), and the retention of its messages
// more than MaxAge.
//
// IAM: as dynamo.Endpoints to deliver; sqs:SendMessage and sqs:ChangeMessageVisibility
// on the queue; sqs:SendMessage on the dead-letter queue.
func NewDeliverWebhook(env Env) (lambda.Handler, error) {
	c, err := config.LoadDeliverWebhook(env.Getenv)
	if err != nil {
		return nil, err
	}
	return &deliverWebhook{
		env:       env,
		log:       newLogger(env.Log, env.Now, c.LogLevel),
		namespace: c.MetricsNamespace,
		endpoints: &dynamo.Endpoints{Client: dynamodb.NewFromConfig(env.AWS), Table: c.WebhooksTable},
		queues:    sqs.NewFromConfig(env.AWS),
		queue:     c.DeliveryQueueURL,
		dead:      c.DeadLetterQueueURL,
	}, nil
}

// job is one message of the batch and what becomes of it.
type job struct {
	webhookMessage
	what    fate
	dueAt   time.Time     // of what waits; zero: when the queue's visibility timeout is over
	reason  string        // of what did not succeed
	status  int           // of the HTTP answer; 0: there was none
	took    time.Duration // of the attempt
	sent    int           // deliveries, of an event
	disable bool          // the endpoint was disabled for it
	cause   error         // AWS's
}

// fate is what became of a message.
type fate int

const (
	unknown   fate = iota
	fannedOut      // an event: its deliveries are in the queue
	delivered
	dropped  // the endpoint was deleted
	failed   // the endpoint did not take it: later again
	deferred // it was not tried: the endpoint is left alone
	delayed  // it was not tried, for reasons of our own
	buried   // to the dead-letter queue
)

// fates have a metric if somebody should look at it; how many were delivered is how many have a DeliveryAge.
var fates = [...]struct{ text, metric string }{
	unknown:   {"unknown", record.MessagesDelayed},
	fannedOut: {"event fanned out", ""},
	delivered: {"webhook delivered", ""},
	dropped:   {"webhook dropped: its endpoint was deleted", ""},
	failed:    {"webhook not taken", record.DeliveriesFailed},
	deferred:  {"webhook deferred", ""},
	delayed:   {"message delayed", record.MessagesDelayed},
	buried:    {"webhook given up", record.DeliveriesDeadLettered},
}

// waits reports whether the message is to stay in the queue.
func (r fate) waits() bool { return r == unknown || r == failed || r == deferred || r == delayed }

// Invoke implements lambda.Handler.
func (h *deliverWebhook) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	var batch events.SQSEvent
	if err := json.Unmarshal(payload, &batch); err != nil {
		return nil, &BadInput{Reason: err.Error()}
	}
	if len(batch.Records) == 0 {
		return nil, &BadInput{Reason: "no messages of a queue"}
	}
	jobs := make([]*job, len(batch.Records))
	for i := range batch.Records {
		jobs[i] = &job{}
		var err error
		if jobs[i].webhookMessage, err = readWebhookMessage(&batch.Records[i]); err != nil {
			jobs[i].what, jobs[i].reason = buried, err.Error()
		}
	}
	for _, step := range []struct {
		do    func(context.Context, []*job)
		spare time.Duration // of the function's time, for what comes after
	}{{h.work, 1500 * time.Millisecond}, {h.bury, time.Second}, {h.postpone, 500 * time.Millisecond}} {
		timed, cancel := h.timed(ctx, step.spare)
		step.do(timed, jobs)
		cancel()
	}

	metrics := emf.New(h.namespace, record.MetricFunction, DeliverWebhook)
	response := events.SQSEventResponse{BatchItemFailures: []events.SQSBatchItemFailure{}}
	for _, j := range jobs {
		h.report(ctx, j, metrics)
		if j.what.waits() {
			response.BatchItemFailures = append(response.BatchItemFailures, events.SQSBatchItemFailure{ItemIdentifier: j.MessageId})
		}
	}
	if err := metrics.Flush(h.env.Log, h.env.Now()); err != nil {
		return nil, fmt.Errorf("handler: metrics: %w", err)
	}
	return json.Marshal(response)
}

// timed ends a context so long before the function's time is over. Whatever hangs then, the function
// still answers, without which the whole batch would come again, and with it what endpoints have taken.
func (h *deliverWebhook) timed(ctx context.Context, spare time.Duration) (context.Context, context.CancelFunc) {
	deadline, ok := ctx.Deadline()
	if !ok {
		return ctx, func() {}
	}
	return h.env.WithTimeout(ctx, deadline.Sub(h.env.Now())-spare)
}

// work decides what becomes of every job: all events are one piece of work, whose deliveries
// go out together, and each delivery is one.
func (h *deliverWebhook) work(ctx context.Context, jobs []*job) {
	var pieces []func(context.Context)
	byTenant := map[string]int{}
	var tenants [][]*job
	var ids []dynamo.EndpointID
	var deliveries []*job
	for _, j := range jobs {
		switch {
		case j.what == buried:
		case j.endpoint.ID != "":
			deliveries = append(deliveries, j)
			if !slices.Contains(ids, j.endpoint) {
				ids = append(ids, j.endpoint)
			}
		default:
			i, ok := byTenant[j.endpoint.Tenant]
			if !ok {
				i = len(tenants)
				byTenant[j.endpoint.Tenant] = i
				tenants = append(tenants, nil)
			}
			tenants[i] = append(tenants[i], j)
		}
	}
	if len(tenants) > 0 {
		pieces = append(pieces, func(ctx context.Context) { h.fanOut(ctx, tenants) })
	}
	endpoints, err := h.endpoints.Load(ctx, ids)
	for _, j := range deliveries {
		e, found := endpoints[j.endpoint]
		if err != nil && !found {
			h.delay(j, err)
			continue
		}
		pieces = append(pieces, func(ctx context.Context) { h.deliver(ctx, j, e, found) })
	}
	h.env.Parallel(ctx, len(pieces), func(ctx context.Context, i int) { pieces[i](ctx) })
}

// delay makes a message come again soon: AWS failed, not the endpoint. How soon depends on
// its age, so that an outage of days does not use up the receives after which SQS itself gives up. What is too old
// is given up all the same: something is wrong that waiting does not mend.
func (h *deliverWebhook) delay(j *job, cause error) {
	now := h.env.Now()
	j.what, j.reason, j.cause = delayed, outcome(cause).Error(), cause
	if j.age(now) >= MaxAge {
		j.what = buried
		return
	}
	soon := min(max(j.age(now), shortestWait), longestDelay)
	j.dueAt = j.due(now, soon, soon)
}

// report logs and counts what became of a job. The log has neither URLs, which may
// hold a credential, nor secrets, nor what an endpoint answered.
func (h *deliverWebhook) report(ctx context.Context, j *job, metrics *emf.Line) {
	now := h.env.Now()
	kind := fates[j.what]
	if kind.metric != "" {
		metrics.Count(kind.metric)
	}
	attrs := append(make([]slog.Attr, 0, 12), slog.String("requestId", requestID(ctx)), slog.String("messageId", j.MessageId),
		slog.String("tenant", j.endpoint.Tenant), slog.String("eventId", j.eventID))
	if j.endpoint.ID == "" {
		attrs = append(attrs, slog.Int("deliveries", j.sent))
	} else {
		attrs = append(attrs, slog.String("endpoint", j.endpoint.ID), slog.Int("receives", j.receives))
	}
	if j.what == delivered || j.what == failed || j.status != 0 {
		attrs = append(attrs, slog.Int("httpStatus", j.status), slog.Duration("took", j.took))
	}
	if j.what == delivered {
		metrics.Observe(record.DeliveryAge, j.age(now))
	}
	if j.disable {
		metrics.Count(record.EndpointsDisabled)
		attrs = append(attrs, slog.Bool("endpointDisabled", true))
	}
	level := slog.LevelInfo
	if j.reason != "" {
		attrs = append(attrs, slog.String("reason", j.reason))
	}
	if j.what.waits() && !j.dueAt.IsZero() {
		attrs = append(attrs, slog.Time("dueAt", j.dueAt))
	}
	if j.cause != nil {
		level = slog.LevelError
		attrs = append(attrs, slog.String("cause", j.cause.Error()))
	}
	if j.what == buried || j.disable {
		level = max(level, slog.LevelWarn)
	}
	h.log.LogAttrs(ctx, level, kind.text, attrs...)
}
