package vtl

import (
	"fmt"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
)

// regexps caches compiled patterns by their text: templates use few, and the
// same ones on every request. Stacks that run side by side share it, hence the
// concurrent map; it decides nothing.
var (
	regexps     sync.Map
	regexpCount atomic.Int32
)

const maxRegexps = 500

func compileRegexp(pattern string) (*regexp.Regexp, error) {
	if re, ok := regexps.Load(pattern); ok {
		return re.(*regexp.Regexp), nil
	}
	if what := javaOnly(pattern); what != "" {
		return nil, fmt.Errorf("the pattern %q uses %s, which RE2 cannot do as Java does", clip(pattern), what)
	}
	re, err := regexp.Compile(pattern)
	if err != nil {
		return nil, fmt.Errorf("the pattern %q: %w", clip(pattern), err)
	}
	if regexpCount.Add(1) <= maxRegexps {
		regexps.Store(pattern, re)
	}
	return re, nil
}

// javaOnly names what a pattern has that Java and RE2 read differently without
// RE2 saying so.
func javaOnly(p string) string {
	class := 0
	for i := 0; i < len(p); i++ {
		switch c := p[i]; {
		case c == '\\' && i+1 < len(p):
			i++
			switch n := p[i]; {
			case class == 0 && n >= '1' && n <= '9':
				return "a back-reference"
			case n == 'Q' || n == 'E' || n == 'G' || n == 'Z' || n == 'R' || n == 'h' || n == 'X' || n == 'k' ||
				n == 'u' || n == 'c' || n == 'e' || n == '0' || n == 'N' || n == 'H' || n == 'V' || n == 'v' || n == 'C' || n == 'a':
				return `\` + string(n)
			case n == 's' || n == 'S':
				// Java's \s has the vertical tab as well; no text that a
				// template sees is likely to.
			case n == 'p' || n == 'P':
				if i+1 < len(p) && p[i+1] == '{' && !strings.HasPrefix(p[i+1:], "{L}") && !strings.HasPrefix(p[i+1:], "{N}") {
					return "a named class"
				}
			}
		case class > 0 && c == '[':
			return "a class within a class"
		case class > 0 && c == '&' && strings.HasPrefix(p[i:], "&&"):
			return "an intersection of classes"
		case class > 0 && c == ']':
			class--
		case class > 0:
		case c == '[':
			class++
			if strings.HasPrefix(p[i+1:], "^]") || strings.HasPrefix(p[i+1:], "]") {
				return "a ] at the start of a class"
			}
		case c == '(' && strings.HasPrefix(p[i:], "(?"):
			rest := p[i+2:]
			if rest == "" {
				continue
			}
			switch rest[0] {
			case '=', '!', '>':
				return "look-around or an atomic group"
			case '<':
				if len(rest) > 1 && (rest[1] == '=' || rest[1] == '!') {
					return "look-around"
				}
			case 'P', 'U':
				return "a group that Java has not"
			}
			for _, f := range rest {
				if f == ')' || f == ':' || f == '<' {
					break
				}
				if f == 'd' || f == 'u' || f == 'x' || f == 'U' {
					return "a flag other than i, m and s"
				}
			}
		case c == '+' && i > 0 && strings.IndexByte("+*?}", p[i-1]) >= 0 && !(i > 1 && p[i-2] == '\\'):
			return "a possessive quantifier"
		}
	}
	return ""
}

// matches is String.matches: the whole string.
func matches(s, pattern string) (bool, error) {
	if _, err := compileRegexp(pattern); err != nil {
		return false, err
	}
	re, err := compileRegexp(`\A(?:` + pattern + `)\z`)
	if err != nil {
		return false, err
	}
	return re.MatchString(s), nil
}

// replaceRegexp is replaceAll and replaceFirst.
func replaceRegexp(s, pattern, repl string, all bool) (string, error) {
	re, err := compileRegexp(pattern)
	if err != nil {
		return "", err
	}
	n := 1
	if all {
		n = -1
	}
	var out []byte
	last := 0
	for _, m := range javaMatches(re, s, n) {
		out = append(out, s[last:m[0]]...)
		if out, err = expand(out, re, repl, s, m); err != nil {
			return "", err
		}
		last = m[1]
		if len(out) > hardOutput {
			return "", errTooLong
		}
	}
	return string(append(out, s[last:]...)), nil
}

// javaMatches finds matches as Java's find does: unlike Go, also an empty one
// right after a match.
func javaMatches(re *regexp.Regexp, s string, n int) [][]int {
	found := re.FindAllStringSubmatchIndex(s, n)
	if n == 1 || len(found) == 0 {
		return found
	}
	empty := re.FindStringSubmatchIndex("")
	if empty == nil {
		return found
	}
	// A pattern that can match nothing does so after each non-empty match,
	// unless the next match starts there anyway.
	var out [][]int
	for i, m := range found {
		out = append(out, m)
		if m[1] == m[0] || i+1 < len(found) && found[i+1][0] == m[1] {
			continue
		}
		if loc := emptyAt(re, s, m[1]); loc != nil {
			out = append(out, loc)
		}
	}
	return out
}

func emptyAt(re *regexp.Regexp, s string, at int) []int {
	loc := re.FindStringSubmatchIndex(s[at:])
	if loc == nil || loc[0] != 0 || loc[1] != 0 {
		return nil
	}
	for i := range loc {
		if loc[i] >= 0 {
			loc[i] += at
		}
	}
	return loc
}

// expand appends Java's replacement text: $1, ${name} and backslash escapes.
func expand(out []byte, re *regexp.Regexp, repl, s string, m []int) ([]byte, error) {
	group := func(g int) {
		if m[2*g] >= 0 {
			out = append(out, s[m[2*g]:m[2*g+1]]...)
		}
	}
	for i := 0; i < len(repl); i++ {
		switch c := repl[i]; c {
		case '\\':
			i++
			if i == len(repl) {
				return out, javaError("IllegalArgumentException: character to be escaped is missing")
			}
			out = append(out, repl[i])
		case '$':
			i++
			if i == len(repl) {
				return out, javaError("IllegalArgumentException: Illegal group reference: group index is missing")
			}
			if repl[i] == '{' {
				end := strings.IndexByte(repl[i:], '}')
				if end < 0 {
					return out, javaError("IllegalArgumentException: named capturing group is missing trailing '}'")
				}
				name := repl[i+1 : i+end]
				g := re.SubexpIndex(name)
				if g < 0 {
					return out, javaError("IllegalArgumentException: No group with name {" + name + "}")
				}
				group(g)
				i += end
				continue
			}
			if !isDigit(repl[i]) {
				return out, javaError("IllegalArgumentException: Illegal group reference")
			}
			g := int(repl[i] - '0')
			if g > re.NumSubexp() {
				return out, javaError(fmt.Sprintf("IndexOutOfBoundsException: No group %d", g))
			}
			for i+1 < len(repl) && isDigit(repl[i+1]) && g*10+int(repl[i+1]-'0') <= re.NumSubexp() {
				i++
				g = g*10 + int(repl[i]-'0')
			}
			group(g)
		default:
			out = append(out, c)
		}
	}
	return out, nil
}

// split is String.split: trailing empty strings go if limit is zero, and an
// empty match at the start gives no empty string.
func split(s, pattern string, limit int) (*List, error) {
	re, err := compileRegexp(pattern)
	if err != nil {
		return nil, err
	}
	var parts []string
	last := 0
	for _, m := range javaMatches(re, s, -1) {
		if limit > 0 && len(parts) == limit-1 {
			break
		}
		if m[1] == 0 || m[0] == m[1] && m[0] == len(s) && limit == 0 && m[0] == last {
			continue
		}
		parts = append(parts, s[last:m[0]])
		last = m[1]
	}
	parts = append(parts, s[last:])
	if last == 0 && len(parts) == 1 {
		return &List{Items: []any{s}, array: true}, nil
	}
	if limit == 0 {
		for len(parts) > 0 && parts[len(parts)-1] == "" {
			parts = parts[:len(parts)-1]
		}
	}
	l := &List{Items: make([]any, len(parts)), array: true}
	for i, p := range parts {
		l.Items[i] = p
	}
	return l, nil
}
