package local

import (
	"cmp"
	"encoding/json"
	"slices"
	"strings"
)

// EdgeKind is what an edge of the architecture stands for.
type EdgeKind string

// The kinds of edges.
const (
	// EdgeIntegration leads from a gateway's method to what answers it.
	EdgeIntegration EdgeKind = "integration"
	// EdgeDeadLetter leads to the queue of what could not be dealt with.
	EdgeDeadLetter EdgeKind = "deadletter"
	// EdgeSource leads from a queue or a table's stream to the function that a mapping invokes.
	EdgeSource EdgeKind = "source"
	// EdgeUse leads from a function or a state machine to what its role may use.
	EdgeUse EdgeKind = "use"
	// EdgeSubscription leads from a topic to a subscriber.
	EdgeSubscription EdgeKind = "subscription"
	// EdgeData leads from a GraphQL API to the source of its data.
	EdgeData EdgeKind = "data"
)

// Edge is a connection between two resources as the template declares it.
type Edge struct {
	// From and To are logical ids; To may be the URL of a subscriber outside.
	From string `json:"from"`
	To   string `json:"to"`
	// Kind is one of the constants.
	Kind EdgeKind `json:"kind"`
	// Label says more: the actions of a policy, a filter's name, the route.
	Label string `json:"label,omitempty"`
}

// Edges lists the connections between the resources: what integrations, mappings, subscriptions, redrive
// policies and roles' policies say. It is sorted and has each connection of a kind once.
func (s *Stack) Edges() []Edge {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.found.edges == nil {
		a := newAtlas(s.inventory())
		for _, r := range a.all {
			a.edgesOf(r)
		}
		slices.SortFunc(a.edges, func(x, y Edge) int {
			return cmp.Or(cmp.Compare(x.From, y.From), cmp.Compare(x.To, y.To), cmp.Compare(x.Kind, y.Kind))
		})
		s.found.edges = append([]Edge{}, a.edges...)
	}
	return slices.Clone(s.found.edges)
}

// atlas finds resources by what properties call them.
type atlas struct {
	all   []Resource
	byRef map[string]string // name, ARN, URL or id to logical id
	edges []Edge
}

func newAtlas(all []Resource) *atlas {
	a := &atlas{all: all, byRef: map[string]string{}}
	for _, r := range all {
		if r.Type == "AWS::Lambda::Version" || r.Type == "AWS::Lambda::Alias" {
			continue // their ARNs begin with that of the function, which is meant
		}
		for _, ref := range []string{r.LogicalID, r.Name, r.ARN, r.URL} {
			if ref != "" {
				a.byRef[ref] = r.LogicalID
			}
		}
	}
	return a
}

func (a *atlas) add(from, to string, kind EdgeKind, label string) {
	if from == "" || to == "" || from == to {
		return
	}
	for i := range a.edges {
		if e := &a.edges[i]; e.From == from && e.To == to && e.Kind == kind {
			if label != "" && !slices.Contains(strings.Split(e.Label, ", "), label) {
				e.Label = strings.TrimPrefix(e.Label+", "+label, ", ")
			}
			return
		}
	}
	a.edges = append(a.edges, Edge{from, to, kind, label})
}

// find returns the resource that a name, a URL or an ARN means. What follows a resource's ARN, as that
// of a stream or an index, is left away.
func (a *atlas) find(ref string) string {
	for ref != "" {
		if id := a.byRef[ref]; id != "" {
			return id
		}
		if !strings.HasPrefix(ref, "arn:") {
			return ""
		}
		i := strings.LastIndexAny(ref, "/:")
		if i < len("arn:") {
			return ""
		}
		ref = ref[:i]
	}
	return ""
}

func (a *atlas) edgesOf(r Resource) {
	switch r.Type {
	case "AWS::ApiGateway::Method":
		a.methodEdges(r)
	case "AWS::SQS::Queue":
		var p struct{ RedrivePolicy deadLetters }
		read(r, &p)
		a.add(r.LogicalID, a.find(p.RedrivePolicy.DeadLetterTargetArn), EdgeDeadLetter, "")
	case "AWS::Lambda::EventSourceMapping":
		var p struct {
			EventSourceArn, FunctionName string
			DestinationConfig            destinations
		}
		read(r, &p)
		function := a.find(p.FunctionName)
		label := ""
		if strings.Contains(p.EventSourceArn, "/stream/") {
			label = "stream"
		}
		a.add(a.find(p.EventSourceArn), function, EdgeSource, label)
		a.destinationEdges(function, p.DestinationConfig)
	case "AWS::Lambda::EventInvokeConfig":
		var p struct {
			FunctionName      string
			DestinationConfig destinations
		}
		read(r, &p)
		a.destinationEdges(a.find(p.FunctionName), p.DestinationConfig)
	case "AWS::Lambda::Function":
		a.functionEdges(r)
	case "AWS::StepFunctions::StateMachine":
		var p struct {
			RoleArn                 string
			DefinitionSubstitutions map[string]any
		}
		read(r, &p)
		a.roleEdges(r.LogicalID, p.RoleArn)
		for _, v := range sorted(p.DefinitionSubstitutions) {
			a.uses(r.LogicalID, v)
		}
	case "AWS::SNS::Subscription":
		var p struct {
			TopicArn, Protocol, Endpoint string
			RedrivePolicy                deadLetters
		}
		read(r, &p)
		topic, to := a.find(p.TopicArn), a.find(p.Endpoint)
		if to == "" {
			to = p.Endpoint
		}
		a.add(topic, to, EdgeSubscription, p.Protocol)
		a.add(topic, a.find(p.RedrivePolicy.DeadLetterTargetArn), EdgeDeadLetter, "")
	case "AWS::AppSync::DataSource":
		var p struct {
			ApiId, Name, ServiceRoleArn string
			DynamoDBConfig              struct{ TableName string }
			LambdaConfig                struct{ LambdaFunctionArn string }
		}
		read(r, &p)
		api := a.find(p.ApiId)
		a.add(api, a.find(p.DynamoDBConfig.TableName), EdgeData, p.Name)
		a.add(api, a.find(p.LambdaConfig.LambdaFunctionArn), EdgeData, p.Name)
	}
}

type deadLetters struct {
	DeadLetterTargetArn string `json:"deadLetterTargetArn"`
}

type destinations struct {
	OnFailure, OnSuccess struct{ Destination string }
}

func (a *atlas) destinationEdges(function string, d destinations) {
	a.add(function, a.find(d.OnFailure.Destination), EdgeDeadLetter, "")
	a.add(function, a.find(d.OnSuccess.Destination), EdgeUse, "on success")
}

// read decodes the properties that an edge comes from. Others may have any shape.
func read(r Resource, p any) { _ = json.Unmarshal(r.Properties, p) }

// methodEdges reads what a method's integration URI names: a queue's path, a function's ARN, or
// an action, whose target is in the request template.
func (a *atlas) methodEdges(r Resource) {
	var p struct {
		Integration struct {
			Uri              string
			RequestTemplates map[string]string
		}
	}
	read(r, &p)
	uri := p.Integration.Uri
	if _, path, ok := strings.Cut(uri, ":path/"); ok {
		if function, ok := strings.CutPrefix(path, "2015-03-31/functions/"); ok {
			a.add(r.LogicalID, a.find(strings.TrimSuffix(function, "/invocations")), EdgeIntegration, "invoke")
			return
		}
		a.add(r.LogicalID, a.find(path[strings.LastIndexByte(path, '/')+1:]), EdgeIntegration, "send")
		return
	}
	_, action, ok := strings.Cut(uri, ":action/")
	if !ok {
		return
	}
	for _, template := range sorted(p.Integration.RequestTemplates) {
		for _, target := range a.all {
			if target.Type != r.Type && drawn(target.Type) && (strings.Contains(template, `"`+target.Name+`"`) || target.ARN != "" && strings.Contains(template, target.ARN)) {
				a.add(r.LogicalID, target.LogicalID, EdgeIntegration, action)
			}
		}
	}
}

func (a *atlas) functionEdges(r Resource) {
	var p struct {
		Role             string
		Environment      struct{ Variables map[string]any }
		DeadLetterConfig struct{ TargetArn string }
	}
	read(r, &p)
	a.add(r.LogicalID, a.find(p.DeadLetterConfig.TargetArn), EdgeDeadLetter, "")
	a.roleEdges(r.LogicalID, p.Role)
	for _, v := range sorted(p.Environment.Variables) {
		a.uses(r.LogicalID, v)
	}
}

// uses adds an edge to what a value names, unless a policy said more of it.
func (a *atlas) uses(from string, value any) {
	text, _ := value.(string)
	to := a.find(text)
	if to == "" && strings.HasPrefix(text, "https://") {
		to = a.graphQL(text)
	}
	if i := slices.IndexFunc(a.all, func(r Resource) bool { return r.LogicalID == to }); i < 0 || !drawn(a.all[i].Type) {
		return
	}
	if !slices.ContainsFunc(a.edges, func(e Edge) bool { return e.From == from && e.To == to }) {
		a.add(from, to, EdgeUse, "")
	}
}

// graphQL finds the API of a URL by its host, which begins with the API's id, or by its
// path where the stack is served elsewhere.
func (a *atlas) graphQL(url string) string {
	for _, r := range a.all {
		if r.Type == "AWS::AppSync::GraphQLApi" && (strings.HasPrefix(url, "https://"+strings.ToLower(r.LogicalID)+".") || strings.HasSuffix(url, "/graphql")) {
			return r.LogicalID
		}
	}
	return ""
}

// pollerActions are the actions with which Lambda reads a queue or a stream in a function's role. They are
// told by the mapping.
var pollerActions = []string{
	"sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:ChangeMessageVisibility", "sqs:GetQueueUrl", "sqs:GetQueueAttributes",
	"dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator", "dynamodb:ListStreams",
}

// roleEdges adds what the policies of a role allow.
func (a *atlas) roleEdges(from, role string) {
	id := a.find(role)
	if id == "" {
		return
	}
	name := ""
	for _, r := range a.all {
		if r.LogicalID == id {
			name = r.Name
		}
	}
	for _, r := range a.all {
		var p struct {
			Roles          []string
			PolicyDocument document
			Policies       []struct{ PolicyDocument document }
		}
		switch {
		case r.Type == "AWS::IAM::Policy" || r.Type == "AWS::IAM::ManagedPolicy":
			if read(r, &p); slices.Contains(p.Roles, name) {
				a.statementEdges(from, p.PolicyDocument)
			}
		case r.LogicalID == id:
			read(r, &p)
			for _, inline := range p.Policies {
				a.statementEdges(from, inline.PolicyDocument)
			}
		}
	}
}

// document is a policy as far as edges need it.
type document struct {
	Statement []struct {
		Effect           string
		Action, Resource oneOrMore
	}
}

// oneOrMore is a string or a list of strings.
type oneOrMore []string

// UnmarshalJSON implements json.Unmarshaler.
func (o *oneOrMore) UnmarshalJSON(b []byte) error {
	var one string
	if json.Unmarshal(b, &one) == nil {
		*o = []string{one}
		return nil
	}
	return json.Unmarshal(b, (*[]string)(o))
}

func (a *atlas) statementEdges(from string, d document) {
	for _, s := range d.Statement {
		if s.Effect != "Allow" {
			continue
		}
		for _, arn := range s.Resource {
			to := a.find(strings.TrimRight(arn, "*:/"))
			if i := slices.IndexFunc(a.all, func(r Resource) bool { return r.LogicalID == to }); i < 0 || !drawn(a.all[i].Type) {
				continue
			}
			for _, action := range s.Action {
				if slices.Contains(pollerActions, action) {
					continue
				}
				if _, name, ok := strings.Cut(action, ":"); ok {
					action = name
				}
				a.add(from, to, EdgeUse, action)
			}
		}
	}
}

// drawn reports whether resources of a type are part of the architecture's picture rather than of
// how it is set up.
func drawn(typ string) bool {
	switch typ {
	case "AWS::SQS::Queue", "AWS::SNS::Topic", "AWS::DynamoDB::Table", "AWS::DynamoDB::GlobalTable", "AWS::Lambda::Function",
		"AWS::StepFunctions::StateMachine", "AWS::AppSync::GraphQLApi", "AWS::ApiGateway::Method", "AWS::SecretsManager::Secret":
		return true
	}
	return false
}

// sorted are the values of a map in the order of its keys.
func sorted[V any](m map[string]V) []V {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	values := make([]V, len(keys))
	for i, k := range keys {
		values[i] = m[k]
	}
	return values
}
