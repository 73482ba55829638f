package appsync_test

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/orderflow-cdk/orderflow/local/internal/api"
	"github.com/orderflow-cdk/orderflow/local/internal/appsync"
	"github.com/orderflow-cdk/orderflow/local/internal/dynamodb"
)

func lambdaSource() []appsync.Resource {
	return []appsync.Resource{resource("Fn", "DataSource", m{
		"ApiId": "Api", "Name": "fn", "Type": "AWS_LAMBDA", "ServiceRoleArn": "arn:aws:iam::123456789012:role/ds",
		"LambdaConfig": m{"LambdaFunctionArn": "arn:aws:lambda:us-east-1:123456789012:function:f"},
	})}
}

// tables is an API over a real table, where ops are resolvers that return a
// request for it and what they find.
func tables(t *testing.T, ops map[string]string, response string) *world {
	s := stack{schema: "type Query { " + field("none") + " } type Mutation { ", resolvers: map[string]string{}}
	for _, name := range slices.Sorted(maps.Keys(ops)) {
		s.schema += field(name)
		s.resources = append(s.resources, resource("R"+name, "Resolver", m{
			"ApiId": "Api", "TypeName": "Mutation", "FieldName": name, "DataSourceName": "table", "Runtime": jsRuntime,
			"Code": "import { util } from '@aws-appsync/utils';\nexport function request(ctx) { return " + ops[name] + "; }\nexport function response(ctx) { " + response + " }",
		}))
	}
	s.schema += "}"
	s.resources = append(s.resources, resource("Table", "DataSource", m{
		"ApiId": "Api", "Name": "table", "Type": "AMAZON_DYNAMODB", "ServiceRoleArn": "arn:aws:iam::123456789012:role/ds", "DynamoDBConfig": m{"TableName": "items", "AwsRegion": "us-east-1"},
	}))
	w := s.new(t)
	db := dynamodb.NewService(w.k, "us-east-1", "123456789012")
	var p dynamodb.TableProperties
	if err := json.Unmarshal([]byte(`{"AttributeDefinitions":[{"AttributeName":"pk","AttributeType":"S"},{"AttributeName":"sk","AttributeType":"S"}],
		"KeySchema":[{"AttributeName":"pk","KeyType":"HASH"},{"AttributeName":"sk","KeyType":"RANGE"}],"BillingMode":"PAY_PER_REQUEST"}`), &p); err != nil {
		t.Fatal(err)
	}
	if _, err := db.CreateTable("items", p); err != nil {
		t.Fatal(err)
	}
	w.answer = func(c api.Call) (out []byte, err error) {
		if c.Service != "dynamodb" || c.Caller != "arn:aws:iam::123456789012:role/ds" {
			t.Errorf("call of %s by %s", c.Service, c.Caller)
		}
		db.Do(c, func(o []byte, e error) { out, err = o, e })
		return out, err
	}
	return w
}

func field(name string) string { return name + "(v: AWSJSON): AWSJSON " }

const (
	keyOf   = `util.dynamodb.toMapValues({ pk: "p", sk: ctx.args.v.sk })`
	queryOf = `{ operation: "Query", query: { expression: "pk = :p", expressionValues: { ":p": { S: "p" } } }, limit: ctx.args.v.limit, nextToken: ctx.args.v.next, scanIndexForward: false,
		filter: { expression: "#n <> :x", expressionNames: { "#n": "n" }, expressionValues: { ":x": { N: "99" } } } }`
)

func TestDynamoDBOperations(t *testing.T) {
	w := tables(t, map[string]string{
		"put":    `{ operation: "PutItem", key: ` + keyOf + `, attributeValues: util.dynamodb.toMapValues(ctx.args.v.item) }`,
		"get":    `{ operation: "GetItem", key: ` + keyOf + `, consistentRead: true }`,
		"update": `{ operation: "UpdateItem", key: ` + keyOf + `, update: { expression: "ADD n :one", expressionValues: { ":one": { N: "1" } } }, condition: { expression: "attribute_exists(n)" } }`,
		"delete": `{ operation: "DeleteItem", key: ` + keyOf + ` }`,
		"query":  queryOf,
		"scan":   `{ operation: "Scan" }`,
		"batch":  `{ operation: "BatchGetItem" }`,
		"more":   `{ operation: "GetItem", key: ` + keyOf + `, equalsIgnore: [] }`,
	}, `return { error: ctx.error ? ctx.error.type + ": " + ctx.error.message : null, result: ctx.result };`)
	for _, tt := range []struct{ op, v, want string }{
		{"put", `{"sk":"a","item":{"n":1,"l":[true,null,"x"],"m":{"d":1.5}}}`, `{"error":null,"result":{"l":[true,null,"x"],"m":{"d":1.5},"n":1,"pk":"p","sk":"a"}}`},
		{"put", `{"sk":"b","item":{"n":5}}`, `{"error":null,"result":{"n":5,"pk":"p","sk":"b"}}`},
		{"get", `{"sk":"a"}`, `{"error":null,"result":{"l":[true,null,"x"],"m":{"d":1.5},"n":1,"pk":"p","sk":"a"}}`},
		{"get", `{"sk":"none"}`, `{"error":null,"result":null}`},
		{"update", `{"sk":"b"}`, `{"error":null,"result":{"n":6,"pk":"p","sk":"b"}}`},
		{"update", `{"sk":"none"}`, `{"error":"DynamoDB:ConditionalCheckFailedException: The conditional request failed","result":null}`},
		{"query", `{"limit":1}`, `{"error":null,"result":{"items":[{"n":6,"pk":"p","sk":"b"}],"nextToken":"eyJwayI6eyJTIjoicCJ9LCJzayI6eyJTIjoiYiJ9fQ==","scannedCount":1}}`},
		{"query", `{"limit":5,"next":"eyJwayI6eyJTIjoicCJ9LCJzayI6eyJTIjoiYiJ9fQ=="}`,
			`{"error":null,"result":{"items":[{"l":[true,null,"x"],"m":{"d":1.5},"n":1,"pk":"p","sk":"a"}],"nextToken":null,"scannedCount":1}}`},
		{"delete", `{"sk":"a"}`, `{"error":null,"result":{"l":[true,null,"x"],"m":{"d":1.5},"n":1,"pk":"p","sk":"a"}}`},
		{"scan", `{}`, `{"error":null,"result":{"items":[{"n":6,"pk":"p","sk":"b"}],"nextToken":null,"scannedCount":1}}`},
		{"batch", `{}`, `{"error":"MappingTemplate: DynamoDB operation \"BatchGetItem\" is not simulated","result":null}`},
		{"more", `{"sk":"a"}`, `{"error":"MappingTemplate: the request for DynamoDB: json: unknown field \"equalsIgnore\"","result":null}`},
	} {
		var answer struct {
			Data   map[string]string
			Errors []struct{ Message string }
		}
		if err := json.Unmarshal([]byte(w.query("mutation M($v: AWSJSON) {"+tt.op+"(v: $v)}", m{"v": tt.v}, nil)), &answer); err != nil || answer.Errors != nil {
			t.Fatalf("%s %s: %v %v", tt.op, tt.v, err, answer.Errors)
		}
		equal(t, tt.op+" "+tt.v, tt.want, answer.Data[tt.op])
	}
}

func TestLambdaSources(t *testing.T) {
	s := stack{schema: "type Query { unit(a: Int): String direct(a: Int): String failing: String }", resources: lambdaSource()}
	code := `export function request(ctx) { return { operation: "Invoke", payload: { field: ctx.info.fieldName, args: ctx.args } }; }
export function response(ctx) { return ctx.error ? ctx.error.type + ": " + ctx.error.message : ctx.result; }`
	for _, name := range []string{"unit", "failing"} {
		s.resources = append(s.resources, resource("R"+name, "Resolver", m{
			"ApiId": "Api", "TypeName": "Query", "FieldName": name, "DataSourceName": "fn", "Runtime": jsRuntime, "Code": code,
		}))
	}
	s.resources = append(s.resources, resource("Rdirect", "Resolver", m{"ApiId": "Api", "TypeName": "Query", "FieldName": "direct", "DataSourceName": "fn"}))
	w := s.new(t)
	w.answer = func(c api.Call) ([]byte, error) {
		if strings.Contains(string(c.Input), "failing") {
			return []byte(`{"StatusCode":200,"FunctionError":"Unhandled","Payload":{"errorMessage":"boom","errorType":"E"}}`), nil
		}
		return []byte(`{"StatusCode":200,"Payload":"done"}`), nil
	}
	equal(t, "answer", `{"data":{"unit":"done","direct":"done","failing":"Lambda:Unhandled: boom"}}`, w.query(`{unit(a: 1) direct(a: 2) failing}`, nil, nil))
	equal(t, "unit", `{"FunctionName":"arn:aws:lambda:us-east-1:123456789012:function:f","Payload":{"field":"unit","args":{"a":1}}}`, string(w.calls[0].Input))
	for _, part := range []string{`"arguments":{"a":2}`, `"identity":null`, `"source":null`, `"parentTypeName":"Query"`, `"prev":null`} {
		if !strings.Contains(string(w.calls[1].Input), part) {
			t.Errorf("the direct resolver's event has no %s: %s", part, w.calls[1].Input)
		}
	}
}

func TestPipelines(t *testing.T) {
	function := func(id, code string) appsync.Resource {
		return resource(id, "FunctionConfiguration", m{"ApiId": "Api", "Name": id, "DataSourceName": "none", "Runtime": jsRuntime, "Code": code})
	}
	pipeline := func(field string, functions ...string) appsync.Resource {
		return resource("R"+field, "Resolver", m{
			"ApiId": "Api", "TypeName": "Query", "FieldName": field, "Kind": "PIPELINE", "PipelineConfig": m{"Functions": functions}, "Runtime": jsRuntime,
			"Code": `import { runtime } from '@aws-appsync/utils';
export function request(ctx) { ctx.stash.trail = "before"; if (ctx.args.early) { runtime.earlyReturn("early"); } return "start"; }
export function response(ctx) { return ctx.stash.trail + " " + ctx.prev.result; }`,
		})
	}
	step := func(name string) string {
		return `export function request(ctx) { ctx.stash.trail += " ` + name + `"; return { payload: ctx.prev.result + "+` + name + `" }; }
export function response(ctx) { return ctx.result; }`
	}
	w := stack{schema: "type Query { p(early: Boolean): String skip: String end: String fail: String }", resources: []appsync.Resource{
		function("A", step("A")), function("B", step("B")),
		function("Skip", `import { runtime } from '@aws-appsync/utils'; export function request(ctx) { runtime.earlyReturn("skipped"); } export function response(ctx) { return "never"; }`),
		function("End", `import { runtime } from '@aws-appsync/utils'; export function request(ctx) { runtime.earlyReturn("ended", { skipTo: "END" }); } export function response(ctx) { return "never"; }`),
		function("Fail", `import { util } from '@aws-appsync/utils'; export function request(ctx) { util.appendError("first", "T"); util.unauthorized(); } export function response(ctx) { return null; }`),
		pipeline("p", "A", "B"), pipeline("skip", "A", "Skip", "B"), pipeline("end", "A", "End", "B"), pipeline("fail", "Fail", "B"),
	}}.new(t)
	equal(t, "answer", `{"data":{"p":"before A B start+A+B","skip":"before A B skipped+B","end":"before A ended","fail":null},"errors":[`+
		`{"path":["fail"],"data":null,"errorType":"T","errorInfo":null,"locations":[{"line":1,"column":15,"sourceName":null}],"message":"first"},`+
		`{"path":["fail"],"data":null,"errorType":"Unauthorized","errorInfo":null,"locations":[{"line":1,"column":15,"sourceName":null}],"message":"Not Authorized to access fail on type Query"}]}`,
		w.query(`{p skip end   fail}`, nil, nil))
	equal(t, "early", `{"data":{"p":"before early"}}`, w.query(`{p(early: true)}`, nil, nil))
}
