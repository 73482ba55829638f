package orderworkflow_test

import (
	"fmt"
	"testing"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssqs"
	"github.com/aws/jsii-runtime-go"

	"github.com/orderflow-cdk/orderflow/constructs/internal/cdktest"
	"github.com/orderflow-cdk/orderflow/constructs/orderworkflow"
)

func TestMain(m *testing.M) { cdktest.Main(m) }

// Documents are converted by a function, and then announced by a message that
// Step Functions sends itself.
func Example() {
	stack := awscdk.NewStack(awscdk.NewApp(nil), jsii.String("Documents"), nil)
	convert := awslambda.Function_FromFunctionName(stack, jsii.String("Convert"), jsii.String("convert"))
	news := awssqs.NewQueue(stack, jsii.String("News"), nil)

	workflow := orderworkflow.New(stack, "Conversion", orderworkflow.Props{
		Initial: "RECEIVED", Rejected: "UNREADABLE",
		Steps: []orderworkflow.Step{
			{Name: "Convert", Status: "CONVERTED", Run: orderworkflow.Function(convert),
				Compensation: orderworkflow.NoCompensation, Rejections: []string{"Corrupt"}},
			{Name: "Announce", Status: "ANNOUNCED", Compensation: orderworkflow.NoCompensation,
				Run: orderworkflow.Integration(orderworkflow.ServiceIntegration{
					Resource: "arn:aws:states:::sqs:sendMessage",
					Arguments: map[string]any{
						"QueueUrl":    *news.QueueUrl(),
						"MessageBody": "{% $states.context.Execution.Input.orderId & ': ' & $results.Convert.pages & ' pages' %}",
					},
					Result: "{'message': $states.result.MessageId}",
					Permissions: []awsiam.PolicyStatement{awsiam.NewPolicyStatement(&awsiam.PolicyStatementProps{
						Actions: jsii.Strings("sqs:SendMessage"), Resources: jsii.Strings(*news.QueueArn()),
					})},
				})},
		},
	})

	fmt.Println(*workflow.Node().Path(), "makes a table:", workflow.NewTable != nil)
	fmt.Println("it ends as", workflow.Final())
	// Output:
	// Documents/Conversion makes a table: true
	// it ends as [ANNOUNCED UNREADABLE FAILED CANCELLED]
}
