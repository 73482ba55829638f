package dynamodb

import (
	"cmp"
	"slices"

	"github.com/orderflow-cdk/orderflow/local/internal/api"
)

func validation(format string, args ...any) *api.Error {
	return api.Errorf("ValidationException", format, args...)
}

var (
	errOperandType  = validation("An operand in the update expression has an incorrect data type")
	errNoAttribute  = validation("The provided expression refers to an attribute that does not exist in the item")
	errDocumentPath = validation("The document path provided in the update expression is invalid for update")
)

// apply returns the item that an update makes of old. All right-hand sides see
// old; list indexes mean old's elements, too: removed elements leave at the end.
func (b *binding) apply(old Item) (Item, error) {
	actions := b.expr.actions
	values := make([]Value, len(actions))
	for i := range actions {
		if actions[i].section == "SET" {
			v, err := b.setValue(actions[i].value, old)
			if err != nil {
				return nil, err
			}
			values[i] = v
		}
	}
	w := worker{b: b, item: make(Item, len(old), len(old)+len(actions))}
	copy(w.item, old)
	for _, i := range inListOrder(actions) {
		a := &actions[i]
		var err error
		switch a.section {
		case "SET":
			err = w.change(a.path, func(Value) (Value, error) { return values[i], nil })
		case "REMOVE":
			err = w.change(a.path, func(Value) (Value, error) { return Value{}, nil })
		case "ADD":
			err = w.change(a.path, func(v Value) (Value, error) { return addTo(v, b.value(a.value)) })
		case "DELETE":
			err = w.change(a.path, func(v Value) (Value, error) { return deleteFrom(v, b.value(a.value)) })
		}
		if err != nil {
			return nil, err
		}
	}
	if w.holes {
		for i := range w.item {
			w.item[i].Value = closeUp(w.item[i].Value)
		}
	}
	return w.item, nil
}

// inListOrder is the order in which to apply the actions: as written, except
// that elements of lists go by index, because those beyond the end are appended.
func inListOrder(actions []updateAction) []int {
	order := make([]int, len(actions))
	lists := false
	for i := range actions {
		order[i] = i
		lists = lists || actions[i].path[len(actions[i].path)-1].index >= 0
	}
	if lists {
		slices.SortStableFunc(order, func(x, y int) int {
			p, q := actions[x].path, actions[y].path
			return cmp.Compare(p[len(p)-1].index, q[len(q)-1].index)
		})
	}
	return order
}

func addTo(v, operand Value) (Value, error) {
	switch {
	case v.kind == 0:
		return operand, nil
	case v.kind != operand.kind:
		return v, errOperandType
	case v.kind == KindN:
		return arithmetic(v, operand, false)
	}
	return setUnion(v, operand), nil
}

func deleteFrom(v, operand Value) (Value, error) {
	switch {
	case v.kind == 0:
		return v, nil
	case v.kind != operand.kind:
		return v, errOperandType
	}
	if v = setMinus(v, operand); len(v.List()) == 0 {
		return Value{}, nil
	}
	return v, nil
}

func arithmetic(x, y Value, subtract bool) (Value, error) {
	if x.kind != KindN || y.kind != KindN {
		return x, errOperandType
	}
	s, problem := addNumbers(x.s, y.s, subtract)
	if problem != "" {
		return x, validation("%s", problem)
	}
	return numberValue(s), nil
}

func (b *binding) setValue(o operand, old Item) (Value, error) {
	switch o.kind {
	case operandValue:
		return b.value(o), nil
	case operandPath:
		v := b.lookup(old, o.path)
		if v.kind == 0 {
			return v, errNoAttribute
		}
		return v, nil
	}
	if o.fn == "if_not_exists" {
		if v := b.lookup(old, o.args[0].path); v.kind != 0 {
			return v, nil
		}
		return b.setValue(o.args[1], old)
	}
	x, err := b.setValue(o.args[0], old)
	if err != nil {
		return x, err
	}
	y, err := b.setValue(o.args[1], old)
	if err != nil {
		return y, err
	}
	if o.fn != "list_append" {
		return arithmetic(x, y, o.fn == "-")
	}
	if x.kind != KindL || y.kind != KindL {
		return x, errOperandType
	}
	return listValue(slices.Concat(x.List(), y.List())), nil
}

// worker holds an item that is being updated: its own top level, sharing what is below.
type worker struct {
	b    *binding
	item Item
	// holes tells that a removed list element left an empty Value behind.
	holes bool
}

// change replaces what stands at a path; no value removes.
func (w *worker) change(p path, f func(Value) (Value, error)) error {
	name := w.b.name(p[0])
	i, ok := w.item.index(name)
	var v Value
	if ok {
		v = w.item[i].Value
	}
	var err error
	if len(p) == 1 {
		v, err = f(v)
	} else {
		v, err = w.inside(v, p[1:], f)
	}
	switch {
	case err != nil:
		return err
	case v.kind == 0 && ok:
		w.item = slices.Delete(w.item, i, i+1)
	case v.kind == 0:
	case ok:
		w.item[i].Value = v
	default:
		w.item = slices.Insert(w.item, i, Attr{name, v})
	}
	return nil
}

func (w *worker) inside(v Value, p path, f func(Value) (Value, error)) (Value, error) {
	e := p[0]
	var child Value
	switch {
	case e.index >= 0 && v.kind == KindL:
		if e.index < len(v.List()) {
			child = v.List()[e.index]
		}
	case e.index < 0 && v.kind == KindM:
		child = v.Map().Get(w.b.name(e))
	default:
		return v, errDocumentPath
	}
	var err error
	if len(p) == 1 {
		child, err = f(child)
	} else {
		child, err = w.inside(child, p[1:], f)
	}
	if err != nil {
		return v, err
	}
	if e.index < 0 {
		if child.kind == 0 {
			return mapValue(v.Map().without(w.b.name(e))), nil
		}
		return mapValue(v.Map().with(w.b.name(e), child)), nil
	}
	elems := v.List()
	if e.index >= len(elems) {
		if child.kind == 0 {
			return v, nil
		}
		return listValue(append(slices.Clip(elems), child)), nil
	}
	w.holes = w.holes || child.kind == 0
	elems = slices.Clone(elems)
	elems[e.index] = child
	return listValue(elems), nil
}

// closeUp drops the holes from the lists in v.
func closeUp(v Value) Value {
	switch v.kind {
	case KindL:
		elems := make([]Value, 0, len(v.List()))
		for _, e := range v.List() {
			if e.kind != 0 {
				elems = append(elems, closeUp(e))
			}
		}
		return listValue(elems)
	case KindM:
		m := slices.Clone(v.Map())
		for i := range m {
			m[i].Value = closeUp(m[i].Value)
		}
		return mapValue(m)
	}
	return v
}
