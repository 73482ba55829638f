package statusnotifier_test

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/orderflow-cdk/orderflow/constructs/internal/cdktest"
	"github.com/orderflow-cdk/orderflow/internal/referee"
)

// resolvers are the code of the synthesized resolvers, by field.
func resolvers(t *testing.T, template cdktest.Template) map[string]string {
	t.Helper()
	code := map[string]string{}
	for _, r := range template.All("AWS::AppSync::Resolver", "") {
		code[r.Text("FieldName")] = r.Text("Code")
	}
	return code
}

var (
	acme     = map[string]any{"claims": map[string]any{"custom:tenant": "acme"}}
	nobody   = map[string]any{"claims": map[string]any{"sub": "somebody"}}
	oddOne   = map[string]any{"claims": map[string]any{"custom:tenant": "ü?>~é"}}
	own      = map[string]any{"fieldName": "tenant", "operator": "eq", "value": "acme"}
	noOrder  = "UnknownOrder: There is no such order."
	refused  = "Unauthorized: Unauthorized"
	noAnswer = "Unavailable: The order could not be read. Try again."
)

func groups(filters ...[]any) any {
	var all []any
	for _, f := range filters {
		all = append(all, map[string]any{"filters": f})
	}
	return map[string]any{"filterGroup": all}
}

func among(statuses ...any) map[string]any {
	return map[string]any{"fieldName": "status", "operator": "in", "value": statuses}
}

// resolving is one call of a resolver's handler, and what has to come of it.
var resolving = []struct {
	name, field, handler string
	identity             map[string]any
	args                 map[string]any
	result, error        any
	value, filter        any
	refused              string
}{
	{name: "an order is read under the caller's key", field: "order", handler: "request", identity: acme, args: map[string]any{"orderId": fresh},
		value: map[string]any{"operation": "GetItem", "consistentRead": true,
			"key": map[string]any{"pk": map[string]any{"S": "YWNtZQ#" + fresh}, "sk": map[string]any{"S": "STATUS"}}}},
	{name: "the tag is base64url", field: "order", handler: "request", identity: oddOne, args: map[string]any{"orderId": "k-YWJj-w7w_Pn7DqQ"},
		value: map[string]any{"operation": "GetItem", "consistentRead": true,
			"key": map[string]any{"pk": map[string]any{"S": "w7w_Pn7DqQ#k-YWJj-w7w_Pn7DqQ"}, "sk": map[string]any{"S": "STATUS"}}}},
	{name: "somebody else's order is not read", field: "order", handler: "request", identity: acme, args: map[string]any{"orderId": alien}, refused: noOrder},
	{name: "nor one with a key's separator", field: "order", handler: "request", identity: acme, args: map[string]any{"orderId": "b3RoZXI#x-YWNtZQ"}, refused: noOrder},
	{name: "nor any without a tenant", field: "order", handler: "request", identity: nobody, args: map[string]any{"orderId": fresh}, refused: refused},
	{name: "a recorded order", field: "order", handler: "response", identity: acme, args: map[string]any{"orderId": stale},
		result: map[string]any{"status": "PAID", "sequence": 3, "acceptedAt": "t0", "updatedAt": "t1", "taskToken": "secret", "conflicts": 2},
		value: map[string]any{"orderId": stale, "status": "PAID", "sequence": 3.0, "acceptedAt": "t0", "updatedAt": "t1", "conflicts": 2.0,
			"cancelRequested": false}},
	{name: "an order on its way", field: "order", handler: "response", identity: acme, args: map[string]any{"orderId": fresh},
		value: map[string]any{"orderId": fresh, "status": "QUEUED", "sequence": 0.0, "conflicts": 0.0, "cancelRequested": false}},
	{name: "one with a key, cancelled before it was recorded", field: "order", handler: "response", identity: acme, args: map[string]any{"orderId": keyed},
		result: map[string]any{"cancelRequested": true},
		value:  map[string]any{"orderId": keyed, "status": "QUEUED", "sequence": 0.0, "conflicts": 0.0, "cancelRequested": true}},
	{name: "an older order that nobody knows", field: "order", handler: "response", identity: acme, args: map[string]any{"orderId": stale}, refused: noOrder},
	{name: "one from the future", field: "order", handler: "response", identity: acme, args: map[string]any{"orderId": "1790000060124-xyz-YWNtZQ"}, refused: noOrder},
	{name: "what was never an order's id", field: "order", handler: "response", identity: acme, args: map[string]any{"orderId": "hello-YWNtZQ"}, refused: noOrder},
	{name: "the table fails", field: "order", handler: "response", identity: acme, args: map[string]any{"orderId": fresh},
		error: map[string]any{"type": "DynamoDB:Throttling", "message": "slow down"}, refused: noAnswer},

	{name: "an event is passed on", field: "publishOrderStatus", handler: "request", args: map[string]any{"event": map[string]any{"id": "x:1"}},
		value: map[string]any{"payload": map[string]any{"id": "x:1"}}},
	{name: "to subscribers", field: "publishOrderStatus", handler: "response", result: map[string]any{"id": "x:1"}, value: map[string]any{"id": "x:1"}},

	{name: "subscribing to an own order", field: "onOrderStatus", handler: "request", identity: acme, args: map[string]any{"orderId": stale},
		value: map[string]any{"payload": nil}},
	{name: "is limited to it", field: "onOrderStatus", handler: "response", identity: acme, args: map[string]any{"orderId": stale},
		filter: groups([]any{own, map[string]any{"fieldName": "orderId", "operator": "eq", "value": stale}})},
	{name: "subscribing to somebody else's order", field: "onOrderStatus", handler: "request", identity: acme, args: map[string]any{"orderId": alien}, refused: noOrder},
	{name: "subscribing without a tenant", field: "onOrderStatus", handler: "request", identity: nobody, args: map[string]any{"orderId": fresh}, refused: refused},

	{name: "subscribing to all orders without a tenant", field: "onMyOrders", handler: "request", identity: nobody, args: map[string]any{}, refused: refused},
	{name: "all own orders", field: "onMyOrders", handler: "response", identity: acme, args: map[string]any{}, filter: groups([]any{own})},
	{name: "all own orders, with no statuses", field: "onMyOrders", handler: "response", identity: acme, args: map[string]any{"statuses": []any{}}, filter: groups([]any{own})},
	{name: "some statuses", field: "onMyOrders", handler: "response", identity: acme, args: map[string]any{"statuses": []any{"A", "B"}},
		filter: groups([]any{own, among("A", "B")})},
	{name: "more statuses than one filter takes", field: "onMyOrders", handler: "response", identity: acme, args: map[string]any{"statuses": []any{"A", "B", "C", "D", "E", "F"}},
		filter: groups([]any{own, among("A", "B", "C", "D", "E")}, []any{own, among("F")})},
	{name: "too many statuses", field: "onMyOrders", handler: "request", identity: acme, args: map[string]any{"statuses": make([]any, 21)},
		refused: "TooManyStatuses: At most 20 statuses can be chosen."},
}

// TestResolvers runs the resolvers as JavaScript, in the Node.js that the CDK
// needs anyway.
func TestResolvers(t *testing.T) {
	code := resolvers(t, synthChannels(t, nil, nil))
	var in bytes.Buffer
	for _, r := range resolving {
		if err := json.NewEncoder(&in).Encode(map[string]any{"code": code[r.field], "handler": r.handler,
			"ctx": map[string]any{"identity": r.identity, "args": r.args, "result": r.result, "error": r.error}}); err != nil {
			t.Fatal(err)
		}
	}
	referee.Node(t)
	cmd := exec.Command("node", "testdata/resolvers/run.mjs")
	cmd.Stdin = &in
	out := referee.Run(t, cmd)
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	if len(lines) != len(resolving) {
		t.Fatalf("%d of %d were run", len(lines), len(resolving))
	}
	for i, r := range resolving {
		t.Run(r.name, func(t *testing.T) {
			want := map[string]any{"value": r.value}
			if r.refused != "" {
				want = map[string]any{"error": r.refused}
			}
			if r.filter != nil {
				want["filter"] = r.filter
			}
			b, err := json.Marshal(want)
			if err != nil {
				t.Fatal(err)
			}
			equal(t, "outcome", parsed(t, lines[i]), parsed(t, string(b)))
		})
	}
}

// TestResolversWithLinter holds the resolvers against AWS's linter for APPSYNC_JS
// (npm: @aws-appsync/eslint-plugin, @aws-appsync/utils, eslint, typescript), in
// $ORDERFLOW_REFEREES/node_modules, by default that of test/referees.
func TestResolversWithLinter(t *testing.T) {
	root := referee.Node(t, "@aws-appsync/eslint-plugin", "eslint")
	dir := t.TempDir()
	files := resolvers(t, synthChannels(t, nil, nil))
	// The referee must be awake.
	files["broken"] = "export async function request(ctx) {\n  return {};\n}\n"
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name+".js"), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	out := referee.Run(t, exec.Command("node", "testdata/lint.cjs", root, dir))
	want := filepath.Join(dir, "broken.js") + ":1: Async functions are not supported. (@aws-appsync/no-async)\nlinted 5"
	equal(t, "findings", strings.TrimSpace(string(out)), want)
}
