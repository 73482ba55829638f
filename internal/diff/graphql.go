package diff

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/parser"
)

// effect is what a change of a contract means to those who keep to the old one.
type effect int

const (
	harmless  effect = iota // nobody notices
	dangerous               // is valid still, and may surprise
	breaking                // what was valid is refused, or what was there is not
	access                  // who may use it
)

var effectNames = [...]string{"safe", "dangerous", "breaking", "access"}

// contractChange is one change of a contract, in words.
type contractChange struct {
	effect effect
	text   string
}

type contractChanges []contractChange

func (c *contractChanges) add(e effect, format string, args ...any) {
	*c = append(*c, contractChange{e, fmt.Sprintf(format, args...)})
}

// graphQL is a schema, with extensions merged into what they extend.
type graphQL struct {
	types      map[string]*ast.Definition
	directives map[string]*ast.DirectiveDefinition
	schema     map[string]string // the root types by their operations
}

func parseGraphQL(text string) (*graphQL, error) {
	document, err := parser.ParseSchema(&ast.Source{Input: text})
	if err != nil {
		return nil, err
	}
	g := &graphQL{types: map[string]*ast.Definition{}, directives: map[string]*ast.DirectiveDefinition{}, schema: map[string]string{}}
	for _, d := range slices.Concat(document.Definitions, document.Extensions) {
		known := g.types[d.Name]
		if known == nil {
			g.types[d.Name] = d
			continue
		}
		known.Fields = append(known.Fields, d.Fields...)
		known.Interfaces = append(known.Interfaces, d.Interfaces...)
		known.Types = append(known.Types, d.Types...)
		known.EnumValues = append(known.EnumValues, d.EnumValues...)
		known.Directives = append(known.Directives, d.Directives...)
	}
	for _, d := range document.Directives {
		g.directives[d.Name] = d
	}
	for _, operation := range []string{"query", "mutation", "subscription"} {
		if name := strings.ToUpper(operation[:1]) + operation[1:]; len(document.Schema) == 0 && g.types[name] != nil {
			g.schema[operation] = name // GraphQL specification, "Default Root Operation Type Names"
		}
	}
	for _, s := range slices.Concat(document.Schema, document.SchemaExtension) {
		for _, o := range s.OperationTypes {
			g.schema[string(o.Operation)] = o.Type
		}
	}
	return g, nil
}

// compareGraphQL says what a change of a schema means to its clients.
func compareGraphQL(old, new *graphQL) contractChanges {
	var c contractChanges
	for _, operation := range []string{"query", "mutation", "subscription"} {
		switch o, n := old.schema[operation], new.schema[operation]; {
		case o == n:
		case o == "":
			c.add(harmless, "there are operations of the kind %s now", operation)
		default:
			c.add(breaking, "operations of the kind %s: %s → %s", operation, o, orNone(n))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(old.types)) {
		o, n := old.types[name], new.types[name]
		switch {
		case n == nil:
			c.add(breaking, "%s is removed", name)
		case o.Kind != n.Kind:
			c.add(breaking, "%s is no longer of the kind %s, but %s", name, o.Kind, n.Kind)
		default:
			c.definition(o, n)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(new.types)) {
		if old.types[name] == nil {
			c.add(harmless, "%s is new", name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(old.directives)) {
		if n := new.directives[name]; n == nil {
			c.add(breaking, "the directive @%s is removed", name)
		} else {
			c.directive(old.directives[name], n)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(new.directives)) {
		if old.directives[name] == nil {
			c.add(harmless, "the directive @%s is new", name)
		}
	}
	return c
}

// definition compares two types of one name and kind.
func (c *contractChanges) definition(o, n *ast.Definition) {
	c.described(o.Name, o.Description, n.Description)
	c.applied(o.Name, o.Directives, n.Directives)
	c.members(o.Name, o.Interfaces, n.Interfaces, "no longer implements %s", "implements %s now")
	c.members(o.Name, o.Types, n.Types, "can no longer be a %s", "can be a %s now")
	var was, is []string
	for _, v := range o.EnumValues {
		was = append(was, v.Name)
	}
	for _, v := range n.EnumValues {
		is = append(is, v.Name)
	}
	c.members(o.Name, was, is, "has no value %s any more", "has the value %s now")
	for _, v := range n.EnumValues {
		if before := o.EnumValues.ForName(v.Name); before != nil {
			c.described(o.Name+"."+v.Name, before.Description, v.Description)
			c.applied(o.Name+"."+v.Name, before.Directives, v.Directives)
		}
	}
	for _, f := range o.Fields {
		name := o.Name + "." + f.Name
		is := n.Fields.ForName(f.Name)
		if is == nil {
			c.add(breaking, "%s is removed", name)
			continue
		}
		c.described(name, f.Description, is.Description)
		c.applied(name, f.Directives, is.Directives)
		if o.Kind == ast.InputObject {
			c.input(name, f.Type, is.Type, f.DefaultValue, is.DefaultValue)
			continue
		}
		switch {
		case f.Type.String() == is.Type.String():
		case narrower(f.Type, is.Type):
			c.add(harmless, "%s: %s → %s", name, f.Type, is.Type)
		default:
			c.add(breaking, "%s: %s → %s", name, f.Type, is.Type)
		}
		c.arguments(name, f.Arguments, is.Arguments)
	}
	for _, f := range n.Fields {
		if o.Fields.ForName(f.Name) != nil {
			continue
		}
		name := o.Name + "." + f.Name
		switch {
		case o.Kind != ast.InputObject:
			c.add(harmless, "%s is new", name)
		case f.Type.NonNull && f.DefaultValue == nil:
			c.add(breaking, "%s is new and required", name)
		default:
			c.add(dangerous, "%s is new and optional", name)
		}
	}
}

// members compares names that a type has in a list: a lost one breaks, another one surprises.
func (c *contractChanges) members(name string, old, new []string, lost, gained string) {
	for _, m := range old {
		if !slices.Contains(new, m) {
			c.add(breaking, name+" "+lost, m)
		}
	}
	for _, m := range new {
		if !slices.Contains(old, m) {
			c.add(dangerous, name+" "+gained, m)
		}
	}
}

func (c *contractChanges) arguments(of string, old, new ast.ArgumentDefinitionList) {
	for _, a := range old {
		name := of + "(" + a.Name + ")"
		is := new.ForName(a.Name)
		if is == nil {
			c.add(breaking, "%s is removed", name)
			continue
		}
		c.described(name, a.Description, is.Description)
		c.applied(name, a.Directives, is.Directives)
		c.input(name, a.Type, is.Type, a.DefaultValue, is.DefaultValue)
	}
	for _, a := range new {
		switch {
		case old.ForName(a.Name) != nil:
		case a.Type.NonNull && a.DefaultValue == nil:
			c.add(breaking, "%s(%s) is new and required", of, a.Name)
		default:
			c.add(dangerous, "%s(%s) is new and optional", of, a.Name)
		}
	}
}

// input compares what clients send.
func (c *contractChanges) input(name string, old, new *ast.Type, was, is *ast.Value) {
	switch {
	case old.String() == new.String():
	case wider(old, new):
		c.add(harmless, "%s: %s → %s", name, old, new)
	default:
		c.add(breaking, "%s: %s → %s", name, old, new)
	}
	if value(was) != value(is) {
		c.add(dangerous, "%s: its default %s → %s", name, orNone(value(was)), orNone(value(is)))
	}
}

func value(v *ast.Value) string {
	if v == nil {
		return ""
	}
	return v.String()
}

// narrower reports whether whoever reads the old type can read the new one: it promises at least as much.
func narrower(old, new *ast.Type) bool {
	if new.NonNull && !old.NonNull {
		bare := *new
		bare.NonNull = false
		return narrower(old, &bare)
	}
	if old.NonNull != new.NonNull || (old.Elem == nil) != (new.Elem == nil) {
		return false
	}
	if old.Elem != nil {
		return narrower(old.Elem, new.Elem)
	}
	return old.NamedType == new.NamedType
}

// wider reports whether what was sent for the old type is accepted for the new one.
func wider(old, new *ast.Type) bool { return narrower(new, old) }

func (c *contractChanges) described(name, old, new string) {
	if old != new {
		c.add(harmless, "%s: its description changes", name)
	}
}

// applied compares the directives of a type, field or argument. AppSync decides by them who may use it.
func (c *contractChanges) applied(name string, old, new ast.DirectiveList) {
	was, is := directiveTexts(old), directiveTexts(new)
	if slices.Equal(was, is) {
		return
	}
	e := harmless
	for _, d := range slices.Concat(was, is) {
		if slices.Contains(was, d) != slices.Contains(is, d) && strings.HasPrefix(d, "@aws_") {
			e = access
		}
	}
	c.add(e, "%s: %s → %s", name, orNone(strings.Join(was, " ")), orNone(strings.Join(is, " ")))
}

func directiveTexts(list ast.DirectiveList) []string {
	var out []string
	for _, d := range list {
		text := "@" + d.Name
		var args []string
		for _, a := range d.Arguments {
			args = append(args, a.Name+": "+a.Value.String())
		}
		if len(args) > 0 {
			text += "(" + strings.Join(args, ", ") + ")"
		}
		out = append(out, text)
	}
	slices.Sort(out)
	return out
}

func (c *contractChanges) directive(o, n *ast.DirectiveDefinition) {
	name := "@" + o.Name
	c.described(name, o.Description, n.Description)
	c.arguments(name, o.Arguments, n.Arguments)
	if o.IsRepeatable != n.IsRepeatable {
		c.add(map[bool]effect{true: breaking, false: harmless}[o.IsRepeatable], "%s: repeatable %v → %v", name, o.IsRepeatable, n.IsRepeatable)
	}
	for _, l := range o.Locations {
		if !slices.Contains(n.Locations, l) {
			c.add(breaking, "%s can no longer be on %s", name, l)
		}
	}
	for _, l := range n.Locations {
		if !slices.Contains(o.Locations, l) {
			c.add(harmless, "%s can be on %s now", name, l)
		}
	}
}
