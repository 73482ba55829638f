package scenarios_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/orderflow-cdk/orderflow/internal/localapp"
	"github.com/orderflow-cdk/orderflow/local"
)

type (
	// act is one call that a function makes: its operation, such as "sns.PublishBatch",
	// "appsync" or "http", and the request.
	act struct {
		op      string
		req     *http.Request
		runtime local.Runtime
	}
	// meddling is around a call, which do makes.
	meddling func(a act, do func() (*http.Response, error)) (*http.Response, error)
)

// meddle are the app's functions, with f around every call that the named one makes.
func meddle(function string, f meddling) map[string]local.NewFunction {
	return wrapped(function, func(code local.NewFunction) local.NewFunction {
		return func(r local.Runtime) (local.Handler, error) { return code(meddled(r, f)) }
	})
}

// wrapped are the app's functions, of which one is what wrap makes of it.
func wrapped(function string, wrap func(local.NewFunction) local.NewFunction) map[string]local.NewFunction {
	all := localapp.Functions()
	all[function] = wrap(all[function])
	return all
}

// meddled is the runtime with f around every call.
func meddled(r local.Runtime, f meddling) local.Runtime {
	plain := r
	aws, public := r.AWS.HTTPClient, *r.HTTP
	r.AWS.HTTPClient = doer(func(req *http.Request) (*http.Response, error) {
		return f(act{operation(req), req, plain}, func() (*http.Response, error) { return aws.Do(req) })
	})
	transport := public.Transport
	public.Transport = roundTripper(func(req *http.Request) (*http.Response, error) {
		return f(act{"http", req, plain}, func() (*http.Response, error) { return transport.RoundTrip(req) })
	})
	r.HTTP = &public
	return r
}

type doer func(*http.Request) (*http.Response, error)

// Do implements aws.HTTPClient.
func (f doer) Do(req *http.Request) (*http.Response, error) { return f(req) }

type roundTripper func(*http.Request) (*http.Response, error)

// RoundTrip implements http.RoundTripper.
func (f roundTripper) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }

// operation is what a request asks AWS for.
func operation(req *http.Request) string {
	services := map[string]string{"DynamoDB_20120810": "dynamodb", "AmazonSQS": "sqs", "AWSStepFunctions": "states", "secretsmanager": "secretsmanager"}
	if prefix, action, ok := strings.Cut(req.Header.Get("X-Amz-Target"), "."); ok {
		return services[prefix] + "." + action
	}
	if strings.HasSuffix(req.URL.Path, "/graphql") {
		return "appsync"
	}
	body, err := io.ReadAll(req.Body)
	if err != nil {
		return err.Error()
	}
	req.Body = io.NopCloser(bytes.NewReader(body))
	form, _ := url.ParseQuery(string(body)) // what is no form has no action
	return "sns." + form.Get("Action")
}

// refusing is an answer that says no, in the protocol of the call.
func refusing(a act, status int, code string) *http.Response {
	body := fmt.Sprintf(`{"__type":%q,"message":"refused by the test"}`, code)
	if strings.HasPrefix(a.op, "sns.") {
		body = fmt.Sprintf(`<ErrorResponse><Error><Type>Receiver</Type><Code>%s</Code><Message>refused by the test</Message></Error></ErrorResponse>`, code)
	}
	return &http.Response{StatusCode: status, Header: http.Header{}, Request: a.req, Body: io.NopCloser(strings.NewReader(body))}
}
