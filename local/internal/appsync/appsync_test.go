package appsync_test

import (
	"strings"
	"testing"

	"github.com/orderflow-cdk/orderflow/local/internal/api"
	"github.com/orderflow-cdk/orderflow/local/internal/appsync"
)

const itemSchema = `
type Item { id: ID! name: String size: Int price: Float ok: Boolean tags: [String!] owner: Person at: AWSDateTime data: AWSJSON kind: Kind }
type Person { name: String! friends: [Person] }
enum Kind { A B }
input ItemInput { id: ID! name: String = "unnamed" size: Int data: AWSJSON at: AWSDateTime kind: Kind tags: [String!] }
type Query { item(id: ID): Item echo(text: String = "hi", list: [Int]): String must: String! person: Person }
type Mutation { put(item: ItemInput!): Item }
type Subscription { onPut(id: ID, name: String): Item @aws_subscribe(mutations: ["put"]) }
`

func itemStack() stack {
	return stack{schema: itemSchema, resolvers: map[string]string{
		"Query.item": payload(`{ id: 1, name: "n", size: 3, price: 1.5, ok: true, tags: ["a"], owner: { name: "o", friends: [null, { name: "f" }, {}] }, data: { b: 1, a: "x" }, kind: "A", at: "2026-01-02T03:04:05Z" }`),
		"Query.echo": `export function request(ctx) { return { payload: JSON.stringify(ctx.args) }; }
export function response(ctx) { return ctx.result; }`,
		"Query.must":   payload("null"),
		"Query.person": `export function request(ctx) { util.error("no", "Refused", { name: "x" }, { why: 1 }); } export function response(ctx) { return null; }`,
		"Mutation.put": `export function request(ctx) { return { payload: ctx.args.item }; } export function response(ctx) { return ctx.result; }`,
	}}
}

func TestAnswers(t *testing.T) {
	w := itemStack().new(t)
	for _, tt := range []struct {
		name, query string
		variables   any
		want        string
	}{
		{"scalars", `{item{id name size price ok tags kind at}}`, nil,
			`{"data":{"item":{"id":"1","name":"n","size":3,"price":1.5,"ok":true,"tags":["a"],"kind":"A","at":"2026-01-02T03:04:05Z"}}}`},
		{"AWSJSON keeps the order of members", `{item{data}}`, nil, `{"data":{"item":{"data":"{\"b\":1,\"a\":\"x\"}"}}}`},
		{"aliases, fragments, __typename", `query Q { a: item { ...F } b: item { ... on Item { t: __typename id } } } fragment F on Item { owner { name } id }`, nil,
			`{"data":{"a":{"owner":{"name":"o"},"id":"1"},"b":{"t":"Item","id":"1"}}}`},
		{"skip and include", `query Q($y: Boolean!) { item { id @skip(if: $y) name @include(if: $y) size @include(if: false) } }`, m{"y": true}, `{"data":{"item":{"name":"n"}}}`},
		{"selections are merged", `{item{owner{name}} item{id owner{__typename}}}`, nil, `{"data":{"item":{"owner":{"name":"o","__typename":"Person"},"id":"1"}}}`},
		{"a null in a list's element", `{item{owner{friends{name}}}}`, nil,
			`{"data":{"item":{"owner":{"friends":[null,{"name":"f"},null]}}},"errors":[{"path":["item","owner","friends",2,"name"],"locations":null,` +
				`"message":"Cannot return null for non-nullable type: 'String' within parent 'Person' (/item/owner/friends[2]/name)"}]}`},
		{"a null at the root", `{must item{id}}`, nil,
			`{"data":null,"errors":[{"path":["must"],"locations":null,"message":"Cannot return null for non-nullable type: 'String' within parent 'Query' (/must)"}]}`},
		{"util.error", "{\n  person { name }\n}", nil,
			`{"data":{"person":null},"errors":[{"path":["person"],"data":{"name":"x"},"errorType":"Refused","errorInfo":{"why":1},"locations":[{"line":2,"column":3,"sourceName":null}],"message":"no"}]}`},
		{"argument defaults", `{echo}`, nil, `{"data":{"echo":"{\"text\":\"hi\"}"}}`},
		{"a single value for a list", `{echo(list: 3)}`, nil, `{"data":{"echo":"{\"text\":\"hi\",\"list\":[3]}"}}`},
		{"a variable without a value", `query Q($l: [Int], $t: String) {echo(list: $l, text: $t)}`, nil, `{"data":{"echo":"{\"text\":\"hi\",\"list\":null}"}}`},
		{"input objects", `mutation M($i: ItemInput!) {put(item: $i) {id name size data kind}}`, m{"i": m{"id": 7, "data": `{"z":[1]}`, "kind": "B"}},
			`{"data":{"put":{"id":"7","name":"unnamed","size":null,"data":"{\"z\":[1]}","kind":"B"}}}`},
		{"input literals", `mutation {put(item: {id: "7", data: "\"text\"", tags: "x", name: null}) {id name data tags}}`, nil,
			`{"data":{"put":{"id":"7","name":null,"data":"\"text\"","tags":["x"]}}}`},
		{"an undefined field", `{badfield}`, nil,
			`{"data":null,"errors":[{"path":null,"locations":[{"line":1,"column":2,"sourceName":null}],"message":"Validation error of type FieldUndefined: Field 'badfield' in type 'Query' is undefined @ 'badfield'"}]}`},
		{"a missing variable", `mutation M($i: ItemInput!) {put(item: $i) {id}}`, nil,
			`{"data":null,"errors":[{"path":null,"locations":[{"line":1,"column":12,"sourceName":null}],"message":"Variable 'i' has coerced Null value for NonNull type 'ItemInput!'"}]}`},
		{"an unknown input field", `mutation M($i: ItemInput!) {put(item: $i) {id}}`, m{"i": m{"id": "1", "no": 2}},
			`{"data":null,"errors":[{"path":null,"locations":[{"line":1,"column":12,"sourceName":null}],"message":"The variables input contains a field name 'no' that is not defined for input object type 'ItemInput' "}]}`},
		{"a wrong date", `mutation M($i: ItemInput!) {put(item: $i) {id}}`, m{"i": m{"id": "1", "at": "yesterday"}},
			`{"data":null,"errors":[{"path":null,"locations":[{"line":1,"column":12,"sourceName":null}],"message":"Variable 'i' has an invalid value. \"yesterday\" is not a valid value of type 'AWSDateTime'"}]}`},
		{"a wrong literal", `mutation {put(item: {id: 1, at: "yesterday"}) {id}}`, nil,
			`{"data":null,"errors":[{"path":null,"locations":[{"line":1,"column":34,"sourceName":null}],"message":"Validation error of type WrongType: \"yesterday\" is not a valid AWSDateTime"}]}`},
		{"introspection", `{__type(name: "Kind") {kind name enumValues {name isDeprecated} fields {name}} __schema {queryType {name} subscriptionType {fields {name type {kind name}}}}}`, nil,
			`{"data":{"__type":{"kind":"ENUM","name":"Kind","enumValues":[{"name":"A","isDeprecated":false},{"name":"B","isDeprecated":false}],"fields":null},` +
				`"__schema":{"queryType":{"name":"Query"},"subscriptionType":{"fields":[{"name":"onPut","type":{"kind":"OBJECT","name":"Item"}}]}}}}`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for range 2 { // the second time from the cache
				equal(t, "answer", tt.want, w.query(tt.query, tt.variables, nil))
			}
		})
	}
}

func TestMutationsAreSerial(t *testing.T) {
	s := itemStack()
	s.resources = lambdaSource()
	s.resources = append(s.resources, resource("R", "Resolver", m{"ApiId": "Api", "TypeName": "Mutation", "FieldName": "put", "DataSourceName": "fn"}))
	delete(s.resolvers, "Mutation.put")
	w := s.new(t)
	var order []string
	w.answer = func(c api.Call) ([]byte, error) {
		order = append(order, string(c.Input[strings.Index(string(c.Input), `"id":`):][:8]))
		if len(w.calls) > 2 {
			t.Error("the third began before the second had ended")
		}
		w.calls = w.calls[:len(w.calls)-1]
		return []byte(`{"StatusCode":200,"Payload":{"id":1}}`), nil
	}
	equal(t, "answer", `{"data":{"a":{"id":"1"},"b":{"id":"1"},"c":{"id":"1"}}}`,
		w.query(`mutation {a: put(item: {id: "a"}) {id} b: put(item: {id: "b"}) {id} c: put(item: {id: "c"}) {id}}`, nil, nil))
	equal(t, "order", `"id":"a" "id":"b" "id":"c"`, strings.Join(order, " "))
}

func TestRequestsThatAreNone(t *testing.T) {
	w := itemStack().new(t)
	for _, tt := range []struct {
		name, method, path, body string
		who                      as
		status                   int
		want                     string
	}{
		{"empty", "POST", "/graphql", "", w.key(), 400, `{"errors":[{"errorType":"MalformedHttpRequestException","message":"Request body is empty."}]}`},
		{"no JSON", "POST", "/graphql", "meow", w.key(), 400, `{"errors":[{"errorType":"MalformedHttpRequestException","message":"Unable to parse GraphQL query."}]}`},
		{"no query", "POST", "/graphql", "{}", w.key(), 400, `{"errors":[{"errorType":"MalformedHttpRequestException","message":"Unable to parse GraphQL query."}]}`},
		{"a list", "POST", "/graphql", "[]", w.key(), 400, `{"errors":[{"errorType":"MalformedHttpRequestException","message":"Unable to parse GraphQL query."}]}`},
		{"no GraphQL", "POST", "/graphql", `{"query":"{}}"}`, w.key(), 400, `{"errors":[{"errorType":"MalformedHttpRequestException","message":"Unable to parse GraphQL query."}]}`},
		{"no credentials", "POST", "/graphql", `{"query":"{echo}"}`, nil, 401, `{"errors":[{"errorType":"UnauthorizedException","message":"You are not authorized to make this call."}]}`},
		{"a wrong key", "POST", "/graphql", `{"query":"{echo}"}`, header("x-api-key", "da2-no"), 401, `{"errors":[{"errorType":"UnauthorizedException","message":"You are not authorized to make this call."}]}`},
		{"another path", "POST", "/", `{"query":"{echo}"}`, w.key(), 404, `{"errors":[{"errorType":"UnknownOperationException","message":"there is nothing at /"}]}`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := &appsync.Request{Method: tt.method, Path: tt.path, Header: map[string][]string{}, Body: []byte(tt.body)}
			if tt.who != nil {
				tt.who(r)
			}
			res := w.serve(r)
			if res.Status != tt.status {
				t.Errorf("status %d, want %d", res.Status, tt.status)
			}
			equal(t, "body", tt.want, string(res.Body))
			if !strings.Contains(tt.want, res.Header.Get("x-amzn-ErrorType")) || res.Header.Get("x-amzn-RequestId") == "" {
				t.Errorf("headers: %v", res.Header)
			}
		})
	}
}

func TestGetTakesAQuery(t *testing.T) {
	w := itemStack().new(t)
	r := &appsync.Request{Method: "GET", Path: "/graphql", RawQuery: "query=%7Becho%7D", Header: map[string][]string{}}
	w.key()(r)
	equal(t, "body", `{"data":{"echo":"{\"text\":\"hi\"}"}}`, string(w.serve(r).Body))
}

func TestLimits(t *testing.T) {
	s := itemStack()
	s.props = m{"QueryDepthLimit": 2, "ResolverCountLimit": "1", "IntrospectionConfig": "DISABLED"}
	w := s.new(t)
	equal(t, "depth", `{"data":null,"errors":[{"path":null,"locations":null,"message":"Query depth 3 exceeds the limit of 2."}]}`, w.query(`{item{owner{name}}}`, nil, nil))
	equal(t, "resolvers", `{"data":{"a":{"id":"1"},"b":null},"errors":[{"path":["b"],"locations":null,"message":"Maximum number of resolvers reached for this request."}]}`,
		w.query(`{a: item{id} b: item{id}}`, nil, nil))
	equal(t, "introspection", `{"data":null,"errors":[{"path":null,"locations":null,"message":"Introspection is disabled for this API"}]}`, w.query(`{__schema{description}}`, nil, nil))
}
