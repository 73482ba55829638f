package cost

import (
	"errors"
	"fmt"
	"time"

	"github.com/orderflow-cdk/orderflow/local"
)

// Channel is how the client of an order learns what became of it.
type Channel string

// The channels.
const (
	// Polling looks at the order's status after the Retry-After of the 202 and then after that of each answer, and reads the result when it is final.
	Polling Channel = "polling"
	// Webhook is told each event by a signed request to the tenant's endpoint, and asks nothing.
	Webhook Channel = "webhook"
	// Websocket connects and subscribes after the 202, looks at the status once when the subscription is active, is told the rest,
	// and hangs up at the end.
	Websocket Channel = "websocket"
)

// Channels are all channels.
func Channels() []Channel { return []Channel{Polling, Webhook, Websocket} }

// Options say what is measured. The zero value measures 1,000 orders a third of which use each channel.
type Options struct {
	// Environment is whose code runs and how the stack is called; default "prod".
	Environment string
	// Orders is how many are submitted; default 1,000.
	Orders int
	// Rate is how many come in a second on average, at random times; default 10. A higher one makes larger batches, and fewer of
	// the traces are the first of their second.
	Rate float64
	// Channels are those that orders use by turns; default all.
	Channels []Channel
	// Seed decides when orders come and what they are; default 1.
	Seed uint64
	// Assume is what cannot be counted; default DefaultAssumptions.
	Assume *Assumptions
	// Prices is the table; default that of Prices.
	Prices *PriceTable
	// Reconcile also counts by the run's trace, and puts both counts into Report.Checks. It takes about as long again.
	Reconcile bool
	// synchronous measures a template made by Synchronous: clients wait for the answer, which is the end.
	synchronous bool
	// Progress is told how many orders were submitted; default nobody.
	Progress func(submitted int)
}

// Assumptions are what a run on one machine cannot tell.
type Assumptions struct {
	// FullCore is what a warm invocation computes on a whole core. Lambda gives a function a share of one by its memory: all of it
	// at 1,769 MB (Lambda Developer Guide, "Configure Lambda function memory").
	FullCore time.Duration
	// ColdStart is what a new execution environment takes more, from its start to its first event. It is billed as well.
	ColdStart time.Duration
	// Provider is how long the payment provider takes to answer.
	Provider time.Duration
}

// DefaultAssumptions are measurements of docs/performance.md, rounded up: 0.4 ms are an invocation of intake with one message and the
// Runtime API's share; a cold start is 3 ms of process, the rest stands for the sandbox and the download.
func DefaultAssumptions() *Assumptions {
	return &Assumptions{FullCore: 400 * time.Microsecond, ColdStart: 80 * time.Millisecond, Provider: 250 * time.Millisecond}
}

// wholeCore is the memory in MB that gets a whole core.
const wholeCore = 1769

// compute is local.Options.Compute.
func (a *Assumptions) compute(f local.FunctionInfo, cold bool) time.Duration {
	d := a.FullCore * wholeCore / time.Duration(min(f.MemoryMB, wholeCore))
	if cold {
		d += a.ColdStart
	}
	return d
}

func (o Options) withDefaults() (Options, error) {
	if o.Environment == "" {
		o.Environment = "prod"
	}
	if o.Orders == 0 {
		o.Orders = 1000
	}
	if o.Rate == 0 {
		o.Rate = 10
	}
	if len(o.Channels) == 0 {
		o.Channels = Channels()
	}
	if o.Seed == 0 {
		o.Seed = 1
	}
	if o.Assume == nil {
		o.Assume = DefaultAssumptions()
	}
	if o.Progress == nil {
		o.Progress = func(int) {}
	}
	var errs []error
	if o.Orders < 1 {
		errs = append(errs, fmt.Errorf("orders must be at least 1, got %d", o.Orders))
	}
	if o.Rate <= 0 || o.Rate > 1000 {
		errs = append(errs, fmt.Errorf("the rate must be above 0 and at most 1000 orders a second, got %g", o.Rate))
	}
	for _, c := range o.Channels {
		if c != Polling && c != Webhook && c != Websocket {
			errs = append(errs, fmt.Errorf("the channel must be one of %v, got %q", Channels(), c))
		}
	}
	if o.Prices == nil {
		var err error
		if o.Prices, err = Prices(); err != nil {
			errs = append(errs, err)
		}
	}
	return o, errors.Join(errs...)
}
