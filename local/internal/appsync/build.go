package appsync

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/vektah/gqlparser/v2/ast"

	"github.com/orderflow-cdk/orderflow/local/internal/api"
	"github.com/orderflow-cdk/orderflow/local/internal/appsyncjs"
	"github.com/orderflow-cdk/orderflow/local/internal/cfn"
	"github.com/orderflow-cdk/orderflow/local/internal/sim"
)

// builder collects the resources of one API and the mistakes in them.
type builder struct {
	cfn.Collector
	api *API

	apis      []cfn.Typed[graphQLAPIProps]
	schemas   []cfn.Typed[schemaProps]
	sources   []cfn.Typed[dataSourceProps]
	resolvers []cfn.Typed[resolverProps]
	functions []cfn.Typed[functionProps]
	keys      []cfn.Typed[apiKeyProps]

	functionByID map[string]*function
}

// New builds the GraphQL API that the resources declare. Resources of other
// services are errors, as is everything of AppSync that is not simulated; all
// mistakes are reported at once, each with its logical id and type.
//
// bus answers the calls of data sources and of Lambda authorizers.
func New(k *sim.Kernel, bus api.Service, cfg Config, resources []Resource) (*API, error) {
	if cfg.AccountID == "" {
		cfg.AccountID = "123456789012"
	}
	if cfg.Region == "" {
		cfg.Region = "us-east-1"
	}
	if cfg.Path == "" {
		cfg.Path = "/graphql"
	}
	b := &builder{
		api: &API{
			k: k, bus: bus, cfg: cfg, introspection: true, maxResolvers: 10_000,
			apiKeys: map[string]*apiKey{}, lambdaAnswers: map[string]lambdaAnswer{}, sources: map[string]*source{},
			resolvers: map[*ast.FieldDefinition]*resolver{}, documents: map[string]*document{}, topics: map[string]*topic{},
			open: map[*Connection]struct{}{},
		},
		functionByID: map[string]*function{},
	}
	b.api.js = appsyncjs.New(appsyncjs.Env{Now: k.Now, Rand: k.Rand(), Log: func(line string) { b.api.log("", line) }})
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
	case "AWS::AppSync::GraphQLApi":
		cfn.Collect(&b.Collector, &r, &b.apis)
	case "AWS::AppSync::GraphQLSchema":
		cfn.Collect(&b.Collector, &r, &b.schemas)
	case "AWS::AppSync::DataSource":
		cfn.Collect(&b.Collector, &r, &b.sources)
	case "AWS::AppSync::Resolver":
		cfn.Collect(&b.Collector, &r, &b.resolvers)
	case "AWS::AppSync::FunctionConfiguration":
		cfn.Collect(&b.Collector, &r, &b.functions)
	case "AWS::AppSync::ApiKey":
		cfn.Collect(&b.Collector, &r, &b.keys)
	default:
		b.Errorf(r.LogicalID, r.Type, "this resource type is not simulated")
	}
}

func (b *builder) build() {
	root := cfn.Choose(&b.Collector, b.apis, "AWS::AppSync::GraphQLApi", b.api.cfg.GraphQLAPI, "Config.GraphQLAPI")
	if root == nil {
		return
	}
	a := b.api
	a.id, a.name, a.parts.root = root.ID, root.Props.Name, root.Props
	a.environment = root.Props.EnvironmentVariables
	b.buildModes(root)
	if !b.buildSchema(root) {
		return
	}
	b.buildSources()
	b.buildFunctions()
	b.buildResolvers()
	b.buildKeys()
	b.buildLimits(root)
	if a.schema.Subscription != nil {
		for _, f := range a.schema.Subscription.Fields {
			if a.resolvers[f] == nil {
				for _, err := range a.schema.checkArguments(f) {
					b.Errorf(b.schemas[0].ID, b.schemas[0].Type, "%v", err)
				}
			}
		}
	}
}

// mine tells whether a resource belongs to the API that is served.
func (b *builder) mine(id, typ, apiID string) bool {
	return cfn.BelongsTo(&b.Collector, id, typ, "ApiId", apiID, b.api.id, b.apis)
}

func (b *builder) buildLimits(root *cfn.Typed[graphQLAPIProps]) {
	p := &root.Props
	if p.ApiType != "" && p.ApiType != "GRAPHQL" {
		b.Errorf(root.ID, root.Type, "ApiType %q is not simulated", p.ApiType)
	}
	switch p.IntrospectionConfig {
	case "", "ENABLED":
	case "DISABLED":
		b.api.introspection = false
	default:
		b.Errorf(root.ID, root.Type, "IntrospectionConfig must be ENABLED or DISABLED, got %q", p.IntrospectionConfig)
	}
	if n := p.QueryDepthLimit; n != nil {
		if *n < 0 || *n > 75 {
			b.Errorf(root.ID, root.Type, "QueryDepthLimit must be between 0 and 75, got %d", *n)
		}
		b.api.maxDepth = int(*n)
	}
	if n := p.ResolverCountLimit; n != nil && *n != 0 {
		if *n < 0 || *n > 10_000 {
			b.Errorf(root.ID, root.Type, "ResolverCountLimit must be between 0 and 10000, got %d", *n)
		}
		b.api.maxResolvers = int(*n)
	}
}

func (b *builder) buildModes(root *cfn.Typed[graphQLAPIProps]) {
	p := &root.Props
	all := append([]providerProps{{p.AuthenticationType, p.UserPoolConfig, p.LambdaAuthorizerConfig, p.OpenIDConnectConfig}},
		p.AdditionalAuthenticationProviders...)
	for i, provider := range all {
		m := mode{name: provider.AuthenticationType}
		var err error
		switch m.name {
		case modeAPIKey, modeIAM:
		case modeCognito:
			err = m.readPool(provider.UserPoolConfig, i == 0, b.api.cfg)
		case modeOIDC:
			err = m.readProvider(provider.OpenIDConnectConfig, b.api.cfg)
		case modeLambda:
			err = m.readAuthorizer(provider.LambdaAuthorizerConfig)
		default:
			err = fmt.Errorf("unknown AuthenticationType %q", m.name)
		}
		if err != nil {
			b.Errorf(root.ID, root.Type, "%v", err)
		}
		single := m.name != modeCognito && m.name != modeOIDC
		if single && b.api.mode(m.name) != nil {
			b.Errorf(root.ID, root.Type, "AuthenticationType %s is there twice", m.name)
		}
		b.api.modes = append(b.api.modes, m)
	}
}

func (m *mode) readPool(p *userPoolProps, isDefault bool, cfg Config) error {
	switch {
	case p == nil || p.UserPoolId == "":
		return errors.New("AMAZON_COGNITO_USER_POOLS needs UserPoolConfig.UserPoolId")
	case cfg.VerifyToken == nil:
		return errors.New("AMAZON_COGNITO_USER_POOLS needs Config.VerifyToken")
	case isDefault && p.DefaultAction != "ALLOW" && p.DefaultAction != "DENY":
		return fmt.Errorf("UserPoolConfig.DefaultAction must be ALLOW or DENY, got %q", p.DefaultAction)
	}
	pool := *p
	if pool.AwsRegion == "" {
		pool.AwsRegion = cfg.Region
	}
	if pool.DefaultAction == "" { // an additional provider has none
		pool.DefaultAction = "ALLOW"
	}
	m.pool = &pool
	m.issuer = "https://cognito-idp." + pool.AwsRegion + ".amazonaws.com/" + pool.UserPoolId
	return m.setClient(pool.AppIdClientRegex)
}

func (m *mode) readProvider(p *openIDProps, cfg Config) error {
	switch {
	case p == nil || p.Issuer == "":
		return errors.New("OPENID_CONNECT needs OpenIDConnectConfig.Issuer")
	case cfg.VerifyToken == nil:
		return errors.New("OPENID_CONNECT needs Config.VerifyToken")
	}
	m.oidc, m.issuer = p, strings.TrimSuffix(p.Issuer, "/")
	return m.setClient(p.ClientId)
}

func (m *mode) setClient(pattern string) error {
	if pattern == "" {
		return nil
	}
	var err error
	m.client, err = regexp.Compile("^(?:" + pattern + ")$")
	return err
}

func (m *mode) readAuthorizer(p *lambdaAuthorizerProps) error {
	if p == nil || p.AuthorizerUri == "" {
		return errors.New("AWS_LAMBDA needs LambdaAuthorizerConfig.AuthorizerUri")
	}
	m.function = p.AuthorizerUri
	// Without a value nothing is kept ("The default is 0 seconds, which disables
	// caching", AppSync API reference, LambdaAuthorizerConfig).
	if n := p.AuthorizerResultTtlInSeconds; n != nil {
		if *n < 0 || *n > 3600 {
			return fmt.Errorf("AuthorizerResultTtlInSeconds must be between 0 and 3600, got %d", *n)
		}
		m.ttl = time.Duration(*n) * time.Second
	}
	if p.IdentityValidationExpression == "" {
		return nil
	}
	var err error
	m.token, err = regexp.Compile(p.IdentityValidationExpression)
	return err
}

func (b *builder) buildSchema(root *cfn.Typed[graphQLAPIProps]) bool {
	for _, r := range b.schemas {
		if !b.mine(r.ID, r.Type, r.Props.ApiId) {
			continue
		}
		if b.api.schema != nil {
			b.Errorf(r.ID, r.Type, "a second schema of the API")
			continue
		}
		s, errs := loadSchema(r.Props.Definition)
		if s != nil {
			errs = append(errs, s.readAccess(b.api.modes)...)
			b.api.schema = s
		}
		for _, err := range errs {
			b.Errorf(r.ID, r.Type, "%v", err)
		}
	}
	if b.api.schema == nil && b.Err() == nil {
		b.Errorf(root.ID, root.Type, "there is no AWS::AppSync::GraphQLSchema for it")
	}
	return b.api.schema != nil
}

func (b *builder) buildKeys() {
	for _, r := range b.keys {
		if !b.mine(r.ID, r.Type, r.Props.ApiId) {
			continue
		}
		key := &apiKey{expires: b.api.k.Now().Add(7 * 24 * time.Hour)} // the default ("expires", AppSync API reference, CreateApiKey)
		if e := r.Props.Expires; e != nil {
			key.expires = time.Unix(int64(*e), 0)
		}
		b.api.apiKeys[KeyValue(r.ID)] = key
		b.api.parts.keys = append(b.api.parts.keys, r)
	}
}
