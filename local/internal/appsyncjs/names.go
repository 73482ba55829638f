package appsyncjs

import (
	"slices"
	"strings"

	"github.com/dop251/goja/ast"
	"github.com/dop251/goja/unistring"
)

// globals are the names that AppSync gives to code, with what may be used of each; nil means that its
// members are those of the utilities. The list is that of "Supported runtime features".
var globals = map[string][]string{
	"NaN": {}, "Infinity": {}, "undefined": {},
	"util": nil, "extensions": nil, "runtime": nil,
	"console": {"log", "error"},
	"Object":  {"assign", "entries", "hasOwn", "keys", "values"},
	"String":  {"raw"},
	"Number":  {"isFinite", "isNaN"},
	"Math":    {"random", "min", "max", "round", "floor", "ceil"},
	"JSON":    {"parse", "stringify"},
}

// The methods of strings and arrays. The first line of each is the documented list. The second is what AWS's own linter does
// not deny, and toString, which JavaScript needs itself to make text of a value.
var (
	stringMethods = []string{
		"charAt", "concat", "endsWith", "indexOf", "lastIndexOf", "replace", "replaceAll", "slice", "split", "startsWith", "toLowerCase", "toUpperCase", "trim", "trimEnd", "trimStart",
		"includes", "substring", "toString",
	}
	arrayMethods = []string{
		"concat", "fill", "flat", "indexOf", "join", "lastIndexOf", "pop", "push", "reverse", "shift", "slice", "sort", "splice", "unshift", "forEach", "map", "flatMap", "filter", "reduce", "reduceRight", "find", "some", "every", "findIndex", "findLast", "findLastIndex",
		"includes", "toString",
	}
)

// callbacks are the methods that take a function.
var callbacks = []string{"forEach", "map", "flatMap", "filter", "reduce", "reduceRight", "find", "some", "every", "findIndex", "findLast", "findLastIndex"}

// unsupported are methods of JavaScript's own types that APPSYNC_JS has not. The runtime has none of them; naming
// them here gives the refusal a place.
var unsupported = strings.Fields(`
	at copyWithin entries keys values toLocaleString toReversed toSorted toSpliced with
	charCodeAt codePointAt localeCompare match matchAll normalize padEnd padStart repeat search substr toLocaleLowerCase toLocaleUpperCase valueOf
	hasOwnProperty isPrototypeOf propertyIsEnumerable
	toFixed toExponential toPrecision
	call apply bind`)

// internals are properties that lead to what no code may reach.
var internals = []string{"prototype", "constructor", "__proto__", "__defineGetter__", "__defineSetter__", "__lookupGetter__", "__lookupSetter__"}

// reference checks a name that stands for a value.
func (c *checker) reference(id *ast.Identifier) {
	if s := c.scope.lookup(id.Name); s != nil {
		if s.function != nil {
			for f := c.function; f != nil; f = f.outer {
				f.uses = append(f.uses, s.function)
			}
		}
		return
	}
	name := id.Name.String()
	members, ok := globals[name]
	switch {
	case !ok:
		c.refuse(id, "%s is not declared, and APPSYNC_JS has no global of that name", name)
	case len(members) > 0 && name != "console":
		c.refuse(id, "%s can only be used as %s.%s", name, name, strings.Join(members, "(), "+name+".")+"()")
	}
}

// dot checks a member, and all of util.time.nowISO8601 at once.
func (c *checker) dot(n *ast.DotExpression) {
	path := []string{n.Identifier.Name.String()}
	root := n.Left
	for {
		d, ok := root.(*ast.DotExpression)
		if !ok {
			break
		}
		path = append(path, d.Identifier.Name.String())
		root = d.Left
	}
	slices.Reverse(path)
	if id, ok := root.(*ast.Identifier); ok && c.known(n, id, path) {
		return
	}
	for name, d := n.Identifier.Name.String(), n; ; {
		if slices.Contains(internals, name) {
			c.refuse(d, "%s is not available", name)
		}
		next, ok := d.Left.(*ast.DotExpression)
		if !ok {
			c.walk(d.Left)
			return
		}
		d, name = next, next.Identifier.Name.String()
		c.construct(d)
	}
}

// known checks a member of something that AppSync gives; false if the root is the code's own.
func (c *checker) known(n ast.Node, id *ast.Identifier, path []string) bool {
	root := id.Name.String()
	if s := c.scope.lookup(id.Name); s != nil {
		if s.imported == nil {
			return false
		}
		switch root = s.imported.exported; {
		case root == "*":
			if root, path = path[0], path[1:]; !modules[s.imported.module][root] {
				c.refuse(n, "%s has no export %s", s.imported.module, root)
				return true
			}
		}
	} else if members, ok := globals[root]; ok && members != nil {
		if !slices.Contains(members, path[0]) {
			c.refuse(n, "%s.%s is not supported", root, path[0])
		}
		return true
	} else if !ok {
		return false
	}
	full := strings.Join(append([]string{root}, path...), ".")
	for prefix := full; ; prefix = prefix[:strings.LastIndexByte(prefix, '.')] {
		if why, refused := refusedUtilities[prefix]; refused {
			c.refuse(n, "%s: %s", full, why)
			return true
		}
		if !strings.Contains(prefix, ".") {
			break
		}
	}
	if len(path) > 0 && !utilityNames[full] {
		c.refuse(n, "%s is not a utility of AppSync", full)
	}
	return true
}

// call checks what is called with what.
func (c *checker) call(n *ast.CallExpression) {
	method := ""
	switch callee := n.Callee.(type) {
	case *ast.DotExpression:
		method = callee.Identifier.Name.String()
	case *ast.BracketExpression:
		if key, ok := callee.Member.(*ast.StringLiteral); ok {
			method = key.Value.String()
		}
	}
	if slices.Contains(unsupported, method) && !c.methods[method] && !c.ofAppSync(n.Callee) {
		c.refuse(n, "%s() is not supported", method)
	}
	if method == "sort" && len(n.ArgumentList) > 0 {
		c.refuse(n, "sort() takes no argument")
	}
	for _, argument := range n.ArgumentList {
		if s, ok := argument.(*ast.SpreadElement); ok {
			argument = s.Expression
		}
		if c.valueOf(argument) != nil && (!slices.Contains(callbacks, method) || c.ofAppSync(n.Callee)) {
			c.refuse(n, "a function cannot be passed as an argument, except to the methods of arrays")
		}
	}
}

// ofAppSync says that an expression is a member of a global or an import.
func (c *checker) ofAppSync(n ast.Expression) bool {
	for {
		switch e := n.(type) {
		case *ast.DotExpression:
			n = e.Left
			continue
		case *ast.Identifier:
			if s := c.scope.lookup(e.Name); s != nil {
				return s.imported != nil
			}
			_, ok := globals[e.Name.String()]
			return ok
		}
		return false
	}
}

func isStringRaw(tag ast.Expression) bool {
	d, ok := tag.(*ast.DotExpression)
	if !ok {
		return false
	}
	id, ok := d.Left.(*ast.Identifier)
	return ok && id.Name == "String" && d.Identifier.Name == "raw"
}

func unistringOf(s string) unistring.String { return unistring.NewFromString(s) }
