package states

import (
	"fmt"
	"math"

	"github.com/orderflow-cdk/orderflow/local/internal/jsonata"
)

// scope is what $states holds while the fields of one state are evaluated.
type scope struct {
	result    any
	hasResult bool
	failed    map[string]any // $states.errorOutput

	input any // JSONPath: after InputPath

	states  map[string]any
	context bool // states has its context
}

// evalTemplate evaluates a payload template.
func (b *branch) evalTemplate(t *template, sc *scope) (any, *failure) {
	switch t.kind {
	case exprTemplate:
		return b.eval(t.expr, sc)
	case objectTemplate:
		out := make(map[string]any, len(t.fields))
		for i := range t.fields {
			v, f := b.evalTemplate(t.fields[i].value, sc)
			if f != nil {
				return nil, f
			}
			out[t.fields[i].name] = v
		}
		return out, nil
	case listTemplate:
		out := make([]any, len(t.list))
		for i, e := range t.list {
			v, f := b.evalTemplate(e, sc)
			if f != nil {
				return nil, f
			}
			out[i] = v
		}
		return out, nil
	}
	return t.literal, nil
}

// eval evaluates one expression. $states is made when first asked for, and its
// context only for expressions that can see it.
func (b *branch) eval(e *expression, sc *scope) (any, *failure) {
	vars := b.vars
	if e.states {
		if sc.states == nil {
			sc.states = make(map[string]any, 3)
			sc.states["input"] = b.input
			if sc.hasResult {
				sc.states["result"] = sc.result
			}
			if sc.failed != nil {
				sc.states["errorOutput"] = sc.failed
			}
		}
		if e.context && !sc.context {
			sc.context = true
			sc.states["context"] = b.contextObject()
		}
		if vars == nil {
			vars = b.ex.sm.s.scratch
		}
		vars["states"] = sc.states
	}
	v, err := b.ex.sm.s.env.Eval(e.Expr, nil, vars)
	if e.states {
		delete(vars, "states")
	}
	switch {
	case err != nil:
		return nil, b.evalFailure(e, fmt.Sprintf("threw an error during evaluation. %v", err))
	case jsonata.IsUndefined(v):
		return nil, b.evalFailure(e, "returned nothing (undefined).")
	}
	return v, nil
}

func (b *branch) evalFailure(e *expression, what string) *failure {
	return b.queryFailure(e.location, fmt.Sprintf("The JSONata expression '%s' specified for the field '%s' %s", e.Source(), e.location, what))
}

func (b *branch) unexpectedType(e *expression, want string, v any) *failure {
	return b.evalFailure(e, fmt.Sprintf("returned an unexpected result type. Expected '%s', but was '%s' for value: %s", want, typeName(v), jsonText(v)))
}

func (b *branch) queryFailure(location, what string) *failure {
	return &failure{
		name: errQuery, location: location, evaluation: true,
		cause: fmt.Sprintf("An error occurred while executing the state '%s' (entered at the event id #%d). %s", b.state.name, b.enteredID, what),
	}
}

// contextObject is $states.context.
func (b *branch) contextObject() map[string]any {
	if b.context != nil {
		return b.context
	}
	c := map[string]any{
		"Execution":    b.ex.context,
		"StateMachine": b.ex.machine,
		"State": map[string]any{
			"Name": b.state.name, "EnteredTime": b.entered.Format(timeFormat), "RetryCount": float64(b.retryCount),
		},
	}
	if b.token != "" {
		c["Task"] = map[string]any{"Token": b.token}
	}
	for p := b; p != nil; p = p.parent {
		if p.parent != nil && p.parent.state.typ == mapState {
			c["Map"] = mapContext(p.index, p.item)
			break
		}
	}
	b.context = c
	return c
}

func mapContext(index int, item any) map[string]any {
	return map[string]any{"Item": map[string]any{"Index": float64(index), "Value": item}}
}

// number evaluates a quantity; def stands for one that is absent.
func (b *branch) number(q *quantity, def float64, sc *scope) (float64, *failure) {
	switch {
	case q == nil:
		return def, nil
	case q.path != nil:
		return b.pathNumber(q, sc)
	case q.expr == nil:
		return q.value, nil
	}
	v, f := b.eval(q.expr, sc)
	if f != nil {
		return 0, f
	}
	n, ok := v.(float64)
	if !ok {
		return 0, b.unexpectedType(q.expr, "number", v)
	}
	if n != math.Trunc(n) || n < q.lowest || n > q.highest {
		return 0, b.queryFailure(q.field, fmt.Sprintf("The field '%s' must be a whole number from %.0f to %.0f but was %s", q.field, q.lowest, q.highest, jsonText(n)))
	}
	return n, nil
}

// text evaluates a template for a string.
func (b *branch) text(t *template, sc *scope) (string, *failure) {
	if t == nil {
		return "", nil
	}
	v, f := b.evalTemplate(t, sc)
	if f != nil {
		return "", f
	}
	s, ok := v.(string)
	if !ok {
		return "", b.unexpectedType(t.expr, "string", v)
	}
	return s, nil
}
