package states

import (
	"fmt"
	"slices"
)

// Error names of the States Language.
const (
	errAll             = "States.ALL"
	errTaskFailed      = "States.TaskFailed"
	errTimeout         = "States.Timeout"
	errHeartbeat       = "States.HeartbeatTimeout"
	errPermissions     = "States.Permissions"
	errQuery           = "States.QueryEvaluationError"
	errDataLimit       = "States.DataLimitExceeded"
	errNoChoice        = "States.NoChoiceMatched"
	errRuntime         = "States.Runtime"
	errBranchFailed    = "States.BranchFailed"
	errFailureExceeded = "States.ExceedToleratedFailureThreshold"
	errIntrinsic       = "States.IntrinsicFailure"
	errResultPath      = "States.ResultPathMatchFailure"
)

var reservedErrors = set(errAll, errTaskFailed, errTimeout, errHeartbeat, errPermissions, errQuery, errDataLimit,
	errNoChoice, errRuntime, errBranchFailed, errFailureExceeded,
	"States.ItemReaderFailed", "States.ResultWriterFailed", errIntrinsic, errResultPath, "States.ParameterPathFailure", "States.Http.Socket")

// failure is an error of a state.
type failure struct {
	name  string
	cause string
	// alias is a second name under which Retry and Catch find it. The States
	// Language has two errors that are never reported but can be named there:
	// States.HeartbeatTimeout (reported as States.Timeout) and
	// States.BranchFailed (reported as the error of the branch).
	alias string
	// location is the field whose expression failed.
	location string
	// evaluation is whether it is an expression or its result that failed.
	evaluation bool
	// own is whether a field of a JSONPath state failed and not what it was to do.
	own bool
}

// matches follows the documentation of Step Functions' error names: States.ALL
// matches any error but States.DataLimitExceeded and States.Runtime,
// States.TaskFailed any of these but States.Timeout, and nothing matches
// States.Runtime, which always fails an execution.
func (f *failure) matches(names []string) bool {
	if f.name == errRuntime {
		return false
	}
	return slices.ContainsFunc(names, func(n string) bool {
		switch n {
		case f.name:
			return true
		case errAll:
			return f.name != errDataLimit
		case errTaskFailed:
			return f.name != errDataLimit && f.name != errTimeout
		}
		return f.alias != "" && n == f.alias
	})
}

func runtimeFailure(format string, args ...any) *failure {
	return &failure{name: errRuntime, cause: fmt.Sprintf(format, args...)}
}

// tooLarge is the failure of a payload beyond the limit. what is the state, or
// the service or function whose result it is.
func tooLarge(what string) *failure {
	return &failure{name: errDataLimit, cause: fmt.Sprintf(
		"The state/task '%s' returned a result with a size exceeding the maximum number of bytes service limit.", what)}
}
