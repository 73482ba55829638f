package local_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/orderflow-cdk/orderflow/local"
)

// The AWS CLI itself walks the services. It is version 1, which is on PyPI:
//
//	pip install awscli==1.45.11
//
// It checks what it is sent as boto3 does: MD5 sums of messages, the CRC of DynamoDB's answers, the shape of everything.
type cli struct {
	*served
	credentials aws.Credentials
	home        string
}

func awsCLI(t *testing.T, s *served) *cli {
	t.Helper()
	if _, err := exec.LookPath("aws"); err != nil {
		t.Skip("there is no aws on this machine: pip install awscli==1.45.11")
	}
	return &cli{served: s, credentials: s.RootCredentials(), home: t.TempDir()}
}

// run runs a command and returns what it prints, errors too.
func (c *cli) run(args ...string) (string, error) {
	cmd := exec.Command("aws", append([]string{"--endpoint-url", c.url, "--region", c.Region(), "--output", "json"}, args...)...)
	cmd.Env = []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + c.home, "AWS_EC2_METADATA_DISABLED=true", "PYENV_ROOT=" + os.Getenv("PYENV_ROOT"), "AWS_PAGER=",
		"AWS_ACCESS_KEY_ID=" + c.credentials.AccessKeyID, "AWS_SECRET_ACCESS_KEY=" + c.credentials.SecretAccessKey,
	}
	if c.credentials.SessionToken != "" {
		cmd.Env = append(cmd.Env, "AWS_SESSION_TOKEN="+c.credentials.SessionToken)
	}
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// do runs a command that has to succeed, and reads what it prints, which may be nothing.
func (c *cli) do(args ...string) map[string]any {
	c.t.Helper()
	out, err := c.run(args...)
	if err != nil {
		c.t.Fatalf("aws %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	doc := map[string]any{}
	if strings.TrimSpace(out) != "" {
		if err := json.Unmarshal([]byte(out), &doc); err != nil {
			c.t.Fatalf("aws %s: %v\n%s", strings.Join(args, " "), err, out)
		}
	}
	return doc
}

// refused runs a command that has to be refused with an error of AWS, and returns what it prints.
func (c *cli) refused(code string, args ...string) string {
	c.t.Helper()
	out, err := c.run(args...)
	if err == nil || !strings.Contains(out, "("+code+")") {
		c.t.Errorf("aws %s: got %v, want %s\n%s", strings.Join(args, " "), err, code, out)
	}
	return out
}

// at is a value in a document: at(doc, "Messages", 0, "Body").
func at(doc any, path ...any) any {
	for _, step := range path {
		switch step := step.(type) {
		case string:
			m, _ := doc.(map[string]any)
			doc = m[step]
		case int:
			l, _ := doc.([]any)
			if step >= len(l) {
				return nil
			}
			doc = l[step]
		}
	}
	return doc
}

// A message that ended in the dead-letter queue is brought back, and becomes an order that completes.
func TestTheAWSCLIBringsBackADeadLetter(t *testing.T) {
	t.Parallel()
	s := serveApp(t)
	c := awsCLI(t, s)
	if err := s.SetFaults(local.Fault{Target: "intake", Kind: local.FailWith, ErrorName: "Broken"}); err != nil {
		t.Fatal(err)
	}
	order := s.order("redrive")
	dead := s.Outputs()["DeadLetterQueueUrl"]
	s.eventually("the dead letter", func() bool {
		return at(c.do("sqs", "get-queue-attributes", "--queue-url", dead, "--attribute-names", "ApproximateNumberOfMessages"), "Attributes", "ApproximateNumberOfMessages") == "1"
	})
	if err := s.SetFaults(); err != nil {
		t.Fatal(err)
	}
	message := c.do("sqs", "receive-message", "--queue-url", dead, "--visibility-timeout", "0", "--attribute-names", "All", "--message-attribute-names", "All")
	if body, _ := at(message, "Messages", 0, "Body").(string); !strings.Contains(body, "tea") {
		t.Errorf("the dead letter: %v", message)
	}
	sources := c.do("sqs", "list-dead-letter-source-queues", "--queue-url", dead)
	if at(sources, "queueUrls", 0) == nil {
		t.Errorf("nobody's dead letters go there: %v", sources)
	}
	arn := s.resource("AWS::SQS::Queue", "ApiDeadLetterQueue").ARN
	task := c.do("sqs", "start-message-move-task", "--source-arn", arn)
	if at(task, "TaskHandle") == nil {
		t.Errorf("the task: %v", task)
	}
	s.completed(order)
	stack := c.do("cloudformation", "describe-stacks", "--stack-name", "orderflow-dev")
	outputs, _ := at(stack, "Stacks", 0, "Outputs").([]any)
	told := map[string]string{}
	for i := range outputs {
		key, _ := at(outputs, i, "OutputKey").(string)
		told[key], _ = at(outputs, i, "OutputValue").(string)
	}
	if len(told) != len(s.Outputs()) || told["DeadLetterQueueUrl"] != dead {
		t.Errorf("the outputs: %v", stack)
	}
	if r := c.do("cloudformation", "list-stack-resources", "--stack-name", "orderflow-dev"); len(at(r, "StackResourceSummaries").([]any)) != len(s.Resources()) {
		t.Errorf("the resources: %v", r)
	}
	c.refused("ValidationError", "cloudformation", "describe-stacks", "--stack-name", "orderflow-prod")
	tasks := c.do("sqs", "list-message-move-tasks", "--source-arn", arn)
	if at(tasks, "Results", 0, "Status") != "COMPLETED" || at(tasks, "Results", 0, "ApproximateNumberOfMessagesMoved") != 1.0 {
		t.Errorf("the tasks: %v", tasks)
	}

	machine := s.Outputs()["StateMachineArn"]
	executions := c.do("stepfunctions", "list-executions", "--state-machine-arn", machine, "--status-filter", "SUCCEEDED")
	execution, _ := at(executions, "executions", 0, "executionArn").(string)
	if execution == "" {
		t.Fatalf("the executions: %v", executions)
	}
	if described := c.do("stepfunctions", "describe-execution", "--execution-arn", execution); at(described, "status") != "SUCCEEDED" || !strings.Contains(at(described, "input").(string), order) {
		t.Errorf("the execution: %v", described)
	}
	history := c.do("stepfunctions", "get-execution-history", "--execution-arn", execution, "--page-size", "10")
	events, _ := at(history, "events").([]any)
	if len(events) < 11 || at(events[0], "type") != "ExecutionStarted" || at(events[len(events)-1], "type") != "ExecutionSucceeded" {
		t.Errorf("the history has %d events: %v", len(events), history)
	}
	items := c.do("dynamodb", "scan", "--table-name", s.Outputs()["OrdersTableName"], "--filter-expression", "#s = :done",
		"--expression-attribute-names", `{"#s":"status"}`, "--expression-attribute-values", `{":done":{"S":"COMPLETED"}}`)
	if at(items, "Count") != 1.0 {
		t.Errorf("the orders that completed: %v", items)
	}
}

func TestTheAWSCLIWalksTheServices(t *testing.T) {
	t.Parallel()
	s := serveApp(t)
	c := awsCLI(t, s)
	s.completed(s.order("walk"))
	for _, walk := range []struct {
		name string
		walk func(*testing.T, *cli)
	}{
		{"sqs", walkQueues}, {"dynamodb", walkTables}, {"stepfunctions", walkMachines}, {"sns", walkTopics}, {"lambda", walkFunctions},
		{"appsync", walkGraphQL}, {"logs", walkLogs}, {"sts", walkTokens}, {"not simulated", walkElsewhere},
	} {
		t.Run(walk.name, func(t *testing.T) {
			t.Parallel() // a command takes half a second, most of it Python's start
			own := *c
			stack := *c.served
			stack.t, own.served = t, &stack
			walk.walk(t, &own)
		})
	}
}

func walkQueues(t *testing.T, c *cli) {
	url, _ := at(c.do("sqs", "get-queue-url", "--queue-name", c.resource("AWS::SQS::Queue", "StatusOutboxFailures").Name), "QueueUrl").(string)
	if url != c.Outputs()["OutboxFailureQueueUrl"] {
		t.Fatalf("the queue is at %s, the output says %s", url, c.Outputs()["OutboxFailureQueueUrl"])
	}
	c.do("sqs", "send-message", "--queue-url", url, "--message-body", "eins & zwei", "--message-attributes", `{"n":{"DataType":"Number","StringValue":"1"}}`)
	c.do("sqs", "send-message-batch", "--queue-url", url, "--entries", `[{"Id":"a","MessageBody":"drei"},{"Id":"b","MessageBody":"vier"}]`)
	got := c.do("sqs", "receive-message", "--queue-url", url, "--max-number-of-messages", "1", "--wait-time-seconds", "1", "--message-attribute-names", "All")
	handle, _ := at(got, "Messages", 0, "ReceiptHandle").(string)
	if handle == "" {
		t.Fatalf("received %v", got)
	}
	c.do("sqs", "change-message-visibility", "--queue-url", url, "--receipt-handle", handle, "--visibility-timeout", "60")
	c.do("sqs", "delete-message", "--queue-url", url, "--receipt-handle", handle)
	if all, _ := at(c.do("sqs", "list-queues"), "QueueUrls").([]any); len(all) < 5 {
		t.Errorf("the queues: %v", all)
	}
	c.do("sqs", "purge-queue", "--queue-url", url)
	c.refused("AWS.SimpleQueueService.NonExistentQueue", "sqs", "get-queue-url", "--queue-name", "nobody")
}

func walkTables(t *testing.T, c *cli) {
	table := c.Outputs()["InventoryTableName"]
	c.do("dynamodb", "put-item", "--table-name", table, "--item", `{"pk":{"S":"milk"},"available":{"N":"7"}}`)
	got := c.do("dynamodb", "update-item", "--table-name", table, "--key", `{"pk":{"S":"milk"}}`, "--update-expression", "ADD available :n",
		"--expression-attribute-values", `{":n":{"N":"3"}}`, "--return-values", "ALL_NEW")
	if at(got, "Attributes", "available", "N") != "10" {
		t.Errorf("updated to %v", got)
	}
	c.refused("ConditionalCheckFailedException", "dynamodb", "put-item", "--table-name", table, "--item", `{"pk":{"S":"milk"}}`, "--condition-expression", "attribute_not_exists(pk)")
	if got := c.do("dynamodb", "query", "--table-name", table, "--key-condition-expression", "pk = :k", "--expression-attribute-values", `{":k":{"S":"milk"}}`); at(got, "Count") != 1.0 {
		t.Errorf("found %v", got)
	}
	orders := c.Outputs()["OrdersTableName"]
	if got := c.do("dynamodb", "describe-table", "--table-name", orders); at(got, "Table", "TableStatus") != "ACTIVE" {
		t.Errorf("the table: %v", got)
	}
	c.do("dynamodb", "describe-time-to-live", "--table-name", orders)
	stream, _ := at(c.do("dynamodbstreams", "list-streams", "--table-name", orders), "Streams", 0, "StreamArn").(string)
	shard, _ := at(c.do("dynamodbstreams", "describe-stream", "--stream-arn", stream), "StreamDescription", "Shards", 0, "ShardId").(string)
	it, _ := at(c.do("dynamodbstreams", "get-shard-iterator", "--stream-arn", stream, "--shard-id", shard, "--shard-iterator-type", "TRIM_HORIZON"), "ShardIterator").(string)
	records := c.do("dynamodbstreams", "get-records", "--shard-iterator", it)
	if at(records, "Records", 0, "eventName") != "INSERT" || at(records, "Records", 0, "dynamodb", "NewImage", "pk", "S") == nil {
		t.Errorf("the stream: %v", records)
	}
}

func walkMachines(t *testing.T, c *cli) {
	machine := c.Outputs()["StateMachineArn"]
	if got := c.do("stepfunctions", "list-state-machines"); at(got, "stateMachines", 0, "stateMachineArn") != machine {
		t.Errorf("the state machines: %v", got)
	}
	got := c.do("stepfunctions", "describe-state-machine", "--state-machine-arn", machine)
	if definition, _ := at(got, "definition").(string); !strings.Contains(definition, "StartAt") {
		t.Errorf("the state machine: %v", got)
	}
	started := c.do("stepfunctions", "start-execution", "--state-machine-arn", machine, "--name", "by-hand", "--input", `{"pk":"x"}`)
	execution, _ := at(started, "executionArn").(string)
	c.do("stepfunctions", "stop-execution", "--execution-arn", execution, "--error", "ByHand", "--cause", "a test")
	c.do("stepfunctions", "describe-state-machine-for-execution", "--execution-arn", execution)
	if status, _ := at(c.do("stepfunctions", "describe-execution", "--execution-arn", execution), "status").(string); status != "ABORTED" && status != "FAILED" {
		t.Errorf("the execution is %s", status)
	}
	redriven := c.do("stepfunctions", "redrive-execution", "--execution-arn", execution)
	if got := c.do("stepfunctions", "get-execution-history", "--execution-arn", execution); at(redriven, "redriveDate") == nil || !strings.Contains(fmt.Sprint(got), "type:ExecutionRedriven") {
		t.Errorf("redriven: %v, with the history %v", redriven, got)
	}
	c.refused("InvalidToken", "stepfunctions", "send-task-success", "--task-token", "none", "--task-output", "{}")
}

func walkTopics(t *testing.T, c *cli) {
	topic := c.Outputs()["StatusTopicArn"]
	if got := c.do("sns", "list-topics"); at(got, "Topics", 0, "TopicArn") != topic {
		t.Errorf("the topics: %v", got)
	}
	before, _ := at(c.do("sns", "list-subscriptions-by-topic", "--topic-arn", topic), "Subscriptions").([]any)
	queue := c.resource("AWS::SQS::Queue", "StatusOutboxFailures").ARN
	subscription, _ := at(c.do("sns", "subscribe", "--topic-arn", topic, "--protocol", "sqs", "--notification-endpoint", queue, "--return-subscription-arn"), "SubscriptionArn").(string)
	c.do("sns", "set-subscription-attributes", "--subscription-arn", subscription, "--attribute-name", "RawMessageDelivery", "--attribute-value", "true")
	if got := c.do("sns", "get-subscription-attributes", "--subscription-arn", subscription); at(got, "Attributes", "RawMessageDelivery") != "true" {
		t.Errorf("the subscription: %v", got)
	}
	if got := c.do("sns", "publish", "--topic-arn", topic, "--message", "hello <world>", "--message-attributes", `{"tenant":{"DataType":"String","StringValue":"acme"}}`); at(got, "MessageId") == nil {
		t.Errorf("published: %v", got)
	}
	c.do("sns", "unsubscribe", "--subscription-arn", subscription)
	if after, _ := at(c.do("sns", "list-subscriptions-by-topic", "--topic-arn", topic), "Subscriptions").([]any); len(after) != len(before) {
		t.Errorf("%d subscriptions, %d before", len(after), len(before))
	}
}

func walkFunctions(t *testing.T, c *cli) {
	release := c.resource("AWS::Lambda::Function", "release")
	file := filepath.Join(t.TempDir(), "answer")
	got := c.do("lambda", "invoke", "--function-name", release.ARN, "--payload", `{"orderId":7}`, "--log-type", "Tail", file)
	tail, err := base64.StdEncoding.DecodeString(at(got, "LogResult").(string))
	if err != nil || !strings.Contains(string(tail), "platform.report") || at(got, "FunctionError") != "Unhandled" {
		t.Errorf("invoked: %v (%s)", got, tail)
	}
	if answer, err := os.ReadFile(file); err != nil || !json.Valid(answer) {
		t.Errorf("the function answered %s (%v)", answer, err)
	}
	if got := c.do("lambda", "invoke", "--function-name", release.Name, "--invocation-type", "Event", file); at(got, "StatusCode") != 202.0 {
		t.Errorf("invoked asynchronously: %v", got)
	}
	if got := c.do("lambda", "get-function-configuration", "--function-name", release.Name); at(got, "Handler") != "release" {
		t.Errorf("the function: %v", got)
	}
	if all, _ := at(c.do("lambda", "list-functions"), "Functions").([]any); len(all) < 8 {
		t.Errorf("%d functions", len(all))
	}
	if all, _ := at(c.do("lambda", "list-event-source-mappings"), "EventSourceMappings").([]any); len(all) < 3 {
		t.Errorf("%d event source mappings", len(all))
	}
	c.refused("ResourceNotFoundException", "lambda", "get-function", "--function-name", "nobody")
}

func walkGraphQL(t *testing.T, c *cli) {
	apis := c.do("appsync", "list-graphql-apis")
	id, _ := at(apis, "graphqlApis", 0, "apiId").(string)
	if url := at(apis, "graphqlApis", 0, "uris", "GRAPHQL"); id == "" || url != c.url+"/graphql" {
		t.Fatalf("the APIs: %v", apis)
	}
	file := filepath.Join(t.TempDir(), "schema.graphql")
	c.do("appsync", "get-introspection-schema", "--api-id", id, "--format", "SDL", file)
	if schema, err := os.ReadFile(file); err != nil || !strings.Contains(string(schema), "@aws_subscribe(") {
		t.Errorf("the schema: %s (%v)", schema, err)
	}
	resolvers := c.do("appsync", "list-resolvers", "--api-id", id, "--type-name", "Mutation")
	code, _ := at(resolvers, "resolvers", 0, "code").(string)
	got := c.do("appsync", "evaluate-code", "--runtime", "name=APPSYNC_JS,runtimeVersion=1.0.0", "--code", code, "--function", "request",
		"--context", `{"arguments":{"orderId":"1","input":{"orderId":"1"}},"identity":{}}`)
	if result, _ := at(got, "evaluationResult").(string); !json.Valid([]byte(result)) && at(got, "error", "message") == nil {
		t.Errorf("the code of the first resolver is evaluated to %v", got)
	}
	c.refused("NotFoundException", "appsync", "list-data-sources", "--api-id", "nobody")
	c.refused("NotSimulated", "appsync", "delete-graphql-api", "--api-id", id)
}

func walkLogs(t *testing.T, c *cli) {
	if groups, _ := at(c.do("logs", "describe-log-groups"), "logGroups").([]any); len(groups) < 8 {
		t.Errorf("%d log groups", len(groups))
	}
	for _, label := range []string{"WorkflowLogGroup", "ApiAccessLog", "ChargeLogGroup"} {
		name := c.resource("AWS::Logs::LogGroup", label).Name
		if events, _ := at(c.do("logs", "filter-log-events", "--log-group-name", name, "--limit", "20"), "events").([]any); len(events) == 0 {
			t.Errorf("there is nothing in %s", name)
		}
	}
	intake := c.resource("AWS::Logs::LogGroup", "IntakeLogGroup").Name
	stream, _ := at(c.do("logs", "describe-log-streams", "--log-group-name", intake, "--order-by", "LastEventTime", "--descending"), "logStreams", 0, "logStreamName").(string)
	if got := c.do("logs", "get-log-events", "--log-group-name", intake, "--log-stream-name", stream, "--start-from-head"); at(got, "events", 0, "message") == nil {
		t.Errorf("the stream: %v", got)
	}
	if got, _ := at(c.do("logs", "filter-log-events", "--log-group-name", intake, "--filter-pattern", `{ $.type = "platform.report" }`), "events").([]any); len(got) == 0 {
		t.Error("the reports of intake are not found")
	}
	c.refused("NotSimulated", "logs", "filter-log-events", "--log-group-name", intake, "--filter-pattern", "%regex%")
	c.refused("ResourceNotFoundException", "logs", "get-log-events", "--log-group-name", "nobody", "--log-stream-name", "nothing")
}

func walkTokens(t *testing.T, c *cli) {
	if got := c.do("sts", "get-caller-identity"); at(got, "Arn") != "arn:aws:iam::123456789012:root" {
		t.Errorf("the caller: %v", got)
	}
	other := *c
	other.credentials.SecretAccessKey = "wrong"
	other.refused("SignatureDoesNotMatch", "sqs", "list-queues")
	other.refused("InvalidSignatureException", "dynamodb", "list-tables")
	other.credentials.AccessKeyID = "AKIANOBODY"
	other.refused("InvalidClientTokenId", "sns", "list-topics")
	other.refused("UnrecognizedClientException", "lambda", "list-functions")

	role, err := c.RoleCredentials(c.role("ChargeRole"))
	if err != nil {
		t.Fatal(err)
	}
	other.credentials = role
	if got, _ := at(other.do("sts", "get-caller-identity"), "Arn").(string); !strings.Contains(got, ":assumed-role/") {
		t.Errorf("the role is %s", got)
	}
	other.refused("AccessDeniedException", "dynamodb", "scan", "--table-name", c.Outputs()["OrdersTableName"])
}

// What is not simulated is refused in the client's own protocol, and at once.
func walkElsewhere(t *testing.T, c *cli) {
	begun := time.Now()
	commands := [][]string{
		{"sqs", "create-queue", "--queue-name", "q"},
		{"sns", "create-topic", "--name", "t"},
		{"dynamodb", "execute-statement", "--statement", "SELECT * FROM t"},
		{"lambda", "list-layers"},
		{"logs", "start-query", "--log-group-name", "g", "--start-time", "1", "--end-time", "2", "--query-string", "fields @message"},
		{"s3api", "list-buckets"},
		{"ec2", "describe-instances"},
		{"cloudwatch", "list-metrics"},
		{"iam", "list-roles"},
		{"appsync", "create-graphql-api", "--name", "a", "--authentication-type", "API_KEY"},
		{"kinesis", "list-streams"},
	}
	for _, command := range commands {
		c.refused("NotSimulated", command...)
	}
	if took := time.Since(begun); took > time.Duration(len(commands))*5*time.Second {
		t.Errorf("it took %s: the CLI has tried again", took)
	}
}
