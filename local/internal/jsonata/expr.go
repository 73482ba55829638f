package jsonata

import (
	"fmt"
	"sync"

	"github.com/recolabs/gnata"
)

// Expr is a compiled expression. It may be shared by everybody.
type Expr struct {
	src  string
	vars []string // the variables that it may refer to, each once
	path []string // what it is a plain path of ($name.field.field), or nil
	expr *gnata.Expression
}

// undefined is the type of Undefined.
type undefined struct{}

func (undefined) String() string { return "undefined" }

// Undefined is what an expression evaluates to that selects nothing. It is not
// a JSON value; JSON's null is nil.
var Undefined any = undefined{}

// IsUndefined tells whether v is Undefined.
func IsUndefined(v any) bool {
	_, ok := v.(undefined)
	return ok
}

var compiled sync.Map // source → *Expr

// Compile compiles an expression (without the {% and %} around it). Equal
// sources give the same *Expr. What would not be evaluated as jsonata 2.0.6 does
// it is refused with a [RefusedError], $eval with [ErrEval].
func Compile(src string) (*Expr, error) {
	if e, ok := compiled.Load(src); ok {
		return e.(*Expr), nil
	}
	checked, err := check(src)
	if err != nil {
		return nil, err
	}
	g, err := gnata.Compile(checked)
	if err != nil {
		return nil, fmt.Errorf("JSONata: %w", err)
	}
	e := &Expr{src: src, vars: variables(src), path: plainPath(src), expr: g}
	actual, _ := compiled.LoadOrStore(src, e)
	return actual.(*Expr), nil
}

// Source is what the expression was compiled from.
func (e *Expr) Source() string { return e.src }

// Variables are the names (without $) of the variables and functions that the
// expression may refer to, its own included.
func (e *Expr) Variables() []string { return e.vars }

var envs = sync.Pool{New: func() any { return NewEnv(Host{}) }}

// Eval is [Env.Eval] in an environment that has no clock and no random source.
// The result is Undefined where the expression selects nothing.
func (e *Expr) Eval(input any, vars map[string]any) (any, error) {
	env := envs.Get().(*Env)
	defer envs.Put(env)
	return env.Eval(e, input, vars)
}
