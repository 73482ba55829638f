package lambda

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strconv"
	"time"

	"github.com/orderflow-cdk/orderflow/local/internal/api"
	"github.com/orderflow-cdk/orderflow/local/internal/sim"
)

const (
	// maxPayload is the largest event and answer of a synchronous invocation.
	maxPayload = 6 << 20
	// maxResponse is the largest answer, with what Lambda itself adds.
	maxResponse = maxPayload + 100
	// maxAsyncPayload is the largest event of an asynchronous one: 1 MiB since
	// October 2025.
	maxAsyncPayload = 1 << 20
	// accountConcurrency is the default quota of an account in a region.
	accountConcurrency = 1000
	latest             = "$LATEST"
)

// Function is a function. An execution environment that is idle stays for ever.
type Function struct {
	Name, ARN string
	// Properties are those that the function was created with.
	Properties FunctionProperties

	s        *Service
	invoker  Invoker
	timeout  time.Duration
	memory   int
	reserved int // negative: none
	idle     []*Instance
	made     []string          // the version of each environment that was made
	versions int               // that were published: their numbers count from 1
	aliases  map[string]string // the version of each
	// generation counts how often the environments were retired.
	generation int
	running    int
	async      map[string]asyncConfig // by qualifier
	stats      Stats
}

// Stats counts a function's invocations since it was created.
type Stats struct {
	// Invocations counts those that ran, Errors those of them that failed,
	// Throttles those that did not run for want of concurrency.
	Invocations, Errors, Throttles int
	ColdStarts                     int
	// Timeouts is part of Errors.
	Timeouts int
	// Duration is the simulated time that handlers took; Billed is the same
	// rounded up to whole milliseconds for each invocation, at least one.
	Duration time.Duration
	BilledMS int64
	// MBms is billed milliseconds times memory in MB: divide by 1024 for GB-ms.
	MBms int64
	// MaxConcurrent is the most that ran at one time.
	MaxConcurrent int
}

// Stats returns the function's counters.
func (f *Function) Stats() Stats { return f.stats }

// Timeout is the function's timeout.
func (f *Function) Timeout() time.Duration { return f.timeout }

// Role is the ARN of the function's role.
func (f *Function) Role() string { return f.Properties.Role }

// Memory is the function's memory in MB.
func (f *Function) Memory() int { return f.memory }

// Architecture is that of the function's processor: x86_64 or arm64.
func (f *Function) Architecture() string {
	if a := f.Properties.Architectures; len(a) > 0 {
		return a[0]
	}
	return "x86_64"
}

// Traced says whether the function sends traces (TracingConfig).
func (f *Function) Traced() bool {
	var config struct{ Mode string }
	return len(f.Properties.TracingConfig) > 0 && json.Unmarshal(f.Properties.TracingConfig, &config) == nil && config.Mode == "Active"
}

// Variables are those that the template gives the function. The map is not to be changed.
func (f *Function) Variables() map[string]string {
	if f.Properties.Environment == nil {
		return nil
	}
	return f.Properties.Environment.Variables
}

// LookupEnv looks up a variable of an execution environment, by its number: those of the template and those that Lambda sets.
func (f *Function) LookupEnv(name string, instance int) (string, bool) {
	return f.lookupEnv(name, instance)
}

// lookupEnv gives the variables of an execution environment.
func (f *Function) lookupEnv(name string, instance int) (string, bool) {
	switch name {
	case "AWS_LAMBDA_FUNCTION_NAME":
		return f.Name, true
	case "AWS_LAMBDA_FUNCTION_VERSION":
		return f.versionOf(instance), true
	case "AWS_LAMBDA_FUNCTION_MEMORY_SIZE":
		return strconv.Itoa(f.memory), true
	case "AWS_LAMBDA_LOG_GROUP_NAME":
		return f.LogGroup(), true
	case "AWS_LAMBDA_LOG_STREAM_NAME":
		return fmt.Sprintf("%s/[%s]%032x", f.s.started.Format("2006/01/02"), f.versionOf(instance), instance), true
	case "AWS_LAMBDA_INITIALIZATION_TYPE":
		return "on-demand", true
	case "AWS_REGION", "AWS_DEFAULT_REGION":
		return f.s.region, true
	case "_HANDLER":
		return f.Properties.Handler, true
	}
	if f.Properties.Environment == nil {
		return "", false
	}
	v, ok := f.Properties.Environment.Variables[name]
	return v, ok
}

// versionOf is the version that an environment runs.
func (f *Function) versionOf(instance int) string {
	if instance < 1 || instance > len(f.made) {
		return latest
	}
	return f.made[instance-1]
}

// result is how an invocation that ran came out.
type result struct {
	requestID string
	out       []byte
	err       *FunctionError
	journal   Journal // may be nil
	version   string  // that ran
}

// errThrottled is the refusal for want of concurrency.
func errThrottled(reason string) *api.Error {
	return &api.Error{Code: "TooManyRequestsException", Message: "Rate Exceeded.", Status: 429,
		Fields: map[string]any{"Reason": reason, "Type": "User"}}
}

// capacity says whether another invocation may start.
func (f *Function) capacity() *api.Error {
	if f.reserved >= 0 {
		if f.running >= f.reserved {
			return errThrottled("ReservedFunctionConcurrentInvocationLimitExceeded")
		}
		return nil
	}
	if f.s.unreserved >= accountConcurrency-f.s.reserved {
		return errThrottled("ConcurrentInvocationLimitExceeded")
	}
	return nil
}

// start runs the function once, in a free execution environment or in a new
// one. It fails, without calling done, if there is no concurrency left.
func (f *Function) start(payload []byte, requestID, arn, traceID string, done func(result)) error {
	k := f.s.k
	refusal := f.capacity()
	if refusal == nil && f.s.Throttled != nil && f.s.Throttled(f) {
		refusal = errThrottled("ReservedFunctionConcurrentInvocationLimitExceeded")
	}
	if refusal == nil {
		refusal = f.assumed()
	}
	if refusal != nil {
		f.stats.Throttles++
		if f.s.Observe != nil {
			f.s.Observe(f, requestID, k.Now(), refusal)
		}
		return refusal
	}
	version := f.version(arn)
	inst, cold := f.acquire(version)
	if cold {
		f.trace()
	}
	begun := k.Now()
	if traceID == "" {
		traceID = f.s.newTraceID()
	}
	inv := Invocation{
		Kernel: k, Function: f, Payload: payload, RequestID: requestID, FunctionARN: arn,
		TraceID: traceID, Deadline: begun.Add(f.timeout), Cold: cold, Environment: inst,
	}
	var journal Journal
	if f.s.Journal != nil {
		journal = f.s.Journal(inv)
	}
	over := false
	finish := func(out []byte, ferr *FunctionError) {
		over = true
		if ferr == nil && len(out) > maxResponse {
			ferr = platformError("Function.ResponseSizeTooLarge",
				fmt.Sprintf("Response payload size exceeded maximum allowed payload size (%d bytes).", maxResponse))
			ferr.Exit = false
			out = nil
		}
		f.release(inst, ferr)
		f.count(k.Now().Sub(begun), ferr)
		if journal != nil {
			journal.Ended(ferr)
		}
		if f.s.Observe != nil {
			var err error
			if ferr != nil {
				err = ferr
			}
			f.s.Observe(f, requestID, begun, err)
		}
		done(result{requestID, out, ferr, journal, version})
	}
	var (
		cancel  func()
		timer   *sim.Event
		timeOut func()
	)
	inv.Postpone = func(deadline time.Time) {
		if !over {
			timer.Cancel()
			timer = k.At(deadline, timeOut)
		}
	}
	timeOut = func() {
		if over {
			return
		}
		f.stats.Timeouts++
		cancel()
		message := fmt.Sprintf("Task timed out after %.2f seconds", f.timeout.Seconds())
		f.s.logf(f, inst, "%s %s %s", k.Now().Format("2006-01-02T15:04:05.000Z"), requestID, message)
		finish(nil, platformError("Sandbox.Timedout", fmt.Sprintf("RequestId: %s Error: %s", requestID, message)))
	}
	timer = k.At(inv.Deadline, timeOut)
	cancel = f.invoker.Invoke(inv, func(out []byte, ferr *FunctionError) {
		if over {
			return
		}
		timer.Cancel()
		if ferr != nil && !ferr.Logged {
			f.s.logf(f, inst, "%s", ferr.Payload) // as aws-lambda-go does
		}
		finish(out, ferr)
	})
	return nil
}

// acquire finds a free environment of a version, that which was used last, or makes one.
func (f *Function) acquire(version string) (inst *Instance, cold bool) {
	f.running++
	f.stats.MaxConcurrent = max(f.stats.MaxConcurrent, f.running)
	if f.reserved < 0 {
		f.s.unreserved++
	}
	for i := len(f.idle) - 1; i >= 0; i-- {
		if inst = f.idle[i]; f.versionOf(inst.Number) == version {
			f.idle = slices.Delete(f.idle, i, i+1)
			return inst, false
		}
	}
	f.made = append(f.made, version)
	f.stats.ColdStarts++
	return &Instance{Number: len(f.made), generation: f.generation}, true
}

func (f *Function) release(inst *Instance, ferr *FunctionError) {
	f.running--
	if f.reserved < 0 {
		f.s.unreserved--
	}
	if (ferr == nil || !ferr.Exit) && inst.generation == f.generation {
		f.idle = append(f.idle, inst)
		return
	}
	inst.end()
}

// Retire has no environment of now run another invocation: idle ones end at once, the others when theirs has.
func (f *Function) Retire() {
	for _, inst := range f.idle {
		inst.end()
	}
	f.idle = nil
	f.generation++
}

// Discard ends an environment if it is idle.
func (f *Function) Discard(inst *Instance) {
	if i := slices.Index(f.idle, inst); i >= 0 {
		f.idle = slices.Delete(f.idle, i, i+1)
		inst.end()
	}
}

func (i *Instance) end() {
	if state, ok := i.State.(io.Closer); ok {
		_ = state.Close() // it is over, however it ends
	}
}

func (f *Function) count(d time.Duration, ferr *FunctionError) {
	f.stats.Invocations++
	if ferr != nil {
		f.stats.Errors++
	}
	f.stats.Duration += d
	billed := max(1, int64((d+time.Millisecond-1)/time.Millisecond))
	f.stats.BilledMS += billed
	f.stats.MBms += billed * int64(f.memory)
}
