package appsync_test

import (
	"strings"
	"testing"

	"github.com/orderflow-cdk/orderflow/local/internal/appsync"
)

func TestMistakesAreReported(t *testing.T) {
	with := func(r appsync.Resource) func(*stack) { return func(s *stack) { s.resources = append(s.resources, r) } }
	schema := func(old, replacement string) func(*stack) {
		return func(s *stack) { s.schema = strings.Replace(itemSchema, old, replacement, 1) }
	}
	resolver := func(more m) func(*stack) {
		p := m{"ApiId": "Api", "TypeName": "Item", "FieldName": "name", "DataSourceName": "none", "Runtime": jsRuntime, "Code": pass}
		for k, v := range more {
			p[k] = v
		}
		return with(resource("R", "Resolver", p))
	}
	for _, tt := range []struct {
		name string
		edit func(*stack)
		want string
	}{
		{"another type", with(resource("C", "ApiCache", m{})), "C (AWS::AppSync::ApiCache): this resource type is not simulated"},
		{"a second API", with(resource("Api2", "GraphQLApi", m{"Name": "x", "AuthenticationType": "API_KEY"})), "a second GraphQLApi beside Api"},
		{"an unknown property", with(resource("Api2", "GraphQLApi", m{"Nonsense": 1})), "property Nonsense is not simulated"},
		{"an unknown mode", func(s *stack) { s.props = m{"AuthenticationType": "TRUST"} }, `unknown AuthenticationType "TRUST"`},
		{"a data source", with(resource("D", "DataSource", m{"ApiId": "Api", "Name": "d", "Type": "HTTP"})), `D (AWS::AppSync::DataSource): data sources of type "HTTP" are not simulated`},
		{"another API's", with(resource("D", "DataSource", m{"ApiId": "Else", "Name": "d", "Type": "NONE"})), `ApiId "Else" is no GraphQLApi of this template`},
		{"VTL", resolver(m{"Runtime": nil, "Code": nil, "RequestMappingTemplate": "{}"}), "R (AWS::AppSync::Resolver): mapping templates (VTL) are not simulated"},
		{"caching", resolver(m{"CachingConfig": m{"Ttl": 60}}), "property CachingConfig is not simulated"},
		{"batches", resolver(m{"MaxBatchSize": "10"}), "MaxBatchSize is not simulated"},
		{"code", resolver(m{"Code": "export function request(ctx) { return {} }"}), "Code exports no function response"},
		{"syntax", resolver(m{"Code": "export function ("}), "R (AWS::AppSync::Resolver): Code: "},
		{"an unknown field", resolver(m{"FieldName": "no"}), "the schema has no field Item.no"},
		{"an unknown data source", resolver(m{"DataSourceName": "no"}), `there is no data source "no"`},
		{"an unknown function", resolver(m{"Kind": "PIPELINE", "PipelineConfig": m{"Functions": []string{"no"}}}), `names "no", which is no FunctionConfiguration`},
		{"no GraphQL", func(s *stack) { s.schema = "type {" }, "Schema (AWS::AppSync::GraphQLSchema): "},
		{"an unknown mutation", schema(`["put"]`, `["set"]`), `Subscription.onPut: @aws_subscribe names the mutation "set", which the schema does not have`},
		{"another return type", schema("onPut(id: ID, name: String): Item", "onPut: Person"), "Subscription.onPut returns Person, but the mutation put that notifies it returns Item"},
		{"an argument that is no field", schema("onPut(id: ID", "onPut(no: ID"), "the argument no is no field of Item, so it cannot filter"},
		{"an argument of another type", schema("onPut(id: ID", "onPut(id: Int"), "the argument id is of type Int, but Item.id of type ID!"},
		{"a subscription of nothing", schema(`@aws_subscribe(mutations: ["put"])`, ""), "Subscription.onPut has no @aws_subscribe"},
		{"a mode that the API lacks", schema("put(item: ItemInput!): Item", "put(item: ItemInput!): Item @aws_iam"), "Mutation.put: a directive asks for mode AWS_IAM, which the API does not have"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := itemStack()
			tt.edit(&s)
			if _, err := s.try(t); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v\nwant %s", err, tt.want)
			}
		})
	}
}

func TestScalars(t *testing.T) {
	for scalar, values := range map[string][2][]string{
		"AWSDate":      {{`"2026-01-02"`, `"1970-01-01Z"`, `"1970-01-01-07:00"`, `"1970-01-01+05:30:20"`}, {`"2026-02-30"`, `"2026-1-2"`, `20260102`}},
		"AWSTime":      {{`"12:30"`, `"12:30Z"`, `"12:30:24-07:00"`, `"12:30:24.500+05:30"`}, {`"24:00"`, `"12"`}},
		"AWSDateTime":  {{`"1970-01-01T12:00Z"`, `"1970-01-01T12:00:00.123456789+05:30"`}, {`"1970-01-01T12:00"`, `"1970-01-01"`, `"1970-13-01T12:00Z"`}},
		"AWSTimestamp": {{`1714230045`, `-5`}, {`"x"`, `1.5`}},
		"AWSEmail":     {{`"a.b@example.com"`}, {`"example.com"`, `"A <a@example.com>"`}},
		"AWSURL":       {{`"https://example.com/a?b=c"`}, {`"example.com"`, `"https://example.com//a"`}},
		"AWSPhone":     {{`"+41 44 668 18 00"`, `"555-555-1234"`}, {`"12"`, `"call me"`}},
		"AWSIPAddress": {{`"123.12.34.56"`, `"1a2b:3c4b::1234:4567"`, `"10.0.0.0/8"`}, {`"1.2.3"`, `"fe80::1%eth0"`}},
		"AWSJSON":      {{`"{\"a\":1}"`, `"1"`, `"\"s\""`}, {`"{a:1}"`, `"s"`}},
		"Int":          {{`2147483647`}, {`2147483648`, `"1"`, `1.5`}},
		"ID":           {{`"x"`}, {`true`}},
	} {
		w := stack{
			schema:    "type Query { echo(v: " + scalar + "): " + scalar + " }",
			resolvers: map[string]string{"Query.echo": `export function request(ctx) { return { payload: ctx.args.v }; } export function response(ctx) { return ctx.result; }`},
		}.new(t)
		for i, list := range values {
			for _, v := range list {
				equal(t, scalar+" "+v, map[bool]string{true: `{"data":{"echo":` + v + `}}`}[i == 0], answerOrNothing(w.post(
					`{"query":"query Q($v: `+scalar+`) {echo(v: $v)}","variables":{"v":`+v+`}}`, w.key())))
			}
		}
	}
}

// answerOrNothing is the body, or nothing if it tells an error.
func answerOrNothing(r *appsync.Response) string {
	if strings.Contains(string(r.Body), `"errors"`) {
		return ""
	}
	return string(r.Body)
}
