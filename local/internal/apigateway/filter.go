package apigateway

import (
	"fmt"
	"strings"

	"github.com/orderflow-cdk/orderflow/local/internal/vtl"
)

// filter is a JSONPath predicate: comparisons of paths (@.a, $.b) and
// literals, existence tests, !, && and ||.
type filter interface{ holds(v, root any) bool }

type (
	filterOr  []filter
	filterAnd []filter
	filterNot struct{ f filter }
	exists    struct{ operand }
	compare   struct {
		op   string
		l, r operand
	}
	// operand is a path from the current value or the root, or a literal.
	operand struct {
		path     *jsonPath
		fromRoot bool
		literal  any
	}
)

func (f filterOr) holds(v, root any) bool {
	for _, g := range f {
		if g.holds(v, root) {
			return true
		}
	}
	return false
}

func (f filterAnd) holds(v, root any) bool {
	for _, g := range f {
		if !g.holds(v, root) {
			return false
		}
	}
	return true
}

func (f filterNot) holds(v, root any) bool { return !f.f.holds(v, root) }

func (o operand) value(v, root any) (any, bool) {
	if o.path == nil {
		return o.literal, true
	}
	if o.fromRoot {
		v = root
	}
	return o.path.eval(v)
}

func (f exists) holds(v, root any) bool {
	got, ok := f.value(v, root)
	if l, list := got.(*vtl.List); ok && list && !f.path.definite {
		return l.Len() > 0
	}
	return ok
}

func (f compare) holds(v, root any) bool {
	l, lok := f.l.value(v, root)
	r, rok := f.r.value(v, root)
	if !lok || !rok {
		return f.op == "!=" && lok != rok
	}
	c, ordered := order(l, r)
	switch f.op {
	case "==":
		return ordered && c == 0 || !ordered && same(l, r)
	case "!=":
		return !(ordered && c == 0 || !ordered && same(l, r))
	case "<":
		return ordered && c < 0
	case "<=":
		return ordered && c <= 0
	case ">":
		return ordered && c > 0
	}
	return ordered && c >= 0
}

// order compares numbers with numbers and strings with strings.
func order(l, r any) (int, bool) {
	if a, ok := l.(string); ok {
		b, ok := r.(string)
		return strings.Compare(a, b), ok
	}
	if a, ok := number(l); ok {
		if b, ok := number(r); ok {
			return a.Cmp(b), true
		}
	}
	return 0, false
}

func same(l, r any) bool {
	switch a := l.(type) {
	case nil:
		return r == nil
	case bool:
		b, ok := r.(bool)
		return ok && a == b
	}
	return false
}

// filter parses "?( … )" up to and including the bracket's end.
func (p *pathParser) filter() (filter, error) {
	p.i++ // ?
	p.space()
	if p.i >= len(p.s) || p.s[p.i] != '(' {
		return nil, fmt.Errorf("'(' is missing after '?'")
	}
	f, err := p.unary(0)
	if err != nil {
		return nil, err
	}
	return f, p.close()
}

const maxFilterDepth = 50

func (p *pathParser) or(depth int) (filter, error) {
	if depth > maxFilterDepth {
		return nil, fmt.Errorf("a filter nests more than %d deep", maxFilterDepth)
	}
	f, err := p.and(depth)
	if err != nil {
		return nil, err
	}
	all := filterOr{f}
	for p.accept("||") {
		if f, err = p.and(depth); err != nil {
			return nil, err
		}
		all = append(all, f)
	}
	if len(all) == 1 {
		return all[0], nil
	}
	return all, nil
}

func (p *pathParser) and(depth int) (filter, error) {
	f, err := p.unary(depth)
	if err != nil {
		return nil, err
	}
	all := filterAnd{f}
	for p.accept("&&") {
		if f, err = p.unary(depth); err != nil {
			return nil, err
		}
		all = append(all, f)
	}
	if len(all) == 1 {
		return all[0], nil
	}
	return all, nil
}

func (p *pathParser) unary(depth int) (filter, error) {
	switch {
	case p.accept("!"):
		f, err := p.unary(depth + 1)
		if depth > maxFilterDepth {
			return nil, fmt.Errorf("a filter nests more than %d deep", maxFilterDepth)
		}
		return filterNot{f}, err
	case p.accept("("):
		f, err := p.or(depth + 1)
		if err == nil && !p.accept(")") {
			err = fmt.Errorf("')' is missing at %d", p.i)
		}
		return f, err
	}
	l, err := p.operand()
	if err != nil {
		return nil, err
	}
	for _, op := range []string{"==", "!=", "<=", ">=", "<", ">"} {
		if p.accept(op) {
			r, err := p.operand()
			return compare{op, l, r}, err
		}
	}
	if l.path == nil {
		return nil, fmt.Errorf("an operator is missing at %d (only == != < <= > >= are simulated)", p.i)
	}
	return exists{l}, nil
}

func (p *pathParser) accept(tok string) bool {
	p.space()
	if strings.HasPrefix(p.s[p.i:], tok) {
		p.i += len(tok)
		return true
	}
	return false
}

func (p *pathParser) operand() (operand, error) {
	p.space()
	if p.i >= len(p.s) {
		return operand{}, fmt.Errorf("a value is missing at %d", p.i)
	}
	switch c := p.s[p.i]; c {
	case '@', '$':
		p.i++
		o := operand{fromRoot: c == '$', path: &jsonPath{definite: true}}
		for p.i < len(p.s) && (p.s[p.i] == '.' || p.s[p.i] == '[') {
			st, err := p.filterStep()
			if err != nil {
				return o, err
			}
			if st.kind != stepName && st.kind != stepIndex || st.descend {
				return o, fmt.Errorf("only names and indexes are simulated in a filter's paths")
			}
			o.path.steps = append(o.path.steps, st)
		}
		return o, nil
	case '\'', '"':
		s, err := p.quotedName()
		return operand{literal: s}, err
	}
	start := p.i
	for p.i < len(p.s) && !strings.ContainsRune(" )&|=!<>]", rune(p.s[p.i])) {
		p.i++
	}
	v, err := vtl.FromJSON([]byte(p.s[start:p.i]))
	if err != nil {
		return operand{}, fmt.Errorf("%q is no value", p.s[start:p.i])
	}
	return operand{literal: v}, nil
}

// filterStep is a step inside a filter, where a name also ends at an operator.
func (p *pathParser) filterStep() (step, error) {
	if p.s[p.i] == '[' {
		return p.step()
	}
	p.i++
	start := p.i
	for p.i < len(p.s) && !strings.ContainsRune(" .[)&|=!<>]", rune(p.s[p.i])) {
		p.i++
	}
	if start == p.i {
		return step{}, fmt.Errorf("a name is missing at %d", p.i)
	}
	return step{names: []string{p.s[start:p.i]}}, nil
}
