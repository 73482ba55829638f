package apigateway

import (
	"bytes"
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/orderflow-cdk/orderflow/local/internal/api"
	"github.com/orderflow-cdk/orderflow/local/internal/sqs"
)

const formType = "application/x-www-form-urlencoded"

// callService sends the integration request to an AWS service.
func (c *call) callService(in *integration, req *integrationRequest) {
	t := in.target
	credentials := c.fill(in.credentials, nil)
	if _, set := req.headers["content-type"]; !set {
		// API Gateway hands the client's on.
		if v := c.req.Header.Get("Content-Type"); v != "" && c.req.Method != http.MethodGet && c.req.Method != http.MethodHead && c.req.Method != http.MethodOptions {
			req.headers["content-type"] = v
		}
	}
	id := newUUID(c.api.k.Rand())
	var (
		call    api.Call
		reply   func(out []byte, err error) answer
		refusal *answer
	)
	switch {
	case t.lambda != "":
		call = api.Call{Service: "lambda", Action: "Invoke"}
		payload := bytes.TrimSpace([]byte(req.body))
		if len(payload) == 0 {
			payload = []byte("{}")
		}
		if !json.Valid(payload) {
			a := lambdaAnswer(nil, api.Errorf("InvalidRequestContentException", "Could not parse request body into json"))
			refusal = &a
			break
		}
		call.Input = invokeInput(c.fill(t.lambda, req.path), json.RawMessage(payload))
		reply = lambdaAnswer
	case t.service == "sqs":
		call, reply, refusal = c.sqsCall(t, req, id)
	default:
		call, refusal = c.jsonCall(t, req)
		reply = func(out []byte, err error) answer { return jsonAnswer(t.service, out, err) }
	}
	if refusal != nil {
		c.answered(in, *refusal)
		return
	}
	call.Caller, call.SourceARN = credentials, c.integrationARN(credentials)
	c.within(in.timeout, func(finish func(func())) {
		c.api.bus.Do(call, func(out []byte, err error) {
			finish(func() {
				c.answeredAt = c.api.k.Now()
				var refused *api.Error
				if err != nil && !errors.As(err, &refused) {
					c.integrationError = err.Error()
					c.fail(integrationFailure.because("Execution failed due to configuration error: " + err.Error()))
					return
				}
				if refused != nil && t.lambda != "" && refused.Code == "AccessDeniedException" {
					c.integrationError = refused.Message
					c.fail(internalServerError.because("Invalid permissions on Lambda function: " + refused.Message))
					return
				}
				a := reply(out, err)
				a.requestID = id
				c.answered(in, a)
			})
		})
	}, c.timeOut)
}

func (c *call) timeOut() {
	c.answeredAt = c.api.k.Now()
	c.integrationError = "Execution failed due to a timeout error"
	c.fail(integrationTimeout.because(c.integrationError))
}

// sqsCall is a call of SQS: in the query protocol if the body is a form, in
// the JSON protocol if the request says so, else what SQS cannot make sense of.
func (c *call) sqsCall(t target, req *integrationRequest, id string) (api.Call, func([]byte, error) answer, *answer) {
	contentType := mediaType(req.headers["content-type"], "")
	call := api.Call{Service: "sqs"}
	if strings.HasPrefix(contentType, "application/x-amz-json-") {
		_, action, ok := strings.Cut(req.headers["x-amz-target"], ".")
		if !ok || t.action != "" {
			a := jsonAnswer("sqs", nil, &api.Error{Code: "UnknownOperationException", Status: 404})
			return call, nil, &a
		}
		call.Action, call.Input = action, []byte(req.body)
		return call, func(out []byte, err error) answer { return jsonAnswer("sqs", out, err) }, nil
	}
	form := url.Values{}
	if contentType == formType {
		var err error
		if form, err = url.ParseQuery(req.body); err != nil {
			a := queryAnswer(t.action, nil, api.Errorf("MalformedQueryString", "The query string is malformed."), id)
			return call, nil, &a
		}
	}
	for name, value := range req.query { // the URL's parameters go before the body's
		form[name] = append([]string{value}, form[name]...)
	}
	if t.action != "" {
		form.Set("Action", t.action)
	}
	if !form.Has("Action") {
		a := queryAnswer("", nil, &api.Error{Code: "AccessDenied", Status: 403,
			Message: "Unable to determine service/operation name to be authorized"}, id)
		return call, nil, &a
	}
	// A QueueUrl in the form goes before the path: a template that lets a client
	// add fields lets it choose the queue.
	if t.action == "" && !form.Has("QueueUrl") {
		form.Set("QueueUrl", "https://sqs."+t.region+".amazonaws.com/"+c.fill(t.path, req.path))
	}
	action, input, err := sqs.FromQuery(form)
	if err != nil {
		a := queryAnswer(action, nil, err, id)
		return call, nil, &a
	}
	call.Action, call.Input = action, input
	return call, func(out []byte, err error) answer { return queryAnswer(action, out, err, id) }, nil
}

func queryAnswer(action string, out []byte, err error, id string) answer {
	status, body := sqs.QueryResponse(action, out, err, id)
	return answer{status: status, body: body, selectBy: statusText(status)}
}

// jsonCall is a call of a service in its AWS JSON protocol.
func (c *call) jsonCall(t target, req *integrationRequest) (api.Call, *answer) {
	body := strings.TrimSpace(req.body)
	if mediaType(req.headers["content-type"], "") == formType && (body == "" || body[0] != '{') {
		converted, err := formToJSON(body)
		if err != nil {
			a := jsonAnswer(t.service, nil, api.Errorf("SerializationException", "%s", err.Error()))
			return api.Call{}, &a
		}
		body = converted
	}
	if body == "" {
		body = "{}"
	}
	if body[0] != '{' || !json.Valid([]byte(body)) {
		a := jsonAnswer(t.service, nil, api.Errorf("SerializationException", "Could not parse request body into json"))
		return api.Call{}, &a
	}
	return api.Call{Service: t.service, Action: t.action, Input: []byte(body)}, nil
}

// formToJSON turns a form without lists and structures into the input of the
// JSON protocol: SNS takes forms only.
func formToJSON(body string) (string, error) {
	form, err := url.ParseQuery(body)
	if err != nil {
		return "", errors.New("the form is malformed")
	}
	members := map[string]string{}
	for _, name := range slices.Sorted(maps.Keys(form)) {
		if name == "Action" || name == "Version" {
			continue
		}
		if strings.Contains(name, ".") {
			return "", errors.New("the form field " + name + ": lists and structures in forms are not simulated for this service")
		}
		members[name] = form.Get(name)
	}
	return compact(members), nil
}

func jsonAnswer(service string, out []byte, err error) answer {
	a := answer{status: 200, body: out}
	var e *api.Error
	if errors.As(err, &e) {
		a.status, a.body = e.HTTPStatus(), e.Body(typePrefix(service, e.Code))
	}
	a.selectBy = statusText(a.status)
	return a
}

// typePrefix is what stands before an error's name in __type.
func typePrefix(service, code string) string {
	if service != "dynamodb" {
		return ""
	}
	switch code {
	case "ValidationException":
		return "com.amazon.coral.validate#"
	case "SerializationException", "AccessDeniedException", "UnrecognizedClientException", "UnknownOperationException", "InternalFailure":
		return "com.amazon.coral.service#"
	case "ThrottlingException":
		return "com.amazon.coral.availability#"
	}
	return "com.amazonaws.dynamodb.v20120810#"
}
