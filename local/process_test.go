package local_test

import (
	"encoding/json"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/google/go-cmp/cmp"

	"github.com/orderflow-cdk/orderflow/internal/servetest"
	"github.com/orderflow-cdk/orderflow/local"
)

const processTemplate = `{"Resources":{
	"Role":{"Type":"AWS::IAM::Role"},
	"F":{"Type":"AWS::Lambda::Function","Properties":{"Handler":"f","Runtime":"provided.al2023","Architectures":["arm64"],"MemorySize":512,"Timeout":1,
		"Role":{"Fn::GetAtt":["Role","Arn"]},"Environment":{"Variables":{"TABLE":"orders"}}}},
	"G":{"Type":"AWS::Lambda::Function","Properties":{"Handler":"g","Runtime":"provided.al2023","MemorySize":512,"Timeout":30,"Role":{"Fn::GetAtt":["Role","Arn"]},"ReservedConcurrentExecutions":1}}}}`

// processStack is a stack with functions that run as processes, f as "first".
type processStack struct {
	*local.Stack
	t    *testing.T
	url  string
	logs *servetest.Output
}

// testProcess is this test binary as a function. With the race detector it would take a second to exit.
func testProcess(name string) *local.Process {
	return &local.Process{Bootstrap: os.Args[0], Env: map[string]string{testFunction: name, "GORACE": "atexit_sleep_ms=0"}}
}

func processes(local.FunctionInfo) (*local.Process, error) { return testProcess("first"), nil }

func inProcess(name string) local.NewFunction {
	return func(local.Runtime) (local.Handler, error) { return lambda.NewHandler(testHandler(name)), nil }
}

func newProcessStack(t *testing.T, change func(*local.Options)) *processStack {
	t.Helper()
	s := &processStack{t: t, logs: &servetest.Output{}}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("logs:\n%s", s.logs)
		}
	})
	s.Stack, s.url = servetest.Start(t, "", func(url string) (*local.Stack, error) {
		o := local.Options{
			RealTime: true, Endpoint: url, Logs: s.logs, Processes: processes,
			Functions: map[string]local.NewFunction{"f": inProcess("in process"), "g": inProcess("in process")},
		}
		if change != nil {
			change(&o)
		}
		return local.New([]byte(processTemplate), o)
	})
	return s
}

// invoke invokes a function, and returns what it returned, or its error as "type: message".
func (s *processStack) invoke(function, event string) string {
	s.t.Helper()
	out, err := s.Call("lambda", "Invoke", fmt.Appendf(nil, `{"FunctionName":"local-%s","Payload":%s}`, function, event))
	if err != nil {
		return err.Error()
	}
	var answer struct {
		FunctionError string
		Payload       json.RawMessage
	}
	if err := json.Unmarshal(out, &answer); err != nil {
		s.t.Fatal(err)
	}
	if answer.FunctionError == "" {
		return string(answer.Payload)
	}
	var failed struct{ ErrorType, ErrorMessage string }
	if err := json.Unmarshal(answer.Payload, &failed); err != nil {
		s.t.Fatal(err)
	}
	if _, rest, ok := strings.Cut(failed.ErrorMessage, " Error: "); ok {
		failed.ErrorMessage = "RequestId: … Error: " + rest
	}
	return failed.ErrorType + ": " + failed.ErrorMessage
}

func (s *processStack) expect(function, event, want string) {
	s.t.Helper()
	if got := s.invoke(function, event); got != want {
		s.t.Errorf("%s: %s, want %s", event, got, want)
	}
}

func TestProcessIsColdAndWarm(t *testing.T) {
	s := newProcessStack(t, nil)
	s.expect("F", `{"do":"name"}`, `"first"`)
	s.expect("F", `{"do":"count"}`, "2")
	s.expect("G", `{"do":"count"}`, "1")
	figures := s.FunctionFigures()
	if len(figures) != 2 || figures[0].LogicalID != "F" || !figures[0].Process || figures[0].Init.Count != 1 || figures[0].Invocations.Count != 2 {
		t.Fatalf("%+v", figures)
	}
	if f := figures[0]; f.Init.P50 <= 0 || f.Init.Max < f.Init.P99 || f.Invocations.P50 <= 0 || runtime.GOOS == "linux" && f.MaxMemory < 1<<20 {
		t.Errorf("%+v", f)
	}
}

func TestProcessFails(t *testing.T) {
	s := newProcessStack(t, nil)
	for _, c := range []struct {
		event, want string
		survives    bool
	}{
		{`{"do":"fail"}`, "outOfStock: no more KB-1", true},
		{`{"do":"panic"}`, "string: no such thing", false},
		{`{"do":"exit","n":1}`, "Runtime.ExitError: RequestId: … Error: Runtime exited with error: exit status 1", false},
		{`{"do":"exit","n":0}`, "Runtime.ExitError: RequestId: … Error: Runtime exited without providing a reason", false},
		{`{"do":"sleep","n":5000}`, "Sandbox.Timedout: RequestId: … Error: Task timed out after 1.00 seconds", false},
	} {
		before := s.invoke("F", `{"do":"pid"}`)
		s.expect("F", c.event, c.want)
		after := s.invoke("F", `{"do":"pid"}`)
		if (before == after) != c.survives {
			t.Errorf("%s: the process was %s and is %s", c.event, before, after)
		}
		if !c.survives && !ended(before) {
			t.Errorf("%s: the process is still there", c.event)
		}
	}
	log := s.logs.String()
	if n := strings.Count(log, `"errorMessage":"no more KB-1"`); n != 1 {
		t.Errorf("the error is %d times in the log", n)
	}
	for _, want := range []string{"Task timed out after 1.00 seconds", "Runtime exited with error: exit status 1"} {
		if strings.Count(log, want) != 1 {
			t.Errorf("the log lacks %q, or has it twice", want)
		}
	}
}

func ended(pid string) bool {
	n, err := strconv.Atoi(pid)
	if err != nil || runtime.GOOS != "linux" {
		return err == nil
	}
	for range 100 {
		b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", n))
		if err != nil || strings.Contains(string(b), ") Z ") {
			return true
		}
		time.Sleep(20 * time.Millisecond)
	}
	return false
}

func TestProcessThatNeedsTooMuch(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("memory is limited on Linux only")
	}
	s := newProcessStack(t, nil)
	s.expect("G", `{"do":"fill","n":100}`, fmt.Sprint(100<<20))
	s.expect("G", `{"do":"fill","n":600}`, "Runtime.ExitError: RequestId: … Error: Runtime exited with error: signal: killed")
	if log := s.logs.String(); !strings.Contains(log, "the process is killed: Memory Size: 512 MB Max Memory Used: ") {
		t.Error("the log does not say why")
	}
}

func TestProcessThatCannotStart(t *testing.T) {
	s := newProcessStack(t, func(o *local.Options) {
		o.Processes = func(local.FunctionInfo) (*local.Process, error) { return testProcess("broken"), nil }
	})
	s.expect("F", `{}`, "Runtime.ExitError: RequestId: … Error: Runtime exited with error: exit status 1")
	if n := strings.Count(s.logs.String(), "it cannot start"); n != 2 {
		t.Errorf("it was started %d times, Lambda does so twice", n)
	}
}

func TestProcessIsThrottled(t *testing.T) {
	s := newProcessStack(t, nil)
	s.invoke("G", `{}`)
	slow := make(chan string)
	go func() { slow <- s.invoke("G", `{"do":"sleep","n":500}`) }()
	time.Sleep(100 * time.Millisecond)
	s.expect("G", `{}`, "TooManyRequestsException: Rate Exceeded.")
	if got := <-slow; got != `"done"` {
		t.Error(got)
	}
}

// What runs as a process is switched while it runs.
func TestSetProcess(t *testing.T) {
	s := newProcessStack(t, nil)
	s.expect("F", `{"do":"name"}`, `"first"`)
	old := s.invoke("F", `{"do":"pid"}`)
	slow := make(chan string)
	go func() { slow <- s.invoke("F", `{"do":"sleep","n":500}`) }()
	time.Sleep(100 * time.Millisecond)
	if err := s.SetProcess("f", testProcess("second")); err != nil {
		t.Fatal(err)
	}
	s.expect("F", `{"do":"name"}`, `"second"`)
	if got := <-slow; got != `"done"` {
		t.Errorf("the invocation under way came to %s", got)
	}
	if !ended(old) {
		t.Error("the old process is still there")
	}
	second := s.invoke("F", `{"do":"pid"}`)
	if err := s.SetProcess("F", nil); err != nil {
		t.Fatal(err)
	}
	s.expect("F", `{"do":"name"}`, `"in process"`)
	if !ended(second) {
		t.Error("the process is still there, and the function is in process")
	}
	s.expect("G", `{"do":"name"}`, `"first"`)
	if f := s.FunctionFigures()[0]; f.Process || f.Invocations.Count < 4 {
		t.Errorf("%+v", f)
	}
	for name, want := range map[string]string{
		"h": `the template has no function with the logical id or the Handler "h"`,
		"f": "F: there is no executable /nowhere/bootstrap: go run ",
	} {
		if err := s.SetProcess(name, &local.Process{Bootstrap: "/nowhere/bootstrap"}); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
	s.expect("F", `{"do":"name"}`, `"in process"`) // what failed changes nothing
	if err := s.Reload([]byte(processTemplate)); err != nil {
		t.Fatal(err)
	}
	s.expect("F", `{"do":"name"}`, `"first"`) // Options.Processes again
}

func TestProcessesEndWithTheStack(t *testing.T) {
	s := newProcessStack(t, nil)
	idle := s.invoke("G", `{"do":"pid"}`)
	busy := s.invoke("F", `{"do":"pid"}`)
	go func() {
		_, _ = s.Call("lambda", "Invoke", []byte(`{"FunctionName":"local-F","Payload":{"do":"sleep","n":900}}`))
	}()
	time.Sleep(100 * time.Millisecond)
	reloaded := idle
	if err := s.Reload([]byte(processTemplate)); err != nil {
		t.Fatal(err)
	}
	if !ended(reloaded) || !ended(busy) {
		t.Error("a process outlives the reload of the template")
	}
	pid := s.invoke("F", `{"do":"pid"}`)
	s.Close()
	if !ended(pid) {
		t.Error("a process outlives the stack")
	}
}

func TestIdleProcessesEnd(t *testing.T) {
	defer local.SetProcessIdle(100 * time.Millisecond)()
	s := newProcessStack(t, nil)
	pid := s.invoke("F", `{"do":"pid"}`)
	if !ended(pid) {
		t.Error("it is still there")
	}
	s.expect("F", `{"do":"count"}`, "1")
}

func TestEnvironmentOfAProcess(t *testing.T) {
	t.Setenv("SECRET_OF_THE_DEVELOPER", "x")
	s := newProcessStack(t, func(o *local.Options) {
		o.Processes = func(f local.FunctionInfo) (*local.Process, error) {
			p := testProcess("first")
			p.Env["EXTRA"], p.Env["AWS_REGION"], p.TaskRoot = "more", "elsewhere", "/"
			return p, nil
		}
	})
	var list []string
	if err := json.Unmarshal([]byte(s.invoke("F", `{"do":"environment"}`)), &list); err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, kv := range list {
		name, value, _ := strings.Cut(kv, "=")
		switch name {
		case "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_LAMBDA_LOG_STREAM_NAME", "AWS_LAMBDA_RUNTIME_API",
			"HTTP_PROXY", "HTTPS_PROXY", "SSL_CERT_FILE", "_X_AMZN_TRACE_ID":
			if value == "" {
				t.Errorf("%s is empty", name)
			}
			value = "…"
		}
		got[name] = value
	}
	if diff := cmp.Diff(map[string]string{
		"TABLE": "orders", "EXTRA": "more", testFunction: "first", "GORACE": "atexit_sleep_ms=0",
		"_HANDLER": "f", "LAMBDA_TASK_ROOT": "/", "LAMBDA_RUNTIME_DIR": "/var/runtime", "AWS_LAMBDA_RUNTIME_API": "…",
		"AWS_REGION": "eu-central-1", "AWS_DEFAULT_REGION": "eu-central-1", "AWS_ENDPOINT_URL": s.url,
		"AWS_ACCESS_KEY_ID": "…", "AWS_SECRET_ACCESS_KEY": "…", "AWS_SESSION_TOKEN": "…",
		"AWS_LAMBDA_FUNCTION_NAME": "local-F", "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "512",
		"AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand", "AWS_LAMBDA_LOG_GROUP_NAME": "/aws/lambda/local-F", "AWS_LAMBDA_LOG_STREAM_NAME": "…",
		"AWS_XRAY_CONTEXT_MISSING": "LOG_ERROR", "_X_AMZN_TRACE_ID": "…", "LANG": "en_US.UTF-8", "PATH": "/usr/local/bin:/usr/bin:/bin:/opt/bin", "TZ": ":UTC",
		"HTTP_PROXY": "…", "HTTPS_PROXY": "…", "NO_PROXY": "127.0.0.1,localhost", "SSL_CERT_FILE": "…",
	}, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestDeadlineOfAProcess(t *testing.T) {
	s := newProcessStack(t, nil)
	if err := s.Pause(); err != nil {
		t.Fatal(err)
	}
	s.Resume()
	s.Advance(24 * time.Hour) // the stack's clock is not the process's
	left, err := strconv.ParseFloat(s.invoke("F", `{"do":"deadline"}`), 64)
	if err != nil || left < 0.8 || left > 1 {
		t.Errorf("%v s are left, %v", left, err)
	}
}
