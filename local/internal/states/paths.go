package states

import (
	"errors"
	"fmt"
	"strings"

	"github.com/orderflow-cdk/orderflow/local/internal/jsonpath"
)

// pathFields is what a state of the query language JSONPath has instead of
// arguments, output and assign. Whatever a branch needs of it while it is in the
// state follows from the branch's input and variables; there is nothing more to keep.
type pathFields struct {
	inputPath  *reference // nil: $
	outputPath *reference
	parameters *payload
	result     *payload // a Pass state's, a literal
	selector   *payload // ResultSelector
	resultPath resultPath
	assign     []payloadField

	secondsPath   *reference // Wait
	timestampPath *reference

	itemsPath    *reference // Map
	itemSelector *payload   // also what Parameters of a Map is

	rules []choiceRule // Choice

	errorPath, causePath *reference // Fail
}

// reference is a path in a definition: into the state's input ($), the context
// object ($$) or a variable ($name), or a call of an intrinsic function.
type reference struct {
	source string
	root   root
	// name is the variable's.
	name string
	path *jsonpath.Path
	call *intrinsic
	null bool // the field is null
}

type root uint8

const (
	rootInput root = iota
	rootContext
	rootVariable
	rootCall
)

var nullReference = &reference{source: "null", null: true}

// compileReference compiles a path of any of the three kinds.
func compileReference(source string) (*reference, error) {
	r := &reference{source: source}
	rest, ok := strings.CutPrefix(source, "$")
	if !ok {
		return nil, fmt.Errorf("%q does not begin with $", source)
	}
	if strings.HasPrefix(rest, "$") {
		r.root = rootContext
	} else {
		n := 0
		for n < len(rest) && isWord(rest[n]) {
			n++
		}
		if r.name, rest = rest[:n], "$"+rest[n:]; n > 0 {
			r.root = rootVariable
			if !validVariable(r.name) {
				return nil, fmt.Errorf("%q is no name of a variable", r.name)
			}
		}
	}
	var err error
	if r.path, err = jsonpath.Compile(literalQuotes(rest)); err != nil {
		return nil, err
	}
	if extras := r.path.Extras(); len(extras) > 0 {
		return nil, fmt.Errorf("%q: paths of Step Functions do not have %s; intrinsic functions like States.ArrayLength may serve", source, strings.Join(extras, ", "))
	}
	return r, nil
}

// literalQuotes has a backslash before a double quote mean itself in a name in single quotes, where
// Jayway would drop it. Recordings of the service show that it stays.
func literalQuotes(path string) string {
	if !strings.Contains(path, `\"`) {
		return path
	}
	var b strings.Builder
	inside := false
	for i := 0; i < len(path); i++ {
		switch c := path[i]; {
		case c == '\'' && (inside || i > 0 && (path[i-1] == '[' || path[i-1] == ',')):
			inside = !inside
		case c == '\\' && inside && i+1 < len(path):
			if path[i+1] == '"' {
				b.WriteByte('\\')
			}
			b.WriteByte(c)
			i++
		}
		b.WriteByte(path[i])
	}
	return b.String()
}

// payload is a payload template: JSON in which the value of a member whose name
// ends in .$ is a path or a call of an intrinsic function.
type payload struct {
	literal any
	fields  []payloadField
	list    []*payload
	ref     *reference
	kind    templateKind
}

type payloadField struct {
	// name is without .$; field is as it was written.
	name, field string
	value       *payload
}

// compilePayload compiles a payload template. All mistakes are reported at once.
func compilePayload(v any, location string) (*payload, error) {
	var errs []error
	p := &payload{literal: v}
	dynamic := false
	switch v := v.(type) {
	case map[string]any:
		p.kind = objectTemplate
		for _, key := range sortedKeys(v) {
			f, err := compileField(v, key, location)
			if err != nil {
				errs = append(errs, err)
				continue
			}
			dynamic = dynamic || f.value.kind != literalTemplate
			p.fields = append(p.fields, f)
		}
	case []any:
		p.kind = listTemplate
		for i, e := range v {
			f, err := compilePayload(e, fmt.Sprintf("%s[%d]", location, i))
			if err != nil {
				errs = append(errs, err)
				continue
			}
			dynamic = dynamic || f.kind != literalTemplate
			p.list = append(p.list, f)
		}
	}
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	if !dynamic {
		return &payload{literal: v}, nil
	}
	return p, nil
}

func compileField(m map[string]any, key, location string) (payloadField, error) {
	name, isPath := strings.CutSuffix(key, ".$")
	f := payloadField{name: name, field: key}
	if !isPath {
		var err error
		f.value, err = compilePayload(m[key], location+"/"+key)
		return f, err
	}
	if _, twice := m[name]; twice {
		return f, fmt.Errorf("%s: the field %s is there twice, with and without .$", location, name)
	}
	text, ok := m[key].(string)
	if !ok {
		return f, fmt.Errorf("%s: the value for the field '%s' must be a string that contains a JSONPath, a variable or an intrinsic function call but was %s", location, key, jsonText(m[key]))
	}
	ref, err := compileValue(text)
	if err != nil {
		return f, fmt.Errorf("%s: the value for the field '%s' must be a valid JSONPath or a valid intrinsic function call: %w", location, key, err)
	}
	f.value = &payload{kind: exprTemplate, ref: ref}
	return f, nil
}

// compileValue compiles a path or a call of an intrinsic function.
func compileValue(text string) (*reference, error) {
	if !strings.HasPrefix(text, "States.") {
		return compileReference(text)
	}
	call, err := parseIntrinsic(text)
	if err != nil {
		return nil, err
	}
	return &reference{source: text, root: rootCall, call: call}, nil
}

// data is what the paths of one field look into.
type data struct {
	input   any
	context map[string]any // nil: the branch's own
}

// resolve evaluates a reference. Its error is a *jsonpath error, or a *failure as
// an intrinsic function has it.
func (b *branch) resolve(r *reference, d data) (any, error) {
	switch r.root {
	case rootCall:
		return b.callIntrinsic(r.call, r.call.source, d)
	case rootContext:
		return r.path.Get(b.contextOf(d))
	case rootVariable:
		v, ok := b.vars[r.name]
		if !ok {
			return nil, &jsonpath.NotFoundError{Reason: "There is no variable $" + r.name}
		}
		return r.path.Get(v)
	}
	return r.path.Get(d.input)
}

func (b *branch) contextOf(d data) any {
	if d.context != nil {
		return d.context
	}
	return b.contextObject()
}

// evalPayload evaluates a payload template.
func (b *branch) evalPayload(p *payload, d data) (any, *failure) {
	switch p.kind {
	case objectTemplate:
		out := make(map[string]any, len(p.fields))
		for i := range p.fields {
			f := &p.fields[i]
			v, fail := b.evalField(f, d)
			if fail != nil {
				return nil, fail
			}
			out[f.name] = v
		}
		return out, nil
	case listTemplate:
		out := make([]any, len(p.list))
		for i, e := range p.list {
			v, fail := b.evalPayload(e, d)
			if fail != nil {
				return nil, fail
			}
			out[i] = v
		}
		return out, nil
	}
	return p.literal, nil
}

func (b *branch) evalField(f *payloadField, d data) (any, *failure) {
	if f.value.kind != exprTemplate {
		return b.evalPayload(f.value, d)
	}
	v, err := b.resolve(f.value.ref, d)
	if err != nil {
		return nil, b.fieldFailure(f.value.ref, f.field, d, err)
	}
	return v, nil
}

// fieldFailure is that of a path that leads nowhere. Recordings of the service show
// States.Runtime here, although its documentation has States.ParameterPathFailure.
func (b *branch) fieldFailure(r *reference, field string, d data, err error) *failure {
	var missing *missingArgument
	var own *failureError
	switch {
	case errors.As(err, &own):
		return own.failure
	case errors.As(err, &missing):
		r = missing.ref
	}
	in := d.input
	switch r.root {
	case rootContext:
		in = b.contextOf(d)
	case rootVariable:
		in = b.vars[r.name]
	}
	return b.runtime("The JSONPath '%s' specified for the field '%s' could not be found in the input '%s'", r.source, field, jsonText(in))
}

// runtime is a failure of the state's own fields.
func (b *branch) runtime(format string, args ...any) *failure {
	return b.because(errRuntime, fmt.Sprintf(format, args...))
}

func (b *branch) because(name, what string) *failure {
	return &failure{name: name, own: true, cause: fmt.Sprintf("An error occurred while executing the state '%s' (entered at the event id #%d). %s", b.state.name, b.enteredID, what)}
}

// follow evaluates InputPath, OutputPath and their like.
func (b *branch) follow(r *reference, input any) (any, *failure) {
	switch {
	case r == nil:
		return input, nil
	case r.null:
		return map[string]any{}, nil
	}
	v, err := b.resolve(r, data{input: input})
	if err != nil {
		var own *failureError
		if errors.As(err, &own) {
			return nil, own.failure
		}
		return nil, b.runtime("Invalid path '%s' : %v", r.source, err)
	}
	return v, nil
}

// resultPath is where a state's result goes in its input.
type resultPath struct {
	steps   []jsonpath.Step // none: the result replaces the input
	discard bool            // null
}

// place puts a result into an input. Neither is changed. Members that are not there are
// made; what is there and is no object, or an element that is not there, is a failure (but the first one of an array).
func (b *branch) place(p *resultPath, input, result any) (any, *failure) {
	if p.discard {
		return input, nil
	}
	out, bad, at := put(p.steps, input, true, result)
	if bad != nil {
		step := bad.Name
		if bad.Element {
			step = fmt.Sprint(bad.Index)
		}
		return nil, b.because(errResultPath, fmt.Sprintf("Unable to apply step %q to input %s", step, jsonText(at)))
	}
	return out, nil
}

// put is place, where in is what there is at the steps so far. An array of one element is made where there is
// nothing or an empty one.
func put(steps []jsonpath.Step, in any, there bool, v any) (out any, bad *jsonpath.Step, at any) {
	if len(steps) == 0 {
		return v, nil, nil
	}
	step := &steps[0]
	if step.Element {
		list, ok := in.([]any)
		switch {
		case (!there || ok && len(list) == 0) && step.Index == 0:
			out, bad, at := put(steps[1:], nil, false, v)
			return []any{out}, bad, at
		case !ok || step.Index >= len(list):
			return nil, step, in
		}
		out, bad, at := put(steps[1:], list[step.Index], true, v)
		if bad != nil {
			return nil, bad, at
		}
		made := append([]any(nil), list...)
		made[step.Index] = out
		return made, nil, nil
	}
	m, ok := in.(map[string]any)
	if !ok && there {
		return nil, step, in
	}
	made := make(map[string]any, len(m)+1)
	for k, e := range m {
		made[k] = e
	}
	child, ok := m[step.Name]
	out, bad, at = put(steps[1:], child, ok, v)
	if bad != nil {
		return nil, bad, at
	}
	made[step.Name] = out
	return made, nil, nil
}
