package appsync

import (
	"encoding/json"
	"errors"
	"strings"
	"unicode/utf8"

	"github.com/orderflow-cdk/orderflow/local/internal/appsyncjs"
)

// Limits of EvaluateCode, in characters (AppSync API reference).
const (
	maxEvaluatedCode    = 32_768
	maxEvaluatedContext = 28_000
)

// evaluatedName is what messages call evaluated code.
const evaluatedName = "code.js"

// evaluateCode runs a handler of the code that it is given, with the context that it is given. What is wrong with the code is part
// of the answer; only what is no call of the API at all is an error.
func (c *Control) evaluateCode(input []byte) (map[string]any, error) {
	var in struct {
		Runtime       *struct{ Name, RuntimeVersion string }
		Code, Context string
		Function      string
	}
	if err := json.Unmarshal(input, &in); err != nil {
		return nil, badRequest("%v", err)
	}
	switch n := utf8.RuneCountInString(in.Context); {
	case in.Runtime == nil || in.Runtime.Name != "APPSYNC_JS" || in.Runtime.RuntimeVersion != runtimeVersion:
		return nil, badRequest("The runtime must be APPSYNC_JS %s.", runtimeVersion)
	case in.Code == "" || utf8.RuneCountInString(in.Code) > maxEvaluatedCode:
		return nil, badRequest("The code must have 1 to %d characters.", maxEvaluatedCode)
	case n < 2 || n > maxEvaluatedContext:
		return nil, badRequest("The context must have 2 to %d characters.", maxEvaluatedContext)
	case in.Function != "" && in.Function != "request" && in.Function != "response":
		return nil, badRequest("The function must be request or response.")
	}
	ctx, err := readContext(in.Context)
	if err != nil {
		return nil, badRequest("Unable to parse the context: %v", err)
	}
	function := either(in.Function, "request")
	program, err := appsyncjs.Compile(evaluatedName, in.Code)
	if err != nil {
		return map[string]any{"error": compileErrors(err)}, nil
	}
	if !program.Exports(function) {
		return map[string]any{"error": map[string]any{"message": "The code exports no function " + function + "."}}, nil
	}
	logs := []string{}
	runtime := appsyncjs.New(appsyncjs.Env{Now: c.Now, Rand: c.Rand, Log: func(line string) { logs = append(logs, line) }})
	o, err := runtime.Call(program, function, ctx)
	out := map[string]any{"logs": logs, "stash": string(o.Stash), "outErrors": outErrors(o.Errors)}
	if o.Stash == nil {
		out["stash"] = either(string(ctx.Stash), "{}")
	}
	var thrown *appsyncjs.Error
	switch {
	case err == nil:
		out["evaluationResult"] = string(orNull(o.Value))
	case errors.As(err, &thrown) && thrown.Unauthorized:
		out["error"] = map[string]any{"message": either(thrown.Message, "Unauthorized")}
	case errors.As(err, &thrown):
		out["error"] = map[string]any{"message": thrown.Message}
	default:
		out["error"] = map[string]any{"message": err.Error()}
	}
	return out, nil
}

// readContext reads a context as the API takes it: $ctx as JSON, of which anything may be left out.
func readContext(document string) (*appsyncjs.Context, error) {
	var in struct {
		Arguments, Args, Source, Identity, Stash, Result json.RawMessage
		Prev                                             *struct{ Result json.RawMessage }
		Error                                            *appsyncjs.ContextError
		Request                                          *struct {
			Headers    map[string]string
			DomainName string
		}
		Info *appsyncjs.Info
		Env  map[string]string
	}
	if err := json.Unmarshal([]byte(document), &in); err != nil {
		return nil, err
	}
	ctx := &appsyncjs.Context{Stash: in.Stash, Error: in.Error, Env: in.Env}
	if in.Arguments == nil {
		in.Arguments = in.Args
	}
	for _, v := range []struct {
		to   *any
		from json.RawMessage
	}{{&ctx.Arguments, in.Arguments}, {&ctx.Source, in.Source}, {&ctx.Identity, in.Identity}, {&ctx.Result, in.Result}} {
		if !isNull(v.from) {
			*v.to = v.from
		}
	}
	if isNull(ctx.Stash) {
		ctx.Stash = nil
	}
	if in.Prev != nil {
		ctx.Prev = json.RawMessage(orNull(in.Prev.Result))
	}
	if in.Request != nil {
		ctx.DomainName, ctx.Headers = in.Request.DomainName, map[string]string{}
		for name, v := range in.Request.Headers {
			ctx.Headers[strings.ToLower(name)] = v
		}
	}
	if in.Info != nil {
		ctx.Info = *in.Info
	}
	return ctx, nil
}

// compileErrors is what keeps code from running, with the place.
func compileErrors(err error) map[string]any {
	found := map[string]any{"errorType": "PARSER_ERROR", "value": err.Error()}
	var e *appsyncjs.CompileError
	if errors.As(err, &e) {
		found["value"] = e.Message
		found["location"] = map[string]any{"line": e.Line, "column": e.Column, "span": 0}
	}
	return map[string]any{"message": "The code contains one or more errors.", "codeErrors": []any{found}}
}

// outErrors are the errors of util.appendError, as JSON text.
func outErrors(list []*appsyncjs.Error) string {
	all := []map[string]any{}
	for _, e := range list {
		o := map[string]any{"message": e.Message, "errorType": e.Type}
		if e.Data != nil {
			o["data"] = e.Data
		}
		if e.Info != nil {
			o["errorInfo"] = e.Info
		}
		all = append(all, present(o))
	}
	return string(toJSON(all))
}
