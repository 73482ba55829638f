package deploy

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/lambda"

	"github.com/orderflow-cdk/orderflow/internal/config"
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

// stateful are the physical ids, by logical id and type, of what the ledger says must never be replaced.
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
	for logical, kind := range ledger[stackName] {
		ids[kind+" "+logical] = s.id(t, logical)
	}
	if len(ids) == 0 {
		t.Fatalf("the ledger has nothing of %s", stackName)
	}
	return ids
}

// template is the stack's, as CloudFormation has it.
func (s *stack) template(t *testing.T) map[string]any {
	t.Helper()
	got, err := s.formation.GetTemplate(t.Context(), &cloudformation.GetTemplateInput{StackName: aws.String(stackName)})
	if err != nil {
		t.Fatal(err)
	}
	var template map[string]any
	if err := json.Unmarshal([]byte(*got.TemplateBody), &template); err != nil {
		t.Fatal(err)
	}
	return template
}

// differences counts the resources, by type, that two templates have with different properties, or only one has.
func differences(before, after map[string]any) string {
	was, is := before["Resources"].(map[string]any), after["Resources"].(map[string]any)
	counts := map[string]int{}
	count := func(resource any, what string) {
		counts[fmt.Sprint(resource.(map[string]any)["Type"], what)]++
	}
	for id, r := range was {
		switch now := is[id]; {
		case now == nil:
			count(r, " (gone)")
		case !reflect.DeepEqual(r, now):
			count(r, "")
		}
	}
	for id, r := range is {
		if was[id] == nil {
			count(r, " (new)")
		}
	}
	var all []string
	for _, kind := range slices.Sorted(maps.Keys(counts)) {
		all = append(all, plural(counts[kind], strings.TrimPrefix(kind, "AWS::")))
	}
	return strings.Join(all, ", ")
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

func plural(n int, what string) string { return fmt.Sprintf("%d %s", n, what) }
