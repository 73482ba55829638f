package scale

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"time"

	"github.com/orderflow-cdk/orderflow/local"
)

// Outages are those of docs/scale.md.
func Outages() []Outage {
	all := []Outage{
		{
			Name: "intake", Title: "intake is throttled",
			Rate: 2, Before: time.Minute, Lasts: 30 * time.Minute, After: 7 * time.Minute,
			Faults: []local.Fault{{Target: "intake", Kind: local.Throttle}},
		},
		{
			Name: "step-functions", Title: "Step Functions starts no executions",
			Rate: 2, Before: time.Minute, Lasts: 30 * time.Minute, After: 7 * time.Minute,
			Faults: []local.Fault{{Target: "states:StartExecution", Kind: local.Throttle}},
		},
		{
			Name: "payment", Title: "the payment provider answers 503",
			Rate: 1, Before: time.Minute, Lasts: 30 * time.Minute, After: 14 * time.Minute, Provider: true,
		},
		{
			Name: "payment-patient", Title: "the same with a Standard workflow and a patient retry of Charge",
			Rate: 1, Before: time.Minute, Lasts: 30 * time.Minute, After: 14 * time.Minute, Provider: true, Patient: true,
		},
		{
			Name: "webhook", Title: "the tenant's endpoint answers 503 for 4 hours",
			Rate: 0.05, Before: 10 * time.Minute, Lasts: 4 * time.Hour, After: 9 * time.Hour, Every: 4 * time.Minute, Endpoint: true,
		},
	}
	for _, concurrency := range []int{2, 5, 50} {
		all = append(all, Outage{
			Name: fmt.Sprintf("drain-%d", concurrency), Title: fmt.Sprintf("MaxConcurrency %d", concurrency),
			Rate: 20, Before: 10 * time.Second, Lasts: time.Minute, After: 25 * time.Second, Every: time.Second, Concurrency: concurrency,
			Faults: []local.Fault{{Target: "intake", Kind: local.Throttle}},
		})
	}
	return all
}

//go:embed outages.json
var stored []byte

// Results are what the Outages came to when they were last run.
func Results() ([]Result, error) {
	var all []Result
	if err := json.Unmarshal(stored, &all); err != nil {
		return nil, fmt.Errorf("scale: outages.json: %w", err)
	}
	return all, nil
}
