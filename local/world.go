package local

import (
	"strings"
	"time"

	"github.com/orderflow-cdk/orderflow/local/internal/api"
	"github.com/orderflow-cdk/orderflow/local/internal/apigateway"
	"github.com/orderflow-cdk/orderflow/local/internal/appsync"
	"github.com/orderflow-cdk/orderflow/local/internal/cfn"
	"github.com/orderflow-cdk/orderflow/local/internal/durable"
	"github.com/orderflow-cdk/orderflow/local/internal/dynamodb"
	"github.com/orderflow-cdk/orderflow/local/internal/lambda"
	"github.com/orderflow-cdk/orderflow/local/internal/secretsmanager"
	"github.com/orderflow-cdk/orderflow/local/internal/sim"
	"github.com/orderflow-cdk/orderflow/local/internal/sns"
	"github.com/orderflow-cdk/orderflow/local/internal/sqs"
	"github.com/orderflow-cdk/orderflow/local/internal/states"
)

// world is what a template becomes. Another template makes another one, which
// goes on from the records of the first.
type world struct {
	kernel   *sim.Kernel
	names    names
	bus      *bus
	policies *policies // nil: everything is allowed
	api      *apigateway.API
	outputs  map[string]string
	keys     map[string]principal // of AWS clients; nil until the first comes
	notes    []string
	found    findings
	ended    chan struct{} // closed when nothing happens in it any more

	queues    *sqs.Service
	functions *lambda.Service
	machines  *states.Service
	tables    *dynamodb.Service
	secrets   *secretsmanager.Service
	topics    *sns.Service
	graphQL   *appsync.API // nil if the template has none

	billed
	journals

	codes        []*functionCode
	environments map[*environment]struct{} // with processes
}

// assemble makes the stack the world of a template, with the clock at now. Nothing has
// happened in it yet. started is when the stack was first made. Who does not hold the stack
// finds the world only when it is published.
func (s *Stack) assemble(template []byte, now, started time.Time, seed uint64) error {
	t, err := cfn.Parse(template)
	if err != nil {
		return err
	}
	if err := checkTypes(t); err != nil {
		return err
	}
	o := s.opts
	k := sim.New(now, seed)
	b := &bus{kernel: k, stack: s, services: map[string]api.Service{}}
	w := &world{
		kernel: k, bus: b, ended: make(chan struct{}), environments: map[*environment]struct{}{},
		names:     names{region: o.Region, account: o.AccountID, stack: o.Name, endpoint: strings.TrimSuffix(o.Endpoint, "/"), started: started.UTC(), template: t},
		queues:    sqs.NewService(k, o.Region, o.AccountID),
		functions: lambda.NewService(k, o.Region, o.AccountID),
		tables:    dynamodb.NewService(k, o.Region, o.AccountID),
		machines:  states.NewService(k, b.as("states.amazonaws.com"), o.Region, o.AccountID),
		secrets:   secretsmanager.NewService(k),
	}
	w.tables.Created = w.names.started
	w.topics = sns.NewService(k, b.as("sns.amazonaws.com"), o.Region, o.AccountID, s.post)
	w.topics.Log = o.Logs
	if o.Endpoint != "" {
		w.topics.BaseURL = w.names.endpoint
	}
	w.functions.Log = o.Logs
	w.functions.Throttled = func(f *lambda.Function) bool { return s.fault(f.Properties.Handler, Throttle) != nil }
	w.functions.Observe = s.observeInvocation
	if o.Compute != nil {
		w.functions.Compute = w.compute(o.Compute)
	}
	w.functions.Begins = func(f *lambda.Function) {
		if f.Traced() {
			s.beginTrace(w.names.logicalID(f.ARN))
		}
	}
	w.machines.Begins = func(m *states.StateMachine) {
		if m.Traced {
			s.beginTrace(w.names.logicalID(m.ARN))
		}
	}
	w.machines.Observe, w.machines.Observed = s.observeState, s.watching.Load
	if o.KeepHistories != 0 {
		w.machines.KeepHistories = o.KeepHistories
	}
	b.services["sqs"] = w.queues
	b.services["lambda"] = w.functions
	b.services["dynamodb"] = w.tables
	b.services["states"] = w.machines
	b.services["secretsmanager"] = w.secrets
	b.services["sns"] = w.topics
	b.services["appsync"] = api.Func(s.controlGraphQL)
	b.services["sts"] = api.Func(s.callTokens)
	b.services["cloudformation"] = api.Func(s.callStacks)
	s.openJournals(w)
	w.names.groups = map[string]string{}
	env := w.names.environment(o.Parameters)
	if err := w.names.nameGroups(env); err != nil {
		return err
	}
	resources, err := t.Resources(env)
	if err != nil {
		return err
	}
	outside := w.names
	outside.outside = true
	if w.outputs, err = t.Outputs(outside.environment(o.Parameters)); err != nil {
		return err
	}
	old := s.world
	s.world = w
	if old == nil {
		s.current.Store(w) // for Now
	}
	if err := s.build(resources); err != nil {
		return err
	}
	if old != nil {
		w.logs.Adopt(old.logs)
	}
	return nil
}

// end is the end of all that still waits in a world.
func (w *world) end() {
	close(w.ended)
	w.endProcesses()
	if w.graphQL != nil {
		w.graphQL.Close()
	}
	w.kernel.Close()
}

// engines are the services whose state outlives the process, in the order in which they are restored.
func (w *world) engines() []namedEngine {
	var all []namedEngine
	for _, e := range []struct {
		name    string
		service any
	}{
		{"secretsmanager", w.secrets}, {"dynamodb", w.tables}, {"sqs", w.queues}, {"sns", w.topics}, {"lambda", w.functions}, {"states", w.machines},
	} {
		if engine, ok := e.service.(durable.Engine); ok {
			all = append(all, namedEngine{e.name, engine})
		}
	}
	return all
}
