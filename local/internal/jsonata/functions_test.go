package jsonata_test

import (
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/orderflow-cdk/orderflow/local/internal/jsonata"
)

// The functions that Step Functions adds, as its developer guide describes them
// ("Transforming data with JSONata in Step Functions", JSONata functions
// provided by Step Functions). What the guide leaves open (fractions,
// absent arguments, singletons, the generator behind a seed) is what was
// recorded of the service by projects that compared themselves with it.
func TestStepFunctionsFunctions(t *testing.T) {
	undefined := jsonata.Undefined
	for src, want := range map[string]any{
		`$partition([1,2,3,4], 2)`:        []any{[]any{1.0, 2.0}, []any{3.0, 4.0}},
		`$partition([1,2,3,4,5], 2)`:      []any{[]any{1.0, 2.0}, []any{3.0, 4.0}, []any{5.0}},
		`$partition([1,2,3], 10)`:         []any{[]any{1.0, 2.0, 3.0}},
		`$partition([1,2,3])`:             []any{[]any{1.0, 2.0, 3.0}},
		`$partition([1,2,3], 2.9)`:        []any{[]any{1.0, 2.0}, []any{3.0}},
		`$partition([], 2)`:               undefined,
		`$partition([1,2], 0)`:            undefined,
		`$partition([1,2], -0.5)`:         undefined,
		`$partition($missing, 2)`:         undefined,
		`$range(0, 10, 2)`:                []any{0.0, 2.0, 4.0, 6.0, 8.0, 10.0},
		`$range(10, 0, -5)`:               []any{10.0, 5.0, 0.0},
		`$range(0, 9, 5)`:                 []any{0.0, 5.0},
		`$range(1.7, 3, 1)`:               []any{1.0, 2.0, 3.0},
		`$range(-1.7, 1, 1)`:              []any{-1.0, 0.0, 1.0},
		`$range(3, 3, 1)`:                 3.0,
		`$range(5, 1, 1)`:                 undefined,
		`$range(1, 5, 0)`:                 undefined,
		`$range(1, 5)`:                    undefined,
		`$hash("abc", "MD5")`:             "900150983cd24fb0d6963f7d28e17f72",
		`$hash("abc", "SHA-1")`:           "a9993e364706816aba3e25717850c26c9cd0d89d",
		`$hash("abc", "SHA-256")`:         "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
		`$hash("", "MD5")`:                "d41d8cd98f00b204e9800998ecf8427e",
		`$hash("ñ", "MD5")`:               "94e9342ecbb1458b6043ecd3bfcbc192",
		`$length($hash("abc","SHA-384"))`: 96.0,
		`$length($hash("abc","SHA-512"))`: 128.0,
		`$hash("abc")`:                    undefined,
		`$random(42)`:                     0.7275636800328681,
		`$random(7)`:                      0.7306990420600421,
		`$random(0) = $random(0.9)`:       true,
		`$random() < 1`:                   true,
		`$random() = $random()`:           false,
		`$uuid() = $uuid()`:               false,
		`$contains($uuid(), /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)`: true,
		`$parse('{"a":{"b":[1,null]}}')`:             map[string]any{"a": map[string]any{"b": []any{1.0, nil}}},
		`$parse('{"a":{"b":[1]}}').a.b`:              []any{1.0},
		`$parse('null')`:                             nil,
		`$exists($parse('null'))`:                    true,
		`$parse('1e2')`:                              100.0,
		`$parse('"x"')`:                              "x",
		`$parse()`:                                   undefined,
		`$parse($missing)`:                           undefined,
		`$string($parse('{"b":1,"a":2}'))`:           `{"b":1,"a":2}`,
		`$map(['{"a":1}', '{"a":2}'], $parse).a`:     []any{1.0, 2.0},
		`$sum($parse('[1,2,3.5]'))`:                  6.5,
		`$string($parse('[9223372036854775808]'))`:   `[9223372036854776000]`,
		`$parse('{"a":1,"b":{"a":{"a":2}}}').b.a.a`:  2.0,
		`$parse('[{"a":1},{"a":"a"},"a","a"]')[1].a`: "a",
	} {
		e, err := jsonata.Compile(src)
		if err != nil {
			t.Errorf("%s: %v", src, err)
			continue
		}
		got, err := env().Eval(e, nil, nil)
		if err != nil {
			t.Errorf("%s: %v", src, err)
			continue
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s", src, diff)
		}
	}
}

func TestStepFunctionsFunctionsFail(t *testing.T) {
	for src, want := range map[string]string{
		`$partition([1], -1)`:         "zero or greater",
		`$partition(null, 2)`:         `Argument 1 of function "partition"`,
		`$partition([1], "x")`:        `Argument 2 of function "partition"`,
		`$partition([1], 2, 3)`:       `Argument 3`,
		`$range(1)`:                   `Argument 2 of function "range"`,
		`$range(1, "x", 1)`:           `Argument 2 of function "range"`,
		`$range(1, 2, 3, 4)`:          `Argument 4`,
		`$range(0, 9999999, 1)`:       "more than",
		`$hash(42, "MD5")`:            `Argument 1 of function "hash"`,
		`$hash("a", 5)`:               `Argument 2 of function "hash"`,
		`$hash("a", "md5")`:           "unknown algorithm md5",
		`$hash("a", "SHA3-256")`:      "unknown algorithm",
		`$random("x")`:                `Argument 1 of function "random"`,
		`$random(1, 2)`:               "Argument 2",
		`$uuid(1)`:                    `Argument 1 of function "uuid"`,
		`$parse(null)`:                `Argument 1 of function "parse"`,
		`$parse("{}", 1)`:             "Argument 2",
		`$parse("")`:                  "Invalid JSON",
		`$parse("{")`:                 "Invalid JSON",
		`$parse('[1] [2]')`:           "Invalid JSON",
		`$parse('{"a":1,"a":2}')`:     "twice",
		`$parse('[{"a":{},"a":[]}]')`: "twice",
		`$parse('[1e400]')`:           "Invalid JSON",
	} {
		e, err := jsonata.Compile(src)
		if err != nil {
			t.Errorf("%s: %v", src, err)
			continue
		}
		if out, err := env().Eval(e, nil, nil); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s = %v, %v; want an error with %q", src, out, err, want)
		}
	}
}

func TestHostless(t *testing.T) {
	for _, src := range []string{`$now()`, `$millis()`, `$random()`, `$uuid()`, `$shuffle([1,2])`} {
		e, err := jsonata.Compile(src)
		if err != nil {
			t.Fatal(err)
		}
		if out, err := e.Eval(nil, nil); err == nil {
			t.Errorf("%s = %v without a host", src, out)
		}
	}
	e, err := jsonata.Compile(`$random()`)
	if err != nil {
		t.Fatal(err)
	}
	draw := func() any {
		v, err := jsonata.NewEnv(jsonata.Host{Rand: rand.New(rand.NewPCG(3, 4))}).Eval(e, nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	if a, b := draw(), draw(); a != b {
		t.Errorf("equal sources drew %v and %v", a, b)
	}
}
