package vtl

import "strings"

// match finds the longest rule of the current state at the current position.
func (l *lexer) match() (best kind, length int) {
	s := l.src[l.pos:]
	try := func(k kind, n int) {
		if n > length {
			best, length = k, n
		}
	}
	one := func(k kind, c byte) {
		if s[0] == c {
			try(k, 1)
		}
	}
	word := func(k kind, w string) {
		if strings.HasPrefix(s, w) {
			try(k, len(w))
		}
	}
	st := l.state
	directive := st == sDirective
	args := st == sRefArgs
	ref := st == sReference || st == sRefModifier

	if ref {
		one(tIndexOpen, '[')
	}
	if st == sRefIndex {
		one(tIndexClose, ']')
	}
	if directive || args {
		one(tLBracket, '[')
		one(tRBracket, ']')
		one(tComma, ',')
		word(tDoubleDot, "..")
		one(tColon, ':')
		one(tLCurlyLit, '{')
		one(tRCurlyLit, '}')
	}
	if directive || st == sRefModifier {
		one(tLParen, '(')
	}
	if directive && s[0] == ')' {
		try(tRParen, 1+blankLine(s[1:]))
	}
	if args {
		one(tArgsClose, ')')
	}
	if st == sDefault {
		try(tEscapeDirective, escapeDirective(s))
	}
	if st == sDefault || ref || args {
		try(tSet, setDirective(s))
	}
	l.matchEverywhere(s, try)
	if st == sDefault || st == sPreDirective || directive || st == sReference {
		word(tLineComment, "##")
	}
	switch st {
	case sDefault:
		word(tDoubleEscape, `\\`)
		one(tEscape, '\\')
		n := strings.IndexAny(s, `$#\`)
		if n < 0 {
			n = len(s)
		}
		try(tText, n)
	case sLineComment:
		word(tLineCommentEnd, "\r\n")
		one(tLineCommentEnd, '\n')
		one(tLineCommentEnd, '\r')
		try(mSkip, runeLen(s))
	case sFormalComment:
		word(tFormalComment, "*#")
		try(mSkip, runeLen(s))
	case sBlockComment:
		word(tBlockComment, "*#")
		try(mSkip, runeLen(s))
	case sTextblock:
		word(tTextblock, "]]#")
		try(mMore, runeLen(s))
	}
	if directive || args || st == sRefIndex {
		n := 0
		for n < len(s) && strings.IndexByte(" \t\n\r", s[n]) >= 0 {
			n++
		}
		try(tSpace, n)
		try(tString, stringLiteral(s))
	}
	if directive || args || ref || st == sRefIndex {
		word(tTrue, "true")
		word(tFalse, "false")
	}
	if directive {
		for _, op := range operators {
			word(op.kind, op.text)
		}
	}
	if st == sPreDirective {
		for _, w := range []string{"end", "{end}"} {
			if strings.HasPrefix(s, w) {
				try(tEnd, len(w)+blankLine(s[len(w):]))
			}
		}
		word(tIf, "if")
		word(tIf, "{if}")
		word(tElseIf, "elseif")
		word(tElseIf, "{elseif}")
		for _, w := range []string{"else", "{else}"} {
			if strings.HasPrefix(s, w) {
				try(tElse, len(w)+blankLine(s[len(w):]))
			}
		}
	}
	if st == sPreDirective || directive || args || st == sRefIndex {
		i, f := number(s)
		try(tInteger, i)
		try(tFloat, f)
	}
	if st == sPreDirective || directive {
		try(tWord, directiveWord(s))
		try(tBracketedWord, bracketedWord(s))
	}
	if ref || args {
		try(tIdentifier, identifier(s))
		if len(s) > 1 && s[0] == '.' && isAlpha(s[1]) {
			try(tDot, 2)
		}
	}
	if ref {
		one(tLCurly, '{')
		one(tRCurly, '}')
		try(mRefEnd, 1)
	}
	if st == sPreDirective {
		try(mDirectiveEnd, 1)
	}
	if st == sDefault || st == sReference {
		for _, w := range []string{"$[", "$![", `$\![`, "$."} {
			word(tEmptyIndex, w)
		}
	}
	return best, length
}

// matchEverywhere tries the rules that hold in every state.
func (l *lexer) matchEverywhere(s string, try func(kind, int)) {
	switch s[0] {
	case '\\', '$':
		n := 0
		for n < len(s) && s[n] == '\\' {
			n++
		}
		if n == len(s) || s[n] != '$' {
			return
		}
		n++
		try(mDollar, n)
		for n < len(s) && s[n] == '\\' {
			n++
		}
		if n < len(s) && s[n] == '!' {
			try(mDollar, n+1)
		}
	case '#':
		if strings.HasPrefix(s, "#[[") {
			try(mTextblockOpen, 3)
		}
		if strings.HasPrefix(s, "#**") && len(s) > 3 && s[3] != '#' {
			try(mFormalOpen, 4)
		}
		if strings.HasPrefix(s, "#*") {
			try(mBlockOpen, 2)
		}
		try(mHash, 1)
	}
}

// operators in the order of their rules; a word operator loses against a
// longer word.
var operators = []struct {
	kind kind
	text string
}{
	{tMinus, "-"}, {tPlus, "+"}, {tTimes, "*"}, {tDivide, "/"}, {tMod, "%"},
	{tAnd, "&&"}, {tAnd, "and"}, {tOr, "||"}, {tOr, "or"},
	{tLT, "<"}, {tLT, "lt"}, {tLE, "<="}, {tLE, "le"},
	{tGT, ">"}, {tGT, "gt"}, {tGE, ">="}, {tGE, "ge"},
	{tEQ, "=="}, {tEQ, "eq"}, {tNE, "!="}, {tNE, "ne"},
	{tNot, "!"}, {tNot, "not"}, {tAssign, "="},
}

func isAlpha(c byte) bool { return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' }
func isDigit(c byte) bool { return c >= '0' && c <= '9' }

// runeLen is 1 or the length of the UTF-8 sequence at s: comments and text
// blocks are skipped by characters.
func runeLen(s string) int {
	n := 1
	for n < len(s) && s[n]&0xC0 == 0x80 {
		n++
	}
	return n
}

// blankLine is the length of blanks and a newline at s, or 0 where anything
// else comes before the newline.
func blankLine(s string) int {
	n := 0
	for n < len(s) && (s[n] == ' ' || s[n] == '\t') {
		n++
	}
	switch {
	case strings.HasPrefix(s[n:], "\r\n"):
		return n + 2
	case n < len(s) && (s[n] == '\n' || s[n] == '\r'):
		return n + 1
	}
	return 0
}

func directiveWord(s string) int {
	if !isAlpha(s[0]) && s[0] != '_' && s[0] != '@' {
		return 0
	}
	return 1 + directiveChars(s[1:])
}

func directiveChars(s string) int {
	n := 0
	for n < len(s) && (isAlpha(s[n]) || isDigit(s[n]) || s[n] == '_' || s[n] == '@') {
		n++
	}
	return n
}

func bracketedWord(s string) int {
	if len(s) < 3 || s[0] != '{' || !isAlpha(s[1]) && s[1] != '_' {
		return 0
	}
	n := 2 + directiveChars(s[2:])
	if n < len(s) && s[n] == '}' {
		return n + 1
	}
	return 0
}

func identifier(s string) int {
	if !isAlpha(s[0]) && s[0] != '_' {
		return 0
	}
	n := 1
	for n < len(s) && (isAlpha(s[n]) || isDigit(s[n]) || s[n] == '-' || s[n] == '_') {
		n++
	}
	return n
}

func escapeDirective(s string) int {
	n := 0
	for n < len(s) && s[n] == '\\' {
		n++
	}
	if n%2 == 0 || n+1 >= len(s) || s[n] != '#' {
		return 0
	}
	n++
	if w := directiveWord(s[n:]); w > 0 {
		return n + w
	}
	if w := bracketedWord(s[n:]); w > 0 {
		return n + w
	}
	return 0
}

func setDirective(s string) int {
	n := 0
	for n < len(s) && (s[n] == ' ' || s[n] == '\t') {
		n++
	}
	switch {
	case strings.HasPrefix(s[n:], "#set"):
		n += 4
	case strings.HasPrefix(s[n:], "#{set}"):
		n += 6
	default:
		return 0
	}
	for n < len(s) && s[n] == ' ' {
		n++
	}
	if n < len(s) && s[n] == '(' {
		return n + 1
	}
	return 0
}

// stringLiteral ends at the first quote that is not doubled; where doubled
// quotes lead to no end, at the last one that could be an end.
func stringLiteral(s string) int {
	q := s[0]
	if q != '"' && q != '\'' {
		return 0
	}
	end := 0
	for i := 1; i < len(s); {
		j := strings.IndexByte(s[i:], q)
		if j < 0 {
			break
		}
		i += j + 1
		end = i
		if i >= len(s) || s[i] != q {
			break
		}
		i++
	}
	return end
}

// number is the longest integer (with the ".." of a range, if it follows) and
// the longest floating-point literal at s.
func number(s string) (integer, float int) {
	n := 0
	if s[0] == '-' {
		n++
	}
	digits := func() bool {
		from := n
		for n < len(s) && isDigit(s[n]) {
			n++
		}
		return n > from
	}
	exponent := func() bool {
		if n >= len(s) || s[n] != 'e' && s[n] != 'E' {
			return false
		}
		back := n
		n++
		if n < len(s) && (s[n] == '+' || s[n] == '-') {
			n++
		}
		if !digits() {
			n = back
			return false
		}
		return true
	}
	whole := digits()
	if whole {
		integer = n
		if strings.HasPrefix(s[n:], "..") {
			integer += 2
		}
		if exponent() {
			return integer, n
		}
	}
	if n < len(s) && s[n] == '.' {
		n++
		if digits() || whole {
			exponent()
			float = n
		}
	}
	return integer, float
}
