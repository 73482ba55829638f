package cost

import (
	"encoding/json"
	"math/big"

	"github.com/orderflow-cdk/orderflow/local"
)

// What polls an empty queue: Lambda waits with long polling (20 s) on five connections, or, as documented since 2023, on as few as two
// where no maximum of concurrency is set. Source: Lambda Developer Guide, "Configuring scaling behavior for SQS event source mappings".
const (
	pollersAtLeast     = 2
	pollersWithMaximum = 5
	longPollSeconds    = 20
	// secondsPerMonth are those of 30 days.
	secondsPerMonth = 30 * 24 * 3600
)

// idleBill is what a stack costs in a month in which nobody orders.
func idleBill(stack *local.Stack, prices *PriceTable) ([]Line, error) {
	var lines []Line
	add := func(id, resource string, count int64) {
		p := prices.find(id, "")
		if p == nil || count == 0 {
			return
		}
		n := new(big.Rat).SetInt64(count)
		lines = append(lines, newLine(p, resource, n, p.of(n)))
	}
	for _, r := range stack.Resources() {
		switch r.Type {
		case "AWS::CloudWatch::Alarm":
			add("month:alarm", r.LogicalID, alarmMetrics(r.Properties))
		case "AWS::CloudWatch::CompositeAlarm":
			add("month:composite-alarm", r.LogicalID, 1)
		case "AWS::CloudWatch::Dashboard":
			add("month:dashboard", r.LogicalID, 1)
		case "AWS::KMS::Key":
			add("month:kms-key", r.LogicalID, 1)
		case "AWS::SecretsManager::Secret":
			add("month:secret", r.LogicalID, 1)
		case "AWS::WAFv2::WebACL":
			var p struct{ Rules []json.RawMessage }
			if err := json.Unmarshal(r.Properties, &p); err != nil {
				return nil, err
			}
			add("month:web-acl", r.LogicalID, 1)
			add("month:waf-rule", r.LogicalID, int64(len(p.Rules)))
		case "AWS::Lambda::EventSourceMapping":
			add("sqs:requests", r.LogicalID, emptyPolls(stack, r))
		}
	}
	sortLines(lines)
	return lines, nil
}

// emptyPolls is how often a mapping asks an empty queue in a month; 0 if what it reads is no queue.
func emptyPolls(stack *local.Stack, mapping local.Resource) int64 {
	var p struct {
		EventSourceArn string
		Enabled        *bool
		ScalingConfig  *struct{ MaximumConcurrency any }
	}
	if json.Unmarshal(mapping.Properties, &p) != nil || p.Enabled != nil && !*p.Enabled {
		return 0
	}
	for _, r := range stack.Resources() {
		if r.Type == "AWS::SQS::Queue" && r.ARN == p.EventSourceArn {
			pollers := int64(pollersAtLeast)
			if p.ScalingConfig != nil && p.ScalingConfig.MaximumConcurrency != nil {
				pollers = pollersWithMaximum
			}
			return pollers * secondsPerMonth / longPollSeconds
		}
	}
	return 0
}

// alarmMetrics is how many metrics an alarm looks at, each of which is paid for.
func alarmMetrics(properties json.RawMessage) int64 {
	var p struct {
		Metrics []struct{ MetricStat json.RawMessage }
	}
	_ = json.Unmarshal(properties, &p) // an alarm of another shape has one metric
	n := int64(0)
	for _, m := range p.Metrics {
		if m.MetricStat != nil {
			n++
		}
	}
	return max(1, n)
}
