package appsyncjs

import (
	"fmt"
	"regexp"
	"strings"
)

// pattern is a java.util.regex.Pattern, as far as Go's regular expressions have the same: no
// lookaround, no back-references, no possessive quantifiers, all of which are an error.
func (rt *Runtime) pattern(source string) (*regexp.Regexp, error) {
	if p := rt.patterns[source]; p != nil {
		return p, nil
	}
	p, err := regexp.Compile(source)
	if err != nil {
		return nil, fmt.Errorf("the local runtime cannot use the pattern %q: %w", source, err)
	}
	if rt.patterns == nil {
		rt.patterns = map[string]*regexp.Regexp{}
	}
	rt.patterns[source] = p
	return p, nil
}

// replaced is Java's String.replaceFirst or replaceAll.
func (rt *Runtime) replaced(s, source, replacement string, all bool) (string, error) {
	p, err := rt.pattern(source)
	if err != nil {
		return "", err
	}
	n := 1
	if all {
		n = -1
	}
	var b strings.Builder
	last := 0
	for _, match := range p.FindAllStringSubmatchIndex(s, n) {
		b.WriteString(s[last:match[0]])
		if err := expand(&b, replacement, s, match); err != nil {
			return "", err
		}
		last = match[1]
	}
	b.WriteString(s[last:])
	return b.String(), nil
}

// expand writes a replacement: $1 is a group, a backslash takes the next character as it is.
func expand(b *strings.Builder, replacement, s string, match []int) error {
	for i := 0; i < len(replacement); i++ {
		switch c := replacement[i]; {
		case c == '\\' && i+1 < len(replacement):
			i++
			b.WriteByte(replacement[i])
		case c == '$':
			i++
			if i == len(replacement) || replacement[i] < '0' || replacement[i] > '9' {
				return fmt.Errorf("the replacement %q has a $ that names no group; write \\$ for the character", replacement)
			}
			group := int(replacement[i] - '0')
			for ; i+1 < len(replacement) && replacement[i+1] >= '0' && replacement[i+1] <= '9'; i++ {
				next := group*10 + int(replacement[i+1]-'0')
				if next >= len(match)/2 {
					break
				}
				group = next
			}
			if group >= len(match)/2 {
				return fmt.Errorf("the pattern has no group %d", group)
			}
			if match[2*group] >= 0 {
				b.WriteString(s[match[2*group]:match[2*group+1]])
			}
		default:
			b.WriteByte(c)
		}
	}
	return nil
}
