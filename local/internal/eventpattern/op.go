package eventpattern

import (
	"net/netip"
	"slices"
	"strings"
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
	// notText is not for prefixes and suffixes; numbers are no texts.
	notText []op
)

func (e exact) match(v value) bool  { return v.kind == e.kind && v.text == e.text }
func (e equal) match(v value) bool  { return v.kind == 'n' && v.number == float64(e) }
func (p prefix) match(v value) bool { return v.kind == 's' && strings.HasPrefix(v.text, string(p)) }
func (s suffix) match(v value) bool { return v.kind == 's' && strings.HasSuffix(v.text, string(s)) }
func (f fold) match(v value) bool   { return v.kind == 's' && strings.EqualFold(v.text, string(f)) }
func (exists) match(value) bool     { return true }

func (w within) match(v value) bool {
	return v.kind == 'n' && (v.number > w.low || v.number == w.low && !w.lowOpen) &&
		(v.number < w.high || v.number == w.high && !w.highOpen)
}

func (n network) match(v value) bool {
	if v.kind != 's' {
		return false
	}
	a, err := netip.ParseAddr(v.text)
	return err == nil && n.Contains(a)
}

func (n not) match(v value) bool {
	return !slices.ContainsFunc(n, func(o op) bool { return o.match(v) })
}

func (n notText) match(v value) bool { return not(n).match(v) }
