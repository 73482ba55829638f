package vtl

import (
	"errors"
	"fmt"
	"strings"
	"sync"
)

// Defaults and fixed limits. API Gateway's quotas for REST APIs give a #foreach
// 1,000 iterations and a payload 10 MB.
const (
	// DefaultForeach is Options.MaxForeach where it is zero.
	DefaultForeach = 1000
	// DefaultOutput is Options.MaxOutput where it is zero, in bytes.
	DefaultOutput = 10 << 20
	// DefaultSteps is Options.MaxSteps where it is zero.
	DefaultSteps = 2_000_000

	hardOutput = 64 << 20
	maxItems   = 1_000_000
	// Velocity's own: velocimacro.max.depth and directive.define's.
	maxMacroDepth  = 20
	maxDefineDepth = 2
	// maxEvaluateDepth stands for the stack overflow that Java would have.
	maxEvaluateDepth = 50
)

var errTooLong = errors.New("the output or a value is too long")

// Options are the limits and the ear of one execution. The zero value has the
// defaults.
type Options struct {
	// Warn hears of what renders as its source text: calls and properties that
	// neither Java nor the host object has, and references that are null.
	// Default: nobody.
	Warn func(Warning)
	// MaxForeach is how often one #foreach may go round before the execution
	// fails. Default: DefaultForeach.
	MaxForeach int
	// MaxOutput bounds the output and every string made on the way, in bytes.
	// Default: DefaultOutput.
	MaxOutput int
	// MaxSteps bounds the statements and calls executed. Default: DefaultSteps.
	MaxSteps int
}

// Warning is something that renders, but hardly as its author meant.
type Warning struct {
	Template string
	Line     int
	Column   int
	Message  string
}

func (w Warning) String() string {
	return fmt.Sprintf("%s:%d:%d: %s", w.Template, w.Line, w.Column, w.Message)
}

// Error is a template that cannot be parsed or whose execution failed.
type Error struct {
	Template string
	Line     int // from 1
	Column   int // from 1, in characters
	Err      error
}

func (e *Error) Error() string {
	return fmt.Sprintf("%s:%d:%d: %v", e.Template, e.Line, e.Column, e.Err)
}

func (e *Error) Unwrap() error { return e.Err }

// Template is a parsed template. It is not changed by executing it.
type Template struct {
	name   string
	src    string
	body   []stmt
	syms   *symbols
	macros map[string]*macro
}

// Parse parses a template. Its errors are *Error.
func Parse(name, src string) (*Template, error) {
	p := &parser{
		lx:     lexer{src: src},
		syms:   newSymbols(),
		macros: map[string]*macro{},
	}
	t := &Template{name: name, src: src, syms: p.syms, macros: p.macros}
	body, err := p.document()
	if err != nil {
		return nil, t.syntax(err)
	}
	t.body = body
	return t, nil
}

// Name is the name given to Parse.
func (t *Template) Name() string { return t.name }

func (t *Template) syntax(err error) error {
	var se *syntaxError
	if !errors.As(err, &se) {
		return err
	}
	return t.at(se.pos, errors.New(se.msg))
}

func (t *Template) at(pos int, err error) error {
	line, col := t.position(pos)
	return &Error{t.name, line, col, err}
}

func (t *Template) position(pos int) (line, col int) {
	if pos > len(t.src) {
		pos = len(t.src)
	}
	before := t.src[:pos]
	line = strings.Count(before, "\n") + 1
	if i := strings.LastIndexByte(before, '\n'); i >= 0 {
		before = before[i+1:]
	}
	return line, len([]rune(before)) + 1
}

// Execute renders the template with the given variables ("input" is $input).
// The map itself is left alone; the values in it are the template's to change.
func (t *Template) Execute(vars map[string]any) (string, error) {
	return t.ExecuteWith(vars, Options{})
}

// outputs are buffers in which templates were executed, for the next one.
var outputs = sync.Pool{New: func() any { return new([]byte) }}

// maxKept is the largest of them that is kept, in bytes.
const maxKept = 64 << 10

// ExecuteWith is Execute with options.
func (t *Template) ExecuteWith(vars map[string]any, o Options) (string, error) {
	if o.MaxForeach == 0 {
		o.MaxForeach = DefaultForeach
	}
	if o.MaxOutput == 0 {
		o.MaxOutput = DefaultOutput
	}
	if o.MaxOutput > hardOutput {
		o.MaxOutput = hardOutput
	}
	if o.MaxSteps == 0 {
		o.MaxSteps = DefaultSteps
	}
	e := &exec{t: t, opts: o, syms: t.syms, macros: t.macros, vars: vars}
	e.slots = make([]any, len(t.syms.names))
	for i, name := range t.syms.names {
		v, ok := vars[name]
		if !ok {
			continue
		}
		if err := checkValue(v); err != nil {
			return "", fmt.Errorf("%s: $%s: %w", t.name, name, err)
		}
		e.slots[i] = v
	}
	buffer := outputs.Get().(*[]byte)
	e.out = (*buffer)[:0]
	defer func() {
		if cap(e.out) <= maxKept {
			*buffer = e.out
			outputs.Put(buffer)
		}
	}()
	err := e.block(t.body)
	if err != nil {
		var stop *stopSignal
		if !errors.As(err, &stop) {
			return "", e.locate(err, 0)
		}
	}
	return string(e.out), nil
}
