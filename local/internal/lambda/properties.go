package lambda

import (
	"encoding/json"
	"fmt"

	"github.com/orderflow-cdk/orderflow/local/internal/cfn"
)

// FunctionProperties are the properties of AWS::Lambda::Function.
type FunctionProperties struct {
	FunctionName string
	// Handler is how the local runner finds the Go handler.
	Handler string
	// MemorySize is in MB, 128–10,240; default 128. It only counts for GB-ms.
	MemorySize *cfn.Int
	// Timeout is in seconds, 1–900; default 3.
	Timeout *cfn.Int
	// Environment is what the function's handler.Env looks up.
	Environment *Environment
	// Role is the ARN of the role that the function's own calls are made with.
	Role string
	// ReservedConcurrentExecutions limits concurrency; default no limit of its own.
	ReservedConcurrentExecutions *cfn.Int
	// DeadLetterConfig gets the events of asynchronous invocations that failed.
	DeadLetterConfig *DeadLetterConfig
	// LoggingConfig says where the function's log goes, and how Lambda writes its own lines; default text, to
	// a group named after the function.
	LoggingConfig *LoggingConfig

	Architectures           []string        `local:"declared"`
	Code                    json.RawMessage `local:"declared"`
	Description             string          `local:"declared"`
	EphemeralStorage        json.RawMessage `local:"declared"`
	KmsKeyArn               string          `local:"declared"`
	Layers                  []string        `local:"declared"`
	PackageType             string          `local:"declared"`
	RecursiveLoop           string          `local:"declared"`
	Runtime                 string          `local:"declared"`
	RuntimeManagementConfig json.RawMessage `local:"declared"`
	SnapStart               json.RawMessage `local:"declared"`
	Tags                    json.RawMessage `local:"declared"`
	TracingConfig           json.RawMessage `local:"declared"`
	VpcConfig               json.RawMessage `local:"declared"`
	CodeSigningConfigArn    string          `local:"declared"`
}

// Environment is a function's environment.
type Environment struct {
	Variables map[string]string
}

// LoggingConfig is how a function logs.
type LoggingConfig struct {
	// LogFormat is Text, the default, or JSON.
	LogFormat string
	// LogGroup is the group's name; default /aws/lambda/<function>.
	LogGroup string
	// ApplicationLogLevel and SystemLogLevel are the least severe lines that are kept of those that the function
	// writes and of Lambda's own: TRACE, DEBUG, INFO (the default), WARN, ERROR or FATAL. They are for JSON only.
	ApplicationLogLevel, SystemLogLevel string
}

// DeadLetterConfig names the queue for events that failed.
type DeadLetterConfig struct {
	TargetArn string
}

// EventInvokeConfigProperties are the properties of
// AWS::Lambda::EventInvokeConfig: how asynchronous invocations are retried.
type EventInvokeConfigProperties struct {
	FunctionName string
	Qualifier    string
	// MaximumRetryAttempts is 0–2; default 2.
	MaximumRetryAttempts *cfn.Int
	// MaximumEventAgeInSeconds is 60–21,600; default 21,600 (6 hours).
	MaximumEventAgeInSeconds *cfn.Int
	DestinationConfig        *DestinationConfig
}

// DestinationConfig says where the records of asynchronous invocations go.
type DestinationConfig struct {
	OnSuccess, OnFailure *Destination
}

// Destination is the ARN of a queue.
type Destination struct{ Destination string }

// EventSourceMappingProperties are the properties of
// AWS::Lambda::EventSourceMapping, for a queue or for a table's stream. Each kind
// of mapping refuses what is only for the other.
type EventSourceMappingProperties struct {
	FunctionName   string
	EventSourceArn string
	// BatchSize is 1–10,000. Of a queue: default 10, at most 10 without a batching
	// window or for a FIFO queue. Of a stream: default 100.
	BatchSize *cfn.Int
	// MaximumBatchingWindowInSeconds is 0–300; default 0. Not for FIFO queues.
	MaximumBatchingWindowInSeconds *cfn.Int
	// FunctionResponseTypes may hold "ReportBatchItemFailures".
	FunctionResponseTypes []string
	// FilterCriteria chooses records; a message that does not match is deleted.
	FilterCriteria *FilterCriteria
	// Enabled is true by default.
	Enabled *cfn.Bool

	// ScalingConfig is only for queues.
	ScalingConfig *ScalingConfig

	// StartingPosition is TRIM_HORIZON or LATEST. It and all that follows is only
	// for streams.
	StartingPosition string
	// ParallelizationFactor is how many batches of a shard run at the same time:
	// 1–10; default 1.
	ParallelizationFactor *cfn.Int
	// BisectBatchOnFunctionError splits a batch that failed; default false.
	BisectBatchOnFunctionError *cfn.Bool
	// MaximumRetryAttempts is 0–10,000, or -1 for no limit, the default.
	MaximumRetryAttempts *cfn.Int
	// MaximumRecordAgeInSeconds is 60–604,800, or -1 for no limit, the default.
	MaximumRecordAgeInSeconds *cfn.Int
	// DestinationConfig has a destination OnFailure for batches that were given up.
	DestinationConfig *DestinationConfig
	// TumblingWindowInSeconds must be 0: windows are not simulated.
	TumblingWindowInSeconds *cfn.Int

	Tags          json.RawMessage `local:"declared"`
	KmsKeyArn     string          `local:"declared"`
	MetricsConfig json.RawMessage `local:"declared"`
}

// ScalingConfig limits an event source mapping.
type ScalingConfig struct {
	// MaximumConcurrency is 2–1,000.
	MaximumConcurrency *cfn.Int
}

// FilterCriteria chooses records: those that match one of at most five filters.
type FilterCriteria struct {
	Filters []Filter
}

// Filter is one pattern; see package eventpattern.
type Filter struct{ Pattern string }

func inRange(name string, v *cfn.Int, def, low, high int64) (int, error) {
	n := def
	if v != nil {
		n = int64(*v)
	}
	if n < low || n > high {
		return 0, fmt.Errorf("%s must be %d to %d, got %d", name, low, high, n)
	}
	return int(n), nil
}
