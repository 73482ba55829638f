package vtl

import (
	"fmt"
	"strings"
)

// symbols numbers the variables of a template.
type symbols struct {
	ids   map[string]int
	names []string
}

// The variables that Velocity itself sets have fixed numbers.
const (
	symForeach = iota
	symCount
	symHasNext
	symBody
)

func newSymbols() *symbols {
	s := &symbols{ids: map[string]int{}}
	for _, name := range []string{"foreach", "velocityCount", "velocityHasNext", bodyContent} {
		s.id(name)
	}
	return s
}

func (s *symbols) id(name string) int {
	if i, ok := s.ids[name]; ok {
		return i
	}
	s.ids[name] = len(s.names)
	s.names = append(s.names, name)
	return len(s.names) - 1
}

func (s *symbols) clone() *symbols {
	c := &symbols{ids: make(map[string]int, len(s.ids)), names: append([]string(nil), s.names...)}
	for k, v := range s.ids {
		c.ids[k] = v
	}
	return c
}

type parser struct {
	lx     lexer
	toks   []*token
	i      int
	depth  int
	syms   *symbols
	macros map[string]*macro
	// scanErr is where scanning ended; there is nothing after it.
	scanErr error
}

func (p *parser) peek(n int) (*token, error) {
	for p.i+n >= len(p.toks) {
		if p.scanErr != nil {
			return nil, p.scanErr
		}
		t, err := p.lx.next()
		if err != nil {
			p.scanErr = err
			return nil, err
		}
		p.toks = append(p.toks, t)
	}
	return p.toks[p.i+n], nil
}

// kind is the kind of the token n ahead; a scanning error shows up when the
// token is consumed.
func (p *parser) kind(n int) kind {
	t, err := p.peek(n)
	if err != nil {
		return tEOF
	}
	return t.kind
}

func (p *parser) fail(what string) error {
	t, err := p.peek(0)
	if err != nil {
		return err
	}
	got := fmt.Sprintf("%q", clip(t.image))
	if t.kind == tEOF {
		got = "the end of the template"
	}
	return &syntaxError{t.pos, fmt.Sprintf("expected %s, got %s", what, got)}
}

func (p *parser) expect(k kind, what string) (*token, error) {
	t, err := p.peek(0)
	if err != nil {
		return nil, err
	}
	if t.kind != k {
		return nil, p.fail(what)
	}
	p.i++
	return t, nil
}

func (p *parser) skipSpace() {
	if p.kind(0) == tSpace {
		p.i++
	}
}

func (p *parser) enter() error {
	if p.depth++; p.depth > maxNesting {
		return &syntaxError{p.lx.place(p.lx.pos), fmt.Sprintf("nested more than %d deep", maxNesting)}
	}
	return nil
}

func (p *parser) leave() { p.depth-- }

// literal is the source of the tokens from..to as Velocity prints it back.
func (p *parser) literal(from, to int) string {
	if to == from+1 {
		return p.toks[from].literal()
	}
	var b strings.Builder
	for _, t := range p.toks[from:to] {
		b.WriteString(t.literal())
	}
	return b.String()
}

// document parses the whole of a template.
func (p *parser) document() ([]stmt, error) {
	body, err := p.statements()
	if err != nil {
		return nil, err
	}
	if p.kind(0) != tEOF {
		return nil, p.fail("text or a directive")
	}
	if _, err := p.peek(0); err != nil {
		return nil, err
	}
	return body, nil
}

func (p *parser) statements() ([]stmt, error) {
	if err := p.enter(); err != nil {
		return nil, err
	}
	defer p.leave()
	var out []stmt
	for {
		s, ok, err := p.statement()
		if err != nil {
			return nil, err
		}
		if !ok {
			return out, nil
		}
		if t, isText := s.(textStmt); isText {
			if t == "" {
				continue
			}
			if n := len(out); n > 0 {
				if prev, isText := out[n-1].(textStmt); isText {
					out[n-1] = prev + t
					continue
				}
			}
		}
		out = append(out, s)
	}
}

func (p *parser) statement() (stmt, bool, error) {
	t, err := p.peek(0)
	if err != nil {
		return nil, false, err
	}
	var s stmt
	switch t.kind {
	case tIf:
		s, err = p.ifStatement()
	case tIdentifier:
		s, err = p.reference()
	case tLCurly:
		if p.kind(1) == tIdentifier {
			s, err = p.reference()
			break
		}
		s, p.i = textStmt(t.literal()), p.i+1
	case tLineComment, tBlockComment, tFormalComment:
		s = p.comment(t)
	case tTextblock:
		p.i++
		s = textStmt(t.image[3 : len(t.image)-3])
	case tSet:
		s, err = p.setStatement()
	case tEscapeDirective:
		p.i++
		t.image = p.escapedDirective(t.image)
		s = textStmt(t.image)
	case tDoubleEscape:
		s, err = p.escape()
	case tWord, tBracketedWord:
		s, err = p.directive()
	case tText, tDot, tRParen, tLParen, tInteger, tFloat, tString, tEscape, tRCurly, tEmptyIndex:
		p.i++
		s = textStmt(t.literal())
	default:
		return nil, false, nil
	}
	return s, err == nil, err
}

// comment renders what the scanner took in before it.
func (p *parser) comment(t *token) stmt {
	p.i++
	if t.kind == tLineComment && p.kind(0) == tLineCommentEnd {
		p.i++
	}
	if i := strings.Index(t.image, "##"); i >= 0 {
		return textStmt(t.image[:i])
	}
	if i := strings.Index(t.image, "#*"); i >= 0 {
		return textStmt(t.image[:i])
	}
	return textStmt("")
}

func (p *parser) isDirective(name string) bool {
	switch name {
	case "foreach", "include", "parse", "macro", "literal", "evaluate", "break", "define", "stop":
		return true
	}
	return p.macros[name] != nil
}

// escapedDirective is the text of \#name: one backslash of each pair goes if
// there is such a directive or macro; otherwise it is plain text.
func (p *parser) escapedDirective(image string) string {
	last := strings.LastIndexByte(image, '\\')
	word := image[last+1:]
	name := word[1:]
	if name[0] == '{' {
		name = name[1 : len(name)-1]
	}
	switch name {
	case "if", "end", "set", "else", "elseif":
	default:
		if !p.isDirective(name) {
			return image
		}
	}
	return image[:last/2] + word
}

func (p *parser) escape() (stmt, error) {
	n := 0
	for p.kind(0) == tDoubleEscape {
		n++
		p.i++
	}
	t, err := p.peek(0)
	if err != nil {
		return nil, err
	}
	control := false
	switch t.kind {
	case tEOF:
	case tIf, tElse, tElseIf, tEnd:
		control = true
	default:
		control = p.isDirective(t.image[1:])
	}
	if control {
		return textStmt(strings.Repeat(`\`, n)), nil
	}
	return textStmt(strings.Repeat(`\\`, n)), nil
}

func (p *parser) ifStatement() (stmt, error) {
	s := &ifStmt{}
	for {
		p.i++ // #if or #elseif
		p.skipSpace()
		if _, err := p.expect(tLParen, "'('"); err != nil {
			return nil, err
		}
		cond, err := p.expression()
		if err != nil {
			return nil, err
		}
		if _, err := p.expect(tRParen, "')' after the condition"); err != nil {
			return nil, err
		}
		body, err := p.statements()
		if err != nil {
			return nil, err
		}
		s.branches = append(s.branches, branch{cond, body})
		if p.kind(0) != tElseIf {
			break
		}
	}
	if p.kind(0) == tElse {
		p.i++
		body, err := p.statements()
		if err != nil {
			return nil, err
		}
		s.branches = append(s.branches, branch{nil, body})
	}
	_, err := p.expect(tEnd, "#end of #if")
	return s, err
}

func (p *parser) setStatement() (stmt, error) {
	p.i++
	p.skipSpace()
	first, err := p.peek(0)
	if err != nil {
		return nil, err
	}
	if first.kind != tIdentifier && first.kind != tLCurly {
		return nil, p.fail("a reference to assign to")
	}
	left, err := p.reference()
	if err != nil {
		return nil, err
	}
	p.skipSpace()
	if _, err := p.expect(tAssign, "'='"); err != nil {
		return nil, err
	}
	right, err := p.expression()
	if err != nil {
		return nil, err
	}
	if _, err := p.expect(tRParen, "')' at the end of #set"); err != nil {
		return nil, err
	}
	p.lx.inSet = false
	s := &setStmt{left: left, right: right}
	if len(left.steps) == 0 {
		s.sym = p.syms.id(first.image[1:])
		s.odd = first.image[1:] != left.name
	}
	return s, nil
}
