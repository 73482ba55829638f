package test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/orderflow-cdk/orderflow/infra/app"
)

func encryptedAtRest(t reporter, template template) {
	for _, r := range template.resources() {
		switch r.Type {
		case "AWS::SQS::Queue":
			if r.Properties["SqsManagedSseEnabled"] != true && r.Properties["KmsMasterKeyId"] == nil {
				t.Errorf("%s is not encrypted", r.ID)
			}
		case "AWS::SNS::Topic":
			if r.Properties["KmsMasterKeyId"] == nil {
				t.Errorf("%s is not encrypted", r.ID)
			}
		case "AWS::ApiGateway::Stage":
			for _, s := range list(r.Properties["MethodSettings"]) {
				if at(s, "CachingEnabled") == true && at(s, "CacheDataEncrypted") != true {
					t.Errorf("%s has a cache that is not encrypted", r.ID)
				}
			}
		case "AWS::AppSync::ApiCache":
			if r.Properties["AtRestEncryptionEnabled"] != true || r.Properties["TransitEncryptionEnabled"] != true {
				t.Errorf("%s is not encrypted, or not on the way", r.ID)
			}
		case "AWS::S3::Bucket":
			// Always encrypted since 2023, but what is public needs no key.
			if at(r.Properties, "PublicAccessBlockConfiguration", "RestrictPublicBuckets") != true {
				t.Errorf("%s could be made public", r.ID)
			}
		case "AWS::KMS::Key":
			if r.Properties["EnableKeyRotation"] != true {
				t.Errorf("%s does not rotate", r.ID)
			}
		case "AWS::DynamoDB::Table", "AWS::Logs::LogGroup", "AWS::SecretsManager::Secret", "AWS::Cognito::UserPool",
			"AWS::StepFunctions::StateMachine", "AWS::Lambda::Function":
			// Always encrypted, by a key of the service unless it is given another one.
		}
	}
}

func logsEnd(t reporter, template template) {
	for _, r := range template.resources("AWS::Logs::LogGroup") {
		if r.int("RetentionInDays") == 0 {
			t.Errorf("%s keeps logs for ever", r.ID)
		}
	}
	for _, f := range template.resources("AWS::Lambda::Function") {
		if _, ok := template.target(at(f.Properties, "LoggingConfig", "LogGroup")); !ok {
			t.Errorf("%s logs into a group that Lambda would make, and keep for ever", f.ID)
		}
	}
}

func queuesAreConsumedSafely(t reporter, template template) {
	for _, m := range template.resources("AWS::Lambda::EventSourceMapping") {
		queue, ok := template.target(m.Properties["EventSourceArn"])
		if !ok || queue.Type != "AWS::SQS::Queue" {
			continue
		}
		function, ok := template.function(m.Properties["FunctionName"])
		if !ok {
			t.Errorf("%s invokes %v, which is no function of the template", m.ID, m.Properties["FunctionName"])
			continue
		}
		window := m.int("MaximumBatchingWindowInSeconds")
		if got, least := queue.int("VisibilityTimeout"), 6*function.int("Timeout")+window; got < least {
			t.Errorf("%s: the visibility timeout is %d s, but must be at least 6 × %d s + %d s", queue.ID, got, function.int("Timeout"), window)
		}
		if types := list(m.Properties["FunctionResponseTypes"]); len(types) != 1 || types[0] != "ReportBatchItemFailures" {
			t.Errorf("%s: one bad message fails its whole batch", m.ID)
		}
		if _, ok := template.target(at(queue.Properties, "RedrivePolicy", "deadLetterTargetArn")); !ok {
			t.Errorf("%s has no dead-letter queue", queue.ID)
		}
	}
}

// physicalNames are the properties by which resources get a fixed name, which
// is in the way of a replacement and of a second stack.
var physicalNames = []string{
	"FunctionName", "TableName", "QueueName", "RoleName", "PolicyName", "TopicName", "StateMachineName", "LogGroupName",
	"AlarmName", "UserPoolName", "ClientName", "BucketName", "AliasName",
}

// ofFunctions are the types whose FunctionName says which function they are about.
var ofFunctions = []string{"AWS::Lambda::EventSourceMapping", "AWS::Lambda::Permission", "AWS::Lambda::Version", "AWS::Lambda::Alias"}

// serviceLogs begin the names of log groups that a service says, and that the id of an API is a part of.
var serviceLogs = []string{"/aws/appsync/apis/", "API-Gateway-Execution-Logs_"}

func noPhysicalNames(t reporter, template template) {
	for _, r := range template.resources() {
		for _, name := range physicalNames {
			v, given := r.Properties[name]
			if parts := list(at(v, "Fn::Join")); name == "LogGroupName" && len(parts) == 2 && slices.Contains(serviceLogs, fmt.Sprint(list(parts[1])[0])) {
				continue
			}
			// Inline policies must have a name, within their role; metric filters say which group they read.
			if given && r.Type != "AWS::IAM::Policy" && r.Type != "AWS::Logs::MetricFilter" && !slices.Contains(ofFunctions, r.Type) {
				t.Errorf("%s (%s) has the %s %v", r.ID, r.Type, name, v)
			}
		}
	}
}

func TestDataIsGuardedAsTheEnvironmentSays(t *testing.T) {
	all := stacks(t)
	for _, env := range app.Environments() {
		policy := "Delete"
		if env.RemovalPolicy == "RETAIN" {
			policy = "Retain"
		}
		template := all["orderflow-"+env.Name]
		for _, r := range template.resources("AWS::DynamoDB::Table", "AWS::Cognito::UserPool", "AWS::SQS::Queue", "AWS::Logs::LogGroup", "AWS::SecretsManager::Secret") {
			for _, which := range []string{"DeletionPolicy", "UpdateReplacePolicy"} {
				if got := r.All[which]; got != policy {
					t.Errorf("%s: %s has the %s %v, want %s", env.Name, r.ID, which, got, policy)
				}
			}
		}
		for _, r := range template.resources("AWS::DynamoDB::Table") {
			if got := r.Properties["DeletionProtectionEnabled"]; got != env.DeletionProtection {
				t.Errorf("%s: %s has deletion protection %v, want %v", env.Name, r.ID, got, env.DeletionProtection)
			}
			if got := at(r.Properties, "PointInTimeRecoverySpecification", "PointInTimeRecoveryEnabled"); got != env.PointInTimeRecovery {
				t.Errorf("%s: %s has point-in-time recovery %v, want %v", env.Name, r.ID, got, env.PointInTimeRecovery)
			}
		}
		if got := len(template.resources("AWS::CloudWatch::Alarm")) > 0; got != env.Alarms {
			t.Errorf("%s: has alarms: %v, want %v", env.Name, got, env.Alarms)
		}
		if got := len(template.resources("AWS::WAFv2::WebACL")) > 0; got != env.WAF {
			t.Errorf("%s: has a firewall: %v, want %v", env.Name, got, env.WAF)
		}
	}
}

func alarmsTellSomebody(t reporter, template template) {
	for _, r := range template.resources("AWS::CloudWatch::Alarm") {
		actions := list(r.Properties["AlarmActions"])
		if len(actions) == 0 || r.Properties["ActionsEnabled"] == false {
			t.Errorf("%s has no action, or it is switched off", r.ID)
		}
		for _, a := range actions {
			if topic, ok := template.target(a); !ok || topic.Type != "AWS::SNS::Topic" {
				t.Errorf("%s notifies %v, which is no topic of the stack", r.ID, a)
			}
		}
		if d, _ := r.Properties["AlarmDescription"].(string); d == "" {
			t.Errorf("%s does not say what it means", r.ID)
		}
	}
}

func TestNobodyChoosesTheirOwnTenant(t *testing.T) {
	each(t, func(t *testing.T, template template) {
		pools := template.resources("AWS::Cognito::UserPool")
		clients := template.resources("AWS::Cognito::UserPoolClient")
		if len(pools) != 1 || len(clients) != 1 {
			t.Fatalf("%d user pools and %d clients, want one each", len(pools), len(clients))
		}
		if at(pools[0].Properties, "AdminCreateUserConfig", "AllowAdminCreateUserOnly") != true {
			t.Error("anybody can sign up")
		}
		found := false
		for _, a := range list(pools[0].Properties["Schema"]) {
			if at(a, "Name") == "tenant" {
				found = true
				if at(a, "Mutable") != false {
					t.Error("the tenant can be changed")
				}
			}
		}
		if !found {
			t.Error("there is no attribute tenant")
		}
		writable := list(clients[0].Properties["WriteAttributes"])
		if len(writable) == 0 {
			t.Error("the client may write every attribute")
		}
		for _, a := range writable {
			if strings.HasPrefix(a.(string), "custom:") {
				t.Errorf("the client may write %s", a)
			}
		}
	})
}
