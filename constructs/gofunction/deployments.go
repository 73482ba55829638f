package gofunction

import (
	"time"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awscodedeploy"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"github.com/orderflow-cdk/orderflow/constructs/internal/accept"
	"github.com/orderflow-cdk/orderflow/internal/suppress"
)

// deployments is what all rollouts of a stack have in common.
type deployments struct {
	scope       constructs.Construct
	application awscodedeploy.LambdaApplication
	role        awsiam.Role
}

// deploymentsOf finds that of the stack of a function, or makes it.
func deploymentsOf(f *GoFunction) deployments {
	const id, application, role = "Rollouts", "Application", "Role"
	stack := awscdk.Stack_Of(f)
	if found, ok := stack.Node().TryFindChild(jsii.String(id)).(constructs.Construct); ok {
		return deployments{
			scope:       found,
			application: found.Node().FindChild(jsii.String(application)).(awscodedeploy.LambdaApplication),
			role:        found.Node().FindChild(jsii.String(role)).(awsiam.Role),
		}
	}
	d := deployments{scope: constructs.NewConstruct(stack, jsii.String(id))}
	d.application = awscodedeploy.NewLambdaApplication(d.scope, jsii.String(application), nil)
	d.role = awsiam.NewRole(d.scope, jsii.String(role), &awsiam.RoleProps{
		// On behalf of this application's groups alone (CodeDeploy user guide, "Cross-service confused deputy prevention").
		AssumedBy: awsiam.NewServicePrincipal(jsii.String("codedeploy.amazonaws.com"), &awsiam.ServicePrincipalOpts{
			Conditions: &map[string]any{
				"StringEquals": map[string]any{"aws:SourceAccount": stack.Account()},
				"StringLike": map[string]any{"aws:SourceArn": stack.FormatArn(&awscdk.ArnComponents{
					Service: jsii.String("codedeploy"), Resource: jsii.String("deploymentgroup"),
					ResourceName: jsii.String(*d.application.ApplicationName() + "/*"), ArnFormat: awscdk.ArnFormat_COLON_RESOURCE_NAME,
				})},
			},
		}),
		Description: jsii.String("Lets CodeDeploy shift invocations to new versions of functions."),
	})
	return d
}

// grant lets CodeDeploy move the alias of a function. That is what the managed policy AWSCodeDeployRoleForLambdaLimited has, on
// this alias alone, and without what is not used here: CloudFormation hands the revision over by itself, not
// in a bucket, and there are no hooks.
//
// Each function has a policy of its own, and the alias's ARN is put together: what waits for one alias may be what another
// function needs, as intake needs the state machine that invokes the steps.
func (d deployments) grant(f *GoFunction) {
	policy := awsiam.NewPolicy(f, jsii.String("RolloutPolicy"), &awsiam.PolicyProps{
		Roles: &[]awsiam.IRole{d.role},
		Statements: &[]awsiam.PolicyStatement{
			awsiam.NewPolicyStatement(&awsiam.PolicyStatementProps{
				Actions: jsii.Strings("lambda:GetAlias", "lambda:GetProvisionedConcurrencyConfig", "lambda:UpdateAlias"),
				// The Service Authorization Reference has the function as the resource of the actions on an alias.
				Resources: &[]*string{
					f.Function.FunctionArn(),
					awscdk.Fn_Join(jsii.String(":"), &[]*string{f.Function.FunctionArn(), jsii.String(alias)}),
				},
			}),
			awsiam.NewPolicyStatement(&awsiam.PolicyStatementProps{
				Actions: jsii.Strings("cloudwatch:DescribeAlarms"),
				// A request that does not name one alarm is about all alarms.
				Resources: &[]*string{awscdk.Stack_Of(f).FormatArn(&awscdk.ArnComponents{
					Service: jsii.String("cloudwatch"), Resource: jsii.String("alarm"), ResourceName: jsii.String("*"),
					ArnFormat: awscdk.ArnFormat_COLON_RESOURCE_NAME,
				})},
			}),
		},
	})
	stack := awscdk.Stack_Of(f)
	accept.On(policy, suppress.Rule{
		ID:      "AwsSolutions-IAM5",
		Finding: "Resource::arn:" + known(stack.Partition(), "<AWS::Partition>") + ":cloudwatch:" + known(stack.Region(), "<AWS::Region>") + ":" + known(stack.Account(), "<AWS::AccountId>") + ":alarm:*",
		Reason:  "CodeDeploy asks for several alarms at once with cloudwatch:DescribeAlarms, and CloudWatch then wants the permission for all; it only reads",
	})
	// Else the first deployment could begin without the permissions.
	f.Rollout.Node().AddDependency(policy)
}

// known is the text, or what cdk-nag writes for it where only the deployment knows it.
func known(text *string, unknown string) string {
	if *awscdk.Token_IsUnresolved(text) {
		return unknown
	}
	return *text
}

// predefined are the configurations that every account has (CodeDeploy user guide, "Deployment configurations on an AWS Lambda compute
// platform").
var predefined = map[Rollout]func() awscodedeploy.ILambdaDeploymentConfig{
	AllAtOnce():                awscodedeploy.LambdaDeploymentConfig_ALL_AT_ONCE,
	Canary(10, 5*time.Minute):  awscodedeploy.LambdaDeploymentConfig_CANARY_10PERCENT_5MINUTES,
	Canary(10, 10*time.Minute): awscodedeploy.LambdaDeploymentConfig_CANARY_10PERCENT_10MINUTES,
	Canary(10, 15*time.Minute): awscodedeploy.LambdaDeploymentConfig_CANARY_10PERCENT_15MINUTES,
	Canary(10, 30*time.Minute): awscodedeploy.LambdaDeploymentConfig_CANARY_10PERCENT_30MINUTES,
	Linear(10, time.Minute):    awscodedeploy.LambdaDeploymentConfig_LINEAR_10PERCENT_EVERY_1MINUTE,
	Linear(10, 2*time.Minute):  awscodedeploy.LambdaDeploymentConfig_LINEAR_10PERCENT_EVERY_2MINUTES,
	Linear(10, 3*time.Minute):  awscodedeploy.LambdaDeploymentConfig_LINEAR_10PERCENT_EVERY_3MINUTES,
	Linear(10, 10*time.Minute): awscodedeploy.LambdaDeploymentConfig_LINEAR_10PERCENT_EVERY_10MINUTES,
}

// configuration is CodeDeploy's own one of this kind, or one that the stack makes once.
func (d deployments) configuration(r Rollout) awscodedeploy.ILambdaDeploymentConfig {
	if own := predefined[r]; own != nil {
		return own()
	}
	if found, ok := d.scope.Node().TryFindChild(jsii.String(r.String())).(awscodedeploy.LambdaDeploymentConfig); ok {
		return found
	}
	percentage, interval := jsii.Number(r.percent), awscdk.Duration_Minutes(jsii.Number(float64(r.every/time.Minute)))
	var routing awscodedeploy.TrafficRouting
	if r.shape == linear {
		routing = awscodedeploy.TrafficRouting_TimeBasedLinear(&awscodedeploy.TimeBasedLinearTrafficRoutingProps{Percentage: percentage, Interval: interval})
	} else {
		routing = awscodedeploy.TrafficRouting_TimeBasedCanary(&awscodedeploy.TimeBasedCanaryTrafficRoutingProps{Percentage: percentage, Interval: interval})
	}
	return awscodedeploy.NewLambdaDeploymentConfig(d.scope, jsii.String(r.String()), &awscodedeploy.LambdaDeploymentConfigProps{TrafficRouting: routing})
}
