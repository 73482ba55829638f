package local

import (
	"context"
	"io"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/orderflow-cdk/orderflow/local/internal/lambda"
)

// Handler is the code of a Lambda function, as aws-lambda-go's
// lambda.NewHandler makes it.
type Handler interface {
	Invoke(ctx context.Context, payload []byte) ([]byte, error)
}

// NewFunction makes the handler of one execution environment. It is called at each cold start.
type NewFunction func(Runtime) (Handler, error)

// Runtime is what the code of a function finds in its execution environment.
// A handler must use nothing else of the outside world, or a run cannot be repeated.
type Runtime struct {
	// Getenv looks up the environment variables that the template sets.
	Getenv func(name string) string
	// AWS is the configuration for clients of the SDK. They reach the stack's own
	// services, and must be used on the goroutine on which the handler was invoked.
	AWS aws.Config
	// Now is the stack's time.
	Now func() time.Time
	// Log is where the function writes its log lines.
	Log io.Writer
	// HTTP reaches what Options.Egress answers, and nothing else. It does not
	// follow redirects.
	HTTP *http.Client
	// Parallel calls f with 0 to n-1, all at the same time of the stack, and
	// returns when every call has. It stands for goroutines, which a handler must not
	// start; f must use the context that it is given.
	Parallel func(ctx context.Context, n int, f func(ctx context.Context, i int))
	// WithTimeout is context.WithTimeout in the stack's time.
	WithTimeout func(ctx context.Context, d time.Duration) (context.Context, context.CancelFunc)
}

func (s *Stack) inProcess(p lambda.FunctionProperties, code NewFunction) lambda.Invoker {
	return lambda.InProcess(func(init lambda.Init) (lambda.Handler, error) {
		client := &sdk{stack: s, role: p.Role}
		return code(Runtime{
			Getenv: init.Getenv,
			AWS:    client.config(s.opts.Region),
			Now:    s.kernel.Now,
			Log:    s.environmentLog(init.Function, init.Environment),
			HTTP: &http.Client{Transport: outbound{s, init.Function.ARN}, CheckRedirect: func(*http.Request, []*http.Request) error {
				return http.ErrUseLastResponse
			}},
			Parallel:    lambda.Parallel,
			WithTimeout: lambda.WithTimeout,
		})
	})
}
