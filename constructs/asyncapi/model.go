package asyncapi

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

// Model is what the gateway requires of a request body before it is queued.
// The zero Model requires a JSON object.
type Model struct {
	schema string
	given  bool
	any    bool
}

// JSONSchema requires that a body is valid under a JSON Schema. API Gateway
// knows draft 4 only, and silently ignores what came later; such keywords are
// an error here, so that nobody relies on them.
func JSONSchema(schema string) Model { return Model{schema: schema, given: true} }

// AnyJSON requires nothing of the body: even what is no JSON is queued, and
// the consumer has to cope with it.
func AnyJSON() Model { return Model{any: true} }

// later are the keywords that came after draft 4. (exclusiveMinimum and
// exclusiveMaximum are checked by type: booleans once, numbers later.)
var later = []string{
	"$anchor", "$comment", "$defs", "$dynamicAnchor", "$dynamicRef", "$id", "$recursiveAnchor", "$recursiveRef",
	"const", "contains", "contentEncoding", "contentMediaType", "contentSchema", "dependentRequired",
	"dependentSchemas", "deprecated", "else", "examples", "if", "maxContains", "minContains", "prefixItems",
	"propertyNames", "readOnly", "then", "unevaluatedItems", "unevaluatedProperties", "writeOnly",
}

const maxModelBytes = 400 * 1024

func (m Model) validate() error {
	if m.any || !m.given {
		return nil
	}
	if len(m.schema) > maxModelBytes {
		return fmt.Errorf("model must be at most %d bytes, got %d", maxModelBytes, len(m.schema))
	}
	root, err := m.parse()
	if err != nil {
		return err
	}
	return errors.Join(append(checkSchema(root, "model"), checkNulls(root, "model")...)...)
}

// checkNulls reports the nulls in v: on the way through the CDK to
// CloudFormation they would be dropped.
func checkNulls(v any, at string) []error {
	var errs []error
	switch v := v.(type) {
	case nil:
		errs = append(errs, fmt.Errorf(`%s: null would be lost on the way to CloudFormation; allow it with {"type":"null"} instead`, at))
	case map[string]any:
		for _, name := range sortedKeys(v) {
			errs = append(errs, checkNulls(v[name], at+"."+name)...)
		}
	case []any:
		for i, e := range v {
			errs = append(errs, checkNulls(e, fmt.Sprintf("%s[%d]", at, i))...)
		}
	}
	return errs
}

func (m Model) parse() (map[string]any, error) {
	if !m.given {
		return map[string]any{
			"$schema": "http://json-schema.org/draft-04/schema#",
			"type":    "object",
		}, nil
	}
	var root map[string]any
	d := json.NewDecoder(strings.NewReader(m.schema))
	if err := d.Decode(&root); err != nil {
		return nil, fmt.Errorf("model must be a JSON Schema: %w", err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("model must be one JSON Schema, got more text behind it")
	}
	return root, nil
}

// checkSchema reports the keywords of schema that API Gateway would ignore,
// and those of the schemas in it.
func checkSchema(schema map[string]any, at string) []error {
	var errs []error
	for _, name := range sortedKeys(schema) {
		value, here := schema[name], at+"."+name
		if slices.Contains(later, name) {
			errs = append(errs, fmt.Errorf("%s: API Gateway knows JSON Schema draft 4 only and would ignore %q", here, name))
			continue
		}
		switch name {
		case "$schema":
			if value != "http://json-schema.org/draft-04/schema#" {
				errs = append(errs, fmt.Errorf("%s must be draft 4's, got %v", here, value))
			}
		case "exclusiveMinimum", "exclusiveMaximum":
			if _, ok := value.(bool); !ok {
				errs = append(errs, fmt.Errorf("%s must be true or false, as in draft 4, got %v", here, value))
			}
		case "properties", "patternProperties", "definitions", "dependencies":
			// Maps of names to schemas.
			if members, ok := value.(map[string]any); ok {
				for _, member := range sortedKeys(members) {
					if s, ok := members[member].(map[string]any); ok {
						errs = append(errs, checkSchema(s, here+"."+member)...)
					}
				}
			}
		case "items", "additionalItems", "additionalProperties", "not", "allOf", "anyOf", "oneOf":
			switch v := value.(type) {
			case map[string]any:
				errs = append(errs, checkSchema(v, here)...)
			case []any:
				for i, s := range v {
					if s, ok := s.(map[string]any); ok {
						errs = append(errs, checkSchema(s, fmt.Sprintf("%s[%d]", here, i))...)
					}
				}
			}
		}
	}
	return errs
}

func sortedKeys(m map[string]any) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
