package local_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/orderflow-cdk/orderflow/local"
)

// counter is a template of one queue, one function and one table: each message
// adds one to a number.
const counter = `{
	"Resources": {
		"Jobs": {"Type": "AWS::SQS::Queue", "Properties": {"VisibilityTimeout": 60,
			"RedrivePolicy": {"deadLetterTargetArn": {"Fn::GetAtt": ["Dead", "Arn"]}, "maxReceiveCount": 3}}},
		"Dead": {"Type": "AWS::SQS::Queue"},
		"Counts": {"Type": "AWS::DynamoDB::Table", "Properties": {"BillingMode": "PAY_PER_REQUEST",
			"AttributeDefinitions": [{"AttributeName": "pk", "AttributeType": "S"}],
			"KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}]}},
		"Role": {"Type": "AWS::IAM::Role"},
		"Count": {"Type": "AWS::Lambda::Function", "Properties": {"Handler": "count", "Role": {"Fn::GetAtt": ["Role", "Arn"]},
			"Runtime": "provided.al2023", "Timeout": 10, "Code": {"ZipFile": ""},
			"Environment": {"Variables": {"TABLE": {"Ref": "Counts"}}}}},
		"Source": {"Type": "AWS::Lambda::EventSourceMapping", "Properties": {"BatchSize": 10,
			"EventSourceArn": {"Fn::GetAtt": ["Jobs", "Arn"]}, "FunctionName": {"Ref": "Count"}}}
	},
	"Outputs": {"Jobs": {"Value": {"Ref": "Jobs"}}, "Dead": {"Value": {"Ref": "Dead"}}, "Table": {"Value": {"Ref": "Counts"}}}
}`

type message struct {
	Body string `json:"body"`
}

// count is the code of the counter's function.
func count(r local.Runtime) (local.Handler, error) {
	client := dynamodb.NewFromConfig(r.AWS)
	return lambda.NewHandler(func(ctx context.Context, event struct{ Records []message }) error {
		for _, m := range event.Records {
			if m.Body == "poison" {
				return errors.New("poison")
			}
			fmt.Fprintf(r.Log, "%s counts %s\n", r.Now().Format(time.RFC3339), m.Body)
			if _, err := client.UpdateItem(ctx, countUp(r.Getenv("TABLE"))); err != nil {
				return err
			}
		}
		return nil
	}), nil
}

func start(t *testing.T, o local.Options) *local.Stack {
	t.Helper()
	o.Functions = map[string]local.NewFunction{"count": count}
	s, err := local.New([]byte(counter), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

func call(t *testing.T, s *local.Stack, service, action string, in any) map[string]any {
	t.Helper()
	body, err := json.Marshal(in)
	if err != nil {
		t.Fatal(err)
	}
	out, err := s.Call(service, action, body)
	if err != nil {
		t.Fatal(err)
	}
	var doc map[string]any
	if len(out) > 0 {
		if err := json.Unmarshal(out, &doc); err != nil {
			t.Fatal(err)
		}
	}
	return doc
}

func counted(t *testing.T, s *local.Stack) string {
	t.Helper()
	out := call(t, s, "dynamodb", "GetItem", map[string]any{
		"TableName": s.Outputs()["Table"], "Key": map[string]any{"pk": map[string]string{"S": "n"}},
	})
	item, _ := out["Item"].(map[string]any)
	n, _ := item["n"].(map[string]any)
	v, _ := n["N"].(string)
	return v
}

func TestVirtualTime(t *testing.T) {
	var logs strings.Builder
	s := start(t, local.Options{Seed: 1, Logs: &logs})
	before := s.Now()
	for i := range 25 {
		call(t, s, "sqs", "SendMessage", map[string]any{"QueueUrl": s.Outputs()["Jobs"], "MessageBody": fmt.Sprint(i)})
	}
	if !s.RunUntilIdle(time.Hour) {
		t.Fatal("the stack does not come to rest")
	}
	if got := counted(t, s); got != "25" {
		t.Errorf("counted %q, want 25", got)
	}
	if took := s.Now().Sub(before); took <= 0 || took > time.Minute {
		t.Errorf("it took %s of the stack's time", took)
	}
	if !strings.Contains(logs.String(), "2026-01-01T00:00:00Z counts 0\n") {
		t.Errorf("the function's log, in the stack's time: %q", logs.String())
	}
}

func TestAPoisonMessageEndsInTheDeadLetterQueue(t *testing.T) {
	s := start(t, local.Options{Seed: 1})
	call(t, s, "sqs", "SendMessage", map[string]any{"QueueUrl": s.Outputs()["Jobs"], "MessageBody": "poison"})
	if !s.RunUntilIdle(time.Hour) {
		t.Fatal("the stack does not come to rest")
	}
	out := call(t, s, "sqs", "ReceiveMessage", map[string]any{"QueueUrl": s.Outputs()["Dead"]})
	messages, _ := out["Messages"].([]any)
	if len(messages) != 1 || messages[0].(map[string]any)["Body"] != "poison" {
		t.Errorf("the dead-letter queue holds %v", out)
	}
	if got := counted(t, s); got != "" {
		t.Errorf("counted %q", got)
	}
}

func TestRealTime(t *testing.T) {
	s := start(t, local.Options{RealTime: true})
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	for range 3 {
		call(t, s, "sqs", "SendMessage", map[string]any{"QueueUrl": s.Outputs()["Jobs"], "MessageBody": "x"})
	}
	for deadline := time.Now().Add(30 * time.Second); counted(t, s) != "3"; {
		if time.Now().After(deadline) {
			t.Fatalf("counted %q, want 3", counted(t, s))
		}
		time.Sleep(5 * time.Millisecond)
	}
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("Run ended with %v", err)
	}
	if _, err := s.Call("dynamodb", "ListTables", []byte("{}")); err == nil {
		t.Error("a call is answered although the stack has stopped")
	}
}

func TestTheSameSeedGivesTheSameRun(t *testing.T) {
	run := func(seed uint64) string {
		var logs strings.Builder
		s := start(t, local.Options{Seed: seed, Logs: &logs})
		for i := range 50 {
			call(t, s, "sqs", "SendMessage", map[string]any{"QueueUrl": s.Outputs()["Jobs"], "MessageBody": fmt.Sprint(i)})
		}
		s.RunUntilIdle(time.Hour)
		return logs.String() + s.Now().String()
	}
	if first, second := run(3), run(3); first != second {
		t.Error("two runs with one seed differ")
	}
}

func TestWhatCannotBeRunIsNamed(t *testing.T) {
	for _, tt := range []struct{ old, new, want string }{
		{`"AWS::SQS::Queue", "Properties": {"VisibilityTimeout": 60`, `"AWS::Kinesis::Stream", "Properties": {"VisibilityTimeout": 60`, "Jobs (AWS::Kinesis::Stream): this type is not simulated"},
		{`"VisibilityTimeout": 60`, `"VisibilityTimeOut": 60`, "Jobs (AWS::SQS::Queue): property VisibilityTimeOut is not simulated"},
		{`"Handler": "count"`, `"Handler": "cuont"`, `Count (AWS::Lambda::Function): no code is registered for Handler "cuont"; registered: count`},
		{`{"Ref": "Count"}`, `{"Ref": "Cuont"}`, "Source (AWS::Lambda::EventSourceMapping): FunctionName: Ref Cuont: the template has no such resource"},
	} {
		if !strings.Contains(counter, tt.old) {
			t.Fatalf("the template has no %s", tt.old)
		}
		_, err := local.New([]byte(strings.Replace(counter, tt.old, tt.new, 1)), local.Options{Functions: map[string]local.NewFunction{"count": count}})
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("error %v\nwant it to contain %s", err, tt.want)
		}
	}
}

func TestNotesNameWhatIsOnlyDeclared(t *testing.T) {
	notes := strings.Join(start(t, local.Options{}).Notes(), "\n")
	for _, want := range []string{"Role (AWS::IAM::Role): it has no properties: everything is allowed to it", "Count (AWS::Lambda::Function): property Runtime"} {
		if !strings.Contains(notes, want) {
			t.Errorf("the notes do not hold %q:\n%s", want, notes)
		}
	}
}

func TestCallsThatAreNotSimulatedSaySo(t *testing.T) {
	s := start(t, local.Options{})
	for _, c := range [][2]string{{"kinesis", "PutRecord"}, {"sqs", "AddPermission"}, {"dynamodb", "CreateBackup"}, {"lambda", "CreateAlias"}, {"states", "CreateActivity"}} {
		if _, err := s.Call(c[0], c[1], []byte("{}")); err == nil || !strings.Contains(err.Error(), "not simulated") {
			t.Errorf("%s:%s: %v", c[0], c[1], err)
		}
	}
}

func TestATemplateWithoutAGatewayServesNothing(t *testing.T) {
	rec := httptest.NewRecorder()
	start(t, local.Options{}).ServeHTTP(rec, httptest.NewRequest("GET", "/", nil))
	if rec.Code != http.StatusNotFound || !strings.Contains(rec.Body.String(), "AWS::ApiGateway::RestApi") {
		t.Errorf("%d %s", rec.Code, rec.Body)
	}
}

func countUp(table string) *dynamodb.UpdateItemInput {
	return &dynamodb.UpdateItemInput{
		TableName: &table, Key: map[string]types.AttributeValue{"pk": &types.AttributeValueMemberS{Value: "n"}},
		UpdateExpression:          aws.String("ADD n :one"),
		ExpressionAttributeValues: map[string]types.AttributeValue{":one": &types.AttributeValueMemberN{Value: "1"}},
	}
}
