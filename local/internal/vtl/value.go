package vtl

import (
	"fmt"
	"math/big"
)

// Char is a java.lang.Character: one UTF-16 unit.
type Char uint16

// Object is a value that the host provides, such as $input or $util.
//
// ok is false where the object has no such property or method (for the given
// number of arguments); the template then goes on with null, as in Velocity,
// and Options.Warn hears of it. An error ends the execution; it is reported
// with the object's and the member's name and the place in the template.
// An Object that may be printed also implements fmt.Stringer.
type Object interface {
	// TypeName names the object in errors: "$input".
	TypeName() string
	// Property is $object.name.
	Property(name string) (v any, ok bool, err error)
	// Call is $object.name(args…).
	Call(name string, args []any) (v any, ok bool, err error)
}

// Indexer is an Object that also answers $object[key]. Without it, $object[key]
// is Call("get", key), as in Velocity.
type Indexer interface {
	Index(key any) (v any, ok bool, err error)
}

// Settable is an Object whose properties a template may set:
// #set($context.requestOverride.header.X = "…").
type Settable interface {
	SetProperty(name string, v any) error
}

// Entry is one key and value of a Map.
type Entry struct {
	Key   any
	Value any
}

type slot struct {
	Entry
	live bool
}

// Map is a LinkedHashMap: it iterates in the order in which keys were first
// put. The zero value is an empty map.
type Map struct {
	slots []slot
	index map[any]int // nil while the map is small
	n     int
	mod   int
}

// NewMap returns an empty map with room for n entries.
func NewMap(n int) *Map { return &Map{slots: make([]slot, 0, n)} }

const smallMap = 8

// ckey is a key in a form that Go compares as Java's equals does.
type ckey struct {
	kind byte
	text string
}

func canonical(k any) any {
	switch k := k.(type) {
	case *big.Int:
		return ckey{'b', k.String()}
	case *List, *view, *entryRef:
		s, err := toString(k)
		if err != nil {
			return k
		}
		return ckey{'c', s}
	case *Map:
		s, err := toString(k)
		if err != nil {
			return k
		}
		return ckey{'m', s}
	}
	return k
}

func (m *Map) find(k any) int {
	if s, ok := k.(string); ok && m.index == nil {
		for i := range m.slots {
			if t, ok := m.slots[i].Key.(string); ok && m.slots[i].live && t == s {
				return i
			}
		}
		return -1
	}
	c := canonical(k)
	if m.index != nil {
		if i, ok := m.index[c]; ok {
			return i
		}
		return -1
	}
	for i := range m.slots {
		if m.slots[i].live && canonical(m.slots[i].Key) == c {
			return i
		}
	}
	return -1
}

// Get returns the value under k. The key's type counts: the Integer 1, the
// Long 1 and the String "1" are three keys.
func (m *Map) Get(k any) (any, bool) {
	if i := m.find(k); i >= 0 {
		return m.slots[i].Value, true
	}
	return nil, false
}

// Put stores v under k and returns what was there. A key already present
// keeps its place.
func (m *Map) Put(k, v any) any {
	if i := m.find(k); i >= 0 {
		old := m.slots[i].Value
		m.slots[i].Value = v
		return old
	}
	m.slots = append(m.slots, slot{Entry{k, v}, true})
	m.n++
	m.mod++
	if m.index != nil {
		m.index[canonical(k)] = len(m.slots) - 1
	} else if len(m.slots) > smallMap {
		m.reindex()
	}
	return nil
}

func (m *Map) reindex() {
	m.index = make(map[any]int, len(m.slots)*2)
	for i := range m.slots {
		if m.slots[i].live {
			m.index[canonical(m.slots[i].Key)] = i
		}
	}
}

// Remove takes k out and returns its value.
func (m *Map) Remove(k any) any {
	i := m.find(k)
	if i < 0 {
		return nil
	}
	old := m.slots[i].Value
	if m.index != nil {
		delete(m.index, canonical(k))
	}
	m.slots[i] = slot{}
	m.n--
	m.mod++
	return old
}

// Len is the number of entries.
func (m *Map) Len() int { return m.n }

// Entries returns the entries in order. The slice is the caller's.
func (m *Map) Entries() []Entry {
	out := make([]Entry, 0, m.n)
	for i := range m.slots {
		if m.slots[i].live {
			out = append(out, m.slots[i].Entry)
		}
	}
	return out
}

func (m *Map) clear() {
	if m.n > 0 {
		m.mod++
	}
	m.slots, m.index, m.n = nil, nil, 0
}

// List is an ArrayList. The zero value is an empty list.
type List struct {
	Items []any
	// array marks a Java array: fixed length, no useful toString.
	array bool
	mod   int
}

// NewList returns a list of the given items.
func NewList(items ...any) *List { return &List{Items: items} }

// Len is the number of items.
func (l *List) Len() int { return len(l.Items) }

type viewKind uint8

const (
	keysView viewKind = iota
	valuesView
	entriesView
)

// view is what keySet, values and entrySet return: it follows the map.
type view struct {
	m    *Map
	kind viewKind
}

func (v *view) items() []any {
	out := make([]any, 0, v.m.n)
	for i := range v.m.slots {
		if !v.m.slots[i].live {
			continue
		}
		out = append(out, v.at(i))
	}
	return out
}

func (v *view) at(i int) any {
	switch v.kind {
	case keysView:
		return v.m.slots[i].Key
	case valuesView:
		return v.m.slots[i].Value
	}
	return &entryRef{v.m, v.m.slots[i].Key}
}

// entryRef is a Map.Entry: it reads and writes through to its map.
type entryRef struct {
	m   *Map
	key any
}

func (r *entryRef) value() any { v, _ := r.m.Get(r.key); return v }

// iterator walks a list or a map's view, and fails as Java's do if the
// collection is changed under it.
type iterator struct {
	list *List
	view *view
	pos  int
	mod  int
}

func newIterator(v any) *iterator {
	switch v := v.(type) {
	case *List:
		return &iterator{list: v, mod: v.mod}
	case *Map:
		return &iterator{view: &view{v, valuesView}, mod: v.mod}
	case *view:
		return &iterator{view: v, mod: v.m.mod}
	case *iterator:
		return v
	}
	return nil
}

func (it *iterator) hasNext() bool {
	if it.list != nil {
		return it.pos != len(it.list.Items)
	}
	for it.pos < len(it.view.m.slots) && !it.view.m.slots[it.pos].live {
		it.pos++
	}
	return it.pos < len(it.view.m.slots)
}

func (it *iterator) next() (any, error) {
	if it.list != nil {
		if it.mod != it.list.mod {
			return nil, javaError("ConcurrentModificationException: the list was changed while #foreach walked it")
		}
		if it.pos >= len(it.list.Items) {
			return nil, javaError("NoSuchElementException")
		}
		v := it.list.Items[it.pos]
		it.pos++
		return v, nil
	}
	if it.mod != it.view.m.mod {
		return nil, javaError("ConcurrentModificationException: the map was changed while #foreach walked it")
	}
	if !it.hasNext() {
		return nil, javaError("NoSuchElementException")
	}
	v := it.view.at(it.pos)
	it.pos++
	return v, nil
}

// javaError is an exception that Java would throw from a method.
type javaError string

func (e javaError) Error() string { return string(e) }

// checkValue refuses Go types that no template value has.
func checkValue(v any) error {
	switch v.(type) {
	case nil, bool, string, int32, int64, *big.Int, float64, Char, *Map, *List, Object,
		*view, *entryRef, *iterator, *foreachScope, *block:
		return nil
	}
	return fmt.Errorf("a Go %T is not a template value (see the package documentation)", v)
}

// javaType is the class name as errors show it.
func javaType(v any) string {
	switch v := v.(type) {
	case nil:
		return "null"
	case bool:
		return "Boolean"
	case string:
		return "String"
	case int32:
		return "Integer"
	case int64:
		return "Long"
	case *big.Int:
		return "BigInteger"
	case float64:
		return "Double"
	case Char:
		return "Character"
	case *Map:
		return "Map"
	case *List:
		if v.array {
			return "array"
		}
		return "List"
	case *view:
		if v.kind == valuesView {
			return "Collection"
		}
		return "Set"
	case *entryRef:
		return "Map.Entry"
	case *iterator:
		return "Iterator"
	case *foreachScope:
		return "$foreach"
	case *block:
		return "block"
	case Object:
		return v.TypeName()
	}
	return fmt.Sprintf("%T", v)
}
