package test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsapigateway"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsdynamodb"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssqs"
	"github.com/aws/jsii-runtime-go"

	"github.com/orderflow-cdk/orderflow/constructs/asyncapi"
	"github.com/orderflow-cdk/orderflow/constructs/gofunction"
	"github.com/orderflow-cdk/orderflow/constructs/orderworkflow"
	"github.com/orderflow-cdk/orderflow/constructs/statusnotifier"
	"github.com/orderflow-cdk/orderflow/internal/config"
	"github.com/orderflow-cdk/orderflow/internal/handler"
	"github.com/orderflow-cdk/orderflow/internal/order"
)

// The constructs have options that the app does not use. Each of these templates
// is a whole order flow with some of them, which test/scenarios runs.
func TestTemplatesOfVariants(t *testing.T) {
	for _, variant := range []struct {
		name  string
		build func(*variant)
	}{
		{"express flow of a FIFO queue by order with API keys", func(v *variant) {
			w := v.workflow(orderworkflow.Express, v.reserve(), v.charge(), v.ship())
			api := v.api(w, asyncapi.Props{
				Authorizer: asyncapi.APIKey(asyncapi.Plan{
					Throttle: asyncapi.Throttle{Rate: 5, Burst: 20}, PerDay: 400,
				}),
				Model: asyncapi.JSONSchema(order.SchemaJSON()),
				Queue: asyncapi.FIFO(asyncapi.GroupByOrder),
			})
			for _, tenant := range []string{"Acme", "Globex"} {
				key := api.AddKey(tenant)
				v.output(tenant+"KeyId", key.KeyId())
				// API Gateway would think of a value that the test cannot know.
				key.Node().DefaultChild().(awsapigateway.CfnApiKey).SetValue(jsii.String(strings.ToLower(tenant) + "-has-this-api-key"))
			}
		}},
		{"FIFO queue by tenant with a Lambda authorizer", func(v *variant) {
			w := v.workflow(orderworkflow.Standard, v.reserve(), v.charge(), v.ship())
			v.api(w, asyncapi.Props{
				Authorizer: asyncapi.LambdaAuthorizer(v.function("Authorize", "authorize", nil), "tenant"),
				Model:      asyncapi.JSONSchema(order.SchemaJSON()),
				Queue:      asyncapi.FIFO(asyncapi.GroupByTenant),
				CORS:       &asyncapi.CORS{AllowOrigin: "https://shop.example", MaxAge: 10 * time.Minute},
				RetryAfter: 7 * time.Second,
			})
		}},
		{"approval and notice without authorizer", func(v *variant) {
			notices := awssqs.NewQueue(v.Stack, jsii.String("Notices"), nil)
			v.output("NoticesUrl", notices.QueueUrl())
			approve := v.function("Approve", "approve", nil)
			w := v.workflow(orderworkflow.Standard, v.reserve(),
				orderworkflow.Step{
					Name: "Approve", Status: "APPROVED", WaitForCallback: true,
					Timeout: 2 * time.Hour, Heartbeat: 30 * time.Minute,
					Run: orderworkflow.Function(approve), Compensation: orderworkflow.NoCompensation,
					Retry: orderworkflow.Retry{MaxAttempts: -1}, Rejections: []string{"NotApproved"},
				},
				orderworkflow.Step{
					Name: "Notify", Status: "NOTIFIED",
					Run: orderworkflow.Integration(orderworkflow.ServiceIntegration{
						Resource: "arn:aws:states:::sqs:sendMessage",
						Arguments: map[string]any{
							"QueueUrl":    *notices.QueueUrl(),
							"MessageBody": "{% $states.context.Execution.Input.orderId & ' by ' & $results.Approve.by %}",
						},
						Result: "{'notice': $states.result.MessageId}",
					}),
					Compensation: orderworkflow.NoCompensation,
				},
				v.ship(),
			)
			approve.AddEnvironment(jsii.String(config.OrdersTableName), w.Table.TableName(), nil)
			w.GrantRecord(approve.Role())
			w.GrantCallback(approve.Role())
			notices.GrantSendMessages(w.StateMachine)
			v.api(w, asyncapi.Props{Authorizer: asyncapi.Unauthenticated("dev"), Path: "purchase-orders", Stage: "v1"})
		}},
	} {
		t.Run(variant.name, func(t *testing.T) {
			got := synth(t, func(s awscdk.Stack) { variant.build(newVariant(t, s)) })
			compare(t, filepath.Join("scenarios", "testdata", strings.TrimSuffix(filename(variant.name), ".json")+".template.json"), got)
		})
	}
}

// variant is an order flow with the app's functions, put together differently.
type variant struct {
	awscdk.Stack
	assets    string
	inventory awsdynamodb.Table
}

func newVariant(t *testing.T, s awscdk.Stack) *variant {
	t.Helper()
	v := &variant{Stack: s, assets: filepath.Join(bootstraps(t), "arm64")}
	for _, name := range []string{"approve", "authorize"} {
		if err := os.Mkdir(filepath.Join(v.assets, name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(v.assets, name, "bootstrap"), []byte("#!/bin/sh\n"), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	v.inventory = awsdynamodb.NewTable(s, jsii.String("Inventory"), &awsdynamodb.TableProps{
		PartitionKey: &awsdynamodb.Attribute{Name: jsii.String("pk"), Type: awsdynamodb.AttributeType_STRING},
		BillingMode:  awsdynamodb.BillingMode_PAY_PER_REQUEST,
	})
	v.output("InventoryTableName", v.inventory.TableName())
	return v
}

func (v *variant) output(id string, value *string) {
	awscdk.NewCfnOutput(v.Stack, jsii.String(id), &awscdk.CfnOutputProps{Value: value})
}

func (v *variant) function(id, name string, environment map[string]string) awslambda.Function {
	all := map[string]string{config.LogLevel: "INFO", config.MetricsNamespace: "orderflow/variant"}
	for k, value := range environment {
		all[k] = value
	}
	return gofunction.New(v.Stack, id, gofunction.Props{
		Name: name, AssetDir: filepath.Join(v.assets, name), Timeout: 10 * time.Second, Environment: all,
	}).Function
}

// warehouse is a function that works on the inventory.
func (v *variant) warehouse(id, name string, environment map[string]string) orderworkflow.Runner {
	all := map[string]string{config.InventoryTableName: *v.inventory.TableName()}
	for k, value := range environment {
		all[k] = value
	}
	f := v.function(id, name, all)
	v.inventory.GrantReadWriteData(f)
	return orderworkflow.Function(f)
}

func (v *variant) reserve() orderworkflow.Step {
	forever := map[string]string{config.RetentionDays: "0"}
	return orderworkflow.Step{
		Name: "Reserve", Status: string(order.Reserved), Rejections: []string{"OutOfStock", "UnknownSku"},
		Run: v.warehouse("Reserve", handler.Reserve, forever), Compensation: v.warehouse("Release", handler.Release, forever),
	}
}

func (v *variant) charge() orderworkflow.Step {
	sandbox := map[string]string{config.PaymentProvider: config.ProviderSandbox}
	return orderworkflow.Step{
		Name: "Charge", Status: string(order.Paid), Rejections: []string{"PaymentDeclined"},
		Run:          v.warehouse("Charge", handler.Charge, sandbox),
		Compensation: orderworkflow.Function(v.function("Refund", handler.Refund, sandbox)),
	}
}

func (v *variant) ship() orderworkflow.Step {
	return orderworkflow.Step{
		Name: "Ship", Status: string(order.Completed),
		Run: v.warehouse("Ship", handler.Ship, nil), Compensation: orderworkflow.NoCompensation,
	}
}

func (v *variant) workflow(kind orderworkflow.Kind, steps ...orderworkflow.Step) *orderworkflow.OrderWorkflow {
	w := orderworkflow.New(v.Stack, "Workflow", orderworkflow.Props{Kind: kind, Steps: steps})
	v.output("OrdersTableName", w.Table.TableName())
	v.output("StateMachineArn", w.StateMachine.StateMachineArn())
	return w
}

func (v *variant) api(w *orderworkflow.OrderWorkflow, props asyncapi.Props) *asyncapi.AsyncApi {
	intake := v.function("Intake", handler.Intake, map[string]string{
		config.OrdersTableName: *w.Table.TableName(),
		config.StateMachineARN: *w.StateMachine.StateMachineArn(),
		config.RetentionDays:   "0",
	})
	w.GrantRecord(intake.Role())
	w.GrantStart(intake.Role())
	props.Consumer = intake
	api := asyncapi.New(v.Stack, "Api", props)
	statusnotifier.New(v.Stack, "Status", statusnotifier.Props{API: api, Table: w.Table})
	v.output("QueueUrl", api.Queue.QueueUrl())
	v.output("DeadLetterQueueUrl", api.DeadLetterQueue.QueueUrl())
	v.output("DeadLetterQueueArn", api.DeadLetterQueue.QueueArn())
	return api
}
