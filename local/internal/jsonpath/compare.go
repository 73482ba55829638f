package jsonpath

import (
	"errors"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"
)

// value is a side of a comparison.
type value struct {
	kind    valueKind
	text    string // also a number as it was written
	number  float64
	truth   bool
	pattern *regexp.Regexp
	json    any
	written bool // a JSON literal of the filter and no part of the document
}

type valueKind uint8

const (
	undefinedValue valueKind = iota
	nullValue
	boolValue
	numberValue
	textValue
	patternValue
	jsonValue
)

func valueOf(v any) value {
	switch v := v.(type) {
	case nil:
		return value{kind: nullValue}
	case bool:
		return value{kind: boolValue, truth: v}
	case float64:
		return value{kind: numberValue, number: v}
	case string:
		return value{kind: textValue, text: v}
	}
	return value{kind: jsonValue, json: v}
}

func (o operand) value(item, root any) (value, error) {
	if o.path == nil {
		return o.literal, nil
	}
	if o.fromRoot {
		item = root
	}
	v, err := o.path.get(item, root, false)
	var missing *NotFoundError
	if errors.As(err, &missing) {
		return value{}, nil
	}
	if err != nil {
		return value{}, err
	}
	if n := len(o.path.tokens); n > 0 && o.path.definite && o.path.tokens[n-1].kind == functionToken && o.path.tokens[n-1].call.name == "keys" && v != nil {
		return value{}, &EvalError{Reason: "keys() cannot be compared"}
	}
	return valueOf(v), nil
}

func (e orExpr) holds(item, root any) (bool, error) {
	for _, c := range e {
		if ok, err := c.holds(item, root); ok || err != nil {
			return ok, err
		}
	}
	return false, nil
}

func (e andExpr) holds(item, root any) (bool, error) {
	for _, c := range e {
		if ok, err := c.holds(item, root); !ok || err != nil {
			return false, err
		}
	}
	return true, nil
}

func (e notExpr) holds(item, root any) (bool, error) {
	ok, err := e.expr.holds(item, root)
	return !ok, err
}

// holds is whether the path leads anywhere. An indefinite one always does, as
// an empty array is something.
func (e existsExpr) holds(item, root any) (bool, error) {
	if e.fromRoot {
		item = root
	}
	_, err := e.path.get(item, root, true)
	var missing *NotFoundError
	if errors.As(err, &missing) {
		return e.negated, nil
	}
	return !e.negated, err
}

func (e compareExpr) holds(item, root any) (bool, error) {
	l, err := e.left.value(item, root)
	if err != nil {
		return false, err
	}
	r, err := e.right.value(item, root)
	if err != nil {
		return false, err
	}
	switch e.operator {
	case "==":
		return l.equals(r), nil
	case "!=":
		return !l.equals(r), nil
	case "===":
		return l.kind == r.kind && l.equals(r), nil
	case "!==":
		return l.kind != r.kind || !l.equals(r), nil
	case "<", "<=", ">", ">=":
		return l.ordered(e.operator, r), nil
	case "=~":
		if (l.kind == patternValue) == (r.kind == patternValue) {
			return false, nil
		}
		if l.kind == patternValue {
			l, r = r, l
		}
		return matches(r.pattern, l), nil
	case "CONTAINS":
		if l.kind == textValue {
			return r.kind == textValue && strings.Contains(l.text, r.text), nil
		}
		list, ok, err := l.list()
		return ok && contains(list, r), err
	case "SIZE":
		if r.kind != numberValue {
			return false, nil
		}
		n := -1
		if list, ok := l.json.([]any); ok {
			n = len(list)
		} else if l.kind == textValue {
			n = utf16Length(l.text)
		} else if l.kind != jsonValue {
			return false, nil
		}
		return float64(n) == r.number, nil
	case "EMPTY":
		if r.kind != boolValue {
			return false, &EvalError{"EMPTY needs true or false", true}
		}
		switch l.kind {
		case textValue:
			return (l.text == "") == r.truth, nil
		case jsonValue:
			list, ok := l.json.([]any)
			if !ok {
				return false, &EvalError{Reason: "EMPTY is not for objects"}
			}
			return (len(list) == 0) == r.truth, nil
		}
		return false, nil
	}
	return e.among(l, r)
}

// among is the operators that compare with a list. ALL never holds: Jayway takes the list after it for
// something else.
func (e compareExpr) among(l, r value) (bool, error) {
	right, ok, err := r.list()
	switch {
	case err != nil:
		return false, err
	case e.operator == "ALL" || r.kind != jsonValue:
		return false, &EvalError{"expected a list of values after " + e.operator, true}
	case !ok:
		return e.operator == "NIN", nil
	case e.operator == "IN":
		return contains(right, l), nil
	case e.operator == "NIN":
		return !contains(right, l), nil
	}
	left, ok, err := l.list()
	switch {
	case err != nil:
		return false, err
	case l.kind != jsonValue:
		return false, &EvalError{"expected a list of values before " + e.operator, true}
	case !ok:
		return false, nil
	case e.operator == "SUBSETOF":
		return subset(left, right), nil
	case e.operator == "ANYOF":
		return overlap(left, right), nil
	}
	return !overlap(left, right), nil
}

// equals is ==. A number equals a text that spells it.
func (v value) equals(w value) bool {
	switch v.kind {
	case nullValue:
		return w.kind == nullValue
	case boolValue:
		return w.kind == boolValue && v.truth == w.truth
	case numberValue:
		switch w.kind {
		case numberValue:
			return v.number == w.number
		case textValue:
			n, err := strconv.ParseFloat(w.text, 64)
			return err == nil && n == v.number
		}
	case textValue:
		switch w.kind {
		case textValue:
			return v.text == w.text
		case numberValue:
			return v.text == w.spelled()
		}
	case jsonValue:
		// A literal on the left is text to Jayway, and equals nothing.
		return w.kind == jsonValue && !v.written && reflect.DeepEqual(v.json, w.json)
	}
	return false
}

// spelled is a number as it is written.
func (v value) spelled() string {
	if v.text != "" {
		return v.text
	}
	return strconv.FormatFloat(v.number, 'f', -1, 64)
}

func (v value) ordered(operator string, w value) bool {
	var c int
	switch {
	case v.kind == numberValue && w.kind == numberValue:
		switch {
		case v.number < w.number:
			c = -1
		case v.number > w.number:
			c = 1
		}
	case v.kind == textValue && w.kind == textValue:
		c = strings.Compare(v.text, w.text)
	default:
		return false
	}
	switch operator {
	case "<":
		return c < 0
	case "<=":
		return c <= 0
	case ">":
		return c > 0
	}
	return c >= 0
}

// list is the values of an array; ok is false for what is none. Arrays and objects cannot be in one.
func (v value) list() (out []value, ok bool, err error) {
	list, ok := v.json.([]any)
	for _, e := range list {
		w := valueOf(e)
		if w.kind == jsonValue {
			return nil, true, &EvalError{Reason: "Could not determine value type"}
		}
		out = append(out, w)
	}
	return out, ok, nil
}

func contains(list []value, v value) bool {
	for _, e := range list {
		if v.equals(e) {
			return true
		}
	}
	return false
}

func subset(part, whole []value) bool {
	for _, e := range part {
		if !contains(whole, e) {
			return false
		}
	}
	return true
}

func overlap(a, b []value) bool {
	for _, e := range a {
		if contains(b, e) {
			return true
		}
	}
	return false
}

func matches(p *regexp.Regexp, v value) bool {
	switch v.kind {
	case textValue:
		return p.MatchString(v.text)
	case numberValue:
		return p.MatchString(v.spelled())
	case boolValue:
		return p.MatchString(strconv.FormatBool(v.truth))
	case jsonValue:
		list, _ := v.json.([]any)
		for _, e := range list {
			if matches(p, valueOf(e)) {
				return true
			}
		}
		return false
	}
	return p.MatchString("")
}

// utf16Length is the length of a Java string.
func utf16Length(s string) int {
	n := utf8.RuneCountInString(s)
	for _, r := range s {
		if r > 0xffff {
			n++
		}
	}
	return n
}
