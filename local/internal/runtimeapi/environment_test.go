package runtimeapi_test

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/orderflow-cdk/orderflow/local/internal/runtimeapi"
)

// world is an environment under test.
type world struct {
	*runtimeapi.Environment
	t     *testing.T
	mu    sync.Mutex
	lines []string
	ended chan struct{}
	n     int
}

func start(t *testing.T, how string, c runtimeapi.Config) *world {
	t.Helper()
	w := &world{t: t, ended: make(chan struct{}, 10)}
	c.Bootstrap = os.Args[0]
	if c.TaskRoot == "" {
		c.TaskRoot = t.TempDir()
	}
	c.Environ = append(c.Environ, behaviour+"="+how)
	c.Log = func(line []byte) {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.lines = append(w.lines, string(line))
	}
	c.Ended = func() { w.ended <- struct{}{} }
	w.Environment = runtimeapi.New(c)
	t.Cleanup(func() { _ = w.Close() })
	return w
}

func (w *world) log() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.lines)
}

// begin starts an invocation, with the request id req-1 for the first.
func (w *world) begin(payload string) (ready chan struct{}, done chan runtimeapi.Result) {
	w.n++
	ready, done = make(chan struct{}), make(chan runtimeapi.Result, 2)
	w.Invoke(runtimeapi.Invocation{
		RequestID: fmt.Sprintf("req-%d", w.n), FunctionARN: "arn:aws:lambda:eu-central-1:123456789012:function:f", TraceID: "Root=1-2-3",
		Payload: []byte(payload), Timeout: 30 * time.Second,
		Ready: func() { close(ready) },
		Done:  func(r runtimeapi.Result) { done <- r },
	})
	return ready, done
}

func (w *world) invoke(payload string) runtimeapi.Result {
	w.t.Helper()
	ready, done := w.begin(payload)
	select {
	case r := <-done:
		select {
		case <-ready:
		case <-time.After(time.Second):
			if r.Err == nil || r.Err.Type != "Runtime.InvalidEntrypoint" {
				w.t.Error("it was never ready")
			}
		}
		return r
	case <-time.After(30 * time.Second):
		w.t.Fatalf("no answer to %s; log %q", payload, w.log())
		return runtimeapi.Result{}
	}
}

func (w *world) expect(payload, want string) runtimeapi.Result {
	w.t.Helper()
	r := w.invoke(payload)
	if got := text(r); got != want {
		w.t.Errorf("%s: %s, want %s", payload, got, want)
	}
	return r
}

func text(r runtimeapi.Result) string {
	if r.Err == nil {
		return string(r.Payload)
	}
	exited := ""
	if r.Err.Exited {
		exited = " (exited)"
	}
	return r.Err.Error() + exited
}

func TestColdAndWarm(t *testing.T) {
	w := start(t, "slow init", runtimeapi.Config{})
	first := w.expect(`{"do":"count"}`, "1")
	if first.Init < 300*time.Millisecond || first.Duration <= 0 || first.Duration > first.Init {
		t.Errorf("the first took %v after an initialization of %v", first.Duration, first.Init)
	}
	second := w.expect(`{"do":"count"}`, "2")
	if second.Init != 0 {
		t.Errorf("the second was initialized, in %v", second.Init)
	}
	if runtime.GOOS == "linux" && (second.MaxMemory < 1<<20 || second.MaxMemory > 1<<30) {
		t.Errorf("memory: %d", second.MaxMemory)
	}
}

func TestWhatTheProcessIsTold(t *testing.T) {
	root := t.TempDir()
	w := start(t, "", runtimeapi.Config{TaskRoot: root, Environ: []string{"TABLE=orders"}})
	var got struct {
		ID, ARN, Trace, CWD string
		Left                float64
		Env                 []string
	}
	if err := json.Unmarshal(w.invoke(`{"do":"context"}`).Payload, &got); err != nil {
		t.Fatal(err)
	}
	if got.Left < 25 || got.Left > 30 {
		t.Errorf("%v s are left", got.Left)
	}
	if a, _ := filepath.EvalSymlinks(root); got.CWD != a {
		t.Errorf("it runs in %s, want %s", got.CWD, a)
	}
	if got.ID != "req-1" || got.ARN != "arn:aws:lambda:eu-central-1:123456789012:function:f" || got.Trace != "Root=1-2-3" {
		t.Errorf("%+v", got)
	}
	names := map[string]bool{}
	for _, kv := range got.Env {
		name, _, _ := strings.Cut(kv, "=")
		names[name] = true
	}
	// aws-lambda-go sets the trace id.
	want := map[string]bool{"TABLE": true, behaviour: true, "AWS_LAMBDA_RUNTIME_API": true, "_X_AMZN_TRACE_ID": true}
	if diff := cmp.Diff(want, names); diff != "" {
		t.Errorf("variables (-want +got)\n%s", diff)
	}
}

func TestErrorOfTheFunction(t *testing.T) {
	w := start(t, "", runtimeapi.Config{})
	r := w.expect(`{"do":"fail"}`, "outOfStock: no more KB-1")
	if string(r.Err.Payload) != `{"errorMessage":"no more KB-1","errorType":"outOfStock"}` {
		t.Errorf("payload %s", r.Err.Payload)
	}
	w.expect(`{"do":"count"}`, "2") // the same process
	w.expect(`{"do":"stream"}`, "errorString: no other half")
	w.expect(`{"do":"count"}`, "4")
}

func TestPanic(t *testing.T) {
	w := start(t, "", runtimeapi.Config{})
	r := w.expect(`{"do":"panic"}`, "string: no such thing (exited)")
	var document struct{ StackTrace []struct{ Label string } }
	if err := json.Unmarshal(r.Err.Payload, &document); err != nil || len(document.StackTrace) == 0 {
		t.Errorf("%v: %s", err, r.Err.Payload)
	}
	if log := strings.Join(w.log(), "\n"); !strings.Contains(log, `"errorMessage":"no such thing"`) {
		t.Errorf("log: %s", log)
	}
}

func TestEndOfTheProcess(t *testing.T) {
	for event, want := range map[string]string{
		`{"do":"exit","n":1}`: "Runtime.ExitError: RequestId: req-2 Error: Runtime exited with error: exit status 1 (exited)",
		`{"do":"exit","n":0}`: "Runtime.ExitError: RequestId: req-2 Error: Runtime exited without providing a reason (exited)",
		`{"do":"segfault"}`:   "Runtime.ExitError: RequestId: req-2 Error: Runtime exited with error: signal: killed (exited)",
	} {
		w := start(t, "", runtimeapi.Config{})
		w.expect(`{"do":"count"}`, "1")
		w.expect(event, want)
		if r := w.expect(`{"do":"count"}`, "1"); r.Init == 0 { // whoever has no other environment gets a new process
			t.Errorf("%s: no new initialization", event)
		}
	}
}

func TestLines(t *testing.T) {
	w := start(t, "", runtimeapi.Config{})
	w.invoke(`{"do":"log"}`)
	if diff := cmp.Diff([]string{"one", "two", "three", "four without end"}, w.log()); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestInitFailsTwice(t *testing.T) {
	w := start(t, "exit in init", runtimeapi.Config{})
	w.expect(`{}`, "Runtime.ExitError: RequestId: req-1 Error: Runtime exited with error: exit status 3 (exited)")
	if diff := cmp.Diff([]string{"no table", "no table"}, w.log()); diff != "" {
		t.Errorf("Lambda initializes twice (-want +got)\n%s", diff)
	}
	w = start(t, "init error", runtimeapi.Config{})
	r := w.expect(`{}`, "Function.NoTable: no table (exited)")
	if string(r.Err.Payload) != `{"errorType":"Function.NoTable","errorMessage":"no table"}` {
		t.Errorf("payload %s", r.Err.Payload)
	}
}

func TestInitFailsOnce(t *testing.T) {
	mark := "MARK=" + filepath.Join(t.TempDir(), "mark")
	w := start(t, "exit in the first init", runtimeapi.Config{Environ: []string{mark}})
	w.expect(`{"do":"count"}`, "1")
}

func TestInitTakesTooLong(t *testing.T) {
	mark := "MARK=" + filepath.Join(t.TempDir(), "mark")
	w := start(t, "slow first init", runtimeapi.Config{Environ: []string{mark}, InitTimeout: 200 * time.Millisecond})
	begun := time.Now()
	w.expect(`{"do":"count"}`, "1")
	if d := time.Since(begun); d < 200*time.Millisecond {
		t.Errorf("after %v", d)
	}
}

// The time of an invocation begins after the first initialization, and before the second.
func TestReady(t *testing.T) {
	w := start(t, "slow init", runtimeapi.Config{})
	begun := time.Now()
	ready, done := w.begin(`{}`)
	<-ready
	if d := time.Since(begun); d < 300*time.Millisecond {
		t.Errorf("ready after %v", d)
	}
	<-done
	w = start(t, "slow init", runtimeapi.Config{InitTimeout: 50 * time.Millisecond})
	begun = time.Now()
	ready, done = w.begin(`{}`)
	<-ready
	if d := time.Since(begun); d > 250*time.Millisecond {
		t.Errorf("ready after %v, want 50 ms", d)
	}
	<-done
}

func TestClose(t *testing.T) {
	w := start(t, "", runtimeapi.Config{})
	pid := string(w.invoke(`{"do":"pid"}`).Payload)
	child := string(w.invoke(`{"do":"child"}`).Payload)
	_, done := w.begin(`{"do":"sleep","n":60000}`)
	time.Sleep(50 * time.Millisecond)
	_ = w.Close()
	for _, p := range []string{pid, child} {
		if !gone(p) {
			t.Errorf("the process %s is still there", p)
		}
	}
	w.Invoke(runtimeapi.Invocation{Done: func(runtimeapi.Result) { t.Error("an answer of what is closed") }})
	select {
	case r := <-done:
		t.Errorf("an answer after Close: %s", text(r))
	case <-w.ended:
		t.Error("its end is told")
	case <-time.After(50 * time.Millisecond):
	}
}

// gone waits for the end of a process.
func gone(pid string) bool {
	if runtime.GOOS != "linux" {
		return true
	}
	for range 100 {
		b, err := os.ReadFile("/proc/" + pid + "/stat")
		if err != nil || strings.Contains(string(b), ") Z ") {
			return true
		}
		time.Sleep(20 * time.Millisecond)
	}
	return false
}

// Whoever runs functions may be killed: they end too, in the middle of an invocation.
func TestRunnerIsKilled(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("elsewhere a function ends when it next asks for an event")
	}
	cmd := exec.Command(os.Args[0])
	cmd.Env = []string{behaviour + "=runner"}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var pid int
	if _, err := fmt.Fscan(out, &pid); err != nil {
		t.Fatal(err)
	}
	time.Sleep(50 * time.Millisecond)
	if _, err := os.Stat(fmt.Sprintf("/proc/%d", pid)); err != nil {
		t.Fatalf("the function is gone too early: %v", err)
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait() // it was killed
	if !gone(fmt.Sprint(pid)) {
		t.Error("the function outlives who ran it")
	}
}

func TestProcessThatEndsWhileIdle(t *testing.T) {
	w := start(t, "", runtimeapi.Config{})
	pid := string(w.invoke(`{"do":"pid"}`).Payload)
	var n int
	if _, err := fmt.Sscan(pid, &n); err != nil {
		t.Fatal(err)
	}
	p, err := os.FindProcess(n)
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Kill(); err != nil {
		t.Fatal(err)
	}
	select {
	case <-w.ended:
	case <-time.After(10 * time.Second):
		t.Fatal("its end is not told")
	}
	if r := w.expect(`{"do":"count"}`, "1"); r.Init == 0 {
		t.Error("no new initialization")
	}
}

func TestMemory(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("memory is limited on Linux only")
	}
	const limit = 300 << 20
	w := start(t, "", runtimeapi.Config{Memory: limit})
	r := w.expect(`{"do":"fill","n":100}`, fmt.Sprint(100<<20))
	if r.MaxMemory < 100<<20 || r.MaxMemory > limit {
		t.Errorf("it had %d bytes", r.MaxMemory)
	}
	r = w.expect(`{"do":"fill","n":1000}`, "Runtime.ExitError: RequestId: req-2 Error: Runtime exited with error: signal: killed (exited)")
	if r.MaxMemory < limit {
		t.Errorf("it had %d bytes", r.MaxMemory)
	}
	if log := w.log(); len(log) != 1 || !strings.HasPrefix(log[0], "RequestId: req-2 the process is killed: Memory Size: 300 MB Max Memory Used: ") {
		t.Errorf("log %q", log)
	}
}

func TestNoExecutable(t *testing.T) {
	e := runtimeapi.New(runtimeapi.Config{Bootstrap: "/nowhere/bootstrap"})
	done := make(chan runtimeapi.Result, 1)
	e.Invoke(runtimeapi.Invocation{RequestID: "req-1", Done: func(r runtimeapi.Result) { done <- r }})
	if got := text(<-done); !strings.HasPrefix(got, "Runtime.InvalidEntrypoint: RequestId: req-1 Error: ") || !strings.HasSuffix(got, "(exited)") {
		t.Error(got)
	}
}

func TestAnswersThatAreTooLarge(t *testing.T) {
	const most = 6<<20 + 100
	w := start(t, "", runtimeapi.Config{})
	if r := w.invoke(fmt.Sprintf(`{"do":"large","n":%d}`, most-2)); r.Err != nil || len(r.Payload) != most {
		t.Errorf("%d bytes, %v", len(r.Payload), r.Err)
	}
	r := w.invoke(fmt.Sprintf(`{"do":"large","n":%d}`, most))
	if r.Err == nil || r.Err.Type != "Function.ResponseSizeTooLarge" {
		t.Errorf("%v", r.Err)
	}
}

func TestOutOfOrder(t *testing.T) {
	const (
		wrongID = `400 {"errorMessage":"Invalid request ID","errorType":"InvalidRequestID"}`
		refused = `403 {"errorMessage":"Transition from %s to %s is not allowed","errorType":"InvalidStateTransition"}`
		most    = 6<<20 + 100
	)
	w := start(t, "by hand", runtimeapi.Config{})
	heard := func(want ...string) {
		t.Helper()
		var got []string
		if err := json.Unmarshal(w.invoke(`{"do":"heard"}`).Payload, &got); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("(-want +got)\n%s", diff)
		}
	}
	heard(wrongID) // before its first event
	w.expect(`{"do":"twice"}`, "1")
	heard(fmt.Sprintf(refused, "ResponseSent", "InvocationResponse"), fmt.Sprintf(refused, "ResponseSent", "InvocationErrorResponse"))
	w.expect(`{"do":"next twice"}`, "1")
	heard("truenext twice")
	w.expect(`{"do":"other"}`, "1")
	heard(wrongID)
	w.expect(`{"do":"late init error"}`, "1")
	heard(fmt.Sprintf(refused, "Running", "InitError"))
	w.expect(`{"do":"streaming"}`, "Runtime.InvalidResponseModeHeader: streamed answers are not simulated")
	heard(`400 {"errorMessage":"Invalid function response mode: streaming is not simulated","errorType":"InvalidFunctionResponseMode"}`)
	w.expect(fmt.Sprintf(`{"do":"large","n":%d}`, most+1),
		"Function.ResponseSizeTooLarge: Response payload size exceeded maximum allowed payload size (6291556 bytes).")
	heard(`413 {"errorMessage":"Exceeded maximum allowed payload size (6291556 bytes).","errorType":"RequestEntityTooLarge"}`)
	w.expect(`{"do":"typed error"}`, "Custom.Broken: it is broken")
	heard(`202 {"status":"OK"}`)
	w.expect(`{"do":"get"}`, "1")
	heard("405 Method Not Allowed", "404 404 page not found")
}
