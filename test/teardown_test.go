package test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/orderflow-cdk/orderflow/infra/app"
)

// snapshotted are the types that CloudFormation takes a snapshot of where a template says nothing (CloudFormation
// user guide, "DeletionPolicy attribute").
var snapshotted = []string{"AWS::RDS::", "AWS::DocDB::", "AWS::Neptune::", "AWS::Redshift::", "AWS::ElastiCache::", "AWS::EC2::Volume"}

// TestTeardownLeavesNothingBehind: after cdk destroy of an environment that keeps no data there is nothing left of it. What AWS keeps in
// any case is not of the stack: metrics for 15 months, traces for 30 days, the assets in the bootstrap bucket, a KMS key that waits for
// its deletion, and the setting of API Gateway's account, which then names no role.
func TestTeardownLeavesNothingBehind(t *testing.T) {
	all := stacks(t)
	checked := 0
	for _, env := range app.Environments() {
		if env.RemovalPolicy != "DESTROY" {
			continue
		}
		checked++
		t.Run(env.Name, func(t *testing.T) {
			template := all["orderflow-"+env.Name]
			for _, r := range template.resources() {
				if why := stays(template, r); why != "" {
					t.Errorf("%s (%s): %s", r.ID, r.Type, why)
				}
			}
		})
	}
	if checked == 0 {
		t.Error("every environment keeps its data")
	}
}

// stays is why a resource, or something that it makes, outlives its stack; "" if nothing does.
func stays(template template, r resource) string {
	policy, _ := r.All["DeletionPolicy"].(string)
	if r.Type == "AWS::Lambda::Version" {
		// Lambda deletes a function with all of its versions (API reference, DeleteFunction).
		function, ok := template.target(r.Properties["FunctionName"])
		if kept, _ := function.All["DeletionPolicy"].(string); ok && kept == "" {
			return ""
		}
		return "its function stays, or is not of the stack"
	}
	if policy != "" && policy != "Delete" {
		return "its DeletionPolicy is " + policy
	}
	for _, prefix := range snapshotted {
		if policy == "" && strings.HasPrefix(r.Type, prefix) {
			return "a snapshot of it stays: say that its DeletionPolicy is Delete"
		}
	}
	switch r.Type {
	case "AWS::DynamoDB::Table":
		if r.Properties["DeletionProtectionEnabled"] == true {
			return "it is protected, and the stack fails to delete"
		}
	case "AWS::Cognito::UserPool":
		if r.Properties["DeletionProtection"] == "ACTIVE" {
			return "it is protected, and the stack fails to delete"
		}
	case "AWS::S3::Bucket":
		return "a bucket that holds something fails to delete"
	case "AWS::Lambda::Function":
		if _, ok := template.target(at(r.Properties, "LoggingConfig", "LogGroup")); !ok {
			return "Lambda makes its log group, which stays"
		}
	case "AWS::ApiGateway::Stage":
		for _, s := range list(r.Properties["MethodSettings"]) {
			level := at(s, "LoggingLevel")
			api, _ := template.target(r.Properties["RestApiId"])
			if level != nil && level != "OFF" && !hasLogGroup(template, "API-Gateway-Execution-Logs_", api) {
				return "API Gateway makes the group of its execution log, API-Gateway-Execution-Logs_<api>/<stage>, which stays"
			}
		}
	case "AWS::AppSync::GraphQLApi":
		if r.Properties["LogConfig"] != nil && !hasLogGroup(template, "/aws/appsync/apis/", r) {
			return "AppSync makes its log group, /aws/appsync/apis/<api>, which stays"
		}
	case "AWS::IAM::Policy", "AWS::IAM::ManagedPolicy":
		for _, s := range statements(r.Properties["PolicyDocument"]) {
			for _, action := range list(s["Action"]) {
				if s["Effect"] == "Allow" && (action == "logs:CreateLogGroup" || action == "logs:*" || action == "*") {
					return "who has it can make a log group again after the stack has deleted it"
				}
			}
		}
	}
	if strings.HasPrefix(r.Type, "Custom::") || r.Type == "AWS::CloudFormation::CustomResource" {
		return "what a custom resource makes is not known"
	}
	return ""
}

// hasLogGroup reports whether the template has a log group of an API, which its service names by the API's id.
func hasLogGroup(template template, prefix string, api resource) bool {
	for _, g := range template.resources("AWS::Logs::LogGroup") {
		b, err := json.Marshal(g.Properties["LogGroupName"])
		if err == nil && api.ID != "" && strings.Contains(string(b), prefix) && strings.Contains(string(b), fmt.Sprintf("%q", api.ID)) {
			return true
		}
	}
	return false
}

// Each way in which something stays is told.
func TestWhatStaysIsFound(t *testing.T) {
	for _, tt := range []struct{ name, resource, want string }{
		{"nothing", `{"Type":"AWS::SQS::Queue","DeletionPolicy":"Delete"}`, ""},
		{"kept", `{"Type":"AWS::SQS::Queue","DeletionPolicy":"Retain"}`, "is Retain"},
		{"kept unless its creation failed", `{"Type":"AWS::SQS::Queue","DeletionPolicy":"RetainExceptOnCreate"}`, "is RetainExceptOnCreate"},
		{"snapshot by default", `{"Type":"AWS::RDS::DBCluster"}`, "a snapshot"},
		{"protected table", `{"Type":"AWS::DynamoDB::Table","Properties":{"DeletionProtectionEnabled":true}}`, "protected"},
		{"protected pool", `{"Type":"AWS::Cognito::UserPool","Properties":{"DeletionProtection":"ACTIVE"}}`, "protected"},
		{"bucket", `{"Type":"AWS::S3::Bucket"}`, "a bucket"},
		{"log of a function", `{"Type":"AWS::Lambda::Function","Properties":{}}`, "Lambda makes its log group"},
		{"log of a stage", `{"Type":"AWS::ApiGateway::Stage","Properties":{"MethodSettings":[{"LoggingLevel":"INFO"}]}}`, "execution log"},
		{"log of a stage that is off", `{"Type":"AWS::ApiGateway::Stage","Properties":{"MethodSettings":[{"LoggingLevel":"OFF"}]}}`, ""},
		{"log of a GraphQL API", `{"Type":"AWS::AppSync::GraphQLApi","Properties":{"LogConfig":{}}}`, "AppSync makes its log group"},
		{"who may make groups", `{"Type":"AWS::IAM::Policy","Properties":{"PolicyDocument":{"Statement":[{"Effect":"Allow","Action":["logs:CreateLogGroup"]}]}}}`, "can make a log group again"},
		{"custom resource", `{"Type":"Custom::AutoDelete"}`, "is not known"},
		{"version of another's function", `{"Type":"AWS::Lambda::Version","Properties":{"FunctionName":"elsewhere"}}`, "not of the stack"},
	} {
		template := parse(t, []byte(`{"Resources":{"It":`+tt.resource+`}}`))
		if got := stays(template, template.resources()[0]); got == "" != (tt.want == "") || !strings.Contains(got, tt.want) {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
}
