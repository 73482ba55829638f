package console

import (
	"fmt"
	"hash/fnv"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/orderflow-cdk/orderflow/local"
)

// plan is the architecture as the template says it, kept for a moment since it is asked for with every event.
type plan struct {
	stack   *local.Stack
	changed func() // is called when there is another template
	mu      sync.Mutex
	until   time.Time
	p       *blueprint
}

// blueprint is a template's resources and edges, and who stands for whom in the drawing.
type blueprint struct {
	resources []local.Resource
	edges     []local.Edge
	byID      map[string]*local.Resource
	stands    map[string]string // role or method to the resource that is drawn for it
	services  map[string]string // "gateway" and "appsync" to their API
	functions map[string]string // by Handler
	print     uint64            // of the template
}

// planFor is how long a blueprint is used before the template is read again.
const planFor = 3 * time.Second

func (p *plan) get() *blueprint {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.p == nil || time.Now().After(p.until) {
		before := p.p
		p.p, p.until = newBlueprint(p.stack), time.Now().Add(planFor)
		if before != nil && before.print != p.p.print {
			p.changed()
		}
	}
	return p.p
}

func newBlueprint(stack *local.Stack) *blueprint {
	b := &blueprint{
		resources: stack.Resources(), edges: stack.Edges(), byID: map[string]*local.Resource{},
		stands: map[string]string{}, services: map[string]string{}, functions: map[string]string{},
	}
	print := fnv.New64a()
	for _, r := range b.resources {
		fmt.Fprintln(print, r.LogicalID, r.Type, string(r.Properties))
	}
	b.print = print.Sum64()
	roles := map[string]string{} // by ARN
	for i := range b.resources {
		r := &b.resources[i]
		b.byID[r.LogicalID] = r
		switch r.Type {
		case "AWS::ApiGateway::RestApi":
			b.services["gateway"], b.services["apigateway.amazonaws.com"] = r.LogicalID, r.LogicalID
		case "AWS::AppSync::GraphQLApi":
			b.services["appsync"], b.services["appsync.amazonaws.com"] = r.LogicalID, r.LogicalID
		case "AWS::IAM::Role":
			roles[r.ARN] = r.LogicalID
		}
	}
	for i := range b.resources {
		r := &b.resources[i]
		role := ""
		owner := r.LogicalID
		switch r.Type {
		case "AWS::Lambda::Function":
			role = text(r, "Role")
			b.functions[text(r, "Handler")] = r.LogicalID
		case "AWS::StepFunctions::StateMachine":
			role = text(r, "RoleArn")
		case "AWS::ApiGateway::Method":
			owner = b.known(text(r, "RestApiId"))
			b.stands[r.LogicalID] = owner
			role = text(r, "Integration", "Credentials")
		case "AWS::AppSync::DataSource":
			owner, role = b.known(text(r, "ApiId")), text(r, "ServiceRoleArn")
		}
		if id := roles[role]; id != "" {
			b.stands[id] = owner
		}
	}
	return b
}

func (b *blueprint) known(id string) string {
	if b.byID[id] != nil {
		return id
	}
	return ""
}

// text is a string within a resource's properties.
func text(r *local.Resource, path ...string) string { return textIn(r.Properties, path...) }

// drawnAs is the node that stands for what an event names; "" for what is not drawn.
func (b *blueprint) drawnAs(name string) string {
	if as := b.stands[name]; as != "" {
		return as
	}
	if api := b.services[name]; api != "" {
		return api
	}
	if b.byID[name] != nil {
		return name
	}
	return ""
}

// actors are the nodes of the drawing by the names of events that they stand for: roles, methods and services.
func (b *blueprint) actors() map[string]string {
	all := maps.Clone(b.stands)
	maps.Copy(all, b.services)
	maps.DeleteFunc(all, func(_, as string) bool { return as == "" })
	return all
}

// clients and outside are the nodes of who is not of the stack.
const clients, outside = "·clients", "·outside"

// invoked stands for whoever invokes a function: it is counted, not drawn.
const invoked = "·invoke"

// place says along which edge of the drawing an event is counted.
func (p *plan) place(e local.Event) (from, to string) {
	b := p.get()
	switch e.Kind {
	case local.EventRequest:
		if from := b.drawnAs(e.From); from != "" { // a function that runs as a process
			return from, b.drawnAs(e.To)
		}
		return clients, b.drawnAs(e.To)
	case local.EventCall:
		return b.drawnAs(e.From), b.drawnAs(e.To)
	case local.EventFrame:
		return b.services["appsync"], clients
	case local.EventHTTP:
		return b.drawnAs(e.From), outside
	case local.EventInvocation:
		return invoked, b.drawnAs(e.To)
	}
	return "", ""
}

func (p *plan) hasGraphQL() bool { return p.get().services["appsync"] != "" }

// architecture answers GET /architecture.
func (c *Console) architecture(*http.Request) (any, error) {
	c.hub.mu.Lock()
	seen := slices.Sorted(maps.Keys(c.hub.flows))
	c.hub.mu.Unlock()
	return c.plan.get().draw(seen), nil
}

// draw lays the architecture out, with what was seen to flow ("from>to") though the template says nothing of it.
func (b *blueprint) draw(seen []string) *drawing {
	edges := b.drawnEdges()
	for _, flow := range seen {
		from, to, _ := strings.Cut(flow, ">")
		if from == invoked || from == to || slices.ContainsFunc(edges, func(e *edge) bool { return e.From == from && e.To == to || e.From == to && e.To == from }) {
			continue
		}
		edges = append(edges, &edge{From: from, To: to, Kind: "seen", loose: to != outside})
	}
	used := map[string]bool{}
	for _, e := range edges {
		used[e.From], used[e.To] = true, true
	}
	var nodes []*node
	for id, label := range map[string]string{clients: "clients", outside: "outside"} {
		if used[id] {
			nodes = append(nodes, &node{ID: id, Label: label, Type: "outside", W: 84, H: 34})
		}
	}
	for _, r := range b.resources {
		kind := shortType(r.Type)
		if kind == "" || kind == "method" || !used[r.LogicalID] && kind == "gateway" {
			continue
		}
		nodes = append(nodes, &node{ID: r.LogicalID, Label: r.Label, Sub: kind, Type: kind, W: width(r.Label, 104, 230), H: 44})
	}
	for _, e := range edges {
		if strings.HasPrefix(e.To, "http") && !slices.ContainsFunc(nodes, func(n *node) bool { return n.ID == e.To }) {
			nodes = append(nodes, &node{ID: e.To, Label: e.To, Type: "outside", W: width(e.To, 120, 230), H: 34})
		}
	}
	slices.SortStableFunc(nodes, func(a, b *node) int {
		if a.ID == clients || b.ID == clients {
			return map[bool]int{true: -1, false: 1}[a.ID == clients]
		}
		return strings.Compare(a.ID, b.ID)
	})
	return layout(nodes, edges, false, spacing{layer: 52, node: 34, margin: 16})
}

// streams is the label of the edges from a table to the function that reads its stream. What happens then
// is drawn below rather than to the right of all that leads to the table.
const streams = "stream"

// drawnEdges are the edges between what is drawn: methods are drawn as their API, clients and
// the outside are added.
func (b *blueprint) drawnEdges() []*edge {
	var edges []*edge
	add := func(e *edge) {
		if i := slices.IndexFunc(edges, func(o *edge) bool { return o.From == e.From && o.To == e.To }); i >= 0 {
			if e.Label != "" && !strings.Contains(edges[i].Label, e.Label) {
				edges[i].Label = strings.TrimPrefix(edges[i].Label+", "+e.Label, ", ")
			}
			return
		}
		edges = append(edges, e)
	}
	for _, name := range []string{"gateway", "appsync"} {
		if api := b.services[name]; api != "" {
			add(&edge{From: clients, To: api, Kind: "request", weak: name == "appsync"})
		}
	}
	for _, e := range b.edges {
		from, label := e.From, e.Label
		if as := b.stands[from]; as != "" {
			label = b.byID[from].Label
			from = as
		}
		add(&edge{From: from, To: e.To, Kind: string(e.Kind), Label: label, weak: e.Kind == local.EdgeDeadLetter, loose: e.Label == streams})
	}
	return edges
}

// shortType is a type's name on the page; "" for what is not drawn.
func shortType(typ string) string {
	switch typ {
	case "AWS::SQS::Queue":
		return "queue"
	case "AWS::SNS::Topic":
		return "topic"
	case "AWS::DynamoDB::Table", "AWS::DynamoDB::GlobalTable":
		return "table"
	case "AWS::Lambda::Function":
		return "function"
	case "AWS::StepFunctions::StateMachine":
		return "state machine"
	case "AWS::AppSync::GraphQLApi":
		return "GraphQL"
	case "AWS::ApiGateway::RestApi":
		return "gateway"
	case "AWS::ApiGateway::Method":
		return "method"
	case "AWS::SecretsManager::Secret":
		return "secret"
	}
	return ""
}
