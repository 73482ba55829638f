// Package cfn reads a synthesized CloudFormation template: its resources, and
// its intrinsic functions resolved against values that the caller knows.
//
// The Go libraries that were tried resolve intrinsics silently wrongly; the
// few functions that CDK emits are written here, each unknown one an error.
package cfn

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/orderflow-cdk/orderflow/local/internal/jsontext"
)

// Template is a CloudFormation template in JSON.
type Template struct {
	Description string
	parameters  map[string]parameter
	mappings    map[string]map[string]map[string]any
	conditions  map[string]any
	resources   map[string]rawResource
	outputs     map[string]rawOutput
}

type parameter struct {
	Type    string
	Default any
}

type rawResource struct {
	Type       string
	Properties any
	Condition  string
	Metadata   any
}

type rawOutput struct {
	Value     any
	Condition string
}

// Resource is a resource whose properties hold no intrinsics any more.
type Resource struct {
	LogicalID  string
	Type       string
	Properties json.RawMessage
}

// Parse reads a template. Sections that would change what it means and that
// are not understood here (Transform, Rules with effect, Hooks) are errors.
func Parse(b []byte) (*Template, error) {
	var doc struct {
		AWSTemplateFormatVersion string
		Description              string
		Parameters               map[string]parameter
		Mappings                 map[string]map[string]map[string]any
		Conditions               map[string]any
		Resources                map[string]rawResource
		Outputs                  map[string]rawOutput
		Rules, Metadata          any
		Transform, Hooks         any
	}
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.UseNumber()
	if err := dec.Decode(&doc); err != nil {
		return nil, fmt.Errorf("template: not a CloudFormation template in JSON: %w", err)
	}
	if doc.Transform != nil {
		return nil, errors.New("template: Transform is not simulated")
	}
	if doc.Hooks != nil {
		return nil, errors.New("template: Hooks are not simulated")
	}
	if len(doc.Resources) == 0 {
		return nil, errors.New("template: it has no Resources")
	}
	return &Template{
		Description: doc.Description,
		parameters:  doc.Parameters,
		mappings:    doc.Mappings,
		conditions:  doc.Conditions,
		resources:   doc.Resources,
		outputs:     doc.Outputs,
	}, nil
}

// Type returns the type of a resource, and false if there is none of that id.
func (t *Template) Type(logicalID string) (string, bool) {
	r, ok := t.resources[logicalID]
	return r.Type, ok
}

// Property returns the literal value of a resource's top-level property as the
// template has it, or nil.
func (t *Template) Property(logicalID, name string) any {
	props, _ := t.resources[logicalID].Properties.(map[string]any)
	return props[name]
}

// Resolved is a property as Property has it, with its intrinsic functions resolved.
func (t *Template) Resolved(logicalID, name string, env Environment) (any, error) {
	return resolver{template: t, env: env}.resolve(t.Property(logicalID, name))
}

// LogicalIDs lists the ids of all resources, sorted.
func (t *Template) LogicalIDs() []string { return sortedKeys(t.resources) }

// Resources returns every resource whose condition holds, sorted by logical
// id, with its properties resolved; all that cannot be resolved is reported.
func (t *Template) Resources(env Environment) ([]*Resource, error) {
	var (
		out  []*Resource
		errs []error
	)
	res := resolver{template: t, env: env}
	for _, id := range t.LogicalIDs() {
		raw := t.resources[id]
		if raw.Condition != "" {
			holds, err := res.condition(raw.Condition)
			if err != nil {
				errs = append(errs, fmt.Errorf("%s (%s): %w", id, raw.Type, err))
				continue
			}
			if !holds {
				continue
			}
		}
		v, err := res.resolve(raw.Properties)
		if err != nil {
			errs = append(errs, fmt.Errorf("%s (%s): %w", id, raw.Type, err))
			continue
		}
		var props json.RawMessage
		if v != nil {
			if props, err = jsontext.Marshal(v); err != nil {
				errs = append(errs, fmt.Errorf("%s (%s): %w", id, raw.Type, err))
				continue
			}
		}
		out = append(out, &Resource{LogicalID: id, Type: raw.Type, Properties: props})
	}
	return out, errors.Join(errs...)
}

// Outputs returns the values of the template's outputs.
func (t *Template) Outputs(env Environment) (map[string]string, error) {
	res := resolver{template: t, env: env}
	out := map[string]string{}
	var errs []error
	for _, name := range sortedKeys(t.outputs) {
		v, err := res.resolve(t.outputs[name].Value)
		if err != nil {
			errs = append(errs, fmt.Errorf("output %s: %w", name, err))
			continue
		}
		out[name] = text(v)
	}
	return out, errors.Join(errs...)
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
