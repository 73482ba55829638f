package local

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/orderflow-cdk/orderflow/local/internal/api"
)

// stackStatus is that of a stack that exists, which is the only one there is.
const stackStatus = "CREATE_COMPLETE"

// stackID is the ARN of the stack itself.
func (s *Stack) stackID() string {
	id := hexID(s.names.account + s.names.region + s.names.stack)
	return s.names.arn("cloudformation", fmt.Sprintf("stack/%s/%s-%s-%s-%s-%s", s.names.stack, id[:8], id[8:12], id[12:16], id[16:20], id[20:32]))
}

// callStacks is AWS CloudFormation, as far as it tells of the stack: there is one, by its name or its id.
//
// Source: CloudFormation API reference, of each action.
func (s *Stack) callStacks(c api.Call) ([]byte, error) {
	var in struct {
		StackName, LogicalResourceId, PhysicalResourceId, NextToken string
		StackStatusFilter                                           []string
	}
	if err := json.Unmarshal(c.Input, &in); err != nil {
		return nil, api.Errorf("ValidationError", "%s", err.Error())
	}
	if in.NextToken != "" {
		return nil, api.Errorf("ValidationError", "Token is invalid: everything is on the first page")
	}
	all := c.Action == "ListStacks" || c.Action == "DescribeStacks" && in.StackName == ""
	if !all && in.StackName == "" && (c.Action != "DescribeStackResources" || in.PhysicalResourceId == "") {
		return nil, api.Errorf("ValidationError", "1 validation error detected: Value null at 'stackName' failed to satisfy constraint: Member must not be null")
	}
	if !all && in.StackName != "" && in.StackName != s.names.stack && in.StackName != s.stackID() {
		return nil, api.Errorf("ValidationError", "Stack with id %s does not exist", in.StackName)
	}
	switch c.Action {
	case "ListStacks":
		list := []any{}
		if len(in.StackStatusFilter) == 0 || slices.Contains(in.StackStatusFilter, stackStatus) {
			list = append(list, s.about("TemplateDescription"))
		}
		return json.Marshal(map[string]any{"StackSummaries": list})
	case "DescribeStacks":
		about := s.about("Description")
		about["Outputs"] = outputsOf(s.outputs)
		return json.Marshal(map[string]any{"Stacks": []any{about}})
	case "ListStackResources":
		return json.Marshal(map[string]any{"StackResourceSummaries": s.stackResources("LastUpdatedTimestamp", nil)})
	case "DescribeStackResources":
		found := s.stackResources("Timestamp", func(logical, physical string) bool {
			return (in.LogicalResourceId == "" || in.LogicalResourceId == logical) && (in.PhysicalResourceId == "" || in.PhysicalResourceId == physical)
		})
		if len(found) == 0 && in.PhysicalResourceId != "" {
			return nil, api.Errorf("ValidationError", "Stack for %s does not exist", in.PhysicalResourceId)
		}
		return json.Marshal(map[string]any{"StackResources": found})
	case "DescribeStackResource":
		found := s.stackResources("LastUpdatedTimestamp", func(logical, _ string) bool { return in.LogicalResourceId == logical })
		if len(found) == 0 {
			return nil, api.Errorf("ValidationError", "Resource %s does not exist for stack %s", in.LogicalResourceId, in.StackName)
		}
		return json.Marshal(map[string]any{"StackResourceDetail": found[0]})
	}
	return nil, fmt.Errorf("cloudformation: action %s is not simulated", c.Action)
}

// about is what all answers tell of the stack; description is what they call the template's.
func (s *Stack) about(description string) map[string]any {
	m := map[string]any{
		"StackName": s.names.stack, "StackId": s.stackID(), "StackStatus": stackStatus, "CreationTime": s.names.started.Format("2006-01-02T15:04:05.000Z"),
	}
	if d := s.names.template.Description; d != "" {
		m[description] = d
	}
	return m
}

func outputsOf(outputs map[string]string) []map[string]string {
	list := []map[string]string{}
	for _, key := range slices.Sorted(maps.Keys(outputs)) {
		list = append(list, map[string]string{"OutputKey": key, "OutputValue": outputs[key]})
	}
	return list
}

// stackResources are the resources that wanted chooses, by logical id; the time of their last change has another name in each action.
func (s *Stack) stackResources(changed string, wanted func(logical, physical string) bool) []map[string]any {
	list := []map[string]any{}
	for _, r := range s.inventory() {
		// The physical id is what Ref gives (CloudFormation User Guide, "Ref"), as far as types have one here.
		physical, err := s.names.ref(r.LogicalID, r.Type)
		if err != nil {
			physical = r.Name
		}
		if wanted != nil && !wanted(r.LogicalID, physical) {
			continue
		}
		m := map[string]any{
			"LogicalResourceId": r.LogicalID, "PhysicalResourceId": physical, "ResourceType": r.Type, "ResourceStatus": stackStatus,
			changed: s.names.started.Format("2006-01-02T15:04:05.000Z"),
		}
		if changed == "Timestamp" || wanted != nil {
			m["StackName"], m["StackId"] = s.names.stack, s.stackID()
		}
		list = append(list, m)
	}
	return list
}

// needOfStacks is that of a call of CloudFormation.
func (p *policies) needOfStacks(c *api.Call) need {
	n := need{action: "cloudformation:" + c.Action, resource: "*"}
	switch name := field(c.Input, "StackName"); {
	case strings.HasPrefix(name, "arn:"):
		n.resource = name
	case name == p.stack.names.stack:
		n.resource = p.stack.stackID()
	case name != "":
		n.resource = p.stack.names.arn("cloudformation", "stack/"+name+"/")
	}
	return n
}
