package operations_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/jsii-runtime-go"

	"github.com/orderflow-cdk/orderflow/constructs/asyncapi"
	"github.com/orderflow-cdk/orderflow/constructs/internal/cdktest"
	"github.com/orderflow-cdk/orderflow/constructs/operations"
	"github.com/orderflow-cdk/orderflow/constructs/orderworkflow"
)

func TestMain(m *testing.M) { cdktest.Main(m) }

// function is one that is made somewhere else in the stack.
func function(stack awscdk.Stack, id string, timeout time.Duration) awslambda.Function {
	return awslambda.NewFunction(stack, jsii.String(id), &awslambda.FunctionProps{
		Runtime: awslambda.Runtime_NODEJS_LATEST(), Handler: jsii.String("index.handler"),
		Code:    awslambda.Code_FromInline(jsii.String("-")),
		Timeout: awscdk.Duration_Seconds(jsii.Number(timeout.Seconds())),
	})
}

func Example() {
	stack := awscdk.NewStack(awscdk.NewApp(nil), jsii.String("Shop"), nil)
	ship := function(stack, "Ship", 20*time.Second)
	workflow := orderworkflow.New(stack, "Workflow", orderworkflow.Props{Steps: []orderworkflow.Step{
		{Name: "Ship", Status: "COMPLETED", Run: orderworkflow.Function(ship), Compensation: orderworkflow.NoCompensation},
	}})
	api := asyncapi.New(stack, "Orders", asyncapi.Props{
		Authorizer: asyncapi.IAM(asyncapi.TenantAccount), Consumer: function(stack, "Intake", 30*time.Second),
	})

	o := operations.New(stack, "Operations", operations.Props{API: api, Workflow: workflow})

	fmt.Println(*o.Alarm("OldestMessage").Node().Path())
	fmt.Println("an order may wait for", o.Thresholds.OldestOrder)
	fmt.Println("an order may take", o.Thresholds.Completion)
	// Output:
	// Shop/Operations/OldestMessage
	// an order may wait for 6m0s
	// an order may take 1m0s
}

func ExampleThresholds() {
	err := operations.Props{Thresholds: operations.Thresholds{Stalled: 7 * time.Minute, Failed: 5}}.Validate()
	fmt.Println(err)
	// Output:
	// API, workflow or status must be given: there is nothing to watch
	// threshold failed must be a share above 0 and below 1, got 5
	// threshold stalled must be a multiple of 5m0s, up to 24h0m0s, got 7m0s
}
