package local_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/orderflow-cdk/orderflow/local"
)

const keyed = `{
  "Outputs": {"Key": {"Value": {"Ref": "Alice"}}},
  "Resources": {
    "Api": {"Type": "AWS::ApiGateway::RestApi", "Properties": {"Name": "keyed"}},
    "Get": {"Type": "AWS::ApiGateway::Method", "Properties": {
      "RestApiId": {"Ref": "Api"}, "ResourceId": {"Fn::GetAtt": ["Api", "RootResourceId"]}, "HttpMethod": "GET",
      "AuthorizationType": "NONE", "ApiKeyRequired": true,
      "Integration": {"Type": "MOCK", "RequestTemplates": {"application/json": "{\"statusCode\":200}"},
        "IntegrationResponses": [{"StatusCode": "200"}]},
      "MethodResponses": [{"StatusCode": "200"}]}},
    "Deployment": {"Type": "AWS::ApiGateway::Deployment", "DependsOn": ["Get"], "Properties": {"RestApiId": {"Ref": "Api"}}},
    "Stage": {"Type": "AWS::ApiGateway::Stage", "Properties": {
      "RestApiId": {"Ref": "Api"}, "DeploymentId": {"Ref": "Deployment"}, "StageName": "live"}},
    "Plan": {"Type": "AWS::ApiGateway::UsagePlan", "Properties": {"ApiStages": [{"ApiId": {"Ref": "Api"}, "Stage": {"Ref": "Stage"}}]}},
    "Alice": {"Type": "AWS::ApiGateway::ApiKey", "Properties": {"Enabled": true}},
    "AlicesPlan": {"Type": "AWS::ApiGateway::UsagePlanKey", "Properties": {
      "KeyId": {"Ref": "Alice"}, "KeyType": "API_KEY", "UsagePlanId": {"Ref": "Plan"}}}
  }
}`

// The key that a template hands on is the one that AppSync admits by.
func TestAPIKeyOfGraphQL(t *testing.T) {
	stack, err := local.New([]byte(`{
  "Outputs": {"Key": {"Value": {"Fn::GetAtt": ["Key", "ApiKey"]}}, "Url": {"Value": {"Fn::GetAtt": ["Api", "GraphQLUrl"]}}},
  "Resources": {
    "Api": {"Type": "AWS::AppSync::GraphQLApi", "Properties": {"Name": "keyed", "AuthenticationType": "API_KEY"}},
    "Schema": {"Type": "AWS::AppSync::GraphQLSchema", "Properties": {"ApiId": {"Fn::GetAtt": ["Api", "ApiId"]}, "Definition": "type Query { x: Int }"}},
    "Key": {"Type": "AWS::AppSync::ApiKey", "Properties": {"ApiId": {"Fn::GetAtt": ["Api", "ApiId"]}}}
  }
}`), local.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer stack.Close()
	for key, want := range map[string]int{stack.Outputs()["Key"]: http.StatusOK, "da2-another": http.StatusUnauthorized} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, stack.Outputs()["Url"], strings.NewReader(`{"query":"{__typename}"}`))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("x-api-key", key)
		res, err := stack.Transport().RoundTrip(r)
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
		if res.StatusCode != want {
			t.Errorf("with the key %q: %d, want %d", key, res.StatusCode, want)
		}
	}
}

func TestAPIKey(t *testing.T) {
	stack, err := local.New([]byte(keyed), local.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer stack.Close()
	key, err := stack.APIKey(stack.Outputs()["Key"])
	if err != nil {
		t.Fatal(err)
	}
	for value, want := range map[string]int{key: http.StatusOK, "another": http.StatusForbidden} {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.Header.Set("X-API-Key", value)
		w := httptest.NewRecorder()
		stack.ServeHTTP(w, r)
		if w.Code != want {
			t.Errorf("with the key %q: %d %s, want %d", value, w.Code, w.Body, want)
		}
	}
	if _, err := stack.APIKey("Bob"); err == nil || err.Error() != `the template has no API key "Bob"` {
		t.Errorf("Bob's key: %v", err)
	}
}

func TestATemplateWithoutAPIHasNoKeys(t *testing.T) {
	stack, err := local.New([]byte(`{"Resources": {"Jobs": {"Type": "AWS::SQS::Queue"}}}`), local.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer stack.Close()
	if key, err := stack.APIKey("Alice"); err == nil {
		t.Errorf("it has %q", key)
	}
}
