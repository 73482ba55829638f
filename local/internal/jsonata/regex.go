package jsonata

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"
)

// White space and its complement as JavaScript has them, for use inside of
// brackets; Go's \s knows ASCII only.
const (
	jsSpace    = `\x{9}-\x{d}\x{20}\x{a0}\x{1680}\x{2000}-\x{200a}\x{2028}\x{2029}\x{202f}\x{205f}\x{3000}\x{feff}`
	jsNotSpace = `\x{0}-\x{8}\x{e}-\x{1f}\x{21}-\x{9f}\x{a1}-\x{167f}\x{1681}-\x{1fff}\x{200b}-\x{2027}\x{202a}-\x{202e}\x{2030}-\x{205e}\x{2060}-\x{2fff}\x{3001}-\x{fefe}\x{ff00}-\x{10ffff}`
	jsNotEnd   = `[^\x{a}\x{d}\x{2028}\x{2029}]` // what a dot matches
)

// goRegex translates a regular expression literal of JavaScript (with slashes
// and flags) into one that Go's engine, which gnata uses, understands in the
// same way, or says what in it Go cannot do. No bracket is left in the result
// that does not structure it, because gnata's scanner counts them.
func goRegex(literal string) (string, error) {
	end := strings.LastIndexByte(literal, '/')
	if end < 1 {
		return "", fmt.Errorf("it does not end")
	}
	t := regexTranslator{src: literal[1:end], multiline: strings.ContainsRune(literal[end+1:], 'm')}
	if t.src == "" {
		return "", fmt.Errorf("it is empty")
	}
	if err := t.all(); err != nil {
		return "", err
	}
	if _, err := regexp.Compile(t.out.String()); err != nil {
		return "", err
	}
	return "/" + t.out.String() + "/" + literal[end+1:], nil
}

type regexTranslator struct {
	src       string
	i         int
	out       strings.Builder
	multiline bool
	groups    []regexGroup
	last      regexGroup // the group that has just ended
}

// regexGroup tells of a group whether it captures, and whether one inside does.
type regexGroup struct{ captures, inside bool }

func (t *regexTranslator) all() error {
	for t.i < len(t.src) {
		r, n := utf8.DecodeRuneInString(t.src[t.i:])
		was := t.last
		t.last = regexGroup{}
		var err error
		switch r {
		case '\\':
			err = t.escape(false)
		case '[':
			err = t.class()
		case '(':
			err = t.group()
		case ')':
			if len(t.groups) == 0 {
				return fmt.Errorf("a parenthesis is closed that was not opened")
			}
			t.last = t.groups[len(t.groups)-1]
			t.groups = t.groups[:len(t.groups)-1]
			if g := len(t.groups); g > 0 && (t.last.captures || t.last.inside) {
				t.groups[g-1].inside = true
			}
			t.out.WriteByte(')')
			t.i++
		case '.':
			t.out.WriteString(jsNotEnd)
			t.i++
		case '^', '$':
			if t.multiline {
				return fmt.Errorf("%c with the flag m also knows other line ends than \\n", r)
			}
			t.out.WriteRune(r)
			t.i++
		case '*', '+', '{':
			if was.inside {
				return fmt.Errorf("a group is repeated that has captures inside, which JavaScript forgets with each repetition")
			}
			err = t.quantifier()
		case ']', '}':
			t.rune(r)
			t.i += n
		default:
			t.rune(r)
			t.i += n
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// rune writes a character that stands for itself, or an operator that is the
// same in both languages.
func (t *regexTranslator) rune(r rune) {
	if strings.ContainsRune("[](){}/", r) || r < ' ' {
		fmt.Fprintf(&t.out, `\x{%x}`, r)
		return
	}
	t.out.WriteRune(r)
}

var counted = regexp.MustCompile(`^\{\d+(,\d*)?\}`)

func (t *regexTranslator) quantifier() error {
	if t.src[t.i] != '{' {
		t.out.WriteByte(t.src[t.i])
		t.i++
		return nil
	}
	q := counted.FindString(t.src[t.i:])
	if q == "" {
		t.rune('{')
		t.i++
		return nil
	}
	t.out.WriteString(q)
	t.i += len(q)
	return nil
}

func (t *regexTranslator) group() error {
	rest := t.src[t.i:]
	switch {
	case strings.HasPrefix(rest, "(?:"):
		t.groups = append(t.groups, regexGroup{})
		t.out.WriteString("(?:")
		t.i += 3
	case strings.HasPrefix(rest, "(?=") || strings.HasPrefix(rest, "(?!") || strings.HasPrefix(rest, "(?<=") || strings.HasPrefix(rest, "(?<!"):
		return fmt.Errorf("looking ahead or behind is not possible")
	case strings.HasPrefix(rest, "(?<"):
		return fmt.Errorf("groups with names are not simulated")
	case strings.HasPrefix(rest, "(?"):
		return fmt.Errorf("%.3s is not known", rest)
	default:
		t.groups = append(t.groups, regexGroup{captures: true})
		t.out.WriteByte('(')
		t.i++
	}
	return nil
}

// class translates [...].
func (t *regexTranslator) class() error {
	t.i++
	t.out.WriteByte('[')
	if strings.HasPrefix(t.src[t.i:], "^") {
		t.out.WriteByte('^')
		t.i++
		if strings.HasPrefix(t.src[t.i:], "]") { // [^] is every character
			t.out.WriteString(`]`)
			return fmt.Errorf("[^] is not simulated; write [\\s\\S]")
		}
	}
	if strings.HasPrefix(t.src[t.i:], "]") {
		return fmt.Errorf("[] matches nothing")
	}
	for t.i < len(t.src) {
		r, n := utf8.DecodeRuneInString(t.src[t.i:])
		switch r {
		case ']':
			t.out.WriteByte(']')
			t.i++
			return nil
		case '\\':
			if err := t.escape(true); err != nil {
				return err
			}
		case '^', '&', '~':
			fmt.Fprintf(&t.out, `\x{%x}`, r)
			t.i += n
		default:
			t.rune(r)
			t.i += n
		}
	}
	return fmt.Errorf("a [ is not closed")
}

// escape translates a backslash and what belongs to it.
func (t *regexTranslator) escape(inClass bool) error {
	if t.i+1 >= len(t.src) {
		return fmt.Errorf("it ends in a backslash")
	}
	r, n := utf8.DecodeRuneInString(t.src[t.i+1:])
	t.i += 1 + n
	hex := func(digits int) error {
		if t.i+digits > len(t.src) {
			return fmt.Errorf(`\%c without its %d digits`, r, digits)
		}
		v, err := strconv.ParseUint(t.src[t.i:t.i+digits], 16, 32)
		if err != nil {
			return fmt.Errorf(`\%c without its %d digits`, r, digits)
		}
		if v >= 0xd800 && v < 0xe000 {
			return fmt.Errorf(`\u%04x is half a character`, v)
		}
		t.i += digits
		fmt.Fprintf(&t.out, `\x{%x}`, v)
		return nil
	}
	switch {
	case r == 's' && inClass:
		t.out.WriteString(jsSpace)
	case r == 's':
		t.out.WriteString("[" + jsSpace + "]")
	case r == 'S' && inClass:
		t.out.WriteString(jsNotSpace)
	case r == 'S':
		t.out.WriteString("[^" + jsSpace + "]")
	case strings.ContainsRune("dDwW", r), strings.ContainsRune("bB", r) && !inClass:
		t.out.WriteString(`\` + string(r))
	case strings.ContainsRune("nrtfv", r):
		t.out.WriteString(map[rune]string{'n': `\x{a}`, 'r': `\x{d}`, 't': `\x{9}`, 'f': `\x{c}`, 'v': `\x{b}`}[r])
	case r == 'x':
		return hex(2)
	case r == 'u':
		return hex(4)
	case r >= '1' && r <= '9' && !inClass:
		return fmt.Errorf(`\%c refers back, which is not possible`, r)
	case r < 0x80 && (r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z'):
		return fmt.Errorf(`\%c is not known`, r)
	default:
		fmt.Fprintf(&t.out, `\x{%x}`, r)
	}
	return nil
}
