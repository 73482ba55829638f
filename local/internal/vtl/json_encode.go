package vtl

import (
	"fmt"
	"math"
	"math/big"
)

// ToJSON formats a value as compact JSON with the order of its keys kept and
// only what JSON demands escaped. Keys become their toString, as do host
// objects; a NaN or an infinity becomes a string, as Jackson writes it.
func ToJSON(v any) (string, error) {
	b, err := AppendJSON(nil, v)
	return string(b), err
}

// AppendJSON appends what ToJSON returns.
func AppendJSON(b []byte, v any) ([]byte, error) { return appendJSON(b, v, 0) }

func appendJSON(b []byte, v any, depth int) ([]byte, error) {
	if depth > maxNesting {
		return b, fmt.Errorf("a value nests more than %d deep", maxNesting)
	}
	var err error
	switch v := v.(type) {
	case nil:
		return append(b, "null"...), nil
	case string:
		return AppendJSONString(b, v), nil
	case float64:
		if math.IsNaN(v) || math.IsInf(v, 0) {
			b = append(b, '"')
			return append(appendDouble(b, v), '"'), nil
		}
		return appendDouble(b, v), nil
	case bool, int32, int64, *big.Int:
		return appendString(b, v, depth)
	case *Map:
		b = append(b, '{')
		first := true
		for i := range v.slots {
			if !v.slots[i].live {
				continue
			}
			if !first {
				b = append(b, ',')
			}
			first = false
			k, err := toString(v.slots[i].Key)
			if err != nil {
				return b, err
			}
			b = append(AppendJSONString(b, k), ':')
			if b, err = appendJSON(b, v.slots[i].Value, depth+1); err != nil {
				return b, err
			}
		}
		return append(b, '}'), nil
	case *List:
		return appendJSONItems(b, v.Items, depth)
	case *view:
		return appendJSONItems(b, v.items(), depth)
	}
	s, err := toString(v)
	return AppendJSONString(b, s), err
}

func appendJSONItems(b []byte, items []any, depth int) ([]byte, error) {
	b = append(b, '[')
	for i, it := range items {
		if i > 0 {
			b = append(b, ',')
		}
		var err error
		if b, err = appendJSON(b, it, depth+1); err != nil {
			return b, err
		}
	}
	return append(b, ']'), nil
}

const upperHex = "0123456789ABCDEF"

// AppendJSONString appends s as a JSON string: quotes, backslashes and control
// characters escaped, everything else as it is.
func AppendJSONString(b []byte, s string) []byte {
	b = append(b, '"')
	start := 0
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c >= 0x20 && c != '"' && c != '\\' {
			continue
		}
		b = append(b, s[start:i]...)
		start = i + 1
		switch c {
		case '"', '\\':
			b = append(b, '\\', c)
		case '\b':
			b = append(b, '\\', 'b')
		case '\f':
			b = append(b, '\\', 'f')
		case '\n':
			b = append(b, '\\', 'n')
		case '\r':
			b = append(b, '\\', 'r')
		case '\t':
			b = append(b, '\\', 't')
		default:
			b = append(b, '\\', 'u', '0', '0', upperHex[c>>4], upperHex[c&15])
		}
	}
	b = append(b, s[start:]...)
	return append(b, '"')
}
