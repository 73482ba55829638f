package jsonpath

import (
	"fmt"
	"strconv"
	"strings"
)

// Path is a compiled path. It is safe for any number of evaluations.
type Path struct {
	source   string
	tokens   []token
	definite bool
	// names is the path where it is nothing but names, which most are.
	names []string
}

type tokenKind uint8

const (
	nameToken tokenKind = iota
	indexToken
	sliceToken
	wildcardToken
	scanToken
	filterToken
	functionToken
)

// token is one step of a path.
type token struct {
	kind    tokenKind
	names   []string // nameToken
	quote   byte     // around the names in messages
	indices []int    // indexToken
	slice   slice
	filter  expr // filterToken
	call    *call
	leaf    bool
	// reliable is whether all steps before this one are definite: if so, what
	// does not fit is an error, else it is passed over.
	reliable bool
}

// slice is [from:to]; either may be absent, not both.
type slice struct {
	from, to       int
	hasFrom, hasTo bool
}

// Source is the path as it was written.
func (p *Path) Source() string { return p.source }

// Definite tells whether the path yields one value and not an array of all that
// it finds.
func (p *Path) Definite() bool { return p.definite }

// Step is one step of a reference path: a member of an object, or an element of
// an array.
type Step struct {
	Name  string
	Index int
	// Element is whether Index is meant and not Name.
	Element bool
}

// Reference returns the steps of a reference path. Only names and indices that are not
// negative are steps: the operators @ .. , : ? * and functions are not, as the documentation of
// Step Functions says. ok is false for any other path.
func (p *Path) Reference() (steps []Step, ok bool) {
	for i := range p.tokens {
		t := &p.tokens[i]
		switch {
		case t.kind == nameToken && len(t.names) == 1:
			steps = append(steps, Step{Name: t.names[0]})
		case t.kind == indexToken && len(t.indices) == 1 && t.indices[0] >= 0:
			steps = append(steps, Step{Index: t.indices[0], Element: true})
		default:
			return nil, false
		}
	}
	return steps, true
}

// link finds out what each step has to know of the others.
func (p *Path) link() {
	p.definite = true
	plain := true
	for i := range p.tokens {
		t := &p.tokens[i]
		t.leaf = i == len(p.tokens)-1
		t.reliable = p.definite
		p.definite = p.definite && t.definite()
		plain = plain && t.kind == nameToken && len(t.names) == 1
	}
	if plain {
		for i := range p.tokens {
			p.names = append(p.names, p.tokens[i].names[0])
		}
	}
}

func (t *token) definite() bool {
	switch t.kind {
	case nameToken:
		return len(t.names) == 1 || t.leaf // several names at the end make one object
	case indexToken:
		return len(t.indices) == 1
	case functionToken:
		return true
	}
	return false
}

// render writes steps the way that Jayway's messages do: $['a'][0]. Names are in the given
// quotes, or for 0 in those that they were written in.
func render(tokens []token, quote byte) string {
	var b strings.Builder
	b.WriteByte('$')
	for i := range tokens {
		t := &tokens[i]
		switch t.kind {
		case nameToken:
			if quote != 0 {
				b.WriteString("[" + t.quoted(quote) + "]")
			} else {
				b.WriteString("[" + t.quoted(t.quote) + "]")
			}
		case indexToken:
			b.WriteByte('[')
			for j, n := range t.indices {
				if j > 0 {
					b.WriteByte(',')
				}
				b.WriteString(strconv.Itoa(n))
			}
			b.WriteByte(']')
		case functionToken:
			b.WriteString("." + t.call.name)
			if len(t.call.args) > 0 {
				b.WriteString("(...)")
			} else {
				b.WriteString("()")
			}
		case wildcardToken:
			b.WriteString("[*]")
		case scanToken:
			b.WriteString("..")
		case filterToken:
			b.WriteString("[?]")
		case sliceToken:
			b.WriteString("[" + t.slice.String() + "]")
		}
	}
	return b.String()
}

// quoted is the names of a step as messages show them.
func (t *token) quoted(quote byte) string {
	q := string(quote)
	return q + strings.Join(t.names, q+","+q) + q
}

func (s slice) String() string {
	var from, to string
	if s.hasFrom {
		from = strconv.Itoa(s.from)
	}
	if s.hasTo {
		to = strconv.Itoa(s.to)
	}
	return from + ":" + to
}

// SyntaxError is a path that is none.
type SyntaxError struct {
	Path   string
	Offset int // bytes
	Reason string
}

func (e *SyntaxError) Error() string {
	return fmt.Sprintf("%q is no JSONPath: %s (at offset %d)", e.Path, e.Reason, e.Offset)
}

// NotFoundError is a definite path that leads nowhere. Its text is Jayway's.
type NotFoundError struct{ Reason string }

func (e *NotFoundError) Error() string { return e.Reason }

// EvalError is a path that cannot be applied to a document for another reason: a
// filter on something that is neither array nor object, a function without numbers.
type EvalError struct {
	Reason string
	// tolerable is whether a filter takes it as false.
	tolerable bool
}

func (e *EvalError) Error() string { return e.Reason }
