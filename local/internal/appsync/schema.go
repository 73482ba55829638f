package appsync

import (
	_ "embed"
	"fmt"
	"slices"
	"strings"

	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"
)

// prelude declares what every AppSync schema may use without declaring it.
//
//go:embed prelude.graphql
var prelude string

// schema is a schema with what the engine looks up in it.
type schema struct {
	*ast.Schema
	// access is who may see a field, by its definition.
	access map[*ast.FieldDefinition]*access
	// publishes are the subscription fields that a mutation's field notifies.
	publishes map[string][]*ast.FieldDefinition
}

func loadSchema(definition string) (*schema, []error) {
	parsed, err := gqlparser.LoadSchema(
		&ast.Source{Name: "AppSync", Input: prelude, BuiltIn: true},
		&ast.Source{Name: "Definition", Input: definition},
	)
	if err != nil {
		return nil, []error{err}
	}
	if parsed.Query == nil {
		return nil, []error{fmt.Errorf("a schema needs a query type")}
	}
	s := &schema{Schema: parsed, access: map[*ast.FieldDefinition]*access{}, publishes: map[string][]*ast.FieldDefinition{}}
	errs := s.checkDirectives()
	return s, append(errs, s.readSubscriptions()...)
}

// sortedTypes lists the types of a schema by name.
func (s *schema) sortedTypes() []*ast.Definition {
	list := make([]*ast.Definition, 0, len(s.Types))
	for _, d := range s.Types {
		list = append(list, d)
	}
	slices.SortFunc(list, func(a, b *ast.Definition) int { return strings.Compare(a.Name, b.Name) })
	return list
}

// readSubscriptions checks that each subscription is fed by mutations that
// return what it returns ("The return type of a subscription must match the return type
// of the mutation being subscribed to", AppSync Developer Guide, "Real-time data").
func (s *schema) readSubscriptions() []error {
	if s.Subscription == nil {
		return nil
	}
	var errs []error
	for _, f := range s.Subscription.Fields {
		where := s.Subscription.Name + "." + f.Name
		d := f.Directives.ForName("aws_subscribe")
		if d == nil {
			errs = append(errs, fmt.Errorf("%s has no @aws_subscribe, so nothing would ever notify it", where))
			continue
		}
		for _, name := range directiveList(d, "mutations") {
			var m *ast.FieldDefinition
			if s.Mutation != nil {
				m = s.Mutation.Fields.ForName(name)
			}
			if m == nil {
				errs = append(errs, fmt.Errorf("%s: @aws_subscribe names the mutation %q, which the schema does not have", where, name))
				continue
			}
			if m.Type.Name() != f.Type.Name() || (m.Type.Elem == nil) != (f.Type.Elem == nil) {
				errs = append(errs, fmt.Errorf("%s returns %s, but the mutation %s that notifies it returns %s", where, f.Type, name, m.Type))
				continue
			}
			s.publishes[name] = append(s.publishes[name], f)
		}
	}
	return errs
}

// checkArguments checks that the arguments of a subscription without a
// resolver are fields of what it returns, since they are its filter.
func (s *schema) checkArguments(f *ast.FieldDefinition) []error {
	var errs []error
	where := s.Subscription.Name + "." + f.Name
	def := s.Types[f.Type.Name()]
	for _, a := range f.Arguments {
		field := def.Fields.ForName(a.Name)
		if field == nil {
			errs = append(errs, fmt.Errorf("%s: the argument %s is no field of %s, so it cannot filter", where, a.Name, def.Name))
		} else if field.Type.Name() != a.Type.Name() {
			errs = append(errs, fmt.Errorf("%s: the argument %s is of type %s, but %s.%s of type %s", where, a.Name, a.Type, def.Name, a.Name, field.Type))
		}
	}
	return errs
}

// directiveList reads an argument that is a list of strings (or, by GraphQL's
// coercion, one string).
func directiveList(d *ast.Directive, name string) []string {
	arg := d.Arguments.ForName(name)
	if arg == nil || arg.Value == nil {
		return nil
	}
	if arg.Value.Kind != ast.ListValue {
		return []string{arg.Value.Raw}
	}
	var list []string
	for _, c := range arg.Value.Children {
		list = append(list, c.Value.Raw)
	}
	return list
}
