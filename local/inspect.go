package local

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/orderflow-cdk/orderflow/local/internal/api"
	"github.com/orderflow-cdk/orderflow/local/internal/cfn"
)

// Resource is a resource of the template as it is in the stack.
type Resource struct {
	LogicalID string `json:"logicalId"`
	// Type is CloudFormation's, such as AWS::SQS::Queue.
	Type string `json:"type"`
	// Name is the physical name; ARN is empty for types that have none here, URL is that of a queue.
	Name string `json:"name"`
	ARN  string `json:"arn,omitempty"`
	URL  string `json:"url,omitempty"`
	// Path is the CDK's path of the construct; empty if the template was made without them.
	Path string `json:"path,omitempty"`
	// Label is a short name for people: the method and path of a gateway's method, the Handler of
	// a function that no other has, else the logical id without the hash that the CDK appends.
	Label string `json:"label"`
	// Properties are as the template has them, with intrinsic functions resolved.
	Properties json.RawMessage `json:"properties,omitempty"`
}

// findings are what Resources and Edges found out about a template, which is asked once.
type findings struct {
	resources []Resource
	edges     []Edge
}

// Resources lists the template's resources by logical id, without those whose condition does not hold.
func (s *Stack) Resources() []Resource {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.inventory())
}

// inventory is Resources for who is within the stack.
func (s *Stack) inventory() []Resource {
	if s.found.resources == nil {
		s.found.resources = s.takeInventory()
	}
	return s.found.resources
}

func (s *Stack) takeInventory() []Resource {
	declared, err := s.names.template.Resources(s.names.environment(s.opts.Parameters))
	if err != nil {
		return nil // The stack would not exist.
	}
	byID := make(map[string]*cfn.Resource, len(declared))
	for _, r := range declared {
		byID[r.LogicalID] = r
	}
	all := make([]Resource, 0, len(declared))
	for _, r := range declared {
		in := Resource{
			LogicalID: r.LogicalID, Type: r.Type, Name: s.physicalName(r), Path: s.names.template.CDKPath(r.LogicalID),
			Label: label(r, byID), Properties: r.Properties,
		}
		for _, attribute := range []string{"Arn", "TopicArn"} {
			if arn, err := s.names.getAtt(r.LogicalID, r.Type, attribute); err == nil && in.ARN == "" {
				in.ARN = arn
			}
		}
		if in.ARN == "" {
			if ref, err := s.names.ref(r.LogicalID, r.Type); err == nil && strings.HasPrefix(ref, "arn:") {
				in.ARN = ref
			}
		}
		if r.Type == "AWS::SQS::Queue" {
			in.URL = s.names.queueURL(r.LogicalID)
		}
		all = append(all, in)
	}
	// Several functions may run the same code.
	handlers := map[string]int{}
	for _, r := range all {
		if r.Type == "AWS::Lambda::Function" {
			handlers[r.Label]++
		}
	}
	for i := range all {
		if r := &all[i]; r.Type == "AWS::Lambda::Function" && handlers[r.Label] > 1 {
			r.Label = withoutHash(r.LogicalID)
		}
	}
	return all
}

// physicalName is the name that a resource has in the calls of its service.
func (s *Stack) physicalName(r *cfn.Resource) string {
	var p struct{ StateMachineName string }
	if r.Type == "AWS::StepFunctions::StateMachine" && json.Unmarshal(r.Properties, &p) == nil && p.StateMachineName != "" {
		return p.StateMachineName
	}
	return s.names.physical(r.LogicalID)
}

// label is the short name of a resource.
func label(r *cfn.Resource, all map[string]*cfn.Resource) string {
	var p struct {
		Handler, HttpMethod, ResourceId, Name string
	}
	_ = json.Unmarshal(r.Properties, &p) // what has another shape has none of these
	switch {
	case r.Type == "AWS::Lambda::Function" && p.Handler != "":
		return p.Handler
	case r.Type == "AWS::ApiGateway::Method":
		return p.HttpMethod + " " + routePath(p.ResourceId, all)
	}
	return withoutHash(r.LogicalID)
}

// routePath is the path of a gateway's resource.
func routePath(id string, all map[string]*cfn.Resource) string {
	path := ""
	for r := all[id]; r != nil && r.Type == "AWS::ApiGateway::Resource"; {
		var p struct{ ParentId, PathPart string }
		if json.Unmarshal(r.Properties, &p) != nil {
			break
		}
		path = "/" + p.PathPart + path
		r = all[p.ParentId]
	}
	if path == "" {
		return "/"
	}
	return path
}

// cdkHash is how many hexadecimal digits the CDK appends to a logical id.
const cdkHash = 8

func withoutHash(id string) string {
	if len(id) <= cdkHash {
		return id
	}
	name, hash := id[:len(id)-cdkHash], id[len(id)-cdkHash:]
	if strings.Trim(hash, "0123456789ABCDEF") != "" {
		return id
	}
	return name
}

// Inspect makes a call that only reads, such as dynamodb Scan or states GetExecutionHistory, at once: no
// time passes, there are no faults and no permissions, nobody is told, and it is answered also while the
// stack is paused. A call that changes something, or that would have to wait, is an error: Call makes it.
func (s *Stack) Inspect(service, action string, input []byte) (output []byte, err error) {
	if !readOnly(service, action) {
		return nil, fmt.Errorf("%s:%s is no call that only reads", service, action)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.isClosed() {
		return nil, errClosed
	}
	engine, ok := s.bus.services[service]
	if !ok {
		return nil, fmt.Errorf("not simulated: the service %s", service)
	}
	answered := false
	engine.Do(api.Call{Service: service, Action: action, Input: input}, func(out []byte, e error) { output, err, answered = out, e, true })
	if !answered {
		return nil, fmt.Errorf("%s:%s is not answered at once", service, action)
	}
	return output, err
}

func readOnly(service, action string) bool {
	if service == "dynamodb" && (action == "Scan" || action == "Query" || action == "BatchGetItem") {
		return true
	}
	for _, prefix := range []string{"Get", "List", "Describe"} {
		if strings.HasPrefix(action, prefix) {
			return true
		}
	}
	return false
}
