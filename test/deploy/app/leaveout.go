package main

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awscloudwatch"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/jsii-runtime-go"
)

// unknown are the types that MiniStack 1.5.33 refuses ("Unrecognized resource types"), each with what the deployment
// then proves nothing of.
var unknown = map[string]string{
	"AWS::CloudWatch::CompositeAlarm":   "alarms of alarms",
	"AWS::CodeDeploy::Application":      "gradual deployments",
	"AWS::CodeDeploy::DeploymentConfig": "gradual deployments",
	"AWS::CodeDeploy::DeploymentGroup":  "gradual deployments",
	"AWS::WAFv2::WebACLAssociation":     "the firewall's place before the API",
}

// leaveOut takes what MiniStack cannot make out of a stack, so that the rest can be deployed, and says what that was.
// A resource's place is kept by one that does nothing, since others refer to it.
func leaveOut(stack awscdk.Stack, w io.Writer) error {
	if !*stack.Node().TryRemoveChild(jsii.String("GraphQLRealtimeUrl")) {
		return errors.New("the stack has no output GraphQLRealtimeUrl any more")
	}
	_, _ = fmt.Fprintln(w, "left out: the output GraphQLRealtimeUrl, an attribute of AWS::AppSync::GraphQLApi that MiniStack does not have")

	counts := map[string]int{}
	for _, c := range *stack.Node().FindAll("PREORDER") {
		r, ok := c.(awscdk.CfnResource)
		if !ok {
			continue
		}
		kind := *r.CfnResourceType()
		if unknown[kind] != "" {
			counts[fmt.Sprintf("%s: nothing is proved of %s", kind, unknown[kind])]++
			r.AddOverride(jsii.String("Type"), "AWS::CloudFormation::WaitConditionHandle")
			r.AddDeletionOverride(jsii.String("Properties"))
		}
		switch r := c.(type) {
		case awscloudwatch.CfnAlarm:
			if r.Metrics() != nil {
				counts[kind+" on an expression: an alarm on one metric stands for it"]++
				r.AddPropertyDeletionOverride(jsii.String("Metrics"))
				r.AddPropertyOverride(jsii.String("Namespace"), "AWS/Lambda")
				r.AddPropertyOverride(jsii.String("MetricName"), "Errors")
				r.AddPropertyOverride(jsii.String("Statistic"), "Sum")
				r.AddPropertyOverride(jsii.String("Period"), 60)
			}
		case awslambda.CfnAlias:
			r.AddDeletionOverride(jsii.String("UpdatePolicy"))
		}
	}
	for _, what := range slices.Sorted(maps.Keys(counts)) {
		_, _ = fmt.Fprintf(w, "left out: %d × %s\n", counts[what], what)
	}
	return nil
}
