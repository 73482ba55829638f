package jsonata

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/recolabs/gnata"
)

// Host is the world outside of an expression.
type Host struct {
	// Now is the clock of $now and $millis. Without one they are an error.
	Now func() time.Time
	// Rand feeds $random and $uuid. Without it they are an error.
	Rand *rand.Rand
}

// Env evaluates expressions, one at a time, for one host.
type Env struct {
	host Host
	now  time.Time // of the evaluation under way
	bind func(name string, v any)
	look func(name string) (any, bool)
	eval func(e *gnata.Expression, input any) (any, error)

	saved []binding
}

type binding struct {
	name string
	was  any
}

// null is gnata's JSON null, which it tells from Go's nil: that is its undefined.
var null, _ = gnata.DecodeJSON(json.RawMessage("null"))

// NewEnv returns an environment with all functions.
func NewEnv(h Host) *Env {
	v := &Env{host: h}
	root := gnata.NewCustomEnv(nil)
	v.bind, v.look = root.Bind, root.LookupDirect
	v.register(root.LookupDirect, root.Bind)
	v.eval = func(e *gnata.Expression, input any) (any, error) {
		return e.EvalWithCustomFuncs(context.Background(), input, root)
	}
	return v
}

// Eval evaluates e with the given variables (names without $). A nil input is
// undefined, as in Step Functions, where an expression sees variables only.
// The result is Undefined where the expression selects nothing. A result that
// is not JSON, such as a function, is an error.
func (v *Env) Eval(e *Expr, input any, vars map[string]any) (any, error) {
	if e.path != nil {
		if out, ok := walk(e.path, vars); ok {
			return out, nil
		}
	}
	if v.host.Now != nil {
		v.now = v.host.Now()
	}
	// gnata has no way to pass both functions and variables, so the variables
	// are bound beside the functions for as long as this evaluation lasts.
	v.saved = v.saved[:0]
	for _, name := range e.vars {
		if value, ok := vars[name]; ok {
			was, _ := v.look(name)
			v.saved = append(v.saved, binding{name, was})
			v.bind(name, withNulls(value))
		}
	}
	defer func() {
		for _, b := range v.saved {
			v.bind(b.name, b.was)
		}
	}()
	if input != nil {
		input = withNulls(input)
	}
	out, err := v.eval(e.expr, input)
	if err != nil {
		return nil, err
	}
	if out == nil {
		return Undefined, nil
	}
	return plain(out)
}

// walk follows a plain path as long as it only meets objects, where JSONata's
// rules are those of a field access; it gives up on arrays and on what is missing.
func walk(path []string, vars map[string]any) (any, bool) {
	v, ok := vars[path[0]]
	if !ok {
		return nil, false
	}
	for _, name := range path[1:] {
		m, isMap := v.(map[string]any)
		if !isMap {
			return nil, false
		}
		if v, ok = m[name]; !ok {
			return nil, false
		}
	}
	return v, true
}

// withNulls puts gnata's null where Go's nil is, which gnata takes for
// undefined. What has none is returned as it is.
func withNulls(v any) any {
	switch v := v.(type) {
	case nil:
		return null
	case map[string]any:
		var out map[string]any
		for k, e := range v {
			switch e.(type) {
			case string, float64, bool:
				continue
			}
			n := withNulls(e)
			if e != nil && same(n, e) {
				continue
			}
			if out == nil {
				out = maps.Clone(v)
			}
			out[k] = n
		}
		if out != nil {
			return out
		}
	case []any:
		var out []any
		for i, e := range v {
			switch e.(type) {
			case string, float64, bool:
				continue
			}
			n := withNulls(e)
			if e != nil && same(n, e) {
				continue
			}
			if out == nil {
				out = slices.Clone(v)
			}
			out[i] = n
		}
		if out != nil {
			return out
		}
	}
	return v
}

// orderedMap is what gnata makes objects of.
type orderedMap interface {
	Keys() []string
	ToMap() map[string]any
}

// plain turns what came out of gnata into ordinary values. What it finds
// ordinary it leaves as it is: that may be part of the input.
func plain(v any) (any, error) {
	switch v := v.(type) {
	case nil, bool, string:
		return v, nil
	case float64:
		return plainNumber(v)
	case json.Number:
		f, err := v.Float64()
		if err != nil {
			return nil, err
		}
		return plainNumber(f)
	case map[string]any:
		return plainMap(v)
	case []any:
		return plainSlice(v)
	case orderedMap:
		m := v.ToMap() // made by this evaluation, so it may be changed
		for _, k := range v.Keys() {
			e, err := plain(m[k])
			if err != nil {
				return nil, err
			}
			m[k] = e
		}
		return m, nil
	}
	if gnata.IsNull(v) {
		return nil, nil
	}
	if n := gnata.NormalizeValue(v); fmt.Sprintf("%T", n) != fmt.Sprintf("%T", v) {
		return plain(n)
	}
	return nil, fmt.Errorf("the result is not JSON but a function")
}

// plainNumber refuses what JSON cannot say and drops the sign of a zero, which
// JSON.stringify does as well.
func plainNumber(f float64) (any, error) {
	if math.IsInf(f, 0) || math.IsNaN(f) {
		return nil, fmt.Errorf("the result is not JSON but %v", f)
	}
	return f + 0, nil
}

func plainMap(m map[string]any) (any, error) {
	var out map[string]any
	for k, e := range m {
		switch e.(type) {
		case nil, bool, string:
			continue
		}
		p, err := plain(e)
		if err != nil {
			return nil, err
		}
		if same(p, e) {
			continue
		}
		if out == nil {
			out = make(map[string]any, len(m))
			for k, e := range m {
				out[k] = e
			}
		}
		out[k] = p
	}
	if out == nil {
		return m, nil
	}
	return out, nil
}

func plainSlice(s []any) (any, error) {
	if s == nil {
		return []any{}, nil
	}
	var out []any
	for i, e := range s {
		switch e.(type) {
		case nil, bool, string:
			continue
		}
		p, err := plain(e)
		if err != nil {
			return nil, err
		}
		if same(p, e) {
			continue
		}
		if out == nil {
			out = append([]any(nil), s...)
		}
		out[i] = p
	}
	if out == nil {
		return s, nil
	}
	return out, nil
}

// same tells whether plain returned its argument.
func same(p, e any) bool {
	switch p := p.(type) {
	case float64:
		e, ok := e.(float64)
		return ok && math.Float64bits(p) == math.Float64bits(e)
	case map[string]any:
		e, ok := e.(map[string]any)
		return ok && mapPointer(p) == mapPointer(e)
	case []any:
		e, ok := e.([]any)
		return ok && len(p) == len(e) && (len(p) == 0 || &p[0] == &e[0])
	}
	return false
}
