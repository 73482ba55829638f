package queuesource_test

import (
	"testing"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awskms"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambdaeventsources"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssqs"
	"github.com/aws/jsii-runtime-go"
	"github.com/google/go-cmp/cmp"

	"github.com/orderflow-cdk/orderflow/constructs/internal/cdktest"
	"github.com/orderflow-cdk/orderflow/constructs/internal/queuesource"
)

func TestMain(m *testing.M) { cdktest.Main(m) }

// synth is a stack with a function that connect has receive a queue's messages.
func synth(t *testing.T, encrypted bool, connect func(awslambda.Function, awssqs.Queue)) cdktest.Template {
	t.Helper()
	stack := cdktest.Stack()
	props := &awssqs.QueueProps{}
	if encrypted {
		props.EncryptionMasterKey = awskms.NewKey(stack, jsii.String("Key"), nil)
	}
	function := awslambda.NewFunction(stack, jsii.String("Function"), &awslambda.FunctionProps{
		Runtime: awslambda.Runtime_NODEJS_22_X(), Handler: jsii.String("index.handler"), Code: awslambda.Code_FromInline(jsii.String("-")),
		Timeout: awscdk.Duration_Seconds(jsii.Number(5)),
	})
	connect(function, awssqs.NewQueue(stack, jsii.String("Queue"), props))
	return cdktest.Synth(t, stack)
}

func ours(f awslambda.Function, q awssqs.Queue) {
	queuesource.Add(f, q, awslambda.EventSourceMappingOptions{BatchSize: jsii.Number(7), ReportBatchItemFailures: jsii.Bool(true)})
}

// A deployed mapping of the CDK's stays the one it is.
func TestMappingIsThatOfTheCDK(t *testing.T) {
	want := synth(t, false, func(f awslambda.Function, q awssqs.Queue) {
		f.AddEventSource(awslambdaeventsources.NewSqsEventSource(q, &awslambdaeventsources.SqsEventSourceProps{
			BatchSize: jsii.Number(7), ReportBatchItemFailures: jsii.Bool(true)}))
	}).One(t, "AWS::Lambda::EventSourceMapping", "")
	got := synth(t, false, ours).One(t, "AWS::Lambda::EventSourceMapping", "")
	if got.ID != want.ID {
		t.Errorf("got the logical id %s, want %s", got.ID, want.ID)
	}
	if diff := cmp.Diff(want.Properties, got.Properties); diff != "" {
		t.Errorf("properties (-want +got):\n%s", diff)
	}
}

func TestGrantsWhatAMappingNeeds(t *testing.T) {
	for name, encrypted := range map[string]bool{"a key of SQS": false, "a key of the account": true} {
		t.Run(name, func(t *testing.T) {
			template := synth(t, encrypted, ours)
			want := []any{map[string]any{
				"Action": []any{"sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"}, "Effect": "Allow",
				"Resource": map[string]any{"Fn::GetAtt": []any{template.One(t, "AWS::SQS::Queue", "").ID, "Arn"}},
			}}
			if encrypted {
				want = append(want, map[string]any{
					"Action": "kms:Decrypt", "Effect": "Allow",
					"Resource": map[string]any{"Fn::GetAtt": []any{template.One(t, "AWS::KMS::Key", "").ID, "Arn"}},
				})
			}
			if diff := cmp.Diff(any(want), template.One(t, "AWS::IAM::Policy", "Function").Get("PolicyDocument", "Statement")); diff != "" {
				t.Errorf("statements (-want +got):\n%s", diff)
			}
		})
	}
}
