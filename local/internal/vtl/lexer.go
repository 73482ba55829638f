package vtl

import "fmt"

// The scanner works as Velocity 1.7's does: lexical states on a stack, the
// longest match wins and, among equals, the rule listed first. Much of what
// templates rely on (which newline is swallowed, where a reference ends, that
// "$" as the last character is an error) follows from these rules and from
// nothing else, so they are kept as they are, oddities included.

type kind uint8

const (
	tEOF kind = iota
	tIndexOpen
	tIndexClose
	tLBracket
	tRBracket
	tComma
	tDoubleDot
	tColon
	tLCurlyLit // { in a directive or an argument
	tRCurlyLit
	tLParen
	tRParen
	tArgsClose // ) that ends a method's arguments
	tEscapeDirective
	tSet
	tLineComment // ##
	tDoubleEscape
	tEscape
	tText
	tLineCommentEnd
	tFormalComment
	tBlockComment
	tTextblock
	tSpace
	tString
	tTrue
	tFalse
	tMinus
	tPlus
	tTimes
	tDivide
	tMod
	tAnd
	tOr
	tLT
	tLE
	tGT
	tGE
	tEQ
	tNE
	tNot
	tAssign
	tEnd
	tIf
	tElseIf
	tElse
	tInteger
	tFloat
	tWord
	tBracketedWord
	tIdentifier
	tDot
	tLCurly // { after $
	tRCurly
	tEmptyIndex

	// Not tokens: what the scanner does with a match.
	mDollar
	mHash
	mTextblockOpen
	mFormalOpen
	mBlockOpen
	mMore
	mSkip
	mRefEnd
	mDirectiveEnd
)

type state uint8

const (
	sDefault state = iota
	sReference
	sRefModifier
	sRefArgs
	sRefIndex
	sDirective
	sPreDirective
	sLineComment
	sFormalComment
	sBlockComment
	sTextblock
)

type token struct {
	kind  kind
	image string
	// special is text that belongs before the token when it is printed as
	// text: a "$" or "#" that began nothing.
	special string
	pos     int
}

// literal is the token as Velocity prints it back.
func (t *token) literal() string {
	if t.kind == tBlockComment {
		return ""
	}
	return t.special + t.image
}

type saved struct {
	lparen, rparen int
	state          state
}

type lexer struct {
	src            string
	pos            int
	state          state
	stack          []saved
	lparen, rparen int
	inComment      bool
	inSet          bool
	// within, if set, is where the string that src comes from stands in the
	// template: the place that errors name.
	within *int
}

func (l *lexer) place(pos int) int {
	if l.within != nil {
		return *l.within
	}
	return pos
}

type syntaxError struct {
	pos int
	msg string
}

func (e *syntaxError) Error() string { return e.msg }

func (l *lexer) push() {
	l.stack = append(l.stack, saved{l.lparen, l.rparen, l.state})
	l.lparen = 0
}

func (l *lexer) pop() bool {
	if len(l.stack) == 0 {
		l.lparen = 0
		l.state = sDefault
		return false
	}
	s := l.stack[len(l.stack)-1]
	l.stack = l.stack[:len(l.stack)-1]
	l.lparen, l.rparen, l.state = s.lparen, s.rparen, s.state
	return true
}

// closeParen drops to the state below the one that has an open parenthesis.
func (l *lexer) closeParen() {
	if l.inComment {
		return
	}
	for {
		if l.lparen > 0 {
			if l.lparen == l.rparen+1 {
				l.pop()
			} else {
				l.rparen++
			}
			return
		}
		if !l.pop() {
			return
		}
	}
}

// next scans one token.
func (l *lexer) next() (*token, error) {
	var specials []string
	start := l.pos
	more := false
	for {
		if l.pos >= len(l.src) {
			if more {
				return nil, &syntaxError{l.place(start), fmt.Sprintf("the template ends within %q", clip(l.src[start:]))}
			}
			return &token{kind: tEOF, pos: l.place(l.pos), special: specialText(specials)}, nil
		}
		k, n := l.match()
		if n == 0 {
			return nil, &syntaxError{l.place(l.pos), fmt.Sprintf("unexpected %q", clip(l.src[l.pos:]))}
		}
		cur := l.state
		l.pos += n
		switch k {
		case mDollar:
			more = true
			if !l.inComment {
				if cur == sReference {
					l.pop()
				}
				l.push()
				l.state = sReference
			}
			continue
		case mHash:
			more = true
			if !l.inComment {
				if cur == sReference || cur == sRefModifier {
					l.pop()
				}
				l.push()
				l.state = sPreDirective
			}
			continue
		case mTextblockOpen, mFormalOpen, mBlockOpen:
			more = true
			if !l.inComment {
				if k == mFormalOpen {
					l.pos--
				}
				l.inComment = true
				l.push()
				l.state = map[kind]state{mTextblockOpen: sTextblock, mFormalOpen: sFormalComment, mBlockOpen: sBlockComment}[k]
			}
			continue
		case mMore:
			more = true
			continue
		case mSkip:
			more = false
			start = l.pos
			continue
		case mRefEnd, mDirectiveEnd:
			specials = append(specials, l.src[start:l.pos])
			l.pos--
			l.pop()
			start = l.pos
			more = false
			continue
		}
		t := &token{kind: k, image: l.src[start:l.pos], pos: l.place(start), special: specialText(specials)}
		l.act(t, cur)
		return t, nil
	}
}

// act changes the state after a token matched in state cur.
func (l *lexer) act(t *token, cur state) {
	switch t.kind {
	case tIndexOpen:
		l.push()
		l.state = sRefIndex
	case tIndexClose, tRCurly, tEnd, tElse:
		l.pop()
	case tLParen:
		if !l.inComment {
			l.lparen++
		}
		if cur == sRefModifier {
			l.state = sRefArgs
		}
	case tRParen:
		l.closeParen()
	case tArgsClose:
		l.state = sReference
	case tSet:
		if !l.inComment {
			l.push()
			l.inSet = true
			l.state = sDirective
			l.lparen++
		}
	case tLineComment:
		if !l.inComment {
			if cur == sReference {
				l.pop()
			}
			l.inComment = true
			l.push()
			l.state = sLineComment
		}
	case tLineCommentEnd, tFormalComment, tBlockComment, tTextblock:
		l.inComment = false
		l.pop()
	case tString:
		if cur == sDirective && !l.inSet && l.lparen == 0 {
			l.pop()
		}
	case tIf, tElseIf:
		l.state = sDirective
	case tInteger:
		if n := len(t.image); n > 2 && t.image[n-2:] == ".." {
			l.pos -= 2
			t.image = t.image[:n-2]
		}
		if l.lparen == 0 && !l.inSet && cur != sRefArgs && cur != sRefIndex {
			l.pop()
		}
	case tFloat:
		if l.lparen == 0 && !l.inSet && cur != sRefArgs {
			l.pop()
		}
	case tDot:
		l.pos--
		t.image = "."
		l.state = sRefModifier
	}
}

// specialText is what remains visible of matches that began nothing.
func specialText(specials []string) string {
	if len(specials) == 0 {
		return ""
	}
	if last := specials[len(specials)-1]; len(last) > 1 && last[:2] == "##" {
		return ""
	}
	var out []byte
	for _, s := range specials {
		for i := 0; i < len(s); i++ {
			c := s[i]
			if c == '#' || c == '$' {
				out = append(out, c)
			}
			if c == '\\' {
				j := i
				for j < len(s) && s[j] == '\\' {
					j++
				}
				if j < len(s) && s[j] == '$' {
					out = append(out, s[i:j+1]...)
					i = j + 1
				}
			}
		}
	}
	return string(out)
}

func clip(s string) string {
	r := []rune(s)
	if len(r) > 20 {
		return string(r[:20]) + "…"
	}
	return s
}
