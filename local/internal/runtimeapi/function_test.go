package runtimeapi_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambdacontext"

	"github.com/orderflow-cdk/orderflow/local/internal/runtimeapi"
)

// The test binary is also the function under test, when this variable says how it is to behave: it is what
// becomes of the process from its start. What an event says decides the rest.
const behaviour = "RUNTIMEAPI_TEST_BEHAVIOUR"

func TestMain(m *testing.M) {
	how, ok := os.LookupEnv(behaviour)
	if !ok {
		os.Exit(m.Run())
	}
	switch how {
	case "":
	case "exit in init":
		fmt.Println("no table")
		os.Exit(3)
	case "exit in the first init":
		mark := os.Getenv("MARK")
		if _, err := os.Stat(mark); err != nil {
			_ = os.WriteFile(mark, nil, 0o600)
			os.Exit(4)
		}
	case "slow init":
		time.Sleep(300 * time.Millisecond)
	case "slow first init":
		mark := os.Getenv("MARK")
		if _, err := os.Stat(mark); err != nil {
			_ = os.WriteFile(mark, nil, 0o600)
			time.Sleep(time.Minute)
		}
	case "init error":
		post("init/error", `{"errorType":"Function.NoTable","errorMessage":"no table"}`)
		os.Exit(1)
	case "by hand":
		byHand()
	case "runner":
		runner()
	}
	lambda.Start(handle)
}

// runner is no function but what runs one, and is killed.
func runner() {
	e := runtimeapi.New(runtimeapi.Config{Bootstrap: os.Args[0], TaskRoot: ".", Environ: []string{behaviour + "="}})
	done := make(chan runtimeapi.Result, 1)
	e.Invoke(runtimeapi.Invocation{RequestID: "1", Payload: []byte(`{"do":"pid"}`), Timeout: time.Minute, Done: func(r runtimeapi.Result) { done <- r }})
	fmt.Println(string((<-done).Payload))
	e.Invoke(runtimeapi.Invocation{RequestID: "2", Payload: []byte(`{"do":"sleep","n":60000}`), Timeout: time.Minute, Done: func(runtimeapi.Result) {}})
	time.Sleep(time.Minute)
}

type event struct {
	Do string `json:"do"`
	N  int    `json:"n"`
}

type outOfStock struct{ sku string }

func (e *outOfStock) Error() string { return "no more " + e.sku }

var calls int

func handle(ctx context.Context, e event) (any, error) {
	calls++
	switch e.Do {
	case "count":
		return calls, nil
	case "fail":
		return nil, &outOfStock{"KB-1"}
	case "panic":
		panic("no such thing")
	case "exit":
		os.Exit(e.N)
	case "segfault":
		fmt.Fprintln(os.Stderr, "about to end")
		p, _ := os.FindProcess(os.Getpid())
		_ = p.Kill()
		time.Sleep(time.Minute)
	case "log":
		fmt.Print("one\ntwo\r\nthr")
		fmt.Println("ee")
		fmt.Fprint(os.Stderr, "four without end")
		os.Exit(0)
	case "sleep":
		time.Sleep(time.Duration(e.N) * time.Millisecond)
	case "large":
		return strings.Repeat("x", e.N), nil
	case "fill":
		b := make([]byte, e.N<<20)
		for i := 0; i < len(b); i += 4096 {
			b[i] = 1
		}
		time.Sleep(200 * time.Millisecond)
		return len(b), nil
	case "child":
		cmd := exec.Command("/bin/sleep", "60")
		if err := cmd.Start(); err != nil {
			return nil, err
		}
		return cmd.Process.Pid, nil
	case "pid":
		return os.Getpid(), nil
	case "context":
		lc, _ := lambdacontext.FromContext(ctx)
		deadline, _ := ctx.Deadline()
		return map[string]any{
			"id": lc.AwsRequestID, "arn": lc.InvokedFunctionArn, "trace": ctx.Value("x-amzn-trace-id"),
			"left": time.Until(deadline).Seconds(), "cwd": func() string { d, _ := os.Getwd(); return d }(), "env": os.Environ(),
		}, nil
	case "stream":
		return io.MultiReader(strings.NewReader(`{"half":`), failing{}), nil
	}
	return "done", nil
}

type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, errors.New("no other half") }

func api(path string) string {
	return "http://" + os.Getenv("AWS_LAMBDA_RUNTIME_API") + "/2018-06-01/runtime/" + path
}

// post returns the status and the body of the answer.
func post(path, body string, header ...string) string {
	req, err := http.NewRequest(http.MethodPost, api(path), strings.NewReader(body))
	if err != nil {
		panic(err)
	}
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	return answerOf(http.DefaultClient.Do(req))
}

func answerOf(res *http.Response, err error) string {
	if err != nil {
		return err.Error()
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		return err.Error()
	}
	return fmt.Sprint(res.StatusCode, " ", string(bytes.TrimSpace(b)))
}

// byHand speaks the Runtime API itself, out of order. What it heard is the answer to the next event.
func byHand() {
	var heard []string
	say := func(s string) { heard = append(heard, s) }
	next := func() (id string, e event) {
		res, err := http.Get(api("invocation/next"))
		if err != nil {
			os.Exit(9)
		}
		defer res.Body.Close()
		if err := json.NewDecoder(res.Body).Decode(&e); err != nil {
			panic(err)
		}
		return res.Header.Get("Lambda-Runtime-Aws-Request-Id"), e
	}
	say(post("invocation/x/response", "1"))
	for {
		id, e := next()
		path := "invocation/" + id + "/"
		switch e.Do {
		case "heard":
			b, _ := json.Marshal(heard)
			heard = nil
			post(path+"response", string(b))
		case "twice":
			post(path+"response", "1")
			say(post(path+"response", "2"))
			say(post(path+"error", "{}"))
		case "next twice":
			again, f := next()
			say(fmt.Sprint(again == id, f.Do))
			post(path+"response", "1")
		case "other":
			say(post("invocation/other/response", "1"))
			post(path+"response", "1")
		case "late init error":
			say(post("init/error", "{}"))
			post(path+"response", "1")
		case "streaming":
			say(post(path+"response", "1", "Lambda-Runtime-Function-Response-Mode", "streaming"))
		case "large":
			say(post(path+"response", strings.Repeat("1", e.N)))
		case "typed error":
			say(post(path+"error", "it is broken", "Lambda-Runtime-Function-Error-Type", "Custom.Broken"))
		case "get":
			say(answerOf(http.Get(api(path + "response"))))
			say(answerOf(http.Get(api("elsewhere"))))
			post(path+"response", "1")
		}
	}
}
