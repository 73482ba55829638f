package vtl

import (
	"strconv"
	"strings"
)

// expression parses a condition or the right side of #set.
func (p *parser) expression() (expr, error) {
	if err := p.enter(); err != nil {
		return nil, err
	}
	defer p.leave()
	x, err := p.orExpression()
	if err != nil {
		return nil, err
	}
	return &group{x}, nil
}

func (p *parser) orExpression() (expr, error) {
	x, err := p.andExpression()
	for err == nil && p.kind(0) == tOr {
		p.i++
		var y expr
		y, err = p.andExpression()
		x = &orExpr{x, y}
	}
	return x, err
}

func (p *parser) andExpression() (expr, error) {
	x, err := p.equality()
	for err == nil && p.kind(0) == tAnd {
		p.i++
		var y expr
		y, err = p.equality()
		x = &andExpr{x, y}
	}
	return x, err
}

func (p *parser) equality() (expr, error) {
	x, err := p.relation()
	for err == nil && (p.kind(0) == tEQ || p.kind(0) == tNE) {
		op := p.kind(0)
		p.i++
		var y expr
		y, err = p.relation()
		x = &compare{op, x, y}
	}
	return x, err
}

func (p *parser) relation() (expr, error) {
	x, _, err := p.additive()
	for err == nil {
		op := p.kind(0)
		if op != tLT && op != tGT && op != tLE && op != tGE {
			break
		}
		p.i++
		var y expr
		y, _, err = p.additive()
		x = &compare{op, x, y}
	}
	return x, err
}

// additive also returns the operand's text: Velocity puts it in place of a
// null in a concatenation.
func (p *parser) additive() (expr, string, error) {
	x, text, err := p.multiplicative()
	for err == nil && (p.kind(0) == tPlus || p.kind(0) == tMinus) {
		op := p.toks[p.i]
		p.i++
		from := p.i
		var y expr
		var ytext string
		y, ytext, err = p.multiplicative()
		if err != nil {
			break
		}
		x = &arith{op.kind, x, y, text, ytext, op.pos}
		text = p.literal(from, p.i)
	}
	return x, text, err
}

func (p *parser) multiplicative() (expr, string, error) {
	x, text, err := p.unary()
	for err == nil && (p.kind(0) == tTimes || p.kind(0) == tDivide || p.kind(0) == tMod) {
		op := p.toks[p.i]
		p.i++
		from := p.i
		var y expr
		var ytext string
		y, ytext, err = p.unary()
		if err != nil {
			break
		}
		x = &arith{op.kind, x, y, text, ytext, op.pos}
		text = p.literal(from, p.i)
	}
	return x, text, err
}

func (p *parser) unary() (expr, string, error) {
	if p.kind(0) == tNot || p.kind(0) == tSpace && p.kind(1) == tNot {
		if err := p.enter(); err != nil {
			return nil, "", err
		}
		defer p.leave()
		p.skipSpace()
		p.i++
		from := p.i
		x, _, err := p.unary()
		if err != nil {
			return nil, "", err
		}
		return &notExpr{x}, p.literal(from, p.i), nil
	}
	p.skipSpace()
	from := p.i
	x, err := p.primary(true)
	if err != nil {
		return nil, "", err
	}
	to := p.i
	if _, ok := x.(*group); ok {
		from, to = from+1, to-1
	}
	text := p.literal(from, to)
	p.skipSpace()
	return x, text, nil
}

// parameter is an argument, an element or a key: no operators.
func (p *parser) parameter() (expr, error) {
	p.skipSpace()
	x, err := p.primary(false)
	if err != nil {
		return nil, err
	}
	p.skipSpace()
	return x, nil
}

func (p *parser) primary(parens bool) (expr, error) {
	if err := p.enter(); err != nil {
		return nil, err
	}
	defer p.leave()
	t, err := p.peek(0)
	if err != nil {
		return nil, err
	}
	switch t.kind {
	case tString:
		p.i++
		return p.stringLiteral(t)
	case tIdentifier:
		return p.reference()
	case tLCurly:
		return p.reference()
	case tInteger, tFloat:
		// "$#5" scans as a number, but is none.
		if t.image[0] == '$' || t.image[0] == '#' || t.image[0] == '\\' {
			return nil, p.fail("a number")
		}
		p.i++
		if t.kind == tInteger {
			return &constant{parseInteger(t.image)}, nil
		}
		f, _ := strconv.ParseFloat(t.image, 64)
		return &constant{f}, nil
	case tTrue, tFalse:
		p.i++
		return boolLit(t.kind == tTrue), nil
	case tLBracket:
		return p.listOrRange(t)
	case tLCurlyLit:
		return p.mapLiteral()
	case tLParen:
		if !parens {
			break
		}
		p.i++
		x, err := p.expression()
		if err != nil {
			return nil, err
		}
		_, err = p.expect(tRParen, "')'")
		return x, err
	}
	return nil, p.fail("a value")
}

func (p *parser) listOrRange(open *token) (expr, error) {
	p.i++
	l := &listLit{}
	if p.kind(0) == tRBracket {
		p.i++
		return l, nil
	}
	for {
		x, err := p.parameter()
		if err != nil {
			return nil, err
		}
		if len(l.items) == 0 && p.kind(0) == tDoubleDot && rangeEnd(x) {
			p.i++
			y, err := p.parameter()
			if err != nil {
				return nil, err
			}
			if !rangeEnd(y) {
				return nil, p.fail("a whole number or a reference as the end of a range")
			}
			_, err = p.expect(tRBracket, "']' at the end of the range")
			return &rangeLit{x, y, open.pos}, err
		}
		l.items = append(l.items, x)
		if p.kind(0) == tComma {
			p.i++
			continue
		}
		_, err = p.expect(tRBracket, "',' or ']' in the list")
		return l, err
	}
}

func rangeEnd(x expr) bool {
	switch x := x.(type) {
	case *reference:
		return true
	case *constant:
		_, float := x.v.(float64)
		return !float
	}
	return false
}

func (p *parser) mapLiteral() (expr, error) {
	p.i++
	m := &mapLit{}
	n := 0
	if p.kind(0) == tSpace {
		n = 1
	}
	if k := p.kind(n); k == tRCurlyLit || k == tRCurly {
		p.i += n + 1
		return m, nil
	}
	for {
		k, err := p.parameter()
		if err != nil {
			return nil, err
		}
		if _, err := p.expect(tColon, "':' after the key"); err != nil {
			return nil, err
		}
		v, err := p.parameter()
		if err != nil {
			return nil, err
		}
		m.keys = append(m.keys, k)
		m.values = append(m.values, v)
		switch p.kind(0) {
		case tComma:
			p.i++
			continue
		case tRCurlyLit, tRCurly:
			p.i++
			return m, nil
		}
		return nil, p.fail("',' or '}' in the map")
	}
}

// stringLiteral unquotes a string; one in double quotes with $ or # in it is a
// template of its own. Velocity gives that template a blank at the end, so
// that it may end in "$" or "#", and takes it off the result.
func (p *parser) stringLiteral(t *token) (expr, error) {
	quote := t.image[:1]
	double := quote == `"`
	dynamic := double && strings.ContainsAny(t.image, "$#")
	s := t.image[1 : len(t.image)-1]
	if double {
		var err error
		if s, err = unescapeUnicode(s, t.pos); err != nil {
			return nil, err
		}
	}
	s = strings.ReplaceAll(s, quote+quote, quote)
	if !dynamic {
		return &stringLit{s}, nil
	}
	lineComment := strings.Contains(s, "##")
	if !lineComment {
		s += " "
	}
	sub := &parser{lx: lexer{src: s, within: &t.pos}, syms: p.syms, macros: p.macros, depth: p.depth}
	if err := sub.enter(); err != nil {
		return nil, err
	}
	body, err := sub.document()
	if err != nil {
		return nil, &syntaxError{t.pos, "in the string " + clip(t.image) + ": " + err.Error()}
	}
	return &interpolated{body: body, dropLast: !lineComment}, nil
}

func unescapeUnicode(s string, pos int) (string, error) {
	if !strings.Contains(s, `\u`) {
		return s, nil
	}
	var units []uint16
	var b strings.Builder
	flush := func() {
		b.WriteString(fromUTF16(units))
		units = units[:0]
	}
	for {
		i := strings.Index(s, `\u`)
		if i < 0 {
			break
		}
		if i > 0 {
			flush()
		}
		b.WriteString(s[:i])
		if len(s) < i+6 {
			return "", &syntaxError{pos, `\u needs four hexadecimal digits`}
		}
		n, err := strconv.ParseUint(s[i+2:i+6], 16, 16)
		if err != nil {
			return "", &syntaxError{pos, `\u needs four hexadecimal digits`}
		}
		units = append(units, uint16(n))
		s = s[i+6:]
	}
	flush()
	b.WriteString(s)
	return b.String(), nil
}
