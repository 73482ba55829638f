package cost

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/orderflow-cdk/orderflow/local"
)

// Check holds one count of local.Usage against what the run's trace says.
type Check struct {
	What string `json:"what"`
	// Counted is what Usage says, Traced what follows from the events of local.Stack.Observe.
	Counted int64 `json:"counted"`
	Traced  int64 `json:"traced"`
	// AtLeast is whether the trace tells only a part, so that Counted has to be at least Traced.
	AtLeast bool `json:"atLeast,omitempty"`
	OK      bool `json:"ok"`
}

// tally counts on its own, by nothing but the events of a run: it shares no code with what counts for Usage, and knows of the template
// only how much memory its functions have.
type tally struct {
	memory map[string]int64 // of functions, by logical id
	queues map[string]bool  // functions that a mapping of a queue invokes
	n      map[string]int64
}

// newTally reads what a tally has to know of a template.
func newTally(resources []local.Resource) *tally {
	t := &tally{memory: map[string]int64{}, queues: map[string]bool{}, n: map[string]int64{}}
	queues := map[string]bool{}
	for _, r := range resources {
		switch r.Type {
		case "AWS::Lambda::Function":
			var p struct{ MemorySize json.Number }
			t.memory[r.LogicalID] = 128
			if json.Unmarshal(r.Properties, &p) == nil && p.MemorySize != "" {
				t.memory[r.LogicalID], _ = p.MemorySize.Int64()
			}
		case "AWS::SQS::Queue":
			queues[r.ARN] = true
		}
	}
	for _, r := range resources {
		var p struct {
			EventSourceArn, FunctionName string
			Enabled                      *bool
		}
		if r.Type != "AWS::Lambda::EventSourceMapping" || json.Unmarshal(r.Properties, &p) != nil || !queues[p.EventSourceArn] || p.Enabled != nil && !*p.Enabled {
			continue
		}
		for id := range t.memory {
			if p.FunctionName == id || strings.Contains(p.FunctionName, id) {
				t.queues[id] = true
			}
		}
	}
	return t
}

// observe is told of every event.
func (t *tally) observe(e local.Event) {
	switch e.Kind {
	case local.EventRequest:
		t.request(e)
	case local.EventCall:
		t.call(e)
	case local.EventInvocation:
		t.n["invocations"]++
		ms := (e.Duration + time.Millisecond - 1) / time.Millisecond
		t.n["mb-ms"] += max(1, int64(ms)) * t.memory[e.To]
		if t.queues[e.To] {
			t.n["batches"]++
		}
	case local.EventState:
		t.state(e)
	case local.EventFrame:
		t.n["frames"]++
	case local.EventLog:
		t.n["log bytes"] += int64(len(e.Detail)) + 26
	}
}

func (t *tally) request(e local.Event) {
	switch e.To {
	case "gateway":
		status, _, _ := strings.Cut(e.Detail, " ")
		t.n["answers"]++
		if code, _ := strconv.Atoi(status); code != http.StatusUnauthorized && code != http.StatusForbidden && code != http.StatusTooManyRequests {
			t.n["requests"]++
		}
	case "appsync":
		t.n["graphql"]++
	}
}

func (t *tally) call(e local.Event) {
	service, action, _ := strings.Cut(e.Action, ":")
	switch service {
	case "sqs", "sns", "secretsmanager":
		t.n[service]++
	case "appsync":
		t.n["graphql"]++
	case "dynamodb":
		var in struct{ TransactItems []json.RawMessage }
		switch action {
		case "PutItem", "UpdateItem", "DeleteItem":
			t.n["writes"]++
		case "TransactWriteItems":
			if json.Unmarshal([]byte(e.Detail), &in) == nil {
				t.n["writes"] += 2 * int64(len(in.TransactItems))
			}
		case "GetItem", "Query", "BatchGetItem":
			t.n["reads"]++
		}
	}
}

// state counts transitions: entering a state, and every attempt at a task beyond its first.
func (t *tally) state(e local.Event) {
	switch {
	case e.Action == "ExecutionStarted":
		t.n["executions"]++
	case e.Action == "TaskStateEntered":
		t.n["entered"]++
		t.n["tasks"]++
	case strings.HasSuffix(e.Action, "StateEntered"):
		t.n["entered"]++
	case e.Action == "TaskScheduled":
		t.n["attempts"]++
	}
}

// checks compares.
func (t *tally) checks(u local.Usage) []Check {
	var all []Check
	same := func(what string, counted, traced int64) {
		all = append(all, Check{What: what, Counted: counted, Traced: traced, OK: counted == traced})
	}
	least := func(what string, counted, traced int64) {
		all = append(all, Check{What: what, Counted: counted, Traced: traced, AtLeast: true, OK: counted >= traced})
	}
	same("requests to the gateway", u.Total(local.GatewayRequests), t.n["requests"])
	if inspected := u.Total(local.WAFRequests); inspected > 0 {
		same("requests inspected by the firewall", inspected, t.n["answers"])
	}
	same("requests to queues: calls, and a receive and a delete for each batch",
		u.Total(local.QueueRequests)+u.Total(local.FIFOQueueRequests), t.n["sqs"]+2*t.n["batches"])
	same("invocations", u.Total(local.FunctionRequests), t.n["invocations"])
	same("billed milliseconds times MB", u.Total(local.FunctionMBms), t.n["mb-ms"])
	if express := u.Total(local.ExpressRequests); express > 0 {
		same("Express executions", express, t.n["executions"])
	} else {
		same("state transitions: starts, states entered, attempts repeated",
			u.Total(local.Transitions), t.n["executions"]+t.n["entered"]+t.n["attempts"]-t.n["tasks"])
	}
	least("units of writing: the least that each call takes", u.Total(local.WriteUnits), t.n["writes"])
	least("halves of units of reading: the least that each call takes", u.Total(local.ReadHalfUnits), t.n["reads"])
	same("publications", u.Total(local.Publishes), t.n["sns"])
	same("GraphQL operations", u.Total(local.GraphQLOperations), t.n["graphql"])
	same("events over websockets", u.Total(local.RealTimeUpdates, "event"), t.n["frames"])
	same("calls of Secrets Manager", u.Total(local.SecretCalls), t.n["secretsmanager"])
	least("bytes of logs: the functions' own lines", u.Total(local.LogBytes), t.n["log bytes"])
	return all
}

// Disagreements are the checks that failed, as one error, or nil.
func Disagreements(checks []Check) error {
	var bad []string
	for _, c := range checks {
		if !c.OK {
			bad = append(bad, fmt.Sprintf("%s: counted %d, the trace says %d", c.What, c.Counted, c.Traced))
		}
	}
	if len(bad) == 0 {
		return nil
	}
	return fmt.Errorf("the counts and the run's trace do not agree: %s", strings.Join(bad, "; "))
}
