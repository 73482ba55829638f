package local_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/orderflow-cdk/orderflow/local"
)

// machineTemplate is a state machine that makes one call, in a role that has these statements.
func machineTemplate(resource, arguments, statements, trust string) []byte {
	definition, _ := json.Marshal(`{"QueryLanguage":"JSONata","StartAt":"Do","States":{"Do":{"Type":"Task","Resource":"` + resource + `","Arguments":` + arguments + `,"End":true}}}`)
	return fmt.Appendf(nil, `{"Resources":{
		"Queue":{"Type":"AWS::SQS::Queue","Properties":{}},
		"Topic":{"Type":"AWS::SNS::Topic","Properties":{}},
		"Table":{"Type":"AWS::DynamoDB::Table","Properties":{"BillingMode":"PAY_PER_REQUEST","KeySchema":[{"AttributeName":"pk","KeyType":"HASH"}],
			"AttributeDefinitions":[{"AttributeName":"pk","AttributeType":"S"}]}},
		"Role":{"Type":"AWS::IAM::Role","Properties":{"AssumeRolePolicyDocument":{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":%q},"Action":"sts:AssumeRole"}]},
			"Policies":[{"PolicyName":"own","PolicyDocument":{"Version":"2012-10-17","Statement":[%s]}}]}},
		"Machine":{"Type":"AWS::StepFunctions::StateMachine","Properties":{"RoleArn":{"Fn::GetAtt":["Role","Arn"]},"DefinitionString":%s}}
	},"Outputs":{"Machine":{"Value":{"Ref":"Machine"}}}}`, trust, statements, definition)
}

const (
	tableARN = `arn:aws:dynamodb:eu-central-1:123456789012:table/local-Table`
	put      = `{"TableName":"local-Table","Item":{"pk":{"S":"acme"}}}`
	transact = `{"TransactItems":[{"Put":{"TableName":"local-Table","Item":{"pk":{"S":"a"}}}},{"Update":{"TableName":"local-Table","Key":{"pk":{"S":"b"}},"UpdateExpression":"SET n = :n","ExpressionAttributeValues":{":n":{"N":"1"}}}}]}`
	sendTo   = `{"QueueUrl":"https://sqs.eu-central-1.amazonaws.com/123456789012/local-Queue","MessageBody":"x"}`
	role     = "User: arn:aws:sts::123456789012:assumed-role/local-Role/local-Role is not authorized to perform: "
)

func TestWhatPoliciesAllow(t *testing.T) {
	allow := func(action, resource string) string {
		return fmt.Sprintf(`{"Effect":"Allow","Action":%s,"Resource":%q}`, action, resource)
	}
	onKeys := func(value string) string {
		return `{"Effect":"Allow","Action":"dynamodb:PutItem","Resource":"*","Condition":{"ForAllValues:StringEquals":{"dynamodb:LeadingKeys":["` + value + `"]}}}`
	}
	for _, tt := range []struct{ name, resource, arguments, statements, failure string }{
		{"one item", "arn:aws:states:::dynamodb:putItem", put, allow(`"dynamodb:PutItem"`, tableARN), ""},
		{"nothing", "arn:aws:states:::dynamodb:putItem", put, "",
			role + "dynamodb:PutItem on resource: " + tableARN + " because no identity-based policy allows the dynamodb:PutItem action"},
		{"another action", "arn:aws:states:::dynamodb:putItem", put, allow(`["dynamodb:GetItem","dynamodb:UpdateItem"]`, tableARN), "dynamodb:PutItem on resource"},
		{"another table", "arn:aws:states:::dynamodb:putItem", put, allow(`"dynamodb:*"`, tableARN+"2"), "dynamodb:PutItem on resource"},
		{"denied", "arn:aws:states:::dynamodb:putItem", put, allow(`"dynamodb:*"`, "*") + `,{"Effect":"Deny","Action":"dynamodb:Put*","Resource":"*"}`,
			role + "dynamodb:PutItem on resource: " + tableARN + " with an explicit deny in an identity-based policy"},
		{"a transaction takes what its items take", "arn:aws:states:::aws-sdk:dynamodb:transactWriteItems", transact, allow(`["dynamodb:PutItem","dynamodb:UpdateItem"]`, tableARN), ""},
		{"a transaction without one of them", "arn:aws:states:::aws-sdk:dynamodb:transactWriteItems", transact, allow(`["dynamodb:PutItem","dynamodb:TransactWriteItems"]`, tableARN), "dynamodb:UpdateItem on resource"},
		{"a leading key", "arn:aws:states:::dynamodb:putItem", put, onKeys("acme"), ""},
		{"another's leading key", "arn:aws:states:::dynamodb:putItem", put, onKeys("globex"), "dynamodb:PutItem on resource"},
		{"a message", "arn:aws:states:::sqs:sendMessage", sendTo, allow(`"sqs:SendMessage"`, "arn:aws:sqs:*:*:local-Queue"), ""},
		{"no message", "arn:aws:states:::sqs:sendMessage", sendTo, "", role + "sqs:sendmessage on resource: arn:aws:sqs:eu-central-1:123456789012:local-Queue because no identity-based policy allows the sqs:sendmessage action"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s, err := local.New(machineTemplate(tt.resource, tt.arguments, tt.statements, "states.amazonaws.com"), local.Options{Seed: 1})
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			cause := outcome(t, s)
			if tt.failure == "" && (cause != "" || len(s.Denied()) > 0) || !strings.Contains(cause, tt.failure) {
				t.Errorf("the execution ended with %q, want %q; denied: %v", cause, tt.failure, s.Denied())
			}
		})
	}
}

// outcome runs the state machine and returns the cause of its failure.
func outcome(t *testing.T, s *local.Stack) string {
	t.Helper()
	started := decoded(t, s, "StartExecution", map[string]string{"stateMachineArn": s.Outputs()["Machine"]})
	s.RunUntilIdle(1e12)
	ended := decoded(t, s, "DescribeExecution", map[string]string{"executionArn": started["executionArn"].(string)})
	cause, _ := ended["cause"].(string)
	if ended["status"] == "FAILED" && cause == "" {
		cause = fmt.Sprint(ended)
	}
	return cause
}

func decoded(t *testing.T, s *local.Stack, action string, in map[string]string) map[string]any {
	t.Helper()
	b, err := json.Marshal(in)
	if err != nil {
		t.Fatal(err)
	}
	out, err := s.Call("states", action, b)
	if err != nil {
		t.Fatal(err)
	}
	var fields map[string]any
	if err := json.Unmarshal(out, &fields); err != nil {
		t.Fatal(err)
	}
	return fields
}

func TestDeniedNamesWhatIsMissing(t *testing.T) {
	var log strings.Builder
	s, err := local.New(machineTemplate("arn:aws:states:::sqs:sendMessage", sendTo, "", "states.amazonaws.com"), local.Options{Seed: 1, Logs: &log})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	outcome(t, s)
	outcome(t, s)
	got := s.Denied()
	if len(got) != 1 {
		t.Fatalf("denied: %v", got)
	}
	want := local.Denial{
		Time: got[0].Time, Who: "Role", Action: "sqs:SendMessage", Resource: "arn:aws:sqs:eu-central-1:123456789012:local-Queue", On: "Queue",
		Reason: "because no identity-based policy allows the sqs:SendMessage action", Where: "Role", Count: 2,
		Missing: `{"Effect":"Allow","Action":"sqs:SendMessage","Resource":{"Fn::GetAtt":["Queue","Arn"]}}`,
	}
	if diff := cmp.Diff(want, got[0]); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if n := strings.Count(log.String(), `denied: Role may not sqs:SendMessage on Queue`); n != 1 {
		t.Errorf("it is %d times in the log:\n%s", n, log.String())
	}

	off, err := local.New(machineTemplate("arn:aws:states:::sqs:sendMessage", sendTo, "", "lambda.amazonaws.com"), local.Options{Seed: 1, Permissions: local.PermissionsOff})
	if err != nil {
		t.Fatal(err)
	}
	defer off.Close()
	if cause := outcome(t, off); cause != "" || len(off.Denied()) != 0 || off.Permissions().Granted != 0 {
		t.Errorf("without permissions: %q, %v", cause, off.Denied())
	}
}

func TestARoleIsForTheServiceThatItTrusts(t *testing.T) {
	s, err := local.New(machineTemplate("arn:aws:states:::sqs:sendMessage", sendTo, `{"Effect":"Allow","Action":"*","Resource":"*"}`, "lambda.amazonaws.com"), local.Options{Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if cause := outcome(t, s); !strings.Contains(cause, "states.amazonaws.com is not authorized to assume the role") {
		t.Errorf("the execution ended with %q", cause)
	}
	want := `{"Effect":"Allow","Principal":{"Service":"states.amazonaws.com"},"Action":"sts:AssumeRole"}`
	if got := s.Denied(); len(got) != 1 || got[0].Missing != want || got[0].Where != "Role AssumeRolePolicyDocument" {
		t.Errorf("denied: %v", got)
	}
}

func TestPermissionsReport(t *testing.T) {
	s, err := local.New(machineTemplate("arn:aws:states:::sqs:sendMessage", sendTo,
		`{"Sid":"Send","Effect":"Allow","Action":["sqs:SendMessage","sqs:ReceiveMessage"],"Resource":"*"},{"Effect":"Allow","Action":"sqs:*","Resource":{"Fn::GetAtt":["Queue","Arn"]}}`,
		"states.amazonaws.com"), local.Options{Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	outcome(t, s)
	r := s.Permissions()
	want := local.PermissionReport{
		Unused: []local.Grant{
			{Kind: "identity", To: "Role", Policy: "Role", Statement: 1, Sid: "Send", Action: "sqs:ReceiveMessage", Resource: "*"},
			{Kind: "identity", To: "Role", Policy: "Role", Statement: 2, Action: "sqs:*", Resource: "Queue"},
		},
		Wide:   []local.Grant{{Kind: "identity", To: "Role", Policy: "Role", Statement: 1, Sid: "Send", Action: "sqs:SendMessage", Resource: "*", Uses: []string{"sqs:SendMessage on Queue"}}},
		Denied: []local.Denial{}, Granted: 4, Used: 2,
	}
	if diff := cmp.Diff(want, r); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	explained, idle := r.Explain([]local.Explanation{{To: "Role", Action: "sqs:*", Resource: "Queue", Why: "Because."}, {To: "R*", Action: "sqs:Send*", Resource: "*", Why: "So."}, {To: "Nobody", Action: "sqs:*", Resource: "*"}})
	if len(explained.Unused) != 1 || len(explained.Wide) != 0 || len(explained.Explained) != 2 || len(idle) != 1 || idle[0].To != "Nobody" {
		t.Errorf("explained: %+v, idle %v", explained, idle)
	}
	var text strings.Builder
	if err := explained.WriteText(&text); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"2 of 4 permissions used\n", "explained:\n", "  Role: sqs:SendMessage on * (Role statement 1), used for sqs:SendMessage on Queue\n      So.\n", "      Because.\n"} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("the text lacks %q:\n%s", want, text.String())
		}
	}
}

func TestPoliciesThatCannotBeDecided(t *testing.T) {
	for _, tt := range []struct{ statements, want string }{
		{`{"Effect":"Allow","Action":"sqs:SendMessage"},{"Effect":"Maybe","Action":"*","Resource":"*"}`, "Effect is none of Allow, Deny"},
		{`{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"StringEquals":{"aws:PrincipalOrgID":"o-1"}}}`, "the condition key aws:principalorgid is not simulated"},
	} {
		_, err := local.New(machineTemplate("arn:aws:states:::sqs:sendMessage", sendTo, tt.statements, "states.amazonaws.com"), local.Options{})
		if err == nil || !strings.Contains(err.Error(), tt.want) || !strings.Contains(err.Error(), "Role") {
			t.Errorf("error %v, want it to contain %q", err, tt.want)
		}
	}
	template := strings.Replace(string(machineTemplate("arn:aws:states:::sqs:sendMessage", sendTo, "", "states.amazonaws.com")), `"Policies":`, `"ManagedPolicyArns":["arn:aws:iam::aws:policy/Unheard"],"Policies":`, 1)
	if _, err := local.New([]byte(template), local.Options{}); err == nil || !strings.Contains(err.Error(), "arn:aws:iam::aws:policy/Unheard is not known here") {
		t.Errorf("error %v", err)
	}
}
