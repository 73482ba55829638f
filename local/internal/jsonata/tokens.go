package jsonata

import (
	"strings"
	"unicode/utf8"
)

// token is one lexical element of an expression.
type token struct {
	kind       tokenKind
	text       string // as written, quotes and all
	start, end int
	prefix     bool // stands where an operand is expected
	depth      int  // in how many brackets it is; a bracket itself is outside
	parent     int  // the token of the innermost open bracket, or -1
}

type tokenKind uint8

const (
	opToken tokenKind = iota
	nameToken
	varToken
	stringToken
	numberToken
	regexToken
)

var twoByteOps = []string{"..", ":=", "!=", ">=", "<=", "**", "~>", "?:", "??"}

// tokenize takes an expression apart as far as the checks need it. What is no
// JSONata at all is left to the parser to refuse.
func tokenize(src string) []token {
	out := make([]token, 0, len(src)/3+1)
	open := make([]int, 0, 8)
	operand := false // whether an operand has just ended
	for i := 0; i < len(src); {
		c := src[i]
		if strings.IndexByte(" \t\r\n\v", c) >= 0 {
			i++
			continue
		}
		if c == '/' && strings.HasPrefix(src[i:], "/*") {
			n := strings.Index(src[i+2:], "*/")
			if n < 0 {
				return out
			}
			i += n + 4
			continue
		}
		t := token{start: i, prefix: !operand, parent: -1}
		switch {
		case c == '"' || c == '\'':
			t.kind, i = stringToken, min(skipString(src, i), len(src))
		case c == '`':
			t.kind = nameToken
			if n := strings.IndexByte(src[i+1:], '`'); n >= 0 {
				i += n + 2
			} else {
				i = len(src)
			}
		case c == '/' && !operand:
			t.kind, i = regexToken, skipRegex(src, i)
		case c >= '0' && c <= '9':
			t.kind, i = numberToken, skipNumber(src, i)
		case isNameStart(src, i):
			t.kind = nameToken
			if c == '$' {
				t.kind = varToken
				i++
			}
			i += nameEnd(src[i:])
			if c == '$' && i < len(src) && src[i] == '$' && i == t.start+1 {
				i++ // $$
			}
		default:
			i++
			for _, op := range twoByteOps {
				if strings.HasPrefix(src[t.start:], op) {
					i = t.start + 2
				}
			}
		}
		t.text, t.end = src[t.start:i], i
		switch t.text {
		case ")", "]", "}":
			if len(open) > 0 {
				t.parent = open[len(open)-1] // the bracket that it closes
				open = open[:len(open)-1]
			}
		default:
			if len(open) > 0 {
				t.parent = open[len(open)-1]
			}
		}
		t.depth = len(open)
		out = append(out, t)
		switch t.text {
		case "(", "[", "{":
			open = append(open, len(out)-1)
		}
		operand = endsOperand(t)
	}
	return out
}

// endsOperand tells whether a binary operator may follow t.
func endsOperand(t token) bool {
	switch t.kind {
	case nameToken:
		word := t.text == "and" || t.text == "or" || t.text == "in"
		return !word || t.prefix
	case opToken:
		switch t.text {
		case ")", "]", "}":
			return true
		case "*", "**", "%":
			return t.prefix // a wildcard or a parent
		}
		return false
	}
	return true
}

func isNameStart(src string, i int) bool { return src[i] == '$' || nameEnd(src[i:]) > 0 }

// nameEnd is how many bytes of s are a name: all but blanks and operators.
func nameEnd(s string) int {
	for i := 0; i < len(s); i++ {
		if strings.IndexByte(" \t\n\r\v.[]{}(),@#;:?+-*/%|=<>^&!~$\"'`", s[i]) >= 0 {
			return i
		}
	}
	return len(s)
}

func skipNumber(src string, i int) int {
	digits := func() {
		for i < len(src) && src[i] >= '0' && src[i] <= '9' {
			i++
		}
	}
	digits()
	if i+1 < len(src) && src[i] == '.' && src[i+1] >= '0' && src[i+1] <= '9' {
		i++
		digits()
	}
	if i < len(src) && (src[i] == 'e' || src[i] == 'E') {
		i++
		if i < len(src) && (src[i] == '-' || src[i] == '+') {
			i++
		}
		digits()
	}
	return i
}

// skipRegex finds the end of a regular expression and its flags. As in
// jsonata's own scanner a slash ends it only outside of brackets.
func skipRegex(src string, i int) int {
	depth := 0
	for i++; i < len(src); {
		_, n := utf8.DecodeRuneInString(src[i:])
		switch c := src[i]; {
		case c == '\\':
			i++
		case c == '(' || c == '[' || c == '{':
			depth++
		case c == ')' || c == ']' || c == '}':
			depth--
		case c == '/' && depth == 0:
			i++
			for i < len(src) && (src[i] == 'i' || src[i] == 'm') {
				i++
			}
			return i
		}
		i += n
	}
	return len(src)
}
