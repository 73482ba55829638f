package test

import (
	"fmt"
	"strings"
	"testing"
)

// anyResource are the actions that may be allowed on "*", and why. In the
// Service Authorization Reference none of them has a resource type, or only
// ones that do not exist yet when they are used.
var anyResource = map[string]string{
	"xray:PutTraceSegments":         "X-Ray has no resource for it",
	"xray:PutTelemetryRecords":      "X-Ray has no resource for it",
	"xray:GetSamplingRules":         "X-Ray has no resource for it",
	"xray:GetSamplingTargets":       "X-Ray has no resource for it",
	"dynamodb:ListStreams":          "the event source mapping of a stream demands it: DynamoDB has no resource for it",
	"logs:CreateLogDelivery":        "log delivery of Step Functions: CloudWatch Logs has no resource for it",
	"logs:GetLogDelivery":           "log delivery of Step Functions: CloudWatch Logs has no resource for it",
	"logs:UpdateLogDelivery":        "log delivery of Step Functions: CloudWatch Logs has no resource for it",
	"logs:DeleteLogDelivery":        "log delivery of Step Functions: CloudWatch Logs has no resource for it",
	"logs:ListLogDeliveries":        "log delivery of Step Functions: CloudWatch Logs has no resource for it",
	"logs:PutResourcePolicy":        "log delivery of Step Functions: CloudWatch Logs has no resource for it",
	"logs:DescribeResourcePolicies": "log delivery of Step Functions: CloudWatch Logs has no resource for it",
	"logs:DescribeLogGroups":        "log delivery of Step Functions: asks for all groups",
}

// managed are the managed policies that may be attached, and why.
var managed = map[string]string{
	"AmazonAPIGatewayPushToCloudWatchLogs": "the account-wide role that API Gateway demands",
}

func list(v any) []any {
	if l, ok := v.([]any); ok {
		return l
	}
	if v == nil {
		return nil
	}
	return []any{v}
}

// statements returns a policy's statements.
func statements(document any) (out []map[string]any) {
	for _, s := range list(at(document, "Statement")) {
		out = append(out, s.(map[string]any))
	}
	return out
}

func TestRolesMayDoNoMoreThanTheyMust(t *testing.T) {
	each(t, func(t *testing.T, template template) {
		for _, r := range template.resources("AWS::IAM::Policy", "AWS::IAM::Role", "AWS::IAM::ManagedPolicy") {
			documents := []any{r.Properties["PolicyDocument"]}
			for _, p := range list(r.Properties["Policies"]) {
				documents = append(documents, at(p, "PolicyDocument"))
			}
			for _, d := range documents {
				for _, s := range statements(d) {
					if s["Effect"] == "Allow" {
						checkAllowed(t, r.ID, s)
					}
				}
			}
			for _, arn := range list(r.Properties["ManagedPolicyArns"]) {
				text := fmt.Sprint(arn)
				ok := false
				for name := range managed {
					ok = ok || strings.Contains(text, name)
				}
				if !ok {
					t.Errorf("%s has the managed policy %s", r.ID, text)
				}
			}
		}
	})
}

func checkAllowed(t *testing.T, id string, s map[string]any) {
	t.Helper()
	for _, action := range list(s["Action"]) {
		name := action.(string)
		if strings.Contains(name, "*") {
			t.Errorf("%s allows %s: a wildcard", id, name)
		}
		for _, resource := range list(s["Resource"]) {
			if text, ok := resource.(string); ok && strings.HasSuffix(text, "*") && anyResource[name] == "" {
				t.Errorf("%s allows %s on %s, and no reason is given for that", id, name, text)
			}
		}
	}
	if s["NotAction"] != nil || s["NotResource"] != nil {
		t.Errorf("%s allows everything but something", id)
	}
}

func TestOnlyTheFunctionsOwnRoleIsUsedByIt(t *testing.T) {
	each(t, func(t *testing.T, template template) {
		users := map[string]string{}
		for _, r := range template.resources("AWS::Lambda::Function") {
			role, ok := template.target(r.Properties["Role"])
			if !ok {
				t.Errorf("%s: its role is not in the template", r.ID)
			}
			if other := users[role.ID]; other != "" {
				t.Errorf("%s and %s share the role %s", r.ID, other, role.ID)
			}
			users[role.ID] = r.ID
		}
	})
}

func TestResourcePoliciesAdmitNobodyUnconditionally(t *testing.T) {
	each(t, func(t *testing.T, template template) {
		for _, r := range template.resources("AWS::SQS::QueuePolicy", "AWS::SNS::TopicPolicy", "AWS::KMS::Key", "AWS::S3::BucketPolicy") {
			document := r.Properties["PolicyDocument"]
			if r.Type == "AWS::KMS::Key" {
				document = r.Properties["KeyPolicy"]
			}
			for _, s := range statements(document) {
				principal := s["Principal"]
				open := principal == "*" || at(principal, "AWS") == "*"
				service := at(principal, "Service") != nil
				if s["Effect"] == "Allow" && (open || service) && s["Condition"] == nil {
					t.Errorf("%s lets %v in without a condition", r.ID, principal)
				}
			}
		}
	})
}

func TestQueuesAndTopicsWantTLS(t *testing.T) {
	each(t, func(t *testing.T, template template) {
		covered := map[string]bool{}
		for _, p := range template.resources("AWS::SQS::QueuePolicy", "AWS::SNS::TopicPolicy") {
			for _, s := range statements(p.Properties["PolicyDocument"]) {
				if s["Effect"] != "Deny" || at(s["Condition"], "Bool", "aws:SecureTransport") != "false" {
					continue
				}
				for _, of := range append(list(p.Properties["Queues"]), list(p.Properties["Topics"])...) {
					if r, ok := template.target(of); ok {
						covered[r.ID] = true
					}
				}
			}
		}
		for _, r := range template.resources("AWS::SQS::Queue", "AWS::SNS::Topic") {
			if !covered[r.ID] {
				t.Errorf("%s can be used without TLS", r.ID)
			}
		}
	})
}
