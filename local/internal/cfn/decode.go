package cfn

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
)

// Decode fills props, a pointer to a struct whose fields bear CloudFormation's
// property names, from a resource's resolved properties.
//
// It is strict: a property that the struct does not have is an error that
// names the resource, its type and the property, since to ignore it would be to
// simulate something else than what the template says. The properties that
// the struct accepts without simulating them (fields tagged
// `local:"declared"`) come back in declared, as dotted paths.
func Decode(r *Resource, props any) (declared []string, err error) {
	dec := json.NewDecoder(bytes.NewReader(r.Properties))
	dec.UseNumber()
	var raw any
	if len(r.Properties) > 0 {
		if err := dec.Decode(&raw); err != nil {
			return nil, fmt.Errorf("%s (%s): properties: %w", r.LogicalID, r.Type, err)
		}
	}
	w := walker{resource: r}
	w.walk(raw, reflect.TypeOf(props).Elem(), "")
	if len(w.errs) > 0 {
		return nil, errors.Join(w.errs...)
	}
	if len(r.Properties) > 0 {
		if err := json.Unmarshal(r.Properties, props); err != nil {
			return nil, fmt.Errorf("%s (%s): %w", r.LogicalID, r.Type, err)
		}
	}
	slices.Sort(w.declared)
	return slices.Compact(w.declared), nil
}

type walker struct {
	resource *Resource
	declared []string
	errs     []error
}

var unmarshaler = reflect.TypeFor[json.Unmarshaler]()

func (w *walker) walk(v any, t reflect.Type, path string) {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if reflect.PointerTo(t).Implements(unmarshaler) {
		return
	}
	switch v := v.(type) {
	case map[string]any:
		switch t.Kind() {
		case reflect.Struct:
			w.walkStruct(v, t, path)
		case reflect.Map:
			for k, e := range v {
				w.walk(e, t.Elem(), join(path, k))
			}
		}
	case []any:
		if t.Kind() == reflect.Slice && t.Elem().Kind() != reflect.Uint8 {
			for _, e := range v {
				w.walk(e, t.Elem(), path+"[]")
			}
		}
	}
}

func (w *walker) walkStruct(v map[string]any, t reflect.Type, path string) {
	names := make([]string, 0, len(v))
	for name := range v {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		field, ok := fieldFor(t, name)
		switch {
		case !ok:
			w.errs = append(w.errs, fmt.Errorf("%s (%s): property %s is not simulated",
				w.resource.LogicalID, w.resource.Type, join(path, name)))
		case field.Tag.Get("local") == "declared":
			w.declared = append(w.declared, join(path, name))
		default:
			w.walk(v[name], field.Type, join(path, name))
		}
	}
}

func fieldFor(t reflect.Type, name string) (reflect.StructField, bool) {
	for _, f := range reflect.VisibleFields(t) {
		if f.Anonymous || !f.IsExported() {
			continue
		}
		tag, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if tag == name || tag == "" && f.Name == name {
			return f, true
		}
	}
	return reflect.StructField{}, false
}

func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}
