// Package bootstrap starts a handler in Lambda: what the mains under
// functions/ have in common.
package bootstrap

import (
	"context"
	"log/slog"
	"net/http"
	"os"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/config"

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
	cfg, err := config.LoadDefaultConfig(context.Background())
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
