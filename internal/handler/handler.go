package handler

import (
	"context"
	"io"
	"slices"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/orderflow-cdk/orderflow/internal/config"
	"github.com/orderflow-cdk/orderflow/internal/payment"
)

// Env is everything that differs between AWS and one machine. All fields are
// required, except HTTP where the payment provider is the sandbox.
type Env struct {
	// Getenv looks up the function's environment variables, as os.Getenv does.
	Getenv func(name string) string
	// AWS is the configuration of the AWS clients: region, credentials, HTTP
	// client, retryer, endpoint.
	AWS aws.Config
	// Now is the clock.
	Now func() time.Time
	// Log receives the log lines and the metrics, one JSON object a line.
	Log io.Writer
	// HTTP makes the calls of the payment provider.
	HTTP payment.Doer
	// Public makes the calls to addresses that customers chose. It reaches public
	// addresses only and does not follow redirects: package egress.
	Public payment.Doer
	// Parallel calls f with 0 to n-1, all at the same time, and returns when every
	// call has. f must use the context that it is given.
	Parallel func(ctx context.Context, n int, f func(ctx context.Context, i int))
	// WithTimeout is context.WithTimeout by the clock of Now.
	WithTimeout func(ctx context.Context, d time.Duration) (context.Context, context.CancelFunc)
}

// Function is one Lambda function.
type Function struct {
	// Name is the function's name: its folder under functions/, and the Handler
	// property of its resource in the template.
	Name string
	// New makes the handler.
	New func(Env) (lambda.Handler, error)

	load func(config.Getenv) error
}

// Environment tells which variables the function reads when its environment
// is getenv, sorted, and with an error everything that is missing or malformed.
// A template is right if the error is nil and it sets exactly these.
func (f Function) Environment(getenv func(name string) string) ([]string, error) {
	var read []string
	err := f.load(func(name string) string {
		read = append(read, name)
		return getenv(name)
	})
	slices.Sort(read)
	return slices.Compact(read), err
}

// Names of the functions; also the value of their metrics' dimension Function.
const (
	Intake  = "intake"
	Reserve = "reserve"
	Charge  = "charge"
	Ship    = "ship"
	Release = "release"
	Refund  = "refund"

	Notify         = "notify"
	DeliverWebhook = "deliverwebhook"
	ManageWebhooks = "managewebhooks"
)

// Functions returns every function, sorted by name.
func Functions() []Function {
	return []Function{
		{Charge, NewCharge, loads(config.LoadCharge)},
		{DeliverWebhook, NewDeliverWebhook, loads(config.LoadDeliverWebhook)},
		{Intake, NewIntake, loads(config.LoadIntake)},
		{ManageWebhooks, NewManageWebhooks, loads(config.LoadManageWebhooks)},
		{Notify, NewNotify, loads(config.LoadNotify)},
		{Refund, NewRefund, loads(config.LoadRefund)},
		{Release, NewRelease, loads(config.LoadWarehouse)},
		{Reserve, NewReserve, loads(config.LoadWarehouse)},
		{Ship, NewShip, loads(config.LoadShip)},
	}
}

func loads[T any](load func(config.Getenv) (T, error)) func(config.Getenv) error {
	return func(getenv config.Getenv) error {
		_, err := load(getenv)
		return err
	}
}
