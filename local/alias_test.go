package local_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/lambdacontext"

	"github.com/orderflow-cdk/orderflow/local"
)

// aliasTemplate has a function with an alias that a queue, a topic and a state machine invoke, with these permissions. Invoked is what the
// machine and the topic name.
func aliasTemplate(invoked, machineMay, topicMay string) []byte {
	const trust = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":%q},"Action":"sts:AssumeRole"}]}`
	policy := func(action, resource string) string {
		return fmt.Sprintf(`[{"PolicyName":"own","PolicyDocument":{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":%s,"Resource":%s}]}}]`, action, resource)
	}
	definition := `{"Fn::Join":["",["{\"QueryLanguage\":\"JSONata\",\"StartAt\":\"Do\",\"States\":{\"Do\":{\"Type\":\"Task\",\"Resource\":\"arn:aws:states:::lambda:invoke\",\"Arguments\":{\"FunctionName\":\"",` +
		invoked + `,"\",\"Payload\":{}},\"End\":true}}}"]]}`
	return []byte(`{"Resources":{
		"Queue":{"Type":"AWS::SQS::Queue","Properties":{}},
		"Topic":{"Type":"AWS::SNS::Topic","Properties":{}},
		"Role":{"Type":"AWS::IAM::Role","Properties":{"AssumeRolePolicyDocument":` + fmt.Sprintf(trust, "lambda.amazonaws.com") + `,
			"Policies":` + policy(`["sqs:ReceiveMessage","sqs:DeleteMessage","sqs:GetQueueAttributes","logs:CreateLogGroup","logs:CreateLogStream","logs:PutLogEvents"]`, `"*"`) + `}},
		"Function":{"Type":"AWS::Lambda::Function","Properties":{"Handler":"told","Role":{"Fn::GetAtt":["Role","Arn"]}}},
		"FunctionCurrentVersion":{"Type":"AWS::Lambda::Version","Properties":{"FunctionName":{"Ref":"Function"}},"DeletionPolicy":"RetainExceptOnCreate"},
		"Alias":{"Type":"AWS::Lambda::Alias","Properties":{"FunctionName":{"Ref":"Function"},"FunctionVersion":{"Fn::GetAtt":["FunctionCurrentVersion","Version"]},"Name":"live"},
			"UpdatePolicy":{"CodeDeployLambdaAliasUpdate":{"ApplicationName":{"Ref":"Application"},"DeploymentGroupName":{"Ref":"Group"}}}},
		"Application":{"Type":"AWS::CodeDeploy::Application","Properties":{"ComputePlatform":"Lambda"}},
		"Group":{"Type":"AWS::CodeDeploy::DeploymentGroup","Properties":{"ApplicationName":{"Ref":"Application"},"ServiceRoleArn":"arn:aws:iam::123456789012:role/deployer"}},
		"Mapping":{"Type":"AWS::Lambda::EventSourceMapping","Properties":{"EventSourceArn":{"Fn::GetAtt":["Queue","Arn"]},"FunctionName":{"Ref":"Alias"}}},
		"Subscription":{"Type":"AWS::SNS::Subscription","Properties":{"TopicArn":{"Ref":"Topic"},"Protocol":"lambda","Endpoint":` + invoked + `}},
		"Permission":{"Type":"AWS::Lambda::Permission","Properties":{"Action":"lambda:InvokeFunction","FunctionName":` + topicMay + `,"Principal":"sns.amazonaws.com","SourceArn":{"Ref":"Topic"}}},
		"MachineRole":{"Type":"AWS::IAM::Role","Properties":{"AssumeRolePolicyDocument":` + fmt.Sprintf(trust, "states.amazonaws.com") + `,
			"Policies":` + policy(`"lambda:InvokeFunction"`, machineMay) + `}},
		"Machine":{"Type":"AWS::StepFunctions::StateMachine","Properties":{"RoleArn":{"Fn::GetAtt":["MachineRole","Arn"]},"DefinitionString":` + definition + `}}
	},"Outputs":{"Machine":{"Value":{"Ref":"Machine"}},"Queue":{"Value":{"Ref":"Queue"}},"Topic":{"Value":{"Ref":"Topic"}},
		"Alias":{"Value":{"Ref":"Alias"}},"Version":{"Value":{"Ref":"FunctionCurrentVersion"}},"Number":{"Value":{"Fn::GetAtt":["FunctionCurrentVersion","Version"]}}}}`)
}

// told tells by which ARNs its handler was invoked, and what runs.
func told(invoked *[]string) map[string]local.NewFunction {
	return map[string]local.NewFunction{"told": func(r local.Runtime) (local.Handler, error) {
		return tells(func(ctx context.Context) {
			lc, _ := lambdacontext.FromContext(ctx)
			*invoked = append(*invoked, strings.TrimPrefix(lc.InvokedFunctionArn, "arn:aws:lambda:eu-central-1:123456789012:function:")+" "+r.Getenv("AWS_LAMBDA_FUNCTION_VERSION"))
		}), nil
	}}
}

type tells func(context.Context)

func (f tells) Invoke(ctx context.Context, _ []byte) ([]byte, error) {
	f(ctx)
	return []byte("null"), nil
}

const (
	theAlias    = `{"Ref":"Alias"}`
	theFunction = `{"Fn::GetAtt":["Function","Arn"]}`
)

// A queue, a topic and a state machine invoke an alias by its ARN, and the function that they reach runs the
// alias's version.
func TestAliases(t *testing.T) {
	var invoked []string
	s, err := local.New(aliasTemplate(theAlias, theAlias, theAlias), local.Options{Seed: 1, Functions: told(&invoked)})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	out := s.Outputs()
	const arn = "arn:aws:lambda:eu-central-1:123456789012:function:local-Function"
	for name, want := range map[string]string{"Alias": arn + ":live", "Version": arn + ":1", "Number": "1"} {
		if out[name] != want {
			t.Errorf("%s is %s, want %s", name, out[name], want)
		}
	}
	decoded(t, s, "StartExecution", map[string]string{"stateMachineArn": out["Machine"]})
	mustCall(t, s, "sqs", "SendMessage", map[string]string{"QueueUrl": out["Queue"], "MessageBody": "x"})
	mustCall(t, s, "sns", "Publish", map[string]string{"TopicArn": out["Topic"], "Message": "x"})
	mustCall(t, s, "lambda", "Invoke", map[string]string{"FunctionName": "local-Function", "Qualifier": "live"})
	s.RunUntilIdle(time.Minute)
	if len(invoked) != 4 {
		t.Errorf("invoked %d times, want 4: %v; denied %v", len(invoked), invoked, s.Denied())
	}
	for _, got := range invoked {
		if want := "local-Function:live 1"; got != want {
			t.Errorf("invoked %q, want %q", got, want)
		}
	}
	var notes int
	for _, n := range s.Notes() {
		if strings.Contains(n, "AWS::CodeDeploy::") && strings.Contains(n, "an alias has its version from the start") {
			notes++
		}
	}
	if notes != 2 {
		t.Errorf("%d notes about CodeDeploy, want 2: %v", notes, s.Notes())
	}
	for _, e := range s.Edges() {
		if e.To == "Alias" || e.From == "Alias" {
			t.Errorf("the edge %+v leads to the alias, not to its function", e)
		}
	}
}

// A permission that names the function is none for its alias, and one that names the alias is none for the function, in a role's
// policy as in the function's.
func TestPermissionsOfAliases(t *testing.T) {
	for _, tt := range []struct {
		name, invoked, machineMay, topicMay string
		want                                int // invocations, of those by the machine and by the topic
	}{
		{"the alias", theAlias, theAlias, theAlias, 2},
		{"the function", theFunction, theFunction, theFunction, 2},
		{"the alias, by the function's permission", theAlias, theFunction, theFunction, 0},
		{"the function, by the alias's permission", theFunction, theAlias, theAlias, 0},
		{"the alias, by that of the version", theAlias, `{"Ref":"FunctionCurrentVersion"}`, `{"Ref":"FunctionCurrentVersion"}`, 0},
		{"the alias, by that of all qualifiers", theAlias, `{"Fn::Join":["",[` + theFunction + `,":*"]]}`, theAlias, 2},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var invoked []string
			s, err := local.New(aliasTemplate(tt.invoked, tt.machineMay, tt.topicMay), local.Options{Seed: 1, Functions: told(&invoked)})
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			decoded(t, s, "StartExecution", map[string]string{"stateMachineArn": s.Outputs()["Machine"]})
			mustCall(t, s, "sns", "Publish", map[string]string{"TopicArn": s.Outputs()["Topic"], "Message": "x"})
			s.RunUntilIdle(time.Minute)
			denied := 0
			for _, d := range s.Denied() {
				if d.Action == "lambda:InvokeFunction" {
					denied++
				}
			}
			if len(invoked) != tt.want || denied == 0 && tt.want < 2 || denied > 0 && tt.want == 2 {
				t.Errorf("invoked %v, want %d times; denied %v", invoked, tt.want, s.Denied())
			}
		})
	}
}

func mustCall(t *testing.T, s *local.Stack, service, action string, in any) {
	t.Helper()
	b, err := json.Marshal(in)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Call(service, action, b); err != nil {
		t.Fatal(err)
	}
}
