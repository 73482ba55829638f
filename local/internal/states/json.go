package states

import (
	"encoding/json"
	"math"
	"slices"
	"strconv"

	"github.com/orderflow-cdk/orderflow/local/internal/jsontext"
)

// appendJSON writes a JSON value the way that Step Functions shows it: no
// spaces, objects in the order of their keys.
func appendJSON(dst []byte, v any) []byte {
	switch v := v.(type) {
	case nil:
		return append(dst, "null"...)
	case bool:
		return strconv.AppendBool(dst, v)
	case float64:
		return appendNumber(dst, v)
	case int:
		return strconv.AppendInt(dst, int64(v), 10)
	case string:
		return jsontext.AppendString(dst, v)
	case []any:
		dst = append(dst, '[')
		for i, e := range v {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = appendJSON(dst, e)
		}
		return append(dst, ']')
	case map[string]any:
		var buf [16]string
		keys := buf[:0]
		for k := range v {
			keys = append(keys, k)
		}
		slices.Sort(keys)
		dst = append(dst, '{')
		for i, k := range keys {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = append(jsontext.AppendString(dst, k), ':')
			dst = appendJSON(dst, v[k])
		}
		return append(dst, '}')
	}
	b, err := json.Marshal(v)
	if err != nil {
		return append(dst, "null"...)
	}
	return append(dst, b...)
}

// appendNumber writes a number as JavaScript does.
func appendNumber(dst []byte, f float64) []byte {
	if f == math.Trunc(f) && math.Abs(f) < 1<<53 {
		return strconv.AppendInt(dst, int64(f), 10)
	}
	if a := math.Abs(f); a >= 1e-6 && a < 1e21 {
		return strconv.AppendFloat(dst, f, 'f', -1, 64)
	}
	b, err := json.Marshal(f)
	if err != nil { // infinite or not a number, which no JSON value is
		return append(dst, "null"...)
	}
	return append(dst, b...)
}

func jsonText(v any) string { return string(appendJSON(nil, v)) }

// exceeds tells whether a value's JSON is longer than limit bytes, without
// writing it down.
func exceeds(v any, limit int) bool { return jsonSize(v, limit) > limit }

// jsonSize is the length of a value's JSON. It may stop counting beyond limit.
func jsonSize(v any, limit int) int {
	switch v := v.(type) {
	case nil:
		return 4
	case bool:
		if v {
			return 4
		}
		return 5
	case float64:
		var buf [32]byte
		return len(appendNumber(buf[:0], v))
	case string:
		return stringSize(v)
	case []any:
		n := 1 + max(1, len(v))
		for _, e := range v {
			if n > limit {
				return n
			}
			n += jsonSize(e, limit-n)
		}
		return n
	case map[string]any:
		n := 1 + max(1, len(v))
		for k, e := range v {
			if n > limit {
				return n
			}
			n += stringSize(k) + 1 + jsonSize(e, limit-n)
		}
		return n
	}
	return len(appendJSON(nil, v))
}

func stringSize(s string) int {
	n := len(s) + 2
	for i := range len(s) {
		switch c := s[i]; {
		case c == '"' || c == '\\' || c == '\n' || c == '\r' || c == '\t' || c == '\b' || c == '\f':
			n++
		case c < 0x20:
			n += 5
		}
	}
	return n
}

func decodeJSON(b []byte) (any, error) {
	var v any
	err := json.Unmarshal(b, &v)
	return v, err
}

func typeName(v any) string {
	switch v.(type) {
	case nil:
		return "null"
	case bool:
		return "boolean"
	case float64:
		return "number"
	case string:
		return "string"
	case []any:
		return "array"
	case map[string]any:
		return "object"
	}
	return "unknown"
}
