package jsonpath

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// Compile compiles a path, which begins with $.
func Compile(source string) (*Path, error) {
	return compile(source, '$')
}

// compile compiles a path that begins with the given character: $, or @ in a filter.
func compile(source string, root byte) (*Path, error) {
	text := strings.TrimRight(source, " ")
	c := &compiler{text: text, path: &Path{source: source}}
	if text == "" || text[0] != root {
		return nil, c.fail("it does not begin with " + string(root))
	}
	if text[len(text)-1] == '.' {
		return nil, c.fail("it ends with a dot")
	}
	c.pos = 1
	for c.pos < len(text) {
		if len(c.path.tokens) == 0 && text[c.pos] != '.' && text[c.pos] != '[' {
			return nil, c.fail("after the root there must be . or [")
		}
		if err := c.step(); err != nil {
			return nil, err
		}
	}
	if n := len(c.path.tokens); n > 0 && c.path.tokens[n-1].kind == scanToken {
		return nil, c.fail("it ends with ..")
	}
	if err := c.turnScan(); err != nil {
		return nil, err
	}
	c.path.link()
	return c.path, nil
}

type compiler struct {
	text string
	pos  int
	path *Path
}

func (c *compiler) fail(reason string) error {
	return &SyntaxError{Path: c.text, Offset: c.pos, Reason: reason}
}

func (c *compiler) add(t token) { c.path.tokens = append(c.path.tokens, t) }

// at is the byte at a position; 0 beyond the end.
func (c *compiler) at(pos int) byte {
	if pos < len(c.text) {
		return c.text[pos]
	}
	return 0
}

// next is the position of the next byte from pos on that is no space.
func (c *compiler) next(pos int) int {
	for pos < len(c.text) && c.text[pos] == ' ' {
		pos++
	}
	return pos
}

func (c *compiler) step() error {
	switch c.at(c.pos) {
	case '[':
		return c.bracket()
	case '.':
		if c.at(c.pos+1) == '.' {
			c.add(token{kind: scanToken})
			c.pos++
		}
		c.pos++
		switch c.at(c.pos) {
		case '.':
			return c.fail("a dot too many")
		case 0:
			return c.fail("it ends with a dot")
		case '[':
			return c.bracket()
		case '*':
			c.add(token{kind: wildcardToken})
			c.pos++
			return nil
		}
		return c.nameOrFunction()
	case '*':
		c.add(token{kind: wildcardToken})
		c.pos++
		return nil
	}
	if len(c.path.tokens) > 0 && c.pos == len(c.text)-1 {
		// Jayway ignores it.
		return c.fail("there is a character too many")
	}
	return c.nameOrFunction()
}

func (c *compiler) nameOrFunction() error {
	begin := c.pos
	for c.pos < len(c.text) {
		switch c.text[c.pos] {
		case ' ':
			return c.fail("a name with blanks has to be in brackets and quotes")
		case '.', '[':
		case '(':
			return c.function(c.text[begin:c.pos])
		default:
			c.pos++
			continue
		}
		break
	}
	if c.pos == begin {
		return c.fail("a name is missing")
	}
	c.add(token{kind: nameToken, names: []string{c.text[begin:c.pos]}, quote: '\''})
	return nil
}

func (c *compiler) bracket() error {
	inner := c.next(c.pos + 1)
	switch b := c.at(inner); {
	case b == '\'' || b == '"':
		return c.quoted(b)
	case b == '*' && c.at(c.next(inner+1)) == ']':
		c.add(token{kind: wildcardToken})
		c.pos = c.next(inner+1) + 1
		return nil
	case b == '?':
		return c.filter(inner)
	case b >= '0' && b <= '9' || b == '-' || b == ':':
		return c.numbers()
	}
	return c.fail("what follows [ is neither a name in quotes, a number, * nor ?")
}

// quoted reads ['a','b'].
func (c *compiler) quoted(quote byte) error {
	var names []string
	begin, inside, comma := 0, false, false
	pos := c.pos + 1
	for ; ; pos++ {
		b := c.at(pos)
		switch {
		case pos >= len(c.text):
			return c.fail("a name in brackets is not closed")
		case b == '\\':
			pos++
		case inside && b == quote:
			if after := c.at(c.next(pos + 1)); after != ']' && after != ',' {
				c.pos = pos
				return c.fail("after a name there must be , or ]")
			}
			name, err := unescape(c.text[begin:pos])
			if err != nil {
				return c.fail(err.Error())
			}
			names, inside = append(names, name), false
		case inside:
		case b == ']':
			if comma {
				return c.fail("a name is missing after ,")
			}
			c.add(token{kind: nameToken, names: names, quote: quote})
			c.pos = pos + 1
			return nil
		case b == quote:
			begin, inside, comma = pos+1, true, false
		case b == ',':
			if comma {
				return c.fail("a name is missing after ,")
			}
			comma = true
		}
	}
}

// numbers reads [1], [1,2] and [1:2].
func (c *compiler) numbers() error {
	end := strings.IndexByte(c.text[c.pos:], ']')
	if end < 0 {
		return c.fail("] is missing")
	}
	body := strings.TrimSpace(c.text[c.pos+1 : c.pos+end])
	if strings.Trim(body, "0123456789,-: ") != "" {
		return c.fail("an index is no number")
	}
	t := token{kind: indexToken}
	if strings.Contains(body, ":") {
		if strings.ContainsAny(body, ", ") {
			return c.fail("a slice has two numbers at most")
		}
		s, err := parseSlice(body)
		if err != "" {
			return c.fail(err)
		}
		t.kind, t.slice = sliceToken, s
	} else {
		for _, part := range strings.Split(body, ",") {
			n, err := parseInt(strings.TrimSpace(part))
			if err != nil {
				return c.fail("an index is no number")
			}
			t.indices = append(t.indices, n)
		}
	}
	c.add(t)
	c.pos += end + 1
	return nil
}

// parseInt reads an index, of 32 bits as in Java.
func parseInt(s string) (int, error) {
	n, err := strconv.ParseInt(s, 10, 32)
	return int(n), err
}

func parseSlice(body string) (s slice, reason string) {
	// What follows a second colon is a step, which Jayway ignores.
	parts := strings.Split(body, ":")
	for i, to := range []*int{&s.from, &s.to} {
		if len(parts) <= i || parts[i] == "" {
			continue
		}
		n, err := parseInt(parts[i])
		if err != nil {
			return s, "a bound of a slice is no number"
		}
		*to = n
		if i == 0 {
			s.hasFrom = true
		} else {
			s.hasTo = true
		}
	}
	if !s.hasFrom && !s.hasTo {
		return s, "a slice has no bounds"
	}
	return s, ""
}

// filter reads [?( … )]. inner is the position of the question mark.
func (c *compiler) filter(inner int) error {
	open := c.next(inner + 1)
	if c.at(open) != '(' {
		return c.fail("after ? there must be (")
	}
	end := matching(c.text, open)
	if end < 0 {
		return c.fail("the filter is not closed")
	}
	closing := c.next(end + 1)
	if c.at(closing) != ']' {
		return c.fail("after the filter there must be ]")
	}
	e, err := parseFilter(c.text[open+1 : end])
	if err != nil {
		return err
	}
	c.add(token{kind: filterToken, filter: e})
	c.pos = closing + 1
	return nil
}

// matching is the position of the bracket that closes the one at pos; what is in
// quotes does not count, nor what is in a regular expression. -1 if there is none.
func matching(s string, pos int) int {
	open := s[pos]
	closing := map[byte]byte{'(': ')', '[': ']', '{': '}'}[open]
	depth := 0
	for i := pos; i < len(s); i++ {
		switch b := s[i]; b {
		case '\'', '"', '/':
			if i = closingQuote(s, i); i < 0 {
				return -1
			}
		case open:
			depth++
		case closing:
			if depth--; depth == 0 {
				return i
			}
		}
	}
	return -1
}

// closingQuote is the position of the quote that ends the one at pos.
func closingQuote(s string, pos int) int {
	for i := pos + 1; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case s[pos]:
			return i
		}
	}
	return -1
}

// unescape takes the backslashes out of a name or a text: \n and the like,
// \u0041, and any other character stands for itself.
func unescape(s string) (string, error) {
	if !strings.Contains(s, `\`) {
		return s, nil
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] != '\\' {
			b.WriteByte(s[i])
			continue
		}
		if i++; i == len(s) {
			b.WriteByte('\\')
			break
		}
		switch s[i] {
		case 'n':
			b.WriteByte('\n')
		case 't':
			b.WriteByte('\t')
		case 'r':
			b.WriteByte('\r')
		case 'f':
			b.WriteByte('\f')
		case 'b':
			b.WriteByte('\b')
		case 'u':
			if i+4 >= len(s) {
				return "", &SyntaxError{Path: s, Offset: i, Reason: `\u needs four digits`}
			}
			n, err := strconv.ParseUint(s[i+1:i+5], 16, 16)
			if err != nil {
				return "", &SyntaxError{Path: s, Offset: i, Reason: `\u needs four digits`}
			}
			b.WriteRune(rune(n))
			i += 4
		default:
			r, n := utf8.DecodeRuneInString(s[i:])
			b.WriteRune(r)
			i += n - 1
		}
	}
	return b.String(), nil
}
