// Package bootstrap starts a handler in Lambda: what the mains under
// functions/ have in common.
package bootstrap

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"github.com/orderflow-cdk/orderflow/internal/egress"
	"github.com/orderflow-cdk/orderflow/internal/handler"
)

// Run makes a handler in the environment of Lambda and serves invocations. If
// it cannot be made, Run logs why and ends the process: Lambda reports an init error.
func Run(newHandler func(handler.Env) (lambda.Handler, error)) {
	h, err := prepare(newHandler)
	if err != nil {
		slog.New(slog.NewJSONHandler(os.Stdout, nil)).Error("the function cannot start", "cause", err)
		os.Exit(1)
	}
	lambda.Start(h)
}

func prepare(newHandler func(handler.Env) (lambda.Handler, error)) (lambda.Handler, error) {
	cfg, err := awsConfig(os.Getenv)
	if err != nil {
		return nil, err
	}
	roots, err := rootCAs()
	if err != nil {
		return nil, err
	}
	return newHandler(handler.Env{
		Getenv: os.Getenv,
		AWS:    cfg,
		Now:    time.Now,
		Log:    os.Stdout,
		HTTP: &http.Client{Transport: trusting(roots), CheckRedirect: func(*http.Request, []*http.Request) error {
			return http.ErrUseLastResponse
		}},
		Public:      egress.NewClient(egress.Options{Proxy: http.ProxyFromEnvironment, RootCAs: roots}),
		Parallel:    parallel,
		WithTimeout: context.WithTimeout,
	})
}

// awsConfig takes region and credentials from the environment, where Lambda puts
// them (Lambda developer guide, "Defined runtime environment variables"), and
// the endpoint from AWS_ENDPOINT_URL, for running against something else than AWS.
// config.LoadDefaultConfig would do so too, but links every other source of
// credentials into the function: a fifth more to upload and to start.
func awsConfig(getenv func(string) string) (aws.Config, error) {
	var missing []string
	need := func(name string) string {
		v := getenv(name)
		if v == "" {
			missing = append(missing, name)
		}
		return v
	}
	cfg := aws.Config{
		Region: need("AWS_REGION"),
		Credentials: credentials.NewStaticCredentialsProvider(
			need("AWS_ACCESS_KEY_ID"), need("AWS_SECRET_ACCESS_KEY"), getenv("AWS_SESSION_TOKEN")),
	}
	if missing != nil {
		return aws.Config{}, fmt.Errorf("%s not set, as Lambda sets it", strings.Join(missing, ", "))
	}
	if endpoint := getenv("AWS_ENDPOINT_URL"); endpoint != "" {
		cfg.BaseEndpoint = &endpoint
	}
	return cfg, nil
}
