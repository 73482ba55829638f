// Package accept says beside a construct's resources which findings of cdk-nag on them are
// inherent in the construct, and why: a stack that it becomes a part of has nothing to add.
package accept

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/constructs-go/constructs/v10"

	"github.com/orderflow-cdk/orderflow/internal/suppress"
)

// On accepts findings on the resource of a construct.
func On(construct constructs.IConstruct, rules ...suppress.Rule) {
	resource, ok := construct.Node().DefaultChild().(awscdk.CfnResource)
	if !ok {
		resource = construct.(awscdk.CfnResource)
	}
	suppress.Nag(resource, rules...)
}

// AnyResource accepts that what was granted to a role names all resources, for actions for which IAM knows no
// narrower ones. Of a role whose policy is not in the stack there is nothing to accept.
func AnyResource(role awsiam.IRole, reason string) {
	const policy = "DefaultPolicy" // The id that the CDK gives to what is granted to a role.
	id := policy
	if made := role.Node().TryFindChild(&id); made != nil {
		On(made, suppress.Rule{ID: "AwsSolutions-IAM5", Finding: "Resource::*", Reason: reason})
	}
}
