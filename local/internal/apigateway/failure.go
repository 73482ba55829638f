package apigateway

import (
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// failureOf is an error that API Gateway itself answers.
type failureOf struct {
	typ        string // of the GatewayResponse
	status     int    // where no GatewayResponse says otherwise
	errorType  string // x-amzn-ErrorType
	message    string // $context.error.message; "" with null set is null
	null       bool
	upper      bool   // the default body spells the key "Message"
	validation string // $context.error.validationErrorString
	cause      string // for the execution log
}

func (f failureOf) because(cause string) failureOf {
	f.cause = cause
	return f
}

// The types of gateway responses, with AWS's default statuses and messages.
//
// https://docs.aws.amazon.com/apigateway/latest/developerguide/supported-gateway-response-types.html
var (
	accessDenied = failureOf{typ: "ACCESS_DENIED", status: 403, errorType: "AccessDeniedException",
		message: "User is not authorized to access this resource with an explicit deny", upper: true}
	apiConfigurationError        = failureOf{typ: "API_CONFIGURATION_ERROR", status: 500, errorType: "InternalServerErrorException", message: "Internal server error"}
	authorizerConfigurationError = failureOf{typ: "AUTHORIZER_CONFIGURATION_ERROR", status: 500, errorType: "AuthorizerConfigurationException", null: true}
	authorizerFailure            = failureOf{typ: "AUTHORIZER_FAILURE", status: 500, errorType: "AuthorizerFailureException", null: true}
	badRequestBody               = failureOf{typ: "BAD_REQUEST_BODY", status: 400, errorType: "BadRequestException", message: "Invalid request body"}
	badRequestParameters         = failureOf{typ: "BAD_REQUEST_PARAMETERS", status: 400, errorType: "BadRequestException"}
	badRequest                   = failureOf{typ: "DEFAULT_4XX", status: 400, errorType: "BadRequestException"}
	internalServerError          = failureOf{typ: "DEFAULT_5XX", status: 500, errorType: "InternalServerErrorException", message: "Internal server error"}
	expiredToken                 = failureOf{typ: "EXPIRED_TOKEN", status: 403, errorType: "ExpiredTokenException", message: "The security token included in the request is expired"}
	integrationFailure           = failureOf{typ: "INTEGRATION_FAILURE", status: 504, errorType: "InternalServerErrorException", message: "Internal server error"}
	integrationTimeout           = failureOf{typ: "INTEGRATION_TIMEOUT", status: 504, errorType: "InternalServerErrorException", message: "Endpoint request timed out"}
	invalidAPIKey                = failureOf{typ: "INVALID_API_KEY", status: 403, errorType: "ForbiddenException", message: "Forbidden"}
	invalidSignature             = failureOf{typ: "INVALID_SIGNATURE", status: 403, errorType: "InvalidSignatureException",
		message: "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for details."}
	missingAuthenticationToken = failureOf{typ: "MISSING_AUTHENTICATION_TOKEN", status: 403, errorType: "MissingAuthenticationTokenException", message: "Missing Authentication Token"}
	quotaExceeded              = failureOf{typ: "QUOTA_EXCEEDED", status: 429, errorType: "LimitExceededException", message: "Limit Exceeded"}
	requestTooLarge            = failureOf{typ: "REQUEST_TOO_LARGE", status: 413, errorType: "RequestTooLargeException", message: "HTTP content length exceeded 10485760 bytes."}
	throttled                  = failureOf{typ: "THROTTLED", status: 429, errorType: "TooManyRequestsException", message: "Too Many Requests"}
	unauthorized               = failureOf{typ: "UNAUTHORIZED", status: 401, errorType: "UnauthorizedException", message: "Unauthorized"}
	unsupportedMediaType       = failureOf{typ: "UNSUPPORTED_MEDIA_TYPE", status: 415, errorType: "BadRequestException", message: "Unsupported Media Type"}
)

// unsigned is what API Gateway makes of a request to a route that does not
// exist: it looks for an AWS signature in the Authorization header. The
// messages are public; that they belong to INVALID_SIGNATURE is not documented.
func unsigned(authorization string) failureOf {
	f := invalidSignature
	f.errorType = "IncompleteSignatureException"
	scheme, rest, two := strings.Cut(authorization, " ")
	switch {
	case authorization == "", scheme == "AWS4-HMAC-SHA256":
		return missingAuthenticationToken
	case two:
		f.message = "'" + rest + "' not a valid key=value pair (missing equal-sign) in Authorization header: '" + authorization + "'."
	default:
		f.message = "Authorization header requires 'Credential' parameter. Authorization header requires 'Signature' parameter. " +
			"Authorization header requires 'SignedHeaders' parameter. Authorization header requires existence of either a 'X-Amz-Date' " +
			"or a 'Date' header. Authorization=" + authorization
	}
	return f
}

var responseTypes = []string{
	"ACCESS_DENIED", "API_CONFIGURATION_ERROR", "AUTHORIZER_CONFIGURATION_ERROR", "AUTHORIZER_FAILURE",
	"BAD_REQUEST_BODY", "BAD_REQUEST_PARAMETERS", "DEFAULT_4XX", "DEFAULT_5XX", "EXPIRED_TOKEN",
	"INTEGRATION_FAILURE", "INTEGRATION_TIMEOUT", "INVALID_API_KEY", "INVALID_SIGNATURE",
	"MISSING_AUTHENTICATION_TOKEN", "QUOTA_EXCEEDED", "REQUEST_TOO_LARGE", "RESOURCE_NOT_FOUND",
	"THROTTLED", "UNAUTHORIZED", "UNSUPPORTED_MEDIA_TYPE", "WAF_FILTERED",
}

// gatewayResponse is a GatewayResponse resource.
type gatewayResponse struct {
	status    int // 0: the type's own
	headers   []headerMapping
	templates []bodyTemplate // sorted by content type
}

type headerMapping struct {
	name string
	mapping
}

type bodyTemplate struct {
	contentType string
	segments    []segment
}

func (b *builder) buildGatewayResponses() {
	for _, r := range b.responses {
		if !b.mine(r.ID, r.Type, r.Props.RestApiId) {
			continue
		}
		p := r.Props
		if !slices.Contains(responseTypes, p.ResponseType) {
			b.Errorf(r.ID, r.Type, "ResponseType %q is none of API Gateway's", p.ResponseType)
		}
		if b.api.gatewayResponses[p.ResponseType] != nil {
			b.Errorf(r.ID, r.Type, "a second response for %s", p.ResponseType)
		}
		g := &gatewayResponse{}
		if p.StatusCode != "" {
			var err error
			if g.status, err = parseStatus(string(p.StatusCode)); err != nil {
				b.Errorf(r.ID, r.Type, "%v", err)
			}
		}
		for _, v := range sortedVariables(p.ResponseParameters) {
			name, ok := strings.CutPrefix(v.name, "gatewayresponse.header.")
			if !ok || name == "" {
				b.Errorf(r.ID, r.Type, "ResponseParameters: %q is not of the form gatewayresponse.header.{name}", v.name)
				continue
			}
			m, err := parseMapping(v.value, "method.request.")
			if err != nil {
				b.Errorf(r.ID, r.Type, "ResponseParameters: %s: %v", v.name, err)
				continue
			}
			g.headers = append(g.headers, headerMapping{name, m})
		}
		for _, v := range sortedVariables(p.ResponseTemplates) {
			g.templates = append(g.templates, bodyTemplate{v.name, parseSubstitution(v.value)})
		}
		b.api.gatewayResponses[p.ResponseType] = g
	}
}

// fail answers the call with an error of API Gateway's own, through its
// GatewayResponse, or that of DEFAULT_4XX or DEFAULT_5XX, or AWS's default.
func (c *call) fail(f failureOf) {
	c.failure = &f
	if f.cause != "" {
		c.log("%s", f.cause)
	}
	g := c.api.gatewayResponses[f.typ]
	if f.typ == "REQUEST_TOO_LARGE" {
		// Among the types, but not customizable yet:
		// https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-known-issues.html
		g = nil
	} else if g == nil {
		group := "DEFAULT_5XX"
		if f.status < 500 {
			group = "DEFAULT_4XX"
		}
		g = c.api.gatewayResponses[group]
	}
	h := make(http.Header, 8)
	resp := &Response{Status: f.status, Header: h}
	h["Content-Type"] = []string{"application/json"}
	h["X-Amzn-Errortype"] = []string{f.errorType}
	if g == nil {
		resp.Body = f.defaultBody()
		c.finish(resp)
		return
	}
	if g.status != 0 {
		resp.Status = g.status
	}
	if len(g.templates) == 0 {
		resp.Body = f.defaultBody()
	} else {
		t := &g.templates[chooseTemplate(len(g.templates), c.accept(), func(i int) string { return g.templates[i].contentType })]
		h["Content-Type"] = []string{t.contentType}
		resp.Body = []byte(c.substitute(t.segments, ""))
	}
	for i := range g.headers {
		if v, ok, err := g.headers[i].value(c); ok && err == nil {
			h[http.CanonicalHeaderKey(g.headers[i].name)] = []string{headerText(v)}
		}
	}
	c.finish(resp)
}

func (f *failureOf) defaultBody() []byte {
	key := "message"
	if f.upper {
		key = "Message"
	}
	return []byte(`{"` + key + `":` + f.messageString() + `}`)
}

// messageString is $context.error.messageString: the message in quotes.
func (f *failureOf) messageString() string {
	if f.null {
		return "null"
	}
	return compact(f.message)
}

// chooseTemplate picks the template of the accepted content type, else that
// of application/json, else the first.
func chooseTemplate(n int, accept string, contentType func(int) string) int {
	fallback := 0
	for i := range n {
		switch contentType(i) {
		case accept:
			return i
		case "application/json":
			fallback = i
		}
	}
	return fallback
}

// jsonInner is s as it stands between the quotes of a JSON string.
func jsonInner(s string) string {
	b, err := json.Marshal(s)
	if err != nil {
		return ""
	}
	return string(b[1 : len(b)-1])
}

// headerText is a value without what would end a header line.
func headerText(s string) string {
	if !strings.ContainsAny(s, "\r\n\x00") {
		return s
	}
	return strings.Map(func(r rune) rune {
		if r == '\r' || r == '\n' || r == 0 {
			return ' '
		}
		return r
	}, s)
}

func statusText(n int) string { return strconv.Itoa(n) }
