package jsonata_test

import (
	"testing"

	"github.com/orderflow-cdk/orderflow/local/internal/jsonata"
)

// BenchmarkEval evaluates what state machines are made of.
func BenchmarkEval(b *testing.B) {
	vars := map[string]any{
		"results": map[string]any{"Reserve": map[string]any{"id": "r-1"}},
		"states": map[string]any{
			"input": map[string]any{"cancelRequested": true, "status": "ACCEPTED", "order": map[string]any{"id": "x", "lines": []any{
				map[string]any{"sku": "A", "price": 2.5, "qty": 4.0}, map[string]any{"sku": "B", "price": 10.0, "qty": 1.0},
			}}},
			"result": map[string]any{"Payload": map[string]any{"id": "c-1"}},
			"errorOutput": map[string]any{
				"Error": "OutOfStock", "Cause": `{"errorMessage":"no stock","errorType":"OutOfStock","trace":["a","b"]}`,
			},
		},
	}
	for _, bench := range []struct{ name, src string }{
		{"path", `$states.input.order.id`},
		{"condition", `$states.input.cancelRequested and $states.input.status in ['ACCEPTED', 'ON_HOLD', 'APPROVED']`},
		{"merge", `$merge([$results, {'Charge': $states.result.Payload}])`},
		{"string", `$string($states.input.order)`},
		{"sum", `$sum($states.input.order.lines.(price * qty))`},
		{"cause", `($c := $states.errorOutput.Cause; $p := /^\x7b"errorMessage":("[^"]*")[\s\S]*$/; $contains($c, $p) ? $parse($replace($c, $p, '$1')) : $c)`},
	} {
		b.Run(bench.name, func(b *testing.B) {
			e, err := jsonata.Compile(bench.src)
			if err != nil {
				b.Fatal(err)
			}
			v := env()
			b.ReportAllocs()
			for b.Loop() {
				if _, err := v.Eval(e, nil, vars); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkNewEnv(b *testing.B) {
	for b.Loop() {
		env()
	}
}
