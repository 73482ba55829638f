package states

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/orderflow-cdk/orderflow/local/internal/jsonata"
)

// template is a payload template: JSON in which strings of the form {% … %}
// are expressions. It is compiled once, and what has no expression in it is
// a single literal.
type template struct {
	literal any
	expr    *expression
	fields  []field
	list    []*template
	kind    templateKind
}

type templateKind uint8

const (
	literalTemplate templateKind = iota
	exprTemplate
	objectTemplate
	listTemplate
)

type field struct {
	name  string
	value *template
}

// expression is one JSONata expression and where in its state it stands.
type expression struct {
	*jsonata.Expr
	// location is how Step Functions names the place: "Arguments/FunctionName".
	location string
	// context is whether it may look at $states.context.
	context bool
	states  bool // whether it looks at $states at all
}

// expressionSource returns what is between {% and %}; ok is false for a plain
// string. A string that only begins or only ends like an expression is an error.
func expressionSource(s string) (src string, ok bool, err error) {
	begins, ends := strings.HasPrefix(s, "{%"), strings.HasSuffix(s, "%}")
	switch {
	case begins && ends && len(s) >= 4:
		return s[2 : len(s)-2], true, nil
	case begins || ends:
		return "", false, fmt.Errorf("%q is no JSONata expression: one begins with {%% and ends with %%}, without spaces around", s)
	}
	return "", false, nil
}

func newExpression(src, location string) (*expression, error) {
	e, err := jsonata.Compile(strings.TrimSpace(src))
	if err != nil {
		return nil, err
	}
	return &expression{
		Expr: e, location: location,
		context: needsContext(src), states: slices.Contains(e.Variables(), "states"),
	}, nil
}

// needsContext tells whether an expression may look at $states.context: if it
// names it, or if what it does with $states is not evident.
func needsContext(src string) bool {
	for {
		_, rest, found := strings.Cut(src, "$states")
		if !found {
			return false
		}
		src = rest
		rest = strings.TrimLeft(rest, " \t\r\n")
		name, ok := strings.CutPrefix(rest, ".")
		if !ok {
			return true
		}
		name = strings.TrimLeft(name, " \t\r\n")
		known := false
		for _, other := range []string{"input", "result", "errorOutput"} {
			if tail, ok := strings.CutPrefix(name, other); ok && (tail == "" || !isWord(tail[0])) {
				known = true
			}
		}
		if !known {
			return true
		}
	}
}

func isWord(c byte) bool {
	return c == '_' || c >= '0' && c <= '9' || c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z' || c >= 0x80
}

// compileTemplate compiles a payload template. All mistakes are reported at once.
func compileTemplate(v any, location string) (*template, error) {
	switch v := v.(type) {
	case string:
		src, ok, err := expressionSource(v)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", location, err)
		}
		if !ok {
			return &template{literal: v}, nil
		}
		e, err := newExpression(src, location)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", location, err)
		}
		return &template{kind: exprTemplate, expr: e}, nil
	case map[string]any:
		t := &template{kind: objectTemplate}
		var errs []error
		dynamic := false
		for _, name := range sortedKeys(v) {
			f, err := compileTemplate(v[name], location+"/"+name)
			if err != nil {
				errs = append(errs, err)
				continue
			}
			dynamic = dynamic || f.kind != literalTemplate
			t.fields = append(t.fields, field{name, f})
		}
		if err := errors.Join(errs...); err != nil {
			return nil, err
		}
		if !dynamic {
			return &template{literal: v}, nil
		}
		return t, nil
	case []any:
		t := &template{kind: listTemplate}
		var errs []error
		dynamic := false
		for i, e := range v {
			f, err := compileTemplate(e, location+"["+strconv.Itoa(i)+"]")
			if err != nil {
				errs = append(errs, err)
				continue
			}
			dynamic = dynamic || f.kind != literalTemplate
			t.list = append(t.list, f)
		}
		if err := errors.Join(errs...); err != nil {
			return nil, err
		}
		if !dynamic {
			return &template{literal: v}, nil
		}
		return t, nil
	}
	return &template{literal: v}, nil
}

// each calls f for every expression in the template.
func (t *template) each(f func(*expression)) {
	if t == nil {
		return
	}
	if t.expr != nil {
		f(t.expr)
	}
	for _, e := range t.fields {
		e.value.each(f)
	}
	for _, e := range t.list {
		e.each(f)
	}
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
