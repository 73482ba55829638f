package jsonata

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// ErrEval refuses $eval, which Step Functions does not have.
var ErrEval = errors.New("the function $eval is not supported")

// A RefusedError is an expression that may be right but that would not be
// evaluated here as in jsonata 2.0.6, the version that Step Functions names.
type RefusedError struct {
	Construct string // as it stands in the expression
	Why       string
}

func (e *RefusedError) Error() string {
	return fmt.Sprintf("JSONata: %s: %s", e.Construct, e.Why)
}

func refuse(construct, why string, args ...any) error {
	return &RefusedError{construct, fmt.Sprintf(why, args...)}
}

// check finds what gnata would evaluate otherwise than jsonata 2.0.6. It
// returns the expression with its regular expressions translated.
func check(src string) (string, error) {
	tokens := tokenize(src)
	for i, t := range tokens {
		if err := checkToken(tokens, i, t); err != nil {
			return "", err
		}
	}
	return translateRegexes(src, tokens)
}

// near is the text of the token at i, or nothing.
func near(tokens []token, i int) string {
	if i < 0 || i >= len(tokens) {
		return ""
	}
	return tokens[i].text
}

func checkToken(tokens []token, i int, t token) error {
	prev, next := near(tokens, i-1), near(tokens, i+1)
	switch t.kind {
	case stringToken, regexToken:
		return nil
	case varToken:
		if t.text == "$eval" {
			return ErrEval
		}
	case nameToken, numberToken:
	}
	switch t.text {
	case "??", "?:":
		return refuse(t.text, "an operator of later versions of JSONata than 2.0.6")
	case "..":
		if t.parent < 0 || tokens[t.parent].text != "[" || !tokens[t.parent].prefix {
			return refuse(t.text, "a range must stand in an array of its own: [1..3]")
		}
	case "$":
		if prev == "." {
			return refuse(".$", "as a step of a path it flattens arrays in another way here; leave it away")
		}
	case "null", "true", "false":
		if prev == "." {
			return refuse("."+t.text, "it cannot be a step of a path; a field of that name is written in quotes")
		}
	case "[":
		if t.prefix && next == "]" && near(tokens, i+2) == "." {
			return refuse("[].", "a path that begins with an empty array")
		}
		if !t.prefix && next == "-" && near(tokens, i+3) == "]" && strings.ContainsAny(near(tokens, i+2), ".eE") {
			return refuse("[-"+near(tokens, i+2)+"]", "an index must be a whole number")
		}
	case "*", "**":
		if t.prefix {
			return refuse(t.text, "a wildcard flattens arrays in another way here; name the fields, or use $each")
		}
	case "%":
		if t.prefix {
			return refuse(t.text, "the parent operator finds parents here where jsonata does not; bind the parent to a variable")
		}
	case "@", "#":
		return refuse(t.text, "variables bound within a path are not seen by the predicates after them here; use $map with its index")
	case "^":
		if end := closing(tokens, i+1); end < 0 || near(tokens, end+1) != "." {
			return refuse(t.text, "an order-by operator that ends a path keeps arrays of one element here; use $sort")
		}
	}
	return nil
}

// closing is the token that closes the bracket at i, or -1.
func closing(tokens []token, i int) int {
	for j := i + 1; j < len(tokens); j++ {
		if tokens[j].parent == i && tokens[j].depth == tokens[i].depth {
			switch tokens[j].text {
			case ")", "]", "}":
				return j
			}
		}
	}
	return -1
}

// takeRegex are the functions that may be given a regular expression.
var takeRegex = []string{"$contains", "$match", "$replace", "$split"}

// translateRegexes replaces the regular expressions of an expression by those
// of Go. A regular expression as a value is a function in jsonata and is not
// in gnata, so it may only be where it cannot be seen as one.
func translateRegexes(src string, tokens []token) (string, error) {
	var b strings.Builder
	done := 0
	var names []string
	for i, t := range tokens {
		if t.kind != regexToken {
			continue
		}
		switch {
		case isRegexArgument(tokens, i):
		case near(tokens, i-1) == ":=" && i > 1 && tokens[i-2].kind == varToken && endsRegex(near(tokens, i+1)):
			names = append(names, tokens[i-2].text)
		default:
			return "", refuse(t.text, "a regular expression can only be an argument of %s, or be assigned to a variable that is one", strings.Join(takeRegex, ", "))
		}
		re, err := goRegex(t.text)
		if err != nil {
			return "", refuse(t.text, "this regular expression would be matched in another way here: %v", err)
		}
		b.WriteString(src[done:t.start])
		b.WriteString(re)
		done = t.end
	}
	if done == 0 {
		return src, nil
	}
	for i, t := range tokens {
		if t.kind == varToken && slices.Contains(names, t.text) && !isRegexArgument(tokens, i) && near(tokens, i+1) != ":=" {
			return "", refuse(t.text, "a variable with a regular expression can only be an argument of %s", strings.Join(takeRegex, ", "))
		}
	}
	return b.String() + src[done:], nil
}

func endsRegex(next string) bool { return next == ";" || next == ")" || next == "" }

// isRegexArgument tells whether the token at i is all of an argument of a
// function that takes a regular expression, and not the first argument but for
// a function that is chained.
func isRegexArgument(tokens []token, i int) bool {
	p := tokens[i].parent
	if p < 1 || tokens[p].text != "(" || !slices.Contains(takeRegex, tokens[p-1].text) {
		return false
	}
	prev, next := near(tokens, i-1), near(tokens, i+1)
	return (prev == "," || prev == "(") && (next == "," || next == ")")
}
