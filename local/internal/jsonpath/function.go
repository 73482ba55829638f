package jsonpath

import (
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// call is a function at the end of a path: $.a.length().
type call struct {
	name string
	args []operand
}

var functions = map[string]bool{
	"avg": true, "stddev": true, "sum": true, "min": true, "max": true, "concat": true, "length": true, "size": true,
	"append": true, "keys": true, "first": true, "last": true, "index": true,
}

// function reads the parameters of a function, from its bracket on.
func (c *compiler) function(name string) error {
	if !functions[name] {
		return c.fail(fmt.Sprintf("there is no function %s", name))
	}
	end := matching(c.text, c.pos)
	if end < 0 {
		return c.fail("the function's parameters are not closed")
	}
	f := &call{name: name}
	for _, part := range splitParameters(c.text[c.pos+1 : end]) {
		switch part[0] {
		case '$', '@':
			p, err := compile(part, part[0])
			if err != nil {
				return err
			}
			f.args = append(f.args, operand{path: p, fromRoot: part[0] == '$'})
		default:
			v, err := parseLenient(part)
			if err != nil {
				return c.fail("a parameter is neither a path nor JSON")
			}
			f.args = append(f.args, operand{literal: valueOf(v)})
		}
	}
	if name == "index" && (len(f.args) != 1 || f.args[0].literal.kind != numberValue) {
		return c.fail("index needs a number")
	}
	c.add(token{kind: functionToken, call: f})
	if c.pos = end + 1; c.pos < len(c.text) {
		return c.fail("a function ends a path")
	}
	return nil
}

func splitParameters(s string) []string {
	var out []string
	begin := 0
	add := func(end int) {
		if part := strings.TrimSpace(s[begin:end]); part != "" {
			out = append(out, part)
		}
	}
	for i := 0; i < len(s); i++ {
		end := i
		switch s[i] {
		case ',':
			add(i)
			begin = i + 1
		case '(', '[', '{':
			end = matching(s, i)
		case '\'', '"':
			end = closingQuote(s, i)
		}
		if end < 0 {
			break
		}
		i = end
	}
	add(len(s))
	return out
}

// turnScan makes of $..a.max() the function's parameter what precedes it, so that it is
// about all that the path finds.
func (c *compiler) turnScan() error {
	tokens := c.path.tokens
	n := len(tokens)
	if n < 3 || tokens[0].kind != scanToken || tokens[n-1].kind != functionToken {
		return nil
	}
	inner := &Path{source: c.path.source, tokens: append([]token(nil), tokens[:n-1]...)}
	f := tokens[n-1].call
	if f.name == "length" || f.name == "size" {
		inner.tokens = append(inner.tokens, token{kind: wildcardToken})
	}
	inner.link()
	f.args = append([]operand{{path: inner, fromRoot: true}}, f.args...)
	c.path.tokens = []token{{kind: functionToken, call: f}}
	return nil
}

func (f *call) apply(v, root any) (any, error) {
	switch f.name {
	case "length", "size":
		if len(f.args) > 0 {
			in, err := f.arg(0, v, root)
			if err != nil {
				return nil, err
			}
			if list, ok := in.([]any); ok {
				return float64(len(list)), nil
			}
		}
		switch v := v.(type) {
		case []any:
			return float64(len(v)), nil
		case map[string]any:
			return float64(len(v)), nil
		}
		return nil, nil
	case "keys":
		m, ok := v.(map[string]any)
		if !ok {
			return nil, nil
		}
		keys := []any{}
		for _, k := range sortedKeys(m) {
			keys = append(keys, k)
		}
		return keys, nil
	case "first", "last", "index":
		return f.element(v)
	case "append":
		list, ok := v.([]any)
		if !ok {
			return v, nil
		}
		out := append([]any(nil), list...)
		for i := range f.args {
			a, err := f.arg(i, v, root)
			if err != nil {
				return nil, err
			}
			out = append(out, a)
		}
		return out, nil
	case "concat":
		return f.concat(v, root)
	}
	return f.aggregate(v, root)
}

func (f *call) arg(i int, v, root any) (any, error) {
	a := f.args[i]
	if a.path == nil {
		switch a.literal.kind {
		case nullValue:
			return nil, nil
		case boolValue:
			return a.literal.truth, nil
		case numberValue:
			return a.literal.number, nil
		case textValue:
			return a.literal.text, nil
		}
		return a.literal.json, nil
	}
	if a.fromRoot {
		v = root
	}
	return a.path.get(v, root, false)
}

func (f *call) element(v any) (any, error) {
	list, ok := v.([]any)
	if !ok {
		return nil, nil
	}
	n := 0
	switch f.name {
	case "last":
		n = -1
	case "index":
		n = int(f.args[0].literal.number)
	}
	if n < 0 {
		n += len(list)
	}
	if n < 0 || n >= len(list) {
		return nil, &EvalError{Reason: fmt.Sprintf("Target index:%d larger than object count:%d", n, len(list))}
	}
	return list[n], nil
}

func (f *call) concat(v, root any) (any, error) {
	var b strings.Builder
	if list, ok := v.([]any); ok {
		for _, e := range list {
			if s, ok := e.(string); ok {
				b.WriteString(s)
			}
		}
	}
	for i := range f.args {
		a, err := f.arg(i, v, root)
		if err != nil {
			return nil, err
		}
		list, ok := a.([]any)
		if !ok {
			list = []any{a}
		}
		for _, e := range list {
			if e != nil {
				b.WriteString(Text(e))
			}
		}
	}
	return b.String(), nil
}

// aggregate is the functions over numbers; all else is passed over.
func (f *call) aggregate(v, root any) (any, error) {
	var numbers []float64
	add := func(v any) {
		switch v := v.(type) {
		case float64:
			numbers = append(numbers, v)
		case []any:
			for _, e := range v {
				if n, ok := e.(float64); ok {
					numbers = append(numbers, n)
				}
			}
		}
	}
	if list, ok := v.([]any); ok {
		add(list)
	}
	for i := range f.args {
		a, err := f.arg(i, v, root)
		if err != nil {
			return nil, err
		}
		add(a)
	}
	if len(numbers) == 0 {
		return nil, &EvalError{Reason: "Aggregation function attempted to calculate value using empty array"}
	}
	sum, squares, low, high := 0.0, 0.0, math.Inf(1), math.Inf(-1)
	for _, n := range numbers {
		sum += n
		squares += n * n
		low, high = min(low, n), max(high, n)
	}
	count := float64(len(numbers))
	switch f.name {
	case "sum":
		return sum, nil
	case "min":
		return low, nil
	case "max":
		return high, nil
	case "avg":
		return sum / count, nil
	default: // stddev
		return math.Sqrt(squares/count - sum*sum/count/count), nil
	}
}

// Text is a value as Java's toString has it, which is how States.Format writes objects and arrays.
func Text(v any) string {
	switch v := v.(type) {
	case nil:
		return "null"
	case string:
		return v
	case bool:
		return strconv.FormatBool(v)
	case float64:
		b, err := json.Marshal(v)
		if err != nil {
			return "null"
		}
		return string(b)
	case []any:
		parts := make([]string, len(v))
		for i, e := range v {
			parts[i] = Text(e)
		}
		return "[" + strings.Join(parts, ", ") + "]"
	case map[string]any:
		var parts []string
		for _, k := range sortedKeys(v) {
			parts = append(parts, k+"="+Text(v[k]))
		}
		return "{" + strings.Join(parts, ", ") + "}"
	}
	return fmt.Sprint(v)
}

// javaType is the class that Jayway sees in a JSON value.
func javaType(v any) string {
	switch v := v.(type) {
	case nil:
		return "null"
	case string:
		return "java.lang.String"
	case bool:
		return "java.lang.Boolean"
	case float64:
		if v == math.Trunc(v) {
			return "java.lang.Integer"
		}
		return "java.lang.Double"
	case []any:
		return "java.util.ArrayList"
	}
	return "java.util.LinkedHashMap"
}
