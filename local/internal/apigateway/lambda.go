package apigateway

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/orderflow-cdk/orderflow/local/internal/api"
)

// invokeInput is the input of Lambda's Invoke with the payload as a value.
func invokeInput(function string, payload any) []byte {
	return []byte(compact(struct {
		FunctionName string
		Payload      any
	}{function, payload}))
}

func readInvokeOutput(out []byte) (payload []byte, functionError bool, err error) {
	var o struct {
		FunctionError string
		Payload       json.RawMessage
	}
	if err := json.Unmarshal(out, &o); err != nil {
		return nil, false, fmt.Errorf("the answer of Invoke is malformed: %w", err)
	}
	return o.Payload, o.FunctionError != "", nil
}

func errorMessageOf(payload []byte) string {
	var e struct {
		ErrorMessage string `json:"errorMessage"`
	}
	if json.Unmarshal(payload, &e) != nil {
		return ""
	}
	return e.ErrorMessage
}

// lambdaAnswer is the answer of a function behind an AWS integration: status
// 200 even for a failed function, whose errorMessage the responses select by.
func lambdaAnswer(out []byte, err error) answer {
	var e *api.Error
	if errors.As(err, &e) {
		return answer{status: e.HTTPStatus(), body: e.Body(""), selectBy: e.Message}
	}
	payload, failed, err := readInvokeOutput(out)
	if err != nil {
		return answer{status: 502, selectBy: err.Error()}
	}
	a := answer{status: 200, body: payload, defaulted: !failed}
	if failed {
		a.selectBy = errorMessageOf(payload)
	}
	return a
}

// proxyEvent is the event of a Lambda proxy integration.
//
// https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-proxy-integrations.html
type proxyEvent struct {
	Type                            string              `json:"type,omitempty"` // of an authorizer's event
	MethodARN                       string              `json:"methodArn,omitempty"`
	Resource                        string              `json:"resource"`
	Path                            string              `json:"path"`
	HTTPMethod                      string              `json:"httpMethod"`
	Headers                         map[string]string   `json:"headers"`
	MultiValueHeaders               map[string][]string `json:"multiValueHeaders"`
	QueryStringParameters           map[string]string   `json:"queryStringParameters"`
	MultiValueQueryStringParameters map[string][]string `json:"multiValueQueryStringParameters"`
	PathParameters                  map[string]string   `json:"pathParameters"`
	StageVariables                  map[string]string   `json:"stageVariables"`
	RequestContext                  map[string]any      `json:"requestContext"`
	*eventBody
}

type eventBody struct {
	Body            *string `json:"body"`
	IsBase64Encoded bool    `json:"isBase64Encoded"`
}

// requestEvent is the request as a function sees it, without its body.
func (c *call) requestEvent() *proxyEvent {
	e := &proxyEvent{
		Type: "REQUEST", MethodARN: c.methodARN(),
		Resource: c.node.path, Path: c.path, HTTPMethod: c.req.Method,
		Headers: map[string]string{}, MultiValueHeaders: map[string][]string{},
		RequestContext: c.requestContext(),
	}
	for name, values := range c.req.Header {
		if len(values) == 0 || name == "Content-Length" || name == "Connection" {
			continue
		}
		e.Headers[name] = values[len(values)-1]
		e.MultiValueHeaders[name] = values
	}
	for name, value := range map[string]string{
		"Host": c.domainName(), "X-Forwarded-For": fmt.Sprint(c.identityValue("sourceIp")), "X-Forwarded-Port": "443",
		"X-Forwarded-Proto": "https", "X-Amzn-Trace-Id": "Root=" + c.traceID,
	} {
		e.Headers[name] = value
		e.MultiValueHeaders[name] = []string{value}
	}
	c.parseQuery()
	if len(c.query) > 0 {
		e.QueryStringParameters, e.MultiValueQueryStringParameters = map[string]string{}, map[string][]string{}
		for _, q := range c.query {
			e.QueryStringParameters[q.name] = q.value
			e.MultiValueQueryStringParameters[q.name] = append(e.MultiValueQueryStringParameters[q.name], q.value)
		}
	}
	if len(c.params) > 0 {
		e.PathParameters = map[string]string{}
		for _, p := range c.params {
			e.PathParameters[p.name] = p.value
		}
	}
	if len(c.stage.variables) > 0 {
		e.StageVariables = map[string]string{}
		for _, v := range c.stage.variables {
			e.StageVariables[v.name] = v.value
		}
	}
	return e
}

// requestContext is $context as a function sees it.
func (c *call) requestContext() map[string]any {
	ctx := map[string]any{}
	for _, name := range []string{"accountId", "apiId", "deploymentId", "domainName", "domainPrefix", "extendedRequestId", "httpMethod",
		"path", "protocol", "requestId", "requestTime", "requestTimeEpoch", "resourceId", "resourcePath", "stage"} {
		ctx[name] = c.contextValue(name)
	}
	identity := map[string]any{}
	for _, name := range identityNames {
		identity[name] = c.identityValue(name)
	}
	if c.key != nil {
		identity["apiKey"], identity["apiKeyId"] = c.key.value, c.key.id
	}
	ctx["identity"] = identity
	if c.claims != nil || c.authorized != nil {
		authorizer := map[string]any{}
		if c.claims != nil {
			claims := map[string]string{}
			for _, v := range c.claims {
				claims[v.name] = v.value
			}
			authorizer["claims"] = claims
		}
		if c.authorized != nil {
			authorizer["principalId"] = c.authorized.principal
			for _, v := range c.authorized.context {
				authorizer[v.name] = v.value
			}
		}
		ctx["authorizer"] = authorizer
	}
	return ctx
}

func (c *call) invokeProxy(in *integration) {
	e := c.requestEvent()
	e.Type, e.MethodARN, e.eventBody = "", "", &eventBody{}
	if len(c.req.Body) > 0 {
		body := javaString(c.req.Body)
		if c.isBinary(c.contentType()) {
			body, e.IsBase64Encoded = base64.StdEncoding.EncodeToString(c.req.Body), true
		}
		e.Body = &body
	}
	credentials := c.fill(in.credentials, nil)
	call := api.Call{Service: "lambda", Action: "Invoke", Input: invokeInput(c.fill(in.target.lambda, nil), e), Caller: credentials, SourceARN: c.integrationARN(credentials)}
	c.within(in.timeout, func(finish func(func())) {
		c.api.bus.Do(call, func(out []byte, err error) {
			finish(func() {
				c.answeredAt = c.api.k.Now()
				c.proxyAnswer(out, err)
			})
		})
	}, c.timeOut)
}

// badProxyAnswer is what a client gets of a failed or malformed function: 502.
func (c *call) badProxyAnswer(cause string) {
	c.integrationError = cause
	f := internalServerError
	f.status = 502
	c.fail(f.because(cause))
}

func (c *call) proxyAnswer(out []byte, err error) {
	var refused *api.Error
	switch {
	case errors.As(err, &refused) && refused.Code == "AccessDeniedException":
		c.integrationError = refused.Message
		c.fail(internalServerError.because("Invalid permissions on Lambda function: " + refused.Message))
		return
	case refused != nil:
		c.badProxyAnswer(refused.Error())
		return
	case err != nil:
		c.integrationError = err.Error()
		c.fail(integrationFailure.because(err.Error()))
		return
	}
	payload, failed, err := readInvokeOutput(out)
	if err != nil {
		c.badProxyAnswer(err.Error())
		return
	}
	c.answer.status = 200
	if failed {
		c.badProxyAnswer("Lambda execution failed with status 200 due to customer function error: " + errorMessageOf(payload))
		return
	}
	r, err := readProxyResponse(payload)
	if err != nil {
		c.badProxyAnswer("Execution failed due to configuration error: Malformed Lambda proxy response: " + err.Error())
		return
	}
	if r.base64 && c.isBinary(c.accept()) {
		if r.Body, err = base64.StdEncoding.DecodeString(string(r.Body)); err != nil {
			c.fail(internalServerError.because("Execution failed due to configuration error: Unable to base64 decode the body"))
			return
		}
	}
	c.finish(&r.Response)
}

type proxyResponse struct {
	Response
	base64 bool
}

// readProxyResponse reads a function's answer; any member that API Gateway
// does not know makes it malformed.
func readProxyResponse(payload []byte) (*proxyResponse, error) {
	var raw map[string]json.RawMessage
	if err := json.Unmarshal(payload, &raw); err != nil || raw == nil {
		return nil, errors.New("it is no JSON object")
	}
	r := &proxyResponse{Response: Response{Status: 200, Header: http.Header{}}}
	var multi map[string][]json.RawMessage
	var single map[string]json.RawMessage
	for _, name := range slices.Sorted(maps.Keys(raw)) {
		v := raw[name]
		var err error
		switch name {
		case "statusCode":
			s := strings.Trim(string(v), `"`)
			if s == "null" || s == "" {
				continue
			}
			if r.Status, err = strconv.Atoi(s); err != nil || r.Status < 100 || r.Status > 599 {
				err = fmt.Errorf("statusCode is %s", v)
			}
		case "body":
			var s *string
			if err = json.Unmarshal(v, &s); err == nil && s != nil {
				r.Body = []byte(*s)
			}
		case "isBase64Encoded":
			err = json.Unmarshal(v, &r.base64)
		case "headers":
			err = json.Unmarshal(v, &single)
		case "multiValueHeaders":
			err = json.Unmarshal(v, &multi)
		default:
			err = errors.New("it has an unknown member")
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
	}
	r.Header["Content-Type"] = []string{"application/json"}
	for _, name := range slices.Sorted(maps.Keys(multi)) {
		values := multi[name]
		key := http.CanonicalHeaderKey(remappedProxy(name))
		r.Header[key] = nil
		for _, v := range values {
			s, err := headerScalar(v)
			if err != nil {
				return nil, fmt.Errorf("multiValueHeaders.%s: %w", name, err)
			}
			r.Header[key] = append(r.Header[key], s)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(single)) {
		v := single[name]
		s, err := headerScalar(v)
		if err != nil {
			return nil, fmt.Errorf("headers.%s: %w", name, err)
		}
		key := http.CanonicalHeaderKey(remappedProxy(name))
		if _, both := multiHas(multi, name); both {
			r.Header[key] = append(r.Header[key], s)
		} else {
			r.Header[key] = []string{s}
		}
	}
	return r, nil
}

func multiHas(m map[string][]json.RawMessage, name string) (string, bool) {
	for k := range m {
		if strings.EqualFold(k, name) {
			return k, true
		}
	}
	return "", false
}

func headerScalar(v json.RawMessage) (string, error) {
	var s string
	if json.Unmarshal(v, &s) == nil && len(v) > 0 && v[0] == '"' {
		return headerText(s), nil
	}
	if t := string(v); t == "true" || t == "false" {
		return t, nil
	}
	return "", errors.New("a header must be a string or a boolean")
}

func remappedProxy(name string) string {
	switch strings.ToLower(name) {
	case "connection", "content-length", "date", "server":
		return "x-amzn-Remapped-" + name
	}
	return name
}
