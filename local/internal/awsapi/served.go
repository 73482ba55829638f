package awsapi

import (
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/orderflow-cdk/orderflow/local/internal/api"
)

// Served is a service that is served, as far as it is.
type Served struct {
	// Name is the service's, as api.Call has it; Title is what AWS calls it.
	Name, Title string
	// Actions are those that are served, sorted.
	Actions []string
	// Resources says how what the other actions would make comes into being.
	Resources string
}

// Services are those that are served.
var Services = []Served{
	{"sqs", "Amazon SQS", strings.Fields(`CancelMessageMoveTask ChangeMessageVisibility ChangeMessageVisibilityBatch DeleteMessage
		DeleteMessageBatch GetQueueAttributes GetQueueUrl ListDeadLetterSourceQueues ListMessageMoveTasks ListQueues PurgeQueue
		ReceiveMessage SendMessage SendMessageBatch SetQueueAttributes StartMessageMoveTask`), "queues come from the template"},
	{"dynamodb", "Amazon DynamoDB, with its streams", strings.Fields(`BatchGetItem BatchWriteItem DeleteItem DescribeStream DescribeTable
		DescribeTimeToLive GetItem GetRecords GetShardIterator ListStreams ListTables PutItem Query Scan TransactGetItems TransactWriteItems
		UpdateItem`), "tables come from the template"},
	{"states", "AWS Step Functions", strings.Fields(`DescribeExecution DescribeStateMachine DescribeStateMachineForExecution GetExecutionHistory
		ListExecutions ListStateMachines RedriveExecution SendTaskFailure SendTaskHeartbeat SendTaskSuccess StartExecution StartSyncExecution
		StopExecution`), "state machines come from the template"},
	{"sns", "Amazon SNS", strings.Fields(`ConfirmSubscription GetSubscriptionAttributes GetTopicAttributes ListSubscriptions
		ListSubscriptionsByTopic ListTopics Publish PublishBatch SetSubscriptionAttributes SetTopicAttributes Subscribe
		Unsubscribe`), "topics come from the template"},
	{"lambda", "AWS Lambda", strings.Fields(`GetAlias GetEventSourceMapping GetFunction GetFunctionConcurrency GetFunctionConfiguration Invoke ListAliases
		ListEventSourceMappings ListFunctions ListVersionsByFunction`), "functions and mappings come from the template"},
	{"appsync", "AWS AppSync, beside the GraphQL API itself", strings.Fields(`EvaluateCode GetDataSource GetFunction GetGraphqlApi
		GetGraphqlApiEnvironmentVariables GetIntrospectionSchema GetResolver GetType ListApiKeys ListDataSources ListFunctions
		ListGraphqlApis ListResolvers ListResolversByFunction ListTypes`), "APIs, their schemas and resolvers come from the template"},
	{"logs", "Amazon CloudWatch Logs", strings.Fields(`DescribeLogGroups DescribeLogStreams FilterLogEvents
		GetLogEvents`), "log groups come from the template, and events from its functions, gateway and state machines"},
	{"secretsmanager", "AWS Secrets Manager", strings.Fields(`DescribeSecret GetSecretValue ListSecrets`), "secrets come from the template"},
	{"sts", "AWS STS", strings.Fields(`AssumeRole GetCallerIdentity`), "roles come from the template"},
	{"cloudformation", "AWS CloudFormation", strings.Fields(`DescribeStackResource DescribeStackResources DescribeStacks ListStackResources
		ListStacks`), "there is one stack, that of the template"},
}

// CodeNotSimulated is the code of what AWS has and this package refuses.
const CodeNotSimulated = "NotSimulated"

// notSimulated is a refusal. SDKs do not repeat what is answered with 501.
func notSimulated(format string, args ...any) *api.Error {
	return &api.Error{Code: CodeNotSimulated, Message: "not simulated: " + fmt.Sprintf(format, args...), Status: http.StatusNotImplemented}
}

// changing begin the names of actions that make or change resources.
var changing = []string{"Create", "Delete", "Update", "Tag", "Untag", "Put", "Add", "Remove", "Publish", "Register", "Attach", "Restore"}

// served are the actions of Services.
var served = map[[2]string]struct{}{}

func init() {
	for _, s := range Services {
		for _, action := range s.Actions {
			served[[2]string{s.Name, action}] = struct{}{}
		}
	}
}

// Refusal is why an action is not served; nil if it is.
func Refusal(service, action string) *api.Error {
	if _, ok := served[[2]string{service, action}]; ok {
		return nil
	}
	i := slices.IndexFunc(Services, func(s Served) bool { return s.Name == service })
	if i < 0 {
		names := make([]string, len(Services))
		for i, s := range Services {
			names[i] = s.Name
		}
		return notSimulated("the service %s; simulated are %s", service, strings.Join(names, ", "))
	}
	s := Services[i]
	if action == "" {
		return notSimulated("this request to %s; simulated are %s", s.Title, strings.Join(s.Actions, ", "))
	}
	for _, prefix := range changing {
		if strings.HasPrefix(action, prefix) {
			return notSimulated("the action %s of %s: %s; simulated are %s", action, s.Title, s.Resources, strings.Join(s.Actions, ", "))
		}
	}
	return notSimulated("the action %s of %s; simulated are %s", action, s.Title, strings.Join(s.Actions, ", "))
}

// Known is err as an error of AWS: what is none of a service is NotSimulated if it says so, and else a failure.
func Known(err error) *api.Error {
	if err == nil {
		return nil
	}
	if e, ok := err.(*api.Error); ok { //nolint:errorlint // services return it as it is
		return e
	}
	if strings.Contains(err.Error(), "not simulated") {
		return &api.Error{Code: CodeNotSimulated, Message: err.Error(), Status: http.StatusNotImplemented}
	}
	return &api.Error{Code: "InternalFailure", Message: err.Error(), Status: http.StatusInternalServerError}
}
