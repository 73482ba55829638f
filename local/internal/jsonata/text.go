package jsonata

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/recolabs/gnata"
	"golang.org/x/text/cases"
	"golang.org/x/text/language"
)

// toString is $string: JSON text, but for a string that is itself.
func toString(args []any, focus any) (any, error) {
	pretty := false
	switch len(args) {
	case 0:
		args = []any{focus}
	case 1:
	case 2:
		if args[1] != nil {
			b, ok := args[1].(bool)
			if !ok {
				return nil, signatureError("string", 2)
			}
			pretty = b
		}
	default:
		return nil, signatureError("string", 3)
	}
	switch v := args[0].(type) {
	case nil:
		return nil, nil
	case string:
		return v, nil
	}
	w := jsonWriter{pretty: pretty}
	if err := w.value(args[0], 0); err != nil {
		return nil, err
	}
	return w.b.String(), nil
}

// jsonWriter writes JSON as JSON.stringify does, with numbers of 15 digits.
type jsonWriter struct {
	b      strings.Builder
	pretty bool
}

func (w *jsonWriter) value(v any, depth int) error {
	switch v := v.(type) {
	case bool:
		w.b.WriteString(strconv.FormatBool(v))
	case string:
		w.quoted(v)
	case float64:
		return w.number(v)
	case json.Number:
		f, err := v.Float64()
		if err != nil {
			return err
		}
		return w.number(f)
	case []any:
		return w.list('[', ']', len(v), depth, func(i int) error { return w.value(v[i], depth+1) })
	case map[string]any:
		if isRegex(v) {
			return errors.New("$string: a regular expression is no value")
		}
		keys := make([]string, 0, len(v))
		for k := range v {
			keys = append(keys, k)
		}
		slices.Sort(keys)
		return w.fields(keys, v, depth)
	case orderedMap:
		return w.fields(v.Keys(), v.ToMap(), depth)
	default:
		switch {
		case v == nil || gnata.IsNull(v):
			w.b.WriteString("null")
		case depth == 0: // a function
		default:
			w.b.WriteString(`""`)
		}
	}
	return nil
}

func (w *jsonWriter) fields(keys []string, m map[string]any, depth int) error {
	return w.list('{', '}', len(keys), depth, func(i int) error {
		w.quoted(keys[i])
		w.b.WriteByte(':')
		if w.pretty {
			w.b.WriteByte(' ')
		}
		return w.value(m[keys[i]], depth+1)
	})
}

func (w *jsonWriter) list(open, end byte, n, depth int, element func(int) error) error {
	newline := func(depth int) {
		if w.pretty {
			w.b.WriteByte('\n')
			for range depth {
				w.b.WriteString("  ")
			}
		}
	}
	w.b.WriteByte(open)
	for i := range n {
		if i > 0 {
			w.b.WriteByte(',')
		}
		newline(depth + 1)
		if err := element(i); err != nil {
			return err
		}
	}
	if n > 0 {
		newline(depth)
	}
	w.b.WriteByte(end)
	return nil
}

// number writes a number as JavaScript does. Fractions have 15 digits as in
// jsonata; whole numbers all of theirs, as in Step Functions: jsonata in
// node cuts those to 15 digits as well, which shows from 2^53 on.
func (w *jsonWriter) number(f float64) error {
	if math.IsInf(f, 0) || math.IsNaN(f) {
		return fmt.Errorf("D3001: attempting to invoke string function on %v", f)
	}
	if f != math.Trunc(f) {
		var err error
		if f, err = strconv.ParseFloat(strconv.FormatFloat(f, 'g', 15, 64), 64); err != nil {
			return err
		}
	}
	switch a := math.Abs(f); {
	case f == 0:
		w.b.WriteByte('0')
	case a >= 1e21 || a < 1e-6:
		s := strconv.FormatFloat(f, 'e', -1, 64)
		mantissa, exponent, _ := strings.Cut(s, "e")
		w.b.WriteString(mantissa + "e" + exponent[:1] + strings.TrimLeft(exponent[1:], "0"))
	case a >= 1<<53:
		// The shortest digits that are this number, filled up with zeros.
		digits, exponent, _ := strings.Cut(strconv.FormatFloat(f, 'e', -1, 64), "e")
		n, err := strconv.Atoi(exponent)
		if err != nil {
			return err
		}
		whole, fraction, _ := strings.Cut(digits, ".")
		w.b.WriteString(whole + fraction + strings.Repeat("0", n-len(fraction)))
	default:
		w.b.WriteString(strconv.FormatFloat(f, 'f', -1, 64))
	}
	return nil
}

// quoted writes a string as JSON.stringify does, which escapes less than Go.
func (w *jsonWriter) quoted(s string) {
	w.b.WriteByte('"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			w.b.WriteByte('\\')
			w.b.WriteRune(r)
		case r == '\n':
			w.b.WriteString(`\n`)
		case r == '\r':
			w.b.WriteString(`\r`)
		case r == '\t':
			w.b.WriteString(`\t`)
		case r == '\b':
			w.b.WriteString(`\b`)
		case r == '\f':
			w.b.WriteString(`\f`)
		case r < ' ':
			fmt.Fprintf(&w.b, `\u%04x`, r)
		default:
			w.b.WriteRune(r)
		}
	}
	w.b.WriteByte('"')
}

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= 0x80 {
			return false
		}
	}
	return true
}

// upper and lower map single letters to several where Unicode does.
func upper(s string) string {
	if isASCII(s) {
		return strings.ToUpper(s)
	}
	return cases.Upper(language.Und).String(s)
}

func lower(s string) string {
	if isASCII(s) {
		return strings.ToLower(s)
	}
	return cases.Lower(language.Und).String(s)
}

func letters(name string, f func(string) string) function {
	return func(args []any, focus any) (any, error) {
		if len(args) == 0 {
			args = []any{focus}
		}
		switch s := args[0].(type) {
		case nil:
			return nil, nil
		case string:
			return f(s), nil
		}
		return nil, signatureError(name, 1)
	}
}

// base64decode is $base64decode. Text in it must be ASCII: jsonata in node
// takes bytes for characters, others take UTF-8.
func base64decode(args []any, focus any) (any, error) {
	switch len(args) {
	case 0:
		args = []any{focus}
	case 1:
	default:
		return nil, signatureError("base64decode", 2)
	}
	if args[0] == nil {
		return nil, nil
	}
	s, ok := args[0].(string)
	if !ok {
		return nil, signatureError("base64decode", 1)
	}
	b, err := base64.StdEncoding.DecodeString(s)
	if err != nil {
		return nil, fmt.Errorf("$base64decode: %w", err)
	}
	if err := asciiOnly(string(b)); err != nil {
		return nil, fmt.Errorf("$base64decode: %w", err)
	}
	return string(b), nil
}

// decodeURL is $decodeUrl, JavaScript's decodeURI: escapes of characters that
// structure an address stay.
func decodeURL(args []any, focus any) (any, error) {
	switch len(args) {
	case 0:
		args = []any{focus}
	case 1:
	default:
		return nil, signatureError("decodeUrl", 2)
	}
	if args[0] == nil {
		return nil, nil
	}
	s, ok := args[0].(string)
	if !ok {
		return nil, signatureError("decodeUrl", 1)
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] != '%' {
			b.WriteByte(s[i])
			continue
		}
		if i+2 >= len(s) {
			return nil, fmt.Errorf("D3140: Malformed URL passed to $decodeUrl(): %q", s)
		}
		c, err := strconv.ParseUint(s[i+1:i+3], 16, 8)
		if err != nil {
			return nil, fmt.Errorf("D3140: Malformed URL passed to $decodeUrl(): %q", s)
		}
		if strings.IndexByte(";/?:@&=+$,#", byte(c)) >= 0 {
			b.WriteString(s[i : i+3])
		} else {
			b.WriteByte(byte(c))
		}
		i += 2
	}
	out := b.String()
	if strings.ToValidUTF8(out, "") != out {
		return nil, fmt.Errorf("D3140: Malformed URL passed to $decodeUrl(): %q", s)
	}
	return out, nil
}

// clone is $clone, of which jsonata says nothing but which its transform
// operator uses. Values do not change, so there is nothing to copy.
func clone(args []any, focus any) (any, error) {
	switch len(args) {
	case 0:
		args = []any{focus}
	case 1:
	default:
		return nil, signatureError("clone", 2)
	}
	switch v := args[0].(type) {
	case nil:
		return nil, nil
	case map[string]any, orderedMap, []any:
		return v, nil
	}
	return nil, signatureError("clone", 1)
}
