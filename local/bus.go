package local

import (
	"maps"
	"slices"
	"strings"
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
	"logs":           10 * time.Millisecond,
	"sts":            10 * time.Millisecond,
	"cloudformation": 50 * time.Millisecond,
}

// bus carries every call of an AWS service inside the stack, whoever makes it.
type bus struct {
	kernel   *sim.Kernel
	stack    *Stack
	services map[string]api.Service
	// authorize decides whether a call may be made; nil: every call may.
	authorize func(api.Call) *api.Error
}

// as is the bus for a service's own calls: those that it makes in a role, and those that it makes as itself.
func (b *bus) as(service string) api.Service {
	return api.Service(serviceBus{b, service})
}

type serviceBus struct {
	*bus
	service string
}

// Do implements api.Service.
func (b serviceBus) Do(c api.Call, done func([]byte, error)) {
	switch {
	case strings.HasPrefix(c.Caller, "arn:aws:iam:"):
		c.Via = b.service
	default:
		c.Principal = b.service
		if c.SourceARN == "" {
			c.SourceARN = c.Caller
		}
	}
	b.bus.Do(c, done)
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
	do := func(done func([]byte, error)) {
		if b.authorize != nil {
			if refused := b.authorize(c); refused != nil {
				done(nil, refused)
				return
			}
		}
		billed := func(out []byte, err error) {
			b.stack.billCall(&c, out)
			done(out, err)
		}
		b.kernel.After(latency[c.Service], func() { service.Do(c, billed) })
	}
	if b.stack.watching.Load() {
		done = b.stack.observeCall(c, done)
	}
	if len(b.stack.faults) > 0 {
		if f := b.stack.fault(c.Service + ":" + c.Action); f != nil {
			f.suffer(b, c, do, done)
			return
		}
	}
	do(done)
}

// Latencies tells in words how long calls of services take in simulated time.
func Latencies() string {
	var all []string
	for _, service := range slices.Sorted(maps.Keys(latency)) {
		all = append(all, service+" "+latency[service].String())
	}
	return strings.Join(all, ", ")
}
