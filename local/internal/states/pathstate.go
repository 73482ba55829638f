package states

import (
	"errors"
	"math"
	"strconv"
	"time"

	"github.com/orderflow-cdk/orderflow/local/internal/jsonpath"
)

// effective is the input of a JSONPath state after InputPath.
func (b *branch) effective() (any, *failure) { return b.follow(b.state.paths.inputPath, b.input) }

// pathArguments is what a JSONPath state hands on to its task, branches or
// iterations: the input after InputPath and Parameters.
func (b *branch) pathArguments(sc *scope) (any, *failure) {
	in, f := b.effective()
	if f != nil {
		return nil, f
	}
	sc.input = in
	if p := b.state.paths.parameters; p != nil {
		return b.evalPayload(p, data{input: in})
	}
	return in, nil
}

// finishPaths ends a JSONPath state, which for a Task, Parallel or Map state is with its result.
// Assign sees the result as it is, before ResultSelector.
func (b *branch) finishPaths(result any, hasResult bool) {
	p := b.state.paths
	if !hasResult {
		in, f := b.effective()
		if f == nil && p.result != nil {
			in = p.result.literal
		} else if f == nil && p.parameters != nil {
			in, f = b.evalPayload(p.parameters, data{input: in})
		}
		if f != nil {
			b.handle(f)
			return
		}
		result = in
	}
	out := result
	var f *failure
	if p.selector != nil {
		out, f = b.evalPayload(p.selector, data{input: result})
	}
	if f == nil && (hasResult || b.state.typ == passState) {
		out, f = b.place(&p.resultPath, b.input, out)
		if f == nil && exceeds(out, maxPayload) {
			f = tooLarge(b.state.name)
		}
	}
	if f != nil {
		b.handle(f)
		return
	}
	b.leavePaths(p.assign, result, out, b.state.next)
}

// leavePaths evaluates OutputPath and Assign, both with the variables as they were.
func (b *branch) leavePaths(assign []payloadField, assignFrom, out any, next *state) {
	out, f := b.follow(b.state.paths.outputPath, out)
	var vars map[string]any
	if f == nil {
		vars, f = b.evalPathAssign(assign, assignFrom)
	}
	if f != nil {
		b.handle(f)
		return
	}
	b.exit(out, vars, next)
}

func (b *branch) evalPathAssign(assign []payloadField, from any) (map[string]any, *failure) {
	if len(assign) == 0 {
		return nil, nil
	}
	vars := make(map[string]any, len(assign))
	for i := range assign {
		v, f := b.evalField(&assign[i], data{input: from})
		if f != nil {
			return nil, f
		}
		vars[assign[i].name] = v
	}
	return vars, b.measure(vars)
}

// catchIntoPaths leaves a JSONPath state through a catcher, whose ResultPath is
// about the state's input as it came.
func (b *branch) catchIntoPaths(c *catcher, failed map[string]any) {
	for _, k := range []string{"Error", "Cause"} { // recordings of the service show null for what is absent
		if failed[k] == "" {
			failed[k] = nil
		}
	}
	out, f := b.place(&c.resultPath, b.input, failed)
	if f == nil && exceeds(out, maxPayload) {
		f = tooLarge(b.state.name)
	}
	var vars map[string]any
	if f == nil {
		vars, f = b.evalPathAssign(c.pathAssign, failed)
	}
	if f != nil {
		b.die(f)
		return
	}
	b.exit(out, vars, c.next)
}

// pathItems is what a JSONPath Map state iterates over.
func (b *branch) pathItems(sc *scope) ([]any, *failure) {
	in, f := b.effective()
	if f != nil {
		return nil, f
	}
	sc.input = in
	source, v := "$", in
	if r := b.state.paths.itemsPath; r != nil {
		if v, f = b.follow(r, in); f != nil {
			return nil, f
		}
		if source = r.source; r.root == rootContext {
			source = source[1:]
		}
	}
	items, ok := v.([]any)
	if !ok {
		f := runtimeFailure("Reference path \"%s\" must point to array.", source)
		f.own = true
		return nil, f
	}
	return items, nil
}

// pathItem is the input of a JSONPath Map state's iteration.
func (b *branch) pathItem(selector *payload, context map[string]any) (any, *failure) {
	in, f := b.effective()
	if f != nil {
		return nil, f
	}
	return b.evalPayload(selector, data{input: in, context: context})
}

// pathNumber evaluates TimeoutSecondsPath and its like.
func (b *branch) pathNumber(q *quantity, sc *scope) (float64, *failure) {
	v, f := b.follow(q.path, sc.input)
	if f != nil {
		return 0, f
	}
	n, ok := v.(float64)
	if s, isText := v.(string); isText { // recordings of the service show that digits do
		parsed, err := strconv.ParseFloat(s, 64)
		n, ok = parsed, err == nil
	}
	kind := "integer"
	if q.fraction {
		kind = "float"
	}
	if !ok || !q.fraction && n != math.Trunc(n) {
		text, isText := v.(string)
		if !isText {
			text = jsonText(v)
		}
		return 0, b.runtime("The %sPath field refers to value \"%s\" which is not a valid %s: %s", q.field, text, kind, q.path.source)
	}
	switch {
	case n >= q.lowest && n <= q.highest:
		return n, nil
	case q.fraction:
		return 0, b.runtime("%s must be between 0 and 100.", q.field)
	case q.lowest == 0:
		return 0, b.runtime("%s cannot be negative.", q.field)
	}
	return 0, b.runtime("The %sPath field refers to value \"%s\" which is not between %.0f and %.0f: %s", q.field, jsonText(n), q.lowest, q.highest, q.path.source)
}

// pathWait is when a JSONPath Wait state ends.
func (b *branch) pathWait(now time.Time) (time.Time, *failure) {
	in, f := b.effective()
	if f != nil {
		return now, f
	}
	p := b.state.paths
	switch {
	case p.secondsPath != nil:
		v, f := b.waitValue("SecondsPath", p.secondsPath, in)
		if f != nil {
			return now, f
		}
		n, ok := v.(float64)
		switch {
		case !ok || n != math.Trunc(n):
			return now, b.runtime("The SecondsPath parameter cannot be parsed as a long value: %s == %s", p.secondsPath.source, textOf(v))
		case n < 0:
			return now, b.runtime("The SecondsPath parameter references a negative value: %s == %s", p.secondsPath.source, textOf(v))
		}
		return now.Add(seconds(n)), nil
	case p.timestampPath != nil:
		v, f := b.waitValue("TimestampPath", p.timestampPath, in)
		if f != nil {
			return now, f
		}
		s, _ := v.(string)
		t, err := parseTimestamp(s)
		if err != nil {
			return now, b.runtime("The TimestampPath parameter does not reference a valid ISO-8601 extended offset date-time format string: %s == %s", p.timestampPath.source, textOf(v))
		}
		return t, nil
	case b.state.seconds != nil:
		return now.Add(seconds(b.state.seconds.value)), nil
	}
	t, err := parseTimestamp(b.state.timestamp.literal.(string)) // checked when the definition was compiled
	if err != nil {
		return now, b.runtime("%v", err)
	}
	return t, nil
}

func (b *branch) waitValue(field string, r *reference, in any) (any, *failure) {
	v, err := b.resolve(r, data{input: in})
	if err != nil {
		return nil, b.runtime("The %s parameter does not reference an input value: %s", field, r.source)
	}
	return v, nil
}

// textOf is a value as it stands in messages.
func textOf(v any) string {
	if s, ok := v.(string); ok {
		return s
	}
	return jsonText(v)
}

// pathFail is the error of a JSONPath Fail state.
func (b *branch) pathFail() *failure {
	out := &failure{}
	for _, f := range []struct {
		to      *string
		literal *template
		ref     *reference
		field   string
	}{
		{&out.name, b.state.errorName, b.state.paths.errorPath, "ErrorPath"},
		{&out.cause, b.state.cause, b.state.paths.causePath, "CausePath"},
	} {
		switch {
		case f.literal != nil:
			*f.to, _ = f.literal.literal.(string)
		case f.ref != nil:
			d := data{input: b.input}
			v, err := b.resolve(f.ref, d)
			if err != nil {
				return b.fieldFailure(f.ref, f.field, d, err)
			}
			s, ok := v.(string)
			if !ok {
				return b.runtime("The %s field must refer to a string but %s is %s", f.field, f.ref.source, jsonText(v))
			}
			*f.to = s
		}
	}
	return out
}

// pathChoice goes on as the first rule says that holds.
func (b *branch) pathChoice() {
	in, f := b.effective()
	if f != nil {
		b.handle(f)
		return
	}
	p := b.state.paths
	for i := range p.rules {
		r := &p.rules[i]
		holds, f := b.holds(&r.condition, in)
		if f != nil {
			b.handle(f)
			return
		}
		if holds {
			b.leavePaths(r.assign, in, in, r.next)
			return
		}
	}
	if b.state.defaultState == nil {
		b.handle(b.noChoice())
		return
	}
	b.leavePaths(p.assign, in, in, b.state.defaultState)
}

// isMissing tells an error of a path that leads nowhere from others.
func isMissing(err error) bool {
	var missing *jsonpath.NotFoundError
	return errors.As(err, &missing)
}
