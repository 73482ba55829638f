package states

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/orderflow-cdk/orderflow/local/internal/api"
	"github.com/orderflow-cdk/orderflow/local/internal/cfn"
	"github.com/orderflow-cdk/orderflow/local/internal/jsonata"
	"github.com/orderflow-cdk/orderflow/local/internal/sim"
	"github.com/orderflow-cdk/orderflow/local/internal/uuid"
)

// Defaults of a Service.
const (
	DefaultTransition    = 5 * time.Millisecond
	DefaultKeepHistories = 1000
)

// Limits of Step Functions.
const (
	maxPayload         = 256 << 10                  // bytes of a state's input or output
	maxHistory         = 25_000                     // events of a Standard execution
	maxInlineParallel  = 40                         // concurrent iterations of an inline Map
	maxExpressDuration = 5 * time.Minute            // of an Express execution
	maxDuration        = 365 * 24 * time.Hour       // of a Standard execution
	nameRetention      = 90 * 24 * time.Hour        // for which a closed execution's name stays taken
	maxVariables       = 10 << 20                   // bytes of all variables of an execution
	maxErrorLength     = 256                        // characters of an error's name
	maxCauseLength     = 32 << 10                   // characters of a cause
	timeFormat         = "2006-01-02T15:04:05.000Z" // of the context object
)

// Service is the state machines of one account in one region.
type Service struct {
	// Transition is how long it takes to get from one state to the next.
	// NewService sets DefaultTransition. It should not be 0: a loop of states
	// that wait for nothing would then never let time pass.
	Transition time.Duration
	// KeepHistories is how many closed executions keep their history; those that
	// closed earlier lose it. Below 0 all keep it. NewService sets
	// DefaultKeepHistories.
	KeepHistories int
	// Observe is told of every event of an execution, by its type as in a history, with the state's name and
	// its value as JSON, in the event of the kernel in which it happens; nil: nobody is.
	Observe func(ex *Execution, typ, state string, value func() string)
	// Observed says whether there is somebody to be told; nil: there is.
	Observed func() bool
	// Begins is told of every execution that starts; nil: nobody is.
	Begins func(*StateMachine)
	// Log takes the events that a state machine logs (see LoggingConfiguration), as lines that render makes, now or
	// later; nil: nothing is logged.
	Log func(sm *StateMachine, render func() string)

	k               *sim.Kernel
	bus             api.Service
	region, account string
	ids             *rand.Rand
	env             *jsonata.Env
	scratch         map[string]any // variables of a branch that has none

	machines map[string]*StateMachine // by ARN
	byName   []*StateMachine          // in order of creation
	byARN    map[string]*Execution    // Standard executions
	tokens   map[string]*branch
	tokenKey []byte       // that tells the service's own tokens
	closed   []*Execution // with a history, oldest first
	keeping               // what is only for restarts
}

// NewService returns a service without state machines. Its executions make
// their calls through bus.
func NewService(k *sim.Kernel, bus api.Service, region, account string) *Service {
	s := &Service{
		Transition: DefaultTransition, KeepHistories: DefaultKeepHistories,
		k: k, bus: bus, region: region, account: account,
		// Ids come from a stream of their own, so that how many are made does
		// not shift the kernel's other random choices.
		ids:      rand.New(rand.NewPCG(k.Rand().Uint64(), k.Rand().Uint64())),
		env:      jsonata.NewEnv(jsonata.Host{Now: k.Now, Rand: k.Rand()}),
		scratch:  map[string]any{},
		machines: map[string]*StateMachine{}, byARN: map[string]*Execution{},
		tokens: map[string]*branch{}, keeping: newKeeping(),
	}
	for range 4 {
		s.tokenKey = binary.LittleEndian.AppendUint64(s.tokenKey, s.ids.Uint64())
	}
	return s
}

// StateMachineProperties are those of AWS::StepFunctions::StateMachine.
type StateMachineProperties struct {
	Definition              json.RawMessage
	DefinitionString        string
	DefinitionSubstitutions map[string]any
	DefinitionS3Location    any
	RoleArn                 string
	StateMachineName        string
	StateMachineType        string
	LoggingConfiguration    *LoggingConfiguration
	TracingConfiguration    *Tracing
	EncryptionConfiguration any `local:"declared"`
	Tags                    any `local:"declared"`
}

// Tracing is whether executions are traced, which has no other effect than that they are counted.
type Tracing struct{ Enabled cfn.Bool }

// StateMachine is one state machine.
type StateMachine struct {
	// ARN, Name and RoleARN identify it and whom it acts as.
	ARN, Name, RoleARN string
	// Express is whether it is an Express workflow and not a Standard one.
	Express bool
	// Machine is its compiled definition.
	Machine *Machine

	s          *Service
	logging    *LoggingConfiguration // nil: it logs nothing
	version    *version              // of its definition
	created    time.Time
	executions []*Execution          // in order of their start
	names      map[string]*Execution // the latest with each name
	events     int                   // of the execution that closed last
	// Started counts the executions that ever were started.
	Started int
	// What follows is what is billed. Transitions counts those of Standard executions: one for each state that is entered or
	// retried, and the start of each. ExpressRequests counts Express executions, ExpressMS the milliseconds that those took which are over, each
	// rounded up to 100.
	Transitions, ExpressRequests, ExpressMS int64
	// Traced says whether its executions are traced.
	Traced bool
}

// StateMachines lists the state machines in order of creation.
func (s *Service) StateMachines() []*StateMachine { return s.byName }

// CreateStateMachine makes a state machine. The definition is checked as
// CreateStateMachine checks it; all mistakes are reported at once.
func (s *Service) CreateStateMachine(name string, p StateMachineProperties) (*StateMachine, error) {
	if p.StateMachineName != "" {
		name = p.StateMachineName
	}
	fail := func(err error) (*StateMachine, error) {
		return nil, fmt.Errorf("state machine %s: %w", name, err)
	}
	if err := checkName(name); err != nil {
		return fail(err)
	}
	if err := p.LoggingConfiguration.check(); err != nil {
		return fail(err)
	}
	if p.DefinitionS3Location != nil {
		return fail(errors.New("DefinitionS3Location is not simulated"))
	}
	if (p.DefinitionString != "") == (len(p.Definition) > 0) {
		return fail(errors.New("exactly one of Definition and DefinitionString is required"))
	}
	definition := p.DefinitionString
	if definition == "" {
		definition = string(p.Definition)
	}
	definition, err := substitute(definition, p.DefinitionSubstitutions)
	if err != nil {
		return fail(err)
	}
	v, err := s.versionOf(definition)
	if err != nil {
		return fail(err)
	}
	m := v.machine
	sm := &StateMachine{
		ARN:  fmt.Sprintf("arn:aws:states:%s:%s:stateMachine:%s", s.region, s.account, name),
		Name: name, RoleARN: p.RoleArn, Machine: m, s: s, logging: p.LoggingConfiguration, Traced: p.TracingConfiguration != nil && bool(p.TracingConfiguration.Enabled),
		version: v, created: s.k.Now(), names: map[string]*Execution{},
	}
	switch p.StateMachineType {
	case "", "STANDARD":
	case "EXPRESS":
		sm.Express = true
		if err := m.checkExpress(); err != nil {
			return fail(err)
		}
	default:
		return fail(fmt.Errorf("StateMachineType %q is neither STANDARD nor EXPRESS", p.StateMachineType))
	}
	if p.RoleArn == "" {
		return fail(errors.New("RoleArn is required"))
	}
	if s.machines[sm.ARN] != nil {
		return fail(errors.New("it exists already"))
	}
	v.current++
	s.machines[sm.ARN] = sm
	s.byName = append(s.byName, sm)
	return sm, nil
}

// StateMachine returns a state machine by its ARN; nil if there is none.
func (s *Service) StateMachine(arn string) *StateMachine { return s.machines[arn] }

// checkExpress refuses what an Express workflow cannot do.
func (m *Machine) checkExpress() error {
	var errs []error
	for _, t := range m.tasks {
		switch t.resource.pattern {
		case callback:
			errs = append(errs, fmt.Errorf("state %q: Express state machines do not support .waitForTaskToken", t.name))
		case runJob, runJobParsed:
			errs = append(errs, fmt.Errorf("state %q: Express state machines do not support .sync", t.name))
		}
	}
	return errors.Join(errs...)
}

// substitute replaces ${key} in a definition, as CloudFormation does with
// DefinitionSubstitutions.
func substitute(definition string, values map[string]any) (string, error) {
	var out strings.Builder
	for {
		i := strings.Index(definition, "${")
		if i < 0 {
			out.WriteString(definition)
			return out.String(), nil
		}
		end := strings.IndexByte(definition[i:], '}')
		if end < 0 {
			out.WriteString(definition)
			return out.String(), nil
		}
		key := definition[i+2 : i+end]
		v, ok := values[key]
		if !ok {
			if len(values) > 0 {
				return "", fmt.Errorf("DefinitionSubstitutions has no %q", key)
			}
			out.WriteString(definition[:i+end+1])
		} else {
			out.WriteString(definition[:i])
			switch v := v.(type) {
			case string:
				out.WriteString(v)
			default:
				out.WriteString(jsonText(v))
			}
		}
		definition = definition[i+end+1:]
	}
}

// newID returns a random UUID.
func (s *Service) newID() string { return uuid.New(s.ids) }
