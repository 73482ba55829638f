package appsyncjs_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/orderflow-cdk/orderflow/local/internal/appsyncjs"
)

func call(t *testing.T, code string, ctx *appsyncjs.Context) (appsyncjs.Result, error) {
	t.Helper()
	return newRuntime(nil).Call(compile(t, code), "request", ctx)
}

func TestExports(t *testing.T) {
	p := compile(t, "function a(ctx) { return 1; }\nexport { a as request };")
	if !p.Exports("request") || p.Exports("a") || p.Exports("response") {
		t.Error("the program exports request and nothing else")
	}
	if _, err := newRuntime(nil).Call(p, "response", &appsyncjs.Context{}); err == nil || err.Error() != "code.js exports no function response" {
		t.Errorf("a call of what is not exported: %v", err)
	}
}

func TestContext(t *testing.T) {
	ctx := &appsyncjs.Context{
		Arguments:  json.RawMessage(`{"b":1,"a":{"z":[1,2],"y":null}}`),
		Source:     map[string]any{"id": "p", "age": 3.0},
		Identity:   map[string]any{"sub": "s"},
		Stash:      json.RawMessage(`{"k":"v"}`),
		Prev:       json.RawMessage(`[1]`),
		Result:     json.RawMessage(`{"items":[]}`),
		Error:      &appsyncjs.ContextError{Message: "no", Type: "DynamoDB:ConditionalCheckFailedException"},
		Headers:    map[string]string{"x-b": "2", "x-a": "1"},
		DomainName: "api.example.com",
		Info: appsyncjs.Info{
			FieldName: "order", ParentTypeName: "Query", Variables: map[string]any{"v": true},
			SelectionSetList: []string{"id", "items"}, SelectionSetGraphQL: "{\n  id\n}",
		},
		Env: map[string]string{"TABLE": "t"},
	}
	r, err := call(t, "export function request(ctx) { return ctx; }", ctx)
	if err != nil {
		t.Fatal(err)
	}
	want := `{"arguments":{"b":1,"a":{"z":[1,2],"y":null}},"args":{"b":1,"a":{"z":[1,2],"y":null}},"identity":{"sub":"s"},"source":{"age":3,"id":"p"},` +
		`"stash":{"k":"v"},"prev":{"result":[1]},"result":{"items":[]},"error":{"message":"no","type":"DynamoDB:ConditionalCheckFailedException"},` +
		`"request":{"headers":{"x-a":"1","x-b":"2"},"domainName":"api.example.com"},` +
		`"info":{"fieldName":"order","parentTypeName":"Query","variables":{"v":true},"selectionSetList":["id","items"],"selectionSetGraphQL":"{\n  id\n}"},"env":{"TABLE":"t"}}`
	if diff := cmp.Diff(want, string(r.Value)); diff != "" {
		t.Error(diff)
	}
	r, err = call(t, "export function request(ctx) { return [ctx.args, ctx.arguments, ctx.source, ctx.prev, ctx.result, ctx.error, ctx.stash, ctx.nothing]; }", &appsyncjs.Context{})
	if err != nil || string(r.Value) != `[{},{},null,null,null,null,{},null]` {
		t.Errorf("an empty context: %s, %v", r.Value, err)
	}
}

func TestStash(t *testing.T) {
	for _, c := range []struct{ code, stash, want string }{
		{"ctx.stash.n = ctx.stash.n + 1", `{"n":1,"k":{}}`, `{"n":2,"k":{}}`},
		{"ctx.stash.new = [1]", ``, `{"new":[1]}`},
		{"1", `{ "kept" : 1.0 }`, `{ "kept" : 1.0 }`}, // never looked at
		{"1", ``, `{}`},
		{"ctx.stash.a = 1; util.error('x')", `{}`, `{"a":1}`},
	} {
		ctx := &appsyncjs.Context{}
		if c.stash != "" {
			ctx.Stash = json.RawMessage(c.stash)
		}
		r, _ := call(t, "export function request(ctx) { "+c.code+"; }", ctx)
		if string(r.Stash) != c.want {
			t.Errorf("%s: the stash is %s, want %s", c.code, r.Stash, c.want)
		}
	}
}

func TestReports(t *testing.T) {
	_, err := call(t, "export function request(ctx) { ctx.args.list.forEach((x) => util.error('no ' + x, 'Bad', { id: x }, { code: 7 })); return 1; }",
		&appsyncjs.Context{Arguments: json.RawMessage(`{"list":[5,6]}`)})
	want := &appsyncjs.Error{Message: "no 5", Type: "Bad", Data: json.RawMessage(`{"id":5}`), Info: json.RawMessage(`{"code":7}`)}
	var got *appsyncjs.Error
	if !errors.As(err, &got) || !cmp.Equal(want, got) {
		t.Errorf("util.error: %#v", err)
	}
	r, err := call(t, "export function request(ctx) { util.appendError('one'); util.appendError('two', 'T', null); return 'value'; }", &appsyncjs.Context{})
	if err != nil || string(r.Value) != `"value"` {
		t.Errorf("util.appendError: %s, %v", r.Value, err)
	}
	if diff := cmp.Diff([]*appsyncjs.Error{{Message: "one"}, {Message: "two", Type: "T"}}, r.Errors); diff != "" {
		t.Error(diff)
	}
	_, err = call(t, "export function request(ctx) { util.unauthorized(); }", &appsyncjs.Context{Info: appsyncjs.Info{FieldName: "order", ParentTypeName: "Query"}})
	want = &appsyncjs.Error{Message: "Not Authorized to access order on type Query", Type: "Unauthorized", Unauthorized: true}
	if !errors.As(err, &got) || !cmp.Equal(want, got) {
		t.Errorf("util.unauthorized: %#v", err)
	}
}

func TestEarlyReturn(t *testing.T) {
	for _, c := range []struct{ arguments, value, skip string }{
		{"", "null", ""}, {"{ a: 1 }", `{"a":1}`, ""}, {"[1], { skipTo: 'END' }", "[1]", "END"}, {"1, { skipTo: 'NEXT' }", "1", "NEXT"},
	} {
		r, err := call(t, "import { runtime } from '@aws-appsync/utils';\nexport function request(ctx) { if (ctx) { runtime.earlyReturn("+c.arguments+"); } return 'late'; }", &appsyncjs.Context{})
		if err != nil || !r.EarlyReturn || string(r.Value) != c.value || r.SkipTo != c.skip {
			t.Errorf("earlyReturn(%s): %s, %+v, %v", c.arguments, r.Value, r, err)
		}
	}
}

func TestExtensions(t *testing.T) {
	r, err := call(t, `import { extensions, util } from '@aws-appsync/utils';
export function request(ctx) {
  extensions.setSubscriptionFilter(util.transform.toSubscriptionFilter({ tenant: { eq: 'acme' } }));
  extensions.setSubscriptionInvalidationFilter({ filterGroup: [] });
  extensions.invalidateSubscriptions({ subscriptionField: 'onOrder', payload: { tenant: 'acme' } });
  util.http.addResponseHeader('render', true);
  util.http.addResponseHeaders({ count: 7, Render: { a: 1 }, 'x-amzn-trace': 'no', Vary: '*' });
  return null;
}`, &appsyncjs.Context{})
	if err != nil {
		t.Fatal(err)
	}
	want := appsyncjs.Result{
		Value: json.RawMessage("null"), Stash: json.RawMessage("{}"),
		SubscriptionFilter: json.RawMessage(`{"filterGroup":[{"filters":[{"fieldName":"tenant","operator":"eq","value":"acme"}]}]}`),
		InvalidationFilter: json.RawMessage(`{"filterGroup":[]}`),
		Invalidations:      []appsyncjs.Invalidation{{SubscriptionField: "onOrder", Payload: json.RawMessage(`{"tenant":"acme"}`)}},
		Headers:            []appsyncjs.Header{{Name: "Render", Value: `{"a":1}`}, {Name: "count", Value: "7"}},
		Errors: []*appsyncjs.Error{
			{Type: "ResponseHeaderError", Message: `the response header "x-amzn-trace" cannot be set to "no"`},
			{Type: "ResponseHeaderError", Message: `the response header "Vary" cannot be set to "*"`},
		},
	}
	if diff := cmp.Diff(want, r); diff != "" {
		t.Error(diff)
	}
}

func TestResponseHeadersAreLimited(t *testing.T) {
	code := "export function request(ctx) { ctx.args.list.forEach((x) => util.http.addResponseHeader('name', ctx.args.value)); return 1; }"
	value := strings.Repeat("v", 1020) // with the name, 4 of them are 4 KB
	for n, want := range map[int]string{4: "", 5: "the response headers have more than 4096 bytes"} {
		_, err := call(t, code, &appsyncjs.Context{Arguments: map[string]any{"list": make([]any, n), "value": value}})
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%d headers: %v", n, err)
		}
	}
}

// TestContextMustBeJSON: a caller's mistake is an error of the call, and no panic.
func TestContextMustBeJSON(t *testing.T) {
	for _, text := range []string{`{"a":`, `{"a":1,}`, `[1,]`, `{a:1}`, `01`, `1 2`, `"\x"`, `nul`, `--1`, "\"\n\"", strings.Repeat("[", 600)} {
		if _, err := call(t, "export function request(ctx) { return ctx.result; }", &appsyncjs.Context{Result: json.RawMessage(text)}); err == nil || !strings.Contains(err.Error(), "the context: ") {
			t.Errorf("%.20q: %v", text, err)
		}
	}
}

func TestConsole(t *testing.T) {
	var lines []string
	rt := newRuntime(func(line string) { lines = append(lines, line) })
	p := compile(t, "export function request(ctx) { console.log('args', ctx.args, 1.5, undefined); console.error(null); return 1; }")
	if _, err := rt.Call(p, "request", &appsyncjs.Context{Arguments: json.RawMessage(`{"a":"b"}`)}); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{`args {"a":"b"} 1.5 undefined`, "null"}, lines); diff != "" {
		t.Error(diff)
	}
}

// TestCallsKnowNothingOfEachOther: what a call changes is gone with the next, be it a variable of the module, or an object that all share.
func TestCallsKnowNothingOfEachOther(t *testing.T) {
	rt := newRuntime(nil)
	p := compile(t, "let n = 0;\nconst seen = [];\nexport function request(ctx) { n += 1; seen.push(n); return seen; }")
	for range 2 {
		if r, err := rt.Call(p, "request", &appsyncjs.Context{}); err != nil || string(r.Value) != "[1]" {
			t.Errorf("%s, %v", r.Value, err)
		}
	}
	for _, target := range []string{"util", "util.time", "console"} {
		p := compile(t, "export function request(ctx) { const o = "+target+"; o.log = 1; o.error = 2; o.nowISO8601 = 3; return 1; }")
		if _, err := rt.Call(p, "request", &appsyncjs.Context{}); err == nil || !strings.Contains(err.Error(), "TypeError") {
			t.Errorf("%s can be changed: %v", target, err)
		}
	}
}

// TestRunawayCode: the count of steps and the depth of calls end what the static rules cannot.
func TestRunawayCode(t *testing.T) {
	for _, c := range []struct{ name, code, want string }{
		{"growing array", "const a = [1]; for (const x of a) { a.push(x); } return a;", "stopped after 1000000 function calls and loop passes"},
		{"growing array, no block", "const a = [1]; for (const x of a) a.push(x); return a;", "stopped after"},
		{"method that calls itself", "const o = { f: (n) => o.f(n + 1) }; return o.f(0);", "calls are nested more than 500 deep"},
		{"tree of calls", "const o = { f: (n) => n > 40 ? 1 : o.f(n + 1) + o.f(n + 1) }; return o.f(0);", "stopped after"},
		{"circle", "const o = {}; o.o = o; return o;", "the value refers to itself"},
	} {
		t.Run(c.name, func(t *testing.T) {
			rt := newRuntime(nil)
			_, err := rt.Call(compile(t, "export function request(ctx) { "+c.code+" }"), "request", &appsyncjs.Context{})
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Fatalf("got %v, want %s", err, c.want)
			}
			if r, err := rt.Call(compile(t, "export function request(ctx) { return 1; }"), "request", &appsyncjs.Context{}); err != nil || string(r.Value) != "1" {
				t.Errorf("the next call: %s, %v", r.Value, err)
			}
		})
	}
}

// TestRemovedMethods reaches by a computed name what the static rules refuse by name.
func TestRemovedMethods(t *testing.T) {
	for _, value := range []string{"''.%s", "[].%s", "(1).%s", "({}).%s", "(() => 1).%s"} {
		for _, name := range []string{"padStart", "repeat", "match", "localeCompare", "keys", "at", "toFixed", "hasOwnProperty", "constructor", "__proto__", "call", "bind"} {
			p := compile(t, "export function request(ctx) { return typeof "+strings.Replace(value, ".%s", "[ctx.args.name]", 1)+"; }")
			r, err := newRuntime(nil).Call(p, "request", &appsyncjs.Context{Arguments: map[string]any{"name": name}})
			if err != nil || string(r.Value) != `"undefined"` {
				t.Errorf("%s: %s, %v", fmt.Sprintf(value, name), r.Value, err)
			}
		}
	}
}

func TestRuntimeErrorHasPlace(t *testing.T) {
	_, err := call(t, "export function request(ctx) {\n  const é = 'ü'; return ctx.args.a.b;\n}", &appsyncjs.Context{})
	want := &appsyncjs.RuntimeError{Name: "code.js", Line: 2, Column: 36, Message: "TypeError: Cannot read property 'b' of undefined"}
	var got *appsyncjs.RuntimeError
	if !errors.As(err, &got) || !cmp.Equal(want, got) {
		t.Errorf("%#v", err)
	}
}

// TestRepeatedly shows that a run is a function of its inputs.
func TestRepeatedly(t *testing.T) {
	p := compile(t, "import { util } from '@aws-appsync/utils';\nexport function request(ctx) { return [util.autoId(), Math.random(), util.autoKsuid(), util.time.nowISO8601()]; }")
	var first string
	for range 3 {
		rt := newRuntime(nil)
		all := ""
		for range 3 {
			r, err := rt.Call(p, "request", &appsyncjs.Context{})
			if err != nil {
				t.Fatal(err)
			}
			all += string(r.Value)
		}
		if first == "" {
			first = all
		}
		if all != first {
			t.Errorf("%s\n%s", first, all)
		}
	}
}
