package apigateway

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/orderflow-cdk/orderflow/local/internal/cfn"
)

// method is a Method resource.
type method struct {
	id             string
	httpMethod     string
	node           *node
	authType       string // NONE, AWS_IAM, CUSTOM, COGNITO_USER_POOLS
	authorizer     *authorizer
	scopes         []string
	cognito        *Authorizer
	apiKeyRequired bool

	validateBody bool
	required     []param // sorted as API Gateway lists them
	models       map[string]*model
	integration  *integration
}

// param is a parameter of the method request: "method.request.header.X".
type param struct{ in, name string }

func (b *builder) buildMethods() {
	for _, r := range b.methods {
		if !b.mine(r.ID, r.Type, r.Props.RestApiId) {
			continue
		}
		n, ok := b.nodes[r.Props.ResourceId]
		if !ok {
			b.Errorf(r.ID, r.Type, "ResourceId %q is no resource of this API", r.Props.ResourceId)
			continue
		}
		m := b.buildMethod(r, n)
		if _, dup := n.methods[m.httpMethod]; dup {
			b.Errorf(r.ID, r.Type, "a second %s of %s", m.httpMethod, n.path)
		}
		n.methods[m.httpMethod] = m
	}
}

var httpMethods = []string{"ANY", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"}

func (b *builder) buildMethod(r cfn.Typed[methodProps], n *node) *method {
	p := r.Props
	m := &method{
		id: r.ID, httpMethod: p.HttpMethod, node: n,
		authType: p.AuthorizationType, scopes: p.AuthorizationScopes,
		apiKeyRequired: bool(p.ApiKeyRequired),
	}
	if !slices.Contains(httpMethods, p.HttpMethod) {
		b.Errorf(r.ID, r.Type, "HttpMethod must be one of %s, got %q", strings.Join(httpMethods, ", "), p.HttpMethod)
	}
	b.authorizationOf(r, m)
	b.validationOf(r, m)

	declared := map[string]bool{}
	for _, name := range slices.Sorted(maps.Keys(p.RequestParameters)) {
		if _, err := parseMethodParam(name); err != nil {
			b.Errorf(r.ID, r.Type, "RequestParameters: %v", err)
		}
		declared[name] = true
	}
	if p.Integration == nil {
		b.Errorf(r.ID, r.Type, "it has no Integration: API Gateway refuses to deploy such a method")
		return m
	}
	m.integration = b.buildIntegration(r.ID, r.Type, p, declared)
	return m
}

func (b *builder) authorizationOf(r cfn.Typed[methodProps], m *method) {
	p := r.Props
	switch m.authType {
	case "", "NONE":
		m.authType = "NONE"
	case "AWS_IAM":
		if b.api.cfg.Identify == nil {
			b.Errorf(r.ID, r.Type, "AuthorizationType AWS_IAM needs Config.Identify")
		}
	case "CUSTOM", "COGNITO_USER_POOLS":
		auth, ok := b.authorizerByID[p.AuthorizerId]
		if !ok {
			b.Errorf(r.ID, r.Type, "AuthorizerId %q is no authorizer of this API", p.AuthorizerId)
			return
		}
		if (auth.kind == "COGNITO_USER_POOLS") != (m.authType == "COGNITO_USER_POOLS") {
			b.Errorf(r.ID, r.Type, "AuthorizationType %s does not fit the authorizer %s of type %s", m.authType, auth.id, auth.kind)
		}
		m.authorizer = auth
		m.cognito = &Authorizer{LogicalID: auth.id, Name: auth.name, ProviderARNs: auth.providers, Scopes: m.scopes}
	default:
		b.Errorf(r.ID, r.Type, "AuthorizationType must be NONE, AWS_IAM, CUSTOM or COGNITO_USER_POOLS, got %q", m.authType)
	}
	if len(m.scopes) > 0 && m.authType != "COGNITO_USER_POOLS" {
		b.Errorf(r.ID, r.Type, "AuthorizationScopes need AuthorizationType COGNITO_USER_POOLS")
	}
}

func (b *builder) validationOf(r cfn.Typed[methodProps], m *method) {
	p := r.Props
	if len(p.RequestModels) > 0 {
		m.models = map[string]*model{}
	}
	for _, v := range sortedVariables(p.RequestModels) {
		mod := b.schemas.find(v.value)
		if mod == nil {
			b.Errorf(r.ID, r.Type, "RequestModels: %s: %q is no model of this API", v.name, v.value)
			continue
		}
		m.models[strings.ToLower(v.name)] = mod
	}
	if p.RequestValidatorId == "" {
		return
	}
	i := slices.IndexFunc(b.validators, func(v cfn.Typed[validatorProps]) bool {
		return v.ID == p.RequestValidatorId && v.Props.RestApiId == b.api.id
	})
	if i < 0 {
		b.Errorf(r.ID, r.Type, "RequestValidatorId %q is no validator of this API", p.RequestValidatorId)
		return
	}
	v := b.validators[i].Props
	m.validateBody = bool(v.ValidateRequestBody)
	if !v.ValidateRequestParameters {
		return
	}
	names := make([]string, 0, len(p.RequestParameters))
	for name, required := range p.RequestParameters {
		if required {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	for _, name := range names {
		if q, err := parseMethodParam(name); err == nil {
			m.required = append(m.required, q)
		}
	}
}

// parseMethodParam reads "method.request.{location}.{name}".
func parseMethodParam(s string) (param, error) {
	rest, ok := strings.CutPrefix(s, "method.request.")
	in, name, dot := strings.Cut(rest, ".")
	if !ok || !dot || name == "" {
		return param{}, fmt.Errorf("%q is not of the form method.request.{location}.{name}", s)
	}
	switch in {
	case "header", "querystring", "path", "multivalueheader", "multivaluequerystring":
		return param{in, name}, nil
	}
	return param{}, fmt.Errorf("%q: the location must be header, querystring or path", s)
}

func parseStatus(s string) (int, error) {
	n, err := strconv.Atoi(s)
	if err != nil || n < 100 || n > 599 {
		return 0, fmt.Errorf("StatusCode must be between 100 and 599, got %q", s)
	}
	return n, nil
}

func (b *builder) timeoutOf(id, typ string, p *integrationProps) time.Duration {
	if p.TimeoutInMillis == nil {
		return defaultTimeout
	}
	// The default quota is 29 s; it can be raised for Regional and private APIs.
	if n := *p.TimeoutInMillis; n < 50 || n > 300_000 {
		b.Errorf(id, typ, "Integration.TimeoutInMillis must be between 50 and 300000, got %d", n)
	}
	return time.Duration(*p.TimeoutInMillis) * time.Millisecond
}
