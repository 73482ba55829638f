package vtl

import "fmt"

func mapMethod(m *Map, name string, args []any) (any, bool, error) {
	switch len(args) {
	case 0:
		switch name {
		case "size":
			return int32(m.n), true, nil
		case "isEmpty":
			return m.n == 0, true, nil
		case "keySet":
			return &view{m, keysView}, true, nil
		case "values":
			return &view{m, valuesView}, true, nil
		case "entrySet":
			return &view{m, entriesView}, true, nil
		case "clear":
			m.clear()
			return "", true, nil
		}
	case 1:
		switch name {
		case "get":
			v, _ := m.Get(args[0])
			return v, true, nil
		case "containsKey":
			_, ok := m.Get(args[0])
			return ok, true, nil
		case "containsValue":
			i, err := indexOf((&view{m, valuesView}).items(), args[0])
			return i >= 0, true, err
		case "remove":
			return m.Remove(args[0]), true, nil
		case "putAll":
			o, ok := args[0].(*Map)
			if !ok {
				if args[0] == nil {
					return nil, true, errNull
				}
				return nil, false, nil
			}
			for _, e := range o.Entries() {
				m.Put(e.Key, e.Value)
			}
			return "", true, nil
		}
	case 2:
		old, had := m.Get(args[0])
		switch name {
		case "put":
			return m.Put(args[0], args[1]), true, nil
		case "getOrDefault":
			if had {
				return old, true, nil
			}
			return args[1], true, nil
		case "putIfAbsent":
			if old == nil {
				m.Put(args[0], args[1])
			}
			return old, true, nil
		case "replace":
			if had {
				m.Put(args[0], args[1])
			}
			return old, true, nil
		case "remove":
			eq, err := javaEquals(old, args[1], 0)
			if eq = eq && had; eq {
				m.Remove(args[0])
			}
			return eq, true, err
		}
	}
	if name == "replace" {
		return nil, false, fmt.Errorf("Java has this method, but it is not modelled for three arguments")
	}
	return nil, false, nil
}

// collectionItems are the items of a List, a view or an array-free argument.
func collectionItems(v any) ([]any, bool) {
	switch v := v.(type) {
	case *List:
		return v.Items, !v.array
	case *view:
		return v.items(), true
	}
	return nil, false
}

// readMethod are the methods that every collection has and that change nothing.
func readMethod(v any, items []any, name string, args []any) (any, bool, error) {
	if name == "toArray" && len(args) > 0 {
		return nil, false, fmt.Errorf("toArray with arguments is not modelled")
	}
	switch len(args) {
	case 0:
		switch name {
		case "size":
			return int32(len(items)), true, nil
		case "isEmpty":
			return len(items) == 0, true, nil
		case "iterator":
			return newIterator(v), true, nil
		case "toArray":
			return &List{Items: append([]any(nil), items...), array: true}, true, nil
		}
	case 1:
		switch name {
		case "contains":
			i, err := indexOf(items, args[0])
			return i >= 0, true, err
		case "containsAll":
			other, ok := collectionItems(args[0])
			if args[0] == nil {
				return nil, true, errNull
			}
			if !ok {
				return nil, false, nil
			}
			for _, it := range other {
				if i, err := indexOf(items, it); i < 0 || err != nil {
					return false, true, err
				}
			}
			return true, true, nil
		}
	}
	return nil, false, nil
}

func viewMethod(v *view, name string, args []any) (any, bool, error) {
	if out, ok, err := readMethod(v, v.items(), name, args); ok || err != nil {
		return out, ok, err
	}
	switch {
	case name == "clear" && len(args) == 0:
		v.m.clear()
		return "", true, nil
	case name == "remove" && len(args) == 1:
		for i := range v.m.slots {
			if !v.m.slots[i].live {
				continue
			}
			eq, err := javaEquals(v.at(i), args[0], 0)
			if err != nil {
				return nil, true, err
			}
			if eq {
				v.m.Remove(v.m.slots[i].Key)
				return true, true, nil
			}
		}
		return false, true, nil
	case (name == "add" || name == "addAll") && len(args) == 1:
		if name == "addAll" && args[0] == nil {
			return nil, true, errNull
		}
		if items, ok := collectionItems(args[0]); name == "addAll" && (!ok || len(items) == 0) {
			return false, ok, nil
		}
		return nil, true, javaError("UnsupportedOperationException: a map's view takes no additions")
	case (name == "removeAll" || name == "retainAll") && len(args) == 1:
		return nil, true, fmt.Errorf("Java has this method, but it is not modelled")
	}
	return nil, false, nil
}

func entryMethod(r *entryRef, name string, args []any) (any, bool, error) {
	switch {
	case name == "getKey" && len(args) == 0:
		return r.key, true, nil
	case name == "getValue" && len(args) == 0:
		return r.value(), true, nil
	case name == "setValue" && len(args) == 1:
		return r.m.Put(r.key, args[0]), true, nil
	}
	return nil, false, nil
}

func iteratorMethod(it *iterator, name string, args []any) (any, bool, error) {
	if len(args) != 0 {
		return nil, false, nil
	}
	switch name {
	case "hasNext":
		return it.hasNext(), true, nil
	case "next":
		v, err := it.next()
		return v, true, err
	}
	return nil, false, nil
}

func scopeMethod(s *foreachScope, name string, args []any) (any, bool, error) {
	switch len(args) {
	case 0:
		switch name {
		case "getIndex", "getCount", "getHasNext", "getFirst", "getLast", "getParent", "getTopmost", "getReplaced":
			return property(s, name[3:])
		case "isFirst", "isLast":
			return property(s, name[2:])
		case "hasNext":
			return s.hasNext, true, nil
		}
	case 1:
		if name == "get" {
			return s.get(args[0]), true, nil
		}
	case 2:
		if name == "put" {
			return s.stored().Put(args[0], args[1]), true, nil
		}
	}
	return nil, false, nil
}
