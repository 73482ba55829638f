package vtl

import (
	"fmt"
	"strings"
)

// argument of a directive: an expression, or a bare word.
type argument struct {
	x    expr
	word string
	tok  *token // the first
	text string // as written
}

// directive parses #name, with or without arguments and body.
func (p *parser) directive() (stmt, error) {
	start := p.i
	t, err := p.peek(0)
	if err != nil {
		return nil, err
	}
	p.i++
	name := t.image[1:]
	if t.kind == tBracketedWord {
		name = t.image[2 : len(t.image)-1]
	}
	bad := func(format string, args ...any) error {
		return &syntaxError{t.pos, fmt.Sprintf(format, args...)}
	}
	switch name {
	case "include", "parse":
		return nil, bad("API Gateway has no #%s", name)
	}
	p.lx.state = sDirective
	if !p.parenFollows() {
		switch name {
		case "macro":
			return nil, bad("#macro needs a name in parentheses")
		case "foreach", "define", "literal", "evaluate":
			return nil, bad("#%s needs its arguments in parentheses", name)
		}
		p.lx.pop()
		switch name {
		case "break":
			return &breakStmt{pos: t.pos}, nil
		case "stop":
			return &stopStmt{}, nil
		}
		if strings.HasPrefix(name, "@") {
			return textStmt("#" + name), nil
		}
		return &callStmt{name: name, text: t.image, pos: t.pos}, nil
	}
	args, err := p.directiveArgs(name, t)
	if err != nil {
		return nil, err
	}
	switch name {
	case "break":
		if len(args) > 1 {
			return nil, bad("#break takes one scope at most")
		}
		if len(args) == 1 {
			return &breakStmt{scope: args[0].x, pos: t.pos}, nil
		}
		return &breakStmt{pos: t.pos}, nil
	case "stop":
		if len(args) > 1 {
			return nil, bad("#stop takes one message at most")
		}
		return &stopStmt{}, nil
	case "evaluate":
		if len(args) != 1 {
			return nil, bad("#evaluate takes exactly one argument")
		}
		switch args[0].x.(type) {
		case *reference, *stringLit, *interpolated:
			return &evaluateStmt{args[0].x, t.pos}, nil
		}
		return nil, bad("#evaluate takes a string or a reference")
	}
	block := strings.HasPrefix(name, "@")
	switch name {
	case "foreach", "define", "literal", "macro":
		block = true
	}
	if !block {
		return p.call(name, args, t, start), nil
	}
	from := p.i
	body, err := p.statements()
	if err != nil {
		return nil, err
	}
	to := p.i
	if _, err := p.expect(tEnd, "#end of #"+name); err != nil {
		return nil, err
	}
	switch name {
	case "foreach":
		if len(args) != 3 || args[1].word == "" {
			return nil, bad("#foreach is written #foreach($item in $list)")
		}
		r, ok := args[0].x.(*reference)
		if !ok {
			return nil, bad("#foreach needs a reference as its variable")
		}
		return &foreachStmt{sym: p.syms.id(r.name), list: args[2].x, body: body, pos: t.pos}, nil
	case "define":
		if len(args) != 1 {
			return nil, bad("#define takes exactly one reference")
		}
		key := strings.TrimPrefix(args[0].tok.image, "$")
		return &defineStmt{sym: p.syms.id(key), body: body, name: key}, nil
	case "literal":
		if from == to {
			return nil, bad("an empty #literal, on which Velocity 1.7 fails")
		}
		return textStmt(p.literal(from, to)), nil
	case "macro":
		return textStmt(""), p.defineMacro(args, body, bad)
	}
	c := p.call(name[1:], args, t, start).(*callStmt)
	c.body, c.hasBody = body, true
	return c, nil
}

func (p *parser) call(name string, args []argument, t *token, start int) stmt {
	c := &callStmt{name: name, pos: t.pos}
	var b strings.Builder
	for _, t := range p.toks[start:p.i] {
		b.WriteString(t.image)
	}
	c.text = b.String()
	for _, a := range args {
		if a.word != "" && c.badArg == "" {
			c.badArg = a.word
		}
		c.args = append(c.args, a.x)
		c.literals = append(c.literals, a.text)
	}
	return c
}

// defineMacro registers a macro for the whole template; of two with the same
// name the first stays.
func (p *parser) defineMacro(args []argument, body []stmt, bad func(string, ...any) error) error {
	if len(args) == 0 {
		return bad("#macro needs a name")
	}
	m := &macro{name: args[0].word, body: body}
	for _, a := range args[1:] {
		name := strings.TrimPrefix(a.tok.image, "$")
		m.params = append(m.params, param{p.syms.id(name), name})
	}
	if p.macros[m.name] == nil {
		p.macros[m.name] = m
	}
	return nil
}

// parenFollows looks for '(' in the text itself, past blanks.
func (p *parser) parenFollows() bool {
	s := strings.TrimLeft(p.lx.src[p.lx.pos:], " \t\r\n")
	return strings.HasPrefix(s, "(")
}

func (p *parser) directiveArgs(name string, t *token) ([]argument, error) {
	p.skipSpace()
	if _, err := p.expect(tLParen, "'('"); err != nil {
		return nil, err
	}
	var args []argument
	for {
		n := 0
		if p.kind(n) == tSpace {
			n++
		}
		if p.kind(n) == tComma {
			n++
			if p.kind(n) == tSpace {
				n++
			}
		}
		k := p.kind(n)
		if !startsDirectiveArg(k) {
			if n <= 1 && (n == 0 || p.kind(0) == tSpace) {
				break
			}
			p.i += n
			return nil, p.fail("an argument")
		}
		p.i += n
		tok := p.toks[p.i]
		if k == tWord {
			p.i++
			if err := wordAllowed(name, len(args), tok, p.macros[name] != nil); err != nil {
				return nil, err
			}
			args = append(args, argument{word: tok.image, tok: tok})
			continue
		}
		if name == "macro" && len(args) == 0 {
			return nil, &syntaxError{tok.pos, "the first argument of #macro is its name, without quotes"}
		}
		from := p.i
		x, err := p.primary(false)
		if err != nil {
			return nil, err
		}
		args = append(args, argument{x: x, tok: tok, text: p.literal(from, p.i)})
	}
	p.skipSpace()
	_, err := p.expect(tRParen, "an argument or ')' of #"+name)
	return args, err
}

func wordAllowed(name string, n int, t *token, isMacro bool) error {
	allowed := false
	switch name {
	case "macro":
		allowed = n == 0
	case "foreach":
		allowed = n == 1
	case "define", "literal", "evaluate", "break", "stop":
	default:
		allowed = !isMacro
	}
	if allowed {
		return nil
	}
	return &syntaxError{t.pos, fmt.Sprintf("%q is no argument of #%s", t.image, name)}
}

func startsDirectiveArg(k kind) bool {
	switch k {
	case tIdentifier, tLCurly, tWord, tString, tInteger, tFloat, tLBracket, tLCurlyLit, tTrue, tFalse:
		return true
	}
	return false
}
