package appsync

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/vektah/gqlparser/v2/ast"
)

// maxEvent is the largest payload of a subscription: 240 KB (service quotas,
// "Subscription payload size").
const maxEvent = 240 << 10

// subscriptionSetup is what a subscription's resolver decided.
type subscriptionSetup struct {
	filter *filter
}

// subscription is one subscriber of a connection.
type subscription struct {
	conn   *Connection
	id     string
	quoted []byte // id as JSON
	number uint64
	field  *field
	x      *execution // what it selects
	filter *filter

	index []*bucket // where it is listed
}

// topic holds the subscribers of a mutation's field. Those whose filter has a
// condition eq in each of its groups are found by that value.
type topic struct {
	count   int
	all     *bucket                       // of the subscribers without such a condition
	fields  []string                      // that are indexed, in order of first use
	indexes map[string]map[string]*bucket // by field and value
	paths   map[string]*condition         // how a field is looked up
}

// bucket is a set of subscribers, in the order in which they subscribed.
type bucket struct {
	list []*subscription
	home map[string]*bucket // where it stands, under key; nil: nowhere
	key  string
}

func (b *bucket) add(s *subscription) {
	if b.home != nil {
		b.home[b.key] = b
	}
	b.list = append(b.list, s)
	s.index = append(s.index, b)
}

func (b *bucket) remove(s *subscription) {
	i, found := slices.BinarySearchFunc(b.list, s.number, func(e *subscription, n uint64) int { return cmp.Compare(e.number, n) })
	if found {
		b.list = slices.Delete(b.list, i, i+1)
	}
	if len(b.list) == 0 && b.home != nil {
		delete(b.home, b.key)
	}
}

func (a *API) topic(mutation string) *topic {
	t := a.topics[mutation]
	if t == nil {
		t = &topic{all: &bucket{}, indexes: map[string]map[string]*bucket{}, paths: map[string]*condition{}}
		a.topics[mutation] = t
	}
	return t
}

// register lists a subscription under the mutations that notify it.
func (a *API) register(s *subscription) {
	a.made++
	s.number = a.made
	for _, name := range directiveList(s.field.def.Directives.ForName("aws_subscribe"), "mutations") {
		t := a.topic(name)
		t.count++
		t.bucketOf(s.filter).add(s)
	}
}

// bucketOf picks, of the equalities that all groups of a filter have in common, the
// one that the fewest subscribers are listed under.
func (t *topic) bucketOf(f *filter) *bucket {
	best := t.all
	if f == nil {
		return best
	}
	for i := range f.groups[0] {
		c := &f.groups[0][i]
		if c.operator != "eq" || c.values[0].kind == '0' {
			continue
		}
		common := !slices.ContainsFunc(f.groups[1:], func(g []condition) bool {
			return !slices.ContainsFunc(g, func(o condition) bool {
				return o.operator == "eq" && o.field == c.field && o.values[0].equal(c.values[0])
			})
		})
		if !common {
			continue
		}
		b := t.indexed(c)
		if best == t.all || len(b.list) < len(best.list) {
			best = b
		}
	}
	return best
}

func (t *topic) indexed(c *condition) *bucket {
	byValue := t.indexes[c.field]
	if byValue == nil {
		byValue = map[string]*bucket{}
		t.indexes[c.field] = byValue
		t.paths[c.field] = c
		t.fields = append(t.fields, c.field)
	}
	key := c.values[0].key()
	if b := byValue[key]; b != nil {
		return b
	}
	return &bucket{home: byValue, key: key}
}

// unregister takes a subscription out.
func (a *API) unregister(s *subscription) {
	for _, b := range s.index {
		b.remove(s)
	}
	s.index = nil
	for _, name := range directiveList(s.field.def.Directives.ForName("aws_subscribe"), "mutations") {
		a.topics[name].count--
	}
}

// receivers are the subscribers of an event, in the order in which they subscribed.
func (t *topic) receivers(e *event) []*subscription {
	var list []*subscription
	take := func(b *bucket) {
		for _, s := range b.list {
			if s.filter.matches(e) {
				list = append(list, s)
			}
		}
	}
	take(t.all)
	for _, field := range t.fields {
		v := operandOf(e.lookup(t.paths[field]))
		if b := t.indexes[field][v.key()]; b != nil {
			take(b)
		}
	}
	slices.SortFunc(list, func(a, b *subscription) int { return cmp.Compare(a.number, b.number) })
	return list
}

// publish sends a mutation's result to the subscribers of its field: what the
// mutation selected, and of that what the subscriber selects.
func (a *API) publish(x *execution, f *field, n *node) {
	t := a.topics[f.name]
	if t == nil || t.count == 0 {
		return
	}
	n.propagate()
	if n.kind == nullKind {
		return
	}
	e := &event{raw: n.appendWith(nil, true), values: map[string][]byte{}}
	payloads := map[payloadKey][]byte{}
	for _, s := range t.receivers(e) {
		key := payloadKey{op: s.x.op}
		if s.x.doc.conditional {
			key.only = s
		}
		payload, ok := payloads[key]
		if !ok {
			payload = s.payload(e.raw)
			payloads[key] = payload
			if len(payload) > maxEvent {
				a.log(x.call.id, fmt.Sprintf("an event of %s has %d bytes, more than the %d that AppSync sends: it reaches nobody", s.field.name, len(payload), maxEvent))
			}
		}
		if len(payload) <= maxEvent {
			s.conn.data(s, payload)
		}
	}
}

// payloadKey names what is the same for all who select the same.
type payloadKey struct {
	op   *ast.OperationDefinition
	only *subscription // whose selection depends on its variables
}

// payload is the GraphQL answer of an event.
func (s *subscription) payload(raw []byte) []byte {
	x := &execution{api: s.x.api, call: s.x.call, doc: s.x.doc, op: s.x.op, vars: s.x.vars, fields: s.x.fields, event: true}
	root := &node{}
	fields := x.collect(x.rootType(), nil, []ast.SelectionSet{x.op.SelectionSet})
	root.object(fields)
	g := &group{next: func() {}}
	g.begin()
	for i, f := range fields {
		if f.name == "__typename" {
			root.kids[i].kind, root.kids[i].raw = leafKind, quote(x.rootType().Name)
			continue
		}
		x.complete(f.def.Type, f, value{raw: raw}, &root.kids[i], &path{key: f.key}, g)
	}
	g.end()
	root.propagate()
	b := root.append([]byte(`{"data":`))
	if len(x.errs) > 0 {
		b = appendErrors(append(b, `,"errors":`...), x.errs)
	}
	return append(b, '}')
}
