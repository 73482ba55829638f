package vtl

import "strings"

// reference parses $x with what follows it, and works out how it prints.
func (p *parser) reference() (*reference, error) {
	if err := p.enter(); err != nil {
		return nil, err
	}
	defer p.leave()
	start := p.i
	first, err := p.peek(0)
	if err != nil {
		return nil, err
	}
	formal := first.kind == tLCurly
	p.i++
	ident := first
	if formal {
		if ident, err = p.expect(tIdentifier, "a name after '${'"); err != nil {
			return nil, err
		}
	}
	r := &reference{pos: first.pos}
	if err := p.indexes(r); err != nil {
		return nil, err
	}
	for p.kind(0) == tDot && p.kind(1) == tIdentifier {
		name, err := p.peek(1)
		if err != nil {
			return nil, err
		}
		method := p.kind(2) == tLParen && startsArgument(p.kind(3))
		p.i += 2
		st := step{kind: propertyStep, name: name.image, pos: name.pos}
		if method {
			p.i++
			st.kind = methodStep
			if st.args, err = p.arguments(); err != nil {
				return nil, err
			}
		}
		r.steps = append(r.steps, st)
		if err := p.indexes(r); err != nil {
			return nil, err
		}
	}
	if formal {
		if _, err := p.expect(tRCurly, "'}' to close '${'"); err != nil {
			return nil, err
		}
	}
	p.describe(r, first, ident, start)
	return r, nil
}

func startsArgument(k kind) bool {
	switch k {
	case tSpace, tString, tInteger, tFloat, tLBracket, tLCurlyLit, tTrue, tFalse, tIdentifier, tLCurly, tArgsClose:
		return true
	}
	return false
}

func (p *parser) arguments() ([]expr, error) {
	if p.kind(0) == tArgsClose {
		p.i++
		return nil, nil
	}
	var args []expr
	for {
		a, err := p.parameter()
		if err != nil {
			return nil, err
		}
		args = append(args, a)
		if p.kind(0) == tComma {
			p.i++
			continue
		}
		_, err = p.expect(tArgsClose, "',' or ')' in the arguments")
		return args, err
	}
}

func (p *parser) indexes(r *reference) error {
	for p.kind(0) == tIndexOpen {
		open := p.toks[p.i]
		p.i++
		p.skipSpace()
		var arg expr
		var err error
		switch t := p.kind(0); t {
		case tString, tInteger, tTrue, tFalse, tIdentifier, tLCurly:
			arg, err = p.primary(false)
		default:
			err = p.fail("an index")
		}
		if err != nil {
			return err
		}
		p.skipSpace()
		if _, err := p.expect(tIndexClose, "']' after the index"); err != nil {
			return err
		}
		r.steps = append(r.steps, step{kind: indexStep, args: []expr{arg}, pos: open.pos})
	}
	return nil
}

// describe derives from the first token's text how a reference prints: escapes,
// quiet form, and what stands for null.
func (p *parser) describe(r *reference, first, ident *token, start int) {
	if i := strings.Index(first.image, `\!`); i >= 0 {
		r.inert = true
		j := strings.IndexByte(first.image, '$')
		for j < len(first.image) && first.image[j] != '\\' {
			j++
		}
		n := 0
		for j+n < len(first.image) && first.image[j+n] == '\\' {
			n++
		}
		r.null = first.image[:j+n-1] + first.image[j+n:]
		r.literal = p.literal(start, p.i)
		return
	}
	if n := len(first.image) - len(strings.TrimLeft(first.image, `\`)); n > 0 {
		r.escaped = n%2 != 0
		r.prefix = first.image[:n/2]
		first.image = first.image[n:]
	}
	if i := strings.LastIndexByte(first.image, '$'); i > 0 {
		r.more = first.image[:i]
		first.image = first.image[i:]
	}
	r.literal = p.literal(start, p.i)
	r.null = r.literal
	switch image := first.image; {
	case strings.HasPrefix(image, "$!"):
		r.quiet = true
		if !r.escaped {
			r.null = ""
		}
		r.name = image[2:]
	case strings.HasPrefix(image, "$"):
		r.name = image[1:]
	default:
		r.runt = true
		r.name = image
		return
	}
	if first != ident {
		r.name = ident.image
	}
	r.sym = p.syms.id(r.name)
}
