package jsonata_test

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/orderflow-cdk/orderflow/local/internal/jsonata"
)

func env() *jsonata.Env {
	return jsonata.NewEnv(jsonata.Host{
		Now:  func() time.Time { return time.Date(2026, 1, 2, 3, 4, 5, 6e6, time.UTC) },
		Rand: rand.New(rand.NewPCG(1, 1)),
	})
}

func TestEval(t *testing.T) {
	vars := map[string]any{
		"states": map[string]any{"input": map[string]any{
			"a": 1.0, "nil": nil, "list": []any{1.0, 2.0, 3.0}, "items": []any{map[string]any{"n": 1.0}, map[string]any{"n": 2.0}},
		}},
		"nothing": nil,
		"sum":     "shadowed",
	}
	for src, want := range map[string]any{
		`$states.input.a`:          1.0,
		`$states.input.missing`:    jsonata.Undefined,
		`$states.input.nil`:        nil,
		`$nothing`:                 nil,
		`$nothing = null`:          true,
		`$unknown`:                 jsonata.Undefined,
		`$states.input.items.n`:    []any{1.0, 2.0},
		`{"x": $states.input.nil}`: map[string]any{"x": nil},
		`{"x": {"y": [1, {"z": $states.input.list[1]}]}}`: map[string]any{"x": map[string]any{"y": []any{1.0, map[string]any{"z": 2.0}}}},
		`$sum`:                       "shadowed",
		`$count($states.input.list)`: 3.0,
		`$partition([1,2,3,4,5], 2)`: []any{[]any{1.0, 2.0}, []any{3.0, 4.0}, []any{5.0}},
		`$range(0, 10, 5)`:           []any{0.0, 5.0, 10.0},
		`$range(3, 1, -1)`:           []any{3.0, 2.0, 1.0},
		`$hash("abc", "SHA-1")`:      "a9993e364706816aba3e25717850c26c9cd0d89d",
		`$parse('{"a":[null,1]}')`:   map[string]any{"a": []any{nil, 1.0}},
		`$parse('null')`:             nil,
		`$now()`:                     "2026-01-02T03:04:05.006Z",
		`$millis()`:                  1767323045006.0,
		`$random(7) = $random(7)`:    true,
		`$contains($uuid(), /^[0-9a-f]{8}-[0-9a-f]{4}-4/)`: true,
	} {
		e, err := jsonata.Compile(src)
		if err != nil {
			t.Errorf("%s: %v", src, err)
			continue
		}
		got, err := env().Eval(e, nil, vars)
		if err != nil {
			t.Errorf("%s: %v", src, err)
			continue
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s", src, diff)
		}
	}
}

func TestVariablesDoNotOutliveAnEvaluation(t *testing.T) {
	v := env()
	shadow, _ := jsonata.Compile("$sum")
	use, _ := jsonata.Compile("$sum([1,2])")
	if _, err := v.Eval(shadow, nil, map[string]any{"sum": map[string]any{"x": 1.0}}); err != nil {
		t.Fatal(err)
	}
	lost, _ := jsonata.Compile("$sum.y")
	if _, err := v.Eval(lost, nil, map[string]any{"sum": map[string]any{"x": 1.0}}); err != nil {
		t.Fatal(err)
	}
	got, err := v.Eval(use, nil, nil)
	if err != nil || got != 3.0 {
		t.Errorf("after a variable $sum, $sum([1,2]) = %v, %v", got, err)
	}
}

func TestErrors(t *testing.T) {
	for _, src := range []string{`1 +`, `$eval("1")`} {
		if _, err := jsonata.Compile(src); err == nil {
			t.Errorf("%s compiled", src)
		}
	}
	if _, err := jsonata.Compile(`"$eval"`); err != nil {
		t.Errorf("a string is no call of $eval: %v", err)
	}
	for _, src := range []string{`"a" + 1`, `function($x){$x}`, `$partition([1], -1)`, `$range(0, 5000000, 1)`, `$hash("a", "CRC")`, `$parse("{")`} {
		e, err := jsonata.Compile(src)
		if err != nil {
			t.Errorf("%s: %v", src, err)
			continue
		}
		if out, err := env().Eval(e, nil, nil); err == nil {
			t.Errorf("%s = %v, want an error", src, out)
		}
	}
}
