package vtl

import (
	"fmt"
	"math/big"
)

func (s *stringLit) value(*exec) (any, error) { return s.s, nil }
func (*stringLit) truth(*exec) (bool, error)  { return false, nil }

func (c *constant) value(*exec) (any, error) { return c.v, nil }
func (*constant) truth(*exec) (bool, error)  { return false, nil }

func (b boolLit) value(*exec) (any, error)  { return bool(b), nil }
func (b boolLit) truth(*exec) (bool, error) { return bool(b), nil }

func (s *interpolated) value(e *exec) (any, error) {
	str, err := e.capture(s.body)
	if err != nil {
		return nil, err
	}
	if s.dropLast && str != "" {
		str = str[:len(str)-1]
	}
	return str, nil
}

func (*interpolated) truth(*exec) (bool, error) { return false, nil }

func (r *rangeLit) value(e *exec) (any, error) {
	x, err := r.from.value(e)
	if err != nil {
		return nil, err
	}
	y, err := r.to.value(e)
	if err != nil {
		return nil, err
	}
	if !isNumber(x) || !isNumber(y) {
		return nil, nil
	}
	from, to := int64(toInt32(x)), int64(toInt32(y))
	n, delta := to-from+1, int64(1)
	if from >= to {
		n, delta = from-to+1, -1
	}
	if n > maxItems {
		return nil, e.fail(r.pos, "a range of %d numbers", n)
	}
	if e.steps += int(n) / 8; e.steps > e.opts.MaxSteps {
		return nil, e.step(r.pos)
	}
	l := &List{Items: make([]any, n)}
	for i := range l.Items {
		l.Items[i] = int32(from)
		from += delta
	}
	return l, nil
}

func (*rangeLit) truth(*exec) (bool, error) { return false, nil }

func (l *listLit) value(e *exec) (any, error) {
	out := &List{Items: make([]any, len(l.items))}
	for i, x := range l.items {
		v, err := x.value(e)
		if err != nil {
			return nil, err
		}
		out.Items[i] = v
	}
	return out, nil
}

func (*listLit) truth(*exec) (bool, error) { return false, nil }

func (m *mapLit) value(e *exec) (any, error) {
	out := NewMap(len(m.keys))
	for i := range m.keys {
		k, err := m.keys[i].value(e)
		if err != nil {
			return nil, err
		}
		v, err := m.values[i].value(e)
		if err != nil {
			return nil, err
		}
		out.Put(k, v)
	}
	return out, nil
}

func (*mapLit) truth(*exec) (bool, error) { return false, nil }

func (g *group) value(e *exec) (any, error)  { return g.x.value(e) }
func (g *group) truth(e *exec) (bool, error) { return g.x.truth(e) }

func boxed(b bool, err error) (any, error) { return b, err }

func (n *notExpr) value(e *exec) (any, error) { return boxed(n.truth(e)) }
func (n *notExpr) truth(e *exec) (bool, error) {
	b, err := n.x.truth(e)
	return !b, err
}

func (a *andExpr) value(e *exec) (any, error) { return boxed(a.truth(e)) }
func (a *andExpr) truth(e *exec) (bool, error) {
	if b, err := a.x.truth(e); err != nil || !b {
		return false, err
	}
	return a.y.truth(e)
}

func (o *orExpr) value(e *exec) (any, error) { return boxed(o.truth(e)) }
func (o *orExpr) truth(e *exec) (bool, error) {
	if b, err := o.x.truth(e); err != nil || b {
		return b, err
	}
	return o.y.truth(e)
}

func (c *compare) value(e *exec) (any, error) { return boxed(c.truth(e)) }
func (c *compare) truth(e *exec) (bool, error) {
	x, err := c.x.value(e)
	if err != nil {
		return false, err
	}
	y, err := c.y.value(e)
	if err != nil {
		return false, err
	}
	if c.op == tEQ || c.op == tNE {
		eq, err := looseEqual(x, y)
		return eq == (c.op == tEQ), err
	}
	if !isNumber(x) || !isNumber(y) {
		return false, nil // Velocity logs an error and goes on
	}
	d, err := compareNumbers(x, y)
	if err != nil {
		return false, err
	}
	switch c.op {
	case tLT:
		return d < 0, nil
	case tLE:
		return d <= 0, nil
	case tGT:
		return d > 0, nil
	}
	return d >= 0, nil
}

// looseEqual is ==: numbers by value, values of one class by equals, all others
// by their text.
func looseEqual(x, y any) (bool, error) {
	if xs, ok := x.(string); ok {
		if ys, ok := y.(string); ok {
			return xs == ys, nil
		}
	}
	if isNumber(x) && isNumber(y) {
		d, err := compareNumbers(x, y)
		return d == 0, err
	}
	if x == nil || y == nil {
		return x == nil && y == nil, nil
	}
	if sameClass(x, y) {
		return javaEquals(x, y, 0)
	}
	xs, err := toString(x)
	if err != nil {
		return false, err
	}
	ys, err := toString(y)
	return xs == ys, err
}

func sameClass(x, y any) bool {
	switch x := x.(type) {
	case bool:
		_, ok := y.(bool)
		return ok
	case Char:
		_, ok := y.(Char)
		return ok
	case *Map:
		_, ok := y.(*Map)
		return ok
	case *List:
		l, ok := y.(*List)
		return ok && l.array == x.array
	case *view:
		v, ok := y.(*view)
		return ok && v.kind == x.kind
	case *entryRef:
		_, ok := y.(*entryRef)
		return ok
	}
	return x == y
}

// javaEquals is x.equals(y).
func javaEquals(x, y any, depth int) (bool, error) {
	if depth > maxNesting {
		return false, javaError("StackOverflowError: a value nests more than 500 deep")
	}
	switch x := x.(type) {
	case *big.Int:
		b, ok := y.(*big.Int)
		return ok && x.Cmp(b) == 0, nil
	case *List:
		l, ok := y.(*List)
		if !ok || x.array || l.array {
			return any(x) == y, nil
		}
		if x == l {
			return true, nil
		}
		if len(x.Items) != len(l.Items) {
			return false, nil
		}
		for i := range x.Items {
			if eq, err := javaEquals(x.Items[i], l.Items[i], depth+1); !eq || err != nil {
				return false, err
			}
		}
		return true, nil
	case *Map:
		m, ok := y.(*Map)
		if !ok || m.n != x.n {
			return false, nil
		}
		if x == m {
			return true, nil
		}
		for _, en := range x.Entries() {
			v, ok := m.Get(en.Key)
			if !ok {
				return false, nil
			}
			if eq, err := javaEquals(en.Value, v, depth+1); !eq || err != nil {
				return false, err
			}
		}
		return true, nil
	case *entryRef:
		r, ok := y.(*entryRef)
		if !ok {
			return false, nil
		}
		if eq, err := javaEquals(x.key, r.key, depth+1); !eq || err != nil {
			return false, err
		}
		return javaEquals(x.value(), r.value(), depth+1)
	case *view:
		v, ok := y.(*view)
		if !ok || x.kind == valuesView || v.kind == valuesView {
			return any(x) == y, nil
		}
		a, b := x.items(), v.items()
		if len(a) != len(b) {
			return false, nil
		}
		for _, it := range a {
			found, err := indexOf(b, it)
			if found < 0 || err != nil {
				return false, err
			}
		}
		return true, nil
	case float64:
		f, ok := y.(float64)
		return ok && (x == f || x != x && f != f), nil
	}
	switch y.(type) {
	case *List, *Map, *big.Int, *view, *entryRef:
		return false, nil
	}
	return x == y, nil
}

func indexOf(items []any, v any) (int, error) {
	for i := range items {
		eq, err := javaEquals(items[i], v, 0)
		if err != nil {
			return -1, err
		}
		if eq {
			return i, nil
		}
	}
	return -1, nil
}

func (a *arith) value(e *exec) (any, error) {
	x, err := a.x.value(e)
	if err != nil {
		return nil, err
	}
	y, err := a.y.value(e)
	if err != nil {
		return nil, err
	}
	if a.op == tPlus {
		_, xs := x.(string)
		_, ys := y.(string)
		if xs || ys {
			return a.concat(e, x, y)
		}
	}
	if !isNumber(x) || !isNumber(y) {
		return nil, nil // Velocity logs it and goes on with null
	}
	v, err := arithmetic(a.op, x, y)
	if err != nil {
		return nil, e.wrap(a.pos, err)
	}
	return v, nil
}

func (*arith) truth(*exec) (bool, error) { return false, nil }

// concat joins texts; a null is replaced by the source text of its side.
func (a *arith) concat(e *exec, x, y any) (any, error) {
	xs, ys := a.xText, a.yText
	var err error
	if x != nil {
		if xs, err = e.text(x, a.pos); err != nil {
			return nil, err
		}
	}
	if y != nil {
		if ys, err = e.text(y, a.pos); err != nil {
			return nil, err
		}
	}
	if len(xs)+len(ys) > e.opts.MaxOutput {
		return nil, e.fail(a.pos, "a string is longer than %d bytes", e.opts.MaxOutput)
	}
	if e.steps += (len(xs) + len(ys)) / 1024; e.steps > e.opts.MaxSteps {
		return nil, e.step(a.pos)
	}
	return xs + ys, nil
}

// text is a value's toString, also of a #define block.
func (e *exec) text(v any, pos int) (string, error) {
	if b, ok := v.(*block); ok {
		start := len(e.out)
		done, err := b.renderTo(e)
		s := string(e.out[start:])
		e.out = e.out[:start]
		if err == nil && !done {
			err = fmt.Errorf("the block $%s is used within itself", b.def.name)
		}
		if err != nil {
			return "", e.wrap(pos, err)
		}
		return s, nil
	}
	s, err := toString(v)
	if err != nil {
		return "", e.wrap(pos, err)
	}
	return s, nil
}
