package states

import (
	"fmt"
	"math"
	"slices"
	"unicode"
	"unicode/utf8"
)

// object is a JSON object of the definition under inspection.
type object struct {
	p     *parser
	where string
	m     map[string]any
}

func (o object) fail(format string, args ...any) {
	o.p.fail("%s: %s", o.where, fmt.Sprintf(format, args...))
}

// allow reports every field that is not among the names.
func (o object) allow(names ...string) {
	for _, k := range sortedKeys(o.m) {
		if slices.Contains(names, k) {
			continue
		}
		switch k {
		case "InputPath", "OutputPath", "ResultPath", "Parameters", "ResultSelector", "ItemsPath", "Result", "Variable",
			"SecondsPath", "TimestampPath", "TimeoutSecondsPath", "HeartbeatSecondsPath", "MaxConcurrencyPath", "ErrorPath", "CausePath",
			"ToleratedFailureCountPath", "ToleratedFailurePercentagePath", "Iterator":
			o.fail("%s belongs to the query language JSONPath", k)
		default:
			o.fail("the field %s is not supported", k)
		}
	}
}

func (o object) string(key string) string {
	v, ok := o.m[key]
	if !ok {
		return ""
	}
	s, ok := v.(string)
	if !ok {
		o.fail("%s must be a string", key)
	}
	return s
}

func (o object) object(key string) (object, bool) {
	v, ok := o.m[key]
	if !ok {
		return object{}, false
	}
	m, ok := v.(map[string]any)
	if !ok {
		o.fail("%s must be an object", key)
		return object{}, false
	}
	return object{p: o.p, where: o.where, m: m}, true
}

// list returns the objects of an array; each is named after its place.
func (o object) list(key string) []object {
	v, ok := o.m[key]
	if !ok {
		return nil
	}
	list, ok := v.([]any)
	if !ok {
		o.fail("%s must be an array", key)
		return nil
	}
	var out []object
	for i, e := range list {
		m, ok := e.(map[string]any)
		if !ok {
			o.fail("%s[%d] must be an object", key, i)
			continue
		}
		out = append(out, object{p: o.p, where: fmt.Sprintf("%s: %s[%d]", o.where, key, i), m: m})
	}
	return out
}

// number reads a plain number within inclusive bounds.
func (o object) number(key string, low, high, def float64) float64 {
	v, ok := o.m[key]
	if !ok {
		return def
	}
	f, ok := v.(float64)
	if !ok || f < low || f > high {
		o.fail("%s must be a number from %g to %.0f", key, low, high)
		return def
	}
	return f
}

func (o object) whole(key string, low, high, def float64) float64 {
	f := o.number(key, low, high, def)
	if f != math.Trunc(f) {
		o.fail("%s must be a whole number", key)
	}
	return f
}

// quantity reads a whole number or an expression for one.
func (o object) quantity(key string, low, high float64) *quantity {
	v, ok := o.m[key]
	if !ok {
		return nil
	}
	q := &quantity{field: key, lowest: low, highest: high}
	if s, ok := v.(string); ok {
		src, isExpr, err := expressionSource(s)
		if err == nil && isExpr {
			if q.expr, err = newExpression(src, key); err == nil {
				return q
			}
		}
		if err != nil {
			o.fail("%s: %v", key, err)
		} else {
			o.fail("%s must be a number or a JSONata expression", key)
		}
		return nil
	}
	q.value = o.whole(key, low, high, 0)
	return q
}

// plain is whether it is a number and not to be evaluated.
func (q *quantity) plain() bool { return q.expr == nil && q.path == nil }

func (o object) template(key string) *template {
	v, ok := o.m[key]
	if !ok {
		return nil
	}
	t, err := compileTemplate(v, key)
	if err != nil {
		o.fail("%v", err)
		return nil
	}
	return t
}

// text reads a string or an expression for one.
func (o object) text(key string) *template {
	if v, ok := o.m[key]; ok {
		if _, ok := v.(string); !ok {
			o.fail("%s must be a string", key)
			return nil
		}
	}
	return o.template(key)
}

// assign reads Assign. Variables of the scopes around must not be assigned.
func (o object) assign(outer []string) []field {
	assign, ok := o.object("Assign")
	if !ok {
		return nil
	}
	var out []field
	for _, name := range sortedKeys(assign.m) {
		o.checkVariable(name, outer)
		t, err := compileTemplate(assign.m[name], "Assign/"+name)
		if err != nil {
			o.fail("%v", err)
			continue
		}
		out = append(out, field{name, t})
	}
	return out
}

// checkVariable refuses names that cannot be assigned.
func (o object) checkVariable(name string, outer []string) {
	switch {
	case name == "states":
		o.fail("Assign: the variable $states is reserved")
	case !validVariable(name):
		o.fail("Assign: %q is no name of a variable: one begins with a letter, goes on with letters, digits and _, and has up to %d characters", name, maxNameLength)
	case slices.Contains(outer, name):
		o.fail("Assign: the variable $%s belongs to an outer scope", name)
	}
}

func validVariable(name string) bool {
	if name == "" || utf8.RuneCountInString(name) > maxNameLength {
		return false
	}
	for i, c := range name {
		if !unicode.IsLetter(c) && (i == 0 || c != '_' && !unicode.IsDigit(c)) {
			return false
		}
	}
	return true
}

// forbid reports expressions that look at a part of $states that does not
// exist where they stand.
func (o object) forbid(t *template, parts ...string) {
	t.each(func(e *expression) {
		for _, part := range parts {
			if mentions(e.Source(), part) {
				o.fail("%s: $states.%s does not exist here", e.location, part)
			}
		}
	})
}

func (o object) forbidFields(fields []field, parts ...string) {
	for _, f := range fields {
		o.forbid(f.value, parts...)
	}
}
