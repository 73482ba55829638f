package appsync

import (
	"slices"

	"github.com/vektah/gqlparser/v2/ast"
)

// field is what an operation selects under one response key of an object.
type field struct {
	key    string
	name   string
	parent *ast.Definition
	def    *ast.FieldDefinition
	nodes  []*ast.Field // those that are merged into it

	// Parts of $ctx.info, once made.
	selected []string
	graphQL  string
}

// collectKey names a selection: that of a field for an object type, or the
// root's (no field).
type collectKey struct {
	def   *ast.Definition
	field *field
	op    *ast.SelectionSet
}

func (f *field) positions() []*ast.Position {
	list := make([]*ast.Position, len(f.nodes))
	for i, n := range f.nodes {
		list[i] = n.Position
	}
	return list
}

// collect lists the fields of an object type that are selected: of a field's
// selections, or of the root's set.
func (x *execution) collect(def *ast.Definition, f *field, root []ast.SelectionSet) []*field {
	key := collectKey{def: def, field: f}
	if f == nil {
		key.op = &x.op.SelectionSet
	}
	if list, ok := x.fields[key]; ok {
		return list
	}
	if f != nil {
		for _, n := range f.nodes {
			root = append(root, n.SelectionSet)
		}
	}
	c := collector{x: x, def: def}
	for _, set := range root {
		c.add(set)
	}
	x.fields[key] = c.list
	return c.list
}

type collector struct {
	x       *execution
	def     *ast.Definition
	list    []*field
	visited []string
}

func (c *collector) add(set ast.SelectionSet) {
	for _, s := range set {
		switch s := s.(type) {
		case *ast.Field:
			if c.x.included(s.Directives) {
				c.addField(s)
			}
		case *ast.InlineFragment:
			if c.x.included(s.Directives) && (s.TypeCondition == "" || c.applies(s.TypeCondition)) {
				c.add(s.SelectionSet)
			}
		case *ast.FragmentSpread:
			if !c.x.included(s.Directives) || slices.Contains(c.visited, s.Name) {
				continue
			}
			c.visited = append(c.visited, s.Name)
			if c.applies(s.Definition.TypeCondition) {
				c.add(s.Definition.SelectionSet)
			}
		}
	}
}

func (c *collector) addField(n *ast.Field) {
	for _, f := range c.list {
		if f.key == n.Alias {
			f.nodes = append(f.nodes, n)
			return
		}
	}
	def := c.def.Fields.ForName(n.Name)
	if def == nil {
		def = n.Definition // __typename
	}
	c.list = append(c.list, &field{key: n.Alias, name: n.Name, parent: c.def, def: def, nodes: []*ast.Field{n}})
}

func (c *collector) applies(condition string) bool {
	if condition == c.def.Name {
		return true
	}
	def := c.x.api.schema.Types[condition]
	return def != nil && def.IsAbstractType() && slices.Contains(c.x.api.schema.GetPossibleTypes(def), c.def)
}

// included evaluates @skip and @include.
func (x *execution) included(directives ast.DirectiveList) bool {
	for _, d := range directives {
		if d.Name != "skip" && d.Name != "include" {
			continue
		}
		arg := d.Arguments.ForName("if")
		if arg == nil {
			continue
		}
		is := arg.Value.Raw == "true"
		if arg.Value.Kind == ast.Variable {
			v := x.vars[arg.Value.Raw]
			is = len(v) > 0 && v[0] == 't'
		}
		if is == (d.Name == "skip") {
			return false
		}
	}
	return true
}
