package statusnotifier_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-cdk-go/awscdk/v2/awscloudwatch"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsdynamodb"
	"github.com/aws/aws-cdk-go/awscdk/v2/awskms"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambdaeventsources"
	"github.com/aws/jsii-runtime-go"

	"github.com/orderflow-cdk/orderflow/constructs/internal/cdktest"
	"github.com/orderflow-cdk/orderflow/constructs/record"
	"github.com/orderflow-cdk/orderflow/constructs/statusnotifier"
	"github.com/orderflow-cdk/orderflow/internal/handler"
)

func TestOutboxReadsTheStream(t *testing.T) {
	template := synthChannels(t, nil, nil)
	m := template.One(t, "AWS::Lambda::EventSourceMapping", "Notify")
	failures := template.One(t, "AWS::SQS::Queue", "StatusOutboxFailures")
	for property, want := range map[string]any{
		"BatchSize": 100.0, "ParallelizationFactor": 10.0, "MaximumRetryAttempts": 10000.0, "MaximumRecordAgeInSeconds": 3600.0,
		"BisectBatchOnFunctionError": true, "StartingPosition": "TRIM_HORIZON", "FunctionResponseTypes": []any{"ReportBatchItemFailures"},
	} {
		equal(t, property, m.Get(property), want)
	}
	equal(t, "stream", m.Text("EventSourceArn"), "{"+template.One(t, "AWS::DynamoDB::Table", "Table").ID+".StreamArn}")
	equal(t, "failures", m.Text("DestinationConfig", "OnFailure", "Destination"), "{"+failures.ID+".Arn}")
	equal(t, "filter", m.Text("FilterCriteria", "Filters", 0, "Pattern"),
		`{"dynamodb":{"Keys":{"sk":{"S":["STATUS"]}},"NewImage":{"status":{"S":[{"exists":true}]}}}}`)
	equal(t, "failures' retention", failures.Get("MessageRetentionPeriod"), any(14*24*3600.0))
	equal(t, "failures' encryption", failures.Get("SqsManagedSseEnabled"), any(true))

	if got := m.Get("MaximumBatchingWindowInSeconds"); got != nil {
		t.Errorf("clients wait %v s for a batch to fill", got)
	}
}

func TestOutboxOptions(t *testing.T) {
	template := synthChannels(t, func(c *channels) {
		c.props.Outbox = &statusnotifier.Outbox{Function: c.notify, BatchSize: 7, BatchingWindow: 2 * time.Second, Parallelization: 3,
			RetryAttempts: 9, MaxRecordAge: 5 * time.Minute}
	}, nil)
	m := template.One(t, "AWS::Lambda::EventSourceMapping", "Notify")
	for property, want := range map[string]any{"BatchSize": 7.0, "MaximumBatchingWindowInSeconds": 2.0, "ParallelizationFactor": 3.0,
		"MaximumRetryAttempts": 9.0, "MaximumRecordAgeInSeconds": 300.0} {
		equal(t, property, m.Get(property), want)
	}
}

func TestOutboxMayOnlyReadTheStreamAndPublish(t *testing.T) {
	template := synthChannels(t, nil, nil)
	got := allowed(t, template, "NotifyServiceRole")
	queue := "{" + template.One(t, "AWS::SQS::Queue", "StatusOutboxFailures").ID + ".Arn}"
	stream := "{" + template.One(t, "AWS::DynamoDB::Table", "Table").ID + ".StreamArn}"
	equal(t, "allowed", got, map[string][]string{
		"sqs:SendMessage":      {queue},
		"dynamodb:ListStreams": {"*"}, "dynamodb:DescribeStream": {stream}, "dynamodb:GetRecords": {stream}, "dynamodb:GetShardIterator": {stream},
		"sns:Publish": {"{" + template.One(t, "AWS::SNS::Topic", "Status").ID + "}"},
		"appsync:GraphQL": {"arn:{AWS::Partition}:appsync:{AWS::Region}:{AWS::AccountId}:apis/{" +
			template.One(t, "AWS::AppSync::GraphQLApi", "Status").ID + ".ApiId}/types/Mutation/fields/publishOrderStatus"},
	})
}

// ListStreams has no resource, whatever kind of table it is.
func TestOutboxMayReadTheStreamOfATableV2(t *testing.T) {
	template := synthChannels(t, func(c *channels) {
		c.props.Table = awsdynamodb.NewTableV2(c.stack, jsii.String("V2"), &awsdynamodb.TablePropsV2{
			PartitionKey: &awsdynamodb.Attribute{Name: jsii.String(record.PartitionKey), Type: awsdynamodb.AttributeType_STRING},
			SortKey:      &awsdynamodb.Attribute{Name: jsii.String(record.SortKey), Type: awsdynamodb.AttributeType_STRING},
			DynamoStream: awsdynamodb.StreamViewType_NEW_AND_OLD_IMAGES,
		})
	}, nil)
	got := allowed(t, template, "NotifyServiceRole")
	stream := []string{"{" + template.One(t, "AWS::DynamoDB::GlobalTable", "V2").ID + ".StreamArn}"}
	for action, want := range map[string][]string{
		"dynamodb:ListStreams": {"*"}, "dynamodb:DescribeStream": stream, "dynamodb:GetRecords": stream, "dynamodb:GetShardIterator": stream,
	} {
		equal(t, action, got[action], want)
	}
}

func TestOutboxMayDecryptTheStream(t *testing.T) {
	template := synthChannels(t, func(c *channels) {
		c.props.Table = awsdynamodb.NewTable(c.stack, jsii.String("Encrypted"), &awsdynamodb.TableProps{
			PartitionKey:  &awsdynamodb.Attribute{Name: jsii.String(record.PartitionKey), Type: awsdynamodb.AttributeType_STRING},
			SortKey:       &awsdynamodb.Attribute{Name: jsii.String(record.SortKey), Type: awsdynamodb.AttributeType_STRING},
			Stream:        awsdynamodb.StreamViewType_NEW_AND_OLD_IMAGES,
			EncryptionKey: awskms.NewKey(c.stack, jsii.String("Key"), nil),
		})
	}, nil)
	equal(t, "key", allowed(t, template, "NotifyServiceRole")["kms:Decrypt"], []string{"{" + template.One(t, "AWS::KMS::Key", "Key").ID + ".Arn}"})
}

// As the CDK's DynamoEventSource names it, so that no deployed mapping is replaced.
func TestOutboxMappingHasTheIDOfTheCDK(t *testing.T) {
	stack := cdktest.Stack()
	table := newStreamTable(stack, awsdynamodb.StreamViewType_NEW_AND_OLD_IMAGES)
	newFunction(stack, "Notify").AddEventSource(awslambdaeventsources.NewDynamoEventSource(table, &awslambdaeventsources.DynamoEventSourceProps{
		StartingPosition: awslambda.StartingPosition_TRIM_HORIZON,
	}))
	equal(t, "id", synthChannels(t, nil, nil).One(t, "AWS::Lambda::EventSourceMapping", "Notify").ID,
		cdktest.Synth(t, stack).One(t, "AWS::Lambda::EventSourceMapping", "Notify").ID)
}

// A channel that is not there is neither told of to the function nor allowed.
func TestOutboxTellsTheChannelsThatThereAre(t *testing.T) {
	for _, c := range []struct {
		name          string
		change        func(*statusnotifier.Props)
		topic, socket bool
	}{
		{"topic", func(p *statusnotifier.Props) { p.WebSocket, p.SignedWebhooks = nil, nil }, true, false},
		{"web socket", func(p *statusnotifier.Props) { p.Topic, p.SignedWebhooks = nil, nil }, false, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			template := synthChannels(t, func(ch *channels) { c.change(&ch.props) }, nil)
			environment := template.One(t, "AWS::Lambda::Function", "Notify").Text("Environment", "Variables")
			equal(t, "topic", strings.Contains(environment, "TOPIC_ARN"), c.topic)
			equal(t, "endpoint", strings.Contains(environment, "GRAPHQL_ENDPOINT"), c.socket)
			got := allowed(t, template, "NotifyServiceRole")
			equal(t, "may publish", len(got["sns:Publish"]) > 0, c.topic)
			equal(t, "may mutate", len(got["appsync:GraphQL"]) > 0, c.socket)
			equal(t, "tables of webhooks", len(template.All("AWS::DynamoDB::Table", "StatusWebhooks")), 0)
		})
	}
}

func TestOutboxRefusesATableWithoutBothImages(t *testing.T) {
	for view, got := range map[awsdynamodb.StreamViewType]string{"": "none", awsdynamodb.StreamViewType_KEYS_ONLY: "KEYS_ONLY", awsdynamodb.StreamViewType_NEW_IMAGE: "NEW_IMAGE"} {
		c := newChannels()
		c.props.Table = newStreamTable(cdktest.Stack(), view)
		equal(t, "panic", panics(func() { c.add() }),
			any("statusnotifier: Stack/Status: outbox needs a table with a stream of NEW_AND_OLD_IMAGES, got "+got))
	}
	c := newChannels()
	c.props.Table = awsdynamodb.NewTableV2(c.stack, jsii.String("V2"), &awsdynamodb.TablePropsV2{
		PartitionKey: &awsdynamodb.Attribute{Name: jsii.String("pk"), Type: awsdynamodb.AttributeType_STRING},
		DynamoStream: awsdynamodb.StreamViewType_OLD_IMAGE,
	})
	equal(t, "panic", panics(func() { c.add() }),
		any("statusnotifier: Stack/Status: outbox needs a table with a stream of NEW_AND_OLD_IMAGES, got OLD_IMAGE"))
}

// needed is what is wrong with Props besides, since API and Table need Node.
const needed = "API must be given, got nil\ntable must be given, got nil\n"

func TestValidateChannels(t *testing.T) {
	some := struct{ awslambda.Function }{} // that is given; nothing asks it anything
	for _, c := range []struct {
		name  string
		props statusnotifier.Props
		want  string
	}{
		{"topic alone", statusnotifier.Props{Topic: &statusnotifier.Topic{}}, "topic needs Outbox, which publishes to it"},
		{"web socket alone", statusnotifier.Props{WebSocket: &statusnotifier.WebSocket{}},
			"web socket needs Outbox, which publishes to it\nweb socket's authorizer must be given: GraphQLUserPool, GraphQLLambda or GraphQLIAM"},
		{"webhooks alone", statusnotifier.Props{SignedWebhooks: &statusnotifier.SignedWebhooks{BatchSize: 11, MaxConcurrency: 1}},
			"signed webhooks need Topic, from which they get the events\ndeliver function must be given, got nil\n" +
				"manage function must be given, got nil\nwebhooks batch size must be 1–10, got 11\nwebhooks max concurrency must be 2–1000, got 1"},
		{"outbox alone", statusnotifier.Props{Outbox: &statusnotifier.Outbox{}},
			"outbox needs Topic or WebSocket, or it tells nobody\noutbox function must be given, got nil"},
		{"a function for a channel that is not there", statusnotifier.Props{Topic: &statusnotifier.Topic{},
			Outbox: &statusnotifier.Outbox{Function: some, GraphQLFunction: some}},
			"outbox GraphQL function needs Topic and WebSocket, or one of the two functions tells nobody"},
		{"outbox's numbers", statusnotifier.Props{Topic: &statusnotifier.Topic{}, Outbox: &statusnotifier.Outbox{
			BatchSize: 10001, BatchingWindow: 301 * time.Second, Parallelization: 11, RetryAttempts: -1, MaxRecordAge: 90*time.Second + time.Millisecond}},
			"outbox function must be given, got nil\noutbox batch size must be 1–10000, got 10001\n" +
				"outbox batching window must be 0s–5m0s, got 5m1s\noutbox parallelization must be 1–10, got 11\n" +
				"outbox retry attempts must be 1–10000, got -1\noutbox max record age must be whole seconds, got 1m30.001s"},
		{"outbox's age", statusnotifier.Props{Topic: &statusnotifier.Topic{}, Outbox: &statusnotifier.Outbox{MaxRecordAge: 20 * time.Hour}},
			"outbox function must be given, got nil\noutbox max record age must be 1m0s–18h0m0s, got 20h0m0s"},
		{"authorizers", statusnotifier.Props{Outbox: &statusnotifier.Outbox{}, WebSocket: &statusnotifier.WebSocket{
			Authorizer: statusnotifier.GraphQLUserPool(nil, "a'b")}},
			"outbox function must be given, got nil\nweb socket's user pool must be given, got nil\n" +
				`web socket's tenant claim must be letters, digits, underscores, colons and hyphens, got "a'b"`},
		{"Lambda authorizer", statusnotifier.Props{Outbox: &statusnotifier.Outbox{}, WebSocket: &statusnotifier.WebSocket{
			Authorizer: statusnotifier.GraphQLLambda(nil, "")}},
			"outbox function must be given, got nil\nweb socket's authorizer function must be given, got nil\n" +
				`web socket's context key must be letters, digits and underscores, got ""`},
		{"IAM", statusnotifier.Props{Outbox: &statusnotifier.Outbox{}, WebSocket: &statusnotifier.WebSocket{
			Authorizer: statusnotifier.GraphQLIAM("$context.identity.caller")}},
			"outbox function must be given, got nil\n" +
				`web socket's IAM tenant must be TenantAccount or TenantCognitoIdentity, got "$context.identity.caller"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			equal(t, "error", fmt.Sprint(c.props.Validate()), needed+c.want)
		})
	}
}

func TestFunctionsMustFitTheirTimes(t *testing.T) {
	c := newChannels()
	short, long := newFunctionOf(c.stack, "Short", 20), newFunctionOf(c.stack, "Long", 29)
	c.props.SignedWebhooks = &statusnotifier.SignedWebhooks{Deliver: short, Manage: long}
	if err := c.props.Validate(); err != nil {
		t.Error(err)
	}
	c.props.SignedWebhooks.Deliver = newFunctionOf(c.stack, "TooShort", 19)
	c.props.SignedWebhooks.Manage = newFunctionOf(c.stack, "TooLong", 900)
	equal(t, "error", fmt.Sprint(c.props.Validate()),
		fmt.Sprintf("deliver function's timeout must be at least 20s: the %v of one attempt, and 5s to begin and to answer, got 19s\n", handler.AttemptTimeout)+
			"manage function's timeout must be at most the 29s that API Gateway waits, got 15m0s")
}

func TestMetricsOfChannels(t *testing.T) {
	c := newChannels()
	n := c.add()
	equal(t, "age", *n.MetricOutboxAge(nil).MetricName(), "IteratorAge")
	equal(t, "AppSync's age", *n.MetricGraphQLOutboxAge(nil).MetricName(), "IteratorAge")
	equal(t, "in flight", *n.MetricDeliveriesInFlight(nil).MetricName(), "ApproximateNumberOfMessagesNotVisible")
	equal(t, "AppSync", *n.MetricGraphQLErrors(nil).MetricName(), "5XXError")
	for want, dimensions := range map[string]*map[string]any{
		"OutboxFailures":          n.MetricOutboxFailures(nil).Dimensions(),
		"SubscriptionDeadLetters": n.MetricSubscriptionsDead(nil).Dimensions(),
		"DeliveryDeadLetters":     n.MetricDeliveriesDead(nil).Dimensions(),
		"DeliveryQueue":           n.MetricDeliveriesInFlight(nil).Dimensions(),
	} {
		name := c.stack.Resolve((*dimensions)["QueueName"])
		contains(t, "queue", fmt.Sprint(name), want)
	}
	polling := newChannels()
	polling.props.Outbox, polling.props.Topic, polling.props.SignedWebhooks, polling.props.WebSocket = nil, nil, nil, nil
	p := polling.add()
	for want, f := range map[string]func(){
		"MetricOutboxAge needs Props.Outbox":                  func() { p.MetricOutboxAge(nil) },
		"MetricOutboxFailures needs Props.Outbox":             func() { p.MetricOutboxFailures(nil) },
		"MetricSubscriptionsDead needs Props.Topic":           func() { p.MetricSubscriptionsDead(nil) },
		"MetricGraphQLOutboxAge needs Props.WebSocket":        func() { p.MetricGraphQLOutboxAge(nil) },
		"MetricDeliveriesDead needs Props.SignedWebhooks":     func() { p.MetricDeliveriesDead(nil) },
		"MetricDeliveriesInFlight needs Props.SignedWebhooks": func() { p.MetricDeliveriesInFlight(nil) },
		"MetricGraphQLErrors needs Props.WebSocket":           func() { p.MetricGraphQLErrors(nil) },
		"GraphQLRealtimeURL needs Props.WebSocket":            func() { p.GraphQLRealtimeURL() },
		"GrantPublish needs Props.Topic":                      func() { p.GrantPublish(polling.notify) },
		"GrantSubscribe needs Props.WebSocket":                func() { p.GrantSubscribe(polling.notify) },
		"GrantRedriveDeliveries needs Props.SignedWebhooks":   func() { p.GrantRedriveDeliveries(polling.notify) },
		"GrantInvokeWebhooks needs Props.SignedWebhooks":      func() { p.GrantInvokeWebhooks(polling.notify) },
	} {
		equal(t, "panic", panics(f), any("statusnotifier: Stack/Status: "+want))
	}
}

func TestEachChannelMayHaveAFunctionOfItsOwn(t *testing.T) {
	template := synthChannels(t, func(c *channels) {
		c.props.Outbox.GraphQLFunction = newFunction(c.stack, "Sockets")
	}, func(c *channels, n *statusnotifier.StatusNotifier) {
		for function, metric := range map[string]awscloudwatch.Metric{"Notify": n.MetricOutboxAge(nil), "Sockets": n.MetricGraphQLOutboxAge(nil)} {
			contains(t, "age", fmt.Sprint(c.stack.Resolve((*metric.Dimensions())["FunctionName"])), function)
		}
	})
	for name, variable := range map[string]string{"Notify": "TOPIC_ARN", "Sockets": "GRAPHQL_ENDPOINT"} {
		variables, _ := template.One(t, "AWS::Lambda::Function", name).Get("Environment", "Variables").(map[string]any)
		if len(variables) != 1 || variables[variable] == nil {
			t.Errorf("%s has the variables %v, want %s alone", name, variables, variable)
		}
		m := template.One(t, "AWS::Lambda::EventSourceMapping", name)
		equal(t, "stream of "+name, m.Text("EventSourceArn"), "{"+template.One(t, "AWS::DynamoDB::Table", "Table").ID+".StreamArn}")
		equal(t, "failures of "+name, m.Text("DestinationConfig", "OnFailure", "Destination"), "{"+template.One(t, "AWS::SQS::Queue", "StatusOutboxFailures").ID+".Arn}")
	}
	if got := allowed(t, template, "NotifyServiceRole"); got["appsync:GraphQL"] != nil || got["sns:Publish"] == nil {
		t.Errorf("the topic's function may %v", got)
	}
	if got := allowed(t, template, "SocketsServiceRole"); got["sns:Publish"] != nil || got["appsync:GraphQL"] == nil {
		t.Errorf("AppSync's function may %v", got)
	}
}
