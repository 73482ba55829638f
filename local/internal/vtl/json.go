package vtl

import (
	"fmt"
	"math"
	"math/big"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// FromJSON turns one JSON document into template values. Objects keep the
// order of their keys (the last of two equal keys wins, in the first one's
// place); whole numbers become Integer, Long or BigInteger by their size, others Double.
func FromJSON(b []byte) (any, error) {
	d := jsonDecoder{b: b}
	d.space()
	v, err := d.value(0)
	if err != nil {
		return nil, err
	}
	d.space()
	if d.i < len(b) {
		return nil, d.errorf("text after the document")
	}
	return v, nil
}

type jsonDecoder struct {
	b []byte
	i int
}

func (d *jsonDecoder) errorf(format string, args ...any) error {
	return fmt.Errorf("invalid JSON at byte %d: %s", d.i, fmt.Sprintf(format, args...))
}

func (d *jsonDecoder) space() {
	for d.i < len(d.b) {
		switch d.b[d.i] {
		case ' ', '\t', '\n', '\r':
			d.i++
		default:
			return
		}
	}
}

func (d *jsonDecoder) peek() byte {
	if d.i < len(d.b) {
		return d.b[d.i]
	}
	return 0
}

func (d *jsonDecoder) word(w string, v any) (any, error) {
	if len(d.b)-d.i >= len(w) && string(d.b[d.i:d.i+len(w)]) == w {
		d.i += len(w)
		return v, nil
	}
	return nil, d.errorf("expected a value")
}

func (d *jsonDecoder) value(depth int) (any, error) {
	if depth > maxNesting {
		return nil, d.errorf("nested more than %d deep", maxNesting)
	}
	if d.i >= len(d.b) {
		return nil, d.errorf("the text ends where a value should be")
	}
	switch c := d.b[d.i]; {
	case c == '{':
		return d.object(depth)
	case c == '[':
		return d.array(depth)
	case c == '"':
		return d.str()
	case c == 't':
		return d.word("true", true)
	case c == 'f':
		return d.word("false", false)
	case c == 'n':
		return d.word("null", nil)
	case c == '-' || c >= '0' && c <= '9':
		return d.number()
	}
	return nil, d.errorf("expected a value")
}

func (d *jsonDecoder) object(depth int) (any, error) {
	m := NewMap(4)
	d.i++
	d.space()
	if d.peek() == '}' {
		d.i++
		return m, nil
	}
	for {
		if d.peek() != '"' {
			return nil, d.errorf("expected a key")
		}
		k, err := d.str()
		if err != nil {
			return nil, err
		}
		d.space()
		if d.peek() != ':' {
			return nil, d.errorf("expected ':' after a key")
		}
		d.i++
		d.space()
		v, err := d.value(depth + 1)
		if err != nil {
			return nil, err
		}
		m.Put(k, v)
		d.space()
		switch d.peek() {
		case ',':
			d.i++
			d.space()
		case '}':
			d.i++
			return m, nil
		default:
			return nil, d.errorf("expected ',' or '}'")
		}
	}
}

func (d *jsonDecoder) array(depth int) (any, error) {
	l := &List{}
	d.i++
	d.space()
	if d.peek() == ']' {
		d.i++
		return l, nil
	}
	for {
		v, err := d.value(depth + 1)
		if err != nil {
			return nil, err
		}
		l.Items = append(l.Items, v)
		d.space()
		switch d.peek() {
		case ',':
			d.i++
			d.space()
		case ']':
			d.i++
			return l, nil
		default:
			return nil, d.errorf("expected ',' or ']'")
		}
	}
}

func (d *jsonDecoder) number() (any, error) {
	start := d.i
	digits := func() bool {
		from := d.i
		for c := d.peek(); c >= '0' && c <= '9'; c = d.peek() {
			d.i++
		}
		return d.i > from
	}
	if d.peek() == '-' {
		d.i++
	}
	zero := d.peek() == '0'
	from := d.i
	if !digits() || zero && d.i-from > 1 {
		return nil, d.errorf("not a number")
	}
	whole := true
	if d.peek() == '.' {
		whole = false
		d.i++
		if !digits() {
			return nil, d.errorf("expected digits after the point")
		}
	}
	if c := d.peek(); c == 'e' || c == 'E' {
		whole = false
		d.i++
		if c := d.peek(); c == '+' || c == '-' {
			d.i++
		}
		if !digits() {
			return nil, d.errorf("expected an exponent")
		}
	}
	text := string(d.b[start:d.i])
	if whole {
		return parseInteger(text), nil
	}
	f, err := strconv.ParseFloat(text, 64)
	if err != nil && !math.IsInf(f, 0) {
		return nil, d.errorf("not a number")
	}
	return f, nil
}

// parseInteger is the Integer, Long or BigInteger that holds the digits.
func parseInteger(text string) any {
	if i, err := strconv.ParseInt(text, 10, 64); err == nil {
		if i == int64(int32(i)) {
			return int32(i)
		}
		return i
	}
	b, _ := new(big.Int).SetString(text, 10)
	return b
}

func (d *jsonDecoder) str() (string, error) {
	d.i++
	start := d.i
	for d.i < len(d.b) {
		switch c := d.b[d.i]; {
		case c == '"':
			s := string(d.b[start:d.i])
			d.i++
			return valid(s), nil
		case c == '\\':
			return d.escaped(start)
		case c < 0x20:
			return "", d.errorf("a control character in a string")
		}
		d.i++
	}
	return "", d.errorf("a string without its closing quote")
}

func valid(s string) string {
	if utf8.ValidString(s) {
		return s
	}
	return string([]rune(s))
}

func (d *jsonDecoder) escaped(start int) (string, error) {
	out := append(make([]byte, 0, d.i-start+32), d.b[start:d.i]...)
	for d.i < len(d.b) {
		c := d.b[d.i]
		switch {
		case c == '"':
			d.i++
			return valid(string(out)), nil
		case c < 0x20:
			return "", d.errorf("a control character in a string")
		case c != '\\':
			out = append(out, c)
			d.i++
			continue
		}
		d.i++
		switch c := d.peek(); c {
		case '"', '\\', '/':
			out = append(out, c)
		case 'b':
			out = append(out, '\b')
		case 'f':
			out = append(out, '\f')
		case 'n':
			out = append(out, '\n')
		case 'r':
			out = append(out, '\r')
		case 't':
			out = append(out, '\t')
		case 'u':
			r, err := d.hex4(d.i + 1)
			if err != nil {
				return "", err
			}
			d.i += 4
			if utf16.IsSurrogate(r) {
				r2 := rune(utf8.RuneError)
				if d.i+2 < len(d.b) && d.b[d.i+1] == '\\' && d.b[d.i+2] == 'u' {
					if r2, err = d.hex4(d.i + 3); err != nil {
						return "", err
					}
				}
				if full := utf16.DecodeRune(r, r2); full != utf8.RuneError {
					d.i += 6
					r = full
				} else {
					r = '?'
				}
			}
			out = utf8.AppendRune(out, r)
		default:
			return "", d.errorf("an unknown escape")
		}
		d.i++
	}
	return "", d.errorf("a string without its closing quote")
}

func (d *jsonDecoder) hex4(at int) (rune, error) {
	if at+4 > len(d.b) {
		return 0, d.errorf("an incomplete \\u escape")
	}
	n, err := strconv.ParseUint(string(d.b[at:at+4]), 16, 32)
	if err != nil {
		return 0, d.errorf("a bad \\u escape")
	}
	return rune(n), nil
}

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
