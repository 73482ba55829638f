package vtl

import (
	"errors"
	"fmt"
)

// exec is one execution.
type exec struct {
	t        *Template
	opts     Options
	syms     *symbols
	macros   map[string]*macro
	vars     map[string]any
	slots    []any
	top      *frame // nil: only slots
	out      []byte
	steps    int
	depth    int
	calls    int
	evaluate int
	warned   int
}

// frame is a context laid over the variables: a macro's call, or the body of
// a #foreach whose item is null.
type frame struct {
	parent *frame
	// macro
	locals []binding
	args   []argBinding
	// null item
	hides  int // the symbol, or -1
	hiding bool
}

type binding struct {
	sym int
	v   any
}

type argBinding struct {
	sym     int
	name    string
	x       expr
	literal string
	gone    bool
}

// stopSignal travels as an error from #stop and #break to what they end.
type stopSignal struct {
	all   bool
	owner *foreachStmt // of #break($foreach)
}

func (s *stopSignal) Error() string { return "#stop or #break" }

var (
	stopAll     = &stopSignal{all: true}
	stopNearest = &stopSignal{}
)

// located is an error with its place.
type located struct {
	pos int
	err error
}

func (l *located) Error() string { return l.err.Error() }
func (l *located) Unwrap() error { return l.err }

func (e *exec) fail(pos int, format string, args ...any) error {
	return e.wrap(pos, fmt.Errorf(format, args...))
}

func (e *exec) wrap(pos int, err error) error {
	switch err.(type) {
	case *located, *stopSignal:
		return err
	}
	return &located{pos, err}
}

func (e *exec) locate(err error, pos int) error {
	var l *located
	if errors.As(err, &l) {
		return e.t.at(l.pos, l.err)
	}
	return e.t.at(pos, err)
}

func (e *exec) warn(pos int, format string, args ...any) {
	if e.opts.Warn == nil {
		return
	}
	e.warned++
	line, col := e.t.position(pos)
	e.opts.Warn(Warning{e.t.name, line, col, fmt.Sprintf(format, args...)})
}

func (e *exec) step(pos int) error {
	if e.steps++; e.steps > e.opts.MaxSteps {
		return e.fail(pos, "the template did not end within %d steps", e.opts.MaxSteps)
	}
	return nil
}

func (e *exec) get(sym int) (any, error) { return e.getFrom(e.top, sym) }

func (e *exec) getFrom(f *frame, sym int) (any, error) {
	for ; f != nil; f = f.parent {
		if f.hiding && f.hides == sym {
			return nil, nil
		}
		for i := range f.locals {
			if f.locals[i].sym == sym && f.locals[i].v != nil {
				return f.locals[i].v, nil
			}
		}
		for i := range f.args {
			if a := &f.args[i]; a.sym == sym && !a.gone {
				return e.in(f.parent, a.x)
			}
		}
	}
	return e.slots[sym], nil
}

// in evaluates x in another frame.
func (e *exec) in(f *frame, x expr) (any, error) {
	if e.depth++; e.depth > maxNesting {
		return nil, e.fail(0, "macro arguments refer to each other more than %d deep", maxNesting)
	}
	saved := e.top
	e.top = f
	v, err := x.value(e)
	e.top = saved
	e.depth--
	return v, err
}

func (e *exec) put(sym int, v any) {
	for f := e.top; f != nil; f = f.parent {
		if f.hides >= 0 {
			if f.hides == sym && v == nil {
				f.hiding = true
			}
			continue
		}
		f.setLocal(sym, v)
	}
	e.slots[sym] = v
}

func (f *frame) setLocal(sym int, v any) {
	for i := range f.locals {
		if f.locals[i].sym == sym {
			f.locals[i].v = v
			return
		}
	}
	f.locals = append(f.locals, binding{sym, v})
}

func (e *exec) remove(sym int) {
	for f := e.top; f != nil; f = f.parent {
		if f.hides >= 0 {
			if f.hides == sym {
				f.hiding = false
			}
			continue
		}
		for i := range f.locals {
			if f.locals[i].sym == sym {
				f.locals[i].v = nil
			}
		}
		for i := range f.args {
			if f.args[i].sym == sym {
				f.args[i].gone = true
			}
		}
	}
	e.slots[sym] = nil
}

// nullText is what a null prints as: within a macro, a parameter without a
// value prints as the argument was written.
func (e *exec) nullText(r *reference) string {
	for f := e.top; f != nil; f = f.parent {
		for i := range f.args {
			a := &f.args[i]
			if len(r.null) == len(a.name)+1 && r.null[0] == '$' && r.null[1:] == a.name {
				return a.literal
			}
		}
	}
	return r.null
}

func (e *exec) block(body []stmt) error {
	if e.depth++; e.depth > maxNesting {
		return e.fail(0, "nested more than %d deep", maxNesting)
	}
	defer func() { e.depth-- }()
	for _, s := range body {
		if err := s.render(e); err != nil {
			return err
		}
	}
	return nil
}

func (e *exec) write(s string) error {
	if len(e.out)+len(s) > e.opts.MaxOutput {
		return fmt.Errorf("the output is longer than %d bytes", e.opts.MaxOutput)
	}
	e.out = append(e.out, s...)
	return nil
}

// capture renders into a string of its own.
func (e *exec) capture(body []stmt) (string, error) {
	start := len(e.out)
	err := e.block(body)
	s := string(e.out[start:])
	e.out = e.out[:start]
	return s, err
}
