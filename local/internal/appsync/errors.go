package appsync

import (
	"fmt"
	"strconv"

	"github.com/vektah/gqlparser/v2/ast"

	"github.com/orderflow-cdk/orderflow/local/internal/jsontext"
)

// path is where in the answer something stands: its last step, and the path before.
type path struct {
	before *path
	key    string
	index  int // of a list's element, where key is ""
}

func (p *path) append(b []byte) []byte {
	if p == nil {
		return b
	}
	if p.before != nil {
		b = append(p.before.append(b), ',')
	}
	if p.key == "" {
		return appendInt(b, p.index)
	}
	return jsontext.AppendString(b, p.key)
}

// String is a path as AppSync writes it in messages: /orders/items[0]/id.
func (p *path) String() string {
	if p == nil {
		return ""
	}
	if p.key == "" {
		return p.before.String() + "[" + strconv.Itoa(p.index) + "]"
	}
	return p.before.String() + "/" + p.key
}

// graphError is an element of an answer's errors. AppSync writes two forms
// of them: those of resolvers and of authorization have an errorType, an
// errorInfo and data, those of the engine itself (validation, nulls where none
// may be) only a path, locations and a message.
type graphError struct {
	path      *path
	at        []*ast.Position
	message   string
	typ       string
	info      []byte
	data      []byte
	ofHandler bool
}

func (e *graphError) append(b []byte) []byte {
	w := newObject(b)
	w.key("path")
	if e.path == nil {
		w.buf = append(w.buf, "null"...)
	} else {
		w.buf = append(e.path.append(append(w.buf, '[')), ']')
	}
	if e.ofHandler {
		w.raw("data", e.data)
		w.key("errorType")
		if e.typ == "" {
			w.buf = append(w.buf, "null"...)
		} else {
			w.buf = jsontext.AppendString(w.buf, e.typ)
		}
		w.raw("errorInfo", e.info)
	}
	w.key("locations")
	if len(e.at) == 0 {
		w.buf = append(w.buf, "null"...)
	} else {
		for i, p := range e.at {
			w.buf = append(w.buf, "[,"[min(i, 1)])
			w.buf = append(w.buf, `{"line":`...)
			w.buf = appendInt(w.buf, p.Line)
			w.buf = append(w.buf, `,"column":`...)
			w.buf = appendInt(w.buf, p.Column)
			w.buf = append(w.buf, `,"sourceName":null}`...)
		}
		w.buf = append(w.buf, ']')
	}
	w.str("message", e.message)
	return w.end()
}

func appendErrors(b []byte, list []*graphError) []byte {
	b = append(b, '[')
	for i, e := range list {
		if i > 0 {
			b = append(b, ',')
		}
		b = e.append(b)
	}
	return append(b, ']')
}

// requestError refuses a request as a whole, before anything is executed.
type requestError struct {
	status  int
	typ     string
	message string
}

func (e *requestError) Error() string { return e.typ + ": " + e.message }

func unauthorized(message string) *requestError {
	return &requestError{401, "UnauthorizedException", message}
}

func malformed(message string) *requestError {
	return &requestError{400, "MalformedHttpRequestException", message}
}

// notAuthorized is what AppSync answers about calls that it knows no caller of.
const notAuthorized = "You are not authorized to make this call."

// refusal is a message in AppSync's words.
type refusal string

func (r refusal) Error() string { return string(r) }

func refusalf(format string, args ...any) error { return refusal(fmt.Sprintf(format, args...)) }
