package handler

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	sfntypes "github.com/aws/aws-sdk-go-v2/service/sfn/types"

	"github.com/orderflow-cdk/orderflow/constructs/record"
	"github.com/orderflow-cdk/orderflow/internal/config"
	"github.com/orderflow-cdk/orderflow/internal/dynamo"
	"github.com/orderflow-cdk/orderflow/internal/emf"
	"github.com/orderflow-cdk/orderflow/internal/order"
)

// intake takes orders from the queue: it judges each, records it, and starts
// its workflow. Every part can be repeated, so a message that comes twice does no harm.
type intake struct {
	env       Env
	log       *slog.Logger
	namespace string
	orders    *dynamo.Orders
	workflows *sfn.Client
	machine   string
}

var _ lambda.Handler = (*intake)(nil)

// NewIntake returns the handler of the queue's batches. Messages that could
// not be dealt with are reported one by one (ReportBatchItemFailures).
//
// IAM: as dynamo.Orders, and states:StartExecution on the state machine.
func NewIntake(env Env) (lambda.Handler, error) {
	c, err := config.LoadIntake(env.Getenv)
	if err != nil {
		return nil, err
	}
	return &intake{
		env:       env,
		log:       newLogger(env.Log, env.Now, c.LogLevel),
		namespace: c.MetricsNamespace,
		orders:    &dynamo.Orders{Client: dynamodb.NewFromConfig(env.AWS), Table: c.OrdersTable, Retention: c.Retention},
		workflows: sfn.NewFromConfig(env.AWS),
		machine:   c.StateMachineARN,
	}, nil
}

// Metrics of intake. How many orders there are is what notify counts.
const (
	// MetricMessagesFailed counts messages that come again.
	MetricMessagesFailed = "MessagesFailed"
	// MetricQueueTime is the time from the gateway's 202 until an order was recorded, in milliseconds.
	MetricQueueTime = "QueueTime"
	// MetricDuplicates counts messages whose order was recorded already.
	MetricDuplicates = "Duplicates"
	// MetricConflicts counts messages under the id of an order with another body.
	MetricConflicts = "Conflicts"
)

// Invoke implements lambda.Handler.
func (h *intake) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	var batch events.SQSEvent
	if err := json.Unmarshal(payload, &batch); err != nil {
		return nil, &BadInput{Reason: err.Error()}
	}
	if len(batch.Records) == 0 {
		return nil, &BadInput{Reason: "no messages of a queue"}
	}
	metrics := emf.New(h.namespace, record.MetricFunction, Intake)
	response := events.SQSEventResponse{BatchItemFailures: []events.SQSBatchItemFailure{}}
	// Of a FIFO queue's group, nothing may be done after something that failed:
	// it would come before it.
	blocked := map[string]bool{}
	for i := range batch.Records {
		m := &batch.Records[i]
		group := fifoGroup(m)
		if group != "" && blocked[group] || i > 0 && h.outOfTime(ctx) {
			response.BatchItemFailures = append(response.BatchItemFailures, events.SQSBatchItemFailure{ItemIdentifier: m.MessageId})
			continue
		}
		if err := h.take(ctx, m, metrics); err != nil {
			metrics.Count(MetricMessagesFailed)
			response.BatchItemFailures = append(response.BatchItemFailures, events.SQSBatchItemFailure{ItemIdentifier: m.MessageId})
			if group != "" {
				blocked[group] = true
			}
		}
	}
	if err := metrics.Flush(h.env.Log, h.env.Now()); err != nil {
		return nil, fmt.Errorf("handler: metrics: %w", err)
	}
	return json.Marshal(response)
}

// spare is the time that a message may take.
const spare = 2 * time.Second

// outOfTime reports whether the function might be ended before it has dealt with another
// message. It then reports the rest as failed, so that at least what is done
// is not done again.
func (h *intake) outOfTime(ctx context.Context) bool {
	if ctx.Err() != nil {
		return true
	}
	deadline, ok := ctx.Deadline()
	return ok && deadline.Sub(h.env.Now()) < spare
}

// fifoGroup returns a message's group in a FIFO queue. The name of a FIFO
// queue, and no other, ends in ".fifo" (SQS API, CreateQueue); a fair queue's
// messages have groups as well, but no order.
func fifoGroup(m *events.SQSMessage) string {
	if !strings.HasSuffix(m.EventSourceARN, ".fifo") {
		return ""
	}
	return m.Attributes["MessageGroupId"]
}

// submission is a message, read.
type submission struct {
	key, tenant, orderID string
	acceptedAt           time.Time
	body                 dynamo.Body
}

// read fails for a message that says not whose order it is: nobody could be told
// of its outcome, so it is left to the dead-letter queue.
func read(m *events.SQSMessage) (submission, error) {
	var missing []string
	attribute := func(name string) string {
		a := m.MessageAttributes[name]
		if a.StringValue == nil || *a.StringValue == "" {
			missing = append(missing, name)
			return ""
		}
		return *a.StringValue
	}
	s := submission{
		key:     attribute(record.MessageKey),
		tenant:  attribute(record.MessageTenant),
		orderID: attribute(record.MessageOrderID),
	}
	accepted := attribute(record.MessageAcceptedAt)
	if missing != nil {
		return s, fmt.Errorf("the message has no attribute %s", strings.Join(missing, ", "))
	}
	ms, err := strconv.ParseInt(accepted, 10, 64)
	if err != nil {
		return s, fmt.Errorf("the message's attribute %s is not a time in milliseconds", record.MessageAcceptedAt)
	}
	s.acceptedAt = time.UnixMilli(ms)
	sum := sha256.Sum256([]byte(m.Body))
	s.body.Hash = hex.EncodeToString(sum[:])
	if len(m.Body) <= order.MaxBodyBytes {
		s.body.Text = []byte(m.Body)
	}
	return s, nil
}

func (h *intake) take(ctx context.Context, m *events.SQSMessage, metrics *emf.Line) error {
	s, err := read(m)
	attrs := []slog.Attr{
		slog.String("requestId", requestID(ctx)), slog.String("messageId", m.MessageId),
		slog.String("tenant", s.tenant), slog.String("orderId", s.orderID),
	}
	if err != nil {
		h.log.LogAttrs(ctx, slog.LevelError, "message is unreadable", append(attrs, slog.String("cause", err.Error()))...)
		return err
	}
	done, err := h.process(ctx, s)
	if err != nil {
		h.log.LogAttrs(ctx, slog.LevelError, "order not taken", append(attrs,
			slog.String("error", errorName(outcome(err))), slog.String("cause", err.Error()))...)
		return err
	}
	if done.recorded {
		metrics.Observe(MetricQueueTime, h.env.Now().Sub(s.acceptedAt))
	} else {
		metrics.Count(MetricDuplicates)
	}
	if done.conflict {
		metrics.Count(MetricConflicts)
	}
	h.log.LogAttrs(ctx, slog.LevelInfo, "order taken", append(attrs, slog.String("status", string(done.status)),
		slog.Bool("duplicate", !done.recorded), slog.Bool("conflict", done.conflict))...)
	return nil
}

// taken is what became of a message.
type taken struct {
	status   order.Status
	recorded bool // by this delivery
	conflict bool // it held another body than the first under the same id
}

func (h *intake) process(ctx context.Context, s submission) (taken, error) {
	// The first body under an id counts. If it is another one and was not
	// recorded yet, this delivery goes on in its place.
	first, same, err := h.orders.PutBody(ctx, s.key, s.body, h.env.Now())
	if err != nil {
		return taken{}, err
	}
	done := taken{conflict: !same}

	entry := dynamo.Entry{
		Key: s.key, Tenant: s.tenant, OrderID: s.orderID,
		Status: order.Accepted, PayloadHash: first.Hash,
		AcceptedAt: s.acceptedAt, Now: h.env.Now(),
	}
	o, invalid := parse(first)
	if invalid != nil {
		entry.Status, entry.Reason, entry.Detail = order.Rejected, order.ReasonInvalidOrder, shortened(invalid.Error())
	}
	status, recorded, err := h.orders.Record(ctx, entry)
	if err == nil && !recorded && status == "" {
		entry.Status, entry.Reason, entry.Detail = order.Cancelled, order.ReasonCancelRequested, "cancelled before it was taken"
		status, recorded, err = h.orders.Record(ctx, entry)
	}
	if err != nil {
		return done, err
	}
	done.status, done.recorded = status, recorded
	if done.conflict {
		if err := h.orders.CountConflict(ctx, s.key); err != nil {
			return done, err
		}
	}
	// A status beyond ACCEPTED shows that the workflow was started. At ACCEPTED
	// it may not have been: an earlier delivery can have ended before it could.
	if status == order.Accepted && o != nil {
		return done, h.start(ctx, s, o)
	}
	return done, nil
}

func parse(b dynamo.Body) (*order.Order, error) {
	if b.Text == nil {
		return nil, fmt.Errorf("the body is larger than the %d bytes that are possible", order.MaxBodyBytes)
	}
	return order.Parse(b.Text)
}

// maxDetail is how much of an error's text a record holds, in characters.
const maxDetail = 1000

func shortened(s string) string {
	if r := []rune(s); len(r) > maxDetail {
		return string(r[:maxDetail]) + "…"
	}
	return s
}

// execution is the workflow's input.
type execution struct {
	Key     string       `json:"pk"`
	Tenant  string       `json:"tenant"`
	OrderID string       `json:"orderId"`
	Order   *order.Order `json:"order"`
}

// ExecutionInput is what an order's workflow is started with. The key is that of its items.
func ExecutionInput(key, tenant, orderID string, o *order.Order) ([]byte, error) {
	in, err := json.Marshal(execution{key, tenant, orderID, o.Compact()})
	if err != nil {
		return nil, fmt.Errorf("handler: execution input: %w", err)
	}
	return in, nil
}

// start starts the order's workflow. Of a Standard one there is only one by
// that name. Of an Express one there can be two, if this delivery repeats one that
// ended between start and answer; the first owns the order, and the second ends without touching it.
func (h *intake) start(ctx context.Context, s submission, o *order.Order) error {
	in, err := ExecutionInput(s.key, s.tenant, s.orderID, o)
	if err != nil {
		return err
	}
	_, err = h.workflows.StartExecution(ctx, &sfn.StartExecutionInput{
		StateMachineArn: &h.machine,
		Name:            aws.String(order.ExecutionName(s.key, s.orderID)),
		Input:           aws.String(string(in)),
	})
	var exists *sfntypes.ExecutionAlreadyExists
	if errors.As(err, &exists) {
		return nil
	}
	return err
}
