package asyncapi_test

import (
	"fmt"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awscognito"
	"github.com/aws/jsii-runtime-go"

	"github.com/orderflow-cdk/orderflow/constructs/asyncapi"
)

func Example() {
	stack := awscdk.NewStack(awscdk.NewApp(nil), jsii.String("Shop"), nil)
	users := awscognito.NewUserPool(stack, jsii.String("Users"), nil)

	api := asyncapi.New(stack, "Orders", asyncapi.Props{
		Authorizer: asyncapi.CognitoUserPool(users, "custom:tenant"),
		Model:      asyncapi.JSONSchema(`{"type":"object","required":["items"]}`),
	})

	fmt.Println(*api.Node().Path(), *api.Submit.HttpMethod(), *api.Resource.Path())
	fmt.Println("an order reaches the consumer within", api.AcceptanceWindow(), "or never")
	// Output:
	// Shop/Orders POST /orders
	// an order reaches the consumer within 432h0m0s or never
}

func ExampleProps_Validate() {
	err := asyncapi.Props{MaxReceiveCount: 2000, BatchSize: 100}.Validate()
	fmt.Println(err)
	// Output:
	// authorizer must be given: IAM, CognitoUserPool, LambdaAuthorizer, APIKey or Unauthenticated
	// batch window must be at least 1s for a batch size above 10, got 0s for 100
	// max receive count must be 1–1000, got 2000
}
