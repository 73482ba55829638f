package durable_test

import (
	"testing"

	"github.com/orderflow-cdk/orderflow/local/internal/durable"
)

func TestCheckHeader(t *testing.T) {
	for record, want := range map[string]string{
		"":                        "it is missing",
		`{"version":1}`:           "",
		`{"version":1,"more":{}}`: "",
		`{"version":2,"new":[]}`:  "written by a newer orderflow (version 2, this one reads 1)",
		`{}`:                      "version 0 is unknown (this one reads 1)",
		`{"version`:               "unexpected end of JSON input",
	} {
		var b []byte
		if record != "" {
			b = []byte(record)
		}
		got := ""
		if err := durable.CheckHeader(b, 1); err != nil {
			got = err.Error()
		}
		if got != want {
			t.Errorf("%s: %q, want %q", record, got, want)
		}
	}
}

func TestDecodeIsStrict(t *testing.T) {
	type record struct {
		A int `json:"a"`
	}
	for text, fine := range map[string]bool{`{"a":1}`: true, ` {"a":1} `: true, `{"a":1,"b":2}`: false, `{"a":1}{}`: false, `{"a":"1"}`: false, ``: false} {
		var r record
		if err := durable.Decode([]byte(text), &r); (err == nil) != fine || fine && r != (record{1}) {
			t.Errorf("%q: %+v, %v", text, r, err)
		}
	}
	if b := durable.Encode(record{2}); string(b) != `{"a":2}` {
		t.Errorf("Encode: %s", b)
	}
}
