package handler

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"

	"github.com/aws/aws-lambda-go/lambda"

	"github.com/orderflow-cdk/orderflow/constructs/record"
	"github.com/orderflow-cdk/orderflow/internal/config"
	"github.com/orderflow-cdk/orderflow/internal/emf"
	"github.com/orderflow-cdk/orderflow/internal/order"
)

// input is the document that the workflow invokes a step with.
type input struct {
	Key     string                     `json:"pk"`
	Tenant  string                     `json:"tenant"`
	OrderID string                     `json:"orderId"`
	Order   *order.Order               `json:"order"`
	Step    string                     `json:"step"`
	Results map[string]json.RawMessage `json:"results"`
}

// result finds what an earlier step returned, by a member that only it has.
func result[T any](in *input, has func(T) bool) (T, bool) {
	names := make([]string, 0, len(in.Results))
	for name := range in.Results {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		var v T
		if json.Unmarshal(in.Results[name], &v) == nil && has(v) {
			return v, true
		}
	}
	var none T
	return none, false
}

// step is a function that the workflow invokes: run returns what the workflow
// keeps as the step's result, which must be a small JSON object.
type step struct {
	name      string // of the function
	env       Env
	log       *slog.Logger
	namespace string
	counts    bool // its errors
	run       func(context.Context, *input) (any, error)
}

var _ lambda.Handler = (*step)(nil)

func newStep(name string, env Env, c config.Common, run func(context.Context, *input) (any, error)) *step {
	return &step{name: name, env: env, log: newLogger(env.Log, env.Now, c.LogLevel), namespace: c.MetricsNamespace, run: run}
}

// counting has a step that may reject orders count its errors: to Lambda rejections are errors too. Other steps
// leave the counting to Lambda, which also sees a function that crashes.
func (s *step) counting() *step {
	s.counts = true
	return s
}

// Metrics of the steps that count.
const (
	// MetricStepErrors counts the errors of a step that are no rejections.
	MetricStepErrors = "StepErrors"
	// MetricStepRejections counts the orders that a step rejected.
	MetricStepRejections = "StepRejections"
)

// Invoke implements lambda.Handler.
func (s *step) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	var in input
	out, err := s.invoke(ctx, payload, &in)

	attrs := []slog.Attr{
		slog.String("requestId", requestID(ctx)), slog.String("tenant", in.Tenant),
		slog.String("orderId", in.OrderID), slog.String("step", in.Step),
	}
	if err == nil {
		s.log.LogAttrs(ctx, slog.LevelInfo, "step done", attrs...)
		return out, nil
	}
	seen := outcome(err)
	name := errorName(seen)
	attrs = append(attrs, slog.String("error", name), slog.String("cause", err.Error()))
	metric := MetricStepErrors
	if slices.Contains(order.Rejections(), name) {
		metric = MetricStepRejections
		s.log.LogAttrs(ctx, slog.LevelInfo, "step rejected the order", attrs...)
	} else {
		s.log.LogAttrs(ctx, slog.LevelError, "step failed", attrs...)
	}
	if s.counts {
		m := emf.New(s.namespace, record.MetricFunction, s.name)
		m.Count(metric)
		// The step's own error matters more than a metric that could not be written.
		_ = m.Flush(s.env.Log, s.env.Now())
	}
	return nil, seen
}

func (s *step) invoke(ctx context.Context, payload []byte, in *input) ([]byte, error) {
	if err := json.Unmarshal(payload, in); err != nil {
		return nil, &BadInput{Reason: err.Error()}
	}
	switch {
	case in.Key == "":
		return nil, &BadInput{Reason: "pk is missing"}
	case in.OrderID == "":
		return nil, &BadInput{Reason: "orderId is missing"}
	case in.Order == nil || len(in.Order.Items) == 0:
		return nil, &BadInput{Reason: "the order has no items"}
	}
	result, err := s.run(ctx, in)
	if err != nil {
		return nil, err
	}
	out, err := json.Marshal(result)
	if err != nil {
		return nil, fmt.Errorf("handler: result: %w", err)
	}
	return out, nil
}
