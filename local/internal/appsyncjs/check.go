package appsyncjs

import (
	"slices"
	"strings"

	"github.com/dop251/goja/ast"
	"github.com/dop251/goja/token"
)

// checker holds code to the rules of APPSYNC_JS, on the tree of the code as it was written. It
// knows what names mean, but no types: what depends on the type of a value is refused when it runs.
type checker struct {
	*module
	scope     *scope
	function  *function
	functions map[ast.Node]*function
	methods   map[string]bool // names of functions in object literals
	faults    []*CompileError
	offsets   []int
}

// check returns the first fault in the source.
func (c *checker) check() error {
	c.functions = map[ast.Node]*function{}
	c.methods = map[string]bool{}
	inspect(c.tree, func(n ast.Node) {
		if p, ok := n.(*ast.PropertyKeyed); ok {
			if key, ok := p.Key.(*ast.StringLiteral); ok && c.functionOf(p.Value) != nil {
				c.methods[key.Value.String()] = true
			}
		}
	})
	c.push()
	for i := range c.imports {
		name := &ast.Identifier{Name: unistringOf(c.imports[i].local)}
		c.declare(name, nil)
		c.scope.symbols[name.Name].imported = &c.imports[i]
	}
	c.declareVars(c.tree.DeclarationList)
	c.declareAll(c.tree.Body)
	c.handlers()
	for _, s := range c.tree.Body {
		c.walk(s)
	}
	c.recursion()
	if len(c.faults) == 0 {
		return nil
	}
	first := 0
	for i := range c.faults {
		if c.offsets[i] < c.offsets[first] {
			first = i
		}
	}
	return c.faults[first]
}

func (c *checker) refuse(n ast.Node, format string, args ...any) {
	c.refuseAt(offset(n), format, args...)
}

func (c *checker) refuseAt(at int, format string, args ...any) {
	c.faults = append(c.faults, c.fault(at, format, args...))
	c.offsets = append(c.offsets, at)
}

// handlers checks that what is exported exists.
func (c *checker) handlers() {
	for _, e := range c.exported {
		if c.scope.symbols[unistringOf(e.local)] == nil {
			c.refuseAt(e.offset, "%s is exported, but not declared", e.local)
		}
	}
}

// walk checks a node and what is under it.
func (c *checker) walk(n ast.Node) {
	c.construct(n)
	switch n := n.(type) {
	case *ast.FunctionLiteral:
		c.enter(n, n.Name, n.ParameterList, n.Body.List, n.DeclarationList, n.Body.List)
	case *ast.ArrowFunctionLiteral:
		var list []ast.Statement
		if b, ok := n.Body.(*ast.BlockStatement); ok {
			list = b.List
		}
		c.enter(n, nil, n.ParameterList, list, n.DeclarationList, n.Body)
	case *ast.BlockStatement:
		c.push()
		c.declareAll(n.List)
		c.below(n)
		c.pop()
	case *ast.SwitchStatement:
		c.push()
		for _, one := range n.Body {
			c.declareAll(one.Consequent)
		}
		c.below(n)
		c.pop()
	case *ast.ForOfStatement:
		c.loop(n.Into, n.Source, n.Body)
	case *ast.ForInStatement:
		c.loop(n.Into, n.Source, n.Body)
	case *ast.Identifier:
		c.reference(n)
	case *ast.DotExpression:
		c.dot(n)
	case *ast.PropertyShort:
		c.reference(&n.Name)
		if n.Initializer != nil {
			c.walk(n.Initializer)
		}
	default:
		c.below(n)
	}
}

func (c *checker) below(n ast.Node) { children(n, c.walk) }

func (c *checker) loop(into ast.ForInto, source ast.Expression, body ast.Statement) {
	c.walk(source)
	c.push()
	if d, ok := into.(*ast.ForDeclaration); ok {
		c.declare(d.Target, nil)
	}
	c.walk(into)
	c.walk(body)
	c.pop()
}

// enter checks a function.
func (c *checker) enter(n ast.Node, name *ast.Identifier, parameters *ast.ParameterList, list []ast.Statement, vars []*ast.VariableDeclaration, body any) {
	f := c.functionOf(n)
	f.outer = c.function
	c.function = f
	c.push()
	if name != nil && c.scope.lookup(name.Name) == nil {
		c.declare(name, n) // a function expression knows its own name
	}
	c.push()
	for _, p := range parameters.List {
		c.declare(p.Target, nil)
	}
	if parameters.Rest != nil {
		c.declare(parameters.Rest, nil)
	}
	if len(parameters.List) > 0 && c.isHandler(f) {
		if id, ok := parameters.List[0].Target.(*ast.Identifier); ok {
			f.ctx = c.scope.symbols[id.Name]
		}
	}
	c.below(parameters)
	c.declareVars(vars)
	c.declareAll(list)
	switch body := body.(type) {
	case []ast.Statement:
		for _, s := range body {
			c.walk(s)
		}
	case *ast.BlockStatement:
		for _, s := range body.List {
			c.walk(s)
		}
	case *ast.ExpressionBody:
		if c.valueOf(body.Expression) != nil {
			c.refuse(body, "a function cannot return a function")
		}
		c.walk(body.Expression)
	}
	c.pop()
	c.pop()
	c.function = f.outer
}

// isHandler says whether a function of the module is exported.
func (c *checker) isHandler(f *function) bool {
	if f.outer != nil {
		return false
	}
	return slices.ContainsFunc(c.exported, func(e export) bool {
		s := c.scope.lookup(unistringOf(e.local))
		return s != nil && s.function == f
	})
}

// construct refuses the syntax that APPSYNC_JS has not ("Supported runtime features" in the AppSync developer guide).
func (c *checker) construct(n ast.Node) {
	switch n := n.(type) {
	case *ast.FunctionLiteral:
		if n.Async {
			c.refuse(n, "async functions are not supported")
		}
		if n.Generator {
			c.refuse(n, "generators are not supported")
		}
	case *ast.ArrowFunctionLiteral:
		if n.Async {
			c.refuse(n, "async functions are not supported")
		}
	case *ast.AwaitExpression:
		c.refuse(n, "await is not supported")
	case *ast.YieldExpression:
		c.refuse(n, "yield is not supported")
	case *ast.ClassLiteral:
		c.refuse(n, "classes are not supported")
	case *ast.ForStatement:
		c.refuse(n, "for (;;) is not supported: use for-of or for-in")
	case *ast.WhileStatement:
		c.refuse(n, "while is not supported")
	case *ast.DoWhileStatement:
		c.refuse(n, "do-while is not supported")
	case *ast.LabelledStatement:
		c.refuse(n, "labels are not supported")
	case *ast.BranchStatement:
		if n.Token == token.CONTINUE {
			c.refuse(n, "continue is not supported")
		}
	case *ast.TryStatement:
		c.refuse(n, "try is not supported")
	case *ast.ThrowStatement:
		c.refuse(n, "throw is not supported: use util.error()")
	case *ast.WithStatement:
		c.refuse(n, "with is not supported")
	case *ast.DebuggerStatement:
		c.refuse(n, "debugger is not supported")
	case *ast.RegExpLiteral:
		c.refuse(n, "regular expression literals are not supported: use util.matches()")
	case *ast.ThisExpression:
		c.refuse(n, "this is not supported")
	case *ast.SuperExpression:
		c.refuse(n, "super is not supported")
	case *ast.MetaProperty:
		c.refuse(n, "%s.%s is not supported", n.Meta.Name, n.Property.Name)
	case *ast.NewExpression:
		c.refuse(n, "new is not supported")
	case *ast.UnaryExpression:
		switch n.Operator {
		case token.INCREMENT, token.DECREMENT, token.BITWISE_NOT:
			c.refuse(n, "the operator %s is not supported", n.Operator)
		case token.DELETE:
			c.write(n.Operand)
		}
	case *ast.BinaryExpression:
		switch n.Operator {
		case token.IN:
			c.refuse(n, "the operator in is not supported: use Object.hasOwn()")
		case token.INSTANCEOF:
			c.refuse(n, "the operator instanceof is not supported")
		}
	case *ast.NumberLiteral:
		if strings.HasSuffix(n.Literal, "n") && !strings.HasPrefix(n.Literal, "0x") {
			c.refuse(n, "big integers are not supported")
		}
	case *ast.PropertyKeyed:
		if n.Kind == ast.PropertyKindGet || n.Kind == ast.PropertyKindSet {
			c.refuse(n, "getters and setters are not supported")
		}
	case *ast.TemplateLiteral:
		if n.Tag != nil && !isStringRaw(n.Tag) {
			c.refuse(n.Tag, "tagged templates are not supported, except String.raw")
		}
	case *ast.AssignExpression:
		c.write(n.Left)
		if n.Operator == token.ASSIGN {
			c.reassigned(n, n.Right)
		}
	case *ast.Binding:
		if n.Initializer != nil {
			c.reassigned(n, n.Initializer)
		}
	case *ast.ForIntoExpression:
		c.write(n.Expression)
	case *ast.ReturnStatement:
		if n.Argument != nil && c.valueOf(n.Argument) != nil {
			c.refuse(n, "a function cannot return a function")
		}
	case *ast.CallExpression:
		c.call(n)
	}
}

// reassigned refuses a second name for a function.
func (c *checker) reassigned(n ast.Node, value ast.Expression) {
	if id, ok := value.(*ast.Identifier); ok && c.valueOf(id) != nil {
		c.refuse(n, "a function cannot be given another name")
	}
}

// write refuses to change the context itself; what its properties hold may be changed.
func (c *checker) write(target ast.Expression) {
	switch t := target.(type) {
	case *ast.Identifier:
		if c.isContext(t) {
			c.refuse(t, "%s is read-only", t.Name)
		}
	case *ast.DotExpression:
		if id, ok := t.Left.(*ast.Identifier); ok && c.isContext(id) {
			c.refuse(t, "%s is read-only: %s cannot be set, but what it holds can be changed", id.Name, t.Identifier.Name)
		}
	case *ast.BracketExpression:
		if id, ok := t.Left.(*ast.Identifier); ok && c.isContext(id) {
			c.refuse(t, "%s is read-only", id.Name)
		}
	case *ast.ObjectPattern, *ast.ArrayPattern:
		children(t, func(n ast.Node) {
			switch n := n.(type) {
			case *ast.PropertyShort:
				c.write(&n.Name)
			case *ast.PropertyKeyed:
				c.write(n.Value)
			case ast.Expression:
				c.write(n)
			}
		})
	case *ast.AssignExpression:
		c.write(t.Left)
	}
}

func (c *checker) isContext(id *ast.Identifier) bool {
	s := c.scope.lookup(id.Name)
	for f := c.function; f != nil && s != nil; f = f.outer {
		if f.ctx == s {
			return true
		}
	}
	return false
}

// recursion refuses functions that come back to themselves.
func (c *checker) recursion() {
	var order []*function
	for _, f := range c.functions {
		order = append(order, f)
	}
	slices.SortFunc(order, func(a, b *function) int { return a.at - b.at })
	for _, f := range order {
		if path := cycle(f, f, map[*function]bool{}); path != nil {
			c.refuseAt(f.at, "recursion is not supported: %s calls %s", f.name, strings.Join(path, ", which calls "))
		}
	}
}

// cycle is a path from one function to another, nil if there is none.
func cycle(from, to *function, seen map[*function]bool) []string {
	for _, next := range from.uses {
		if next == to {
			return []string{next.name}
		}
		if !seen[next] {
			seen[next] = true
			if path := cycle(next, to, seen); path != nil {
				return append([]string{next.name}, path...)
			}
		}
	}
	return nil
}
