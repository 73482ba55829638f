package statusnotifier_test

import (
	"fmt"
	"time"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awscognito"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsdynamodb"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssqs"
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

// shop is a stack with a table that has a stream, and an API.
func shop() (awscdk.Stack, *asyncapi.AsyncApi, awsdynamodb.ITable) {
	stack := awscdk.NewStack(awscdk.NewApp(nil), jsii.String("Shop"), nil)
	orders := awsdynamodb.NewTableV2(stack, jsii.String("OrdersTable"), &awsdynamodb.TablePropsV2{
		PartitionKey: &awsdynamodb.Attribute{Name: jsii.String("pk"), Type: awsdynamodb.AttributeType_STRING},
		SortKey:      &awsdynamodb.Attribute{Name: jsii.String("sk"), Type: awsdynamodb.AttributeType_STRING},
		DynamoStream: awsdynamodb.StreamViewType_NEW_AND_OLD_IMAGES,
	})
	return stack, asyncapi.New(stack, "Orders", asyncapi.Props{Authorizer: asyncapi.IAM(asyncapi.TenantAccount)}), orders
}

func ExampleTopic() {
	stack, api, orders := shop()
	notify := newFunction(stack, "Notify") // which runs the handler notify

	status := statusnotifier.New(stack, "Status", statusnotifier.Props{
		API: api, Table: orders,
		Outbox: &statusnotifier.Outbox{Function: notify, MaxRecordAge: 2 * time.Hour},
		Topic: &statusnotifier.Topic{HTTPS: []statusnotifier.HTTPSSubscription{
			{ID: "Erp", URL: "https://erp.example/orders", Filter: statusnotifier.Filter{Tenants: []string{"acme"}}},
		}},
	})

	fmt.Println(*status.Topic.Node().Path())
	fmt.Println(*status.SubscriptionDeadLetters.Node().Path())
	// Output:
	// Shop/Status/Topic
	// Shop/Status/SubscriptionDeadLetters
}

// Another service takes part with one line.
func ExampleStatusNotifier_AddQueueSubscription() {
	stack, api, orders := shop()
	status := statusnotifier.New(stack, "Status", statusnotifier.Props{
		API: api, Table: orders,
		Outbox: &statusnotifier.Outbox{Function: newFunction(stack, "Notify")},
		Topic:  &statusnotifier.Topic{},
	})
	invoices := awssqs.NewQueue(stack, jsii.String("Invoices"), nil)

	subscription := status.AddQueueSubscription(invoices, statusnotifier.Filter{Statuses: []string{"COMPLETED"}})

	fmt.Println(*subscription.Node().Path())
	// Output:
	// Shop/Invoices/ShopStatusTopic12B2094D
}

func ExampleSignedWebhooks() {
	stack, api, orders := shop()

	status := statusnotifier.New(stack, "Status", statusnotifier.Props{
		API: api, Table: orders,
		Outbox: &statusnotifier.Outbox{Function: newFunction(stack, "Notify")},
		Topic:  &statusnotifier.Topic{},
		SignedWebhooks: &statusnotifier.SignedWebhooks{
			Deliver: newFunctionOf(stack, "DeliverWebhook", 30), // which runs the handler deliverwebhook
			Manage:  newFunctionOf(stack, "ManageWebhooks", 10), // which runs the handler managewebhooks
		},
	})

	fmt.Println(*status.Webhooks.Path())
	fmt.Println(*status.Webhook.Path())
	// Output:
	// /webhooks
	// /webhooks/{webhookId}
}

func ExampleWebSocket() {
	stack, api, orders := shop()
	users := awscognito.NewUserPool(stack, jsii.String("Users"), nil)

	status := statusnotifier.New(stack, "Status", statusnotifier.Props{
		API: api, Table: orders,
		Outbox:    &statusnotifier.Outbox{Function: newFunction(stack, "Notify")},
		WebSocket: &statusnotifier.WebSocket{Authorizer: statusnotifier.GraphQLUserPool(users, "custom:tenant")},
	})

	for _, mode := range *status.GraphQL.Modes() {
		fmt.Println(mode)
	}
	// Output:
	// USER_POOL
	// IAM
}
