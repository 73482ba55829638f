package lambda_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	golambda "github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambda/messages"
	"github.com/aws/aws-lambda-go/lambdacontext"
	"github.com/google/go-cmp/cmp"

	"github.com/orderflow-cdk/orderflow/local/internal/api"
	"github.com/orderflow-cdk/orderflow/local/internal/lambda"
	"github.com/orderflow-cdk/orderflow/local/internal/sim"
)

// fixture is a service with one function, "f".
type fixture struct {
	testing.TB
	k   *sim.Kernel
	s   *lambda.Service
	f   *lambda.Function
	log bytes.Buffer
}

func newFixture(t testing.TB, p lambda.FunctionProperties, handler any) *fixture {
	t.Helper()
	return newFixtureWith(t, p, func(lambda.Init) (lambda.Handler, error) { return golambda.NewHandler(handler), nil })
}

func newFixtureWith(t testing.TB, p lambda.FunctionProperties, newHandler func(lambda.Init) (lambda.Handler, error)) *fixture {
	t.Helper()
	fx := &fixture{TB: t, k: sim.New(start, 1)}
	t.Cleanup(fx.k.Close)
	fx.s = lambda.NewService(fx.k, "eu-central-1", "111122223333")
	fx.s.Log = &fx.log
	var err error
	if fx.f, err = fx.s.CreateFunction("f", p, lambda.InProcess(newHandler)); err != nil {
		t.Fatal(err)
	}
	return fx
}

// invoke calls f and gives a place where the answer will be.
func (f *fixture) invoke(in string) *reply {
	r := &reply{}
	f.s.Do(api.Call{Service: "lambda", Action: "Invoke", Input: []byte(in)}, func(out []byte, err error) {
		r.n++
		r.body, r.err = string(out), err
	})
	return r
}

type reply struct {
	n    int
	body string
	err  error
}

func (f *fixture) want(r *reply, body string) {
	f.Helper()
	if r.n != 1 || r.err != nil || r.body != body {
		f.Errorf("answered %d times\ngot  %s, %v\nwant %s", r.n, r.body, r.err, body)
	}
}

const ok = `{"StatusCode":200,"ExecutedVersion":"$LATEST","Payload":`

func TestInvoke(t *testing.T) {
	f := newFixture(t, lambda.FunctionProperties{}, func(in map[string]any) (any, error) { return in["a"], nil })
	for _, name := range []string{
		"f", "f:$LATEST", f.f.ARN, f.f.ARN + ":$LATEST", "111122223333:function:f", "function:f",
	} {
		f.want(f.invoke(`{"FunctionName":"`+name+`","Payload":{"a":"<ü>"}}`), ok+`"<ü>"}`)
	}
	f.want(f.invoke(`{"FunctionName":"f","InvocationType":"DryRun"}`), `{"StatusCode":204}`)
	for in, want := range map[string]string{
		`{"FunctionName":"g"}`:   "ResourceNotFoundException: Function not found: arn:aws:lambda:eu-central-1:111122223333:function:g",
		`{"FunctionName":"f:1"}`: "ResourceNotFoundException: Function not found: arn:aws:lambda:eu-central-1:111122223333:function:f:1",
		`{"FunctionName":"arn:aws:lambda:us-east-1:111122223333:function:f"}`:                          "ResourceNotFoundException: Function not found: arn:aws:lambda:us-east-1:111122223333:function:f",
		`{"FunctionName":"f:$LATEST","Qualifier":"2"}`:                                                 "InvalidParameterValueException: The derived qualifier from the function name does not match the specified qualifier.",
		`{"FunctionName":"f","Payload":"` + strings.Repeat("x", 6<<20) + `"}`:                          "RequestEntityTooLargeException: 6291458 byte payload is too large for the RequestResponse invocation type (limit 6291456 bytes)",
		`{"FunctionName":"f","InvocationType":"Event","Payload":"` + strings.Repeat("x", 1<<20) + `"}`: "RequestEntityTooLargeException: 1048578 byte payload is too large for the Event invocation type (limit 1048576 bytes)",
	} {
		if r := f.invoke(in); r.n != 1 || r.err == nil || r.err.Error() != want {
			t.Errorf("%.60s: got %v, want %s", in, r.err, want)
		}
	}
	if got := f.f.Stats().Invocations; got != 6 {
		t.Errorf("%d invocations", got)
	}
}

func TestContext(t *testing.T) {
	var f *fixture
	f = newFixtureWith(t, lambda.FunctionProperties{Timeout: num(7), MemorySize: num(256), Environment: &lambda.Environment{Variables: map[string]string{"TABLE": "orders"}}},
		func(init lambda.Init) (lambda.Handler, error) {
			if lambda.ProcFrom(init.Context) == nil {
				t.Error("no process in the initialization")
			}
			got := init.Getenv("TABLE") + init.Getenv("NONE") + init.Getenv("AWS_LAMBDA_FUNCTION_NAME") + init.Getenv("AWS_LAMBDA_FUNCTION_MEMORY_SIZE")
			if got != "ordersf256" {
				t.Errorf("environment: %s", got)
			}
			return golambda.NewHandler(func(ctx context.Context) (string, error) {
				lc, _ := lambdacontext.FromContext(ctx)
				if lc.InvokedFunctionArn != f.f.ARN+":$LATEST" || len(lc.AwsRequestID) != 36 {
					t.Errorf("%+v", lc)
				}
				trace, _ := ctx.Value("x-amzn-trace-id").(string)
				if !strings.HasPrefix(trace, "Root=1-69a42a40-") {
					t.Errorf("trace %q", trace)
				}
				// Contexts derived from it still know, and end by the kernel's time.
				child, cancel := context.WithCancel(ctx)
				defer cancel()
				deadline, _ := child.Deadline()
				p := lambda.ProcFrom(child)
				p.Sleep(2 * time.Second)
				if err := child.Err(); err != nil {
					t.Errorf("over after 2 seconds: %v", err)
				}
				return fmt.Sprint(deadline.Sub(f.k.Now())), nil
			}), nil
		})
	r := f.invoke(`{"FunctionName":"f:$LATEST"}`)
	if r.n != 0 {
		t.Error("answered before the handler was done")
	}
	f.k.Advance(2 * time.Second)
	f.want(r, ok+`"5s"}`)
	if lambda.ProcFrom(context.Background()) != nil {
		t.Error("a process where there is none")
	}
	want := lambda.Stats{Invocations: 1, ColdStarts: 1, Duration: 2 * time.Second, BilledMS: 2000, MBms: 2000 * 256, MaxConcurrent: 1}
	if diff := cmp.Diff(want, f.f.Stats()); diff != "" {
		t.Error(diff)
	}
	if _, left := f.k.Next(); left {
		t.Error("an event is left")
	}
}

type OutOfStock struct{ sku string }

func (e OutOfStock) Error() string { return "no " + e.sku }

type PaymentDeclined struct{}

func (*PaymentDeclined) Error() string { return "declined" }

func TestErrors(t *testing.T) {
	tests := []struct {
		name    string
		handler func() (any, error)
		want    string
	}{
		{"value type", func() (any, error) { return nil, OutOfStock{"x"} }, `{"errorMessage":"no x","errorType":"OutOfStock"}`},
		{"pointer type", func() (any, error) { return nil, &PaymentDeclined{} }, `{"errorMessage":"declined","errorType":"PaymentDeclined"}`},
		{"plain", func() (any, error) { return nil, errors.New("no") }, `{"errorMessage":"no","errorType":"errorString"}`},
		{"wrapped", func() (any, error) { return nil, fmt.Errorf("a: %w", OutOfStock{"x"}) }, `{"errorMessage":"a: no x","errorType":"wrapError"}`},
		{"named by itself", func() (any, error) {
			return nil, messages.InvokeResponse_Error{Type: "Mine", Message: "m"}
		}, `{"errorMessage":"m","errorType":"Mine"}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := newFixture(t, lambda.FunctionProperties{}, tt.handler)
			for range 2 {
				f.want(f.invoke(`{"FunctionName":"f"}`), `{"StatusCode":200,"ExecutedVersion":"$LATEST","FunctionError":"Unhandled","Payload":`+tt.want+`}`)
			}
			if got := f.log.String(); got != strings.Repeat("f: "+tt.want+"\n", 2) {
				t.Errorf("log %q", got)
			}
			if s := f.f.Stats(); s.Errors != 2 || s.ColdStarts != 1 {
				t.Errorf("%+v", s)
			}
		})
	}
}

func TestPanicEndsTheEnvironment(t *testing.T) {
	f := newFixture(t, lambda.FunctionProperties{}, func() error { return blowUp(nil) })
	for range 2 {
		var got struct {
			FunctionError string
			Payload       messages.InvokeResponse_Error
		}
		if err := json.Unmarshal([]byte(f.invoke(`{"FunctionName":"f"}`).body), &got); err != nil {
			t.Fatal(err)
		}
		if got.FunctionError != "Unhandled" || got.Payload.Type != "boundsError" ||
			got.Payload.Message != "runtime error: index out of range [3] with length 0" {
			t.Errorf("%+v", got)
		}
		found := false
		for _, frame := range got.Payload.StackTrace {
			found = found || frame.Label == "blowUp" && frame.Path == "github.com/orderflow-cdk/orderflow/local/internal/lambda/lambda_test.go" ||
				strings.HasSuffix(frame.Path, "local/internal/lambda/lambda_test.go") && frame.Label == "blowUp"
		}
		if !found || len(got.Payload.StackTrace) > 32 {
			t.Errorf("%d frames, blowUp among them: %v", len(got.Payload.StackTrace), found)
		}
	}
	if n := f.f.Stats().ColdStarts; n != 2 {
		t.Errorf("%d cold starts", n)
	}
}

//go:noinline
func blowUp(s []error) error { return s[3] }

func TestTimeout(t *testing.T) {
	var ended []string
	f := newFixture(t, lambda.FunctionProperties{Timeout: num(3)}, func(ctx context.Context) error {
		defer func() { ended = append(ended, fmt.Sprint(ctx.Err())) }()
		lambda.ProcFrom(ctx).Sleep(time.Hour)
		t.Error("the handler went on")
		return nil
	})
	r := f.invoke(`{"FunctionName":"f"}`)
	f.k.Advance(3*time.Second - 1)
	if r.n != 0 {
		t.Error("answered too early")
	}
	f.k.Advance(1)
	var got struct{ Payload map[string]string }
	if err := json.Unmarshal([]byte(r.body), &got); err != nil {
		t.Fatal(err)
	}
	id := strings.Fields(got.Payload["errorMessage"])[1]
	if diff := cmp.Diff(map[string]string{
		"errorType": "Sandbox.Timedout", "errorMessage": "RequestId: " + id + " Error: Task timed out after 3.00 seconds",
	}, got.Payload); diff != "" {
		t.Error(diff)
	}
	if want := "f: 2026-03-01T12:00:03.000Z " + id + " Task timed out after 3.00 seconds\n"; f.log.String() != want {
		t.Errorf("log %q, want %q", f.log.String(), want)
	}
	if diff := cmp.Diff([]string{"context deadline exceeded"}, ended); diff != "" {
		t.Error(diff)
	}
	f.invoke(`{"FunctionName":"f"}`)
	if s := f.f.Stats(); s.ColdStarts != 2 || s.Timeouts != 1 {
		t.Errorf("%+v", s)
	}
	f.k.Advance(2 * time.Hour)
	if r.n != 1 {
		t.Errorf("answered %d times", r.n)
	}
}

func TestInitializationFails(t *testing.T) {
	for name, newHandler := range map[string]func(lambda.Init) (lambda.Handler, error){
		"exit status 1": func(lambda.Init) (lambda.Handler, error) { return nil, errors.New("TABLE is not set") },
		"exit status 2": func(lambda.Init) (lambda.Handler, error) { panic("no") },
	} {
		f := newFixtureWith(t, lambda.FunctionProperties{}, newHandler)
		r := f.invoke(`{"FunctionName":"f"}`)
		if !strings.Contains(r.body, `"errorType":"Runtime.ExitError"`) || !strings.Contains(r.body, "Error: Runtime exited with error: "+name+`"`) {
			t.Errorf("%s: %s", name, r.body)
		}
	}
}

func TestEnvironmentsAreReused(t *testing.T) {
	made := 0
	f := newFixtureWith(t, lambda.FunctionProperties{}, func(init lambda.Init) (lambda.Handler, error) {
		if made++; init.Environment != made {
			t.Errorf("environment %d is number %d", made, init.Environment)
		}
		calls := 0
		return golambda.NewHandler(func(ctx context.Context) (string, error) {
			calls++
			lambda.ProcFrom(ctx).Sleep(time.Second)
			return fmt.Sprintf("%d/%d", init.Environment, calls), nil
		}), nil
	})
	a, b := f.invoke(`{"FunctionName":"f"}`), f.invoke(`{"FunctionName":"f"}`)
	f.k.Advance(time.Second)
	f.want(a, ok+`"1/1"}`)
	f.want(b, ok+`"2/1"}`)
	c := f.invoke(`{"FunctionName":"f"}`)
	f.k.Advance(time.Second)
	f.want(c, ok+`"2/2"}`)
	if s := f.f.Stats(); s.ColdStarts != 2 || s.MaxConcurrent != 2 || s.Invocations != 3 {
		t.Errorf("%+v", s)
	}
}

func TestConcurrency(t *testing.T) {
	sleep := func(ctx context.Context) error { lambda.ProcFrom(ctx).Sleep(time.Second); return nil }
	throttled := func(r *reply) string {
		var e *api.Error
		if !errors.As(r.err, &e) {
			return ""
		}
		return fmt.Sprint(e.Status, " ", e.Code, " ", e.Message, " ", e.Fields["Reason"])
	}
	f := newFixture(t, lambda.FunctionProperties{ReservedConcurrentExecutions: num(2)}, sleep)
	for i := range 3 {
		want := ""
		if i == 2 {
			want = "429 TooManyRequestsException Rate Exceeded. ReservedFunctionConcurrentInvocationLimitExceeded"
		}
		if got := throttled(f.invoke(`{"FunctionName":"f"}`)); got != want {
			t.Errorf("%d: got %q, want %q", i, got, want)
		}
	}
	f.k.Advance(time.Second)
	if got := throttled(f.invoke(`{"FunctionName":"f"}`)); got != "" {
		t.Error(got)
	}
	if s := f.f.Stats(); s.Throttles != 1 {
		t.Errorf("%+v", s)
	}
	// The rest of the account's 1,000 is for the functions that reserve nothing.
	if _, err := f.s.CreateFunction("g", lambda.FunctionProperties{}, lambda.InProcess(func(lambda.Init) (lambda.Handler, error) {
		return golambda.NewHandler(sleep), nil
	})); err != nil {
		t.Fatal(err)
	}
	for range 998 {
		if r := f.invoke(`{"FunctionName":"g"}`); r.err != nil {
			t.Fatal(r.err)
		}
	}
	if got := throttled(f.invoke(`{"FunctionName":"g"}`)); got != "429 TooManyRequestsException Rate Exceeded. ConcurrentInvocationLimitExceeded" {
		t.Error(got)
	}
}

func TestResponseTooLarge(t *testing.T) {
	size := 6<<20 + 98 // and two quotes
	f := newFixture(t, lambda.FunctionProperties{}, func() (string, error) { return strings.Repeat("x", size), nil })
	if r := f.invoke(`{"FunctionName":"f"}`); !strings.HasPrefix(r.body, ok) {
		t.Errorf("%.100s", r.body)
	}
	size++
	f.want(f.invoke(`{"FunctionName":"f"}`), `{"StatusCode":200,"ExecutedVersion":"$LATEST","FunctionError":"Unhandled","Payload":{"errorType":"Function.ResponseSizeTooLarge","errorMessage":"Response payload size exceeded maximum allowed payload size (6291556 bytes)."}}`)
}

// aws-lambda-go's handlers answer with a pooled buffer; the answer must not
// change when another invocation runs before it is read.
func TestAnswersDoNotShareMemory(t *testing.T) {
	f := newFixture(t, lambda.FunctionProperties{}, func(ctx context.Context, in string) (string, error) {
		if in == "slow" {
			lambda.ProcFrom(ctx).Sleep(time.Second)
		}
		return strings.Repeat(in, 3), nil
	})
	slow := f.invoke(`{"FunctionName":"f","Payload":"slow"}`)
	quick := f.invoke(`{"FunctionName":"f","Payload":"quick"}`)
	f.k.Advance(time.Second)
	f.want(slow, ok+`"slowslowslow"}`)
	f.want(quick, ok+`"quickquickquick"}`)
}
