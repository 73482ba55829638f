// Package bootstrap starts a handler in Lambda: what the mains under
// functions/ have in common.
package bootstrap

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"

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
	cfg, err := awsConfig()
	if err != nil {
		return nil, err
	}
	return newHandler(handler.Env{
		Getenv: os.Getenv,
		AWS:    cfg,
		Now:    time.Now,
		Log:    os.Stdout,
		HTTP: &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error {
			return http.ErrUseLastResponse
		}},
	})
}

// awsConfig takes the AWS configuration from the environment, where Lambda puts
// region and credentials (Lambda developer guide, "Defined runtime environment
// variables"). config.LoadDefaultConfig would do so too, but links every other
// source of credentials into the function: 1.5 MB more, initialized at each cold start.
func awsConfig() (aws.Config, error) {
	env, err := config.NewEnvConfig()
	if err != nil {
		return aws.Config{}, fmt.Errorf("AWS configuration: %w", err)
	}
	if env.Region == "" || !env.Credentials.HasKeys() {
		return aws.Config{}, errors.New("AWS_REGION, AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY must be set, as Lambda sets them")
	}
	cfg := aws.Config{
		Region:        env.Region,
		Credentials:   credentials.StaticCredentialsProvider{Value: env.Credentials},
		ConfigSources: []any{env},
	}
	if env.BaseEndpoint != "" {
		cfg.BaseEndpoint = aws.String(env.BaseEndpoint)
	}
	return cfg, nil
}
