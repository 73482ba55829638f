package vtl

func listMethod(l *List, name string, args []any) (any, bool, error) {
	if l.array && name == "iterator" || l.array && name == "toArray" {
		return nil, false, nil
	}
	if out, ok, err := readMethod(l, l.Items, name, args); ok || err != nil {
		return out, ok, err
	}
	switch len(args) {
	case 0:
		if name == "clear" {
			if l.array {
				return nil, true, javaError("UnsupportedOperationException")
			}
			l.Items, l.mod = nil, l.mod+1
			return "", true, nil
		}
	case 1:
		return listOne(l, name, args)
	case 2:
		return listTwo(l, name, args)
	}
	return nil, false, nil
}

func (l *List) check(i, limit int) error {
	if i < 0 || i >= limit {
		return outOfRange("Index %d out of bounds for length %d", i, len(l.Items))
	}
	return nil
}

func (l *List) insert(i int, items ...any) {
	out := make([]any, 0, len(l.Items)+len(items))
	out = append(append(append(out, l.Items[:i]...), items...), l.Items[i:]...)
	l.Items, l.mod = out, l.mod+1
}

func (l *List) removeAt(i int) any {
	v := l.Items[i]
	l.Items = append(l.Items[:i:i], l.Items[i+1:]...)
	l.mod++
	return v
}

func listOne(l *List, name string, args []any) (any, bool, error) {
	i, isInt := integer(args, 0)
	switch name {
	case "get":
		if !isInt {
			return nil, false, nil
		}
		if err := l.check(i, len(l.Items)); err != nil {
			return nil, true, err
		}
		return l.Items[i], true, nil
	case "indexOf":
		n, err := indexOf(l.Items, args[0])
		return int32(n), true, err
	case "lastIndexOf":
		for n := len(l.Items) - 1; n >= 0; n-- {
			eq, err := javaEquals(l.Items[n], args[0], 0)
			if eq || err != nil {
				return int32(n), true, err
			}
		}
		return int32(-1), true, nil
	}
	if l.array {
		return arrayOne(l, name, args)
	}
	switch name {
	case "add":
		if len(l.Items) >= maxItems {
			return nil, true, errTooLong
		}
		l.Items = append(l.Items, args[0])
		l.mod++
		return true, true, nil
	case "remove":
		if isInt {
			if err := l.check(i, len(l.Items)); err != nil {
				return nil, true, err
			}
			return l.removeAt(i), true, nil
		}
		n, err := indexOf(l.Items, args[0])
		if n >= 0 {
			l.removeAt(n)
		}
		return n >= 0, true, err
	case "addAll", "removeAll", "retainAll":
		other, ok := collectionItems(args[0])
		if !ok {
			if args[0] == nil {
				return nil, true, errNull
			}
			return nil, false, nil
		}
		if name == "addAll" {
			if len(l.Items)+len(other) > maxItems {
				return nil, true, errTooLong
			}
			l.insert(len(l.Items), other...)
			return len(other) > 0, true, nil
		}
		return l.filter(other, name == "retainAll")
	}
	return nil, false, nil
}

// arrayOne are the changes that Velocity's list around an array refuses.
func arrayOne(l *List, name string, args []any) (any, bool, error) {
	fixed := javaError("UnsupportedOperationException: an array has a fixed length")
	switch name {
	case "add":
		return nil, true, fixed
	case "addAll", "removeAll", "retainAll":
		if args[0] == nil {
			return nil, true, errNull
		}
		if items, ok := collectionItems(args[0]); ok {
			if name == "addAll" && len(items) == 0 {
				return false, true, nil
			}
			return nil, true, fixed
		}
	case "remove":
		if _, isInt := integer(args, 0); isInt {
			return nil, true, fixed
		}
		i, err := indexOf(l.Items, args[0])
		if err == nil && i >= 0 {
			err = fixed
		}
		return false, true, err
	}
	return nil, false, nil
}

func (l *List) filter(other []any, keep bool) (any, bool, error) {
	var out []any
	for _, it := range l.Items {
		i, err := indexOf(other, it)
		if err != nil {
			return nil, true, err
		}
		if (i >= 0) == keep {
			out = append(out, it)
		}
	}
	changed := len(out) != len(l.Items)
	if changed {
		l.Items, l.mod = out, l.mod+1
	}
	return changed, true, nil
}

func listTwo(l *List, name string, args []any) (any, bool, error) {
	i, isInt := integer(args, 0)
	if !isInt {
		return nil, false, nil
	}
	switch name {
	case "set":
		if err := l.check(i, len(l.Items)); err != nil {
			return nil, true, err
		}
		if l.array {
			if _, ok := args[1].(string); !ok {
				return nil, true, javaError("IllegalArgumentException: array element type mismatch")
			}
		}
		old := l.Items[i]
		l.Items[i] = args[1]
		return old, true, nil
	case "add":
		if l.array {
			return nil, true, javaError("UnsupportedOperationException: an array has a fixed length")
		}
		if err := l.check(i, len(l.Items)+1); err != nil {
			return nil, true, err
		}
		l.insert(i, args[1])
		return "", true, nil
	case "addAll":
		other, ok := collectionItems(args[1])
		if args[1] == nil {
			return nil, true, errNull
		}
		if !ok || l.array {
			return nil, false, nil
		}
		if err := l.check(i, len(l.Items)+1); err != nil {
			return nil, true, err
		}
		if len(l.Items)+len(other) > maxItems {
			return nil, true, errTooLong
		}
		l.insert(i, other...)
		return len(other) > 0, true, nil
	case "subList":
		j, ok := integer(args, 1)
		if !ok {
			return nil, false, nil
		}
		if i < 0 || j > len(l.Items) || i > j {
			return nil, true, outOfRange("subList(%d, %d) of %d items", i, j, len(l.Items))
		}
		// A copy: Java's is a view, which differs only if one of both is changed afterwards.
		return &List{Items: append([]any(nil), l.Items[i:j]...)}, true, nil
	}
	return nil, false, nil
}
