package apigateway

import (
	"strings"

	"github.com/orderflow-cdk/orderflow/local/internal/api"
	"github.com/orderflow-cdk/orderflow/local/internal/cfn"
	"github.com/orderflow-cdk/orderflow/local/internal/sim"
)

// builder collects the resources of one API and the mistakes in them.
type builder struct {
	cfn.Collector
	api *API

	restAPIs       []cfn.Typed[restAPIProps]
	resources      []cfn.Typed[resourceProps]
	methods        []cfn.Typed[methodProps]
	models         []cfn.Typed[modelProps]
	validators     []cfn.Typed[validatorProps]
	authorizers    []cfn.Typed[authorizerProps]
	responses      []cfn.Typed[gatewayResponseProps]
	deployments    []cfn.Typed[deploymentProps]
	stages         []cfn.Typed[stageProps]
	keys           []cfn.Typed[apiKeyProps]
	usagePlans     []cfn.Typed[usagePlanProps]
	usagePlanKeys  []cfn.Typed[usagePlanKeyProps]
	accounts       []cfn.Typed[accountProps]
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
	if err := b.Err(); err != nil {
		return nil, err
	}
	b.api.declared = b.Declared()
	return b.api, nil
}

func (b *builder) decode(r Resource) {
	switch r.Type {
	case "AWS::ApiGateway::RestApi":
		cfn.Collect(&b.Collector, &r, &b.restAPIs)
	case "AWS::ApiGateway::Resource":
		cfn.Collect(&b.Collector, &r, &b.resources)
	case "AWS::ApiGateway::Method":
		cfn.Collect(&b.Collector, &r, &b.methods)
	case "AWS::ApiGateway::Model":
		cfn.Collect(&b.Collector, &r, &b.models)
	case "AWS::ApiGateway::RequestValidator":
		cfn.Collect(&b.Collector, &r, &b.validators)
	case "AWS::ApiGateway::Authorizer":
		cfn.Collect(&b.Collector, &r, &b.authorizers)
	case "AWS::ApiGateway::GatewayResponse":
		cfn.Collect(&b.Collector, &r, &b.responses)
	case "AWS::ApiGateway::Deployment":
		cfn.Collect(&b.Collector, &r, &b.deployments)
	case "AWS::ApiGateway::Stage":
		cfn.Collect(&b.Collector, &r, &b.stages)
	case "AWS::ApiGateway::ApiKey":
		cfn.Collect(&b.Collector, &r, &b.keys)
	case "AWS::ApiGateway::UsagePlan":
		cfn.Collect(&b.Collector, &r, &b.usagePlans)
	case "AWS::ApiGateway::UsagePlanKey":
		cfn.Collect(&b.Collector, &r, &b.usagePlanKeys)
	case "AWS::ApiGateway::Account":
		cfn.Collect(&b.Collector, &r, &b.accounts)
	default:
		b.Errorf(r.LogicalID, r.Type, "this resource type is not simulated")
	}
}

func (b *builder) build() {
	rest := cfn.Choose(&b.Collector, b.restAPIs, "AWS::ApiGateway::RestApi", b.api.cfg.RestAPI, "Config.RestAPI")
	if rest == nil {
		return
	}
	a := b.api
	a.id, a.name = rest.ID, rest.Props.Name
	a.domain = a.cfg.DomainName
	if a.domain == "" {
		a.domain = strings.ToLower(a.id) + ".execute-api." + a.cfg.Region + ".amazonaws.com"
	}
	a.prefix, _, _ = strings.Cut(a.domain, ".")
	a.apiKeySource = rest.Props.ApiKeySourceType
	switch a.apiKeySource {
	case "":
		a.apiKeySource = "HEADER"
	case "HEADER", "AUTHORIZER":
	default:
		b.Errorf(rest.ID, rest.Type, "ApiKeySourceType must be HEADER or AUTHORIZER, got %q", a.apiKeySource)
	}
	a.binaryTypes = rest.Props.BinaryMediaTypes
	a.compressFrom = -1
	if n := rest.Props.MinimumCompressionSize; n != nil {
		if *n < 0 || *n > maxBody {
			b.Errorf(rest.ID, rest.Type, "MinimumCompressionSize must be between 0 and %d, got %d", maxBody, *n)
		}
		a.compressFrom = int(*n)
	}
	a.account = newBucket(accountRate, accountBurst)

	b.buildTree(rest.ID)
	b.buildModels()
	b.buildAuthorizers()
	b.buildMethods()
	b.buildGatewayResponses()
	b.buildStages(rest.ID)
	b.buildKeys()
}

// mine tells whether a resource belongs to the API that is served.
func (b *builder) mine(id, typ, restAPI string) bool {
	return cfn.BelongsTo(&b.Collector, id, typ, "RestApiId", restAPI, b.api.id, b.restAPIs)
}

func (b *builder) buildTree(restAPI string) {
	root := &node{id: restAPI + "/root", path: "/", methods: map[string]*method{}}
	b.api.root = root
	b.nodes[root.id] = root
	pending := b.resources
	for len(pending) > 0 {
		var later []cfn.Typed[resourceProps]
		for _, r := range pending {
			if !b.mine(r.ID, r.Type, r.Props.RestApiId) {
				continue
			}
			parent, ok := b.nodes[r.Props.ParentId]
			if !ok {
				later = append(later, r)
				continue
			}
			b.addNode(parent, r)
		}
		if len(later) == len(pending) {
			for _, r := range later {
				b.Errorf(r.ID, r.Type, "ParentId %q leads to no resource of this API", r.Props.ParentId)
			}
			return
		}
		pending = later
	}
}

func (b *builder) addNode(parent *node, r cfn.Typed[resourceProps]) {
	part := r.Props.PathPart
	n := &node{id: r.ID, path: strings.TrimSuffix(parent.path, "/") + "/" + part, methods: map[string]*method{}}
	b.nodes[r.ID] = n
	if strings.HasSuffix(parent.name, "+") {
		b.Errorf(r.ID, r.Type, "a resource below the greedy %s can never be reached", parent.path)
		return
	}
	switch {
	case part == "" || strings.Contains(part, "/"):
		b.Errorf(r.ID, r.Type, "PathPart must be one non-empty part of a path, got %q", part)
	case strings.HasPrefix(part, "{") && strings.HasSuffix(part, "}"):
		n.name = part[1 : len(part)-1]
		greedy := strings.HasSuffix(n.name, "+")
		slot := &parent.param
		if greedy {
			slot = &parent.greedy
		}
		if name := strings.TrimSuffix(n.name, "+"); name == "" || strings.ContainsAny(name, "{}+") {
			b.Errorf(r.ID, r.Type, "PathPart %q has no valid parameter name", part)
			return
		}
		if *slot != nil {
			b.Errorf(r.ID, r.Type, "a sibling (%s) already has a variable path part; only one is allowed", (*slot).path)
			return
		}
		*slot = n
	case strings.ContainsAny(part, "{}"):
		b.Errorf(r.ID, r.Type, "PathPart %q: braces must surround the whole part", part)
	default:
		if parent.static == nil {
			parent.static = map[string]*node{}
		}
		if _, dup := parent.static[part]; dup {
			b.Errorf(r.ID, r.Type, "a sibling has the same PathPart %q", part)
			return
		}
		parent.static[part] = n
	}
}
