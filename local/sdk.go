package local

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/smithy-go/middleware"

	"github.com/orderflow-cdk/orderflow/local/internal/api"
	"github.com/orderflow-cdk/orderflow/local/internal/lambda"
	"github.com/orderflow-cdk/orderflow/local/internal/sns"
	"github.com/orderflow-cdk/orderflow/local/internal/sqs"
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

// wireProtocol is how a service is called. With sns it is AWS Query, elsewhere AWS JSON.
type wireProtocol struct {
	service     string
	errorPrefix func(code string) string
}

// wireProtocols maps the prefix of X-Amz-Target to the service and the prefix
// of its error types.
var wireProtocols = map[string]wireProtocol{
	"DynamoDB_20120810": {"dynamodb", always("com.amazonaws.dynamodb.v20120810#")},
	"AWSStepFunctions":  {"states", always("com.amazonaws.swf.base.model#")},
	"AmazonSQS":         {"sqs", sqs.TypePrefix},
	"secretsmanager":    {"secretsmanager", always("")},
}

func always(prefix string) func(string) string { return func(string) string { return prefix } }

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
		return s.stack.graphQLFrom(req, in, s.role)
	}
	c, wire, err := decodeCall(req, in)
	if err != nil {
		return nil, err
	}
	c.Caller = s.role
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
	return wire.response(req, c.Action, out, refused)
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

// decodeCall reads a call in the protocol of its service.
func decodeCall(req *http.Request, body []byte) (api.Call, wireProtocol, error) {
	unknown := func() (api.Call, wireProtocol, error) {
		return api.Call{}, wireProtocol{}, fmt.Errorf("local: not simulated: %s %s (X-Amz-Target %q)", req.Method, req.URL.Host, req.Header.Get("X-Amz-Target"))
	}
	if prefix, action, ok := strings.Cut(req.Header.Get("X-Amz-Target"), "."); ok {
		protocol, known := wireProtocols[prefix]
		if !known {
			return unknown()
		}
		return api.Call{Service: protocol.service, Action: action, Input: body}, protocol, nil
	}
	if !strings.HasPrefix(req.Header.Get("Content-Type"), "application/x-www-form-urlencoded") {
		return unknown()
	}
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return api.Call{}, wireProtocol{}, fmt.Errorf("local: %w", err)
	}
	if form.Get("Version") != snsVersion {
		return unknown()
	}
	action, in, err := sns.DecodeQuery(form)
	return api.Call{Service: "sns", Action: action, Input: in}, wireProtocol{service: "sns"}, err
}

// snsVersion is the version of the API of SNS, the only service of which the SDK
// still speaks the AWS Query protocol.
const snsVersion = "2010-03-31"

// response is the answer of a call as its protocol sends it.
func (w wireProtocol) response(req *http.Request, action string, out []byte, err error) (*http.Response, error) {
	status, header, out, err := w.encode(action, out, err)
	if err != nil {
		return nil, err
	}
	return response(req, status, header, out), nil
}

// encode is what a protocol makes of an answer. An error that is none of the service is returned.
func (w wireProtocol) encode(action string, out []byte, err error) (status int, header http.Header, body []byte, failed error) {
	var refused *api.Error
	if err != nil && !errors.As(err, &refused) {
		return 0, nil, nil, err
	}
	status, header = http.StatusOK, http.Header{}
	if refused != nil {
		status = refused.HTTPStatus()
		header.Set("X-Amzn-Errortype", refused.Code)
	}
	switch {
	case w.service == "sns" && refused != nil:
		out = sns.EncodeError(refused)
	case w.service == "sns":
		out = sns.EncodeResponse(action, out)
	case refused != nil:
		out = refused.Body(w.errorPrefix(refused.Code))
		if w.service == "sqs" { // whose SDKs know errors by what they were called in its query protocol
			fault := "Sender"
			if status >= http.StatusInternalServerError {
				fault = "Receiver"
			}
			header.Set("X-Amzn-Query-Error", sqs.QueryCode(refused.Code)+";"+fault)
		}
	}
	header.Set("Content-Type", "application/x-amz-json-1.0")
	if w.service == "sns" {
		header.Set("Content-Type", "text/xml")
	}
	return status, header, out, nil
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
