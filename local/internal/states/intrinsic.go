package states

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// maxNesting is how many intrinsic functions may be nested in one field, as the
// documentation has it.
const maxNesting = 10

// intrinsic is a call of an intrinsic function, as in a field whose name ends in .$.
type intrinsic struct {
	name   string
	source string
	args   []argument
}

// argument is a literal, a path or a call.
type argument struct {
	literal any
	ref     *reference
}

// parseIntrinsic compiles a call: States.Format('{} of {}', $.a, States.UUID()).
func parseIntrinsic(text string) (*intrinsic, error) {
	p := &intrinsicParser{text: text}
	call, err := p.call(1)
	if err != nil {
		return nil, err
	}
	if p.skip(); p.pos < len(text) {
		return nil, p.fail("something follows the call")
	}
	return call, nil
}

type intrinsicParser struct {
	text string
	pos  int
}

func (p *intrinsicParser) fail(what string) error {
	return fmt.Errorf("%q: %s (at offset %d)", p.text, what, p.pos)
}

func (p *intrinsicParser) skip() {
	for p.pos < len(p.text) && strings.IndexByte(" \t\r\n", p.text[p.pos]) >= 0 {
		p.pos++
	}
}

func (p *intrinsicParser) peek() byte {
	if p.pos < len(p.text) {
		return p.text[p.pos]
	}
	return 0
}

func (p *intrinsicParser) call(depth int) (*intrinsic, error) {
	if depth > maxNesting {
		return nil, p.fail(fmt.Sprintf("more than %d functions are nested", maxNesting))
	}
	begin := p.pos
	for isWord(p.peek()) || p.peek() == '.' {
		p.pos++
	}
	c := &intrinsic{name: p.text[begin:p.pos]}
	f, ok := intrinsics[c.name]
	if !ok {
		return nil, p.fail(fmt.Sprintf("there is no intrinsic function %s", c.name))
	}
	if p.skip(); p.peek() != '(' {
		return nil, p.fail("( is missing")
	}
	p.pos++
	for p.skip(); p.peek() != ')'; p.skip() {
		if len(c.args) > 0 {
			if p.peek() != ',' {
				return nil, p.fail(", or ) is missing")
			}
			p.pos++
			p.skip()
		}
		a, err := p.argument(depth)
		if err != nil {
			return nil, err
		}
		c.args = append(c.args, a)
	}
	p.pos++
	c.source = p.text[begin:p.pos]
	if n := len(c.args); n < f.least || f.most >= 0 && n > f.most {
		return nil, p.fail(fmt.Sprintf("%s does not take %d arguments", c.name, n))
	}
	return c, nil
}

func (p *intrinsicParser) argument(depth int) (argument, error) {
	begin := p.pos
	switch c := p.peek(); {
	case c == '\'':
		s, err := p.quoted()
		return argument{literal: s}, err
	case c == '$':
		p.path()
		ref, err := compileReference(p.text[begin:p.pos])
		return argument{ref: ref}, err
	case strings.HasPrefix(p.text[p.pos:], "States."):
		call, err := p.call(depth + 1)
		if err != nil {
			return argument{}, err
		}
		return argument{ref: &reference{source: call.source, root: rootCall, call: call}}, nil
	}
	for p.peek() != 0 && strings.IndexByte(",) \t\r\n", p.peek()) < 0 {
		p.pos++
	}
	switch word := p.text[begin:p.pos]; word {
	case "true", "false":
		return argument{literal: word == "true"}, nil
	case "null":
		return argument{}, nil
	default:
		n, err := strconv.ParseFloat(word, 64)
		if err != nil || strings.Trim(word, "+-.0123456789eE") != "" {
			p.pos = begin
			return argument{}, p.fail("an argument is a text in single quotes, a number, true, false, null, a path or a call")
		}
		return argument{literal: n}, nil
	}
}

// quoted reads a text. What may be escaped is ' { } and \. Braces keep their
// backslash, so that States.Format can tell them from its {}; others drop it in plain.
func (p *intrinsicParser) quoted() (string, error) {
	var b strings.Builder
	for p.pos++; p.pos < len(p.text); p.pos++ {
		switch c := p.text[p.pos]; c {
		case '\'':
			p.pos++
			return b.String(), nil
		case '\\':
			p.pos++
			switch e := p.peek(); e {
			case '\'':
				b.WriteByte(e)
			case '{', '}', '\\':
				b.WriteByte('\\')
				b.WriteByte(e)
			default:
				return "", p.fail(`a backslash stands before something other than ' { } and \`)
			}
		default:
			b.WriteByte(c)
		}
	}
	return "", p.fail("a text is not closed")
}

// plain is a literal text without its backslashes.
func plain(s string) string {
	if strings.IndexByte(s, '\\') < 0 {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+1 < len(s) {
			i++
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

// path passes over a path, which ends at a comma or a bracket that it did not open.
func (p *intrinsicParser) path() {
	depth := 0
	for ; p.pos < len(p.text); p.pos++ {
		switch c := p.text[p.pos]; c {
		case '[', '(':
			depth++
		case ']':
			depth--
		case ')':
			if depth == 0 {
				return
			}
			depth--
		case ',':
			if depth == 0 {
				return
			}
		case ' ', '\t', '\n', '\r':
			if depth == 0 {
				return
			}
		case '\'', '"':
			for i := p.pos + 1; i < len(p.text); i++ {
				if p.text[i] == '\\' {
					i++
				} else if p.text[i] == c {
					p.pos = i
					break
				}
			}
		}
	}
}

// missingArgument is an argument whose path leads nowhere.
type missingArgument struct {
	ref *reference
	err error
}

func (e *missingArgument) Error() string { return e.err.Error() }

// failureError carries a failure through an error.
type failureError struct{ failure *failure }

func (e *failureError) Error() string { return e.failure.cause }

// callIntrinsic calls an intrinsic function.
func (b *branch) callIntrinsic(c *intrinsic, source string, d data) (any, error) {
	args := make([]any, len(c.args))
	for i := range c.args {
		a := &c.args[i]
		if a.ref == nil {
			args[i] = a.literal
			if s, ok := a.literal.(string); ok && !(i == 0 && c.name == "States.Format") {
				args[i] = plain(s)
			}
			continue
		}
		v, err := b.resolve(a.ref, d)
		var own *failureError
		var missing *missingArgument
		switch {
		case err == nil:
			args[i] = v
		case errors.As(err, &own), errors.As(err, &missing):
			return nil, err
		default:
			return nil, &missingArgument{a.ref, err}
		}
	}
	if c.name == "States.Format" {
		if _, literal := c.args[0].literal.(string); !literal {
			args[0] = escapeBackslashes(args[0])
		}
	}
	v, err := intrinsics[c.name].apply(b, args)
	if err != nil {
		return nil, &failureError{b.because(errIntrinsic, fmt.Sprintf("The function '%s' had the following error: %v", source, err))}
	}
	return v, nil
}

// escapeBackslashes makes a text that comes from a path one in which a backslash means itself.
func escapeBackslashes(v any) any {
	if s, ok := v.(string); ok {
		return strings.ReplaceAll(s, `\`, `\\`)
	}
	return v
}
