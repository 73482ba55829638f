package scale

import (
	"encoding/json"
	"fmt"
	"math"
	"strings"

	"github.com/orderflow-cdk/orderflow/internal/cost"
	"github.com/orderflow-cdk/orderflow/internal/snapshot"
	"github.com/orderflow-cdk/orderflow/local"
)

// Demand is what orders take of a quota.
type Demand struct {
	Quota
	// PerOrder is what one order takes of it: so many a second for each order a second.
	PerOrder float64
	// Formula says how it was counted.
	Formula string
	// Grows says that the limit grows with the load, so that it is never reached.
	Grows bool
}

// Rate is at how many orders a second the quota is used up; infinite if orders take none of it.
func (d Demand) Rate() float64 {
	if d.PerOrder == 0 || d.Grows {
		return math.Inf(1)
	}
	return d.Value / d.PerOrder
}

// Share is how much of the quota a rate of orders takes: 1 is all of it.
func (d Demand) Share(rate float64) float64 { return rate / d.Rate() }

// settings are what the template says of the stack's own limits.
type settings struct {
	throttle        float64
	intake, webhook float64
	memory          map[string]float64 // of functions in MB, by logical id
	outbox          float64            // ParallelizationFactor
	workflow        string             // logical id of the state machine
	express         bool               // … whether it is one
	orders, stock   string             // … of the tables
}

func readSettings(environment string) (*settings, error) {
	text, err := snapshot.Template(environment)
	if err != nil {
		return nil, err
	}
	var template struct {
		Resources map[string]struct {
			Type       string
			Properties struct {
				MemorySize            float64
				MethodSettings        []struct{ ThrottlingRateLimit float64 }
				ScalingConfig         struct{ MaximumConcurrency float64 }
				ParallelizationFactor float64
				StateMachineType      string
			}
		}
	}
	if err := json.Unmarshal(text, &template); err != nil {
		return nil, fmt.Errorf("scale: the template of %s: %w", environment, err)
	}
	s := &settings{memory: map[string]float64{}}
	for id, r := range template.Resources {
		switch p := r.Properties; {
		case r.Type == "AWS::Lambda::Function":
			s.memory[id] = p.MemorySize
		case r.Type == "AWS::ApiGateway::Stage" && len(p.MethodSettings) > 0:
			s.throttle = p.MethodSettings[0].ThrottlingRateLimit
		case r.Type == "AWS::Lambda::EventSourceMapping" && strings.HasPrefix(id, "Intake"):
			s.intake = p.ScalingConfig.MaximumConcurrency
		case r.Type == "AWS::Lambda::EventSourceMapping" && strings.HasPrefix(id, "DeliverWebhook"):
			s.webhook = p.ScalingConfig.MaximumConcurrency
		case r.Type == "AWS::Lambda::EventSourceMapping" && p.ParallelizationFactor > 0:
			s.outbox = p.ParallelizationFactor
		case r.Type == "AWS::StepFunctions::StateMachine":
			s.workflow, s.express = id, p.StateMachineType == cost.Express
		case r.Type == "AWS::DynamoDB::Table" && strings.HasPrefix(id, "WorkflowTable"):
			s.orders = id
		case r.Type == "AWS::DynamoDB::Table" && strings.HasPrefix(id, "Inventory"):
			s.stock = id
		}
	}
	if s.throttle == 0 || s.intake == 0 || s.webhook == 0 || s.outbox == 0 || s.workflow == "" || s.orders == "" || s.stock == "" {
		return nil, fmt.Errorf("scale: the template of %s is not as it was: %+v", environment, *s)
	}
	return s, nil
}

// fullService is how long intake takes for a batch of ten, in seconds, as the outages tell.
func fullService(results []Result) (float64, error) {
	for _, r := range results {
		if strings.HasPrefix(r.Name, "drain-") && r.Service > 0 {
			return r.Service, nil
		}
	}
	return 0, fmt.Errorf("scale: outages.json has no outage that drained")
}

// Demands are what orders take of each quota, from what a run counted.
func Demands(report *cost.Report, results []Result) ([]Demand, error) {
	quotas, err := Quotas()
	if err != nil {
		return nil, err
	}
	s, err := readSettings(report.Environment)
	if err != nil {
		return nil, err
	}
	service, err := fullService(results)
	if err != nil {
		return nil, err
	}
	m := measured{report, s, float64(report.Orders)}
	inTen := service / fullBatch
	started := m.of(local.Traces, s.workflow)
	standard, express := 0.0, started
	if !s.express {
		standard, express = started, 0
	}
	concurrency, deliveries := m.busy(""), m.busy("DeliverWebhook")
	perOrder := map[string]struct {
		amount  float64
		formula string
	}{
		"gateway-throttle":    {m.total(local.GatewayRequests), "requests"},
		"gateway":             {m.total(local.GatewayRequests), "requests"},
		"waf":                 {m.total(local.WAFRequests), "requests"},
		"sqs-in-flight":       {inTen * fullBatch, "messages × the time of a full batch"},
		"intake-concurrency":  {inTen, "the time of a full batch ÷ 10"},
		"mapping":             {inTen, "the time of a full batch ÷ 10"},
		"webhook-concurrency": {deliveries, "invocations × their time, in batches as they came"},
		"lambda":              {concurrency, "billed time of all functions"},
		"start-execution":     {standard, "executions of this kind"},
		"start-express":       {express, "executions of this kind"},
		"transitions":         {m.total(local.Transitions), "transitions"},
		"open-executions":     {0, "those that wait for a step that is out of order"},
		"orders-table":        {m.of(local.WriteUnits, s.orders), "write units"},
		"orders-table-new":    {m.of(local.WriteUnits, s.orders), "write units"},
		"inventory-table":     {m.of(local.WriteUnits, s.stock), "write units"},
		"hot-sku":             {2, "one update in a transaction"},
		"stream":              {m.busy("NotifyFunction"), "invocations × their time"},
		"sns":                 {m.total(local.Deliveries, "sqs"), "events"},
		"appsync-messages":    {m.total(local.GraphQLOperations), "mutations"},
		"appsync-connections": {m.total(local.RealTimeUpdates, "client") / 2, "a connection and a subscription for each order that is watched"},
		"appsync-events":      {m.total(local.RealTimeUpdates, "event"), "events"},
		"put-log-events":      {m.total(local.FunctionRequests), "invocations"},
		"xray":                {m.total(local.Traces) * sampled * segments, "5 % of the traces × 4 segments"},
		"cognito":             {0, "none: a token is good for an hour"},
	}
	all := make([]Demand, 0, len(quotas))
	for _, q := range quotas {
		switch q.ID {
		case "gateway-throttle":
			q.Value = s.throttle
		case "intake-concurrency":
			q.Value = s.intake
		case "webhook-concurrency":
			q.Value = s.webhook
		case "stream":
			q.Value = s.outbox
		}
		p, ok := perOrder[q.ID]
		if !ok {
			return nil, fmt.Errorf("scale: nothing says what an order takes of %s", q.ID)
		}
		all = append(all, Demand{Quota: q, PerOrder: p.amount, Formula: p.formula, Grows: q.ID == "stream"})
	}
	return all, nil
}

// What X-Ray records of a trace that is not the first of its second, and of how many parts a trace is on average: the gateway's
// and the queue's, or the function's own two.
const (
	sampled  = 0.05
	segments = 4
)

// measured is what a run counted, by order.
type measured struct {
	*cost.Report
	*settings
	orders float64
}

func (m measured) total(meter local.Meter, details ...string) float64 {
	return float64(m.Usage.Total(meter, details...)) / m.orders
}

func (m measured) of(meter local.Meter, resource string) float64 {
	n := int64(0)
	for _, use := range m.Usage {
		if use.Meter == meter && use.Resource == resource {
			n += use.Count
		}
	}
	return float64(n) / m.orders
}

// busy is how many seconds functions whose logical ids begin so compute for an order: what runs at one time for each order a second.
func (m measured) busy(prefix string) float64 {
	seconds := 0.0
	for _, use := range m.Usage {
		if use.Meter == local.FunctionMBms && strings.HasPrefix(use.Resource, prefix) {
			seconds += float64(use.Count) / m.memory[use.Resource] / 1000
		}
	}
	return seconds / m.orders
}
