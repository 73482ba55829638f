package apigateway

import (
	"fmt"
	"math/big"
	"strconv"
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

type pathParser struct {
	src, s string
	i      int
}

func (p *pathParser) step() (step, error) {
	var st step
	switch p.s[p.i] {
	case '.':
		p.i++
		if p.i < len(p.s) && p.s[p.i] == '.' {
			p.i++
			st.descend = true
		}
		if p.i < len(p.s) && p.s[p.i] == '[' {
			if !st.descend {
				return st, fmt.Errorf("'.' before '[' at %d", p.i)
			}
			return p.bracket(st)
		}
		return p.dotted(st)
	case '[':
		return p.bracket(st)
	}
	return st, fmt.Errorf("unexpected %q at %d", p.s[p.i], p.i)
}

func (p *pathParser) dotted(st step) (step, error) {
	start := p.i
	for p.i < len(p.s) && p.s[p.i] != '.' && p.s[p.i] != '[' {
		p.i++
	}
	switch name := strings.TrimSpace(p.s[start:p.i]); {
	case name == "":
		return st, fmt.Errorf("a name is missing at %d", start)
	case name == "*":
		st.kind = stepWildcard
	case name == "length()" || name == "size()":
		st.kind = stepLength
		if p.i < len(p.s) || st.descend {
			return st, fmt.Errorf("%s must be the last step", name)
		}
	case strings.HasSuffix(name, ")"):
		return st, fmt.Errorf("the function %s is not simulated", name)
	default:
		st.names = []string{name}
	}
	return st, nil
}

func (p *pathParser) bracket(st step) (step, error) {
	p.i++ // [
	p.space()
	if p.i >= len(p.s) {
		return st, fmt.Errorf("'[' is not closed")
	}
	switch c := p.s[p.i]; {
	case c == '*':
		p.i++
		st.kind = stepWildcard
		return st, p.close()
	case c == '?':
		f, err := p.filter()
		st.kind, st.filter = stepFilter, f
		return st, err
	case c == '\'' || c == '"':
		for {
			name, err := p.quotedName()
			if err != nil {
				return st, err
			}
			st.names = append(st.names, name)
			p.space()
			if p.i < len(p.s) && p.s[p.i] == ',' {
				p.i++
				p.space()
				continue
			}
			break
		}
		if len(st.names) > 1 {
			st.kind = stepNames
		}
		return st, p.close()
	}
	return p.indexes(st)
}

func (p *pathParser) indexes(st step) (step, error) {
	n, have, err := p.integer()
	if err != nil {
		return st, err
	}
	p.space()
	if p.i < len(p.s) && p.s[p.i] == ':' {
		p.i++
		p.space()
		st.kind, st.from, st.fromOK = stepSlice, n, have
		if st.to, st.ok, err = p.integer(); err != nil {
			return st, err
		}
		if !st.fromOK && !st.ok {
			return st, fmt.Errorf("a slice needs a bound")
		}
		return st, p.close()
	}
	if !have {
		return st, fmt.Errorf("an index, a name or * is missing at %d", p.i)
	}
	st.kind, st.indexes = stepIndex, []int{n}
	for p.i < len(p.s) && p.s[p.i] == ',' {
		p.i++
		p.space()
		if n, have, err = p.integer(); err != nil || !have {
			return st, fmt.Errorf("an index is missing at %d", p.i)
		}
		st.kind, st.indexes = stepIndexes, append(st.indexes, n)
		p.space()
	}
	return st, p.close()
}

func (p *pathParser) integer() (n int, have bool, err error) {
	start := p.i
	if p.i < len(p.s) && p.s[p.i] == '-' {
		p.i++
	}
	for p.i < len(p.s) && p.s[p.i] >= '0' && p.s[p.i] <= '9' {
		p.i++
	}
	if start == p.i {
		return 0, false, nil
	}
	n, err = strconv.Atoi(p.s[start:p.i])
	if err != nil || n > 1<<31 || n < -1<<31 {
		return 0, false, fmt.Errorf("%q is no index", p.s[start:p.i])
	}
	return n, true, nil
}

func (p *pathParser) quotedName() (string, error) {
	if p.i >= len(p.s) || p.s[p.i] != '\'' && p.s[p.i] != '"' {
		return "", fmt.Errorf("a quoted name is missing at %d", p.i)
	}
	q := p.s[p.i]
	var name strings.Builder
	for p.i++; p.i < len(p.s); p.i++ {
		switch c := p.s[p.i]; {
		case c == '\\' && p.i+1 < len(p.s):
			p.i++
			name.WriteByte(p.s[p.i])
		case c == q:
			p.i++
			return name.String(), nil
		default:
			name.WriteByte(c)
		}
	}
	return "", fmt.Errorf("a quoted name is not closed")
}

func (p *pathParser) space() {
	for p.i < len(p.s) && p.s[p.i] == ' ' {
		p.i++
	}
}

func (p *pathParser) close() error {
	p.space()
	if p.i >= len(p.s) || p.s[p.i] != ']' {
		return fmt.Errorf("']' is missing at %d", p.i)
	}
	p.i++
	return nil
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
