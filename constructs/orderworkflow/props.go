package orderworkflow

import (
	"errors"
	"fmt"
	"maps"
	"time"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsdynamodb"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awskms"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslogs"

	"github.com/orderflow-cdk/orderflow/constructs/orderworkflow/asl"
)

// Kind is the type of the state machine.
type Kind string

const (
	// Standard runs each order's steps exactly once for as long as it takes,
	// up to a year. A second start under the same name is the same execution.
	Standard Kind = "STANDARD"

	// Express costs about a hundredth, and an execution lasts at most five minutes. It can be started more than
	// once for an order, of which one owns it and the others leave it alone; one that cannot undo its order
	// hands it to another execution. A crash of Step Functions' own leaves an order where it stands until it is started again, six
	// minutes later or more: every step and compensation must be idempotent. Nobody can list executions
	// or read their history, and no step can wait for a callback.
	Express Kind = "EXPRESS"
)

// LogLevel is what the state machine logs of its executions.
type LogLevel string

// The log levels of Step Functions.
const (
	LogErrors LogLevel = "ERROR"
	LogAll    LogLevel = "ALL"
	LogOff    LogLevel = "OFF"
)

// Retry says how often and how fast a step is tried again.
type Retry = asl.Retry

// Step is one step of the saga.
type Step struct {
	// Name is in upper camel case, such as Reserve. Results are kept under it.
	// Required.
	Name string

	// Status is what the order's status becomes after the step. Required.
	Status string

	// From are the statuses from which the order may move to Status.
	// Default: the previous step's status, or Props.Initial for the first.
	From []string

	// Run is what the step does. Required.
	Run Runner

	// Compensation undoes Run: a Runner, or NoCompensation. It must do no harm
	// if Run never took effect. Required.
	Compensation Compensation

	// Rejections are the names of the errors by which Run rejects the order. A Go
	// function's errors are named by their type. Default: none.
	Rejections []string

	// Retry is for every other error of Run. Compensations have a more
	// patient one of their own. Default: that of Retry.
	Retry Retry

	// Timeout bounds one attempt of Run or of Compensation, and the wait for a
	// callback. Whole seconds. Default: 30 s; 10 s in an Express workflow.
	Timeout time.Duration

	// Heartbeat is how long Run may go without sending a heartbeat, in whole
	// seconds, shorter than Timeout. Default: no heartbeat.
	Heartbeat time.Duration

	// WaitForCallback makes the step wait, after its call, until the task token is
	// reported back (see GrantCallback). A function gets it as taskToken; the
	// arguments of an integration must pass {% $states.context.Task.Token %} on.
	// Standard workflows only. Default: false.
	WaitForCallback bool
}

// Runner is what a step or a compensation runs: see Function and Integration.
type Runner struct {
	function    awslambda.IFunction
	integration *ServiceIntegration
}

// Function runs a Lambda function. It is invoked with a JSON object of pk,
// tenant, orderId, order, step and results, and what it returns is kept.
func Function(f awslambda.IFunction) Runner { return Runner{function: f} }

// Integration calls an AWS service without a function.
func Integration(i ServiceIntegration) Runner { return Runner{integration: &i} }

// ServiceIntegration is a call that Step Functions makes itself.
type ServiceIntegration struct {
	// Resource is the integration's ARN, such as arn:aws:states:::sqs:sendMessage.
	// Required.
	Resource string

	// Arguments of the call. Strings in {% %} are JSONata, in which $results and
	// $states.context.Execution.Input (pk, tenant, orderId, order) are at hand.
	Arguments map[string]any

	// Result is the JSONata expression, without its delimiters, for what is
	// kept of the answer. Default: $states.result.
	Result string

	// Permissions are what the call needs. Default: none.
	Permissions []awsiam.PolicyStatement
}

// Compensation is a Runner or NoCompensation.
type Compensation interface{ compensation() *Runner }

func (r Runner) compensation() *Runner { return &r }

type noCompensation struct{}

func (noCompensation) compensation() *Runner { return nil }

// NoCompensation says that there is nothing to undo. If the last step has it,
// that step is the point of no return: a request to cancel that arrives while it
// runs comes too late.
var NoCompensation Compensation = noCompensation{}

// Props are the options of an OrderWorkflow.
type Props struct {
	// Steps in the order in which they run. Required.
	Steps []Step

	// Kind of the state machine. Default: Standard.
	Kind Kind

	// Initial is the status in which orders are recorded. Default: ACCEPTED.
	Initial string

	// Rejected, Failed and Cancelled are the statuses of orders that do not
	// complete. Default: REJECTED, FAILED, CANCELLED.
	Rejected, Failed, Cancelled string

	// Timeout ends an execution whatever it is doing and leaves its order as it
	// stands, so it must exceed what the steps can take. Default: what they
	// can take with every retry and compensation, and four hours for the table
	// (five minutes in all for Express).
	Timeout time.Duration

	// Comment describes the state machine. Default: none.
	Comment string

	// Table holds the orders, with string keys pk and sk. Default: a new one,
	// to which the following four options apply.
	Table awsdynamodb.ITable

	// NoDeletionProtection lets the table be deleted. Default: it cannot be.
	NoDeletionProtection bool

	// NoPointInTimeRecovery does without continuous backups. Default: 35 days of them.
	NoPointInTimeRecovery bool

	// EncryptionKey encrypts the table. Default: the key that DynamoDB owns.
	EncryptionKey awskms.IKey

	// RemovalPolicy says what becomes of table and logs when they are taken out
	// of the stack. Default: RETAIN.
	RemovalPolicy awscdk.RemovalPolicy

	// LogLevel is which events of executions are logged. Default: LogErrors.
	LogLevel LogLevel

	// LogExecutionData logs inputs and outputs too, and so what clients sent.
	// Default: false.
	LogExecutionData bool

	// LogRetention is how long logs are kept. Default: ONE_MONTH.
	LogRetention awslogs.RetentionDays

	// NoTracing turns X-Ray off. Default: tracing.
	NoTracing bool
}

func (p Props) withDefaults() Props {
	setDefault(&p.Kind, Standard)
	setDefault(&p.Initial, "ACCEPTED")
	setDefault(&p.Rejected, "REJECTED")
	setDefault(&p.Failed, "FAILED")
	setDefault(&p.Cancelled, "CANCELLED")
	setDefault(&p.RemovalPolicy, awscdk.RemovalPolicy_RETAIN)
	setDefault(&p.LogLevel, LogErrors)
	setDefault(&p.LogRetention, awslogs.RetentionDays_ONE_MONTH)
	return p
}

func setDefault[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

// Validate reports everything that is wrong with p. It needs no Node.
func (p Props) Validate() error {
	p = p.withDefaults()
	var errs []error
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	switch p.Kind {
	case Standard, Express:
	default:
		bad("the kind must be Standard or Express, got %q", p.Kind)
	}
	switch p.LogLevel {
	case LogErrors, LogAll, LogOff:
	default:
		bad("the log level must be LogErrors, LogAll or LogOff, got %q", p.LogLevel)
	}
	if p.Kind == Express && p.LogLevel == LogOff {
		bad("an Express workflow keeps no history: it must log")
	}
	if p.Table != nil && (p.NoDeletionProtection || p.NoPointInTimeRecovery || p.EncryptionKey != nil) {
		bad("the options of a new table do not apply to a given one (Table)")
	}
	for i, s := range p.Steps {
		if s.Compensation == nil {
			bad("step %s: say how to undo it, or NoCompensation", stepLabel(i, s))
		}
	}
	w, _ := p.workflow()
	errs = append(errs, w.Validate())
	return errors.Join(errs...)
}

func stepLabel(i int, s Step) string {
	if s.Name == "" {
		return fmt.Sprint(i + 1)
	}
	return s.Name
}

// workflow is p in the terms of package asl, and the functions behind its
// placeholders. p must have its defaults.
func (p Props) workflow() (asl.Workflow, map[string]awslambda.IFunction) {
	w := asl.Workflow{
		Comment:   p.Comment,
		TableName: "${Table}",
		Initial:   p.Initial,
		Rejected:  p.Rejected,
		Failed:    p.Failed,
		Cancelled: p.Cancelled,
		Express:   p.Kind == Express,
		Timeout:   p.Timeout,
	}
	functions := map[string]awslambda.IFunction{}
	previous := p.Initial
	for _, s := range p.Steps {
		step := asl.Step{
			Name:              s.Name,
			Status:            s.Status,
			From:              s.From,
			Run:               s.Run.task("Run"+s.Name, functions),
			Rejections:        s.Rejections,
			Retry:             s.Retry.WithDefaults(w.Express),
			CompensationRetry: patient.WithDefaults(w.Express),
			Timeout:           s.Timeout,
			Heartbeat:         s.Heartbeat,
			WaitForCallback:   s.WaitForCallback,
		}
		if w.Express {
			step.CompensationRetry = Retry{}.WithDefaults(true)
		}
		if len(step.From) == 0 {
			step.From = []string{previous}
		}
		previous = s.Status
		if step.Timeout == 0 {
			step.Timeout = 30 * time.Second
			if w.Express {
				step.Timeout = 10 * time.Second
			}
		}
		if s.Compensation != nil {
			if undo := s.Compensation.compensation(); undo != nil {
				t := undo.task("Undo"+s.Name, functions)
				step.Compensation = &t
			}
		}
		w.Steps = append(w.Steps, step)
	}
	if w.Timeout == 0 {
		w.Timeout = w.WorstCase().Truncate(time.Second) + time.Second
		if w.Express {
			w.Timeout = 5 * time.Minute
		}
	}
	return w, functions
}

// patient keeps trying to undo a step for a quarter of an hour.
var patient = Retry{MaxAttempts: 10, Interval: 2 * time.Second, MaxDelay: 5 * time.Minute}

// task is r in the terms of package asl. A function is written as a
// placeholder, since its ARN is not known before deployment.
func (r Runner) task(placeholder string, functions map[string]awslambda.IFunction) asl.Task {
	switch {
	case r.function != nil:
		functions[placeholder] = r.function
		return asl.Task{Function: "${" + placeholder + "}"}
	case r.integration != nil:
		return asl.Task{
			Resource:  r.integration.Resource,
			Arguments: maps.Clone(r.integration.Arguments),
			Result:    r.integration.Result,
		}
	}
	return asl.Task{}
}
