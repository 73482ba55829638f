package appsyncjs

import (
	"fmt"
	"unicode/utf16"

	"github.com/dop251/goja"
	"github.com/dop251/goja/ast"
	"github.com/dop251/goja/file"
	"github.com/dop251/goja/token"
	"github.com/dop251/goja/unistring"
)

// maxCode is the longest code that AppSync takes for a resolver or function, in characters (quota
// "Maximum length of APPSYNC_JS code").
const maxCode = 32_000

// stepName is the function that counts. No program can name it: it is not an identifier.
const stepName = "%step"

// Program is compiled code. It has no state and serves any number of Runtimes.
type Program struct {
	name    string
	source  string
	program *goja.Program
	imports []binding
	exports map[string]int
	// stateless: no call can leave anything behind in a variable of the module.
	stateless bool
}

// Compile reads the code of a resolver, a pipeline function or a subscription handler: an ES
// module in JavaScript. What APPSYNC_JS does not allow is a *CompileError; name is what errors call the code.
func Compile(name, code string) (*Program, error) {
	if n := len(utf16.Encode([]rune(code))); n > maxCode {
		return nil, &CompileError{Name: name, Line: 1, Column: 1, Message: fmt.Sprintf("the code has %d characters; AppSync takes at most %d", n, maxCode)}
	}
	m, err := parseModule(name, code)
	if err != nil {
		return nil, err
	}
	c := &checker{module: m}
	if err := c.check(); err != nil {
		return nil, err
	}
	p := &Program{name: name, source: code, imports: m.imports, exports: map[string]int{}, stateless: stateless(m.tree)}
	var names []string
	for _, e := range m.exported {
		p.exports[e.name] = len(names)
		names = append(names, e.local)
	}
	countSteps(m.tree)
	p.program, err = goja.CompileAST(wrap(m, names), true)
	if err != nil {
		return nil, &CompileError{Name: name, Line: 1, Column: 1, Message: err.Error()}
	}
	return p, nil
}

// Exports says whether the program exports a handler of that name.
func (p *Program) Exports(name string) bool {
	_, ok := p.exports[name]
	return ok
}

// wrap makes the module a function of its imports that returns its exports.
func wrap(m *module, names []string) *ast.Program {
	list := &ast.ParameterList{List: []*ast.Binding{{Target: &ast.Identifier{Name: stepName}}}}
	for _, b := range m.imports {
		list.List = append(list.List, &ast.Binding{Target: &ast.Identifier{Name: unistring.NewFromString(b.local)}})
	}
	values := &ast.ArrayLiteral{}
	for _, name := range names {
		values.Value = append(values.Value, &ast.Identifier{Name: unistring.NewFromString(name)})
	}
	body := append(m.tree.Body, &ast.ReturnStatement{Argument: values})
	function := &ast.FunctionLiteral{ParameterList: list, Body: &ast.BlockStatement{List: body}, DeclarationList: m.tree.DeclarationList}
	return &ast.Program{Body: []ast.Statement{&ast.ExpressionStatement{Expression: function}}, File: m.tree.File}
}

// stateless says that every variable of the module is a function or a constant of a primitive type, so that
// what one call of a handler does cannot be seen by the next.
func stateless(tree *ast.Program) bool {
	for _, s := range tree.Body {
		switch s := s.(type) {
		case *ast.FunctionDeclaration, *ast.EmptyStatement:
		case *ast.LexicalDeclaration:
			if s.Token != token.CONST {
				return false
			}
			for _, b := range s.List {
				switch b.Initializer.(type) {
				case *ast.FunctionLiteral, *ast.ArrowFunctionLiteral, *ast.StringLiteral, *ast.NumberLiteral, *ast.BooleanLiteral, *ast.NullLiteral:
				default:
					return false
				}
			}
		default:
			return false
		}
	}
	return true
}

// countSteps puts a call of the counter at the start of every function and of every loop's body. With
// for (;;), while and do refused there is no other way to run for long, so that the counter sees
// every program that would not end.
func countSteps(tree *ast.Program) {
	call := func(at file.Idx) *ast.CallExpression {
		return &ast.CallExpression{Callee: &ast.Identifier{Name: stepName, Idx: at}, LeftParenthesis: at, RightParenthesis: at}
	}
	block := func(b *ast.BlockStatement) {
		b.List = append([]ast.Statement{&ast.ExpressionStatement{Expression: call(b.LeftBrace)}}, b.List...)
	}
	body := func(s ast.Statement) ast.Statement {
		b, ok := s.(*ast.BlockStatement)
		if !ok {
			b = &ast.BlockStatement{LeftBrace: s.Idx0(), List: []ast.Statement{s}, RightBrace: s.Idx1()}
		}
		block(b)
		return b
	}
	inspect(tree, func(n ast.Node) {
		switch n := n.(type) {
		case *ast.ForInStatement:
			n.Body = body(n.Body)
		case *ast.ForOfStatement:
			n.Body = body(n.Body)
		case *ast.FunctionLiteral:
			block(n.Body)
		case *ast.ArrowFunctionLiteral:
			switch b := n.Body.(type) {
			case *ast.BlockStatement:
				block(b)
			case *ast.ExpressionBody:
				b.Expression = &ast.SequenceExpression{Sequence: []ast.Expression{call(b.Expression.Idx0()), b.Expression}}
			}
		}
	})
}
