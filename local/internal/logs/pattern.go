package logs

import (
	"strings"

	"github.com/orderflow-cdk/orderflow/local/internal/api"
)

func errNoStream() error {
	return api.Errorf("ResourceNotFoundException", "The specified log stream does not exist.")
}

// term is a part of a filter pattern for text.
type term struct {
	kind byte // 0: must be there; '?': one of these must; '-': must not be there
	text string
}

// compilePattern reads a filter pattern. Without one everything matches.
//
// Source: CloudWatch Logs User Guide, "Filter pattern syntax": terms for unstructured events, with quotation
// marks around what is not only letters, digits and underscores, ? before optional terms and - before those to
// leave out; ? is ignored beside terms that are required. JSON patterns are in jsonpattern.go.
func compilePattern(pattern string) (func(message string) bool, error) {
	p := strings.TrimSpace(pattern)
	switch {
	case p == "":
		return func(string) bool { return true }, nil
	case strings.HasPrefix(p, "{"):
		return compileJSON(p)
	case strings.HasPrefix(p, "["):
		return nil, refusedPattern("space-delimited patterns ([…])")
	case strings.HasPrefix(p, "%"):
		return nil, refusedPattern("regular expressions (%…%)")
	}
	terms, err := parseTerms(p)
	if err != nil {
		return nil, err
	}
	var required, optional, excluded []string
	for _, t := range terms {
		switch t.kind {
		case '?':
			optional = append(optional, t.text)
		case '-':
			excluded = append(excluded, t.text)
		default:
			required = append(required, t.text)
		}
	}
	return func(message string) bool {
		for _, t := range required {
			if !strings.Contains(message, t) {
				return false
			}
		}
		for _, t := range excluded {
			if strings.Contains(message, t) {
				return false
			}
		}
		if len(optional) == 0 || len(required) > 0 {
			return true
		}
		for _, t := range optional {
			if strings.Contains(message, t) {
				return true
			}
		}
		return false
	}, nil
}

func refusedPattern(what string) error {
	return &api.Error{Code: "NotSimulated", Status: 501, Message: "not simulated: filter patterns with " + what +
		"; simulated are terms (error \"a phrase\" ?optional -excluded) and JSON patterns ({ $.level = \"ERROR\" })"}
}

func errPattern(what string) error {
	return errParameter("Invalid filter pattern: %s", what)
}

func parseTerms(p string) ([]term, error) {
	var terms []term
	for p = strings.TrimLeft(p, " \t"); p != ""; p = strings.TrimLeft(p, " \t") {
		var t term
		if p[0] == '?' || p[0] == '-' {
			t.kind, p = p[0], p[1:]
		}
		if strings.HasPrefix(p, "\"") {
			text, rest, ok := quoted(p)
			if !ok {
				return nil, errPattern("a quotation mark is not closed")
			}
			t.text, p = text, rest
		} else {
			end := strings.IndexAny(p, " \t")
			if end < 0 {
				end = len(p)
			}
			t.text, p = p[:end], p[end:]
			for i := 0; i < len(t.text); i++ {
				if c := t.text[i]; !isWord(c) {
					return nil, errPattern("'" + t.text + "' has characters that only a term in quotation marks may have")
				}
			}
		}
		if t.text == "" {
			return nil, errPattern("a term is empty")
		}
		terms = append(terms, t)
	}
	return terms, nil
}

// quoted reads a text in quotation marks, of which \" is one and \\ a backslash.
func quoted(p string) (text, rest string, ok bool) {
	var b strings.Builder
	for i := 1; i < len(p); i++ {
		switch {
		case p[i] == '\\' && i+1 < len(p) && (p[i+1] == '"' || p[i+1] == '\\'):
			i++
			b.WriteByte(p[i])
		case p[i] == '"':
			return b.String(), p[i+1:], true
		default:
			b.WriteByte(p[i])
		}
	}
	return "", "", false
}

func isWord(c byte) bool {
	return c == '_' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= 0x80
}
