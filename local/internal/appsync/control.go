package appsync

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/orderflow-cdk/orderflow/local/internal/api"
	"github.com/orderflow-cdk/orderflow/local/internal/cfn"
)

// Control is AppSync's own API (the control plane), as far as it reads: what there is comes from the
// template. It is an api.Service; the inputs are those of AppSync's API reference, with the parts of the
// path among their members.
type Control struct {
	// API is the API that there is; nil: there is none.
	API *API
	// Account is the owner of the API.
	Account string
	// URLs are the endpoints that clients outside use; nil: those of the API's hosts.
	URLs func() (graphQL, realTime string)
	// Now and Rand are what evaluated code sees.
	Now  func() time.Time
	Rand *rand.Rand
}

// parts are the resources of an API, in the order of the template.
type parts struct {
	root      graphQLAPIProps
	sources   []cfn.Typed[dataSourceProps]
	resolvers []cfn.Typed[resolverProps]
	functions []cfn.Typed[functionProps]
	keys      []cfn.Typed[apiKeyProps]
}

// controlInput is the input of all actions but EvaluateCode.
type controlInput struct {
	APIID                             string `json:"apiId"`
	Name, TypeName, FieldName, Format string
	FunctionID                        string `json:"functionId"`
	APIType                           string `json:"apiType"`
	Owner                             string
	NextToken                         string
	MaxResults                        json.Number
	IncludeDirectives                 string
}

type controlAction func(*API, *controlInput) (map[string]any, error)

// controlActions are those that read one API.
var controlActions map[string]controlAction

func init() {
	controlActions = map[string]controlAction{
		"GetGraphqlApiEnvironmentVariables": (*API).getEnvironment, "GetIntrospectionSchema": (*API).getIntrospectionSchema,
		"ListDataSources": (*API).listDataSources, "GetDataSource": (*API).getDataSource,
		"ListResolvers": (*API).listResolvers, "GetResolver": (*API).getResolver, "ListResolversByFunction": (*API).listResolversByFunction,
		"ListFunctions": (*API).listFunctions, "GetFunction": (*API).getFunction,
		"ListTypes": (*API).listTypes, "GetType": (*API).getType, "ListApiKeys": (*API).listAPIKeys,
	}
}

// Do implements api.Service. Any other action fails with a plain error, which is not an AWS error.
func (c *Control) Do(call api.Call, done func([]byte, error)) {
	out, err := c.answer(call)
	if err != nil {
		done(nil, err)
		return
	}
	done(toJSON(out), nil)
}

func (c *Control) answer(call api.Call) (map[string]any, error) {
	if call.Action == "EvaluateCode" {
		return c.evaluateCode(call.Input)
	}
	action, ok := controlActions[call.Action]
	if !ok && call.Action != "ListGraphqlApis" && call.Action != "GetGraphqlApi" {
		return nil, fmt.Errorf("appsync: action %s is not simulated", call.Action)
	}
	var in controlInput
	if err := json.Unmarshal(call.Input, &in); err != nil {
		return nil, badRequest("%v", err)
	}
	if call.Action == "ListGraphqlApis" {
		var all []any
		if c.API != nil && in.APIType != "MERGED" && in.Owner != "OTHER_ACCOUNTS" {
			all = append(all, c.describe())
		}
		return in.page("graphqlApis", all)
	}
	if c.API == nil || in.APIID != c.API.id {
		return nil, notFound("GraphQL API %s not found.", in.APIID)
	}
	if call.Action == "GetGraphqlApi" {
		return map[string]any{"graphqlApi": c.describe()}, nil
	}
	return action(c.API, &in)
}

func badRequest(format string, args ...any) error {
	return &api.Error{Code: "BadRequestException", Status: 400, Message: fmt.Sprintf(format, args...)}
}

func notFound(format string, args ...any) error {
	return &api.Error{Code: "NotFoundException", Status: 404, Message: fmt.Sprintf(format, args...)}
}

// maxPage is how many entries an answer has at most, and by default.
const maxPage = 25

// page is a part of a list. A token of ours is how many entries came before.
func (in *controlInput) page(name string, all []any) (map[string]any, error) {
	size, from := maxPage, 0
	if in.MaxResults != "" {
		n, err := strconv.Atoi(in.MaxResults.String())
		if err != nil || n < 0 || n > maxPage {
			return nil, badRequest("maxResults must be from 0 to %d.", maxPage)
		}
		if n > 0 {
			size = n
		}
	}
	if in.NextToken != "" {
		n, err := strconv.Atoi(in.NextToken)
		if err != nil || n < 0 || n > len(all) {
			return nil, badRequest("Invalid pagination token.")
		}
		from = n
	}
	to := min(from+size, len(all))
	out := map[string]any{name: append([]any{}, all[from:to]...)}
	if to < len(all) {
		out["nextToken"] = strconv.Itoa(to)
	}
	return out, nil
}

// present leaves out of an object what is not set.
func present(o map[string]any) map[string]any {
	for name, v := range o {
		if v == nil || v == "" {
			delete(o, name)
		}
	}
	return o
}

// describe is the API as GetGraphqlApi shows it.
func (c *Control) describe() map[string]any {
	a := c.API
	p := &a.parts.root
	graphQL, realTime := "https://"+a.Host()+"/graphql", "wss://"+a.RealTimeHost()+"/graphql"
	if c.URLs != nil {
		graphQL, realTime = c.URLs()
	}
	providers := []any{}
	for i := range p.AdditionalAuthenticationProviders {
		providers = append(providers, p.AdditionalAuthenticationProviders[i].describe(a.cfg.Region))
	}
	tags := map[string]string{}
	for _, t := range p.Tags {
		tags[t.Key] = t.Value
	}
	own := providerProps{p.AuthenticationType, p.UserPoolConfig, p.LambdaAuthorizerConfig, p.OpenIDConnectConfig}
	o := own.describe(a.cfg.Region)
	for name, v := range map[string]any{
		"name": p.Name, "apiId": a.id, "arn": a.ARN(), "owner": c.Account, "ownerContact": p.OwnerContact, "apiType": "GRAPHQL",
		"uris": map[string]string{"GRAPHQL": graphQL, "REALTIME": realTime}, "dns": map[string]string{"GRAPHQL": a.Host(), "REALTIME": a.RealTimeHost()},
		"additionalAuthenticationProviders": providers, "tags": tags, "xrayEnabled": bool(p.XrayEnabled),
		"visibility": either(p.Visibility, "GLOBAL"), "introspectionConfig": either(p.IntrospectionConfig, "ENABLED"),
		"queryDepthLimit": whole(p.QueryDepthLimit), "resolverCountLimit": whole(p.ResolverCountLimit),
		"logConfig": lowered(p.LogConfig), "enhancedMetricsConfig": lowered(p.EnhancedMetricsConfig),
	} {
		o[name] = v
	}
	return present(o)
}

func (p *providerProps) describe(region string) map[string]any {
	o := map[string]any{"authenticationType": p.AuthenticationType}
	if u := p.UserPoolConfig; u != nil {
		o["userPoolConfig"] = present(map[string]any{
			"userPoolId": u.UserPoolId, "awsRegion": either(u.AwsRegion, region), "defaultAction": u.DefaultAction, "appIdClientRegex": u.AppIdClientRegex,
		})
	}
	if l := p.LambdaAuthorizerConfig; l != nil {
		o["lambdaAuthorizerConfig"] = present(map[string]any{
			"authorizerUri": l.AuthorizerUri, "authorizerResultTtlInSeconds": whole(l.AuthorizerResultTtlInSeconds),
			"identityValidationExpression": l.IdentityValidationExpression,
		})
	}
	if c := p.OpenIDConnectConfig; c != nil {
		config := map[string]any{"issuer": c.Issuer, "clientId": c.ClientId}
		for name, ttl := range map[string]*cfn.Float{"authTTL": c.AuthTTL, "iatTTL": c.IatTTL} {
			if ttl != nil {
				config[name] = int64(*ttl)
			}
		}
		o["openIDConnectConfig"] = present(config)
	}
	return o
}

func either(s, other string) string {
	if s == "" {
		return other
	}
	return s
}

func whole(n *cfn.Int) int {
	if n == nil {
		return 0
	}
	return int(*n)
}

// lowered is an object of CloudFormation's with the names of the API: they begin in lower case. Booleans may be texts.
func lowered(raw json.RawMessage) any {
	var in map[string]any
	if json.Unmarshal(raw, &in) != nil || in == nil {
		return nil
	}
	out := map[string]any{}
	for name, v := range in {
		if v == "true" || v == "false" {
			v = v == "true"
		}
		out[strings.ToLower(name[:1])+name[1:]] = v
	}
	return out
}

func (a *API) getEnvironment(*controlInput) (map[string]any, error) {
	if a.environment == nil {
		return map[string]any{"environmentVariables": map[string]string{}}, nil
	}
	return map[string]any{"environmentVariables": a.environment}, nil
}

func (a *API) describeSource(p *dataSourceProps) map[string]any {
	o := map[string]any{
		"dataSourceArn": a.ARN() + "/datasources/" + p.Name, "name": p.Name, "type": p.Type, "description": p.Description,
		"serviceRoleArn": p.ServiceRoleArn, "metricsConfig": either(p.MetricsConfig, "DISABLED"),
	}
	if d := p.DynamoDBConfig; d != nil {
		o["dynamodbConfig"] = map[string]any{
			"tableName": d.TableName, "awsRegion": either(d.AwsRegion, a.cfg.Region), "useCallerCredentials": bool(d.UseCallerCredentials), "versioned": bool(d.Versioned),
		}
	}
	if l := p.LambdaConfig; l != nil {
		o["lambdaConfig"] = map[string]any{"lambdaFunctionArn": l.LambdaFunctionArn}
	}
	return present(o)
}

func (a *API) listDataSources(in *controlInput) (map[string]any, error) {
	var all []any
	for i := range a.parts.sources {
		all = append(all, a.describeSource(&a.parts.sources[i].Props))
	}
	return in.page("dataSources", all)
}

func (a *API) getDataSource(in *controlInput) (map[string]any, error) {
	for i := range a.parts.sources {
		if p := &a.parts.sources[i].Props; p.Name == in.Name {
			return map[string]any{"dataSource": a.describeSource(p)}, nil
		}
	}
	return nil, notFound("No data source found named %s", in.Name)
}

func (a *API) describeResolver(p *resolverProps) map[string]any {
	o := map[string]any{
		"typeName": p.TypeName, "fieldName": p.FieldName, "dataSourceName": p.DataSourceName, "kind": either(p.Kind, "UNIT"),
		"resolverArn": a.ARN() + "/types/" + p.TypeName + "/resolvers/" + p.FieldName,
		"code":        p.Code, "maxBatchSize": whole(p.MaxBatchSize), "metricsConfig": either(p.MetricsConfig, "DISABLED"),
	}
	if p.Runtime != nil {
		o["runtime"] = map[string]any{"name": p.Runtime.Name, "runtimeVersion": p.Runtime.RuntimeVersion}
	}
	if p.PipelineConfig != nil {
		o["pipelineConfig"] = map[string]any{"functions": p.PipelineConfig.Functions}
	}
	return present(o)
}

// resolversWhere describes the resolvers that hold, by the name of the field.
func (a *API) resolversWhere(holds func(*resolverProps) bool) (all []any) {
	var found []*resolverProps
	for i := range a.parts.resolvers {
		if p := &a.parts.resolvers[i].Props; holds(p) {
			found = append(found, p)
		}
	}
	slices.SortFunc(found, func(a, b *resolverProps) int {
		return strings.Compare(a.TypeName+"."+a.FieldName, b.TypeName+"."+b.FieldName)
	})
	for _, p := range found {
		all = append(all, a.describeResolver(p))
	}
	return all
}

func (a *API) listResolvers(in *controlInput) (map[string]any, error) {
	if a.schema.Types[in.TypeName] == nil {
		return nil, notFound("Type %s not found.", in.TypeName)
	}
	return in.page("resolvers", a.resolversWhere(func(p *resolverProps) bool { return p.TypeName == in.TypeName }))
}

func (a *API) getResolver(in *controlInput) (map[string]any, error) {
	found := a.resolversWhere(func(p *resolverProps) bool { return p.TypeName == in.TypeName && p.FieldName == in.FieldName })
	if len(found) == 0 {
		return nil, notFound("No resolver found for field %s on type %s.", in.FieldName, in.TypeName)
	}
	return map[string]any{"resolver": found[0]}, nil
}

func (a *API) listResolversByFunction(in *controlInput) (map[string]any, error) {
	if a.functionOf(in.FunctionID) == nil {
		return nil, notFound("No function found with id %s.", in.FunctionID)
	}
	return in.page("resolvers", a.resolversWhere(func(p *resolverProps) bool {
		return p.PipelineConfig != nil && slices.Contains(p.PipelineConfig.Functions, in.FunctionID)
	}))
}

func (a *API) functionOf(id string) *cfn.Typed[functionProps] {
	for i := range a.parts.functions {
		if a.parts.functions[i].ID == id {
			return &a.parts.functions[i]
		}
	}
	return nil
}

func (a *API) describeFunction(f *cfn.Typed[functionProps]) map[string]any {
	p := &f.Props
	o := map[string]any{
		"functionId": f.ID, "functionArn": a.ARN() + "/functions/" + f.ID, "name": p.Name, "description": p.Description, "dataSourceName": p.DataSourceName,
		"functionVersion": p.FunctionVersion, "code": p.Code, "maxBatchSize": whole(p.MaxBatchSize),
	}
	if p.Runtime != nil {
		o["runtime"] = map[string]any{"name": p.Runtime.Name, "runtimeVersion": p.Runtime.RuntimeVersion}
	}
	return present(o)
}

func (a *API) listFunctions(in *controlInput) (map[string]any, error) {
	var all []any
	for i := range a.parts.functions {
		all = append(all, a.describeFunction(&a.parts.functions[i]))
	}
	return in.page("functions", all)
}

func (a *API) getFunction(in *controlInput) (map[string]any, error) {
	f := a.functionOf(in.FunctionID)
	if f == nil {
		return nil, notFound("No function found with id %s.", in.FunctionID)
	}
	return map[string]any{"functionConfiguration": a.describeFunction(f)}, nil
}

// keyDeletion is how long after its expiry AppSync deletes an API key (AppSync API reference, CreateApiKey).
const keyDeletion = 60 * 24 * time.Hour

func (a *API) listAPIKeys(in *controlInput) (map[string]any, error) {
	var all []any
	for _, r := range a.parts.keys {
		value := KeyValue(r.ID)
		expires := a.apiKeys[value].expires
		all = append(all, present(map[string]any{
			"id": value, "description": r.Props.Description, "expires": expires.Unix(), "deletes": expires.Add(keyDeletion).Unix(),
		}))
	}
	return in.page("apiKeys", all)
}
