package apigateway

import (
	"fmt"
	"math/big"
	"strings"

	"github.com/orderflow-cdk/orderflow/local/internal/vtl"
)

// jsonPath is a compiled JSONPath in the dialect of Jayway's JsonPath, which
// API Gateway uses: $, .name, ['name'], ['a','b'], [0], [-1], [0,1], [1:3],
// [*], .*, ..name, [?(…)] and .length().
type jsonPath struct {
	source   string
	steps    []step
	definite bool // leads to at most one value; else the result is a list
}

type stepKind uint8

const (
	stepName stepKind = iota
	stepNames
	stepIndex
	stepIndexes
	stepSlice
	stepWildcard
	stepFilter
	stepLength
)

type step struct {
	kind       stepKind
	descend    bool // ".." before it
	names      []string
	indexes    []int
	from, to   int
	fromOK, ok bool
	filter     filter
}

const maxPathSteps = 200

func compileJSONPath(src string) (*jsonPath, error) {
	p := pathParser{src: src, s: strings.TrimSpace(src)}
	if p.s == "" {
		return nil, fmt.Errorf("JSONPath is empty")
	}
	switch p.s[0] {
	case '$':
		p.i = 1
	case '[':
	default:
		p.s = "." + p.s // Jayway puts "$." before a path without root
	}
	out := &jsonPath{source: src, definite: true}
	for p.i < len(p.s) {
		st, err := p.step()
		if err != nil {
			return nil, fmt.Errorf("JSONPath %q: %w", src, err)
		}
		if len(out.steps) == maxPathSteps {
			return nil, fmt.Errorf("JSONPath %q: more than %d steps", src, maxPathSteps)
		}
		if st.descend || st.kind != stepName && st.kind != stepIndex && st.kind != stepLength && st.kind != stepNames {
			out.definite = false
		}
		out.steps = append(out.steps, st)
	}
	return out, nil
}

// eval returns what the path leads to, and false where a definite path leads
// to nothing. An indefinite path always leads to a list.
func (p *jsonPath) eval(root any) (any, bool) {
	if p.definite {
		v := root
		for i := range p.steps {
			var ok bool
			if v, ok = p.steps[i].one(v); !ok {
				return nil, false
			}
		}
		return v, true
	}
	current := []any{root}
	for i := range p.steps {
		st := &p.steps[i]
		var next []any
		for _, v := range current {
			if st.descend {
				descend(v, func(d any) { next = st.many(d, root, next) })
			} else {
				next = st.many(v, root, next)
			}
		}
		current = next
	}
	return vtl.NewList(current...), true
}

// one takes a definite step.
func (st *step) one(v any) (any, bool) {
	switch st.kind {
	case stepName:
		if m, ok := v.(*vtl.Map); ok {
			return m.Get(st.names[0])
		}
	case stepNames:
		if m, ok := v.(*vtl.Map); ok {
			out := vtl.NewMap(len(st.names))
			for _, n := range st.names {
				if e, ok := m.Get(n); ok {
					out.Put(n, e)
				}
			}
			return out, true
		}
	case stepIndex:
		if l, ok := v.(*vtl.List); ok {
			return at(l, st.indexes[0])
		}
	case stepLength:
		switch c := v.(type) {
		case *vtl.List:
			return int32(c.Len()), true
		case *vtl.Map:
			return int32(c.Len()), true
		case string:
			return int32(len([]rune(c))), true
		}
	}
	return nil, false
}

func at(l *vtl.List, i int) (any, bool) {
	if i < 0 {
		i += l.Len()
	}
	if i < 0 || i >= l.Len() {
		return nil, false
	}
	return l.Items[i], true
}

// many takes any step from v and appends what it leads to.
func (st *step) many(v, root any, out []any) []any {
	switch st.kind {
	case stepName, stepNames, stepIndex, stepLength:
		if e, ok := st.one(v); ok {
			out = append(out, e)
		}
	case stepWildcard:
		each(v, func(e any) { out = append(out, e) })
	case stepIndexes:
		if l, ok := v.(*vtl.List); ok {
			for _, i := range st.indexes {
				if e, ok := at(l, i); ok {
					out = append(out, e)
				}
			}
		}
	case stepSlice:
		if l, ok := v.(*vtl.List); ok {
			n := l.Len()
			from, to := 0, n
			if st.fromOK {
				from = clamp(st.from, n)
			}
			if st.ok {
				to = clamp(st.to, n)
			}
			if from < to {
				out = append(out, l.Items[from:to]...)
			}
		}
	case stepFilter:
		if l, ok := v.(*vtl.List); ok {
			for _, e := range l.Items {
				if st.filter.holds(e, root) {
					out = append(out, e)
				}
			}
		} else if m, ok := v.(*vtl.Map); ok && st.filter.holds(m, root) {
			out = append(out, m)
		}
	}
	return out
}

func clamp(i, n int) int {
	if i < 0 {
		i += n
	}
	return max(0, min(i, n))
}

func each(v any, f func(any)) {
	switch c := v.(type) {
	case *vtl.List:
		for _, e := range c.Items {
			f(e)
		}
	case *vtl.Map:
		for _, e := range c.Entries() {
			f(e.Value)
		}
	}
}

// descend visits v and everything below it.
func descend(v any, f func(any)) {
	f(v)
	each(v, func(e any) { descend(e, f) })
}

// number is a JSON number as one that compares exactly.
func number(v any) (*big.Float, bool) {
	switch n := v.(type) {
	case int32:
		return new(big.Float).SetInt64(int64(n)), true
	case int64:
		return new(big.Float).SetInt64(n), true
	case *big.Int:
		return new(big.Float).SetPrec(512).SetInt(n), true
	case float64:
		if n == n {
			return new(big.Float).SetFloat64(n), true
		}
	}
	return nil, false
}
