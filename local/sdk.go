package local

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/smithy-go/middleware"

	"github.com/orderflow-cdk/orderflow/local/internal/api"
	"github.com/orderflow-cdk/orderflow/local/internal/lambda"
	"github.com/orderflow-cdk/orderflow/local/internal/sim"
	"github.com/orderflow-cdk/orderflow/local/internal/sqs"
)

// sdk is the way out of a function that runs in process: the HTTP client and
// the retryer of its AWS SDK. Each call is a yield point: the function's
// process waits while the kernel goes on.
type sdk struct {
	stack *Stack
	role  string
	// last is the process whose call came back last. A retryer is asked right
	// after that, on the same process, and is given no context of its own.
	last *sim.Proc
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

// wireProtocols maps the prefix of X-Amz-Target to the service and the prefix
// of its error types.
var wireProtocols = map[string]struct {
	service     string
	errorPrefix func(code string) string
}{
	"DynamoDB_20120810": {"dynamodb", always("com.amazonaws.dynamodb.v20120810#")},
	"AWSStepFunctions":  {"states", always("com.amazonaws.swf.base.model#")},
	"AmazonSQS":         {"sqs", sqs.TypePrefix},
	"secretsmanager":    {"secretsmanager", always("")},
}

func always(prefix string) func(string) string { return func(string) string { return prefix } }

// Do implements aws.HTTPClient.
func (s *sdk) Do(req *http.Request) (*http.Response, error) {
	p := lambda.ProcFrom(req.Context())
	if p == nil {
		return nil, errors.New("local: an AWS call outside an invocation: use the context that the handler was given")
	}
	prefix, action, ok := strings.Cut(req.Header.Get("X-Amz-Target"), ".")
	protocol, known := wireProtocols[prefix]
	if !ok || !known {
		return nil, fmt.Errorf("local: not simulated: %s %s (X-Amz-Target %q)", req.Method, req.URL.Host, req.Header.Get("X-Amz-Target"))
	}
	var in []byte
	if req.Body != nil {
		var err error
		if in, err = io.ReadAll(req.Body); err != nil {
			return nil, err
		}
	}
	var (
		out []byte
		err error
	)
	p.Await(func(resume func()) {
		s.stack.bus.Do(api.Call{Service: protocol.service, Action: action, Input: in, Caller: s.role},
			func(o []byte, e error) { out, err = o, e; resume() })
	})
	s.last = p
	return wireResponse(req, out, err, protocol.errorPrefix)
}

func wireResponse(req *http.Request, out []byte, err error, errorPrefix func(code string) string) (*http.Response, error) {
	status := http.StatusOK
	header := http.Header{"Content-Type": {"application/x-amz-json-1.0"}}
	if err != nil {
		var refused *api.Error
		if !errors.As(err, &refused) {
			return nil, err
		}
		status, out = refused.HTTPStatus(), refused.Body(errorPrefix(refused.Code))
		header.Set("X-Amzn-Errortype", refused.Code)
	}
	return &http.Response{
		Status: http.StatusText(status), StatusCode: status,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: header, Body: io.NopCloser(bytes.NewReader(out)), ContentLength: int64(len(out)), Request: req,
	}, nil
}

// retryer retries as the SDK's standard retryer does, but waits in simulated
// time and draws its jitter from the kernel.
type retryer struct {
	*retry.Standard
	sdk *sdk
}

// RetryDelay implements aws.Retryer. The wait is over when it returns.
func (r *retryer) RetryDelay(attempt int, _ error) (time.Duration, error) {
	if p := r.sdk.last; p != nil {
		ceiling := min(time.Second<<min(attempt, 6), retry.DefaultMaxBackoff)
		p.Sleep(time.Duration(r.sdk.stack.kernel.Rand().Int64N(int64(ceiling))))
	}
	return 0, nil
}
