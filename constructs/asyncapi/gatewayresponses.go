package asyncapi

import (
	"fmt"

	"github.com/aws/aws-cdk-go/awscdk/v2/awsapigateway"
	"github.com/aws/jsii-runtime-go"
)

// gatewayResponse is what API Gateway answers without asking the integration.
type gatewayResponse struct {
	kind   func() awsapigateway.ResponseType
	id     string
	status string // "" leaves each error's own
	title  string
	code   string
	// detail is JSON text. API Gateway substitutes variables here and nothing
	// more: it is no VTL.
	detail     string
	retryAfter bool
	challenge  bool
}

const messageString = "$context.error.messageString" // API Gateway quotes it

// gatewayResponses are all that API Gateway has, so that no error leaves
// without being problem+json.
func (a *AsyncApi) gatewayResponses() []gatewayResponse {
	noRoute := gatewayResponse{
		kind: awsapigateway.ResponseType_MISSING_AUTHENTICATION_TOKEN, id: "MissingAuthenticationToken",
		status: a.props.Authorizer.unknownRoute(), title: "Not Found", code: "no-route",
		detail: `"There is nothing at this path and method."`,
	}
	if noRoute.status == "403" {
		noRoute.title, noRoute.code = "Forbidden", "not-signed"
		noRoute.detail = `"The request is not signed with AWS credentials, or there is nothing at this path and method."`
	}
	// API Gateway takes the Authorization header for an AWS signature where no
	// method says otherwise, and so refuses a token sent to a route that does not
	// exist. Without IAM it can be nothing else.
	notSigned := noRoute
	notSigned.kind, notSigned.id = awsapigateway.ResponseType_INVALID_SIGNATURE, "InvalidSignature"
	if noRoute.status == "403" {
		notSigned.code, notSigned.detail = "invalid-signature", `"The request's signature does not match."`
	}
	return []gatewayResponse{
		{kind: awsapigateway.ResponseType_BAD_REQUEST_BODY, id: "BadRequestBody", status: "400", title: "Bad Request", code: "invalid-body",
			detail: `"$context.error.validationErrorString"`},
		{kind: awsapigateway.ResponseType_BAD_REQUEST_PARAMETERS, id: "BadRequestParameters", status: "400", title: "Bad Request", code: "invalid-parameters",
			detail: messageString},
		{kind: awsapigateway.ResponseType_UNAUTHORIZED, id: "Unauthorized", status: "401", title: "Unauthorized", code: "unauthorized",
			detail: `"Credentials are missing, or are not valid."`, challenge: true},
		{kind: awsapigateway.ResponseType_ACCESS_DENIED, id: "AccessDenied", status: "403", title: "Forbidden", code: "access-denied",
			detail: `"The credentials do not allow this."`},
		{kind: awsapigateway.ResponseType_INVALID_API_KEY, id: "InvalidApiKey", status: "403", title: "Forbidden", code: "invalid-api-key",
			detail: `"The header x-api-key is missing, or its key is not valid."`},
		noRoute,
		{kind: awsapigateway.ResponseType_EXPIRED_TOKEN, id: "ExpiredToken", status: "403", title: "Forbidden", code: "expired-token",
			detail: `"The credentials have expired."`},
		notSigned,
		{kind: awsapigateway.ResponseType_WAF_FILTERED, id: "WafFiltered", status: "403", title: "Forbidden", code: "filtered",
			detail: `"The firewall refused the request."`},
		{kind: awsapigateway.ResponseType_RESOURCE_NOT_FOUND, id: "ResourceNotFound", status: "404", title: "Not Found", code: "no-route",
			detail: `"There is nothing at this path and method."`},
		// Beyond 10 MB. API Gateway's notes say that it does not use this one yet;
		// what SQS finds too long is answered by refused.vtl and toolong.vtl.
		{kind: awsapigateway.ResponseType_REQUEST_TOO_LARGE, id: "RequestTooLarge", status: "413", title: "Content Too Large", code: "too-large",
			detail: `"The body is longer than an order may be."`},
		{kind: awsapigateway.ResponseType_UNSUPPORTED_MEDIA_TYPE, id: "UnsupportedMediaType", status: "415", title: "Unsupported Media Type", code: "unsupported-media-type",
			detail: `"Content-Type must be application/json."`},
		{kind: awsapigateway.ResponseType_THROTTLED, id: "Throttled", status: "429", title: "Too Many Requests", code: "throttled",
			detail: `"Requests come faster than this API admits."`, retryAfter: true},
		{kind: awsapigateway.ResponseType_QUOTA_EXCEEDED, id: "QuotaExceeded", status: "429", title: "Too Many Requests", code: "quota-exceeded",
			detail: `"The API key's quota is used up."`, retryAfter: true},
		{kind: awsapigateway.ResponseType_API_CONFIGURATION_ERROR, id: "ApiConfigurationError", status: "500", title: "Internal Server Error", code: "internal",
			detail: `"The API is not set up correctly."`},
		{kind: awsapigateway.ResponseType_AUTHORIZER_CONFIGURATION_ERROR, id: "AuthorizerConfigurationError", status: "500", title: "Internal Server Error", code: "internal",
			detail: `"The API's authorizer is not set up correctly."`},
		{kind: awsapigateway.ResponseType_AUTHORIZER_FAILURE, id: "AuthorizerFailure", status: "503", title: "Service Unavailable", code: "authorizer-failed",
			detail: `"The credentials could not be checked. Try again."`, retryAfter: true},
		{kind: awsapigateway.ResponseType_INTEGRATION_FAILURE, id: "IntegrationFailure", status: "503", title: "Service Unavailable", code: "unavailable",
			detail: `"The service behind the API did not answer properly. Try again."`, retryAfter: true},
		{kind: awsapigateway.ResponseType_INTEGRATION_TIMEOUT, id: "IntegrationTimeout", status: "504", title: "Gateway Timeout", code: "timeout",
			detail: `"The service behind the API did not answer in time. Try again."`, retryAfter: true},
		{kind: awsapigateway.ResponseType_DEFAULT_4XX, id: "Default4xx", title: "Request refused", code: "refused", detail: messageString},
		{kind: awsapigateway.ResponseType_DEFAULT_5XX, id: "Default5xx", title: "Request failed", code: "internal", detail: messageString},
	}
}

// body is the response's template.
func (g gatewayResponse) body() string {
	status := ""
	if g.status != "" {
		status = fmt.Sprintf(`"status":%s,`, g.status)
	}
	return fmt.Sprintf(`{"type":"about:blank","title":%q,%s"code":%q,"detail":%s,"requestId":"$context.extendedRequestId"}`,
		g.title, status, g.code, g.detail)
}

func (a *AsyncApi) makeGatewayResponses() {
	for _, g := range a.gatewayResponses() {
		headers := map[string]*string{
			"Content-Type":  jsii.String("'application/problem+json'"),
			"Cache-Control": jsii.String("'no-store'"),
		}
		if g.retryAfter {
			headers["Retry-After"] = jsii.String("'" + wholeSeconds(a.props.RetryAfter) + "'")
		}
		if g.challenge {
			headers["WWW-Authenticate"] = jsii.String("'Bearer'")
		}
		if a.props.CORS != nil {
			headers["Access-Control-Allow-Origin"] = jsii.String("'" + a.props.CORS.AllowOrigin + "'")
		}
		options := &awsapigateway.GatewayResponseOptions{
			Type:            g.kind(),
			ResponseHeaders: &headers,
			Templates:       &map[string]*string{"application/json": jsii.String(g.body())},
		}
		if g.status != "" {
			options.StatusCode = jsii.String(g.status)
		}
		a.Api.AddGatewayResponse(jsii.String(g.id), options)
	}
}
