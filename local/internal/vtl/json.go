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
