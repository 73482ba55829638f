package asyncapi_test

import (
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awscloudwatch"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awskms"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/jsii-runtime-go"
	"github.com/google/go-cmp/cmp"

	"github.com/orderflow-cdk/orderflow/constructs/asyncapi"
	"github.com/orderflow-cdk/orderflow/constructs/internal/cdktest"
)

func TestMain(m *testing.M) { cdktest.Main(m) }

func function(stack awscdk.Stack, id string, timeout time.Duration) awslambda.Function {
	props := &awslambda.FunctionProps{
		Runtime: awslambda.Runtime_PROVIDED_AL2023(),
		Handler: jsii.String("bootstrap"),
		// Inline code is only for interpreted runtimes.
		Code: awslambda.Code_FromAsset(jsii.String("testdata/function"), nil),
	}
	if timeout > 0 {
		props.Timeout = awscdk.Duration_Seconds(jsii.Number(timeout.Seconds()))
	}
	return awslambda.NewFunction(stack, &id, props)
}

// synth makes one AsyncApi "Orders", open to everybody, and returns the template.
func synth(t *testing.T, props asyncapi.Props) cdktest.Template {
	t.Helper()
	props.Authorizer = open
	stack := cdktest.Stack()
	asyncapi.New(stack, "Orders", props)
	return cdktest.Synth(t, stack)
}

func submit(t *testing.T, template cdktest.Template) cdktest.Resource {
	t.Helper()
	for _, m := range template.All("AWS::ApiGateway::Method", "Orders") {
		if m.Get("HttpMethod") == "POST" {
			return m
		}
	}
	t.Fatal("no POST")
	return cdktest.Resource{}
}

func request(t *testing.T, template cdktest.Template) string {
	t.Helper()
	return submit(t, template).Text("Integration", "RequestTemplates", "application/json")
}

func equal(t *testing.T, what string, got, want any) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

func contains(t *testing.T, what, text, part string) {
	t.Helper()
	if !strings.Contains(text, part) {
		t.Errorf("%s does not contain %q:\n%s", what, part, text)
	}
}

func TestQueues(t *testing.T) {
	template := synth(t, asyncapi.Props{})
	queue := template.One(t, "AWS::SQS::Queue", "OrdersQueue")
	dead := template.One(t, "AWS::SQS::Queue", "OrdersDeadLetterQueue")
	equal(t, "queue", queue.Properties, map[string]any{
		"MaximumMessageSize":     262144.0,
		"MessageRetentionPeriod": 345600.0,
		"VisibilityTimeout":      30.0,
		"SqsManagedSseEnabled":   true,
		"RedrivePolicy": map[string]any{
			"deadLetterTargetArn": map[string]any{"Fn::GetAtt": []any{dead.ID, "Arn"}},
			"maxReceiveCount":     5.0,
		},
	})
	equal(t, "dead-letter queue", dead.Properties, map[string]any{
		"MaximumMessageSize":     262144.0,
		"MessageRetentionPeriod": 1209600.0,
		"SqsManagedSseEnabled":   true,
	})
	equal(t, "removal", []string{queue.DeletionPolicy, dead.DeletionPolicy}, []string{"Retain", "Retain"})
	for _, id := range []string{queue.ID, dead.ID} {
		found := false
		for _, policy := range template.All("AWS::SQS::QueuePolicy", "Orders") {
			if policy.Text("Queues", 0) != "{"+id+"}" {
				continue
			}
			found = true
			equal(t, "TLS-only policy", policy.Get("PolicyDocument", "Statement", 0), any(map[string]any{
				"Action": "sqs:*", "Effect": "Deny", "Principal": map[string]any{"AWS": "*"},
				"Resource":  map[string]any{"Fn::GetAtt": []any{id, "Arn"}},
				"Condition": map[string]any{"Bool": map[string]any{"aws:SecureTransport": "false"}},
			}))
		}
		if !found {
			t.Errorf("%s has no policy", id)
		}
	}
	contains(t, "request", request(t, template), "&MessageGroupId=$tag&")
	if strings.Contains(request(t, template), "MessageDeduplicationId") {
		t.Error("a standard queue's message has a deduplication id, which SQS refuses")
	}
}

func TestQueueOptions(t *testing.T) {
	template := synth(t, asyncapi.Props{
		MaxReceiveCount: 3, Retention: time.Hour, DeadLetterRetention: 2 * time.Hour,
		VisibilityTimeout: 2 * time.Minute, RemovalPolicy: awscdk.RemovalPolicy_DESTROY,
	})
	queue := template.One(t, "AWS::SQS::Queue", "OrdersQueue")
	equal(t, "max receive count", queue.Get("RedrivePolicy", "maxReceiveCount"), any(3.0))
	equal(t, "retention", queue.Get("MessageRetentionPeriod"), any(3600.0))
	equal(t, "visibility", queue.Get("VisibilityTimeout"), any(120.0))
	equal(t, "removal", queue.DeletionPolicy, "Delete")
	equal(t, "dead letter retention", template.One(t, "AWS::SQS::Queue", "OrdersDeadLetterQueue").Get("MessageRetentionPeriod"), any(7200.0))
}

func TestFIFO(t *testing.T) {
	for _, c := range []struct {
		name  string
		group asyncapi.Group
		want  string
	}{
		{"by tenant", asyncapi.GroupByTenant, "&MessageGroupId=$tag&MessageDeduplicationId=$util.urlEncode($unique)&"},
		{"by order", asyncapi.GroupByOrder, "&MessageGroupId=$util.urlEncode($unique)&MessageDeduplicationId=$util.urlEncode($unique)&"},
	} {
		t.Run(c.name, func(t *testing.T) {
			template := synth(t, asyncapi.Props{Queue: asyncapi.FIFO(c.group)})
			queue := template.One(t, "AWS::SQS::Queue", "OrdersQueue")
			equal(t, "FIFO", []any{queue.Get("FifoQueue"), queue.Get("DeduplicationScope"), queue.Get("FifoThroughputLimit")},
				[]any{true, "messageGroup", "perMessageGroupId"})
			equal(t, "dead-letter queue", template.One(t, "AWS::SQS::Queue", "OrdersDeadLetterQueue").Get("FifoQueue"), any(true))
			contains(t, "request", request(t, template), c.want)
			// Tag, separator and a key of 64 characters make a deduplication id of 128.
			contains(t, "request", request(t, template), "$tag.length() <= 63)")
		})
	}
}

func TestKey(t *testing.T) {
	stack := cdktest.Stack()
	asyncapi.New(stack, "Orders", asyncapi.Props{Authorizer: open, Key: awskms.NewKey(stack, jsii.String("Key"), nil)})
	template := cdktest.Synth(t, stack)
	key := template.One(t, "AWS::KMS::Key", "Key")
	for _, queue := range template.All("AWS::SQS::Queue", "Orders") {
		equal(t, queue.ID, queue.Text("KmsMasterKeyId"), "{"+key.ID+".Arn}")
	}
	equal(t, "role", statements(template.One(t, "AWS::IAM::Policy", "OrdersQueueRole")), []string{
		"Allow sqs:SendMessage on {" + template.One(t, "AWS::SQS::Queue", "OrdersQueue").ID + ".Arn}",
		"Allow kms:GenerateDataKey,kms:Decrypt on {" + key.ID + ".Arn}",
	})
}

// statements are the statements of an IAM policy, one line each.
func statements(policy cdktest.Resource) []string {
	var lines []string
	list := func(v any) string {
		if l, ok := v.([]any); ok {
			texts := make([]string, len(l))
			for i, e := range l {
				texts[i] = cdktest.Text(e)
			}
			return strings.Join(texts, ",")
		}
		return cdktest.Text(v)
	}
	all, _ := policy.Get("PolicyDocument", "Statement").([]any)
	for _, s := range all {
		lines = append(lines, cdktest.Text(cdktest.Get(s, "Effect"))+" "+list(cdktest.Get(s, "Action"))+" on "+list(cdktest.Get(s, "Resource")))
	}
	return lines
}

func TestQueueRoleMaySendToOneQueueOnly(t *testing.T) {
	template := synth(t, asyncapi.Props{})
	role := template.One(t, "AWS::IAM::Role", "Orders")
	equal(t, "trust", role.Text("AssumeRolePolicyDocument", "Statement"),
		`[{"Action":"sts:AssumeRole","Effect":"Allow","Principal":{"Service":"apigateway.amazonaws.com"}}]`)
	policy := template.One(t, "AWS::IAM::Policy", "Orders")
	equal(t, "roles", policy.Text("Roles", 0), "{"+role.ID+"}")
	queue := template.One(t, "AWS::SQS::Queue", "OrdersQueue")
	equal(t, "statements", statements(policy), []string{"Allow sqs:SendMessage on {" + queue.ID + ".Arn}"})
	equal(t, "credentials", submit(t, template).Text("Integration", "Credentials"), "{"+role.ID+".Arn}")
	equal(t, "URI", submit(t, template).Text("Integration", "Uri"),
		"arn:{AWS::Partition}:apigateway:{AWS::Region}:sqs:path/{AWS::AccountId}/{"+queue.ID+".QueueName}")
}

func TestConsumer(t *testing.T) {
	for _, c := range []struct {
		name       string
		props      asyncapi.Props
		timeout    time.Duration
		visibility float64
		mapping    map[string]any
	}{
		{"defaults, and Lambda's own timeout of 3 s", asyncapi.Props{}, 0, 18,
			map[string]any{"BatchSize": 10.0, "ScalingConfig": map[string]any{"MaximumConcurrency": 5.0}}},
		{"6 × timeout + batch window", asyncapi.Props{BatchSize: 100, BatchWindow: 5 * time.Second, MaxConcurrency: 50}, 30 * time.Second, 185,
			map[string]any{"BatchSize": 100.0, "MaximumBatchingWindowInSeconds": 5.0, "ScalingConfig": map[string]any{"MaximumConcurrency": 50.0}}},
		{"FIFO", asyncapi.Props{Queue: asyncapi.FIFO(asyncapi.GroupByTenant)}, 10 * time.Second, 60,
			map[string]any{"BatchSize": 10.0, "ScalingConfig": map[string]any{"MaximumConcurrency": 5.0}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			stack := cdktest.Stack()
			c.props.Authorizer = open
			c.props.Consumer = function(stack, "Intake", c.timeout)
			asyncapi.New(stack, "Orders", c.props)
			template := cdktest.Synth(t, stack)
			queue := template.One(t, "AWS::SQS::Queue", "OrdersQueue")
			equal(t, "visibility timeout", queue.Get("VisibilityTimeout"), any(c.visibility))
			c.mapping["EventSourceArn"] = map[string]any{"Fn::GetAtt": []any{queue.ID, "Arn"}}
			c.mapping["FunctionName"] = map[string]any{"Ref": template.One(t, "AWS::Lambda::Function", "Intake").ID}
			c.mapping["FunctionResponseTypes"] = []any{"ReportBatchItemFailures"}
			equal(t, "event source mapping", template.One(t, "AWS::Lambda::EventSourceMapping", "Intake").Properties, c.mapping)
			equal(t, "grant", statements(template.One(t, "AWS::IAM::Policy", "Intake")), []string{
				"Allow sqs:ReceiveMessage,sqs:DeleteMessage,sqs:GetQueueAttributes on {" + queue.ID + ".Arn}",
			})
		})
	}
}

func TestAddConsumer(t *testing.T) {
	stack := cdktest.Stack()
	api := asyncapi.New(stack, "Orders", asyncapi.Props{Authorizer: open, VisibilityTimeout: time.Minute})
	panics(t, "asyncapi: Stack/Orders: visibility timeout must be at least 1m6s for this consumer, got 1m0s",
		func() { api.AddConsumer(function(stack, "Slow", 11*time.Second)) })
	api.AddConsumer(function(stack, "Intake", 10*time.Second))
	panics(t, "asyncapi: Stack/Orders: there is a consumer already",
		func() { api.AddConsumer(function(stack, "Second", time.Second)) })
	template := cdktest.Synth(t, stack)
	template.One(t, "AWS::Lambda::EventSourceMapping", "Intake")
}

func TestNewPanics(t *testing.T) {
	stack := cdktest.Stack()
	panics(t, "asyncapi: Stack/Orders: max concurrency must be 2–1000, got 1; max receive count must be 1–1000, got -1", func() {
		asyncapi.New(stack, "Orders", asyncapi.Props{Authorizer: open, MaxConcurrency: 1, MaxReceiveCount: -1})
	})
	panics(t, "asyncapi: Stack/Slow: visibility timeout follows from the consumer and must be 0 with one, got 1m0s", func() {
		asyncapi.New(stack, "Slow", asyncapi.Props{Authorizer: open, VisibilityTimeout: time.Minute, Consumer: function(stack, "F", 0)})
	})
}

func panics(t *testing.T, want string, f func()) {
	t.Helper()
	defer func() {
		t.Helper()
		if got, ok := recover().(string); !ok || !strings.HasPrefix(got, want) {
			t.Errorf("got panic %q, want %q", got, want)
		}
	}()
	f()
}

func TestModel(t *testing.T) {
	for _, c := range []struct {
		name  string
		model asyncapi.Model
		want  any
	}{
		{"default", asyncapi.Model{}, map[string]any{"$schema": "http://json-schema.org/draft-04/schema#", "type": "object"}},
		{"given, unchanged", asyncapi.JSONSchema(`{"type":"object","properties":{"n":{"type":"integer","maximum":1000}},"x-unknown":[1,"a",{"b":false}]}`),
			map[string]any{"type": "object", "properties": map[string]any{"n": map[string]any{"type": "integer", "maximum": 1000.0}}, "x-unknown": []any{1.0, "a", map[string]any{"b": false}}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			template := synth(t, asyncapi.Props{Model: c.model})
			model := template.One(t, "AWS::ApiGateway::Model", "Orders")
			equal(t, "schema", model.Get("Schema"), c.want)
			equal(t, "content type", model.Get("ContentType"), any("application/json"))
			post := submit(t, template)
			equal(t, "models", post.Get("RequestModels"), any(map[string]any{"application/json": map[string]any{"Ref": model.ID}}))
			validator := template.One(t, "AWS::ApiGateway::RequestValidator", "Orders")
			equal(t, "validator", validator.Get("ValidateRequestBody"), any(true))
			equal(t, "method's validator", post.Text("RequestValidatorId"), "{"+validator.ID+"}")
		})
	}
	t.Run("opted out", func(t *testing.T) {
		template := synth(t, asyncapi.Props{Model: asyncapi.AnyJSON()})
		equal(t, "models", len(template.All("AWS::ApiGateway::Model", "")), 0)
		equal(t, "validator", submit(t, template).Get("RequestValidatorId"), nil)
	})
	t.Run("a changed model is deployed", func(t *testing.T) {
		deployment := func(schema string) string {
			return synth(t, asyncapi.Props{Model: asyncapi.JSONSchema(schema)}).One(t, "AWS::ApiGateway::Deployment", "Orders").ID
		}
		if deployment(`{"type":"object"}`) == deployment(`{"type":"object","minProperties":1}`) {
			t.Error("the deployment keeps its id, so CloudFormation would not deploy the model")
		}
	})
}

func TestQueueGrants(t *testing.T) {
	stack := cdktest.Stack()
	api := asyncapi.New(stack, "Orders", asyncapi.Props{Authorizer: open, Key: awskms.NewKey(stack, jsii.String("Key"), nil)})
	role := func(id string) awsiam.Role {
		return awsiam.NewRole(stack, &id, &awsiam.RoleProps{AssumedBy: awsiam.NewAccountRootPrincipal()})
	}
	api.GrantConsume(role("Consumer"))
	api.GrantRedrive(role("Operator"))
	template := cdktest.Synth(t, stack)
	queue := "{" + template.One(t, "AWS::SQS::Queue", "OrdersQueue").ID + ".Arn}"
	dead := "{" + template.One(t, "AWS::SQS::Queue", "OrdersDeadLetterQueue").ID + ".Arn}"
	key := "{" + template.One(t, "AWS::KMS::Key", "Key").ID + ".Arn}"
	equal(t, "consumer", statements(template.One(t, "AWS::IAM::Policy", "Consumer")), []string{
		"Allow sqs:ReceiveMessage,sqs:ChangeMessageVisibility,sqs:GetQueueUrl,sqs:DeleteMessage,sqs:GetQueueAttributes on " + queue,
		"Allow kms:Decrypt on " + key,
	})
	equal(t, "operator", statements(template.One(t, "AWS::IAM::Policy", "Operator")), []string{
		"Allow sqs:SendMessage on " + queue,
		"Allow kms:Decrypt,kms:GenerateDataKey on " + key,
		"Allow sqs:StartMessageMoveTask,sqs:ListMessageMoveTasks,sqs:CancelMessageMoveTask,sqs:ReceiveMessage,sqs:DeleteMessage,sqs:GetQueueAttributes on " + dead,
	})
}

func TestMetrics(t *testing.T) {
	api := asyncapi.New(cdktest.Stack(), "Orders", asyncapi.Props{Authorizer: open})
	for _, c := range []struct {
		metric func(*awscloudwatch.MetricOptions) awscloudwatch.Metric
		want   string
	}{
		{api.MetricSubmitted, "AWS/SQS NumberOfMessagesSent"},
		{api.MetricBacklog, "AWS/SQS ApproximateNumberOfMessagesVisible"},
		{api.MetricOldest, "AWS/SQS ApproximateAgeOfOldestMessage"},
		{api.MetricDead, "AWS/SQS ApproximateNumberOfMessagesVisible"},
		{api.MetricRequests, "AWS/ApiGateway Count"},
		{api.MetricClientErrors, "AWS/ApiGateway 4XXError"},
		{api.MetricServerErrors, "AWS/ApiGateway 5XXError"},
		{api.MetricLatency, "AWS/ApiGateway Latency"},
	} {
		m := c.metric(nil)
		equal(t, "metric", *m.Namespace()+" "+*m.MetricName(), c.want)
	}
}
