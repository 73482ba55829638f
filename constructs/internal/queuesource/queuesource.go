// Package queuesource has functions receive the messages of queues, with the permissions
// that this takes and no others. The CDK's SqsEventSource grants whatever code that
// receives by itself might want.
package queuesource

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssqs"
	"github.com/aws/jsii-runtime-go"

	"github.com/orderflow-cdk/orderflow/constructs/internal/aliased"
)

// Add has a function, or an alias of one, receive a queue's messages. It sets the source of options.
//
// The mapping has the construct id that SqsEventSource gives it, below the function also when it
// invokes an alias: with another one CloudFormation would make a second mapping of the same queue
// and function before it deletes the first, which Lambda refuses. So a function that gets an
// alias keeps its mapping, which is updated.
func Add(function awslambda.IFunction, queue awssqs.IQueue, options awslambda.EventSourceMappingOptions) awslambda.EventSourceMapping {
	options.EventSourceArn = queue.QueueArn()
	mapping := aliased.AddEventSourceMapping(function, "SqsEventSource:"+*awscdk.Names_NodeUniqueId(queue.Node()), &options)
	// Lambda Developer Guide, "Using Lambda with Amazon SQS", execution role permissions.
	queue.Grant(function, jsii.String("sqs:ReceiveMessage"), jsii.String("sqs:DeleteMessage"), jsii.String("sqs:GetQueueAttributes"))
	if key := queue.EncryptionMasterKey(); key != nil {
		key.GrantDecrypt(function)
	}
	return mapping
}
