package dynamodb

import (
	"fmt"
	"strconv"
	"strings"
)

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

// maxPath is how many elements a document path may have.
const maxPath = 32

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
			if len(out) > maxPath {
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
