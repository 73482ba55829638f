package gofunction

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"time"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awscloudwatch"
	"github.com/aws/aws-cdk-go/awscdk/v2/awscodedeploy"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslogs"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"github.com/orderflow-cdk/orderflow/constructs/internal/accept"
)

// LogLevel is the least important level that is logged.
type LogLevel string

// The levels of both log/slog and Lambda.
const (
	Debug LogLevel = "DEBUG"
	Info  LogLevel = "INFO"
	Warn  LogLevel = "WARN"
	Error LogLevel = "ERROR"
)

// Architecture is the processor that the bootstrap was compiled for.
type Architecture string

// The architectures of Lambda.
const (
	ARM64 Architecture = "arm64"
	X8664 Architecture = "x86_64"
)

// Props are the options of a GoFunction.
type Props struct {
	// Name becomes the Handler property. Required.
	Name string

	// AssetDir is the folder that holds the executable bootstrap. Required.
	AssetDir string

	// Architecture is what bootstrap was compiled for. Default: ARM64.
	Architecture Architecture

	// Memory in MB, 128 to 10,240. Default: 256.
	Memory int

	// Timeout of an invocation, in whole seconds, up to 15 minutes. Default: 10 s.
	Timeout time.Duration

	// Environment variables, but none that Lambda sets itself; values may be CDK
	// tokens. Default: none.
	Environment map[string]string

	// LogLevel is what Lambda's own log filter lets pass. It takes a line without
	// a level, such as a metric in the embedded format, for Info: Warn and Error
	// drop it (Lambda developer guide, "Log-level filtering"). Default: Info.
	LogLevel LogLevel

	// LogRetention is how long logs are kept. Default: ONE_MONTH.
	LogRetention awslogs.RetentionDays

	// RemovalPolicy says what becomes of the logs when the function is deleted.
	// Default: RETAIN.
	RemovalPolicy awscdk.RemovalPolicy

	// ReservedConcurrency sets aside, and so limits, concurrent executions.
	// Default: 0, which is none set aside and no limit but the account's.
	ReservedConcurrency int

	// NoTracing turns X-Ray off. Default: active tracing.
	NoTracing bool

	// Rollout is how a new version takes over: AllAtOnce, Canary or Linear.
	// Default: none, the function is updated in place.
	Rollout Rollout

	// ErrorPercent is how many percent of a new version's invocations may fail in
	// a minute before it is taken back: 1–99. It is for Rollout only. Functions that
	// report as errors what is none of their own, such as a rejection, need more.
	// Default: 5.
	ErrorPercent int
}

func (p Props) withDefaults() Props {
	if p.Architecture == "" {
		p.Architecture = ARM64
	}
	if p.Memory == 0 {
		p.Memory = 256
	}
	if p.Timeout == 0 {
		p.Timeout = 10 * time.Second
	}
	if p.LogLevel == "" {
		p.LogLevel = Info
	}
	if p.LogRetention == "" {
		p.LogRetention = awslogs.RetentionDays_ONE_MONTH
	}
	if p.RemovalPolicy == "" {
		p.RemovalPolicy = awscdk.RemovalPolicy_RETAIN
	}
	if p.ErrorPercent == 0 && !p.Rollout.IsZero() {
		p.ErrorPercent = 5
	}
	return p
}

var (
	// The pattern of Handler in the CloudFormation reference.
	handlerName = regexp.MustCompile(`^[^\s]{1,128}$`)
	// The pattern of environment variables' names in Lambda's documentation.
	variableName = regexp.MustCompile(`^[a-zA-Z][a-zA-Z0-9_]+$`)
)

// reserved are the variables that Lambda sets and lets nobody else set
// (Lambda developer guide, "Defined runtime environment variables").
var reserved = []string{
	"AWS_DEFAULT_REGION", "AWS_REGION", "AWS_EXECUTION_ENV", "AWS_LAMBDA_FUNCTION_NAME",
	"AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "AWS_LAMBDA_FUNCTION_VERSION", "AWS_LAMBDA_INITIALIZATION_TYPE",
	"AWS_LAMBDA_LOG_GROUP_NAME", "AWS_LAMBDA_LOG_STREAM_NAME", "AWS_ACCESS_KEY", "AWS_ACCESS_KEY_ID",
	"AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_LAMBDA_RUNTIME_API", "LAMBDA_TASK_ROOT", "LAMBDA_RUNTIME_DIR",
}

// Validate reports everything that is wrong with p. It reads the file system
// but needs no Node.
func (p Props) Validate() error {
	p = p.withDefaults()
	var errs []error
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	if !handlerName.MatchString(p.Name) {
		bad("the name must be 1–128 characters without spaces, got %q", p.Name)
	}
	if err := checkBootstrap(p.AssetDir); err != nil {
		errs = append(errs, err)
	}
	if p.Architecture != ARM64 && p.Architecture != X8664 {
		bad("the architecture must be arm64 or x86_64, got %q", p.Architecture)
	}
	if p.Memory < 128 || p.Memory > 10240 {
		bad("the memory must be 128–10,240 MB, got %d", p.Memory)
	}
	if p.Timeout < time.Second || p.Timeout > 15*time.Minute || p.Timeout%time.Second != 0 {
		bad("the timeout must be whole seconds, 1s–15m, got %s", p.Timeout)
	}
	switch p.LogLevel {
	case Debug, Info, Warn, Error:
	default:
		bad("the log level must be DEBUG, INFO, WARN or ERROR, got %q", p.LogLevel)
	}
	if p.ReservedConcurrency < 0 {
		bad("the reserved concurrency must not be negative, got %d", p.ReservedConcurrency)
	}
	errs = append(errs, p.Rollout.Validate())
	switch {
	case p.Rollout.IsZero() && p.ErrorPercent != 0:
		bad("the percentage of errors must be 0 without a rollout, got %d", p.ErrorPercent)
	case !p.Rollout.IsZero() && (p.ErrorPercent < 1 || p.ErrorPercent > 99):
		bad("the percentage of errors must be 1–99, got %d", p.ErrorPercent)
	}
	for _, name := range slices.Sorted(maps.Keys(p.Environment)) {
		switch {
		case !variableName.MatchString(name):
			bad("%q is not the name of an environment variable", name)
		case slices.Contains(reserved, name):
			bad("the environment variable %s is Lambda's own", name)
		}
	}
	return errors.Join(errs...)
}

func checkBootstrap(dir string) error {
	if dir == "" {
		return errors.New("the folder of the bootstrap is missing (AssetDir)")
	}
	file := filepath.Join(dir, "bootstrap")
	info, err := os.Stat(file)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("there is no %s; run: go run github.com/orderflow-cdk/orderflow/cmd/build-functions", file)
	case err != nil:
		return fmt.Errorf("the bootstrap cannot be read: %w", err)
	case !info.Mode().IsRegular() || info.Mode().Perm()&0o111 == 0:
		// The asset's hash ignores the mode, so that this would go unnoticed
		// until Lambda fails to start it.
		return fmt.Errorf("%s is not executable", file)
	}
	return nil
}

// GoFunction is a Lambda function with its log group and role.
type GoFunction struct {
	constructs.Construct

	// Function, LogGroup and Role are set by New.
	Function awslambda.Function
	LogGroup awslogs.LogGroup
	Role     awsiam.Role

	// Live is what is to be invoked: the alias live where there is a rollout, else
	// the function itself.
	Live awslambda.IFunction

	// Rollout shifts Live from version to version, and ErrorAlarm takes a version
	// back. Both are nil without a rollout.
	Rollout    awscodedeploy.LambdaDeploymentGroup
	ErrorAlarm awscloudwatch.Alarm
}

// New adds a function to scope. It panics if the props are not valid.
func New(scope constructs.Construct, id string, props Props) *GoFunction {
	if err := props.Validate(); err != nil {
		panic(fmt.Sprintf("gofunction: %s/%s: %v", *scope.Node().Path(), id, err))
	}
	props = props.withDefaults()
	f := &GoFunction{}
	constructs.NewConstruct_Override(f, scope, jsii.String(id))

	f.LogGroup = awslogs.NewLogGroup(f, jsii.String("LogGroup"), &awslogs.LogGroupProps{
		Retention:     props.LogRetention,
		RemovalPolicy: props.RemovalPolicy,
	})
	f.Role = awsiam.NewRole(f, jsii.String("Role"), &awsiam.RoleProps{
		AssumedBy: awsiam.NewServicePrincipal(jsii.String("lambda.amazonaws.com"), nil),
	})
	f.LogGroup.GrantWrite(f.Role)
	f.Function = awslambda.NewFunction(f, jsii.String("Function"), f.functionProps(props))
	f.rollOut(props)
	accept.RoleTwice(f.Function)
	if !props.NoTracing {
		accept.AnyResource(f.Role, "X-Ray has no resource for sending traces: xray:PutTraceSegments and xray:PutTelemetryRecords")
	}
	return f
}

func (f *GoFunction) functionProps(props Props) *awslambda.FunctionProps {
	environment := map[string]*string{}
	for name, value := range props.Environment {
		environment[name] = jsii.String(value)
	}
	out := &awslambda.FunctionProps{
		Runtime:               awslambda.Runtime_PROVIDED_AL2023(),
		Handler:               jsii.String(props.Name),
		Code:                  awslambda.Code_FromAsset(jsii.String(props.AssetDir), nil),
		Architecture:          awslambda.Architecture_ARM_64(),
		MemorySize:            jsii.Number(props.Memory),
		Timeout:               awscdk.Duration_Seconds(jsii.Number(props.Timeout.Seconds())),
		Environment:           &environment,
		Role:                  f.Role,
		LogGroup:              f.LogGroup,
		LoggingFormat:         awslambda.LoggingFormat_JSON,
		ApplicationLogLevelV2: awslambda.ApplicationLogLevel(props.LogLevel),
		SystemLogLevelV2:      awslambda.SystemLogLevel_INFO,
		Tracing:               awslambda.Tracing_ACTIVE,
	}
	if props.Architecture == X8664 {
		out.Architecture = awslambda.Architecture_X86_64()
	}
	if props.NoTracing {
		out.Tracing = awslambda.Tracing_DISABLED
	}
	if !props.Rollout.IsZero() {
		// The last versions stay, so that the alias can go back to them at once; the
		// function's deletion takes them along. But not those of a deployment that failed:
		// Lambda publishes no second version of the same code.
		out.CurrentVersionOptions = &awslambda.VersionOptions{RemovalPolicy: awscdk.RemovalPolicy_RETAIN_ON_UPDATE_OR_DELETE}
	}
	if props.ReservedConcurrency > 0 {
		out.ReservedConcurrentExecutions = jsii.Number(props.ReservedConcurrency)
	}
	return out
}

// GrantPrincipal makes a GoFunction an awsiam.IGrantable.
func (f *GoFunction) GrantPrincipal() awsiam.IPrincipal { return f.Function.GrantPrincipal() }
