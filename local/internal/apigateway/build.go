package apigateway

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/orderflow-cdk/orderflow/local/internal/api"
	"github.com/orderflow-cdk/orderflow/local/internal/cfn"
	"github.com/orderflow-cdk/orderflow/local/internal/sim"
)

// decoded is a resource with its typed properties.
type decoded[T any] struct {
	id    string
	typ   string
	props T
}

// builder collects the resources of one API and the mistakes in them.
type builder struct {
	api  *API
	errs []error

	restAPIs       []decoded[restAPIProps]
	resources      []decoded[resourceProps]
	methods        []decoded[methodProps]
	models         []decoded[modelProps]
	validators     []decoded[validatorProps]
	authorizers    []decoded[authorizerProps]
	responses      []decoded[gatewayResponseProps]
	deployments    []decoded[deploymentProps]
	stages         []decoded[stageProps]
	keys           []decoded[apiKeyProps]
	usagePlans     []decoded[usagePlanProps]
	usagePlanKeys  []decoded[usagePlanKeyProps]
	accounts       []decoded[accountProps]
	schemas        *schemas
	nodes          map[string]*node
	authorizerByID map[string]*authorizer
}

// New builds the REST API that the resources declare. Resources of other
// services are errors, as is everything of API Gateway that is not simulated;
// all mistakes are reported at once, each with its logical id and type.
//
// bus answers the calls of AWS integrations and of Lambda authorizers.
func New(k *sim.Kernel, bus api.Service, cfg Config, resources []Resource) (*API, error) {
	if cfg.AccountID == "" {
		cfg.AccountID = "123456789012"
	}
	if cfg.Region == "" {
		cfg.Region = "us-east-1"
	}
	b := &builder{
		api: &API{
			k: k, bus: bus, cfg: cfg,
			stages:            map[string]*stage{},
			gatewayResponses:  map[string]*gatewayResponse{},
			keys:              map[string]*apiKey{},
			authorizerResults: map[string]cachedPolicy{},
		},
		nodes:          map[string]*node{},
		authorizerByID: map[string]*authorizer{},
	}
	for _, r := range resources {
		b.decode(r)
	}
	b.build()
	if len(b.errs) > 0 {
		return nil, errors.Join(b.errs...)
	}
	slices.Sort(b.api.declared)
	return b.api, nil
}

func (b *builder) errorf(id, typ, format string, args ...any) {
	b.errs = append(b.errs, fmt.Errorf("%s (%s): %s", id, typ, fmt.Sprintf(format, args...)))
}

func (b *builder) decode(r Resource) {
	switch r.Type {
	case "AWS::ApiGateway::RestApi":
		decodeInto(b, r, &b.restAPIs)
	case "AWS::ApiGateway::Resource":
		decodeInto(b, r, &b.resources)
	case "AWS::ApiGateway::Method":
		decodeInto(b, r, &b.methods)
	case "AWS::ApiGateway::Model":
		decodeInto(b, r, &b.models)
	case "AWS::ApiGateway::RequestValidator":
		decodeInto(b, r, &b.validators)
	case "AWS::ApiGateway::Authorizer":
		decodeInto(b, r, &b.authorizers)
	case "AWS::ApiGateway::GatewayResponse":
		decodeInto(b, r, &b.responses)
	case "AWS::ApiGateway::Deployment":
		decodeInto(b, r, &b.deployments)
	case "AWS::ApiGateway::Stage":
		decodeInto(b, r, &b.stages)
	case "AWS::ApiGateway::ApiKey":
		decodeInto(b, r, &b.keys)
	case "AWS::ApiGateway::UsagePlan":
		decodeInto(b, r, &b.usagePlans)
	case "AWS::ApiGateway::UsagePlanKey":
		decodeInto(b, r, &b.usagePlanKeys)
	case "AWS::ApiGateway::Account":
		decodeInto(b, r, &b.accounts)
	default:
		b.errorf(r.LogicalID, r.Type, "this resource type is not simulated")
	}
}

func decodeInto[T any](b *builder, r Resource, list *[]decoded[T]) {
	d := decoded[T]{id: r.LogicalID, typ: r.Type}
	declared, err := cfn.Decode(&cfn.Resource{LogicalID: r.LogicalID, Type: r.Type, Properties: r.Properties}, &d.props)
	if err != nil {
		b.errs = append(b.errs, err)
		return
	}
	for _, p := range declared {
		b.api.declared = append(b.api.declared, r.LogicalID+": "+p)
	}
	*list = append(*list, d)
}

func (b *builder) build() {
	rest := b.chooseAPI()
	if rest == nil {
		return
	}
	a := b.api
	a.id, a.name = rest.id, rest.props.Name
	a.domain = a.cfg.DomainName
	if a.domain == "" {
		a.domain = strings.ToLower(a.id) + ".execute-api." + a.cfg.Region + ".amazonaws.com"
	}
	a.prefix, _, _ = strings.Cut(a.domain, ".")
	a.apiKeySource = rest.props.ApiKeySourceType
	switch a.apiKeySource {
	case "":
		a.apiKeySource = "HEADER"
	case "HEADER", "AUTHORIZER":
	default:
		b.errorf(rest.id, rest.typ, "ApiKeySourceType must be HEADER or AUTHORIZER, got %q", a.apiKeySource)
	}
	a.binaryTypes = rest.props.BinaryMediaTypes
	a.compressFrom = -1
	if n := rest.props.MinimumCompressionSize; n != nil {
		if *n < 0 || *n > maxBody {
			b.errorf(rest.id, rest.typ, "MinimumCompressionSize must be between 0 and %d, got %d", maxBody, *n)
		}
		a.compressFrom = int(*n)
	}
	a.account = newBucket(accountRate, accountBurst)

	b.buildTree(rest.id)
	b.buildModels()
	b.buildAuthorizers()
	b.buildMethods()
	b.buildGatewayResponses()
	b.buildStages(rest.id)
	b.buildKeys()
}

func (b *builder) chooseAPI() *decoded[restAPIProps] {
	want := b.api.cfg.RestAPI
	var found *decoded[restAPIProps]
	for i := range b.restAPIs {
		r := &b.restAPIs[i]
		switch {
		case want != "" && r.id != want:
		case found != nil:
			b.errorf(r.id, r.typ, "a second RestApi beside %s: Config.RestAPI must name the one to serve", found.id)
		default:
			found = r
		}
	}
	if found == nil && len(b.errs) == 0 {
		b.errs = append(b.errs, fmt.Errorf("no AWS::ApiGateway::RestApi %s among the resources", want))
	}
	return found
}

// mine tells whether a resource belongs to the API that is served; one that
// names no RestApi of the template is a mistake.
func (b *builder) mine(id, typ, restAPI string) bool {
	if restAPI == b.api.id {
		return true
	}
	if !slices.ContainsFunc(b.restAPIs, func(r decoded[restAPIProps]) bool { return r.id == restAPI }) {
		b.errorf(id, typ, "RestApiId %q is no RestApi of this template", restAPI)
	}
	return false
}

func (b *builder) buildTree(restAPI string) {
	root := &node{id: restAPI + "/root", path: "/", methods: map[string]*method{}}
	b.api.root = root
	b.nodes[root.id] = root
	pending := b.resources
	for len(pending) > 0 {
		var later []decoded[resourceProps]
		for _, r := range pending {
			if !b.mine(r.id, r.typ, r.props.RestApiId) {
				continue
			}
			parent, ok := b.nodes[r.props.ParentId]
			if !ok {
				later = append(later, r)
				continue
			}
			b.addNode(parent, r)
		}
		if len(later) == len(pending) {
			for _, r := range later {
				b.errorf(r.id, r.typ, "ParentId %q leads to no resource of this API", r.props.ParentId)
			}
			return
		}
		pending = later
	}
}

func (b *builder) addNode(parent *node, r decoded[resourceProps]) {
	part := r.props.PathPart
	n := &node{id: r.id, path: strings.TrimSuffix(parent.path, "/") + "/" + part, methods: map[string]*method{}}
	b.nodes[r.id] = n
	if strings.HasSuffix(parent.name, "+") {
		b.errorf(r.id, r.typ, "a resource below the greedy %s can never be reached", parent.path)
		return
	}
	switch {
	case part == "" || strings.Contains(part, "/"):
		b.errorf(r.id, r.typ, "PathPart must be one non-empty part of a path, got %q", part)
	case strings.HasPrefix(part, "{") && strings.HasSuffix(part, "}"):
		n.name = part[1 : len(part)-1]
		greedy := strings.HasSuffix(n.name, "+")
		slot := &parent.param
		if greedy {
			slot = &parent.greedy
		}
		if name := strings.TrimSuffix(n.name, "+"); name == "" || strings.ContainsAny(name, "{}+") {
			b.errorf(r.id, r.typ, "PathPart %q has no valid parameter name", part)
			return
		}
		if *slot != nil {
			b.errorf(r.id, r.typ, "a sibling (%s) already has a variable path part; only one is allowed", (*slot).path)
			return
		}
		*slot = n
	case strings.ContainsAny(part, "{}"):
		b.errorf(r.id, r.typ, "PathPart %q: braces must surround the whole part", part)
	default:
		if parent.static == nil {
			parent.static = map[string]*node{}
		}
		if _, dup := parent.static[part]; dup {
			b.errorf(r.id, r.typ, "a sibling has the same PathPart %q", part)
			return
		}
		parent.static[part] = n
	}
}
