package appsync_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/orderflow-cdk/orderflow/local/internal/api"
	"github.com/orderflow-cdk/orderflow/local/internal/appsync"
)

// controlled is an API with one of everything.
func controlled(t *testing.T) *appsync.Control {
	t.Helper()
	w := stack{
		schema: `
"An order."
type Order @aws_api_key @aws_iam { id: ID! old: String @deprecated(reason: "gone") status: Status }
enum Status { OPEN DONE }
type Query { order(id: ID!): Order  orders: [Order!]! }
type Mutation { set(id: ID!): Order @aws_iam }
type Subscription { onSet(id: ID): Order @aws_subscribe(mutations: ["set"]) }`,
		props: m{
			"EnvironmentVariables": m{"TABLE": "t"}, "XrayEnabled": "true", "Tags": []m{{"Key": "k", "Value": "v"}},
			"AdditionalAuthenticationProviders": []m{{"AuthenticationType": "AWS_IAM"}}, "IntrospectionConfig": "DISABLED", "QueryDepthLimit": 3,
			"LogConfig": m{"FieldLogLevel": "ERROR", "CloudWatchLogsRoleArn": "arn:role", "ExcludeVerboseContent": "true"},
		},
		resolvers: map[string]string{"Query.orders": pass, "Query.order": pass},
		resources: []appsync.Resource{
			resource("Table", "DataSource", m{"ApiId": "Api", "Name": "table", "Type": "AMAZON_DYNAMODB", "ServiceRoleArn": "arn:role", "DynamoDBConfig": m{"TableName": "t"}}),
			resource("Fn", "DataSource", m{"ApiId": "Api", "Name": "fn", "Type": "AWS_LAMBDA", "ServiceRoleArn": "arn:role", "LambdaConfig": m{"LambdaFunctionArn": "arn:fn"}}),
			resource("Step", "FunctionConfiguration", m{"ApiId": "Api", "Name": "step", "DataSourceName": "none", "Runtime": jsRuntime, "Code": pass, "Description": "one"}),
			resource("Set", "Resolver", m{
				"ApiId": "Api", "TypeName": "Mutation", "FieldName": "set", "Kind": "PIPELINE", "Runtime": jsRuntime, "Code": pass, "PipelineConfig": m{"Functions": []string{"Step"}},
			}),
		},
	}.new(t)
	return &appsync.Control{API: w.api, Account: "123456789012", Now: w.k.Now, Rand: w.k.Rand()}
}

func control(c *appsync.Control, action, input string) (out []byte, err error) {
	c.Do(api.Call{Service: "appsync", Action: action, Input: []byte(input)}, func(b []byte, failed error) { out, err = b, failed })
	return out, err
}

// answerTo is an answer as a document, or the error's code.
func answerTo(t *testing.T, c *appsync.Control, action, input string) any {
	t.Helper()
	out, err := control(c, action, input)
	var refused *api.Error
	if errors.As(err, &refused) {
		return refused.Code
	}
	if err != nil {
		t.Fatalf("%s: %v", action, err)
	}
	var doc any
	if err := json.Unmarshal(out, &doc); err != nil {
		t.Fatalf("%s: %s: %v", action, out, err)
	}
	return doc
}

func decoded(t *testing.T, text string) (doc any) {
	t.Helper()
	if err := json.Unmarshal([]byte(text), &doc); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return doc
}

func TestControlReads(t *testing.T) {
	c := controlled(t)
	const arn = "arn:aws:appsync:us-east-1:123456789012:apis/Api"
	js, code := `"runtime":{"name":"APPSYNC_JS","runtimeVersion":"1.0.0"}`, fmt.Sprintf("%q", pass)
	resolver := func(typ, field, kind, more string) string {
		return `{"typeName":"` + typ + `","fieldName":"` + field + `","kind":"` + kind + `","resolverArn":"` + arn + `/types/` + typ + `/resolvers/` + field +
			`","code":` + code + `,` + js + `,"maxBatchSize":0,"metricsConfig":"DISABLED",` + more + `}`
	}
	step := `{"functionId":"Step","functionArn":"` + arn + `/functions/Step","name":"step","description":"one","dataSourceName":"none","maxBatchSize":0,"code":` + code + `,` + js + `}`
	table := `{"dataSourceArn":"` + arn + `/datasources/table","name":"table","type":"AMAZON_DYNAMODB","serviceRoleArn":"arn:role","metricsConfig":"DISABLED",
		"dynamodbConfig":{"tableName":"t","awsRegion":"us-east-1","useCallerCredentials":false,"versioned":false}}`
	graphQL := `{"name":"test","apiId":"Api","arn":"` + arn + `","authenticationType":"API_KEY","additionalAuthenticationProviders":[{"authenticationType":"AWS_IAM"}],
		"owner":"123456789012","apiType":"GRAPHQL","visibility":"GLOBAL","introspectionConfig":"DISABLED","queryDepthLimit":3,"resolverCountLimit":0,"xrayEnabled":true,
		"tags":{"k":"v"},"logConfig":{"fieldLogLevel":"ERROR","cloudWatchLogsRoleArn":"arn:role","excludeVerboseContent":true},
		"dns":{"GRAPHQL":"api.appsync-api.us-east-1.amazonaws.com","REALTIME":"api.appsync-realtime-api.us-east-1.amazonaws.com"},
		"uris":{"GRAPHQL":"https://api.appsync-api.us-east-1.amazonaws.com/graphql","REALTIME":"wss://api.appsync-realtime-api.us-east-1.amazonaws.com/graphql"}}`
	unit := `"dataSourceName":"none"`
	for _, tc := range []struct{ action, input, want string }{
		{"ListGraphqlApis", `{}`, `{"graphqlApis":[` + graphQL + `]}`},
		{"ListGraphqlApis", `{"apiType":"MERGED"}`, `{"graphqlApis":[]}`},
		{"GetGraphqlApi", `{"apiId":"Api"}`, `{"graphqlApi":` + graphQL + `}`},
		{"GetGraphqlApi", `{"apiId":"Other"}`, `"NotFoundException"`},
		{"GetGraphqlApiEnvironmentVariables", `{"apiId":"Api"}`, `{"environmentVariables":{"TABLE":"t"}}`},
		{"ListDataSources", `{"apiId":"Api","maxResults":"1","nextToken":"1"}`, `{"dataSources":[` + table + `],"nextToken":"2"}`},
		{"ListDataSources", `{"apiId":"Api","maxResults":"26"}`, `"BadRequestException"`},
		{"ListDataSources", `{"apiId":"Api","nextToken":"x"}`, `"BadRequestException"`},
		{"ListDataSources", `{"apiId":"Other"}`, `"NotFoundException"`},
		{"GetDataSource", `{"apiId":"Api","name":"fn"}`, `{"dataSource":{"dataSourceArn":"` + arn + `/datasources/fn","name":"fn","type":"AWS_LAMBDA",
			"serviceRoleArn":"arn:role","metricsConfig":"DISABLED","lambdaConfig":{"lambdaFunctionArn":"arn:fn"}}}`},
		{"GetDataSource", `{"apiId":"Api","name":"nothing"}`, `"NotFoundException"`},
		{"ListResolvers", `{"apiId":"Api","typeName":"Query"}`, `{"resolvers":[` + resolver("Query", "order", "UNIT", unit) + `,` + resolver("Query", "orders", "UNIT", unit) + `]}`},
		{"ListResolvers", `{"apiId":"Api","typeName":"Order"}`, `{"resolvers":[]}`},
		{"ListResolvers", `{"apiId":"Api","typeName":"Nothing"}`, `"NotFoundException"`},
		{"GetResolver", `{"apiId":"Api","typeName":"Mutation","fieldName":"set"}`, `{"resolver":` + resolver("Mutation", "set", "PIPELINE", `"pipelineConfig":{"functions":["Step"]}`) + `}`},
		{"GetResolver", `{"apiId":"Api","typeName":"Mutation","fieldName":"get"}`, `"NotFoundException"`},
		{"ListFunctions", `{"apiId":"Api"}`, `{"functions":[` + step + `]}`},
		{"GetFunction", `{"apiId":"Api","functionId":"Step"}`, `{"functionConfiguration":` + step + `}`},
		{"GetFunction", `{"apiId":"Api","functionId":"step"}`, `"NotFoundException"`},
		{"ListResolversByFunction", `{"apiId":"Api","functionId":"Step"}`, `{"resolvers":[` + resolver("Mutation", "set", "PIPELINE", `"pipelineConfig":{"functions":["Step"]}`) + `]}`},
		{"ListApiKeys", `{"apiId":"Api"}`, fmt.Sprintf(`{"apiKeys":[{"id":%q,"expires":%d,"deletes":%d}]}`,
			appsync.KeyValue("Key"), start.AddDate(0, 0, 7).Unix(), start.AddDate(0, 0, 67).Unix())},
		{"GetType", `{"apiId":"Api","typeName":"Status","format":"SDL"}`, `{"type":{"name":"Status","arn":"` + arn + `/types/Status","format":"SDL","definition":"enum Status {\n  OPEN\n  DONE\n}\n"}}`},
		{"GetType", `{"apiId":"Api","typeName":"Status"}`, `"BadRequestException"`},
		{"GetType", `{"apiId":"Api","typeName":"AWSJSON","format":"SDL"}`, `"NotFoundException"`},
		{"GetIntrospectionSchema", `{"apiId":"Api","format":"XML"}`, `"BadRequestException"`},
		{"GetIntrospectionSchema", `{"apiId":"Api","format":"SDL","includeDirectives":"yes"}`, `"BadRequestException"`},
	} {
		if diff := cmp.Diff(decoded(t, tc.want), answerTo(t, c, tc.action, tc.input)); diff != "" {
			t.Errorf("%s %s (-want +got)\n%s", tc.action, tc.input, diff)
		}
	}
	if got, want := answerTo(t, &appsync.Control{}, "ListGraphqlApis", `{}`), decoded(t, `{"graphqlApis":[]}`); !cmp.Equal(got, want) {
		t.Errorf("without an API there are %v", got)
	}
	if _, err := control(c, "CreateGraphqlApi", `{}`); err == nil || !strings.Contains(err.Error(), "not simulated") {
		t.Errorf("what is not simulated: %v", err)
	}
}

func TestControlSchema(t *testing.T) {
	c := controlled(t)
	schema := func(input string) string {
		t.Helper()
		out, err := control(c, "GetIntrospectionSchema", input)
		if err != nil {
			t.Fatal(err)
		}
		var doc struct{ Schema []byte }
		if err := json.Unmarshal(out, &doc); err != nil {
			t.Fatal(err)
		}
		return string(doc.Schema)
	}
	sdl := schema(`{"apiId":"Api","format":"SDL"}`)
	for _, part := range []string{
		"schema {\n  query: Query\n  mutation: Mutation\n  subscription: Subscription\n}\n", "\"\"\"\nAn order.\n\"\"\"\ntype Order @aws_api_key @aws_iam {",
		`old: String @deprecated(reason: "gone")`, `onSet(id: ID): Order @aws_subscribe(mutations: ["set"])`,
	} {
		if !strings.Contains(sdl, part) {
			t.Errorf("the schema lacks %q:\n%s", part, sdl)
		}
	}
	if strings.Contains(sdl, "AWSJSON") || strings.Contains(sdl, "directive @") || strings.Contains(sdl, "__") {
		t.Errorf("the schema has what AppSync declares itself:\n%s", sdl)
	}
	again := stack{schema: sdl, props: m{"AdditionalAuthenticationProviders": []m{{"AuthenticationType": "AWS_IAM"}}}}.new(t)
	if out, err := control(&appsync.Control{API: again.api}, "GetIntrospectionSchema", `{"apiId":"Api","format":"SDL"}`); err != nil || !strings.Contains(string(out), "schema") {
		t.Errorf("an API of the schema: %s (%v)", out, err)
	}
	if bare := schema(`{"apiId":"Api","format":"SDL","includeDirectives":"false"}`); strings.Contains(bare, "@aws_") || !strings.Contains(bare, "@deprecated") {
		t.Errorf("without AppSync's directives:\n%s", bare)
	}
	if strings.Count(sdl, "@aws_") != 4 {
		t.Errorf("asking without directives has changed the schema:\n%s", sdl)
	}
	for input, directive := range map[string]bool{`{"apiId":"Api","format":"JSON"}`: true, `{"apiId":"Api","format":"JSON","includeDirectives":"false"}`: false} {
		var doc struct {
			Data struct {
				Schema struct {
					QueryType  struct{ Name string }
					Types      []struct{ Name, Kind string }
					Directives []struct{ Name string }
				} `json:"__schema"`
			}
		}
		if err := json.Unmarshal([]byte(schema(input)), &doc); err != nil {
			t.Fatal(err)
		}
		has := false
		for _, d := range doc.Data.Schema.Directives {
			has = has || d.Name == "aws_subscribe"
		}
		if doc.Data.Schema.QueryType.Name != "Query" || len(doc.Data.Schema.Types) < 6 || has != directive || len(doc.Data.Schema.Directives) == 0 {
			t.Errorf("%s: got %+v", input, doc)
		}
	}
	types, err := control(c, "ListTypes", `{"apiId":"Api","format":"JSON"}`)
	if err != nil || !strings.Contains(string(types), `"definition":"{\"kind\":\"ENUM\",\"name\":\"Status\"`) {
		t.Errorf("the types: %s (%v)", types, err)
	}
}

func TestEvaluateCode(t *testing.T) {
	c := &appsync.Control{} // there need not be an API
	base := controlled(t)
	c.Now, c.Rand = base.Now, base.Rand
	for _, tc := range []struct{ name, function, code, context, want string }{
		{"a request", "request", `export function request(ctx) { console.log("id", ctx.args); ctx.stash.a = 1; return { payload: ctx.args.id + ctx.identity.sub }; }`,
			`{"arguments":{"id":"x"},"identity":{"sub":"y"}}`, `{"evaluationResult":"{\"payload\":\"xy\"}","logs":["id {\"id\":\"x\"}"],"stash":"{\"a\":1}","outErrors":"[]"}`},
		{"by default", "", `export function request(ctx) { return ctx.info.fieldName; }`, `{"info":{"fieldName":"order"}}`,
			`{"evaluationResult":"\"order\"","logs":[],"stash":"{}","outErrors":"[]"}`},
		{"a response", "response", `export function response(ctx) { return [ctx.result, ctx.prev.result, ctx.error, ctx.request.headers.h, ctx.env.E, ctx.source.s, ctx.stash.t]; }`,
			`{"result":{"b":1,"a":2},"prev":{"result":3},"error":{"message":"m","type":"T"},"request":{"headers":{"H":"v"}},"env":{"E":"e"},"source":{"s":4},"stash":{"t":5}}`,
			`{"evaluationResult":"[{\"b\":1,\"a\":2},3,{\"message\":\"m\",\"type\":\"T\"},\"v\",\"e\",4,5]","logs":[],"stash":"{\"t\":5}","outErrors":"[]"}`},
		{"an empty context", "request", `export function request(ctx) { return [ctx.args, ctx.stash, ctx.prev, ctx.error, ctx.result]; }`, `{}`,
			`{"evaluationResult":"[{},{},null,null,null]","logs":[],"stash":"{}","outErrors":"[]"}`},
		{"an error", "request", "import { util } from '@aws-appsync/utils';\nexport function request(ctx) { util.appendError('first', 'A', {d:1}, {i:2}); util.error('bad', 'B'); }", `{}`,
			`{"error":{"message":"bad"},"logs":[],"stash":"{}","outErrors":"[{\"data\":{\"d\":1},\"errorInfo\":{\"i\":2},\"errorType\":\"A\",\"message\":\"first\"}]"}`},
		{"an early return", "request", "import { runtime } from '@aws-appsync/utils';\nexport function request(ctx) { runtime.earlyReturn({ a: 1 }); }", `{}`,
			`{"evaluationResult":"{\"a\":1}","logs":[],"stash":"{}","outErrors":"[]"}`},
		{"code that breaks the rules", "request", "export function request(ctx) {\n  throw 1; }", `{}`,
			`{"error":{"message":"The code contains one or more errors.","codeErrors":[{"errorType":"PARSER_ERROR","value":"*","location":{"line":2,"column":3,"span":0}}]}}`},
		{"code that fails", "request", "export function request(ctx) { return ctx.args.none.x; }", `{}`,
			`{"error":{"message":"code.js:1:53: TypeError: Cannot read property 'x' of undefined"},"logs":[],"stash":"{}","outErrors":"[]"}`},
		{"no such function", "response", "export function request(ctx) { return {}; }", `{}`, `{"error":{"message":"The code exports no function response."}}`},
		{"another function", "other", "export function request(ctx) { return {}; }", `{}`, `"BadRequestException"`},
		{"no context", "request", "export function request(ctx) { return {}; }", ``, `"BadRequestException"`},
		{"a long context", "request", "export function request(ctx) { return {}; }", `{"a":"` + strings.Repeat("x", 28_000) + `"}`, `"BadRequestException"`},
		{"a context that is none", "request", "export function request(ctx) { return {}; }", `[1]`, `"BadRequestException"`},
		{"no code", "request", "", `{}`, `"BadRequestException"`},
	} {
		input, err := json.Marshal(m{"runtime": m{"name": "APPSYNC_JS", "runtimeVersion": "1.0.0"}, "code": tc.code, "context": tc.context, "function": tc.function})
		if err != nil {
			t.Fatal(err)
		}
		got := answerTo(t, c, "EvaluateCode", string(input))
		anyValue := cmp.FilterValues(func(a, b any) bool { return a == "*" || b == "*" }, cmp.Ignore())
		if diff := cmp.Diff(decoded(t, tc.want), got, anyValue); diff != "" {
			t.Errorf("%s (-want +got)\n%s", tc.name, diff)
		}
	}
	if got := answerTo(t, c, "EvaluateCode", `{"code":"x","context":"{}","runtime":{"name":"APPSYNC_JS","runtimeVersion":"2.0.0"}}`); got != "BadRequestException" {
		t.Errorf("another runtime: %v", got)
	}
}
