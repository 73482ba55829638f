package appsyncjs

import (
	"strings"

	"github.com/dop251/goja"
)

var utilTransform = map[string]utility{
	"util.transform.toDynamoDBFilterExpression":    transformed,
	"util.transform.toDynamoDBConditionExpression": transformed,
	"util.transform.toSubscriptionFilter": func(rt *Runtime, a []goja.Value) goja.Value {
		return rt.subscriptionFilter(arg(a, 0), arg(a, 1), arg(a, 2))
	},
}

// transformed is a filter as the JSON text of an expression, null if it is none. Both kinds come out the same.
func transformed(rt *Runtime, a []goja.Value) goja.Value {
	e := rt.condition(arg(a, 0))
	if e == nil {
		return goja.Null()
	}
	return rt.vm.ToValue(string(rt.mustEncode(rt.object("expression", rt.vm.ToValue(e.text), "expressionNames", e.names, "expressionValues", e.values))))
}

// expression is a DynamoDB expression with its placeholders.
type expression struct {
	text          string
	names, values *goja.Object
}

// condition makes an expression of a filter object, nil if it is not a valid one. How expressions
// are worded, down to the spaces and the parentheses, is as recorded from AppSync's EvaluateCode: the filter as a
// whole is not put in parentheses, every group below it with more than one member is, and a value is named after
// the path that leads to it.
func (rt *Runtime) condition(filter goja.Value) *expression {
	e := &expression{names: rt.vm.NewObject(), values: rt.vm.NewObject()}
	var ok bool
	if e.text, ok = rt.filter(e, filter, "", false); !ok {
		return nil
	}
	return e
}

func grouped(parts []string, word string, parentheses bool) string {
	s := strings.Join(parts, " "+word+" ")
	if parentheses && len(parts) > 1 {
		return "(" + s + ")"
	}
	return s
}

func (rt *Runtime) filter(e *expression, v goja.Value, path string, parentheses bool) (string, bool) {
	if !isObject(v) {
		return "", false
	}
	o := v.ToObject(rt.vm)
	var parts []string
	for _, key := range o.Keys() {
		var part string
		ok := false
		switch member := o.Get(key); key {
		case "and", "or":
			part, ok = rt.group(e, key, member, path)
		case "not":
			part, ok = rt.filter(e, member, path+"not_", true)
			part = "(NOT " + part + ")"
		default:
			part, ok = rt.field(e, key, member, path+key+"_", false)
		}
		if !ok {
			return "", false
		}
		parts = append(parts, part)
	}
	return grouped(parts, "AND", parentheses), true
}

func (rt *Runtime) group(e *expression, word string, v goja.Value, path string) (string, bool) {
	if !isArray(v) {
		return "", false
	}
	var parts []string
	for i, member := range rt.elements(v) {
		part, ok := rt.filter(e, member, path+word+"_"+index(i)+"_", false)
		if !ok {
			return "", false
		}
		parts = append(parts, part)
	}
	return grouped(parts, strings.ToUpper(word), true), true
}

func (rt *Runtime) field(e *expression, name string, v goja.Value, path string, sized bool) (string, bool) {
	if !isObject(v) {
		return "", false
	}
	rt.set(e.names, "#"+name, rt.vm.ToValue(name))
	target := "#" + name
	if sized {
		target = "size(" + target + ")"
	}
	o := v.ToObject(rt.vm)
	var parts []string
	for _, operator := range o.Keys() {
		var part string
		ok := false
		if operator == "size" {
			part, ok = rt.field(e, name, o.Get(operator), path+"size_", true)
		} else {
			part, ok = rt.operator(e, target, operator, o.Get(operator), ":"+path+operator)
		}
		if !ok {
			return "", false
		}
		parts = append(parts, part)
	}
	return grouped(parts, "AND", true), true
}

var (
	comparisons = map[string]string{"eq": "=", "ne": "<>", "lt": "<", "le": "<=", "gt": ">", "ge": ">="}
	functions   = map[string]string{"contains": "contains", "notContains": "NOT contains", "beginsWith": "begins_with"}
	typeCodes   = map[string]string{
		"_null": "NULL", "string": "S", "stringSet": "SS", "number": "N", "numberSet": "NS", "binary": "B", "binarySet": "BS", "boolean": "BOOL", "list": "L", "map": "M",
	}
)

func (rt *Runtime) operator(e *expression, target, operator string, v goja.Value, value string) (string, bool) {
	put := func(name string, v goja.Value) { rt.set(e.values, name, rt.attribute(v, 0)) }
	if sign, ok := comparisons[operator]; ok {
		put(value, v)
		return "(" + target + " " + sign + " " + value + ")", true
	}
	if function, ok := functions[operator]; ok {
		put(value, v)
		return "(" + function + "(" + target + "," + value + "))", true
	}
	switch operator {
	case "between":
		if !isArray(v) {
			return "", false
		}
		bounds := rt.elements(v)
		if len(bounds) < 2 {
			return "", false
		}
		put(value+"_start", bounds[0])
		put(value+"_end", bounds[1])
		return "(" + target + " BETWEEN " + value + "_start AND " + value + "_end)", true
	case "in":
		if !isArray(v) {
			return "", false
		}
		var names []string
		for i, one := range rt.elements(v) {
			names = append(names, value+"_"+index(i))
			put(names[i], one)
		}
		if names == nil {
			return "(null)", true // so AppSync says, and DynamoDB then refuses it
		}
		return "(" + target + " IN (" + strings.Join(names, ", ") + "))", true
	case "attributeExists":
		exists, ok := v.Export().(bool)
		if !ok {
			return "", false
		}
		if exists {
			return "(attribute_exists(" + target + "))", true
		}
		return "(attribute_not_exists(" + target + "))", true
	case "attributeType":
		code, ok := typeCodes[v.String()]
		if !ok || !goja.IsString(v) {
			return "", false
		}
		put(value, rt.vm.ToValue(code))
		return "(attribute_type(" + target + "," + value + "))", true
	}
	return "", false
}

// subscriptionFilter makes groups of filters: within a group all must hold, of the groups one. Every operator of a field, every
// member of an or and every rule is an alternative, and alternatives multiply. Nothing is checked; not is a field. null for what is no filter.
func (rt *Runtime) subscriptionFilter(filter, ignored, rules goja.Value) goja.Value {
	skip := map[string]bool{}
	if isArray(ignored) {
		for _, name := range rt.elements(ignored) {
			skip[name.String()] = true
		}
	}
	groups, ok := rt.alternatives(filter, skip)
	if !ok {
		return goja.Null()
	}
	if isObject(rules) {
		o := rules.ToObject(rt.vm)
		var options [][]goja.Value
		for _, field := range o.Keys() {
			of, ok := rt.rule(field, o.Get(field))
			if !ok {
				return goja.Null()
			}
			options = append(options, of...)
		}
		if len(options) > 0 {
			groups = multiply(groups, options)
		}
	}
	var made []goja.Value
	for _, group := range groups {
		if len(group) > 0 {
			made = append(made, rt.object("filters", rt.array(group)))
		}
	}
	return rt.object("filterGroup", rt.array(made))
}

func (rt *Runtime) alternatives(v goja.Value, skip map[string]bool) ([][]goja.Value, bool) {
	if !isObject(v) {
		return nil, false
	}
	groups := [][]goja.Value{nil}
	o := v.ToObject(rt.vm)
	for _, key := range o.Keys() {
		member := o.Get(key)
		switch {
		case key == "and" || key == "or":
			if !isArray(member) {
				return nil, false
			}
			var either [][]goja.Value
			for _, one := range rt.elements(member) {
				of, ok := rt.alternatives(one, skip)
				if !ok {
					return nil, false
				}
				if key == "or" {
					either = append(either, of...)
				} else {
					groups = multiply(groups, of)
				}
			}
			if key == "or" {
				groups = multiply(groups, either)
			}
		case !skip[key]:
			of, ok := rt.rule(key, member)
			if !ok {
				return nil, false
			}
			groups = multiply(groups, of)
		}
	}
	return groups, true
}

// rule is the alternatives of one field.
func (rt *Runtime) rule(field string, v goja.Value) ([][]goja.Value, bool) {
	if !isObject(v) {
		return nil, false
	}
	o := v.ToObject(rt.vm)
	var options [][]goja.Value
	for _, operator := range o.Keys() {
		options = append(options, []goja.Value{rt.object("fieldName", rt.vm.ToValue(field), "operator", rt.vm.ToValue(operator), "value", o.Get(operator))})
	}
	return options, true
}

func multiply(groups, options [][]goja.Value) [][]goja.Value {
	var product [][]goja.Value
	for _, group := range groups {
		for _, option := range options {
			product = append(product, append(append([]goja.Value(nil), group...), option...))
		}
	}
	return product
}
