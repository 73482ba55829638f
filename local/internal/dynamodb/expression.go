package dynamodb

import (
	"fmt"
	"strconv"
	"strings"
)

// A parsed expression depends on its text alone, so that it can be kept;
// #names and :values are numbered and looked up in a binding.
type expression struct {
	text    string
	cond    *condition     // condition, filter and key condition
	actions []updateAction // update
	paths   []path         // projection
	names   []string       // the distinct #names in order of appearance
	values  []string       // the distinct :values in order of appearance
	// problem is what is wrong with the text itself, after "Invalid …Expression: ".
	problem string
}

type path []pathElem

// pathElem is one step of a document path.
type pathElem struct {
	name  string
	ref   int // index of the #name; -1 if the name stands in the text
	index int // list index; -1 for a name
}

type operandKind uint8

const (
	operandPath operandKind = iota
	operandValue
	operandFunction
)

type operand struct {
	kind operandKind
	path path
	ref  int // index of the :value
	fn   string
	args []operand
}

type condition struct {
	op   string // AND OR NOT, a comparator, BETWEEN, IN, or a function's name
	subs []*condition
	args []operand
}

type updateAction struct {
	section string // SET REMOVE ADD DELETE
	path    path
	value   operand
}

type parser struct {
	src  string
	toks []token
	pos  int
	expr *expression
	// The first problem of each kind, reported in this order when the syntax is right.
	parens, function, misused, reserved, section, limit string
	depth                                               int
	operators                                           int
	used                                                map[string]bool
}

const msgParens = "The expression has redundant parentheses;"

const (
	maxInOperands = 100
	// maxExpressionDepth bounds the parser's recursion: the service allows 300
	// operators in an expression, which cannot nest deeper than that.
	maxExpressionDepth = 300
	maxOperators       = 300
)

type syntaxError struct{ problem string }

func (p *parser) peek() token { return p.toks[p.pos] }

func (p *parser) next() token {
	t := p.toks[p.pos]
	if t.kind != tokEOF {
		p.pos++
	}
	return t
}

// fail reports the token at the cursor with its neighbours, as the service does.
func (p *parser) fail() {
	t := p.peek()
	start, end := t.start, t.end
	if p.pos > 0 {
		start = p.toks[p.pos-1].start
	}
	if p.pos+1 < len(p.toks) && p.toks[p.pos+1].kind != tokEOF {
		end = p.toks[p.pos+1].end
	}
	panic(syntaxError{fmt.Sprintf("Syntax error; token: %q, near: %q", verbatim(t.text), verbatim(strings.TrimSpace(p.src[start:end])))})
}

// verbatim makes %q add quotes and nothing else.
type verbatim string

// Format implements fmt.Formatter.
func (v verbatim) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(`"` + string(v) + `"`)) }

func (p *parser) symbol(s string) bool {
	if t := p.peek(); t.kind == tokSymbol && t.text == s {
		p.pos++
		return true
	}
	return false
}

func (p *parser) expect(s string) {
	if !p.symbol(s) {
		p.fail()
	}
}

func (p *parser) isKeyword(w string) bool {
	t := p.peek()
	return t.kind == tokIdent && strings.EqualFold(t.text, w)
}

func (p *parser) keyword(w string) bool {
	if p.isKeyword(w) {
		p.pos++
		return true
	}
	return false
}

func note(slot *string, format string, args ...any) {
	if *slot == "" {
		*slot = fmt.Sprintf(format, args...)
	}
}

func parseExpression(src string, parse func(*parser)) (e *expression) {
	e = &expression{text: src}
	if src == "" {
		e.problem = "The expression can not be empty;"
		return e
	}
	if len(src) > 4096 {
		e.problem = "Expression size has exceeded the maximum allowed size; expression size: " + strconv.Itoa(len(src))
		return e
	}
	p := &parser{src: src, toks: lex(src), expr: e, used: map[string]bool{}}
	defer func() {
		switch err := recover().(type) {
		case nil:
		case syntaxError:
			e.problem = err.problem
		default:
			panic(err)
		}
	}()
	parse(p)
	if p.peek().kind != tokEOF {
		p.fail()
	}
	if p.operators > maxOperators {
		note(&p.limit, "The expression contains too many operators; operator count: %d", p.operators)
	}
	for _, problem := range []string{p.parens, p.function, p.misused, p.reserved, p.section, p.limit} {
		if problem != "" {
			e.problem = problem
			break
		}
	}
	return e
}

func parseCondition(src string) *expression {
	return parseExpression(src, func(p *parser) { p.expr.cond = p.or() })
}

func parseProjection(src string) *expression {
	return parseExpression(src, func(p *parser) {
		for {
			p.expr.paths = append(p.expr.paths, p.path())
			if !p.symbol(",") {
				return
			}
		}
	})
}

func (p *parser) or() *condition {
	if p.depth++; p.depth > maxExpressionDepth {
		panic(syntaxError{"The expression contains too many operators"})
	}
	c := p.and()
	for p.keyword("OR") {
		p.operators++
		c = &condition{op: "OR", subs: []*condition{c, p.and()}}
	}
	p.depth--
	return c
}

func (p *parser) and() *condition {
	c := p.not()
	for p.keyword("AND") {
		p.operators++
		c = &condition{op: "AND", subs: []*condition{c, p.not()}}
	}
	return c
}

func (p *parser) not() *condition {
	if p.depth++; p.depth > maxExpressionDepth {
		panic(syntaxError{"The expression contains too many operators"})
	}
	defer func() { p.depth-- }()
	if p.keyword("NOT") {
		p.operators++
		return &condition{op: "NOT", subs: []*condition{p.not()}}
	}
	if t := p.peek(); t.kind == tokSymbol && t.text == "(" && !p.operandInParens() {
		open := p.pos
		p.next()
		inner := p.peek()
		c := p.or()
		if inner.text == "(" && inner.kind == tokSymbol && p.closes(open+1) == p.pos-1 {
			note(&p.parens, msgParens)
		}
		p.expect(")")
		return c
	}
	return p.predicate()
}

// closes returns the position of the parenthesis that closes the one at open, or -1.
func (p *parser) closes(open int) int {
	depth := 0
	for i := open; i < len(p.toks); i++ {
		if p.toks[i].kind != tokSymbol {
			continue
		}
		switch p.toks[i].text {
		case "(":
			depth++
		case ")":
			if depth--; depth == 0 {
				return i
			}
		}
	}
	return -1
}

// operandInParens tells "(a) = :b" from "(a = :b)": only after an operand comes a comparator.
func (p *parser) operandInParens() bool {
	end := p.closes(p.pos)
	if end < 0 {
		return false
	}
	switch t := p.toks[end+1]; t.kind {
	case tokSymbol:
		return t.text != ")" && t.text != ","
	case tokIdent:
		return strings.EqualFold(t.text, "BETWEEN") || strings.EqualFold(t.text, "IN")
	}
	return false
}

var conditionFunctions = map[string]int{
	"attribute_exists": 1, "attribute_not_exists": 1, "attribute_type": 2,
	"begins_with": 2, "contains": 2, "size": 1,
}

func (p *parser) predicate() *condition {
	left := p.operand()
	t := p.peek()
	switch {
	case t.kind == tokSymbol && strings.Contains(" = <> < <= > >= ", " "+t.text+" "):
		p.next()
		return p.plain(&condition{op: t.text, args: []operand{left, p.operand()}})
	case p.keyword("BETWEEN"):
		low := p.operand()
		if !p.keyword("AND") {
			p.fail()
		}
		return p.plain(&condition{op: "BETWEEN", args: []operand{left, low, p.operand()}})
	case p.keyword("IN"):
		p.expect("(")
		c := &condition{op: "IN", args: []operand{left}}
		for {
			c.args = append(c.args, p.operand())
			if !p.symbol(",") {
				break
			}
		}
		p.expect(")")
		if n := len(c.args) - 1; n > maxInOperands {
			note(&p.limit, "The IN operator is provided with too many operands; number of operands: %d", n)
		}
		return p.plain(c)
	case left.kind == operandFunction:
		if left.fn == "size" {
			note(&p.misused, "The function is not allowed to be used this way in an expression; function: size")
		}
		return &condition{op: left.fn, args: left.args}
	}
	p.fail()
	return nil
}

// plain checks that no operand is a function other than size.
func (p *parser) plain(c *condition) *condition {
	p.operators++
	p.checkMisuse(c.args)
	return c
}

func (p *parser) checkMisuse(args []operand) {
	for _, a := range args {
		if a.kind == operandFunction && a.fn != "size" {
			note(&p.misused, "The function is not allowed to be used this way in an expression; function: %s", a.fn)
		}
	}
}

func (p *parser) operand() operand {
	if p.depth++; p.depth > maxExpressionDepth {
		panic(syntaxError{"The expression contains too many operators"})
	}
	defer func() { p.depth-- }()
	t := p.peek()
	switch {
	case p.symbol("("):
		if inner := p.peek(); inner.kind == tokSymbol && inner.text == "(" {
			note(&p.parens, msgParens)
		}
		o := p.operand()
		p.expect(")")
		return o
	case t.kind == tokValue:
		p.next()
		return operand{kind: operandValue, ref: p.ref(&p.expr.values, t.text)}
	case t.kind == tokIdent && p.toks[p.pos+1].text == "(" && p.toks[p.pos+1].kind == tokSymbol:
		p.pos += 2
		p.operators++
		o := operand{kind: operandFunction, fn: t.text}
		for {
			o.args = append(o.args, p.operand())
			if !p.symbol(",") {
				break
			}
		}
		p.expect(")")
		if _, ok := conditionFunctions[t.text]; !ok {
			if _, ok := updateFunctions[t.text]; ok {
				note(&p.function, "The function is not allowed in a condition expression; function: %s", t.text)
			} else {
				note(&p.function, "Invalid function name; function: %s", t.text)
			}
		}
		p.checkMisuse(o.args)
		return o
	}
	return operand{kind: operandPath, path: p.path()}
}

func (p *parser) ref(list *[]string, text string) int {
	for i, s := range *list {
		if s == text {
			return i
		}
	}
	*list = append(*list, text)
	return len(*list) - 1
}

// path reads name(.name | [index])*.
func (p *parser) path() path {
	out := path{p.pathName()}
	for {
		switch {
		case p.symbol("."):
			out = append(out, p.pathName())
		case p.symbol("["):
			t := p.peek()
			if t.kind != tokNumber {
				p.fail()
			}
			n, err := strconv.Atoi(t.text)
			if err != nil || n > 1<<31-1 {
				panic(syntaxError{"List index is not within the allowable range; index: [" + t.text + "]"})
			}
			p.next()
			p.expect("]")
			out = append(out, pathElem{ref: -1, index: n})
		default:
			if len(out) > maxNesting {
				panic(syntaxError{"The document path has too many nesting levels; nesting levels: " + strconv.Itoa(len(out))})
			}
			return out
		}
	}
}

func (p *parser) pathName() pathElem {
	t := p.peek()
	switch t.kind {
	case tokIdent:
		p.next()
		if isReserved(t.text) {
			note(&p.reserved, "Attribute name is a reserved keyword; reserved keyword: %s", t.text)
		}
		return pathElem{name: t.text, ref: -1, index: -1}
	case tokName:
		p.next()
		return pathElem{ref: p.ref(&p.expr.names, t.text), index: -1}
	}
	p.fail()
	return pathElem{}
}
