package appsync

import (
	"bytes"
	"encoding/json"
	"errors"
	"strconv"

	"github.com/orderflow-cdk/orderflow/local/internal/jsontext"
)

// Values travel through the engine as JSON texts: a resolver's result is
// looked into only where a selection asks for a field of it, and the order of an
// object's members survives into an AWSJSON scalar.

type member struct {
	name  string
	value []byte
}

var (
	errNotJSON = errors.New("malformed JSON")
	nullJSON   = []byte("null")
)

func isNull(v []byte) bool { return len(v) == 0 || v[0] == 'n' }

func skipSpace(b []byte, i int) int {
	for i < len(b) && (b[i] == ' ' || b[i] == '\n' || b[i] == '\t' || b[i] == '\r') {
		i++
	}
	return i
}

// skipValue returns the index after the value that begins at i. It trusts
// that the text is valid JSON, and stays within it if it is not.
func skipValue(b []byte, i int) int {
	if i >= len(b) {
		return i
	}
	switch b[i] {
	case '"':
		return skipString(b, i)
	case '{', '[':
		depth := 0
		for i < len(b) {
			switch b[i] {
			case '"':
				i = skipString(b, i)
				continue
			case '{', '[':
				depth++
			case '}', ']':
				if depth--; depth == 0 {
					return i + 1
				}
			}
			i++
		}
		return i
	}
	for i < len(b) {
		switch b[i] {
		case ',', '}', ']', ' ', '\n', '\t', '\r':
			return i
		}
		i++
	}
	return i
}

func skipString(b []byte, i int) int {
	for i++; i < len(b); i++ {
		switch b[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return i
}

// members splits an object. Of members of one name the last counts.
func members(b []byte) ([]member, error) {
	i := skipSpace(b, 0)
	if i >= len(b) || b[i] != '{' {
		return nil, errNotJSON
	}
	list := make([]member, 0, 12)
	for i = skipSpace(b, i+1); i < len(b) && b[i] != '}'; {
		if b[i] != '"' {
			return nil, errNotJSON
		}
		end := skipString(b, i)
		name := text(b[i:end])
		i = skipSpace(b, end)
		if i >= len(b) || b[i] != ':' {
			return nil, errNotJSON
		}
		i = skipSpace(b, i+1)
		end = skipValue(b, i)
		list = append(list, member{name, b[i:end]})
		if i = skipSpace(b, end); i < len(b) && b[i] == ',' {
			i = skipSpace(b, i+1)
		}
	}
	return list, nil
}

func find(list []member, name string) []byte {
	for i := len(list) - 1; i >= 0; i-- {
		if list[i].name == name {
			return list[i].value
		}
	}
	return nil
}

// elements splits a list.
func elements(b []byte) ([][]byte, error) {
	i := skipSpace(b, 0)
	if i >= len(b) || b[i] != '[' {
		return nil, errNotJSON
	}
	var list [][]byte
	for i = skipSpace(b, i+1); i < len(b) && b[i] != ']'; {
		end := skipValue(b, i)
		list = append(list, b[i:end])
		if i = skipSpace(b, end); i < len(b) && b[i] == ',' {
			i = skipSpace(b, i+1)
		}
	}
	return list, nil
}

// text is the content of a JSON string.
func text(quoted []byte) string {
	if len(quoted) < 2 {
		return ""
	}
	inner := quoted[1 : len(quoted)-1]
	if bytes.IndexByte(inner, '\\') < 0 {
		return string(inner)
	}
	var s string
	if json.Unmarshal(quoted, &s) != nil {
		return string(inner)
	}
	return s
}

func isString(v []byte) bool { return len(v) > 1 && v[0] == '"' }

func isNumber(v []byte) bool { return len(v) > 0 && (v[0] == '-' || v[0] >= '0' && v[0] <= '9') }

func quote(s string) []byte { return jsontext.AppendString(nil, s) }

// objectWriter appends an object member by member.
type objectWriter struct {
	buf   []byte
	began bool
}

func newObject(buf []byte) *objectWriter { return &objectWriter{buf: append(buf, '{')} }

func (w *objectWriter) key(name string) {
	if w.began {
		w.buf = append(w.buf, ',')
	}
	w.began = true
	w.buf = append(jsontext.AppendString(w.buf, name), ':')
}

func (w *objectWriter) raw(name string, v []byte) {
	w.key(name)
	if len(v) == 0 {
		v = nullJSON
	}
	w.buf = append(w.buf, v...)
}

func (w *objectWriter) str(name, v string) {
	w.key(name)
	w.buf = jsontext.AppendString(w.buf, v)
}

func (w *objectWriter) end() []byte { return append(w.buf, '}') }

func appendInt(b []byte, n int) []byte { return strconv.AppendInt(b, int64(n), 10) }

// compactJSON removes insignificant white space, which a value keeps that is
// passed on as the text of an AWSJSON scalar.
func compactJSON(v []byte) []byte {
	if bytes.IndexByte(v, ' ') < 0 && bytes.IndexByte(v, '\n') < 0 && bytes.IndexByte(v, '\t') < 0 && bytes.IndexByte(v, '\r') < 0 {
		return v
	}
	var out bytes.Buffer
	if json.Compact(&out, v) != nil {
		return v
	}
	return out.Bytes()
}
