package appsync

import (
	"slices"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"
)

// inputValue is what __InputValue shows: an argument or an input object's field.
type inputValue struct {
	name, description string
	typ               *ast.Type
	defaultValue      *ast.Value
	directives        ast.DirectiveList
}

// introspect is the value of an introspection field.
func (x *execution) introspect(source value, f *field) value {
	s := x.api.schema
	switch m := source.meta.(type) {
	case nil:
		if f.name == "__schema" {
			return value{meta: s.Schema}
		}
		args, err := s.arguments(f.def, f.nodes[0].Arguments, x.vars)
		if err != nil {
			return value{}
		}
		list, _ := members(args)
		return meta(s.Types[text(find(list, "name"))])
	case *ast.Schema:
		return s.introspectSchema(f.name)
	case *ast.Type:
		return s.introspectWrapper(m, f.name)
	case *ast.Definition:
		return s.introspectType(m, f.name, x.includeDeprecated(f))
	case *ast.FieldDefinition:
		switch f.name {
		case "name":
			return texts(m.Name)
		case "description":
			return optional(m.Description)
		case "args":
			return list(argumentValues(m.Arguments))
		case "type":
			return s.typeValue(m.Type)
		}
		return deprecation(m.Directives, f.name)
	case inputValue:
		switch f.name {
		case "name":
			return texts(m.name)
		case "description":
			return optional(m.description)
		case "type":
			return s.typeValue(m.typ)
		case "defaultValue":
			if m.defaultValue == nil {
				return value{}
			}
			return texts(m.defaultValue.String())
		}
		return deprecation(m.directives, f.name)
	case *ast.EnumValueDefinition:
		switch f.name {
		case "name":
			return texts(m.Name)
		case "description":
			return optional(m.Description)
		}
		return deprecation(m.Directives, f.name)
	case *ast.DirectiveDefinition:
		return introspectDirective(m, f.name)
	}
	return value{}
}

func (s *schema) introspectSchema(name string) value {
	switch name {
	case "description":
		return optional(s.Description)
	case "types":
		var all []*ast.Definition
		used := s.usedTypes()
		for _, d := range s.sortedTypes() {
			if !d.BuiltIn || !strings.HasPrefix(d.Name, "AWS") || used[d.Name] {
				all = append(all, d)
			}
		}
		return list(all)
	case "queryType":
		return meta(s.Query)
	case "mutationType":
		return meta(s.Mutation)
	case "subscriptionType":
		return meta(s.Subscription)
	case "directives":
		var all []*ast.DirectiveDefinition
		for _, d := range s.Directives {
			all = append(all, d)
		}
		slices.SortFunc(all, func(a, b *ast.DirectiveDefinition) int { return strings.Compare(a.Name, b.Name) })
		return list(all)
	}
	return value{}
}

// usedTypes are the names of the types that fields and arguments have.
func (s *schema) usedTypes() map[string]bool {
	used := map[string]bool{}
	for _, d := range s.Types {
		for _, f := range d.Fields {
			used[f.Type.Name()] = true
			for _, a := range f.Arguments {
				used[a.Type.Name()] = true
			}
		}
	}
	return used
}

// typeValue is a type as __Type: a named one is its definition.
func (s *schema) typeValue(t *ast.Type) value {
	if t.NonNull || t.Elem != nil {
		return value{meta: t}
	}
	return meta(s.Types[t.NamedType])
}

func (s *schema) introspectWrapper(t *ast.Type, name string) value {
	switch name {
	case "kind":
		if t.NonNull {
			return texts("NON_NULL")
		}
		return texts("LIST")
	case "ofType":
		if t.NonNull {
			inner := *t
			inner.NonNull = false
			return s.typeValue(&inner)
		}
		return s.typeValue(t.Elem)
	}
	return value{}
}

func (s *schema) introspectType(d *ast.Definition, name string, deprecated bool) value {
	switch name {
	case "kind":
		return texts(string(d.Kind))
	case "name":
		return texts(d.Name)
	case "description":
		return optional(d.Description)
	case "isOneOf":
		if d.Kind != ast.InputObject {
			return value{}
		}
		return boolean(d.Directives.ForName("oneOf") != nil)
	case "fields":
		if d.Kind != ast.Object && d.Kind != ast.Interface {
			return value{}
		}
		var all []*ast.FieldDefinition
		for _, f := range d.Fields {
			if !strings.HasPrefix(f.Name, "__") && (deprecated || f.Directives.ForName("deprecated") == nil) {
				all = append(all, f)
			}
		}
		return list(all)
	case "interfaces":
		if d.Kind != ast.Object && d.Kind != ast.Interface {
			return value{}
		}
		var all []*ast.Definition
		for _, name := range d.Interfaces {
			all = append(all, s.Types[name])
		}
		return list(all)
	case "possibleTypes":
		if !d.IsAbstractType() {
			return value{}
		}
		return list(s.GetPossibleTypes(d))
	case "enumValues":
		if d.Kind != ast.Enum {
			return value{}
		}
		var all []*ast.EnumValueDefinition
		for _, v := range d.EnumValues {
			if deprecated || v.Directives.ForName("deprecated") == nil {
				all = append(all, v)
			}
		}
		return list(all)
	case "inputFields":
		if d.Kind != ast.InputObject {
			return value{}
		}
		var all []inputValue
		for _, f := range d.Fields {
			all = append(all, inputValue{f.Name, f.Description, f.Type, f.DefaultValue, f.Directives})
		}
		return list(all)
	}
	return value{}
}

func introspectDirective(d *ast.DirectiveDefinition, name string) value {
	switch name {
	case "name":
		return texts(d.Name)
	case "description":
		return optional(d.Description)
	case "isRepeatable":
		return boolean(d.IsRepeatable)
	case "locations":
		all := make([]value, len(d.Locations))
		for i, l := range d.Locations {
			all[i] = texts(string(l))
		}
		return value{meta: all}
	case "args":
		return list(argumentValues(d.Arguments))
	}
	return value{}
}

func argumentValues(args ast.ArgumentDefinitionList) []inputValue {
	all := make([]inputValue, len(args))
	for i, a := range args {
		all[i] = inputValue{a.Name, a.Description, a.Type, a.DefaultValue, a.Directives}
	}
	return all
}

func (x *execution) includeDeprecated(f *field) bool {
	arg := f.nodes[0].Arguments.ForName("includeDeprecated")
	if arg == nil {
		return false
	}
	if arg.Value.Kind == ast.Variable {
		return string(x.vars[arg.Value.Raw]) == "true"
	}
	return arg.Value.Raw == "true"
}

func deprecation(directives ast.DirectiveList, name string) value {
	d := directives.ForName("deprecated")
	switch {
	case name == "isDeprecated":
		return boolean(d != nil)
	case name != "deprecationReason" || d == nil:
		return value{}
	}
	if arg := d.Arguments.ForName("reason"); arg != nil {
		return texts(arg.Value.Raw)
	}
	return texts("No longer supported")
}

func texts(s string) value { return value{raw: quote(s)} }

func optional(s string) value {
	if s == "" {
		return value{}
	}
	return texts(s)
}

func boolean(b bool) value {
	if b {
		return value{raw: []byte("true")}
	}
	return value{raw: []byte("false")}
}

func meta(d *ast.Definition) value {
	if d == nil {
		return value{}
	}
	return value{meta: d}
}

func list[T any](all []T) value {
	values := make([]value, len(all))
	for i, e := range all {
		values[i].meta = e
	}
	return value{meta: values}
}
