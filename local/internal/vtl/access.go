package vtl

import "fmt"

func (r *reference) value(e *exec) (any, error) {
	if r.runt || r.inert {
		return nil, nil
	}
	return r.resolve(e)
}

// truth: null is false, a Boolean is itself, everything else is true.
func (r *reference) truth(e *exec) (bool, error) {
	v, err := r.resolve(e)
	if err != nil || v == nil {
		return false, err
	}
	if b, ok := v.(bool); ok {
		return b, nil
	}
	return true, nil
}

func (r *reference) resolve(e *exec) (any, error) {
	if r.runt || r.inert {
		return nil, nil
	}
	v, err := e.get(r.sym)
	if err != nil {
		return nil, err
	}
	for i := range r.steps {
		if v == nil {
			return nil, nil
		}
		if v, err = e.follow(v, &r.steps[i]); err != nil {
			return nil, err
		}
	}
	return v, nil
}

// follow takes one step from a value that is not null.
func (e *exec) follow(v any, s *step) (any, error) {
	switch s.kind {
	case propertyStep:
		if m, ok := v.(*Map); ok {
			if s.name == "class" || s.name == "Class" {
				return nil, e.fail(s.pos, "$map.class (the Java class) is not modelled; write $map.get(%q)", s.name)
			}
			out, _ := m.Get(s.name)
			return out, nil
		}
		out, ok, err := property(v, s.name)
		return e.result(v, s, out, ok, err, 0)
	case indexStep:
		return e.index(v, s)
	}
	var buf [4]any
	args := buf[:0]
	for _, a := range s.args {
		x, err := a.value(e)
		if err != nil {
			return nil, err
		}
		args = append(args, x)
	}
	if _, ok := v.(Object); ok {
		args = append([]any(nil), args...)
	}
	if err := e.step(s.pos); err != nil {
		return nil, err
	}
	out, ok, err := call(e, v, s.name, args)
	return e.result(v, s, out, ok, err, len(args))
}

// result checks what a member gave and reports one that does not exist.
func (e *exec) result(v any, s *step, out any, ok bool, err error, n int) (any, error) {
	if err != nil {
		switch err.(type) {
		case *located, *stopSignal:
			return nil, err
		}
		return nil, e.fail(s.pos, "%s.%s: %w", javaType(v), memberName(s), err)
	}
	if !ok {
		if s.kind == methodStep {
			e.warn(s.pos, "%s has no method %s for these %d arguments; it renders as its source text", javaType(v), s.name, n)
		} else {
			e.warn(s.pos, "%s has no property %s; it renders as its source text", javaType(v), s.name)
		}
		return nil, nil
	}
	switch out := out.(type) {
	case string:
		if len(out) > e.opts.MaxOutput {
			return nil, e.fail(s.pos, "a string is longer than %d bytes", e.opts.MaxOutput)
		}
		e.steps += len(out) / 1024
	case *List:
		if len(out.Items) > maxItems {
			return nil, e.fail(s.pos, "a list of more than %d items", maxItems)
		}
	}
	if _, isObject := v.(Object); isObject {
		if err := checkValue(out); err != nil {
			return nil, e.fail(s.pos, "%s.%s: %w", javaType(v), memberName(s), err)
		}
	}
	return out, nil
}

func memberName(s *step) string {
	switch s.kind {
	case methodStep:
		return s.name + "()"
	case indexStep:
		return "get()"
	}
	return s.name
}

// index is $x[i]: a call of get, with -1 as the last item.
func (e *exec) index(v any, s *step) (any, error) {
	key, err := s.args[0].value(e)
	if err != nil {
		return nil, err
	}
	if ix, ok := v.(Indexer); ok {
		out, found, err := ix.Index(key)
		return e.result(v, s, out, found, err, 1)
	}
	if key, err = e.fromEnd(v, key, s); err != nil {
		return nil, err
	}
	out, ok, err := call(e, v, "get", []any{key})
	return e.result(v, s, out, ok, err, 1)
}

func (e *exec) fromEnd(v, key any, s *step) (any, error) {
	i, ok := key.(int32)
	if !ok || i >= 0 {
		return key, nil
	}
	size, ok, err := call(e, v, "size", nil)
	if err != nil {
		return nil, err
	}
	n, isInt := size.(int32)
	if !ok || !isInt {
		return nil, e.fail(s.pos, "a negative index needs a size(), which %s has not", javaType(v))
	}
	return n + i, nil
}

// assign is #set($x.y = v), #set($x[0] = v) and the like.
func (r *reference) assign(e *exec, v any) error {
	target, err := e.get(r.sym)
	if err != nil {
		return err
	}
	last := &r.steps[len(r.steps)-1]
	for i := 0; i < len(r.steps)-1 && target != nil; i++ {
		if target, err = e.follow(target, &r.steps[i]); err != nil {
			return err
		}
	}
	if target == nil {
		return nil // Velocity logs it and goes on
	}
	if last.kind == indexStep {
		key, err := last.args[0].value(e)
		if err != nil {
			return err
		}
		if key, err = e.fromEnd(target, key, last); err != nil {
			return err
		}
		name := "set"
		if _, isList := target.(*List); !isList {
			name = "put"
		}
		_, ok, err := call(e, target, name, []any{key, v})
		_, err = e.result(target, last, nil, ok, err, 2)
		return err
	}
	switch t := target.(type) {
	case *Map:
		t.Put(last.name, v)
		return nil
	case *foreachScope:
		t.stored().Put(last.name, v)
		return nil
	case *entryRef:
		if last.name == "value" || last.name == "Value" {
			t.m.Put(t.key, v)
			return nil
		}
	case Settable:
		if err := t.SetProperty(last.name, v); err != nil {
			return e.fail(last.pos, "%s.%s: %w", javaType(target), last.name, err)
		}
		return nil
	}
	e.warn(last.pos, "%s has no property %s to set", javaType(target), last.name)
	return nil
}

func (s *foreachScope) stored() *Map {
	if s.values == nil {
		s.values = NewMap(0)
	}
	return s.values
}

func (s *foreachScope) get(key any) any {
	if v, ok := s.stored().Get(key); ok {
		return v
	}
	if s.parent != nil {
		return s.parent.get(key)
	}
	return nil
}

func (s *foreachScope) topmost() *foreachScope {
	for s.parent != nil {
		s = s.parent
	}
	return s
}

// property is $v.name for everything but maps: a getter, then an is-getter.
func property(v any, name string) (any, bool, error) {
	switch v := v.(type) {
	case Object:
		return v.Property(name)
	case *foreachScope:
		switch name {
		case "index", "Index":
			return v.index, true, nil
		case "count", "Count":
			return v.index + 1, true, nil
		case "hasNext", "HasNext":
			return v.hasNext, true, nil
		case "first", "First":
			return v.index < 1, true, nil
		case "last", "Last":
			return !v.hasNext, true, nil
		case "parent", "Parent":
			if v.parent == nil {
				return nil, true, nil
			}
			return v.parent, true, nil
		case "topmost", "Topmost":
			return v.topmost(), true, nil
		case "replaced", "Replaced":
			return v.topmost().replaced, true, nil
		case "info", "Info", "class", "Class":
			return nil, false, fmt.Errorf("not modelled")
		}
		return v.get(name), true, nil
	case *entryRef:
		switch name {
		case "key", "Key":
			return v.key, true, nil
		case "value", "Value":
			return v.value(), true, nil
		}
	case string:
		if name == "empty" || name == "Empty" {
			return v == "", true, nil
		}
		if name == "bytes" || name == "Bytes" || name == "blank" || name == "Blank" {
			return nil, false, fmt.Errorf("Java has this property, but it is not modelled")
		}
	case *List, *view:
		if name == "empty" || name == "Empty" {
			return call(nil, v, "isEmpty", nil)
		}
	case float64:
		switch name {
		case "naN", "NaN":
			return v != v, true, nil
		case "infinite", "Infinite":
			return v-v != 0 && v == v, true, nil
		}
	case *block:
		return nil, false, fmt.Errorf("a #define block has no modelled properties")
	}
	if name == "class" || name == "Class" {
		return nil, false, fmt.Errorf("the Java class is not modelled")
	}
	return nil, false, nil
}
