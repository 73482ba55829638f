package asyncapi

import (
	"strconv"
	"time"

	"github.com/aws/aws-cdk-go/awscdk/v2/awsapigateway"
	"github.com/aws/jsii-runtime-go"

	"github.com/orderflow-cdk/orderflow/constructs/internal/accept"
	"github.com/orderflow-cdk/orderflow/internal/suppress"
)

// AddMethod adds a method of your own to a resource of this API, for the same callers as
// the others: the API's authorizer decides.
func (a *AsyncApi) AddMethod(resource awsapigateway.IResource, verb string, integration awsapigateway.Integration,
	options *awsapigateway.MethodOptions) awsapigateway.Method {
	method := resource.AddMethod(&verb, integration, options)
	// Who may call without any authorizer or with a key alone is for the stack's owner to accept.
	if by := a.props.Authorizer.instead(); by != "" {
		accept.On(method, suppress.Rule{ID: "AwsSolutions-COG4", Reason: "callers are authorized by " + by + " instead of a Cognito user pool"})
	}
	return method
}

// Outcome is an integration response for a method of this API: what the
// client gets when the service behind it answers with a status that matches
// pattern, a regular expression; "" matches what no other pattern does. The
// content type is a mapping expression, such as "'application/json'". Headers
// alternates names and values without quotes.
func (a *AsyncApi) Outcome(status, pattern, contentType, template string, headers ...string) *awsapigateway.IntegrationResponse {
	parameters := map[string]*string{
		header + "Content-Type":  &contentType,
		header + "Cache-Control": jsii.String("'no-store'"),
	}
	for i := 0; i+1 < len(headers); i += 2 {
		parameters[header+headers[i]] = jsii.String("'" + headers[i+1] + "'")
	}
	if a.props.CORS != nil {
		parameters[header+"Access-Control-Allow-Origin"] = jsii.String("'" + a.props.CORS.AllowOrigin + "'")
		parameters[header+"Access-Control-Expose-Headers"] = jsii.String(exposeHeaders)
	}
	outcome := &awsapigateway.IntegrationResponse{
		StatusCode:         &status,
		ResponseParameters: &parameters,
		ResponseTemplates:  &map[string]*string{"application/json": &template},
	}
	if pattern != "" {
		outcome.SelectionPattern = &pattern
	}
	return outcome
}

// MethodResponses declares the statuses of a method, and the headers that
// Outcome may set.
func (a *AsyncApi) MethodResponses(statuses ...string) *[]*awsapigateway.MethodResponse {
	names := []string{"Cache-Control", "Content-Type", "ETag", "Location", "Retry-After"}
	if a.props.CORS != nil {
		names = append(names, "Access-Control-Allow-Origin", "Access-Control-Expose-Headers")
	}
	responses := make([]*awsapigateway.MethodResponse, len(statuses))
	for i, status := range statuses {
		parameters := make(map[string]*bool, len(names))
		for _, name := range names {
			parameters[header+name] = jsii.Bool(true)
		}
		responses[i] = &awsapigateway.MethodResponse{StatusCode: jsii.String(status), ResponseParameters: &parameters}
	}
	return &responses
}

// RetryAfter is what clients are told to wait before they ask again.
func (a *AsyncApi) RetryAfter() time.Duration { return a.props.RetryAfter }

// AcceptanceWindow is how long an accepted order may take to reach the
// consumer: as long as the queue and then the dead-letter queue keep it.
func (a *AsyncApi) AcceptanceWindow() time.Duration {
	return a.props.Retention + a.props.DeadLetterRetention
}

// VisibilityTimeout is that of the queue: for how long a message that a consumer received stays
// hidden from others.
func (a *AsyncApi) VisibilityTimeout() time.Duration { return a.visibility }

// Props are those that New was given, with their defaults.
func (a *AsyncApi) Props() Props { return a.props }

func itoa(n int) string { return strconv.Itoa(n) }
