package local

import (
	"time"

	"github.com/orderflow-cdk/orderflow/local/internal/api"
	"github.com/orderflow-cdk/orderflow/local/internal/sim"
)

// latency is how long a call of a service takes in simulated time before it
// has its effect. The figures are round numbers of the order that the
// services show within a region; they make runs readable and are no
// measurement.
var latency = map[string]time.Duration{
	"dynamodb":       4 * time.Millisecond,
	"sqs":            8 * time.Millisecond,
	"lambda":         3 * time.Millisecond,
	"states":         12 * time.Millisecond,
	"secretsmanager": 15 * time.Millisecond,
	"sns":            6 * time.Millisecond,
	"appsync":        8 * time.Millisecond,
}

// bus carries every call of an AWS service inside the stack, whoever makes it.
type bus struct {
	kernel   *sim.Kernel
	services map[string]api.Service
}

// Do implements api.Service.
func (b *bus) Do(c api.Call, done func([]byte, error)) {
	service, ok := b.services[c.Service]
	if !ok {
		done(nil, &api.Error{
			Code:    "UnrecognizedClientException",
			Message: "not simulated: the service " + c.Service + " (action " + c.Action + ")",
			Status:  501,
		})
		return
	}
	b.kernel.After(latency[c.Service], func() { service.Do(c, done) })
}
