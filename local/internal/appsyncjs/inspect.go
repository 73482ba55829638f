package appsyncjs

import (
	"reflect"

	"github.com/dop251/goja/ast"
)

var nodeType = reflect.TypeFor[ast.Node]()

// children calls f for every node right under n, in the order of the source. It goes by reflection,
// so that no kind of node can be forgotten; code is compiled once. Names that are no expressions
// (those of properties) are not nodes here.
func children(n ast.Node, f func(ast.Node)) {
	if v := reflect.ValueOf(n); v.Kind() == reflect.Pointer && !v.IsNil() {
		fields(v.Elem(), f)
	}
}

func fields(v reflect.Value, f func(ast.Node)) {
	switch v.Kind() {
	case reflect.Interface, reflect.Pointer:
		switch {
		case v.IsNil():
		case v.Kind() == reflect.Pointer && v.Type().Implements(nodeType):
			f(v.Interface().(ast.Node))
		default:
			fields(v.Elem(), f)
		}
	case reflect.Slice:
		for i := range v.Len() {
			fields(v.Index(i), f)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			// DeclarationList has the same variables again.
			if field := v.Type().Field(i); field.IsExported() && field.Name != "DeclarationList" && field.Name != "File" {
				fields(v.Field(i), f)
			}
		}
	}
}

// inspect calls visit for n and every node under it, parents first.
func inspect(n ast.Node, visit func(ast.Node)) {
	visit(n)
	children(n, func(child ast.Node) { inspect(child, visit) })
}
