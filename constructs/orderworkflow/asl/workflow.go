package asl

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"regexp"
	"slices"
	"strings"
	"time"
)

// Workflow is what a definition is made from. Every field of it and of its
// parts is as it will be written: package orderworkflow fills in the defaults.
type Workflow struct {
	Comment string

	// TableName is the orders table's name, or a placeholder such as ${Table}.
	TableName string

	// Initial is the status in which an order is recorded before its
	// execution starts.
	Initial string

	// Rejected, Failed and Cancelled are the statuses of orders that do not
	// complete. The last step's status is that of an order that does.
	Rejected, Failed, Cancelled string

	Steps []Step

	// Express leaves out what Express workflows cannot do, and keeps the
	// retries of the table within their five minutes.
	Express bool

	// Timeout ends an execution whatever it is doing, leaving its order as it
	// stands. It must exceed WorstCase.
	Timeout time.Duration
}

// Step is one step of the saga: a task, then the write of the status that it
// leads to.
type Step struct {
	// Name is in upper camel case, such as Reserve.
	Name string

	// Status is what the order's status becomes after the step.
	Status string

	// From are the statuses from which the order may move to Status.
	From []string

	Run Task

	// Compensation undoes the step. Nil says that there is nothing to undo.
	Compensation *Task

	// CompensationRetry says how often the compensation is tried.
	CompensationRetry Retry

	// Rejections are the names of errors by which Run rejects the order: they
	// are not retried, and the step counts as not having taken effect.
	Rejections []string

	Retry Retry

	// Timeout bounds one attempt of Run or Compensation.
	Timeout time.Duration

	// Heartbeat bounds the silence of Run; 0 leaves it out.
	Heartbeat time.Duration

	// WaitForCallback keeps Run waiting, after its call was made, until
	// somebody reports its task token's success or failure.
	WaitForCallback bool
}

// Task is either a Lambda function or a service integration.
type Task struct {
	// Function is the function's ARN, or a placeholder.
	Function string

	// Resource is a service integration's ARN without its suffix, such as
	// arn:aws:states:::sqs:sendMessage, and Arguments its arguments.
	Resource  string
	Arguments map[string]any

	// Result is the JSONata expression, without its delimiters, for what a
	// service integration's result contributes to the results. Empty means
	// $states.result.
	Result string
}

// Retry says how often and how fast a task is tried again.
type Retry struct {
	// MaxAttempts is the number of attempts after the first. Default: 4
	// (2 in an Express workflow). Negative means none.
	MaxAttempts int

	// Interval is the wait before the first of them, in whole seconds.
	// Default: 1 s.
	Interval time.Duration

	// BackoffRate multiplies the wait each time. Default: 2.
	BackoffRate float64

	// MaxDelay bounds the wait, in whole seconds. Default: 30 s (5 s in an
	// Express workflow).
	MaxDelay time.Duration

	// NoJitter waits exactly that long. Default: full jitter, which waits
	// anything between nothing and that long.
	NoJitter bool
}

// WithDefaults returns r with its defaults filled in.
func (r Retry) WithDefaults(express bool) Retry {
	if r.MaxAttempts == 0 {
		r.MaxAttempts = 4
		if express {
			r.MaxAttempts = 2
		}
	}
	if r.Interval == 0 {
		r.Interval = time.Second
	}
	if r.BackoffRate == 0 {
		r.BackoffRate = 2
	}
	if r.MaxDelay == 0 {
		r.MaxDelay = 30 * time.Second
		if express {
			r.MaxDelay = 5 * time.Second
		}
	}
	return r
}

// total returns how long n+1 attempts of at most timeout each take at most.
func (r Retry) total(timeout time.Duration) time.Duration {
	timeout = min(timeout, 2*maxStandard) // Longer makes no difference, and could overflow.
	sum, wait := timeout, r.Interval
	for range max(r.MaxAttempts, 0) {
		if sum > maxStandard {
			return sum
		}
		sum += min(wait, r.MaxDelay) + timeout
		wait = time.Duration(float64(wait) * r.BackoffRate)
		if wait > r.MaxDelay {
			wait = r.MaxDelay
		}
	}
	return sum
}

// WorstCase returns how long the steps and compensations of one execution can
// take at most if every attempt takes its whole time, with an allowance for
// writing the table.
func (w Workflow) WorstCase() time.Duration {
	sum := 4 * time.Hour // Verify, the last Mark and its Recheck may take 70 minutes each.
	if w.Express {
		sum = time.Minute
	}
	for _, s := range w.Steps {
		sum += s.Retry.total(s.Timeout)
		if s.Compensation != nil {
			sum += s.CompensationRetry.total(s.Timeout)
		}
	}
	return sum
}

const (
	maxExpress  = 5 * time.Minute
	maxStandard = 365 * 24 * time.Hour

	maxAttempts = 99_999_999 // Amazon States Language, "Errors": MaxAttempts
)

var (
	stepName   = regexp.MustCompile(`^[A-Z][A-Za-z0-9]{0,59}$`)
	statusName = regexp.MustCompile(`^[A-Z][A-Z0-9_]{0,59}$`)
	errorName  = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_.-]{0,127}$`)
)

// Validate reports everything that is wrong with w.
func (w Workflow) Validate() error {
	var errs []error
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }

	if len(w.Steps) == 0 {
		bad("a workflow needs at least one step")
	}
	statuses := map[string]string{}
	claim := func(status, by string) {
		if !statusName.MatchString(status) {
			bad("%s: a status is of the form IN_PROGRESS, got %q", by, status)
		} else if other, taken := statuses[status]; taken {
			bad("%s: the status %s is already that of %s", by, status, other)
		} else {
			statuses[status] = by
		}
	}
	claim(w.Initial, "Initial")
	claim(w.Rejected, "Rejected")
	claim(w.Failed, "Failed")
	claim(w.Cancelled, "Cancelled")
	names := map[string]bool{}
	for i, s := range w.Steps {
		by := fmt.Sprintf("step %s", s.Name)
		if !stepName.MatchString(s.Name) {
			by = fmt.Sprintf("step %d", i+1)
			bad("%s: a name is in upper camel case, such as Reserve, got %q", by, s.Name)
		} else if names[s.Name] {
			bad("%s: there are two steps of this name", by)
		}
		names[s.Name] = true
		claim(s.Status, by)
		for _, err := range s.problems(w) {
			bad("%s: %w", by, err)
		}
	}
	limit, kind := maxStandard, "a Standard"
	if w.Express {
		limit, kind = maxExpress, "an Express"
	}
	meaningful := len(errs) == 0 // otherwise what the steps can take says nothing
	worst := w.WorstCase()
	switch {
	case meaningful && worst > limit:
		bad("the steps can take %s, but %s workflow ends after %s: lower the timeouts or retries", worst, kind, limit)
	case w.Timeout > limit && meaningful, w.Timeout < time.Second, w.Timeout%time.Second != 0:
		bad("the timeout must be whole seconds, from 1s to %s, got %s", limit, w.Timeout)
	case meaningful && w.Timeout < worst:
		bad("the timeout is %s, but the steps can take %s: an order would be left where it stands", w.Timeout, worst)
	}
	return errors.Join(errs...)
}

func (s Step) problems(w Workflow) (errs []error) {
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	if len(s.From) == 0 {
		bad("it needs at least one status to come from")
	}
	for _, f := range s.From {
		switch {
		case !statusName.MatchString(f):
			bad("a status is of the form IN_PROGRESS, got %q", f)
		case slices.Contains([]string{w.Rejected, w.Failed, w.Cancelled, s.Status}, f):
			bad("it cannot come from %s", f)
		}
	}
	errs = append(errs, s.Run.problems("its task")...)
	if s.Compensation != nil {
		errs = append(errs, s.Compensation.problems("its compensation")...)
	}
	for _, name := range s.Rejections {
		if !errorName.MatchString(name) || strings.HasPrefix(name, "States.") {
			bad("%q is not the name of an error by which a task can reject an order", name)
		}
	}
	for _, d := range []struct {
		what  string
		value time.Duration
		zero  bool
	}{
		{"timeout", s.Timeout, false}, {"heartbeat", s.Heartbeat, true},
		{"retry interval", s.Retry.Interval, false}, {"longest retry delay", s.Retry.MaxDelay, false},
	} {
		if d.value == 0 && d.zero {
			continue
		}
		if d.value < time.Second || d.value%time.Second != 0 {
			bad("the %s must be whole seconds, at least one, got %s", d.what, d.value)
		} else if d.value > maxStandard {
			bad("the %s must be at most %s, got %s", d.what, maxStandard, d.value)
		}
	}
	if s.Heartbeat >= s.Timeout && s.Heartbeat > 0 {
		bad("the heartbeat (%s) must be shorter than the timeout (%s)", s.Heartbeat, s.Timeout)
	}
	if s.Retry.MaxAttempts > maxAttempts {
		bad("the attempts after the first must be at most %d, got %d", maxAttempts, s.Retry.MaxAttempts)
	}
	if !(s.Retry.BackoffRate >= 1) || math.IsInf(s.Retry.BackoffRate, 1) {
		bad("the backoff rate must be at least 1, got %g", s.Retry.BackoffRate)
	}
	if s.Retry.MaxAttempts > 0 && s.Retry.MaxDelay <= s.Retry.Interval {
		bad("the longest retry delay (%s) must exceed the retry interval (%s)", s.Retry.MaxDelay, s.Retry.Interval)
	}
	if w.Express && s.WaitForCallback {
		bad("an Express workflow cannot wait for a callback")
	}
	return errs
}

func (t Task) problems(what string) (errs []error) {
	switch {
	case (t.Function == "") == (t.Resource == ""):
		errs = append(errs, fmt.Errorf("%s must be either a function or a service integration", what))
	case t.Resource != "" && !strings.HasPrefix(t.Resource, "arn:"):
		errs = append(errs, fmt.Errorf("%s: %q is not the ARN of a service integration", what, t.Resource))
	case strings.HasSuffix(t.Resource, ".waitForTaskToken"):
		errs = append(errs, fmt.Errorf("%s: use WaitForCallback instead of the suffix .waitForTaskToken", what))
	}
	if _, err := json.Marshal(t.Arguments); err != nil {
		errs = append(errs, fmt.Errorf("%s: its arguments are no JSON: %w", what, err))
	}
	return errs
}
