package eventpattern

import (
	"net/netip"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// value is a scalar of an event.
type value struct {
	kind   byte // s n t f z, as token.kind
	text   string
	number float64
}

// op is what one element of a list in a pattern asks for.
type op interface{ match(value) bool }

type (
	// exact is the same text, true, false or null.
	exact value
	// equal is the same number, however it is spelled.
	equal float64
	// prefix, suffix and fold match texts.
	prefix string
	suffix string
	fold   string
	// exists matches everything that is there. (That something is absent is not
	// a match of a value: see condition.)
	exists struct{}
	// within is a range of numbers.
	within struct {
		low, high         float64
		lowOpen, highOpen bool
	}
	// network is a range of IP addresses.
	network struct{ netip.Prefix }
	// not matches all that none of its own match.
	not []op
)

func (e exact) match(v value) bool  { return v.kind == e.kind && v.text == e.text }
func (e equal) match(v value) bool  { return v.kind == 'n' && v.number == float64(e) }
func (p prefix) match(v value) bool { return v.kind == 's' && strings.HasPrefix(v.text, string(p)) }
func (s suffix) match(v value) bool { return v.kind == 's' && strings.HasSuffix(v.text, string(s)) }
func (exists) match(value) bool     { return true }

// match compares character by character: a character of the event may be the
// pattern's, in upper or in lower case. That is less than Unicode's folding.
func (f fold) match(v value) bool {
	if v.kind != 's' {
		return false
	}
	s := v.text
	for _, want := range string(f) {
		got, n := utf8.DecodeRuneInString(s)
		if n == 0 || got != want && got != unicode.ToLower(want) && got != unicode.ToUpper(want) {
			return false
		}
		s = s[n:]
	}
	return s == ""
}

func (w within) match(v value) bool {
	return v.kind == 'n' && (v.number > w.low || v.number == w.low && !w.lowOpen) &&
		(v.number < w.high || v.number == w.high && !w.highOpen)
}

func (n network) match(v value) bool {
	if v.kind != 's' {
		return false
	}
	a, ok := parseAddress(v.text)
	return ok && n.Contains(a)
}

func (n not) match(v value) bool {
	return !slices.ContainsFunc(n, func(o op) bool { return o.match(v) })
}
