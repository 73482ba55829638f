package local

import (
	"cmp"
	"slices"
)

// Meter is a unit in which AWS bills, or a part of one that only makes sense as a whole number.
type Meter string

// The meters of a stack. What is free on AWS has none, but where that is worth showing.
const (
	// GatewayRequests are requests that the REST API answered, but those that are free: refused by an
	// authorizer or by a throttle (API Gateway Developer Guide, "API Gateway pricing").
	GatewayRequests Meter = "apigateway:requests"
	// GatewayBytes are what the answers of the REST API have, headers included.
	GatewayBytes Meter = "apigateway:bytes"
	// WAFRequests are requests that a web ACL inspected: all that reached an API with one.
	WAFRequests Meter = "waf:requests"
	// QueueRequests are requests to standard queues, FIFOQueueRequests those to FIFO queues: one for each 64 KB
	// that a call carries. The calls of event source mappings that got messages or deleted them are among them; those that got none are
	// EmptyReceives.
	QueueRequests     Meter = "sqs:requests"
	FIFOQueueRequests Meter = "sqs:fifo-requests"
	// FunctionRequests are invocations, FunctionMBms their billed milliseconds times the memory in MB. The detail is the architecture.
	FunctionRequests Meter = "lambda:requests"
	FunctionMBms     Meter = "lambda:mb-ms"
	// Transitions are those of Standard executions: one for each state that was entered, for each retry and for the start.
	Transitions Meter = "states:transitions"
	// ExpressRequests are Express executions, ExpressMBms their time, rounded up to 100 ms, times ExpressMemory.
	ExpressRequests Meter = "states:express-requests"
	ExpressMBms     Meter = "states:express-mb-ms"
	// ReadHalfUnits are halves of read request units: what an eventually consistent read of 4 KB takes. WriteUnits are write
	// request units. Transactions take twice as many.
	ReadHalfUnits Meter = "dynamodb:read-half-units"
	WriteUnits    Meter = "dynamodb:write-units"
	// StreamRecords are records that stream mappings read. Reading for Lambda is free; a reader of another kind would pay for its calls.
	StreamRecords Meter = "dynamodb:stream-records"
	// Publishes are requests to topics: one for each 64 KB that was published.
	Publishes Meter = "sns:requests"
	// Deliveries are attempts to deliver a message, by protocol. Those to queues and functions are free of SNS's own price.
	Deliveries Meter = "sns:deliveries"
	// GraphQLOperations are queries and mutations, RealTimeUpdates what went over websockets, in pieces of 5 KB: events, and
	// what clients did there (connections, subscriptions). ConnectionSeconds is how long they were open.
	GraphQLOperations Meter = "appsync:operations"
	RealTimeUpdates   Meter = "appsync:updates"
	ConnectionSeconds Meter = "appsync:connection-seconds"
	// GraphQLBytes are what the answers and frames of AppSync have.
	GraphQLBytes Meter = "appsync:bytes"
	// LogBytes are what log groups took in: each event with 26 bytes more than its text (CloudWatch Logs API reference, PutLogEvents).
	LogBytes Meter = "logs:bytes"
	// Traces are where a trace begins, before sampling: requests to the gateway, invocations and executions that nobody else traces.
	Traces Meter = "xray:traces"
	// SecretCalls are calls of Secrets Manager.
	SecretCalls Meter = "secretsmanager:requests"
	// HTTPBytes are what functions and topics sent to the outside.
	HTTPBytes Meter = "egress:bytes"
)

// ExpressMemory is what an Express execution is assumed to take, in MB: the least that is billed. Step Functions does not say how
// much an execution takes, only what makes it grow: definition, Map and Parallel states, payload.
const ExpressMemory = 64

// Use is how much of one meter one resource used.
type Use struct {
	Meter Meter `json:"meter"`
	// Resource is its logical id; empty if it is not known.
	Resource string `json:"resource,omitempty"`
	// Detail is what tells uses of a resource apart: an action, a protocol, an architecture, a status.
	Detail string `json:"detail,omitempty"`
	Count  int64  `json:"count"`
}

// Usage is what a run used of what AWS bills, sorted.
type Usage []Use

// Total is how much was used of a meter by all resources, with one of the details if there are any.
func (u Usage) Total(m Meter, details ...string) int64 {
	n := int64(0)
	for _, use := range u {
		if use.Meter == m && (len(details) == 0 || slices.Contains(details, use.Detail)) {
			n += use.Count
		}
	}
	return n
}

// Since is what was used after an earlier Usage of the same run.
func (u Usage) Since(earlier Usage) Usage {
	counts := map[usageKey]int64{}
	for _, use := range u {
		counts[use.key()] += use.Count
	}
	for _, use := range earlier {
		counts[use.key()] -= use.Count
	}
	return sortedUsage(counts)
}

type usageKey struct {
	meter            Meter
	resource, detail string
}

func (u *Use) key() usageKey { return usageKey{u.Meter, u.Resource, u.Detail} }

func sortedUsage(counts map[usageKey]int64) Usage {
	all := make(Usage, 0, len(counts))
	for k, n := range counts {
		if n != 0 {
			all = append(all, Use{k.meter, k.resource, k.detail, n})
		}
	}
	slices.SortFunc(all, func(a, b Use) int {
		return cmp.Or(cmp.Compare(a.Meter, b.Meter), cmp.Compare(a.Resource, b.Resource), cmp.Compare(a.Detail, b.Detail))
	})
	return all
}

// Usage is what the stack has used so far of what AWS bills, since it was made. What of it happened before a restart is not part of it.
//
// It is what the engines did: nothing is estimated, except that an Express execution takes ExpressMemory. Time is that of the stack, in
// which code takes as long as Options.Compute says.
func (s *Stack) Usage() Usage {
	s.mu.Lock()
	defer s.mu.Unlock()
	counts := map[usageKey]int64{}
	for k, n := range s.used { // added up and sorted
		counts[k] = n
	}
	s.world.engineUsage(func(m Meter, resource, detail string, n int64) {
		counts[usageKey{m, resource, detail}] += n
	})
	return sortedUsage(counts)
}

// use counts.
func (s *Stack) use(m Meter, resource, detail string, n int64) {
	if s.used == nil {
		s.used = map[usageKey]int64{}
	}
	s.used[usageKey{m, resource, detail}] += n
}

// keepUsage takes over what the engines of a world counted, which is at its end.
func (s *Stack) keepUsage(w *world) {
	w.engineUsage(s.use)
}
