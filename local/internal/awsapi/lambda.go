package awsapi

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"

	"github.com/orderflow-cdk/orderflow/local/internal/api"
)

// lambdaPath begins the paths of Lambda's API.
const lambdaPath = "/2015-03-31/"

// decodeLambda reads a call of Lambda's REST API.
func decodeLambda(r *http.Request, body []byte) (api.Call, error) {
	var parts []string
	for part := range strings.SplitSeq(strings.Trim(r.URL.EscapedPath(), "/"), "/") {
		p, err := url.PathUnescape(part)
		if err != nil {
			return api.Call{}, api.Errorf("InvalidRequestContentException", "%s", err.Error())
		}
		parts = append(parts, p)
	}
	in := map[string]any{}
	for name, value := range r.URL.Query() {
		in[name] = value[0]
	}
	if n, ok := in["MaxItems"]; ok {
		in["MaxItems"] = json.Number(n.(string))
	}
	action := lambdaAction(r.Method, parts, in)
	if refused := Refusal("lambda", action); refused != nil {
		if action == "" {
			refused = notSimulated("%s %s of AWS Lambda; simulated are %s", r.Method, r.URL.Path, strings.Join(servedActions("lambda"), ", "))
		}
		return api.Call{}, refused
	}
	if action == "Invoke" {
		in["InvocationType"], in["LogType"] = r.Header.Get("X-Amz-Invocation-Type"), r.Header.Get("X-Amz-Log-Type")
		if len(body) > 0 {
			if !json.Valid(body) {
				return api.Call{}, api.Errorf("InvalidRequestContentException", "Could not parse request body into json: %s", whyInvalid(body))
			}
			in["Payload"] = json.RawMessage(body)
		}
	}
	input, err := json.Marshal(in)
	if err != nil {
		return api.Call{}, api.Errorf("InvalidRequestContentException", "%s", err.Error())
	}
	return api.Call{Service: "lambda", Action: action, Input: input}, nil
}

func whyInvalid(body []byte) string {
	var v any
	return json.Unmarshal(body, &v).Error()
}

func servedActions(service string) []string {
	for _, s := range Services {
		if s.Name == service {
			return s.Actions
		}
	}
	return nil
}

// lambdaAction is the action that a path stands for, with what the path says in in; "" if none is known.
//
// Source: Lambda API reference, the request syntax of each action.
func lambdaAction(method string, parts []string, in map[string]any) string {
	if len(parts) < 2 {
		return ""
	}
	if len(parts) > 2 {
		in["FunctionName"] = parts[2]
	}
	path := strings.Join(parts[1:], "/")
	if len(parts) > 2 {
		path = strings.Join(append([]string{parts[1], "*"}, parts[3:]...), "/")
	}
	if method == "GET" && len(parts) == 5 && parts[1] == "functions" && parts[3] == "aliases" {
		in["Name"] = parts[4]
		return "GetAlias"
	}
	switch method + " " + strings.TrimSuffix(path, "/") {
	case "POST functions/*/invocations":
		return "Invoke"
	case "GET functions":
		return "ListFunctions"
	case "GET functions/*":
		return "GetFunction"
	case "GET functions/*/configuration":
		return "GetFunctionConfiguration"
	case "GET functions/*/concurrency":
		return "GetFunctionConcurrency"
	case "GET functions/*/aliases":
		return "ListAliases"
	case "GET functions/*/versions":
		return "ListVersionsByFunction"
	case "GET event-source-mappings":
		return "ListEventSourceMappings"
	case "GET event-source-mappings/*":
		in["UUID"] = parts[2]
		delete(in, "FunctionName")
		return "GetEventSourceMapping"
	case "POST functions":
		return "CreateFunction"
	case "PUT functions/*/code":
		return "UpdateFunctionCode"
	case "PUT functions/*/configuration":
		return "UpdateFunctionConfiguration"
	case "DELETE functions/*":
		return "DeleteFunction"
	case "POST event-source-mappings":
		return "CreateEventSourceMapping"
	case "PUT event-source-mappings/*":
		return "UpdateEventSourceMapping"
	case "DELETE event-source-mappings/*":
		return "DeleteEventSourceMapping"
	case "POST functions/*/invoke-async":
		return "InvokeAsync"
	case "POST functions/*/response-streaming-invocations":
		return "InvokeWithResponseStream"
	}
	return ""
}

// encodeLambda makes headers of what Invoke's answer has beside the payload.
func encodeLambda(action string, r *Response) {
	if action != "Invoke" {
		return
	}
	var out struct {
		StatusCode                                int
		FunctionError, LogResult, ExecutedVersion string
		Payload                                   json.RawMessage
	}
	if json.Unmarshal(r.Body, &out) != nil {
		return
	}
	r.Status, r.Body = out.StatusCode, bytes.Clone(out.Payload)
	for name, v := range map[string]string{
		"X-Amz-Function-Error": out.FunctionError, "X-Amz-Log-Result": out.LogResult, "X-Amz-Executed-Version": out.ExecutedVersion,
	} {
		if v != "" {
			r.Header.Set(name, v)
		}
	}
}
