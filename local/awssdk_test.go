package local_test

import (
	"context"
	"encoding/base64"
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	cftypes "github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams"
	streamtypes "github.com/aws/aws-sdk-go-v2/service/dynamodbstreams/types"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	lambdatypes "github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"
	"github.com/google/go-cmp/cmp"
)

// config is that of somebody's AWS clients.
func (s *served) config(c aws.Credentials) aws.Config {
	return aws.Config{
		Region: s.Region(), BaseEndpoint: aws.String(s.url), HTTPClient: http.DefaultClient,
		Credentials: credentials.NewStaticCredentialsProvider(c.AccessKeyID, c.SecretAccessKey, c.SessionToken),
	}
}

func (s *served) root() aws.Config { return s.config(s.RootCredentials()) }

func must[T any](t *testing.T) func(T, error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// The SDK's own clients read what they are answered: they check the checksums, and know the errors.
func TestTheSDKsClients(t *testing.T) {
	s := serveApp(t)
	ctx := t.Context()
	order := s.order("sdk")
	s.completed(order)

	queues := sqs.NewFromConfig(s.root())
	dead := s.Outputs()["DeadLetterQueueUrl"]
	if !strings.HasPrefix(dead, s.url+"/123456789012/") {
		t.Errorf("the dead-letter queue is at %s", dead)
	}
	must[*sqs.SendMessageOutput](t)(queues.SendMessage(ctx, &sqs.SendMessageInput{QueueUrl: &dead, MessageBody: aws.String("lost"), MessageAttributes: map[string]sqstypes.MessageAttributeValue{
		"why": {DataType: aws.String("String"), StringValue: aws.String("test")},
	}}))
	received := must[*sqs.ReceiveMessageOutput](t)(queues.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{QueueUrl: &dead, WaitTimeSeconds: 1, MessageAttributeNames: []string{"All"}}))
	if len(received.Messages) != 1 || *received.Messages[0].Body != "lost" || *received.Messages[0].MessageAttributes["why"].StringValue != "test" {
		t.Fatalf("received %+v", received.Messages)
	}
	must[*sqs.DeleteMessageOutput](t)(queues.DeleteMessage(ctx, &sqs.DeleteMessageInput{QueueUrl: &dead, ReceiptHandle: received.Messages[0].ReceiptHandle}))
	begun := time.Now()
	if empty := must[*sqs.ReceiveMessageOutput](t)(queues.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{QueueUrl: &dead, WaitTimeSeconds: 1})); len(empty.Messages) > 0 {
		t.Errorf("received again: %+v", empty.Messages)
	}
	if waited := time.Since(begun); waited < 900*time.Millisecond {
		t.Errorf("a long poll of a second took %s", waited)
	}
	_, err := queues.GetQueueUrl(ctx, &sqs.GetQueueUrlInput{QueueName: aws.String("nobody")})
	if gone := new(sqstypes.QueueDoesNotExist); !errors.As(err, &gone) {
		t.Errorf("a queue that does not exist: %v", err)
	}

	tables := dynamodb.NewFromConfig(s.root())
	table := s.Outputs()["OrdersTableName"]
	items := must[*dynamodb.ScanOutput](t)(tables.Scan(ctx, &dynamodb.ScanInput{TableName: &table}))
	if len(items.Items) != 2 {
		t.Errorf("the table holds %d items", len(items.Items))
	}
	_, err = tables.GetItem(ctx, &dynamodb.GetItemInput{TableName: aws.String("nobody"), Key: items.Items[0]})
	if gone := new(types.ResourceNotFoundException); !errors.As(err, &gone) {
		t.Errorf("a table that does not exist: %v", err)
	}
	readStream(ctx, t, s, table)

	machines := sfn.NewFromConfig(s.root())
	arn := s.Outputs()["StateMachineArn"]
	executions := must[*sfn.ListExecutionsOutput](t)(machines.ListExecutions(ctx, &sfn.ListExecutionsInput{StateMachineArn: &arn}))
	if len(executions.Executions) != 1 || executions.Executions[0].Status != "SUCCEEDED" {
		t.Fatalf("executions: %+v", executions.Executions)
	}
	execution := executions.Executions[0].ExecutionArn
	pages, events := sfn.NewGetExecutionHistoryPaginator(machines, &sfn.GetExecutionHistoryInput{ExecutionArn: execution, MaxResults: 7}), 0
	for pages.HasMorePages() {
		events += len(must[*sfn.GetExecutionHistoryOutput](t)(pages.NextPage(ctx)).Events)
	}
	if events < 8 {
		t.Errorf("the history has %d events", events)
	}
	of := must[*sfn.DescribeStateMachineForExecutionOutput](t)(machines.DescribeStateMachineForExecution(ctx, &sfn.DescribeStateMachineForExecutionInput{ExecutionArn: execution}))
	if *of.StateMachineArn != arn || !strings.Contains(*of.Definition, "StartAt") {
		t.Errorf("the execution's state machine: %+v", of)
	}

	topics := sns.NewFromConfig(s.root())
	if all := must[*sns.ListTopicsOutput](t)(topics.ListTopics(ctx, nil)); len(all.Topics) != 1 || *all.Topics[0].TopicArn != s.Outputs()["StatusTopicArn"] {
		t.Errorf("topics: %+v", all.Topics)
	}
	must[*sns.PublishOutput](t)(topics.Publish(ctx, &sns.PublishInput{TopicArn: aws.String(s.Outputs()["StatusTopicArn"]), Message: aws.String("{}"), MessageGroupId: aws.String("g")}))

	secrets := secretsmanager.NewFromConfig(s.root())
	if all := must[*secretsmanager.ListSecretsOutput](t)(secrets.ListSecrets(ctx, &secretsmanager.ListSecretsInput{})); len(all.SecretList) > 0 {
		must[*secretsmanager.DescribeSecretOutput](t)(secrets.DescribeSecret(ctx, &secretsmanager.DescribeSecretInput{SecretId: all.SecretList[0].ARN}))
	}
}

// readStream reads a table's stream from its beginning.
func readStream(ctx context.Context, t *testing.T, s *served, table string) {
	t.Helper()
	streams := dynamodbstreams.NewFromConfig(s.root())
	all := must[*dynamodbstreams.ListStreamsOutput](t)(streams.ListStreams(ctx, &dynamodbstreams.ListStreamsInput{TableName: &table}))
	if len(all.Streams) != 1 {
		t.Fatalf("streams: %+v", all.Streams)
	}
	about := must[*dynamodbstreams.DescribeStreamOutput](t)(streams.DescribeStream(ctx, &dynamodbstreams.DescribeStreamInput{StreamArn: all.Streams[0].StreamArn}))
	it := must[*dynamodbstreams.GetShardIteratorOutput](t)(streams.GetShardIterator(ctx, &dynamodbstreams.GetShardIteratorInput{
		StreamArn: all.Streams[0].StreamArn, ShardId: about.StreamDescription.Shards[0].ShardId, ShardIteratorType: streamtypes.ShardIteratorTypeTrimHorizon,
	})).ShardIterator
	var statuses []string
	for {
		page := must[*dynamodbstreams.GetRecordsOutput](t)(streams.GetRecords(ctx, &dynamodbstreams.GetRecordsInput{ShardIterator: it, Limit: aws.Int32(2)}))
		for _, r := range page.Records {
			if v, ok := r.Dynamodb.NewImage["status"].(*streamtypes.AttributeValueMemberS); ok {
				statuses = append(statuses, v.Value)
			}
		}
		if it = page.NextShardIterator; len(page.Records) == 0 {
			break
		}
	}
	if !slices.Contains(statuses, "ACCEPTED") || statuses[len(statuses)-1] != "COMPLETED" {
		t.Errorf("the stream tells of %v", statuses)
	}
}

func TestFunctionsAreInvokedAndTheirLogsRead(t *testing.T) {
	s := serveApp(t)
	ctx := t.Context()
	functions := lambda.NewFromConfig(s.root())
	reserve := s.resource("AWS::Lambda::Function", "reserve")
	all := must[*lambda.ListFunctionsOutput](t)(functions.ListFunctions(ctx, nil))
	if !slices.ContainsFunc(all.Functions, func(f lambdatypes.FunctionConfiguration) bool { return *f.FunctionName == reserve.Name }) {
		t.Errorf("%s is not among the functions", reserve.Name)
	}
	got := must[*lambda.GetFunctionOutput](t)(functions.GetFunction(ctx, &lambda.GetFunctionInput{FunctionName: &reserve.ARN}))
	group := aws.ToString(got.Configuration.LoggingConfig.LogGroup)
	if group == "" || *got.Configuration.Handler != "reserve" {
		t.Errorf("the function: %+v", got.Configuration)
	}
	mappings := must[*lambda.ListEventSourceMappingsOutput](t)(functions.ListEventSourceMappings(ctx, nil))
	if len(mappings.EventSourceMappings) == 0 {
		t.Error("there are no event source mappings")
	}
	out := must[*lambda.InvokeOutput](t)(functions.Invoke(ctx, &lambda.InvokeInput{FunctionName: &reserve.ARN, LogType: lambdatypes.LogTypeTail, Payload: []byte(`{"orderId":7}`)}))
	if aws.ToString(out.FunctionError) == "" || len(out.Payload) == 0 || out.StatusCode != 200 {
		t.Errorf("an invocation with a wrong event: %+v", out)
	}
	tail, err := base64.StdEncoding.DecodeString(aws.ToString(out.LogResult))
	if err != nil || !strings.Contains(string(tail), "platform.start") || !strings.Contains(string(tail), "platform.report") {
		t.Errorf("the tail of the log: %s (%v)", tail, err)
	}
	if async := must[*lambda.InvokeOutput](t)(functions.Invoke(ctx, &lambda.InvokeInput{FunctionName: &reserve.Name, InvocationType: lambdatypes.InvocationTypeEvent})); async.StatusCode != 202 {
		t.Errorf("an asynchronous invocation is answered by %d", async.StatusCode)
	}
	_, err = functions.Invoke(ctx, &lambda.InvokeInput{FunctionName: aws.String("nobody")})
	if gone := new(lambdatypes.ResourceNotFoundException); !errors.As(err, &gone) {
		t.Errorf("a function that does not exist: %v", err)
	}

	logs := cloudwatchlogs.NewFromConfig(s.root())
	if groups := must[*cloudwatchlogs.DescribeLogGroupsOutput](t)(logs.DescribeLogGroups(ctx, &cloudwatchlogs.DescribeLogGroupsInput{LogGroupNamePrefix: &group})); len(groups.LogGroups) != 1 || aws.ToInt32(groups.LogGroups[0].RetentionInDays) != 7 {
		t.Errorf("the log group: %+v", groups.LogGroups)
	}
	streams := must[*cloudwatchlogs.DescribeLogStreamsOutput](t)(logs.DescribeLogStreams(ctx, &cloudwatchlogs.DescribeLogStreamsInput{LogGroupName: &group}))
	if len(streams.LogStreams) == 0 {
		t.Fatal("the group has no streams")
	}
	first := must[*cloudwatchlogs.GetLogEventsOutput](t)(logs.GetLogEvents(ctx, &cloudwatchlogs.GetLogEventsInput{
		LogGroupName: &group, LogStreamName: streams.LogStreams[0].LogStreamName, StartFromHead: aws.Bool(true), Limit: aws.Int32(1),
	}))
	if len(first.Events) != 1 || !strings.Contains(*first.Events[0].Message, "platform.initStart") {
		t.Errorf("the log begins with %+v", first.Events)
	}
	for pattern, want := range map[string]bool{
		`"platform.report"`: true, `{ $.type = "platform.report" && $.record.status = "error" }`: true, `{ $.record.metrics.memorySizeMB > 1000000 }`: false, "nothing": false,
	} {
		found := must[*cloudwatchlogs.FilterLogEventsOutput](t)(logs.FilterLogEvents(ctx, &cloudwatchlogs.FilterLogEventsInput{LogGroupName: &group, FilterPattern: &pattern}))
		if (len(found.Events) > 0) != want {
			t.Errorf("%s finds %d events", pattern, len(found.Events))
		}
	}
	_, err = logs.FilterLogEvents(ctx, &cloudwatchlogs.FilterLogEventsInput{LogGroupName: &group, FilterPattern: aws.String("[a, b]")})
	wantCode(t, err, "NotSimulated")
}

// wantCode holds the code of an error of AWS.
func wantCode(t *testing.T, err error, code string) {
	t.Helper()
	if e := smithy.APIError(nil); !errors.As(err, &e) || e.ErrorCode() != code {
		t.Errorf("got %v, want %s", err, code)
	}
}

func TestWhoSigns(t *testing.T) {
	s := serveApp(t)
	ctx := t.Context()
	who := func(c aws.Config) string {
		return *must[*sts.GetCallerIdentityOutput](t)(sts.NewFromConfig(c).GetCallerIdentity(ctx, nil)).Arn
	}
	if got := who(s.root()); got != "arn:aws:iam::123456789012:root" {
		t.Errorf("the account is %s", got)
	}
	role := s.role("ChargeRole")
	c, err := s.RoleCredentials(role)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := who(s.config(c)), strings.Replace(role, ":iam:", ":sts:", 1); got != strings.Replace(want, ":role/", ":assumed-role/", 1)+"/local" {
		t.Errorf("the role is %s", got)
	}

	list := func(c aws.Credentials) (error, error, error) {
		_, queues := sqs.NewFromConfig(s.config(c)).ListQueues(ctx, nil)
		_, tables := dynamodb.NewFromConfig(s.config(c)).ListTables(ctx, nil)
		_, topics := sns.NewFromConfig(s.config(c)).ListTopics(ctx, nil)
		return queues, tables, topics
	}
	unknown := aws.Credentials{AccessKeyID: "AKIANOBODY", SecretAccessKey: "secret"}
	queues, tables, topics := list(unknown)
	wantCode(t, queues, "InvalidClientTokenId")
	wantCode(t, tables, "UnrecognizedClientException")
	wantCode(t, topics, "InvalidClientTokenId")
	wrong := s.RootCredentials()
	wrong.SecretAccessKey = "wrong"
	queues, tables, topics = list(wrong)
	wantCode(t, queues, "SignatureDoesNotMatch")
	wantCode(t, tables, "InvalidSignatureException")
	wantCode(t, topics, "SignatureDoesNotMatch")
	c.SessionToken = "another"
	_, tables, _ = list(c)
	wantCode(t, tables, "UnrecognizedClientException")
}

func TestTheStackIsDescribed(t *testing.T) {
	s := serveApp(t)
	ctx := t.Context()
	stacks := cloudformation.NewFromConfig(s.root())
	name := aws.String("orderflow-dev")
	about := must[*cloudformation.DescribeStacksOutput](t)(stacks.DescribeStacks(ctx, &cloudformation.DescribeStacksInput{StackName: name})).Stacks[0]
	outputs := map[string]string{}
	for _, o := range about.Outputs {
		outputs[*o.OutputKey] = *o.OutputValue
	}
	if diff := cmp.Diff(s.Outputs(), outputs); diff != "" || about.StackStatus != cftypes.StackStatusCreateComplete || about.CreationTime == nil || *about.StackName != *name {
		t.Errorf("the stack: %+v\n%s", about, diff)
	}
	if again := must[*cloudformation.DescribeStacksOutput](t)(stacks.DescribeStacks(ctx, &cloudformation.DescribeStacksInput{StackName: about.StackId})); *again.Stacks[0].StackId != *about.StackId {
		t.Errorf("by its id: %+v", again.Stacks)
	}
	var queues []string
	pages := cloudformation.NewListStackResourcesPaginator(stacks, &cloudformation.ListStackResourcesInput{StackName: name})
	for pages.HasMorePages() {
		for _, r := range must[*cloudformation.ListStackResourcesOutput](t)(pages.NextPage(ctx)).StackResourceSummaries {
			if *r.ResourceType == "AWS::SQS::Queue" {
				queues = append(queues, *r.PhysicalResourceId)
			}
		}
	}
	if !slices.Contains(queues, outputs["DeadLetterQueueUrl"]) || !slices.Contains(queues, outputs["WebhooksDeadLetterQueueUrl"]) {
		t.Errorf("the queues: %v", queues)
	}
	machine := s.resource("AWS::StepFunctions::StateMachine", "WorkflowStateMachine")
	one := must[*cloudformation.DescribeStackResourceOutput](t)(stacks.DescribeStackResource(ctx, &cloudformation.DescribeStackResourceInput{StackName: name, LogicalResourceId: &machine.LogicalID}))
	if *one.StackResourceDetail.PhysicalResourceId != machine.ARN {
		t.Errorf("the state machine: %+v", one.StackResourceDetail)
	}
	of := must[*cloudformation.DescribeStackResourcesOutput](t)(stacks.DescribeStackResources(ctx, &cloudformation.DescribeStackResourcesInput{PhysicalResourceId: &machine.ARN}))
	if len(of.StackResources) != 1 || *of.StackResources[0].LogicalResourceId != machine.LogicalID {
		t.Errorf("whose resource the state machine is: %+v", of.StackResources)
	}
	gone := must[*cloudformation.ListStacksOutput](t)(stacks.ListStacks(ctx, &cloudformation.ListStacksInput{StackStatusFilter: []cftypes.StackStatus{"DELETE_COMPLETE"}}))
	all := must[*cloudformation.ListStacksOutput](t)(stacks.ListStacks(ctx, nil))
	if len(gone.StackSummaries) != 0 || len(all.StackSummaries) != 1 {
		t.Errorf("the stacks: %+v, deleted ones %+v", all.StackSummaries, gone.StackSummaries)
	}

	_, err := stacks.DescribeStacks(ctx, &cloudformation.DescribeStacksInput{StackName: aws.String("orderflow-prod")})
	wantCode(t, err, "ValidationError")
	_, err = stacks.DescribeStackResource(ctx, &cloudformation.DescribeStackResourceInput{StackName: name, LogicalResourceId: aws.String("Nothing")})
	wantCode(t, err, "ValidationError")
	_, err = stacks.DeleteStack(ctx, &cloudformation.DeleteStackInput{StackName: name})
	wantCode(t, err, "NotSimulated")
	c, err := s.RoleCredentials(s.role("ChargeRole"))
	if err != nil {
		t.Fatal(err)
	}
	_, err = cloudformation.NewFromConfig(s.config(c)).DescribeStacks(ctx, &cloudformation.DescribeStacksInput{StackName: name})
	wantCode(t, err, "AccessDenied")
}

// What is not simulated is refused in a moment, in the protocol of the client, which does not try again.
func TestWhatIsNotSimulated(t *testing.T) {
	s := serveApp(t)
	ctx := t.Context()
	begun := time.Now()
	_, err := sqs.NewFromConfig(s.root()).CreateQueue(ctx, &sqs.CreateQueueInput{QueueName: aws.String("q")})
	wantCode(t, err, "NotSimulated")
	if !strings.Contains(err.Error(), "queues come from the template") {
		t.Errorf("the error does not say where queues come from: %v", err)
	}
	_, err = sns.NewFromConfig(s.root()).CreateTopic(ctx, &sns.CreateTopicInput{Name: aws.String("t")})
	wantCode(t, err, "NotSimulated")
	_, err = lambda.NewFromConfig(s.root()).DeleteFunction(ctx, &lambda.DeleteFunctionInput{FunctionName: aws.String("f")})
	wantCode(t, err, "NotSimulated")
	_, err = dynamodb.NewFromConfig(s.root()).ExecuteStatement(ctx, &dynamodb.ExecuteStatementInput{Statement: aws.String("SELECT 1")})
	wantCode(t, err, "NotSimulated")
	_, err = sts.NewFromConfig(s.root()).GetSessionToken(ctx, nil)
	wantCode(t, err, "NotSimulated")
	_, err = cloudwatchlogs.NewFromConfig(s.root()).CreateLogGroup(ctx, &cloudwatchlogs.CreateLogGroupInput{LogGroupName: aws.String("g")})
	wantCode(t, err, "NotSimulated")
	if took := time.Since(begun); took > 5*time.Second {
		t.Errorf("it took %s", took)
	}
}
