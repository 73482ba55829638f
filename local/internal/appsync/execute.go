package appsync

import (
	"time"

	"github.com/vektah/gqlparser/v2/ast"
)

// execution executes one operation. Resolvers may answer in later events;
// finish runs when all have.
type execution struct {
	api  *API
	call *call
	doc  *document
	op   *ast.OperationDefinition
	vars map[string][]byte
	end  time.Time // when its data sources must have answered
	// variables is vars as JSON, once made.
	variables []byte
	errs      []*graphError
	fields    map[collectKey][]*field

	resolvers int
	// event marks the execution of a subscription's selection on what a mutation
	// published: nothing is resolved, authorized or serialized again.
	event bool
	// started is the outcome of a subscription's resolver.
	started subscriptionSetup
}

// node is a place in the answer. Objects and lists have kids; the keys of an
// object's are those of its fields.
type node struct {
	raw     []byte // of a leaf; nil is null
	fields  []*field
	kids    []node
	kind    kind
	nonNull bool
}

type kind uint8

const (
	nullKind kind = iota
	leafKind
	objectKind
	listKind
)

// value is what a field's value is made of: JSON, or a part of the schema
// that introspection shows.
type value struct {
	raw  []byte
	meta any
}

// group runs next when all that was begun in it has ended.
type group struct {
	pending int
	next    func()
}

func (g *group) begin() { g.pending++ }

func (g *group) end() {
	if g.pending--; g.pending == 0 {
		g.next()
	}
}

// run executes the operation and then calls finish with the root of the answer.
func (x *execution) run(finish func(root *node)) {
	x.end = x.api.k.Now().Add(executionTimeout)
	x.fields = x.doc.fields
	if x.doc.conditional {
		x.fields = map[collectKey][]*field{}
	}
	root := &node{}
	def := x.rootType()
	fields := x.collect(def, nil, []ast.SelectionSet{x.op.SelectionSet})
	root.object(fields)
	done := func() {
		root.propagate()
		finish(root)
	}
	if x.op.Operation == ast.Mutation {
		x.serially(def, fields, root, 0, done)
		return
	}
	g := &group{next: done}
	g.begin()
	for i, f := range fields {
		x.field(def, value{}, f, &root.kids[i], &path{key: f.key}, g)
	}
	g.end()
}

func (x *execution) rootType() *ast.Definition {
	switch x.op.Operation {
	case ast.Mutation:
		return x.api.schema.Mutation
	case ast.Subscription:
		return x.api.schema.Subscription
	}
	return x.api.schema.Query
}

// serially executes the fields of a mutation one after the other.
func (x *execution) serially(def *ast.Definition, fields []*field, root *node, i int, done func()) {
	if i == len(fields) {
		done()
		return
	}
	f := fields[i]
	g := &group{next: func() {
		x.api.publish(x, f, &root.kids[i])
		x.serially(def, fields, root, i+1, done)
	}}
	g.begin()
	x.field(def, value{}, f, &root.kids[i], &path{key: f.key}, g)
	g.end()
}

func (n *node) object(fields []*field) {
	n.kind, n.fields = objectKind, fields
	n.kids = make([]node, len(fields))
	for i, f := range fields {
		n.kids[i].nonNull = f.def.Type.NonNull
	}
}

// propagate makes null what has a null where none may be.
func (n *node) propagate() {
	for i := range n.kids {
		k := &n.kids[i]
		k.propagate()
		if k.kind == nullKind && k.nonNull {
			n.kind, n.kids = nullKind, nil
			return
		}
	}
}

func (x *execution) fail(p *path, message string) {
	x.errs = append(x.errs, &graphError{path: p, message: message})
}

func (x *execution) failAt(p *path, f *field, typ, message string) *graphError {
	e := &graphError{path: p, typ: typ, message: message, ofHandler: true, at: f.positions()}
	x.errs = append(x.errs, e)
	return e
}

// field resolves one field of an object and completes its value.
func (x *execution) field(def *ast.Definition, source value, f *field, n *node, p *path, g *group) {
	if f.name == "__typename" {
		n.kind, n.raw = leafKind, quote(def.Name)
		return
	}
	if x.event {
		x.complete(f.def.Type, f, value{raw: source.member(f.name)}, n, p, g)
		return
	}
	if source.meta != nil || f.name == "__schema" || f.name == "__type" {
		x.complete(f.def.Type, f, x.introspect(source, f), n, p, g)
		return
	}
	if !x.api.mayAccess(x.call.identity, def, f.def) {
		x.failAt(p, f, "Unauthorized", "Not Authorized to access "+f.name+" on type "+def.Name)
		return
	}
	r := x.api.resolvers[f.def]
	if r == nil {
		if def == x.api.schema.Subscription {
			return // nothing to show before an event
		}
		x.complete(f.def.Type, f, value{raw: source.member(f.name)}, n, p, g)
		return
	}
	if x.resolvers++; x.resolvers > x.api.maxResolvers {
		x.fail(p, "Maximum number of resolvers reached for this request.")
		return
	}
	args, err := x.api.schema.arguments(f.def, f.nodes[0].Arguments, x.vars)
	if err != nil {
		x.fail(p, err.Error())
		return
	}
	g.begin()
	x.resolve(def, f, r, args, source.raw, p, func(v []byte, failed bool) {
		if !failed {
			x.complete(f.def.Type, f, value{raw: v}, n, p, g)
		}
		g.end()
	})
}

func (v value) member(name string) []byte {
	if isNull(v.raw) || v.raw[0] != '{' {
		return nil
	}
	list, err := members(v.raw)
	if err != nil {
		return nil
	}
	return find(list, name)
}

// complete turns a value into what the selection asks of it.
func (x *execution) complete(t *ast.Type, f *field, v value, n *node, p *path, g *group) {
	n.nonNull = t.NonNull
	if v.meta == nil && isNull(v.raw) {
		if t.NonNull {
			x.fail(p, "Cannot return null for non-nullable type: '"+nullable(t)+"' within parent '"+f.parent.Name+"' ("+p.String()+")")
		}
		return
	}
	if t.Elem != nil {
		x.completeList(t.Elem, f, v, n, p, g)
		return
	}
	def := x.api.schema.Types[t.NamedType]
	switch def.Kind {
	case ast.Scalar, ast.Enum:
		x.completeLeaf(def, f, v, n, p)
		return
	case ast.Interface, ast.Union:
		if def = x.concrete(def, v, p, f); def == nil {
			return
		}
	}
	if v.meta == nil && v.raw[0] != '{' {
		x.fail(p, "Can't resolve value ("+p.String()+") : type mismatch error, expected type OBJECT")
		return
	}
	fields := x.collect(def, f, nil)
	n.object(fields)
	x.completeObject(def, fields, v, n, p, g)
}

// completeObject executes the fields of an object, looking into its JSON
// once for all of them.
func (x *execution) completeObject(def *ast.Definition, fields []*field, v value, n *node, p *path, g *group) {
	var list []member
	if v.meta == nil {
		list, _ = members(v.raw)
	}
	for i, c := range fields {
		at := &path{before: p, key: c.key}
		plain := v.meta == nil && c.name != "__typename"
		if plain && (x.event || x.api.resolvers[c.def] == nil && x.api.mayAccess(x.call.identity, def, c.def)) {
			x.complete(c.def.Type, c, value{raw: find(list, c.name)}, &n.kids[i], at, g)
			continue
		}
		x.field(def, v, c, &n.kids[i], at, g)
	}
}

func (x *execution) completeList(elem *ast.Type, f *field, v value, n *node, p *path, g *group) {
	var list []value
	if v.meta != nil {
		list = v.meta.([]value)
	} else {
		raws, err := elements(v.raw)
		if err != nil {
			x.fail(p, "Can't resolve value ("+p.String()+") : type mismatch error, expected type LIST")
			return
		}
		list = make([]value, len(raws))
		for i, r := range raws {
			list[i].raw = r
		}
	}
	n.kind = listKind
	n.kids = make([]node, len(list))
	for i, e := range list {
		n.kids[i].nonNull = elem.NonNull
		x.complete(elem, f, e, &n.kids[i], &path{before: p, index: i}, g)
	}
}

func (x *execution) completeLeaf(def *ast.Definition, f *field, v value, n *node, p *path) {
	if x.event {
		n.kind, n.raw = leafKind, v.raw
		if def.Name == "AWSJSON" && x.api.cfg.EncodeJSONTwice {
			n.raw = quote(string(v.raw))
		}
		return
	}
	if def.Kind == ast.Enum {
		if !isString(v.raw) || def.EnumValues.ForName(text(v.raw)) == nil {
			x.fail(p, "Can't serialize value ("+p.String()+") : Invalid input for Enum '"+def.Name+"'. No value found for name '"+string(unquoted(v.raw))+"'")
			return
		}
		n.kind, n.raw = leafKind, v.raw
		return
	}
	out, ok := serializeScalar(def.Name, v.raw)
	if !ok {
		x.fail(p, "Can't serialize value ("+p.String()+") : Unable to serialize "+string(v.raw)+" as a valid "+def.Name)
		return
	}
	n.kind, n.raw = leafKind, out
}

// concrete is the object type of a value of an interface or union: what its
// __typename says.
func (x *execution) concrete(abstract *ast.Definition, v value, p *path, f *field) *ast.Definition {
	name := text(v.member("__typename"))
	for _, d := range x.api.schema.GetPossibleTypes(abstract) {
		if d.Name == name {
			return d
		}
	}
	x.fail(p, "Abstract type '"+abstract.Name+"' must resolve to an Object type at runtime for field '"+f.parent.Name+"."+f.name+
		"'. Either the '"+abstract.Name+"' type should provide a \"__typename\" or it names no member of it")
	return nil
}

func nullable(t *ast.Type) string {
	s := t.String()
	return s[:len(s)-1]
}

// append writes the answer's data.
func (n *node) append(b []byte) []byte { return n.appendWith(b, false) }

// appendWith is append, with byName with the schema's names of fields in place of
// the request's aliases.
func (n *node) appendWith(b []byte, byName bool) []byte {
	switch n.kind {
	case leafKind:
		return append(b, n.raw...)
	case listKind:
		b = append(b, '[')
		for i := range n.kids {
			if i > 0 {
				b = append(b, ',')
			}
			b = n.kids[i].appendWith(b, byName)
		}
		return append(b, ']')
	case objectKind:
		w := newObject(b)
		for i, f := range n.fields {
			if byName {
				w.key(f.name)
			} else {
				w.key(f.key)
			}
			w.buf = n.kids[i].appendWith(w.buf, byName)
		}
		return w.end()
	}
	return append(b, "null"...)
}
