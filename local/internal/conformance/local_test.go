package conformance_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"github.com/orderflow-cdk/orderflow/local"
	"github.com/orderflow-cdk/orderflow/local/internal/conformance"
)

const template = "testdata/world.template.json"

// echo returns what it is given, or fails, or sleeps, if that is what it is asked to do.
func echo(r local.Runtime) (local.Handler, error) {
	return lambda.NewHandler(func(ctx context.Context, in json.RawMessage) (json.RawMessage, error) {
		switch {
		case strings.Contains(string(in), `"fail"`):
			return nil, errors.New("as asked")
		case strings.Contains(string(in), `"sleep"`):
			return in, local.Sleep(ctx, time.Minute)
		}
		_, _ = r.Log.Write([]byte("echo: " + string(in) + "\n"))
		return in, nil
	}), nil
}

// openLocal is this module's stack, where it is served.
func openLocal(t testing.TB) conformance.World {
	t.Helper()
	text, err := os.ReadFile(template)
	if err != nil {
		t.Fatal(err)
	}
	var stack *local.Stack
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { stack.ServeHTTP(w, r) }))
	t.Cleanup(server.Close)
	stack, err = local.New(text, local.Options{
		Endpoint: server.URL, Functions: map[string]local.NewFunction{"echo": echo},
		Start: time.Now(), // by which the SDK signs
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(stack.Close)
	root := stack.RootCredentials()
	return conformance.World{
		Config: aws.Config{
			Region: stack.Region(), BaseEndpoint: &server.URL, RetryMaxAttempts: 1,
			Credentials: credentials.NewStaticCredentialsProvider(root.AccessKeyID, root.SecretAccessKey, root.SessionToken),
		},
		Names: stack.Outputs(),
		Sleep: stack.Advance,
	}
}

// TestLocal runs all suites against the local stack, which has to pass every check.
func TestLocal(t *testing.T) {
	for name, suite := range suites {
		t.Run(name, func(t *testing.T) { suite(t, conformance.Features{}, openLocal) })
	}
}

// suites are all that there are.
var suites = map[string]func(*testing.T, conformance.Features, func(testing.TB) conformance.World){
	"Queue": conformance.TestQueue, "FIFOQueue": conformance.TestFIFOQueue, "Topic": conformance.TestTopic, "Table": conformance.TestTable,
	"Stream": conformance.TestStream, "Machine": conformance.TestMachine, "Function": conformance.TestFunction, "Secret": conformance.TestSecret,
}
