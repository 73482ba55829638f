package awsapi

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"

	"github.com/orderflow-cdk/orderflow/local/internal/api"
)

// appSyncRoutes are the actions of AppSync's own API by their methods and paths, of which {name} is a member of the input.
//
// Source: AppSync API reference, the request syntax of each action.
var appSyncRoutes = []struct{ method, path, action string }{
	{"GET", "/v1/apis", "ListGraphqlApis"},
	{"POST", "/v1/apis", "CreateGraphqlApi"},
	{"GET", "/v1/apis/{apiId}", "GetGraphqlApi"},
	{"POST", "/v1/apis/{apiId}", "UpdateGraphqlApi"},
	{"DELETE", "/v1/apis/{apiId}", "DeleteGraphqlApi"},
	{"GET", "/v1/apis/{apiId}/schema", "GetIntrospectionSchema"},
	{"GET", "/v1/apis/{apiId}/schemacreation", "GetSchemaCreationStatus"},
	{"POST", "/v1/apis/{apiId}/schemacreation", "StartSchemaCreation"},
	{"GET", "/v1/apis/{apiId}/environmentVariables", "GetGraphqlApiEnvironmentVariables"},
	{"PUT", "/v1/apis/{apiId}/environmentVariables", "PutGraphqlApiEnvironmentVariables"},
	{"GET", "/v1/apis/{apiId}/apikeys", "ListApiKeys"},
	{"POST", "/v1/apis/{apiId}/apikeys", "CreateApiKey"},
	{"POST", "/v1/apis/{apiId}/apikeys/{id}", "UpdateApiKey"},
	{"DELETE", "/v1/apis/{apiId}/apikeys/{id}", "DeleteApiKey"},
	{"GET", "/v1/apis/{apiId}/datasources", "ListDataSources"},
	{"POST", "/v1/apis/{apiId}/datasources", "CreateDataSource"},
	{"GET", "/v1/apis/{apiId}/datasources/{name}", "GetDataSource"},
	{"POST", "/v1/apis/{apiId}/datasources/{name}", "UpdateDataSource"},
	{"DELETE", "/v1/apis/{apiId}/datasources/{name}", "DeleteDataSource"},
	{"GET", "/v1/apis/{apiId}/functions", "ListFunctions"},
	{"POST", "/v1/apis/{apiId}/functions", "CreateFunction"},
	{"GET", "/v1/apis/{apiId}/functions/{functionId}", "GetFunction"},
	{"POST", "/v1/apis/{apiId}/functions/{functionId}", "UpdateFunction"},
	{"DELETE", "/v1/apis/{apiId}/functions/{functionId}", "DeleteFunction"},
	{"GET", "/v1/apis/{apiId}/functions/{functionId}/resolvers", "ListResolversByFunction"},
	{"GET", "/v1/apis/{apiId}/types", "ListTypes"},
	{"POST", "/v1/apis/{apiId}/types", "CreateType"},
	{"GET", "/v1/apis/{apiId}/types/{typeName}", "GetType"},
	{"POST", "/v1/apis/{apiId}/types/{typeName}", "UpdateType"},
	{"DELETE", "/v1/apis/{apiId}/types/{typeName}", "DeleteType"},
	{"GET", "/v1/apis/{apiId}/types/{typeName}/resolvers", "ListResolvers"},
	{"POST", "/v1/apis/{apiId}/types/{typeName}/resolvers", "CreateResolver"},
	{"GET", "/v1/apis/{apiId}/types/{typeName}/resolvers/{fieldName}", "GetResolver"},
	{"POST", "/v1/apis/{apiId}/types/{typeName}/resolvers/{fieldName}", "UpdateResolver"},
	{"DELETE", "/v1/apis/{apiId}/types/{typeName}/resolvers/{fieldName}", "DeleteResolver"},
	{"GET", "/v1/apis/{apiId}/ApiCaches", "GetApiCache"},
	{"POST", "/v1/apis/{apiId}/ApiCaches", "CreateApiCache"},
	{"POST", "/v1/dataplane-evaluatecode", "EvaluateCode"},
	{"POST", "/v1/dataplane-evaluatetemplate", "EvaluateMappingTemplate"},
	{"GET", "/v1/tags/{resourceArn}", "ListTagsForResource"},
	{"POST", "/v1/tags/{resourceArn}", "TagResource"},
	{"DELETE", "/v1/tags/{resourceArn}", "UntagResource"},
	{"GET", "/v1/domainnames", "ListDomainNames"},
	{"GET", "/v2/apis", "ListApis"},
	{"POST", "/v2/apis", "CreateApi"},
	{"GET", "/v2/apis/{apiId}", "GetApi"},
}

// AppSyncPath is the path of a call of AppSync's own API, by its input, without what the path lacks then; empty if the action is not known.
func AppSyncPath(action string, input []byte) string {
	for _, r := range appSyncRoutes {
		if r.action != action {
			continue
		}
		var in map[string]any
		_ = json.Unmarshal(input, &in) // what is no object has no members
		var path strings.Builder
		for part := range strings.SplitSeq(strings.TrimPrefix(r.path, "/"), "/") {
			if name, ok := variable(part); ok {
				part, _ = in[name].(string)
			}
			path.WriteString("/" + part)
		}
		return path.String()
	}
	return ""
}

func variable(part string) (name string, ok bool) {
	if !strings.HasPrefix(part, "{") {
		return "", false
	}
	return strings.Trim(part, "{}"), true
}

// decodeAppSync reads a call of AppSync's own API.
func decodeAppSync(r *http.Request, body []byte) (api.Call, error) {
	in := map[string]any{}
	if len(bytes.TrimSpace(body)) > 0 && r.Method != http.MethodGet {
		if err := json.Unmarshal(body, &in); err != nil || in == nil {
			return api.Call{}, &api.Error{Code: "BadRequestException", Status: http.StatusBadRequest, Message: "the body is no JSON object"}
		}
	}
	for name, value := range r.URL.Query() {
		in[name] = value[0]
	}
	action := appSyncAction(r.Method, r.URL.EscapedPath(), in)
	if action == "" {
		return api.Call{}, notSimulated("%s %s of AWS AppSync; simulated are %s", r.Method, r.URL.Path, strings.Join(servedActions("appsync"), ", "))
	}
	if refused := Refusal("appsync", action); refused != nil {
		return api.Call{Service: "appsync", Action: action}, refused
	}
	input, err := json.Marshal(in)
	if err != nil {
		return api.Call{}, api.Errorf("BadRequestException", "%s", err.Error())
	}
	return api.Call{Service: "appsync", Action: action, Input: input}, nil
}

// appSyncAction is the action that a path stands for, with what the path says in in; "" if none is known.
func appSyncAction(method, path string, in map[string]any) string {
	given := strings.Split(strings.Trim(path, "/"), "/")
	for _, r := range appSyncRoutes {
		parts := strings.Split(strings.TrimPrefix(r.path, "/"), "/")
		if r.method != method || len(parts) != len(given) {
			continue
		}
		found := map[string]string{}
		matches := true
		for i, part := range parts {
			value, err := url.PathUnescape(given[i])
			name, isVariable := variable(part)
			if matches = matches && err == nil && (isVariable || part == value); isVariable {
				found[name] = value
			}
		}
		if matches {
			for name, value := range found {
				in[name] = value
			}
			return r.action
		}
	}
	return ""
}

// encodeAppSync makes a body of the one answer that is no JSON document, but holds one.
func encodeAppSync(action string, r *Response) {
	if action != "GetIntrospectionSchema" {
		return
	}
	var out struct{ Schema []byte }
	if json.Unmarshal(r.Body, &out) == nil {
		r.Body = out.Schema
	}
}
