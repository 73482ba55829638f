package jsonata_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/orderflow-cdk/orderflow/local/internal/jsonata"
)

// constructExpressions are all expressions in the state machines that the
// workflow construct writes.
func constructExpressions(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("..", "..", "..", "constructs", "orderworkflow", "asl", "testdata", "*.asl.json"))
	if err != nil {
		t.Fatal(err)
	}
	if len(files) == 0 {
		t.Fatal("no state machines of the workflow construct found")
	}
	var out []string
	var collect func(v any)
	collect = func(v any) {
		switch v := v.(type) {
		case string:
			if src, ok := strings.CutPrefix(v, "{%"); ok {
				out = append(out, strings.TrimSpace(strings.TrimSuffix(src, "%}")))
			}
		case []any:
			for _, e := range v {
				collect(e)
			}
		case map[string]any:
			for _, e := range v {
				collect(e)
			}
		}
	}
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		var v any
		if err := json.Unmarshal(b, &v); err != nil {
			t.Fatalf("%s: %v", f, err)
		}
		collect(v)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func TestConstructsCompile(t *testing.T) {
	expressions := constructExpressions(t)
	if len(expressions) < 40 {
		t.Errorf("only %d expressions found", len(expressions))
	}
	for _, src := range expressions {
		if _, err := jsonata.Compile(src); err != nil {
			t.Errorf("%s: %v", src, err)
		}
	}
}

// situations are what a state machine's expressions may see. The names in
// objects are in order, for the values here do not keep any other.
func situations(t *testing.T) []map[string]any {
	t.Helper()
	causes := []any{
		nil, "", "plain text", `{"errorMessage":"no stock \"left\" \\ \u00e9","errorType":"OutOfStock"}`,
		`{"errorType":"Error","errorMessage":"line\nbreak","trace":[]}`, "{\"errorType\":\"Error\",\"errorMessage\":\"line\\nbreak é\",\"trace\":[\"a\"]}",
		`{"errorMessage":1}`, `{"errorMessage":"cut off`, `{"errorMessage":"a\/b\ud83d\ude00","x":1}`, "{\n\"errorMessage\":\"x\"}", strings.Repeat("é", 1500), "null",
	}
	var out []map[string]any
	for i, cause := range causes {
		status := []string{"ACCEPTED", "ON_HOLD", "RESERVED", "PAID", "APPROVED", "PUBLISHED", "DELIVERED", "COMPLETED", "REJECTED", "FAILED", "CANCELLED", ""}[i%12]
		failed := map[string]any{"Error": "States.TaskFailed"}
		if cause != nil {
			failed["Cause"] = cause
		}
		item := map[string]any{}
		if i%2 == 0 {
			item = map[string]any{
				"cancelRequested": map[string]any{"BOOL": true}, "sequence": map[string]any{"N": "12"}, "status": map[string]any{"S": status},
			}
		}
		out = append(out, map[string]any{
			"detail": "de\"tail", "outcome": []string{"REJECTED", "CANCELLED", "FAILED"}[i%3], "reason": "r", "sequence": float64(i),
			"results": map[string]any{
				"Approve": map[string]any{"by": "Zoë", "n": 0.1}, "Charge": []any{1.0, nil}, "Deliver": "d", "Publish": map[string]any{"messageId": "m"}, "Reserve": 1.5, "Ship": true,
			},
			"states": map[string]any{
				"input":       map[string]any{"cancelRequested": i%2 == 0, "status": status},
				"errorOutput": failed,
				"result": map[string]any{
					"Attributes": map[string]any{"sequence": map[string]any{"N": "41"}}, "Item": item, "MessageId": "m-1",
					"Payload": map[string]any{"a": []any{1.0}, "nothing": nil},
				},
				"context": map[string]any{
					"Execution": map[string]any{"Input": map[string]any{"order": map[string]any{"items": []any{map[string]any{"price": 2.5, "sku": "é"}}, "note": nil}, "pk": "t#o"}},
					"State":     map[string]any{"EnteredTime": "2026-01-02T03:04:05.006Z"},
					"Task":      map[string]any{"Token": "token"},
				},
			},
		})
	}
	return out
}

// TestConstructsReferee asks the referee about every expression in every situation, but for what it cannot know.
func TestConstructsReferee(t *testing.T) {
	var questions []question
	for _, src := range constructExpressions(t) {
		if strings.Contains(src, "$uuid(") {
			continue // of Step Functions, which JSONata has not, and a matter of chance
		}
		for _, vars := range situations(t) {
			questions = append(questions, question{src, vars})
		}
	}
	values := 0
	for i, want := range asked(t, questions) {
		got, _ := ours(t, questions[i].Expr, questions[i].Vars)
		if !agrees(want.String(), got) {
			t.Errorf("%s\nreferee: %s\n   ours: %s", questions[i].Expr, want, got)
		}
		if want.Error == "" && !want.Undefined {
			values++
		}
	}
	if values < len(questions)/2 {
		t.Errorf("only %d of %d questions had a value: the situations are too poor", values, len(questions))
	}
	t.Logf("%d questions, %d with a value", len(questions), values)
}
