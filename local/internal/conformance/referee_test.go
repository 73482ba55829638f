package conformance_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"github.com/orderflow-cdk/orderflow/internal/referee"
	"github.com/orderflow-cdk/orderflow/local/internal/conformance"
)

// TestMoto runs the suites against moto (see referee.Moto for how it is installed), which somebody else made of
// AWS's documentation and behaviour. Where it fails a check, that is said here with the reason.
func TestMoto(t *testing.T) {
	url := referee.Moto(t)
	worlds := 0
	open := func(t testing.TB) conformance.World {
		worlds++
		cfg := aws.Config{
			Region: "eu-central-1", BaseEndpoint: &url, RetryMaxAttempts: 1,
			Credentials: credentials.NewStaticCredentialsProvider("AKIALOCAL", "secret", ""),
		}
		return conformance.World{Config: cfg, Names: provision(t, cfg, fmt.Sprint("-", worlds)), Sleep: time.Sleep}
	}
	for name, suite := range suites {
		t.Run(name, func(t *testing.T) { suite(t, moto[name], open) })
	}
}

// moto is how moto differs from AWS.
var moto = map[string]conformance.Features{
	"Queue": {Deviations: map[string]string{}},
}
