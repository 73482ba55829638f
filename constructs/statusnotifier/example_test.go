package statusnotifier_test

import (
	"fmt"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsdynamodb"
	"github.com/aws/jsii-runtime-go"

	"github.com/orderflow-cdk/orderflow/constructs/asyncapi"
	"github.com/orderflow-cdk/orderflow/constructs/statusnotifier"
)

func Example() {
	stack := awscdk.NewStack(awscdk.NewApp(nil), jsii.String("Shop"), nil)
	orders := awsdynamodb.NewTableV2(stack, jsii.String("OrdersTable"), &awsdynamodb.TablePropsV2{
		PartitionKey: &awsdynamodb.Attribute{Name: jsii.String("pk"), Type: awsdynamodb.AttributeType_STRING},
		SortKey:      &awsdynamodb.Attribute{Name: jsii.String("sk"), Type: awsdynamodb.AttributeType_STRING},
	})
	api := asyncapi.New(stack, "Orders", asyncapi.Props{Authorizer: asyncapi.IAM(asyncapi.TenantAccount)})

	status := statusnotifier.New(stack, "Status", statusnotifier.Props{API: api, Table: orders})

	fmt.Println(*status.GetStatus.HttpMethod(), *status.Status.Path())
	fmt.Println(*status.Cancel.HttpMethod(), *status.Status.Path())
	fmt.Println(*status.GetOrder.HttpMethod(), *status.Order.Path())
	// Output:
	// GET /orders/{orderId}/status
	// DELETE /orders/{orderId}/status
	// GET /orders/{orderId}
}
