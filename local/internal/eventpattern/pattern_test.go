package eventpattern_test

import (
	"strings"
	"testing"

	"github.com/orderflow-cdk/orderflow/local/internal/eventpattern"
)

func TestLambdaOperators(t *testing.T) {
	for _, tt := range []struct {
		name, pattern string
		yes, no       []string
	}{
		{"text", `{"a":["x","y"]}`, []string{`{"a":"x"}`, `{"a":["z","y"]}`, `{"b":1,"a":"\u0078"}`}, []string{`{"a":"X"}`, `{"a":1}`, `{}`, `{"b":"x"}`, `{"a":{"x":"x"}}`, `{"a":[]}`}},
		{"number", `{"a":[5]}`, []string{`{"a":5}`, `{"a":5.0}`, `{"a":50e-1}`}, []string{`{"a":"5"}`, `{"a":6}`}},
		{"literals", `{"a":[true,null]}`, []string{`{"a":true}`, `{"a":null}`}, []string{`{"a":false}`, `{"a":"true"}`, `{"a":"null"}`, `{}`}},
		{"empty", `{"a":[""]}`, []string{`{"a":""}`}, []string{`{"a":" "}`, `{"a":null}`}},
		{"prefix", `{"a":[{"prefix":"ab"}]}`, []string{`{"a":"ab"}`, `{"a":"abc"}`}, []string{`{"a":"a"}`, `{"a":"Ab"}`, `{"a":1}`}},
		{"suffix", `{"a":[{"suffix":"yz"}]}`, []string{`{"a":"yz"}`, `{"a":"xyz"}`}, []string{`{"a":"z"}`, `{"a":"yza"}`}},
		{"equals-ignore-case", `{"a":[{"equals-ignore-case":"aB"}]}`, []string{`{"a":"Ab"}`}, []string{`{"a":"abc"}`}},
		{"anything-but", `{"a":[{"anything-but":["x","y"]}]}`, []string{`{"a":"z"}`, `{"a":["x","z"]}`}, []string{`{"a":"x"}`, `{}`, `{"a":["x","y"]}`}},
		{"anything-but number", `{"a":[{"anything-but":5}]}`, []string{`{"a":6}`}, []string{`{"a":5.0}`}},
		{"anything-but prefix", `{"a":[{"anything-but":{"prefix":"x"}}]}`, []string{`{"a":"yx"}`}, []string{`{"a":"xy"}`}},
		{"anything-but prefixes", `{"a":[{"anything-but":{"prefix":["x","y"]}}]}`, []string{`{"a":"zx"}`}, []string{`{"a":"xy"}`, `{"a":"y"}`}},
		{"anything-but suffixes", `{"a":[{"anything-but":{"suffix":["x","y"]}}]}`, []string{`{"a":"xz"}`}, []string{`{"a":"xy"}`, `{"a":"x"}`}},
		{"exists", `{"a":[{"exists":true}]}`, []string{`{"a":1}`, `{"a":null}`, `{"a":""}`}, []string{`{}`, `{"a":{}}`, `{"a":{"b":1}}`, `{"a":[]}`}},
		{"does not exist", `{"a":[{"exists":false}]}`, []string{`{}`, `{"a":{"b":1}}`, `{"b":1}`}, []string{`{"a":1}`, `{"a":null}`}},
		{"numeric", `{"a":[{"numeric":[">",0,"<=",5]}]}`, []string{`{"a":5}`, `{"a":0.1}`}, []string{`{"a":0}`, `{"a":5.1}`, `{"a":"3"}`}},
		{"numeric =", `{"a":[{"numeric":["=",5]}]}`, []string{`{"a":5.00}`}, []string{`{"a":5.1}`}},
		{"and", `{"a":["x"],"b":{"c":[1]}}`, []string{`{"a":"x","b":{"c":1}}`}, []string{`{"a":"x"}`, `{"b":{"c":1}}`, `{"a":"x","b":1}`}},
		{"$or", `{"$or":[{"a":["x"]},{"b":["y"]}],"c":[1]}`, []string{`{"a":"x","c":1}`, `{"b":"y","c":1}`}, []string{`{"a":"x"}`, `{"c":1}`}},
		{"nested $or", `{"p":{"$or":[{"a":["x"]},{"b":["y"]}]}}`, []string{`{"p":{"a":"x"}}`, `{"p":{"b":"y"}}`}, []string{`{"a":"x"}`, `{"p":{"a":"y"}}`}},
		{"dots", `{"a.b":["x"]}`, []string{`{"a":{"b":"x"}}`, `{"a.b":"x"}`}, []string{`{"a":"x"}`}},
		{"same element", `{"l":{"a":[1],"b":[2]}}`, []string{`{"l":[{"a":3,"b":4},{"a":1,"b":2}]}`, `{"l":{"a":1,"b":2}}`}, []string{`{"l":[{"a":1,"b":4},{"a":3,"b":2}]}`}},
		{"DynamoDB", `{"eventName":["MODIFY"],"dynamodb":{"NewImage":{"sk":{"S":["STATUS"]},"status":{"S":[{"exists":true}]}}}}`,
			[]string{`{"eventName":"MODIFY","dynamodb":{"Keys":{"sk":{"S":"STATUS"}},"NewImage":{"sk":{"S":"STATUS"},"status":{"S":"PAID"}}}}`},
			[]string{`{"eventName":"MODIFY","dynamodb":{"Keys":{"sk":{"S":"STATUS"}},"OldImage":{"sk":{"S":"STATUS"},"status":{"S":"PAID"}}}}`}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p, err := eventpattern.CompileLambda([]byte(tt.pattern))
			if err != nil {
				t.Fatal(err)
			}
			for _, e := range tt.yes {
				if !p.Match([]byte(e)) {
					t.Errorf("%s does not match", e)
				}
			}
			for _, e := range tt.no {
				if p.Match([]byte(e)) {
					t.Errorf("%s matches", e)
				}
			}
		})
	}
}

func TestRefusedLambdaPatterns(t *testing.T) {
	for pattern, want := range map[string]string{
		`{"a":[{"wildcard":"x*"}]}`:     "Unrecognized match type wildcard",
		`{"a":[{"cidr":"10.0.0.0/8"}]}`: "Unrecognized match type cidr",
		`{}`:                            "Empty objects are not allowed",
		`[]`:                            "Filter is not an object",
		`{"a":["x"]`:                    "unexpected end of JSON input",
		`{"a":"x"}`:                     `"a" must be an object or an array`,
		`{"a":{"b":["x"]},"a.b":["y"]}`: "a.b is there twice",
		`{"$or":[{"a":["x"]}]}`:         "is not simulated",
		`{"a":["` + strings.Repeat("x", 4090) + `"]}`: "at most 4096 are allowed",
	} {
		_, err := eventpattern.CompileLambda([]byte(pattern))
		if err == nil || !strings.HasPrefix(err.Error(), "InvalidParameterValueException: Invalid filter pattern definition") || !strings.Contains(err.Error(), want) {
			t.Errorf("%.60s: got %v, want %s", pattern, err, want)
		}
	}
}

func TestQueuePatterns(t *testing.T) {
	for _, tt := range []struct {
		pattern string
		yes, no []string
	}{
		{`{"body":{"status":["PAID"]}}`, []string{`{"status":"PAID"}`, "\n{\"status\":[\"PAID\"]}"}, []string{`{"status":"LOST"}`, `PAID`, `"PAID"`, `[{"status":"PAID"}]`, `{"status":"PAID"`, ``}},
		{`{"body":[{"prefix":"PA"}]}`, []string{`PAID`, `PA"ID`}, []string{`LOST`, `{"status":"PAID"}`, `"PAID"`}},
		{`{"body":{"$or":[{"a":[1]},{"b":[1]}]}}`, []string{`{"b":1}`}, []string{`{"c":1}`}},
		{`{"body":{"a":[{"exists":false}]}}`, []string{`{}`}, []string{`{"a":1}`, `x`}},
	} {
		p, err := eventpattern.CompileQueue([]byte(tt.pattern))
		if err != nil {
			t.Errorf("%s: %v", tt.pattern, err)
			continue
		}
		for _, b := range tt.yes {
			if !p.Match(b) {
				t.Errorf("%s does not match %q", tt.pattern, b)
			}
		}
		for _, b := range tt.no {
			if p.Match(b) {
				t.Errorf("%s matches %q", tt.pattern, b)
			}
		}
	}
	for pattern, want := range map[string]string{
		`{"messageAttributes":{"a":["x"]}}`:             "only the body of a message can be filtered",
		`{"$or":[{"body":["x"]},{"body":{"a":["x"]}}]}`: "both as a text and as an object",
		`{"body":5}`: "must be an object or an array",
	} {
		if _, err := eventpattern.CompileQueue([]byte(pattern)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %s", pattern, err, want)
		}
	}
}
