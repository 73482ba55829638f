package vtl

import (
	"bytes"
	"fmt"
	"math"
	"math/big"
	"strconv"
)

// maxNesting bounds how deep values, templates and JSON may nest: Java's
// stack would overflow at some such depth.
const maxNesting = 500

// ToString formats a value as its Java toString: maps as {a=1, b=2}, lists as
// [1, 2], doubles as 1.0 and 1.0E10.
func ToString(v any) (string, error) { return toString(v) }

func toString(v any) (string, error) {
	switch v := v.(type) {
	case string:
		return v, nil
	case bool:
		if v {
			return "true", nil
		}
		return "false", nil
	case int32:
		return strconv.Itoa(int(v)), nil
	}
	b, err := appendString(nil, v, 0)
	return string(b), err
}

// appendString appends the Java toString of v.
func appendString(b []byte, v any, depth int) ([]byte, error) {
	if depth > maxNesting {
		return b, javaError("StackOverflowError: a value nests more than " + strconv.Itoa(maxNesting) + " deep")
	}
	if len(b) > hardOutput {
		return b, errTooLong
	}
	switch v := v.(type) {
	case nil:
		return append(b, "null"...), nil
	case string:
		return append(b, v...), nil
	case bool:
		return strconv.AppendBool(b, v), nil
	case int32:
		return strconv.AppendInt(b, int64(v), 10), nil
	case int64:
		return strconv.AppendInt(b, v, 10), nil
	case *big.Int:
		return v.Append(b, 10), nil
	case float64:
		return appendDouble(b, v), nil
	case Char:
		return append(b, fromUTF16([]uint16{uint16(v)})...), nil
	case *Map:
		b = append(b, '{')
		first := true
		for i := range v.slots {
			if !v.slots[i].live {
				continue
			}
			if !first {
				b = append(b, ", "...)
			}
			first = false
			var err error
			if b, err = appendElem(b, v.slots[i].Key, v, depth); err != nil {
				return b, err
			}
			b = append(b, '=')
			if b, err = appendElem(b, v.slots[i].Value, v, depth); err != nil {
				return b, err
			}
		}
		return append(b, '}'), nil
	case *List:
		if v.array {
			return b, fmt.Errorf("an array printed as it is shows only its identity in Java; index it or use #foreach")
		}
		return appendItems(b, v.Items, v, depth)
	case *view:
		return appendItems(b, v.items(), v, depth)
	case *entryRef:
		b, err := appendString(b, v.key, depth+1)
		if err != nil {
			return b, err
		}
		return appendString(append(b, '='), v.value(), depth+1)
	case *foreachScope:
		return append(b, "{}"...), nil
	case *block:
		return b, fmt.Errorf("a #define block inside another value cannot be printed here")
	case fmt.Stringer:
		return append(b, v.String()...), nil
	}
	return b, fmt.Errorf("%s has no text of its own (Java would print its identity)", javaType(v))
}

func appendItems(b []byte, items []any, self any, depth int) ([]byte, error) {
	b = append(b, '[')
	for i, it := range items {
		if i > 0 {
			b = append(b, ", "...)
		}
		var err error
		if b, err = appendElem(b, it, self, depth); err != nil {
			return b, err
		}
	}
	return append(b, ']'), nil
}

func appendElem(b []byte, v, self any, depth int) ([]byte, error) {
	switch v := v.(type) {
	case *List:
		if any(v) == self {
			return append(b, "(this Collection)"...), nil
		}
	case *Map:
		if any(v) == self {
			return append(b, "(this Map)"...), nil
		}
	}
	return appendString(b, v, depth+1)
}

// appendDouble is Double.toString.
func appendDouble(b []byte, f float64) []byte {
	switch {
	case math.IsNaN(f):
		return append(b, "NaN"...)
	case math.IsInf(f, 1):
		return append(b, "Infinity"...)
	case math.IsInf(f, -1):
		return append(b, "-Infinity"...)
	case f == 0:
		if math.Signbit(f) {
			b = append(b, '-')
		}
		return append(b, "0.0"...)
	}
	a := math.Abs(f)
	if a >= 1e-3 && a < 1e7 {
		start := len(b)
		b = strconv.AppendFloat(b, f, 'f', -1, 64)
		for _, c := range b[start:] {
			if c == '.' {
				return b
			}
		}
		return append(b, ".0"...)
	}
	e := strconv.AppendFloat(nil, f, 'e', -1, 64)
	if bytes.IndexByte(e, '.') < 0 {
		// Java wants two digits, and of those the nearest: 4.9E-324, not 5.0E-324.
		e = strconv.AppendFloat(e[:0], f, 'e', 1, 64)
	}
	i := bytes.IndexByte(e, 'e')
	b = append(b, e[:i]...)
	b = append(b, 'E')
	exp, _ := strconv.Atoi(string(e[i+1:]))
	return strconv.AppendInt(b, int64(exp), 10)
}
