// Prints the definition that the CDK's own constructs make of a workflow, with its defaults: JSONPath,
// the task states of aws-stepfunctions-tasks with their retries, Chain, Choice, Map, Parallel.
//
//	go run ./local/internal/states/testdata/cdk > local/internal/states/testdata/cdk.json
//
// The ids of resources stand for their names and ARNs.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"

	cdk "github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsdynamodb"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssns"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssqs"
	sfn "github.com/aws/aws-cdk-go/awscdk/v2/awsstepfunctions"
	tasks "github.com/aws/aws-cdk-go/awscdk/v2/awsstepfunctionstasks"
	"github.com/aws/jsii-runtime-go"
)

func main() {
	defer jsii.Close()
	app := cdk.NewApp(nil)
	stack := cdk.NewStack(app, jsii.String("S"), nil)
	str := jsii.String
	seconds := func(n float64) cdk.Duration { return cdk.Duration_Seconds(jsii.Number(n)) }
	function := func(id string) awslambda.IFunction {
		return awslambda.NewFunction(stack, str(id), &awslambda.FunctionProps{
			Runtime: awslambda.Runtime_NODEJS_22_X(), Handler: str("index.handler"), Code: awslambda.Code_FromInline(str("exports.handler=async e=>e")),
		})
	}
	queue := awssqs.NewQueue(stack, str("Queue"), nil)
	topic := awssns.NewTopic(stack, str("Topic"), nil)
	table := awsdynamodb.NewTable(stack, str("Table"), &awsdynamodb.TableProps{PartitionKey: &awsdynamodb.Attribute{Name: str("id"), Type: awsdynamodb.AttributeType_STRING}})

	failed := sfn.NewFail(stack, str("Failed"), &sfn.FailProps{ErrorPath: str("$.failure.Error"), CausePath: sfn.JsonPath_Format(str("{} of order {}"), sfn.JsonPath_StringAt(str("$.failure.Cause")), sfn.JsonPath_StringAt(str("$.id")))})
	small := sfn.NewPass(stack, str("Small"), &sfn.PassProps{Result: sfn.Result_FromObject(&map[string]any{"size": "small"}), ResultPath: str("$.kind")})
	large := sfn.NewPass(stack, str("Large"), &sfn.PassProps{Parameters: &map[string]any{
		"size": "large", "half": sfn.JsonPath_MathAdd(sfn.JsonPath_NumberAt(str("$.validated.total")), jsii.Number(-100)), "at": sfn.JsonPath_ExecutionName(),
	}, ResultPath: str("$.kind")})

	validate := tasks.NewLambdaInvoke(stack, str("Validate"), &tasks.LambdaInvokeProps{
		LambdaFunction: function("ValidateFunction"), PayloadResponseOnly: jsii.Bool(true), ResultPath: str("$.validated"),
	})
	price := tasks.NewLambdaInvoke(stack, str("Price"), &tasks.LambdaInvokeProps{
		LambdaFunction: function("PriceFunction"), Payload: sfn.TaskInput_FromObject(&map[string]any{"item": sfn.JsonPath_ObjectAt(str("$.item")), "n": sfn.JsonPath_NumberAt(str("$.n"))}),
		ResultSelector: &map[string]any{"price": sfn.JsonPath_NumberAt(str("$.Payload.price"))},
	})
	price.AddRetry(&sfn.RetryProps{Errors: jsii.Strings("Busy"), Interval: seconds(3), MaxAttempts: jsii.Number(2), BackoffRate: jsii.Number(1.5)})
	each := sfn.NewMap(stack, str("Each"), &sfn.MapProps{
		ItemsPath: sfn.JsonPath_StringAt(str("$.items")), MaxConcurrency: jsii.Number(2), ResultPath: str("$.prices"),
		ItemSelector: &map[string]any{"item": sfn.JsonPath_StringAt(str("$$.Map.Item.Value")), "n": sfn.JsonPath_NumberAt(str("$$.Map.Item.Index"))},
	})
	each.ItemProcessor(price, nil)

	put := tasks.NewDynamoPutItem(stack, str("Put"), &tasks.DynamoPutItemProps{Table: table, Item: &map[string]tasks.DynamoAttributeValue{
		"id": tasks.DynamoAttributeValue_FromString(sfn.JsonPath_StringAt(str("$.id"))), "total": tasks.DynamoAttributeValue_NumberFromString(sfn.JsonPath_Format(str("{}"), sfn.JsonPath_StringAt(str("$.validated.total")))),
	}, ResultPath: sfn.JsonPath_DISCARD()})
	approve := tasks.NewSqsSendMessage(stack, str("Approve"), &tasks.SqsSendMessageProps{
		Queue: queue, IntegrationPattern: sfn.IntegrationPattern_WAIT_FOR_TASK_TOKEN, TaskTimeout: sfn.Timeout_Duration(cdk.Duration_Minutes(jsii.Number(10))),
		MessageBody: sfn.TaskInput_FromObject(&map[string]any{"token": sfn.JsonPath_TaskToken(), "id": sfn.JsonPath_StringAt(str("$.id"))}),
	})
	publish := tasks.NewSnsPublish(stack, str("Publish"), &tasks.SnsPublishProps{Topic: topic, Message: sfn.TaskInput_FromJsonPathAt(str("$.id"))})
	both := sfn.NewParallel(stack, str("Both"), &sfn.ParallelProps{
		ResultSelector: &map[string]any{"approved": sfn.JsonPath_StringAt(str("$[0].by")), "message": sfn.JsonPath_StringAt(str("$[1].MessageId"))}, ResultPath: str("$.both"),
	})
	both.Branch(approve, sfn.Chain_Start(put).Next(publish))
	both.AddCatch(failed, &sfn.CatchProps{ResultPath: str("$.failure")})
	done := sfn.NewSucceed(stack, str("Done"), &sfn.SucceedProps{OutputPath: str("$.both")})
	pause := sfn.NewWait(stack, str("Pause"), &sfn.WaitProps{Time: sfn.WaitTime_SecondsPath(str("$.pause"))})

	size := sfn.NewChoice(stack, str("Size"), nil)
	size.When(sfn.Condition_And(sfn.Condition_IsPresent(str("$.validated.total")), sfn.Condition_NumberGreaterThan(str("$.validated.total"), jsii.Number(100))), large, nil)
	size.When(sfn.Condition_Not(sfn.Condition_StringMatches(str("$.id"), str("o-*"))), failed, nil)
	size.Otherwise(small)
	body := sfn.Chain_Start(validate).Next(size.Afterwards(nil)).Next(each).Next(pause).Next(both).Next(done)
	machine := sfn.NewStateMachine(stack, str("Machine"), &sfn.StateMachineProps{DefinitionBody: sfn.DefinitionBody_FromChainable(body), Timeout: cdk.Duration_Hours(jsii.Number(1))})

	resolved := stack.Resolve(machine.Node().DefaultChild().(sfn.CfnStateMachine).DefinitionString())
	var definition any
	if err := json.Unmarshal([]byte(text(resolved)), &definition); err != nil {
		panic(err)
	}
	enc := json.NewEncoder(os.Stdout)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	if err := enc.Encode(definition); err != nil {
		panic(err)
	}
}

// text writes a value with intrinsic functions as the text that CloudFormation would make of it.
func text(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case map[string]any:
		if join, ok := v["Fn::Join"].([]any); ok {
			var parts []string
			for _, p := range join[1].([]any) {
				parts = append(parts, text(p))
			}
			return strings.Join(parts, join[0].(string))
		}
		if ref, ok := v["Ref"].(string); ok {
			if ref == "AWS::Partition" {
				return "aws"
			}
			return ref
		}
		if get, ok := v["Fn::GetAtt"].([]any); ok {
			return "arn:aws:lambda:eu-west-1:123456789012:function:" + get[0].(string)
		}
	}
	panic(fmt.Sprintf("%v", v))
}
