package diff

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// template is a CloudFormation template.
type template struct {
	resources map[string]*resource
	rest      map[string]any // its other sections
}

// resource is one resource of a template.
type resource struct {
	id         string // logical
	kind       string // its Type
	properties map[string]any
	attributes map[string]any // what is beside Type and Properties
}

// parse reads a template in JSON.
func parse(text []byte) (*template, error) {
	var raw map[string]any
	if err := json.Unmarshal(text, &raw); err != nil {
		return nil, fmt.Errorf("is no template in JSON: %w", err)
	}
	all, ok := raw["Resources"].(map[string]any)
	if !ok {
		return nil, errors.New("is no template: it has no Resources")
	}
	t := &template{resources: map[string]*resource{}, rest: raw}
	delete(raw, "Resources")
	for id, value := range all {
		object, ok := value.(map[string]any)
		if !ok {
			return nil, fmt.Errorf("resource %s is no object", id)
		}
		r := &resource{id: id, attributes: object}
		if r.kind, ok = object["Type"].(string); !ok {
			return nil, fmt.Errorf("resource %s has no Type", id)
		}
		if p := object["Properties"]; p != nil {
			if r.properties, ok = p.(map[string]any); !ok {
				return nil, fmt.Errorf("resource %s: Properties is no object", id)
			}
		}
		delete(object, "Type")
		delete(object, "Properties")
		t.resources[id] = r
	}
	return t, nil
}

// ids are the logical ids, sorted.
func (t *template) ids() []string { return slices.Sorted(maps.Keys(t.resources)) }

// of returns the resources of a type, by their ids.
func (t *template) of(kinds ...string) []*resource {
	var out []*resource
	for _, id := range t.ids() {
		if slices.Contains(kinds, t.resources[id].kind) {
			out = append(out, t.resources[id])
		}
	}
	return out
}

// at follows names and numbers into a value; nil if there is nothing.
func at(v any, path ...string) any {
	for _, p := range path {
		switch in := v.(type) {
		case map[string]any:
			v = in[p]
		case []any:
			v = nil
			for i, e := range in {
				if fmt.Sprint(i) == p {
					v = e
				}
			}
		default:
			return nil
		}
	}
	return v
}

// text is a property that is a string, else "".
func (r *resource) text(path ...string) string {
	if r == nil {
		return ""
	}
	s, _ := at(r.properties, path...).(string)
	return s
}

// substitution is ${Name} or ${Name.Attribute} in Fn::Sub.
var substitution = regexp.MustCompile(`\$\{([^!}][^}]*)\}`)

// references calls see with each logical id that a value refers to, and the attribute that it takes ("" is Ref).
func references(v any, see func(id, attribute string)) {
	switch v := v.(type) {
	case []any:
		for _, e := range v {
			references(e, see)
		}
	case map[string]any:
		if len(v) == 1 {
			switch {
			case v["Ref"] != nil:
				if id, ok := v["Ref"].(string); ok {
					see(id, "")
				}
				return
			case v["Fn::GetAtt"] != nil:
				if id, attribute, ok := getAtt(v["Fn::GetAtt"]); ok {
					see(id, attribute)
				}
				return
			case v["Fn::Sub"] != nil:
				subReferences(v["Fn::Sub"], see)
				return
			}
		}
		for _, name := range slices.Sorted(maps.Keys(v)) {
			references(v[name], see)
		}
	}
}

func getAtt(v any) (id, attribute string, ok bool) {
	switch v := v.(type) {
	case string:
		return strings.Cut(v, ".")
	case []any:
		if len(v) == 2 {
			id, ok = v[0].(string)
			attribute, _ = v[1].(string)
			return id, attribute, ok
		}
	}
	return "", "", false
}

func subReferences(v any, see func(id, attribute string)) {
	text, own := v, map[string]any{}
	if list, ok := v.([]any); ok && len(list) == 2 {
		text = list[0]
		own, _ = list[1].(map[string]any)
		references(list[1], see)
	}
	s, _ := text.(string)
	for _, m := range substitution.FindAllStringSubmatch(s, -1) {
		if _, local := own[m[1]]; !local {
			id, attribute, _ := strings.Cut(m[1], ".")
			see(id, attribute)
		}
	}
}

// renamed is a value with logical ids replaced, also in DependsOn and Fn::Sub. What no id is in is not copied.
func renamed(v any, ids map[string]string) any {
	if len(ids) == 0 {
		return v
	}
	switch v := v.(type) {
	case []any:
		out := make([]any, len(v))
		for i, e := range v {
			out[i] = renamed(e, ids)
		}
		return out
	case map[string]any:
		out := make(map[string]any, len(v))
		for name, e := range v {
			switch name {
			case "Ref":
				out[name] = renamedID(e, ids)
			case "Fn::GetAtt":
				if list, ok := e.([]any); ok && len(list) == 2 {
					out[name] = []any{renamedID(list[0], ids), list[1]}
				} else if id, attribute, ok := getAtt(e); ok {
					out[name] = fmt.Sprint(renamedID(id, ids)) + "." + attribute
				} else {
					out[name] = e
				}
			case "Fn::Sub":
				out[name] = renamedSub(e, ids)
			case "DependsOn":
				out[name] = renamedList(e, ids)
			default:
				out[name] = renamed(e, ids)
			}
		}
		return out
	}
	return v
}

func renamedID(v any, ids map[string]string) any {
	if id, ok := v.(string); ok && ids[id] != "" {
		return ids[id]
	}
	return v
}

func renamedList(v any, ids map[string]string) any {
	list, ok := v.([]any)
	if !ok {
		return renamedID(v, ids)
	}
	out := make([]any, len(list))
	for i, e := range list {
		out[i] = renamedID(e, ids)
	}
	return out
}

func renamedSub(v any, ids map[string]string) any {
	if list, ok := v.([]any); ok && len(list) == 2 {
		return []any{renamedSub(list[0], ids), renamed(list[1], ids)}
	}
	s, ok := v.(string)
	if !ok {
		return v
	}
	return substitution.ReplaceAllStringFunc(s, func(m string) string {
		id, attribute, dotted := strings.Cut(m[2:len(m)-1], ".")
		if ids[id] == "" {
			return m
		}
		if dotted {
			return "${" + ids[id] + "." + attribute + "}"
		}
		return "${" + ids[id] + "}"
	})
}
