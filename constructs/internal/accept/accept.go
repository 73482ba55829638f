// Package accept says beside a construct's resources which findings of cdk-nag and cfn-lint on them are
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
	suppress.Nag(construct.Node().DefaultChild().(awscdk.CfnResource), rules...)
}

// RoleTwice accepts that a resource depends on its role by a reference and explicitly as well. The CDK wants the role's
// policy to be there first, and has no way to say so without the role.
func RoleTwice(construct constructs.IConstruct) {
	suppress.Lint(construct.Node().DefaultChild().(awscdk.CfnResource), "W3005",
		"the CDK has it wait for its role's policy, and then names the role too, which is redundant and not wrong")
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
