// Package stack is the CDK stack of the conversion of documents, built from the constructs of
// module orderflow.
package stack

import (
	"path/filepath"
	"time"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awscognito"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsdynamodb"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssqs"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"example.com/documents/document"

	"github.com/orderflow-cdk/orderflow/constructs/asyncapi"
	"github.com/orderflow-cdk/orderflow/constructs/gofunction"
	"github.com/orderflow-cdk/orderflow/constructs/orderworkflow"
	"github.com/orderflow-cdk/orderflow/constructs/statusnotifier"
)

// CompanyClaim is the claim of an ID token that names the company for which a user acts.
const CompanyClaim = "custom:company"

// Functions are the names of all functions: this module's, and those that StatusNotifier brings.
func Functions() []string {
	return []string{"intake", "fetch", "store", "discard", "notify", "deliverwebhook", "managewebhooks"}
}

// New adds the stack to an app. assets is the folder with arm64/<function>/bootstrap.
func New(scope constructs.Construct, id, assets string) awscdk.Stack {
	stack := awscdk.NewStack(scope, &id, nil)
	function := func(id, name string, timeout time.Duration, environment map[string]string) *gofunction.GoFunction {
		return gofunction.New(stack, id, gofunction.Props{
			Name: name, AssetDir: filepath.Join(assets, "arm64", name), Timeout: timeout, Environment: environment,
		})
	}

	// What the functions want that StatusNotifier brings.
	brought := map[string]string{"LOG_LEVEL": "INFO", "METRICS_NAMESPACE": "documents"}

	files := awsdynamodb.NewTable(stack, jsii.String("Files"), &awsdynamodb.TableProps{
		PartitionKey: &awsdynamodb.Attribute{Name: jsii.String("pk"), Type: awsdynamodb.AttributeType_STRING},
		SortKey:      &awsdynamodb.Attribute{Name: jsii.String("sk"), Type: awsdynamodb.AttributeType_STRING},
		BillingMode:  awsdynamodb.BillingMode_PAY_PER_REQUEST,
	})
	filesName := map[string]string{document.FilesName: *files.TableName()}
	fetch := function("Fetch", "fetch", 30*time.Second, filesName)
	store := function("Store", "store", 10*time.Second, filesName)
	discard := function("Discard", "discard", 10*time.Second, filesName)
	files.Grant(fetch, jsii.String("dynamodb:PutItem"))
	files.Grant(store, jsii.String("dynamodb:PutItem"))
	files.Grant(discard, jsii.String("dynamodb:DeleteItem"))

	// The converter is somebody else's: it takes jobs from this queue, and reports back with the task token.
	conversions := awssqs.NewQueue(stack, jsii.String("Conversions"), &awssqs.QueueProps{EnforceSSL: jsii.Bool(true)})
	converter := awsiam.NewRole(stack, jsii.String("Converter"), &awsiam.RoleProps{AssumedBy: awsiam.NewAccountRootPrincipal()})
	conversions.GrantConsumeMessages(converter)

	workflow := orderworkflow.New(stack, "Workflow", orderworkflow.Props{
		Comment: "Takes a document from its source to its conversion",
		Initial: document.Received, Rejected: document.Refused, Failed: document.Failed, Cancelled: document.Cancelled,
		Steps: []orderworkflow.Step{{
			Name: "Fetch", Status: document.Fetched, Timeout: 30 * time.Second,
			Run: orderworkflow.Function(fetch.Function), Compensation: orderworkflow.Function(discard.Function),
			Rejections: []string{"SourceNotFound", "SourceTooLarge"},
		}, {
			Name: "Convert", Status: document.Converted, Timeout: time.Hour, WaitForCallback: true,
			Retry: orderworkflow.Retry{MaxAttempts: 1},
			Run: tell(conversions, map[string]any{
				"token": "{% $states.context.Task.Token %}", "id": "{% $states.context.Execution.Input.orderId %}",
				"key": "{% $states.context.Execution.Input.pk %}", "format": "{% $states.context.Execution.Input.order.format %}",
			}),
			Compensation: tell(conversions, map[string]any{"cancel": "{% $states.context.Execution.Input.orderId %}"}),
			Rejections:   []string{"Unreadable"},
		}, {
			Name: "Store", Status: document.Stored,
			Run: orderworkflow.Function(store.Function), Compensation: orderworkflow.Function(discard.Function),
		}},
	})
	workflow.GrantCallback(converter)

	intake := function("Intake", "intake", 30*time.Second, map[string]string{
		document.TableName: *workflow.Table.TableName(), document.MachineARN: *workflow.StateMachine.StateMachineArn(),
	})
	workflow.GrantRecord(intake)
	workflow.GrantStart(intake)

	users := awscognito.NewUserPool(stack, jsii.String("Users"), &awscognito.UserPoolProps{
		CustomAttributes: &map[string]awscognito.ICustomAttribute{
			"company": awscognito.NewStringAttribute(&awscognito.StringAttributeProps{Mutable: jsii.Bool(false)}),
		},
	})
	api := asyncapi.New(stack, "Api", asyncapi.Props{
		Path:       "documents",
		Authorizer: asyncapi.CognitoUserPool(users, CompanyClaim),
		Model:      asyncapi.JSONSchema(document.Schema()),
		Consumer:   intake.Function,
	})

	statusnotifier.New(stack, "Status", statusnotifier.Props{
		API: api, Table: workflow.Table, Final: workflow.Final(),
		Outbox: &statusnotifier.Outbox{Function: function("Notify", "notify", 30*time.Second, brought).Function},
		Topic:  &statusnotifier.Topic{},
		SignedWebhooks: &statusnotifier.SignedWebhooks{
			Deliver:  function("DeliverWebhook", "deliverwebhook", 30*time.Second, brought).Function,
			Manage:   function("ManageWebhooks", "managewebhooks", 10*time.Second, brought).Function,
			Statuses: workflow.Statuses(),
		},
		WebSocket: &statusnotifier.WebSocket{Authorizer: statusnotifier.GraphQLUserPool(users, CompanyClaim)},
	})

	output(stack, "FilesTable", files.TableName())
	output(stack, "ConversionQueue", conversions.QueueUrl())
	output(stack, "DeadLetterQueue", api.DeadLetterQueue.QueueUrl())
	output(stack, "ConverterRole", converter.RoleArn())
	return stack
}

// tell sends a message to a queue, without a function.
func tell(queue awssqs.Queue, body map[string]any) orderworkflow.Runner {
	return orderworkflow.Integration(orderworkflow.ServiceIntegration{
		Resource:  "arn:aws:states:::sqs:sendMessage",
		Arguments: map[string]any{"QueueUrl": *queue.QueueUrl(), "MessageBody": body},
		Permissions: []awsiam.PolicyStatement{awsiam.NewPolicyStatement(&awsiam.PolicyStatementProps{
			Actions: jsii.Strings("sqs:SendMessage"), Resources: jsii.Strings(*queue.QueueArn()),
		})},
	})
}

func output(stack awscdk.Stack, name string, value *string) {
	awscdk.NewCfnOutput(stack, &name, &awscdk.CfnOutputProps{Value: value})
}
