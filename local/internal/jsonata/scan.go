package jsonata

import "strings"

// variables lists the names that follow a $ outside of strings, comments and
// quoted names: all that the expression can refer to, and perhaps (in a
// regular expression) a few more.
func variables(src string) []string {
	var out []string
	for i := 0; i < len(src); {
		switch c := src[i]; {
		case c == '"' || c == '\'':
			i = skipString(src, i)
		case c == '`':
			end := strings.IndexByte(src[i+1:], '`')
			if end < 0 {
				return out
			}
			i += end + 2
		case c == '/' && strings.HasPrefix(src[i:], "/*"):
			end := strings.Index(src[i+2:], "*/")
			if end < 0 {
				return out
			}
			i += end + 4
		case c == '$':
			n := nameLength(src[i+1:])
			if name := src[i+1 : i+1+n]; n > 0 && !contains(out, name) {
				out = append(out, name)
			}
			i += 1 + n
		default:
			i++
		}
	}
	return out
}

func skipString(src string, i int) int {
	quote := src[i]
	for i++; i < len(src) && src[i] != quote; i++ {
		if src[i] == '\\' {
			i++
		}
	}
	return i + 1
}

func nameLength(s string) int {
	for i, c := range s {
		if c != '_' && (c < '0' || c > '9') && (c < 'A' || c > 'Z') && (c < 'a' || c > 'z') && c < 0x80 {
			return i
		}
	}
	return len(s)
}

func contains(list []string, s string) bool {
	for _, e := range list {
		if e == s {
			return true
		}
	}
	return false
}

// plainPath takes $name.field.field apart; it returns nil for any other expression.
func plainPath(src string) []string {
	s, ok := strings.CutPrefix(strings.TrimSpace(src), "$")
	if !ok {
		return nil
	}
	parts := strings.Split(s, ".")
	for i, p := range parts {
		if p == "" || nameLength(p) != len(p) || p[0] >= '0' && p[0] <= '9' {
			return nil
		}
		switch p {
		case "and", "or", "in", "null", "true", "false", "function":
			if i > 0 {
				return nil
			}
		}
	}
	return parts
}
