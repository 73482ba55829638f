package appsync

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
)

// filter decides which events a subscriber gets: any of its groups, of which
// every condition must hold.
//
// https://docs.aws.amazon.com/appsync/latest/devguide/extensions.html
type filter struct{ groups [][]condition }

type condition struct {
	field    string
	path     []string
	operator string
	values   []operand
}

// operand is a scalar, of a filter or of an event, in a form that compares.
type operand struct {
	kind   byte // 's' string, 'n' number, 'b' boolean, '0' null or anything else
	text   string
	number float64
}

const (
	maxPathDepth = 5   // levels of a nested field name
	maxPathText  = 256 // characters of a field name
	maxIn        = 5   // values of in and notIn
	maxAny       = 20  // values of containsAny
)

func operandOf(v []byte) operand {
	switch {
	case isNull(v):
		return operand{kind: '0'}
	case isString(v):
		return operand{kind: 's', text: text(v)}
	case isNumber(v):
		n, err := strconv.ParseFloat(string(v), 64)
		if err != nil {
			return operand{kind: '0'}
		}
		return operand{kind: 'n', text: strconv.FormatFloat(n, 'g', -1, 64), number: n}
	case v[0] == 't' || v[0] == 'f':
		return operand{kind: 'b', text: string(v)}
	}
	return operand{kind: '0'}
}

func (o operand) equal(p operand) bool { return o.kind == p.kind && o.text == p.text }

// key is an operand's place in an index.
func (o operand) key() string { return string(o.kind) + o.text }

// compare orders two strings or two numbers.
func (o operand) compare(p operand) (int, bool) {
	switch {
	case o.kind != p.kind:
		return 0, false
	case o.kind == 's':
		return strings.Compare(o.text, p.text), true
	case o.kind == 'n':
		switch {
		case o.number < p.number:
			return -1, true
		case o.number > p.number:
			return 1, true
		}
		return 0, true
	}
	return 0, false
}

// compileFilter reads what extensions.setSubscriptionFilter was given. null
// is no filter.
func compileFilter(raw []byte) (*filter, error) {
	if isNull(raw) {
		return nil, nil
	}
	var f struct {
		FilterGroup []struct {
			Filters []struct {
				FieldName string          `json:"fieldName"`
				Operator  string          `json:"operator"`
				Value     json.RawMessage `json:"value"`
			} `json:"filters"`
		} `json:"filterGroup"`
	}
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&f); err != nil {
		return nil, err
	}
	if len(f.FilterGroup) == 0 {
		return nil, fmt.Errorf("the filterGroup is empty")
	}
	out := &filter{}
	for _, g := range f.FilterGroup {
		if len(g.Filters) == 0 {
			return nil, fmt.Errorf("a group has no filters")
		}
		var group []condition
		for _, c := range g.Filters {
			cond, err := newCondition(c.FieldName, c.Operator, c.Value)
			if err != nil {
				return nil, err
			}
			group = append(group, cond)
		}
		out.groups = append(out.groups, group)
	}
	return out, nil
}

func newCondition(field, operator string, raw []byte) (condition, error) {
	c := condition{field: field, path: strings.Split(field, "."), operator: operator}
	if field == "" || len(field) > maxPathText || len(c.path) > maxPathDepth {
		return c, fmt.Errorf("the fieldName %q must have 1–%d characters and at most %d levels", field, maxPathText, maxPathDepth)
	}
	count := 1
	switch operator {
	case "eq", "ne", "le", "lt", "ge", "gt", "contains", "notContains", "beginsWith":
	case "in", "notIn":
		count = maxIn
	case "containsAny":
		count = maxAny
	case "between":
		count = 2
	default:
		return c, fmt.Errorf("unknown operator %q", operator)
	}
	list := [][]byte{raw}
	if count > 1 {
		var err error
		if list, err = elements(raw); err != nil {
			return c, fmt.Errorf("%s of %s takes a list, got %s", operator, field, raw)
		}
		if len(list) == 0 || len(list) > count || operator == "between" && len(list) != 2 {
			return c, fmt.Errorf("%s of %s takes up to %d values, got %d", operator, field, count, len(list))
		}
	}
	for _, v := range list {
		o := operandOf(v)
		if o.kind == '0' {
			return c, fmt.Errorf("%s of %s takes strings, numbers and booleans, got %s", operator, field, v)
		}
		c.values = append(c.values, o)
	}
	return c, nil
}

// argumentFilter is the filter of a subscription's own arguments: events whose
// fields of those names are equal; null, where the argument is null. AppSync tells an
// argument that is left out from one that is null (Developer Guide, "Using
// subscription arguments").
func argumentFilter(args []byte) *filter {
	list, err := members(args)
	if err != nil || len(list) == 0 {
		return nil
	}
	var group []condition
	for _, m := range list {
		group = append(group, condition{field: m.name, path: []string{m.name}, operator: "eq", values: []operand{operandOf(m.value)}})
	}
	return &filter{groups: [][]condition{group}}
}

// event is what a mutation published, by the names of the schema's fields.
type event struct {
	raw    []byte
	values map[string][]byte // by dotted path, once looked up
}

func (e *event) lookup(c *condition) []byte {
	if v, ok := e.values[c.field]; ok {
		return v
	}
	v := e.raw
	for _, name := range c.path {
		v = value{raw: v}.member(name)
	}
	e.values[c.field] = v
	return v
}

func (f *filter) matches(e *event) bool {
	if f == nil {
		return true
	}
	for _, g := range f.groups {
		all := true
		for i := range g {
			if !g[i].holds(e) {
				all = false
				break
			}
		}
		if all {
			return true
		}
	}
	return false
}

func (c *condition) holds(e *event) bool {
	raw := e.lookup(c)
	if len(raw) > 0 && raw[0] == '[' {
		return c.holdsOfList(raw)
	}
	v := operandOf(raw)
	switch c.operator {
	case "eq":
		return v.equal(c.values[0])
	case "ne":
		return !v.equal(c.values[0])
	case "in":
		return c.has(v)
	case "notIn":
		return !c.has(v)
	case "contains":
		return v.kind == 's' && c.values[0].kind == 's' && strings.Contains(v.text, c.values[0].text)
	case "notContains":
		return v.kind != 's' || c.values[0].kind != 's' || !strings.Contains(v.text, c.values[0].text)
	case "beginsWith":
		return v.kind == 's' && c.values[0].kind == 's' && strings.HasPrefix(v.text, c.values[0].text)
	case "containsAny":
		for _, o := range c.values {
			if v.kind == 's' && o.kind == 's' && strings.Contains(v.text, o.text) {
				return true
			}
		}
		return false
	}
	low, ok := v.compare(c.values[0])
	if !ok {
		return false
	}
	switch c.operator {
	case "le":
		return low <= 0
	case "lt":
		return low < 0
	case "ge":
		return low >= 0
	case "gt":
		return low > 0
	}
	high, ok := v.compare(c.values[1]) // between
	return ok && low >= 0 && high <= 0
}

func (c *condition) has(v operand) bool {
	for _, o := range c.values {
		if v.equal(o) {
			return true
		}
	}
	return false
}

// holdsOfList is for fields that are lists, of which only contains,
// notContains and containsAny can say something.
func (c *condition) holdsOfList(raw []byte) bool {
	list, _ := elements(raw)
	found := false
	for _, v := range list {
		found = found || c.has(operandOf(v))
	}
	switch c.operator {
	case "contains", "containsAny":
		return found
	case "notContains":
		return !found
	}
	return c.operator == "ne" || c.operator == "notIn"
}
