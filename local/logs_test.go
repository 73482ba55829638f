package local_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/lambda"

	"github.com/orderflow-cdk/orderflow/local"
)

// logging is a template of two functions, one of which logs text and the other JSON from WARN on, and a state machine that
// invokes the first.
const logging = `{"Resources": {
	"Role": {"Type": "AWS::IAM::Role", "Properties": {
		"AssumeRolePolicyDocument": {"Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": ["lambda.amazonaws.com", "states.amazonaws.com"]}}]},
		"Policies": [{"PolicyName": "all", "PolicyDocument": {"Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}}]}},
	"Mute": {"Type": "AWS::IAM::Role", "Properties": {
		"AssumeRolePolicyDocument": {"Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "lambda.amazonaws.com"}}]}}},
	"Text": {"Type": "AWS::Lambda::Function", "Properties": {"Handler": "talk", "Role": {"Fn::GetAtt": ["Role", "Arn"]}, "Runtime": "provided.al2023", "Timeout": 2, "Code": {"ZipFile": ""}}},
	"Silent": {"Type": "AWS::Lambda::Function", "Properties": {"Handler": "talk", "Role": {"Fn::GetAtt": ["Mute", "Arn"]}, "Runtime": "provided.al2023", "Code": {"ZipFile": ""}}},
	"Json": {"Type": "AWS::Lambda::Function", "Properties": {"Handler": "talk", "Role": {"Fn::GetAtt": ["Role", "Arn"]}, "Runtime": "provided.al2023", "Code": {"ZipFile": ""},
		"LoggingConfig": {"LogFormat": "JSON", "LogGroup": {"Ref": "Group"}, "ApplicationLogLevel": "WARN", "SystemLogLevel": "DEBUG"}}},
	"Group": {"Type": "AWS::Logs::LogGroup", "Properties": {"LogGroupName": {"Fn::Join": ["/", ["", "own", {"Ref": "Role"}]]}, "RetentionInDays": 1}},
	"Events": {"Type": "AWS::Logs::LogGroup"},
	"Machine": {"Type": "AWS::StepFunctions::StateMachine", "Properties": {"RoleArn": {"Fn::GetAtt": ["Role", "Arn"]},
		"DefinitionString": {"Fn::Sub": "{\"QueryLanguage\":\"JSONata\",\"StartAt\":\"Talk\",\"States\":{\"Talk\":{\"Type\":\"Task\",\"Resource\":\"${Text.Arn}\",\"End\":true}}}"},
		"LoggingConfiguration": {"Level": "LEVEL", "IncludeExecutionData": DATA, "Destinations": [{"CloudWatchLogsLogGroup": {"LogGroupArn": {"Fn::GetAtt": ["Events", "Arn"]}}}]}}}
}, "Outputs": {"Machine": {"Value": {"Ref": "Machine"}}, "Group": {"Value": {"Ref": "Group"}}, "Events": {"Value": {"Ref": "Events"}},
	"Text": {"Value": {"Ref": "Text"}}, "Json": {"Value": {"Ref": "Json"}}, "Silent": {"Value": {"Ref": "Silent"}}}}`

// talk logs a line of each kind, and may fail.
func talk(r local.Runtime) (local.Handler, error) {
	return lambda.NewHandler(func(_ context.Context, event struct{ Do string }) (string, error) {
		fmt.Fprintln(r.Log, "plain")
		fmt.Fprintln(r.Log, `{"time":"2026-01-01T00:00:00Z","level":"INFO","msg":"quiet"}`)
		fmt.Fprint(r.Log, "{\"level\":\"ERROR\",\"msg\":\"loud\"}\n{\"level\":\"DEBUG\",\"msg\":\"quieter\"}\n")
		if event.Do == "fail" {
			return "", errors.New("no")
		}
		return "done", nil
	}), nil
}

func startLogging(t *testing.T, level, data string) *local.Stack {
	t.Helper()
	s, err := local.New([]byte(strings.NewReplacer("LEVEL", level, "DATA", data).Replace(logging)), local.Options{Functions: map[string]local.NewFunction{"talk": talk}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

// logged is what a group holds, one message a line.
func logged(t *testing.T, s *local.Stack, group string) string {
	t.Helper()
	all, _ := call(t, s, "logs", "FilterLogEvents", map[string]any{"logGroupName": group})["events"].([]any)
	var lines []string
	for _, e := range all {
		lines = append(lines, strings.TrimSuffix(e.(map[string]any)["message"].(string), "\n"))
	}
	return strings.Join(lines, "\n")
}

func TestFunctionsLogAsLambdaWritesIt(t *testing.T) {
	s := startLogging(t, "OFF", "false")
	invoke := func(function, do string) {
		t.Helper()
		call(t, s, "lambda", "Invoke", map[string]any{"FunctionName": s.Outputs()[function], "Payload": map[string]string{"Do": do}})
	}
	invoke("Text", "")
	text := strings.Split(logged(t, s, "/aws/lambda/"+s.Outputs()["Text"]), "\n")
	want := []string{
		"INIT_START Runtime Version: provided:al2023", "START RequestId: ", "plain", `{"time"`, `{"level":"ERROR"`, `{"level":"DEBUG"`, "END RequestId: ", "REPORT RequestId: ",
	}
	if len(text) != len(want) {
		t.Fatalf("the log is\n%s", strings.Join(text, "\n"))
	}
	for i, prefix := range want {
		if !strings.HasPrefix(text[i], prefix) {
			t.Errorf("line %d is %s, want %s…", i, text[i], prefix)
		}
	}
	if report := text[len(text)-1]; !strings.Contains(report, "\tBilled Duration: ") || !strings.Contains(report, " ms\tMemory Size: 128 MB\t") {
		t.Errorf("the report is %q", report)
	}

	invoke("Json", "")
	invoke("Json", "fail")
	var kinds []string
	for line := range strings.Lines(logged(t, s, s.Outputs()["Group"])) {
		var doc struct {
			Type, Level string
			Error       string `json:"errorType"`
			Record      struct{ Status string }
		}
		if err := json.Unmarshal([]byte(line), &doc); err != nil {
			t.Errorf("%s is no JSON", line)
		}
		kinds = append(kinds, strings.TrimSpace(doc.Type+" "+doc.Level+doc.Error+doc.Record.Status))
	}
	// What the code returned as an error is written to the log as aws-lambda-go does, without a level: as INFO.
	got := strings.Join(kinds, ", ")
	if want := "platform.initStart, platform.start, ERROR, platform.runtimeDone success, platform.report success, " +
		"platform.start, ERROR, platform.runtimeDone error, platform.report error"; got != want {
		t.Errorf("the log is\n%s, want\n%s", got, want)
	}
	if group := s.Outputs()["Group"]; group != "/own/local-Role" {
		t.Errorf("the group is %s", group)
	}

	invoke("Silent", "")
	groups, _ := call(t, s, "logs", "DescribeLogGroups", map[string]any{"logGroupNamePrefix": "/aws/lambda/"})["logGroups"].([]any)
	if len(groups) != 1 {
		t.Errorf("a function whose role may not write has a log: %v", groups)
	}
}

func TestStateMachinesLog(t *testing.T) {
	for _, c := range []struct {
		level, data, do string
		want            []string // the types of the events
		with            string   // what is in the log, or "" for no data
	}{
		{"ALL", "false", "", []string{"ExecutionStarted", "TaskStateEntered", "LambdaFunctionScheduled", "LambdaFunctionStarted", "LambdaFunctionSucceeded", "TaskStateExited", "ExecutionSucceeded"}, ""},
		{"ALL", "true", "", []string{"ExecutionStarted", "TaskStateEntered", "LambdaFunctionScheduled", "LambdaFunctionStarted", "LambdaFunctionSucceeded", "TaskStateExited", "ExecutionSucceeded"}, `\"Do\":\"\"`},
		{"ERROR", "false", "fail", []string{"LambdaFunctionFailed", "ExecutionFailed"}, ""},
		{"FATAL", "true", "fail", []string{"ExecutionFailed"}, "errorString"},
		{"OFF", "true", "fail", nil, ""},
	} {
		t.Run(c.level+" "+c.data, func(t *testing.T) {
			s := startLogging(t, c.level, c.data)
			call(t, s, "states", "StartExecution", map[string]any{"stateMachineArn": s.Outputs()["Machine"], "input": `{"Do":"` + c.do + `"}`})
			if !s.RunUntilIdle(time.Hour) {
				t.Fatal("the stack does not come to rest")
			}
			text := logged(t, s, s.Outputs()["Events"])
			var got []string
			for line := range strings.Lines(text) {
				var doc struct {
					Type      string
					Execution string `json:"execution_arn"`
					ID        string
				}
				if err := json.Unmarshal([]byte(line), &doc); err != nil || doc.Execution == "" || doc.ID == "" {
					t.Errorf("%s is no event: %v", line, err)
				}
				got = append(got, doc.Type)
			}
			if strings.Join(got, " ") != strings.Join(c.want, " ") {
				t.Errorf("the log has %v, want %v", got, c.want)
			}
			if c.with == "" && (strings.Contains(text, "Do") || strings.Contains(text, "done")) || !strings.Contains(text, c.with) {
				t.Errorf("the log is\n%s", text)
			}
		})
	}
}
