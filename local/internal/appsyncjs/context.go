package appsyncjs

import (
	"encoding/json"

	"github.com/dop251/goja"
)

// Context is what a handler gets as ctx. A value is a json.RawMessage, which keeps the order of
// keys, or anything that encoding/json takes; maps come in the order of their sorted keys. nil is null.
type Context struct {
	// Arguments are ctx.args and ctx.arguments.
	Arguments any
	// Source is the parent's value, ctx.source.
	Source any
	// Identity is ctx.identity.
	Identity any
	// Stash is ctx.stash; nil is an empty object.
	Stash json.RawMessage
	// Prev is ctx.prev.result. nil leaves ctx.prev null: a unit resolver has no step before it.
	Prev any
	// Result is ctx.result.
	Result any
	// Error is ctx.error; nil if the data source reported none.
	Error *ContextError
	// Headers are ctx.request.headers, with lower-case names.
	Headers map[string]string
	// DomainName is ctx.request.domainName; empty is null.
	DomainName string
	// Info is ctx.info.
	Info Info
	// Env is ctx.env: the API's environment variables.
	Env map[string]string
}

// ContextError is what a data source reported.
type ContextError struct {
	Message string `json:"message"`
	Type    string `json:"type"`
}

// Info is what the query asked for.
type Info struct {
	FieldName           string   `json:"fieldName"`
	ParentTypeName      string   `json:"parentTypeName"`
	Variables           any      `json:"variables"`
	SelectionSetList    []string `json:"selectionSetList"`
	SelectionSetGraphQL string   `json:"selectionSetGraphQL"`
}

// contextObject is ctx. It makes its properties when they are first looked at: most handlers look at few.
type contextObject struct {
	rt      *Runtime
	context *Context
	values  [len(contextKeys)]goja.Value
}

var contextKeys = [...]string{"arguments", "args", "identity", "source", "stash", "prev", "result", "error", "request", "info", "env"}

const (
	keyArguments = iota
	keyArgs
	keyIdentity
	keySource
	keyStash
	keyPrev
	keyResult
	keyError
	keyRequest
	keyInfo
	keyEnv
)

func contextKey(name string) int {
	for i, key := range contextKeys {
		if key == name {
			return i
		}
	}
	return -1
}

// Get makes goja's DynamicObject of it.
func (o *contextObject) Get(name string) goja.Value {
	key := contextKey(name)
	if key < 0 {
		return nil
	}
	if key == keyArgs {
		key = keyArguments
	}
	if o.values[key] == nil {
		o.values[key] = o.make(key)
	}
	return o.values[key]
}

func (o *contextObject) make(key int) goja.Value {
	rt, ctx := o.rt, o.context
	switch key {
	case keyArguments:
		if ctx.Arguments == nil {
			return rt.vm.NewObject()
		}
		return rt.value(ctx.Arguments)
	case keyIdentity:
		return rt.value(ctx.Identity)
	case keySource:
		return rt.value(ctx.Source)
	case keyStash:
		if ctx.Stash == nil {
			return rt.vm.NewObject()
		}
		return rt.value(ctx.Stash)
	case keyPrev:
		if ctx.Prev == nil {
			return goja.Null()
		}
		return rt.object("result", rt.value(ctx.Prev))
	case keyResult:
		return rt.value(ctx.Result)
	case keyError:
		if ctx.Error == nil {
			return goja.Null()
		}
		return rt.object("message", rt.vm.ToValue(ctx.Error.Message), "type", rt.vm.ToValue(ctx.Error.Type))
	case keyRequest:
		domain := goja.Null()
		if ctx.DomainName != "" {
			domain = rt.vm.ToValue(ctx.DomainName)
		}
		return rt.object("headers", rt.strings(ctx.Headers), "domainName", domain)
	case keyInfo:
		list := make([]goja.Value, len(ctx.Info.SelectionSetList))
		for i, s := range ctx.Info.SelectionSetList {
			list[i] = rt.vm.ToValue(s)
		}
		variables := rt.value(ctx.Info.Variables)
		if ctx.Info.Variables == nil {
			variables = rt.vm.NewObject()
		}
		return rt.object(
			"fieldName", rt.vm.ToValue(ctx.Info.FieldName), "parentTypeName", rt.vm.ToValue(ctx.Info.ParentTypeName), "variables", variables,
			"selectionSetList", rt.array(list), "selectionSetGraphQL", rt.vm.ToValue(ctx.Info.SelectionSetGraphQL))
	default:
		return rt.strings(ctx.Env)
	}
}

// Set refuses: the properties of the context are read-only, what they hold is not.
func (o *contextObject) Set(string, goja.Value) bool { return false }

// Has says which properties there are.
func (o *contextObject) Has(name string) bool { return contextKey(name) >= 0 }

// Delete refuses.
func (o *contextObject) Delete(string) bool { return false }

// Keys are those of AppSync's context.
func (o *contextObject) Keys() []string { return contextKeys[:] }

// stash is the stash as JSON, the given one if the code never looked at it.
func (o *contextObject) stash() (json.RawMessage, error) {
	if o.values[keyStash] == nil {
		if o.context.Stash == nil {
			return json.RawMessage("{}"), nil
		}
		return o.context.Stash, nil
	}
	return o.rt.encode(o.values[keyStash])
}
