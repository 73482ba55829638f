package local

import (
	"errors"
	"io"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/smithy-go/middleware"

	"github.com/orderflow-cdk/orderflow/local/internal/awsapi"
	"github.com/orderflow-cdk/orderflow/local/internal/lambda"
)

// sdk is the way out of a function that runs in process: the HTTP client and
// the retryer of its AWS SDK. Each call is a yield point: the function's
// process waits while the kernel goes on.
type sdk struct {
	stack *Stack
	role  string
}

// config is what the function's clients are made from.
func (s *sdk) config(region string) aws.Config {
	return aws.Config{
		Region:      region,
		Credentials: aws.AnonymousCredentials{},
		HTTPClient:  s,
		APIOptions:  []func(*middleware.Stack) error{withoutNetwork},
		Retryer:     func() aws.Retryer { return &retryer{Standard: retry.NewStandard(), sdk: s} },
	}
}

// withoutNetwork takes out of an SDK operation what only serves to find an
// endpoint and to be recognized there. Serialization, retries and errors stay as they are.
func withoutNetwork(stack *middleware.Stack) error {
	for _, id := range []string{"ClientRequestID", "UserAgent", "RecursionDetection"} {
		_, _ = stack.Build.Remove(id) // an operation may lack some of them
	}
	for _, id := range []string{"DisableAcceptEncodingGzip", "ResolveAuthScheme", "GetIdentity", "ResolveEndpointV2", "disableHTTPS",
		"DiscoverEndpoint", "ComputePayloadHash", "setLegacyContextSigningOptions", "Signing"} {
		_, _ = stack.Finalize.Remove(id)
	}
	return nil
}

// Do implements aws.HTTPClient.
func (s *sdk) Do(req *http.Request) (*http.Response, error) {
	if lambda.ProcFrom(req.Context()) == nil {
		return nil, errors.New("local: an AWS call outside an invocation: use the context that the handler was given")
	}
	in, err := bodyOf(req)
	if err != nil {
		return nil, err
	}
	if s.stack.isGraphQL(req.URL.Host) {
		return s.stack.observeGraphQL(s.role, in, func() (*http.Response, error) { return s.stack.graphQLFrom(req, in, s.role) })
	}
	c, wire, err := awsapi.Decode(req, in, "")
	if err != nil {
		res := wire.Encode(c.Action, nil, awsapi.Known(err), "")
		return response(req, res.Status, res.Header, res.Body), nil
	}
	c.Caller, c.Via = s.role, "lambda.amazonaws.com"
	var (
		out     []byte
		refused error
	)
	err = lambda.Await(req.Context(), func(resume func()) {
		s.stack.bus.Do(c, func(o []byte, e error) { out, refused = o, e; resume() })
	})
	if err != nil {
		return nil, err
	}
	known := awsapi.Known(refused)
	if known != nil && known.Code == "InternalFailure" {
		return nil, refused
	}
	res := wire.Encode(c.Action, out, known, "")
	return response(req, res.Status, res.Header, res.Body), nil
}

// bodyOf reads the body of a request of the SDK, which knows how long it is.
func bodyOf(req *http.Request) ([]byte, error) {
	switch {
	case req.Body == nil || req.Body == http.NoBody:
		return nil, nil
	case req.ContentLength <= 0 || req.ContentLength > maxPayload:
		return io.ReadAll(req.Body)
	}
	b := make([]byte, req.ContentLength)
	_, err := io.ReadFull(req.Body, b)
	return b, err
}

// retryer retries as the SDK's standard retryer does, but waits in simulated
// time and draws its jitter from the kernel.
type retryer struct {
	*retry.Standard
	sdk *sdk
}

// RetryDelay implements aws.Retryer. The wait is over when it returns.
func (r *retryer) RetryDelay(attempt int, _ error) (time.Duration, error) {
	// A retryer is given no context.
	if p := r.sdk.stack.kernel.Running(); p != nil {
		ceiling := min(time.Second<<min(attempt, 6), retry.DefaultMaxBackoff)
		p.Sleep(time.Duration(r.sdk.stack.kernel.Rand().Int64N(int64(ceiling))))
	}
	return 0, nil
}
