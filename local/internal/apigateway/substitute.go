package apigateway

import "strings"

// segment is a piece of a gateway response's template or of an access log
// format: literal text, or one variable.
type segment struct {
	text string
	kind segmentKind
}

type segmentKind uint8

const (
	segText segmentKind = iota
	segContext
	segStageVariable
	segMethodRequest
)

// parseSubstitution splits a text at its variables: $context.*,
// $stageVariables.* and $method.request.*. These texts are not VTL: nothing
// else in them has a meaning.
//
// https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-gatewayResponse-definition.html
func parseSubstitution(s string) []segment {
	prefixes := []struct {
		text string
		kind segmentKind
	}{
		{"$context.", segContext},
		{"$stageVariables.", segStageVariable},
		{"$method.request.", segMethodRequest},
	}
	var out []segment
	start := 0
	for i := 0; i < len(s); {
		next := strings.IndexByte(s[i:], '$')
		if next < 0 {
			break
		}
		i += next
		matched := false
		for _, p := range prefixes {
			rest, ok := strings.CutPrefix(s[i:], p.text)
			if !ok {
				continue
			}
			n := variableName(rest)
			if n == 0 {
				continue
			}
			if start < i {
				out = append(out, segment{text: s[start:i]})
			}
			out = append(out, segment{text: dotted(rest[:n]), kind: p.kind})
			i += len(p.text) + n
			start, matched = i, true
			break
		}
		if !matched {
			i++
		}
	}
	if start < len(s) {
		out = append(out, segment{text: s[start:]})
	}
	return out
}

// variableName is the length of a dotted name at s, parts of which may be
// quoted in brackets as in claims['custom:tenant']; a dot that nothing follows
// is text.
func variableName(s string) int {
	n := 0
	for i := 0; i < len(s); i++ {
		c := s[i]
		switch {
		case c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_':
			n = i + 1
		case c == '-': // belongs to the name if the name goes on
		case c == '.' && n == i:
		case c == '[' && n == i && strings.HasPrefix(s[i:], "['"):
			end := strings.Index(s[i:], "']")
			if end < 0 {
				return n
			}
			i += end + 1
			n = i + 1
		default:
			return n
		}
	}
	return n
}

// substitute renders segments; missing stands for variables without a value.
func (c *call) substitute(segments []segment, missing string) string {
	var b strings.Builder
	for _, s := range segments {
		if s.kind == segText {
			b.WriteString(s.text)
			continue
		}
		v, ok := c.substituted(s)
		if !ok {
			v = missing
		}
		b.WriteString(v)
	}
	return b.String()
}

func (c *call) substituted(s segment) (string, bool) {
	switch s.kind {
	case segContext:
		return c.contextText(s.text)
	case segStageVariable:
		return c.stage.variable(s.text)
	}
	m, err := parseMapping("method.request."+s.text, "method.request.")
	if err != nil {
		return "", false
	}
	v, ok, err := m.value(c)
	return v, ok && err == nil
}
