package dynamodb

import "strings"

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
	return p.operandOf("a condition", conditionFunctions, updateFunctions, func() operand {
		if inner := p.peek(); inner.kind == tokSymbol && inner.text == "(" {
			note(&p.parens, msgParens)
		}
		return p.operand()
	}, p.operand, p.checkMisuse)
}

// operandOf parses an operand of a kind of expression that has some of the functions, while
// the other kind has the others. What stands in parentheses and the arguments of functions are
// parsed by inner and argument; check, if any, looks at the arguments.
func (p *parser) operandOf(kind string, functions, others map[string]int, inner, argument func() operand, check func([]operand)) operand {
	if p.depth++; p.depth > maxExpressionDepth {
		panic(syntaxError{"The expression contains too many operators"})
	}
	defer func() { p.depth-- }()
	t := p.peek()
	switch {
	case p.symbol("("):
		o := inner()
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
			o.args = append(o.args, argument())
			if !p.symbol(",") {
				break
			}
		}
		p.expect(")")
		if _, ok := functions[t.text]; !ok {
			if _, ok := others[t.text]; ok {
				note(&p.function, "The function is not allowed in %s expression; function: %s", kind, t.text)
			} else {
				note(&p.function, "Invalid function name; function: %s", t.text)
			}
		}
		if check != nil {
			check(o.args)
		}
		return o
	}
	return operand{kind: operandPath, path: p.path()}
}
