package dynamodb

import "strings"

type tokenKind uint8

const (
	tokEOF    tokenKind = iota
	tokIdent            // attribute name, keyword or function
	tokName             // #name
	tokValue            // :value
	tokNumber           // list index
	tokSymbol           // = <> < <= > >= ( ) [ ] . , + -
	tokBad              // a character that starts no token
)

type token struct {
	kind       tokenKind
	text       string
	start, end int
}

func isLetter(c byte) bool { return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' }
func isDigit(c byte) bool  { return c >= '0' && c <= '9' }
func isWord(c byte) bool   { return isLetter(c) || isDigit(c) || c == '_' }

// lex splits an expression; its last token is tokEOF.
func lex(s string) []token {
	var out []token
	for i := 0; ; {
		for i < len(s) && strings.IndexByte(" \t\r\n", s[i]) >= 0 {
			i++
		}
		if i == len(s) {
			return append(out, token{tokEOF, "<EOF>", i, i})
		}
		start, kind := i, tokSymbol
		switch c := s[i]; {
		case isLetter(c):
			kind = tokIdent
			i = wordEnd(s, i)
		case isDigit(c):
			kind = tokNumber
			for i < len(s) && isDigit(s[i]) {
				i++
			}
		case c == '#' || c == ':':
			kind = tokName
			if c == ':' {
				kind = tokValue
			}
			if i = wordEnd(s, i+1); i == start+1 {
				kind = tokBad
			}
		case c == '<' && i+1 < len(s) && (s[i+1] == '=' || s[i+1] == '>'), c == '>' && i+1 < len(s) && s[i+1] == '=':
			i += 2
		case strings.IndexByte("=<>()[].,+-", c) >= 0:
			i++
		default:
			kind = tokBad
			i++
			for i < len(s) && s[i]&0xC0 == 0x80 { // the rest of a UTF-8 character
				i++
			}
		}
		out = append(out, token{kind, s[start:i], start, i})
	}
}

func wordEnd(s string, i int) int {
	for i < len(s) && isWord(s[i]) {
		i++
	}
	return i
}
