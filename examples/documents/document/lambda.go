package document

import (
	"net/http"
	"os"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
)

// Serve serves a function's invocations in Lambda, which puts region and credentials into
// the environment.
func Serve(newHandler func(Env) lambda.Handler) {
	cfg := aws.Config{
		Region: os.Getenv("AWS_REGION"),
		Credentials: credentials.NewStaticCredentialsProvider(
			os.Getenv("AWS_ACCESS_KEY_ID"), os.Getenv("AWS_SECRET_ACCESS_KEY"), os.Getenv("AWS_SESSION_TOKEN")),
	}
	if endpoint := os.Getenv("AWS_ENDPOINT_URL"); endpoint != "" {
		cfg.BaseEndpoint = &endpoint // somewhere else than at AWS
	}
	lambda.Start(newHandler(Env{
		Getenv: os.Getenv, AWS: cfg, HTTP: &http.Client{Timeout: 20 * time.Second}, Now: time.Now, Log: os.Stdout,
	}))
}
