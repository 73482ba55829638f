package states

import (
	"fmt"
	"strings"
	"time"
)

// choiceRule is a rule of a Choice state in JSONPath.
type choiceRule struct {
	condition condition
	assign    []payloadField
	next      *state
}

// condition is a comparison, or others joined by And, Or and Not.
type condition struct {
	join     string // "And", "Or", "Not"; "" for a comparison
	children []condition

	variable *reference
	operator string // without Path
	kind     comparison
	literal  any
	time     time.Time
	pattern  wildcard
	path     *reference // instead of the literal
}

type comparison uint8

const (
	compareString comparison = iota
	compareNumber
	compareBoolean
	compareTime
	matchString
	checkType
)

// comparisons are the operators: what they compare, and whether there is one with Path.
var comparisons = map[string]struct {
	kind comparison
	path bool
}{
	"StringEquals": {compareString, true}, "StringLessThan": {compareString, true}, "StringGreaterThan": {compareString, true},
	"StringLessThanEquals": {compareString, true}, "StringGreaterThanEquals": {compareString, true}, "StringMatches": {matchString, false},
	"NumericEquals": {compareNumber, true}, "NumericLessThan": {compareNumber, true}, "NumericGreaterThan": {compareNumber, true},
	"NumericLessThanEquals": {compareNumber, true}, "NumericGreaterThanEquals": {compareNumber, true},
	"BooleanEquals":   {compareBoolean, true},
	"TimestampEquals": {compareTime, true}, "TimestampLessThan": {compareTime, true}, "TimestampGreaterThan": {compareTime, true},
	"TimestampLessThanEquals": {compareTime, true}, "TimestampGreaterThanEquals": {compareTime, true},
	"IsNull": {checkType, false}, "IsPresent": {checkType, false}, "IsNumeric": {checkType, false}, "IsString": {checkType, false},
	"IsBoolean": {checkType, false}, "IsTimestamp": {checkType, false},
}

// condition compiles a rule's condition. nested rules have no Next and no Assign.
func (o object) condition(nested bool) condition {
	var c condition
	found := 0
	for _, key := range sortedKeys(o.m) {
		switch key {
		case "Next", "Assign", "Comment":
			if nested && key != "Comment" {
				o.fail("%s belongs to the outermost rule", key)
			}
		case "Variable":
			c.variable = o.reference(key, true)
		case "And", "Or":
			found++
			c.join = key
			list := o.list(key)
			if len(list) == 0 {
				o.fail("%s must not be empty", key)
			}
			for _, e := range list {
				c.children = append(c.children, e.condition(true))
			}
		case "Not":
			found++
			c.join = key
			if e, ok := o.object(key); ok {
				e.where += ": Not"
				c.children = []condition{e.condition(true)}
			}
		default:
			found++
			o.comparison(&c, key)
		}
	}
	_, hasVariable := o.m["Variable"]
	switch {
	case found != 1:
		o.fail("a rule must have exactly one comparison operator, And, Or or Not")
	case c.join != "" && hasVariable:
		o.fail("Variable does not go with %s", c.join)
	case c.join == "" && !hasVariable:
		o.fail("Variable is required")
	}
	return c
}

func (o object) comparison(c *condition, key string) {
	name, isPath := strings.CutSuffix(key, "Path")
	known, ok := comparisons[name]
	if !ok || isPath && !known.path {
		o.fail("the comparison operator %s does not exist", key)
		return
	}
	c.operator, c.kind = name, known.kind
	if isPath {
		c.path = o.reference(key, true)
		return
	}
	c.literal = o.m[key]
	want := ""
	switch known.kind {
	case compareString, matchString:
		want = "string"
	case compareNumber:
		want = "number"
	case compareTime:
		s, ok := c.literal.(string)
		t, err := parseTimestamp(s)
		if !ok || err != nil {
			o.fail("%s must be a timestamp of the form 2006-01-02T15:04:05Z", key)
		}
		c.time = t
		return
	default:
		want = "boolean"
	}
	if typeName(c.literal) != want {
		o.fail("%s must be a %s", key, want)
		return
	}
	if known.kind == matchString {
		c.pattern = compileWildcard(c.literal.(string))
	}
}

// holds evaluates a condition. A variable that is not there is a failure, other than
// for IsPresent; one of another type makes the comparison false.
func (b *branch) holds(c *condition, in any) (bool, *failure) {
	switch c.join {
	case "And":
		for i := range c.children {
			if ok, f := b.holds(&c.children[i], in); !ok || f != nil {
				return false, f
			}
		}
		return true, nil
	case "Or":
		for i := range c.children {
			if ok, f := b.holds(&c.children[i], in); ok || f != nil {
				return ok, f
			}
		}
		return false, nil
	case "Not":
		ok, f := b.holds(&c.children[0], in)
		return !ok, f
	}
	v, err := b.resolve(c.variable, data{input: in})
	if c.operator == "IsPresent" && (err == nil || isMissing(err)) {
		return (err == nil) == (c.literal == true), nil
	}
	if err != nil {
		return false, b.invalidCondition(c.variable)
	}
	if c.kind == checkType {
		return hasType(c.operator, v) == (c.literal == true), nil
	}
	to, at := c.literal, c.time
	if c.path != nil {
		if to, err = b.resolve(c.path, data{input: in}); err != nil {
			return false, b.invalidCondition(c.path)
		}
		if c.kind == compareTime {
			s, _ := to.(string)
			if at, err = parseTimestamp(s); err != nil {
				return false, nil
			}
		}
	}
	return c.compare(v, to, at), nil
}

// invalidCondition is the failure of a path in a rule that leads nowhere.
func (b *branch) invalidCondition(r *reference) *failure {
	return b.runtime("Invalid path '%s': The choice state's condition path references an invalid value.", r.source)
}

func (b *branch) noChoice() *failure {
	return &failure{name: errNoChoice, cause: fmt.Sprintf(
		"An error occurred while executing the state '%s' (entered at the event id #%d). No choice rule of the state matched, and it has no Default.",
		b.state.name, b.enteredID)}
}

func hasType(operator string, v any) bool {
	switch operator {
	case "IsNull":
		return v == nil
	case "IsNumeric":
		_, ok := v.(float64)
		return ok
	case "IsString":
		_, ok := v.(string)
		return ok
	case "IsBoolean":
		_, ok := v.(bool)
		return ok
	}
	s, ok := v.(string)
	if !ok {
		return false
	}
	_, err := parseTimestamp(s)
	return err == nil
}

func (c *condition) compare(v, to any, at time.Time) bool {
	var order int
	switch c.kind {
	case compareString:
		a, ok1 := v.(string)
		b, ok2 := to.(string)
		if !ok1 || !ok2 {
			return false
		}
		order = strings.Compare(a, b)
	case compareNumber:
		a, ok1 := v.(float64)
		b, ok2 := to.(float64)
		if !ok1 || !ok2 {
			return false
		}
		switch {
		case a < b:
			order = -1
		case a > b:
			order = 1
		}
	case compareTime:
		s, ok := v.(string)
		t, err := parseTimestamp(s)
		if !ok || err != nil {
			return false
		}
		order = t.Compare(at)
	case matchString:
		s, ok := v.(string)
		return ok && c.pattern.match(s)
	default:
		a, ok1 := v.(bool)
		b, ok2 := to.(bool)
		return ok1 && ok2 && a == b
	}
	switch {
	case strings.HasSuffix(c.operator, "LessThanEquals"):
		return order <= 0
	case strings.HasSuffix(c.operator, "GreaterThanEquals"):
		return order >= 0
	case strings.HasSuffix(c.operator, "LessThan"):
		return order < 0
	case strings.HasSuffix(c.operator, "GreaterThan"):
		return order > 0
	}
	return order == 0
}

// wildcard is a pattern of StringMatches: the texts between its asterisks.
type wildcard []string

// compileWildcard compiles a pattern in which * stands for any number of
// characters, and \* and \\ for themselves.
func compileWildcard(pattern string) wildcard {
	w := wildcard{""}
	for i := 0; i < len(pattern); i++ {
		c := pattern[i]
		if c == '*' {
			w = append(w, "")
			continue
		}
		if c == '\\' && i+1 < len(pattern) {
			i++
			c = pattern[i]
		}
		w[len(w)-1] += string([]byte{c})
	}
	return w
}

func (w wildcard) match(s string) bool {
	last := len(w) - 1
	if last == 0 {
		return s == w[0]
	}
	rest, ok := strings.CutPrefix(s, w[0])
	if !ok {
		return false
	}
	for _, part := range w[1:last] {
		i := strings.Index(rest, part)
		if i < 0 {
			return false
		}
		rest = rest[i+len(part):]
	}
	return strings.HasSuffix(rest, w[last])
}
