package appsync

import (
	"encoding/json"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/formatter"
	"github.com/vektah/gqlparser/v2/parser"
	"github.com/vektah/gqlparser/v2/validator"
)

// fullType is what tools ask about a type.
const fullType = `fragment FullType on __Type {
  kind name description
  fields(includeDeprecated: true) { name description args { ...Input } type { ...Ref } isDeprecated deprecationReason }
  inputFields { ...Input }
  interfaces { ...Ref }
  enumValues(includeDeprecated: true) { name description isDeprecated deprecationReason }
  possibleTypes { ...Ref }
}
fragment Input on __InputValue { name description type { ...Ref } defaultValue }
fragment Ref on __Type { kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name
  ofType { kind name ofType { kind name ofType { kind name } } } } } } } }
`

const wholeSchema = `query {
  __schema {
    queryType { name } mutationType { name } subscriptionType { name }
    types { ...FullType }
    directives { name description locations args { ...Input } }
  }
}
` + fullType

// introspectAs answers a query about the schema, whoever asks, and whatever IntrospectionConfig says to clients.
func (a *API) introspectAs(query string) (json.RawMessage, error) {
	parsed, err := parser.ParseQuery(&ast.Source{Input: query})
	if err != nil {
		return nil, err
	}
	if errs := validator.ValidateWithRules(a.schema.Schema, parsed, queryRules); len(errs) > 0 {
		return nil, errs
	}
	doc := &document{QueryDocument: parsed, fields: map[collectKey][]*field{}}
	x := &execution{api: a, call: &call{}, doc: doc, op: parsed.Operations[0]}
	var out []byte
	x.run(func(root *node) { out = root.append(nil) }) // at once: there is nothing to wait for
	return out, nil
}

// getIntrospectionSchema is the schema: as SDL, or as a client's answer to the usual introspection query.
func (a *API) getIntrospectionSchema(in *controlInput) (map[string]any, error) {
	switch in.IncludeDirectives {
	case "", "true", "false":
	default:
		return nil, badRequest("includeDirectives must be true or false.")
	}
	directives := in.IncludeDirectives != "false"
	switch in.Format {
	case "SDL":
		return map[string]any{"schema": []byte(a.schema.sdl(directives))}, nil
	case "JSON":
		out, err := a.introspectAs(wholeSchema)
		if err != nil {
			return nil, err
		}
		if !directives {
			if out, err = withoutDirectives(out); err != nil {
				return nil, err
			}
		}
		return map[string]any{"schema": toJSON(map[string]any{"data": out})}, nil
	}
	return nil, badRequest("format must be SDL or JSON.")
}

// withoutDirectives leaves AppSync's directives out of the schema.
func withoutDirectives(data []byte) ([]byte, error) {
	var doc struct {
		Schema map[string]json.RawMessage `json:"__schema"`
	}
	if err := json.Unmarshal(data, &doc); err != nil {
		return nil, err
	}
	var all []json.RawMessage
	if err := json.Unmarshal(doc.Schema["directives"], &all); err != nil {
		return nil, err
	}
	kept := []json.RawMessage{}
	for _, d := range all {
		if list, err := members(d); err == nil && !strings.HasPrefix(text(find(list, "name")), "aws_") {
			kept = append(kept, d)
		}
	}
	doc.Schema["directives"] = toJSON(kept)
	return toJSON(map[string]any{"__schema": doc.Schema}), nil
}

// sdl is the schema in GraphQL's language, without what AppSync declares itself.
func (s *schema) sdl(directives bool) string {
	var b strings.Builder
	b.WriteString("schema {\n")
	for _, root := range []struct {
		operation string
		typ       *ast.Definition
	}{{"query", s.Query}, {"mutation", s.Mutation}, {"subscription", s.Subscription}} {
		if root.typ != nil {
			b.WriteString("  " + root.operation + ": " + root.typ.Name + "\n")
		}
	}
	b.WriteString("}\n")
	for _, d := range s.sortedTypes() {
		if !d.BuiltIn {
			b.WriteString("\n" + definitionText(d, directives))
		}
	}
	return b.String()
}

// definitionText is one type in GraphQL's language.
func definitionText(d *ast.Definition, directives bool) string {
	if !directives {
		d = plain(d)
	}
	var b strings.Builder
	formatter.NewFormatter(&b, formatter.WithIndent("  ")).FormatSchemaDocument(&ast.SchemaDocument{Definitions: ast.DefinitionList{d}})
	return b.String()
}

// plain is a type without AppSync's directives.
func plain(d *ast.Definition) *ast.Definition {
	out := *d
	out.Directives = standard(d.Directives)
	out.Fields = make(ast.FieldList, len(d.Fields))
	for i, f := range d.Fields {
		field := *f
		field.Directives = standard(f.Directives)
		out.Fields[i] = &field
	}
	return &out
}

func standard(list ast.DirectiveList) (kept ast.DirectiveList) {
	for _, d := range list {
		if !strings.HasPrefix(d.Name, "aws_") {
			kept = append(kept, d)
		}
	}
	return kept
}

// describeType is a type as SDL, or as introspection shows it.
func (a *API) describeType(d *ast.Definition, format string) (map[string]any, error) {
	definition := ""
	switch format {
	case "SDL":
		definition = definitionText(d, true)
	case "JSON":
		out, err := a.introspectAs(`query { __type(name: "` + d.Name + `") { ...FullType } } ` + fullType)
		if err != nil {
			return nil, err
		}
		list, err := members(out)
		if err != nil {
			return nil, err
		}
		definition = string(find(list, "__type"))
	default:
		return nil, badRequest("format must be SDL or JSON.")
	}
	return present(map[string]any{
		"name": d.Name, "description": d.Description, "arn": a.ARN() + "/types/" + d.Name, "definition": definition, "format": format,
	}), nil
}

func (a *API) listTypes(in *controlInput) (map[string]any, error) {
	var all []any
	for _, d := range a.schema.sortedTypes() {
		if d.BuiltIn {
			continue
		}
		t, err := a.describeType(d, in.Format)
		if err != nil {
			return nil, err
		}
		all = append(all, t)
	}
	return in.page("types", all)
}

func (a *API) getType(in *controlInput) (map[string]any, error) {
	d := a.schema.Types[in.TypeName]
	if d == nil || d.BuiltIn {
		return nil, notFound("Type %s not found.", in.TypeName)
	}
	t, err := a.describeType(d, in.Format)
	if err != nil {
		return nil, err
	}
	return map[string]any{"type": t}, nil
}
