package eventpattern

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"unicode/utf8"
)

// token is one token of a pattern. The rule engine tells where it found an
// error, and it reads the text of a string only when it needs it: then its
// place moves from behind the opening quote to behind the closing one.
type token struct {
	kind   byte // one of { } [ ] s (string) k (name) n (number) t f z (true, false, null), 0 at the end
	text   string
	number float64
	at     int // offset behind the token, as far as it is read at first
	end    int // offset behind the token
}

// tokens reads a JSON document, which must be valid, token by token.
type tokens struct {
	src  []byte
	pos  int
	tok  token
	objs []bool // open brackets: whether it is an object
	key  bool   // a name comes next
}

func newTokens(src []byte) (*tokens, error) {
	if !json.Valid(src) {
		var v any
		return nil, json.Unmarshal(src, &v)
	}
	return &tokens{src: src}, nil
}

// errorf is an error at the current token. With read the text of the token has been read.
func (t *tokens) errorf(read bool, format string, args ...any) error {
	at := t.tok.at
	if read {
		at = t.tok.end
	}
	line, column := 1+bytes.Count(t.src[:at], []byte("\n")), at+1
	if i := bytes.LastIndexByte(t.src[:at], '\n'); i >= 0 {
		column = at - i
	}
	return &SyntaxError{Message: fmt.Sprintf(format, args...), Source: string(t.src), Line: line, Column: column}
}

// next moves to the next token.
func (t *tokens) next() *token {
	for t.pos < len(t.src) && bytes.IndexByte([]byte(" \t\r\n,:"), t.src[t.pos]) >= 0 {
		t.pos++
	}
	if t.pos == len(t.src) {
		t.tok = token{at: t.pos, end: t.pos}
		return &t.tok
	}
	start := t.pos
	c := t.src[start]
	switch c {
	case '{', '[':
		t.pos++
		t.objs = append(t.objs, c == '{')
		t.tok = token{kind: c, at: t.pos, end: t.pos}
	case '}', ']':
		t.pos++
		t.objs = t.objs[:len(t.objs)-1]
		t.tok = token{kind: c, at: t.pos, end: t.pos}
	case '"':
		n := skipString(t.src, start)
		t.pos = n
		t.tok = token{kind: 's', text: decodeString(t.src[start+1 : n-1]), at: start + 1, end: n}
		if t.key {
			t.name()
			return &t.tok
		}
	default:
		for t.pos < len(t.src) && bytes.IndexByte([]byte(" \t\r\n,:]}"), t.src[t.pos]) < 0 {
			t.pos++
		}
		t.tok = token{text: string(t.src[start:t.pos]), at: t.pos, end: t.pos}
		switch c {
		case 't', 'f':
			t.tok.kind = c
		case 'n':
			t.tok.kind = 'z'
		default:
			t.tok.kind = 'n'
			t.tok.number, _ = strconv.ParseFloat(t.tok.text, 64) // out of range is ±Inf
		}
	}
	t.key = len(t.objs) > 0 && t.objs[len(t.objs)-1]
	return &t.tok
}

// name makes the current string a name. With a name the engine reads on until
// it knows what kind of value follows.
func (t *tokens) name() {
	t.tok.kind = 'k'
	t.key = false
	at := t.pos
	for bytes.IndexByte([]byte(" \t\r\n:"), t.src[at]) >= 0 {
		at++
	}
	switch t.src[at] {
	case '{', '[', '"':
		at++
	default:
		for bytes.IndexByte([]byte(" \t\r\n,]}"), t.src[at]) < 0 {
			at++
		}
	}
	t.tok.at, t.tok.end = at, at
}

// skip moves behind the value that begins with the current token.
func (t *tokens) skip() {
	if t.tok.kind != '{' && t.tok.kind != '[' {
		return
	}
	for depth := len(t.objs) - 1; len(t.objs) > depth; {
		t.next()
	}
}

// SyntaxError is a pattern that the rule engine refuses.
type SyntaxError struct {
	// Message is the engine's own.
	Message string
	// Source is the pattern; Line and Column, from 1, say where in it.
	Source       string
	Line, Column int
}

// Error is the message with the place, as AWS returns it.
func (e *SyntaxError) Error() string {
	return fmt.Sprintf("%s\n at [Source: (String)\"%s\"; line: %d, column: %d]", e.Message, e.Source, e.Line, e.Column)
}

// skipString returns the offset behind the string that begins at i.
func skipString(b []byte, i int) int {
	for i++; ; {
		n := bytes.IndexByte(b[i:], '"')
		end := i + n
		slashes := 0
		for b[end-1-slashes] == '\\' {
			slashes++
		}
		i = end + 1
		if slashes%2 == 0 {
			return i
		}
	}
}

// decodeString decodes the inside of a JSON string.
func decodeString(b []byte) string {
	if bytes.IndexByte(b, '\\') < 0 && utf8.Valid(b) {
		return string(b)
	}
	var s string
	if err := json.Unmarshal(append(append([]byte{'"'}, b...), '"'), &s); err != nil {
		return string(b)
	}
	return s
}
