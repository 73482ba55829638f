package handler

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/service/sns"

	"github.com/orderflow-cdk/orderflow/constructs/record"
	"github.com/orderflow-cdk/orderflow/internal/config"
	"github.com/orderflow-cdk/orderflow/internal/emf"
	"github.com/orderflow-cdk/orderflow/internal/publish"
)

// notify tells what the orders table's stream says to the channels that clients listen
// on. It keeps no record of its own: what it could not tell, Lambda brings again.
type notify struct {
	env       Env
	log       *slog.Logger
	namespace string
	ends      *config.Ends     // nil: orders are not counted
	topic     *publish.Topic   // nil: there is none
	graphQL   *publish.GraphQL // nil: there is none
	told      told
}

var _ lambda.Handler = (*notify)(nil)

// NewNotify returns the handler of the stream's batches. The first record that
// could not be told is reported (ReportBatchItemFailures).
//
// IAM: as publish.Topic and publish.GraphQL.
func NewNotify(env Env) (lambda.Handler, error) {
	c, err := config.LoadNotify(env.Getenv)
	if err != nil {
		return nil, err
	}
	h := &notify{
		env: env, log: newLogger(env.Log, env.Now, c.LogLevel), namespace: c.MetricsNamespace,
		ends: c.CountedEnds, told: told{},
	}
	if c.TopicARN != "" {
		h.topic = &publish.Topic{Client: sns.NewFromConfig(env.AWS), ARN: c.TopicARN}
	}
	if c.GraphQLEndpoint != nil {
		h.graphQL = publish.NewGraphQL(env.AWS, c.GraphQLEndpoint, env.Now, env.WithTimeout)
	}
	return h, nil
}

// channel is one of those that notify tells.
type channel int

const (
	viaTopic channel = iota
	viaGraphQL
	channels
)

// String is the channel's name in log lines.
func (c channel) String() string { return [channels]string{"topic", "graphql"}[c] }

var (
	failedMetric = [channels]string{record.TopicEventsFailed, record.GraphQLEventsFailed}
)

// errors of events that were not tried.
var (
	errEarlierFailed = errors.New("an earlier event of the order failed")
	errOutOfTime     = errors.New("the function's time is over")
)

// telling is an event on its way to the channels.
type telling struct {
	position int // of its record
	publish.Message
	acceptedAt string // of its order, as the table has it
	// outcome is nil for a channel that took the event, or is not there.
	outcome [channels]error
	// untellable is why it can be told in no channel, ever.
	untellable error
	// before marks a channel that took it in an earlier invocation.
	before [channels]bool
}

func (t *telling) failed() bool {
	for _, err := range t.outcome {
		if err != nil {
			return true
		}
	}
	return false
}

// Invoke implements lambda.Handler.
func (h *notify) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	changes, err := readChanges(payload)
	if err != nil {
		return nil, &BadInput{Reason: err.Error()}
	}
	all, orders := h.sort(changes)
	if len(orders) > 0 {
		timed, cancel := h.timed(ctx)
		h.tell(timed, orders)
		cancel()
	}
	firstFailed := len(changes)
	metrics := emf.New(h.namespace, record.MetricFunction, Notify)
	for _, t := range all {
		h.report(ctx, t, metrics)
		if t.failed() {
			firstFailed = min(firstFailed, t.position)
		}
	}
	h.count(all, firstFailed, metrics)
	h.told.keep(all, firstFailed)
	if err := metrics.Flush(h.env.Log, h.env.Now()); err != nil {
		return nil, fmt.Errorf("handler: metrics: %w", err)
	}
	response := events.DynamoDBEventResponse{BatchItemFailures: []events.DynamoDBBatchItemFailure{}}
	if firstFailed < len(changes) {
		response.BatchItemFailures = append(response.BatchItemFailures,
			events.DynamoDBBatchItemFailure{ItemIdentifier: changes[firstFailed].sequenceNumber})
	}
	return json.Marshal(response)
}

// sort picks the events out of a batch, in its order, and those that can be told by order.
func (h *notify) sort(changes []change) (all []*telling, orders [][]*telling) {
	index := make(map[string]int, len(changes)) // of orders, by key
	for i := range changes {
		c := &changes[i]
		if !c.isEvent() {
			continue
		}
		m, err := c.message()
		t := &telling{position: i, Message: m, acceptedAt: c.after.acceptedAt}
		all = append(all, t)
		n, known := index[c.key]
		switch {
		case err != nil:
			t.OrderID, t.Tenant, t.Status = c.after.orderID, c.after.tenant, c.after.status // for the log
			t.untellable = err
		case known:
			orders[n] = append(orders[n], t)
		default:
			index[c.key] = len(orders)
			orders = append(orders, []*telling{t})
		}
		h.told.recall(t)
	}
	return all, orders
}

// spareToAnswer is what is left of the function's time when calls are given up, so that what
// was told is not told again.
const spareToAnswer = time.Second

// timed ends a context that early.
func (h *notify) timed(ctx context.Context) (context.Context, context.CancelFunc) {
	deadline, ok := ctx.Deadline()
	if !ok {
		return ctx, func() {}
	}
	return h.env.WithTimeout(ctx, deadline.Sub(h.env.Now())-spareToAnswer)
}

// report writes what became of an event into the log and the metrics.
func (h *notify) report(ctx context.Context, t *telling, metrics *emf.Line) {
	attrs := []slog.Attr{
		slog.String("requestId", requestID(ctx)), slog.String("tenant", t.Tenant), slog.String("orderId", t.OrderID),
		slog.String("status", t.Status), slog.Int64("sequence", t.Sequence),
	}
	if t.untellable != nil {
		metrics.Count(record.EventsUntellable)
		h.log.LogAttrs(ctx, slog.LevelError, "event passed over: it cannot be told", append(attrs, slog.String("cause", t.untellable.Error()))...)
		return
	}
	level, text := slog.LevelInfo, "event told"
	for c := range channels {
		err := t.outcome[c]
		if err == nil {
			continue
		}
		text = "event not told"
		attrs = append(attrs, slog.String(c.String(), err.Error()))
		if err == errEarlierFailed { //nolint:errorlint // never wrapped
			level = max(level, slog.LevelWarn)
		} else {
			level = slog.LevelError
			metrics.Count(failedMetric[c])
		}
	}
	h.log.LogAttrs(ctx, level, text, attrs...)
}
