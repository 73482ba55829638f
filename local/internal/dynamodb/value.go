package dynamodb

import (
	"encoding/base64"
	"slices"
	"sort"
	"strings"

	"github.com/orderflow-cdk/orderflow/local/internal/jsontext"
)

// Kind is the type of an attribute value.
type Kind uint8

// The ten types of an attribute value.
const (
	KindS Kind = iota + 1
	KindN
	KindB
	KindSS
	KindNS
	KindBS
	KindBool
	KindNull
	KindL
	KindM
)

var kindNames = [...]string{"", "S", "N", "B", "SS", "NS", "BS", "BOOL", "NULL", "L", "M"}

// String returns the type's descriptor in the JSON protocol: "S", "N", …
func (k Kind) String() string { return kindNames[k] }

// Value is one attribute value. Values are immutable: an update copies what it
// changes and shares the rest, so an old image costs nothing to keep.
type Value struct {
	kind Kind
	b    bool
	s    string // S; B, decoded; N, in canonical form
	c    *composite
}

type composite struct {
	elems []Value // L in order; SS, NS and BS in ascending order
	attrs []Attr  // M, ordered by name
}

// Attr is a named value.
type Attr struct {
	Name  string
	Value Value
}

// Item is what a table stores, ordered by attribute name.
type Item []Attr

// String returns an S value.
func String(s string) Value { return Value{kind: KindS, s: s} }

func numberValue(canonical string) Value { return Value{kind: KindN, s: canonical} }

func listValue(elems []Value) Value { return Value{kind: KindL, c: &composite{elems: elems}} }

func mapValue(attrs []Attr) Value { return Value{kind: KindM, c: &composite{attrs: attrs}} }

// Kind returns the type of v; zero for no value.
func (v Value) Kind() Kind { return v.kind }

// Text returns the content of an S, the canonical form of an N, or the bytes of a B.
func (v Value) Text() string { return v.s }

// Bool returns the content of a BOOL.
func (v Value) Bool() bool { return v.b }

// List returns the elements of an L or of a set. It must not be changed.
func (v Value) List() []Value {
	if v.c == nil {
		return nil
	}
	return v.c.elems
}

// Map returns the attributes of an M. It must not be changed.
func (v Value) Map() Item {
	if v.c == nil {
		return nil
	}
	return v.c.attrs
}

func (v Value) isSet() bool { return v.kind >= KindSS && v.kind <= KindBS }

func (it Item) index(name string) (int, bool) {
	// Items have few attributes: a scan beats a binary search on most of them.
	if len(it) <= 8 {
		for i := range it {
			if it[i].Name >= name {
				return i, it[i].Name == name
			}
		}
		return len(it), false
	}
	i := sort.Search(len(it), func(i int) bool { return it[i].Name >= name })
	return i, i < len(it) && it[i].Name == name
}

// Get returns an attribute; its Kind is zero if there is none.
func (it Item) Get(name string) Value {
	if i, ok := it.index(name); ok {
		return it[i].Value
	}
	return Value{}
}

// with returns a copy of the item in which name has value v.
func (it Item) with(name string, v Value) Item {
	i, ok := it.index(name)
	if ok {
		out := slices.Clone(it)
		out[i].Value = v
		return out
	}
	out := make(Item, len(it)+1)
	copy(out, it[:i])
	out[i] = Attr{name, v}
	copy(out[i+1:], it[i:])
	return out
}

// without returns the item with no attribute name.
func (it Item) without(name string) Item {
	i, ok := it.index(name)
	if !ok {
		return it
	}
	out := make(Item, 0, len(it)-1)
	out = append(out, it[:i]...)
	return append(out, it[i+1:]...)
}

// compareScalar orders two values of one scalar kind as DynamoDB does: numbers by
// value, strings and binaries by their (UTF-8) bytes.
func compareScalar(a, b Value) int {
	if a.kind == KindN {
		return compareNumbers(a.s, b.s)
	}
	return strings.Compare(a.s, b.s)
}

func (v Value) ordered() bool { return v.kind == KindS || v.kind == KindN || v.kind == KindB }

func equalValues(a, b Value) bool {
	if a.kind != b.kind {
		return false
	}
	switch a.kind {
	case KindS, KindN, KindB:
		return a.s == b.s // numbers are canonical
	case KindBool:
		return a.b == b.b
	case KindNull:
		return true
	case KindM:
		return a.c == b.c || equalItems(a.Map(), b.Map())
	}
	if a.c == b.c {
		return true
	}
	x, y := a.List(), b.List()
	if len(x) != len(y) {
		return false
	}
	for i := range x {
		if !equalValues(x[i], y[i]) {
			return false
		}
	}
	return true
}

func equalItems(a, b Item) bool {
	if len(a) != len(b) {
		return false
	}
	if len(a) > 0 && &a[0] == &b[0] {
		return true
	}
	for i := range a {
		if a[i].Name != b[i].Name || !equalValues(a[i].Value, b[i].Value) {
			return false
		}
	}
	return true
}

// setUnion and setMinus work on the ascending elements of two sets of one kind.
func setUnion(a, b Value) Value {
	x, y := a.List(), b.List()
	out := make([]Value, 0, len(x)+len(y))
	for len(x) > 0 && len(y) > 0 {
		switch c := compareScalar(x[0], y[0]); {
		case c < 0:
			out, x = append(out, x[0]), x[1:]
		case c > 0:
			out, y = append(out, y[0]), y[1:]
		default:
			out, x, y = append(out, x[0]), x[1:], y[1:]
		}
	}
	out = append(append(out, x...), y...)
	return Value{kind: a.kind, c: &composite{elems: out}}
}

func setMinus(a, b Value) Value {
	var out []Value
	for _, e := range a.List() {
		if !setHas(b, e) {
			out = append(out, e)
		}
	}
	return Value{kind: a.kind, c: &composite{elems: out}}
}

func setHas(set, e Value) bool {
	_, ok := slices.BinarySearchFunc(set.List(), e, compareScalar)
	return ok
}

// elementKind is the scalar kind that a set holds.
func (k Kind) elementKind() Kind { return k - KindSS + KindS }

// size returns the bytes a value takes, by the rules of "DynamoDB item sizes
// and formats": strings in UTF-8, a number one byte for every two digits plus
// one, one byte for BOOL and NULL, three for a list or map and one more for
// each of its elements.
func (v Value) size() int {
	switch v.kind {
	case KindS, KindB:
		return len(v.s)
	case KindN:
		return numberSize(v.s)
	case KindBool, KindNull:
		return 1
	case KindL:
		n := 3
		for _, e := range v.List() {
			n += 1 + e.size()
		}
		return n
	case KindM:
		m := v.Map()
		return 3 + len(m) + m.Size()
	}
	n := 0
	for _, e := range v.List() {
		n += e.size()
	}
	return n
}

// Size returns the bytes the item counts for limits and capacity: its names and values.
func (it Item) Size() int {
	n := 0
	for i := range it {
		n += len(it[i].Name) + it[i].Value.size()
	}
	return n
}

// appendJSON appends v in the JSON protocol.
func (v Value) appendJSON(b []byte) []byte {
	switch v.kind {
	case KindS:
		b = append(b, `{"S":`...)
		b = jsontext.AppendString(b, v.s)
	case KindN:
		b = append(b, `{"N":"`...)
		b = append(append(b, v.s...), '"')
	case KindB:
		b = append(b, `{"B":"`...)
		b = append(base64.StdEncoding.AppendEncode(b, []byte(v.s)), '"')
	case KindBool:
		if v.b {
			return append(b, `{"BOOL":true}`...)
		}
		return append(b, `{"BOOL":false}`...)
	case KindNull:
		return append(b, `{"NULL":true}`...)
	case KindL:
		b = append(b, `{"L":[`...)
		for i, e := range v.List() {
			if i > 0 {
				b = append(b, ',')
			}
			b = e.appendJSON(b)
		}
		b = append(b, ']')
	case KindM:
		b = append(b, `{"M":`...)
		b = v.Map().appendJSON(b)
	default:
		b = append(append(append(b, `{"`...), v.kind.String()...), `":[`...)
		for i, e := range v.List() {
			if i > 0 {
				b = append(b, ',')
			}
			switch e.kind {
			case KindB:
				b = append(b, '"')
				b = append(base64.StdEncoding.AppendEncode(b, []byte(e.s)), '"')
			default:
				b = jsontext.AppendString(b, e.s)
			}
		}
		b = append(b, ']')
	}
	return append(b, '}')
}

func (it Item) appendJSON(b []byte) []byte {
	b = append(b, '{')
	for i := range it {
		if i > 0 {
			b = append(b, ',')
		}
		b = jsontext.AppendString(b, it[i].Name)
		b = append(b, ':')
		b = it[i].Value.appendJSON(b)
	}
	return append(b, '}')
}

// MarshalJSON writes the item in the JSON protocol: {"pk":{"S":"a"}}.
func (it Item) MarshalJSON() ([]byte, error) { return it.appendJSON(nil), nil }

// MarshalJSON writes the value in the JSON protocol: {"S":"a"}.
func (v Value) MarshalJSON() ([]byte, error) { return v.appendJSON(nil), nil }
