package appsync

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/formatter"

	"github.com/orderflow-cdk/orderflow/local/internal/appsyncjs"
)

// resolver is what resolves a field: one data source, or the functions of a
// pipeline between a request and a response handler.
type resolver struct {
	id        string
	code      *appsyncjs.Program // nil: a direct Lambda resolver
	source    *source            // of a UNIT
	pipeline  bool
	functions []*function
}

// function is a pipeline's function.
type function struct {
	id     string
	code   *appsyncjs.Program
	source *source
}

type handlerError struct {
	message, typ string
	data, info   []byte
}

// resolution is one field being resolved.
type resolution struct {
	x        *execution
	path     *path
	field    *field
	resolver *resolver
	ctx      appsyncjs.Context
	done     func(v []byte, failed bool)
}

func (x *execution) resolve(def *ast.Definition, f *field, r *resolver, args, parent []byte, p *path, done func(v []byte, failed bool)) {
	res := &resolution{x: x, path: p, field: f, resolver: r, done: done}
	c := x.call
	res.ctx = appsyncjs.Context{
		Arguments: json.RawMessage(args), Headers: c.ctxHeaders(), DomainName: c.domain, Env: x.api.environment,
		Info: appsyncjs.Info{
			FieldName: f.name, ParentTypeName: def.Name, Variables: json.RawMessage(x.variablesJSON()),
			SelectionSetList: x.selectionList(f), SelectionSetGraphQL: f.selectionText(),
		},
	}
	if parent != nil {
		res.ctx.Source = json.RawMessage(parent)
	}
	if c.identity.json != nil {
		res.ctx.Identity = json.RawMessage(c.identity.json)
	}
	switch {
	case r.pipeline:
		res.runPipeline()
	case r.code == nil:
		res.direct()
	default:
		res.step(r.code, r.source, func(v []byte, _ bool) { done(v, false) })
	}
}

// handler calls a handler. ok is false if the field has ended by that.
func (r *resolution) handler(code *appsyncjs.Program, name string) (appsyncjs.Result, bool) {
	o, err := r.x.api.js.Call(code, name, &r.ctx)
	if o.Stash != nil {
		r.ctx.Stash = o.Stash
	}
	for _, e := range o.Errors {
		r.reportJS(e)
	}
	for _, h := range o.Headers {
		r.x.call.header(h.Name, h.Value)
	}
	switch {
	case err != nil:
		var thrown *appsyncjs.Error
		if !errors.As(err, &thrown) {
			r.x.api.log(r.x.call.id, r.resolver.id+": "+err.Error())
			thrown = &appsyncjs.Error{Type: "Code", Message: err.Error()}
		}
		r.reportJS(thrown)
	case o.InvalidationFilter != nil || o.Invalidations != nil:
		err = errors.New("invalidation of subscriptions is not simulated (extensions.setSubscriptionInvalidationFilter, invalidateSubscriptions)")
		r.report(&handlerError{typ: "Code", message: err.Error()})
	case o.SubscriptionFilter != nil:
		if r.x.started.filter, err = compileFilter(o.SubscriptionFilter); err != nil {
			r.report(&handlerError{typ: "Code", message: "extensions.setSubscriptionFilter: " + err.Error()})
		}
	}
	if err != nil {
		r.done(nil, true)
	}
	return o, err == nil
}

func (r *resolution) reportJS(e *appsyncjs.Error) {
	out := &handlerError{typ: e.Type, message: e.Message, data: e.Data, info: e.Info}
	if e.Unauthorized {
		out.typ = "Unauthorized"
		out.message = "Not Authorized to access " + r.field.name + " on type " + r.field.parent.Name
	}
	r.report(out)
}

func (r *resolution) report(e *handlerError) {
	g := r.x.failAt(r.path, r.field, e.typ, e.message)
	g.data, g.info = e.data, e.info
}

// step is request handler, data source, response handler. next learns as well
// whether the code asked to skip the rest of a pipeline.
func (r *resolution) step(code *appsyncjs.Program, s *source, next func(v []byte, end bool)) {
	r.ctx.Result, r.ctx.Error = nil, nil
	o, ok := r.handler(code, "request")
	if !ok {
		return
	}
	if o.EarlyReturn {
		next(o.Value, o.SkipTo == "END")
		return
	}
	s.call(r, o.Value, func(result []byte, failure *handlerError) {
		r.ctx.Result = nil
		if result != nil {
			r.ctx.Result = json.RawMessage(result)
		}
		if failure != nil {
			r.ctx.Error = &appsyncjs.ContextError{Message: failure.message, Type: failure.typ}
		}
		if o, ok := r.handler(code, "response"); ok {
			next(o.Value, o.EarlyReturn && o.SkipTo == "END")
		}
	})
}

func (r *resolution) runPipeline() {
	o, ok := r.handler(r.resolver.code, "request")
	if !ok {
		return
	}
	r.ctx.Prev = json.RawMessage(orNull(o.Value))
	if o.EarlyReturn {
		r.endPipeline()
		return
	}
	r.runFunction(0)
}

func (r *resolution) runFunction(i int) {
	if i == len(r.resolver.functions) {
		r.endPipeline()
		return
	}
	f := r.resolver.functions[i]
	r.step(f.code, f.source, func(v []byte, end bool) {
		r.ctx.Prev = json.RawMessage(orNull(v))
		if end {
			r.endPipeline()
			return
		}
		r.runFunction(i + 1)
	})
}

func (r *resolution) endPipeline() {
	r.ctx.Result, r.ctx.Error = r.ctx.Prev, nil
	if o, ok := r.handler(r.resolver.code, "response"); ok {
		r.done(o.Value, false)
	}
}

// direct hands the whole context to a function and takes what it returns
// ("Direct Lambda resolvers", AppSync Developer Guide).
func (r *resolution) direct() {
	w := newObject(nil)
	w.raw("arguments", r.ctx.Arguments.(json.RawMessage))
	identity, _ := r.ctx.Identity.(json.RawMessage)
	w.raw("identity", identity)
	parent, _ := r.ctx.Source.(json.RawMessage)
	w.raw("source", parent)
	w.raw("request", toJSON(map[string]any{"headers": r.ctx.Headers, "domainName": r.ctx.DomainName}))
	w.raw("prev", nil)
	w.raw("info", toJSON(r.ctx.Info))
	w.raw("stash", []byte("{}"))
	r.resolver.source.invoke(r, w.end(), false, func(result []byte, failure *handlerError) {
		if failure != nil {
			r.report(failure)
			r.done(nil, true)
			return
		}
		r.done(result, false)
	})
}

func toJSON(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic(fmt.Sprintf("appsync: %v", err)) // texts and JSON only
	}
	return b
}

func orNull(v []byte) []byte {
	if len(v) == 0 {
		return nullJSON
	}
	return v
}

// variablesJSON is $ctx.info.variables.
func (x *execution) variablesJSON() []byte {
	if x.variables == nil {
		w := newObject(nil)
		for _, v := range x.op.VariableDefinitions {
			if value, ok := x.vars[v.Variable]; ok {
				w.raw(v.Variable, value)
			}
		}
		x.variables = w.end()
	}
	return x.variables
}

// selectionList is the flat list of what is selected: "items", "items/id".
func (x *execution) selectionList(f *field) []string {
	if f.selected != nil {
		return f.selected
	}
	list := []string{}
	seen := map[string]bool{}
	var walk func(f *field, prefix string)
	walk = func(f *field, prefix string) {
		def := x.api.schema.Types[f.def.Type.Name()]
		if def == nil || !def.IsCompositeType() {
			return
		}
		defs := []*ast.Definition{def}
		if def.IsAbstractType() {
			defs = append(defs, x.api.schema.GetPossibleTypes(def)...)
		}
		for _, d := range defs {
			for _, c := range x.collect(d, f, nil) {
				s := prefix + c.key
				if !seen[s] {
					seen[s] = true
					list = append(list, s)
				}
				walk(c, s+"/")
			}
		}
	}
	walk(f, "")
	f.selected = list
	return list
}

// selectionText is the selection as GraphQL.
func (f *field) selectionText() string {
	if len(f.nodes[0].SelectionSet) == 0 {
		return ""
	}
	if f.graphQL == "" {
		var b strings.Builder
		formatter.NewFormatter(&b, formatter.WithIndent("  ")).FormatQueryDocument(&ast.QueryDocument{
			Operations: ast.OperationList{{Operation: ast.Query, SelectionSet: f.nodes[0].SelectionSet}},
		})
		f.graphQL = strings.TrimPrefix(strings.TrimSpace(b.String()), "query ")
	}
	return f.graphQL
}
