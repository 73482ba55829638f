package dynamodb

import (
	"strconv"
	"strings"
)

// lookup finds what a path leads to in an item; Kind zero if nothing.
func (b *binding) lookup(it Item, p path) Value {
	v := it.Get(b.name(p[0]))
	for _, e := range p[1:] {
		switch {
		case e.index >= 0 && v.kind == KindL && e.index < len(v.c.elems):
			v = v.c.elems[e.index]
		case e.index < 0 && v.kind == KindM:
			v = v.Map().Get(b.name(e))
		default:
			return Value{}
		}
	}
	return v
}

func (b *binding) resolve(o operand, it Item) Value {
	switch o.kind {
	case operandValue:
		return b.value(o)
	case operandPath:
		return b.lookup(it, o.path)
	}
	n, ok := sizeOf(b.resolve(o.args[0], it))
	if !ok {
		return Value{}
	}
	return numberValue(strconv.Itoa(n))
}

// sizeOf is the size function: characters of a string, bytes of a binary,
// elements of a set, list or map. Nothing else has a size.
func sizeOf(v Value) (int, bool) {
	switch v.kind {
	case KindS:
		return utf16Len(v.s), true
	case KindB:
		return len(v.s), true
	case KindM:
		return len(v.Map()), true
	case KindL, KindSS, KindNS, KindBS:
		return len(v.List()), true
	}
	return 0, false
}

// utf16Len counts as the service's own strings do.
func utf16Len(s string) int {
	n := 0
	for _, r := range s {
		n++
		if r > 0xFFFF {
			n++
		}
	}
	return n
}

// holds tells if an item meets a condition. An operand that is missing, or of a
// type that cannot be compared, makes a comparison false, save for <>.
func (b *binding) holds(c *condition, it Item) bool {
	switch c.op {
	case "AND":
		return b.holds(c.subs[0], it) && b.holds(c.subs[1], it)
	case "OR":
		return b.holds(c.subs[0], it) || b.holds(c.subs[1], it)
	case "NOT":
		return !b.holds(c.subs[0], it)
	}
	left := b.resolve(c.args[0], it)
	switch c.op {
	case "attribute_exists":
		return left.kind != 0
	case "attribute_not_exists":
		return left.kind == 0
	case "attribute_type":
		return left.kind != 0 && left.kind.String() == b.resolve(c.args[1], it).s
	case "IN":
		for _, a := range c.args[1:] {
			if left.kind != 0 && equalValues(left, b.resolve(a, it)) {
				return true
			}
		}
		return false
	case "BETWEEN":
		low, high := b.resolve(c.args[1], it), b.resolve(c.args[2], it)
		return left.ordered() && low.kind == left.kind && high.kind == left.kind &&
			compareScalar(left, low) >= 0 && compareScalar(left, high) <= 0
	}
	right := b.resolve(c.args[1], it)
	switch c.op {
	case "=":
		return left.kind != 0 && equalValues(left, right)
	case "<>":
		return !equalValues(left, right)
	case "begins_with":
		return left.kind == right.kind && (left.kind == KindS || left.kind == KindB) && strings.HasPrefix(left.s, right.s)
	case "contains":
		return containsValue(left, right)
	}
	if !left.ordered() || left.kind != right.kind {
		return false
	}
	switch n := compareScalar(left, right); c.op {
	case "<":
		return n < 0
	case "<=":
		return n <= 0
	case ">":
		return n > 0
	default:
		return n >= 0
	}
}

func containsValue(in, v Value) bool {
	switch in.kind {
	case KindS, KindB:
		return in.kind == v.kind && strings.Contains(in.s, v.s)
	case KindSS, KindNS, KindBS:
		return in.kind.elementKind() == v.kind && setHas(in, v)
	case KindL:
		for _, e := range in.List() {
			if equalValues(e, v) {
				return true
			}
		}
	}
	return false
}

// project returns the parts of an item that the paths lead to. Elements taken
// out of a list close up.
func (b *binding) project(it Item, paths []path) Item {
	flat := true
	for _, p := range paths {
		flat = flat && len(p) == 1
	}
	out := make(Item, 0, len(paths))
	if flat {
		for _, p := range paths {
			name := b.name(p[0])
			if v := it.Get(name); v.kind != 0 {
				out = insertAttr(out, name, v)
			}
		}
		return out
	}
	for i := range it {
		var tails []path
		for _, p := range paths {
			if b.name(p[0]) == it[i].Name {
				tails = append(tails, p[1:])
			}
		}
		if v := b.prune(it[i].Value, tails); v.kind != 0 {
			out = append(out, Attr{it[i].Name, v})
		}
	}
	return out
}

// prune keeps of v what the paths, relative to it, lead to.
func (b *binding) prune(v Value, paths []path) Value {
	if len(paths) == 0 {
		return Value{}
	}
	for _, p := range paths {
		if len(p) == 0 {
			return v
		}
	}
	switch v.kind {
	case KindM:
		var attrs Item
		for _, a := range v.Map() {
			var tails []path
			for _, p := range paths {
				if p[0].index < 0 && b.name(p[0]) == a.Name {
					tails = append(tails, p[1:])
				}
			}
			if kept := b.prune(a.Value, tails); kept.kind != 0 {
				attrs = append(attrs, Attr{a.Name, kept})
			}
		}
		if attrs != nil {
			return mapValue(attrs)
		}
	case KindL:
		var elems []Value
		for i, e := range v.List() {
			var tails []path
			for _, p := range paths {
				if p[0].index == i {
					tails = append(tails, p[1:])
				}
			}
			if kept := b.prune(e, tails); kept.kind != 0 {
				elems = append(elems, kept)
			}
		}
		if elems != nil {
			return listValue(elems)
		}
	}
	return Value{}
}
