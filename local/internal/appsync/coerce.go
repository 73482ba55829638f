package appsync

import (
	"fmt"

	"github.com/vektah/gqlparser/v2/ast"

	"github.com/orderflow-cdk/orderflow/local/internal/jsontext"
)

// variables coerces what a client sent to the variables of an operation. The
// values are JSON as resolvers see them.
//
// A variable of a nullable type without a value is absent; an argument that it
// stands for is its default, or else null, where GraphQL says that it is absent
// too: AppSync makes no such difference (its community issue 348).
func (s *schema) variables(op *ast.OperationDefinition, given []member) (map[string][]byte, *graphError) {
	if len(op.VariableDefinitions) == 0 {
		return nil, nil
	}
	vars := make(map[string][]byte, len(op.VariableDefinitions))
	for _, v := range op.VariableDefinitions {
		raw := find(given, v.Variable)
		c := coercion{schema: s, variable: v}
		var err error
		switch {
		case raw == nil && v.DefaultValue != nil:
			vars[v.Variable], err = s.appendLiteral(nil, v.Type, v.DefaultValue, nil)
		case raw == nil && !v.Type.NonNull: // absent
		default:
			vars[v.Variable], err = c.append(nil, v.Type, raw, "")
		}
		if err != nil {
			return nil, &graphError{message: err.Error(), at: []*ast.Position{v.Position}}
		}
	}
	return vars, nil
}

type coercion struct {
	schema   *schema
	variable *ast.VariableDefinition
}

func (c *coercion) fail(format string, args ...any) error {
	return refusalf("Variable '%s' has an invalid value. %s", c.variable.Variable, fmt.Sprintf(format, args...))
}

// append coerces a JSON value; field is the input field that it stands in.
func (c *coercion) append(b []byte, t *ast.Type, v []byte, field string) ([]byte, error) {
	if isNull(v) {
		if !t.NonNull {
			return append(b, "null"...), nil
		}
		if field != "" {
			return nil, refusalf("Field '%s' of variable '%s' has coerced Null value for NonNull type '%s'", field, c.variable.Variable, t)
		}
		return nil, refusalf("Variable '%s' has coerced Null value for NonNull type '%s'", c.variable.Variable, t)
	}
	if t.Elem != nil {
		list := [][]byte{v}
		if v[0] == '[' {
			list, _ = elements(v)
		}
		b = append(b, '[')
		var err error
		for i, e := range list {
			if i > 0 {
				b = append(b, ',')
			}
			if b, err = c.append(b, t.Elem, e, field); err != nil {
				return nil, err
			}
		}
		return append(b, ']'), nil
	}
	def := c.schema.Types[t.NamedType]
	switch def.Kind {
	case ast.Enum:
		if !isString(v) || def.EnumValues.ForName(text(v)) == nil {
			return nil, c.fail("Invalid input for Enum '%s'. No value found for name '%s'", def.Name, unquoted(v))
		}
		return append(b, v...), nil
	case ast.InputObject:
		return c.appendObject(b, def, v)
	}
	out, ok := parseScalar(def.Name, v)
	if !ok {
		return nil, c.fail("%s is not a valid value of type '%s'", v, def.Name)
	}
	return append(b, out...), nil
}

func (c *coercion) appendObject(b []byte, def *ast.Definition, v []byte) ([]byte, error) {
	given, err := members(v)
	if err != nil {
		return nil, c.fail("Expected type 'Map' but was '%s'. Variables for input objects must be an instance of type 'Map'.", v)
	}
	for _, m := range given {
		if def.Fields.ForName(m.name) == nil {
			return nil, refusalf("The variables input contains a field name '%s' that is not defined for input object type '%s' ", m.name, def.Name)
		}
	}
	w := newObject(b)
	count := 0
	for _, f := range def.Fields {
		value := find(given, f.Name)
		if value != nil {
			count++
		}
		switch {
		case value == nil && f.DefaultValue != nil:
			w.key(f.Name)
			w.buf, err = c.schema.appendLiteral(w.buf, f.Type, f.DefaultValue, nil)
		case value == nil && !f.Type.NonNull:
			continue
		default:
			w.key(f.Name)
			w.buf, err = c.append(w.buf, f.Type, value, f.Name)
		}
		if err != nil {
			return nil, err
		}
	}
	if def.Directives.ForName("oneOf") != nil && count != 1 {
		return nil, c.fail("Exactly one key must be specified for OneOf type '%s'.", def.Name)
	}
	return w.end(), nil
}

// appendLiteral is a literal of a validated document, with the variables in
// it, which are coerced already.
func (s *schema) appendLiteral(b []byte, t *ast.Type, v *ast.Value, vars map[string][]byte) ([]byte, error) {
	if v.Kind == ast.Variable {
		value := vars[v.Raw]
		if isNull(value) {
			if t.NonNull {
				return nil, refusalf("Variable '%s' is null where %s is needed", v.Raw, t)
			}
			return append(b, "null"...), nil
		}
		if t.Elem != nil && value[0] != '[' {
			return append(append(append(b, '['), value...), ']'), nil
		}
		return append(b, value...), nil
	}
	if v.Kind == ast.NullValue {
		return append(b, "null"...), nil
	}
	var err error
	if t.Elem != nil {
		b = append(b, '[')
		if v.Kind != ast.ListValue {
			b, err = s.appendLiteral(b, t.Elem, v, vars)
			return append(b, ']'), err
		}
		for i, c := range v.Children {
			if i > 0 {
				b = append(b, ',')
			}
			if b, err = s.appendLiteral(b, t.Elem, c.Value, vars); err != nil {
				return nil, err
			}
		}
		return append(b, ']'), nil
	}
	def := s.Types[t.NamedType]
	switch {
	case def.Kind == ast.Enum:
		return jsontext.AppendString(b, v.Raw), nil
	case def.Kind == ast.InputObject:
		w := newObject(b)
		for _, f := range def.Fields {
			given := v.Children.ForName(f.Name)
			if given == nil {
				given = f.DefaultValue
			}
			if given == nil {
				continue
			}
			w.key(f.Name)
			if w.buf, err = s.appendLiteral(w.buf, f.Type, given, vars); err != nil {
				return nil, err
			}
		}
		return w.end(), nil
	}
	out, ok := parseScalar(def.Name, literalJSON(v))
	if !ok {
		return nil, refusalf("%s is not a valid %s", v, def.Name)
	}
	return append(b, out...), nil
}

// arguments is the object of a field's arguments.
func (s *schema) arguments(f *ast.FieldDefinition, given ast.ArgumentList, vars map[string][]byte) ([]byte, error) {
	w := newObject(nil)
	for _, a := range f.Arguments {
		v := a.DefaultValue
		if arg := given.ForName(a.Name); arg != nil && (v == nil || arg.Value.Kind != ast.Variable || vars[arg.Value.Raw] != nil) {
			v = arg.Value
		}
		if v == nil {
			continue
		}
		w.key(a.Name)
		var err error
		if w.buf, err = s.appendLiteral(w.buf, a.Type, v, vars); err != nil {
			return nil, err
		}
	}
	return w.end(), nil
}
