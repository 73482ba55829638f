package appsync_test

import (
	"testing"
	"time"

	"github.com/orderflow-cdk/orderflow/local/internal/api"
)

// TestTheExecutionEndsAfterHalfAMinute: of two functions in turn, each of which takes less, the
// second has no time to answer. What it answers then is lost, and nothing is left to happen.
func TestTheExecutionEndsAfterHalfAMinute(t *testing.T) {
	s := stack{schema: "type Query { a: String } type Mutation { first: String second: String }", resources: lambdaSource()}
	for _, name := range []string{"first", "second"} {
		s.resources = append(s.resources, resource("R"+name, "Resolver", m{
			"ApiId": "Api", "TypeName": "Mutation", "FieldName": name, "DataSourceName": "fn", "Runtime": jsRuntime,
			"Code": `export function request(ctx) { return { operation: "Invoke", payload: 1 }; }
export function response(ctx) { return ctx.error ? ctx.error.type + ": " + ctx.error.message : ctx.result; }`,
		}))
	}
	w := s.new(t)
	w.delay = 20 * time.Second
	w.answer = func(api.Call) ([]byte, error) { return []byte(`{"StatusCode":200,"Payload":"done"}`), nil }
	got := w.query("mutation { first second }", nil, nil)
	equal(t, "answer", `{"data":{"first":"done","second":"Lambda:ExecutionTimeoutException: Execution timed out."}}`, got)
	if took := w.k.Now().Sub(start); took != 30*time.Second {
		t.Errorf("it took %s, want 30s", took)
	}
	for w.k.Step() {
	}
}
