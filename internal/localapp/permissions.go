package localapp

import "github.com/orderflow-cdk/orderflow/local"

// Explanations says why permissions are in the app's templates that no local run needs. What is not
// in it is needed: test/permissions takes away each and sees what fails.
func Explanations() []local.Explanation {
	const alarms = "CloudWatch tells the topic of alarms, and no alarm is evaluated in a local run."
	const rollouts = "CodeDeploy shifts aliases to new versions when they are deployed, and in a local run an alias has its version from the start."
	return []local.Explanation{
		{To: "codedeploy.amazonaws.com", Action: "sts:AssumeRole", Resource: "*", Why: rollouts},
		{To: "RolloutsRole*", Action: "lambda:*", Resource: "*", Why: rollouts},
		{To: "RolloutsRole*", Action: "cloudwatch:DescribeAlarms", Resource: "*", Why: rollouts},
		{To: "cloudwatch.amazonaws.com", Action: "sns:Publish", Resource: "AlarmsTopic*", Why: alarms},
		{To: "cloudwatch.amazonaws.com", Action: "kms:Decrypt", Resource: "*", Why: alarms},
		{To: "cloudwatch.amazonaws.com", Action: "kms:GenerateDataKey*", Resource: "*", Why: alarms},
		{To: "arn:aws:iam::*", Action: "kms:*", Resource: "*", Why: "Without it nobody could manage the key (KMS Developer Guide, \"Default key policy\")."},
	}
}
