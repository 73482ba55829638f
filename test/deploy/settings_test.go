package deploy

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/orderflow-cdk/orderflow/internal/config"
	"github.com/orderflow-cdk/orderflow/internal/diff"
)

// settings are some of what the services say of the deployed resources: what variants of the app differ in.
type settings struct {
	LogLevel, RetentionDays string // variables of the intake function
	Concurrency             int32  // of the queue's mapping
	KeepLogsDays            int32  // of the intake function's log group
}

func (s *stack) settings(t *testing.T) settings {
	t.Helper()
	function, err := s.functions.GetFunctionConfiguration(t.Context(), &lambda.GetFunctionConfigurationInput{FunctionName: aws.String(s.id(t, intakeID))})
	if err != nil {
		t.Fatal(err)
	}
	mapping, err := s.functions.GetEventSourceMapping(t.Context(), &lambda.GetEventSourceMappingInput{UUID: aws.String(s.id(t, mappingID))})
	if err != nil {
		t.Fatal(err)
	}
	group := s.id(t, logGroupID)
	groups, err := s.logs.DescribeLogGroups(t.Context(), &cloudwatchlogs.DescribeLogGroupsInput{LogGroupNamePrefix: &group})
	if err != nil {
		t.Fatal(err)
	}
	if len(groups.LogGroups) != 1 {
		t.Fatalf("there are %d log groups %s", len(groups.LogGroups), group)
	}
	return settings{
		LogLevel:      function.Environment.Variables[config.LogLevel],
		RetentionDays: function.Environment.Variables[config.RetentionDays],
		Concurrency:   aws.ToInt32(mapping.ScalingConfig.MaximumConcurrency),
		KeepLogsDays:  aws.ToInt32(groups.LogGroups[0].RetentionInDays),
	}
}

// stateful are the physical ids, by logical id and type, of what the ledger says must never be replaced, with when
// each was made, where its service tells: what is made anew under the same name is not the same.
func (s *stack) stateful(t *testing.T) map[string]string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("..", "testdata", "stateful-ids.json"))
	if err != nil {
		t.Fatal(err)
	}
	var ledger map[string]map[string]string
	if err := json.Unmarshal(b, &ledger); err != nil {
		t.Fatal(err)
	}
	ids := map[string]string{}
	for logical, kind := range ledger[s.name] {
		id := s.id(t, logical)
		ids[kind+" "+logical] = strings.TrimSpace(id + " " + s.made(t, kind, id))
	}
	if len(ids) == 0 {
		t.Fatalf("the ledger has nothing of %s", s.name)
	}
	return ids
}

// made is when a resource was made, "" for kinds that have no such time.
func (s *stack) made(t *testing.T, kind, id string) string {
	t.Helper()
	var made string
	var err error
	switch kind {
	case "AWS::DynamoDB::Table":
		var table *dynamodb.DescribeTableOutput
		if table, err = s.tables.DescribeTable(t.Context(), &dynamodb.DescribeTableInput{TableName: &id}); err == nil {
			made = aws.ToString(table.Table.TableId) + table.Table.CreationDateTime.String()
		}
	case "AWS::SQS::Queue":
		var queue *sqs.GetQueueAttributesOutput
		queue, err = s.queues.GetQueueAttributes(t.Context(), &sqs.GetQueueAttributesInput{
			QueueUrl: &id, AttributeNames: []sqstypes.QueueAttributeName{sqstypes.QueueAttributeNameCreatedTimestamp},
		})
		if err == nil {
			made = queue.Attributes[string(sqstypes.QueueAttributeNameCreatedTimestamp)]
		}
	case "AWS::Logs::LogGroup":
		var groups *cloudwatchlogs.DescribeLogGroupsOutput
		groups, err = s.logs.DescribeLogGroups(t.Context(), &cloudwatchlogs.DescribeLogGroupsInput{LogGroupNamePrefix: &id})
		if err == nil && len(groups.LogGroups) == 1 {
			made = strconv.FormatInt(aws.ToInt64(groups.LogGroups[0].CreationTime), 10)
		}
	case "AWS::StepFunctions::StateMachine":
		var machine *sfn.DescribeStateMachineOutput
		if machine, err = s.machines.DescribeStateMachine(t.Context(), &sfn.DescribeStateMachineInput{StateMachineArn: &id}); err == nil {
			made = machine.CreationDate.String()
		}
	default:
		return ""
	}
	if err != nil {
		t.Fatalf("%s %s: %v", kind, id, err)
	}
	if made == "" {
		t.Errorf("the emulator does not tell when %s %s was made", kind, id)
	}
	return made
}

// template is the stack's, as CloudFormation has it.
func (s *stack) template(t *testing.T) string {
	t.Helper()
	got, err := s.formation.GetTemplate(t.Context(), &cloudformation.GetTemplateInput{StackName: &s.name})
	if err != nil {
		t.Fatal(err)
	}
	return *got.TemplateBody
}

// reviewed says what a change of templates does by CloudFormation's specification, which knows more of what is replaced
// than the emulator, and wants it to replace and delete nothing that holds data.
func (s *stack) reviewed(l *log, before, after string) {
	l.t.Helper()
	report, err := diff.Compare(
		&diff.Source{Name: "before", Templates: map[string][]byte{s.name: []byte(before)}},
		&diff.Source{Name: "after", Templates: map[string][]byte{s.name: []byte(after)}},
	)
	if err != nil {
		l.t.Fatal(err)
	}
	l.printf("orderflow diff: %s", report.Verdict)
	types := map[string]bool{}
	for _, f := range report.Findings {
		types[strings.TrimPrefix(f.Type, "AWS::")] = true
		if f.Stateful && (f.Kind == diff.Replaced || f.Kind == diff.Deleted || f.Kind == diff.Renamed) {
			l.t.Errorf("%s is %s: %s", f.Resource, f.Kind, f.Title)
		}
	}
	l.printf("changed: %s", strings.Join(slices.Sorted(maps.Keys(types)), ", "))
	if len(types) == 0 {
		l.t.Error("the templates do not differ")
	}
}

// replaced are the logical ids that have another physical id than before.
func replaced(before, after map[string]string) string {
	var all []string
	for logical, id := range after {
		if was, ok := before[logical]; ok && was != id {
			all = append(all, logical)
		}
	}
	if len(all) == 0 {
		return "nothing"
	}
	slices.Sort(all)
	return strings.Join(all, ", ")
}
