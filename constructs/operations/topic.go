package operations

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awscloudwatchactions"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awskms"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssns"
	"github.com/aws/jsii-runtime-go"
)

// makeTopic makes an encrypted topic to which CloudWatch's alarms of this account may publish. That needs
// a key of our own: the policy of the one that SNS manages does not admit CloudWatch.
func (o *Operations) makeTopic() {
	defer func() { o.action = awscloudwatchactions.NewSnsAction(o.Topic) }()
	if o.Topic = o.props.Topic; o.Topic != nil {
		return
	}
	cloudwatch := awsiam.NewServicePrincipal(jsii.String("cloudwatch.amazonaws.com"), nil)
	account := map[string]any{"StringEquals": map[string]any{"aws:SourceAccount": *awscdk.Aws_ACCOUNT_ID()}}
	o.Key = awskms.NewKey(o, jsii.String("Key"), &awskms.KeyProps{
		Description:       jsii.String("Encrypts notifications of alarms"),
		EnableKeyRotation: jsii.Bool(true),
		RemovalPolicy:     awscdk.RemovalPolicy_DESTROY, // Nothing is stored under it.
	})
	o.Key.AddToResourcePolicy(awsiam.NewPolicyStatement(&awsiam.PolicyStatementProps{
		Principals: &[]awsiam.IPrincipal{cloudwatch},
		Actions:    jsii.Strings("kms:Decrypt", "kms:GenerateDataKey*"),
		Resources:  jsii.Strings("*"), // In a key's policy, "*" is that key.
		Conditions: &account,
	}), nil)
	topic := awssns.NewTopic(o, jsii.String("Topic"), &awssns.TopicProps{
		MasterKey:  o.Key,
		EnforceSSL: jsii.Bool(true),
	})
	topic.AddToResourcePolicy(awsiam.NewPolicyStatement(&awsiam.PolicyStatementProps{
		Principals: &[]awsiam.IPrincipal{cloudwatch},
		Actions:    jsii.Strings("sns:Publish"),
		Resources:  &[]*string{topic.TopicArn()},
		Conditions: &account,
	}))
	o.Topic = topic
}
