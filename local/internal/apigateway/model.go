package apigateway

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// model is a Model resource, compiled.
type model struct {
	name   string
	schema *jsonschema.Schema
	all    *schemas
}

// schemas are all models of an API, by name and by logical id.
type schemas struct {
	byName map[string]*model
	docs   map[string]any // each schema by its URL, for messages
}

// modelURL is the form in which a schema refers to another model.
//
// https://docs.aws.amazon.com/apigateway/latest/developerguide/models-mappings-models.html
const modelURL = "https://apigateway.amazonaws.com/restapis/"

func (s *schemas) find(name string) *model { return s.byName[name] }

func (b *builder) buildModels() {
	s := &schemas{byName: map[string]*model{}, docs: map[string]any{}}
	b.schemas = s
	c := jsonschema.NewCompiler()
	c.DefaultDraft(jsonschema.Draft4)
	c.AssertFormat()
	type entry struct {
		id, typ, url string
		m            *model
	}
	var entries []entry
	add := func(id, typ, name string, doc any, aliases ...string) {
		url := modelURL + b.api.id + "/models/" + name
		m := &model{name: name, all: s}
		for _, alias := range append([]string{name}, aliases...) {
			if prev := s.byName[alias]; prev != nil && prev != m {
				b.Errorf(id, typ, "a second model named %q", alias)
				return
			}
			s.byName[alias] = m
			u := modelURL + b.api.id + "/models/" + alias
			if _, dup := s.docs[u]; dup {
				continue
			}
			s.docs[u] = doc
			if err := c.AddResource(u, doc); err != nil {
				b.Errorf(id, typ, "Schema: %v", err)
				return
			}
		}
		entries = append(entries, entry{id, typ, url, m})
	}
	for _, r := range b.models {
		if !b.mine(r.ID, r.Type, r.Props.RestApiId) {
			continue
		}
		name := r.Props.Name
		if name == "" {
			name = r.ID
		}
		if strings.ContainsFunc(name, func(c rune) bool {
			return !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9')
		}) {
			b.Errorf(r.ID, r.Type, "Name must be alphanumeric, got %q", name)
		}
		if len(r.Props.Schema) == 0 {
			r.Props.Schema = rawJSON(`{}`)
		}
		doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(r.Props.Schema))
		if err != nil {
			b.Errorf(r.ID, r.Type, "Schema: %v", err)
			continue
		}
		add(r.ID, r.Type, name, doc, r.ID)
	}
	// Every API has these two from the start.
	builtin := map[string]string{
		"Empty": `{"title":"Empty Schema","type":"object"}`,
		"Error": `{"title":"Error Schema","type":"object","properties":{"message":{"type":"string"}}}`,
	}
	for _, name := range []string{"Empty", "Error"} {
		if s.byName[name] == nil {
			doc, _ := jsonschema.UnmarshalJSON(strings.NewReader(builtin[name]))
			add(name, "AWS::ApiGateway::Model", name, doc)
		}
	}
	for _, e := range entries {
		sch, err := c.Compile(e.url)
		if err != nil {
			b.Errorf(e.id, e.typ, "Schema: %v", err)
			continue
		}
		e.m.schema = sch
	}
}

// unparsable is what API Gateway reports of a body that is not JSON at all.
const unparsable = "[Unknown error parsing request body]"

// validate returns the empty string or $context.error.validationErrorString.
func (m *model) validate(body []byte) string {
	v, err := decodeJSON(body)
	if err != nil {
		return unparsable
	}
	if err := m.schema.Validate(v); err != nil {
		if ve, ok := errors.AsType[*jsonschema.ValidationError](err); ok {
			return m.all.messages(ve, v)
		}
		return "[" + err.Error() + "]"
	}
	return ""
}

// hugeExponent finds a number such as 1e999999999, which exact arithmetic would
// write out in full.
func hugeExponent(b []byte) bool {
	inString := false
	for i := 0; i < len(b); i++ {
		switch c := b[i]; {
		case c == '"':
			inString = !inString
		case inString:
			if c == '\\' {
				i++
			}
		case c == 'e' || c == 'E':
			digits := 0
			for j := i + 1; j < len(b) && (b[j] >= '0' && b[j] <= '9' || j == i+1 && (b[j] == '-' || b[j] == '+')); j++ {
				digits++
			}
			if digits > 4 {
				return true
			}
		}
	}
	return false
}

// decodeJSON decodes exactly one JSON value, keeping numbers as written.
func decodeJSON(b []byte) (any, error) {
	if hugeExponent(b) {
		return nil, errors.New("a number's exponent is out of range")
	}
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.UseNumber()
	var v any
	if err := dec.Decode(&v); err != nil {
		return nil, err
	}
	if _, err := dec.Token(); err != io.EOF {
		return nil, fmt.Errorf("more than one JSON value")
	}
	return v, nil
}
