// Package eventtest holds documents to the JSON Schema of events, for tests.
package eventtest

import (
	"bytes"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/orderflow-cdk/orderflow/event"
)

// Schema returns a check that says why a document is no event, or nil.
func Schema(t testing.TB) func(document []byte) error {
	t.Helper()
	schema, err := jsonschema.UnmarshalJSON(strings.NewReader(event.Schema()))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	if err := c.AddResource("event.json", schema); err != nil {
		t.Fatal(err)
	}
	compiled, err := c.Compile("event.json")
	if err != nil {
		t.Fatal(err)
	}
	return func(document []byte) error {
		v, err := jsonschema.UnmarshalJSON(bytes.NewReader(document))
		if err != nil {
			return err
		}
		return compiled.Validate(v)
	}
}
