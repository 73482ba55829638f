package appsyncjs

import (
	"slices"
	"strings"

	"github.com/dop251/goja"
)

// restrict takes away from the machine what APPSYNC_JS has not, and freezes the rest, so that one
// call cannot leave anything for the next. The static checks refuse most of it with a place in the
// code; this is for what they cannot see, such as a method of a value of unknown type.
func (rt *Runtime) restrict() {
	global := rt.vm.GlobalObject()
	rt.freezer, _ = goja.AssertFunction(global.Get("Object").ToObject(rt.vm).Get("freeze"))
	prototype := func(name string) *goja.Object {
		return global.Get(name).ToObject(rt.vm).Get("prototype").ToObject(rt.vm)
	}
	object, function := prototype("Object"), prototype("Function")
	rt.keep(prototype("String"), append([]string{"length"}, stringMethods...))
	rt.keep(prototype("Array"), append([]string{"length"}, arrayMethods...))
	rt.keep(prototype("Number"), []string{"toString"})
	rt.keep(prototype("Boolean"), []string{"toString"})
	rt.keep(function, nil)
	rt.replace(prototype("String"))
	rt.parse(global.Get("JSON").ToObject(rt.vm))
	rt.sort(prototype("Array"))

	kept := []*goja.Object{prototype("String"), prototype("Array"), prototype("Number"), prototype("Boolean"), function}
	for _, name := range global.GetOwnPropertyNames() {
		members, ok := globals[name]
		if !ok {
			rt.must(global.Delete(name))
		} else if len(members) > 0 {
			// Not the object itself: some of its constants cannot be deleted, and its prototype is nobody's business.
			from, to := global.Get(name).ToObject(rt.vm), rt.vm.NewObject()
			for _, member := range members {
				rt.set(to, member, from.Get(member))
			}
			rt.must(global.Set(name, to))
			kept = append(kept, to)
		}
	}
	rt.keep(object, []string{"toString", "valueOf"})
	console := rt.console()
	rt.must(global.Set("console", console))
	kept = append(kept, console)
	for _, o := range kept {
		rt.freeze(o)
	}
}

func (rt *Runtime) must(err error) {
	if err != nil {
		panic(err)
	}
}

// keep deletes all properties but those named.
func (rt *Runtime) keep(o *goja.Object, names []string) {
	for _, name := range o.GetOwnPropertyNames() {
		if !slices.Contains(names, name) {
			rt.must(o.Delete(name))
		}
	}
}

// freeze is Object.freeze, which code has not.
func (rt *Runtime) freeze(o *goja.Object) {
	_, err := rt.freezer(goja.Undefined(), o)
	rt.must(err)
}

func (rt *Runtime) console() *goja.Object {
	write := func(c goja.FunctionCall) goja.Value {
		if rt.env.Log == nil {
			return goja.Undefined()
		}
		var words []string
		for _, v := range c.Arguments {
			if goja.IsString(v) || goja.IsUndefined(v) {
				words = append(words, v.String())
				continue
			}
			b, err := rt.encode(v)
			if err != nil {
				rt.fail("console: %w", err)
			}
			words = append(words, string(b))
		}
		rt.env.Log(strings.Join(words, " "))
		return goja.Undefined()
	}
	return rt.object("log", rt.vm.ToValue(write), "error", rt.vm.ToValue(write))
}

// parse makes JSON.parse answer an empty string for what is not JSON: code cannot catch an error.
func (rt *Runtime) parse(o *goja.Object) {
	rt.must(o.Set("parse", func(c goja.FunctionCall) goja.Value {
		v, err := rt.decode([]byte(text(c.Arguments, 0)))
		if err != nil {
			return rt.vm.ToValue("")
		}
		return v
	}))
}

// sort refuses a comparison that the static check could not see.
func (rt *Runtime) sort(array *goja.Object) {
	native, _ := goja.AssertFunction(array.Get("sort"))
	rt.must(array.Set("sort", func(c goja.FunctionCall) goja.Value {
		if len(c.Arguments) > 0 {
			rt.fail("sort() takes no argument")
		}
		v, err := native(c.This)
		if err != nil {
			panic(rt.vm.NewGoError(err))
		}
		return v
	}))
}

// replace makes replace and replaceAll take Java regular expressions, which is what AppSync does with the first argument.
func (rt *Runtime) replace(str *goja.Object) {
	for _, all := range []bool{false, true} {
		name := "replace"
		if all {
			name = "replaceAll"
		}
		rt.must(str.Set(name, func(c goja.FunctionCall) goja.Value {
			if _, ok := arg(c.Arguments, 1).(*goja.Object); ok {
				rt.fail("%s() takes strings only", name)
			}
			s, err := rt.replaced(c.This.String(), text(c.Arguments, 0), text(c.Arguments, 1), all)
			if err != nil {
				rt.fail("%s(): %w", name, err)
			}
			return rt.vm.ToValue(s)
		}))
	}
}
