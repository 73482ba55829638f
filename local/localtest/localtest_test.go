package localtest_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/orderflow-cdk/orderflow/local"
	"github.com/orderflow-cdk/orderflow/local/localtest"
)

// greet counts how often each name was greeted.
func greet(r local.Runtime) (local.Handler, error) {
	table := dynamodb.NewFromConfig(r.AWS)
	return lambda.NewHandler(func(ctx context.Context, batch events.SQSEvent) error {
		for _, m := range batch.Records {
			if m.Body == "nobody" {
				return errors.New("there is nobody to greet")
			}
			if _, err := table.UpdateItem(ctx, &dynamodb.UpdateItemInput{
				TableName:                 aws.String(r.Getenv("TABLE")),
				Key:                       map[string]types.AttributeValue{"name": &types.AttributeValueMemberS{Value: m.Body}},
				UpdateExpression:          aws.String("ADD times :one"),
				ExpressionAttributeValues: map[string]types.AttributeValue{":one": &types.AttributeValueMemberN{Value: "1"}},
			}); err != nil {
				return err
			}
			fmt.Fprintf(r.Log, "hello, %s\nnice to see you\n", m.Body)
		}
		return nil
	}), nil
}

func options() local.Options {
	return local.Options{Functions: map[string]local.NewFunction{"greet": greet}}
}

func start(t testing.TB) *localtest.Stack {
	t.Helper()
	return localtest.Start(t, localtest.Assembly(t, "../testdata", "greetings"), options())
}

// user is a client of the GraphQL API.
func user(s *localtest.Stack) *localtest.Client {
	return s.Anonymous().With("X-Api-Key", s.Output("ApiKey"))
}

// greeted is how often somebody was greeted.
func greeted(s *localtest.Stack, name string) string {
	return user(s).GraphQL(`query($name: ID!) { greeted(name: $name) }`, localtest.M{"name": name}).Text("greeted")
}

func hello(s *localtest.Stack, name string) {
	s.Anonymous().Do("POST", "/greetings", localtest.M{"name": name}).Want(http.StatusAccepted)
}

func Example() {
	t := &fakeT{} // in a test, its *testing.T
	template, err := os.ReadFile("../testdata/greetings.template.json")
	if err != nil {
		t.Fatal(err)
	}
	stack := localtest.Start(t, template, local.Options{Functions: map[string]local.NewFunction{"greet": greet}})

	// The first attempt crashes; the queue repeats it after a minute.
	stack.Inject(local.Fault{Target: "greet", Kind: local.CrashBefore, Times: 1})
	stack.Anonymous().Do("POST", "/greetings", localtest.M{"name": "Ada"}).Want(202)

	reader := stack.Anonymous().With("X-Api-Key", stack.Output("ApiKey"))
	stack.Eventually(func() bool {
		return reader.GraphQL(`{ greeted(name: "Ada") }`, nil).Text("greeted") == "1"
	}, time.Hour)
	fmt.Println("after", stack.Now().Format(time.TimeOnly))
	fmt.Println("attempts:", len(stack.Trace().Kind(local.EventInvocation).To("Greet")))
	// Output:
	// after 00:01:00
	// attempts: 2
}

func TestATestThatPassesSaysNothing(t *testing.T) {
	said, failed := ended(func(t testing.TB) {
		s := start(t)
		hello(s, "Ada")
		s.Idle(time.Hour)
		if got := greeted(s, "Ada"); got != "1" {
			t.Fatalf("greeted %s times", got)
		}
		if got := strings.Join(s.Logs(), "|"); got != "hello, Ada|nice to see you" {
			t.Fatalf("logged %q", got)
		}
	})
	if failed || said != "" {
		t.Errorf("it said: %s", said)
	}
}

func TestATestThatFailsTellsWhy(t *testing.T) {
	never := func() bool { return false }
	for _, tt := range []struct {
		name string
		test func(testing.TB, *localtest.Stack)
		want []string
	}{
		{"a status", func(_ testing.TB, s *localtest.Stack) { s.Anonymous().Do("POST", "/greetings", "{}").Want(201) },
			[]string{"status 202, want 201", `{"accepted":true}`, "POST /greetings", "Greetings", "sqs:SendMessage"}},
		{"no problem+json", func(_ testing.TB, s *localtest.Stack) { s.Anonymous().Do("GET", "/nowhere", nil).Problem(403) },
			[]string{"this is no problem+json of status 403, but application/json"}},
		{"logs", func(_ testing.TB, s *localtest.Stack) {
			hello(s, "Ada")
			s.Eventually(never, time.Hour)
		}, []string{"nothing more is going to happen, ", "hello, Ada\nnice to see you", "what functions logged last (2 of 2 lines)"}},
		{"what happened", func(_ testing.TB, s *localtest.Stack) {
			hello(s, "nobody")
			s.Eventually(never, 59*time.Second)
		}, []string{"it did not come to be within 59s", "! errorString: there is nobody to greet"}},
		{"not idle", func(_ testing.TB, s *localtest.Stack) {
			hello(s, "nobody")
			s.Idle(time.Second)
		}, []string{"there is still something going on after 1s"}},
		{"no such output", func(_ testing.TB, s *localtest.Stack) { s.Output("Url") },
			[]string{"the template has no output Url; it has: ApiKey, DeadLetters, Queue, Table"}},
		{"no such fault", func(_ testing.TB, s *localtest.Stack) { s.Inject(local.Fault{Target: "wave", Kind: local.Throttle}) },
			[]string{`no function with the Handler "wave"`}},
		{"an AWS call", func(_ testing.TB, s *localtest.Stack) {
			s.AWS("sqs:SendMessage", localtest.M{"QueueUrl": "https://none"})
		},
			[]string{"sqs:SendMessage: "}},
		{"no action", func(_ testing.TB, s *localtest.Stack) { s.AWS("SendMessage", nil) },
			[]string{`"SendMessage" is no action of a service`}},
		{"GraphQL", func(_ testing.TB, s *localtest.Stack) { user(s).GraphQL(`{ waved }`, nil) }, []string{"FieldUndefined"}},
		{"nobody is told", func(_ testing.TB, s *localtest.Stack) {
			user(s).Subscribe(`subscription { onShout { text } }`, nil).Next(time.Minute)
		}, []string{"localtest: "}},
		{"a subscription that is refused", func(_ testing.TB, s *localtest.Stack) {
			user(s).Subscribe(`subscription { onWave { text } }`, nil)
		}, []string{"subscribing: ", "onWave"}},
		{"no such role", func(_ testing.TB, s *localtest.Stack) { s.ConfigOf("arn:aws:iam::123456789012:role/none") }, []string{"the template has no role arn:"}},
		{"an API key", func(_ testing.TB, s *localtest.Stack) { s.WithAPIKey("Ada") }, []string{`no API key "Ada"`}},
		{"a template that cannot be run", func(t testing.TB, _ *localtest.Stack) {
			localtest.Start(t, []byte(`{"Resources":{"Bucket":{"Type":"AWS::S3::Bucket"}}}`), local.Options{})
		}, []string{"Bucket (AWS::S3::Bucket)"}},
		{"real time", func(t testing.TB, _ *localtest.Stack) {
			localtest.Start(t, nil, local.Options{RealTime: true})
		}, []string{"virtual time"}},
		{"no such stack", func(t testing.TB, _ *localtest.Stack) { localtest.Assembly(t, "../testdata", "partings") },
			[]string{"no cloud assembly"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			reached := false
			said, failed := ended(func(t testing.TB) {
				tt.test(t, start(t))
				reached = true
			})
			if !failed || reached {
				t.Errorf("failed: %v, and it went on: %v", failed, reached)
			}
			for _, want := range tt.want {
				if !strings.Contains(said, want) {
					t.Errorf("it does not say %q:\n%s", want, said)
				}
			}
		})
	}
}

func TestSubscription(t *testing.T) {
	s := start(t)
	loud := user(s).Subscribe(`subscription { onShout { text } }`, nil)
	also := user(s).Subscribe(`subscription { onShout { text } }`, nil)
	for _, text := range []string{"land", "ho"} {
		user(s).GraphQL(`mutation($t: String!) { shout(text: $t) { text } }`, localtest.M{"t": text})
	}
	for _, want := range []string{"land!", "ho!"} {
		if got := loud.Next(time.Minute).Text("onShout.text"); got != want {
			t.Errorf("told %q, want %q", got, want)
		}
	}
	if loud.Pending() != 0 || also.Pending() != 2 {
		t.Errorf("pending: %d and %d, want 0 and 2", loud.Pending(), also.Pending())
	}
	also.Close()
	if got := len(s.Trace().Kind(local.EventFrame)); got != 4 {
		t.Errorf("%d frames", got)
	}
	if _, err := s.Anonymous().TrySubscribe(`subscription { onShout { text } }`, nil); err == nil {
		t.Error("anybody may subscribe")
	}
}

// who is a method that IAM authorizes.
const who = `{"Resources": {
	"Api": {"Type": "AWS::ApiGateway::RestApi", "Properties": {"Name": "who"}},
	"Get": {"Type": "AWS::ApiGateway::Method", "Properties": {
		"RestApiId": {"Ref": "Api"}, "ResourceId": {"Fn::GetAtt": ["Api", "RootResourceId"]}, "HttpMethod": "GET", "AuthorizationType": "AWS_IAM",
		"Integration": {"Type": "MOCK", "RequestTemplates": {"application/json": "{\"statusCode\":200}"},
			"IntegrationResponses": [{"StatusCode": "200", "ResponseTemplates": {"application/json": "{\"caller\":\"$context.identity.caller\"}"}}]},
		"MethodResponses": [{"StatusCode": "200"}]}},
	"Deployment": {"Type": "AWS::ApiGateway::Deployment", "DependsOn": ["Get"], "Properties": {"RestApiId": {"Ref": "Api"}}},
	"Stage": {"Type": "AWS::ApiGateway::Stage", "Properties": {"RestApiId": {"Ref": "Api"}, "DeploymentId": {"Ref": "Deployment"}, "StageName": "live"}}
}}`

func TestSignedBy(t *testing.T) {
	for _, region := range []string{"", "eu-west-1"} {
		s := localtest.Start(t, []byte(who), local.Options{Region: region, Identities: map[string]local.Identity{"AKIAADA": {SecretAccessKey: "secret"}}})
		ada := aws.Credentials{AccessKeyID: "AKIAADA", SecretAccessKey: "secret"}
		if got := s.SignedBy(ada).Do("GET", "/", nil).Want(http.StatusOK).Text("caller"); got != "AKIAADA" {
			t.Errorf("the caller is %q", got)
		}
		s.Advance(time.Hour) // a signature is made anew for each request
		s.SignedBy(ada).Do("GET", "/", nil).Want(http.StatusOK)
		s.Anonymous().Do("GET", "/", nil).Want(http.StatusForbidden)
		ada.SecretAccessKey = "guessed"
		s.SignedBy(ada).Do("GET", "/", nil).Want(http.StatusForbidden)
	}
}

func TestConfig(t *testing.T) {
	s := start(t)
	begun := s.Now()
	queues, tables := sqs.NewFromConfig(s.Config()), dynamodb.NewFromConfig(s.Config())
	if _, err := queues.SendMessage(t.Context(), &sqs.SendMessageInput{QueueUrl: aws.String(s.Output("Queue")), MessageBody: aws.String("Ada")}); err != nil {
		t.Fatal(err)
	}
	s.Idle(time.Hour)
	out, err := tables.GetItem(t.Context(), &dynamodb.GetItemInput{
		TableName: aws.String(s.Output("Table")), Key: map[string]types.AttributeValue{"name": &types.AttributeValueMemberS{Value: "Ada"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	if times, ok := out.Item["times"].(*types.AttributeValueMemberN); !ok || times.Value != "1" {
		t.Errorf("the item is %v", out.Item)
	}
	if took := s.Now().Sub(begun); took <= 0 || took > time.Minute {
		t.Errorf("it took %v of the stack's time", took)
	}
}

func TestDeadLettersAreRedriven(t *testing.T) {
	s := start(t)
	dead := s.Output("DeadLetters")
	s.Inject(local.Fault{Target: "greet", Kind: local.CrashBefore})
	s.Inject(local.Fault{Target: "dynamodb:*", Kind: local.Slow, Delay: time.Second})
	hello(s, "Ada")
	s.Eventually(func() bool { return s.Waiting(dead) == 1 }, time.Hour)
	if f := s.Faults(); len(f) != 2 {
		t.Errorf("faults: %v", f)
	}
	s.Heal()
	s.Redrive(dead)
	s.Eventually(func() bool { return greeted(s, "Ada") == "1" }, time.Minute)
	if _, err := s.TryAWS("sqs:ReceiveMessage", localtest.M{"QueueUrl": "https://none"}); err == nil {
		t.Error("there is a queue that is not there")
	}
}

func TestTrace(t *testing.T) {
	s := start(t)
	hello(s, "Ada")
	s.Idle(time.Hour)
	trace := s.Trace()
	for want, got := range map[string]localtest.Trace{
		"POST /greetings":     trace.Kind(local.EventRequest),
		"sqs:SendMessage":     trace.Action("sqs:*"),
		"dynamodb:UpdateItem": trace.From("GreetRole"),
		"Invoke":              trace.To("Greet").Kind(local.EventInvocation),
	} {
		if len(got) != 1 || got[0].Action != want {
			t.Errorf("want one %s, got\n%s", want, got)
		}
		if !strings.Contains(trace.String(), want) {
			t.Errorf("the trace as a text lacks %s", want)
		}
	}
}

func TestValue(t *testing.T) {
	s := start(t)
	s.AWS("dynamodb:PutItem", localtest.M{"TableName": s.Output("Table"), "Item": localtest.M{
		"name": localtest.M{"S": "Ada"}, "times": localtest.M{"N": "12345678901234567890"}, "friends": localtest.M{"L": []localtest.M{{"S": "Grace"}}},
	}})
	item := s.AWS("dynamodb:GetItem", localtest.M{"TableName": s.Output("Table"), "Key": localtest.M{"name": localtest.M{"S": "Ada"}}})
	for path, want := range map[string]string{
		"Item.times.N": "12345678901234567890", "Item.friends.L.0.S": "Grace", "Item.friends.L.0": `{"S":"Grace"}`,
		"Item.friends.L.1": "", "Item.friends.L.x": "", "Item.name.S.x": "", "Nothing": "",
	} {
		if got := item.Text(path); got != want {
			t.Errorf("%s is %q, want %q", path, got, want)
		}
	}
	if item.Len("Item") != 3 || item.Len("Item.friends.L") != 1 || item.Len("Item.name.S") != 0 {
		t.Errorf("lengths in %s", item)
	}
	var whole struct{ Item map[string]any }
	if item.Decode(&whole); len(whole.Item) != 3 {
		t.Errorf("decoded: %v", whole)
	}
}

// The template's policies decide: what they do not allow is told.
func TestDeniedIsTold(t *testing.T) {
	template := string(localtest.Assembly(t, "../testdata", "greetings"))
	s := localtest.Start(t, []byte(strings.Replace(template, `"dynamodb:UpdateItem"`, `"dynamodb:PutItem"`, 1)), options())
	hello(s, "Ada")
	s.Eventually(func() bool { return s.Waiting(s.Output("DeadLetters")) == 1 }, time.Hour)
	denied := s.Trace().Kind(local.EventDenied).From("GreetRole")
	if len(denied) == 0 || denied[0].Action != "dynamodb:UpdateItem" {
		t.Errorf("denied:\n%s", denied)
	}
}
