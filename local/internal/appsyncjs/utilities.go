package appsyncjs

import (
	"fmt"
	"sort"
	"strings"

	"github.com/dop251/goja"
)

// utility is a function that AppSync gives to code.
type utility func(rt *Runtime, a []goja.Value) goja.Value

// utilities are all of them by the name that code calls them by; those without a dot, and operations.*, are of the
// module @aws-appsync/utils/dynamodb.
var utilities = join(utilReports, utilText, utilIDs, utilTime, utilMath, utilHTTP, utilDynamoDB, utilTransform, extensions, moduleDynamoDB)

// refusedUtilities are those that AppSync has and the local runtime has not.
var refusedUtilities = map[string]string{
	"util.rds":                               "there is no local RDS data source",
	"util.xml":                               "XML is not modelled locally",
	"util.transform.toElasticsearchQueryDSL": "there is no local OpenSearch data source",
	"extensions.evictFromApiCache":           "server-side caching is not modelled locally",
}

// modules are the modules that code can import, with their exports.
var modules = map[string]map[string]bool{
	"@aws-appsync/utils":          {"util": true, "extensions": true, "runtime": true},
	"@aws-appsync/utils/dynamodb": {},
}

var refusedModules = map[string]string{
	"@aws-appsync/utils/rds": "@aws-appsync/utils/rds: there is no local RDS data source",
	"@aws-appsync/utils/ai":  "@aws-appsync/utils/ai: there is no local Bedrock data source",
}

// utilityNames are the names of all utilities and of the objects that they are in.
var utilityNames = map[string]bool{}

func init() {
	for name := range utilities {
		for prefix := name; prefix != ""; prefix = prefix[:max(strings.LastIndexByte(prefix, '.'), 0)] {
			utilityNames[prefix] = true
		}
	}
	for name := range moduleDynamoDB {
		root, _, _ := strings.Cut(name, ".")
		modules["@aws-appsync/utils/dynamodb"][root] = true
	}
}

func join(maps ...map[string]utility) map[string]utility {
	all := map[string]utility{}
	for _, m := range maps {
		for name, f := range m {
			if all[name] != nil {
				panic("appsyncjs: two utilities " + name)
			}
			all[name] = f
		}
	}
	return all
}

// provide makes the utilities of a Runtime: util, extensions and runtime are globals as well as exports of a module.
func (rt *Runtime) provide() {
	roots := map[string]*goja.Object{}
	object := func(name string) *goja.Object {
		if roots[name] == nil {
			roots[name] = rt.vm.NewObject()
		}
		return roots[name]
	}
	for _, name := range sortedKeys(utilities) {
		f := utilities[name]
		value := rt.vm.ToValue(func(c goja.FunctionCall) goja.Value { return f(rt, c.Arguments) })
		i := strings.LastIndexByte(name, '.')
		if i < 0 {
			rt.modules["@aws-appsync/utils/dynamodb#"+name] = value
			continue
		}
		rt.set(object(name[:i]), name[i+1:], value)
	}
	rt.nest(roots)
	ddb := rt.vm.NewObject()
	for _, name := range sortedKeys(modules["@aws-appsync/utils/dynamodb"]) {
		if roots[name] != nil {
			rt.modules["@aws-appsync/utils/dynamodb#"+name] = roots[name]
		}
		rt.set(ddb, name, rt.modules["@aws-appsync/utils/dynamodb#"+name])
	}
	all := rt.vm.NewObject()
	for _, name := range sortedKeys(modules["@aws-appsync/utils"]) {
		rt.modules["@aws-appsync/utils#"+name] = roots[name]
		rt.set(all, name, roots[name])
		rt.set(rt.vm.GlobalObject(), name, roots[name])
	}
	rt.modules["@aws-appsync/utils#*"], rt.modules["@aws-appsync/utils/dynamodb#*"] = all, ddb
	for _, name := range sortedKeys(rt.modules) {
		if o, ok := rt.modules[name].(*goja.Object); ok {
			rt.freeze(o)
		}
	}
}

// nest puts util.time into util, and so on.
func (rt *Runtime) nest(roots map[string]*goja.Object) {
	names := sortedKeys(roots)
	sort.SliceStable(names, func(i, j int) bool { return len(names[i]) > len(names[j]) })
	for _, name := range names {
		if outer, inner, ok := strings.Cut(name, "."); ok {
			rt.set(roots[outer], inner, roots[name])
			rt.freeze(roots[name])
		}
	}
}

// arg is an argument, undefined if it was not given.
func arg(a []goja.Value, i int) goja.Value {
	if i < len(a) {
		return a[i]
	}
	return goja.Undefined()
}

// text is an argument as a string.
func text(a []goja.Value, i int) string { return arg(a, i).String() }

func nullish(v goja.Value) bool { return v == nil || goja.IsUndefined(v) || goja.IsNull(v) }

// fail ends the call with a fault of the code.
func (rt *Runtime) fail(format string, args ...any) {
	panic(rt.vm.NewGoError(fmt.Errorf(format, args...)))
}
