package functions_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/orderflow-cdk/orderflow/internal/awstest"
	"github.com/orderflow-cdk/orderflow/internal/handler"
)

// compile links a main package for this machine as build-functions does for Lambda.
func compile(tb testing.TB, pkg string) string {
	tb.Helper()
	if runtime.GOOS != "linux" {
		tb.Skip("Lambda's executables are for Linux")
	}
	out := filepath.Join(tb.TempDir(), "bootstrap")
	cmd := exec.Command("go", "build", "-trimpath", "-tags=lambda.norpc", "-ldflags=-s -w", "-o", out, pkg)
	cmd.Env = append(os.Environ(), "GOFLAGS=", "CGO_ENABLED=0")
	if b, err := cmd.CombinedOutput(); err != nil {
		tb.Fatalf("%v\n%s", err, b)
	}
	return out
}

// runtimeAPI is Lambda's Runtime API (Lambda developer guide, "Using the Lambda
// runtime API"), which hands one event after the other to an executable.
type runtimeAPI struct {
	*httptest.Server
	ready   chan struct{} // gets a value when the executable asks for its first event
	events  chan string
	answers chan string // "response …" or "error …"
}

func newRuntimeAPI(tb testing.TB) *runtimeAPI {
	api := &runtimeAPI{ready: make(chan struct{}, 1), events: make(chan string), answers: make(chan string, 1)}
	api.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		const root = "/2018-06-01/runtime/"
		switch path := strings.TrimPrefix(r.URL.Path, root); {
		case path == "invocation/next":
			select {
			case api.ready <- struct{}{}:
			default:
			}
			select {
			case event := <-api.events:
				w.Header().Set("Lambda-Runtime-Aws-Request-Id", "req-1")
				w.Header().Set("Lambda-Runtime-Deadline-Ms", fmt.Sprint(time.Now().Add(time.Minute).UnixMilli()))
				w.Header().Set("Lambda-Runtime-Invoked-Function-Arn", "arn:aws:lambda:eu-central-1:111122223333:function:f")
				_, _ = io.WriteString(w, event)
			case <-r.Context().Done():
			}
		case strings.HasPrefix(path, "invocation/req-1/"):
			b, _ := io.ReadAll(r.Body)
			w.WriteHeader(http.StatusAccepted)
			api.answers <- strings.TrimPrefix(path, "invocation/req-1/") + " " + string(b)
		}
	}))
	tb.Cleanup(func() {
		api.CloseClientConnections()
		api.Close()
	})
	return api
}

// start runs an executable as Lambda would, with the variables besides those of Lambda.
func start(tb testing.TB, path string, api *runtimeAPI, log io.Writer, variables ...string) *exec.Cmd {
	tb.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	cmd := exec.CommandContext(ctx, path)
	cmd.Env = append([]string{
		"AWS_LAMBDA_RUNTIME_API=" + strings.TrimPrefix(api.URL, "http://"), "AWS_REGION=eu-central-1",
		"AWS_ACCESS_KEY_ID=AKID", "AWS_SECRET_ACCESS_KEY=SECRET", "AWS_SESSION_TOKEN=TOKEN",
		"AWS_LAMBDA_FUNCTION_NAME=f", "_HANDLER=f",
	}, variables...)
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		cancel()
		_ = cmd.Wait() // it was killed
	})
	return cmd
}

// The executable itself, from environment variables over the Runtime API to a
// signed call of DynamoDB and back.
func TestBootstrap(t *testing.T) {
	if testing.Short() {
		t.Skip("links a function, about 2 s with a warm cache")
	}
	fake := awstest.New()
	const key = "VA#o-VA"
	fake.Items["inv/order#"+key] = awstest.Item{"pk": awstest.S("order#" + key), "state": awstest.S("HELD")}
	var authorization string
	aws := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		authorization = r.Header.Get("Authorization") + " " + r.Header.Get("X-Amz-Security-Token")
		res, err := fake.Do(r)
		if err != nil {
			panic(http.ErrAbortHandler)
		}
		defer res.Body.Close()
		w.Header().Set("Content-Type", res.Header.Get("Content-Type"))
		w.WriteHeader(res.StatusCode)
		_, _ = io.Copy(w, res.Body)
	}))
	defer aws.Close()

	api := newRuntimeAPI(t)
	var log strings.Builder
	start(t, compile(t, "./ship"), api, &log,
		"AWS_ENDPOINT_URL="+aws.URL, "INVENTORY_TABLE_NAME=inv", "LOG_LEVEL=INFO", "METRICS_NAMESPACE=orderflow")
	document := `{"pk":"` + key + `","tenant":"t","orderId":"o-VA","order":{"items":[{"sku":"A","quantity":1,"unitPrice":1}]},"step":"Ship","results":{}}`
	invoke := func(event string) string {
		t.Helper()
		select {
		case api.events <- event:
		case <-time.After(20 * time.Second):
			t.Fatalf("the function asks for no event\n%s", &log)
		}
		select {
		case answer := <-api.answers:
			return answer
		case <-time.After(20 * time.Second):
			t.Fatalf("the function does not answer\n%s", &log)
		}
		return ""
	}
	var shipment handler.Shipment
	answer := invoke(document)
	if err := json.Unmarshal([]byte(strings.TrimPrefix(answer, "response ")), &shipment); err != nil || !strings.HasPrefix(shipment.TrackingNumber, "OF") {
		t.Errorf("answer: %s", answer)
	}
	if got := awstest.Text(fake.Items["inv/order#"+key], "trackingNumber"); got != shipment.TrackingNumber {
		t.Errorf("the record says %q, the answer %q", got, shipment.TrackingNumber)
	}
	for _, part := range []string{"AWS4-HMAC-SHA256 Credential=AKID/", "/eu-central-1/dynamodb/aws4_request", "x-amz-security-token", " TOKEN"} {
		if !strings.Contains(authorization, part) {
			t.Errorf("authorization lacks %q: %s", part, authorization)
		}
	}
	want := `error {"errorMessage":"no stock is held for this order","errorType":"NotReserved"}`
	if diff := cmp.Diff(want, invoke(strings.ReplaceAll(document, key, "VA#other"))); diff != "" {
		t.Errorf("errors are named by their type (-want +got)\n%s", diff)
	}
}

func TestBootstrapWithoutItsEnvironment(t *testing.T) {
	if testing.Short() {
		t.Skip("links a function, about 2 s with a warm cache")
	}
	api := newRuntimeAPI(t)
	var log strings.Builder
	cmd := start(t, compile(t, "./ship"), api, &log, "LOG_LEVEL=loud")
	err := cmd.Wait()
	if err == nil || cmd.ProcessState.ExitCode() != 1 {
		t.Errorf("it ended with %v", err)
	}
	const want = `"level":"ERROR","msg":"the function cannot start","cause":"environment: LOG_LEVEL must be one of DEBUG, INFO, WARN, ERROR, got \"loud\"; METRICS_NAMESPACE is not set; INVENTORY_TABLE_NAME is not set"}`
	if !strings.Contains(log.String(), want) {
		t.Errorf("log: %s", &log)
	}
}

// From the start of the process to its first request for an event, beside a
// function that does nothing. Lambda adds the same to both: the sandbox and the download.
func BenchmarkColdStart(b *testing.B) {
	hello := filepath.Join(b.TempDir(), "hello.go")
	const source = "package main\n\nimport \"github.com/aws/aws-lambda-go/lambda\"\n\nfunc main() { lambda.Start(func() error { return nil }) }\n"
	if err := os.WriteFile(hello, []byte(source), 0o644); err != nil {
		b.Fatal(err)
	}
	for _, test := range []struct{ name, pkg string }{{"hello", hello}, {"intake", "./intake"}, {"charge", "./charge"}} {
		b.Run(test.name, func(b *testing.B) {
			path := compile(b, test.pkg)
			for b.Loop() {
				b.StopTimer()
				api := newRuntimeAPI(b)
				b.StartTimer()
				cmd := start(b, path, api, io.Discard, "LOG_LEVEL=INFO", "METRICS_NAMESPACE=o", "ORDERS_TABLE_NAME=o", "RETENTION_DAYS=110",
					"STATE_MACHINE_ARN=arn:m", "PAYMENT_PROVIDER=sandbox", "INVENTORY_TABLE_NAME=i")
				<-api.ready
				b.StopTimer()
				_ = cmd.Process.Kill()
				api.CloseClientConnections()
				b.StartTimer()
			}
		})
	}
}
