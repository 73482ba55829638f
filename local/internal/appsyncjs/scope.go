package appsyncjs

import (
	"github.com/dop251/goja/ast"
	"github.com/dop251/goja/unistring"
)

// symbol is a declared name.
type symbol struct {
	imported *binding  // of an import
	function *function // its value, if it is declared as a function or with one as initial value
}

// function is a function of the code, for the rules about recursion and about functions as values.
type function struct {
	name  string
	at    int
	outer *function
	// uses are the functions whose names are mentioned in it.
	uses []*function
	// ctx is its first parameter, if it is a handler.
	ctx *symbol
}

type scope struct {
	outer   *scope
	symbols map[unistring.String]*symbol
}

func (s *scope) lookup(name unistring.String) *symbol {
	for ; s != nil; s = s.outer {
		if found := s.symbols[name]; found != nil {
			return found
		}
	}
	return nil
}

func (c *checker) push() { c.scope = &scope{outer: c.scope, symbols: map[unistring.String]*symbol{}} }
func (c *checker) pop()  { c.scope = c.scope.outer }

// declare adds the names of a binding target, with the function that the name is given.
func (c *checker) declare(target ast.Node, value ast.Node) {
	switch t := target.(type) {
	case *ast.Identifier:
		c.scope.symbols[t.Name] = &symbol{function: c.functionOf(value)}
	case *ast.ArrayPattern, *ast.ObjectPattern:
		inspect(t, func(n ast.Node) {
			switch n := n.(type) {
			case *ast.Identifier: // defaults mention names, too: declaring those again in this scope would hide them
				if c.scope.lookup(n.Name) == nil {
					c.scope.symbols[n.Name] = &symbol{}
				}
			case *ast.PropertyShort:
				c.scope.symbols[n.Name.Name] = &symbol{}
			}
		})
	case *ast.AssignExpression:
		c.declare(t.Left, nil)
	case *ast.Binding:
		c.declare(t.Target, t.Initializer)
	}
}

// declareAll adds what the statements of a block declare, so that names can be used before their declaration.
func (c *checker) declareAll(list []ast.Statement) {
	for _, s := range list {
		switch s := s.(type) {
		case *ast.LexicalDeclaration:
			for _, b := range s.List {
				c.declare(b.Target, b.Initializer)
			}
		case *ast.FunctionDeclaration:
			c.declare(s.Function.Name, s.Function)
		case *ast.ClassDeclaration:
			if s.Class.Name != nil {
				c.declare(s.Class.Name, nil)
			}
		}
	}
}

// declareVars adds the var declarations of a function, whatever blocks they are in.
func (c *checker) declareVars(list []*ast.VariableDeclaration) {
	for _, d := range list {
		for _, b := range d.List {
			c.declare(b.Target, b.Initializer)
		}
	}
}

// functionOf is the function that a node is, nil if it is none.
func (c *checker) functionOf(n ast.Node) *function {
	var name *ast.Identifier
	switch n := n.(type) {
	case *ast.FunctionLiteral:
		name = n.Name
	case *ast.ArrowFunctionLiteral:
	default:
		return nil
	}
	f := c.functions[n]
	if f == nil {
		f = &function{name: "a function", at: offset(n)}
		if name != nil {
			f.name = name.Name.String()
		}
		c.functions[n] = f
	}
	return f
}

// valueOf is the function that an expression is or names, nil if it is none.
func (c *checker) valueOf(n ast.Expression) *function {
	if id, ok := n.(*ast.Identifier); ok {
		if s := c.scope.lookup(id.Name); s != nil {
			return s.function
		}
		return nil
	}
	if n == nil {
		return nil
	}
	return c.functionOf(n)
}

// offset of a node in the source.
func offset(n ast.Node) int { return int(n.Idx0()) - 1 }
