package jsonpath

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Get evaluates the path: one value for a definite path, which has to be there
// (NotFoundError), else an array, possibly empty, of all that the path finds. What it returns is
// shared with the document.
func (p *Path) Get(doc any) (any, error) {
	if p.names != nil {
		if v, ok := walkNames(doc, p.names); ok {
			return v, nil
		}
	}
	return p.get(doc, doc, false)
}

func walkNames(v any, names []string) (any, bool) {
	for _, n := range names {
		m, ok := v.(map[string]any)
		if !ok {
			return nil, false
		}
		if v, ok = m[n]; !ok {
			return nil, false
		}
	}
	return v, true
}

// get evaluates a path on an item of a document. strict is the way in which a filter
// asks whether something is there.
func (p *Path) get(item, root any, strict bool) (any, error) {
	if len(p.tokens) == 0 {
		return item, nil
	}
	e := evaluation{path: p, root: root, strict: strict}
	if err := e.step(0, item); err != nil {
		return nil, err
	}
	if !p.definite {
		if e.found == nil {
			return []any{}, nil
		}
		return e.found, nil
	}
	if len(e.found) == 0 {
		return nil, &NotFoundError{"No results for path: " + render(p.tokens, 0)}
	}
	return e.found[len(e.found)-1], nil
}

type evaluation struct {
	path   *Path
	root   any
	strict bool
	found  []any
}

// step applies the step i to v.
func (e *evaluation) step(i int, v any) error {
	t := &e.path.tokens[i]
	switch t.kind {
	case nameToken:
		return e.name(i, t, v)
	case indexToken, sliceToken:
		return e.element(i, t, v)
	case wildcardToken:
		switch v := v.(type) {
		case map[string]any:
			for _, k := range sortedKeys(v) {
				if err := e.tolerate(e.on(i, v[k])); err != nil {
					return err
				}
			}
		case []any:
			for _, c := range v {
				if err := e.tolerate(e.on(i, c)); err != nil {
					return err
				}
			}
		}
	case scanToken:
		return e.scan(i+1, v)
	case filterToken:
		return e.filter(i, t, v)
	case functionToken:
		out, err := t.call.apply(v, e.root)
		if err != nil {
			return err
		}
		e.found = append(e.found, out)
	}
	return nil
}

// on goes on after the step i with what it found.
func (e *evaluation) on(i int, v any) error {
	if e.path.tokens[i].leaf {
		e.found = append(e.found, v)
		return nil
	}
	return e.step(i+1, v)
}

// tolerate drops the error of a path that leads nowhere.
func (e *evaluation) tolerate(err error) error {
	var missing *NotFoundError
	if !e.strict && errors.As(err, &missing) {
		return nil
	}
	return err
}

func (e *evaluation) name(i int, t *token, v any) error {
	m, ok := v.(map[string]any)
	if !ok {
		if !t.reliable {
			return nil
		}
		return &NotFoundError{fmt.Sprintf(
			"Expected to find an object with property [%s] in path %s but found '%s'. This is not a json object according to the JsonProvider: 'com.jayway.jsonpath.spi.json.JacksonJsonProvider'.",
			t.quoted(t.quote), render(e.path.tokens[:i], '\''), javaType(v))}
	}
	if len(t.names) > 1 && t.leaf {
		merged := make(map[string]any, len(t.names))
		for _, n := range t.names {
			c, ok := m[n]
			if !ok {
				if e.strict {
					return &NotFoundError{"Missing property in path " + render(e.path.tokens[:i+1], '\'')}
				}
				continue
			}
			merged[n] = c
		}
		e.found = append(e.found, merged)
		return nil
	}
	for _, n := range t.names {
		c, ok := m[n]
		switch {
		case ok:
			if err := e.on(i, c); err != nil {
				return err
			}
		case t.leaf:
			if e.strict {
				return &NotFoundError{"No results for path: " + render(e.path.tokens, 0)}
			}
		case t.reliable && t.definite() || e.strict:
			return &NotFoundError{"Missing property in path " + render(e.path.tokens[:i+1], '\'')}
		}
	}
	return nil
}

func (e *evaluation) element(i int, t *token, v any) error {
	list, ok := v.([]any)
	if !ok {
		switch {
		case !t.reliable:
			return nil
		case v == nil:
			return &NotFoundError{fmt.Sprintf("The path %s is null", render(e.path.tokens[:i], '\''))}
		}
		return &NotFoundError{fmt.Sprintf("Filter: %s can only be applied to arrays. Current context is: %s", strings.TrimPrefix(render([]token{*t}, 0), "$"), Text(v))}
	}
	if t.kind == indexToken {
		for _, n := range t.indices {
			if err := e.at(i, list, n); err != nil {
				return err
			}
		}
		return nil
	}
	s, n := t.slice, len(list)
	if n == 0 {
		return nil
	}
	from, to := 0, n
	switch {
	case s.hasFrom && s.hasTo: // here a negative bound is the same as far back from the end, element by element
		from, to = s.from, min(n, s.to)
	case s.hasFrom:
		if from = s.from; from < 0 {
			from = max(0, n+from)
		}
	default:
		if to = s.to; to < 0 {
			to += n
		}
		to = min(n, to)
	}
	for ; from < to; from++ {
		if err := e.at(i, list, from); err != nil {
			return err
		}
	}
	return nil
}

func (e *evaluation) at(i int, list []any, n int) error {
	if n < 0 {
		n += len(list)
	}
	if n < 0 || n >= len(list) {
		return nil
	}
	return e.on(i, list[n])
}

func (e *evaluation) filter(i int, t *token, v any) error {
	switch v := v.(type) {
	case map[string]any:
		ok, err := e.accepts(t, v)
		if err != nil || !ok {
			return err
		}
		return e.on(i, v)
	case []any:
		for _, c := range v {
			ok, err := e.accepts(t, c)
			if err != nil {
				return err
			}
			if ok {
				if err := e.on(i, c); err != nil {
					return err
				}
			}
		}
		return nil
	}
	if t.reliable {
		return &EvalError{fmt.Sprintf("Filter: [?] can not be applied to primitives. Current context is: %s", Text(v)), true}
	}
	return nil
}

// accepts is whether a filter's condition is true of v. One that cannot be
// evaluated, as a comparison with a list that is none, is not.
func (e *evaluation) accepts(t *token, v any) (bool, error) {
	ok, err := t.filter.holds(v, e.root)
	var missing *NotFoundError
	var bad *EvalError
	if err != nil && (errors.As(err, &missing) || errors.As(err, &bad) && bad.tolerable) {
		return false, nil
	}
	return ok, err
}

// scan applies the step i to v and to all below it. Jayway does not apply a step that is
// not the last one to an array itself: it goes on with each of the array's elements.
func (e *evaluation) scan(i int, v any) error {
	t := &e.path.tokens[i]
	switch v := v.(type) {
	case map[string]any:
		ok, err := e.scans(t, v)
		if err != nil {
			return err
		}
		if ok {
			if err := e.step(i, v); err != nil {
				return err
			}
		}
		for _, k := range sortedKeys(v) {
			if err := e.scan(i, v[k]); err != nil {
				return err
			}
		}
	case []any:
		ok, err := e.scans(t, v)
		if err != nil {
			return err
		}
		if ok && t.leaf {
			if err := e.step(i, v); err != nil {
				return err
			}
		} else if ok {
			for _, c := range v {
				if err := e.step(i+1, c); err != nil {
					return err
				}
			}
		}
		for _, c := range v {
			if err := e.scan(i, c); err != nil {
				return err
			}
		}
	}
	return nil
}

// scans tells whether a step after .. looks at v.
func (e *evaluation) scans(t *token, v any) (bool, error) {
	switch t.kind {
	case nameToken:
		m, ok := v.(map[string]any)
		if !ok || !t.definite() {
			return ok, nil
		}
		for _, n := range t.names {
			if _, ok := m[n]; !ok {
				return false, nil
			}
		}
		return true, nil
	case indexToken, sliceToken:
		_, ok := v.([]any)
		return ok, nil
	case wildcardToken:
		return true, nil
	case filterToken:
		return e.accepts(t, v)
	}
	return false, nil
}

func sortedKeys(m map[string]any) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
